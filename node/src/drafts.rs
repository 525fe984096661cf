//! Drafts: what staff are writing. A draft never leaves the node; what is shared of it goes through
//! [`Node::publish`](crate::node::Node::publish) like everything else.
//!
//! Each is a file of its own in the data directory, as its author typed it, so that nothing is lost
//! where it cannot be shared yet.

mod changed;
mod effect;
mod files;
pub(crate) mod form;
mod opened;
mod pasted;
pub(crate) mod rows;
mod written;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::Kind;

use crate::home::{HomeError, write_private};

pub(crate) use effect::DraftEffect;
pub(crate) use files::{AttachError, DraftFile, SeenFile};
pub(crate) use opened::StartError;
pub(crate) use pasted::Column;
pub(crate) use written::{Checked, Remark, Text};

/// Drafts of one school: several for each of a large staff, and few enough to list.
const MOST_DRAFTS: usize = 400;

/// Bytes of one draft: three times the longest record that people write.
pub(crate) const MOST_DRAFT_BYTES: usize = 192 * 1024;

/// What was typed, by the names of the fields.
pub(crate) type Fields = BTreeMap<String, Vec<String>>;

/// A record that is being written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Draft {
    /// Its id, which is that of the record when it is shared: to press the button twice shares once.
    pub(crate) id: RecordId,
    kind: String,
    /// When it was saved last.
    pub(crate) saved: Timestamp,
    /// What was typed.
    pub(crate) fields: Fields,
    /// The version before, of a record that was shared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base: Option<Map<String, Value>>,
    /// The files of a resource.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) files: Vec<DraftFile>,
}

/// The drafts of this school.
#[derive(Debug)]
pub(crate) struct Drafts {
    folder: PathBuf,
    /// Held while one is written, so that the number of them is kept.
    writing: Mutex<()>,
    /// The files of each, which are kept for its sake.
    files: Mutex<BTreeMap<RecordId, Vec<Hash>>>,
}

/// Why a draft cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error("there is no draft {0:?} here; it may have been shared or thrown away")]
    Unknown(String),
    #[error(
        "this school has {MOST_DRAFTS} drafts, which is the most it can keep; share some or throw some away"
    )]
    TooMany,
    #[error("the draft has {0} bytes, and {MOST_DRAFT_BYTES} are the most; shorten its texts")]
    TooLong(usize),
    #[error("the draft {path} cannot be read: {error}")]
    Damaged {
        /// Its file.
        path: String,
        /// Why.
        error: serde_json::Error,
    },
    #[error(transparent)]
    File(#[from] HomeError),
}

impl Draft {
    pub(crate) fn new(id: RecordId, kind: Kind, fields: Fields, now: Timestamp) -> Self {
        Self {
            id,
            kind: kind.as_str().to_owned(),
            saved: now,
            fields,
            base: None,
            files: Vec::new(),
        }
    }

    /// The kind of record that it is to be.
    pub(crate) fn kind(&self) -> Kind {
        // No other is ever written.
        self.kind.parse().unwrap_or(Kind::Intervention)
    }

    /// The first value of a field; nothing where it is empty.
    pub(crate) fn value(&self, name: &str) -> &str {
        self.values(name).first().map_or("", String::as_str)
    }

    /// The record that it is about or made from, the first of several; empty where there is none.
    pub(crate) fn of(&self) -> &str {
        let name = if self.kind() == Kind::Resource { "based_on" } else { "of" };
        self.value(name).lines().next().unwrap_or_default()
    }

    /// The values of a field.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }
}

impl Drafts {
    pub(crate) fn open(folder: PathBuf) -> Self {
        let drafts = Self { folder, writing: Mutex::default(), files: Mutex::default() };
        match drafts.all() {
            Ok(all) => all.iter().for_each(|draft| drafts.note_files(draft)),
            Err(error) => tracing::error!(%error, "drafts cannot be read"),
        }
        drafts
    }

    /// Whether a draft has a file.
    pub(crate) fn hold(&self, file: &Hash) -> bool {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.values().flatten().any(|one| one == file)
    }

    fn note_files(&self, draft: &Draft) {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.insert(draft.id, draft.files.iter().map(|one| one.file.hash).collect());
    }

    /// Keeps a draft, in place of what was kept of it before.
    pub(crate) fn keep(&self, draft: &Draft) -> Result<(), DraftError> {
        let bytes = serde_json::to_vec_pretty(draft)
            .map_err(|error| DraftError::Damaged { path: draft.id.to_string(), error })?;
        if bytes.len() > MOST_DRAFT_BYTES {
            return Err(DraftError::TooLong(bytes.len()));
        }
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.path(&draft.id);
        if !path.exists() {
            fs::create_dir_all(&self.folder).map_err(|error| wrong(&self.folder, error))?;
            if self.files()?.len() >= MOST_DRAFTS {
                return Err(DraftError::TooMany);
            }
        }
        write_private(&path, &bytes)?;
        self.note_files(draft);
        Ok(())
    }

    pub(crate) fn get(&self, id: &str) -> Result<Draft, DraftError> {
        // Only what is an id becomes part of a path.
        let id: RecordId =
            id.parse().map_err(|_| DraftError::Unknown(id.chars().take(80).collect()))?;
        let path = self.path(&id);
        match fs::read(&path) {
            Ok(bytes) => read(&path, &bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(DraftError::Unknown(id.to_string()))
            }
            Err(error) => Err(wrong(&path, error)),
        }
    }

    /// All drafts, the last that was saved first. One that cannot be read is left out and logged.
    pub(crate) fn all(&self) -> Result<Vec<Draft>, DraftError> {
        let mut drafts = Vec::new();
        for path in self.files()? {
            let bytes = match fs::read(&path) {
                Ok(bytes) => bytes,
                // It was shared or thrown away meanwhile.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(wrong(&path, error)),
            };
            match read(&path, &bytes) {
                Ok(draft) => drafts.push(draft),
                Err(error) => tracing::error!(%error, "a draft is left out"),
            }
        }
        drafts.sort_by_key(|draft| std::cmp::Reverse(draft.saved));
        Ok(drafts)
    }

    pub(crate) fn remove(&self, id: &RecordId) -> Result<(), DraftError> {
        let path = self.path(id);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(&path, error)),
        }
        self.files.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        Ok(())
    }

    fn files(&self) -> Result<Vec<PathBuf>, DraftError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(wrong(&self.folder, error)),
        };
        let paths: Result<Vec<PathBuf>, io::Error> =
            entries.map(|entry| entry.map(|entry| entry.path())).collect();
        let mut paths = paths.map_err(|error| wrong(&self.folder, error))?;
        paths.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
        Ok(paths)
    }

    fn path(&self, id: &RecordId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }
}

fn wrong(path: &Path, error: io::Error) -> DraftError {
    HomeError::File { path: path.to_path_buf(), error }.into()
}

fn read(path: &Path, bytes: &[u8]) -> Result<Draft, DraftError> {
    serde_json::from_slice(bytes)
        .map_err(|error| DraftError::Damaged { path: path.display().to_string(), error })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn draft(kind: Kind, fields: &[(&str, &str)]) -> Draft {
        let mut typed = Fields::new();
        for (name, value) in fields {
            typed.entry((*name).to_owned()).or_default().push((*value).to_owned());
        }
        Draft::new(RecordId::from_bytes([7; 16]), kind, typed, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn a_draft_is_read_back_as_it_was_typed() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(folder.path().join("drafts"));
        assert_eq!(drafts.all().unwrap(), []);
        let mut one = draft(Kind::Intervention, &[("title", " <b>Echo</b> "), ("subjects", "a")]);
        drafts.keep(&one).unwrap();
        assert_eq!(drafts.get(&one.id.to_string()).unwrap(), one);
        one.fields.insert("title".to_owned(), vec!["Echo".to_owned()]);
        drafts.keep(&one).unwrap();
        assert_eq!(drafts.all().unwrap(), [one.clone()]);
        drafts.remove(&one.id).unwrap();
        drafts.remove(&one.id).unwrap();
        assert!(matches!(drafts.get(&one.id.to_string()), Err(DraftError::Unknown(_))));
        for elsewhere in ["../home", "", "a/../../b"] {
            assert!(matches!(drafts.get(elsewhere), Err(DraftError::Unknown(_))), "{elsewhere}");
        }
    }

    #[test]
    fn drafts_are_bounded_in_size_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(folder.path().to_path_buf());
        let long = "x".repeat(MOST_DRAFT_BYTES);
        let too_long = drafts.keep(&draft(Kind::Intervention, &[("aim", &long)]));
        assert!(matches!(too_long, Err(DraftError::TooLong(_))), "{too_long:?}");
        let mut one = draft(Kind::Intervention, &[]);
        for number in 0..MOST_DRAFTS {
            let number = u128::try_from(number).unwrap();
            one.id = RecordId::from_bytes(number.to_be_bytes());
            drafts.keep(&one).unwrap();
        }
        drafts.keep(&one).unwrap();
        one.id = RecordId::from_bytes([9; 16]);
        assert!(matches!(drafts.keep(&one), Err(DraftError::TooMany)));
        assert_eq!(drafts.all().unwrap().len(), MOST_DRAFTS);
    }
}
