//! The store on disk.

use std::collections::BTreeSet;
use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLockReadGuard};
use std::time::Duration;

use data_encoding::HEXLOWER;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::sync::set::short_id;
use staffroom_protocol::sync::sketch::ShortId;
use tracing::warn;

use super::files::{DiskFiles, Files, sync_dir};
use super::journal::{Journal, SEGMENT_BYTES};
use super::lock::Lock;
use super::records::{Records, Trust};
use super::repair::Plan;
use super::writer::Writer;
use super::{Change, LocalRow, Outcome, Sets, Store, StoreError, StoredEntry, Table, Verifier};
use super::{rows, stamp};

pub(super) const RECORDS: &str = "records";
const JOURNAL: &str = "journal";

/// What sled keeps in memory of what it has read. Without a setting it would take a gigabyte; entries
/// are written, and mostly read, in a row, for which little is enough.
const CACHE_BYTES: u64 = 8 * 1024 * 1024;

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Options {
    /// What reads a record store that was not closed well; without it that is done in this process,
    /// where a damaged one can hang.
    pub verifier: Option<Verifier>,
    /// How long to wait for another process that has the data directory.
    pub lock_patience: Duration,
    /// The files of the journal.
    pub files: Arc<dyn Files>,
    /// sled's cache, in bytes.
    pub cache_bytes: u64,
    /// After how many bytes the journal starts another segment.
    pub segment_bytes: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verifier: None,
            lock_patience: Duration::ZERO,
            files: Arc::new(DiskFiles),
            cache_bytes: CACHE_BYTES,
            segment_bytes: SEGMENT_BYTES,
        }
    }
}

/// How far a replay of the journal is, in changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Changes replayed.
    pub done: u64,
    /// Changes to replay.
    pub total: u64,
}

/// What had to be done to open a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// Why the record store was built anew from the journal, if it was.
    pub rebuilt: Option<String>,
    /// Changes taken from the journal because the record store lacked them.
    pub replayed: u64,
    /// Changes found missing from the journal.
    pub lost: u64,
    /// Bytes of an unfinished write cut off the end of the journal.
    pub cut_bytes: u64,
    /// Damaged journal segments that were replaced by what could be read of them.
    pub set_aside: Vec<PathBuf>,
}

/// A store in a data directory, which it has to itself.
///
/// Dropping it closes it; [`DiskStore::close`] does the same and says whether it went well.
#[derive(Debug)]
pub struct DiskStore {
    // Dropped in this order: the writer ends, sled closes, that is marked, and others may come.
    writer: Writer,
    records: Arc<Records>,
    ending: Ending,
    opening: Opening,
    _lock: Lock,
}

impl DiskStore {
    /// Opens the store in `dir`, or makes one, and tells `progress` how a replay gets on.
    ///
    /// # Errors
    /// [`StoreError`] says what is in the way and what to do. A damaged record store is not: it is
    /// set aside and built anew, see [`DiskStore::opening`].
    pub fn open(
        dir: &Path,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Self, StoreError> {
        let journal_dir = dir.join(JOURNAL);
        fs::create_dir_all(dir)
            .map_err(|error| StoreError::io("make the data directory", dir, &error))?;
        let lock = Lock::take(dir, options.lock_patience)?;
        let id = stamp::open(dir, &journal_dir)?;
        fs::create_dir_all(&journal_dir).and_then(|()| sync_dir(dir)).map_err(|error| {
            StoreError::io("make the journal's directory", &journal_dir, &error)
        })?;
        let files = Arc::clone(&options.files);
        let (mut journal, damage) = Journal::open(files, &journal_dir, id, options.segment_bytes)?;
        let mut opening = Opening {
            cut_bytes: damage.cut_bytes,
            set_aside: damage.set_aside,
            ..Opening::default()
        };
        let closed_well = stamp::take_clean(dir, &dir.join(RECORDS))?;
        let plan = Plan { dir, id, closed_well, options };
        let records = Arc::new(plan.open_records(&mut journal, progress, &mut opening)?);
        let ending = Ending { dir: dir.to_owned(), trust: records.trust(), ended: false };
        let writer = Writer::start(dir.to_owned(), journal, Arc::clone(&records))?;
        Ok(Self { writer, records, ending, opening, _lock: lock })
    }

    /// The keys of the versions that were stored at these positions.
    fn keys_at(&self, stored: Vec<u64>) -> Result<Vec<EntryKey>, StoreError> {
        let mut keys = Vec::new();
        for stored in stored {
            // One that was replaced meanwhile has no row.
            if let Some(row) = self.records.get(&rows::position_key(rows::ENTRY, stored))? {
                keys.push(self.records.read_entry(stored, &row)?.0);
            }
        }
        Ok(keys)
    }

    /// What had to be done to open it.
    pub fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Closes it, so that the next start need not verify it.
    ///
    /// # Errors
    /// Why it could not be closed well. Nothing that was acknowledged is lost.
    pub fn close(self) -> Result<(), StoreError> {
        let Self { mut writer, records, mut ending, .. } = self;
        let finished = writer.finish().and_then(|()| records.flush());
        drop(records);
        finished.and(ending.end())
    }
}

/// Marks a clean shutdown once the record store is closed.
#[derive(Debug)]
struct Ending {
    dir: PathBuf,
    trust: Trust,
    ended: bool,
}

impl Ending {
    fn end(&mut self) -> Result<(), StoreError> {
        if self.ended || !self.trust.is_kept() {
            return Ok(());
        }
        self.ended = true;
        stamp::leave_clean(&self.dir, &self.dir.join(RECORDS))
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            warn!(%error, "the next start will verify the record store");
        }
    }
}

impl Store for DiskStore {
    fn apply(&self, changes: Vec<Change>) -> Result<Vec<Outcome>, StoreError> {
        self.writer.apply(changes)
    }

    fn erase(&self) -> Result<u64, StoreError> {
        self.writer.erase()
    }

    fn entry(&self, key: &EntryKey) -> Result<Option<StoredEntry>, StoreError> {
        let Some((seat, row)) = self.records.row_of(key)? else { return Ok(None) };
        Ok(Some(self.records.read_entry(seat.changed, &row)?.1))
    }

    fn entry_by_hash(&self, hash: &Hash) -> Result<Option<(EntryKey, StoredEntry)>, StoreError> {
        let mut found = self.entries_by_short_id(&short_id(hash))?;
        found.retain(|(_, held)| held.version.hash == *hash);
        Ok(found.pop())
    }

    fn versions_in_groups(
        &self,
        school: &SchoolId,
        record: &RecordId,
    ) -> Result<Vec<(GroupId, Version)>, StoreError> {
        let groups = self.records.catalogue().groups_of(school, record);
        let mut versions = Vec::new();
        for group in groups {
            let key = EntryKey { group, school: *school, record: *record };
            versions.extend(self.entry(&key)?.map(|held| (group, held.version)));
        }
        Ok(versions)
    }

    fn entries_on(&self, record: &RecordId, limit: usize) -> Result<Vec<EntryKey>, StoreError> {
        let stored: Vec<u64> = self.records.catalogue().stored_on(record).take(limit).collect();
        self.keys_at(stored)
    }

    fn entries_on_by(
        &self,
        record: &RecordId,
        school: &SchoolId,
        limit: usize,
    ) -> Result<Vec<EntryKey>, StoreError> {
        let catalogue = self.records.catalogue();
        let stored: Vec<u64> = catalogue.stored_on_by(record, school).take(limit).collect();
        drop(catalogue);
        self.keys_at(stored)
    }

    fn take_bereft(&self) -> BTreeSet<RecordId> {
        self.records.take_bereft()
    }

    fn find_record(
        &self,
        prefix: &str,
        limit: usize,
    ) -> Result<Vec<(SchoolId, RecordId)>, StoreError> {
        let prefix = prefix.to_ascii_lowercase();
        let whole = prefix.get(..prefix.len() / 2 * 2).unwrap_or_default();
        let mut first = [0; RecordId::LENGTH];
        match HEXLOWER.decode(whole.as_bytes()) {
            Ok(bytes) if bytes.len() <= first.len() => first[..bytes.len()].copy_from_slice(&bytes),
            Ok(_) | Err(_) => return Ok(Vec::new()),
        }
        let mut found: Vec<(SchoolId, RecordId)> = Vec::new();
        let catalogue = self.records.catalogue();
        let all = catalogue.records_from(RecordId::from_bytes(first));
        // Those that start with the whole bytes of the prefix are neighbours.
        let near = all.take_while(|(_, record)| record.to_string().starts_with(whole));
        for record in near.filter(|(_, record)| record.to_string().starts_with(&prefix)) {
            if found.len() >= limit {
                break;
            }
            if found.last() != Some(&record) {
                found.push(record);
            }
        }
        Ok(found)
    }

    fn changes_since(
        &self,
        position: u64,
        limit: usize,
    ) -> Result<Vec<(u64, EntryKey)>, StoreError> {
        // What a commit under way has put into the rows alone would be passed over for good.
        let _all_there = self.records.between_commits();
        let sorts = [rows::ENTRY, rows::TOUCHED, rows::DROPPED];
        let mut changes: Vec<_> =
            sorts.map(|sort| self.records.changes_after(sort, position).peekable()).into();
        let mut next = Vec::new();
        while next.len() < limit {
            let earliest = |(place, changes): (usize, &mut Peekable<_>)| {
                let position = match changes.peek()? {
                    Ok((position, _)) => *position,
                    // Told at once.
                    Err(_) => 0,
                };
                Some((position, place))
            };
            let Some((_, place)) = changes.iter_mut().enumerate().filter_map(earliest).min() else {
                break;
            };
            next.extend(changes[place].next().transpose()?);
        }
        Ok(next)
    }

    fn sets(&self) -> RwLockReadGuard<'_, Sets> {
        self.records.sets()
    }

    fn entries_by_short_id(
        &self,
        id: &ShortId,
    ) -> Result<Vec<(EntryKey, StoredEntry)>, StoreError> {
        let seats: Vec<u64> = self.records.catalogue().stored_by_id(id).collect();
        let mut entries = Vec::new();
        for stored in seats {
            // A later version may have taken its place since.
            if let Some(row) = self.records.get(&rows::position_key(rows::ENTRY, stored))? {
                let (key, mut held) = self.records.read_entry(stored, &row)?;
                if let Some(seat) = self.records.catalogue().seat(&key) {
                    held.position = seat.changed;
                }
                entries.push((key, held));
            }
        }
        Ok(entries)
    }

    fn statements(&self, group: &GroupId) -> Result<Vec<(Hash, Vec<u8>)>, StoreError> {
        self.records
            .scan(&rows::group_prefix(rows::STATEMENT, group))
            .map(|row| {
                let (key, value) = row?;
                rows::read_statement_key(&key)
                    .map(|(_, hash)| (hash, value))
                    .ok_or_else(|| self.records.unreadable("a membership statement"))
            })
            .collect()
    }

    fn groups_with_statements(&self) -> Result<Vec<GroupId>, StoreError> {
        let mut groups = Vec::new();
        let mut from = vec![rows::STATEMENT];
        while let Some(row) = self.records.scan_from(&[rows::STATEMENT], &from).next() {
            let (group, _) = rows::read_statement_key(&row?.0)
                .ok_or_else(|| self.records.unreadable("the key of a membership statement"))?;
            groups.push(group);
            // Past every statement of this group, however many there are.
            from = rows::statement_key(&group, &Hash::from_bytes([0xff; 32]));
            from.push(0);
        }
        Ok(groups)
    }

    fn local_get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.records.get(&rows::local_key(table, key))
    }

    fn local_each(
        &self,
        table: Table,
        prefix: &[u8],
        each: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), StoreError> {
        let start = rows::local_key(table, &[]).len();
        for row in self.records.scan(&rows::local_key(table, prefix)) {
            let (key, value) = row?;
            each(&key[start..], &value);
        }
        Ok(())
    }

    fn local_first(
        &self,
        table: Table,
        prefix: &[u8],
        limit: usize,
    ) -> Result<Vec<LocalRow>, StoreError> {
        let start = rows::local_key(table, &[]).len();
        self.records
            .scan(&rows::local_key(table, prefix))
            .take(limit)
            .map(|row| row.map(|(key, value)| (key[start..].to_vec(), value)))
            .collect()
    }

    fn small_blob(&self, hash: &Hash) -> Result<Option<Vec<u8>>, StoreError> {
        self.records.get(&rows::blob_key(hash))
    }

    fn position(&self) -> u64 {
        self.records.applied()
    }

    fn incarnation(&self) -> [u8; 16] {
        self.records.incarnation()
    }
}
