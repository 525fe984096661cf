//! The asking side of a comparison with one peer, for one group.
//!
//! **The driver's rule**: call [`Session::poll`] until it returns nothing; then wait for the answer
//! to the last request and give it to [`Session::handle_response`], and poll again.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::message::{MAX_REQUEST_ITEMS, Refusal, Request, Response};
use super::set::{ContentSet, ReconcileError};
use crate::hash::{GroupId, Hash};
use crate::limits::MAX_STATEMENTS_PER_GROUP;

/// What a session wants done.
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Send this request to the peer.
    Send(Request),
    /// Add these statements to the membership set.
    Statements(Vec<ByteBuf>),
    /// The membership is as the peer's: give the content set with
    /// [`Session::handle_content_set`].
    WantContentSet,
    /// Verify these entries and add them to the content set.
    Entries(Vec<ByteBuf>),
    /// The comparison is over.
    Done,
}

#[derive(Debug)]
enum State {
    Statements { after: Option<Hash> },
    AwaitingSet,
    Reconciling { set: Arc<ContentSet> },
    Fetching,
    Done,
}

/// A comparison in progress.
#[derive(Debug)]
pub struct Session {
    group: GroupId,
    digest: Hash,
    state: State,
    outputs: VecDeque<Output>,
    lacking: VecDeque<Hash>,
    asked: Vec<Hash>,
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
    /// The peer answered another question, or more than was asked for.
    #[error("the peer's answer does not fit the question")]
    Unexpected,
    /// The peer's reconciliation message is malformed.
    #[error(transparent)]
    Reconcile(#[from] ReconcileError),
    /// The peer never comes to an end.
    #[error("the peer sent more than {0} answers without an end")]
    Endless(usize),
}

impl Session {
    /// 1.2 million scattered entries need some 20,000 frames; an honest peer never comes near.
    const MAX_ROUNDS: usize = 50_000;

    /// Starts a comparison; `membership` is the digest of the statements held.
    pub fn new(group: GroupId, membership: Hash) -> Self {
        let mut session = Self {
            group,
            digest: membership,
            state: State::Statements { after: None },
            outputs: VecDeque::new(),
            lacking: VecDeque::new(),
            asked: Vec::new(),
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
        (self.received, self.lacking.len() + self.asked.len())
    }

    /// The next thing to do. Changes after [`handle_response`](Self::handle_response) and
    /// [`handle_content_set`](Self::handle_content_set).
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Takes the content set as it is after the statements were added.
    ///
    /// # Errors
    /// [`SessionError`] if no set was wanted or it cannot be compared.
    pub fn handle_content_set(&mut self, set: Arc<ContentSet>) -> Result<(), SessionError> {
        if !matches!(self.state, State::AwaitingSet) {
            return Err(SessionError::Unexpected);
        }
        let message = ByteBuf::from(set.initiate()?);
        self.send(Request::Reconcile { group: self.group, message });
        self.state = State::Reconciling { set };
        Ok(())
    }

    /// Takes the peer's answer to the last request.
    ///
    /// # Errors
    /// [`SessionError`] says why the comparison is given up; what came before it stands.
    pub fn handle_response(&mut self, response: Response) -> Result<(), SessionError> {
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
            (State::Statements { after }, Response::Statements { statements, more }) => {
                self.statements(after, statements, more)
            }
            (State::Reconciling { set }, Response::Reconcile { message }) => {
                let mut lacking = Vec::new();
                let next = set.continue_with(&message, &mut lacking)?;
                self.lacking.extend(lacking);
                match next {
                    Some(message) => {
                        let message = ByteBuf::from(message);
                        self.send(Request::Reconcile { group: self.group, message });
                        self.state = State::Reconciling { set };
                    }
                    None => self.fetch(),
                }
                Ok(())
            }
            (State::Fetching, Response::Entries { entries }) => self.entries(entries),
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

    fn entries(&mut self, entries: Vec<ByteBuf>) -> Result<(), SessionError> {
        let asked: BTreeSet<Hash> = std::mem::take(&mut self.asked).into_iter().collect();
        let came: BTreeSet<Hash> = entries.iter().map(|bytes| Hash::of(bytes)).collect();
        if came.len() != entries.len() || !came.is_subset(&asked) {
            return Err(SessionError::Unexpected);
        }
        self.received += entries.len();
        // The peer leaves out what does not fit and what it no longer holds; an answer with nothing
        // in it means the latter for all of them.
        if !came.is_empty() {
            self.lacking.extend(asked.difference(&came));
            self.outputs.push_back(Output::Entries(entries));
        }
        self.fetch();
        Ok(())
    }

    fn fetch(&mut self) {
        self.asked = self.lacking.drain(..self.lacking.len().min(MAX_REQUEST_ITEMS)).collect();
        if self.asked.is_empty() {
            self.outputs.push_back(Output::Done);
            self.state = State::Done;
        } else {
            self.send(Request::Entries { group: self.group, hashes: self.asked.clone() });
            self.state = State::Fetching;
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

    use super::*;
    use crate::clock::Timestamp;

    const GROUP: GroupId = GroupId::from_bytes([1; 32]);

    type Held = BTreeMap<Hash, (Timestamp, Vec<u8>)>;

    fn set_of(held: &Held) -> Arc<ContentSet> {
        Arc::new(ContentSet::new(held.iter().map(|(hash, (clock, _))| (*clock, *hash))).unwrap())
    }

    fn answer(held: &Held, request: Request, per_answer: usize) -> Response {
        match request {
            Request::Statements { .. } => {
                Response::Statements { statements: Vec::new(), more: false }
            }
            Request::Reconcile { message, .. } => Response::Reconcile {
                message: ByteBuf::from(set_of(held).answer(&message).unwrap()),
            },
            Request::Entries { hashes, .. } => Response::Entries {
                entries: hashes
                    .iter()
                    .filter_map(|hash| held.get(hash))
                    .take(per_answer)
                    .map(|(_, bytes)| ByteBuf::from(bytes.clone()))
                    .collect(),
            },
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

    fn pull(from: &Held, into: &mut Held, per_answer: usize) {
        let mut session = Session::new(GROUP, Hash::of(b""));
        loop {
            match session.poll().expect("a session that is not done has something to do") {
                Output::Send(request) => {
                    session.handle_response(answer(from, request, per_answer)).unwrap();
                }
                Output::Statements(_) => {}
                Output::WantContentSet => session.handle_content_set(set_of(into)).unwrap(),
                Output::Entries(entries) => {
                    for bytes in entries {
                        let hash = Hash::of(&bytes);
                        into.insert(hash, (from[&hash].0, bytes.into_vec()));
                    }
                }
                Output::Done => return,
            }
        }
    }

    fn held(numbers: &[u16]) -> Held {
        numbers
            .iter()
            .map(|number| {
                let bytes = number.to_be_bytes().to_vec();
                (Hash::of(&bytes), (Timestamp::from_millis(u64::from(*number)), bytes))
            })
            .collect()
    }

    #[test]
    fn an_answer_that_does_not_fit_ends_the_session() {
        let mut session = Session::new(GROUP, Hash::of(b""));
        assert!(matches!(session.poll(), Some(Output::Send(Request::Statements { .. }))));
        assert_eq!(
            session.handle_response(Response::Entries { entries: Vec::new() }),
            Err(SessionError::Unexpected)
        );
        let mut session = Session::new(GROUP, Hash::of(b""));
        assert_eq!(
            session.handle_response(Response::Refused(Refusal::NotShared)),
            Err(SessionError::Refused(Refusal::NotShared))
        );
    }

    #[test]
    fn entries_that_were_not_asked_for_end_the_session() {
        let (theirs, mut session) = (held(&[1, 2]), Session::new(GROUP, Hash::of(b"")));
        session
            .handle_response(Response::Statements { statements: Vec::new(), more: false })
            .unwrap();
        session.handle_content_set(set_of(&Held::new())).unwrap();
        loop {
            match session.poll().unwrap() {
                Output::Send(Request::Entries { .. }) => break,
                Output::Send(request @ Request::Reconcile { .. }) => {
                    session.handle_response(answer(&theirs, request, 9)).unwrap();
                }
                Output::Send(_) | Output::Statements(_) | Output::WantContentSet => {}
                Output::Entries(_) | Output::Done => panic!("nothing has come yet"),
            }
        }
        let uninvited = Response::Entries { entries: vec![ByteBuf::from(*b"uninvited")] };
        assert_eq!(session.handle_response(uninvited), Err(SessionError::Unexpected));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn two_nodes_that_pull_from_each_other_hold_the_same(
            left in proptest::collection::vec(any::<u16>(), 0..400),
            right in proptest::collection::vec(any::<u16>(), 0..400),
            per_answer in 1_usize..200,
        ) {
            let (mut left, mut right) = (held(&left), held(&right));
            pull(&right, &mut left, per_answer);
            pull(&left, &mut right, per_answer);
            prop_assert_eq!(set_of(&left).digest(), set_of(&right).digest());
            prop_assert_eq!(left, right);
        }

        #[test]
        fn a_malformed_message_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let set = set_of(&held(&[1, 2, 3]));
            let _ = set.answer(&bytes);
            let _ = set.continue_with(&bytes, &mut Vec::new());
        }
    }
}
