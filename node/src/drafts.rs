//! Drafts: what staff are writing. A draft never leaves the node; what is shared of it goes through
//! [`Node::publish`](crate::node::Node::publish) like everything else.
//!
//! Each is a file of its own in the data directory, as its author typed it, so that nothing is lost
//! where it cannot be shared yet.

mod approval;
mod changed;
mod effect;
mod files;
pub(crate) mod form;
mod opened;
mod pasted;
pub(crate) mod rows;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::Kind;

use crate::home::{HomeError, write_private};
use crate::people::UserName;

pub(crate) use approval::{ApprovalError, MOST_NOTE_CHARS};
use approval::{Asked, SentBack};
pub(crate) use effect::DraftEffect;
pub(crate) use files::{AttachError, DraftFile, SeenFile};
pub(crate) use opened::StartError;
pub(crate) use pasted::Column;
pub(crate) use written::{CLEAR, Checked, Cleared, Remark, Text};

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
    /// Everybody who wrote some of it. Like all names of staff, they stay here.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    writers: BTreeSet<UserName>,
    /// Whether it waits for a colleague's approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    /// Whether an approver sent it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sent_back: Option<SentBack>,
}

/// The drafts of this school.
#[derive(Debug)]
pub(crate) struct Drafts {
    folder: PathBuf,
    /// Held while one is changed, written or removed, so that the number of them is kept and no change is
    /// made to a draft that another has changed or removed meanwhile.
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
            writers: BTreeSet::new(),
            asked: None,
            sent_back: None,
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
        self.value(names_another(self.kind())).lines().next().unwrap_or_default()
    }

    /// The values of a field.
    pub(crate) fn values(&self, name: &str) -> &[String] {
        self.fields.get(name).map_or(&[], Vec::as_slice)
    }
}

/// The field in which a record of a kind names the one that it is about or made from.
fn names_another(kind: Kind) -> &'static str {
    match kind {
        Kind::Resource => "based_on",
        Kind::Comment => "on",
        Kind::Intervention
        | Kind::ImpactReport
        | Kind::Adoption
        | Kind::PeerReview
        | Kind::Offer
        | Kind::Framework
        | Kind::Expectation
        | Kind::Plan
        | Kind::SelfAssessment => "of",
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

    /// Keeps a draft that has just begun. One that is here already is changed with [`Self::change`].
    pub(crate) fn keep(&self, draft: &Draft) -> Result<(), DraftError> {
        let _one_at_a_time = self.one_at_a_time();
        self.write(draft)
    }

    /// Changes a draft that is here, and keeps it unless the change fails. Others wait meanwhile, so
    /// `change` is quick and asks for no other change. Where what would be shared is another by it, its
    /// person is one of the writers, and nobody's request for approval holds any longer.
    pub(crate) fn change<T, E: From<DraftError>>(
        &self,
        id: &str,
        by: Option<&UserName>,
        change: impl FnOnce(&mut Draft) -> Result<T, E>,
    ) -> Result<(Draft, T), E> {
        let _one_at_a_time = self.one_at_a_time();
        let mut draft = self.get(id)?;
        let before = draft.fingerprint();
        let came = change(&mut draft)?;
        if draft.fingerprint() != before {
            draft.was_changed_by(by);
        }
        self.write(&draft)?;
        Ok((draft, came))
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, draft: &Draft) -> Result<(), DraftError> {
        let bytes = serde_json::to_vec_pretty(draft)
            .map_err(|error| DraftError::Damaged { path: draft.id.to_string(), error })?;
        if bytes.len() > MOST_DRAFT_BYTES {
            return Err(DraftError::TooLong(bytes.len()));
        }
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

    /// Removes a draft, and says which files it had.
    pub(crate) fn remove(&self, id: &RecordId) -> Result<Vec<Hash>, DraftError> {
        let _one_at_a_time = self.one_at_a_time();
        let path = self.path(id);
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(wrong(&path, error)),
        }
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(files.remove(id).unwrap_or_default())
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
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    use super::*;

    /// Longer than a draft takes to be read and written.
    const TO_COME_BETWEEN: Duration = Duration::from_millis(300);

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

    /// Types an aim into a draft, and does something else from another thread before that is kept.
    fn types_while(drafts: &Drafts, id: &str, another: impl FnOnce() + Send) {
        let (done, is_done) = mpsc::channel();
        thread::scope(|threads| {
            let typed = drafts.change(id, None, |draft| {
                threads.spawn(move || {
                    another();
                    done.send(()).unwrap();
                });
                let came_between = is_done.recv_timeout(TO_COME_BETWEEN).is_ok();
                draft.fields.insert("aim".to_owned(), vec!["Fluency".to_owned()]);
                Ok::<_, DraftError>(came_between)
            });
            assert!(!typed.unwrap().1, "the other change waits");
        });
    }

    #[test]
    fn of_two_changes_at_once_none_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(folder.path().to_path_buf());
        let one = draft(Kind::Resource, &[("title", "Echo")]);
        drafts.keep(&one).unwrap();
        let id = one.id.to_string();
        types_while(&drafts, &id, || {
            let added = drafts.change(&id, None, |draft| {
                draft.fields.insert("title".to_owned(), vec!["Echo reading".to_owned()]);
                Ok::<_, DraftError>(())
            });
            added.unwrap();
        });
        let kept = drafts.get(&id).unwrap();
        assert_eq!((kept.value("aim"), kept.value("title")), ("Fluency", "Echo reading"));
    }

    #[test]
    fn what_is_removed_while_it_is_changed_does_not_come_back() {
        let folder = tempfile::tempdir().unwrap();
        let drafts = Drafts::open(folder.path().to_path_buf());
        let one = draft(Kind::Resource, &[]);
        drafts.keep(&one).unwrap();
        let id = one.id.to_string();
        types_while(&drafts, &id, || drop(drafts.remove(&one.id).unwrap()));
        assert!(matches!(drafts.get(&id), Err(DraftError::Unknown(_))));
        let late = drafts.change(&id, None, |_| Ok::<_, DraftError>(()));
        assert!(matches!(late, Err(DraftError::Unknown(_))), "{late:?}");
        assert_eq!(drafts.all().unwrap(), []);
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
