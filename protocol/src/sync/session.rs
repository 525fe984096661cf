//! The asking side of a comparison with one peer, for one group.
//!
//! **The driver's rule**: call [`Session::poll`] until it returns nothing; then wait for the answer
//! to the last request and give it to [`Session::handle_response`], and poll again. What
//! [`Output::Entries`] brings may be stored while the next answer is on its way.

mod order;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, VecDeque};

use serde_bytes::ByteBuf;

use super::message::{Described, MAX_RANGES, MAX_REQUEST_ITEMS, Refusal, Request, Response};
use super::set::{Bound, ContentSet, Part, Range, short_id};
use super::sketch::{Difference, SKETCH_SYMBOLS, ShortId};
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
    Comparing { symbols: usize, digest: Hash },
    Describing { asked: Vec<(Range, u64)> },
    Ordering { asked: Vec<Range> },
    FetchingRange { range: Range },
    FetchingIds { asked: BTreeSet<ShortId> },
    Done,
}

/// What a comparison has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Found {
    /// Whether the content sets had the same digest.
    pub same: bool,
    /// How many entries came.
    pub received: usize,
    /// How many entries the peer named and then did not give.
    pub not_given: usize,
    /// Whether the ordered hashes of the sets were the same; none where they were not compared, or a
    /// set changed meanwhile.
    pub ordered: Option<bool>,
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
    /// Whether sets with the same digest are compared by their ordered hashes too.
    checks_order: bool,
    /// Ranges that differ and have to be looked at more closely, the next one last; each with how
    /// many entries it has more than here.
    unequal: Vec<(Range, u64)>,
    /// Ranges to be compared by their ordered hashes.
    unordered: Vec<Range>,
    /// Ranges of which nothing is held here, with their counts.
    whole: VecDeque<(Range, u64)>,
    lacking: VecDeque<ShortId>,
    statements_received: usize,
    rounds: usize,
    ordered_rounds: usize,
    found: Found,
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
            checks_order: false,
            unequal: Vec::new(),
            unordered: Vec::new(),
            whole: VecDeque::new(),
            lacking: VecDeque::new(),
            statements_received: 0,
            rounds: 0,
            ordered_rounds: 0,
            found: Found::default(),
        };
        session.ask_for_statements(None);
        session
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Compares sets that have the same digest by their ordered hashes too, and finds where they
    /// differ: somebody with patience can make the digests of different sets the same.
    #[must_use]
    pub fn checking_order(mut self) -> Self {
        self.checks_order = true;
        self
    }

    /// How many entries have come, and how many more are known to be lacking.
    pub fn progress(&self) -> (usize, usize) {
        let asked: &[(Range, u64)] =
            if let State::Describing { asked } = &self.state { asked } else { &[] };
        let ranges = self.whole.iter().chain(&self.unequal).chain(asked);
        // The counts are what the peer says.
        let of_ranges = ranges.fold(0, |sum: u64, (_, count)| sum.saturating_add(*count));
        let asked = if let State::FetchingIds { asked } = &self.state { asked.len() } else { 0 };
        let of_ranges = usize::try_from(of_ranges).unwrap_or(usize::MAX);
        (self.found.received, of_ranges.saturating_add(self.lacking.len() + asked))
    }

    /// What has been found.
    pub fn found(&self) -> Found {
        self.found
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
        let (count, digest) = (set.len() as u64, set.digest());
        self.send(Request::Compare { group: self.group, count, digest });
        self.state = State::Comparing { symbols: 0, digest };
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
        if let (State::Ordering { .. }, Response::Refused(Refusal::Busy)) = (&self.state, &response)
        {
            // It is asked seldom what costs it much; a later comparison looks again.
            self.unordered.clear();
            self.go_on();
            return Ok(());
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
            (State::Comparing { symbols: 0, .. }, Response::Same) => {
                self.found.same = true;
                if self.checks_order {
                    self.unordered.push(Range::whole());
                }
                self.go_on();
                Ok(())
            }
            (State::Comparing { symbols: asked, digest }, Response::Symbols { symbols }) => {
                self.symbols(asked, digest, &symbols, set);
                Ok(())
            }
            (State::Comparing { symbols: 0, .. }, Response::Described { ranges }) => {
                self.described(&[(Range::whole(), 0)], ranges, set)
            }
            (State::Describing { asked }, Response::Described { ranges }) => {
                self.described(&asked, ranges, set)
            }
            (State::Ordering { asked }, Response::Ordered { digest, ranges }) => {
                self.ordered(&asked, &digest, ranges, set)
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

    fn symbols(&mut self, asked: usize, compared: Hash, symbols: &[u8], set: &ContentSet) {
        if let Some(difference) = set.sketch().difference(symbols) {
            // What differs has hashes that somebody made to begin alike, unless the entries came in
            // another way meanwhile.
            if difference == Difference::default() && set.digest() == compared {
                self.unordered.push(Range::whole());
            }
            self.lacking.extend(difference.theirs);
            return self.go_on();
        }
        let had = asked.max(symbols.len() / super::sketch::SYMBOL_BYTES).max(1);
        if had >= SKETCH_SYMBOLS {
            self.unequal.push((Range::whole(), 0));
            return self.go_on();
        }
        let symbols = (had * Self::MORE_SYMBOLS).min(SKETCH_SYMBOLS);
        let count = u32::try_from(symbols).unwrap_or(u32::MAX);
        self.send(Request::Symbols { group: self.group, count });
        self.state = State::Comparing { symbols, digest: compared };
    }

    fn described(
        &mut self,
        asked: &[(Range, u64)],
        described: Vec<Described>,
        set: &ContentSet,
    ) -> Result<(), SessionError> {
        if described.len() != asked.len() {
            return Err(SessionError::Unexpected);
        }
        for ((range, _), described) in asked.iter().zip(described) {
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
        let mut next = Some(range.from.clone());
        for Part { to, count, fingerprint } in parts {
            let part = part_of(range, &mut next, to)?;
            let held = set.fingerprint(&part);
            if held.0 == 0 && count > 0 {
                match self.whole.back_mut() {
                    Some((before, more)) if before.to.as_ref() == Some(&part.from) => {
                        before.to = part.to;
                        *more = more.saturating_add(count);
                    }
                    Some(_) | None => self.whole.push_back((part, count)),
                }
            } else if count > 0 && held != (count, fingerprint) {
                self.unequal.push((part, count.saturating_sub(held.0)));
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
        self.found.received += entries.len();
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
        self.found.received += entries.len();
        // The peer leaves out what does not fit and what it no longer holds; an answer with nothing
        // in it means the latter for all of them.
        if !came.is_empty() {
            self.lacking.extend(asked.difference(&came));
            self.outputs.push_back(Output::Entries(entries));
        } else {
            self.found.not_given += asked.len();
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
            let ranges = asked.iter().map(|(range, _)| range.clone()).collect();
            self.send(Request::Describe { group: self.group, ranges });
            self.state = State::Describing { asked };
        } else if let Some((range, _)) = self.whole.front().cloned() {
            self.send(Request::EntriesIn { group: self.group, range: range.clone() });
            self.state = State::FetchingRange { range };
        } else if !self.lacking.is_empty() {
            let most = self.lacking.len().min(MAX_REQUEST_ITEMS);
            let asked: BTreeSet<ShortId> = self.lacking.drain(..most).collect();
            let ids: Vec<u8> = asked.iter().flatten().copied().collect();
            self.send(Request::Entries { group: self.group, ids: ByteBuf::from(ids) });
            self.state = State::FetchingIds { asked };
        } else if !self.unordered.is_empty() {
            self.unordered.sort_by(|one, other| one.from.cmp(&other.from));
            let asked: Vec<Range> =
                self.unordered.drain(..self.unordered.len().min(MAX_RANGES)).collect();
            self.send(Request::Ordered { group: self.group, ranges: asked.clone() });
            self.state = State::Ordering { asked };
        } else {
            self.outputs.push_back(Output::Done);
            self.state = State::Done;
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

/// The next part of a range as a peer tells it, from where the one before ended; none follows the
/// one that goes on to the end of everything.
fn part_of(
    range: &Range,
    next: &mut Option<Bound>,
    to: Option<Bound>,
) -> Result<Range, SessionError> {
    let from = std::mem::replace(next, to.clone()).ok_or(SessionError::Unexpected)?;
    let part = Range { from, to };
    let within = match (&part.to, &range.to) {
        (Some(to), Some(end)) => to <= end,
        (None, Some(_)) => false,
        (_, None) => true,
    };
    if !within || !part.is_valid() {
        return Err(SessionError::Unexpected);
    }
    Ok(part)
}
