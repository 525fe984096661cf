//! Files for tests that forget what was not synced, run full and fail.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use super::files::{AppendFile, DiskFiles, Files};

#[derive(Debug, Clone, Default)]
pub(super) struct Lossy(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// How much of each file is durable, for those that were written to.
    synced: BTreeMap<PathBuf, u64>,
    /// Names changed since the directory was synced, from and to; a new file has no former name.
    names: Vec<(Option<PathBuf>, PathBuf)>,
    room: Option<usize>,
    syncs_fail: Option<io::ErrorKind>,
}

#[derive(Debug)]
struct LossyFile {
    path: PathBuf,
    inner: Box<dyn AppendFile>,
    files: Lossy,
}

impl Lossy {
    /// Lets this many more bytes be written before the disk is full.
    pub(super) fn leave_room(&self, bytes: Option<usize>) {
        self.state().room = bytes;
    }

    pub(super) fn fail_syncs(&self, kind: Option<io::ErrorKind>) {
        self.state().syncs_fail = kind;
    }

    /// Copies a data directory as a power cut would leave it: of what was written to the journal
    /// and not synced only the first `kept` bytes of each file.
    pub(super) fn cut_power(&self, from: &Path, to: &Path, kept: u64) {
        let state = self.state();
        copy_dir(from, to);
        let place = |path: &Path| to.join(path.strip_prefix(from).unwrap());
        for (path, synced) in &state.synced {
            let file = fs::File::options().append(true).open(place(path)).unwrap();
            file.set_len(file.metadata().unwrap().len().min(synced + kept)).unwrap();
        }
        for (former, name) in state.names.iter().rev() {
            match former {
                Some(former) => fs::rename(place(name), place(former)).unwrap(),
                None => fs::remove_file(place(name)).unwrap(),
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn wrap(&self, path: &Path, inner: Box<dyn AppendFile>) -> Box<dyn AppendFile> {
        Box::new(LossyFile { path: path.to_owned(), inner, files: self.clone() })
    }
}

pub(super) fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for item in fs::read_dir(from).unwrap() {
        let item = item.unwrap();
        let target = to.join(item.file_name());
        if item.file_type().unwrap().is_dir() {
            copy_dir(&item.path(), &target);
        } else if let Err(error) = fs::copy(item.path(), target) {
            // sled renames its snapshots meanwhile.
            assert_eq!(error.kind(), io::ErrorKind::NotFound);
        }
    }
}

impl Files for Lossy {
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        DiskFiles.list(dir)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        DiskFiles.read(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let inner = DiskFiles.create(path)?;
        let mut state = self.state();
        state.synced.insert(path.to_owned(), 0);
        state.names.push((None, path.to_owned()));
        drop(state);
        Ok(self.wrap(path, inner))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn AppendFile>> {
        let length = fs::metadata(path)?.len();
        self.state().synced.entry(path.to_owned()).or_insert(length);
        Ok(self.wrap(path, DiskFiles.append(path)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        DiskFiles.rename(from, to)?;
        let mut state = self.state();
        if let Some(length) = state.synced.remove(from) {
            state.synced.insert(to.to_owned(), length);
        }
        state.names.push((Some(from.to_owned()), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        DiskFiles.remove(path)?;
        let mut state = self.state();
        state.synced.remove(path);
        state.names.retain(|(_, name)| name != path);
        Ok(())
    }

    fn sync_dir(&self, _dir: &Path) -> io::Result<()> {
        self.state().names.clear();
        Ok(())
    }
}

impl AppendFile for LossyFile {
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.files.state().room;
        match room {
            Some(room) if room < bytes.len() => {
                self.inner.write_all(&bytes[..room])?;
                self.files.leave_room(Some(0));
                Err(io::ErrorKind::StorageFull.into())
            }
            Some(room) => {
                self.files.leave_room(Some(room - bytes.len()));
                self.inner.write_all(bytes)
            }
            None => self.inner.write_all(bytes),
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        if let Some(kind) = self.files.state().syncs_fail {
            return Err(kind.into());
        }
        let length = fs::metadata(&self.path)?.len();
        self.files.state().synced.insert(self.path.clone(), length);
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.inner.truncate(length)
    }
}
