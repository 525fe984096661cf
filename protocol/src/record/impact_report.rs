//! What came of an intervention or an adoption: words, and figures where there are figures.

mod arms;
mod effect;
mod figures;
mod outcome;
mod rules;
mod voices;

use serde::{Deserialize, Serialize};

use super::ages;
use super::term::terms;
use super::written;
use super::{Common, Period, Problems, Reference, Summary};
use crate::vocabulary::Vocabulary;

pub use arms::{Arm, Arms, AttritionBand, Interval, Score};
pub use effect::{cox_index, default_icc, design_effect, hedges_g, small_sample_correction};
pub use figures::{DetectableBand, Figures, Group, Spread, n_changed_slightly};
pub use outcome::{Marker, Outcome, OutcomeType, Polarity};
pub use voices::{Attitude, Engagement, EvaluatorEstimate, Feedback, Fidelity, Voice};

/// What came of an intervention or an adoption.
///
/// `of`, `period`, `what_was_seen`, `other_factors` and `conclusion` make it complete.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ImpactReport {
    /// The intervention or adoption it is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub of: Option<Reference>,
    /// When it was done.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::text_or_map")]
    pub period: Option<Period>,
    /// What was seen.
    pub what_was_seen: String,
    /// What else may explain it.
    pub other_factors: String,
    /// What the school concludes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// The pupils it is on, where they are fewer than the intervention says.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub year_groups: Vec<String>,
    /// The groups of pupils it is on, where they are fewer than the intervention says.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "written::list")]
    pub pupil_groups: Vec<String>,
    /// How the effect was looked for.
    pub design: Design,
    /// The name of a design that is `other`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub design_name: String,
    /// What was put into one group or the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_of_allocation: Option<Allocation>,
    /// What the comparison group had meanwhile.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub comparison_received: String,
    /// Another report that counts the same comparison group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison_shared_with: Option<Reference>,
    /// Whether pupils were chosen because they had low scores.
    #[serde(deserialize_with = "written::yes_no")]
    pub chosen_for_low_scores: bool,
    /// What was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// The numbers of each group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arms: Option<Arms>,
    /// The share of pupils lost between start and end; computed where `n_at_start` is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attrition: Option<AttritionBand>,
    /// The smallest effect that could have been detected. Worked out when the report is shared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detectable_effect: Option<DetectableBand>,
    /// Why the figures stay in the school. Written when the report is shared.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub figures_withheld: String,
    /// Intra-class correlation, where it is known better than the usual value for such outcomes.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub icc: Option<f64>,
    /// The share of the variance in the outcome that the scores before explain, 0–1.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub r_squared: Option<f64>,
    /// The author's word that an effect above 2 standard deviations is no slip.
    #[serde(deserialize_with = "written::yes_no")]
    pub confirm_large_effect: bool,
    /// Attendance at sessions, and attitudes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engagement: Option<Engagement>,
    /// What staff, pupils and parents said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Feedback>,
    /// How far it was delivered as planned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fidelity: Option<Fidelity>,
    /// Whether it was worth what it cost.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub value_for_money: String,
    /// The schools or pupils it would suit.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub would_recommend_to: String,
    /// What an outside evaluator worked out: shown as theirs, never pooled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluator_estimate: Option<EvaluatorEstimate>,
}

terms! {
    /// What a school concludes from a report.
    Conclusion, "conclusion" {
        /// Go on as it is.
        Continue = "continue",
        /// Go on with changes.
        Adapt = "adapt",
        /// Give it up.
        Stop = "stop",
        /// No conclusion yet.
        Unclear = "unclear",
    }
}

terms! {
    /// How an effect was looked for. The first six run from the weakest to the strongest; the rest
    /// are shown as described, because their effect does not follow from the means of the groups.
    Design, "design" {
        /// In words.
        Described = "described",
        /// One group, measured twice.
        BeforeAndAfter = "before_and_after",
        /// Beside a group that was not chosen to be like it.
        UnmatchedComparison = "unmatched_comparison",
        /// Beside a group that was chosen to be like it.
        MatchedComparison = "matched_comparison",
        /// Each pupil put into a group at random.
        RandomByPupil = "random_by_pupil",
        /// Each class or school put into a group at random.
        RandomByClassOrSchool = "random_by_class_or_school",
        /// On either side of a threshold.
        RegressionDiscontinuity = "regression_discontinuity",
        /// Another design, named in `design_name`.
        Other = "other",
    }
}

#[expect(clippy::derivable_impls, reason = "the macro that makes the enum marks no default")]
impl Default for Design {
    fn default() -> Self {
        Self::Described
    }
}

terms! {
    /// What was put into one group or the other as a whole.
    Allocation, "unit of allocation" {
        /// Each pupil by themselves.
        Pupil = "pupil",
        /// Whole classes.
        Class = "class",
        /// Whole schools.
        School = "school",
    }
}

impl Design {
    /// Whether the effect is that of one group against another.
    pub const fn is_controlled(self) -> bool {
        match self {
            Self::UnmatchedComparison
            | Self::MatchedComparison
            | Self::RandomByPupil
            | Self::RandomByClassOrSchool => true,
            Self::Described
            | Self::BeforeAndAfter
            | Self::RegressionDiscontinuity
            | Self::Other => false,
        }
    }

    const fn is_measured(self) -> bool {
        self.is_controlled() || matches!(self, Self::BeforeAndAfter)
    }
}

impl ImpactReport {
    pub(super) fn validate(&self, _common: &Common, problems: &mut Problems) {
        self.validate_words(problems);
        self.validate_figures(problems);
        if let Some(engagement) = &self.engagement {
            engagement.validate(self.arms.as_ref(), problems);
        }
        if let Some(feedback) = &self.feedback {
            feedback.validate(problems);
        }
        if let Some(fidelity) = &self.fidelity {
            fidelity.validate(problems);
        }
        if let Some(estimate) = &self.evaluator_estimate {
            estimate.validate(problems);
        }
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::YearGroups.normalise_all(&mut self.year_groups);
        Vocabulary::PupilGroups.normalise_all(&mut self.pupil_groups);
    }

    /// Takes out what stays in the school.
    pub(super) fn redact(&mut self) {
        self.redact_figures();
    }

    pub(super) fn summarise(&self, summary: &mut Summary) {
        summary.year_groups = self.year_groups.clone();
        summary.key_stages = ages::key_stages(&[], &self.year_groups);
        summary.pupil_groups = self.pupil_groups.clone();
        summary.conclusion = self.conclusion.map(|conclusion| conclusion.to_string());
        summary.design = Some(self.design.to_string());
        summary.figures = Figures::of(self);
        summary.figures_withheld = Some(self.withheld_text()).filter(|text| !text.is_empty());
        summary.period = self.period;
        summary.references = self.references();
    }

    pub(super) fn references(&self) -> Vec<Reference> {
        self.of.iter().chain(&self.comparison_shared_with).cloned().collect()
    }

    pub(super) fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.of.iter_mut().chain(&mut self.comparison_shared_with).collect()
    }
}
