//! Blobs that are written in pieces, by somebody who does not know their hash yet.

use std::io::{self, Read, Seek, Write};

use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_FILE_BYTES;
use tempfile::NamedTempFile;

use super::{BlobError, Blobs, TEMPORARY, failed, path, slice, tree_path};
use crate::store::sync_dir;

/// A blob that is being written; it is removed unless it is kept.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    file: NamedTempFile,
    size: u64,
    most: u64,
}

impl Blobs {
    /// Starts a blob that comes in pieces.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn writer(&self) -> Result<BlobWriter, BlobError> {
        let temporary = self.dir.join(TEMPORARY);
        let file = NamedTempFile::new_in(&temporary)
            .map_err(|error| failed("start a file in", &temporary, error))?;
        Ok(BlobWriter { blobs: self.clone(), file, size: 0, most: MAX_FILE_BYTES })
    }
}

impl BlobWriter {
    /// Adds `bytes` at the end.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`] as soon as the limit is passed; [`BlobError::Io`] or
    /// [`BlobError::DiskFull`]. The blob cannot be kept after any of them.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BlobError> {
        self.size = self.size.saturating_add(bytes.len() as u64);
        if self.size > self.most {
            return Err(BlobError::TooLarge);
        }
        self.file.write_all(bytes).map_err(|error| failed("write to", self.file.path(), error))
    }

    /// How many bytes it has so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Keeps the blob under the hash of whatever was written.
    ///
    /// # Errors
    /// [`BlobError::TooLarge`], [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn keep(self) -> Result<Hash, BlobError> {
        self.keep_as(None).map(|(hash, _)| hash)
    }

    /// Keeps the blob if what was written has this hash; whether it has.
    ///
    /// # Errors
    /// As [`keep`](Self::keep).
    pub fn keep_if(self, expected: &Hash) -> Result<bool, BlobError> {
        self.keep_as(Some(expected)).map(|(_, is_kept)| is_kept)
    }

    fn keep_as(mut self, expected: Option<&Hash>) -> Result<(Hash, bool), BlobError> {
        let reading = self.file.path().to_owned();
        let (hash, hashes) =
            self.hashes().map_err(|error| failed("read again", &reading, error))?;
        if expected.is_some_and(|expected| *expected != hash) {
            return Ok((hash, false));
        }
        let path = path(&self.blobs.dir, &hash);
        let keep = |this: Self| {
            this.blobs.ready_folder(&path)?;
            if let Some(hashes) = hashes {
                let tree = this.blobs.temporary(&hashes)?;
                tree.persist(tree_path(&path)).map_err(|error| error.error)?;
            }
            this.file.as_file().sync_all()?;
            this.file.persist(&path).map_err(|error| error.error)?;
            sync_dir(path.parent().unwrap_or(&this.blobs.dir))
        };
        match self.file.as_file().metadata().map(|about| about.len()) {
            Ok(size) if size == self.size => {}
            // A write failed before, and its caller went on.
            Ok(_) if self.size > self.most => return Err(BlobError::TooLarge),
            Ok(_) => {
                let error = io::Error::other("a piece of it could not be written");
                return Err(failed("keep", &path, error));
            }
            Err(error) => return Err(failed("keep", &path, error)),
        }
        keep(self).map_err(|error| failed("keep", &path, error))?;
        Ok((hash, true))
    }

    /// The hash, and of what is large the hashes of its tree.
    fn hashes(&mut self) -> io::Result<(Hash, Option<Vec<u8>>)> {
        let file = self.file.as_file_mut();
        file.rewind()?;
        if self.size >= slice::KEPT_FROM {
            let (hash, hashes) = slice::hashes(file, self.size)?;
            return Ok((hash, Some(hashes)));
        }
        let mut bytes = Vec::new();
        file.take(self.size).read_to_end(&mut bytes)?;
        Ok((Hash::of(&bytes), None))
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{files_in, open};
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_refused_as_it_comes_and_when_it_is_kept() {
        let (dir, blobs) = open();
        let mut writer = blobs.writer().unwrap();
        assert_eq!(writer.most, MAX_FILE_BYTES);
        writer.most = 64;
        writer.write(&[0; 64]).unwrap();
        assert!(matches!(writer.write(&[0]), Err(BlobError::TooLarge)));
        assert!(matches!(writer.keep(), Err(BlobError::TooLarge)));
        assert_eq!(files_in(dir.path()), 0);
    }

    #[test]
    fn what_has_another_hash_than_it_must_leaves_nothing_behind() {
        let (dir, blobs) = open();
        let written = || {
            let mut writer = blobs.writer().unwrap();
            writer.write(b"slides").unwrap();
            writer
        };
        assert!(!written().keep_if(&Hash::of(b"other slides")).unwrap());
        assert_eq!(files_in(dir.path()), 0);
        assert!(written().keep_if(&Hash::of(b"slides")).unwrap());
        assert_eq!(blobs.size(&Hash::of(b"slides")).unwrap(), Some(6));
    }
}
