//! What leads to the entries: kept in memory, made from their rows when the store is opened.

use std::collections::{BTreeMap, BTreeSet};

use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use staffroom_protocol::sync::set::short_id;
use staffroom_protocol::sync::sketch::ShortId;

use super::shelf::Shelf;

/// Where the row of a held version is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Seat {
    /// The position at which it was stored, which is its row's key.
    pub(super) stored: u64,
    /// The position of its last change: it was stored or touched.
    pub(super) changed: u64,
}

/// A change to the rows of entries, as the catalogue follows it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// A version was stored.
    Stored { key: EntryKey, version: Version, of: Option<RecordId>, position: u64 },
    /// The held version was touched.
    Touched { key: EntryKey, position: u64 },
    /// The version that was stored at a position is held no more.
    Gone { key: EntryKey, version: Version, of: Option<RecordId>, stored: u64 },
    /// The last version was dropped at a position, and none has come again.
    Dropped { key: EntryKey, position: u64 },
    /// A version came again.
    CameAgain { key: EntryKey },
}

impl Step {
    fn key(&self) -> &EntryKey {
        match self {
            Self::Stored { key, .. }
            | Self::Touched { key, .. }
            | Self::Gone { key, .. }
            | Self::Dropped { key, .. }
            | Self::CameAgain { key } => key,
        }
    }
}

/// An entry's key with numbers in the place of long ids: with a million entries, what is kept of each
/// decides how much memory a node takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    record: RecordId,
    school: u32,
    group: u32,
}

/// Ids by the numbers that stand for them.
#[derive(Debug, Clone)]
struct Numbered<T> {
    ids: Vec<T>,
    numbers: BTreeMap<T, u32>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { ids: Vec::new(), numbers: BTreeMap::new() }
    }
}

impl<T: Ord + Copy> Numbered<T> {
    fn number(&self, id: &T) -> Option<u32> {
        self.numbers.get(id).copied()
    }

    fn number_or_add(&mut self, id: T) -> u32 {
        let next = u32::try_from(self.ids.len()).unwrap_or(u32::MAX);
        let ids = &mut self.ids;
        *self.numbers.entry(id).or_insert_with(|| {
            ids.push(id);
            next
        })
    }

    fn id(&self, number: u32) -> Option<T> {
        self.ids.get(usize::try_from(number).ok()?).copied()
    }
}

/// Records noted as having lost one on them, until whoever follows the changes asks: beyond this, what
/// follows is told of the rest by their next change.
const MOST_BEREFT: usize = 10_000;

/// The seats of all held versions, by key and by hash, and the positions of dropped ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Catalogue {
    groups: Numbered<GroupId>,
    schools: Numbered<SchoolId>,
    seats: Shelf<Place, Seat>,
    stored_by_id: Shelf<(ShortId, u64), ()>,
    /// Where versions were stored that take up a record or report on it, and by which school.
    stored_on: Shelf<(RecordId, u64), u32>,
    /// The records that lost such a version.
    bereft: BTreeSet<RecordId>,
    dropped: BTreeMap<Place, u64>,
}

impl Catalogue {
    /// The seat of the version held for a key.
    pub(super) fn seat(&self, key: &EntryKey) -> Option<Seat> {
        self.seats.get(&self.place(key)?)
    }

    /// The position at which a key's last version was dropped, if none came again.
    pub(super) fn dropped(&self, key: &EntryKey) -> Option<u64> {
        self.dropped.get(&self.place(key)?).copied()
    }

    /// The positions at which held versions whose hashes start like this were stored.
    pub(super) fn stored_by_id(&self, id: &ShortId) -> impl Iterator<Item = u64> + '_ {
        self.stored_by_id.range((*id, 0), (*id, u64::MAX)).map(|((_, stored), ())| stored)
    }

    /// The positions at which held versions that take up a record or report on it were stored.
    pub(super) fn stored_on(&self, record: &RecordId) -> impl Iterator<Item = u64> + '_ {
        self.on(record).map(|(stored, _)| stored)
    }

    /// The same of one school alone.
    pub(super) fn stored_on_by(
        &self,
        record: &RecordId,
        school: &SchoolId,
    ) -> impl Iterator<Item = u64> + '_ {
        let school = self.schools.number(school);
        self.on(record).filter(move |(_, by)| Some(*by) == school).map(|(stored, _)| stored)
    }

    fn on(&self, record: &RecordId) -> impl Iterator<Item = (u64, u32)> + '_ {
        let on = self.stored_on.range((*record, 0), (*record, u64::MAX));
        on.map(|((_, stored), school)| (stored, school))
    }

    /// The records that lost a version on them since this was asked last.
    pub(super) fn take_bereft(&mut self) -> BTreeSet<RecordId> {
        std::mem::take(&mut self.bereft)
    }

    /// The groups that a record is held for, in order.
    pub(super) fn groups_of(&self, school: &SchoolId, record: &RecordId) -> Vec<GroupId> {
        let Some(school) = self.schools.number(school) else { return Vec::new() };
        let place = |group| Place { record: *record, school, group };
        let places = self.seats.range(place(0), place(u32::MAX));
        let mut groups: Vec<GroupId> =
            places.filter_map(|(place, _)| self.groups.id(place.group)).collect();
        groups.sort();
        groups
    }

    /// The records that are held from an id on, in order of their ids; one comes as often as it is
    /// held for a group.
    pub(super) fn records_from(
        &self,
        first: RecordId,
    ) -> impl Iterator<Item = (SchoolId, RecordId)> + '_ {
        let place = |record, number| Place { record, school: number, group: number };
        let last = RecordId::from_bytes([0xff; RecordId::LENGTH]);
        self.seats
            .range(place(first, 0), place(last, u32::MAX))
            .filter_map(|(place, _)| Some((self.schools.id(place.school)?, place.record)))
    }

    /// Follows a change to the rows.
    pub(super) fn follow(&mut self, step: &Step) {
        let place = self.place_or_add(step.key());
        match *step {
            Step::Stored { version, of, position, .. } => {
                self.seats.insert(place, Seat { stored: position, changed: position });
                self.stored_by_id.insert((short_id(&version.hash), position), ());
                if let Some(of) = of {
                    self.stored_on.insert((of, position), place.school);
                }
            }
            Step::Touched { position, .. } => {
                if let Some(seat) = self.seats.get(&place) {
                    self.seats.insert(place, Seat { changed: position, ..seat });
                }
            }
            Step::Gone { version, of, stored, .. } => {
                self.seats.remove(&place);
                self.stored_by_id.remove(&(short_id(&version.hash), stored));
                if let Some(of) = of {
                    self.stored_on.remove(&(of, stored));
                    if self.bereft.len() < MOST_BEREFT {
                        self.bereft.insert(of);
                    }
                }
            }
            Step::Dropped { position, .. } => {
                self.dropped.insert(place, position);
            }
            Step::CameAgain { .. } => {
                self.dropped.remove(&place);
            }
        }
    }

    fn place(&self, key: &EntryKey) -> Option<Place> {
        let (school, group) = (self.schools.number(&key.school)?, self.groups.number(&key.group)?);
        Some(Place { record: key.record, school, group })
    }

    fn place_or_add(&mut self, key: &EntryKey) -> Place {
        let school = self.schools.number_or_add(key.school);
        Place { record: key.record, school, group: self.groups.number_or_add(key.group) }
    }
}
