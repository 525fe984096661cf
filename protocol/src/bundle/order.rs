//! The order in which frames stand in a bundle.

use super::BundleError;
use super::part::{Frame, Part};
use crate::limits::{BUNDLE_PIECE_BYTES, MAX_FILE_BYTES, MAX_STATEMENTS_PER_GROUP};

/// How far a bundle is: what may stand next.
#[derive(Debug, Default)]
pub(super) struct Order {
    stage: Stage,
    statements: usize,
    /// Bytes of the blob that have still to come.
    left: u64,
    frame: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Stage {
    #[default]
    Nothing,
    Opened,
    Statements,
    Peers,
    Join,
    Have,
    Entries,
    Blobs,
    Closed,
}

impl Order {
    /// Whether a frame may stand next, as the last or not.
    pub(super) fn step(&mut self, frame: &Frame, last: bool) -> Result<(), BundleError> {
        self.frame += 1;
        let stage = stage_of(frame);
        if (self.stage == Stage::Nothing) != (stage == Stage::Opened) {
            return self.wrong("a bundle opens once, with who made it");
        }
        if stage < self.stage || self.stage == Stage::Closed {
            return self.wrong(
                "statements stand before entries, entries before texts and files, the signature at the end",
            );
        }
        if (stage == Stage::Closed) != last {
            return self.wrong("the last part, and no other, is the signature");
        }
        let piece = match frame {
            Frame::Part(Part::Piece(bytes)) => Some(bytes.len()),
            Frame::Part(
                Part::Statements(_)
                | Part::Peers(_)
                | Part::Join(_)
                | Part::Have { .. }
                | Part::Entries(_)
                | Part::Blob { .. }
                | Part::Again { .. },
            )
            | Frame::Opening(_)
            | Frame::Closing(_) => None,
        };
        match piece {
            Some(length) if length == 0 || length > BUNDLE_PIECE_BYTES => {
                return self.wrong("a piece of a file has 1 byte to 256 KiB");
            }
            Some(length) if length as u64 > self.left => {
                return self.wrong("a file has more bytes than it was said to have");
            }
            Some(length) => self.left -= length as u64,
            None if self.left > 0 => {
                return self.wrong("a file has fewer bytes than it was said to have");
            }
            None => {}
        }
        if let Frame::Part(Part::Statements(statements)) = frame {
            self.statements += statements.len();
            if self.statements > MAX_STATEMENTS_PER_GROUP {
                return Err(BundleError::TooManyStatements);
            }
        }
        if let Frame::Part(Part::Blob { blob, .. }) = frame {
            if blob.size > MAX_FILE_BYTES {
                return self.wrong("a file is larger than any may be");
            }
            self.left = blob.size;
        }
        self.stage = stage;
        Ok(())
    }

    fn wrong(&self, rule: &'static str) -> Result<(), BundleError> {
        Err(BundleError::OutOfOrder { frame: self.frame, rule })
    }
}

fn stage_of(frame: &Frame) -> Stage {
    match frame {
        Frame::Opening(_) => Stage::Opened,
        Frame::Part(Part::Statements(_)) => Stage::Statements,
        Frame::Part(Part::Peers(_)) => Stage::Peers,
        Frame::Part(Part::Join(_)) => Stage::Join,
        Frame::Part(Part::Have { .. }) => Stage::Have,
        Frame::Part(Part::Entries(_)) => Stage::Entries,
        Frame::Part(Part::Blob { .. } | Part::Piece(_) | Part::Again { .. }) => Stage::Blobs,
        Frame::Closing(_) => Stage::Closed,
    }
}
