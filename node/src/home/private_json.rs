//! What an administrator set, as JSON in a file of its own that nobody else on the machine may read: it has
//! a password or a secret in it.

use std::fs;
use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{HomeError, write_private};

/// Reads what was set; none if nothing was. What cannot be read counts as not set, and the log says by which
/// command to set it again.
pub(crate) fn read<T: DeserializeOwned>(path: &Path, command: &str) -> Option<T> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!(path = %path.display(), %error, "what was set cannot be read");
            return None;
        }
    };
    let read = serde_json::from_slice(&bytes);
    read.inspect_err(|error| {
        tracing::error!(
            path = %path.display(), %error, "what was set cannot be read; set it again with: {command}"
        );
    })
    .ok()
}

/// Writes it in place of what was there.
///
/// # Errors
/// [`HomeError`] names the file.
pub(crate) fn write(path: &Path, value: &impl Serialize) -> Result<(), HomeError> {
    let bytes = serde_json::to_vec_pretty(value)
        .map_err(|error| HomeError::File { path: path.to_path_buf(), error: error.into() })?;
    write_private(path, &bytes)
}

/// Removes it, if it is there.
///
/// # Errors
/// [`HomeError`] names the file.
pub(crate) fn remove(path: &Path) -> Result<(), HomeError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(HomeError::File { path: path.to_path_buf(), error })
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
