//! What was measured, and on which scale.

use serde::{Deserialize, Serialize};

use crate::record::term::terms;
use crate::record::written;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Outcome {
    /// What it says about pupils: "reading comprehension".
    pub name: String,
    /// What reports are pooled within: "reading", "mathematics", "attendance".
    pub domain: String,
    /// The test, survey or register.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub measure: String,
    /// The sort of measure.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub outcome_type: Option<OutcomeType>,
    /// Which way is better.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polarity: Option<Polarity>,
    /// The lowest value that the measure can take.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub minimum: Option<f64>,
    /// The highest value that the measure can take.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub maximum: Option<f64>,
    /// The smallest difference that the measure can show, such as 1 mark.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub step: Option<f64>,
    /// Who marked it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marked_by: Option<Marker>,
    /// What was measured before, where it was something else than after.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub measure_before: String,
}

terms! {
    /// The sort of measure.
    OutcomeType, "type of outcome" {
        /// A published test with norms.
        Standardised = "standardised",
        /// A national test or examination.
        Statutory = "statutory",
        /// A test that the school made.
        TeacherMade = "teacher_made",
        /// A questionnaire.
        Survey = "survey",
        /// Attendance.
        Attendance = "attendance",
        /// Behaviour as recorded.
        Behaviour = "behaviour",
    }
}

terms! {
    /// Which way is better.
    Polarity, "polarity" {
        /// More is better, as for marks.
        HigherIsBetter = "higher_is_better",
        /// Less is better, as for absence.
        LowerIsBetter = "lower_is_better",
    }
}

terms! {
    /// Who marked a test.
    Marker, "marker" {
        /// The person who delivered what is tested.
        Deliverer = "deliverer",
        /// Somebody else in the school.
        Colleague = "colleague",
        /// Somebody outside the school.
        External = "external",
        /// A machine.
        Computer = "computer",
    }
}
