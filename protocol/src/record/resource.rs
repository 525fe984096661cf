//! Something to teach or work with: files, or an address where it is kept.

mod attachment;

use serde::{Deserialize, Serialize};

use super::written::{self, FromText};
use super::{Common, File, Problems, Reference, Summary};

/// Something to teach or work with.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Resource {
    /// Lesson plan, slides, worksheet and so on; empty for other.
    #[serde(rename = "type", skip_serializing_if = "String::is_empty")]
    pub resource_type: String,
    /// Its files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<File>,
    /// Where it is kept, where it is not in files.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// An SPDX id; empty for this group only.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub licence: String,
    /// Who holds the rights; empty for the school.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rights_holder: String,
    /// Whether it holds pictures, texts or other work that somebody else made.
    #[serde(deserialize_with = "written::yes_no")]
    pub third_party_material: bool,
    /// That work, with who made it and its licence.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub third_party_list: Vec<String>,
    /// Subjects.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub subjects: Vec<String>,
    /// Key stages.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub key_stages: Vec<String>,
    /// Year groups.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// What pupils learn from it.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub teaches: Vec<Teaches>,
    /// How long it takes, in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub time_required: String,
    /// What makes it usable for pupils with particular needs.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub accessibility: String,
    /// The resources it was made from.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub based_on: Vec<Reference>,
}

/// What a resource teaches; may be written as text, or as the id of an age-related expectation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Teaches {
    /// In words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The age-related expectation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expectation: Option<Reference>,
}

impl FromText for Teaches {
    const EXPECTED: &'static str = "a text, or the id of an expectation";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(match text.parse() {
            Ok(record) => {
                let expectation = Reference { record, school: None, version: None };
                Self { text: String::new(), expectation: Some(expectation) }
            }
            Err(_) => Self { text: text.to_owned(), expectation: None },
        })
    }
}

impl Resource {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        let taught = self.teaches.iter().filter_map(|teaches| teaches.expectation.as_ref());
        self.based_on.iter().chain(taught).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        let taught = self.teaches.iter_mut().filter_map(|teaches| teaches.expectation.as_mut());
        self.based_on.iter_mut().chain(taught).collect()
    }
}
