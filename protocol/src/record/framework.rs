//! A trust's framework: what it is for, what comes first, and which practices schools share.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Common, Problems, Reference, Summary};
use crate::vocabulary::{Approach, Vocabulary};

/// A trust's vision, priorities and practice policies.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Framework {
    /// Where the trust wants to be.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub vision: String,
    /// What the trust is there to do.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub mission: String,
    /// What the trust stands for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// What comes first, the most important first: terms of the vocabulary or the trust's own words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emphases: Vec<String>,
    /// What the trust works on now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<String>,
    /// What is standardised, aligned or left to each school: one decision an area.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub practice_policies: Vec<PracticePolicy>,
}

/// A trust's decision on one area of practice.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PracticePolicy {
    /// The area of practice.
    pub area: String,
    /// Standardised, aligned or autonomous.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approach: Option<Approach>,
    /// Why.
    pub rationale: String,
    /// The role or body that decided.
    pub decided_by: String,
    /// The day of the decision; the day on which the framework was created where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_on: Option<Date>,
    /// Names of the schools that agreed; an aligned area needs two or more.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub agreed_by: Vec<String>,
    /// The day by which the decision is looked at again, within two years.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<Date>,
    /// Schools that do otherwise for a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exceptions: Vec<Exception>,
}

/// A school that does otherwise than its trust decided, for a time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Exception {
    /// Name of the school.
    pub school: String,
    /// Why.
    pub reason: String,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Date>,
}

impl Framework {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
