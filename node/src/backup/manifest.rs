//! What a backup says of itself, and the list of its files with their hashes. A folder without them is no
//! backup.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{Hash, SchoolId};

use super::BackupError;
use crate::home::{Identity, write_private};

/// What a backup says of itself, written last.
const ABOUT: &str = "backup.json";

/// The list of its files.
const LIST: &str = "files.json";

/// Where the files lie in a backup, with the names that they have in the data directory.
pub(super) const CONTENT: &str = "data";

/// The version of this format.
const FORMAT: u32 = 1;

/// The most that is read of either: some hundred bytes for each file of a very large school.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// What a backup says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    format: u32,
    /// The school whose node it is of.
    pub(crate) school: SchoolId,
    /// Its name.
    pub(crate) name: String,
    /// When it was begun: what was stored before is in it.
    pub(crate) made: Timestamp,
    /// How many files it has.
    pub(crate) files: usize,
    /// How large they are together.
    pub(crate) bytes: u64,
    /// The hash of their list.
    list: Hash,
}

/// A backup with the list of its files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) about: About,
    /// Its files, in the order in which they were copied.
    pub(crate) files: Vec<Copied>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Copied {
    /// Where it was in the data directory, with `/` between folders.
    pub(crate) path: String,
    pub(crate) bytes: u64,
    pub(crate) hash: Hash,
}

impl About {
    /// Reads what a backup says of itself.
    ///
    /// # Errors
    /// [`BackupError`] if the folder is no backup that this program can read.
    pub(crate) fn read(backup: &Path) -> Result<Self, BackupError> {
        let read: Self = serde_json::from_slice(&content(backup, ABOUT)?)
            .map_err(|error| no_backup(backup, format!("its {ABOUT} cannot be read: {error}")))?;
        if read.format != FORMAT {
            return Err(no_backup(
                backup,
                format!(
                    "it is in version {} of the format, and this program reads version {FORMAT}",
                    read.format
                ),
            ));
        }
        Ok(read)
    }
}

impl Manifest {
    /// Writes into a backup of which all files are there what it says of itself.
    pub(super) fn write(
        backup: &Path,
        identity: &Identity,
        made: Timestamp,
        files: &[Copied],
    ) -> Result<About, BackupError> {
        let encoded = |name: &str, encoded: Result<Vec<u8>, serde_json::Error>| {
            let path = backup.join(name);
            encoded.map_err(|error| BackupError::File { path, error: error.into() })
        };
        let list = encoded(LIST, serde_json::to_vec(files))?;
        let about = About {
            format: FORMAT,
            school: identity.school(),
            name: identity.claims().name.clone(),
            made,
            files: files.len(),
            bytes: files.iter().map(|file| file.bytes).sum(),
            list: Hash::of(&list),
        };
        write_private(&backup.join(LIST), &list)?;
        let written = encoded(ABOUT, serde_json::to_vec_pretty(&about))?;
        write_private(&backup.join(ABOUT), &written)?;
        Ok(about)
    }

    /// Reads what a backup says that it holds, and checks nothing of it.
    ///
    /// # Errors
    /// [`BackupError`] if the folder is no backup that this program can read.
    pub(crate) fn read(backup: &Path) -> Result<Self, BackupError> {
        let about = About::read(backup)?;
        let list = content(backup, LIST)?;
        if Hash::of(&list) != about.list {
            return Err(BackupError::Changed(backup.join(LIST)));
        }
        let files: Vec<Copied> = serde_json::from_slice(&list)
            .map_err(|error| no_backup(backup, format!("its {LIST} cannot be read: {error}")))?;
        if let Some(file) = files.iter().find(|file| !stays_inside(&file.path)) {
            let reason = format!("it names the file {:?}, outside of it", file.path);
            return Err(no_backup(backup, reason));
        }
        Ok(Self { about, files })
    }

    /// Reads every file of a backup and compares it with what was copied; `done` hears how many bytes of
    /// them have been read.
    ///
    /// # Errors
    /// [`BackupError::Changed`] names the first that is not as it was.
    pub(crate) fn verify(
        &self,
        backup: &Path,
        done: &mut dyn FnMut(u64),
    ) -> Result<(), BackupError> {
        let mut read = 0;
        for file in &self.files {
            let path = backup.join(CONTENT).join(&file.path);
            let found = hash(&path);
            if !found.is_ok_and(|found| found == (file.bytes, file.hash)) {
                return Err(BackupError::Changed(path));
            }
            read += file.bytes;
            done(read);
        }
        Ok(())
    }
}

/// What is in a file of a backup beside its content.
fn content(backup: &Path, name: &str) -> Result<Vec<u8>, BackupError> {
    let path = backup.join(name);
    let mut bytes = Vec::new();
    let read = File::open(&path).and_then(|file| file.take(MAX_BYTES).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(no_backup(backup, format!("it has no file {name}")))
        }
        Err(error) => Err(BackupError::File { path, error }),
    }
}

fn no_backup(path: &Path, reason: String) -> BackupError {
    BackupError::NoBackup { path: path.into(), reason }
}

/// Whether a path names something below the folder that it is taken from.
fn stays_inside(path: &str) -> bool {
    let path = Path::new(path);
    let mut parts = path.components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, Component::Normal(_)))
}

/// The length of a file and its hash.
fn hash(path: &PathBuf) -> io::Result<(u64, Hash)> {
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(File::open(path)?)?;
    Ok((hasher.count(), Hash::from_bytes(*hasher.finalize().as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_a_backup_is_taken_from_it() {
        for inside in ["journal/1.journal", "people.json"] {
            assert!(stays_inside(inside), "{inside}");
        }
        for outside in ["", "/etc/passwd", "../keys", "blobs/../../x", "."] {
            assert!(!stays_inside(outside), "{outside}");
        }
    }
}
