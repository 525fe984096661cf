//! Answers to the framework's checklist, by a trust or a school, once a term.

use serde::{Deserialize, Serialize};

use super::{Common, Period, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

/// Answers to the framework's checklist. There is one set for each body and term.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct SelfAssessment {
    /// Who answers: the school that publishes it, or its trust.
    pub by: Body,
    /// The term: `autumn 2025`.
    pub term: String,
    /// The answers; a question that is left out is not yet discussed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
}

/// Who answers the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// One school.
    #[default]
    School,
    /// The trust as a whole.
    Trust,
}

/// The answer to one question of the checklist.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The question: its short name or its number, 1 to 6.
    pub question: String,
    /// 1 (least) to 4 (most); none where it is not yet discussed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<u8>,
    /// Links to what the answer rests on.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<String>,
    /// The answer in words.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// What will be done.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub next_step: String,
}

impl SelfAssessment {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
