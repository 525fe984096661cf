//! A school takes up another school's intervention, or its version of one.

mod context;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::intervention::Intervention;
use super::progress::{Progress, State};
use super::term::{fold, terms};
use super::written::{self, FromText};
use super::{Common, Problems, Reference, Summary};
use crate::hash::SchoolId;

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
    /// The day it started or is meant to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started: Option<Date>,
    /// The day it ended or is meant to.
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
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        if self.of.is_none() {
            problems.refuse(
                "of",
                "",
                "is needed; give the id of the intervention or adoption taken up",
            );
        }
        self.validate_changes(problems);
        problems.optional_text("reason_for_choice", &self.reason_for_choice);
        problems.short_text("contact_role", &self.contact_role);
        if let Some(context) = &self.context {
            context.validate(problems);
        }
        self.progress().validate(problems);
    }

    fn validate_changes(&self, problems: &mut Problems) {
        match self.closeness {
            None => problems.refuse("type", "", "is needed; choose exact, adapted or inspired"),
            Some(Closeness::Exact) if !self.changes.is_empty() => problems.refuse(
                "type",
                Closeness::Exact,
                "does not go with changes; choose adapted, or take the changes out",
            ),
            Some(kind @ (Closeness::Adapted | Closeness::Inspired)) if self.changes.is_empty() => {
                problems.refuse(
                    "changes",
                    "",
                    format!("is needed because the type is {kind}; say what you do differently"),
                );
            }
            Some(_) => {}
        }
        problems.list_length("changes", self.changes.len(), 40);
        for (index, change) in self.changes.iter().enumerate() {
            problems.text_length(&format!("changes[{index}].change"), &change.change, 1, 2_000);
            problems.text_length(&format!("changes[{index}].element"), &change.element, 0, 1_000);
        }
    }

    /// Refuses an adoption of the school's own work. `own` is the school that publishes.
    pub fn validate_source(&self, own: SchoolId, problems: &mut Problems) {
        if let Some(of) = self.of.as_ref().filter(|of| of.school == Some(own)) {
            problems.refuse(
                "of",
                of.record,
                "is your own school's; take up another school's, or edit your own",
            );
        }
    }

    /// Refuses changes that name no element of `original`, where the original lists any.
    ///
    /// An adoption that is merely inspired need not name one.
    pub fn validate_against(&self, original: &Intervention, problems: &mut Problems) {
        let elements: Vec<&String> =
            original.core_elements.iter().chain(&original.adaptable_elements).collect();
        if elements.is_empty() || self.closeness == Some(Closeness::Inspired) {
            return;
        }
        for (index, change) in self.changes.iter().enumerate() {
            if !elements.iter().any(|element| fold(element) == fold(&change.element)) {
                let quoted: Vec<String> =
                    elements.iter().map(|element| format!("{element:?}")).collect();
                problems.refuse(
                    &format!("changes[{index}].element"),
                    &change.element,
                    format!("must name an element of the original: {}", quoted.join(", ")),
                );
            }
        }
    }

    fn progress(&self) -> Progress<'_> {
        Progress {
            state: self.state,
            stop_reason: &self.stop_reason,
            started: self.started,
            ended: self.ended,
        }
    }

    pub(super) fn normalise(&mut self) {
        if let Some(context) = &mut self.context {
            context.normalise();
        }
    }

    /// Nothing of an adoption stays in the school.
    pub(super) fn redact(&mut self) {}

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.kind_type = self.closeness.map(|closeness| closeness.to_string());
        summary.state = Some(self.state.to_string());
        summary.period = self.progress().period();
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.of.iter().cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.of.iter_mut().collect()
    }
}
