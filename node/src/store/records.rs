//! The record store: sled, and the only file that names it.
//!
//! All rows are in one tree, so that one batch changes them all or none, with the position of the
//! last change that it holds: whatever a crash leaves is the state at that position.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{GroupId, RecordId};
use staffroom_protocol::sync::ContentSet;
use staffroom_protocol::wire;
use tracing::warn;

use super::catalogue::{Catalogue, Seat, Step};
use super::files::is_full;
use super::frame::JournalId;
use super::row_sum::RowSum;
use super::{StoreError, StoredEntry, rows};

const FORMAT: u32 = 3;

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

#[derive(Debug)]
pub(super) struct Records {
    db: sled::Db,
    dir: PathBuf,
    journal: JournalId,
    incarnation: [u8; 16],
    applied: AtomicU64,
    /// What the rows of entries say, kept true with them.
    sets: RwLock<Sets>,
    catalogue: RwLock<Catalogue>,
    sum: RwLock<RowSum>,
    /// Held while rows and what is kept in memory of them may differ.
    committing: RwLock<()>,
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
    #[serde(default)]
    sum: RowSum,
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
            catalogue: RwLock::default(),
            sum: RwLock::default(),
            committing: RwLock::default(),
            trust: Trust::default(),
        };
        records.commit(Rows::new(), &[], RowSum::default(), 0)?;
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
        if meta.format < FORMAT {
            return Err(damaged(format!("it has the older format {}", meta.format)));
        }
        let records = Self {
            db,
            dir: dir.to_owned(),
            journal: JournalId::from_bytes(meta.journal.into_array()),
            incarnation: meta.incarnation.into_array(),
            applied: AtomicU64::new(meta.applied),
            sets: RwLock::default(),
            catalogue: RwLock::default(),
            sum: RwLock::default(),
            committing: RwLock::default(),
            trust: Trust::default(),
        };
        let mut found = RowSum::default();
        for step in records.steps_to_here(&mut found) {
            records.follow(&[step?]);
        }
        if found != meta.sum {
            return Err(damaged(format!(
                "its entries have {} rows, which are not the {} that they should have",
                found.count, meta.sum.count
            )));
        }
        *records.sum.write().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(records)
    }

    /// The steps that lead to what the rows say.
    fn steps_to_here<'a>(
        &'a self,
        sum: &'a mut RowSum,
    ) -> impl Iterator<Item = Result<Step, StoreError>> + 'a {
        // In this order, since a version must be there to be touched.
        let sorts = [rows::DROPPED, rows::ENTRY, rows::TOUCHED];
        let rows = sorts.into_iter().flat_map(|sort| self.scan(&[sort]));
        rows.map(|row| {
            let (key, value) = row?;
            sum.add(&key, &value);
            rows::read_step(&key, &value).ok_or_else(|| self.unreadable("a row of an entry"))
        })
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

    /// What leads to the entries.
    pub(super) fn catalogue(&self) -> RwLockReadGuard<'_, Catalogue> {
        self.catalogue.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The records that lost a version on them since this was asked last.
    pub(super) fn take_bereft(&self) -> BTreeSet<RecordId> {
        self.catalogue.write().unwrap_or_else(PoisonError::into_inner).take_bereft()
    }

    /// Stands for the rows of entries.
    pub(super) fn sum(&self) -> RowSum {
        *self.sum.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a commit under way, and keeps others waiting until it is dropped.
    pub(super) fn between_commits(&self) -> RwLockReadGuard<'_, ()> {
        self.committing.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The row of the version held for a key, and where it is.
    pub(super) fn row_of(&self, key: &EntryKey) -> Result<Option<(Seat, Vec<u8>)>, StoreError> {
        let look = || {
            let Some(seat) = self.catalogue().seat(key) else { return Ok(None) };
            let row = self.get(&rows::position_key(rows::ENTRY, seat.stored))?;
            Ok(Some((seat, row)))
        };
        let mut found = look()?;
        if matches!(found, Some((_, None))) {
            // A commit under way has replaced it.
            let _waiting = self.between_commits();
            found = look()?;
        }
        match found {
            Some((seat, Some(row))) => Ok(Some((seat, row))),
            Some((_, None)) => Err(self.unreadable("an entry")),
            None => Ok(None),
        }
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.db.get(key).map_err(|error| self.failed(error))?;
        Ok(row.map(|row| row.to_vec()))
    }

    /// What an entry's row has; `position` is that of its last change.
    pub(super) fn read_entry(
        &self,
        position: u64,
        row: &[u8],
    ) -> Result<(EntryKey, StoredEntry), StoreError> {
        let (head, bytes) = rows::read_entry(row).ok_or_else(|| self.unreadable("an entry"))?;
        let bytes = bytes.to_vec();
        Ok((head.key, StoredEntry { version: head.version, position, bytes }))
    }

    /// The keys whose last change is after a position and has a row of one sort, in order.
    pub(super) fn changes_after(
        &self,
        sort: u8,
        position: u64,
    ) -> impl Iterator<Item = Result<(u64, EntryKey), StoreError>> + '_ {
        let from = rows::position_key(sort, position.saturating_add(1));
        self.scan_from(&[sort], &from).filter_map(move |row| {
            let (row, value) = match row {
                Ok(row) => row,
                Err(error) => return Some(Err(error)),
            };
            match rows::read_step(&row, &value) {
                // It was touched later.
                Some(Step::Stored { key, position, .. })
                    if self.catalogue().seat(&key).is_none_or(|seat| seat.changed != position) =>
                {
                    None
                }
                Some(
                    Step::Stored { key, position, .. }
                    | Step::Touched { key, position }
                    | Step::Dropped { key, position },
                ) => Some(Ok((position, key))),
                Some(Step::Gone { .. } | Step::CameAgain { .. }) | None => {
                    Some(Err(self.unreadable("a row of an entry")))
                }
            }
        })
    }

    /// Keys and values whose key starts with `prefix`, in order of key.
    pub(super) fn scan(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + use<'_> {
        self.scan_from(prefix, prefix)
    }

    /// The same from the key `from` on.
    pub(super) fn scan_from(
        &self,
        prefix: &[u8],
        from: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>), StoreError>> + use<'_> {
        let prefix = prefix.to_vec();
        self.db
            .range(from.to_vec()..)
            .map(|row| match row {
                Ok((key, value)) => Ok((key.to_vec(), value.to_vec())),
                Err(error) => Err(self.failed(error)),
            })
            .take_while(move |row| row.as_ref().map_or(true, |(key, _)| key.starts_with(&prefix)))
    }

    /// Changes all `rows` or none, and says that they hold every change up to `applied`; `steps` and
    /// `sum` are what that does to the rows of entries.
    pub(super) fn commit(
        &self,
        rows: Rows,
        steps: &[Step],
        sum: RowSum,
        applied: u64,
    ) -> Result<(), StoreError> {
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
            sum,
        };
        batch.insert(&[rows::META], wire::encode(&meta));
        let _committing = self.committing.write().unwrap_or_else(PoisonError::into_inner);
        self.db.apply_batch(batch).map_err(|error| self.failed(error))?;
        self.follow(steps);
        *self.sum.write().unwrap_or_else(PoisonError::into_inner) = sum;
        self.applied.store(applied, Ordering::Release);
        Ok(())
    }

    /// Does to what is kept in memory what was done to the rows.
    fn follow(&self, steps: &[Step]) {
        let mut catalogue = self.catalogue.write().unwrap_or_else(PoisonError::into_inner);
        steps.iter().for_each(|step| catalogue.follow(step));
        drop(catalogue);
        let mut sets = self.sets.write().unwrap_or_else(PoisonError::into_inner);
        for step in steps {
            match step {
                Step::Stored { key, version, .. } => {
                    sets.entry(key.group).or_default().insert(version.clock, &version.hash);
                }
                Step::Gone { key, version, .. } => {
                    sets.entry(key.group).or_default().remove(version.clock, &version.hash);
                }
                Step::Touched { .. } | Step::Dropped { .. } | Step::CameAgain { .. } => {}
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_an_older_format_are_not_read_as_these() {
        let dir = tempfile::tempdir().unwrap();
        let journal = JournalId::from_bytes([1; 16]);
        let records = Records::create(dir.path(), 1 << 20, journal).unwrap();
        let meta = Meta {
            format: FORMAT - 1,
            journal: ByteArray::new(*journal.as_bytes()),
            incarnation: ByteArray::new([0; 16]),
            applied: 0,
            sum: RowSum::default(),
        };
        records.db.insert([rows::META], wire::encode(&meta)).unwrap();
        drop(records);
        let error = Records::open(dir.path(), 1 << 20).unwrap_err();
        assert!(error.to_string().contains("older format"), "{error}");
        assert!(matches!(error, StoreError::Damaged { .. }), "so it is built anew: {error:?}");
    }
}
