//! The store: what a node holds, and the promise that what it acknowledged survives.
//!
//! [`Store`] is all that the rest of the node knows of it; [`DiskStore`] is the store on disk. A
//! change goes to the journal and is synced, then goes to the record store (sled), and only then is
//! acknowledged. The record store can be lost at any time: it is rebuilt from the journal.

mod catalogue;
mod change;
mod check;
mod disk;
mod files;
mod frame;
mod journal;
mod lock;
#[cfg(test)]
mod lossy;
#[cfg(test)]
mod model;
mod records;
mod repair;
mod row_sum;
mod rows;
#[cfg(test)]
mod scenarios;
mod segment;
mod shelf;
mod stamp;
mod update;
mod writer;

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::RwLockReadGuard;

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::sync::set::Range;
use staffroom_protocol::sync::sketch::ShortId;

pub use change::{Change, MAX_LOCAL_KEY_BYTES, MAX_LOCAL_VALUE_BYTES, MAX_SMALL_BLOB_BYTES, Table};
pub use check::{Verifier, verify};
pub use disk::{DiskStore, Opening, Options, Progress};
pub use files::{AppendFile, DiskFiles, Files};
pub(crate) use files::{is_full, sync_dir};
pub use records::Sets;

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in force, and was journalled at this position.
    Applied {
        /// Its place in the journal; strictly increasing.
        position: u64,
    },
    /// The version held is greater; nothing was written.
    Superseded {
        /// The version held.
        by: Version,
    },
    /// The store already was as the change wants it; nothing was written.
    Unchanged,
}

/// The version of a record that is held for a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its place in the order of versions.
    pub version: Version,
    /// Where the journal has it.
    pub position: u64,
    /// The bytes that were signed.
    pub bytes: Vec<u8>,
}

/// The key and the value of a local value.
pub type LocalRow = (Vec<u8>, Vec<u8>);

/// What a node needs of its store. Calls block; none but [`Store::apply`] and [`Store::erase`] write.
pub trait Store: Send + Sync + fmt::Debug {
    /// Makes the changes durable and then visible, in order, and says what each of them did.
    ///
    /// Calls from several threads at once share one sync.
    ///
    /// # Errors
    /// Nothing of this call is acknowledged. After [`StoreError::DiskFull`] it can be tried again;
    /// after [`StoreError::Stopped`] nothing is accepted until the node restarts.
    fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, StoreError>;

    /// Rewrites the journal without the entries and blobs that are held no more, and says how many
    /// there were.
    ///
    /// # Errors
    /// [`StoreError`] if a segment cannot be rewritten; it is as it was then.
    fn erase(&self) -> Result<u64, StoreError>;

    /// The version held for `key`.
    fn entry(&self, key: &EntryKey) -> Result<Option<StoredEntry>, StoreError>;

    /// The held version whose bytes have this hash, and where it belongs.
    fn entry_by_hash(&self, hash: &Hash) -> Result<Option<(EntryKey, StoredEntry)>, StoreError>;

    /// The groups that a record is held for, with the version of each.
    fn versions_in_groups(
        &self,
        school: &SchoolId,
        record: &RecordId,
    ) -> Result<Vec<(GroupId, Version)>, StoreError>;

    /// The keys of up to `limit` held versions that take up a record or report on it, in the order in
    /// which they came. Another school's record may have the same id: look at what they name.
    fn entries_on(&self, record: &RecordId, limit: usize) -> Result<Vec<EntryKey>, StoreError>;

    /// The same of one school alone.
    fn entries_on_by(
        &self,
        record: &RecordId,
        school: &SchoolId,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError>;

    /// The records that an entry was on which has gone or been replaced since this was asked last.
    /// They are kept in memory alone.
    fn take_bereft(&self) -> BTreeSet<RecordId>;

    /// Up to `limit` records whose id starts with these hexadecimal characters, in order of id.
    fn find_record(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(SchoolId, RecordId)>, StoreError>;

    /// Up to `limit` keys that changed after `position`, in order; each only at its latest position.
    ///
    /// A key whose entry is gone was dropped.
    fn changes_since(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EntryKey)>, StoreError>;

    /// The versions held whose hash starts like this: one, or more by a rare chance.
    fn entries_by_short_id(&self, id: &ShortId)
    -> Result<Vec<(EntryKey, StoredEntry)>, StoreError>;

    /// The versions held for each group that has any. Nothing changes while they are looked at:
    /// briefly.
    fn sets(&self) -> RwLockReadGuard<'_, Sets>;

    /// The versions held for a group, in the order that reconciliation wants.
    fn set(&self, group: &GroupId) -> Vec<(Timestamp, Hash)> {
        let sets = self.sets();
        sets.get(group).map(|set| set.range(&Range::whole()).collect()).unwrap_or_default()
    }

    /// How many versions are held for a group.
    fn count(&self, group: &GroupId) -> u64 {
        self.sets().get(group).map_or(0, |set| set.len() as u64)
    }

    /// The membership statements of a group, by hash.
    fn statements(&self, group: &GroupId) -> Result<Vec<(Hash, Vec<u8>)>, StoreError>;

    /// The groups that have a membership statement.
    fn groups_with_statements(&self) -> Result<Vec<GroupId>, StoreError>;

    /// One local value.
    fn local_get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// The local values whose key starts with `prefix`, in order of key.
    fn local_scan(&self, table: Table, prefix: &[u8]) -> Result<Vec<LocalRow>, StoreError> {
        self.local_first(table, prefix, usize::MAX)
    }

    /// Shows the same one by one, where there may be more than fit into memory.
    fn local_each(
        &self,
        table: Table,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError>;

    /// The first of them, `limit` at most.
    fn local_first(
        &self,
        table: Table,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<LocalRow>, StoreError>;

    /// A blob small enough to be kept with the records.
    fn small_blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError>;

    /// The position of the last change in force; 0 before the first.
    fn position(&self) -> u64;

    /// A random id made when the record store was created or rebuilt: what was derived under
    /// another one may not fit this store.
    fn incarnation(&self) -> [u8; 16];
}

/// Why the store could not be opened, read or changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another process has the data directory.
    #[error(
        "the data directory {} is in use by another Staffroom process{}; stop that one first, or give this one a directory of its own",
        dir.display(), pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    InUse {
        /// The data directory.
        dir: PathBuf,
        /// The other process, where it is known.
        pid: Option<u32>,
    },
    /// A file has a format that this program does not know yet.
    #[error(
        "{} was written by a newer version of Staffroom (format {found}, this program reads up to {supported}); update Staffroom",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that this program reads.
        supported: u32,
    },
    /// There was no room; nothing was changed and the same call can be made again.
    #[error(
        "the disk that holds {} is full and nothing was changed; free space on it and try again",
        dir.display()
    )]
    DiskFull {
        /// The data directory.
        dir: PathBuf,
    },
    /// A write failed so that it is not known what is on the disk.
    #[error(
        "Staffroom accepts no changes until it is restarted; what is stored can still be read: {reason}"
    )]
    Stopped {
        /// What failed and what to do.
        reason: String,
    },
    /// A value is larger than the store keeps.
    #[error("{what} has {found} bytes and may have {limit}")]
    TooLarge {
        /// What it is.
        what: &'static str,
        /// Its size in bytes.
        found: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// Content does not have the hash that it was handed in under.
    #[error("{what} was expected to have the hash {expected} but has {found}")]
    WrongHash {
        /// What it is.
        what: &'static str,
        /// The hash claimed.
        expected: Hash,
        /// The hash of its bytes.
        found: Hash,
    },
    /// What is on the disk cannot be understood.
    #[error("{}: {reason}", path.display())]
    Damaged {
        /// The file or directory.
        path: PathBuf,
        /// What is wrong with it and what to do.
        reason: String,
    },
    /// The operating system refused.
    #[error("could not {action} {}: {reason}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        reason: String,
    },
}

impl StoreError {
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
        error: &std::io::Error,
    ) -> Self {
        Self::Io { action, path: path.into(), reason: error.to_string() }
    }
}
