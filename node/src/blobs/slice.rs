//! Ranges of blobs with the hashes that prove them: BLAKE3 verified streaming (Aumasson, Neves,
//! O'Connor and Wilcox-O'Hearn, "BLAKE3", 2020, section 6.4) in groups of 16 KiB.
//!
//! A blob's hash is the root of a tree over its groups. Whoever knows the root can check any range of
//! groups by the hashes on the way to it, without the rest of the blob. Those hashes, 64 bytes a group,
//! are kept beside a blob of some size in the order of the tree (the *outboard*); of a smaller one they
//! are worked out when a range is asked for.

use std::cell::RefCell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use bao_tree::io::outboard::{PreOrderMemOutboard, PreOrderOutboard};
use bao_tree::io::sync::{DecodeResponseIter, ReadAt, encode_ranges_validated, outboard};
use bao_tree::io::{BaoContentItem, EncodeError, Parent};
use bao_tree::{BaoTree, BlockSize, ChunkNum, ChunkRanges};
use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::sync::message::BLOB_GROUP_BYTES;

/// Sixteen of BLAKE3's chunks of 1 KiB.
const GROUP: BlockSize = BlockSize::from_chunk_log(4);

/// Blobs of this size and more have their hashes kept: those of a smaller one are worked out in half a
/// millisecond, which a second file for each would not be worth.
pub(super) const KEPT_FROM: u64 = 1024 * 1024;

/// Two hashes: those of the halves of what lies below a node of the tree.
const PAIR_BYTES: u64 = 2 * Hash::LENGTH as u64;

/// How much of the hashes is read at once: those of a mebibyte of a blob.
const BLOCK_BYTES: u64 = 64 * PAIR_BYTES;

/// Something else than the range of the blob that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("what came is not that part of the file")]
pub struct WrongSlice;

fn root(blob: &BlobRef) -> blake3::Hash {
    (*blob.hash.as_bytes()).into()
}

fn tree(size: u64) -> BaoTree {
    BaoTree::new(size, GROUP)
}

fn chunks(range: &Range<u64>) -> ChunkRanges {
    ChunkRanges::from(ChunkNum::full_chunks(range.start)..ChunkNum::chunks(range.end))
}

/// The bytes of a blob from `offset` on, `length` at most, that can be proved by themselves; none where
/// that is between two groups or behind the end.
pub(super) fn part(size: u64, offset: u64, length: u64) -> Option<Range<u64>> {
    let end = offset.saturating_add(length / BLOB_GROUP_BYTES * BLOB_GROUP_BYTES).min(size);
    (offset.is_multiple_of(BLOB_GROUP_BYTES) && offset < end).then_some(offset..end)
}

/// Reads a blob from its start, and returns its hash and the hashes of its tree.
pub(super) fn hashes(data: impl Read, size: u64) -> io::Result<(Hash, Vec<u8>)> {
    let tree = tree(size);
    let mut hashes = PreOrderMemOutboard {
        root: [0; Hash::LENGTH].into(),
        tree,
        data: vec![0; usize::try_from(tree.outboard_size()).unwrap_or(usize::MAX)],
    };
    let root = outboard(BufReader::with_capacity(KEPT_FROM as usize, data), tree, &mut hashes)?;
    Ok((Hash::from_bytes(*root.as_bytes()), hashes.data))
}

/// Where the hashes of a blob are.
pub(super) enum Hashes {
    /// Beside it.
    Kept(File),
    /// Worked out.
    Here(Vec<u8>),
}

/// A range of a blob with its proof; none if the blob, or what is kept of its tree, does not fit its
/// hash.
pub(super) fn encode(
    blob: &BlobRef,
    data: &File,
    hashes: Hashes,
    range: &Range<u64>,
) -> io::Result<Option<Vec<u8>>> {
    let length = usize::try_from(range.end - range.start).unwrap_or(0);
    let mut slice = Vec::with_capacity(length + length / 128 + 4 * 1024);
    let (root, tree) = (root(blob), tree(blob.size));
    let whole = match hashes {
        Hashes::Kept(data_of_tree) => {
            let kept = PreOrderOutboard { root, tree, data: Blocks::of(&data_of_tree) };
            fits(encode_ranges_validated(data, kept, &chunks(range), &mut slice))?
        }
        Hashes::Here(data_of_tree) => {
            let here = PreOrderMemOutboard { root, tree, data: data_of_tree };
            fits(encode_ranges_validated(data, here, &chunks(range), &mut slice))?
        }
    };
    Ok(whole.then_some(slice))
}

/// Whether a range of a blob is in a file as it must be, by what another has of its tree.
pub(super) fn is_there(
    blob: &BlobRef,
    data: &File,
    hashes: &File,
    range: &Range<u64>,
) -> io::Result<bool> {
    let hashes = Blocks::of(hashes);
    let there = PreOrderOutboard { root: root(blob), tree: tree(blob.size), data: hashes };
    fits(encode_ranges_validated(data, there, &chunks(range), io::sink()))
}

/// Whether what was read fits its hash; a file that is too short does not.
fn fits(encoded: Result<(), EncodeError>) -> io::Result<bool> {
    match encoded {
        Ok(()) => Ok(true),
        Err(EncodeError::Io(error)) if error.kind() != io::ErrorKind::UnexpectedEof => Err(error),
        Err(
            EncodeError::Io(_)
            | EncodeError::ParentHashMismatch(_)
            | EncodeError::LeafHashMismatch(_)
            | EncodeError::ParentWrite(_)
            | EncodeError::LeafWrite(_)
            | EncodeError::SizeMismatch,
        ) => Ok(false),
    }
}

/// What a slice has, checked against the hash of its blob.
pub(super) struct Checked {
    /// The bytes of the range.
    pub(super) bytes: Vec<u8>,
    /// The hashes that prove them, with their places in the tree.
    pairs: Vec<Parent>,
}

/// Checks a slice: it must have exactly this range of the blob with this hash and size.
pub(super) fn check(
    blob: &BlobRef,
    range: &Range<u64>,
    slice: &[u8],
) -> Result<Checked, WrongSlice> {
    let chunks = chunks(range);
    let mut left = slice;
    let mut checked = Checked {
        bytes: Vec::with_capacity(usize::try_from(range.end - range.start).unwrap_or(0)),
        pairs: Vec::new(),
    };
    for item in DecodeResponseIter::new(root(blob), tree(blob.size), &mut left, &chunks) {
        match item {
            Ok(BaoContentItem::Parent(pair)) => checked.pairs.push(pair),
            Ok(BaoContentItem::Leaf(leaf)) => {
                if leaf.offset != range.start + checked.bytes.len() as u64 {
                    return Err(WrongSlice);
                }
                checked.bytes.extend_from_slice(&leaf.data);
            }
            Err(_) => return Err(WrongSlice),
        }
    }
    let whole = checked.bytes.len() as u64 == range.end - range.start;
    if whole && left.is_empty() { Ok(checked) } else { Err(WrongSlice) }
}

/// Whether a slice proves that its sender holds this range of a blob.
pub fn proves(blob: &BlobRef, range: &Range<u64>, slice: &[u8]) -> bool {
    check(blob, range, slice).is_ok()
}

impl Checked {
    /// Writes it to where it belongs in a blob and, where they are kept, in the hashes of its tree.
    pub(super) fn write(
        self,
        blob: &BlobRef,
        start: u64,
        (data, hashes): (&File, Option<&File>),
    ) -> io::Result<()> {
        data.write_all_at(&self.bytes, start)?;
        let Some(hashes) = hashes else { return Ok(()) };
        // Most of the hashes lie behind one another.
        let tree = tree(blob.size);
        let (mut place, mut run) = (0, Vec::new());
        for pair in self.pairs {
            let Some(number) = tree.pre_order_offset(pair.node) else { continue };
            let next = number * PAIR_BYTES;
            if next != place + run.len() as u64 {
                hashes.write_all_at(&run, place)?;
                (place, run) = (next, Vec::new());
            }
            run.extend_from_slice(pair.pair.0.as_bytes());
            run.extend_from_slice(pair.pair.1.as_bytes());
        }
        hashes.write_all_at(&run, place)
    }
}

/// A file of hashes that is read a block at a time: those of a range lie beside one another.
struct Blocks<'a> {
    file: &'a File,
    /// Where the block that was read last begins, and what is in it.
    last: RefCell<(u64, Vec<u8>)>,
}

impl<'a> Blocks<'a> {
    fn of(file: &'a File) -> Self {
        Self { file, last: RefCell::default() }
    }
}

impl ReadAt for Blocks<'_> {
    fn read_at(&self, place: u64, into: &mut [u8]) -> io::Result<usize> {
        let mut last = self.last.borrow_mut();
        let (start, block) = &mut *last;
        let begins = place - place % BLOCK_BYTES;
        if block.is_empty() || *start != begins {
            block.resize(BLOCK_BYTES as usize, 0);
            let count = FileExt::read_at(self.file, block, begins);
            block.truncate(count.as_ref().copied().unwrap_or(0));
            *start = begins;
            count?;
        }
        let behind = block.get((place - begins) as usize..).unwrap_or_default();
        let count = behind.len().min(into.len());
        into[..count].copy_from_slice(&behind[..count]);
        Ok(count)
    }
}
