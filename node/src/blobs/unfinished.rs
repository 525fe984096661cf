//! Blobs that are being fetched: what has come stays on the disk, checked, until the rest does.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::{GroupId, Hash};

use super::slice::{self, WrongSlice};
use super::{BlobError, Blobs, failed, path, present, tree_path};
use crate::store::sync_dir;

pub(super) const FOLDER: &str = "unfinished";

/// How long something that nobody goes on fetching is kept: the holidays.
const KEPT_FOR: Duration = Duration::from_secs(21 * 24 * 60 * 60);

/// What has come of a blob up to this size is fetched anew after a restart, which may cost as much of a
/// larger one. To make a second file for the hashes of its tree takes a tenth of the time of fetching it.
const FORGOTTEN_BYTES: u64 = 1024 * 1024;

/// Ranges that are looked at one by one when fetching goes on.
const LOOKED_AT_BYTES: u64 = 256 * 1024;

/// A blob of which not all is here.
///
/// What was obtained through one group is no part of what is fetched through another: a node serves for
/// a group only what it obtained there.
#[derive(Debug)]
pub struct Unfinished {
    blob: BlobRef,
    path: PathBuf,
    data: File,
    /// What proves after a restart what has come; none for what is fetched anew then.
    hashes: Option<File>,
    /// The ranges that have not come yet, in order.
    missing: Mutex<Vec<Range<u64>>>,
    /// Held while a range is written: several that write to one file at once wait on the processor.
    writing: Mutex<()>,
}

/// Why a slice was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// It is something else. Nothing was written.
    #[error(transparent)]
    Wrong(#[from] WrongSlice),
    /// It could not be written.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

impl Blobs {
    /// Begins to fetch a blob through a group, or goes on with it. Two must not fetch the same at once.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn unfinished(&self, group: &GroupId, blob: BlobRef) -> Result<Unfinished, BlobError> {
        let path = self.unfinished_path(group, &blob.hash);
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false).open(path)
        };
        let begin = || {
            fs::create_dir_all(path.parent().unwrap_or(&self.dir))?;
            let data = open(&path)?;
            if blob.size <= FORGOTTEN_BYTES {
                return Ok((data, None));
            }
            data.set_len(blob.size)?;
            Ok((data, Some(open(&tree_path(&path))?)))
        };
        let (data, hashes) = begin().map_err(|error| failed("begin", &path, error))?;
        let missing = missing(&blob, &data, hashes.as_ref());
        let missing = Mutex::new(missing.map_err(|error| failed("read", &path, error))?);
        Ok(Unfinished { blob, path, data, hashes, missing, writing: Mutex::default() })
    }

    /// Removes what has come of a blob through a group, if anything has.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn forget_unfinished(&self, group: &GroupId, hash: &Hash) -> Result<(), BlobError> {
        let path = self.unfinished_path(group, hash);
        for file in [&path, &tree_path(&path)] {
            present(fs::remove_file(file)).map_err(|error| failed("remove", file, error))?;
        }
        Ok(())
    }

    /// Bytes of a blob that is fetched through a group, or has been. They must have come.
    ///
    /// # Errors
    /// [`BlobError::Io`].
    pub fn read_come(
        &self,
        group: &GroupId,
        hash: &Hash,
        offset: u64,
        length: usize,
    ) -> Result<Vec<u8>, BlobError> {
        if let Some(bytes) = self.read_range(hash, offset, length)? {
            return Ok(bytes);
        }
        let path = self.unfinished_path(group, hash);
        let read = || -> io::Result<Vec<u8>> {
            let mut file = File::open(&path)?;
            let mut bytes = vec![0; length];
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut bytes)?;
            Ok(bytes)
        };
        match read() {
            // It was finished a moment ago.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let bytes = self.read_range(hash, offset, length)?;
                bytes.ok_or_else(|| failed("read", &path, error))
            }
            read => read.map_err(|error| failed("read", &path, error)),
        }
    }

    fn unfinished_path(&self, group: &GroupId, hash: &Hash) -> PathBuf {
        self.dir.join(FOLDER).join(group.to_string()).join(hash.to_string())
    }

    /// Keeps a blob of which everything has come; whether that is so.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`]; what has come is kept for the next try.
    pub fn finish(&self, unfinished: &Unfinished) -> Result<bool, BlobError> {
        if !unfinished.is_whole() {
            return Ok(false);
        }
        let path = path(&self.dir, &unfinished.blob.hash);
        let finish = || {
            unfinished.data.sync_all()?;
            self.ready_folder(&path)?;
            if unfinished.hashes.is_some() {
                // They are checked as they are used, and worked out again if the power failed before they
                // were on the disk.
                fs::rename(tree_path(&unfinished.path), tree_path(&path))?;
            }
            fs::rename(&unfinished.path, &path)?;
            sync_dir(path.parent().unwrap_or(&self.dir))
        };
        finish().map_err(|error| failed("keep", &path, error))?;
        Ok(true)
    }
}

impl Unfinished {
    /// The ranges that have not come yet, in order.
    pub fn missing(&self) -> Vec<Range<u64>> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many bytes from the start have come.
    pub fn start(&self) -> u64 {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.first().map_or(self.blob.size, |range| range.start)
    }

    /// Whether everything has come.
    pub fn is_whole(&self) -> bool {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Writes a range that came, if it is that of the blob.
    ///
    /// # Errors
    /// [`TakeError`]; nothing is written of a slice that is wrong.
    pub fn take(&self, range: &Range<u64>, slice: &[u8]) -> Result<(), TakeError> {
        let checked = slice::check(&self.blob, range, slice)?;
        let turn = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let written = checked.write(&self.blob, range.start, (&self.data, self.hashes.as_ref()));
        drop(turn);
        written.map_err(|error| failed("write to", &self.path, error))?;
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        *missing = missing.iter().flat_map(|one| without(one, range)).collect();
        Ok(())
    }

    /// Brings what was written to the disk, so that less is left to do at the end.
    ///
    /// # Errors
    /// [`BlobError::Io`] or [`BlobError::DiskFull`].
    pub fn sync(&self) -> Result<(), BlobError> {
        self.data.sync_data().map_err(|error| failed("write to", &self.path, error))
    }
}

/// The ranges of a blob that are not there; of one that is said to be empty and cannot be, what nobody
/// can send.
fn missing(blob: &BlobRef, data: &File, hashes: Option<&File>) -> io::Result<Vec<Range<u64>>> {
    if blob.size == 0 {
        let nobodys = 0..u64::MAX;
        let empty = blob.hash == Hash::of(&[]);
        return Ok(if empty { Vec::new() } else { vec![nobodys] });
    }
    let whole = 0..blob.size;
    let Some(hashes) = hashes else { return Ok(vec![whole]) };
    // Nothing of the tree has come.
    if hashes.metadata()?.len() == 0 {
        return Ok(vec![whole]);
    }
    let mut missing: Vec<Range<u64>> = Vec::new();
    let mut start = 0;
    while start < blob.size {
        let range = start..(start + LOOKED_AT_BYTES).min(blob.size);
        start = range.end;
        if slice::is_there(blob, data, hashes, &range)? {
            continue;
        }
        match missing.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) | None => missing.push(range),
        }
    }
    Ok(missing)
}

/// What is left of a range without another.
pub(crate) fn without(
    one: &Range<u64>,
    other: &Range<u64>,
) -> impl Iterator<Item = Range<u64>> + use<> {
    let before = one.start..one.end.min(other.start);
    let behind = one.start.max(other.end)..one.end;
    [before, behind].into_iter().filter(|range| !range.is_empty())
}

/// Removes what nobody has gone on fetching for long.
pub(super) fn tidy(dir: &Path) -> io::Result<()> {
    let folder = dir.join(FOLDER);
    fs::create_dir_all(&folder)?;
    for group in fs::read_dir(&folder)? {
        let group = group?.path();
        let mut left = false;
        for file in fs::read_dir(&group)? {
            let file = file?;
            let age =
                file.metadata()?.modified().map(|then| SystemTime::now().duration_since(then));
            if matches!(age, Ok(Ok(age)) if age > KEPT_FOR) {
                fs::remove_file(file.path())?;
            } else {
                left = true;
            }
        }
        if !left {
            fs::remove_dir(&group)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{noise, open};
    use super::*;

    const SIZE: u64 = 3_000_001;
    const WHOLE: Range<u64> = 0..SIZE;

    fn group(number: u8) -> GroupId {
        GroupId::from_bytes([number; 32])
    }

    /// A sender, its blob, and where it is fetched to.
    fn both() -> ([tempfile::TempDir; 2], [Blobs; 2], BlobRef) {
        let ((one, from), (other, to)) = (open(), open());
        let hash = from.put(&noise(SIZE as usize)).unwrap();
        ([one, other], [from, to], BlobRef { hash, size: SIZE })
    }

    fn give(from: &Blobs, to: &Unfinished, offset: u64) {
        let slice = from.slice(&to.blob.hash, offset, LOOKED_AT_BYTES).unwrap().unwrap();
        to.take(&(offset..offset + slice.length), &slice.bytes).unwrap();
    }

    #[test]
    fn what_has_come_is_known_after_a_restart_and_the_rest_makes_it_whole() {
        let (_dirs, [from, to], blob) = both();
        let fetching = to.unfinished(&group(1), blob).unwrap();
        assert_eq!(fetching.missing(), [WHOLE]);
        for offset in [524_288, 0] {
            give(&from, &fetching, offset);
        }
        let left = [262_144..524_288, 786_432..SIZE];
        assert_eq!(fetching.missing(), left);
        assert!(!to.finish(&fetching).unwrap());
        drop(fetching);

        let to = Blobs::open(&to.dir).unwrap();
        assert_eq!(to.size(&blob.hash).unwrap(), None);
        let fetching = to.unfinished(&group(1), blob).unwrap();
        assert_eq!(fetching.missing(), left);
        // Another group has to send all of it itself.
        assert_eq!(to.unfinished(&group(2), blob).unwrap().missing(), [WHOLE]);
        for range in left {
            for offset in range.step_by(LOOKED_AT_BYTES as usize) {
                give(&from, &fetching, offset);
            }
        }
        assert!(to.finish(&fetching).unwrap());
        let whole = to.read_range(&blob.hash, 0, SIZE as usize).unwrap().unwrap();
        assert_eq!(whole, noise(SIZE as usize));
        let slice = to.slice(&blob.hash, 1_048_576, LOOKED_AT_BYTES).unwrap();
        assert_eq!(slice, from.slice(&blob.hash, 1_048_576, LOOKED_AT_BYTES).unwrap());
    }

    #[test]
    fn a_small_blob_is_fetched_anew_after_a_restart_and_needs_no_second_file() {
        let ((_one, from), (_other, to)) = (open(), open());
        let content = noise(FORGOTTEN_BYTES as usize);
        let blob = BlobRef { hash: from.put(&content).unwrap(), size: FORGOTTEN_BYTES };
        let half = blob.size / 2;
        let fetching = to.unfinished(&group(1), blob).unwrap();
        give(&from, &fetching, 0);
        give(&from, &fetching, half);
        assert_eq!(fetching.missing(), [LOOKED_AT_BYTES..half, half + LOOKED_AT_BYTES..blob.size]);
        assert!(!tree_path(&fetching.path).exists());
        drop(fetching);
        let fetching = to.unfinished(&group(1), blob).unwrap();
        let whole = 0..blob.size;
        assert_eq!(fetching.missing(), [whole]);
        for offset in (0..blob.size).step_by(LOOKED_AT_BYTES as usize) {
            give(&from, &fetching, offset);
        }
        assert!(to.finish(&fetching).unwrap());
        assert_eq!(to.read_range(&blob.hash, 0, content.len()).unwrap().unwrap(), content);
        // Others can have it from here, proved.
        let slice = to.slice(&blob.hash, half, LOOKED_AT_BYTES).unwrap();
        assert_eq!(slice, from.slice(&blob.hash, half, LOOKED_AT_BYTES).unwrap());
    }

    #[test]
    fn bytes_that_were_lost_or_altered_on_the_disk_are_missing() {
        let (_dirs, [from, to], blob) = both();
        let fetching = to.unfinished(&group(1), blob).unwrap();
        for offset in [0, 262_144, 524_288] {
            give(&from, &fetching, offset);
        }
        let (path, zeros) = (fetching.path.clone(), vec![0; 10]);
        drop(fetching);
        let mut bytes = fs::read(&path).unwrap();
        bytes[300_000..300_010].copy_from_slice(&zeros);
        fs::write(&path, &bytes).unwrap();
        let fetching = to.unfinished(&group(1), blob).unwrap();
        assert_eq!(fetching.missing(), [262_144..524_288, 786_432..SIZE]);
        fs::write(tree_path(&path), b"garbage").unwrap();
        assert_eq!(to.unfinished(&group(1), blob).unwrap().missing(), [WHOLE]);
    }

    #[test]
    fn nothing_wrong_is_written() {
        let (_dirs, [from, to], blob) = both();
        let fetching = to.unfinished(&group(1), blob).unwrap();
        let slice = from.slice(&blob.hash, 0, LOOKED_AT_BYTES).unwrap().unwrap();
        let mut altered = slice.bytes.clone();
        altered[100_000] ^= 1;
        let refused = fetching.take(&(0..slice.length), &altered).unwrap_err();
        assert!(matches!(refused, TakeError::Wrong(WrongSlice)));
        assert!(fetching.take(&(262_144..524_288), &slice.bytes).is_err());
        assert_eq!(fetching.missing(), [WHOLE]);
        assert!(fs::read(&fetching.path).unwrap().iter().all(|byte| *byte == 0));

        // An empty file is what its hash says, or cannot be.
        let nothing = BlobRef { hash: blob.hash, size: 0 };
        let fetching = to.unfinished(&group(1), nothing).unwrap();
        assert!(!to.finish(&fetching).unwrap());
        let empty = BlobRef { hash: Hash::of(b""), size: 0 };
        let fetching = to.unfinished(&group(1), empty).unwrap();
        assert!(to.finish(&fetching).unwrap());
        assert_eq!(to.size(&empty.hash).unwrap(), Some(0));
    }

    #[test]
    fn what_nobody_went_on_fetching_is_removed_after_the_holidays() {
        let (_dirs, [from, to], blob) = both();
        let fetching = to.unfinished(&group(1), blob).unwrap();
        give(&from, &fetching, 0);
        let path = fetching.path.clone();
        let long_ago = SystemTime::now() - KEPT_FOR - Duration::from_secs(60);
        Blobs::open(&to.dir).unwrap();
        assert!(path.exists());
        for file in [Some(&fetching.data), fetching.hashes.as_ref()].into_iter().flatten() {
            file.set_modified(long_ago).unwrap();
        }
        drop(fetching);
        Blobs::open(&to.dir).unwrap();
        assert!(!path.parent().unwrap().exists());
    }
}
