//! The epoch keys under which this node gossips, and what keeps every member provided with them.

use std::collections::BTreeSet;

use staffroom_protocol::group::Role;
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::limits::MAX_SEALED_KEYS;

use crate::groups::GroupError;
use crate::home::random;
use crate::node::Node;

/// An epoch as this node can use it.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    statement: Hash,
    /// None where it was not sealed to this node.
    key: Option<EpochKey>,
}

impl Node {
    /// The groups that this node listens to, each with the key under which it gossips there. A
    /// group without one is kept up by comparisons alone.
    pub(crate) fn channels(&self) -> Vec<(GroupId, Option<EpochKey>)> {
        let groups = self.followed_groups().into_iter();
        groups.map(|group| (group, self.epoch_key(&group))).collect()
    }

    fn epoch_key(&self, group: &GroupId) -> Option<EpochKey> {
        let statement = self.with_membership(group, |set| {
            set.roster().epoch().map(staffroom_protocol::group::epoch::Epoch::statement)
        })??;
        let mut opened = self.lock_epochs();
        if let Some(known) = opened.get(group)
            && known.statement == statement
            && known.key.is_some()
        {
            return known.key.clone();
        }
        let node = self.identity().node_key();
        let key = self.with_membership(group, |set| set.roster().epoch()?.open(group, node));
        let known = Opened { statement, key: key.flatten() };
        opened.insert(*group, known.clone());
        known.key
    }

    /// Whether this school should make an epoch for a group, or hand its key to a node without it.
    pub(crate) fn epoch_is_due(&self, group: &GroupId) -> bool {
        self.is_member(group)
            && self.with_membership(group, |set| self.lacking(set.roster()).is_empty())
                == Some(false)
    }

    /// How many admins are to make or hand on an epoch before this one does, when nobody has.
    pub(crate) fn epoch_turn(&self, group: &GroupId) -> u32 {
        let own = self.identity().school();
        let admins_before = |roster: &Roster| {
            let admins = roster.current().filter(|(_, member)| member.role == Role::Admin);
            admins.filter(|(school, _)| *school < own).count()
        };
        let before = self.with_membership(group, |set| admins_before(set.roster())).unwrap_or(0);
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    /// Makes an epoch where a group needs one, or hands its key to the nodes that lack it.
    ///
    /// # Errors
    /// [`GroupError`] if the statements cannot be made or stored.
    pub(crate) fn keep_epoch(&self, group: &GroupId) -> Result<(), GroupError> {
        let Some(roster) = self.roster(group).filter(|_| self.is_member(group)) else {
            return Ok(());
        };
        let lacking = self.lacking(&roster);
        if lacking.is_empty() {
            return Ok(());
        }
        let acts = match (roster.epoch(), self.epoch_key(group)) {
            (Some(epoch), Some(key)) => lacking
                .into_iter()
                .map(|node| Act::Extend {
                    epoch: epoch.statement(),
                    node,
                    sealed: key.seal(group, &node),
                })
                .collect(),
            _ if !roster.is_admin(&self.identity().school()) => return Ok(()),
            _ => {
                let key = EpochKey::from_seed(random(self.home().dir())?);
                self.with_membership(group, |set| set.seal(&key)).into_iter().collect()
            }
        };
        self.sign_and_add(group, acts, |_| true)?;
        Ok(())
    }

    /// The nodes without the key that this school is to give it to: an admin to all, any other to
    /// its own.
    fn lacking(&self, roster: &Roster) -> BTreeSet<PublicKey> {
        let own = self.identity().school();
        let mut nodes = roster.nodes();
        if !roster.is_admin(&own) {
            nodes = roster.member(&own).map(|member| member.nodes.clone()).unwrap_or_default();
            if roster.epoch().is_none_or(|epoch| !nodes.iter().any(|node| epoch.names(node))) {
                return BTreeSet::new();
            }
        } else if roster.epoch().is_none() && nodes.len() > MAX_SEALED_KEYS {
            return BTreeSet::new();
        }
        nodes.retain(|node| roster.epoch().is_none_or(|epoch| !epoch.names(node)));
        nodes
    }
}
