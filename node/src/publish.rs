//! Publishing and withdrawing: from what a person wrote to signed entries in the store.

mod attached;
mod preview;
mod told;

use std::collections::BTreeMap;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry, EntryError};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::publish::{self, Context, Prepared, Refusal};
use staffroom_protocol::record::{
    Authored, AuthoredError, Kind, Problem, Record, Reference, Severity,
};
use staffroom_protocol::safeguard::{Allowed, Clearance, Finding, Sort};
use utoipa::ToSchema;

use crate::blobs::BlobError;
use crate::clock::{now_millis, today};
use crate::file_texts::KnownTexts;
use crate::groups::GroupError;
use crate::home::{HomeError, random};
use crate::intake::{KeepError, possession};
use crate::media::RefusedFile;
use crate::node::Node;
use crate::peer_clocks::ClockAhead;
use crate::records::RecordError;
use crate::store::{Change, MAX_SMALL_BLOB_BYTES, StoreError, Table};

pub(crate) use preview::Preview;
pub use told::Told;

/// The reason that stands in the log where an author confirmed it by a file's name alone.
pub(crate) const CONFIRMED: &str = "its author says that it holds no pupil data";

/// What became of one record that was to be published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub enum PublishOutcome {
    /// It is shared.
    Published {
        /// Its id.
        id: RecordId,
        /// Its title.
        title: String,
        /// The groups it is shared with.
        groups: Vec<String>,
        /// Whether it is a new version of a record that was shared before.
        new_version: bool,
        /// What the author should look at.
        warnings: Vec<String>,
    },
    /// The very same was shared before.
    Unchanged {
        /// Its id.
        id: RecordId,
        /// Its title.
        title: String,
    },
    /// It is not shared.
    Refused {
        /// Its title, as far as it could be read.
        title: String,
        /// Why, a reason each.
        reasons: Vec<String>,
    },
}

/// How to publish.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct PublishOptions {
    /// Groups to share with where a record names none.
    pub groups: Vec<String>,
    /// Publish a second record even where this school has one of that kind and title.
    pub allow_same_title: bool,
    /// Only say what would happen.
    pub check_only: bool,
    /// Names of files that the author has looked through and found to hold no pupil data, where the
    /// text inside them cannot be looked through.
    pub no_pupil_data: Vec<String>,
    /// Share documents with macros.
    pub allow_macros: bool,
    /// Where each of the records comes from, as the hash of a path; kept at this node alone, to know
    /// the record of a file that has changed. Empty where nobody will ask.
    pub origins: Vec<Hash>,
}

/// Why one record is not shared.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// It cannot be read.
    #[error(transparent)]
    Authored(#[from] AuthoredError),
    /// It breaks a rule, or holds what must not leave a school.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A group.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The clock.
    #[error(transparent)]
    Clock(#[from] ClockAhead),
    /// No group was named.
    #[error("say which groups to share it with, as groups: in the file or with --group; this school is in: {}", .0.join(", "))]
    WhichGroups(Vec<String>),
    /// There is no group.
    #[error("this school is in no group yet; create one or join one first")]
    NoGroup,
    /// It refers to a record that is not held.
    #[error("{field}: {error}")]
    Reference {
        /// The field, or the id.
        field: String,
        /// Why.
        error: RecordError,
    },
    /// There is one of that title.
    #[error(
        "this school has shared a record of that kind and title: add \"id: {0}\" to publish this as its new version, or use --new to publish a second one"
    )]
    SameTitle(RecordId),
    /// It was withdrawn.
    #[error("the record {0} was withdrawn; leave out its id to share it again as a new record")]
    Withdrawn(RecordId),
    /// Its kind was another before.
    #[error("the record {id} is of the kind {was}; a new version cannot change that")]
    KindChanged {
        /// The record.
        id: RecordId,
        /// Its kind.
        was: String,
    },
    /// A file is missing.
    #[error("the file {0:?} was not uploaded before the record")]
    FileMissing(String),
    /// Files that are shared with nobody.
    #[error("{}", .0.iter().map(RefusedFile::to_string).collect::<Vec<_>>().join("\n"))]
    Files(Vec<RefusedFile>),
    /// The entry.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The files.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The texts of files.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// The data directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// A record held.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl PublishError {
    /// Whether it concerns the node and not the one record, so that the next would fail too.
    pub(crate) fn is_general(&self) -> bool {
        matches!(self, Self::Store(_) | Self::Home(_) | Self::Blob(_) | Self::Keep(_))
    }

    fn reasons(&self) -> Vec<String> {
        if let Self::Refused(Refusal { problems, findings }) = self {
            return problems
                .iter()
                .filter(|problem| problem.severity == Severity::Refused)
                .map(Problem::to_string)
                .chain(findings.iter().map(Finding::to_string))
                .collect();
        }
        if let Self::Files(refused) = self {
            return refused.iter().map(RefusedFile::to_string).collect();
        }
        vec![self.to_string()]
    }
}

/// Records of one call that are checked and not stored yet.
#[derive(Default)]
struct Batch {
    entries: Vec<Entry>,
    changes: Vec<Change>,
    clock: Timestamp,
    /// The keys under which its records are found again.
    keys: BTreeMap<Vec<u8>, RecordId>,
    /// What was read in the files of all of them.
    texts: KnownTexts,
}

/// What one record adds to a batch.
struct Checked {
    /// The school whose record it is: this one, or one that it goes on for.
    school: SchoolId,
    id: RecordId,
    held: Option<Entry>,
    groups: Vec<GroupId>,
    kind: Kind,
    prepared: Prepared,
    /// What the author should look at in its files.
    notes: Vec<String>,
    /// Names exactly what was written, so that the same is not published twice.
    source: Vec<u8>,
    /// Names its kind and title.
    title_key: Vec<u8>,
}

impl Node {
    /// Publishes records as people wrote them, each a flat map of fields; what is wrong with one
    /// does not keep the others back. All of them are stored with one sync of the disk.
    ///
    /// # Errors
    /// [`PublishError`] only for what concerns the whole node, such as a full disk; nothing of this
    /// call is published then.
    pub fn publish(
        &self,
        written: Vec<Value>,
        options: &PublishOptions,
    ) -> Result<(Vec<PublishOutcome>, Told), PublishError> {
        // Nobody waits for files that somebody else publishes.
        let texts = self.read_texts_in(&written)?;
        let _one_at_a_time = self.publishing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut outcomes = Vec::with_capacity(written.len());
        let mut batch = Batch { texts, ..Batch::default() };
        for (place, value) in written.into_iter().enumerate() {
            let title = title_of(&value);
            let origin = options.origins.get(place);
            outcomes.push(match self.check(value, options, &batch) {
                Ok(Ok(checked)) => {
                    let outcome = self.outcome(&checked, title);
                    if !options.check_only {
                        self.add_to_batch(checked, origin, &mut batch)?;
                    }
                    outcome
                }
                Ok(Err(id)) => PublishOutcome::Unchanged { id, title },
                Err(error) if error.is_general() => return Err(error),
                Err(error) => PublishOutcome::Refused { title, reasons: error.reasons() },
            });
        }
        self.store_entries(&batch.entries.iter().collect::<Vec<_>>(), batch.changes)?;
        Ok((outcomes, Told::of(&batch.entries)))
    }

    /// Reads and checks one record; the inner error is the id of the very same one shared before.
    fn check(
        &self,
        value: Value,
        options: &PublishOptions,
        batch: &Batch,
    ) -> Result<Result<Checked, RecordId>, PublishError> {
        let source = lookup_key(b"source", value.to_string().as_bytes());
        // With an id it may be an earlier version again, which is news.
        if value.get("id").is_none()
            && let Some(id) = self.looked_up(&source, batch)?
        {
            return Ok(Err(id));
        }
        let mut authored = Authored::from_value(value)?;
        let kind = authored.record.kind();
        let groups = self.groups_for(&authored, options)?;
        groups.iter().try_for_each(|group| self.check_clock(group))?;
        self.fill_in_references(&mut authored, batch)?;
        let title_key =
            lookup_key(b"title", format!("{kind} {}", authored.record.common.title).as_bytes());
        if authored.id.is_none()
            && !options.allow_same_title
            && let Some(id) = self.looked_up(&title_key, batch)?
        {
            return Err(PublishError::SameTitle(id));
        }
        let (school, held) = match authored.id {
            Some(id) => self.own_record(id)?,
            None => (self.identity().school(), None),
        };
        if let Some(group) = groups.iter().find(|group| !self.speaks_for(group, &school)) {
            let name = self.group_names().remove(group).unwrap_or_else(|| group.short());
            return Err(GroupError::NotNextThere(name).into());
        }
        let id = match authored.id {
            Some(id) => id,
            None => RecordId::from_bytes(random(self.home().dir())?),
        };
        if let Some(held) = &held {
            if held.entry.is_withdrawal() {
                return Err(PublishError::Withdrawn(id));
            }
            if held.entry.kind() != kind.as_str() {
                return Err(PublishError::KindChanged { id, was: held.entry.kind().to_owned() });
            }
        }
        let before = held.as_ref().and_then(|held| held.summary.as_ref());
        let about = self.about(&authored)?;
        let originals = self.originals(&authored.record)?;
        let attached = authored.record.summarise().files;
        for file in &attached {
            if self.blobs().size(&file.hash)? != Some(file.size) {
                return Err(PublishError::FileMissing(file.name.clone()));
            }
        }
        let notes = self.judge_attached(&attached, &batch.texts, options.allow_macros)?;
        let files = self.texts_of(&attached, &batch.texts)?;
        let context = Context {
            school,
            today: today(),
            shared_before: before,
            about: about.as_ref(),
            originals: &originals,
            files: &files,
        };
        authored.cleared.extend(options.no_pupil_data.iter().map(|file| Clearance {
            sort: Sort::UncheckedFile,
            file: Some(file.clone()),
            reason: CONFIRMED.to_owned(),
        }));
        let prepared = publish::prepare(authored.record, &authored.cleared, context)?;
        if let Some(held) = &held
            && held.record.as_ref() == Some(&prepared.record)
            && groups.iter().all(|group| held.groups.contains(group))
        {
            return Ok(Err(id));
        }
        let held = held.map(|held| held.entry);
        Ok(Ok(Checked { school, id, held, groups, kind, prepared, notes, source, title_key }))
    }

    fn groups_for(
        &self,
        authored: &Authored,
        options: &PublishOptions,
    ) -> Result<Vec<GroupId>, PublishError> {
        let (own, only_read): (Vec<GroupId>, Vec<GroupId>) =
            self.followed_groups().into_iter().partition(|group| self.may_publish(group));
        let named = if authored.groups.is_empty() { &options.groups } else { &authored.groups };
        if named.is_empty() {
            return match own.as_slice() {
                [] if !only_read.is_empty() => {
                    let names = self.group_names().into_iter();
                    let mut names = names.filter(|(id, _)| only_read.contains(id));
                    let name = names.next().map(|(_, name)| name).unwrap_or_default();
                    Err(GroupError::OnlyReads(name).into())
                }
                [] => Err(PublishError::NoGroup),
                [one] => Ok(vec![*one]),
                several => {
                    let mut names = self.group_names();
                    let names = several.iter().filter_map(|id| names.remove(id)).collect();
                    Err(PublishError::WhichGroups(names))
                }
            };
        }
        let mut groups = Vec::new();
        for name in named {
            let group = self.find_group(name)?;
            if only_read.contains(&group) {
                return Err(GroupError::OnlyReads(name.clone()).into());
            }
            if !own.contains(&group) {
                return Err(GroupError::NotMember(name.clone()).into());
            }
            if !groups.contains(&group) {
                groups.push(group);
            }
        }
        Ok(groups)
    }

    /// A person writes the id of a record alone: its school and the version held are filled in.
    fn fill_in_references(
        &self,
        authored: &mut Authored,
        batch: &Batch,
    ) -> Result<(), PublishError> {
        for reference in authored.record.references_mut() {
            let Reference { record, school, version } = reference;
            let in_batch = batch.entries.iter().rev().find(|entry| entry.key().record == *record);
            if let Some(entry) = in_batch {
                *school = Some(entry.key().school);
                version.get_or_insert(entry.hash());
            } else {
                let wrong = |error| PublishError::Reference { field: record.to_string(), error };
                let held = match school {
                    Some(school) => self
                        .record(*school, *record)
                        .and_then(|held| held.ok_or(RecordError::Unknown(record.to_string()))),
                    None => self.find_record(&record.to_string()),
                }
                .map_err(wrong)?;
                if held.entry.is_withdrawal() {
                    return Err(wrong(RecordError::Withdrawn));
                }
                *school = Some(held.entry.key().school);
                version.get_or_insert(held.entry.hash());
            }
        }
        Ok(())
    }

    /// The full record that an adoption or a report is about, where it is held.
    fn about(&self, authored: &Authored) -> Result<Option<Record>, PublishError> {
        match authored.record.content.references().first() {
            Some(Reference { record, school: Some(school), .. }) => {
                Ok(self.record(*school, *record)?.and_then(|held| held.record))
            }
            Some(_) | None => Ok(None),
        }
    }

    fn outcome(&self, checked: &Checked, title: String) -> PublishOutcome {
        let mut names = self.group_names();
        PublishOutcome::Published {
            id: checked.id,
            title,
            groups: checked.groups.iter().filter_map(|group| names.remove(group)).collect(),
            new_version: checked.held.is_some(),
            warnings: [warnings(&checked.prepared), checked.notes.clone()].concat(),
        }
    }

    fn add_to_batch(
        &self,
        checked: Checked,
        origin: Option<&Hash>,
        batch: &mut Batch,
    ) -> Result<(), PublishError> {
        let Checked { school, id, held, groups, kind, prepared, source, title_key, .. } = checked;
        let newest = held.map(|entry| entry.clock()).unwrap_or_default();
        batch.clock = batch.clock.max(newest).next(now_millis());
        let body = BlobRef { hash: Hash::of(&prepared.body), size: prepared.body.len() as u64 };
        if prepared.body.len() <= MAX_SMALL_BLOB_BYTES {
            batch.changes.push(Change::Blob { hash: body.hash, bytes: prepared.body });
        } else {
            self.blobs().put(&prepared.body)?;
        }
        for group in groups {
            let draft = Draft {
                group,
                record: id,
                clock: batch.clock,
                kind: kind.as_str().to_owned(),
                content: Some((prepared.summary.clone(), body)),
                school: Some(school),
            };
            let identity = self.identity();
            let entry = Entry::sign(draft, identity.certificate(), identity.node_key())?;
            let files = prepared.summary.files.iter();
            let files = files.flat_map(|file| [Some(file.hash), file.text.map(|text| text.hash)]);
            let blobs = files.flatten().chain([body.hash]);
            batch.changes.extend(blobs.map(|hash| possession(&hash, &entry.key())));
            batch.entries.push(entry);
        }
        for key in [source, title_key] {
            batch.keys.insert(key.clone(), id);
            let value = Some(id.as_bytes().to_vec());
            batch.changes.push(Change::Local { table: Table::ImportSources, key, value });
        }
        if let Some(origin) = origin {
            let (key, value) = (origin_key(&id), Some(origin.as_bytes().to_vec()));
            batch.changes.push(Change::Local { table: Table::ImportSources, key, value });
        }
        for Allowed { finding, reason } in &prepared.cleared {
            batch
                .changes
                .push(self.audit(&format!("cleared in {id}: {finding} Reason: {reason}"))?);
        }
        Ok(())
    }

    /// The record that was published under a key, unless it was withdrawn since.
    fn looked_up(&self, key: &[u8], batch: &Batch) -> Result<Option<RecordId>, PublishError> {
        if let Some(id) = batch.keys.get(key) {
            return Ok(Some(*id));
        }
        let stored = self.store().local_get(Table::ImportSources, key)?;
        let Some(id) = stored.as_deref().and_then(record_id) else { return Ok(None) };
        let held = self.record(self.identity().school(), id)?;
        Ok(held.filter(|held| !held.entry.is_withdrawal()).map(|_| id))
    }

    pub(crate) fn audit(&self, what: &str) -> Result<Change, PublishError> {
        let key =
            [now_millis().to_be_bytes().as_slice(), &random::<8>(self.home().dir())?].concat();
        Ok(Change::Local { table: Table::Audit, key, value: Some(what.as_bytes().to_vec()) })
    }
}

/// A key under which a published record is found again: by what was written, or by its title.
fn lookup_key(what: &[u8], text: &[u8]) -> Vec<u8> {
    [what, b":", Hash::of(text).as_bytes()].concat()
}

/// The key under which it is kept where a record comes from.
pub(crate) fn origin_key(record: &RecordId) -> Vec<u8> {
    [b"origin:".as_slice(), record.as_bytes()].concat()
}

fn record_id(bytes: &[u8]) -> Option<RecordId> {
    bytes.try_into().ok().map(RecordId::from_bytes)
}

/// What the author should look at, and which files others see as not checked.
fn warnings(prepared: &Prepared) -> Vec<String> {
    let unchecked = prepared.cleared.iter().map(|allowed| &allowed.finding);
    let unchecked = unchecked.filter(|finding| finding.sort == Sort::UncheckedFile);
    let unchecked = unchecked.map(|finding| {
        let reason = finding.reason.as_deref().unwrap_or_default();
        format!("{} is shown as \"not checked\": {reason}", finding.place)
    });
    prepared.warnings.iter().map(Problem::to_string).chain(unchecked).collect()
}

/// The title as far as it can be read, for naming a record that is refused.
fn title_of(value: &Value) -> String {
    const MOST: usize = 200;
    value.get("title").and_then(Value::as_str).unwrap_or_default().chars().take(MOST).collect()
}
