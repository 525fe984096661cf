//! What becomes of an entry that another node brings: it belongs to the group's content, waits, or
//! does not count.

use std::collections::BTreeMap;

use crate::entry::Entry;
use crate::group::roster::{Roster, Standing};
use crate::hash::{GroupId, Hash};
use crate::identity::PublicKey;
use crate::limits::MAX_CLOCK_AHEAD_MILLIS;

/// What becomes of an entry whose signatures held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// It belongs to the group's content, unless a version that beats it is held.
    Belongs,
    /// It waits, outside the content set, and is judged again.
    Waits(AsideReason),
    /// It belongs to another group, or its school left or was removed and it is not among what
    /// stays.
    NotForGroup,
}

/// Why an entry waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AsideReason {
    /// Its clock is further ahead than any honest clock.
    #[error(
        "the entry was made {ahead_minutes} minutes from now; check the clock of this server and of the school's"
    )]
    FromTheFuture {
        /// How far ahead its clock is, in minutes.
        ahead_minutes: u64,
    },
    /// Its school or its node is not on the roster.
    #[error("the entry's school is no member of the group, as far as is known here")]
    UnknownAuthor,
}

/// Judges an entry for a group by its roster and the clock of this node.
pub fn judge(entry: &Entry, group: &GroupId, roster: &Roster, now_millis: u64) -> Judgement {
    if entry.key().group != *group {
        return Judgement::NotForGroup;
    }
    match roster.standing(entry) {
        Standing::Dropped => Judgement::NotForGroup,
        Standing::Unknown => Judgement::Waits(AsideReason::UnknownAuthor),
        Standing::Honoured => match entry.clock().millis().saturating_sub(now_millis) {
            0..=MAX_CLOCK_AHEAD_MILLIS => Judgement::Belongs,
            ahead => Judgement::Waits(AsideReason::FromTheFuture { ahead_minutes: ahead / 60_000 }),
        },
    }
}

/// The bytes of entries that wait, by hash, each with its group.
pub type Waiting = BTreeMap<Hash, (GroupId, Vec<u8>)>;

/// Entries that wait, bounded for each node that brought them.
#[derive(Debug, Default)]
pub struct Aside {
    entries: BTreeMap<PublicKey, Waiting>,
}

impl Aside {
    /// A forwarder's share: a school's first import, at 12 KiB each at most.
    const MAX_PER_FORWARDER: usize = 1_000;

    /// Nodes that may have something waiting: the connections that a node may have.
    const MAX_FORWARDERS: usize = 256;

    /// Holds an entry that `from` brought for a group, unless the bounds are reached.
    pub fn hold(&mut self, from: PublicKey, group: GroupId, entry: &Entry) {
        if self.entries.len() >= Self::MAX_FORWARDERS && !self.entries.contains_key(&from) {
            return;
        }
        let held = self.entries.entry(from).or_default();
        if held.len() < Self::MAX_PER_FORWARDER {
            held.insert(entry.hash(), (group, entry.as_bytes().to_vec()));
        }
    }

    /// Lets go of everything that waits, for it to be judged again.
    pub fn take(&mut self) -> BTreeMap<PublicKey, Waiting> {
        std::mem::take(&mut self.entries)
    }

    /// How many entries wait.
    pub fn count(&self) -> usize {
        self.entries.values().map(BTreeMap::len).sum()
    }
}
