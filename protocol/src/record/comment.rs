//! A comment on a record.

use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

/// A question, answer, thanks or caution on a record.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Comment {
    /// The record that it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on: Option<Reference>,
    /// Question, answer, thanks or caution.
    #[serde(rename = "type")]
    pub comment_type: String,
    /// The comment, 2,000 characters at most.
    pub text: String,
}

impl Comment {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
