//! What a change does to the rows. The writer and the replay of the journal share it, so that a
//! rebuilt record store equals the one that was lost.

use std::collections::BTreeMap;

use staffroom_protocol::entry::{Entry, EntryKey, Version};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_search::evidence::LineageKind;

use super::catalogue::{Seat, Step};
use super::records::{Records, Rows};
use super::row_sum::RowSum;
use super::rows::{self, EntryHead};
use super::{Change, Outcome, StoreError};

/// Changes gathered for one commit; each sees those before it.
#[derive(Debug)]
pub(super) struct Update<'a> {
    records: &'a Records,
    rows: Rows,
    sum: RowSum,
    steps: Vec<Step>,
    /// The versions held of the keys that these changes are about.
    held: BTreeMap<EntryKey, Option<Held>>,
    /// Where the last versions of these keys were dropped.
    dropped: BTreeMap<EntryKey, Option<u64>>,
}

/// A version that is held, and where its row is.
#[derive(Debug, Clone, Copy)]
struct Held {
    version: Version,
    of: Option<RecordId>,
    seat: Seat,
}

impl<'a> Update<'a> {
    pub(super) fn new(records: &'a Records) -> Self {
        Self {
            records,
            rows: Rows::new(),
            sum: records.sum(),
            steps: Vec::new(),
            held: BTreeMap::new(),
            dropped: BTreeMap::new(),
        }
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
        self.records.commit(self.rows, &self.steps, self.sum, position)
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
            Some(held) => self.remove_version(key, &held),
            None => {}
        }
        if let Some(then) = self.dropped(key) {
            self.remove(rows::position_key(rows::DROPPED, then), &rows::place(key));
            self.dropped.insert(*key, None);
            self.steps.push(Step::CameAgain { key: *key });
        }
        let of = taken_up_or_reported_on(bytes);
        let head = EntryHead { key: *key, version: *version, of };
        self.put(rows::position_key(rows::ENTRY, position), rows::entry(&head, bytes));
        let seat = Seat { stored: position, changed: position };
        self.held.insert(*key, Some(Held { version: *version, of, seat }));
        self.steps.push(Step::Stored { key: *key, version: *version, of, position });
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
        self.remove_version(key, &held);
        self.put(rows::position_key(rows::DROPPED, position), rows::place(key).into());
        self.dropped.insert(*key, Some(position));
        self.steps.push(Step::Dropped { key: *key, position });
        Ok(Outcome::Applied { position })
    }

    fn touch(&mut self, key: &EntryKey, position: u64) -> Result<Outcome, StoreError> {
        let Some(mut held) = self.held(key)? else { return Ok(Outcome::Unchanged) };
        self.remove_touched(key, held.seat);
        held.seat.changed = position;
        let touched = rows::touched(held.seat.stored, key);
        self.put(rows::position_key(rows::TOUCHED, position), touched);
        self.held.insert(*key, Some(held));
        self.steps.push(Step::Touched { key: *key, position });
        Ok(Outcome::Applied { position })
    }

    fn remove_version(&mut self, key: &EntryKey, held: &Held) {
        let (version, of, stored) = (held.version, held.of, held.seat.stored);
        let head = rows::entry(&EntryHead { key: *key, version, of }, &[]);
        self.remove(rows::position_key(rows::ENTRY, stored), &head);
        self.remove_touched(key, held.seat);
        self.held.insert(*key, None);
        self.steps.push(Step::Gone { key: *key, version, of, stored });
    }

    fn remove_touched(&mut self, key: &EntryKey, seat: Seat) {
        if seat.changed != seat.stored {
            let touched = rows::touched(seat.stored, key);
            self.remove(rows::position_key(rows::TOUCHED, seat.changed), &touched);
        }
    }

    fn set_value(
        &mut self,
        key: Vec<u8>,
        value: Option<&Vec<u8>>,
        position: u64,
    ) -> Result<Outcome, StoreError> {
        let held = match self.rows.get(&key) {
            Some(row) => row.clone(),
            None => self.records.get(&key)?,
        };
        if held.as_ref() == value {
            return Ok(Outcome::Unchanged);
        }
        self.rows.insert(key, value.cloned());
        Ok(Outcome::Applied { position })
    }

    fn held(&self, key: &EntryKey) -> Result<Option<Held>, StoreError> {
        if let Some(held) = self.held.get(key) {
            return Ok(*held);
        }
        let Some((seat, row)) = self.records.row_of(key)? else { return Ok(None) };
        let (head, _) =
            rows::read_entry(&row).ok_or_else(|| self.records.unreadable("an entry"))?;
        Ok(Some(Held { version: head.version, of: head.of, seat }))
    }

    fn dropped(&self, key: &EntryKey) -> Option<u64> {
        let here = self.dropped.get(key).copied();
        here.unwrap_or_else(|| self.records.catalogue().dropped(key))
    }

    /// Puts a row of an entry.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.sum.add(&key, &value);
        self.rows.insert(key, Some(value));
    }

    /// Takes out a row of an entry, whose value starts like this.
    fn remove(&mut self, key: Vec<u8>, value: &[u8]) {
        self.sum.remove(&key, value);
        self.rows.insert(key, None);
    }
}

/// The record that an adoption takes up or an impact report is on.
fn taken_up_or_reported_on(bytes: &[u8]) -> Option<RecordId> {
    let entry = Entry::reopen(bytes).ok()?;
    let kind = LineageKind::of(entry.kind()).filter(|kind| *kind != LineageKind::Intervention)?;
    kind.referred_to(&entry.summary().ok()??).map(|of| of.record)
}
