//! What a node does with what comes, as the node's program does it.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::disk;
use super::founding::CHOSEN_NEIGHBOURS;
use super::mesh::Rpc;
use super::school::{Comparison, NodeNo};
use super::world::{Change, Packet, Then, World};
use super::{Fault, Rule, Violation};
use crate::entry::Entry;
use crate::gossip::Announcement;
use crate::group::epoch::EpochKey;
use crate::group::roster::Standing;
use crate::group::statement::{Act, Statement};
use crate::hash::Hash;
use crate::identity::PublicKey;
use crate::intake::{AsideReason, Judgement, judge};
use crate::limits::MAX_CLOCK_AHEAD_MILLIS;
use crate::sync::answer;
use crate::sync::message::{MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES, Request, Response};
use crate::wire;

/// Ticks between comparisons.
const TICKS_BETWEEN_COMPARISONS: u32 = 3;

/// Members that are told statements that came from another.
const FANOUT: usize = 6;

/// Nodes that are handed an epoch's key one by one.
const MAX_EXTENDED: usize = 16;

impl World {
    pub(super) fn without(&self, rule: Rule) -> bool {
        self.options.without == Some(rule)
    }

    pub(super) fn key(&self, node: NodeNo) -> PublicKey {
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
        if known && self.compares(node) {
            self.wants(node, peer);
        }
    }

    /// Dials a member that it is not connected to: one that it knew, or, where too few are connected,
    /// any. So a school hears that it is a member after all, which does not ask since it takes itself
    /// for removed.
    fn dials_more(&mut self, node: NodeNo) {
        let school = &self.nodes[node];
        if !school.is_member() {
            return;
        }
        let roster = school.disk.membership.roster();
        let is_away = |other: &NodeNo| {
            *other != node
                && !school.mesh.is_connected(*other)
                && roster.school_of(&self.key(*other)).is_some()
        };
        let others: Vec<NodeNo> = if school.mesh.connections() < CHOSEN_NEIGHBOURS {
            (0..self.nodes.len()).filter(is_away).collect()
        } else {
            school.neighbours.iter().copied().filter(is_away).collect()
        };
        if let Some(other) = self.random.pick(&others).copied() {
            if !self.nodes[node].neighbours.contains(&other) {
                self.nodes[node].neighbours.push(other);
                self.nodes[other].neighbours.push(node);
            }
            self.dials(node, other);
        }
    }

    fn compares(&self, node: NodeNo) -> bool {
        self.nodes[node].starts == 0 || !self.without(Rule::CompareAfterStart)
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
        self.meets(node);
        self.dials_more(node);
        self.follow(node);
        self.judge_again(node);
        self.keep_epoch(node);
        let due = self.nodes[node].ticks.is_multiple_of(TICKS_BETWEEN_COMPARISONS);
        if due && !self.without(Rule::CompareFromTimeToTime) && self.compares(node) {
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

    // What comes over a line.

    pub(super) fn arrives(&mut self, from: NodeNo, to: NodeNo, packet: Packet) {
        match packet {
            Packet::Gossip(rpc) => {
                if self.without(Rule::CountOnce)
                    && let Rpc::Message(message) = &rpc
                {
                    self.hears(to, from, message);
                }
                self.nodes[to].mesh.handle(from, rpc, self.now);
                self.pump(to);
            }
            Packet::LetIn => self.let_in(to, from),
            Packet::Request { number, bytes } => {
                let Ok(request) = wire::decode::<Request>(&bytes, MAX_REQUEST_BYTES) else {
                    return;
                };
                let mut response = self.answers(to, from, request);
                if self.nodes[to].hostile && self.options.faults.contains(&Fault::Hostile) {
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

    // Entries and statements.

    /// Judges entries and puts those that belong on their way to the disk; false if there are none.
    pub(super) fn takes(
        &mut self,
        node: NodeNo,
        from: NodeNo,
        entries: &[Vec<u8>],
        then: Then,
    ) -> bool {
        let mut changes = Vec::new();
        for bytes in entries {
            let Some(entry) = self.entry(bytes) else { continue };
            self.notes_origin(node, from, &entry.hash());
            let now = self.clock(node);
            let held = self.nodes[node].disk.set.contains(entry.clock(), &entry.hash())
                || self.nodes[node].storing.contains(&entry.hash());
            if held && !self.without(Rule::CountOnce) {
                continue;
            }
            if self.without(Rule::TakeOwnBack) && entry.node() == self.key(node) {
                continue;
            }
            let roster = self.nodes[node].disk.membership.roster();
            let mut judgement = judge(&entry, &self.group, roster, now);
            if matches!(judgement, Judgement::Waits(AsideReason::FromTheFuture { .. }))
                && self.without(Rule::FutureWaits)
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
        let some = !changes.is_empty();
        if some {
            self.write(node, changes, then);
        }
        some
    }

    fn notes_origin(&mut self, node: NodeNo, from: NodeNo, hash: &Hash) {
        let slips = self.nodes[from].hostile || self.slipped.contains(&(from, *hash));
        if slips && !self.log.knows_as_much(hash, &self.nodes[node].disk.membership) {
            self.slipped.insert((node, *hash));
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
                    let statements = self.defied(node, statements);
                    let added = self.nodes[node].disk.add(statements, &own, without);
                    if !added.is_empty() {
                        self.meets(node);
                        self.follow(node);
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
            Then::Judged { message, entry, passed_on } => {
                let school = &mut self.nodes[node];
                let stored = school.disk.by_hash.contains_key(&entry);
                school.mesh.judged(&message, passed_on && stored);
                self.pump(node);
            }
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

    pub(super) fn statement(&mut self, bytes: &[u8]) -> Option<Statement> {
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
