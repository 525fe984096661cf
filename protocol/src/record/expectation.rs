//! An age-related expectation, shared by the schools that agreed it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary};
use crate::vocabulary::{Vocabulary, key_stage_of};

/// What pupils of an age are expected to know and do.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Expectation {
    /// The subject.
    pub subject: String,
    /// The year group.
    pub year_group: String,
    /// What is expected.
    pub statement: String,
    /// Work that meets it: descriptions or addresses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemplars: Vec<String>,
    /// Resources that show work that meets it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exemplar_resources: Vec<Reference>,
    /// Names of the schools that agreed it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agreed_by: Vec<String>,
    /// The day on which schools compared work against it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_date: Option<Date>,
}

impl Expectation {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
