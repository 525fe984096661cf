//! The asking side of a comparison with one peer, for one group.
//!
//! **The driver's rule**: call [`Session::poll`] until it returns nothing; then wait for the answer
//! to the last request and give it to [`Session::handle_response`], and poll again. What
//! [`Output::Entries`] brings may be stored while the next answer is on its way.

use std::collections::{BTreeSet, VecDeque};

use serde_bytes::ByteBuf;

use super::message::{Described, MAX_RANGES, MAX_REQUEST_ITEMS, Refusal, Request, Response};
use super::set::{Bound, ContentSet, Part, Range, short_id};
use super::sketch::{SKETCH_SYMBOLS, ShortId};
use crate::hash::{GroupId, Hash};
use crate::limits::MAX_STATEMENTS_PER_GROUP;

/// What a session wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this request to the peer.
    Send(Request),
    /// Add these statements to the membership set.
    Statements(Vec<ByteBuf>),
    /// The membership is as the peer's: go on with [`Session::handle_content_set`].
    WantContentSet,
    /// Verify these entries and add them to the content set.
    Entries(Vec<ByteBuf>),
    /// The comparison is over.
    Done,
}

#[derive(Debug, PartialEq)]
enum State {
    Statements { after: Option<Hash> },
    AwaitingSet,
    Comparing { symbols: usize },
    Describing { asked: Vec<Range> },
    FetchingRange { range: Range },
    FetchingIds { asked: BTreeSet<ShortId> },
    Done,
}

/// A comparison in progress.
#[derive(Debug)]
pub struct Session {
    group: GroupId,
    digest: Hash,
    /// The digest of the peer's statements, all of which are here.
    agreed: Hash,
    state: State,
    outputs: VecDeque<Output>,
    /// Ranges that differ and have to be looked at more closely, the next one last.
    unequal: Vec<Range>,
    /// Ranges of which nothing is held here, with their counts.
    whole: VecDeque<(Range, u64)>,
    lacking: VecDeque<ShortId>,
    statements_received: usize,
    rounds: usize,
    received: usize,
}

/// Why a comparison was given up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The peer does not answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The peer says that this node's school was removed from the group.
    #[error("the peer says that this school was removed from the group")]
    Removed(Vec<ByteBuf>),
    /// The peer heard more of who belongs to the group. The author of an entry may have known it, and
    /// meant the entry for those members alone; so the comparison starts again, with the statements.
    #[error("the peer heard more of who belongs to the group")]
    MembershipChanged,
    /// The peer answered another question, or more than was asked for.
    #[error("the peer's answer does not fit the question")]
    Unexpected,
    /// The peer never comes to an end.
    #[error("the peer sent more than {0} answers without an end")]
    Endless(usize),
}

impl Session {
    /// 1.2 million scattered entries need some 20,000 answers; an honest peer never comes near.
    const MAX_ROUNDS: usize = 50_000;

    /// With so many entries known to be lacking they are fetched before more are looked for.
    const MANY_LACKING: usize = 10_000;

    /// How many more symbols are asked for where those that came are too few.
    const MORE_SYMBOLS: usize = 4;

    /// Starts a comparison; `membership` is the digest of the statements held.
    pub fn new(group: GroupId, membership: Hash) -> Self {
        let mut session = Self {
            group,
            digest: membership,
            agreed: membership,
            state: State::Statements { after: None },
            outputs: VecDeque::new(),
            unequal: Vec::new(),
            whole: VecDeque::new(),
            lacking: VecDeque::new(),
            statements_received: 0,
            rounds: 0,
            received: 0,
        };
        session.ask_for_statements(None);
        session
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// How many entries have come, and how many more are known to be lacking.
    pub fn progress(&self) -> (usize, usize) {
        let of_ranges: u64 = self.whole.iter().map(|(_, count)| count).sum();
        let asked = if let State::FetchingIds { asked } = &self.state { asked.len() } else { 0 };
        let of_ranges = usize::try_from(of_ranges).unwrap_or(usize::MAX);
        (self.received, of_ranges.saturating_add(self.lacking.len() + asked))
    }

    /// The next thing to do. Changes after [`handle_response`](Self::handle_response) and
    /// [`handle_content_set`](Self::handle_content_set).
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes the content set as it is after the statements were added.
    ///
    /// # Errors
    /// [`SessionError`] if no set was wanted.
    pub fn handle_content_set(&mut self, set: &ContentSet) -> Result<(), SessionError> {
        if self.state != State::AwaitingSet {
            return Err(SessionError::Unexpected);
        }
        if set.is_empty() {
            self.whole.push_back((Range::whole(), 0));
            self.go_on();
        } else {
            let (count, digest) = (set.len() as u64, set.digest());
            self.send(Request::Compare { group: self.group, count, digest });
            self.state = State::Comparing { symbols: 0 };
        }
        Ok(())
    }

    /// Takes the peer's answer to the last request; `set` is the content set as it is now.
    ///
    /// # Errors
    /// [`SessionError`] says why the comparison is given up; what came before it stands.
    pub fn handle_response(
        &mut self,
        response: Response,
        set: &ContentSet,
    ) -> Result<(), SessionError> {
        self.rounds += 1;
        if self.rounds > Self::MAX_ROUNDS {
            return Err(SessionError::Endless(Self::MAX_ROUNDS));
        }
        if let Response::Refused(refusal) = response {
            return Err(refusal.into());
        }
        if let Response::Removed { statements } = response {
            return Err(SessionError::Removed(statements));
        }
        match (std::mem::replace(&mut self.state, State::Done), response) {
            (State::Statements { after }, Response::Statements { statements, more, digest }) => {
                if after.is_none() {
                    self.agreed = digest;
                }
                self.statements(after, statements, more)
            }
            (State::Comparing { symbols: 0 }, Response::Same) => {
                self.go_on();
                Ok(())
            }
            (State::Comparing { symbols: asked }, Response::Symbols { symbols }) => {
                self.symbols(asked, &symbols, set);
                Ok(())
            }
            (State::Comparing { symbols: 0 }, Response::Described { ranges }) => {
                self.described(&[Range::whole()], ranges, set)
            }
            (State::Describing { asked }, Response::Described { ranges }) => {
                self.described(&asked, ranges, set)
            }
            (
                State::FetchingRange { .. } | State::FetchingIds { .. },
                Response::EntriesIn { membership, .. } | Response::Entries { membership, .. },
            ) if membership != self.agreed => Err(SessionError::MembershipChanged),
            (State::FetchingRange { range }, Response::EntriesIn { entries, next, .. }) => {
                self.entries_in(range, entries, next)
            }
            (State::FetchingIds { asked }, Response::Entries { entries, .. }) => {
                self.entries(asked, entries)
            }
            _ => Err(SessionError::Unexpected),
        }
    }

    fn statements(
        &mut self,
        after: Option<Hash>,
        statements: Vec<ByteBuf>,
        more: bool,
    ) -> Result<(), SessionError> {
        self.statements_received += statements.len();
        if self.statements_received > MAX_STATEMENTS_PER_GROUP {
            return Err(SessionError::Endless(MAX_STATEMENTS_PER_GROUP));
        }
        let last = statements.last().map(|bytes| Hash::of(bytes));
        if !statements.is_empty() {
            self.outputs.push_back(Output::Statements(statements));
        }
        match last {
            Some(last) if more && after != Some(last) => {
                self.ask_for_statements(Some(last));
            }
            Some(_) | None if more => return Err(SessionError::Unexpected),
            Some(_) | None => {
                self.outputs.push_back(Output::WantContentSet);
                self.state = State::AwaitingSet;
            }
        }
        Ok(())
    }

    fn symbols(&mut self, asked: usize, symbols: &[u8], set: &ContentSet) {
        if let Some(difference) = set.sketch().difference(symbols) {
            self.lacking.extend(difference.theirs);
            return self.go_on();
        }
        let had = asked.max(symbols.len() / super::sketch::SYMBOL_BYTES).max(1);
        if had >= SKETCH_SYMBOLS {
            self.unequal.push(Range::whole());
            return self.go_on();
        }
        let symbols = (had * Self::MORE_SYMBOLS).min(SKETCH_SYMBOLS);
        let count = u32::try_from(symbols).unwrap_or(u32::MAX);
        self.send(Request::Symbols { group: self.group, count });
        self.state = State::Comparing { symbols };
    }

    fn described(
        &mut self,
        asked: &[Range],
        described: Vec<Described>,
        set: &ContentSet,
    ) -> Result<(), SessionError> {
        if described.len() != asked.len() {
            return Err(SessionError::Unexpected);
        }
        for (range, described) in asked.iter().zip(described) {
            match described {
                Described::Ids(ids) => {
                    let (ids, rest) = ids.as_chunks::<{ size_of::<ShortId>() }>();
                    if !rest.is_empty() {
                        return Err(SessionError::Unexpected);
                    }
                    let held: BTreeSet<ShortId> =
                        set.range(range).map(|(_, hash)| short_id(&hash)).collect();
                    self.lacking.extend(ids.iter().filter(|id| !held.contains(*id)));
                }
                Described::Parts(parts) => self.parts(range, parts, set)?,
            }
        }
        self.go_on();
        Ok(())
    }

    fn parts(
        &mut self,
        range: &Range,
        parts: Vec<Part>,
        set: &ContentSet,
    ) -> Result<(), SessionError> {
        let mut from = range.from.clone();
        for part in parts {
            let Part { to, count, fingerprint } = part;
            let part = Range { from: from.clone(), to };
            let within = match (&part.to, &range.to) {
                (Some(to), Some(end)) => to <= end,
                (None, Some(_)) => false,
                (_, None) => true,
            };
            if !within || !part.is_valid() {
                return Err(SessionError::Unexpected);
            }
            from = part.to.clone().unwrap_or_default();
            let held = set.fingerprint(&part);
            if held.0 == 0 && count > 0 {
                self.whole.push_back((part, count));
            } else if count > 0 && held != (count, fingerprint) {
                self.unequal.push(part);
            }
        }
        Ok(())
    }

    fn entries_in(
        &mut self,
        range: Range,
        entries: Vec<ByteBuf>,
        next: Option<Bound>,
    ) -> Result<(), SessionError> {
        self.received += entries.len();
        if let Some(next) = next {
            let rest = Range { from: next, to: range.to };
            if rest.from <= range.from || !rest.is_valid() || entries.is_empty() {
                return Err(SessionError::Unexpected);
            }
            let left = self.whole.pop_front().map_or(0, |(_, count)| count);
            let left = left.saturating_sub(entries.len() as u64);
            self.whole.push_front((rest, left));
        } else {
            self.whole.pop_front();
        }
        if !entries.is_empty() {
            self.outputs.push_back(Output::Entries(entries));
        }
        self.go_on();
        Ok(())
    }

    fn entries(
        &mut self,
        asked: BTreeSet<ShortId>,
        entries: Vec<ByteBuf>,
    ) -> Result<(), SessionError> {
        let came: BTreeSet<ShortId> =
            entries.iter().map(|bytes| short_id(&Hash::of(bytes))).collect();
        if !came.is_subset(&asked) || entries.len() > 2 * asked.len() {
            return Err(SessionError::Unexpected);
        }
        self.received += entries.len();
        // The peer leaves out what does not fit and what it no longer holds; an answer with nothing
        // in it means the latter for all of them.
        if !came.is_empty() {
            self.lacking.extend(asked.difference(&came));
            self.outputs.push_back(Output::Entries(entries));
        }
        self.go_on();
        Ok(())
    }

    /// Asks for what is to come next: entries that are known to be lacking once there are many, then
    /// where else the sets differ.
    fn go_on(&mut self) {
        if !self.unequal.is_empty() && self.lacking.len() < Self::MANY_LACKING {
            let first = self.unequal.len().saturating_sub(MAX_RANGES);
            let asked = self.unequal.split_off(first);
            self.send(Request::Describe { group: self.group, ranges: asked.clone() });
            self.state = State::Describing { asked };
        } else if let Some((range, _)) = self.whole.front().cloned() {
            self.send(Request::EntriesIn { group: self.group, range: range.clone() });
            self.state = State::FetchingRange { range };
        } else if self.lacking.is_empty() {
            self.outputs.push_back(Output::Done);
            self.state = State::Done;
        } else {
            let most = self.lacking.len().min(MAX_REQUEST_ITEMS);
            let asked: BTreeSet<ShortId> = self.lacking.drain(..most).collect();
            let ids: Vec<u8> = asked.iter().flatten().copied().collect();
            self.send(Request::Entries { group: self.group, ids: ByteBuf::from(ids) });
            self.state = State::FetchingIds { asked };
        }
    }

    fn ask_for_statements(&mut self, after: Option<Hash>) {
        self.send(Request::Statements { group: self.group, digest: self.digest, after });
        self.state = State::Statements { after };
    }

    fn send(&mut self, request: Request) {
        self.outputs.push_back(Output::Send(request));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::super::answer;
    use super::*;
    use crate::clock::Timestamp;

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
                Request::Compare { count, digest, .. } => {
                    answer::compare(&self.set, count, &digest)
                }
                Request::Symbols { count, .. } => answer::symbols(&self.set, count.into()),
                Request::Describe { ranges, .. } => answer::describe(&self.set, &ranges),
                Request::Entries { ids, .. } => {
                    let asked: BTreeSet<&[u8]> = ids.chunks(8).collect();
                    let held =
                        self.held.keys().filter(|hash| asked.contains(&hash.as_bytes()[..8]));
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
            (
                "a hundred here and there",
                Node::holding((0..20_000).filter(|n| n % 200 > 0), 1_000),
                2,
            ),
            ("an edit on either side", Node::holding((1..20_001).filter(|n| *n != 7), 1_000), 2),
            ("the newest five thousand", Node::holding(0..15_000, 1_000), 9),
            ("all", Node::holding([], 1_000), 20),
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
    fn an_answer_that_does_not_fit_ends_the_session() {
        let set = ContentSet::default();
        let mut session = Session::new(GROUP, none());
        assert!(matches!(session.poll(), Some(Output::Send(Request::Statements { .. }))));
        assert_eq!(
            session.handle_response(
                Response::Entries { entries: Vec::new(), membership: none() },
                &set
            ),
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
        let entries = vec![ByteBuf::from(*b"nine")];
        let again = Response::EntriesIn { entries, next: Some(Bound::start()), membership: none() };
        assert_eq!(session.handle_response(again, &empty.set), Err(SessionError::Unexpected));

        let mut session = comparing(&ours);
        let part =
            Part { to: None, count: 1, fingerprint: ours.set.fingerprint(&Range::whole()).1 };
        let beyond = vec![Described::Parts(vec![part.clone(), part])];
        session.handle_response(Response::Described { ranges: beyond }, &ours.set).unwrap();
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
        assert_eq!(
            session.handle_response(answer, &ours.set),
            Err(SessionError::MembershipChanged)
        );
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
}
