//! Makes one backup while the node goes on.
//!
//! The journal is copied first, and what it names is there by then: a file of a resource is on the disk
//! before the journal says so. The end of a change that is being written is cut off when the copy is opened,
//! as after a loss of power; it had not been acknowledged. All other files are replaced as a whole. What can
//! be made again from these is left out.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use staffroom_protocol::hash::Hash;

use super::manifest::{CONTENT, Copied, Manifest};
use super::{BackupError, Made, earlier};
use crate::home::Identity;

/// What of the data directory is left out, and why.
const LEFT_OUT: [&str; 9] = [
    // Made again from the journal and the files.
    "records",
    "index",
    "previews",
    "clean",
    // Of the process that runs.
    "lock",
    "api-address",
    "api-token",
    // Whoever was signed in then may have left the school since.
    "sessions.json",
    // The words of the school's key, which belong on paper.
    "recovery-kit.html",
];

/// What has not come as a whole.
const UNFINISHED: [&str; 2] = ["blobs/tmp", "blobs/unfinished"];

/// Files of this kind are on their way to another name.
const TEMPORARY: [&str; 2] = ["new", "tmp"];

/// The ending of a backup that is being made, or was cut short.
const PARTIAL: &str = ".partial";

/// How much is read at once.
const PIECE_BYTES: usize = 1024 * 1024;

/// Makes a backup of the data directory `data` below `to`, which is there already.
pub(super) fn make(
    data: &Path,
    identity: &Identity,
    to: &Path,
    now: Timestamp,
) -> Result<Made, BackupError> {
    let wrong = |path: &Path| {
        let path = path.to_path_buf();
        move |error| BackupError::File { path, error }
    };
    let school = identity.school();
    let before = earlier(to, &school)?.pop();
    let name = super::name(&school, now);
    let (partial, whole) = (to.join(format!("{name}{PARTIAL}")), to.join(&name));
    for entry in fs::read_dir(to).map_err(wrong(to))?.flatten() {
        let left = entry.file_name();
        let left = left.to_string_lossy();
        if left.starts_with(&super::beginning(&school)) && left.ends_with(PARTIAL) {
            fs::remove_dir_all(entry.path()).map_err(wrong(&entry.path()))?;
        }
    }
    let before = before.map(|(_, backup)| Before::of(&backup)).unwrap_or_default();
    let copying = Copying { data, content: partial.join(CONTENT), before };
    private_dir(&partial).and_then(|()| private_dir(&copying.content)).map_err(wrong(&partial))?;
    let made = copying.all().and_then(|files| {
        let about = Manifest::write(&partial, identity, now, &files)?;
        fs::rename(&partial, &whole)
            .and_then(|()| File::open(to)?.sync_all())
            .map_err(wrong(&whole))?;
        Ok(Made { path: whole.clone(), made: now, bytes: about.bytes })
    });
    if made.is_err()
        && let Err(error) = fs::remove_dir_all(&partial)
    {
        tracing::warn!(path = %partial.display(), %error, "the beginning of a backup was not removed");
    }
    made
}

/// The backup before: where its files lie, and which they are, by their paths.
#[derive(Default)]
struct Before {
    content: PathBuf,
    files: BTreeMap<String, Copied>,
}

impl Before {
    /// Of one that is damaged nothing is taken over.
    fn of(backup: &Path) -> Self {
        let manifest = Manifest::read(backup).inspect_err(|error| {
            tracing::warn!(%error, "the backup before is damaged, so that all is copied anew");
        });
        let files = manifest.map(|manifest| manifest.files).unwrap_or_default().into_iter();
        let files = files.map(|file| (file.path.clone(), file)).collect();
        Self { content: backup.join(CONTENT), files }
    }
}

struct Copying<'a> {
    data: &'a Path,
    content: PathBuf,
    before: Before,
}

impl Copying<'_> {
    fn all(&self) -> Result<Vec<Copied>, BackupError> {
        let mut files = Vec::new();
        self.folder(Path::new("journal"), &mut files)?;
        for name in self.names(Path::new(""))? {
            if name != "journal" && !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                self.one(Path::new(&name), &mut files)?;
            }
        }
        Ok(files)
    }

    /// What lies in a folder of the data directory, in the order of their names.
    fn names(&self, folder: &Path) -> Result<Vec<String>, BackupError> {
        let path = self.data.join(folder);
        let listed = || -> io::Result<Vec<String>> {
            let mut names = Vec::new();
            for entry in fs::read_dir(&path)? {
                let name = entry?.file_name().into_string();
                names.push(name.map_err(|name| {
                    io::Error::other(format!("{} is no name that Staffroom gave", name.display()))
                })?);
            }
            names.sort();
            Ok(names)
        };
        match listed() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            listed => listed.map_err(|error| BackupError::File { path, error }),
        }
    }

    fn folder(&self, folder: &Path, files: &mut Vec<Copied>) -> Result<(), BackupError> {
        if UNFINISHED.iter().any(|unfinished| folder == Path::new(unfinished)) {
            return Ok(());
        }
        let to = self.content.join(folder);
        private_dir(&to).map_err(|error| BackupError::File { path: to.clone(), error })?;
        for name in self.names(folder)? {
            self.one(&folder.join(name), files)?;
        }
        let synced = File::open(&to).and_then(|folder| folder.sync_all());
        synced.map_err(|error| BackupError::File { path: to, error })
    }

    fn one(&self, path: &Path, files: &mut Vec<Copied>) -> Result<(), BackupError> {
        let from = self.data.join(path);
        let wrong = |error| BackupError::File { path: from.clone(), error };
        let about = match fs::symlink_metadata(&from) {
            // It was removed since the folder was listed, as drafts and files are.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            about => about.map_err(wrong)?,
        };
        if about.is_dir() {
            return self.folder(path, files);
        }
        let ending = path.extension().and_then(OsStr::to_str);
        if !about.is_file() || ending.is_some_and(|ending| TEMPORARY.contains(&ending)) {
            return Ok(());
        }
        let name = path.to_string_lossy().into_owned();
        if let Some(copied) = self.linked(&name, about.len()) {
            files.push(copied);
            return Ok(());
        }
        let file = match File::open(&from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(wrong)?,
        };
        let to = self.content.join(path);
        let (bytes, hash) =
            copied(file, &to).map_err(|error| BackupError::File { path: to.clone(), error })?;
        let copied = Copied { path: name.clone(), bytes, hash };
        // The one before is as good, and takes the room once.
        if self.before.files.get(&name) == Some(&copied) {
            link(&self.before.content.join(path), &to);
        }
        files.push(copied);
        Ok(())
    }

    /// A file of a resource is named by its hash and never changes: it need not be read again where the
    /// backup before has it.
    fn linked(&self, name: &str, bytes: u64) -> Option<Copied> {
        let known = self.before.files.get(name)?;
        let is_same = name.starts_with("blobs/") && known.bytes == bytes;
        let link = || fs::hard_link(self.before.content.join(name), self.content.join(name));
        (is_same && link().is_ok()).then(|| known.clone())
    }
}

/// Puts a second name of a file in place of an equal one, where the disk can do that.
fn link(known: &Path, copy: &Path) {
    let beside = copy.with_extension("linked");
    if fs::hard_link(known, &beside).is_ok() && fs::rename(&beside, copy).is_err() {
        drop(fs::remove_file(&beside));
    }
}

fn private_dir(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Copies a file to the disk for good; returns how long it is, and its hash.
pub(super) fn copied(mut from: impl Read, to: &Path) -> io::Result<(u64, Hash)> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
    let mut hasher = blake3::Hasher::new();
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            break;
        }
        hasher.update(&piece[..read]);
        file.write_all(&piece[..read])?;
    }
    file.sync_all()?;
    Ok((hasher.count(), Hash::from_bytes(*hasher.finalize().as_bytes())))
}
