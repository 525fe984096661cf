//! The older versions of this school's own records.
//!
//! A newer version takes the place of a record in every group. What it replaced stays at its author's
//! node, with its texts and files, until the record is withdrawn; nobody else is served it, since only
//! what a current entry names belongs to a group.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_BODY_BYTES;
use staffroom_protocol::record::{File, Record};
use staffroom_protocol::wire;
use utoipa::ToSchema;

use crate::blobs::BlobError;
use crate::intake::{KeepError, blobs_of, files_of};
use crate::node::Node;
use crate::records::{HeldRecord, RecordError};
use crate::store::{Change, MAX_SMALL_BLOB_BYTES, StoreError, Table};

/// A version of one of this school's records.
#[derive(Debug, Clone)]
pub(crate) struct NumberedVersion {
    /// Its place among those that are held, the oldest being 1.
    pub(crate) number: usize,
    /// Whether it is the one that is shared.
    pub(crate) current: bool,
    /// In short, without its full text.
    pub(crate) held: HeldRecord,
}

/// A version in a list of all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ListedVersion {
    /// Its place among those that are held, the oldest being 1.
    pub number: usize,
    /// Whether it is the one that is shared.
    pub current: bool,
    /// When it was made.
    pub updated: String,
    /// Its title.
    pub title: String,
    /// Its files.
    pub files: Vec<VersionFile>,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VersionFile {
    /// As the version names it.
    #[serde(flatten)]
    pub file: File,
    /// Whether it is here.
    pub here: bool,
}

/// Names the record before its versions' times; and behind the hash of a blob, who needs it.
fn record_key(key: &EntryKey) -> Vec<u8> {
    [key.school.as_bytes().as_slice(), key.record.as_bytes()].concat()
}

fn version_key(entry: &Entry) -> Vec<u8> {
    [record_key(&entry.key()), entry.clock().as_u64().to_be_bytes().into()].concat()
}

fn blob_key(blob: &Hash, version: &[u8]) -> Vec<u8> {
    [blob.as_bytes().as_slice(), version].concat()
}

fn set(table: Table, key: Vec<u8>, value: Option<Vec<u8>>) -> Change {
    Change::Local { table, key, value }
}

/// A version that is too long for the store is a file, whose errors are the store's to the caller.
fn in_the_store(error: BlobError) -> StoreError {
    match error {
        BlobError::DiskFull { dir } => StoreError::DiskFull { dir },
        BlobError::Io { action, path, source } => StoreError::io(action, path, &source),
        error @ (BlobError::TooLarge | BlobError::OutOfRange { .. }) => {
            StoreError::Damaged { path: PathBuf::new(), reason: error.to_string() }
        }
    }
}

impl Node {
    /// The changes that keep what new versions replace, where this school speaks for it.
    pub(crate) fn keep_replaced(&self, replaced: &[Entry]) -> Result<Vec<Change>, StoreError> {
        let mut changes = Vec::new();
        let mut kept = BTreeSet::new();
        for entry in replaced.iter().filter(|entry| !entry.is_withdrawal()) {
            let EntryKey { group, school, .. } = entry.key();
            let key = version_key(entry);
            // The same version was shared with each of the record's groups.
            if !self.speaks_for(&group, &school)
                || !kept.insert(key.clone())
                || self.store().local_get(Table::Versions, &key)?.is_some()
            {
                continue;
            }
            let (hash, bytes) = (entry.hash(), entry.as_bytes());
            if bytes.len() <= MAX_SMALL_BLOB_BYTES {
                changes.push(Change::Blob { hash, bytes: bytes.to_vec() });
            } else {
                self.blobs().put(bytes).map_err(in_the_store)?;
            }
            let needed = blobs_of(entry).into_iter().map(|blob| blob.hash).chain([hash]);
            let needed = needed.map(|blob| blob_key(&blob, &key));
            changes.extend(needed.map(|key| set(Table::VersionBlobs, key, Some(Vec::new()))));
            changes.push(set(Table::Versions, key, Some(hash.as_bytes().to_vec())));
        }
        Ok(changes)
    }

    /// The changes that let go of all older versions of a record, and the blobs that they needed.
    pub(crate) fn forget_versions(
        &self,
        record: &EntryKey,
    ) -> Result<(Vec<Change>, Vec<Hash>), StoreError> {
        let (mut changes, mut blobs) = (Vec::new(), Vec::new());
        for (key, entry) in self.kept_versions(record)? {
            let needed = blobs_of(&entry).into_iter().map(|blob| blob.hash).chain([entry.hash()]);
            for blob in needed {
                changes.push(set(Table::VersionBlobs, blob_key(&blob, &key), None));
                blobs.push(blob);
            }
            changes.push(set(Table::Versions, key, None));
        }
        Ok((changes, blobs))
    }

    /// The older versions of a record, the oldest first.
    fn kept_versions(&self, record: &EntryKey) -> Result<Vec<(Vec<u8>, Entry)>, StoreError> {
        let mut kept = Vec::new();
        for (key, hash) in self.store().local_scan(Table::Versions, &record_key(record))? {
            let hash = <[u8; Hash::LENGTH]>::try_from(hash).map(Hash::from_bytes);
            let bytes = hash.ok().map(|hash| self.small_content(&hash)).transpose();
            match bytes {
                Ok(Some(Some(bytes))) => {
                    kept.extend(Entry::reopen(&bytes).ok().map(|entry| (key, entry)));
                }
                Ok(_) => tracing::warn!("an older version of a record is missing"),
                Err(KeepError::Store(error)) => return Err(error),
                Err(error) => tracing::warn!(%error, "an older version cannot be read"),
            }
        }
        Ok(kept)
    }

    /// The versions of one of this school's records, the oldest first and the current one last.
    ///
    /// # Errors
    /// [`RecordError`] if it was withdrawn, or is another school's.
    fn versions(&self, current: HeldRecord) -> Result<Vec<NumberedVersion>, RecordError> {
        if current.entry.is_withdrawal() {
            return Err(RecordError::Withdrawn);
        }
        let key = current.entry.key();
        if !self.speaks_for(&key.group, &key.school) {
            return Err(RecordError::VersionsElsewhere);
        }
        let mut all: Vec<HeldRecord> = Vec::new();
        for (_, entry) in self.kept_versions(&key)? {
            // It may be current in one of its groups still.
            if entry.clock() < current.entry.clock() {
                let summary = entry.summary().ok().flatten();
                all.push(HeldRecord { entry, summary, record: None, groups: Vec::new() });
            }
        }
        all.push(HeldRecord { record: None, ..current });
        let count = all.len();
        let numbered = all.into_iter().zip(1..);
        let numbered = numbered.map(|(held, number)| NumberedVersion {
            number,
            current: number == count,
            held,
        });
        Ok(numbered.collect())
    }

    fn current_version(&self, given: &str) -> Result<HeldRecord, RecordError> {
        let (school, record) = self.find_record_id(given)?;
        let held = self.record_in_short(school, record)?;
        held.ok_or_else(|| RecordError::Unknown(given.to_owned()))
    }

    /// One version of one of this school's records.
    ///
    /// # Errors
    /// [`RecordError`] if there is no such record or version, it was withdrawn, or it is another
    /// school's.
    pub(crate) fn numbered_version(
        &self,
        given: &str,
        number: usize,
    ) -> Result<NumberedVersion, RecordError> {
        let mut versions = self.versions(self.current_version(given)?)?;
        let count = versions.len();
        match number.checked_sub(1).filter(|index| *index < count) {
            Some(index) => Ok(versions.swap_remove(index)),
            None => Err(RecordError::NoVersion { number, count }),
        }
    }

    /// The full text of a version, as far as it is here.
    pub(crate) fn text_of_version(
        &self,
        version: &NumberedVersion,
    ) -> Result<Option<Record>, KeepError> {
        let entry = &version.held.entry;
        if version.current {
            return self.body(entry);
        }
        let Some(body) = entry.body() else { return Ok(None) };
        let bytes = self.small_content(&body.hash)?;
        Ok(bytes.and_then(|bytes| wire::decode(&bytes, MAX_BODY_BYTES).ok()))
    }

    /// The versions of the record whose id is given, as they are listed.
    ///
    /// # Errors
    /// As for one of them.
    pub(crate) fn list_versions(&self, given: &str) -> Result<Vec<ListedVersion>, RecordError> {
        self.list_versions_of(self.current_version(given)?)
    }

    /// The versions of a record that was found, as they are listed.
    ///
    /// # Errors
    /// As for one of them.
    pub(crate) fn list_versions_of(
        &self,
        current: HeldRecord,
    ) -> Result<Vec<ListedVersion>, RecordError> {
        let listed = |version: NumberedVersion| -> Result<ListedVersion, RecordError> {
            let NumberedVersion { number, current, held } = version;
            let mut files = Vec::new();
            for file in held.files()? {
                let here = self.blobs().size(&file.hash).map_err(KeepError::from)?.is_some();
                files.push(VersionFile { file: file.clone(), here });
            }
            let updated = held.entry.clock().to_string();
            let title = held.summary.map(|summary| summary.title).unwrap_or_default();
            Ok(ListedVersion { number, current, updated, title, files })
        };
        self.versions(current)?.into_iter().map(listed).collect()
    }

    /// Lets go of the files of an older version, which itself stays, with its text.
    ///
    /// # Errors
    /// [`RecordError`] if there is no such version, it is the current one, or a file cannot be removed.
    pub(crate) fn remove_files_of_version(
        &self,
        given: &str,
        number: usize,
    ) -> Result<(), RecordError> {
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let NumberedVersion { current, held, .. } = self.numbered_version(given, number)?;
        if current {
            return Err(RecordError::CurrentVersion(number));
        }
        let key = version_key(&held.entry);
        let files: Vec<Hash> = files_of(&held.entry).iter().map(|file| file.hash).collect();
        let unneeded = files.iter().map(|file| blob_key(file, &key));
        let changes = unneeded.map(|key| set(Table::VersionBlobs, key, None));
        self.store().apply(changes.collect())?;
        self.forget_all_unneeded(&files)?;
        self.measure_older_versions()?;
        Ok(())
    }

    /// Removes those of some blobs that nothing needs any more.
    pub(crate) fn forget_all_unneeded(&self, blobs: &[Hash]) -> Result<(), StoreError> {
        for blob in blobs {
            self.forget_unneeded(blob)?;
        }
        Ok(())
    }

    /// Adds up how much room the files have that only older versions name.
    pub(crate) fn measure_older_versions(&self) -> Result<(), StoreError> {
        let mut blobs = BTreeSet::new();
        self.store().local_each(Table::VersionBlobs, &[], &mut |key, _| {
            blobs.extend(key.first_chunk().copied().map(Hash::from_bytes));
        })?;
        let mut bytes = 0;
        for blob in blobs {
            if self.store().local_first(Table::Possession, blob.as_bytes(), 1)?.is_empty()
                && let Ok(Some(size)) = self.blobs().size(&blob)
            {
                bytes += size;
            }
        }
        self.keeping().set_older_versions(bytes);
        Ok(())
    }
}
