//! The files of a folder, judged by what they are and hashed.

use std::fs::File;
use std::io::{self, Read};

use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_FILE_BYTES;

use super::folder::{Folder, Found};
use super::report::FileReport;
use crate::cli::output::{Output, bytes};
use crate::file_names::{self, WrongName};
use crate::media::{self, RefusedFile};

/// A file that may be shared as far as can be told here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hashed {
    /// The file.
    pub(super) found: Found,
    /// Its path inside the folder.
    pub(super) path: String,
    /// The hash of its content.
    pub(super) hash: Hash,
    /// The hash of where it is on this computer.
    pub(super) origin: Hash,
}

/// Why a file is not added. Messages go behind its path.
#[derive(Debug, thiserror::Error)]
enum NotAdded {
    #[error("cannot be read: {0}")]
    Read(#[from] io::Error),
    #[error(
        "is empty: it has 0 bytes; look whether it was saved, and take it out of the folder if so"
    )]
    Empty,
    #[error(
        "has {} ({size} bytes), and a file may have {} ({MAX_FILE_BYTES} bytes); split it, make its \
         pictures or its film smaller, or publish a record with its address as url",
        bytes(*size), bytes(MAX_FILE_BYTES)
    )]
    TooLarge { size: u64 },
    #[error(transparent)]
    Name(#[from] WrongName),
    #[error("has a name that is not written in Unicode; rename it")]
    NameNotText,
    #[error(transparent)]
    Refused(#[from] RefusedFile),
}

/// Judges and hashes all files; those that are not added come with the reason.
pub(super) fn judged_and_hashed(folder: Folder, output: &Output) -> (Vec<Hashed>, Vec<FileReport>) {
    let mut hashed = Vec::new();
    let unreadable = folder.unreadable.into_iter();
    let mut refused: Vec<_> =
        unreadable.map(|(path, why)| FileReport::refused(&path, format!("{path} {why}"))).collect();
    let total = folder.files.iter().map(|found| found.size).sum();
    let mut done = 0;
    let mut progress = output.progress_in_bytes("looking at files");
    for found in folder.files {
        let hash = judge(&found).and_then(|mut file| {
            let mut hasher = blake3::Hasher::new();
            let mut piece = vec![0; 256 * 1024];
            loop {
                let length = file.read(&mut piece)?;
                if length == 0 {
                    return Ok(Hash::from_bytes(*hasher.finalize().as_bytes()));
                }
                hasher.update(&piece[..length]);
                done += length as u64;
                progress.set(done, total);
            }
        });
        let path = found.path.clone();
        match hash {
            Ok(hash) => {
                let origin = Hash::of(found.file.as_os_str().as_encoded_bytes());
                hashed.push(Hashed { found, path, hash, origin });
            }
            Err(NotAdded::Refused(error)) => {
                refused.push(FileReport::refused(&path, error.to_string()));
            }
            Err(error) => refused.push(FileReport::refused(&path, format!("{path} {error}"))),
        }
    }
    (hashed, refused)
}

/// Opens a file, unless it is seen at once that nobody gets it.
fn judge(found: &Found) -> Result<File, NotAdded> {
    let name = found.name();
    if found.file.file_name().is_some_and(|name| name.to_str().is_none()) {
        return Err(NotAdded::NameNotText);
    }
    file_names::check(name)?;
    if found.size == 0 {
        return Err(NotAdded::Empty);
    }
    if found.size > MAX_FILE_BYTES {
        return Err(NotAdded::TooLarge { size: found.size });
    }
    let mut file = File::open(&found.file)?;
    media::refuse_programs(&media::beginning(&mut file)?, name)?;
    Ok(File::open(&found.file)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(name: &str, size: u64) -> String {
        let found = Found { path: format!("a/{name}"), file: "/nowhere".into(), size };
        judge(&found).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told_with_its_value_and_the_rule() {
        assert!(judged("empty.docx", 0).starts_with("is empty: it has 0 bytes"));
        let said = judged("film.mp4", MAX_FILE_BYTES + 1);
        assert!(said.contains(&format!("({} bytes)", MAX_FILE_BYTES + 1)), "{said}");
        assert!(said.contains(&format!("({MAX_FILE_BYTES} bytes)")), "{said}");
        let said = judged(&"x".repeat(256), 1);
        assert_eq!(said, "has a name of 256 bytes, and a name may have 255; shorten it");
        assert!(judged("a\nb.txt", 1).contains("line break"));
        assert!(judged("a.txt", 1).starts_with("cannot be read: "));
    }
}
