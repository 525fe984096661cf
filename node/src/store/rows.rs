//! How the record store's rows look: one ordered map, told apart by the first byte of the key.
//!
//! Numbers are big-endian, so that the order of the bytes is the order of the numbers. Entries stand
//! in the order in which they came: what comes is put behind what is there, which sled does several
//! times as fast as putting rows all over the map, and what came together is read together. What else
//! leads to an entry is in memory, see [`Catalogue`](super::catalogue::Catalogue).

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};

use super::Table;
use super::catalogue::Step;

/// The state of the store as a whole: one row, written with every change.
pub(super) const META: u8 = b'm';
/// position at which the version was stored → record, school, group, version, the record that it takes
/// up or reports on, bytes.
pub(super) const ENTRY: u8 = b'e';
/// position at which a held version was touched last → position at which it was stored, and record,
/// school, group.
pub(super) const TOUCHED: u8 = b'p';
/// position at which an entry was dropped → record, school, group.
pub(super) const DROPPED: u8 = b'd';
/// group, hash → bytes.
pub(super) const STATEMENT: u8 = b's';
/// table, key → value.
pub(super) const LOCAL: u8 = b'l';
/// hash → bytes.
pub(super) const BLOB: u8 = b'b';

const KEY_BYTES: usize = 32 + 32 + 16;
const VERSION_BYTES: usize = 1 + 8 + 32;
/// Bytes of an entry's row before those that were signed.
pub(super) const HEAD_BYTES: usize = KEY_BYTES + VERSION_BYTES + RecordId::LENGTH;

/// Stands in a row for a record that takes up and reports on none.
const NONE: [u8; RecordId::LENGTH] = [0; RecordId::LENGTH];

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

/// The key of a row that stands at a position.
pub(super) fn position_key(kind: u8, position: u64) -> Vec<u8> {
    key(kind, &[&position.to_be_bytes()])
}

pub(super) fn read_position_key(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..)?.try_into().ok()?))
}

pub(super) fn group_prefix(kind: u8, group: &GroupId) -> Vec<u8> {
    key(kind, &[group.as_bytes()])
}

pub(super) fn statement_key(group: &GroupId, hash: &Hash) -> Vec<u8> {
    key(STATEMENT, &[group.as_bytes(), hash.as_bytes()])
}

pub(super) fn local_key(table: Table, local: &[u8]) -> Vec<u8> {
    key(LOCAL, &[&[table as u8], local])
}

pub(super) fn blob_key(hash: &Hash) -> Vec<u8> {
    key(BLOB, &[hash.as_bytes()])
}

/// An entry's key as bytes.
pub(super) fn place(at: &EntryKey) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    bytes[..16].copy_from_slice(at.record.as_bytes());
    bytes[16..48].copy_from_slice(at.school.as_bytes());
    bytes[48..].copy_from_slice(at.group.as_bytes());
    bytes
}

/// The value of a row that says that a version was touched.
pub(super) fn touched(stored: u64, at: &EntryKey) -> Vec<u8> {
    [stored.to_be_bytes().as_slice(), &place(at)].concat()
}

pub(super) fn read_touched(value: &[u8]) -> Option<(u64, EntryKey)> {
    let (stored, place) = value.split_first_chunk()?;
    Some((u64::from_be_bytes(*stored), read_place(place)?))
}

pub(super) fn read_place(bytes: &[u8]) -> Option<EntryKey> {
    let (record, rest) = bytes.split_first_chunk::<16>()?;
    let (school, group) = rest.split_first_chunk::<32>()?;
    Some(EntryKey {
        group: GroupId::from_bytes(group.try_into().ok()?),
        school: SchoolId::from_bytes(*school),
        record: RecordId::from_bytes(*record),
    })
}

/// What an entry's row says before the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EntryHead {
    pub(super) key: EntryKey,
    pub(super) version: Version,
    /// The record that it takes up or reports on.
    pub(super) of: Option<RecordId>,
}

pub(super) fn entry(head: &EntryHead, bytes: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(HEAD_BYTES + bytes.len());
    row.extend_from_slice(&place(&head.key));
    row.push(u8::from(head.version.withdrawal));
    row.extend_from_slice(&head.version.clock.as_u64().to_be_bytes());
    row.extend_from_slice(head.version.hash.as_bytes());
    row.extend_from_slice(head.of.as_ref().map_or(&NONE, |of| of.as_bytes()));
    row.extend_from_slice(bytes);
    row
}

pub(super) fn read_entry(row: &[u8]) -> Option<(EntryHead, &[u8])> {
    let (place, rest) = row.split_first_chunk::<KEY_BYTES>()?;
    let (version, rest) = rest.split_first_chunk::<VERSION_BYTES>()?;
    let (of, bytes) = rest.split_first_chunk::<{ RecordId::LENGTH }>()?;
    let of = (*of != NONE).then(|| RecordId::from_bytes(*of));
    Some((EntryHead { key: read_place(place)?, version: read_version(version)?, of }, bytes))
}

/// The step that a row of an entry stands for.
pub(super) fn read_step(row: &[u8], value: &[u8]) -> Option<Step> {
    let position = read_position_key(row)?;
    match *row.first()? {
        ENTRY => {
            let (EntryHead { key, version, of }, _) = read_entry(value)?;
            Some(Step::Stored { key, version, of, position })
        }
        TOUCHED => Some(Step::Touched { key: read_touched(value)?.1, position }),
        DROPPED => Some(Step::Dropped { key: read_place(value)?, position }),
        _ => None,
    }
}

fn read_version(bytes: &[u8]) -> Option<Version> {
    let (&withdrawal, rest) = bytes.split_first()?;
    let (clock, hash) = rest.split_first_chunk::<8>()?;
    Some(Version {
        withdrawal: match withdrawal {
            0 => false,
            1 => true,
            _ => return None,
        },
        clock: Timestamp::from_u64(u64::from_be_bytes(*clock)),
        hash: Hash::from_bytes(hash.try_into().ok()?),
    })
}

/// The group and hash of a statement's key.
pub(super) fn read_statement_key(key: &[u8]) -> Option<(GroupId, Hash)> {
    let (group, hash) = key.get(1..)?.split_first_chunk::<32>()?;
    Some((GroupId::from_bytes(*group), Hash::from_bytes(hash.try_into().ok()?)))
}
