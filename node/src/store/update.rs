//! What a change does to the rows. The writer and the replay of the journal share it, so that a
//! rebuilt record store equals the one that was lost.

use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::Hash;

use super::records::{Records, Rows, SetChange};
use super::rows;
use super::{Change, Outcome, StoreError, StoredEntry};

/// Changes gathered for one commit; each sees those before it.
#[derive(Debug)]
pub(super) struct Update<'a> {
    records: &'a Records,
    rows: Rows,
    sets: Vec<SetChange>,
}

impl<'a> Update<'a> {
    pub(super) fn new(records: &'a Records) -> Self {
        Self { records, rows: Rows::new(), sets: Vec::new() }
    }

    /// Takes up a change, which has this position if it does anything.
    pub(super) fn apply(&mut self, change: &Change, position: u64) -> Result<Outcome, StoreError> {
        match change {
            Change::Entry { key, version, bytes } => self.entry(key, version, bytes, position),
            Change::DropEntry { key, hash } => self.drop_entry(key, hash, position),
            Change::Touch { key } => self.touch(key, position),
            Change::Statement { group, hash, bytes } => {
                self.set_value(rows::statement_key(group, hash), Some(bytes), position)
            }
            Change::Local { table, key, value } => {
                self.set_value(rows::local_key(*table, key), value.as_ref(), position)
            }
            Change::Blob { hash, bytes } => {
                self.set_value(rows::blob_key(hash), Some(bytes), position)
            }
            Change::ForgetBlob { hash } => self.set_value(rows::blob_key(hash), None, position),
            Change::Erased => Ok(Outcome::Unchanged),
        }
    }

    /// Puts everything into the record store, which then holds every change up to `position`.
    pub(super) fn commit(self, position: u64) -> Result<(), StoreError> {
        self.records.commit(self.rows, position)?;
        self.records.change_sets(self.sets);
        Ok(())
    }

    fn entry(
        &mut self,
        key: &EntryKey,
        version: &Version,
        bytes: &[u8],
        position: u64,
    ) -> Result<Outcome, StoreError> {
        match self.held(key)? {
            Some(held) if held.version == *version => return Ok(Outcome::Unchanged),
            Some(held) if held.version > *version => {
                return Ok(Outcome::Superseded { by: held.version });
            }
            Some(held) => self.remove_versions_rows(key, &held),
            None => {}
        }
        let dropped = rows::dropped_key(key);
        if self.records.has_dropped()
            && let Some(row) = self.get(&dropped)?
        {
            let then = rows::read_position(&row)
                .ok_or_else(|| self.records.unreadable("the row of a dropped entry"))?;
            self.remove(rows::position_key(then));
            self.remove(dropped);
        }
        let place = rows::place(key);
        self.put(rows::entry_key(key), rows::entry(version, position, bytes));
        self.put(rows::by_hash_key(&version.hash), place);
        self.put(rows::position_key(position), place);
        self.put(rows::set_key(&key.group, version.clock, &version.hash), []);
        let (group, clock, hash) = (key.group, version.clock, version.hash);
        self.sets.push(SetChange { group, clock, hash, adds: true });
        Ok(Outcome::Applied { position })
    }

    fn drop_entry(
        &mut self,
        key: &EntryKey,
        hash: &Hash,
        position: u64,
    ) -> Result<Outcome, StoreError> {
        let Some(held) = self.held(key)?.filter(|held| held.version.hash == *hash) else {
            return Ok(Outcome::Unchanged);
        };
        self.remove_versions_rows(key, &held);
        self.remove(rows::entry_key(key));
        self.records.note_dropped();
        self.put(rows::dropped_key(key), position.to_be_bytes());
        self.put(rows::position_key(position), rows::place(key));
        Ok(Outcome::Applied { position })
    }

    fn touch(&mut self, key: &EntryKey, position: u64) -> Result<Outcome, StoreError> {
        let Some(held) = self.held(key)? else { return Ok(Outcome::Unchanged) };
        self.remove(rows::position_key(held.position));
        self.put(rows::entry_key(key), rows::entry(&held.version, position, &held.bytes));
        self.put(rows::position_key(position), rows::place(key));
        Ok(Outcome::Applied { position })
    }

    fn remove_versions_rows(&mut self, key: &EntryKey, held: &StoredEntry) {
        self.remove(rows::by_hash_key(&held.version.hash));
        self.remove(rows::position_key(held.position));
        self.remove(rows::set_key(&key.group, held.version.clock, &held.version.hash));
        let (group, clock, hash) = (key.group, held.version.clock, held.version.hash);
        self.sets.push(SetChange { group, clock, hash, adds: false });
    }

    fn set_value(
        &mut self,
        key: Vec<u8>,
        value: Option<&Vec<u8>>,
        position: u64,
    ) -> Result<Outcome, StoreError> {
        if self.get(&key)?.as_ref() == value {
            return Ok(Outcome::Unchanged);
        }
        self.rows.insert(key, value.cloned());
        Ok(Outcome::Applied { position })
    }

    fn held(&self, key: &EntryKey) -> Result<Option<StoredEntry>, StoreError> {
        self.get(&rows::entry_key(key))?
            .map(|row| rows::read_entry(&row).ok_or_else(|| self.records.unreadable("an entry")))
            .transpose()
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match self.rows.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.records.get(key),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: impl Into<Vec<u8>>) {
        self.rows.insert(key, Some(value.into()));
    }

    fn remove(&mut self, key: Vec<u8>) {
        self.rows.insert(key, None);
    }
}
