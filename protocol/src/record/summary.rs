//! The part of a record that is gossiped to every member and indexed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::Problems;
use super::impact_report::Figures;
use crate::entry::BlobRef;
use crate::hash::{Hash, RecordId, SchoolId};
use crate::limits::{MAX_FILE_TEXT_BYTES, MAX_FILE_TEXTS_BYTES, MAX_FILES_PER_RECORD};

/// A record in short, 8 KiB at most.
///
/// Vocabulary terms are plain texts here, so that a node which does not know a newer term still
/// shows and indexes the record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Summary {
    /// The title.
    pub title: String,
    /// The abstract.
    #[serde(rename = "abstract", skip_serializing_if = "String::is_empty")]
    pub abstract_text: String,
    /// The author's role.
    pub author_role: String,
    /// The day it was first written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Date>,
    /// Tags in lower case.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Theme of an intervention.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theme: Option<String>,
    /// Subjects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// Key stages.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub key_stages: Vec<String>,
    /// Year groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub year_groups: Vec<String>,
    /// Pupil groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub pupil_groups: Vec<String>,
    /// Practice areas of the framework.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub practice_areas: Vec<String>,
    /// Domains of professional development.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub development_domains: Vec<String>,
    /// The kind's own type: lesson plan, coaching, question, exact (adoption).
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind_type: Option<String>,
    /// Proposed, running, finished or stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Cost per pupil a year as a band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_band: Option<String>,
    /// Licence of a resource.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub licence: Option<String>,
    /// Address of a resource that is kept elsewhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Conclusion of an impact report: continue, adapt, stop, unclear.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// Design of an impact report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub design: Option<String>,
    /// The numbers of an impact report, from which every node computes the effect itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures: Option<Figures>,
    /// What is shown in place of figures that are about too few pupils to leave the school.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub figures_withheld: Option<String>,
    /// When it happened or will happen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// The records it is about or builds on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
}

impl Summary {
    /// The texts inside its files, each once; but for those that are larger than any may be, alone or
    /// with those before, which no member keeps.
    pub fn file_texts(&self) -> Vec<BlobRef> {
        let mut texts: Vec<BlobRef> = Vec::new();
        let mut size = 0_u64;
        for text in self.files.iter().take(MAX_FILES_PER_RECORD).filter_map(|file| file.text) {
            let together = size.saturating_add(text.size);
            let is_known = texts.iter().any(|known| known.hash == text.hash);
            if text.size <= MAX_FILE_TEXT_BYTES as u64
                && together <= MAX_FILE_TEXTS_BYTES
                && !is_known
            {
                size = together;
                texts.push(text);
            }
        }
        texts
    }

    /// Lets the beginning of `text` stand for an abstract that the author did not write.
    pub(super) fn default_abstract(&mut self, text: &str) {
        const MOST_CHARS: usize = 1_500;
        if self.abstract_text.trim().is_empty() {
            let text = text.trim();
            self.abstract_text = match text.char_indices().nth(MOST_CHARS) {
                None => text.to_owned(),
                Some(_) => text.chars().take(MOST_CHARS - 1).chain(['…']).collect(),
            };
        }
    }
}

/// From one day to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Period {
    /// The first day.
    pub from: Date,
    /// The last day; open while it is still going on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Date>,
}

impl Period {
    pub(super) fn validate(self, field: &str, problems: &mut Problems) {
        if let Some(to) = self.to.filter(|to| *to < self.from) {
            problems.refuse(
                &format!("{field}.to"),
                to,
                format!("must not be before the first day, {}", self.from),
            );
        }
    }
}

/// Another record. A person writes its id alone; the school and version are filled in on publishing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reference {
    /// The record.
    pub record: RecordId,
    /// Its school.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub school: Option<SchoolId>,
    /// The entry that held the version meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<Hash>,
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Written::deserialize(deserializer).map(|written| match written {
                Written::Id(record) => Self { record, school: None, version: None },
                Written::Full(full) => full.into(),
            })
        } else {
            FullReference::deserialize(deserializer).map(Self::from)
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected the id of a record (32 hexadecimal characters)")]
enum Written {
    Id(RecordId),
    Full(FullReference),
}

#[derive(Deserialize)]
struct FullReference {
    record: RecordId,
    #[serde(default)]
    school: Option<SchoolId>,
    #[serde(default)]
    version: Option<Hash>,
}

impl From<FullReference> for Reference {
    fn from(full: FullReference) -> Self {
        Self { record: full.record, school: full.school, version: full.version }
    }
}

/// A file that belongs to a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct File {
    /// Its name, without folders.
    pub name: String,
    /// Its media type, such as `application/pdf`.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
    /// The BLAKE3 hash of its bytes.
    pub hash: Hash,
    /// The text inside it, which was looked through for pupil data; none where there was none to look
    /// through, and the author's word stands for it. Whoever publishes it fills this in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<BlobRef>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_texts_that_every_member_may_keep_are_fetched() {
        let most = MAX_FILE_TEXT_BYTES as u64;
        let summary = |texts: &[(u8, u64)]| Summary {
            files: texts
                .iter()
                .map(|(number, size)| File {
                    name: "plan.pdf".to_owned(),
                    media_type: "application/pdf".to_owned(),
                    size: 9,
                    hash: Hash::of(&[*number]),
                    text: Some(BlobRef { hash: Hash::from_bytes([*number; 32]), size: *size }),
                })
                .collect(),
            ..Summary::default()
        };
        let kept = |texts: &[(u8, u64)]| -> Vec<u8> {
            let kept = summary(texts).file_texts();
            kept.iter().map(|text| text.hash.as_bytes()[0]).collect()
        };
        assert_eq!(kept(&[(1, 5), (2, most), (1, 5), (3, most + 1), (4, u64::MAX)]), [1, 2]);
        let many: Vec<(u8, u64)> = (0..9).map(|number| (number, most)).collect();
        assert_eq!(kept(&many), (0..8).collect::<Vec<u8>>());
        let many: Vec<(u8, u64)> = (0..90).map(|number| (number, 1)).collect();
        assert_eq!(kept(&many).len(), MAX_FILES_PER_RECORD);
    }
}
