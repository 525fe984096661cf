//! How the record store's rows look: one ordered map, told apart by the first byte of the key.
//!
//! Numbers are big-endian, so that the order of the bytes is the order of the numbers.

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::sync::sketch::ShortId;

use super::{StoredEntry, Table};

/// The state of the store as a whole: one row, written with every change.
pub(super) const META: u8 = b'm';
/// record, school, group → position, version, bytes.
pub(super) const ENTRY: u8 = b'e';
/// hash → record, school, group.
pub(super) const BY_HASH: u8 = b'h';
/// group, clock, hash → nothing.
pub(super) const SET: u8 = b't';
/// position → record, school, group; of a held or of a dropped entry.
pub(super) const POSITION: u8 = b'p';
/// record, school, group → position at which the entry was dropped.
pub(super) const DROPPED: u8 = b'd';
/// group, hash → bytes.
pub(super) const STATEMENT: u8 = b's';
/// table, key → value.
pub(super) const LOCAL: u8 = b'l';
/// hash → bytes.
pub(super) const BLOB: u8 = b'b';

const KEY_BYTES: usize = 32 + 32 + 16;
const VERSION_BYTES: usize = 1 + 8 + 32;

fn key(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let mut key = vec![kind];
    for part in parts {
        key.extend_from_slice(part);
    }
    key
}

pub(super) fn entry_key(at: &EntryKey) -> Vec<u8> {
    key(ENTRY, &[&place(at)])
}

pub(super) fn dropped_key(at: &EntryKey) -> Vec<u8> {
    key(DROPPED, &[&place(at)])
}

pub(super) fn by_hash_key(hash: &Hash) -> Vec<u8> {
    key(BY_HASH, &[hash.as_bytes()])
}

pub(super) fn by_hash_prefix(id: &ShortId) -> Vec<u8> {
    key(BY_HASH, &[id])
}

pub(super) fn read_by_hash_key(key: &[u8]) -> Option<Hash> {
    Some(Hash::from_bytes(key.get(1..)?.try_into().ok()?))
}

pub(super) fn record_prefix(school: &SchoolId, record: &RecordId) -> Vec<u8> {
    key(ENTRY, &[record.as_bytes(), school.as_bytes()])
}

pub(super) fn group_prefix(kind: u8, group: &GroupId) -> Vec<u8> {
    key(kind, &[group.as_bytes()])
}

pub(super) fn set_key(group: &GroupId, clock: Timestamp, hash: &Hash) -> Vec<u8> {
    key(SET, &[group.as_bytes(), &clock.as_u64().to_be_bytes(), hash.as_bytes()])
}

pub(super) fn position_key(position: u64) -> Vec<u8> {
    key(POSITION, &[&position.to_be_bytes()])
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

/// An entry's key as bytes. The record comes first, since that is what people look up.
pub(super) fn place(at: &EntryKey) -> [u8; KEY_BYTES] {
    let mut bytes = [0; KEY_BYTES];
    bytes[..16].copy_from_slice(at.record.as_bytes());
    bytes[16..48].copy_from_slice(at.school.as_bytes());
    bytes[48..].copy_from_slice(at.group.as_bytes());
    bytes
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

pub(super) fn read_position(bytes: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.try_into().ok()?))
}

pub(super) fn version(version: &Version) -> [u8; VERSION_BYTES] {
    let mut bytes = [0; VERSION_BYTES];
    bytes[0] = u8::from(version.withdrawal);
    bytes[1..9].copy_from_slice(&version.clock.as_u64().to_be_bytes());
    bytes[9..].copy_from_slice(version.hash.as_bytes());
    bytes
}

pub(super) fn read_version(bytes: &[u8]) -> Option<Version> {
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

pub(super) fn entry(version_of: &Version, position: u64, bytes: &[u8]) -> Vec<u8> {
    let mut row = Vec::with_capacity(8 + VERSION_BYTES + bytes.len());
    row.extend_from_slice(&position.to_be_bytes());
    row.extend_from_slice(&version(version_of));
    row.extend_from_slice(bytes);
    row
}

pub(super) fn read_entry(row: &[u8]) -> Option<StoredEntry> {
    let (position, rest) = row.split_first_chunk::<8>()?;
    let (version, bytes) = rest.split_first_chunk::<VERSION_BYTES>()?;
    Some(StoredEntry {
        version: read_version(version)?,
        position: u64::from_be_bytes(*position),
        bytes: bytes.to_vec(),
    })
}

/// The clock and hash of a key in the set of a group.
pub(super) fn read_set_key(key: &[u8]) -> Option<(GroupId, Timestamp, Hash)> {
    let (group, rest) = key.get(1..)?.split_first_chunk::<32>()?;
    let (clock, hash) = rest.split_first_chunk::<8>()?;
    Some((
        GroupId::from_bytes(*group),
        Timestamp::from_u64(u64::from_be_bytes(*clock)),
        Hash::from_bytes(hash.try_into().ok()?),
    ))
}

/// The group and hash of a statement's key.
pub(super) fn read_statement_key(key: &[u8]) -> Option<(GroupId, Hash)> {
    let (group, hash) = key.get(1..)?.split_first_chunk::<32>()?;
    Some((GroupId::from_bytes(*group), Hash::from_bytes(hash.try_into().ok()?)))
}
