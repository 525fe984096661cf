//! Keeps what is bulky within the ceilings of the line: comparisons, the entries that they bring,
//! full texts and files. Gossip and what members say of each other always pass, and so do small
//! questions; what answers to them weigh is counted.
//!
//! A question whose answer may be bulky waits until what came before is made up for, so that the
//! other node is asked no more than the line takes. A bulky answer waits likewise, in the order of
//! the questions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_bytes::ByteBuf;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{ANSWER_CONTENT_BYTES, Refusal, Request, Response};
use staffroom_protocol::sync::set::Bound;
use staffroom_protocol::sync::sketch::ShortId;
use staffroom_protocol::wire;
use tokio::sync::Semaphore;

use super::AskError;
use crate::line::bucket::Bucket;
use crate::line::rate::Rate;
use crate::line::{Ceilings, Line};

/// How many seconds of its ceiling one answer may take: enough that the envelope weighs little, few
/// enough that several nodes that ask at once all get theirs in time.
const SECONDS_AN_ANSWER: f64 = 4.0;

/// An answer has at least this much room under any ceiling: thirty summaries, or a text of the usual
/// length, for one round trip.
const LEAST_ANSWER_BYTES: usize = 64 * 1024;

/// What one entry weighs, about: most summaries have a few hundred bytes to two thousand.
const ENTRY_BYTES: usize = 2 * 1024;

/// What the answer to a question weighs that only looks for differences, about.
const COMPARISON_BYTES: u64 = 4 * 1024;

/// Packets have headers and are acknowledged: about a sixteenth on top of what they carry.
const HEADERS: u64 = 16;

/// How long an answer may wait for its turn: the node that asked gives up after a minute, and has
/// to receive it yet.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// How long it may wait for a node that has an answer waiting already, so that nobody who asks much
/// takes the whole line.
const LONGEST_WAIT_FOR_MORE: Duration = Duration::from_secs(15);

/// Answers that wait at once, of a megabyte at most.
const MAX_WAITING_ANSWERS: usize = 32;

/// Questions that wait at once: a few comparisons, the full texts, and the files that people open.
const MAX_WAITING_QUESTIONS: usize = 64;

/// How often a question that waits looks whether the ceiling has changed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What passes on the line, and what waits for it.
#[derive(Debug)]
pub(super) struct Pace {
    line: Arc<Line>,
    received: Mutex<Bucket>,
    sent: Mutex<Sent>,
    /// Held by the question that is next; the others wait behind it in the order of their coming.
    turn: tokio::sync::Mutex<()>,
    places: Semaphore,
}

/// What was sent, and how many answers wait to be sent to each node.
#[derive(Debug)]
struct Sent {
    bucket: Bucket,
    waiting: BTreeMap<PublicKey, usize>,
}

impl Pace {
    pub(super) fn new(line: Arc<Line>) -> Self {
        let now = Instant::now();
        Self {
            line,
            received: Mutex::new(Bucket::new(now)),
            sent: Mutex::new(Sent { bucket: Bucket::new(now), waiting: BTreeMap::new() }),
            turn: tokio::sync::Mutex::default(),
            places: Semaphore::new(MAX_WAITING_QUESTIONS),
        }
    }

    fn ceilings(&self) -> Ceilings {
        self.line.ceilings(Timestamp::now())
    }

    /// Whether there is a ceiling on what this node receives.
    pub(super) fn is_limited(&self) -> bool {
        self.ceilings().receiving.0.is_some()
    }

    /// How many bytes of content are asked for at once.
    pub(super) fn answer_bytes(&self) -> usize {
        answer_bytes(self.ceilings().receiving.0)
    }

    /// How many bytes of a file are sent at once.
    pub(super) fn range_bytes(&self) -> u64 {
        answer_bytes(self.ceilings().sending.0) as u64
    }

    /// Waits until a question may be asked, and makes it smaller where the ceiling is low; returns
    /// how many bytes were set aside for its answer.
    ///
    /// # Errors
    /// [`AskError::LineFull`] if too many questions wait.
    pub(super) async fn before_asking(&self, request: &mut Request) -> Result<u64, AskError> {
        if expected_bytes(request) == 0 || !self.is_limited() {
            return Ok(0);
        }
        let _place = self.places.try_acquire().map_err(|_| AskError::LineFull)?;
        let _turn = self.turn.lock().await;
        loop {
            let ceiling = self.ceilings().receiving.0;
            let wait = self.received().wait(ceiling, Instant::now());
            if wait.is_zero() {
                ask_for_less(request, answer_bytes(ceiling));
                let expected = expected_bytes(request);
                self.received().add(expected);
                return Ok(expected);
            }
            tokio::time::sleep(wait.min(LOOK_AGAIN)).await;
        }
    }

    /// Counts what an answer weighed, in place of what was set aside for it.
    pub(super) fn answered(&self, expected: u64, answer: &Result<Response, AskError>) {
        if !self.is_limited() {
            return;
        }
        let weight = answer.as_ref().map_or(0, weight);
        let mut received = self.received();
        received.give_back(expected);
        received.add(weight);
    }

    /// Waits until an answer may be sent, and makes it shorter where the ceiling is low; a bulky one
    /// that would come too late is refused, and so is one that a node may not have any more when its
    /// turn comes.
    pub(super) async fn before_answering(
        &self,
        peer: PublicKey,
        response: Response,
        may_have_it: impl Fn() -> bool,
    ) -> Response {
        let ceiling = self.ceilings().sending.0;
        if ceiling.is_none() {
            return response;
        }
        let response = shortened(response, answer_bytes(ceiling));
        let weight = weight(&response);
        if !is_bulky(&response) {
            let mut sent = self.sent();
            sent.bucket.wait(ceiling, Instant::now());
            sent.bucket.add(weight);
            return response;
        }
        let Some(wait) = self.sent().place(peer, weight, ceiling, Instant::now()) else {
            return Response::Refused(Refusal::Busy);
        };
        tokio::time::sleep(wait).await;
        self.sent().left(&peer);
        if may_have_it() { response } else { Response::Refused(Refusal::NotShared) }
    }

    fn received(&self) -> MutexGuard<'_, Bucket> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sent(&self) -> MutexGuard<'_, Sent> {
        self.sent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    /// Gives an answer a place among those that wait, and says how long that is; none where too many
    /// wait, or too long.
    fn place(
        &mut self,
        peer: PublicKey,
        bytes: u64,
        ceiling: Option<Rate>,
        now: Instant,
    ) -> Option<Duration> {
        let wait = self.bucket.wait(ceiling, now);
        let longest =
            if self.waiting.contains_key(&peer) { LONGEST_WAIT_FOR_MORE } else { LONGEST_WAIT };
        let full = self.waiting.values().sum::<usize>() >= MAX_WAITING_ANSWERS;
        if wait > longest || full {
            return None;
        }
        self.bucket.add(bytes);
        *self.waiting.entry(peer).or_default() += 1;
        Some(wait)
    }

    fn left(&mut self, peer: &PublicKey) {
        if let Some(count) = self.waiting.get_mut(peer) {
            *count -= 1;
            if *count == 0 {
                self.waiting.remove(peer);
            }
        }
    }
}

/// How many bytes of content fit one answer under a ceiling.
fn answer_bytes(ceiling: Option<Rate>) -> usize {
    let Some(rate) = ceiling else { return ANSWER_CONTENT_BYTES };
    let bytes = (rate.bytes_a_second() * SECONDS_AN_ANSWER) as usize;
    bytes.clamp(LEAST_ANSWER_BYTES, ANSWER_CONTENT_BYTES)
}

/// What bytes of content weigh on the line.
fn on_the_line(bytes: usize) -> u64 {
    let bytes = bytes as u64;
    bytes + bytes / HEADERS
}

/// What the answer to a question weighs at most or about; nothing where the question never waits.
fn expected_bytes(request: &Request) -> u64 {
    match request {
        Request::Compare { .. } | Request::Symbols { .. } | Request::Describe { .. } => {
            COMPARISON_BYTES
        }
        Request::Entries { ids, .. } => {
            let entries = ids.len() / size_of::<ShortId>();
            on_the_line((entries * ENTRY_BYTES).min(ANSWER_CONTENT_BYTES))
        }
        Request::EntriesIn { .. } | Request::Blobs { .. } => on_the_line(ANSWER_CONTENT_BYTES),
        Request::BlobRange { length, .. } => {
            on_the_line(usize::try_from(*length).unwrap_or(usize::MAX).min(ANSWER_CONTENT_BYTES))
        }
        Request::Join { .. }
        | Request::Groups { .. }
        | Request::Return { .. }
        | Request::Introduce { .. }
        | Request::Peers { .. }
        | Request::Statements { .. }
        | Request::Receipts { .. }
        | Request::News { .. }
        | Request::Holding { .. }
        | Request::Ordered { .. }
        | Request::Heard { .. }
        | Request::Withdraw { .. } => 0,
    }
}

/// Leaves away ids of entries whose answer would be too long; a comparison asks for the rest next.
fn ask_for_less(request: &mut Request, most: usize) {
    if let Request::Entries { ids, .. } = request {
        ids.truncate((most / ENTRY_BYTES).max(1) * size_of::<ShortId>());
    }
}

/// Whether an answer waits for the line.
fn is_bulky(response: &Response) -> bool {
    matches!(
        response,
        Response::Symbols { .. }
            | Response::Described { .. }
            | Response::EntriesIn { .. }
            | Response::Entries { .. }
            | Response::Blobs { .. }
            | Response::BlobRange { .. }
    )
}

/// What an answer weighs on the line.
fn weight(response: &Response) -> u64 {
    on_the_line(wire::encode(response).len())
}

/// An answer that carries no more than `most` bytes, or one item; whoever asked asks for the rest.
fn shortened(mut response: Response, most: usize) -> Response {
    if let Response::Entries { entries: items, .. } | Response::Blobs { blobs: items } =
        &mut response
    {
        items.truncate(fitting(items, most));
    }
    if let Response::EntriesIn { entries, next, .. } = &mut response {
        let fitting = fitting(entries, most);
        if fitting < entries.len()
            && let Some(Ok(last)) = entries[..fitting].last().map(|bytes| Entry::reopen(bytes))
        {
            *next = Some(Bound::after(last.clock(), &last.hash()));
            entries.truncate(fitting);
        }
    }
    response
}

/// How many of the first items fit, one at least.
fn fitting(items: &[ByteBuf], most: usize) -> usize {
    let mut bytes = 0;
    let fit = items.iter().take_while(|item| {
        bytes += item.len();
        bytes <= most
    });
    fit.count().max(1)
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::clock::Timestamp as EntryClock;
    use staffroom_protocol::entry::Draft;
    use staffroom_protocol::hash::{GroupId, Hash, RecordId};
    use staffroom_protocol::identity::{NodeCertificate, SecretKey};

    use super::*;
    use crate::line::LineSettings;
    use crate::store::{DiskStore, Options};

    fn peer(number: u8) -> PublicKey {
        SecretKey::from_seed(&[number; 32]).public()
    }

    #[test]
    fn answers_wait_in_turn_and_no_node_takes_the_whole_line() {
        let (start, ceiling) = (Instant::now(), Some("256 kbit/s".parse().unwrap()));
        let mut sent = Sent { bucket: Bucket::new(start), waiting: BTreeMap::new() };
        // Answers of four seconds each, to one node that asks for as many as it can.
        let mut place = |number, now| sent.place(peer(number), 128_000, ceiling, now);
        let waits: Vec<u64> =
            std::iter::from_fn(|| place(1, start)).map(|one| one.as_secs()).collect();
        assert_eq!(waits, [0, 4, 8, 12]);
        // Others still have their turn, as long as theirs would come in time.
        let others: Vec<Option<Duration>> = (2..8).map(|number| place(number, start)).collect();
        let in_time = [16, 20, 24, 28].map(|seconds| Some(Duration::from_secs(seconds)));
        assert_eq!(others, [in_time.as_slice(), &[None, None]].concat());
        // What was refused is not owed, and time makes up for the rest.
        assert_eq!(place(6, start + Duration::from_secs(2)), Some(Duration::from_secs(30)));
        sent.left(&peer(1));
        assert_eq!(sent.waiting.values().sum::<usize>(), 8);
    }

    #[test]
    fn no_more_answers_wait_than_there_is_memory_for() {
        let start = Instant::now();
        let mut sent = Sent { bucket: Bucket::new(start), waiting: BTreeMap::new() };
        let ceiling = Some("1 Gbit/s".parse().unwrap());
        let placed =
            (0..100).filter(|number| sent.place(peer(*number), 1, ceiling, start).is_some());
        assert_eq!(placed.count(), MAX_WAITING_ANSWERS);
    }

    #[test]
    fn a_low_ceiling_makes_questions_and_answers_smaller() {
        assert_eq!(answer_bytes(None), ANSWER_CONTENT_BYTES);
        assert_eq!(answer_bytes(Some("256 kbit/s".parse().unwrap())), 128_000);
        assert_eq!(answer_bytes(Some("64 kbit/s".parse().unwrap())), LEAST_ANSWER_BYTES);
        assert_eq!(answer_bytes(Some("1 Gbit/s".parse().unwrap())), ANSWER_CONTENT_BYTES);

        let group = GroupId::from_bytes([1; 32]);
        let mut request = Request::Entries { group, ids: ByteBuf::from(vec![7; 8 * 1_000]) };
        ask_for_less(&mut request, 128_000);
        assert_eq!(expected_bytes(&request), on_the_line(62 * ENTRY_BYTES));

        let blobs = |sizes: &[usize]| Response::Blobs {
            blobs: sizes.iter().map(|size| ByteBuf::from(vec![0; *size])).collect(),
        };
        assert_eq!(shortened(blobs(&[60, 40, 1]), 100), blobs(&[60, 40]));
        assert_eq!(shortened(blobs(&[101, 1]), 100), blobs(&[101]), "one passes always");
        // A part of it would prove nothing; it is no more than the line takes when it is read.
        let piece = Response::BlobRange { length: 300, slice: ByteBuf::from(vec![0; 300]) };
        assert_eq!(shortened(piece.clone(), 100), piece);
        let empty = Response::Entries { entries: Vec::new(), membership: Hash::of(b"") };
        assert_eq!(shortened(empty.clone(), 100), empty);
    }

    #[test]
    fn a_range_that_is_cut_short_goes_on_after_the_last_entry_that_is_told() {
        let (school, node) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let certificate = NodeCertificate::issue(&school, node.public(), 0);
        let written: Vec<Entry> = (1..=5)
            .map(|number| {
                let draft = Draft {
                    group: GroupId::from_bytes([1; 32]),
                    record: RecordId::from_bytes([number; 16]),
                    clock: EntryClock::default().next(u64::from(number) * 1_000),
                    kind: "intervention".into(),
                    content: None,
                    school: None,
                };
                Entry::sign(draft, &certificate, &node).unwrap()
            })
            .collect();
        let entries: Vec<ByteBuf> =
            written.iter().map(|entry| ByteBuf::from(entry.as_bytes())).collect();
        let membership = Hash::of(b"");
        let whole = Response::EntriesIn { entries: entries.clone(), next: None, membership };
        let room = entries.iter().map(|entry| entry.len()).sum();
        assert_eq!(shortened(whole.clone(), room), whole);
        let Response::EntriesIn { entries: told, next, .. } =
            shortened(whole, entries[0].len() + entries[1].len())
        else {
            panic!("a page stays a page")
        };
        assert_eq!(told, entries[..2]);
        assert_eq!(next, Some(Bound::after(written[1].clock(), &written[1].hash())));
    }

    #[tokio::test]
    async fn an_answer_that_waits_is_not_sent_to_whoever_was_removed_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let store = DiskStore::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
        let line = Arc::new(Line::open(Arc::new(store)).unwrap());
        let ceilings = Ceilings { sending: "64 kbit/s".parse().unwrap(), ..Ceilings::default() };
        let settings =
            LineSettings { within: ceilings, outside: ceilings, ..LineSettings::default() };
        line.set(Some(settings)).unwrap();
        let pace = Pace::new(line);
        let piece = Response::BlobRange { length: 4_000, slice: ByteBuf::from(vec![0; 4_000]) };
        let first = pace.before_answering(peer(1), piece.clone(), || true).await;
        assert_eq!(first, piece);
        let started = Instant::now();
        let next = pace.before_answering(peer(1), piece, || false).await;
        assert!(next == Response::Refused(Refusal::NotShared), "it was sent");
        assert!(started.elapsed() > Duration::from_millis(400), "it waited for the first");
    }
}
