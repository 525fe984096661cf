//! A school's improvement plan. It stays in the school unless it is shared.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::{Common, Period, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

/// A school's improvement plan for one academic year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Plan {
    /// The academic year: `2025/26`.
    pub academic_year: String,
    /// What the school works on, one to seven things.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub priorities: Vec<PlanPriority>,
}

/// One thing that a school works on in a year.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PlanPriority {
    /// What is to become better.
    pub statement: String,
    /// The inspection area it belongs to.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub area: String,
    /// What `baseline` and `target` count, with its unit: "attendance, per cent".
    #[serde(skip_serializing_if = "String::is_empty")]
    pub measure: String,
    /// Which way is better.
    #[serde(skip_serializing_if = "Better::is_higher")]
    pub better: Better,
    /// The number of pupils behind the figures; 0 where they are not about pupils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pupils: Option<u32>,
    /// Where the school stands, in the measure's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<f64>,
    /// Where it wants to be, in the measure's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,
    /// The day by which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_date: Option<Date>,
    /// Role of the person who leads it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub lead_role: String,
    /// What will be done.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<String>,
    /// The interventions that serve it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interventions: Vec<Reference>,
    /// How the school will know.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub evidence: String,
}

/// Which way a measure improves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Better {
    /// More is better, as for attendance.
    #[default]
    Higher,
    /// Less is better, as for suspensions.
    Lower,
}

impl Plan {
    pub(super) fn validate(&self, _common: &Common, _problems: &mut Problems) {}

    pub(super) fn summarise(&self, _summary: &mut Summary) {}

    pub(super) fn references(&self) -> Vec<Reference> {
        Vec::new()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }
}

impl Better {
    fn is_higher(&self) -> bool {
        *self == Self::Higher
    }
}
