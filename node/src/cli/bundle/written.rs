//! A file that is written to a folder or a memory stick: whole under its name, or not there.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::http::BundleReport;
use crate::store::{is_full, sync_dir};

/// A file that was written.
pub(super) struct Written {
    pub(super) path: PathBuf,
    pub(super) bytes: u64,
}

/// A file that is being written; nothing is left of it unless it is kept.
pub(super) struct Part {
    file: NamedTempFile,
    folder: PathBuf,
    path: PathBuf,
    bytes: u64,
}

/// Says what is in the way of a file before it is made.
pub(super) fn check(out: &Path) -> anyhow::Result<()> {
    if out.is_dir() {
        return Ok(());
    }
    if out.exists() {
        bail!("{} exists; move it away or choose another name with --out", out.display());
    }
    let folder = folder_of(out);
    if !folder.is_dir() {
        bail!("there is no folder {}; is the memory stick mounted?", folder.display());
    }
    Ok(())
}

impl Part {
    /// Begins a file at `out`, or under a name that says what it is in the folder `out`.
    pub(super) fn begin(out: &Path, report: &BundleReport, sort: &str) -> anyhow::Result<Self> {
        check(out)?;
        let (folder, path) = if out.is_dir() {
            (out.to_owned(), free_name(out, report, sort))
        } else {
            (folder_of(out), out.to_owned())
        };
        let file = tempfile::Builder::new()
            .prefix(".staffroom-")
            .tempfile_in(&folder)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        Ok(Self { file, folder, path, bytes: 0 })
    }

    /// Adds bytes at the end.
    pub(super) fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(|error| self.failed(error))
    }

    /// How many bytes it has so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Gives the file its name, once all of it is on the disk.
    pub(super) fn keep(self) -> anyhow::Result<Written> {
        if let Err(error) = self.file.as_file().sync_all() {
            return Err(self.failed(error));
        }
        let Self { file, folder, path, bytes } = self;
        match file.persist_noclobber(&path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == ErrorKind::AlreadyExists => {
                bail!("{} has come to exist; choose another name with --out", path.display());
            }
            // The file systems of memory sticks can neither link nor rename to a name that must be free.
            Err(error) => named(error.file, &path)
                .with_context(|| format!("cannot write {}", path.display()))?,
        }
        sync_dir(&folder).with_context(|| format!("cannot write in {}", folder.display()))?;
        Ok(Written { path, bytes })
    }

    fn failed(&self, error: io::Error) -> anyhow::Error {
        let folder = self.folder.display();
        if is_full(&error) {
            return anyhow::anyhow!(
                "{folder} is full and nothing was written; free space on it, or leave files out with --files none"
            );
        }
        if error.kind() == ErrorKind::FileTooLarge {
            return anyhow::anyhow!(
                "{folder} takes no file of that size, as sticks with FAT32 do from 4 GiB on; format it with exFAT, or leave files out with --files none or --since"
            );
        }
        anyhow::Error::new(error).context(format!("cannot write in {folder}"))
    }
}

/// Claims a name that is free, and puts the file there.
fn named(file: NamedTempFile, path: &Path) -> io::Result<()> {
    let claimed: File = OpenOptions::new().write(true).create_new(true).open(path)?;
    drop(claimed);
    match file.persist(path) {
        Ok(_) => Ok(()),
        Err(error) => {
            std::fs::remove_file(path)?;
            Err(error.error)
        }
    }
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

/// A name with the group, the school and the day, in letters that every file system takes.
fn free_name(folder: &Path, report: &BundleReport, sort: &str) -> PathBuf {
    let day = crate::clock::today();
    let name = format!("{}-{}-{day}", plain(&report.group_name), plain(&report.school));
    let numbered = |number: u32| match number {
        1 => folder.join(format!("{name}.{sort}")),
        number => folder.join(format!("{name}-{number}.{sort}")),
    };
    (1..).map(numbered).find(|path| !path.exists()).unwrap_or_else(|| numbered(1))
}

fn plain(name: &str) -> String {
    const MOST_CHARS: usize = 60;
    let letters = name.to_lowercase();
    let words = letters.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").chars().take(MOST_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::hash::GroupId;

    use super::*;

    fn report() -> BundleReport {
        BundleReport {
            group: GroupId::from_bytes([1; 32]),
            group_name: "St. Mary's: Ely/Wisbech".into(),
            school: "Ash Primary".into(),
            bytes: 0,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn in_a_folder_it_gets_a_name_of_its_own_and_what_is_not_kept_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut half = Part::begin(dir.path(), &report(), "bundle").unwrap();
        half.write(b"half").unwrap();
        assert_eq!(names(dir.path()).len(), 1);
        drop(half);
        assert_eq!(names(dir.path()), [""; 0]);
        for (number, end) in ["", "-2"].into_iter().enumerate() {
            let mut whole = Part::begin(dir.path(), &report(), "bundle").unwrap();
            whole.write(&[b'a' + number as u8]).unwrap();
            let written = whole.keep().unwrap();
            let name = written.path.file_name().unwrap().to_str().unwrap().to_owned();
            assert!(name.starts_with("st-mary-s-ely-wisbech-ash-primary-20"), "{name}");
            assert!(name.ends_with(&format!("{end}.bundle")), "{name}");
        }
        assert_eq!(names(dir.path()).len(), 2);
    }

    #[test]
    fn a_file_that_exists_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("one.bundle");
        let mut part = Part::begin(&path, &report(), "bundle").unwrap();
        part.write(b"new").unwrap();
        std::fs::write(&path, "old").unwrap();
        assert!(part.keep().is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert!(Part::begin(&path, &report(), "bundle").is_err());
        // Where links do not exist.
        let file = NamedTempFile::new_in(dir.path()).unwrap();
        assert!(named(file, &path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        let file = NamedTempFile::new_in(dir.path()).unwrap();
        std::fs::write(file.path(), "two").unwrap();
        named(file, &dir.path().join("two.bundle")).unwrap();
        assert_eq!(std::fs::read(dir.path().join("two.bundle")).unwrap(), b"two");
        assert_eq!(names(dir.path()).len(), 2);
    }
}
