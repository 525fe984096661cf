//! How much there is room for.

use std::collections::BTreeMap;

use super::Held;
use crate::hash::SchoolId;

/// How much of other schools' files a node may hold. What its own school shared does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Bytes of other schools' files, opened ones and pinned ones included.
    pub total: u64,
    /// Bytes of one school's files that are kept for others' sake, so that no school fills the disks
    /// of all.
    pub per_school: u64,
    /// Bytes of the disk that stay free.
    pub min_free: u64,
}

/// How full a node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Room {
    /// Bytes of other schools' files that it holds.
    pub used: u64,
    /// Those of them that are kept for others' sake.
    pub kept: u64,
    /// By how many bytes that exceeds the quota: what must not be dropped is more than it allows.
    pub over: u64,
    /// Files that it was to keep and had no room for.
    pub refused: usize,
}

#[derive(Debug)]
pub(super) struct Store {
    pub(super) quota: Quota,
    /// Bytes free on the disk.
    pub(super) free: u64,
    used: u64,
    /// Bytes kept for others' sake, by author.
    kept: BTreeMap<SchoolId, u64>,
    reserved: u64,
    pub(super) refused: usize,
}

impl Store {
    pub(super) fn new(quota: Quota, free: u64) -> Self {
        Self { quota, free, used: 0, kept: BTreeMap::new(), reserved: 0, refused: 0 }
    }

    fn is_kept(held: Held) -> bool {
        !held.authored && !held.pinned && held.opened.is_none()
    }

    pub(super) fn add(&mut self, author: SchoolId, size: u64, held: Held) {
        if held.authored {
            return;
        }
        self.used += size;
        if Self::is_kept(held) {
            *self.kept.entry(author).or_default() += size;
        }
    }

    pub(super) fn remove(&mut self, author: SchoolId, size: u64, held: Held) {
        if held.authored {
            return;
        }
        self.used = self.used.saturating_sub(size);
        if Self::is_kept(held)
            && let Some(kept) = self.kept.get_mut(&author)
        {
            *kept = kept.saturating_sub(size);
            if *kept == 0 {
                self.kept.remove(&author);
            }
        }
    }

    pub(super) fn reserve(&mut self, size: u64) {
        self.reserved += size;
    }

    pub(super) fn release(&mut self, size: u64) {
        self.reserved = self.reserved.saturating_sub(size);
    }

    /// Whether one school's share would be exceeded by so much more of its files.
    pub(super) fn exceeds_share(&self, author: &SchoolId, size: u64) -> bool {
        let kept = self.kept.get(author).copied().unwrap_or(0);
        kept.saturating_add(size) > self.quota.per_school
    }

    /// By how many bytes so much more would be too much.
    pub(super) fn lacking(&self, size: u64) -> u64 {
        let coming = self.reserved.saturating_add(size);
        let of_quota = self.used.saturating_add(coming).saturating_sub(self.quota.total);
        let of_disk = coming.saturating_add(self.quota.min_free).saturating_sub(self.free);
        of_quota.max(if coming == 0 { 0 } else { of_disk })
    }

    pub(super) fn room(&self) -> Room {
        Room {
            used: self.used,
            kept: self.kept.values().sum(),
            over: self.used.saturating_sub(self.quota.total),
            refused: self.refused,
        }
    }
}
