//! The pages of documents, drawn by the programs that a server has for it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::NoPreview;
use super::helper::{Call, Helpers};

/// The longer side of a picture of a page, in pixels: wide enough to read a heading.
const SIDE: &str = "900";

/// A picture of a page has less than this: pages of photographs have two or three megabytes.
const MAX_PICTURE_BYTES: u64 = 16 * 1024 * 1024;

/// The pages of a document as one file.
const MAX_PAGES_BYTES: u64 = 64 * 1024 * 1024;

/// What LibreOffice says of its work.
const MAX_WORDS_BYTES: u64 = 64 * 1024;

const MEBIBYTE: u64 = 1024 * 1024;

/// What draws a page.
const PDFTOPPM: &str = "pdftoppm, of the package poppler-utils";

/// What reads documents of Office.
const SOFFICE: &str = "LibreOffice";

/// Where LibreOffice makes a socket, at which a second one would find the first; it does not start
/// without, and no setting names another folder.
const SOCKETS: &str = "/tmp";

/// How the names of those sockets begin.
const SOCKET: &str = "OSL_PIPE_";

/// What keeps LibreOffice from running macros, and from loading what a document only points at.
const SETTINGS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="MacroSecurityLevel" oor:op="fuse"><value>3</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" oor:op="fuse"><value>true</value></prop></item>
</oor:items>
"#;

/// Draws one file.
pub(super) struct Drawing<'a> {
    pub(super) helpers: &'a Helpers,
    /// Where its pictures are kept.
    pub(super) folder: &'a Path,
}

impl Drawing<'_> {
    /// A page of a PDF as a picture.
    pub(super) fn page(&self, pdf: File, page: u32) -> Result<Vec<u8>, NoPreview> {
        let program = self.helpers.pages.as_ref().ok_or(NoPreview::Missing(PDFTOPPM))?;
        let page = page.to_string();
        let arguments = ["-png", "-singlefile", "-f", &page, "-l", &page, "-scale-to", SIDE, "-"];
        let private = private_folder(self.folder)?;
        let call = Call {
            program,
            arguments: arguments.map(OsString::from).into(),
            private: private.path(),
            sockets: None,
            memory: 512 * MEBIBYTE,
            file_bytes: 0,
            limit: Duration::from_secs(20),
            most: MAX_PICTURE_BYTES,
        };
        let picture = call.run(pdf).map_err(NoPreview::Run)?;
        picture.filter(|bytes| bytes.starts_with(b"\x89PNG")).ok_or(NoPreview::Failed)
    }

    /// Writes the pages of a document to `pages` as a PDF.
    pub(super) fn convert(
        &self,
        mut file: File,
        ending: &str,
        pages: &Path,
    ) -> Result<(), NoPreview> {
        let program = self.helpers.office.as_ref().ok_or(NoPreview::Missing(SOFFICE))?;
        if self.helpers.pages.is_none() {
            return Err(NoPreview::Missing(PDFTOPPM));
        }
        let private = private_folder(self.folder)?;
        let at = |error| NoPreview::Io { path: private.path().to_owned(), error };
        let document = private.path().join(format!("document.{ending}"));
        let mut copy = File::create(&document).map_err(at)?;
        io::copy(&mut file, &mut copy).map_err(at)?;
        let profile = private.path().join("profile");
        fs::create_dir_all(profile.join("user")).map_err(at)?;
        fs::write(profile.join("user/registrymodifications.xcu"), SETTINGS).map_err(at)?;
        let mut profile_argument = OsString::from("-env:UserInstallation=file://");
        profile_argument.push(&profile);
        let rest =
            ["--headless", "--norestore", "--nolockcheck", "--convert-to", "pdf", "--outdir"];
        let mut arguments = vec![profile_argument];
        arguments.extend(rest.map(OsString::from));
        arguments.extend([private.path().into(), document.into()]);
        let made = private.path().join("document.pdf");
        // The first start only readies the profile and wants to be followed by another.
        for _ in 0..2 {
            let call = Call {
                program,
                arguments: arguments.clone(),
                private: private.path(),
                sockets: Some(Path::new(SOCKETS)),
                memory: 2048 * MEBIBYTE,
                file_bytes: MAX_PAGES_BYTES,
                limit: Duration::from_secs(60),
                most: MAX_WORDS_BYTES,
            };
            let input = File::open("/dev/null").map_err(at)?;
            let ended = call.run(input).map_err(NoPreview::Run)?;
            remove_dead_sockets();
            if ended.is_some() {
                break;
            }
        }
        if !fs::metadata(&made).is_ok_and(|about| about.is_file() && about.len() > 0) {
            return Err(NoPreview::Failed);
        }
        fs::rename(&made, pages).map_err(at)
    }
}

/// Removes the sockets that LibreOffice left behind, as it does itself where it may: those at which
/// nobody listens any more.
fn remove_dead_sockets() {
    for file in fs::read_dir(SOCKETS).into_iter().flatten().flatten() {
        let name = file.file_name();
        let is_dead = || {
            let tried = UnixStream::connect(file.path());
            tried.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
        };
        if name.to_string_lossy().starts_with(SOCKET) && is_dead() {
            // Another user's stays.
            let _ = fs::remove_file(file.path());
        }
    }
}

/// A folder that is gone with all in it when it is let go, on the same disk as what is kept.
fn private_folder(beside: &Path) -> Result<tempfile::TempDir, NoPreview> {
    let parent = beside.parent().unwrap_or(beside);
    let make = || {
        fs::create_dir_all(beside)?;
        tempfile::Builder::new().prefix("drawing").tempdir_in(parent)
    };
    make().map_err(|error| NoPreview::Io { path: parent.to_owned(), error })
}
