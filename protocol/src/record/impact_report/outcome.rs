//! What was measured, and on which scale.

use serde::{Deserialize, Serialize};

use crate::limits::MAX_SHORT_TEXT_CHARS;
use crate::record::Problems;
use crate::record::term::{fold, terms};
use crate::record::written;

/// What was measured.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

impl Outcome {
    /// Checks what figures need: without a domain, a sort, a direction and, for scores, a range
    /// nobody could compare or check them.
    pub(super) fn validate(&self, has_scores: bool, problems: &mut Problems) {
        problems.text_length("outcome.name", &self.name, 1, MAX_SHORT_TEXT_CHARS);
        problems.text_length("outcome.domain", &self.domain, 1, MAX_SHORT_TEXT_CHARS);
        problems.short_text("outcome.measure", &self.measure);
        problems.short_text("outcome.measure_before", &self.measure_before);
        if self.outcome_type.is_none() {
            problems.refuse("outcome.type", "", needed(OutcomeType::ALL));
        }
        if self.polarity.is_none() {
            problems.refuse("outcome.polarity", "", needed(Polarity::ALL));
        }
        self.validate_range(has_scores, problems);
    }

    fn validate_range(&self, has_scores: bool, problems: &mut Problems) {
        for (field, end) in [("outcome.minimum", self.minimum), ("outcome.maximum", self.maximum)] {
            match end {
                Some(end) => problems.range(field, end, -MOST, MOST),
                None if has_scores => problems.refuse(
                    field,
                    "",
                    "is needed for scores; give the end of the range that the measure can take",
                ),
                None => {}
            }
        }
        let (Some(minimum), Some(maximum)) = (self.minimum, self.maximum) else { return };
        if minimum >= maximum {
            problems.refuse(
                "outcome.maximum",
                maximum,
                format!("must be above minimum, {minimum}"),
            );
        } else if let Some(step) = self.step
            && !(step > 0.0 && step <= maximum - minimum)
        {
            problems.refuse(
                "outcome.step",
                step,
                "must be above 0 and no larger than the range of the measure",
            );
        }
    }

    /// From the lowest to the highest value, where both are given in order.
    pub(super) fn range(&self) -> Option<(f64, f64)> {
        let range = self.minimum.zip(self.maximum)?;
        (range.0 < range.1 && range.0.is_finite() && range.1.is_finite()).then_some(range)
    }

    /// The smallest difference that the measure shows: as given; otherwise 1 for a range of 10 and
    /// more, and about a hundredth of a smaller one, as for a mean of several answers from 1 to 5.
    pub(super) fn effective_step(&self) -> f64 {
        if let Some(step) = self.step.filter(|step| step.is_finite() && *step > 0.0) {
            return step;
        }
        match self.range().map(|(minimum, maximum)| maximum - minimum) {
            Some(range) if range < 10.0 => 10_f64.powf((range / 100.0).log10().floor()),
            Some(_) | None => 1.0,
        }
    }

    /// Whether before and after use one measure.
    pub(super) fn is_one_measure(&self) -> bool {
        self.measure_before.is_empty() || fold(&self.measure_before) == fold(&self.measure)
    }
}

/// No scale of a school has larger numbers; a larger one is a slip.
const MOST: f64 = 1_000_000.0;

fn needed<T: std::fmt::Display>(choices: &[T]) -> String {
    let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
    format!("is needed where there are figures; choose from {}", choices.join(", "))
}
