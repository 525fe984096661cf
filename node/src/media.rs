//! What a file is by its content, and which files are shared with nobody, whoever sends them.
//!
//! The rules stand in the tables below, and are asked where a file is uploaded and again where a
//! record with files is published, so that no way of publishing goes round them. A file is judged by
//! its first bytes and its name; what takes a parser (macros, what an archive holds) is found by the
//! process that reads files ([`crate::extract`]).

use std::fs::File;
use std::io::{self, Read};

use crate::extract::{About, Runs};

/// How much of a file is looked at to tell what it is.
pub(crate) const SNIFFED_BYTES: usize = 8 * 1024;

/// What a file begins with that runs where it is opened.
const BEGINNINGS: [(&[u8], &str); 13] = [
    (b"MZ", "a program for Windows"),
    (b"\x7fELF", "a program for Linux"),
    (b"\xfe\xed\xfa\xce", "a program for a Mac"),
    (b"\xfe\xed\xfa\xcf", "a program for a Mac"),
    (b"\xce\xfa\xed\xfe", "a program for a Mac"),
    (b"\xcf\xfa\xed\xfe", "a program for a Mac"),
    (b"\xca\xfe\xba\xbe", "a program for a Mac or for Java"),
    (b"dex\n", "a program for Android"),
    (b"\0asm", "a WebAssembly program"),
    (b"!<arch>\n", "a package of programs for Linux"),
    (b"\xed\xab\xee\xdb", "a package of programs for Linux"),
    (b"L\0\0\0\x01\x14\x02\0", "a shortcut, which starts what it names"),
    (b"ITSF\x03", "a compiled help file, which runs scripts"),
];

/// How the names of files end that run where they are opened. Source code that is only read by
/// whoever teaches or learns it, such as `.py` and `.html`, is not among them.
const ENDINGS: [(&str, &[&str]); 7] = [
    ("a program for Windows", &["exe", "com", "scr", "pif", "dll", "cpl", "sys", "ocx", "xll"]),
    ("an installer", &["msi", "msp", "mst", "msix", "appx", "dmg", "pkg", "deb", "rpm", "apk"]),
    ("a program for Java", &["jar", "class", "jnlp"]),
    ("a script for Windows", &["bat", "cmd", "ps1", "psm1", "vbs", "vbe", "wsf", "wsh", "hta"]),
    ("a script", &["js", "jse", "mjs", "sh", "bash", "zsh", "csh", "fish", "command"]),
    ("a shortcut, which starts what it names", &["lnk", "scf", "url", "desktop", "webloc"]),
    ("a file that changes the settings of Windows", &["reg", "inf", "chm"]),
];

/// How the names of documents end that are meant to hold macros.
const MACRO_ENDINGS: [&str; 10] =
    ["docm", "dotm", "xlsm", "xltm", "xlam", "pptm", "potm", "ppsm", "ppam", "sldm"];

/// What the content of files begins with whose names end so; a name that says otherwise misleads.
const CONTENTS: [(&[&str], &[&[u8]]); 9] = [
    (&["docx", "xlsx", "pptx"], &[b"PK", OLE]),
    (&["odt", "ods", "odp", "zip", "epub"], &[b"PK"]),
    (&["doc", "xls", "ppt"], &[OLE, b"{\\rtf", b"PK"]),
    (&["png"], &[b"\x89PNG"]),
    (&["jpg", "jpeg"], &[b"\xff\xd8\xff"]),
    (&["gif"], &[b"GIF8"]),
    (&["tif", "tiff"], &[b"II*\0", b"MM\0*"]),
    (&["webp", "wav", "avi"], &[b"RIFF"]),
    (&["rtf"], &[b"{\\rtf"]),
];

/// Old documents of Office, and new ones that are locked.
pub(crate) const OLE: &[u8] = b"\xd0\xcf\x11\xe0";

/// The beginning of an archive, and of every new document of Office.
pub(crate) const ZIP: &[u8] = b"PK";

/// Characters that turn the direction of writing, which make `fdp.exe` look like `exe.pdf`.
const TURNING: [char; 9] = [
    '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}',
    '\u{2069}',
];

const HAS_MACROS: &str = "it has macros, which can do anything on the computer of whoever opens it; \
    save it without them (in Word as .docx, in Excel as .xlsx, in PowerPoint as .pptx)";

const MAY_HAVE_MACROS: &str = "it could not be looked through for macros; open it in the program it \
    comes from and save it again";

/// Why a file is shared with nobody.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RefusedFile {
    /// Its content would run.
    #[error(
        "{name}: by its content it is {what}{}; programs and scripts are not shared: put what staff \
         need of it into a document, or give the address of its maker as url",
        although(name)
    )]
    Content {
        /// The file's name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// Its name makes it run.
    #[error(
        "{name}: by its name it is {what}; programs and scripts are not shared: put what staff need \
         of it into a document, or give the address of its maker as url"
    )]
    Name {
        /// The file's name.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A program lies in it.
    #[error(
        "{name}: it holds {what}; programs and scripts are not shared, nor archives with them: pack \
         it again without them"
    )]
    Holds {
        /// The file's name.
        name: String,
        /// What it holds.
        what: String,
    },
    /// It has macros.
    #[error("{name}: {HAS_MACROS}, or share it with --allow-macros if the lesson needs them")]
    Macros {
        /// The file's name.
        name: String,
    },
    /// Nobody knows whether it has macros.
    #[error("{name}: {MAY_HAVE_MACROS}, or share it with --allow-macros if you know what is in it")]
    MacrosUnknown {
        /// The file's name.
        name: String,
    },
    /// Its name is not what it seems.
    #[error(
        "{}: the name holds a character that turns the direction of writing (U+{:04X}), behind which \
         another ending can hide; rename the file",
        name.escape_unicode_turning(), u32::from(*found)
    )]
    Disguised {
        /// The file's name.
        name: ShownName,
        /// The character.
        found: char,
    },
}

impl RefusedFile {
    /// What is wrong, for pages, which allow no macros.
    pub(crate) fn for_pages(&self) -> String {
        match self {
            Self::Macros { name } => format!("{name}: {HAS_MACROS}"),
            Self::MacrosUnknown { name } => format!("{name}: {MAY_HAVE_MACROS}"),
            Self::Content { .. }
            | Self::Name { .. }
            | Self::Holds { .. }
            | Self::Disguised { .. } => self.to_string(),
        }
    }
}

/// A name that is shown without what disguises it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownName(String);

impl ShownName {
    fn escape_unicode_turning(&self) -> String {
        self.0.replace(TURNING, "\u{fffd}")
    }
}

fn although(name: &str) -> String {
    ending(name).map(|ending| format!(", although its name ends in .{ending}")).unwrap_or_default()
}

/// The first bytes of a file, by which it is judged.
///
/// # Errors
/// If the file cannot be read.
pub(crate) fn beginning(file: &mut File) -> io::Result<Vec<u8>> {
    let mut start = Vec::new();
    file.take(SNIFFED_BYTES as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// Refuses what would run on the computer of whoever opens it, by its beginning and its name.
///
/// # Errors
/// [`RefusedFile`] says what it is and what to do.
pub fn refuse_programs(start: &[u8], name: &str) -> Result<(), RefusedFile> {
    if let Some(found) = name.chars().find(|char| TURNING.contains(char)) {
        return Err(RefusedFile::Disguised { name: ShownName(name.to_owned()), found });
    }
    if let Some(what) = runs_by_content(start) {
        return Err(RefusedFile::Content { name: name.to_owned(), what });
    }
    if let Some(what) = runs_by_name(name) {
        return Err(RefusedFile::Name { name: name.to_owned(), what });
    }
    Ok(())
}

/// Refuses what only shows once the file is looked through; `about` is none where that failed.
///
/// # Errors
/// [`RefusedFile`] says what it is and what to do.
pub fn refuse_what_runs(
    start: &[u8],
    name: &str,
    about: Option<&About>,
    allow_macros: bool,
) -> Result<(), RefusedFile> {
    let name_of = || name.to_owned();
    match about.map(|about| about.runs.as_ref()) {
        Some(Some(Runs::Installer)) => {
            return Err(RefusedFile::Content { name: name_of(), what: "an installer for Windows" });
        }
        Some(Some(Runs::Holds(what))) => {
            return Err(RefusedFile::Holds { name: name_of(), what: what.clone() });
        }
        Some(Some(Runs::Macros)) if !allow_macros => {
            return Err(RefusedFile::Macros { name: name_of() });
        }
        None if !allow_macros && (start.starts_with(ZIP) || start.starts_with(OLE)) => {
            return Err(RefusedFile::MacrosUnknown { name: name_of() });
        }
        Some(Some(Runs::Macros) | None) | None => {}
    }
    let meant_for_macros = ending(name).is_some_and(|one| MACRO_ENDINGS.contains(&one.as_str()));
    if meant_for_macros && !allow_macros {
        return Err(RefusedFile::Macros { name: name_of() });
    }
    Ok(())
}

fn runs_by_content(start: &[u8]) -> Option<&'static str> {
    // A list that begins with "MZ", or a text with a song's "!<arch>", has no zero bytes.
    let is_text = !start.contains(&0) && std::str::from_utf8(start).is_ok();
    let known = BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning));
    if let Some((_, what)) = known.filter(|_| !is_text) {
        return Some(what);
    }
    let line = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let interpreter = line.strip_prefix(b"#!").map(<[u8]>::trim_ascii_start);
    interpreter.is_some_and(|path| path.starts_with(b"/")).then_some("a script")
}

/// What a name makes of a file that is opened by it.
pub(crate) fn runs_by_name(name: &str) -> Option<&'static str> {
    let ending = ending(name)?;
    let found = ENDINGS.iter().find(|(_, endings)| endings.contains(&ending.as_str()));
    found.map(|(what, _)| *what)
}

/// How a name ends, in lower case. Windows drops dots and spaces behind it.
fn ending(name: &str) -> Option<String> {
    let (stem, ending) = name.trim_end_matches(['.', ' ']).rsplit_once('.')?;
    (!stem.is_empty() && !ending.is_empty()).then(|| ending.to_lowercase())
}

/// The media type by content; the name decides only between sorts of text.
pub fn media_type(start: &[u8], name: &str) -> &'static str {
    if let Some(kind) = infer::get(start) {
        return kind.mime_type();
    }
    match (is_text(start), ending(name).as_deref()) {
        (true, Some("md" | "markdown")) => "text/markdown",
        (true, Some("csv")) => "text/csv",
        (true, Some("html" | "htm")) => "text/html",
        (true, _) => "text/plain",
        (false, _) => "application/octet-stream",
    }
}

fn is_text(start: &[u8]) -> bool {
    let cut_inside_a_character = |error: &std::str::Utf8Error| error.error_len().is_none();
    match std::str::from_utf8(start) {
        Ok(_) => !start.contains(&0),
        Err(error) => cut_inside_a_character(&error) && start.len() >= SNIFFED_BYTES,
    }
}

/// What to tell the author of a file whose name says something else than its content.
pub fn contradiction(start: &[u8], name: &str) -> Option<String> {
    let ending = ending(name)?;
    let fits = if ending == "pdf" {
        // Readers find the beginning of a PDF somewhere in its first kilobyte.
        start[..start.len().min(1024)].windows(5).any(|window| window == b"%PDF-")
    } else {
        let (_, contents) =
            CONTENTS.iter().find(|(endings, _)| endings.contains(&ending.as_str()))?;
        contents.iter().any(|content| start.starts_with(content))
    };
    (!fits).then(|| {
        format!(
            "{name}: its name ends in .{ending}, but its content is {}; look whether it is the file \
             that you mean, and give it the ending of what it is",
            match media_type(start, "") {
                "application/octet-stream" => "something else",
                "text/plain" => "plain text",
                known => known,
            }
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(start: &[u8], name: &str) -> String {
        refuse_programs(start, name).map_err(|error| error.to_string()).unwrap_err()
    }

    #[test]
    fn content_decides_the_media_type() {
        assert_eq!(media_type(b"%PDF-1.7\n", "lesson.txt"), "application/pdf");
        assert_eq!(media_type(b"# Phonics", "plan.md"), "text/markdown");
        assert_eq!(media_type(b"a,b\n1,2", "marks.CSV"), "text/csv");
        assert_eq!(media_type(b"\x00\x01\x02", "plan.md"), "application/octet-stream");
    }

    #[test]
    fn programs_are_refused_by_their_content_whatever_they_are_called() {
        for (start, what) in [
            (b"MZ\x90\0\x03\0".as_slice(), "for Windows"),
            (b"\x7fELF\x02\x01\x01\0", "for Linux"),
            (b"\xcf\xfa\xed\xfe\x07\0", "for a Mac"),
            (b"\xca\xfe\xba\xbe\0\0", "for Java"),
            (b"L\0\0\0\x01\x14\x02\0\0", "a shortcut"),
            (b"#!/bin/sh\nrm -r ~", "a script"),
            (b"\xef\xbb\xbf#! /usr/bin/env python3\n", "a script"),
        ] {
            let said = refused(start, "lesson.pdf");
            assert!(said.contains(what), "{said}");
            assert!(said.contains("although its name ends in .pdf"), "{said}");
        }
        for fine in ["MZungu is a Swahili word", "#1 hit", "#!important", "!<arch>\nof the door"] {
            assert_eq!(refuse_programs(fine.as_bytes(), "notes.txt"), Ok(()), "{fine}");
        }
    }

    #[test]
    fn programs_are_refused_by_their_name_whatever_they_hold() {
        for name in [
            "run.bat",
            "a.CMD",
            "x.ps1",
            "x.vbs",
            "x.js",
            "x.jar",
            "x.lnk",
            "x.msi",
            "x.exe. ",
            "x.pdf.scr",
        ] {
            let said = refused(b"echo", name);
            assert!(said.starts_with(&format!("{name}: by its name it is a")), "{said}");
        }
        for fine in ["plan.docx", "exe", ".bat", "turtle.py", "page.html", "no ending"] {
            assert_eq!(refuse_programs(b"text", fine), Ok(()), "{fine}");
        }
        let said = refused(b"text", "marks\u{202e}fdp.txt");
        assert!(said.contains("U+202E") && !said.contains('\u{202e}'), "{said}");
    }

    #[test]
    fn macros_are_refused_unless_they_are_allowed_and_programs_always() {
        let about = |runs| Some(About { runs, ..About::default() });
        let judge = |name: &str, about: Option<About>, allowed| {
            refuse_what_runs(b"PK\x03\x04", name, about.as_ref(), allowed)
        };
        for (name, found) in [("a.docx", about(Some(Runs::Macros))), ("a.docm", about(None))] {
            let said = judge(name, found.clone(), false).unwrap_err().to_string();
            assert!(said.contains("--allow-macros"), "{said}");
            assert_eq!(judge(name, found, true), Ok(()));
        }
        assert!(matches!(judge("a.docx", None, false), Err(RefusedFile::MacrosUnknown { .. })));
        assert_eq!(refuse_what_runs(b"\x89PNG", "a.png", None, false), Ok(()));
        assert_eq!(judge("a.docx", about(None), false), Ok(()));
        for found in [Runs::Installer, Runs::Holds("setup.exe, a program".into())] {
            assert!(judge("a.zip", about(Some(found)), true).is_err());
        }
    }

    #[test]
    fn a_name_that_misleads_is_told() {
        let said = contradiction(b"\x89PNG\r\n\x1a\n", "marks.pdf").unwrap();
        assert!(said.contains("ends in .pdf") && said.contains("image/png"), "{said}");
        assert!(contradiction(b"<html>", "report.docx").unwrap().contains("text/html"));
        assert!(contradiction(b"words", "photo.JPG").unwrap().contains("plain text"));
        for (start, name) in [
            (b"\n%PDF-1.4".as_slice(), "a.pdf"),
            (b"PK\x03\x04", "a.pptx"),
            (OLE, "locked.docx"),
            (b"anything", "notes"),
            (b"\xff\xd8\xff\xe1", "photo.jpeg"),
        ] {
            assert_eq!(contradiction(start, name), None, "{name}");
        }
    }
}
