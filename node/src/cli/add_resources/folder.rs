//! The files in a folder, in an order that stays, and what of it is left out.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde::Serialize;
use walkdir::{DirEntry, WalkDir};

/// Files of one folder. A department's drive has some thousand; more is a whole school's drive, named
/// by mistake.
const MAX_FILES: usize = 10_000;

/// Bytes of all of them: as much as a school's line of 100 Mbit/s sends in a night.
const MAX_TOTAL_BYTES: u64 = 256 * 1024 * 1024 * 1024;

/// Folders inside each other; deeper ones come from programs, or from a folder copied into itself.
const MAX_DEPTH: usize = 32;

/// What systems put into folders, in lower case.
const OF_SYSTEMS: [&str; 8] = [
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    "icon\r",
    "__macosx",
    "$recycle.bin",
    "system volume information",
    "lost+found",
];

/// Why a folder is not looked through.
#[derive(Debug, thiserror::Error)]
pub(super) enum FolderError {
    #[error("{} cannot be looked through: {why}; name a folder that is there", dir.display())]
    Unreadable { dir: PathBuf, why: std::io::Error },
    #[error("{} is a file; name the folder that it is in, or share it with: staffroom publish", .0.display())]
    NotAFolder(PathBuf),
    #[error(
        "{} is the data directory of this school's node, or inside it, where its keys are; nothing in \
         it is shared",
        .0.display()
    )]
    OwnData(PathBuf),
    #[error(
        "{} has more than {MAX_FILES} files, the most that are added at once; name one of the folders \
         inside it",
        .0.display()
    )]
    TooMany(PathBuf),
    #[error(
        "the files in {} have {bytes} bytes together, more than the {MAX_TOTAL_BYTES} that are added at \
         once; name one of the folders inside it",
        dir.display()
    )]
    TooLarge { dir: PathBuf, bytes: u64 },
    #[error("--no-pupil-data names {}, which is none of the files to add; write it as it is found from \
             here, or inside {}", .file.display(), dir.display())]
    NoSuchFile { file: PathBuf, dir: PathBuf },
}

/// A file in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its path inside the folder, with `/` between its parts.
    pub(super) path: String,
    /// Where it is.
    pub(super) file: PathBuf,
    /// Its size in bytes.
    pub(super) size: u64,
}

impl Found {
    /// Its name, without folders.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// What was left out, and how much of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(super) struct Skipped {
    /// Hidden files and folders.
    pub(super) hidden: usize,
    /// What programs keep while a document is open.
    pub(super) locks: usize,
    /// What systems put into folders.
    pub(super) of_systems: usize,
    /// Symbolic links, which are not followed.
    pub(super) links: usize,
    /// Neither files nor folders.
    pub(super) others: usize,
    /// The data directory of the node.
    pub(super) data: usize,
    /// The map of the files.
    pub(super) map: usize,
}

/// A folder that was looked through.
#[derive(Debug, Default)]
pub(super) struct Folder {
    dir: PathBuf,
    pub(super) files: Vec<Found>,
    pub(super) skipped: Skipped,
    /// Paths that cannot be read, and why.
    pub(super) unreadable: Vec<(String, String)>,
}

impl Folder {
    /// Looks through a folder, but not through the data directory of the node.
    pub(super) fn look_through(dir: &Path, data: &Path) -> Result<Self, FolderError> {
        let unreadable = |why| FolderError::Unreadable { dir: dir.to_owned(), why };
        let whole = dir.canonicalize().map_err(unreadable)?;
        if whole.is_file() {
            return Err(FolderError::NotAFolder(dir.to_owned()));
        }
        let data = data.canonicalize().ok();
        if data.as_ref().is_some_and(|data| whole.starts_with(data)) {
            return Err(FolderError::OwnData(dir.to_owned()));
        }
        std::fs::read_dir(&whole).map_err(unreadable)?;
        let mut folder = Self { dir: whole.clone(), ..Self::default() };
        let mut bytes = 0_u64;
        let mut walk = WalkDir::new(&whole)
            .min_depth(1)
            .max_depth(MAX_DEPTH + 1)
            .sort_by_file_name()
            .into_iter();
        while let Some(entry) = walk.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let path = error.path().map(|path| inside(&whole, path)).unwrap_or_default();
                    let why = error.io_error().map(ToString::to_string).unwrap_or_default();
                    folder.unreadable.push((path, format!("cannot be read: {why}")));
                    continue;
                }
            };
            let path = inside(&whole, entry.path());
            if let Some(counter) = folder.skipped.counter(&entry, data.as_deref()) {
                *counter += 1;
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
            } else if entry.depth() > MAX_DEPTH {
                folder.unreadable.push((
                    path,
                    format!("lies in more than {MAX_DEPTH} folders inside each other; move it up"),
                ));
            } else if entry.file_type().is_file() {
                let size = entry.metadata().map(|about| about.len()).unwrap_or_default();
                bytes = bytes.saturating_add(size);
                folder.files.push(Found { path, file: entry.path().to_owned(), size });
                if folder.files.len() > MAX_FILES {
                    return Err(FolderError::TooMany(dir.to_owned()));
                }
            }
        }
        if bytes > MAX_TOTAL_BYTES {
            return Err(FolderError::TooLarge { dir: dir.to_owned(), bytes });
        }
        Ok(folder)
    }

    /// Leaves out one file, where it is in the folder.
    pub(super) fn leave_out(&mut self, file: &Path) {
        let Ok(file) = file.canonicalize() else { return };
        let before = self.files.len();
        self.files.retain(|found| found.file != file);
        self.skipped.map += before - self.files.len();
    }

    /// The paths of the files that are named, or in folders that are.
    pub(super) fn vouched(&self, named: &[PathBuf]) -> Result<Vec<String>, FolderError> {
        let mut paths = Vec::new();
        for file in named {
            let places = [file.canonicalize().ok(), self.dir.join(file).canonicalize().ok()];
            let before = paths.len();
            let is_named =
                |found: &&Found| places.iter().flatten().any(|place| found.file.starts_with(place));
            paths.extend(self.files.iter().filter(is_named).map(|found| found.path.clone()));
            if paths.len() == before {
                let dir = self.dir.clone();
                return Err(FolderError::NoSuchFile { file: file.clone(), dir });
            }
        }
        Ok(paths)
    }
}

impl Skipped {
    pub(super) fn total(&self) -> usize {
        let Self { hidden, locks, of_systems, links, others, data, map } = self;
        hidden + locks + of_systems + links + others + data + map
    }

    /// Where something that is left out is counted; none for what is not.
    fn counter(&mut self, entry: &DirEntry, data: Option<&Path>) -> Option<&mut usize> {
        let name = entry.file_name().to_string_lossy();
        let kind = entry.file_type();
        if kind.is_symlink() {
            Some(&mut self.links)
        } else if OF_SYSTEMS.contains(&name.to_lowercase().as_str()) || name == ".DS_Store" {
            Some(&mut self.of_systems)
        } else if name.starts_with("~$") || name.starts_with(".~lock.") {
            Some(&mut self.locks)
        } else if name.starts_with('.') {
            Some(&mut self.hidden)
        } else if data.is_some_and(|data| entry.path() == data) {
            Some(&mut self.data)
        } else if !kind.is_file() && !kind.is_dir() {
            Some(&mut self.others)
        } else {
            None
        }
    }
}

/// A path inside a folder, with `/` between its parts.
fn inside(dir: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(dir).unwrap_or(path).iter();
    parts.map(OsStr::to_string_lossy).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(dir: &Path, path: &str) {
        let file = dir.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, path).unwrap();
    }

    #[test]
    fn files_come_in_order_and_what_nobody_means_to_share_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        for path in [
            "b.docx",
            "a/2.docx",
            "a/10.docx",
            "~$b.docx",
            ".~lock.b.odt#",
            ".git/config",
            "Thumbs.db",
            "a/.DS_Store",
            "desktop.ini",
            "__MACOSX/x",
            "node/keys/secret",
        ] {
            write(dir.path(), path);
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
        let folder = Folder::look_through(dir.path(), &dir.path().join("node")).unwrap();
        let paths: Vec<&str> = folder.files.iter().map(|found| found.path.as_str()).collect();
        assert_eq!(paths, ["a/10.docx", "a/2.docx", "b.docx"]);
        let Skipped { hidden, locks, of_systems, links, data, .. } = folder.skipped;
        assert_eq!((hidden, locks, of_systems, data), (1, 2, 4, 1));
        assert_eq!(links, usize::from(cfg!(unix)));
        let said = Folder::look_through(&dir.path().join("node/keys"), &dir.path().join("node"));
        assert!(matches!(said, Err(FolderError::OwnData(_))));
    }

    #[test]
    fn a_folder_that_is_none_is_told() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "a.docx");
        let file = Folder::look_through(&dir.path().join("a.docx"), dir.path().join("d").as_path());
        assert!(file.unwrap_err().to_string().contains("is a file; name the folder"));
        let none = Folder::look_through(&dir.path().join("b"), dir.path().join("d").as_path());
        assert!(none.unwrap_err().to_string().contains("name a folder that is there"));
    }

    #[test]
    fn a_folder_that_is_too_large_or_too_deep_is_told_with_its_limits() {
        let dir = tempfile::tempdir().unwrap();
        let deep = "a/".repeat(MAX_DEPTH);
        write(dir.path(), &format!("{deep}x.txt"));
        let folder = Folder::look_through(dir.path(), Path::new("nowhere")).unwrap();
        assert!(folder.files.is_empty());
        assert!(folder.unreadable[0].1.contains("more than 32 folders"), "{folder:?}");
        for number in 0..=MAX_FILES {
            fs::write(dir.path().join(format!("{number}.txt")), "").unwrap();
        }
        let said = Folder::look_through(dir.path(), Path::new("nowhere")).unwrap_err().to_string();
        assert!(
            said.contains("has more than 10000 files") && said.contains("name one of"),
            "{said}"
        );
        fs::remove_file(dir.path().join("0.txt")).unwrap();
        let large = fs::File::create(dir.path().join("1.txt")).unwrap();
        // Takes no room on the disk.
        if large.set_len(MAX_TOTAL_BYTES + 1).is_ok() {
            let said = Folder::look_through(dir.path(), Path::new("nowhere")).unwrap_err();
            assert!(matches!(said, FolderError::TooLarge { bytes, .. } if bytes > MAX_TOTAL_BYTES));
        }
    }

    #[test]
    fn authors_vouch_for_files_and_folders_that_are_there() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "photos/a.png");
        write(dir.path(), "photos/b.png");
        let folder = Folder::look_through(dir.path(), Path::new("nowhere")).unwrap();
        assert_eq!(folder.vouched(&["photos".into()]).unwrap(), ["photos/a.png", "photos/b.png"]);
        assert_eq!(folder.vouched(&[dir.path().join("photos/b.png")]).unwrap(), ["photos/b.png"]);
        assert!(folder.vouched(&["c.png".into()]).unwrap_err().to_string().contains("c.png"));
    }
}
