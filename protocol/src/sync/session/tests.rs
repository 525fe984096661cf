//! Sessions between nodes whose sets differ in every way, and with peers that mean harm.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::answer;
use super::*;
use crate::clock::Timestamp;
use crate::sync::message::{Ordered, OrderedPart};

const GROUP: GroupId = GroupId::from_bytes([1; 32]);

/// The digest of no statements.
fn none() -> Hash {
    Hash::of(b"")
}

/// What a node holds, and how much it puts into one answer.
struct Node {
    held: BTreeMap<Hash, (Timestamp, Vec<u8>)>,
    set: ContentSet,
    per_answer: usize,
}

impl Node {
    fn holding(numbers: impl IntoIterator<Item = u32>, per_answer: usize) -> Self {
        let mut node = Self { held: BTreeMap::new(), set: ContentSet::default(), per_answer };
        numbers.into_iter().for_each(|number| node.add(number.to_be_bytes().to_vec()));
        node
    }

    fn add(&mut self, bytes: Vec<u8>) {
        let (clock, hash) = (clock(&bytes), Hash::of(&bytes));
        self.set.insert(clock, &hash);
        self.held.insert(hash, (clock, bytes));
    }

    fn answer(&self, request: Request) -> Response {
        let bytes = |hash: &Hash| ByteBuf::from(self.held[hash].1.clone());
        match request {
            Request::Statements { .. } => {
                Response::Statements { statements: Vec::new(), more: false, digest: none() }
            }
            Request::Compare { count, digest, .. } => answer::compare(&self.set, count, &digest),
            Request::Symbols { count, .. } => answer::symbols(&self.set, count.into()),
            Request::Describe { ranges, .. } => answer::describe(&self.set, &ranges),
            Request::Ordered { ranges, .. } => answer::ordered(&self.set, &ranges),
            Request::Entries { ids, .. } => {
                let asked: BTreeSet<&[u8]> = ids.chunks(8).collect();
                let held = self.held.keys().filter(|hash| asked.contains(&hash.as_bytes()[..8]));
                let entries = held.take(self.per_answer).map(bytes).collect();
                Response::Entries { entries, membership: none() }
            }
            Request::EntriesIn { range, .. } => {
                let mut rest = self.set.range(&range);
                let first: Vec<_> = rest.by_ref().take(self.per_answer).collect();
                let next = rest.next().and(first.last());
                Response::EntriesIn {
                    membership: none(),
                    next: next.map(|(clock, hash)| Bound::after(*clock, hash)),
                    entries: first.iter().map(|(_, hash)| bytes(hash)).collect(),
                }
            }
            other @ (Request::Join { .. }
            | Request::Groups { .. }
            | Request::Return { .. }
            | Request::Introduce { .. }
            | Request::Peers { .. }
            | Request::Blobs { .. }
            | Request::BlobRange { .. }
            | Request::News { .. }
            | Request::Receipts { .. }
            | Request::Withdraw { .. }
            | Request::Heard { .. }
            | Request::Holding { .. }) => panic!("a session never asks {other:?}"),
        }
    }

    /// Returns the requests that it took, the one for statements aside.
    fn pull(&mut self, from: &Self) -> usize {
        let mut session = Session::new(GROUP, none());
        let mut requests = 0;
        loop {
            match session.poll().expect("a session that is not done has something to do") {
                Output::Send(request) => {
                    requests += 1;
                    session.handle_response(from.answer(request), &self.set).unwrap();
                }
                Output::Statements(_) => {}
                Output::WantContentSet => session.handle_content_set(&self.set).unwrap(),
                Output::Entries(entries) => {
                    entries.into_iter().for_each(|bytes| self.add(bytes.into_vec()));
                }
                Output::Done => return requests - 1,
            }
        }
    }
}

fn clock(bytes: &[u8]) -> Timestamp {
    let number = u32::from_be_bytes(bytes.try_into().unwrap());
    Timestamp::from_millis(u64::from(number / 3))
}

#[test]
fn what_it_takes_follows_what_is_missing() {
    let all = || Node::holding(0..20_000, 1_000);
    for (what, mut node, most) in [
        ("nothing", Node::holding(0..20_000, 1_000), 1),
        ("the newest hundred", Node::holding(0..19_900, 1_000), 2),
        ("a hundred here and there", Node::holding((0..20_000).filter(|n| n % 200 > 0), 1_000), 2),
        ("an edit on either side", Node::holding((1..20_001).filter(|n| *n != 7), 1_000), 2),
        ("the newest five thousand", Node::holding(0..15_000, 1_000), 9),
        ("all", Node::holding([], 1_000), 21),
        ("every other one", Node::holding((0..20_000).step_by(2), 1_000), 60),
    ] {
        let requests = node.pull(&all());
        assert!(requests <= most, "{what}: {requests} requests");
        assert!(all().held.keys().all(|hash| node.held.contains_key(hash)), "{what}");
        // What either has alone does not keep the other from coming to an end.
        let mut other = all();
        other.pull(&node);
        assert_eq!(other.set.digest(), node.set.digest(), "{what}");
    }
}

#[test]
fn how_far_it_is_is_known_from_the_first_answer_on() {
    let (theirs, mut ours) = (Node::holding(0..20_000, 1_000), Node::holding(0..300, 1_000));
    for _ in 0..2 {
        let mut session = Session::new(GROUP, none());
        let (mut lacking, before) = (None, ours.set.len());
        while let Some(output) = session.poll() {
            match output {
                Output::Send(request) => {
                    let knows = matches!(request, Request::Compare { .. });
                    session.handle_response(theirs.answer(request), &ours.set).unwrap();
                    if knows || lacking.is_some() {
                        let (came, left) = session.progress();
                        assert!(lacking.is_none_or(|lacking| left <= lacking));
                        assert_eq!(came + left, 20_000 - before);
                        lacking = Some(left);
                    }
                }
                Output::Statements(_) | Output::Done => {}
                Output::WantContentSet => session.handle_content_set(&ours.set).unwrap(),
                Output::Entries(entries) => {
                    entries.into_iter().for_each(|bytes| ours.add(bytes.into_vec()));
                }
            }
        }
        assert_eq!(lacking, Some(0));
        assert_eq!(session.found().received, 20_000 - before);
        ours = Node::holding([], 1_000);
    }
}

/// The set of some thousand entries and of these, whatever their hashes are of.
fn set_with(hashes: [Hash; 2]) -> ContentSet {
    let mut set = Node::holding(0..5_000, 1).set;
    for hash in hashes {
        assert!(set.insert(Timestamp::from_millis(700), &hash));
    }
    set
}

fn hash_of_words(first: u64, last: u64) -> Hash {
    let mut bytes = [7; 32];
    bytes[..8].copy_from_slice(&first.to_be_bytes());
    bytes[24..].copy_from_slice(&last.to_be_bytes());
    Hash::from_bytes(bytes)
}

/// What a session asks for of entries, if it does, and what it found until then.
fn asks_for(
    mut session: Session,
    ours: &ContentSet,
    theirs: &ContentSet,
) -> (Option<BTreeSet<Vec<u8>>>, Found) {
    loop {
        let response = match session.poll().unwrap() {
            Output::Send(Request::Compare { count, digest, .. }) => {
                answer::compare(theirs, count, &digest)
            }
            Output::Send(Request::Symbols { count, .. }) => answer::symbols(theirs, count.into()),
            Output::Send(Request::Ordered { ranges, .. }) => answer::ordered(theirs, &ranges),
            Output::Send(Request::Statements { .. }) => {
                Response::Statements { statements: Vec::new(), more: false, digest: none() }
            }
            Output::Send(Request::Entries { ids, .. }) => {
                let ids = ids.chunks(8).map(<[u8]>::to_vec).collect();
                return (Some(ids), session.found());
            }
            Output::Done => return (None, session.found()),
            Output::WantContentSet => {
                session.handle_content_set(ours).unwrap();
                continue;
            }
            other @ (Output::Send(_) | Output::Statements(_) | Output::Entries(_)) => {
                panic!("{other:?}")
            }
        };
        session.handle_response(response, ours).unwrap();
    }
}

#[test]
fn sets_whose_digests_were_made_the_same_are_told_apart_by_their_order() {
    let ours = set_with([hash_of_words(10, 0), hash_of_words(20, 0)]);
    let theirs = set_with([hash_of_words(11, 0), hash_of_words(19, 0)]);
    assert_eq!(ours.digest(), theirs.digest());
    let (asked, found) = asks_for(Session::new(GROUP, none()), &ours, &theirs);
    assert_eq!((asked, found.same, found.ordered), (None, true, None));
    let session = Session::new(GROUP, none()).checking_order();
    let (asked, found) = asks_for(session, &ours, &theirs);
    let lacking = [11_u64, 19].map(|word| word.to_be_bytes().to_vec());
    assert_eq!(asked, Some(BTreeSet::from(lacking)));
    assert_eq!((found.same, found.ordered), (true, Some(false)));
    let session = Session::new(GROUP, none()).checking_order();
    let (asked, found) = asks_for(session, &ours, &ours);
    assert_eq!((asked, found.ordered), (None, Some(true)));
}

#[test]
fn entries_whose_hashes_were_made_to_begin_alike_are_told_apart() {
    let ours = set_with([hash_of_words(10, 1), hash_of_words(20, 0)]);
    let theirs = set_with([hash_of_words(10, 2), hash_of_words(20, 0)]);
    let (asked, found) = asks_for(Session::new(GROUP, none()), &ours, &theirs);
    assert_eq!(asked, Some(BTreeSet::from([10_u64.to_be_bytes().to_vec()])));
    assert_eq!((found.same, found.ordered), (false, Some(false)));
}

#[test]
fn a_peer_whose_ordered_hashes_never_fit_and_one_that_is_busy_come_to_an_end() {
    let set = set_with([hash_of_words(10, 1), hash_of_words(20, 0)]);
    let ordering = || {
        let mut session = Session::new(GROUP, none()).checking_order();
        let none = Response::Statements { statements: Vec::new(), more: false, digest: none() };
        session.handle_response(none, &set).unwrap();
        session.handle_content_set(&set).unwrap();
        session.handle_response(Response::Same, &set).unwrap();
        session
    };
    let mut session = ordering();
    let hash = Hash::of(b"made up");
    let never = || vec![Ordered::Parts(vec![OrderedPart { to: None, hash }])];
    let answer = || Response::Ordered { digest: set.digest(), ranges: never() };
    let mut rounds = 0;
    while session.handle_response(answer(), &set).is_ok() {
        rounds += 1;
    }
    assert_eq!(rounds, Session::MAX_ORDERED_ROUNDS);
    let mut session = ordering();
    session.handle_response(Response::Refused(Refusal::Busy), &set).unwrap();
    assert_eq!((session.found().same, session.found().ordered), (true, None));
    assert!(session.outputs.contains(&Output::Done));
    let mut session = ordering();
    let changed = Response::Ordered { digest: hash, ranges: never() };
    session.handle_response(changed, &set).unwrap();
    assert_eq!(session.found().ordered, None);
}

#[test]
fn an_answer_that_does_not_fit_ends_the_session() {
    let set = ContentSet::default();
    let mut session = Session::new(GROUP, none());
    assert!(matches!(session.poll(), Some(Output::Send(Request::Statements { .. }))));
    assert_eq!(
        session
            .handle_response(Response::Entries { entries: Vec::new(), membership: none() }, &set),
        Err(SessionError::Unexpected)
    );
    let mut session = Session::new(GROUP, none());
    assert_eq!(
        session.handle_response(Response::Refused(Refusal::NotShared), &set),
        Err(SessionError::Refused(Refusal::NotShared))
    );
}

/// A session that has just asked for a comparison.
fn comparing(node: &Node) -> Session {
    let mut session = Session::new(GROUP, none());
    let none = Response::Statements { statements: Vec::new(), more: false, digest: none() };
    session.handle_response(none, &node.set).unwrap();
    session.handle_content_set(&node.set).unwrap();
    session.outputs.clear();
    session
}

#[test]
fn entries_that_were_not_asked_for_and_ranges_without_an_end_end_the_session() {
    let (ours, theirs) = (Node::holding(0..100, 9), Node::holding(50..150, 9));
    let mut session = comparing(&ours);
    let symbols = ByteBuf::from(theirs.set.sketch().symbols(400));
    session.handle_response(Response::Symbols { symbols }, &ours.set).unwrap();
    assert_eq!(session.progress(), (0, 50));
    let uninvited =
        Response::Entries { entries: vec![ByteBuf::from(*b"nine")], membership: none() };
    assert_eq!(session.handle_response(uninvited, &ours.set), Err(SessionError::Unexpected));

    let empty = Node::holding([], 9);
    let mut session = comparing(&empty);
    let fingerprint = theirs.set.fingerprint(&Range::whole()).1;
    let all = Part { to: None, count: 100, fingerprint };
    let described = |parts| Response::Described { ranges: vec![Described::Parts(parts)] };
    session.handle_response(described(vec![all.clone()]), &empty.set).unwrap();
    assert_eq!(session.progress(), (0, 100));
    let entries = vec![ByteBuf::from(*b"nine")];
    let again = Response::EntriesIn { entries, next: Some(Bound::start()), membership: none() };
    assert_eq!(session.handle_response(again, &empty.set), Err(SessionError::Unexpected));

    let mut session = comparing(&ours);
    let beyond = described(vec![all.clone(), all.clone()]);
    assert_eq!(session.handle_response(beyond, &ours.set), Err(SessionError::Unexpected));
    let mut session = comparing(&ours);
    session.handle_response(described(vec![all]), &ours.set).unwrap();
    let mut rounds = 0;
    let ended = loop {
        rounds += 1;
        let Some(Output::Send(Request::Describe { ranges, .. })) = session.poll() else {
            panic!("it looks more closely")
        };
        let range = |_| Described::Parts(theirs.set.split(&Range::whole(), 1));
        let same = ranges.iter().map(range).collect();
        let answer = Response::Described { ranges: same };
        if let Err(error) = session.handle_response(answer, &ours.set) {
            break error;
        }
    };
    assert!(matches!(ended, SessionError::Endless(_) | SessionError::Unexpected), "{rounds}");
}

#[test]
fn entries_of_a_peer_that_has_heard_of_other_statements_since_are_not_taken() {
    let (ours, theirs) = (Node::holding(0..100, 9), Node::holding(50..150, 9));
    let mut session = comparing(&ours);
    let symbols = ByteBuf::from(theirs.set.sketch().symbols(400));
    session.handle_response(Response::Symbols { symbols }, &ours.set).unwrap();
    let Some(Output::Send(request)) = session.poll() else { panic!("it asks for entries") };
    let Response::Entries { entries, .. } = theirs.answer(request) else { panic!("entries") };
    let answer = Response::Entries { entries, membership: Hash::of(b"a removal") };
    assert_eq!(session.handle_response(answer, &ours.set), Err(SessionError::MembershipChanged));
    assert_eq!(session.poll(), None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn two_nodes_that_pull_from_each_other_hold_the_same(
        left in proptest::collection::vec(0_u32..60_000, 0..4_000),
        right in proptest::collection::vec(0_u32..60_000, 0..4_000),
        shared in 0_u32..9_000,
        per_answer in 1_usize..900,
    ) {
        let shared = 70_000..70_000 + shared;
        let mut left = Node::holding(left.into_iter().chain(shared.clone()), per_answer);
        let mut right = Node::holding(right.into_iter().chain(shared), per_answer);
        left.pull(&right);
        right.pull(&left);
        prop_assert_eq!(left.set.digest(), right.set.digest());
        prop_assert_eq!(left.held, right.held);
    }
}
