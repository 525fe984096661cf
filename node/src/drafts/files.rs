//! The files of a draft of a resource: held here from when they are added until the draft is shared or
//! thrown away.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::limits::MAX_FILES_PER_RECORD;
use staffroom_protocol::record::{File, Kind};
use staffroom_protocol::safeguard::{Clearance, Sort};

use super::{Draft, DraftError, StartError};
use crate::file_names;
use crate::file_texts::KnownText;
use crate::intake::KeepError;
use crate::media;
use crate::node::Node;
use crate::people::UserName;
use crate::publish::CONFIRMED;

/// A file of a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DraftFile {
    #[serde(flatten)]
    pub(crate) file: File,
    /// Whether its author says that it holds no pupil data, where it cannot be looked through.
    #[serde(default)]
    pub(crate) no_pupil_data: bool,
}

/// What is known of a file of a draft.
#[derive(Debug)]
pub(crate) struct SeenFile {
    pub(crate) file: File,
    /// Why the text in it could not be looked through; none where it was.
    pub(crate) no_text: Option<String>,
    /// Whom it names beside its text.
    pub(crate) names: Option<String>,
    /// Whether some of these names can be taken out here.
    pub(crate) removable: bool,
    /// How its name contradicts its content.
    pub(crate) contradiction: Option<String>,
}

/// Why a file is not added to a draft.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AttachError {
    #[error("{0}: another file of this resource has this name too; rename one of them")]
    SameName(String),
    #[error(
        "{0}: this resource has {MAX_FILES_PER_RECORD} files, the most that one can have; put this one \
         into another resource"
    )]
    TooMany(String),
    #[error("files can only be added to a resource, and this draft is of another kind")]
    NotAResource,
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Draft(#[from] DraftError),
    #[error(transparent)]
    Keep(#[from] KeepError),
}

impl Draft {
    pub(super) fn attach(&mut self, file: File) -> Result<(), AttachError> {
        if self.kind() != Kind::Resource {
            return Err(AttachError::NotAResource);
        }
        if self.files.iter().any(|one| one.file.hash == file.hash) {
            return Ok(());
        }
        let name = file.name.to_lowercase();
        if self.files.iter().any(|one| one.file.name.to_lowercase() == name) {
            return Err(AttachError::SameName(file.name));
        }
        if self.files.len() >= MAX_FILES_PER_RECORD {
            return Err(AttachError::TooMany(file.name));
        }
        self.files.push(DraftFile { file, no_pupil_data: false });
        Ok(())
    }

    /// Keeps which files their author looked through.
    pub(crate) fn confirm(&mut self, confirmed: impl Fn(&Hash) -> bool) {
        for one in &mut self.files {
            one.no_pupil_data |= confirmed(&one.file.hash);
        }
    }

    /// Its files as the record has them.
    pub(super) fn written_files(&self) -> Option<Value> {
        let files: Vec<&File> = self.files.iter().map(|one| &one.file).collect();
        (!files.is_empty()).then(|| json!(files))
    }

    /// What its author says of files that could not be looked through.
    pub(super) fn confirmed(&self) -> impl Iterator<Item = Clearance> {
        self.files.iter().filter(|one| one.no_pupil_data).map(|one| Clearance {
            sort: Sort::UncheckedFile,
            file: Some(one.file.name.clone()),
            reason: CONFIRMED.to_owned(),
        })
    }
}

impl Node {
    /// Adds a file that is held to a draft, or to a new one under the licence that is given.
    ///
    /// # Errors
    /// [`AttachError`]; the file is let go of then.
    pub(crate) fn attach_file(
        &self,
        draft: Option<RecordId>,
        file: File,
        licence: &str,
        by: Option<&UserName>,
    ) -> Result<Draft, AttachError> {
        let hash = file.hash;
        let attached = self.attach_to(draft, file, licence, by);
        if attached.is_err() {
            self.forget_unshared(&hash)?;
        }
        attached
    }

    fn attach_to(
        &self,
        draft: Option<RecordId>,
        file: File,
        licence: &str,
        by: Option<&UserName>,
    ) -> Result<Draft, AttachError> {
        let attach = |draft: &mut Draft| {
            draft.attach(file.clone())?;
            draft.saved = Timestamp::now();
            Ok::<_, AttachError>(())
        };
        if let Some(id) = draft {
            return Ok(self.drafts().change(&id.to_string(), by, attach)?.0);
        }
        let mut draft = self.new_draft(Kind::Resource, by)?;
        let mut set = |name: &str, value: &str| {
            draft.fields.insert(name.to_owned(), vec![value.to_owned()]);
        };
        set("title", &file_names::title(&file.name));
        set("licence", licence);
        if let Some(said) = file_names::type_of(&file.name) {
            set("type", said);
        }
        attach(&mut draft)?;
        self.drafts().keep(&draft)?;
        Ok(draft)
    }

    /// Takes a file out of a draft, and returns the draft without it.
    pub(crate) fn detach(
        &self,
        draft: &RecordId,
        hash: &Hash,
        by: Option<&UserName>,
    ) -> Result<Draft, AttachError> {
        let (draft, had) = self.drafts().change(&draft.to_string(), by, |draft| {
            let before = draft.files.len();
            draft.files.retain(|one| one.file.hash != *hash);
            Ok::<_, DraftError>(draft.files.len() < before)
        })?;
        // Another may have only just come, for a draft that does not have it yet.
        if had {
            self.forget_unshared(hash)?;
        }
        Ok(draft)
    }

    /// Puts a file of a draft in another's place, and returns the draft with it.
    pub(crate) fn replace_in_draft(
        &self,
        draft: &RecordId,
        hash: &Hash,
        by: &File,
        person: Option<&UserName>,
    ) -> Result<Draft, AttachError> {
        let (draft, had) = self.drafts().change(&draft.to_string(), person, |draft| {
            let one = draft.files.iter_mut().find(|one| one.file.hash == *hash);
            Ok::<_, DraftError>(one.map(|one| one.file = by.clone()).is_some())
        })?;
        // It may have been taken out meanwhile.
        self.forget_unshared(if had { hash } else { &by.hash })?;
        Ok(draft)
    }

    /// Throws a draft away, with its files.
    pub(crate) fn discard_draft(&self, draft: &RecordId) -> Result<(), AttachError> {
        for file in self.drafts().remove(draft)? {
            self.forget_unshared(&file)?;
        }
        Ok(())
    }

    /// What is known of the files of a draft.
    pub(crate) fn seen_files(&self, draft: &Draft) -> Result<Vec<SeenFile>, KeepError> {
        draft.files.iter().map(|one| self.seen_file(&one.file)).collect()
    }

    fn seen_file(&self, file: &File) -> Result<SeenFile, KeepError> {
        let known = self.look_through(&file.hash)?;
        let about = known.about.unwrap_or_default();
        let looked_at = usize::try_from(file.size).unwrap_or(usize::MAX).min(media::SNIFFED_BYTES);
        let start = self.blobs().read_range(&file.hash, 0, looked_at)?;
        Ok(SeenFile {
            no_text: match known.text {
                KnownText::Text(_) => None,
                KnownText::NoText(reason) => Some(reason),
            },
            names: about.names_people(),
            removable: about.has_removable_names(),
            contradiction: start.and_then(|start| media::contradiction(&start, &file.name)),
            file: file.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::draft;
    use super::*;
    use crate::lineage::tests::Trust;

    fn file(name: &str, content: &[u8]) -> File {
        let hash = Hash::of(content);
        let size = content.len() as u64;
        File { name: name.into(), media_type: "text/plain".into(), size, hash, text: None }
    }

    #[test]
    fn a_draft_takes_what_a_resource_may_have() {
        let mut resource = draft(Kind::Resource, &[]);
        resource.attach(file("plan.txt", b"a plan")).unwrap();
        resource.attach(file("again.txt", b"a plan")).unwrap();
        assert_eq!(resource.files.len(), 1, "the same content is there once");
        let same = resource.attach(file("PLAN.txt", b"another"));
        assert!(matches!(same, Err(AttachError::SameName(_))), "{same:?}");
        for number in 1..MAX_FILES_PER_RECORD {
            let name = format!("{number}.txt");
            resource.attach(file(&name, name.as_bytes())).unwrap();
        }
        let full = resource.attach(file("more.txt", b"more"));
        assert!(matches!(full, Err(AttachError::TooMany(_))), "{full:?}");
        let other = draft(Kind::Intervention, &[]).attach(file("plan.txt", b"a plan"));
        assert!(matches!(other, Err(AttachError::NotAResource)));
    }

    #[test]
    fn only_a_file_of_the_draft_is_let_go_of_when_it_is_taken_out() {
        let trust = Trust::of(0);
        let node = &trust.node;
        let come = |name: &str, content: &[u8]| {
            let mut writer = node.blobs().writer().unwrap();
            writer.write(content).unwrap();
            writer.keep().unwrap();
            file(name, content)
        };
        let (plan, other) = (come("plan.txt", b"a plan"), come("other.txt", b"another"));
        let draft = node.attach_file(None, plan.clone(), "CC-BY-4.0", None).unwrap();
        let is_here = |file: &File| node.blobs().size(&file.hash).unwrap().is_some();
        let left = node.detach(&draft.id, &other.hash, None).unwrap();
        assert_eq!(left.files.len(), 1);
        assert!(is_here(&other), "it has only just come and is for another draft");
        // In the place of one that was taken out meanwhile nothing is put, and nothing is left over.
        let left = node.replace_in_draft(&draft.id, &Hash::of(b"gone"), &other, None).unwrap();
        assert!(left.files.len() == 1 && !is_here(&other));
        let left = node.detach(&draft.id, &plan.hash, None).unwrap();
        assert!(left.files.is_empty() && !is_here(&plan));
        // What was added since the page was shown goes with the draft.
        let late = come("late.txt", b"late");
        node.attach_file(Some(draft.id), late.clone(), "", None).unwrap();
        node.discard_draft(&draft.id).unwrap();
        assert!(!is_here(&late));
        let gone = node.attach_file(Some(draft.id), come("more.txt", b"more"), "", None);
        assert!(matches!(gone, Err(AttachError::Draft(DraftError::Unknown(_)))), "{gone:?}");
    }

    #[test]
    fn what_an_author_confirms_is_cleared_by_the_name_of_the_file() {
        let mut resource = draft(Kind::Resource, &[]);
        resource.attach(file("a.png", b"a")).unwrap();
        resource.attach(file("b.png", b"b")).unwrap();
        resource.confirm(|hash| *hash == Hash::of(b"b"));
        let cleared = &resource.written()["cleared"];
        assert_eq!(cleared.as_array().map(Vec::len), Some(1));
        assert_eq!(cleared[0]["file"], "b.png");
        assert_eq!(resource.written()["files"][0]["name"], "a.png");
    }
}
