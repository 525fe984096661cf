//! A new data directory from a backup.

use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use jiff::Timestamp;

use super::manifest::{About, CONTENT, Manifest};
use super::{BackupError, copy, restored};
use crate::home::Home;

/// Fills a data directory that is empty, or not there, with what is in a backup, checked as it is copied; `done`
/// hears how many bytes are there. The node that starts on it first waits until it has heard from the other
/// schools.
///
/// # Errors
/// [`BackupError`] says what is in the way. What was copied until then is removed.
pub(crate) fn restore(
    backup: &Path,
    home: &Home,
    now: Timestamp,
    done: &mut dyn FnMut(u64),
) -> Result<About, BackupError> {
    let manifest = Manifest::read(backup)?;
    let dir = home.dir();
    let wrong = |error| BackupError::File { path: dir.into(), error };
    DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(wrong)?;
    if fs::read_dir(dir).map_err(wrong)?.next().is_some() {
        return Err(BackupError::NotEmpty(dir.into()));
    }
    // First of all: what was copied in part is not to be taken for a whole school.
    let copied = restored::mark(home, manifest.about.made, now)
        .and_then(|()| copy_all(backup, &manifest, dir, done));
    if let Err(error) = copied {
        if let Err(error) = fs::remove_dir_all(dir) {
            tracing::warn!(dir = %dir.display(), %error, "what was copied was not removed");
        }
        return Err(error);
    }
    Ok(manifest.about)
}

fn copy_all(
    backup: &Path,
    manifest: &Manifest,
    dir: &Path,
    done: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let mut bytes = 0;
    for file in &manifest.files {
        let (from, to) = (backup.join(CONTENT).join(&file.path), dir.join(&file.path));
        let wrong = |error| BackupError::File { path: to.clone(), error };
        if let Some(folder) = to.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(wrong)?;
        }
        let opened = File::open(&from).map_err(|_| BackupError::Changed(from.clone()))?;
        if copy::copied(opened, &to).map_err(wrong)? != (file.bytes, file.hash) {
            return Err(BackupError::Changed(from));
        }
        bytes += file.bytes;
        done(bytes);
    }
    Ok(())
}
