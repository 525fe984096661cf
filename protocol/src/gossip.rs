//! What a node tells its groups at once, encrypted under the group's
//! [`EpochKey`](crate::group::epoch::EpochKey). It is a hint and never the guarantee:
//! [`crate::sync`] is. Membership statements go from member to member and not by gossip, since they
//! say who may hear it.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::hash::Hash;
use crate::identity::PublicKey;
use crate::limits::MAX_GOSSIP_BYTES;
use crate::wire::{self, DecodeError};

/// A message to all members of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Announcement {
    /// A new entry.
    Entry(ByteBuf),
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
