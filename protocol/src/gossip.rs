//! What a node tells its groups at once. It is a hint and never the guarantee: [`crate::sync`] is.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::hash::{GroupId, Hash};
use crate::identity::PublicKey;
use crate::limits::MAX_GOSSIP_BYTES;
use crate::wire::{self, DecodeError};

/// A message to all members of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcement {
    /// A new entry.
    Entry(ByteBuf),
    /// A new membership statement.
    Statement(ByteBuf),
    /// More is new than is worth telling one by one: whoever holds another set should compare with
    /// the sender. It is not passed on, since only a node that holds it all can be compared with;
    /// each says so itself once it does.
    News {
        /// The digest of the sender's content set.
        digest: Hash,
        /// The sender, which also keeps the news of two nodes from being taken for one message.
        node: PublicKey,
    },
}

impl Announcement {
    /// The bytes to send.
    pub fn encode(&self) -> Vec<u8> {
        wire::encode(self)
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`DecodeError`] if it is too long or not an announcement.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        wire::decode(bytes, MAX_GOSSIP_BYTES)
    }
}

/// The name of the topic on which a group's members talk.
pub fn topic(group: &GroupId) -> String {
    data_encoding::HEXLOWER
        .encode(&blake3::derive_key("staffroom 2026 gossip topic", group.as_bytes()))
}
