//! Reading a bundle.

use std::fmt;

use super::frames::{FileKey, Frames};
use super::order::Order;
use super::part::{Frame, Opening, Part, SignedOpening};
use super::{BundleError, HEAD_BYTES, MAGIC, PRELUDE_BYTES, SLOT_BYTES, VERSION};
use crate::hash::Hash;
use crate::identity::{NodeCertificate, Purpose, SecretKey, split_signature};
use crate::limits::{EPOCH_CHUNK_KEYS, MAX_BUNDLE_FRAME_BYTES, MAX_BUNDLE_RECIPIENTS};
use crate::wire;

/// Bytes that encryption adds to a frame.
const TAG_BYTES: usize = 16;

/// What was found in a bundle.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    /// What it is and who made it, signed.
    Opening(Box<Opening>),
    /// A part of what it brings.
    Part(Part),
    /// Its end: it is whole, and signed by its maker.
    Closing,
}

/// Reads a bundle: whoever drives it gives it exactly as many bytes as it [`wants`](Self::wants), again
/// and again, until it wants none, and says where there are no more.
///
/// It never wants more than a frame, whatever the bytes say.
pub struct BundleReader {
    node: SecretKey,
    stage: Stage,
    order: Order,
    /// Over all bytes so far.
    hasher: blake3::Hasher,
    maker: Option<NodeCertificate>,
}

enum Stage {
    Prelude,
    Slots { left: usize, commitment: Hash, key: Option<FileKey> },
    Head(Frames),
    Body { frames: Frames, last: bool, length: usize },
    Closed,
}

impl fmt::Debug for BundleReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BundleReader").field("order", &self.order).finish_non_exhaustive()
    }
}

impl BundleReader {
    /// Begins to read, as one of the nodes that a bundle may be for.
    pub fn new(node: &SecretKey) -> Self {
        Self {
            node: node.clone(),
            stage: Stage::Prelude,
            order: Order::default(),
            hasher: blake3::Hasher::new(),
            maker: None,
        }
    }

    /// How many bytes it wants next; none once the bundle is read, behind which nothing may stand.
    pub fn wants(&self) -> usize {
        match &self.stage {
            Stage::Prelude => PRELUDE_BYTES,
            Stage::Slots { left, .. } => SLOT_BYTES * (*left).min(EPOCH_CHUNK_KEYS),
            Stage::Head(_) => HEAD_BYTES,
            Stage::Body { length, .. } => *length,
            Stage::Closed => 0,
        }
    }

    /// Takes the next bytes, as many as it [`wants`](Self::wants). Where there are fewer, the bundle was
    /// cut off.
    ///
    /// # Errors
    /// [`BundleError`] says what is wrong; nothing more is read then.
    pub fn handle_bytes(&mut self, bytes: &[u8]) -> Result<Option<Found>, BundleError> {
        let is_whole = bytes.len() == self.wants();
        match std::mem::replace(&mut self.stage, Stage::Closed) {
            Stage::Closed if !is_whole => Err(BundleError::Appended),
            Stage::Prelude if !bytes.starts_with(&MAGIC) => Err(BundleError::NotABundle),
            _ if !is_whole => Err(BundleError::Cut),
            Stage::Closed => Ok(None),
            Stage::Prelude => {
                self.hasher.update(bytes);
                self.stage = prelude(bytes)?;
                Ok(None)
            }
            Stage::Slots { left, commitment, mut key } => {
                self.hasher.update(bytes);
                let (slots, _) = bytes.as_chunks::<SLOT_BYTES>();
                for slot in slots {
                    key = key.or_else(|| FileKey::open(slot, &commitment, &self.node));
                }
                let left = left - slots.len();
                self.stage = match key {
                    Some(key) if left == 0 => Stage::Head(key.frames(&self.hash())),
                    None if left == 0 => return Err(BundleError::NotForThisNode),
                    key => Stage::Slots { left, commitment, key },
                };
                Ok(None)
            }
            Stage::Head(frames) => {
                self.stage = head(frames, bytes)?;
                Ok(None)
            }
            Stage::Body { mut frames, last, .. } => {
                let number = frames.number();
                let content =
                    frames.open(bytes, last).ok_or(BundleError::Damaged { frame: number })?;
                let frame = wire::decode(&content, MAX_BUNDLE_FRAME_BYTES)
                    .map_err(|error| BundleError::Encoding { frame: number, error })?;
                self.order.step(&frame, last)?;
                let found = self.found(frame)?;
                self.hasher.update(&head_of(last, bytes.len())).update(bytes);
                if !last {
                    self.stage = Stage::Head(frames);
                }
                Ok(Some(found))
            }
        }
    }

    fn hash(&self) -> Hash {
        Hash::from_bytes(*self.hasher.finalize().as_bytes())
    }

    /// What a frame holds; a signature in it is over all bytes before it.
    fn found(&mut self, frame: Frame) -> Result<Found, BundleError> {
        match frame {
            Frame::Part(part) => Ok(Found::Part(part)),
            Frame::Opening(signed) => {
                let (_, content) = split_signature(&signed)?;
                let opening: SignedOpening = wire::decode(content, MAX_BUNDLE_FRAME_BYTES)
                    .map_err(|error| BundleError::Encoding { frame: 1, error })?;
                let maker = NodeCertificate::verify(&opening.certificate)?;
                maker.node().open(Purpose::BundleOpening, &signed)?;
                if opening.header != self.hash() {
                    return Err(BundleError::AnotherFile);
                }
                self.maker = Some(maker.clone());
                Ok(Found::Opening(Box::new(Opening { about: opening.about, maker })))
            }
            Frame::Closing(signed) => {
                let maker = self.maker.as_ref().ok_or(BundleError::AnotherFile)?;
                let root = maker.node().open(Purpose::Bundle, &signed)?;
                if root != self.hash().as_bytes() {
                    return Err(BundleError::AnotherFile);
                }
                Ok(Found::Closing)
            }
        }
    }
}

fn prelude(bytes: &[u8]) -> Result<Stage, BundleError> {
    let rest = &bytes[MAGIC.len()..];
    let number = |at: usize| {
        let bytes = rest.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(u32::from_be_bytes).ok_or(BundleError::Cut)
    };
    let version = number(0)?;
    if version > VERSION {
        return Err(BundleError::Newer(version));
    }
    let recipients = usize::try_from(number(4)?).unwrap_or(usize::MAX);
    if recipients > MAX_BUNDLE_RECIPIENTS {
        return Err(BundleError::TooManyRecipients(recipients));
    }
    let commitment = rest.get(8..).and_then(|bytes| bytes.try_into().ok());
    let commitment = Hash::from_bytes(commitment.ok_or(BundleError::Cut)?);
    if version == 0 || recipients == 0 {
        return Err(BundleError::NotABundle);
    }
    Ok(Stage::Slots { left: recipients, commitment, key: None })
}

fn head_of(last: bool, length: usize) -> Vec<u8> {
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    [&[u8::from(last)], length.as_slice()].concat()
}

fn head(frames: Frames, bytes: &[u8]) -> Result<Stage, BundleError> {
    let frame = frames.number();
    let (last, length) = match *bytes {
        [last @ (0 | 1), a, b, c, d] => (last == 1, u32::from_be_bytes([a, b, c, d])),
        _ => return Err(BundleError::Damaged { frame }),
    };
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_BUNDLE_FRAME_BYTES + TAG_BYTES {
        return Err(BundleError::TooLong { frame, found: length });
    }
    if length < TAG_BYTES {
        return Err(BundleError::Damaged { frame });
    }
    Ok(Stage::Body { frames, last, length })
}
