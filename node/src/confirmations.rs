//! Which members have heard of which membership statements: an admin who removes a school sees who
//! may still be sharing with it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::wire;

use crate::clock::now_millis;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, StoreError, Table};

/// The part of a local value's key that stands between the group and the node.
const CONFIRMED: &[u8] = b"confirmed";

/// Confirmations of a node that are kept, the latest: with more membership statements than that
/// since, an earlier one is taken to be confirmed from the first that is kept.
const MAX_KEPT: usize = 16;

/// That a node held the statements which these are the latest of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Confirmation {
    heads: Vec<Hash>,
    /// In milliseconds since 1970.
    since: u64,
}

impl Node {
    /// Notes that a node of a member said it holds the membership set with this digest. Counts only
    /// where it is this node's own set.
    pub(crate) fn note_confirmation(&self, group: &GroupId, node: PublicKey, digest: &Hash) {
        let same = |set: &Membership| (set.digest() == *digest).then(|| set.heads());
        let Some(heads) = self.with_membership(group, same).flatten() else { return };
        if let Err(error) = self.keep_confirmation(group, &node, heads) {
            tracing::warn!(%error, "a confirmation was not kept");
        }
    }

    fn keep_confirmation(
        &self,
        group: &GroupId,
        node: &PublicKey,
        heads: Vec<Hash>,
    ) -> Result<(), StoreError> {
        let mut kept = self.confirmations(group, node)?;
        if kept.last().is_some_and(|last| last.heads == heads) {
            return Ok(());
        }
        kept.push(Confirmation { heads, since: now_millis() });
        let surplus = kept.len().saturating_sub(MAX_KEPT);
        kept.drain(..surplus);
        let mut value = wire::encode(&kept);
        while value.len() > MAX_LOCAL_VALUE_BYTES && kept.len() > 1 {
            kept.remove(0);
            value = wire::encode(&kept);
        }
        let key = key(group, node);
        self.store().apply(vec![Change::Local {
            table: Table::Groups,
            key,
            value: Some(value),
        }])?;
        Ok(())
    }

    fn confirmations(
        &self,
        group: &GroupId,
        node: &PublicKey,
    ) -> Result<Vec<Confirmation>, StoreError> {
        let stored = self.store().local_get(Table::Groups, &key(group, node))?;
        Ok(stored
            .and_then(|bytes| wire::decode(&bytes, MAX_LOCAL_VALUE_BYTES).ok())
            .unwrap_or_default())
    }

    /// Since when each member school but this one is known to have heard of statements, in
    /// milliseconds since 1970: from when the first of its nodes held them all. None for a school
    /// that has not confirmed it.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn heard(
        &self,
        group: &GroupId,
        statements: &BTreeSet<Hash>,
    ) -> Result<BTreeMap<SchoolId, Option<u64>>, StoreError> {
        let own = self.identity().school();
        let roster = self.roster(group).unwrap_or_default();
        let mut heard = BTreeMap::new();
        for (school, member) in roster.current().filter(|(school, _)| *school != own) {
            let mut since = Vec::new();
            for node in &member.nodes {
                let confirmations = self.confirmations(group, node)?;
                since.extend(self.with_membership(group, |set| {
                    confirmations
                        .iter()
                        .find(|one| statements.iter().all(|hash| set.is_among(hash, &one.heads)))
                        .map(|one| one.since)
                }));
            }
            heard.insert(school, since.into_iter().flatten().min());
        }
        Ok(heard)
    }

    /// Since when each member school but this one is known to hold every membership statement that
    /// is held here; none for a school that has not confirmed the newest.
    ///
    /// # Errors
    /// [`StoreError`] if the store cannot be read.
    pub fn up_to_date(
        &self,
        group: &GroupId,
    ) -> Result<BTreeMap<SchoolId, Option<u64>>, StoreError> {
        let heads = self.with_membership(group, Membership::heads).unwrap_or_default();
        self.heard(group, &heads.into_iter().collect())
    }
}

fn key(group: &GroupId, node: &PublicKey) -> Vec<u8> {
    [group.as_bytes().as_slice(), CONFIRMED, node.as_bytes()].concat()
}
