//! The journal: every change that was ever accepted, in order, synced before it is acknowledged.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tracing::warn;

use super::StoreError;
use super::files::{AppendFile, Files, is_full};
use super::frame::{self, Found, Frames, JournalId};
use super::segment::{self, HEADER_BYTES, Header};

/// Small enough to rewrite and to copy in a moment, large enough that a year is a few files.
pub(super) const SEGMENT_BYTES: u64 = 64 * 1024 * 1024;

const TEMPORARY: &str = ".tmp";

/// Takes the payload of a frame and has another one for it, or none.
type Replace<'a> = dyn FnMut(&[u8]) -> Result<Option<Vec<u8>>, StoreError> + 'a;

/// Takes a sequence and the payload of its frame.
type Replayer<'a> = dyn FnMut(u64, &[u8]) -> Result<(), StoreError> + 'a;

#[derive(Debug)]
pub(super) struct Journal {
    files: Arc<dyn Files>,
    dir: PathBuf,
    id: JournalId,
    segment_bytes: u64,
    segments: BTreeSet<u64>,
    current: Current,
    last: u64,
}

#[derive(Debug)]
struct Current {
    path: PathBuf,
    file: Box<dyn AppendFile>,
    length: u64,
}

/// What of a journal could not be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// Bytes of an unfinished write that were cut off the end.
    pub(super) cut_bytes: u64,
    /// Segments that were replaced by what could be read of them, under their new names.
    pub(super) set_aside: Vec<PathBuf>,
    /// Changes that are missing.
    pub(super) lost: u64,
}

/// Why nothing was appended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AppendError {
    /// There was no room; the journal is as it was and can be tried again.
    Full,
    /// It is not known what is on the disk.
    Broken(String),
}

impl Journal {
    /// Opens the journal in `dir`, or starts one, and cuts off an unfinished write at its end.
    pub(super) fn open(
        files: Arc<dyn Files>,
        dir: &Path,
        id: JournalId,
        segment_bytes: u64,
    ) -> Result<(Self, Damage), StoreError> {
        let segments = tidy(files.as_ref(), dir)?;
        let mut damage = Damage::default();
        let Some(&newest) = segments.last() else {
            let current = create_segment(files.as_ref(), dir, Header { id, first: 1 })
                .map_err(|error| StoreError::io("start a journal in", dir, &error))?;
            let segments = BTreeSet::from([1]);
            let journal =
                Self { files, dir: dir.to_owned(), id, segment_bytes, segments, current, last: 0 };
            return Ok((journal, damage));
        };
        let path = dir.join(segment::name(newest));
        let mut read = read_segment(files.as_ref(), &path, id, newest)?;
        if read.is_damaged() {
            damage.set_aside.push(replace(files.as_ref(), dir, id, newest, &read)?);
            read = read_segment(files.as_ref(), &path, id, newest)?;
        }
        let mut file = files
            .append(&path)
            .map_err(|error| StoreError::io("open the journal segment", &path, &error))?;
        let length = read.end as u64;
        damage.cut_bytes = read.bytes.len() as u64 - length;
        if damage.cut_bytes > 0 {
            file.truncate(length)
                .and_then(|()| file.sync())
                .map_err(|error| StoreError::io("cut off the unfinished end of", &path, &error))?;
            warn!(segment = %path.display(), bytes = damage.cut_bytes, "cut an unfinished write off the end of the journal; it had not been acknowledged");
        }
        let last = read.last;
        let current = Current { path, file, length };
        let journal =
            Self { files, dir: dir.to_owned(), id, segment_bytes, segments, current, last };
        Ok((journal, damage))
    }

    /// The sequence of the last frame; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Appends a frame for each payload, with the sequences after [`Journal::last`], and syncs.
    pub(super) fn append(&mut self, payloads: &[Vec<u8>]) -> Result<(), AppendError> {
        let mut bytes = Vec::new();
        for (payload, sequence) in payloads.iter().zip(self.last + 1..) {
            frame::encode(&self.id, sequence, payload, &mut bytes);
        }
        let used = self.current.length > HEADER_BYTES as u64;
        if used && self.current.length + bytes.len() as u64 > self.segment_bytes {
            self.start_segment()?;
        }
        let Current { path, file, length } = &mut self.current;
        if let Err(error) = file.write_all(&bytes) {
            return Err(match file.truncate(*length) {
                Ok(()) if is_full(&error) => AppendError::Full,
                Ok(()) | Err(_) => broken("write to", path, &error),
            });
        }
        file.sync().map_err(|error| broken("sync", path, &error))?;
        *length += bytes.len() as u64;
        self.last += payloads.len() as u64;
        Ok(())
    }

    fn start_segment(&mut self) -> Result<(), AppendError> {
        let first = self.last + 1;
        match create_segment(self.files.as_ref(), &self.dir, Header { id: self.id, first }) {
            Ok(current) => {
                self.segments.insert(first);
                self.current = current;
                Ok(())
            }
            Err(error) if is_full(&error) => Err(AppendError::Full),
            Err(error) => Err(broken("start a segment in", &self.dir, &error)),
        }
    }

    /// Hands every change after the sequence `after` to `each`, in order. A damaged segment is
    /// replaced by what can be read of it.
    pub(super) fn replay(
        &mut self,
        after: u64,
        each: &mut Replayer<'_>,
    ) -> Result<Damage, StoreError> {
        let mut damage = Damage::default();
        let mut last = after;
        for (first, until) in self.spans() {
            if until <= after {
                continue;
            }
            let path = self.dir.join(segment::name(first));
            let read = read_segment(self.files.as_ref(), &path, self.id, first)?;
            for found in read.frames(self.id, first) {
                if let Found::Frame { sequence, payload, .. } = found
                    && sequence > last
                {
                    damage.lost += sequence - last - 1;
                    last = sequence;
                    each(sequence, payload)?;
                }
            }
            let sealed = path != self.current.path;
            if sealed && (read.is_damaged() || read.end < read.bytes.len()) {
                let aside = replace(self.files.as_ref(), &self.dir, self.id, first, &read)?;
                damage.set_aside.push(aside);
            }
        }
        if damage.lost > 0 {
            warn!(
                changes = damage.lost,
                "changes are missing from the journal; what other schools hold of them is fetched again"
            );
        }
        Ok(damage)
    }

    /// Gives changes other payloads where `replace` has one for them, and says how many those were.
    /// Each segment is written anew beside itself and then takes its own place, so that a crash
    /// leaves one or the other.
    pub(super) fn rewrite(&mut self, replace: &mut Replace<'_>) -> Result<u64, StoreError> {
        let mut replaced = 0;
        for first in self.segments.clone() {
            let path = self.dir.join(segment::name(first));
            let read = read_segment(self.files.as_ref(), &path, self.id, first)?;
            let mut bytes = Header { id: self.id, first }.encode();
            let mut in_segment = 0;
            for found in read.frames(self.id, first) {
                if let Found::Frame { sequence, payload, .. } = found {
                    let other = replace(payload)?;
                    in_segment += u64::from(other.is_some());
                    let payload = other.as_deref().unwrap_or(payload);
                    frame::encode(&self.id, sequence, payload, &mut bytes);
                }
            }
            // What is damaged is rescued at the next start, which keeps the damaged file.
            if in_segment == 0 || read.is_damaged() {
                continue;
            }
            let current = path == self.current.path;
            let written = write_anew(self.files.as_ref(), &self.dir, &path, &bytes)
                .and_then(|()| if current { self.files.append(&path).map(Some) } else { Ok(None) })
                .map_err(|error| StoreError::io("rewrite the journal segment", &path, &error))?;
            if let Some(file) = written {
                self.current = Current { path, file, length: bytes.len() as u64 };
            }
            replaced += in_segment;
        }
        Ok(replaced)
    }

    /// Each segment's first sequence and the last that it can hold.
    fn spans(&self) -> Vec<(u64, u64)> {
        let next = self.segments.iter().skip(1).map(|first| first - 1);
        self.segments.iter().copied().zip(next.chain([self.last])).collect()
    }
}

struct Segment {
    bytes: Vec<u8>,
    header_damaged: bool,
    hole: bool,
    /// Where the last whole frame ends.
    end: usize,
    last: u64,
}

impl Segment {
    fn is_damaged(&self) -> bool {
        self.header_damaged || self.hole
    }

    fn frames(&self, id: JournalId, first: u64) -> Frames<'_> {
        Frames::new(id, &self.bytes, HEADER_BYTES, first.saturating_sub(1))
    }
}

fn read_segment(
    files: &dyn Files,
    path: &Path,
    id: JournalId,
    first: u64,
) -> Result<Segment, StoreError> {
    let bytes = files
        .read(path)
        .map_err(|error| StoreError::io("read the journal segment", path, &error))?;
    let header = Header::decode(path, &bytes)?;
    if header.is_some_and(|header| header != Header { id, first }) {
        return Err(StoreError::Damaged {
            path: path.to_owned(),
            reason: "this journal segment belongs to another data directory or was renamed; move it away and start again".into(),
        });
    }
    let mut segment = Segment {
        end: HEADER_BYTES.min(bytes.len()),
        bytes,
        header_damaged: header.is_none(),
        hole: false,
        last: first.saturating_sub(1),
    };
    let (mut end, mut last, mut hole) = (segment.end, segment.last, false);
    for found in segment.frames(id, first) {
        match found {
            Found::Frame { sequence, end: frame_end, .. } => (last, end) = (sequence, frame_end),
            Found::Damage { start, end } => {
                hole = true;
                warn!(segment = %path.display(), start, end, "part of the journal is unreadable");
            }
            Found::Tail { .. } => {}
        }
    }
    (segment.end, segment.last, segment.hole) = (end, last, hole);
    Ok(segment)
}

/// Replaces a segment by its whole frames. The damaged file stays beside it under a new name.
fn replace(
    files: &dyn Files,
    dir: &Path,
    id: JournalId,
    first: u64,
    read: &Segment,
) -> Result<PathBuf, StoreError> {
    let path = dir.join(segment::name(first));
    let rescue = || -> io::Result<PathBuf> {
        let mut bytes = Header { id, first }.encode();
        for found in read.frames(id, first) {
            if let Found::Frame { sequence, payload, .. } = found {
                frame::encode(&id, sequence, payload, &mut bytes);
            }
        }
        let names = files.list(dir)?;
        let aside = (1..)
            .map(|number| format!("{}{}{number}", segment::name(first), DAMAGED))
            .find(|name| !names.contains(name))
            .map(|name| dir.join(name))
            .unwrap_or_default();
        let temporary = dir.join(segment::name(first) + TEMPORARY);
        write_whole(files, &temporary, &bytes)?;
        files.rename(&path, &aside)?;
        files.rename(&temporary, &path)?;
        files.sync_dir(dir)?;
        Ok(aside)
    };
    let aside = rescue()
        .map_err(|error| StoreError::io("rescue the damaged journal segment", &path, &error))?;
    warn!(segment = %path.display(), aside = %aside.display(), "kept what could be read of a damaged journal segment");
    Ok(aside)
}

const DAMAGED: &str = ".damaged-";

/// Removes what an interrupted start left behind and says which segments there are.
fn tidy(files: &dyn Files, dir: &Path) -> Result<BTreeSet<u64>, StoreError> {
    let look = || -> io::Result<BTreeSet<u64>> {
        let mut names = files.list(dir)?;
        names.sort();
        let mut segments: BTreeSet<u64> =
            names.iter().filter_map(|name| segment::first_in(name)).collect();
        for name in names.iter().rev() {
            if name.ends_with(TEMPORARY) {
                files.remove(&dir.join(name))?;
            }
            // A rescue that stopped between its two renames; it is done again from here.
            if let Some((original, _)) = name.split_once(DAMAGED)
                && let Some(first) = segment::first_in(original)
                && segments.insert(first)
            {
                files.rename(&dir.join(name), &dir.join(original))?;
            }
        }
        Ok(segments)
    };
    look().map_err(|error| StoreError::io("look through the journal in", dir, &error))
}

fn create_segment(files: &dyn Files, dir: &Path, header: Header) -> io::Result<Current> {
    let path = dir.join(segment::name(header.first));
    let temporary = dir.join(segment::name(header.first) + TEMPORARY);
    let bytes = header.encode();
    if let Err(error) = write_whole(files, &temporary, &bytes) {
        // Only tidiness: the next start removes it too.
        drop(files.remove(&temporary));
        return Err(error);
    }
    files.rename(&temporary, &path)?;
    files.sync_dir(dir)?;
    let file = files.append(&path)?;
    Ok(Current { path, file, length: bytes.len() as u64 })
}

fn write_anew(files: &dyn Files, dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(TEMPORARY);
    let temporary = PathBuf::from(temporary);
    write_whole(files, &temporary, bytes)?;
    files.rename(&temporary, path)?;
    files.sync_dir(dir)
}

fn write_whole(files: &dyn Files, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = files.create(path)?;
    file.write_all(bytes)?;
    file.sync()
}

fn broken(action: &str, path: &Path, error: &io::Error) -> AppendError {
    let advice = if is_full(error) {
        "the disk is full; free space and restart Staffroom"
    } else {
        "check the disk and restart Staffroom"
    };
    AppendError::Broken(format!("could not {action} {}: {error}; {advice}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::files::DiskFiles;
    use super::super::lossy::Lossy;
    use super::*;

    const ID: JournalId = JournalId::from_bytes([7; 16]);
    const FRAME: usize = frame::HEADER_BYTES + 6;

    fn open_with(files: impl Files + 'static, dir: &Path, bytes: u64) -> (Journal, Damage) {
        Journal::open(Arc::new(files), dir, ID, bytes).unwrap()
    }

    fn open(dir: &Path) -> (Journal, Damage) {
        open_with(DiskFiles, dir, SEGMENT_BYTES)
    }

    fn append(journal: &mut Journal, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            journal.append(&[format!("{number:06}").into_bytes()]).unwrap();
        }
    }

    fn read(journal: &mut Journal, after: u64) -> (Vec<u64>, Damage) {
        let mut sequences = Vec::new();
        let damage = journal
            .replay(after, &mut |sequence, payload| {
                assert_eq!(payload, format!("{sequence:06}").as_bytes());
                sequences.push(sequence);
                Ok(())
            })
            .unwrap();
        (sequences, damage)
    }

    #[test]
    fn segments_follow_each_other_and_are_read_from_any_sequence() {
        let dir = tempfile::tempdir().unwrap();
        let small = HEADER_BYTES as u64 + 3 * FRAME as u64;
        let (mut journal, _) = open_with(DiskFiles, dir.path(), small);
        append(&mut journal, 1..=8);
        drop(journal);
        let (mut journal, damage) = open_with(DiskFiles, dir.path(), small);
        assert_eq!((journal.last(), damage), (8, Damage::default()));
        append(&mut journal, 9..=10);
        assert_eq!(journal.segments, BTreeSet::from([1, 4, 7, 10]));
        for after in 0..=10 {
            let expected: Vec<u64> = (after + 1..=10).collect();
            assert_eq!(read(&mut journal, after), (expected, Damage::default()));
        }
    }

    #[test]
    fn what_is_rewritten_is_gone_from_the_disk_and_the_rest_reads_as_before() {
        let dir = tempfile::tempdir().unwrap();
        let small = HEADER_BYTES as u64 + 3 * FRAME as u64;
        let (mut journal, _) = open_with(DiskFiles, dir.path(), small);
        append(&mut journal, 1..=8);
        let mut replace = |payload: &[u8]| {
            Ok([b"000002", b"000008"].iter().any(|one| payload == *one).then(|| b"erased".to_vec()))
        };
        assert_eq!(journal.rewrite(&mut replace).unwrap(), 2);
        append(&mut journal, [9]);
        drop(journal);
        for entry in fs::read_dir(dir.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            assert!(!bytes.windows(6).any(|part| part == b"000002" || part == b"000008"));
        }
        let (mut journal, damage) = open_with(DiskFiles, dir.path(), small);
        assert_eq!((journal.last(), damage), (9, Damage::default()));
        let mut read = Vec::new();
        let damage = journal.replay(0, &mut |sequence, payload| {
            read.push((sequence, String::from_utf8(payload.to_vec()).unwrap()));
            Ok(())
        });
        assert_eq!(damage.unwrap(), Damage::default());
        let expected = (1..=9).map(|number: u64| match number {
            2 | 8 => (number, "erased".to_owned()),
            _ => (number, format!("{number:06}")),
        });
        assert_eq!(read, expected.collect::<Vec<_>>());
    }

    #[test]
    fn a_write_torn_at_any_byte_is_cut_off_and_the_next_one_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        append(&mut open(dir.path()).0, 1..=3);
        let path = dir.path().join(segment::name(1));
        let whole = fs::read(&path).unwrap();
        let before = whole.len() - FRAME;
        for length in before..whole.len() {
            for tail in [&[][..], &[0; 200]] {
                fs::write(&path, [&whole[..length], tail].concat()).unwrap();
                let (mut journal, damage) = open(dir.path());
                let cut_bytes = (length - before + tail.len()) as u64;
                assert_eq!(damage, Damage { cut_bytes, ..Damage::default() });
                append(&mut journal, [3]);
                assert_eq!(read(&mut journal, 0), (vec![1, 2, 3], Damage::default()));
                assert_eq!(fs::read(&path).unwrap(), whole);
            }
        }
    }

    #[test]
    fn damage_in_the_middle_costs_one_change_and_the_file_is_set_aside() {
        for newest in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            let small = HEADER_BYTES as u64 + 3 * FRAME as u64;
            append(&mut open_with(DiskFiles, dir.path(), small).0, 1..=if newest { 3 } else { 4 });
            let path = dir.path().join(segment::name(1));
            let mut bytes = fs::read(&path).unwrap();
            bytes[HEADER_BYTES + FRAME + 40] ^= 1;
            fs::write(&path, &bytes).unwrap();

            let (mut journal, opened) = open_with(DiskFiles, dir.path(), small);
            let (sequences, replayed) = read(&mut journal, 0);
            assert_eq!(sequences, if newest { vec![1, 3] } else { vec![1, 3, 4] });
            assert_eq!(replayed.lost, 1);
            let aside = if newest { opened.set_aside } else { replayed.set_aside };
            assert_eq!(aside, [dir.path().join("00000000000000000001.journal.damaged-1")]);
            assert_eq!(fs::read(&aside[0]).unwrap(), bytes);
            let (_, again) = read(&mut journal, 0);
            assert_eq!(again, Damage { lost: 1, ..Damage::default() });
        }
    }

    #[test]
    fn a_rescue_stopped_between_its_renames_is_done_again() {
        let dir = tempfile::tempdir().unwrap();
        append(&mut open(dir.path()).0, 1..=3);
        let path = dir.path().join(segment::name(1));
        let mut bytes = fs::read(&path).unwrap();
        bytes[0] ^= 1;
        fs::write(&path, bytes).unwrap();
        fs::rename(&path, dir.path().join(segment::name(1) + ".damaged-1")).unwrap();
        fs::write(dir.path().join(segment::name(1) + TEMPORARY), "half").unwrap();
        let (mut journal, damage) = open(dir.path());
        assert_eq!(damage.set_aside.len(), 1);
        assert_eq!(read(&mut journal, 0).0, [1, 2, 3]);
        assert!(!dir.path().join(segment::name(1) + TEMPORARY).exists());
    }

    #[test]
    fn a_segment_of_another_journal_or_a_newer_program_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        append(&mut open(dir.path()).0, 1..=3);
        let other = JournalId::from_bytes([8; 16]);
        let error = Journal::open(Arc::new(DiskFiles), dir.path(), other, 1).unwrap_err();
        assert!(error.to_string().contains("belongs to another data directory"), "{error}");

        let path = dir.path().join(segment::name(1));
        let mut bytes = fs::read(&path).unwrap();
        bytes[8] = 2;
        let hash = *blake3::hash(&bytes[..HEADER_BYTES - 32]).as_bytes();
        bytes[HEADER_BYTES - 32..HEADER_BYTES].copy_from_slice(&hash);
        fs::write(&path, &bytes).unwrap();
        let error = Journal::open(Arc::new(DiskFiles), dir.path(), ID, 1).unwrap_err();
        assert!(matches!(error, StoreError::Newer { found: 2, supported: 1, .. }), "{error}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[test]
    fn a_full_disk_changes_nothing_and_the_next_append_succeeds() {
        for room in 0..FRAME {
            let dir = tempfile::tempdir().unwrap();
            let files = Lossy::default();
            let small = HEADER_BYTES as u64 + 2 * FRAME as u64;
            let (mut journal, _) = open_with(files.clone(), dir.path(), small);
            append(&mut journal, 1..=1);
            for number in 2..=3 {
                files.leave_room(Some(room));
                let payload = format!("{number:06}").into_bytes();
                assert_eq!(journal.append(std::slice::from_ref(&payload)), Err(AppendError::Full));
                assert_eq!(journal.last(), number - 1);
                files.leave_room(None);
                append(&mut journal, [number]);
            }
            assert_eq!(read(&mut journal, 0), (vec![1, 2, 3], Damage::default()));
        }
    }

    #[test]
    fn a_sync_that_fails_leaves_the_journal_broken_even_when_the_disk_is_only_full() {
        let dir = tempfile::tempdir().unwrap();
        let files = Lossy::default();
        let (mut journal, _) = open_with(files.clone(), dir.path(), SEGMENT_BYTES);
        files.fail_syncs(Some(io::ErrorKind::StorageFull));
        let error = journal.append(&[b"000001".to_vec()]).unwrap_err();
        assert!(
            matches!(&error, AppendError::Broken(reason) if reason.ends_with("the disk is full; free space and restart Staffroom")),
            "{error:?}"
        );
    }
}
