//! Files by the hash of their content.
//!
//! A file appears under its name only when all of it is on the disk and its hash has been checked.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_FILE_BYTES;
use tempfile::NamedTempFile;

use crate::store::{is_full, sync_dir};

const TEMPORARY: &str = "tmp";

/// The blobs in one directory.
#[derive(Debug, Clone)]
pub struct Blobs {
    dir: PathBuf,
}

/// A blob that is being written; it is removed unless it is finished.
#[derive(Debug)]
pub struct BlobWriter {
    dir: PathBuf,
    file: NamedTempFile,
    hasher: blake3::Hasher,
    size: u64,
}

/// Why a blob could not be kept or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is larger than a file may be.
    #[error(
        "the file has more than {MAX_FILE_BYTES} bytes, the most that one file may have; split it or link to it instead"
    )]
    TooLarge,
    /// Its content is not what was asked for. Nothing of it was kept.
    #[error(
        "the file was expected to have the hash {expected} but has {found}; nothing of it was kept"
    )]
    WrongHash {
        /// The hash expected.
        expected: Hash,
        /// The hash of what came.
        found: Hash,
    },
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
            sync_dir(dir)
        };
        tidy().map_err(|error| failed("open the files in", dir, error))?;
        Ok(Self { dir: dir.to_owned() })
    }

    /// Keeps `bytes` and returns their hash.
    ///
    /// # Errors
    /// Any [`BlobError`] but a wrong hash.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, BlobError> {
        let mut writer = self.writer()?;
        writer.write(bytes)?;
        writer.keep()
    }

    /// Starts a blob that comes in pieces.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn writer(&self) -> Result<BlobWriter, BlobError> {
        let temporary = self.dir.join(TEMPORARY);
        let file = NamedTempFile::new_in(&temporary)
            .map_err(|error| failed("start a file in", &temporary, error))?;
        Ok(BlobWriter { dir: self.dir.clone(), file, hasher: blake3::Hasher::new(), size: 0 })
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
            let folder = path.parent().unwrap_or(&self.dir);
            sync_dir(folder).map_err(|error| failed("sync", folder, error))?;
        }
        Ok(removed)
    }
}

impl BlobWriter {
    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] as soon as the limit is passed; [`BlobError::Io`] or
    /// [`BlobError::DiskFull`]. The blob cannot be finished after any of them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > MAX_FILE_BYTES {
            return Err(BlobError::TooLarge);
        }
        self.hasher.update(bytes);
        self.file.write_all(bytes).map_err(|error| failed("write to", self.file.path(), error))
    }

    /// How many bytes it has so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keeps the blob, if its content has the hash `expected`.
    ///
    /// # Errors
    /// [`BlobError::WrongHash`]; [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn finish(self, expected: &Hash) -> Result<(), BlobError> {
        let found = self.hash();
        if found != *expected {
            return Err(BlobError::WrongHash { expected: *expected, found });
        }
        self.keep().map(|_| ())
    }

    /// Keeps the blob under the hash of whatever was written.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn keep(self) -> Result<Hash, BlobError> {
        let hash = self.hash();
        let path = path(&self.dir, &hash);
        let folder = path.parent().unwrap_or(&self.dir);
        let written = self.file.as_file().metadata().map(|about| about.len());
        match written {
            Ok(size) if size == self.size => {}
            // A write failed before, and its caller went on.
            Ok(_) if self.size > MAX_FILE_BYTES => return Err(BlobError::TooLarge),
            Ok(_) => {
                let error = io::Error::other("a piece of it could not be written");
                return Err(failed("keep", &path, error));
            }
            Err(error) => return Err(failed("keep", &path, error)),
        }
        let keep = || {
            self.file.as_file().sync_all()?;
            if !folder.exists() {
                fs::create_dir_all(folder)?;
                sync_dir(&self.dir)?;
            }
            self.file.persist(&path).map_err(|error| error.error)?;
            sync_dir(folder)
        };
        keep().map_err(|error| failed("keep", &path, error))?;
        Ok(hash)
    }

    fn hash(&self) -> Hash {
        Hash::from_bytes(*self.hasher.finalize().as_bytes())
    }
}

/// A folder for the first two digits, so that none of them has more than a few thousand files.
fn path(dir: &Path, hash: &Hash) -> PathBuf {
    let name = hash.to_string();
    dir.join(&name[..2]).join(name)
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
    use super::*;

    fn open() -> (tempfile::TempDir, Blobs) {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        (dir, blobs)
    }

    fn files_in(dir: &Path) -> usize {
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
    fn a_file_with_another_hash_leaves_nothing_behind() {
        let (_dir, blobs) = open();
        let mut writer = blobs.writer().unwrap();
        writer.write(b"not what ").unwrap();
        writer.write(b"was asked for").unwrap();
        let error = writer.finish(&Hash::of(b"slides")).unwrap_err();
        assert!(matches!(
            error,
            BlobError::WrongHash { found, .. } if found == Hash::of(b"not what was asked for")
        ));
        assert_eq!(files_in(&blobs.dir), 0);
    }

    #[test]
    fn pieces_make_one_file_which_survives_reopening_and_leftovers_do_not() {
        let (_dir, blobs) = open();
        let mut writer = blobs.writer().unwrap();
        writer.write(b"scheme ").unwrap();
        writer.write(b"of work").unwrap();
        assert_eq!(writer.size(), 14);
        writer.finish(&Hash::of(b"scheme of work")).unwrap();
        fs::write(blobs.dir.join(TEMPORARY).join("left"), b"half").unwrap();
        let again = Blobs::open(&blobs.dir).unwrap();
        assert_eq!(again.size(&Hash::of(b"scheme of work")).unwrap(), Some(14));
        assert_eq!(files_in(&blobs.dir), 1);
    }

    #[test]
    fn a_file_over_the_limit_is_refused_as_it_comes_and_when_it_is_kept() {
        let (_dir, blobs) = open();
        let mut writer = blobs.writer().unwrap();
        let mebibyte = vec![0; 1024 * 1024];
        for _ in 0..64 {
            writer.write(&mebibyte).unwrap();
        }
        assert!(matches!(writer.write(&[0]), Err(BlobError::TooLarge)));
        assert!(matches!(writer.keep(), Err(BlobError::TooLarge)));
        assert_eq!(files_in(&blobs.dir), 0);
    }
}
