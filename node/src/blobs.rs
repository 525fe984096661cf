//! Files by the hash of their content.
//!
//! A file appears under its name only when all of it is on the disk and its hash has been checked.
//! Beside a large one lie the hashes of its tree, by which others check any range of it. What is being
//! fetched lies elsewhere until it is whole.

mod slice;
mod unfinished;
mod writer;

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_FILE_BYTES;
use tempfile::NamedTempFile;

pub use self::slice::{WrongSlice, proves};
pub(crate) use self::unfinished::without;
pub use self::unfinished::{TakeError, Unfinished};
pub use self::writer::BlobWriter;
use crate::store::{is_full, sync_dir};

const TEMPORARY: &str = "tmp";

/// What follows the name of a blob in that of the hashes of its tree.
const TREE: &str = "tree";

/// What follows the name of a blob that does not fit it any more.
const DAMAGED: &str = "damaged";

/// The blobs in one directory.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
}

/// A range of a blob with its proof.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The length of the range in bytes.
    pub length: u64,
    /// The range, and the hashes that prove it.
    pub bytes: Vec<u8>,
}

/// Why a blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is larger than a file may be.
    #[error(
        "the file has more than {MAX_FILE_BYTES} bytes, the most that one file may have; split it or link to it instead"
    )]
    TooLarge,
    /// A range that reaches past the end.
    #[error("bytes {start} to {end} of the file were asked for, but it has {size}")]
    OutOfRange {
        /// The first byte asked for.
        start: u64,
        /// The byte after the last one asked for.
        end: u64,
        /// The file's size in bytes.
        size: u64,
    },
    /// There was no room. Nothing of it was kept.
    #[error("the disk that holds {} is full; free space on it and try again", dir.display())]
    DiskFull {
        /// Where blobs are kept.
        dir: PathBuf,
    },
    /// The operating system refused.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's words.
        source: io::Error,
    },
}

impl Blobs {
    /// Opens or makes the directory and removes what unfinished writes left there.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn open(dir: &Path) -> Result<Self, BlobError> {
        let temporary = dir.join(TEMPORARY);
        let tidy = || {
            fs::create_dir_all(&temporary)?;
            for leftover in fs::read_dir(&temporary)? {
                fs::remove_file(leftover?.path())?;
            }
            unfinished::tidy(dir)?;
            sync_dir(dir)
        };
        tidy().map_err(|error| failed("open the files in", dir, error))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Keeps `bytes` and returns their hash.
    ///
    /// # Errors
    /// Any [`BlobError`] but a range that is out of bounds.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, BlobError> {
        let mut writer = self.writer()?;
        writer.write(bytes)?;
        writer.keep()
    }

    /// A range of a blob with the hashes that prove it: from `offset`, a multiple of 16 KiB, `length`
    /// bytes or as many as there are. None if the blob is not held or has no such range.
    ///
    /// A blob that turns out not to fit its hash any more, as a failing disk leaves it, is set aside and
    /// held no longer, so that it can be fetched again.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn slice(&self, hash: &Hash, offset: u64, length: u64) -> Result<Option<Slice>, BlobError> {
        let Some(mut data) = self.open_blob(hash)? else { return Ok(None) };
        let path = path(&self.dir, hash);
        let io = |error| failed("read", &path, error);
        let blob = BlobRef { hash: *hash, size: data.metadata().map_err(io)?.len() };
        let Some(range) = slice::part(blob.size, offset, length) else { return Ok(None) };
        let kept = present(File::open(tree_path(&path))).map_err(io)?;
        if let Some(kept) = kept.map(slice::Hashes::Kept)
            && let Some(bytes) = slice::encode(&blob, &data, kept, &range).map_err(io)?
        {
            return Ok(Some(Slice { length: range.end - range.start, bytes }));
        }
        data.rewind().map_err(io)?;
        let (found, hashes) = slice::hashes(&data, blob.size).map_err(io)?;
        if found != *hash {
            self.set_aside(&path)?;
            return Ok(None);
        }
        if blob.size >= slice::KEPT_FROM {
            let keep = || {
                let tree = self.temporary(&hashes)?;
                tree.persist(tree_path(&path)).map(drop).map_err(|error| error.error)
            };
            keep().map_err(|error| failed("keep the hashes of", &path, error))?;
        }
        let here = slice::Hashes::Here(hashes);
        let bytes = slice::encode(&blob, &data, here, &range).map_err(io)?;
        Ok(bytes.map(|bytes| Slice { length: range.end - range.start, bytes }))
    }

    fn set_aside(&self, path: &Path) -> Result<(), BlobError> {
        let aside = path.with_extension(DAMAGED);
        tracing::error!(
            file = %aside.display(),
            "a file does not fit its hash any more and was set aside; the disk may be failing"
        );
        let moved =
            fs::rename(path, &aside).and_then(|()| sync_dir(path.parent().unwrap_or(&self.dir)));
        moved.map_err(|error| failed("set aside", path, error))
    }

    /// A file with these bytes that has no name yet, on the disk.
    fn temporary(&self, bytes: &[u8]) -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new_in(self.dir.join(TEMPORARY))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        Ok(file)
    }

    /// Makes the folder of a blob.
    fn ready_folder(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(&self.dir);
        if !folder.exists() {
            fs::create_dir_all(folder)?;
            sync_dir(&self.dir)?;
        }
        Ok(())
    }

    /// Opens a blob to read it, if it is held.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn open_blob(&self, hash: &Hash) -> Result<Option<File>, BlobError> {
        let path = path(&self.dir, hash);
        present(File::open(&path)).map_err(|error| failed("open", &path, error))
    }

    /// `length` bytes of a blob from `start` on, if it is held.
    ///
    /// # Errors
    /// [`BlobError::OutOfRange`] if the blob ends before; [`BlobError::Io`].
    pub fn read_range(
        &self,
        hash: &Hash,
        start: u64,
        length: usize,
    ) -> Result<Option<Vec<u8>>, BlobError> {
        let Some(mut file) = self.open_blob(hash)? else { return Ok(None) };
        let path = path(&self.dir, hash);
        let io = |error| failed("read", &path, error);
        let size = file.metadata().map_err(io)?.len();
        let end = start.saturating_add(length as u64);
        if end > size {
            return Err(BlobError::OutOfRange { start, end, size });
        }
        let mut bytes = vec![0; length];
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut bytes)).map_err(io)?;
        Ok(Some(bytes))
    }

    /// The size of a blob in bytes, if it is held.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn size(&self, hash: &Hash) -> Result<Option<u64>, BlobError> {
        let path = path(&self.dir, hash);
        let about = present(fs::metadata(&path));
        Ok(about.map_err(|error| failed("look at", &path, error))?.map(|about| about.len()))
    }

    /// Removes a blob; whether it was held.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn remove(&self, hash: &Hash) -> Result<bool, BlobError> {
        let path = path(&self.dir, hash);
        let removed = present(fs::remove_file(&path))
            .map_err(|error| failed("remove", &path, error))?
            .is_some();
        if removed {
            let tree = tree_path(&path);
            present(fs::remove_file(&tree)).map_err(|error| failed("remove", &tree, error))?;
            let folder = path.parent().unwrap_or(&self.dir);
            sync_dir(folder).map_err(|error| failed("sync", folder, error))?;
        }
        Ok(removed)
    }
}

/// A folder for the first two digits, so that none of them has more than a few thousand files.
fn path(dir: &Path, hash: &Hash) -> PathBuf {
    let name = hash.to_string();
    dir.join(&name[..2]).join(name)
}

/// Where the hashes of its tree are.
fn tree_path(path: &Path) -> PathBuf {
    path.with_extension(TREE)
}

fn present<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> BlobError {
    if is_full(&source) {
        BlobError::DiskFull { dir: path.parent().unwrap_or(path).to_owned() }
    } else {
        BlobError::Io { action, path: path.to_owned(), source }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;

    pub(super) fn open() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        (dir, blobs)
    }

    pub(super) fn files_in(dir: &Path) -> usize {
        let items = fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
        items.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
    }

    #[test]
    fn what_was_put_is_read_back_whole_and_in_ranges() {
        let (_dir, blobs) = open();
        let hash = blobs.put(b"a worksheet").unwrap();
        assert_eq!(hash, Hash::of(b"a worksheet"));
        let mut text = String::new();
        blobs.open_blob(&hash).unwrap().unwrap().read_to_string(&mut text).unwrap();
        assert_eq!(text, "a worksheet");
        assert_eq!(blobs.read_range(&hash, 2, 4).unwrap().unwrap(), b"work");
        assert_eq!(blobs.read_range(&hash, 11, 0).unwrap().unwrap(), b"");
        assert_eq!(
            blobs.read_range(&hash, 8, 4).unwrap_err().to_string(),
            "bytes 8 to 12 of the file were asked for, but it has 11"
        );
        assert_eq!(blobs.size(&hash).unwrap(), Some(11));
        assert_eq!(blobs.put(b"a worksheet").unwrap(), hash);
        assert!(blobs.remove(&hash).unwrap());
        assert!(!blobs.remove(&hash).unwrap());
        assert_eq!(blobs.size(&hash).unwrap(), None);
        assert!(blobs.open_blob(&hash).unwrap().is_none());
    }

    #[test]
    fn pieces_make_one_file_which_survives_reopening_and_leftovers_do_not() {
        let (_dir, blobs) = open();
        let mut writer = blobs.writer().unwrap();
        writer.write(b"scheme ").unwrap();
        writer.write(b"of work").unwrap();
        assert_eq!(writer.size(), 14);
        assert_eq!(writer.keep().unwrap(), Hash::of(b"scheme of work"));
        fs::write(blobs.dir.join(TEMPORARY).join("left"), b"half").unwrap();
        let again = Blobs::open(&blobs.dir).unwrap();
        assert_eq!(again.size(&Hash::of(b"scheme of work")).unwrap(), Some(14));
        assert_eq!(files_in(&blobs.dir), 1);
    }

    #[test]
    fn any_range_of_a_file_proves_itself_and_nothing_else_passes_for_it() {
        let (_dir, blobs) = open();
        for size in [1, 1_024, 16_384, 16_385, 100_000, 1_048_576, 3_000_001] {
            let bytes = noise(size);
            let hash = blobs.put(&bytes).unwrap();
            let blob = BlobRef { hash, size: size as u64 };
            for offset in (0..size as u64).step_by(16 * 1024 * 7) {
                let slice = blobs.slice(&hash, offset, 65_536).unwrap().unwrap();
                let range = offset..offset + slice.length;
                assert_eq!(range.end, (offset + 65_536).min(size as u64));
                let checked = slice::check(&blob, &range, &slice.bytes).unwrap();
                let place = usize::try_from(offset).unwrap();
                assert_eq!(checked.bytes, bytes[place..place + checked.bytes.len()]);

                let wrong = |range: &Range<u64>, blob: &BlobRef, bytes: &[u8]| {
                    assert!(slice::check(blob, range, bytes).is_err(), "{size} {range:?}");
                };
                let mut altered = slice.bytes.clone();
                *altered.last_mut().unwrap() ^= 1;
                wrong(&range, &blob, &altered);
                wrong(&range, &blob, &slice.bytes[1..]);
                wrong(&range, &blob, &[slice.bytes.as_slice(), &[0]].concat());
                wrong(&range, &BlobRef { hash: Hash::of(b"another"), ..blob }, &slice.bytes);
                // The start is the same of a longer one, the end is not.
                if range.end == blob.size {
                    wrong(&range, &BlobRef { size: blob.size + 16_384, ..blob }, &slice.bytes);
                }
            }
        }
        let hash = Hash::of(&noise(100_000));
        for (offset, length) in [(1, 16_384), (16_384, 16_383), (114_688, 16_384), (u64::MAX, 1)] {
            assert_eq!(blobs.slice(&hash, offset, length).unwrap(), None, "{offset} {length}");
        }
        assert_eq!(blobs.slice(&Hash::of(b"never seen"), 0, 16_384).unwrap(), None);
    }

    #[test]
    fn hashes_that_were_lost_or_damaged_are_made_again_and_a_damaged_file_is_set_aside() {
        let (_dir, blobs) = open();
        let hash = blobs.put(&noise(3_000_000)).unwrap();
        let whole = blobs.slice(&hash, 1_048_576, 65_536).unwrap().unwrap();
        let file = path(&blobs.dir, &hash);
        fs::write(tree_path(&file), b"garbage").unwrap();
        assert_eq!(blobs.slice(&hash, 1_048_576, 65_536).unwrap().unwrap(), whole);
        fs::remove_file(tree_path(&file)).unwrap();
        assert_eq!(blobs.slice(&hash, 1_048_576, 65_536).unwrap().unwrap(), whole);
        assert!(tree_path(&file).exists());

        let mut bytes = fs::read(&file).unwrap();
        bytes[1_100_000] ^= 1;
        fs::write(&file, bytes).unwrap();
        assert_eq!(blobs.slice(&hash, 0, 65_536).unwrap().unwrap().length, 65_536);
        assert_eq!(blobs.slice(&hash, 1_048_576, 65_536).unwrap(), None);
        assert_eq!(blobs.size(&hash).unwrap(), None);
        assert!(file.with_extension(DAMAGED).exists());
        assert_eq!(blobs.put(&noise(3_000_000)).unwrap(), hash);
        assert_eq!(blobs.slice(&hash, 1_048_576, 65_536).unwrap().unwrap(), whole);
    }

    /// Bytes no two groups of which are alike.
    pub(super) fn noise(size: usize) -> Vec<u8> {
        let mut bytes = vec![0; size];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut bytes);
        bytes
    }
}
