//! What in a file would run on the computer of whoever opens it.

use std::io::{Cursor, Read};

use cfb::CompoundFile;
use serde::{Deserialize, Serialize};
use zip::ZipArchive;

use crate::media::{self, OLE, ZIP};

/// What in a file would run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Runs {
    /// Macros of a document.
    Macros,
    /// It installs a program for Windows.
    Installer,
    /// A program or script that lies in an archive, by its name and what it is.
    Holds(String),
}

/// What the name of a part begins or ends with that holds macros, in lower case.
const MACRO_PARTS: [&str; 4] = ["vbaproject.bin", "vbadata.xml", "macrosheets/", "xl4macro"];

/// What the folders of an OpenDocument file are called that hold its macros. Those that LibreOffice
/// puts into every file hold no module.
const OPEN_MACROS: [(&str, &[&str]); 2] =
    [("Basic/", &["script-lb.xml", "script-lc.xml"]), ("Scripts/", &[])];

/// The storages and streams of macros in an old document of Office.
const OLD_MACROS: [&str; 3] = ["_VBA_PROJECT_CUR", "_VBA_PROJECT", "Macros"];

/// The class of a Windows Installer package, and of its patches and transforms.
const INSTALLERS: std::ops::RangeInclusive<u32> = 0x000c_1082..=0x000c_1086;

/// The longest name that is told of what lies in an archive.
const MAX_SHOWN_CHARS: usize = 80;

/// What would run; the first that is found.
pub(super) fn find(bytes: &[u8]) -> Option<Runs> {
    if bytes.starts_with(OLE) {
        old(bytes)
    } else if bytes.starts_with(ZIP) {
        let Ok(archive) = ZipArchive::new(Cursor::new(bytes)) else { return raw(bytes) };
        packed(archive)
    } else {
        None
    }
}

/// What can be told of a document that is too large to be read, or damaged, by its bytes as they come:
/// the names of parts stand there as they are.
pub(super) fn raw(bytes: &[u8]) -> Option<Runs> {
    const PACKED: &[u8] = b"vbaproject.bin";
    const OLD: &[u8] = b"_\0V\0B\0A\0_\0P\0R\0O\0J\0E\0C\0T\0";
    let found = bytes.windows(PACKED.len()).any(|window| window.eq_ignore_ascii_case(PACKED))
        || bytes.windows(OLD.len()).any(|window| window == OLD);
    found.then_some(Runs::Macros)
}

fn old(bytes: &[u8]) -> Option<Runs> {
    // Programs open what is slightly damaged.
    let Ok(file) = CompoundFile::open(Cursor::new(bytes)) else { return raw(bytes) };
    let (class, ..) = file.root_entry().clsid().as_fields();
    if INSTALLERS.contains(&class) {
        return Some(Runs::Installer);
    }
    let mut entries = file.walk();
    entries.any(|entry| OLD_MACROS.contains(&entry.name())).then_some(Runs::Macros)
}

fn packed(mut archive: ZipArchive<Cursor<&[u8]>>) -> Option<Runs> {
    let names = archive.file_names().filter_map(|name| name.ok().map(|name| name.into_owned()));
    let names: Vec<String> = names.collect();
    for name in &names {
        let folded = name.to_lowercase();
        let open = OPEN_MACROS.iter().any(|(folder, empty)| {
            name.starts_with(folder)
                && !name.ends_with('/')
                && !empty.iter().any(|file| name.ends_with(file))
        });
        if open || MACRO_PARTS.iter().any(|part| folded.contains(part)) {
            return Some(Runs::Macros);
        }
    }
    // The part may be called otherwise; the list of what parts are has to say so.
    if let Ok(types) = archive.by_name("[Content_Types].xml") {
        const MOST: u64 = 4 * 1024 * 1024;
        let mut list = String::new();
        let read = types.take(MOST).read_to_string(&mut list);
        if read.is_ok() && (list.contains("vbaProject") || list.contains("macroEnabled")) {
            return Some(Runs::Macros);
        }
    }
    names.iter().find_map(|name| {
        let what = media::runs_by_name(name.rsplit('/').next().unwrap_or(name))?;
        let shown: String = name.chars().filter(|char| !char.is_control()).collect();
        let shown: String = shown.chars().take(MAX_SHOWN_CHARS).collect();
        Some(Runs::Holds(format!("{shown:?}, {what}")))
    })
}
