//! Writing a bundle.

use std::collections::BTreeSet;
use std::fmt;

use serde_bytes::ByteBuf;

use super::frames::{FileKey, Frames};
use super::order::Order;
use super::part::{About, Frame, Part, SignedOpening};
use super::{BundleError, MAGIC, SLOT_BYTES, VERSION};
use crate::hash::Hash;
use crate::identity::{NodeCertificate, PublicKey, Purpose, SecretKey};
use crate::limits::{MAX_BUNDLE_FRAME_BYTES, MAX_BUNDLE_RECIPIENTS};
use crate::wire;

/// Makes the bytes of a bundle, one part after the other. It is one only with what
/// [`close`](Self::close) gives.
pub struct BundleWriter {
    node: SecretKey,
    frames: Frames,
    order: Order,
    /// Over all bytes so far.
    hasher: blake3::Hasher,
}

impl fmt::Debug for BundleWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleWriter").field("order", &self.order).finish_non_exhaustive()
    }
}

impl BundleWriter {
    /// Begins a bundle for some nodes, and returns how it begins. `key` are 32 bytes of a cryptographic
    /// random source, for this bundle alone.
    ///
    /// # Errors
    /// [`BundleError::TooManyRecipients`].
    pub fn begin(
        about: About,
        recipients: &BTreeSet<PublicKey>,
        key: [u8; 32],
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<(Self, Vec<u8>), BundleError> {
        let count = u32::try_from(recipients.len()).unwrap_or(u32::MAX);
        if recipients.len() > MAX_BUNDLE_RECIPIENTS {
            return Err(BundleError::TooManyRecipients(recipients.len()));
        }
        let key = FileKey::new(key);
        let mut bytes = [
            MAGIC.as_slice(),
            &VERSION.to_be_bytes(),
            &count.to_be_bytes(),
            key.commitment().as_bytes(),
        ]
        .concat();
        for recipient in recipients {
            bytes.extend(key.seal(recipient).unwrap_or(vec![0; SLOT_BYTES]));
        }
        let header = Hash::of(&bytes);
        let mut hasher = blake3::Hasher::new();
        hasher.update(&bytes);
        let mut writer = Self {
            node: node.clone(),
            frames: key.frames(&header),
            order: Order::default(),
            hasher,
        };
        let certificate = ByteBuf::from(certificate.as_bytes());
        let opening = wire::encode(&SignedOpening { certificate, header, about });
        let opening = ByteBuf::from(node.seal(Purpose::BundleOpening, &opening));
        bytes.extend(writer.frame(&Frame::Opening(opening), false)?);
        Ok((writer, bytes))
    }

    /// The bytes of the next part.
    ///
    /// # Errors
    /// [`BundleError::OutOfOrder`] or [`BundleError::TooLong`] if it cannot stand there.
    pub fn part(&mut self, part: Part) -> Result<Vec<u8>, BundleError> {
        self.frame(&Frame::Part(part), false)
    }

    /// Ends the bundle.
    ///
    /// # Errors
    /// [`BundleError::OutOfOrder`] if a blob is not whole.
    pub fn close(mut self) -> Result<Vec<u8>, BundleError> {
        let root = Hash::from_bytes(*self.hasher.finalize().as_bytes());
        let signed = self.node.seal(Purpose::Bundle, root.as_bytes());
        self.frame(&Frame::Closing(ByteBuf::from(signed)), true)
    }

    fn frame(&mut self, frame: &Frame, last: bool) -> Result<Vec<u8>, BundleError> {
        self.order.step(frame, last)?;
        let content = wire::encode(frame);
        if content.len() > MAX_BUNDLE_FRAME_BYTES {
            let (frame, found) = (self.frames.number(), content.len());
            return Err(BundleError::TooLong { frame, found });
        }
        let bytes = self.frames.seal(&content, last);
        self.hasher.update(&bytes);
        Ok(bytes)
    }
}
