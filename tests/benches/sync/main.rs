//! What it costs two nodes of a national network to find what one of them lacks, beside plain
//! negentropy over a vector that is built for each session, and beside sending all ids.
//!
//! `cargo bench -p staffroom-tests --bench sync`

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]
#![expect(clippy::wildcard_enum_match_arm, reason = "a comparison takes few of all messages")]

mod first_sync;

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use negentropy::{Id, Negentropy, NegentropyStorageVector};
use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::message::{Request, Response};
use staffroom_protocol::sync::session::{Output, Session};
use staffroom_protocol::sync::set::{Bound, Range};
use staffroom_protocol::sync::{ContentSet, answer};
use staffroom_protocol::wire;

/// Entries of a country's schools.
const ENTRIES: u32 = 1_200_000;

/// Negentropy's frames, as far as its own users limit them.
const FRAME_BYTES: u64 = 60 * 1024;

/// Entries that are published while a node is away.
const AWAY: u32 = 100_000;

/// Inserts that are timed.
const INSERTS: u32 = 100_000;

type Entry = (Timestamp, Hash);

/// An entry's place: its bytes are its number alone, since their size is not what is measured.
fn entry(number: u32) -> Entry {
    (Timestamp::from_millis(1_700_000_000_000 + u64::from(number) * 20_000), hash(number))
}

fn hash(number: u32) -> Hash {
    Hash::of(&number.to_be_bytes())
}

#[derive(Default)]
struct Cost {
    round_trips: u32,
    /// Round trips that brought entries.
    fetches: u32,
    bytes: usize,
    asking: Duration,
    answering: Duration,
    found: usize,
}

fn main() {
    if std::env::args().any(|argument| argument == "--only-first-sync") {
        return first_sync::run(
            number_after("--first-sync", ENTRIES),
            number_after("--away", AWAY),
        );
    }
    let all: Vec<u32> = (0..ENTRIES).collect();
    let set = ContentSet::new(all.iter().copied().map(entry));
    let without = |lacks: &dyn Fn(u32) -> bool| -> Vec<u32> {
        all.iter().copied().filter(|number| !lacks(*number)).collect()
    };
    NUMBERS.with(|numbers| assert_eq!(numbers.0.len(), set.len()));
    println!("{ENTRIES} entries on one side; round trips to compare and to fetch, bytes both");
    println!(
        "ways besides the entries, milliseconds of a core for the asking and the answering side\n"
    );
    println!(
        "{:<24}{:<22}{:>6}{:>6}{:>12}{:>9}{:>9}{:>9}",
        "what the other lacks", "", "trips", "fetch", "bytes", "ask", "answer", "found"
    );
    let every = |step: u32| move |number: u32| number % step == step / 2;
    let cases: [(&str, Vec<u32>); 7] = [
        ("nothing", all.clone()),
        ("the newest one", without(&|number| number >= ENTRIES - 1)),
        ("the newest 100", without(&|number| number >= ENTRIES - 100)),
        ("the newest 10,000", without(&|number| number >= ENTRIES - 10_000)),
        ("100 here and there", without(&every(ENTRIES / 100))),
        ("1,000 here and there", without(&every(ENTRIES / 1_000))),
        ("10,000 here and there", without(&every(ENTRIES / 10_000))),
    ];
    for (what, held) in cases {
        let ours = ours(&held, &set);
        let theirs = negentropy_rebuilt(&held, &all);
        let ids = all_ids(&held);
        print(what, "this program", &ours, None);
        print("", "negentropy, rebuilt", &theirs, Some(&ours));
        print("", "sending all ids", &ids, Some(&ours));
    }
    println!();
    time_changes(&set);
    drop(set);
    println!();
    first_sync::run(number_after("--first-sync", ENTRIES), number_after("--away", AWAY));
}

/// The number behind an argument.
fn number_after(argument: &str, otherwise: u32) -> u32 {
    let arguments: Vec<String> = std::env::args().collect();
    let place = arguments.iter().position(|one| one == argument);
    place.map_or(otherwise, |place| arguments[place + 1].parse().expect("a number"))
}

fn print(what: &str, who: &str, cost: &Cost, beside: Option<&Cost>) {
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let ratio = beside.map_or(String::new(), |ours| {
        let bytes = cost.bytes as f64 / ours.bytes as f64;
        let time = (cost.asking + cost.answering).as_secs_f64();
        let time = time / (ours.asking + ours.answering).as_secs_f64();
        format!("  {bytes:.1} × the bytes, {time:.1} × the time")
    });
    println!(
        "{what:<24}{who:<22}{:>6}{:>6}{:>12}{:>9.2}{:>9.2}{:>9}{ratio}",
        cost.round_trips,
        cost.fetches,
        cost.bytes,
        millis(cost.asking),
        millis(cost.answering),
        cost.found
    );
}

/// The digest of a membership set without statements, which both sides have.
fn no_statements() -> Hash {
    Hash::of(b"")
}

/// A session as a node runs it, with each message encoded and decoded.
fn ours(held: &[u32], set: &ContentSet) -> Cost {
    const ENTRIES_IN: usize = 1_400;
    let own = ContentSet::new(held.iter().copied().map(entry));
    let group = GroupId::from_bytes([1; 32]);
    let mut session = Session::new(group, no_statements());
    let mut cost = Cost::default();
    let mut found = BTreeSet::new();
    loop {
        let started = Instant::now();
        let output = session.poll().expect("something to do");
        cost.asking += started.elapsed();
        match output {
            Output::Send(Request::Statements { .. }) => {
                let none = Response::Statements {
                    statements: Vec::new(),
                    more: false,
                    digest: no_statements(),
                };
                session.handle_response(none, &own).expect("no statements");
            }
            Output::WantContentSet => {
                let started = Instant::now();
                session.handle_content_set(&own).expect("a comparison");
                cost.asking += started.elapsed();
            }
            Output::Send(request) => {
                let asked = wire::encode(&request);
                let started = Instant::now();
                let request: Request = wire::decode(&asked, asked.len()).expect("a request");
                let (response, entries) = answered(set, request, ENTRIES_IN);
                let told = wire::encode(&response);
                cost.answering += started.elapsed();
                found.extend(entries);
                cost.bytes += asked.len() + told.len() - content_bytes(&response);
                if matches!(response, Response::Entries { .. } | Response::EntriesIn { .. }) {
                    cost.fetches += 1;
                } else {
                    cost.round_trips += 1;
                }
                let started = Instant::now();
                let response: Response = wire::decode(&told, told.len()).expect("a response");
                session.handle_response(response, &own).expect("an answer");
                cost.asking += started.elapsed();
            }
            Output::Statements(_) | Output::Entries(_) => {}
            Output::Done => break,
        }
    }
    cost.found = found.len();
    assert_eq!(cost.found, set.len() - held.len(), "all that is lacking, and nothing else");
    cost
}

/// The answer, and the entries in it; an entry's bytes stand for its hash.
fn answered(set: &ContentSet, request: Request, most: usize) -> (Response, Vec<Hash>) {
    let bytes = |hash: &Hash| {
        let number = NUMBERS.with(|numbers| numbers.get(hash.as_bytes()).copied());
        ByteBuf::from(number.expect("a known entry").to_be_bytes())
    };
    match request {
        Request::Compare { count, digest, .. } => {
            (answer::compare(set, count, &digest), Vec::new())
        }
        Request::Symbols { count, .. } => (answer::symbols(set, count.into()), Vec::new()),
        Request::Describe { ranges, .. } => (answer::describe(set, &ranges), Vec::new()),
        Request::Entries { ids, .. } => {
            let found = |id: &[u8]| NUMBERS.with(|numbers| numbers.get_by_start(id));
            let hashes: Vec<Hash> = ids.chunks(8).filter_map(found).collect();
            let entries = hashes.iter().map(bytes).collect();
            (Response::Entries { entries, membership: no_statements() }, hashes)
        }
        Request::EntriesIn { range, .. } => {
            let mut rest = set.range(&range);
            let first: Vec<Entry> = rest.by_ref().take(most).collect();
            let next = rest.next().and(first.last());
            let next = next.map(|(clock, hash)| Bound::after(*clock, hash));
            let entries = first.iter().map(|(_, hash)| bytes(hash)).collect();
            let hashes = first.into_iter().map(|(_, hash)| hash).collect();
            (Response::EntriesIn { entries, next, membership: no_statements() }, hashes)
        }
        other => panic!("a session does not ask {other:?}"),
    }
}

/// Bytes of the entries themselves in an answer.
fn content_bytes(response: &Response) -> usize {
    match response {
        Response::Entries { entries, .. } | Response::EntriesIn { entries, .. } => {
            entries.iter().map(|entry| entry.len()).sum()
        }
        _ => 0,
    }
}

/// The numbers of all entries by hash.
struct Numbers(Vec<(Hash, u32)>);

impl Numbers {
    fn get(&self, hash: &[u8; 32]) -> Option<&u32> {
        let place = self.0.binary_search_by(|(one, _)| one.as_bytes().cmp(hash)).ok()?;
        self.0.get(place).map(|(_, number)| number)
    }

    fn get_by_start(&self, id: &[u8]) -> Option<Hash> {
        let place = self.0.partition_point(|(hash, _)| &hash.as_bytes()[..id.len()] < id);
        let (hash, _) = self.0.get(place)?;
        hash.as_bytes().starts_with(id).then_some(*hash)
    }
}

thread_local! {
    static NUMBERS: Numbers = {
        let mut numbers: Vec<(Hash, u32)> = (0..ENTRIES).map(|one| (hash(one), one)).collect();
        numbers.sort_unstable();
        Numbers(numbers)
    };
}

fn vector(numbers: &[u32]) -> NegentropyStorageVector {
    let mut vector = NegentropyStorageVector::with_capacity(numbers.len());
    for (clock, hash) in numbers.iter().copied().map(entry) {
        vector.insert(clock.as_u64(), Id::from_byte_array(*hash.as_bytes())).expect("an item");
    }
    vector.seal().expect("a vector");
    vector
}

/// Plain negentropy, with the vector built for the session on either side; the ids of what is lacking
/// are asked for with 32 bytes each.
fn negentropy_rebuilt(held: &[u32], all: &[u32]) -> Cost {
    let mut cost = Cost::default();
    let started = Instant::now();
    let own = vector(held);
    let mut asking = Negentropy::borrowed(&own, FRAME_BYTES).expect("a session");
    let mut message = asking.initiate().expect("a message");
    cost.asking += started.elapsed();
    let started = Instant::now();
    let theirs = vector(all);
    cost.answering += started.elapsed();
    let (mut have, mut need) = (Vec::new(), Vec::new());
    loop {
        let started = Instant::now();
        let mut answering = Negentropy::borrowed(&theirs, FRAME_BYTES).expect("a session");
        let answer = answering.reconcile(&message).expect("an answer");
        cost.answering += started.elapsed();
        cost.round_trips += 1;
        cost.bytes += message.len() + answer.len();
        let started = Instant::now();
        let next = asking.reconcile_with_ids(&answer, &mut have, &mut need).expect("an answer");
        cost.asking += started.elapsed();
        match next {
            Some(next) => message = next,
            None => break,
        }
    }
    // What a frame cut short is told again.
    need.sort_unstable();
    need.dedup();
    cost.found = need.len();
    cost.bytes += 32 * need.len();
    cost
}

/// One side sends all it has, and the other picks what it lacks.
fn all_ids(held: &[u32]) -> Cost {
    let mut cost = Cost { round_trips: 1, ..Cost::default() };
    let started = Instant::now();
    let sent: Vec<u8> = (0..ENTRIES).flat_map(|number| *hash(number).as_bytes()).collect();
    cost.answering = started.elapsed();
    let started = Instant::now();
    let own: std::collections::HashSet<Hash> = held.iter().copied().map(hash).collect();
    let theirs = sent.as_chunks::<32>().0.iter().copied().map(Hash::from_bytes);
    cost.found = theirs.filter(|hash| !own.contains(hash)).count();
    cost.asking = started.elapsed();
    cost.bytes = sent.len() + 32 * cost.found;
    cost
}

/// What it takes to keep fingerprints and sketch true.
fn time_changes(set: &ContentSet) {
    let fresh: Vec<Entry> = (ENTRIES..ENTRIES + INSERTS).map(entry).collect();
    let anywhere: Vec<Entry> = (0..INSERTS)
        .map(|number| {
            let place = u64::from(number.wrapping_mul(2_654_435_761) % ENTRIES);
            (Timestamp::from_millis(1_700_000_000_001 + place * 20_000), hash(ENTRIES + number))
        })
        .collect();
    for (what, entries) in [("an insert, newest last", fresh), ("an insert, anywhere", anywhere)] {
        let mut set = set.clone();
        let started = Instant::now();
        for (clock, hash) in &entries {
            assert!(set.insert(*clock, hash));
        }
        let each = started.elapsed() / INSERTS;
        println!("{what:<40}{:>10.2} µs", each.as_secs_f64() * 1e6);
    }
    for (what, looks) in [("the digest of the whole set", true), ("its ordered hash", false)] {
        let started = Instant::now();
        if looks {
            std::hint::black_box(set.digest());
        } else {
            std::hint::black_box(set.ordered_hash());
        }
        println!("{what:<40}{:>10.2} µs", started.elapsed().as_secs_f64() * 1e6);
    }
    let started = Instant::now();
    std::hint::black_box(set.split(&Range::whole(), 16));
    println!("{:<40}{:>10.2} µs", "a split of all in 16", started.elapsed().as_secs_f64() * 1e6);
}
