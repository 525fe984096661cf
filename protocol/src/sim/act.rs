//! What schools do.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::founding::admission;
use super::school::{Keys, NodeNo};
use super::world::{Change, Event, Then, World};
use super::{Fault, Rule};
use crate::clock::Timestamp;
use crate::entry::{BlobRef, Draft, Entry, EntryKey};
use crate::group::Capacity;
use crate::group::statement::{Act, Statement};
use crate::hash::{Hash, RecordId, SchoolId};
use crate::identity::Revocation;
use crate::record::Summary;

/// Entries that a removal lists in these runs: fewer than a school may have, so that some fall.
const LISTED: usize = 40;

impl World {
    /// A school does something.
    pub(super) fn act(&mut self) {
        self.acts_left = self.acts_left.saturating_sub(1);
        let node = self.random.below(self.nodes.len());
        if !self.nodes[node].up {
            return;
        }
        if self.random.one_in(4) {
            let changes = [Fault::Membership, Fault::Rotations];
            let changes: Vec<Fault> = changes.into_iter().filter(|one| self.has(*one)).collect();
            match self.random.pick(&changes) {
                Some(Fault::Membership) => return self.changes_membership(node),
                Some(_) => return self.rotate_at_once(),
                None => {}
            }
        }
        if self.nodes[node].hostile && self.random.one_in(2) {
            return self.attacks(node);
        }
        if !self.may_publish(node) {
            return;
        }
        let kind = self.random.below(10);
        let own = self.own_records(node);
        let one = self.random.pick(&own).copied();
        match one {
            Some(record) if kind < 3 => self.publish(node, record, true),
            Some(record) if kind < 5 => self.publish(node, record, false),
            Some(record) if kind < 7 && self.has(Fault::Races) => self.races(node, record),
            _ => {
                let record = self.new_record();
                self.publish(node, record, true);
            }
        }
    }

    fn may_publish(&self, node: NodeNo) -> bool {
        let roster = self.nodes[node].disk.membership.roster();
        self.nodes[node].is_member() && roster.school_of(&self.nodes[node].keys.public()).is_some()
    }

    fn own_records(&self, node: NodeNo) -> Vec<RecordId> {
        let school = &self.nodes[node];
        let own = school.keys.id();
        let records = school.disk.entries.values().filter(|one| !one.is_withdrawal());
        records.map(|one| one.key()).filter(|key| key.school == own).map(|key| key.record).collect()
    }

    fn new_record(&mut self) -> RecordId {
        if self.has(Fault::Collisions) && self.random.one_in(2) {
            let few = u8::try_from(self.random.below(4)).unwrap_or(0);
            return RecordId::from_bytes([few; 16]);
        }
        RecordId::from_bytes(self.random.bytes())
    }

    /// Publishes a version of a record, or its withdrawal.
    fn publish(&mut self, node: NodeNo, record: RecordId, content: bool) {
        let now = self.clock(node);
        let school = &self.nodes[node];
        let key = EntryKey { group: self.group, school: school.keys.id(), record };
        let mut kept = key;
        if self.without(Rule::RecordsOfSchools) {
            kept.school = SchoolId::from_bytes([0; 32]);
        }
        let held = school.disk.entries.get(&kept).map(|held| held.clock()).unwrap_or_default();
        let clock = if self.without(Rule::ClockExceedsHeld) {
            Timestamp::from_millis(now)
        } else {
            held.next(now)
        };
        let Some(entry) = self.signed(node, record, clock, content) else { return };
        self.check_edit(node, &entry);
        self.puts_out(node, entry);
    }

    /// Writes a publication, logs it, and acknowledges it once it is on the disk.
    pub(super) fn puts_out(&mut self, node: NodeNo, entry: Entry) {
        let entry = Arc::new(entry);
        self.verified.insert(entry.hash(), Some(Arc::clone(&entry)));
        self.log.publish(node, &entry, &self.nodes[node].disk.membership);
        if self.without(Rule::SyncBeforeAcknowledging) {
            self.log.acknowledge(&entry.hash());
        }
        if self.has(Fault::LostWrites) && self.random.one_in(20) {
            // About when it is on its way to the disk.
            let soon = self.random.between(1, 20);
            self.later(soon, Event::Crash { node });
        }
        let then = Then::Publish(Arc::clone(&entry));
        self.write(node, vec![Change::Entry(entry)], then);
    }

    pub(super) fn signed(
        &mut self,
        node: NodeNo,
        record: RecordId,
        clock: Timestamp,
        content: bool,
    ) -> Option<Entry> {
        let title = format!("{}", self.number());
        let summary = Summary { title, ..Summary::default() };
        let body = BlobRef { hash: Hash::of(b""), size: 0 };
        let draft = Draft {
            group: self.group,
            record,
            clock,
            kind: "intervention".into(),
            content: content.then_some((summary, body)),
            school: None,
        };
        let keys = &self.nodes[node].keys;
        Entry::sign(draft, &keys.certificate, &keys.node).ok()
    }

    /// Two nodes of a school edit a record at the same moment, or one edits and one withdraws it.
    fn races(&mut self, node: NodeNo, record: RecordId) {
        let school = self.nodes[node].keys.id();
        let other = self.nodes.iter().position(|one| {
            one.keys.id() == school && one.keys.public() != self.nodes[node].keys.public() && one.up
        });
        let Some(other) = other.filter(|other| self.may_publish(*other)) else {
            // The one node edits, and withdraws before the edit is on its disk.
            self.publish(node, record, true);
            return self.publish(node, record, false);
        };
        let held = |node: NodeNo| {
            let key = EntryKey { group: self.group, school, record };
            self.nodes[node].disk.entries.get(&key).map(|one| one.clock()).unwrap_or_default()
        };
        let clock = held(node).max(held(other)).next(self.clock(node).max(self.clock(other)));
        let withdraws = self.random.one_in(2);
        // The withdrawal has the earlier clock.
        let edit = if withdraws { clock.next(clock.millis() + 1) } else { clock };
        for (by, clock, content) in [(node, edit, true), (other, clock, !withdraws)] {
            if let Some(entry) = self.signed(by, record, clock, content) {
                self.puts_out(by, entry);
            }
        }
    }

    fn changes_membership(&mut self, actor: NodeNo) {
        let node = self.random.below(self.nodes.len());
        let other = self.nodes[node].keys.id();
        let school = &self.nodes[actor];
        let (own, roster) = (school.keys.id(), school.disk.membership.roster());
        let admin = roster.is_admin(&own) && school.is_member();
        let (is_member, founder) =
            (roster.member(&other).is_some(), own == self.nodes[0].keys.id());
        match self.random.below(13) {
            0..=2 if admin && !is_member => {
                let act = admission(&self.nodes[node].keys.clone(), node);
                self.says(actor, act);
                self.nodes[node].invited_by = Some(actor);
            }
            3 | 4 if admin && is_member && other != own => {
                let standing = self.listed(actor, &other);
                self.says(actor, Act::Remove { school: other, standing });
            }
            // Of a school with two nodes one might leave while the other revokes it, and then nobody
            // asks the other any more; it has to be let in again.
            5 if !admin
                && school.is_member()
                && roster.member(&own).is_some_and(|one| one.nodes.len() == 1) =>
            {
                let standing = self.listed(actor, &own);
                self.says(actor, Act::Leave { standing, why: None });
            }
            6 if admin => {
                let act = self.new_epoch(actor);
                self.says(actor, act);
            }
            8 => self.revokes(actor),
            9 if founder && is_member => self.root_says(actor, Act::Name { school: other }),
            10 if admin && other != own => self.says(actor, Act::Dismiss { school: other }),
            12 if school.is_member() => {
                let capacity = Capacity::ALL[self.random.below(Capacity::ALL.len())];
                self.says(actor, Act::Keep { capacity });
            }
            _ => {}
        }
    }

    /// Two admins make a key anew at the same moment; one of them may just have removed a school, which
    /// the other has not heard.
    fn rotate_at_once(&mut self) {
        let is_admin = |node: &NodeNo| {
            let school = &self.nodes[*node];
            let roster = school.disk.membership.roster();
            school.up && school.is_member() && roster.is_admin(&school.keys.id())
        };
        let admins: Vec<NodeNo> = (0..self.nodes.len()).filter(is_admin).collect();
        let two = self.random.some_of(admins, 2);
        let schools: Vec<SchoolId> = self.nodes.iter().skip(3).map(|one| one.keys.id()).collect();
        if let (Some(first), Some(school), true) =
            (two.first().copied(), self.random.pick(&schools).copied(), self.has(Fault::Membership))
            && self.nodes[first].keys.id() != school
            && self.nodes[first].disk.membership.roster().member(&school).is_some()
            && self.random.one_in(2)
        {
            let standing = self.listed(first, &school);
            self.says(first, Act::Remove { school, standing });
        }
        for admin in two {
            let act = self.new_epoch(admin);
            self.says(admin, act);
        }
    }

    /// The entries of a school that a node holds, as far as they fit.
    fn listed(&self, node: NodeNo, school: &SchoolId) -> Vec<Hash> {
        let entries = self.nodes[node].disk.entries.values();
        let of = entries.filter(|one| one.author() == *school).map(|one| one.hash());
        of.take(LISTED).collect()
    }

    /// A school's second node revokes the first. (Where each revokes the other, and one of them
    /// removed somebody who has heard of only one of the revocations, people have to sort it out.)
    fn revokes(&mut self, node: NodeNo) {
        if self.nodes.iter().position(|one| one.keys.id() == self.nodes[node].keys.id())
            == Some(node)
        {
            return;
        }
        let keys: Keys = self.nodes[node].keys.clone();
        let roster = self.nodes[node].disk.membership.roster();
        let Some(member) = roster.member(&keys.id()) else { return };
        let other = member.nodes.iter().find(|one| **one != keys.public()).copied();
        let Some(other) = other.filter(|_| self.nodes[node].is_member()) else { return };
        let revocation = Revocation::issue(&keys.school, other, self.now);
        let entries = self.nodes[node].disk.entries.values();
        let standing = entries.filter(|one| one.node() == other).map(|one| one.hash());
        let standing = standing.take(LISTED).collect();
        let revocation = ByteBuf::from(revocation.as_bytes());
        self.says(node, Act::Revoke { revocation, standing });
    }

    fn root_says(&mut self, node: NodeNo, act: Act) {
        let clock = Timestamp::from_millis(self.clock(node));
        let school = &self.nodes[node];
        let proposal = school.disk.membership.propose(act);
        let endorsed = vec![proposal.endorse(&school.keys.school)];
        let keys = &school.keys;
        let made = Statement::sign(proposal, endorsed, clock, &keys.certificate, &keys.node);
        if let Ok(statement) = made {
            self.statements.insert(statement.hash(), Some(statement.clone()));
            self.write(node, vec![Change::Statements(vec![statement])], Then::Nothing);
        }
    }
}
