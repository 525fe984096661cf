//! The record store: sled, and the only file that names it.
//!
//! All rows are in one tree, so that one batch changes them all or none, with the position of the
//! last change that it holds: whatever a crash leaves is the state at that position.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::ContentSet;
use staffroom_protocol::wire;
use tracing::warn;

use super::StoreError;
use super::files::is_full;
use super::frame::JournalId;
use super::rows;

const FORMAT: u32 = 1;

/// What a crash may leave to replay from the journal; sled's own default.
const FLUSH_EVERY_MILLIS: u64 = 500;

/// How long sled's own lock can outlive a process that was killed.
const LOCK_PATIENCE: Duration = Duration::from_secs(10);

/// How sled words that another process has its file.
const LOCKED: &str = "could not acquire lock";

const ADVICE: &str = "restart Staffroom, and it rebuilds this from its journal";

const MAX_META_BYTES: usize = 1024;

/// Rows to put, or to remove where there is no value.
pub(super) type Rows = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The content set of each group.
pub type Sets = BTreeMap<GroupId, ContentSet>;

/// An entry that comes into a group's content set, or leaves it.
#[derive(Debug, Clone, Copy)]
pub(super) struct SetChange {
    pub(super) group: GroupId,
    pub(super) clock: Timestamp,
    pub(super) hash: Hash,
    pub(super) adds: bool,
}

#[derive(Debug)]
pub(super) struct Records {
    db: sled::Db,
    dir: PathBuf,
    journal: JournalId,
    incarnation: [u8; 16],
    applied: AtomicU64,
    /// What the rows of sets say, kept true with them.
    sets: RwLock<Sets>,
    /// Whether there may be rows of dropped entries, which are looked for with every new entry.
    has_dropped: AtomicBool,
    trust: Trust,
}

/// Whether the next start may use the record store without verifying it. Once lost, it stays lost.
#[derive(Debug, Clone, Default)]
pub(super) struct Trust(Arc<AtomicBool>);

impl Trust {
    pub(super) fn lose(&self) {
        self.0.store(true, Ordering::Release);
    }

    pub(super) fn is_kept(&self) -> bool {
        !self.0.load(Ordering::Acquire)
    }
}

#[derive(Serialize, Deserialize)]
struct Meta {
    format: u32,
    journal: ByteArray<16>,
    incarnation: ByteArray<16>,
    applied: u64,
}

impl Records {
    /// Makes an empty record store under a new incarnation.
    pub(super) fn create(
        dir: &Path,
        cache_bytes: u64,
        journal: JournalId,
    ) -> Result<Self, StoreError> {
        let mut incarnation = [0; 16];
        getrandom::fill(&mut incarnation).map_err(|error| StoreError::Io {
            action: "get random bytes for",
            path: dir.to_owned(),
            reason: error.to_string(),
        })?;
        let records = Self {
            db: open_sled(dir, cache_bytes)?,
            dir: dir.to_owned(),
            journal,
            incarnation,
            applied: AtomicU64::new(0),
            sets: RwLock::default(),
            has_dropped: AtomicBool::new(false),
            trust: Trust::default(),
        };
        records.commit(Rows::new(), 0)?;
        records.flush()?;
        Ok(records)
    }

    /// Opens a record store as it is.
    pub(super) fn open(dir: &Path, cache_bytes: u64) -> Result<Self, StoreError> {
        let db = open_sled(dir, cache_bytes)?;
        let damaged = |reason: String| StoreError::Damaged { path: dir.to_owned(), reason };
        let row = db
            .get([rows::META])
            .map_err(|error| from_sled(dir, error))?
            .ok_or_else(|| damaged("it has no state row".into()))?;
        let meta: Meta = wire::decode(&row, MAX_META_BYTES)
            .map_err(|error| damaged(format!("its state row is unreadable: {error}")))?;
        if meta.format > FORMAT {
            return Err(StoreError::Newer {
                path: dir.to_owned(),
                found: meta.format,
                supported: FORMAT,
            });
        }
        let records = Self {
            db,
            dir: dir.to_owned(),
            journal: JournalId::from_bytes(meta.journal.into_array()),
            incarnation: meta.incarnation.into_array(),
            applied: AtomicU64::new(meta.applied),
            sets: RwLock::default(),
            has_dropped: AtomicBool::new(false),
            trust: Trust::default(),
        };
        if records.scan(&[rows::DROPPED]).next().is_some() {
            records.note_dropped();
        }
        let mut sets = Sets::new();
        for row in records.scan(&[rows::SET]) {
            let (group, clock, hash) =
                rows::read_set_key(&row?.0).ok_or_else(|| records.unreadable("a set row"))?;
            sets.entry(group).or_default().insert(clock, &hash);
        }
        *records.write_sets() = sets;
        Ok(records)
    }

    pub(super) fn journal(&self) -> JournalId {
        self.journal
    }

    pub(super) fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    /// The position of the last change that the rows hold.
    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// The content sets of all groups that have entries.
    pub(super) fn sets(&self) -> RwLockReadGuard<'_, Sets> {
        self.sets.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_sets(&self) -> RwLockWriteGuard<'_, Sets> {
        self.sets.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.db.get(key).map_err(|error| self.failed(error))?;
        Ok(row.map(|row| row.to_vec()))
    }

    /// How many keys start with `prefix`.
    pub(super) fn count(&self, prefix: &[u8]) -> Result<u64, StoreError> {
        let mut count = 0;
        for row in self.db.scan_prefix(prefix) {
            row.map_err(|error| self.failed(error))?;
            count += 1;
        }
        Ok(count)
    }

    /// Keys and values whose key starts with `prefix`, in order of key.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + '_ {
        self.scan_from(prefix, prefix)
    }

    /// The same from the key `from` on.
    pub(super) fn scan_from(
        &self,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + '_ {
        let prefix = prefix.to_vec();
        self.db
            .range(from.to_vec()..)
            .map(|row| match row {
                Ok((key, value)) => Ok((key.to_vec(), value.to_vec())),
                Err(error) => Err(self.failed(error)),
            })
            .take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix)))
    }

    /// Changes all `rows` or none, and says that they hold every change up to `applied`.
    pub(super) fn commit(&self, rows: Rows, applied: u64) -> Result<(), StoreError> {
        let mut batch = sled::Batch::default();
        for (key, value) in rows {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        let meta = Meta {
            format: FORMAT,
            journal: ByteArray::new(*self.journal.as_bytes()),
            incarnation: ByteArray::new(self.incarnation),
            applied,
        };
        batch.insert(&[rows::META], wire::encode(&meta));
        self.db.apply_batch(batch).map_err(|error| self.failed(error))?;
        self.applied.store(applied, Ordering::Release);
        Ok(())
    }

    pub(super) fn has_dropped(&self) -> bool {
        self.has_dropped.load(Ordering::Acquire)
    }

    pub(super) fn note_dropped(&self) {
        self.has_dropped.store(true, Ordering::Release);
    }

    /// Changes the sets as their rows were changed.
    pub(super) fn change_sets(&self, changes: Vec<SetChange>) {
        let mut sets = self.write_sets();
        for SetChange { group, clock, hash, adds } in changes {
            let set = sets.entry(group).or_default();
            if adds {
                set.insert(clock, &hash);
            } else {
                set.remove(clock, &hash);
            }
        }
    }

    pub(super) fn flush(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|error| self.failed(error))?;
        Ok(())
    }

    pub(super) fn trust(&self) -> Trust {
        self.trust.clone()
    }

    /// The error for a row that does not decode; from here on the next start verifies.
    pub(super) fn unreadable(&self, what: &str) -> StoreError {
        self.trust.lose();
        StoreError::Damaged {
            path: self.dir.clone(),
            reason: format!("{what} is unreadable; {ADVICE}"),
        }
    }

    fn failed(&self, error: sled::Error) -> StoreError {
        self.trust.lose();
        let mut error = from_sled(&self.dir, error);
        if let StoreError::Damaged { reason, .. } = &mut error {
            *reason = format!("{reason}; {ADVICE}");
        }
        error
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        // sled flushes when it closes, and keeps a failure to itself.
        if let Err(error) = self.flush() {
            warn!(%error, "the record store could not be flushed");
        }
    }
}

fn open_sled(dir: &Path, cache_bytes: u64) -> Result<sled::Db, StoreError> {
    let started = Instant::now();
    loop {
        let opened = sled::Config::default()
            .path(dir)
            .cache_capacity(cache_bytes)
            .mode(sled::Mode::LowSpace)
            .flush_every_ms(Some(FLUSH_EVERY_MILLIS))
            .open();
        match opened {
            Ok(db) => return Ok(db),
            Err(sled::Error::Io(error))
                if error.to_string().contains(LOCKED) && started.elapsed() < LOCK_PATIENCE =>
            {
                thread::sleep(Duration::from_millis(50));
            }
            Err(error) => return Err(from_sled(dir, error)),
        }
    }
}

fn from_sled(dir: &Path, error: sled::Error) -> StoreError {
    match error {
        sled::Error::Io(error) if is_full(&error) => StoreError::DiskFull { dir: dir.to_owned() },
        // These pass or are set right by hand; every other failure counts as damage.
        sled::Error::Io(error)
            if error.kind() == io::ErrorKind::PermissionDenied
                || error.to_string().contains(LOCKED) =>
        {
            StoreError::io("use the record store in", dir, &error)
        }
        other @ (sled::Error::Io(_)
        | sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. }) => {
            StoreError::Damaged { path: dir.to_owned(), reason: other.to_string() }
        }
    }
}
