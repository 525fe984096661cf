//! What a data directory says of itself: its format and journal, and whether it was closed well.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

use data_encoding::HEXLOWER;

use super::StoreError;
use super::files::sync_dir;
use super::frame::JournalId;
use super::segment::Header;

/// The format of the data directory as a whole.
pub(super) const FORMAT: u32 = 1;

const STAMP: &str = "VERSION";
const CLEAN: &str = "clean";
const WORDS: &str = "staffroom data format";

/// The journal's id, from the stamp of an existing data directory or for a new one.
pub(super) fn open(dir: &Path, journal: &Path) -> Result<JournalId, StoreError> {
    let path = dir.join(STAMP);
    match fs::read_to_string(&path) {
        Ok(text) => read(&path, &text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let id = match surviving_id(journal)? {
                Some(id) => id,
                None => new_id(dir)?,
            };
            let text = format!("{WORDS} {FORMAT} journal {}\n", HEXLOWER.encode(id.as_bytes()));
            write_durably(dir, STAMP, &text)
                .map_err(|error| StoreError::io("write the stamp", &path, &error))?;
            Ok(id)
        }
        Err(error) => Err(StoreError::io("read the stamp", &path, &error)),
    }
}

fn read(path: &Path, text: &str) -> Result<JournalId, StoreError> {
    let damaged = || StoreError::Damaged {
        path: path.to_owned(),
        reason: format!(
            "expected \"{WORDS} {FORMAT} journal …\" but found {:?}; restore this file from a backup, or delete it to have it made again from the journal",
            text.chars().take(80).collect::<String>()
        ),
    };
    let rest = text.strip_prefix(WORDS).ok_or_else(damaged)?;
    let mut words = rest.split_whitespace();
    let format: u32 = words.next().and_then(|word| word.parse().ok()).ok_or_else(damaged)?;
    if format > FORMAT {
        return Err(StoreError::Newer { path: path.to_owned(), found: format, supported: FORMAT });
    }
    let id = words.nth(1).and_then(|word| HEXLOWER.decode(word.as_bytes()).ok());
    id.and_then(|id| id.try_into().ok()).map(JournalId::from_bytes).ok_or_else(damaged)
}

/// The id in any segment whose header is whole: the stamp was lost but the journal was not.
fn surviving_id(journal: &Path) -> Result<Option<JournalId>, StoreError> {
    let Ok(names) = fs::read_dir(journal) else { return Ok(None) };
    let mut found = false;
    for path in names.filter_map(|name| Some(name.ok()?.path())) {
        let bytes = fs::read(&path)
            .map_err(|error| StoreError::io("read the journal segment", &path, &error))?;
        if let Some(header) = Header::decode(&path, &bytes)? {
            return Ok(Some(header.id));
        }
        found = true;
    }
    if found {
        return Err(StoreError::Damaged {
            path: journal.to_owned(),
            reason: "the data directory has lost its VERSION file and no journal segment is whole enough to make it again; restore the VERSION file from a backup".into(),
        });
    }
    Ok(None)
}

fn new_id(dir: &Path) -> Result<JournalId, StoreError> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| StoreError::Io {
        action: "get random bytes for",
        path: dir.to_owned(),
        reason: error.to_string(),
    })?;
    Ok(JournalId::from_bytes(id))
}

/// Removes the mark of a clean shutdown; whether there was one and `records` is still as it was.
pub(super) fn take_clean(dir: &Path, records: &Path) -> Result<bool, StoreError> {
    let path = dir.join(CLEAN);
    let Ok(mark) = fs::read_to_string(&path) else { return Ok(false) };
    fs::remove_file(&path)
        .and_then(|()| sync_dir(dir))
        .map_err(|error| StoreError::io("remove the mark", &path, &error))?;
    Ok(look(records).is_ok_and(|found| found == mark))
}

/// Makes `records`, which nobody writes to any more, durable, and marks the shutdown as clean.
pub(super) fn leave_clean(dir: &Path, records: &Path) -> Result<(), StoreError> {
    sync_tree(records)
        .and_then(|()| look(records))
        .and_then(|mark| write_durably(dir, CLEAN, &mark))
        .map_err(|error| StoreError::io("mark a clean shutdown in", dir, &error))
}

/// Names, sizes and times of the files under `dir`: what a copy or a repair by hand changes.
fn look(dir: &Path) -> io::Result<String> {
    let mut lines = Vec::new();
    for item in fs::read_dir(dir)? {
        let item = item?;
        let about = item.metadata()?;
        let modified = about.modified()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if about.is_dir() {
            lines.push(look(&item.path())?);
        } else {
            let name = item.file_name().to_string_lossy().into_owned();
            lines.push(format!("{name} {} {}\n", about.len(), modified.as_nanos()));
        }
    }
    lines.sort();
    Ok(lines.concat())
}

/// sled's own flush does not sync, see the facts on sled; a second descriptor can.
fn sync_tree(dir: &Path) -> io::Result<()> {
    for item in fs::read_dir(dir)? {
        let item = item?;
        if item.file_type()?.is_dir() {
            sync_tree(&item.path())?;
        } else {
            File::options().append(true).open(item.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}

fn write_durably(dir: &Path, name: &str, text: &str) -> io::Result<()> {
    let temporary = dir.join(format!("{name}.tmp"));
    let mut file = File::create(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, dir.join(name))?;
    sync_dir(dir)
}
