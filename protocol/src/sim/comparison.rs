//! Comparisons with one peer each, and what a node answers to those of others.

use std::collections::BTreeMap;

use serde_bytes::ByteBuf;

use super::school::{Comparison, NodeNo};
use super::world::{Change, Event, Packet, Then, World};
use super::{Rule, Violation};
use crate::group::statement::Statement;
use crate::hash::Hash;
use crate::sync::answer;
use crate::sync::message::{Refusal, Request, Response};
use crate::sync::session::{Output, Session, SessionError};
use crate::wire;

/// How long an answer is waited for.
const PATIENCE_MILLIS: u64 = 10_000;

/// Comparisons at once: of one group there is one at a time.
const COMPARISONS_AT_ONCE: usize = 1;

/// Requests of one comparison, which an honest peer never comes near in networks of this size.
const MAX_REQUESTS: usize = 500;

impl World {
    pub(super) fn wants(&mut self, node: NodeNo, peer: NodeNo) {
        let waiting = &mut self.nodes[node].wanted;
        if !waiting.contains(&peer) {
            waiting.push_back(peer);
        }
        self.next_comparison(node);
    }

    fn next_comparison(&mut self, node: NodeNo) {
        while self.nodes[node].comparisons.len() < COMPARISONS_AT_ONCE {
            let Some(peer) = self.nodes[node].wanted.pop_front() else { return };
            let digest = self.nodes[node].disk.membership.digest();
            let session = Session::new(self.group, digest);
            let number = self.number();
            let comparison = Comparison { peer, session, asked: None, requests: 0 };
            self.nodes[node].comparisons.insert(number, comparison);
            self.go_on(node, number);
        }
    }

    /// Does what a comparison wants, until it waits for something.
    pub(super) fn go_on(&mut self, node: NodeNo, number: u64) {
        loop {
            let Some(comparison) = self.nodes[node].comparisons.get_mut(&number) else { return };
            let peer = comparison.peer;
            let Some(output) = comparison.session.poll() else { return };
            let asks_statements =
                matches!(output, Output::Send(Request::Statements { .. }) | Output::Statements(_));
            let key = self.key(peer);
            let known = self.nodes[node].disk.membership.removal_of(&key).is_none();
            let shares = self.nodes[node].shares(&key);
            let hostile = self.nodes[node].hostile;
            if !(shares || hostile || (asks_statements && known)) {
                return self.ends(node, number);
            }
            match output {
                Output::Send(Request::Statements { .. }) if self.without(Rule::MembershipFirst) => {
                    let digest = self.nodes[peer].disk.membership.digest();
                    let none = Response::Statements { statements: Vec::new(), more: false, digest };
                    self.answered(node, number, none);
                }
                Output::Send(request) => return self.ask_for(node, number, &request),
                Output::Statements(bytes) => {
                    let statements: Option<Vec<Statement>> =
                        bytes.iter().map(|bytes| self.statement(bytes)).collect();
                    match statements {
                        Some(statements) => {
                            let changes = vec![Change::Statements(statements)];
                            return self.write(node, changes, Then::GoOn(number));
                        }
                        None => return self.ends(node, number),
                    }
                }
                Output::WantContentSet => {
                    let school = &mut self.nodes[node];
                    if let Some(comparison) = school.comparisons.get_mut(&number)
                        && comparison.session.handle_content_set(&school.disk.set).is_err()
                    {
                        return self.ends(node, number);
                    }
                }
                Output::Entries(entries) => {
                    let entries: Vec<Vec<u8>> =
                        entries.into_iter().map(ByteBuf::into_vec).collect();
                    self.takes(node, peer, &entries, Then::Nothing);
                }
                Output::Done => {
                    let received = comparison_progress(&self.nodes[node].comparisons, number);
                    self.ends(node, number);
                    if received > 0 {
                        self.tell_news(node);
                    }
                    return;
                }
            }
        }
    }

    fn ask_for(&mut self, node: NodeNo, comparison: u64, request: &Request) {
        let number = self.number();
        let Some(under_way) = self.nodes[node].comparisons.get_mut(&comparison) else { return };
        under_way.asked = Some(number);
        under_way.requests += 1;
        let (peer, requests) = (under_way.peer, under_way.requests);
        if requests > MAX_REQUESTS {
            return self.ends(node, comparison);
        }
        let bytes = wire::encode(request).into();
        self.send(node, peer, Packet::Request { number, bytes });
        let starts = self.nodes[node].starts;
        self.later(PATIENCE_MILLIS, Event::TimedOut { node, starts, comparison, number });
    }

    /// Asks without waiting for the answer.
    pub(super) fn ask(&mut self, node: NodeNo, peer: NodeNo, request: &Request) {
        let (number, bytes) = (self.number(), wire::encode(request).into());
        self.send(node, peer, Packet::Request { number, bytes });
    }

    pub(super) fn timed_out(&mut self, node: NodeNo, comparison: u64, number: u64) {
        let under_way = self.nodes[node].comparisons.get(&comparison);
        if under_way.is_some_and(|under_way| under_way.asked == Some(number)) {
            self.ends(node, comparison);
        }
    }

    pub(super) fn ends(&mut self, node: NodeNo, number: u64) {
        self.nodes[node].comparisons.remove(&number);
        self.next_comparison(node);
    }

    pub(super) fn answered(&mut self, node: NodeNo, number: u64, response: Response) {
        let school = &mut self.nodes[node];
        let Some(comparison) = school.comparisons.get_mut(&number) else { return };
        comparison.asked = None;
        let handled = comparison.session.handle_response(response, &school.disk.set);
        if let Err(error) = handled {
            let peer = comparison.peer;
            let locked_out = matches!(
                error,
                SessionError::Removed(_) | SessionError::Refused(Refusal::NotShared)
            );
            if let SessionError::Removed(statements) = error {
                self.hears_of_removal(node, &statements);
            }
            if locked_out {
                self.brings_word(node, peer);
            }
            self.ends(node, number)
        }
    }

    /// People bring a school's statements to another that does not take it for a member: where the
    /// server that let it in again was restored from a backup, nobody else may hold that, and what it
    /// follows. While faults go on people wait and see.
    fn brings_word(&mut self, node: NodeNo, peer: NodeNo) {
        let school = &self.nodes[node];
        if self.healed && school.is_member() && !school.hostile && !self.nodes[peer].hostile {
            let statements = school.disk.membership.in_order().cloned().collect();
            self.write(peer, vec![Change::Statements(statements)], Then::Nothing);
        }
    }

    /// Takes the word of a member that this school was removed.
    fn hears_of_removal(&mut self, node: NodeNo, statements: &[ByteBuf]) {
        let verified: Vec<Statement> =
            statements.iter().filter_map(|bytes| self.statement(bytes)).collect();
        self.apply(node, vec![Change::Statements(verified.clone())]);
        let own = self.nodes[node].keys.id();
        let disk = &self.nodes[node].disk;
        let takes = |one: &&Statement| disk.membership.takes_word_of_removal(one, &own);
        if self.nodes[node].is_member()
            && self.nodes[node].defies.is_empty()
            && let Some(removal) = verified.iter().find(takes)
        {
            self.nodes[node].disk.purge(&own, removal.hash());
        }
    }

    pub(super) fn answers(&mut self, node: NodeNo, peer: NodeNo, request: Request) -> Response {
        let (key, group) = (self.key(peer), self.group);
        if let Some(statements) = self.nodes[node].disk.membership.removal_of(&key)
            && !self.without(Rule::AnswerMembersAlone)
        {
            return Response::Removed { statements };
        }
        let not_shared = Response::Refused(Refusal::NotShared);
        let member = self.nodes[node].shares(&key) || self.without(Rule::AnswerMembersAlone);
        if request.group() != Some(group) {
            return not_shared;
        }
        if let Request::Introduce { statements, .. } = request {
            let verified: Option<Vec<Statement>> =
                statements.iter().map(|bytes| self.statement(bytes)).collect();
            let Some(verified) = verified else { return not_shared };
            let own = self.nodes[node].keys.id();
            let disk = &self.nodes[node].disk;
            if !member && !disk.membership.introduces(&verified, &key, &own) {
                return not_shared;
            }
            let digest = disk.membership.digest();
            let early = !disk.membership.sift(verified.clone()).1.is_empty();
            self.write(node, vec![Change::Statements(verified)], Then::Nothing);
            if early || !self.nodes[node].is_member() {
                self.wants(node, peer);
            }
            return Response::Known { digest };
        }
        let disk = &self.nodes[node].disk;
        if !member {
            let left = disk.membership.leaving_for(&self.nodes[node].keys.id(), &key).is_some();
            if left && let Request::Statements { digest, after, .. } = request {
                return answer::statements(&disk.membership, Some(digest), after);
            }
            return not_shared;
        }
        let response = match request {
            Request::Statements { digest, after, .. } => {
                answer::statements(&disk.membership, Some(digest), after)
            }
            Request::Compare { count, digest, .. } => answer::compare(&disk.set, count, &digest),
            Request::Symbols { count, .. } => answer::symbols(&disk.set, count.into()),
            Request::Describe { ranges, .. } => answer::describe(&disk.set, &ranges),
            Request::Ordered { ranges, .. } => answer::ordered(&disk.set, &ranges),
            Request::Entries { ids, .. } => {
                let held = |id: &_| Ok::<_, Refusal>(disk.bytes_of(id));
                let membership = || disk.membership.digest();
                answer::entries(&ids, held, membership).unwrap_or_else(Response::Refused)
            }
            Request::EntriesIn { range, .. } => {
                let first: Vec<_> = answer::first_entries_in(&disk.set, &range).collect();
                let held = |hash: &_| Ok::<_, Refusal>(disk.bytes(hash));
                let membership = || disk.membership.digest();
                answer::entries_in(&range, &first, held, membership)
                    .unwrap_or_else(Response::Refused)
            }
            Request::News { digest, .. } => {
                let known = disk.membership.digest();
                if disk.set.digest() != digest {
                    self.wants(node, peer);
                }
                return Response::Known { digest: known };
            }
            Request::Join { .. }
            | Request::Groups { .. }
            | Request::Return { .. }
            | Request::Introduce { .. }
            | Request::Peers { .. }
            | Request::Blobs { .. }
            | Request::BlobRange { .. }
            | Request::Receipts { .. }
            | Request::Holding { .. }
            | Request::Heard { .. }
            | Request::Withdraw { .. } => not_shared,
        };
        if let Response::Entries { entries, .. } | Response::EntriesIn { entries, .. } = &response {
            self.tells(node, peer, entries.iter().map(|bytes| Hash::of(bytes)).collect());
        }
        response
    }

    /// Looks whether a node may tell another of entries, as far as can be known from outside.
    fn tells(&mut self, by: NodeNo, to: NodeNo, entries: Vec<Hash>) {
        let teller = &self.nodes[by];
        let school = self.nodes[to].keys.id();
        let membership = &teller.disk.membership;
        let stranger = membership.roster().member(&school).is_none();
        let leaks = |hash: &Hash| stranger || self.log.leaks(hash, &school, membership);
        let innocent = |hash: &Hash| self.slipped.contains(&(by, *hash));
        if !teller.hostile
            && let Some(hash) = entries.into_iter().filter(|hash| !innocent(hash)).find(leaks)
            && let Some(published) = self.log.published.get(&hash)
            && !self.is_let_in_again(to, &[by, published.node])
        {
            self.violated(Violation::Leak { by, to, hash });
        }
    }

    /// Whether somebody let a node's school in again, and not all have heard: it is a member by all
    /// that it and the others hold together, or by what it holds, the removal included. (Whoever let
    /// it in may have been dismissed meanwhile.)
    pub(super) fn is_let_in_again(&self, node: NodeNo, others: &[NodeNo]) -> bool {
        let mut all = self.nodes[node].disk.membership.clone();
        let departure = |other: &NodeNo| {
            self.nodes[*other].disk.membership.roster().departure_of(&self.key(node))
        };
        let knows = |hash: &Hash| all.statements().contains_key(hash);
        let mut removals =
            others.iter().filter_map(departure).flat_map(|departure| &departure.statements);
        if self.nodes[node].is_member() && removals.all(knows) {
            return true;
        }
        for other in others {
            all.extend(self.nodes[*other].disk.membership.in_order().cloned());
        }
        all.roster().school_of(&self.key(node)).is_some()
    }
}

fn comparison_progress(comparisons: &BTreeMap<u64, Comparison>, number: u64) -> usize {
    comparisons.get(&number).map_or(0, |one| one.session.progress().0)
}
