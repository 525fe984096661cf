//! Something a school tries, with the outcome wanted and the monitoring set down beforehand.

mod cost;
mod delivery;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::term::terms;
use super::written::{self, FromText};
use super::{Common, Period, Problems, Reference, Summary};

pub use cost::{Cost, CostBand};
pub use delivery::{Delivery, Sessions};

/// What a text says that is still to be settled; allowed while an intervention is proposed.
pub const NOT_YET_DECIDED: &str = "not yet decided";

/// Something a school tries. To share it, `aim`, `what_is_different` and `monitoring` are enough.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Intervention {
    /// The outcome wanted.
    pub aim: String,
    /// How it differs from what is already delivered.
    pub what_is_different: String,
    /// Who checks what, and when.
    pub monitoring: String,
    /// Why it should work.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub rationale: String,
    /// A toolkit strand, DOI, What Works Clearinghouse id or address each; empty for none known.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub evidence_links: Vec<String>,
    /// Curriculum, behaviour, teaching and so on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub theme: String,
    /// Empty for cross-curricular.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub subjects: Vec<String>,
    /// Empty for the school's own.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub key_stages: Vec<String>,
    /// Empty for the school's own.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// Empty for all pupils.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub pupil_groups: Vec<String>,
    /// Areas of practice of a trust's framework.
    #[serde(
        rename = "practice_area",
        alias = "practice_areas",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "written::list"
    )]
    pub practice_areas: Vec<String>,
    /// The priority of the school or trust that it serves.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub priority: Option<Priority>,
    /// Why it may differ, where the trust's framework standardises this area, and who agreed.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub waiver: String,
    /// How it is delivered.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "delivery::read")]
    pub delivery: Option<Delivery>,
    /// What it costs.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub cost: Option<Cost>,
    /// What staff must learn first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub training_needed: String,
    /// The resources it uses.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::references")]
    pub resources: Vec<Reference>,
    /// What must be kept by whoever takes it up.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub core_elements: Vec<String>,
    /// What may be changed.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::lines")]
    pub adaptable_elements: Vec<String>,
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

terms! {
    /// How far an intervention or an adoption has got.
    State, "state" {
        /// Not started.
        Proposed = "proposed",
        /// Going on.
        Running = "running",
        /// Done as planned.
        Finished = "finished",
        /// Given up before it was done.
        Stopped = "stopped",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for State {
    fn default() -> Self {
        Self::Proposed
    }
}

/// A priority that an intervention serves; may be written as its statement alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Priority {
    /// The priority in words.
    pub statement: String,
    /// The framework or plan that sets it.
    #[serde(rename = "in", skip_serializing_if = "Option::is_none")]
    pub set_in: Option<Reference>,
}

impl FromText for Priority {
    const EXPECTED: &'static str = "a priority in words, or statement and in";

    fn from_text(text: &str) -> Result<Self, String> {
        Ok(Self { statement: text.to_owned(), set_in: None })
    }
}

impl Intervention {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        let priority = self.priority.iter().filter_map(|priority| priority.set_in.as_ref());
        self.resources.iter().chain(priority).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        let priority = self.priority.iter_mut().filter_map(|priority| priority.set_in.as_mut());
        self.resources.iter_mut().chain(priority).collect()
    }
}
