//! What a node does with what comes, as the node's program does it.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::disk;
use super::school::{Channel, Comparison, NodeNo};
use super::world::{Change, Event, Packet, Then, World};
use super::{Rule, Violation};
use crate::entry::Entry;
use crate::gossip::Announcement;
use crate::group::epoch::EpochKey;
use crate::group::roster::Standing;
use crate::group::statement::{Act, Statement};
use crate::hash::Hash;
use crate::identity::PublicKey;
use crate::intake::{Judgement, judge};
use crate::limits::MAX_CLOCK_AHEAD_MILLIS;
use crate::sync::answer;
use crate::sync::message::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, Refusal, Request, Response};
use crate::sync::session::{Output, Session, SessionError};
use crate::wire;

/// How long an answer is waited for.
const PATIENCE_MILLIS: u64 = 10_000;

/// Comparisons at once.
const COMPARISONS_AT_ONCE: usize = 3;

/// Ticks between comparisons.
const TICKS_BETWEEN_COMPARISONS: u32 = 3;

/// Neighbours that gossip is sent to; gossipsub's mesh.
const MESH: usize = 6;

/// Members that are told statements that came from another.
const FANOUT: usize = 6;

/// Requests of one comparison, which an honest peer never comes near in networks of this size.
const MAX_REQUESTS: usize = 500;

/// Nodes that are handed an epoch's key one by one.
const MAX_EXTENDED: usize = 16;

impl World {
    pub(super) fn without(&self, rule: Rule) -> bool {
        self.options.without == Some(rule)
    }

    fn key(&self, node: NodeNo) -> PublicKey {
        self.nodes[node].keys.public()
    }

    /// What a node does with one that it has just connected to.
    pub(super) fn connected(&mut self, node: NodeNo, peer: NodeNo) {
        let (own, other) = (self.nodes[node].keys.id(), self.key(peer));
        let group = self.group;
        let membership = &self.nodes[node].disk.membership;
        let leaving = membership.leaving_for(&own, &other);
        let known = membership.roster().school_of(&other).is_some();
        let mut admissions = membership.admissions_of(&self.key(node));
        admissions.extend(membership.admissions_of(&other));
        let admissions = self.nodes[node].is_member().then_some(admissions);
        for statements in [leaving, admissions].into_iter().flatten() {
            self.ask(node, peer, &Request::Introduce { group, statements });
        }
        if known {
            self.wants(node, peer);
        }
    }

    /// What a node does every ten seconds.
    pub(super) fn tick(&mut self, node: NodeNo) {
        self.nodes[node].ticks += 1;
        if let Some(admin) = self.nodes[node].invited_by {
            if self.nodes[node].is_member() {
                self.nodes[node].invited_by = None;
            } else {
                self.send(admin, node, Packet::LetIn);
            }
        }
        self.judge_again(node);
        self.keep_epoch(node);
        let due = self.nodes[node].ticks.is_multiple_of(TICKS_BETWEEN_COMPARISONS);
        if due && !self.without(Rule::CompareFromTimeToTime) {
            let peers: Vec<NodeNo> = self.nodes[node]
                .neighbours
                .iter()
                .copied()
                .filter(|peer| self.reaches(node, *peer))
                .filter(|peer| {
                    self.nodes[node].hostile || self.nodes[node].shares(&self.key(*peer))
                })
                .collect();
            if let Some(peer) = self.random.pick(&peers).copied() {
                self.wants(node, peer);
            }
        }
    }

    // Comparisons.

    fn wants(&mut self, node: NodeNo, peer: NodeNo) {
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
    fn ask(&mut self, node: NodeNo, peer: NodeNo, request: &Request) {
        let (number, bytes) = (self.number(), wire::encode(request).into());
        self.send(node, peer, Packet::Request { number, bytes });
    }

    pub(super) fn timed_out(&mut self, node: NodeNo, comparison: u64, number: u64) {
        let under_way = self.nodes[node].comparisons.get(&comparison);
        if under_way.is_some_and(|under_way| under_way.asked == Some(number)) {
            self.ends(node, comparison);
        }
    }

    fn ends(&mut self, node: NodeNo, number: u64) {
        self.nodes[node].comparisons.remove(&number);
        self.next_comparison(node);
    }

    fn answered(&mut self, node: NodeNo, number: u64, response: Response) {
        let school = &mut self.nodes[node];
        let Some(comparison) = school.comparisons.get_mut(&number) else { return };
        comparison.asked = None;
        let handled = comparison.session.handle_response(response, &school.disk.set);
        if let Err(error) = handled {
            if let SessionError::Removed(statements) = error {
                self.hears_of_removal(node, &statements);
            }
            self.ends(node, number)
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
            && let Some(removal) = verified.iter().find(takes)
        {
            self.nodes[node].disk.purge(&own, removal.hash());
        }
    }

    // What comes over a line.

    pub(super) fn arrives(&mut self, from: NodeNo, to: NodeNo, packet: Packet) {
        match packet {
            Packet::Gossip { topic, data } => self.hears(to, from, topic, data),
            Packet::LetIn => self.let_in(to, from),
            Packet::Request { number, bytes } => {
                let Ok(request) = wire::decode::<Request>(&bytes, MAX_REQUEST_BYTES) else {
                    return;
                };
                let mut response = self.answers(to, from, request);
                if self.nodes[to].hostile {
                    response = self.twisted(to, response);
                }
                let bytes = wire::encode(&response).into();
                self.send(to, from, Packet::Response { number, bytes });
            }
            Packet::Response { number, bytes } => {
                let waits = |(_, one): &(&u64, &Comparison)| one.asked == Some(number);
                let comparison = self.nodes[to].comparisons.iter().find(waits);
                let Some(comparison) = comparison.map(|(comparison, _)| *comparison) else {
                    return;
                };
                match wire::decode::<Response>(&bytes, MAX_RESPONSE_BYTES) {
                    Ok(response) => {
                        self.answered(to, comparison, response);
                        self.go_on(to, comparison);
                    }
                    Err(_) => self.ends(to, comparison),
                }
            }
        }
    }

    /// People bring a school the word that it was let in, with the statements that say so.
    fn let_in(&mut self, node: NodeNo, admin: NodeNo) {
        let own = self.key(node);
        let membership = &self.nodes[admin].disk.membership;
        if membership.roster().school_of(&own).is_some() {
            let statements = membership.in_order().cloned().collect();
            self.write(node, vec![Change::Statements(statements)], Then::Nothing);
        }
    }

    fn answers(&mut self, node: NodeNo, peer: NodeNo, request: Request) -> Response {
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
        if !teller.hostile
            && let Some(hash) = entries.into_iter().find(leaks)
            && let Some(published) = self.log.published.get(&hash)
            && !self.is_let_in_again(to, &[by, published.node])
        {
            self.violated(Violation::Leak { by, to, hash });
        }
    }

    /// Whether somebody let a node's school in again, and not all have heard: it is a member by all
    /// that it and the others hold together, or by what it holds, the removal included. (Whoever let
    /// it in may have been dismissed meanwhile.)
    fn is_let_in_again(&self, node: NodeNo, others: &[NodeNo]) -> bool {
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

    // Gossip.

    fn hears(&mut self, node: NodeNo, from: NodeNo, topic: Hash, data: Arc<[u8]>) {
        let Some(key) = self.channel(node, &topic) else { return };
        if !self.nodes[node].shares(&self.key(from)) {
            return;
        }
        if !self.nodes[node].heard.insert(Hash::of(&data)) {
            return;
        }
        let Some(announced) = key.decrypt(&data) else { return };
        match Announcement::decode(&announced) {
            Ok(Announcement::Entry(bytes)) => {
                let then = Then::PassOn { from, topic, data };
                self.takes(node, from, &[bytes.into_vec()], then);
            }
            Ok(Announcement::News { digest, node: teller }) => {
                if teller == self.key(from) && self.nodes[node].disk.set.digest() != digest {
                    self.wants(node, from);
                }
            }
            Err(_) => {}
        }
    }

    /// The key of a topic that a node listens to: that of the current epoch or of the one before.
    fn channel(&mut self, node: NodeNo, topic: &Hash) -> Option<EpochKey> {
        let current = self.own_channel(node);
        let keys = [current, self.nodes[node].former.clone()];
        keys.into_iter().flatten().find(|key| key.commitment() == *topic)
    }

    /// The key under which a node talks.
    pub(super) fn own_channel(&mut self, node: NodeNo) -> Option<EpochKey> {
        let group = self.group;
        let school = &mut self.nodes[node];
        if !school.is_member() {
            school.channel = None;
            return None;
        }
        let epoch = school.disk.membership.roster().epoch();
        let statement = epoch.map(crate::group::epoch::Epoch::statement);
        if school.channel.as_ref().map(|channel| channel.statement) != statement {
            let opened = epoch.and_then(|epoch| epoch.open(&group, &school.keys.node, |_| None));
            let before = school.channel.take().and_then(|channel| channel.key);
            school.former = before.or(school.former.take());
            school.channel = statement.map(|statement| Channel { statement, key: opened });
        } else if let Some(channel) = &mut school.channel
            && channel.key.is_none()
        {
            channel.key = epoch.and_then(|epoch| epoch.open(&group, &school.keys.node, |_| None));
        }
        let current = school.channel.as_ref().and_then(|channel| channel.key.clone());
        if self.without(Rule::EpochOfMembers) {
            return self.nodes[node].former.clone().or(current);
        }
        current
    }

    fn announce(&mut self, node: NodeNo, announcement: &Announcement) {
        let Some(key) = self.own_channel(node) else { return };
        let data: Arc<[u8]> = key.encrypt(&announcement.encode()).into();
        if let Announcement::Entry(bytes) = announcement {
            self.check_key(node, &key, Hash::of(bytes));
        }
        self.nodes[node].heard.insert(Hash::of(&data));
        self.spread(node, None, key.commitment(), &data);
    }

    /// Looks whether a removed school has the key under which a node publishes.
    fn check_key(&mut self, node: NodeNo, key: &EpochKey, hash: Hash) {
        let roster = self.nodes[node].disk.membership.roster();
        for (to, other) in self.nodes.iter().enumerate() {
            let departed = roster.departure_of(&other.keys.public());
            let opened =
                [other.channel.as_ref().and_then(|one| one.key.as_ref()), other.former.as_ref()];
            if departed.is_some_and(|end| end.removed_by.is_some())
                && roster.school_of(&other.keys.public()).is_none()
                && opened.into_iter().flatten().any(|held| held == key)
                && !self.nodes[node].hostile
                && !self.is_let_in_again(to, &[node])
            {
                return self.violated(Violation::Leak { by: node, to, hash });
            }
        }
    }

    /// Sends gossip to some of the neighbours that are members.
    fn spread(&mut self, node: NodeNo, from: Option<NodeNo>, topic: Hash, data: &Arc<[u8]>) {
        let mut listeners: Vec<NodeNo> = self.nodes[node]
            .neighbours
            .iter()
            .copied()
            .filter(|peer| Some(*peer) != from)
            .filter(|peer| self.nodes[node].shares(&self.key(*peer)))
            .collect();
        while listeners.len() > MESH {
            let away = self.random.below(listeners.len());
            listeners.swap_remove(away);
        }
        for peer in listeners {
            self.send(node, peer, Packet::Gossip { topic, data: Arc::clone(data) });
        }
    }

    fn tell_news(&mut self, node: NodeNo) {
        let digest = self.nodes[node].disk.set.digest();
        let teller = self.key(node);
        self.announce(node, &Announcement::News { digest, node: teller });
    }

    // Entries and statements.

    /// Judges entries and puts those that belong on their way to the disk.
    fn takes(&mut self, node: NodeNo, from: NodeNo, entries: &[Vec<u8>], then: Then) {
        let mut changes = Vec::new();
        for bytes in entries {
            let Some(entry) = self.entry(bytes) else { continue };
            let now = self.clock(node);
            if self.nodes[node].disk.set.contains(entry.clock(), &entry.hash())
                || self.nodes[node].storing.contains(&entry.hash())
            {
                continue;
            }
            if self.without(Rule::TakeOwnBack) && entry.node() == self.key(node) {
                continue;
            }
            let roster = self.nodes[node].disk.membership.roster();
            let mut judgement = judge(&entry, &self.group, roster, now);
            if matches!(
                judgement,
                Judgement::Waits(crate::intake::AsideReason::FromTheFuture { .. })
            ) && self.without(Rule::FutureWaits)
                || (judgement == Judgement::NotForGroup
                    && entry.clock().millis() <= now
                    && self.without(Rule::ListedStands))
            {
                judgement = Judgement::Belongs;
            }
            match judgement {
                Judgement::Belongs => {
                    let ahead = entry.clock().millis().saturating_sub(now);
                    if ahead > MAX_CLOCK_AHEAD_MILLIS && !self.nodes[node].hostile {
                        self.violated(Violation::Future { node, minutes: ahead / 60_000 });
                    }
                    self.nodes[node].storing.insert(entry.hash());
                    changes.push(Change::Entry(entry));
                }
                Judgement::Waits(_) => {
                    let (group, forwarder) = (self.group, self.key(from));
                    self.nodes[node].aside.hold(forwarder, group, &entry);
                }
                Judgement::NotForGroup => {}
            }
        }
        if !changes.is_empty() {
            self.write(node, changes, then);
        }
    }

    fn judge_again(&mut self, node: NodeNo) {
        let waiting = self.nodes[node].aside.take();
        for entries in waiting.into_values() {
            let entries: Vec<Vec<u8>> = entries.into_values().map(|(_, bytes)| bytes).collect();
            self.takes(node, node, &entries, Then::Nothing);
        }
    }

    /// What changes are once they are on the disk.
    pub(super) fn apply(&mut self, node: NodeNo, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Entry(entry) => {
                    let without = self.options.without;
                    let school = &mut self.nodes[node];
                    school.storing.remove(&entry.hash());
                    // A removal may have come between the judgement and the storing.
                    let own = entry.key().school == school.keys.id();
                    let standing = school.disk.membership.roster().standing(&entry);
                    let counts = standing != Standing::Dropped || own;
                    if (counts && (own || school.is_member()))
                        || without == Some(Rule::ListedStands)
                    {
                        school.disk.store(&entry, without);
                    }
                }
                Change::Statements(statements) => {
                    let own = self.nodes[node].keys.id();
                    let without = self.options.without;
                    let added = self.nodes[node].disk.add(statements, &own, without);
                    if !added.is_empty() {
                        self.judge_again(node);
                        self.pass_statements(node, &added);
                    }
                }
            }
        }
    }

    pub(super) fn then(&mut self, node: NodeNo, then: Then) {
        match then {
            Then::Nothing => {}
            Then::Publish(entry) => self.published(node, &entry),
            Then::PassOn { from, topic, data } => self.spread(node, Some(from), topic, &data),
            Then::GoOn(comparison) => self.go_on(node, comparison),
        }
    }

    /// Acknowledges what is published and tells the group.
    pub(super) fn published(&mut self, node: NodeNo, entry: &Arc<Entry>) {
        let own_hostile = self.nodes[node].hostile;
        // A removal may have come first: then nothing was published.
        if !self.nodes[node].disk.set.contains(entry.clock(), &entry.hash()) && !own_hostile {
            return;
        }
        self.log.acknowledge(&entry.hash());
        self.announce(node, &Announcement::Entry(ByteBuf::from(entry.as_bytes())));
    }

    /// Tells members statements that are new.
    fn pass_statements(&mut self, node: NodeNo, added: &[Hash]) {
        let membership = &self.nodes[node].disk.membership;
        let new = || added.iter().filter_map(|hash| membership.statements().get(hash));
        let own_key = self.key(node);
        let own = new().any(|one| one.author_certificate().node() == own_key);
        let statements: Vec<ByteBuf> = new().map(|one| ByteBuf::from(one.as_bytes())).collect();
        if statements.len() > answer::STATEMENTS_PER_ANSWER || self.nodes[node].disk.is_removed() {
            return;
        }
        let members = membership.roster().members();
        let listens = |peer: &NodeNo| {
            let school = self.nodes[*peer].keys.id();
            members.get(&school).is_some_and(|one| one.nodes.contains(&self.key(*peer)))
        };
        let mut listeners: Vec<NodeNo> =
            self.nodes[node].neighbours.iter().copied().filter(listens).collect();
        while !own && listeners.len() > FANOUT {
            let away = self.random.below(listeners.len());
            listeners.swap_remove(away);
        }
        let group = self.group;
        for peer in listeners {
            self.ask(node, peer, &Request::Introduce { group, statements: statements.clone() });
        }
    }

    /// Makes an epoch, or hands its key on, where it is this node's turn.
    fn keep_epoch(&mut self, node: NodeNo) {
        let own = self.nodes[node].keys.id();
        if !self.nodes[node].is_member() {
            return;
        }
        let roster = self.nodes[node].disk.membership.roster();
        let lacking = roster.to_be_given_the_key(&own);
        if lacking.is_empty() {
            self.nodes[node].epoch_due = 0;
            return;
        }
        let (turn, admin, epoch) = (
            roster.epoch_turn(&own),
            roster.is_admin(&own),
            roster.epoch().map(|one| one.statement()),
        );
        self.nodes[node].epoch_due += 1;
        if self.nodes[node].epoch_due <= turn {
            return;
        }
        self.nodes[node].epoch_due = 0;
        let acts = match (epoch, self.own_channel(node)) {
            (Some(epoch), Some(key)) if lacking.len() <= MAX_EXTENDED || !admin => lacking
                .into_iter()
                .map(|to| Act::Extend { epoch, node: to, sealed: key.seal(&self.group, &to) })
                .collect(),
            _ if !admin => return,
            _ => vec![self.new_epoch(node)],
        };
        for act in acts {
            self.says(node, act);
        }
    }

    pub(super) fn new_epoch(&mut self, node: NodeNo) -> Act {
        let key = EpochKey::from_seed(self.random.bytes());
        self.nodes[node].disk.membership.seal(&key).0
    }

    /// Signs an act after all that a node holds, and puts it on its way to the disk.
    pub(super) fn says(&mut self, node: NodeNo, act: Act) {
        let clock = crate::clock::Timestamp::from_millis(self.clock(node));
        let school = &self.nodes[node];
        let keys = &school.keys;
        let made = school.disk.membership.sign(act, clock, &keys.certificate, &keys.node);
        if let Ok(statement) = made {
            self.statements.insert(statement.hash(), Some(statement.clone()));
            self.write(node, vec![Change::Statements(vec![statement])], Then::Nothing);
        }
    }

    /// A verified entry; each is verified once in the whole world.
    fn entry(&mut self, bytes: &[u8]) -> Option<Arc<Entry>> {
        if self.without(Rule::CheckSignatures) {
            return Entry::reopen(bytes).ok().map(Arc::new);
        }
        let verifier = &self.verifier;
        self.verified
            .entry(Hash::of(bytes))
            .or_insert_with(|| verifier.open(bytes).ok().map(Arc::new))
            .clone()
    }

    fn statement(&mut self, bytes: &[u8]) -> Option<Statement> {
        self.statements
            .entry(Hash::of(bytes))
            .or_insert_with(|| Statement::verify(bytes).ok())
            .clone()
    }

    /// Whether a new version beats the one that its author held.
    pub(super) fn check_edit(&mut self, node: NodeNo, entry: &Entry) {
        let held = self.nodes[node].disk.entries.get(&disk::key(entry, self.options.without));
        let loses =
            held.is_some_and(|held| entry.version() <= held.version() && !held.is_withdrawal());
        if loses && !self.nodes[node].hostile && !self.without(Rule::RecordsOfSchools) {
            self.violated(Violation::EditLost { node });
        }
    }
}

fn comparison_progress(
    comparisons: &std::collections::BTreeMap<u64, Comparison>,
    number: u64,
) -> usize {
    comparisons.get(&number).map_or(0, |one| one.session.progress().0)
}
