//! Bundles: what a group's members know, in one file that somebody carries to a school whose line is
//! too slow for it, or that has none.
//!
//! A bundle is a stream, written by a [`BundleWriter`] and read by a [`BundleReader`] a piece at a time:
//!
//! - a prelude: [`MAGIC`], the [`VERSION`] and the number of recipients in four bytes each, the most
//!   significant first, and the commitment to the file's key;
//! - a slot for each recipient, in which that key is sealed to it. Nothing says whose a slot is, so
//!   whoever finds the file learns how many nodes it is for and how long it is;
//! - frames: a byte that is 1 for the last and 0 for each other, the length of what follows in four
//!   bytes, and that many bytes under ChaCha20-Poly1305.
//!
//! The frames are the STREAM construction of Hoang, Reyhanitabar, Rogaway and Vizár, *Online
//! Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance* (CRYPTO 2015): the nonce of each is
//! its number and whether it is the last. So none can be left out, repeated, swapped or cut off
//! unnoticed, and what was read is known to be as written before the rest is. Their key follows from the
//! file's key and a hash of all that stands before them.
//!
//! The first frame is signed by the node that made the bundle, and the last holds its signature over
//! all bytes before. Whoever can read a bundle could write frames of its own behind another's first one,
//! and only the last one shows that; so what a bundle brings is judged by itself, as if it had come over
//! the network, and the one who made it only decides whether it is read at all.

mod frames;
mod order;
mod part;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use crate::identity::{CertificateError, SignatureError};
use crate::limits::{MAX_BUNDLE_FRAME_BYTES, MAX_BUNDLE_RECIPIENTS, MAX_STATEMENTS_PER_GROUP};
use crate::seal;
use crate::wire::DecodeError;

pub use self::part::{About, Opening, Part};
pub use self::reader::{BundleReader, Found};
pub use self::writer::BundleWriter;

/// How every bundle begins.
pub const MAGIC: [u8; 16] = *b"staffroom-bundle";

/// The format that this program writes, and the newest that it reads.
pub const VERSION: u32 = 1;

/// Bytes of the prelude.
pub const PRELUDE_BYTES: usize = MAGIC.len() + 4 + 4 + 32;

/// Bytes of a recipient's slot.
const SLOT_BYTES: usize = 32 + seal::OVERHEAD_BYTES;

/// Bytes before each frame: whether it is the last, and its length.
const HEAD_BYTES: usize = 1 + 4;

/// For what the file's key is sealed.
const PURPOSE: &[u8] = b"staffroom/1/bundle-key\0";

/// Why a bundle cannot be written or read on. What was read before is as it was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Something else.
    #[error("this is no bundle; a bundle is made with: staffroom bundle export")]
    NotABundle,
    /// A format that this program does not know yet.
    #[error(
        "the bundle was made by a newer version of Staffroom (format {0}, this program reads up to {VERSION}); update Staffroom"
    )]
    Newer(u32),
    /// For more nodes than any group has.
    #[error("the bundle says that it is for {0} servers; the most is {MAX_BUNDLE_RECIPIENTS}")]
    TooManyRecipients(usize),
    /// The key was sealed to others.
    #[error(
        "the bundle was not made for this server, or its start was damaged: only those that belonged to the group when it was made can open it; ask for a new one"
    )]
    NotForThisNode,
    /// It stops before its last frame.
    #[error("the bundle ends too early: it was not copied whole; copy it again")]
    Cut,
    /// It does not stop after its last frame.
    #[error("the bundle goes on behind its end: something was added to it; copy it again")]
    Appended,
    /// A frame that was altered, left out, repeated or moved.
    #[error(
        "part {frame} of the bundle is not what was written there: it was damaged or changed; copy it again from where it was made"
    )]
    Damaged {
        /// Which frame, counted from 1.
        frame: u64,
    },
    /// A frame is longer than one may be.
    #[error(
        "part {frame} of the bundle has {found} bytes and may have {MAX_BUNDLE_FRAME_BYTES}; it was damaged, copy it again"
    )]
    TooLong {
        /// Which frame, counted from 1.
        frame: u64,
        /// Its length.
        found: usize,
    },
    /// A frame that cannot be read.
    #[error("part {frame} of the bundle cannot be read: {error}")]
    Encoding {
        /// Which frame, counted from 1.
        frame: u64,
        /// Why.
        error: DecodeError,
    },
    /// Frames that do not follow each other.
    #[error("part {frame} of the bundle is out of order: {rule}")]
    OutOfOrder {
        /// Which frame, counted from 1.
        frame: u64,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// More statements than a group has.
    #[error("the bundle has more than {MAX_STATEMENTS_PER_GROUP} statements on who belongs")]
    TooManyStatements,
    /// Signed for another file, or over another content.
    #[error(
        "the bundle was not signed by the server that it says made it: somebody else put it together; ask for a new one"
    )]
    Signature(#[from] SignatureError),
    /// The maker's certificate does not hold.
    #[error("the bundle: {0}")]
    Certificate(#[from] CertificateError),
    /// Signed for another file.
    #[error(
        "the start of the bundle belongs to another one: somebody put it together; ask for a new one"
    )]
    AnotherFile,
}
