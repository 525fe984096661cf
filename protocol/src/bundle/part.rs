//! What the frames of a bundle hold.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::clock::Timestamp;
use crate::entry::BlobRef;
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::NodeCertificate;
use crate::sync::message::PeerAddresses;

/// What a bundle is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The group whose members can read it.
    pub group: GroupId,
    /// When it was made.
    pub made: Timestamp,
    /// From when on it has what was shared; none where it has everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
}

/// How a bundle opens: what it is and who made it.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// What it is.
    pub about: About,
    /// The node that made it, and its school's word for it.
    pub maker: NodeCertificate,
}

/// One part of what a bundle brings: a frame of its own.
///
/// They come in the order of the variants, and after each [`Part::Blob`] the [`Part::Piece`]s that
/// together have its size. What stands in them is as trustworthy as what any stranger says: entries,
/// statements and blobs prove themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// Membership statements, each after those that it follows.
    Statements(Vec<ByteBuf>),
    /// Where members' nodes were last reached, for a school that gets a line.
    Peers(Vec<PeerAddresses>),
    /// Asks to be let into the group: a sealed [`JoinRequest`](crate::group::invite::JoinRequest).
    Join(ByteBuf),
    /// Says what the maker holds, for a bundle with the rest. Short ids, one behind the other.
    Have {
        /// Of entries.
        entries: ByteBuf,
        /// Of full texts and files that it has through the group.
        blobs: ByteBuf,
    },
    /// Entries.
    Entries(Vec<ByteBuf>),
    /// A full text, or a file, of a record follows.
    Blob {
        /// The school whose record has it.
        school: SchoolId,
        /// The record.
        record: RecordId,
        /// Its hash and size.
        blob: BlobRef,
    },
    /// The next bytes of it, [`BUNDLE_PIECE_BYTES`](crate::limits::BUNDLE_PIECE_BYTES) at most.
    Piece(ByteBuf),
    /// Another record has a blob that came before.
    Again {
        /// The school whose record has it.
        school: SchoolId,
        /// The record.
        record: RecordId,
        /// Its hash.
        hash: Hash,
    },
}

/// A frame as it is encrypted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Frame {
    /// The first: a signed [`SignedOpening`].
    Opening(ByteBuf),
    Part(Part),
    /// The last: the signed hash of all bytes before it.
    Closing(ByteBuf),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SignedOpening {
    pub(super) certificate: ByteBuf,
    /// The hash of the prelude and the slots.
    pub(super) header: Hash,
    pub(super) about: About,
}
