//! Pictures of files: the pages of documents and slides, and small copies of pictures.
//!
//! They are made when somebody looks, of files that are here, and kept in the data directory within a
//! bound; those that were looked at longest ago go first. Files may be made to break whatever draws
//! them: pictures are drawn by a process that reads files ([`crate::extract`]), pages by two programs
//! that a server may or may not have, each shut into a process of its own ([`confine`]).

pub mod confine;
mod document;
pub(crate) mod helper;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::record::File;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use self::document::Drawing;
use self::helper::Helpers;
use crate::intake::KeepError;
use crate::media;
use crate::node::Node;

/// Pages of one document that are shown: enough to see whether to fetch it, and more than a lesson has.
pub const MAX_PAGES: u32 = 20;

/// What all kept pictures take together: some thousand pages.
const MAX_KEPT_BYTES: u64 = 256 * 1024 * 1024;

/// Pictures made at once; each may take a processor and a gigabyte.
const AT_ONCE: usize = 2;

/// The name of a document's pages as one PDF, beside their pictures.
const PAGES: &str = "pages.pdf";

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPreview {
    /// It is of a sort that nobody draws.
    #[error("there is no preview of a file of this sort")]
    Sort,
    /// A program is missing.
    #[error("a preview of this file needs {0}, which is not installed on this server")]
    Missing(&'static str),
    /// It could not be drawn, or not within the limits.
    #[error(
        "there is no preview: the file has no such page, or drawing it failed or took too long"
    )]
    Failed,
    /// A program could not be run, which may be otherwise the next time.
    #[error("there is no preview: the program that draws it could not be run ({0})")]
    Run(io::Error),
    /// The files.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The disk.
    #[error("the preview cannot be kept in {}: {error}", path.display())]
    Io { path: PathBuf, error: io::Error },
}

/// What a file is drawn by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Picture,
    Pdf,
    /// With the ending by which LibreOffice knows it.
    Document(&'static str),
}

/// The endings of documents that LibreOffice reads, which also tell apart what is packed alike.
const DOCUMENTS: [&str; 10] =
    ["docx", "pptx", "xlsx", "odt", "odp", "ods", "doc", "ppt", "xls", "rtf"];

impl Sort {
    /// By what a file is, as far as that can be told from its beginning, and by its name.
    fn of(media_type: &str, name: &str) -> Option<Self> {
        const OFFICE: [&str; 8] = [
            "application/vnd.openxmlformats-officedocument.",
            "application/vnd.oasis.opendocument.",
            "application/vnd.ms-",
            "application/msword",
            "application/x-ole-storage",
            "application/zip",
            "application/rtf",
            "text/rtf",
        ];
        match media_type {
            "image/jpeg" | "image/png" | "image/gif" | "image/webp" => Some(Self::Picture),
            "application/pdf" => Some(Self::Pdf),
            office if OFFICE.iter().any(|one| office.starts_with(one)) => {
                let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_lowercase())?;
                DOCUMENTS.into_iter().find(|one| *one == ending).map(Self::Document)
            }
            _ => None,
        }
    }
}

/// The pictures that are kept, and what makes more.
#[derive(Debug)]
pub(crate) struct Previews {
    dir: PathBuf,
    helpers: Helpers,
    places: Arc<Semaphore>,
    /// One at a time looks what has to go.
    tidying: Mutex<()>,
}

impl Previews {
    /// Those of a folder. What was given up there may be tried again.
    pub(crate) fn open(dir: PathBuf) -> Self {
        let previews = Self {
            dir,
            helpers: Helpers::find(),
            places: Arc::new(Semaphore::new(AT_ONCE)),
            tidying: Mutex::default(),
        };
        let folders = fs::read_dir(&previews.dir).into_iter().flatten().flatten();
        for folder in folders.map(|folder| folder.path()).filter(|path| !is_of_a_file(path)) {
            // What a program worked in when the node was stopped.
            drop(fs::remove_dir_all(folder));
        }
        for file in previews.kept().into_iter().flat_map(|kept| kept.files) {
            if fs::metadata(&file).is_ok_and(|about| about.len() == 0) {
                drop(fs::remove_file(file));
            }
        }
        previews
    }

    /// Whether a file has pictures on this server, if it is what its record says.
    pub(crate) fn draws(&self, file: &File) -> bool {
        let Helpers { pages, office } = &self.helpers;
        match Sort::of(&file.media_type, &file.name) {
            Some(Sort::Picture) => true,
            Some(Sort::Pdf) => pages.is_some(),
            Some(Sort::Document(_)) => pages.is_some() && office.is_some(),
            None => false,
        }
    }

    /// A place to make one in; none once the node stops. It is held until the picture is made, even where
    /// whoever asked for it has gone.
    pub(crate) async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).acquire_owned().await.ok()
    }

    /// The picture of a page of a file that is kept; none where none was made.
    ///
    /// # Errors
    /// [`NoPreview`] if it was tried in vain, or cannot be read.
    pub(crate) fn kept_picture(
        &self,
        file: &Hash,
        page: u32,
    ) -> Result<Option<Vec<u8>>, NoPreview> {
        let folder = self.folder(file);
        match kept(&picture_in(&folder, page)) {
            Ok(Some(picture)) if picture.is_empty() => Err(NoPreview::Failed),
            Ok(picture) => Ok(picture),
            Err(error) => Err(NoPreview::Io { path: folder, error }),
        }
    }

    /// Lets go of the pictures of a file.
    pub(crate) fn forget(&self, file: &Hash) {
        match fs::remove_dir_all(self.folder(file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(%error, "the preview of a file was not removed");
            }
            Err(_) | Ok(()) => {}
        }
    }

    fn folder(&self, file: &Hash) -> PathBuf {
        self.dir.join(file.to_string())
    }

    /// What is kept of each file.
    fn kept(&self) -> Vec<KeptPictures> {
        let folders = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let folders = folders.map(|folder| folder.path()).filter(|path| is_of_a_file(path));
        folders.map(KeptPictures::in_folder).collect()
    }

    /// Lets go of what was looked at longest ago until the rest fits.
    fn tidy(&self, most: u64) {
        let _one_at_a_time = self.tidying.lock().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.kept();
        kept.sort_by_key(|one| one.looked_at);
        let mut bytes: u64 = kept.iter().map(|one| one.bytes).sum();
        for one in kept {
            if bytes <= most {
                return;
            }
            if fs::remove_dir_all(&one.folder).is_ok() {
                bytes -= one.bytes;
            }
        }
    }
}

/// Whether a folder has pictures of a file: it has the file's hash for a name.
fn is_of_a_file(folder: &Path) -> bool {
    folder
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.parse::<Hash>().is_ok())
}

/// The pictures of one file.
#[derive(Debug)]
struct KeptPictures {
    folder: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    looked_at: SystemTime,
}

impl KeptPictures {
    fn in_folder(folder: PathBuf) -> Self {
        let mut kept =
            Self { folder, files: Vec::new(), bytes: 0, looked_at: SystemTime::UNIX_EPOCH };
        for file in fs::read_dir(&kept.folder).into_iter().flatten().flatten() {
            if let Ok(about) = file.metadata() {
                kept.bytes += about.len();
                kept.looked_at = kept.looked_at.max(about.modified().unwrap_or(kept.looked_at));
            }
            kept.files.push(file.path());
        }
        kept
    }
}

/// Where the picture of a page is, in the folder of its file.
fn picture_in(folder: &Path, page: u32) -> PathBuf {
    folder.join(format!("{page}.png"))
}

/// A kept picture, noted as looked at; none where none was made, empty where it could not be.
fn kept(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => {
            let file = fs::File::options().append(true).open(path);
            drop(file.and_then(|file| file.set_modified(SystemTime::now())));
            Ok(Some(bytes))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Node {
    /// A picture, as PNG, of a page of a file that is here; of a picture there is one page.
    pub(crate) fn picture(&self, file: &File, page: u32) -> Result<Vec<u8>, NoPreview> {
        if let Some(picture) = self.previews().kept_picture(&file.hash, page)? {
            return Ok(picture);
        }
        let folder = self.previews().folder(&file.hash);
        let drawn = self.draw(file, page, &folder);
        if let Ok(_) | Err(NoPreview::Failed) = &drawn {
            // Nothing in it says that it was tried in vain.
            let picture = drawn.as_deref().unwrap_or_default();
            fs::create_dir_all(&folder)
                .and_then(|()| fs::write(picture_in(&folder, page), picture))
                .map_err(|error| NoPreview::Io { path: folder.clone(), error })?;
            self.previews().tidy(MAX_KEPT_BYTES);
            // It may have been withdrawn while it was drawn.
            if !self.is_needed(&file.hash).map_err(KeepError::from)? {
                self.previews().forget(&file.hash);
            }
        }
        drawn
    }

    fn draw(&self, file: &File, page: u32, folder: &Path) -> Result<Vec<u8>, NoPreview> {
        let opened = || -> Result<fs::File, NoPreview> {
            let opened = self.blobs().open_blob(&file.hash).map_err(KeepError::from)?;
            opened.ok_or(NoPreview::Failed)
        };
        let start = media::beginning(&mut opened()?)
            .map_err(|error| NoPreview::Io { path: self.home().blobs(), error })?;
        let drawing = Drawing { helpers: &self.previews().helpers, folder };
        let sort = Sort::of(media::media_type(&start, &file.name), &file.name);
        match sort.ok_or(NoPreview::Sort)? {
            Sort::Picture if page > 1 => Err(NoPreview::Failed),
            Sort::Picture => self.extractor().thumbnail(opened()?).ok_or(NoPreview::Failed),
            Sort::Pdf => drawing.page(opened()?, page),
            Sort::Document(ending) => {
                let pages = folder.join(PAGES);
                if !pages.exists() {
                    drawing.convert(opened()?, ending, &pages)?;
                }
                let pages = fs::File::open(&pages)
                    .map_err(|error| NoPreview::Io { path: pages.clone(), error })?;
                drawing.page(pages, page)
            }
        }
    }

    /// The beginning of the text inside a file of a group, where it is here.
    pub(crate) fn start_of_text(
        &self,
        group: &GroupId,
        text: &Hash,
    ) -> Result<Option<String>, KeepError> {
        /// A page of a book.
        const MOST_CHARS: usize = 3_000;
        let text = self.file_text_of(group, text)?;
        Ok(text.map(|text| text.chars().take(MOST_CHARS).collect()))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn previews(dir: &Path) -> Previews {
        Previews::open(dir.to_owned())
    }

    fn keep(previews: &Previews, name: &[u8], bytes: usize, age: u64) -> PathBuf {
        let folder = previews.folder(&Hash::of(name));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("1.png");
        fs::write(&path, vec![1; bytes]).unwrap();
        let looked_at = SystemTime::now() - Duration::from_secs(age);
        fs::File::options().append(true).open(&path).unwrap().set_modified(looked_at).unwrap();
        path
    }

    #[test]
    fn what_was_looked_at_longest_ago_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let previews = previews(dir.path());
        let (old, older, new) = (
            keep(&previews, b"old", 1_000, 200),
            keep(&previews, b"older", 1_000, 300),
            keep(&previews, b"new", 1_000, 100),
        );
        assert_eq!(kept(&older).unwrap().map(|bytes| bytes.len()), Some(1_000));
        previews.tidy(2_000);
        assert_eq!([&old, &older, &new].map(|path| path.exists()), [false, true, true]);
        previews.tidy(2_000);
        assert!(older.exists() && new.exists(), "what fits stays");
        previews.forget(&Hash::of(b"new"));
        assert!(older.exists() && !new.exists());
    }

    #[test]
    fn what_was_given_up_may_be_tried_again_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let given_up = keep(&previews(dir.path()), b"bomb", 0, 10);
        let drawn = keep(&previews(dir.path()), b"plan", 10, 10);
        drop(previews(dir.path()));
        assert!(!given_up.exists() && drawn.exists());
    }
}
