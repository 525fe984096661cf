//! Reading what is held: a record with its full text, names of schools.

use std::collections::BTreeMap;
use std::sync::Arc;

use staffroom_protocol::entry::{BlobRef, Entry, EntryKey};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::limits::MAX_BODY_BYTES;
use staffroom_protocol::record::{File, Record, Summary};
use staffroom_protocol::wire;
use staffroom_search::evidence::LineageKind;

use crate::intake::KeepError;
use crate::network::{self, FetchError};
use crate::node::Node;
use crate::store::StoreError;

/// A record as held for one group.
#[derive(Debug, Clone)]
pub struct HeldRecord {
    /// Its entry.
    pub entry: Entry,
    /// Its summary; none if it was withdrawn.
    pub summary: Option<Summary>,
    /// The full record, once its text has come and where this version of the program can read it; none
    /// where it was asked for in short.
    pub record: Option<Record>,
    /// All groups for which this node holds it.
    pub groups: Vec<GroupId>,
}

/// Why a record cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// There is none.
    #[error(
        "there is no record {0:?} here; an id is 32 hexadecimal characters, of which the first 6 or more will do"
    )]
    Unknown(String),
    /// Several start like this.
    #[error("{count} records have an id that starts with {given:?}; give more of it")]
    Ambiguous {
        /// What was given.
        given: String,
        /// How many there are at least.
        count: usize,
    },
    /// Several schools have a record with this id, which only happens on purpose.
    #[error("several schools have a record with this id; say which one is meant: {}", .0.join(" or "))]
    SeveralSchools(Vec<String>),
    /// It is another school's.
    #[error(
        "the record belongs to {0}; only that school can withdraw it, or an admin once that school has left"
    )]
    NotOwn(String),
    /// It was withdrawn.
    #[error("the record was withdrawn")]
    Withdrawn,
    /// It was not withdrawn.
    #[error("the record was not withdrawn; withdraw it with: staffroom withdraw")]
    NotWithdrawn,
    /// Older versions stay with their author.
    #[error("only the school that shared a record keeps its older versions; this one is another's")]
    VersionsElsewhere,
    /// There is no such version.
    #[error("the record has no version {number} here: its versions are 1 to {count}")]
    NoVersion {
        /// The number asked for.
        number: usize,
        /// How many there are.
        count: usize,
    },
    /// Only the files of older versions can be let go.
    #[error(
        "version {0} is the one that is shared; its files stay until it is replaced or withdrawn"
    )]
    CurrentVersion(usize),
    /// The files of an older version were let go.
    #[error("{0} of this older version is not here any more")]
    OlderFileGone(String),
    /// This needs the network.
    #[error(
        "the files are not held here and the node is not running; start it with: staffroom serve"
    )]
    NoNetwork,
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Content.
    #[error(transparent)]
    Keep(#[from] KeepError),
    /// A file cannot be had.
    #[error("{name}: {error}")]
    Fetch {
        /// The file.
        name: String,
        /// Why.
        error: FetchError,
    },
}

impl Node {
    /// The record whose id starts like this, in the group where it is newest.
    ///
    /// # Errors
    /// [`RecordError`] if there is none or more than one.
    pub fn find_record(&self, given: &str) -> Result<HeldRecord, RecordError> {
        let (school, record) = self.find_record_id(given)?;
        self.record(school, record)?.ok_or_else(|| RecordError::Unknown(given.to_owned()))
    }

    /// The school and record whose id starts like this. Ids are random, yet another school may use
    /// one on purpose: this school's own record comes first then, and `ID@SCHOOL` names any other.
    ///
    /// # Errors
    /// [`RecordError`] if there is none or more than one.
    pub(crate) fn find_record_id(&self, given: &str) -> Result<(SchoolId, RecordId), RecordError> {
        const LEAST_CHARS: usize = 6;
        const MOST_FOUND: usize = 64;
        let folded = given.trim().to_lowercase();
        let (record, school) = folded.split_once('@').unwrap_or((&folded, ""));
        let is_start =
            |text: &str| text.len() >= LEAST_CHARS && text.chars().all(|c| c.is_ascii_hexdigit());
        if !is_start(record) || !(school.is_empty() || is_start(school)) {
            return Err(RecordError::Unknown(given.chars().take(80).collect()));
        }
        let mut found = self.store().find_record(record, MOST_FOUND)?;
        found.retain(|(of, _)| of.to_string().starts_with(school));
        let own = self.identity().school();
        let same_id = found.windows(2).all(|pair| pair[0].1 == pair[1].1);
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(RecordError::Unknown(folded)),
            several if same_id => match several.iter().find(|(of, _)| *of == own) {
                Some(one) => Ok(*one),
                None => Err(RecordError::SeveralSchools(
                    several.iter().map(|(of, id)| format!("{id}@{}", of.short())).collect(),
                )),
            },
            several => Err(RecordError::Ambiguous { given: folded, count: several.len() }),
        }
    }

    /// A record in the group where it is newest.
    ///
    /// # Errors
    /// [`RecordError`] if what is held cannot be read.
    pub fn record(
        &self,
        school: SchoolId,
        record: RecordId,
    ) -> Result<Option<HeldRecord>, RecordError> {
        let Some(mut held) = self.record_in_short(school, record)? else { return Ok(None) };
        held.record = self.body(&held.entry)?;
        Ok(Some(held))
    }

    /// The same without its full text, which is not read.
    ///
    /// # Errors
    /// [`RecordError`] if what is held cannot be read.
    pub(crate) fn record_in_short(
        &self,
        school: SchoolId,
        record: RecordId,
    ) -> Result<Option<HeldRecord>, RecordError> {
        let versions = self.store().versions_in_groups(&school, &record)?;
        let Some((group, _)) = versions
            .iter()
            .max_by_key(|(_, version)| (!version.withdrawal, version.clock, version.hash))
        else {
            return Ok(None);
        };
        let key = EntryKey { group: *group, school, record };
        let Some(held) = self.store().entry(&key)? else { return Ok(None) };
        let Ok(entry) = Entry::reopen(&held.bytes) else { return Ok(None) };
        let summary = entry.summary().ok().flatten();
        let groups = versions
            .into_iter()
            .filter(|(_, version)| !version.withdrawal)
            .map(|(group, _)| group)
            .collect();
        Ok(Some(HeldRecord { entry, summary, record: None, groups }))
    }

    /// The full text of an entry, once it has come through the entry's group.
    pub(crate) fn body(&self, entry: &Entry) -> Result<Option<Record>, KeepError> {
        let Some(body) = entry.body() else { return Ok(None) };
        // The bytes may be on the disk through another group, which does not make them this one's.
        if !self.possesses(&entry.key().group, &body.hash)? {
            return Ok(None);
        }
        let Some(bytes) = self.small_content(&body.hash)? else { return Ok(None) };
        Ok(wire::decode(&bytes, MAX_BODY_BYTES).ok())
    }

    /// The full record as plain text for the index; empty until it has come.
    pub(crate) fn body_text(&self, entry: &Entry) -> String {
        match self.body(entry) {
            Ok(Some(record)) => record.plain_text(),
            Ok(None) => String::new(),
            Err(error) => {
                tracing::warn!(%error, "a full text cannot be read");
                String::new()
            }
        }
    }

    /// The texts inside the files of a record, as far as they have come, for the index.
    pub(crate) fn file_text(&self, entry: &Entry, summary: &Summary) -> String {
        let mut texts = Vec::new();
        for text in summary.file_texts() {
            match self.file_text_of(&entry.key().group, &text.hash) {
                Ok(text) => texts.extend(text),
                Err(error) => tracing::warn!(%error, "the text of a file cannot be read"),
            }
        }
        texts.join("\n\n")
    }

    /// The text inside a file, once it has come through a group.
    pub(crate) fn file_text_of(
        &self,
        group: &GroupId,
        text: &Hash,
    ) -> Result<Option<String>, KeepError> {
        if !self.possesses(group, text)? {
            return Ok(None);
        }
        let bytes = self.small_content(text)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Makes sure that the files of a record are here, from whichever member has them.
    ///
    /// # Errors
    /// [`RecordError`] names the file that could not be had and why.
    pub async fn fetch_files(
        self: &Arc<Self>,
        held: &HeldRecord,
    ) -> Result<Vec<File>, RecordError> {
        let files = held.files()?;
        for file in files {
            self.bring_file(held.entry.key(), file).await?;
            self.file_was_opened(held, file).await;
        }
        Ok(files.to_vec())
    }

    /// Makes sure that one file of a record is here.
    pub(crate) async fn bring_file(
        self: &Arc<Self>,
        key: EntryKey,
        file: &File,
    ) -> Result<(), RecordError> {
        let (node, hash) = (Arc::clone(self), file.hash);
        let is_here = tokio::task::spawn_blocking(move || node.has_file(&key.group, &hash)).await;
        // It is only given up when the node stops.
        if is_here.map_err(|_| RecordError::NoNetwork)?? {
            return Ok(());
        }
        self.fetch_file(key, file).await
    }

    /// Notes that somebody here opened a file, which goes on without it where that cannot be kept.
    pub(crate) async fn file_was_opened(self: &Arc<Self>, held: &HeldRecord, file: &File) {
        let (node, group, hash) = (Arc::clone(self), held.entry.key().group, file.hash);
        let noted = tokio::task::spawn_blocking(move || node.note_opened(&group, &hash)).await;
        if let Ok(Err(error)) = noted {
            tracing::warn!(%error, "it could not be noted that a file was opened");
        }
    }

    /// Fetches one file of a record.
    pub(crate) async fn fetch_file(
        self: &Arc<Self>,
        key: EntryKey,
        file: &File,
    ) -> Result<(), RecordError> {
        let network = self.network().ok_or(RecordError::NoNetwork)?;
        let blob = BlobRef { hash: file.hash, size: file.size };
        let fetched = network::fetch_file(self, network, key, blob).await;
        fetched.map_err(|error| RecordError::Fetch { name: file.name.clone(), error })
    }
}

impl HeldRecord {
    /// Whether it is something that a school tries: an intervention or an adoption.
    pub(crate) fn is_trial(&self) -> bool {
        let kind = LineageKind::of(self.entry.kind());
        kind.is_some_and(|kind| kind != LineageKind::ImpactReport) && !self.entry.is_withdrawal()
    }

    /// Its files.
    pub(crate) fn files(&self) -> Result<&[File], RecordError> {
        Ok(&self.summary.as_ref().ok_or(RecordError::Withdrawn)?.files)
    }

    /// One of them.
    pub(crate) fn file(&self, hash: &Hash) -> Result<&File, RecordError> {
        let file = self.files()?.iter().find(|file| file.hash == *hash);
        file.ok_or_else(|| RecordError::Unknown(hash.to_string()))
    }
}

/// The name of a school that is or was a member of a group; the start of its id where it is not known.
pub(crate) fn school_name(node: &Node, group: &GroupId, school: &SchoolId) -> String {
    let name = node.with_membership(group, |set| {
        set.roster().members().get(school).map(|member| member.claims.name.clone())
    });
    name.flatten().unwrap_or_else(|| school.short())
}

/// The names of the schools that are or were members of a group.
pub(crate) fn school_names(node: &Node, group: &GroupId) -> BTreeMap<SchoolId, String> {
    node.with_membership(group, |set| {
        set.roster()
            .members()
            .iter()
            .map(|(school, member)| (*school, member.claims.name.clone()))
            .collect()
    })
    .unwrap_or_default()
}

/// The names of all schools of the node's groups.
pub(crate) fn known_schools(node: &Node) -> BTreeMap<SchoolId, String> {
    node.group_ids().iter().flat_map(|group| school_names(node, group)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lineage::tests::Trust;

    #[test]
    fn a_school_is_named_after_it_left_and_an_unknown_one_by_its_id() {
        let trust = Trust::of(1);
        let school = trust.school(0);
        trust.node.remove_member(&trust.group, &school).unwrap();
        assert_eq!(school_name(&trust.node, &trust.group, &school), "School 0");
        let unknown = SchoolId::from_bytes([9; SchoolId::LENGTH]);
        assert_eq!(school_name(&trust.node, &trust.group, &unknown), unknown.short());
    }
}
