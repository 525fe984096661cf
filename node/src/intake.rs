//! What comes in from other nodes: verified, judged by the roster and the clock, stored.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use staffroom_protocol::entry::{BlobRef, Entry, EntryError, EntryKey, UncheckedEntry};
use staffroom_protocol::group::roster::{Roster, Standing};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::intake::{AsideReason, Judgement, judge};
use staffroom_protocol::limits::MAX_FILE_TEXT_BYTES;
use staffroom_protocol::record::File;
use staffroom_protocol::sync::ContentSet;

use crate::blobs::BlobError;
use crate::clock::now_millis;
use crate::node::Node;
use crate::store::{Change, Outcome, StoreError, Table};
use crate::wanted;

/// What became of an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It was new and is stored.
    Stored,
    /// It, or a version that beats it, was held already.
    Known,
    /// It is from the future, or its school's admission is not known here; it will be judged again.
    HeldAside(AsideReason),
    /// It is invalid for everyone.
    Invalid(EntryError),
    /// It belongs to another group, or its school left or was removed and it is not among what stays.
    NotForGroup,
}

/// Entries that are worth a thread for each core.
const WORTH_SHARING: usize = 64;

impl Node {
    /// Judges entries that a node brought for a group, and stores those that belong to it, all with
    /// one sync of the disk.
    ///
    /// # Errors
    /// [`StoreError`] if they cannot be stored; none of them is held then.
    pub fn accept_entries<'a>(
        &self,
        group: GroupId,
        entries: impl IntoIterator<Item = &'a [u8]>,
        from: PublicKey,
    ) -> Result<Vec<Verdict>, StoreError> {
        let verdicts = self.accept(group, entries, from)?;
        for verdict in &verdicts {
            let group = group.short();
            match verdict {
                Verdict::Stored | Verdict::Known | Verdict::NotForGroup => {}
                Verdict::HeldAside(reason) => tracing::warn!(%reason, group, peer = ?from, "waits"),
                Verdict::Invalid(error) => tracing::warn!(%error, group, peer = ?from, "refused"),
            }
        }
        Ok(verdicts)
    }

    fn accept<'a>(
        &self,
        group: GroupId,
        entries: impl IntoIterator<Item = &'a [u8]>,
        from: PublicKey,
    ) -> Result<Vec<Verdict>, StoreError> {
        let mut accepted = Vec::new();
        let mut verdicts = Vec::new();
        for judged in self.judge_all(group, &entries.into_iter().collect::<Vec<_>>()) {
            let verdict = match judged {
                Judged::Good(entry) => {
                    accepted.push((verdicts.len(), *entry));
                    Verdict::Stored
                }
                Judged::Aside(entry, reason) => {
                    let mut aside = self.aside.lock().unwrap_or_else(PoisonError::into_inner);
                    aside.hold(from, group, &entry);
                    Verdict::HeldAside(reason)
                }
                Judged::Not(verdict) => verdict,
            };
            verdicts.push(verdict);
        }
        let entries: Vec<&Entry> = accepted.iter().map(|(_, entry)| entry).collect();
        let stored = self.store_entries(&entries, Vec::new())?;
        let (mut counting, mut dropped) = (Vec::new(), Vec::new());
        for ((place, entry), stored) in accepted.into_iter().zip(stored) {
            if !stored {
                verdicts[place] = Verdict::Known;
            } else if self.standing(&entry) == Standing::Dropped {
                // A removal came between the judgement and the storing.
                verdicts[place] = Verdict::NotForGroup;
                dropped.push(entry);
            } else {
                counting.push(entry);
            }
        }
        self.heard_through(&counting);
        if !dropped.is_empty() {
            self.drop_entries(&dropped)?;
        }
        Ok(verdicts)
    }

    /// Judges entries in order, many of them on all cores: checking signatures takes longest of all.
    fn judge_all(&self, group: GroupId, entries: &[&[u8]]) -> Vec<Judged> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        if entries.len() < WORTH_SHARING || threads == 1 {
            return self.judge_part(group, entries);
        }
        std::thread::scope(|scope| {
            let parts = entries.chunks(entries.len().div_ceil(threads));
            let judging: Vec<_> =
                parts.map(|part| scope.spawn(move || self.judge_part(group, part))).collect();
            let judged = judging.into_iter().flat_map(|thread| match thread.join() {
                Ok(judged) => judged,
                Err(panic) => std::panic::resume_unwind(panic),
            });
            judged.collect()
        })
    }

    fn judge_part(&self, group: GroupId, entries: &[&[u8]]) -> Vec<Judged> {
        let read: Vec<_> = entries.iter().map(|bytes| UncheckedEntry::read(bytes)).collect();
        // Looked up in memory, and all at once.
        let is_held = |entry: &UncheckedEntry, set: &ContentSet| {
            entry.group() == group && set.contains(entry.clock(), &entry.hash())
        };
        let held: Vec<bool> = self.with_content_set(&group, |set| {
            read.iter().map(|one| one.as_ref().is_ok_and(|entry| is_held(entry, set))).collect()
        });
        let mut unchecked = Vec::new();
        let mut answers: Vec<Option<Verdict>> = Vec::with_capacity(entries.len());
        for (read, held) in read.into_iter().zip(held) {
            answers.push(match read {
                Ok(_) if held => Some(Verdict::Known),
                Ok(entry) => {
                    unchecked.push(entry);
                    None
                }
                Err(error) => Some(Verdict::Invalid(error)),
            });
        }
        let mut checked = self.verifier.check_all(unchecked).into_iter();
        let judged = answers.into_iter().filter_map(|answer| match answer {
            Some(verdict) => Some(Judged::Not(verdict)),
            None => Some(match checked.next()? {
                Ok(entry) => self.judge(group, entry),
                Err(error) => Judged::Not(Verdict::Invalid(error)),
            }),
        });
        judged.collect()
    }

    fn judge(&self, group: GroupId, entry: Entry) -> Judged {
        let by = |roster: &Roster| judge(&entry, &group, roster, now_millis());
        let judgement = self
            .with_membership(&group, |set| by(set.roster()))
            .unwrap_or_else(|| by(&Roster::default()));
        match judgement {
            Judgement::Belongs => Judged::Good(Box::new(entry)),
            Judgement::Waits(reason) => Judged::Aside(Box::new(entry), reason),
            Judgement::NotForGroup => Judged::Not(Verdict::NotForGroup),
        }
    }

    fn standing(&self, entry: &Entry) -> Standing {
        self.with_membership(&entry.key().group, |set| set.roster().standing(entry))
            .unwrap_or(Standing::Unknown)
    }

    /// Stores verified entries with what follows from them, in one step, and says which were new.
    pub(crate) fn store_entries(
        &self,
        entries: &[&Entry],
        with: Vec<Change>,
    ) -> Result<Vec<bool>, StoreError> {
        if entries.is_empty() && with.is_empty() {
            return Ok(Vec::new());
        }
        let (mut released, mut replaced, mut unneeded) = (Vec::new(), Vec::new(), Vec::new());
        let mut changes: Vec<Change> = entries.iter().map(|entry| Change::entry(entry)).collect();
        for entry in entries {
            let Some(held) = self.store().entry(&entry.key())? else { continue };
            if held.version < entry.version()
                && let Ok(held) = Entry::reopen(&held.bytes)
            {
                released.extend(blobs_of(&held).into_iter().map(|blob| (held.key(), blob.hash)));
                if entry.is_withdrawal() {
                    let (forgotten, blobs) = self.forget_versions(&entry.key())?;
                    changes.extend(forgotten);
                    unneeded.extend(blobs);
                } else {
                    replaced.push(held);
                }
            }
        }
        let kept = self.keep_replaced(&replaced)?;
        let versions_changed = !kept.is_empty() || !unneeded.is_empty();
        changes.extend(kept);
        let own = with.iter().filter_map(possessed).collect::<BTreeSet<_>>();
        let lots = wanted::lots(entries, |hash, group| own.contains(&(*hash, *group)))?;
        changes.extend(wanted::changes(&lots));
        changes.extend(with);
        let withdrawals = entries.iter().copied().filter(|entry| entry.is_withdrawal());
        changes.extend(crate::erasure::marks(withdrawals));
        let outcomes = self.store().apply(changes)?;
        let stored: Vec<bool> = outcomes
            .iter()
            .take(entries.len())
            .map(|outcome| matches!(outcome, Outcome::Applied { .. }))
            .collect();
        self.release(released)?;
        self.forget_all_unneeded(&unneeded)?;
        if versions_changed {
            self.measure_older_versions()?;
        }
        self.indexer().wake();
        self.wanted.note(&lots);
        self.wanted.more.notify_one();
        Ok(stored)
    }

    /// Drops entries that a roster honours no more, with their texts and files.
    pub(crate) fn drop_entries(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let mut changes = Vec::new();
        for entry in entries {
            changes.push(Change::DropEntry { key: entry.key(), hash: entry.hash() });
        }
        changes.extend(crate::erasure::marks(entries));
        self.store().apply(changes)?;
        let blobs = entries
            .iter()
            .flat_map(|entry| blobs_of(entry).into_iter().map(|blob| (entry.key(), blob.hash)));
        self.release(blobs.collect())?;
        let mut versions_changed = false;
        for entry in entries {
            let key = entry.key();
            if self.store().versions_in_groups(&key.school, &key.record)?.is_empty() {
                let (forgotten, blobs) = self.forget_versions(&key)?;
                self.store().apply(forgotten)?;
                self.forget_all_unneeded(&blobs)?;
                versions_changed |= !blobs.is_empty();
            }
        }
        if versions_changed {
            self.measure_older_versions()?;
        }
        self.indexer().wake();
        Ok(())
    }

    /// Lets go of blobs that a replaced or withdrawn version had, where nothing else has them, and of
    /// what has come of them. Of what a current version has nothing happens.
    pub(crate) fn release(&self, blobs: Vec<(EntryKey, Hash)>) -> Result<(), StoreError> {
        for (key, hash) in blobs {
            let current =
                self.store().entry(&key)?.and_then(|held| Entry::reopen(&held.bytes).ok());
            if current.is_some_and(|entry| blobs_of(&entry).iter().any(|blob| blob.hash == hash)) {
                continue;
            }
            if let Err(error) = self.blobs().forget_unfinished(&key.group, &hash) {
                tracing::warn!(%error, %hash, "what came of a file was not removed");
            }
            self.store().apply(vec![Change::Local {
                table: Table::Possession,
                key: possession_key(&hash, &key),
                value: None,
            }])?;
            self.forget_unneeded(&hash)?;
        }
        Ok(())
    }

    /// Whether a group has a blob, or a draft or an older version of one of this school's own records.
    pub(crate) fn is_needed(&self, hash: &Hash) -> Result<bool, StoreError> {
        if self.drafts().hold(hash) {
            return Ok(true);
        }
        for table in [Table::Possession, Table::VersionBlobs] {
            if !self.store().local_first(table, hash.as_bytes(), 1)?.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Removes a blob that nothing needs any more; one that cannot be removed stays.
    pub(crate) fn forget_unneeded(&self, hash: &Hash) -> Result<(), StoreError> {
        match self.remove_unneeded(hash) {
            Ok(()) => Ok(()),
            Err(KeepError::Store(error)) => Err(error),
            Err(KeepError::Blob(error)) => {
                tracing::warn!(%error, %hash, "a file that nothing refers to was not removed");
                Ok(())
            }
        }
    }

    /// Lets go of a file that was uploaded, and of its text, unless a record has it.
    ///
    /// # Errors
    /// [`KeepError`] if it cannot be removed.
    pub(crate) fn forget_unshared(&self, file: &Hash) -> Result<(), KeepError> {
        if self.is_needed(file)? {
            return Ok(());
        }
        // What is known of the file names its text, and goes with the file.
        if let Some(text) = self.kept_text_of(file)? {
            self.remove_unneeded(&text)?;
        }
        self.remove_unneeded(file)
    }

    /// Removes a blob, with all that was made of it, unless something needs it.
    fn remove_unneeded(&self, hash: &Hash) -> Result<(), KeepError> {
        if self.is_needed(hash)? {
            return Ok(());
        }
        let mut forgotten = vec![Change::ForgetBlob { hash: *hash }];
        forgotten.extend(crate::file_texts::forget(hash));
        self.store().apply(forgotten)?;
        self.previews().forget(hash);
        self.blobs().remove(hash)?;
        Ok(())
    }

    /// The full text or small file with this hash, wherever it is kept.
    ///
    /// # Errors
    /// [`KeepError`] if it cannot be read.
    pub(crate) fn small_content(&self, hash: &Hash) -> Result<Option<Vec<u8>>, KeepError> {
        if let Some(bytes) = self.store().small_blob(hash)? {
            return Ok(Some(bytes));
        }
        match self.blobs().size(hash)? {
            Some(size) if size <= MAX_FILE_TEXT_BYTES as u64 => {
                Ok(self.blobs().read_range(hash, 0, usize::try_from(size).unwrap_or(0))?)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Whether a blob was authored in, or obtained through, this group.
    pub(crate) fn possesses(&self, group: &GroupId, hash: &Hash) -> Result<bool, StoreError> {
        let prefix = [hash.as_bytes().as_slice(), group.as_bytes()].concat();
        Ok(!self.store().local_first(Table::Possession, &prefix, 1)?.is_empty())
    }

    /// Whether a file is here and may be shown and served for a group.
    ///
    /// # Errors
    /// [`KeepError`] if that cannot be read.
    pub(crate) fn has_file(&self, group: &GroupId, hash: &Hash) -> Result<bool, KeepError> {
        Ok(self.possesses(group, hash)? && self.blobs().size(hash)?.is_some())
    }

    /// Judges everything that waits once more; returns how many still wait.
    ///
    /// # Errors
    /// [`StoreError`] if what no longer waits cannot be stored.
    pub fn judge_again(&self) -> Result<usize, StoreError> {
        let waiting = self.aside.lock().unwrap_or_else(PoisonError::into_inner).take();
        for (from, entries) in waiting {
            let mut by_group: BTreeMap<GroupId, Vec<Vec<u8>>> = BTreeMap::new();
            for (group, bytes) in entries.into_values() {
                by_group.entry(group).or_default().push(bytes);
            }
            for (group, entries) in by_group {
                self.accept(group, entries.iter().map(Vec::as_slice), from)?;
            }
        }
        Ok(self.held_aside())
    }

    /// How many entries wait.
    pub fn held_aside(&self) -> usize {
        self.aside.lock().unwrap_or_else(PoisonError::into_inner).count()
    }
}

enum Judged {
    Good(Box<Entry>),
    Aside(Box<Entry>, AsideReason),
    Not(Verdict),
}

/// Why content cannot be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum KeepError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

/// The full text of an entry, its files and the texts inside them.
pub(crate) fn blobs_of(entry: &Entry) -> Vec<BlobRef> {
    let files = entry.summary().ok().flatten().map(|summary| summary.files).unwrap_or_default();
    let of_file = |file: File| [Some(BlobRef { hash: file.hash, size: file.size }), file.text];
    entry.body().into_iter().chain(files.into_iter().flat_map(of_file).flatten()).collect()
}

/// The files of an entry, each once.
pub(crate) fn files_of(entry: &Entry) -> Vec<BlobRef> {
    let mut files: Vec<BlobRef> = Vec::new();
    for file in entry.summary().ok().flatten().map(|summary| summary.files).unwrap_or_default() {
        let blob = BlobRef { hash: file.hash, size: file.size };
        if !files.contains(&blob) {
            files.push(blob);
        }
    }
    files
}

/// The change that notes that a blob came through an entry's group, or was authored there.
pub fn possession(hash: &Hash, key: &EntryKey) -> Change {
    let key = possession_key(hash, key);
    Change::Local { table: Table::Possession, key, value: Some(Vec::new()) }
}

/// The key under which it is kept that a blob belongs to an entry's group.
pub(crate) fn possession_key(hash: &Hash, key: &EntryKey) -> Vec<u8> {
    [hash.as_bytes().as_slice(), key.group.as_bytes(), key.school.as_bytes(), key.record.as_bytes()]
        .concat()
}

fn possessed(change: &Change) -> Option<(Hash, GroupId)> {
    match change {
        Change::Local { table: Table::Possession, key, value: Some(_) } => {
            let (hash, rest) = key.split_first_chunk::<{ Hash::LENGTH }>()?;
            let group = rest.first_chunk::<{ GroupId::LENGTH }>()?;
            Some((Hash::from_bytes(*hash), GroupId::from_bytes(*group)))
        }
        Change::Local { .. }
        | Change::Entry { .. }
        | Change::DropEntry { .. }
        | Change::Touch { .. }
        | Change::Statement { .. }
        | Change::Blob { .. }
        | Change::ForgetBlob { .. }
        | Change::Erased => None,
    }
}
