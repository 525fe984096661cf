//! What can be changed in a store. Its encoding is what the journal keeps.

use serde::{Deserialize, Serialize};
use staffroom_protocol::entry::{Entry, EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::limits::{MAX_ENTRY_BYTES, MAX_STATEMENT_BYTES};
use staffroom_protocol::wire;

use super::StoreError;

/// A blob kept with the records: a page of text; sled reads and rewrites pages of about that size.
pub const MAX_SMALL_BLOB_BYTES: usize = 4 * 1024;

/// A local value: what sled keeps in one page file without a file of its own.
pub const MAX_LOCAL_VALUE_BYTES: usize = 64 * 1024;

/// A local key: two ids and a name.
pub const MAX_LOCAL_KEY_BYTES: usize = 256;

/// One change to the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A version of a record; it takes the place of the one held if it is greater.
    Entry {
        /// Where it belongs.
        key: EntryKey,
        /// Its place in the order of versions.
        version: Version,
        /// The bytes that were signed.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Lets go of a version, if it is the one held: its author was removed, or the group was left.
    DropEntry {
        /// Where it belongs.
        key: EntryKey,
        /// The hash of the version.
        hash: Hash,
    },
    /// Gives a held version a new position, since something that belongs to it came: whoever
    /// follows the positions looks at it again.
    Touch {
        /// Where it belongs.
        key: EntryKey,
    },
    /// A membership statement; kept for ever.
    Statement {
        /// The group it is about.
        group: GroupId,
        /// The hash of its bytes.
        hash: Hash,
        /// The bytes that were signed.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// A value that concerns this node alone.
    Local {
        /// What sort of value.
        table: Table,
        /// Its key within the table.
        #[serde(with = "serde_bytes")]
        key: Vec<u8>,
        /// The value, or nothing to delete it.
        #[serde(with = "serde_bytes")]
        value: Option<Vec<u8>>,
    },
    /// A blob of at most [`MAX_SMALL_BLOB_BYTES`].
    Blob {
        /// The hash of its bytes.
        hash: Hash,
        /// Its bytes.
        #[serde(with = "serde_bytes")]
        bytes: Vec<u8>,
    },
    /// Removes a small blob.
    ForgetBlob {
        /// Its hash.
        hash: Hash,
    },
    /// Takes the place of a change in the journal whose content was erased; does nothing.
    Erased,
}

/// A sort of local value. The numbers are on disk: never give one to another table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Table {
    /// What the administrator set.
    Settings = 1,
    /// People who may sign in.
    Accounts = 2,
    /// Records that are not shared.
    Drafts = 3,
    /// Invites made and used.
    Invites = 4,
    /// Where records were imported from.
    ImportSources = 5,
    /// Who did what.
    Audit = 6,
    /// Which blobs were obtained through which group.
    Possession = 7,
    /// Addresses of other nodes, and when they were last heard.
    Peers = 8,
    /// Keys and state of the groups that this node is in.
    Groups = 9,
    /// Full texts of records that have not come yet.
    Wanted = 10,
    /// What was read in this school's own files.
    FileTexts = 11,
    /// Which files people here opened or pinned.
    Copies = 12,
    /// Older versions of this school's own records.
    Versions = 13,
    /// Which blobs those older versions need.
    VersionBlobs = 14,
}

impl Change {
    /// The change that stores a verified entry.
    pub fn entry(entry: &Entry) -> Self {
        Self::Entry { key: entry.key(), version: entry.version(), bytes: entry.as_bytes().to_vec() }
    }

    /// Encodes the change for the journal, if it is one that the store may keep.
    pub(super) fn to_journal(&self) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Entry { version, bytes, .. } => {
                check_size("an entry", bytes.len(), MAX_ENTRY_BYTES)?;
                check_hash("an entry", version.hash, bytes)?;
            }
            Self::Statement { hash, bytes, .. } => {
                check_size("a membership statement", bytes.len(), MAX_STATEMENT_BYTES)?;
                check_hash("a membership statement", *hash, bytes)?;
            }
            Self::Local { key, value, .. } => {
                check_size("the key of a local value", key.len(), MAX_LOCAL_KEY_BYTES)?;
                let size = value.as_ref().map_or(0, Vec::len);
                check_size("a local value", size, MAX_LOCAL_VALUE_BYTES)?;
            }
            Self::Blob { hash, bytes } => {
                check_size("a blob kept with the records", bytes.len(), MAX_SMALL_BLOB_BYTES)?;
                check_hash("a blob", *hash, bytes)?;
            }
            Self::DropEntry { .. }
            | Self::Touch { .. }
            | Self::ForgetBlob { .. }
            | Self::Erased => {}
        }
        Ok(wire::encode(self))
    }
}

fn check_size(what: &'static str, found: usize, limit: usize) -> Result<(), StoreError> {
    if found > limit { Err(StoreError::TooLarge { what, found, limit }) } else { Ok(()) }
}

fn check_hash(what: &'static str, expected: Hash, bytes: &[u8]) -> Result<(), StoreError> {
    let found = Hash::of(bytes);
    if found == expected { Ok(()) } else { Err(StoreError::WrongHash { what, expected, found }) }
}
