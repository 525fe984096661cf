//! Bundles: what this node holds of a group, for somebody to carry, and what somebody carried here.
//!
//! The format is that of [`staffroom_protocol::bundle`]. What comes in goes the way of what other nodes
//! send: statements, entries and texts through the same doors, files only for records that are held.

mod export;
mod import;
mod request;
#[cfg(test)]
mod tests;

use std::io::{self, Read};

use serde::{Deserialize, Serialize};
use staffroom_protocol::bundle::{BundleError, BundleReader, Found, Part};
use staffroom_protocol::group::statement::StatementError;
use staffroom_protocol::identity::SecretKey;
use utoipa::ToSchema;

use crate::groups::GroupError;
use crate::home::HomeError;
use crate::intake::KeepError;
use crate::membership::StatementsError;
use crate::store::StoreError;

pub use export::{ExportOptions, ExportPlan, WhichFiles};
pub use import::Imported;
pub use request::{Has, Requested};

/// Bytes of statements, of entries or of ids in one frame: a frame holds twice as much.
const BATCH_BYTES: usize = 128 * 1024;

/// What a bundle holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[schema(as = BundleContents)]
pub struct Contents {
    /// Statements on who belongs.
    pub statements: u64,
    /// Records.
    pub records: u64,
    /// Records that were taken back.
    pub withdrawals: u64,
    /// Full texts, and texts inside files.
    pub texts: u64,
    /// Files.
    pub files: u64,
    /// Bytes of the texts and files.
    pub bytes: u64,
}

/// Why a bundle cannot be made or taken in.
#[derive(Debug, thiserror::Error)]
pub enum CarryError {
    /// The file.
    #[error("{error}{kept}")]
    Bundle {
        /// What is wrong with it.
        error: BundleError,
        /// What was taken before.
        kept: Kept,
    },
    /// It cannot be read on, or whoever takes it has gone.
    #[error("the bundle cannot be read to its end: {error}{kept}")]
    Read {
        /// The operating system's words.
        error: io::Error,
        /// What was taken before.
        kept: Kept,
    },
    /// A request was given in place of a bundle.
    #[error(
        "this is a request for a bundle and brings nothing; make the bundle with: staffroom bundle export --for"
    )]
    IsRequest,
    /// A bundle was given in place of a request.
    #[error("this is no request for a bundle; make one with: staffroom bundle request")]
    NoRequest,
    /// Whoever made it is no member.
    #[error(
        "the bundle was made by a server that does not belong to {0:?}, or not any more; nothing of it was taken: ask a member for one"
    )]
    MakerNoMember(String),
    /// This school does not know the group.
    #[error(
        "the bundle is from {0:?}, which this school has not joined; if it was let in there, say so with --join"
    )]
    NotJoined(String),
    /// This school does not belong to the group.
    #[error(
        "this school does not belong to {0:?}, as far as the bundle and this server know; ask an admin of the group"
    )]
    NoMember(String),
    /// An invite lets nobody in unasked.
    #[error(
        "the school that made the request waits to be let in: say yes with staffroom group admit, and make the bundle again"
    )]
    Waiting,
    /// This school asked to join a group that it is in.
    #[error("this school belongs to the group already; ask for what it lacks with --group")]
    Joined,
    /// A record is shared elsewhere, or not at all.
    #[error("record {0} has no files that this server holds for the group")]
    NoFiles(String),
    /// A statement in it is wrong.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Statements cannot be added.
    #[error(transparent)]
    Statements(#[from] StatementsError),
    /// The group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Texts and files.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// No random numbers.
    #[error(transparent)]
    Home(#[from] HomeError),
}

impl From<BundleError> for CarryError {
    fn from(error: BundleError) -> Self {
        Self::Bundle { error, kept: Kept::default() }
    }
}

impl From<crate::blobs::BlobError> for CarryError {
    fn from(error: crate::blobs::BlobError) -> Self {
        Self::Keep(error.into())
    }
}

/// What was taken from a bundle before something went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Kept {
    records: u64,
    blobs: u64,
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { records, blobs } = *self;
        if records + blobs == 0 {
            return Ok(());
        }
        let plural = if records == 1 { "" } else { "s" };
        write!(
            f,
            ". What came before was checked and stays: {records} record{plural}, texts and files: {blobs}"
        )
    }
}

/// Shows what a bundle holds, part by part, to its end.
fn each_found(
    from: &mut dyn Read,
    node: &SecretKey,
    mut take: impl FnMut(Found) -> Result<(), CarryError>,
) -> Result<(), CarryError> {
    let mut reader = BundleReader::new(node);
    let mut buffer = Vec::new();
    loop {
        let wants = reader.wants();
        buffer.clear();
        // Where the bundle ends, one byte more shows that the file does not.
        from.take(wants.max(1) as u64)
            .read_to_end(&mut buffer)
            .map_err(|error| CarryError::Read { error, kept: Kept::default() })?;
        if let Some(found) = reader.handle_bytes(&buffer)? {
            take(found)?;
        }
        if wants == 0 {
            return Ok(());
        }
    }
}

/// Pieces of [`BATCH_BYTES`] at most, or of one item.
fn batches(
    items: impl Iterator<Item = Vec<u8>>,
) -> impl Iterator<Item = Vec<serde_bytes::ByteBuf>> {
    let mut items = items.peekable();
    std::iter::from_fn(move || {
        let (mut batch, mut size) = (Vec::new(), 0);
        while let Some(item) =
            items.next_if(|item| batch.is_empty() || size + item.len() <= BATCH_BYTES)
        {
            size += item.len();
            batch.push(serde_bytes::ByteBuf::from(item));
        }
        (!batch.is_empty()).then_some(batch)
    })
}

/// Who takes the bytes of a bundle as they are made; false once nobody does.
pub type Sink<'a> = &'a mut dyn FnMut(Vec<u8>) -> bool;

fn give(sink: Sink<'_>, bytes: Vec<u8>) -> Result<(), CarryError> {
    if sink(bytes) {
        return Ok(());
    }
    let error = io::Error::new(io::ErrorKind::BrokenPipe, "nobody takes it any more");
    Err(CarryError::Read { error, kept: Kept::default() })
}

/// Writes the parts of a bundle to whoever takes them.
struct Out<'a> {
    writer: staffroom_protocol::bundle::BundleWriter,
    sink: Sink<'a>,
}

impl Out<'_> {
    fn part(&mut self, part: Part) -> Result<(), CarryError> {
        let bytes = self.writer.part(part)?;
        give(self.sink, bytes)
    }

    fn close(self) -> Result<(), CarryError> {
        let bytes = self.writer.close()?;
        give(self.sink, bytes)
    }
}
