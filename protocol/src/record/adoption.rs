//! A school takes up another school's intervention, or its version of one.

mod context;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::intervention::State;
use super::term::terms;
use super::written::{self, FromText};
use super::{Common, Period, Problems, Reference, Summary};

pub use context::{Context, RollBand, ShareBand};

/// A school takes up another school's intervention or adoption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Adoption {
    /// The intervention or adoption that is taken up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Reference>,
    /// How close it stays to the original.
    #[serde(rename = "type")]
    pub closeness: Option<Closeness>,
    /// What is done differently.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::texts_or_maps")]
    pub changes: Vec<Change>,
    /// Why this one was chosen.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reason_for_choice: String,
    /// The school in bands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub context: Option<Context>,
    /// Role of the person to ask.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub contact_role: String,
    /// How far it has got.
    pub state: State,
    /// Why it was stopped.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub stop_reason: String,
    /// The day it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Date>,
    /// The day it finished or was stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Date>,
}

impl Default for Adoption {
    fn default() -> Self {
        Self {
            of: None,
            closeness: None,
            changes: Vec::new(),
            reason_for_choice: String::new(),
            context: None,
            contact_role: String::new(),
            state: State::Running,
            stop_reason: String::new(),
            started: None,
            ended: None,
        }
    }
}

terms! {
    /// How close an adoption stays to the original.
    Closeness, "type of adoption" {
        /// As described.
        Exact = "exact",
        /// With changes that are named.
        Adapted = "adapted",
        /// Only the idea.
        Inspired = "inspired",
    }
}

/// One thing that an adoption does differently; may be written as text alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Change {
    /// The core or adaptable element of the original that it is about, as written there.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub element: String,
    /// What is done in its place.
    pub change: String,
}

impl FromText for Change {
    const EXPECTED: &'static str = "a change in words, or element and change";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { element: String::new(), change: text.to_owned() })
    }
}

impl Adoption {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        self.of.iter().cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.of.iter_mut().collect()
    }
}
