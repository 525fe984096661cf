//! The epoch keys under which this node gossips, and what keeps every member provided with them.

use std::collections::BTreeSet;
use std::sync::Arc;

use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::message::{Request, Response};

use crate::groups::GroupError;
use crate::home::random;
use crate::intake::KeepError;
use crate::network::Network;
use crate::node::Node;
use crate::store::{Change, Table};

/// Behind a group: the hashes of the chunks of sealed keys that are held for it.
const CHUNKS: &[u8] = b"chunks";

/// Nodes that are handed the key of an epoch one by one; for more there is a new one, which takes one
/// statement.
const MAX_EXTENDED: usize = 16;

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
        let chunk = |hash: &Hash| self.small_content(hash).ok().flatten();
        let key = self.with_membership(group, |set| set.roster().epoch()?.open(group, node, chunk));
        let known = Opened { statement, key: key.flatten() };
        opened.insert(*group, known.clone());
        known.key
    }

    /// Whether this school should make an epoch for a group, or hand its key to a node without it.
    pub(crate) fn epoch_is_due(&self, group: &GroupId) -> bool {
        let own = self.identity().school();
        self.is_member(group)
            && self.with_membership(group, |set| set.roster().to_be_given_the_key(&own).is_empty())
                == Some(false)
    }

    /// How many admins are to make or hand on an epoch before this one does, when nobody has.
    pub(crate) fn epoch_turn(&self, group: &GroupId) -> u32 {
        let own = self.identity().school();
        self.with_membership(group, |set| set.roster().epoch_turn(&own)).unwrap_or(0)
    }

    /// Makes an epoch where a group needs one, or hands its key to the nodes that lack it.
    ///
    /// # Errors
    /// [`GroupError`] if the statements cannot be made or stored.
    pub(crate) fn keep_epoch(&self, group: &GroupId) -> Result<(), GroupError> {
        let Some(roster) = self.roster(group).filter(|_| self.is_member(group)) else {
            return Ok(());
        };
        let lacking = roster.to_be_given_the_key(&self.identity().school());
        if lacking.is_empty() {
            return Ok(());
        }
        let admin = roster.is_admin(&self.identity().school());
        let acts = match (roster.epoch(), self.epoch_key(group)) {
            (Some(epoch), Some(key)) if lacking.len() <= MAX_EXTENDED || !admin => lacking
                .into_iter()
                .map(|node| Act::Extend {
                    epoch: epoch.statement(),
                    node,
                    sealed: key.seal(group, &node),
                })
                .collect(),
            _ if !admin => return Ok(()),
            _ => {
                let key = EpochKey::from_seed(random(self.home().dir())?);
                let sealed = self.with_membership(group, |set| set.seal(&key));
                let (act, chunks) = sealed.ok_or_else(|| GroupError::NotMember(group.short()))?;
                self.keep_chunks(group, chunks)?;
                vec![act]
            }
        };
        self.sign_and_add(group, acts, |_| true)?;
        Ok(())
    }

    /// Keeps chunks of a group's sealed keys, and lets go of those of former epochs.
    fn keep_chunks(&self, group: &GroupId, chunks: Vec<Vec<u8>>) -> Result<(), KeepError> {
        let key = [group.as_bytes().as_slice(), CHUNKS].concat();
        let current = self.with_membership(group, |set| {
            set.roster().epoch().map(staffroom_protocol::group::epoch::Epoch::chunks)
        });
        let mut current = current.flatten().unwrap_or_default();
        current.extend(chunks.iter().map(|chunk| Hash::of(chunk)));
        let held = self.store().local_get(Table::Groups, &key)?.unwrap_or_default();
        let (held, _) = held.as_chunks::<{ Hash::LENGTH }>();
        let mut held: BTreeSet<Hash> = held.iter().copied().map(Hash::from_bytes).collect();
        let mut changes = Vec::new();
        for hash in held.extract_if(.., |hash| !current.contains(hash)) {
            changes.push(possession(group, &hash, None));
            self.blobs().remove(&hash)?;
        }
        for bytes in chunks {
            let hash = Hash::of(&bytes);
            self.blobs().put(&bytes)?;
            held.insert(hash);
            changes.push(possession(group, &hash, Some(Vec::new())));
        }
        let value = Some(held.iter().flat_map(|hash| *hash.as_bytes()).collect());
        changes.push(Change::Local { table: Table::Groups, key, value });
        self.store().apply(changes)?;
        Ok(())
    }

    /// The chunks of a group's epoch that this node should hold and does not: an admin all of them,
    /// any other its own.
    fn chunks_lacking(&self, group: &GroupId) -> BTreeSet<Hash> {
        let (own, node) = (self.identity().school(), self.identity().node_key().public());
        let wanted = self.with_membership(group, |set| {
            let (roster, epoch) = (set.roster(), set.roster().epoch()?);
            let own_chunk = epoch.chunk_of(&node).into_iter().collect();
            Some(if roster.is_admin(&own) { epoch.chunks() } else { own_chunk })
        });
        let mut wanted = wanted.flatten().unwrap_or_default();
        wanted.retain(|hash| !self.possesses(group, hash).unwrap_or(true));
        wanted
    }

    /// Fetches the chunks in which epoch keys are sealed to this node, from whichever member has
    /// them.
    pub(crate) async fn fetch_epoch_chunks(self: &Arc<Self>, network: &Network) {
        for group in self.followed_groups() {
            let mut lacking = self.chunks_lacking(&group);
            if lacking.is_empty() {
                continue;
            }
            let nodes = self.with_membership(&group, |set| set.roster().nodes());
            let connected = nodes.unwrap_or_default().into_iter();
            for peer in connected.filter(|node| network.is_connected(node)) {
                let hashes = lacking.iter().copied().collect();
                let asked = network.ask(peer, Vec::new(), Request::Blobs { group, hashes }).await;
                let Ok(Response::Blobs { blobs }) = asked else { continue };
                let chunks = blobs.into_iter().map(serde_bytes::ByteBuf::into_vec);
                let chunks = chunks.filter(|bytes| lacking.remove(&Hash::of(bytes))).collect();
                let keeping = Arc::clone(self);
                let kept = tokio::task::spawn_blocking(move || keeping.keep_chunks(&group, chunks));
                if let Ok(Err(error)) = kept.await {
                    tracing::warn!(%error, "sealed keys could not be kept");
                }
                if lacking.is_empty() {
                    network.members_changed();
                    break;
                }
            }
        }
    }
}

/// Marks that a chunk of sealed keys belongs to a group, so that it is served to members.
fn possession(group: &GroupId, chunk: &Hash, value: Option<Vec<u8>>) -> Change {
    let key = [chunk.as_bytes().as_slice(), group.as_bytes(), CHUNKS].concat();
    Change::Local { table: Table::Possession, key, value }
}
