//! What this node holds of who belongs to its groups, and what follows when that changes: entries
//! that count no more are dropped, entries that waited are judged again.

use std::collections::BTreeSet;

use serde_bytes::ByteBuf;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::group::Role;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::group::roster::{Roster, Standing};
use staffroom_protocol::group::statement::{Statement, StatementError};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::PublicKey;

use crate::node::Node;
use crate::store::{Change, StoreError, Table};

/// The name of the local value that keeps the removal of this node's school from a group.
const REMOVED: &[u8] = b"removed";

/// Why membership statements were not added.
#[derive(Debug, thiserror::Error)]
pub enum StatementsError {
    /// One of them is invalid for everyone.
    #[error(transparent)]
    Invalid(#[from] StatementError),
    /// They cannot be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// How many were new.
    pub added: usize,
    /// How many follow others that are not here yet: a comparison brings them.
    pub early: usize,
}

impl Node {
    /// Verifies membership statements, adds those that are new, and does what follows from them.
    ///
    /// # Errors
    /// [`StatementsError`] if one is invalid or they cannot be stored.
    pub fn accept_statements(
        &self,
        group: GroupId,
        statements: &[ByteBuf],
    ) -> Result<Accepted, StatementsError> {
        let mut verified = Vec::with_capacity(statements.len());
        for bytes in statements {
            verified.push(Statement::verify(bytes)?);
        }
        Ok(self.add_statements(group, verified)?)
    }

    /// Adds statements, does what follows from them, and passes them on.
    pub(crate) fn add_statements(
        &self,
        group: GroupId,
        statements: Vec<Statement>,
    ) -> Result<Accepted, StoreError> {
        let own_key = self.identity().node_key().public();
        let own = statements.iter().any(|one| one.author_certificate().node() == own_key);
        let (accepted, changed, added) = {
            let mut groups = self.write_groups();
            let membership = groups.entry(group).or_insert_with(|| Membership::new(group));
            let (fitting, early) = membership.sift(statements);
            let new = fitting.iter().map(|one| ByteBuf::from(one.as_bytes())).collect();
            let changes = fitting
                .iter()
                .map(|one| Change::Statement {
                    group,
                    hash: one.hash(),
                    bytes: one.as_bytes().to_vec(),
                })
                .collect();
            // Stored before they count, so that a restart never forgets what was acted on.
            self.store().apply(changes)?;
            let before = membership.roster().clone();
            let added = membership.extend(fitting).added.len();
            let changed = changed_schools(&before, membership.roster());
            if membership.statements().is_empty() {
                groups.remove(&group);
            }
            (Accepted { added, early: early.len() }, changed, new)
        };
        if accepted.added > 0 {
            self.follow_roster(&group, &changed)?;
            self.judge_again()?;
            if let Some(network) = self.network() {
                network.spread(group, added, own);
                network.members_changed();
            }
        }
        Ok(accepted)
    }

    /// Drops what the rosters honour no more: the node may have ended between storing a statement
    /// and doing what follows from it.
    pub(crate) fn follow_rosters(&self) -> Result<(), StoreError> {
        for group in self.group_ids() {
            let roster = self.roster(&group).unwrap_or_default();
            self.follow_roster(&group, &roster.restricted())?;
        }
        Ok(())
    }

    /// Drops what the roster honours no more of the schools for which it changed.
    fn follow_roster(
        &self,
        group: &GroupId,
        changed: &BTreeSet<SchoolId>,
    ) -> Result<(), StoreError> {
        let own = self.identity().school();
        let roster = self.roster(group).unwrap_or_default();
        let removed = |member: &staffroom_protocol::group::roster::Member| {
            member.departed.as_ref().is_some_and(|departure| departure.removed_by.is_some())
        };
        if changed.contains(&own) && roster.members().get(&own).is_some_and(removed) {
            return self.purge(group);
        }
        if changed.is_empty() {
            return Ok(());
        }
        let mut dropped = self.entries_in(group)?;
        let departed = roster.member(&own).is_none();
        dropped.retain(|entry| {
            // A school that left keeps what it wrote.
            if departed && entry.key().school == own {
                return false;
            }
            let concerned = [entry.key().school, entry.author()];
            concerned.iter().any(|school| changed.contains(school))
                && roster.standing(entry) != Standing::Honoured
        });
        if dropped.is_empty() { Ok(()) } else { self.drop_entries(&dropped) }
    }

    /// Drops what other schools shared with a group from which this school was removed.
    fn purge(&self, group: &GroupId) -> Result<(), StoreError> {
        let own = self.identity().school();
        let mut others = self.entries_in(group)?;
        others.retain(|entry| entry.key().school != own);
        tracing::warn!(
            group = %group.short(),
            entries = others.len(),
            "this school was removed from the group; what the others shared is dropped"
        );
        self.drop_entries(&others)
    }

    /// The entries that a school's nodes signed and that are held for a group.
    pub(crate) fn entries_of(
        &self,
        group: &GroupId,
        school: &SchoolId,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.entries_in(group)?;
        entries.retain(|entry| entry.author() == *school);
        Ok(entries)
    }

    fn entries_in(&self, group: &GroupId) -> Result<Vec<Entry>, StoreError> {
        let mut entries = Vec::new();
        for (_, hash) in self.store().set(group) {
            if let Some((_, held)) = self.store().entry_by_hash(&hash)?
                && let Ok(entry) = Entry::reopen(&held.bytes)
            {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    /// Whether this school is a member of a group: it was let in, and has neither left nor heard
    /// of its removal.
    pub fn is_member(&self, group: &GroupId) -> bool {
        let own = self.identity().school();
        self.with_membership(group, |set| set.roster().member(&own).is_some()).unwrap_or(false)
            && self.removal(group).is_none()
    }

    /// Whether this school publishes in a group of which it is a member, or only reads.
    pub(crate) fn may_publish(&self, group: &GroupId) -> bool {
        let own = self.identity().school();
        self.with_membership(group, |set| {
            let roster = set.roster();
            roster.merger().is_none()
                && roster.member(&own).is_some_and(|member| member.role != Role::Reader)
        })
        .unwrap_or(false)
    }

    /// Whether both this node and another belong to members of a group.
    pub(crate) fn shares(&self, group: &GroupId, peer: &PublicKey) -> bool {
        let theirs = self.with_membership(group, |set| set.roster().school_of(peer).is_some());
        theirs == Some(true) && self.is_member(group)
    }

    /// Whether both this node and another belong to members of any group.
    pub(crate) fn shares_any(&self, peer: &PublicKey) -> bool {
        self.followed_groups().iter().any(|group| self.shares(group, peer))
    }

    /// The removal of this school from a group, where one was shown that cannot be judged with
    /// what this node holds of the group.
    fn removal(&self, group: &GroupId) -> Option<Statement> {
        let bytes = self.store().local_get(Table::Groups, &removed_key(group)).ok().flatten()?;
        let removal = Statement::verify(&bytes).ok()?;
        // Once it is among the statements held, the roster judges it.
        let held = |set: &Membership| set.statements().contains_key(&removal.hash());
        (self.with_membership(group, held) != Some(true)).then_some(removal)
    }

    /// Takes what a member answers to a node that was removed; see [`Membership::takes_word_of_removal`].
    ///
    /// # Errors
    /// [`StatementsError`] if the statements are invalid or cannot be stored.
    pub(crate) fn hear_of_removal(
        &self,
        group: GroupId,
        statements: &[ByteBuf],
    ) -> Result<(), StatementsError> {
        self.accept_statements(group, statements)?;
        if !self.is_member(&group) {
            return Ok(());
        }
        let own = self.identity().school();
        for bytes in statements {
            let statement = Statement::verify(bytes)?;
            let removes = |set: &Membership| set.takes_word_of_removal(&statement, &own);
            if self.with_membership(&group, removes) == Some(true) {
                let value = Some(statement.as_bytes().to_vec());
                let key = removed_key(&group);
                self.store().apply(vec![Change::Local { table: Table::Groups, key, value }])?;
                self.purge(&group)?;
                if let Some(network) = self.network() {
                    network.members_changed();
                }
                return Ok(());
            }
        }
        Ok(())
    }

    /// Forgets a removal: the school was let in again.
    pub(crate) fn forget_removal(&self, group: &GroupId) -> Result<(), StoreError> {
        let key = removed_key(group);
        self.store().apply(vec![Change::Local { table: Table::Groups, key, value: None }])?;
        Ok(())
    }

    /// The digest of the statements held; of none, where none are.
    pub(crate) fn membership_digest(&self, group: &GroupId) -> Hash {
        let digest = self.with_membership(group, Membership::digest);
        digest.unwrap_or_else(|| Membership::new(*group).digest())
    }

    /// What this school said when it left groups that a node's school is in.
    pub(crate) fn own_leavings(&self, peer: &PublicKey) -> Vec<(GroupId, Vec<ByteBuf>)> {
        let own = self.identity().school();
        let said = |group: GroupId| {
            let leaving = self.with_membership(&group, |set| set.leaving_for(&own, peer));
            leaving.flatten().map(|statements| (group, statements))
        };
        self.group_ids().into_iter().filter_map(said).collect()
    }

    /// Whether this school left a group of which a node is a member's.
    pub(crate) fn has_left_to(&self, group: &GroupId, peer: &PublicKey) -> bool {
        let own = self.identity().school();
        let left = |set: &Membership| set.leaving_for(&own, peer).is_some();
        self.with_membership(group, left) == Some(true)
    }

    /// The removals that a node of a removed school is answered with; none for any other node.
    pub(crate) fn removal_of(&self, group: &GroupId, peer: &PublicKey) -> Option<Vec<ByteBuf>> {
        self.with_membership(group, |set| set.removal_of(peer)).flatten()
    }

    /// Whether a statement shown by a stranger lets that very node into a group that is known here,
    /// or lets this school in again.
    pub(crate) fn introduces(
        &self,
        group: &GroupId,
        statements: &[ByteBuf],
        peer: &PublicKey,
    ) -> bool {
        let own = self.identity().school();
        let verified: Vec<Statement> =
            statements.iter().filter_map(|bytes| Statement::verify(bytes).ok()).collect();
        self.with_membership(group, |set| set.introduces(&verified, peer, &own)).unwrap_or(false)
    }
}

fn removed_key(group: &GroupId) -> Vec<u8> {
    [group.as_bytes().as_slice(), REMOVED].concat()
}

/// The schools of which entries may count no more.
fn changed_schools(before: &Roster, after: &Roster) -> BTreeSet<SchoolId> {
    before
        .members()
        .keys()
        .filter(|school| before.members().get(school) != after.members().get(school))
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::clock::Timestamp;
    use staffroom_protocol::entry::{BlobRef, Draft};
    use staffroom_protocol::group::statement::{Act, Admission};
    use staffroom_protocol::group::{Claims, GroupKind};
    use staffroom_protocol::hash::RecordId;
    use staffroom_protocol::identity::{NodeCertificate, SecretKey};
    use staffroom_protocol::record::Summary;

    use super::*;
    use crate::home::{Home, Lock};
    use crate::node::OpenError;
    use crate::store::Options;

    #[test]
    fn a_node_that_ended_after_storing_a_removal_drops_the_entries_when_it_starts() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims { name: "Ash Primary".into(), urn: None, phase: None, location: None };
        Home::new(dir.path()).init(claims.clone(), &Lock::Open).unwrap();
        let node = Node::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
        let group = node.create_group("Fenland Trust", GroupKind::Trust).unwrap();
        let (key, beech) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let certificate = NodeCertificate::issue(&key, beech.public(), 1);
        let admission = Act::Admit(Admission {
            certificate: ByteBuf::from(certificate.as_bytes()),
            claims,
            role: Role::Member,
            invite: Hash::of(b"invite"),
        });
        node.enact(&group, vec![admission], |_| true).unwrap();
        let draft = Draft {
            group,
            record: RecordId::from_bytes([1; 16]),
            clock: Timestamp::from_millis(1),
            kind: "resource".into(),
            content: Some((Summary::default(), BlobRef { hash: Hash::of(b"text"), size: 4 })),
            school: None,
        };
        let entry = Entry::sign(draft, &certificate, &beech).unwrap();
        node.accept_entries(group, [entry.as_bytes()], beech.public()).unwrap();
        assert_eq!(node.store().count(&group), 1);

        let act = Act::Remove { school: certificate.school(), standing: Vec::new() };
        let identity = node.identity();
        let removal = node
            .with_membership(&group, |set| {
                let clock = Timestamp::from_millis(2);
                set.sign(act, clock, identity.certificate(), identity.node_key())
            })
            .unwrap()
            .unwrap();
        let (hash, bytes) = (removal.hash(), removal.as_bytes().to_vec());
        node.store().apply(vec![Change::Statement { group, hash, bytes }]).unwrap();
        node.stop();
        drop(node);
        // The indexer's thread may hold the node for a moment more.
        let node = loop {
            match Node::open(dir.path(), &Options::default(), &mut |_| {}) {
                Err(OpenError::Store(StoreError::InUse { .. })) => std::thread::yield_now(),
                opened => break opened.unwrap(),
            }
        };
        assert_eq!(node.store().count(&group), 0);
    }
}
