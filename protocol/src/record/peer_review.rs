//! A peer review: schools look together at a question that one of them asks.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Common, Period, Problems, Reference, Summary};

/// Schools look at another's question together. It gives no grades; the host publishes it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PeerReview {
    /// Name of the school that was visited; empty where it is the one that publishes.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Names of the other schools that looked, one or more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reviewers: Vec<String>,
    /// The host's own question.
    pub focus: String,
    /// When the visits took place, or will.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<Period>,
    /// What the reviewers looked at.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence_seen: String,
    /// What is strong, a point an item.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strengths: Vec<String>,
    /// What the host will do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub next_steps: Vec<NextStep>,
    /// What came of the next steps.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub follow_up: String,
}

/// What a school will do after a peer review.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NextStep {
    /// What will be done.
    pub step: String,
    /// Role of the person who sees to it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner_role: String,
    /// The day by which it is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<Date>,
}

impl PeerReview {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
