//! An offer of coaching, training or support, or a request for it.

use serde::{Deserialize, Serialize};

use super::{Common, Period, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

/// Coaching, training or support, offered or asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Offer {
    /// Whether it is offered or asked for.
    pub direction: Direction,
    /// Coaching, course, observation and so on.
    pub form: String,
    /// What it develops: one or more domains of professional development.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub development_domains: Vec<String>,
    /// The staff it is for: classroom, middle, senior, governance; empty for all.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub level: String,
    /// Where the support comes from: central, school, cluster, bought in.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub source: String,
    /// Subjects it is about; empty for all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<String>,
    /// How many people can take part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<u32>,
    /// The first and last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dates: Option<Period>,
    /// Days and times in words: "Tuesdays, 15:45 to 17:00".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub when: String,
    /// Place, or "online".
    #[serde(rename = "where", skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What it costs, in words: "free", "£120 a place".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cost: String,
    /// The interventions that it helps with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Reference>,
}

/// Whether support is offered or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The school gives it.
    #[default]
    Offer,
    /// The school looks for it.
    Request,
}

impl Offer {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}
