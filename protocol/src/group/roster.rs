//! Who belongs to a group: a pure function of its statements, which [`judge`] works out.

mod judge;

use std::collections::{BTreeMap, BTreeSet};

use super::epoch::Epoch;
use super::statement::{Founding, Parting, Root, Statement};
use super::{Capacity, Claims, Role};
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::PublicKey;

/// How many keys a school may have lost one after another.
const MAX_INHERITANCES: usize = 16;

/// A school on a roster.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// What it says of itself.
    pub claims: Claims,
    /// What it may do.
    pub role: Role,
    /// The nodes that may publish for it.
    pub nodes: BTreeSet<PublicKey>,
    /// How much it keeps of what others share.
    pub capacity: Capacity,
    /// When it was first admitted.
    pub since: Timestamp,
    /// How it left, if it did.
    pub departed: Option<Departure>,
}

/// How a school left a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Departure {
    /// When, by the clock of whoever said so.
    pub when: Timestamp,
    /// The school that removed it; none if it left.
    pub removed_by: Option<SchoolId>,
    /// Why it left, where it said so.
    pub why: Option<Parting>,
    /// The school that goes on for it: its next key.
    pub next: Option<SchoolId>,
    /// The statements that say so.
    pub statements: BTreeSet<Hash>,
    /// Its entries that stand.
    pub standing: BTreeSet<Hash>,
    /// Its records that admins withdrew since, for a school that cannot do so itself.
    pub withdrawn: BTreeSet<RecordId>,
}

/// That a school, whose key is lost, is to go on under its next key: another school, which the
/// same people have set up anew. The old key may object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// The admins who say so, and from when on the word of each counts.
    pub by: BTreeMap<SchoolId, Timestamp>,
    /// The same for the root.
    pub by_root: Option<Timestamp>,
    /// Whether the old key objected.
    pub objected: bool,
}

/// Where a group went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merger {
    /// The group that it goes on in.
    pub into: GroupId,
    /// That group's name.
    pub name: String,
    /// The school that merged them.
    pub by: SchoolId,
    /// When, by that school's clock.
    pub when: Timestamp,
}

/// Who belongs to a group, and the epoch under which they gossip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roster {
    founding: Option<Founding>,
    root: Option<Root>,
    members: BTreeMap<SchoolId, Member>,
    /// Revoked nodes, with their schools and those of their entries that stand.
    revoked: BTreeMap<PublicKey, (SchoolId, BTreeSet<Hash>)>,
    used_invites: BTreeMap<(SchoolId, Hash), SchoolId>,
    epoch: Option<Epoch>,
    merger: Option<Merger>,
    bindings: BTreeMap<(SchoolId, SchoolId), Binding>,
}

/// How a roster judges an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to the group's content.
    Honoured,
    /// The school or its node is not on the roster; its admission may still be on its way.
    Unknown,
    /// Its school departed or its node was revoked, and no list says that it stands.
    Dropped,
}

impl Roster {
    /// Judges all statements of a group. `order` has every statement after those before it, the
    /// founding one first.
    pub(super) fn of(order: &[&Statement]) -> Self {
        judge::roster(order)
    }

    /// What the founding statement says, once it is here.
    pub fn founding(&self) -> Option<&Founding> {
        self.founding.as_ref()
    }

    /// The root in force.
    pub fn root(&self) -> Option<&Root> {
        self.root.as_ref()
    }

    /// Every school that is or was a member.
    pub fn members(&self) -> &BTreeMap<SchoolId, Member> {
        &self.members
    }

    /// The schools that are members.
    pub fn current(&self) -> impl Iterator<Item = (SchoolId, &Member)> {
        self.members.iter().filter(|(_, member)| member.departed.is_none()).map(|(id, m)| (*id, m))
    }

    /// What a school is, as long as it is a member.
    pub fn member(&self, school: &SchoolId) -> Option<&Member> {
        self.members.get(school).filter(|member| member.departed.is_none())
    }

    /// Whether a school is an admin.
    pub fn is_admin(&self, school: &SchoolId) -> bool {
        self.member(school).is_some_and(|member| member.role == Role::Admin)
    }

    /// The member school that a node belongs to.
    pub fn school_of(&self, node: &PublicKey) -> Option<SchoolId> {
        self.current().find(|(_, member)| member.nodes.contains(node)).map(|(school, _)| school)
    }

    /// Where the group went, if it was merged into another.
    pub fn merger(&self) -> Option<&Merger> {
        self.merger.as_ref()
    }

    /// The schools that are to go on under another key and do not yet, each with the school of that
    /// key.
    pub fn bindings(&self) -> &BTreeMap<(SchoolId, SchoolId), Binding> {
        &self.bindings
    }

    /// The school that goes on for another, whose key is lost.
    pub fn next_of(&self, school: &SchoolId) -> Option<SchoolId> {
        self.members.get(school)?.departed.as_ref()?.next
    }

    /// Whether `next` goes on for a school, or for one that goes on for it.
    pub fn goes_on_for(&self, next: &SchoolId, school: &SchoolId) -> bool {
        let mut of = *school;
        for _ in 0..MAX_INHERITANCES {
            match self.next_of(&of) {
                Some(found) if found == *next => return true,
                Some(found) => of = found,
                None => return false,
            }
        }
        false
    }

    /// The nodes of all members.
    pub fn nodes(&self) -> BTreeSet<PublicKey> {
        self.current().flat_map(|(_, member)| member.nodes.iter().copied()).collect()
    }

    /// The epoch under which members gossip: one whose key was sealed to no node but theirs, and
    /// that no later such one follows; of several that were made apart, the one with the lowest
    /// hash. None until an admin makes one.
    pub fn epoch(&self) -> Option<&Epoch> {
        self.epoch.as_ref()
    }

    /// The nodes without the epoch's key that a school is to give it to: an admin to all, any other
    /// to its own. All nodes, where there is no epoch.
    pub fn to_be_given_the_key(&self, by: &SchoolId) -> BTreeSet<PublicKey> {
        let mut nodes = self.nodes();
        if !self.is_admin(by) {
            nodes = self.member(by).map(|member| member.nodes.clone()).unwrap_or_default();
            if self.epoch().is_none_or(|epoch| !nodes.iter().any(|node| epoch.names(node))) {
                return BTreeSet::new();
            }
        }
        nodes.retain(|node| self.epoch().is_none_or(|epoch| !epoch.names(node)));
        nodes
    }

    /// How many admins are to make an epoch, or to hand its key on, before a school does, when nobody
    /// has.
    pub fn epoch_turn(&self, school: &SchoolId) -> u32 {
        let admins = self.current().filter(|(_, member)| member.role == Role::Admin);
        let before = admins.filter(|(admin, _)| admin < school).count();
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// How the school departed to which a node belonged.
    pub fn departure_of(&self, node: &PublicKey) -> Option<&Departure> {
        let mut members = self.members.values().filter(|member| member.nodes.contains(node));
        members.find_map(|member| member.departed.as_ref())
    }

    /// Whether a school revoked a node.
    pub fn is_revoked(&self, node: &PublicKey) -> bool {
        self.revoked.contains_key(node)
    }

    /// The schools of which not every entry counts: those that departed, or have revoked nodes.
    pub fn restricted(&self) -> BTreeSet<SchoolId> {
        let departed = self.members.iter().filter(|(_, member)| member.departed.is_some());
        departed.map(|(school, _)| *school).chain(self.revoked.values().map(|end| end.0)).collect()
    }

    /// The school that an invite of this admin let in, if it was used.
    pub fn invited_by(&self, admin: &SchoolId, invite: &Hash) -> Option<SchoolId> {
        self.used_invites.get(&(*admin, *invite)).copied()
    }

    /// Whether `entry` belongs to the group's content.
    ///
    /// A school that left may still take back what it shared; one that was removed does so with its
    /// school key, since who has its nodes is not known. An admin withdraws for a school that departed.
    pub fn standing(&self, entry: &Entry) -> Standing {
        let (author, school) = (entry.author(), entry.key().school);
        let Some(member) = self.members.get(&author) else { return Standing::Unknown };
        if author != school && !self.goes_on_for(&author, &school) {
            return Standing::Unknown;
        }
        let node = entry.node();
        if entry.is_withdrawal() && node.school_id() == author {
            return Standing::Honoured;
        }
        let departed = self.members.get(&school).and_then(|member| member.departed.as_ref());
        if departed.is_some_and(|one| one.withdrawn.contains(&entry.key().record))
            && !entry.is_withdrawal()
        {
            return Standing::Dropped;
        }
        let stands = |list: &BTreeSet<Hash>| list.contains(&entry.hash());
        if let Some((_, list)) = self.revoked.get(&node)
            && !stands(list)
        {
            return Standing::Dropped;
        }
        match &member.departed {
            Some(departure) if !stands(&departure.standing) => {
                let takes_back = departure.removed_by.is_none() && entry.is_withdrawal();
                if takes_back { Standing::Honoured } else { Standing::Dropped }
            }
            Some(_) => Standing::Honoured,
            None if self.revoked.contains_key(&node) => Standing::Honoured,
            None if member.role == Role::Reader => Standing::Dropped,
            None if member.nodes.contains(&node) => Standing::Honoured,
            None => Standing::Unknown,
        }
    }
}

#[cfg(test)]
mod tests;
