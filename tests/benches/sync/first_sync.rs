//! Two processes: one holds what a country's schools published, the other has just joined; and then was
//! away.

use std::thread;
use std::time::{Duration, Instant};

use serde_bytes::ByteBuf;
use serde_json::Value;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry};
use staffroom_protocol::group::statement::{Act, Admission};
use staffroom_protocol::group::{Claims, GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::record::Summary;
use staffroom_tests::School;
use staffroom_tests::mallory::Mallory;

/// Schools that published, in turns: in a run of neighbours there are many.
const AUTHORS: usize = 300;

/// Entries that are stored at once on the side that holds them.
const BATCH: usize = 4_000;

/// How often the node is asked how far it is.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// After so long without an end something is wrong.
const PATIENCE: Duration = Duration::from_secs(900);

const MEBIBYTE: f64 = 1_048_576.0;

struct Author {
    certificate: NodeCertificate,
    node: SecretKey,
}

impl Author {
    fn new(number: usize) -> Self {
        let seed = |sort: u8| *Hash::of(&[&number.to_be_bytes()[..], &[sort]].concat()).as_bytes();
        let (school, node) = (SecretKey::from_seed(&seed(0)), SecretKey::from_seed(&seed(1)));
        Self { certificate: NodeCertificate::issue(&school, node.public(), 1), node }
    }

    /// A record of about the size that abstracts of research have.
    fn entry(&self, group: GroupId, number: u32) -> Vec<u8> {
        let title = format!("Reading aloud in pairs, class {number}");
        let summary = Summary { abstract_text: ABSTRACT.into(), title, ..Summary::default() };
        let hash = Hash::of(&number.to_be_bytes());
        let draft = Draft {
            group,
            record: RecordId::from_bytes(hash.as_bytes()[..16].try_into().expect("16 bytes")),
            clock: Timestamp::from_millis(1_700_000_000_000 + u64::from(number) * 20_000),
            kind: "intervention".into(),
            content: Some((summary, BlobRef { hash, size: 100 })),
            school: None,
        };
        Entry::sign(draft, &self.certificate, &self.node).expect("an entry").as_bytes().to_vec()
    }
}

const ABSTRACT: &str = "Pupils who had fallen behind read aloud to a partner for ten minutes on four \
    days a week, with a teaching assistant who listened in. Fluency was measured before and after.";

/// Measures a first sync of so many entries, and then a return after so many more.
pub(crate) fn run(entries: u32, away: u32) {
    let sender = Mallory::start();
    let group = sender.node.create_group("Fenland Trust", GroupKind::Trust).expect("a group");
    let authors: Vec<Author> = (0..AUTHORS).map(Author::new).collect();
    admit(&sender, group, &authors);
    publish(&sender, group, &authors, 0..entries);
    let mut receiver = School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), "Ash Primary");
    receiver.start();
    let invite = sender.invite(&group);
    let started = Instant::now();
    receiver.done(&["group", "join", &invite.to_string(), "--yes"]);
    println!("first sync of an empty node over loopback, {entries} entries of {AUTHORS} schools");
    follow(&receiver, entries, started);
    println!();

    receiver.stop();
    publish(&sender, group, &authors, entries..entries + away);
    println!("return of a node that was away while {away} were published");
    let started = Instant::now();
    receiver.start();
    follow(&receiver, entries + away, started);
}

/// Lets the authors' schools in.
fn admit(sender: &Mallory, group: GroupId, authors: &[Author]) {
    let identity = sender.node.identity();
    let mut membership =
        sender.node.with_membership(&group, Clone::clone).expect("the group's founder is in it");
    let mut statements = Vec::new();
    for (number, author) in authors.iter().enumerate() {
        let claims =
            Claims { name: format!("School {number}"), urn: None, phase: None, location: None };
        let act = Act::Admit(Admission {
            certificate: ByteBuf::from(author.certificate.as_bytes()),
            claims,
            role: Role::Member,
            invite: Hash::of(&number.to_be_bytes()),
        });
        let clock = Timestamp::from_millis(1_600_000_000_000);
        let statement = membership
            .sign(act, clock, identity.certificate(), identity.node_key())
            .expect("an admission");
        membership.extend([statement.clone()]);
        statements.push(ByteBuf::from(statement.as_bytes()));
    }
    sender.node.accept_statements(group, &statements).expect("the admissions are stored");
}

fn publish(sender: &Mallory, group: GroupId, authors: &[Author], numbers: std::ops::Range<u32>) {
    let started = Instant::now();
    let (count, own) = (numbers.len(), sender.node.identity().node_key().public());
    let numbers: Vec<u32> = numbers.collect();
    for batch in numbers.chunks(BATCH) {
        let entry = |number: &u32| authors[*number as usize % AUTHORS].entry(group, *number);
        let entries: Vec<Vec<u8>> = batch.iter().map(entry).collect();
        sender
            .node
            .accept_entries(group, entries.iter().map(Vec::as_slice), own)
            .expect("the entries are stored");
    }
    println!("{count} entries made and stored in {:.1} s", started.elapsed().as_secs_f64());
    // What is measured next has both cores.
    while !sender.node.indexer().is_up_to_date(sender.node.store()) {
        assert!(started.elapsed() < PATIENCE, "the sender's index stands still");
        thread::sleep(BETWEEN_LOOKS);
    }
}

/// Looks how far a node is until it holds so many entries and finds all of them.
fn follow(receiver: &School, entries: u32, started: Instant) {
    let agent = ureq::Agent::new_with_defaults();
    let (mut all_held, mut most_memory, mut told) = (None, 0.0, 0);
    let first = held(&receiver.api(&agent, "/status"));
    loop {
        let status = receiver.api(&agent, "/status");
        let seconds = started.elapsed();
        most_memory = memory(receiver).max(most_memory);
        if seconds.as_secs() / 10 > told {
            told = seconds.as_secs() / 10;
            let documents = &status["index"]["documents"];
            let under_way = &status["groups"][0]["comparisons"]["under_way"][0];
            let (held, lacking) = (held(&status), under_way["lacking"].as_u64().unwrap_or(0));
            println!(
                "  after {:>3.0} s: {held} entries held, {lacking} known to be lacking, {documents} \
                 found by a search, {:.0} MiB",
                seconds.as_secs_f64(),
                memory(receiver)
            );
        }
        if held(&status) >= u64::from(entries) && all_held.is_none() {
            all_held = Some((seconds, most_memory, receiver.core_seconds()));
        }
        if all_held.is_some() && status["index"]["up_to_date"] == true {
            break;
        }
        assert!(seconds < PATIENCE, "{status}");
        thread::sleep(BETWEEN_LOOKS);
    }
    let searchable = started.elapsed().as_secs_f64();
    let (held_after, memory_then, core_seconds) = all_held.unwrap_or_default();
    let came = f64::from(entries) - first as f64;
    let rate = came / held_after.as_secs_f64();
    println!(
        "  verified, journalled and stored after {:.1} s: {rate:.0} entries a second, {:.0} µs of a \
         core each on this side, resident memory {memory_then:.0} MiB at most",
        held_after.as_secs_f64(),
        core_seconds * 1e6 / came
    );
    println!(
        "  all found by a search after {searchable:.1} s, resident memory {most_memory:.0} MiB at most"
    );
}

fn held(status: &Value) -> u64 {
    status["groups"][0]["entries"].as_u64().unwrap_or(0)
}

fn memory(receiver: &School) -> f64 {
    receiver.resident_bytes() as f64 / MEBIBYTE
}
