//! What nodes ask each other, and the answers.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::group::invite::InviteError;
use crate::hash::{GroupId, Hash, SchoolId};
use crate::identity::PublicKey;
use crate::sync::set::{Bound, Part, Range};

/// The most bytes that a request may have: a reconciliation message and its envelope.
pub const MAX_REQUEST_BYTES: usize = 128 * 1024;

/// The most bytes that an answer may have: a piece of a file, or a batch of entries.
pub const MAX_RESPONSE_BYTES: usize = 2 * 1024 * 1024;

/// How many bytes of content an answerer puts into one answer; less than
/// [`MAX_RESPONSE_BYTES`] by more than any single item and the envelope.
pub const ANSWER_CONTENT_BYTES: usize = 1024 * 1024;

/// How many items one request may ask for.
pub const MAX_REQUEST_ITEMS: usize = 1_000;

/// Bytes of a blob that are proved together: with fewer the hashes would weigh more than the half
/// percent that they do.
pub const BLOB_GROUP_BYTES: u64 = 16 * 1024;

/// The longest range of a blob that one request may ask for.
pub const MAX_BLOB_RANGE_BYTES: u64 = ANSWER_CONTENT_BYTES as u64;

/// A sealed request to join: claims, a certificate, and room for a newer node's fields.
pub const MAX_JOIN_REQUEST_BYTES: usize = 4 * 1024;

/// How many addresses of one node are kept and told: a server with two network cards and both
/// transports has four.
pub const MAX_ADDRESSES_PER_NODE: usize = 8;

/// How many ranges one request may ask about; with 60 bytes each, and a thousand in the answer for
/// each part or id, both stay below 64 KiB.
pub const MAX_RANGES: usize = 64;

/// A question to another node. It is answered only to nodes of the group's members, but for
/// [`Request::Join`], [`Request::Introduce`], [`Request::Withdraw`], and what a new node of a member asks
/// ([`Request::Groups`], [`Request::Return`]).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// Asks to be let into a group: for one of its members' nodes, which any member may pass on.
    Join {
        /// The group.
        group: GroupId,
        /// The node of the inviting school.
        to: PublicKey,
        /// A [`JoinRequest`](crate::group::invite::JoinRequest) that is sealed to that node,
        /// [`MAX_JOIN_REQUEST_BYTES`] at most.
        sealed: ByteBuf,
    },
    /// Asks which groups a school is in, as one of its nodes that they do not know yet: a new server
    /// or a standby.
    Groups {
        /// The school's word for the asking node.
        certificate: ByteBuf,
    },
    /// Asks, as such a node, for the membership statements after one, in the order in which each
    /// follows those before it.
    Return {
        /// The group.
        group: GroupId,
        /// The school's word for the asking node.
        certificate: ByteBuf,
        /// The last one of the page before.
        after: Option<Hash>,
    },
    /// Shows membership statements to a node that may not have them: a member what is new, anybody
    /// their own admission.
    Introduce {
        /// The group.
        group: GroupId,
        /// The statements' bytes.
        statements: Vec<ByteBuf>,
    },
    /// Asks how to reach the nodes of a group's members.
    Peers {
        /// The group.
        group: GroupId,
    },
    /// Asks for the membership statements after one, in the order of their hashes.
    Statements {
        /// The group.
        group: GroupId,
        /// The digest of the asker's set; where it is equal there is nothing to send.
        digest: Hash,
        /// The last one of the page before.
        after: Option<Hash>,
    },
    /// Compares the content sets. Answered with [`Response::Same`], or with what helps to find where
    /// they differ: [`Response::Symbols`], or [`Response::Described`] for the whole set where one of
    /// them is much larger.
    Compare {
        /// The group.
        group: GroupId,
        /// How many entries the asker has.
        count: u64,
        /// The digest of the asker's set.
        digest: Hash,
    },
    /// Asks for symbols of the content set's [`Sketch`](super::sketch::Sketch).
    Symbols {
        /// The group.
        group: GroupId,
        /// How many of the first, [`SKETCH_SYMBOLS`](super::sketch::SKETCH_SYMBOLS) at most.
        count: u32,
    },
    /// Asks what ranges of the content set have.
    Describe {
        /// The group.
        group: GroupId,
        /// [`MAX_RANGES`] at most.
        ranges: Vec<Range>,
    },
    /// Asks for the ordered hashes of ranges, which nobody can make equal for sets that differ. The
    /// answerer reads all entries of them.
    Ordered {
        /// The group.
        group: GroupId,
        /// [`MAX_RANGES`] at most, in order, no two of them with a place in common.
        ranges: Vec<Range>,
    },
    /// Asks for entries by the start of their hashes.
    Entries {
        /// The group.
        group: GroupId,
        /// One [`ShortId`](super::sketch::ShortId) behind the other, [`MAX_REQUEST_ITEMS`] at most.
        ids: ByteBuf,
    },
    /// Asks for all entries of a range.
    EntriesIn {
        /// The group.
        group: GroupId,
        /// The range.
        range: Range,
    },
    /// Asks for whole small blobs by hash, such as the full texts of records.
    Blobs {
        /// The group that they belong to.
        group: GroupId,
        /// At most [`MAX_REQUEST_ITEMS`].
        hashes: Vec<Hash>,
    },
    /// Asks for a range of one blob, with the hashes that prove it. A range that its asker chooses at
    /// random is also how it is seen whether a member still has the blob.
    BlobRange {
        /// The group that it belongs to.
        group: GroupId,
        /// The blob.
        hash: Hash,
        /// Where the range starts: a multiple of [`BLOB_GROUP_BYTES`].
        offset: u64,
        /// Its length in bytes, a multiple of [`BLOB_GROUP_BYTES`] as well, where it may reach past the
        /// end; [`MAX_BLOB_RANGE_BYTES`] at most.
        length: u64,
    },
    /// Asks whether the content of withdrawals has been erased.
    Receipts {
        /// The group.
        group: GroupId,
        /// The hashes of the withdrawals, [`MAX_REQUEST_ITEMS`] at most.
        withdrawals: Vec<Hash>,
    },
    /// Says that there is something new, where the group has no key to gossip under: whoever holds
    /// another set compares with the asker. Answered with [`Response::Known`].
    News {
        /// The group.
        group: GroupId,
        /// The digest of the asker's content set.
        digest: Hash,
    },
    /// Asks how much the other node holds of a group.
    Holding {
        /// The group.
        group: GroupId,
    },
    /// Asks from which schools of a group the other node has heard, and what time it is there.
    Heard {
        /// The group.
        group: GroupId,
        /// The last school of the page before.
        after: Option<SchoolId>,
    },
    /// Brings withdrawals of a school that departed. Answered with [`Response::Receipts`], for those
    /// whose content is erased already.
    Withdraw {
        /// The group.
        group: GroupId,
        /// The withdrawals' bytes, [`MAX_REQUEST_ITEMS`] at most.
        entries: Vec<ByteBuf>,
    },
}

impl Request {
    /// The group that it is about, if it is about one.
    pub fn group(&self) -> Option<GroupId> {
        match self {
            Self::Groups { .. } => None,
            Self::Join { group, .. }
            | Self::Return { group, .. }
            | Self::Introduce { group, .. }
            | Self::Peers { group }
            | Self::Statements { group, .. }
            | Self::Compare { group, .. }
            | Self::Symbols { group, .. }
            | Self::Describe { group, .. }
            | Self::Ordered { group, .. }
            | Self::Heard { group, .. }
            | Self::Entries { group, .. }
            | Self::EntriesIn { group, .. }
            | Self::Blobs { group, .. }
            | Self::BlobRange { group, .. }
            | Self::News { group, .. }
            | Self::Receipts { group, .. }
            | Self::Withdraw { group, .. }
            | Self::Holding { group } => Some(*group),
        }
    }
}

/// The answer to a [`Request`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// A page of membership statements.
    Statements {
        /// The statements' bytes, each after those that it follows.
        statements: Vec<ByteBuf>,
        /// Whether there are more after the last.
        more: bool,
        /// The digest of the answering node's set.
        digest: Hash,
    },
    /// The statements were taken in, or the news was.
    Known {
        /// The digest of the answering node's membership set after that.
        digest: Hash,
    },
    /// The groups of the asking node's school, as far as the answering one is in them.
    Groups {
        /// At most [`MAX_REQUEST_ITEMS`].
        groups: Vec<GroupId>,
    },
    /// Where nodes were last reached.
    Peers {
        /// At most [`MAX_REQUEST_ITEMS`].
        peers: Vec<PeerAddresses>,
    },
    /// The content sets are the same.
    Same,
    /// They differ, as these symbols of a sketch may say.
    Symbols {
        /// The symbols, as [`Sketch::symbols`](super::sketch::Sketch::symbols) gives them.
        symbols: ByteBuf,
    },
    /// What ranges of the answering node's set have, in the order asked for.
    Described {
        /// One for each range.
        ranges: Vec<Described>,
    },
    /// The ordered hashes of ranges.
    Ordered {
        /// The digest of the answering node's content set at that moment.
        digest: Hash,
        /// One for each range, in the order asked for.
        ranges: Vec<Ordered>,
    },
    /// The first entries of a range.
    EntriesIn {
        /// The entries' bytes.
        entries: Vec<ByteBuf>,
        /// Where the rest of the range starts; none where there is no more.
        next: Option<Bound>,
        /// The digest of the answering node's membership set, which is at least as new as the entries.
        membership: Hash,
    },
    /// Entries, in the order asked for; those not held or beyond the size of an answer are left
    /// out.
    Entries {
        /// The entries' bytes.
        entries: Vec<ByteBuf>,
        /// The digest of the answering node's membership set, which is at least as new as the entries.
        membership: Hash,
    },
    /// Blobs, in the order asked for; those not held or beyond the size of an answer are left out.
    Blobs {
        /// The blobs' bytes.
        blobs: Vec<ByteBuf>,
    },
    /// A range of a blob.
    BlobRange {
        /// Its length in bytes; less than what was asked for at the end of the blob, or where the line
        /// is slow. A multiple of [`BLOB_GROUP_BYTES`] before the end.
        length: u64,
        /// The range and the hashes that prove it, as BLAKE3's verified streaming orders them, in groups
        /// of [`BLOB_GROUP_BYTES`].
        slice: ByteBuf,
    },
    /// Receipts for those of the withdrawals that are erased.
    Receipts {
        /// The receipts' bytes.
        receipts: Vec<ByteBuf>,
    },
    /// How much the answering node holds of a group.
    Holding(Holding),
    /// From which schools the answering node has heard.
    Heard {
        /// The time on its clock, in milliseconds since 1970.
        now_millis: u64,
        /// At most [`MAX_REQUEST_ITEMS`], in the order of their ids.
        schools: Vec<HeardFrom>,
        /// Whether there are more after the last.
        more: bool,
    },
    /// The asking node's school was removed from the group; nothing else is answered.
    Removed {
        /// The removals.
        statements: Vec<ByteBuf>,
    },
    /// The asking school was let in; [`Request::Return`] brings the statements that say so.
    Admitted,
    /// The request to join waits for the inviting school.
    Waiting,
    /// The invite does not work.
    InviteRefused(InviteError),
    /// The question is not answered.
    Refused(Refusal),
}

/// What a range of a content set has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Described {
    /// Few entries: their [`ShortId`](super::sketch::ShortId)s, one behind the other.
    Ids(ByteBuf),
    /// Many: parts of the range, which together cover it.
    Parts(Vec<Part>),
}

/// What a range of a content set has, by hashes that nobody can make equal for sets that differ.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ordered {
    /// Few entries: their whole hashes, one behind the other.
    Hashes(ByteBuf),
    /// Many: parts of the range, which together cover it.
    Parts(Vec<OrderedPart>),
}

/// A part of a range, by its ordered hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedPart {
    /// Where it ends, and the next part starts; none for the end of the range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Bound>,
    /// BLAKE3 over the hashes of its entries in their order.
    pub hash: Hash,
}

/// When a node last heard from a school itself: a node of the school was connected to it. What it
/// was told by others is not passed on, so that a made-up age comes no further than to whoever asks
/// its inventor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeardFrom {
    /// The school.
    pub school: SchoolId,
    /// How long ago, in seconds: an age needs no clock that is right, and cannot name the future.
    pub seconds_ago: u64,
}

/// Where a node was last reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerAddresses {
    /// The node.
    pub node: PublicKey,
    /// Its addresses, as multiaddresses without the node's own id.
    pub addresses: Vec<String>,
}

/// How much a node holds of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Holding {
    /// How many entries.
    pub entries: u64,
    /// A hash over the hashes of all entries in their order: equal exactly for equal sets.
    pub digest: Hash,
    /// How many of the entries' full texts have not come yet.
    pub bodies_missing: u64,
    /// Whether everything held can be found by a search.
    pub searchable: bool,
}

/// Why a question is not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// The asking node is no member of the group, or the answering one is not. The two are not told
    /// apart, so that a stranger learns nothing.
    #[error("the other node does not share this group with this one")]
    NotShared,
    /// What was asked for is not held.
    #[error("the other node does not hold it")]
    NotHeld,
    /// The request breaks a limit or cannot be read.
    #[error("the other node could not read the request")]
    Malformed,
    /// The asking node asks too much in too short a time.
    #[error("the other node is busy")]
    Busy,
}
