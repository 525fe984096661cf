//! The numbers of an impact report as shared.

use serde::{Deserialize, Serialize};

use super::{Allocation, Arm, Arms, AttritionBand, Design, Marker, OutcomeType, Polarity, Score};
use super::{ImpactReport, effect};
use crate::record::Reference;
use crate::record::small_group::{GROUP_FLOOR, discloses};
use crate::record::term::{known, terms};

/// The aggregates of an impact report as they leave a school, from which every node computes the
/// effect. A choice that this program does not know is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct Figures {
    /// How the effect was looked for.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub design: Option<Design>,
    /// What was put into one group or the other as a whole.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub unit_of_allocation: Option<Allocation>,
    /// What the outcome says about pupils.
    pub outcome: String,
    /// What reports are pooled within, in lower case.
    pub domain: String,
    /// The test, survey or register.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub measure: String,
    /// Whether before and after use one measure.
    pub one_measure: bool,
    /// The sort of measure.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub outcome_type: Option<OutcomeType>,
    /// Which way is better; without it no effect can be given a sign.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub polarity: Option<Polarity>,
    /// The lowest value that the measure can take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum: Option<f64>,
    /// The highest value that the measure can take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum: Option<f64>,
    /// Who marked the test.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub marked_by: Option<Marker>,
    /// Those who had the intervention.
    pub intervention: Group,
    /// Those who did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Group>,
    /// Another report that counts the same comparison group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison_shared_with: Option<Reference>,
    /// Whether pupils were chosen because they had low scores.
    pub chosen_for_low_scores: bool,
    /// The share of pupils lost between start and end.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub attrition: Option<AttritionBand>,
    /// The smallest effect that could have been detected, in standard deviations.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "known")]
    pub detectable_effect: Option<DetectableBand>,
    /// Intra-class correlation, where the author knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub icc: Option<f64>,
}

/// The numbers of one group as shared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = FiguresGroup))]
#[serde(default)]
pub struct Group {
    /// Pupils with a result at the end.
    pub n: u32,
    /// Scores before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Spread>,
    /// Scores after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Spread>,
    /// Pupils who achieved what is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub achieving: Option<u32>,
    /// Classes or schools that were put into this group as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clusters: Option<u32>,
}

/// A mean and a standard deviation, in the measure's units.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Spread {
    /// The mean, rounded to a tenth of the measure's step.
    pub mean: f64,
    /// The standard deviation of pupils' scores, rounded to a hundredth of the measure's step.
    pub sd: f64,
}

terms! {
    /// The smallest effect that a comparison could have detected, in standard deviations.
    DetectableBand, "band of detectable effects" {
        /// 0.2 at most.
        UpTo02 = "up_to_0.2",
        /// Under 0.3.
        Under03 = "under_0.3",
        /// Under 0.4.
        Under04 = "under_0.4",
        /// Under 0.5.
        Under05 = "under_0.5",
        /// Under 0.6.
        Under06 = "under_0.6",
        /// 0.6 and more.
        From06 = "0.6_and_over",
    }
}

impl DetectableBand {
    /// The band of an effect in standard deviations.
    pub fn of(effect: f64) -> Self {
        if effect <= 0.2 {
            Self::UpTo02
        } else if effect < 0.3 {
            Self::Under03
        } else if effect < 0.4 {
            Self::Under04
        } else if effect < 0.5 {
            Self::Under05
        } else if effect < 0.6 {
            Self::Under06
        } else {
            Self::From06
        }
    }
}

impl Spread {
    fn as_score(self) -> Score {
        Score { mean: Some(self.mean), sd: Some(self.sd), se: None, ci95: None }
    }

    pub(super) fn rounded(self, step: f64) -> Self {
        Self { mean: round_to(self.mean, step / 10.0), sd: round_to(self.sd, step / 100.0) }
    }
}

/// `value` to the nearest multiple of `unit`, without the noise of binary fractions.
fn round_to(value: f64, unit: f64) -> f64 {
    const NOISE: f64 = 1e9;
    ((value / unit).round() * unit * NOISE).round() / NOISE
}

impl Group {
    /// Whether the numbers are possible and about enough pupils to be shown.
    fn may_be_shown(&self) -> bool {
        let possible = |spread: &Option<Spread>| {
            spread.is_none_or(|spread| {
                spread.mean.is_finite() && spread.sd.is_finite() && spread.sd > 0.0
            })
        };
        self.n >= GROUP_FLOOR
            && self.achieving.is_none_or(|count| count <= self.n && !discloses(count, self.n))
            && self.clusters.is_none_or(|clusters| (1..=self.n).contains(&clusters))
            && possible(&self.before)
            && possible(&self.after)
    }
}

impl Figures {
    /// The numbers of `report` as others see them. `None` where it has none, or they stay in the
    /// school.
    pub(super) fn of(report: &ImpactReport) -> Option<Self> {
        if report.small().is_some() {
            return None;
        }
        let (arms, outcome) = (report.arms.as_ref()?, report.outcome.as_ref()?);
        let step = outcome.effective_step();
        let comparison = match &arms.comparison {
            Some(arm) => Some(arm.as_group(step)?),
            None => None,
        };
        Some(Self {
            design: Some(report.design),
            unit_of_allocation: report.unit_of_allocation,
            outcome: outcome.name.trim().to_owned(),
            domain: outcome.domain.trim().to_lowercase(),
            measure: outcome.measure.trim().to_owned(),
            one_measure: outcome.is_one_measure(),
            outcome_type: outcome.outcome_type,
            polarity: outcome.polarity,
            minimum: outcome.minimum,
            maximum: outcome.maximum,
            marked_by: outcome.marked_by,
            intervention: arms.intervention.as_group(step)?,
            comparison,
            comparison_shared_with: report.comparison_shared_with.clone(),
            chosen_for_low_scores: report.chosen_for_low_scores,
            attrition: report.shared_attrition(),
            detectable_effect: report.shared_detectable_effect(),
            icc: report.icc,
        })
    }

    /// The groups as they stand in a report that is shared.
    pub(super) fn arms(&self) -> Arms {
        let arm = |group: &Group| Arm {
            n: Some(group.n),
            n_at_start: None,
            before: group.before.map(Spread::as_score),
            after: group.after.map(Spread::as_score),
            achieving: group.achieving,
            clusters: group.clusters,
        };
        Arms {
            intervention: arm(&self.intervention),
            comparison: self.comparison.as_ref().map(arm),
        }
    }

    /// Whether numbers from elsewhere are possible and about enough pupils to be shown.
    pub fn may_be_shown(&self) -> bool {
        let finite =
            [self.minimum, self.maximum, self.icc].into_iter().flatten().all(f64::is_finite);
        finite
            && self.intervention.may_be_shown()
            && self.comparison.as_ref().is_none_or(Group::may_be_shown)
    }
}

/// Whether a group of a corrected report is 1–9 pupils larger or smaller than in the version shared
/// before, so that the two together tell something about those few. Sharing it takes the data
/// protection role.
pub fn n_changed_slightly(before: &Figures, after: &Figures) -> bool {
    let slightly =
        |before: &Group, after: &Group| (1..GROUP_FLOOR).contains(&before.n.abs_diff(after.n));
    slightly(&before.intervention, &after.intervention)
        || match (&before.comparison, &after.comparison) {
            (Some(before), Some(after)) => slightly(before, after),
            (None, _) | (_, None) => false,
        }
}

impl ImpactReport {
    /// The attrition band from the numbers at the start, or as the author gave it.
    pub(super) fn shared_attrition(&self) -> Option<AttritionBand> {
        self.arms.as_ref().and_then(Arms::attrition).or(self.attrition)
    }

    /// The band of the smallest effect that the groups at the start could have shown. It is worked
    /// out here because the numbers at the start stay in the school.
    pub(super) fn shared_detectable_effect(&self) -> Option<DetectableBand> {
        let arms = self.arms.as_ref().filter(|_| self.design.is_controlled())?;
        let comparison = arms.comparison.as_ref()?;
        let starts = arms.intervention.n_at_start.zip(comparison.n_at_start);
        if starts.is_none() && self.detectable_effect.is_some() {
            return self.detectable_effect;
        }
        let (n1, n2) = starts.or_else(|| arms.intervention.n.zip(comparison.n))?;
        if n1 == 0 || n2 == 0 {
            return None;
        }
        let outcome_type = self.outcome.as_ref().and_then(|outcome| outcome.outcome_type);
        let icc = self.icc.unwrap_or_else(|| effect::default_icc(outcome_type));
        let clusters = arms.intervention.clusters.zip(comparison.clusters);
        let design_effect = clusters.map_or(1.0, |(c1, c2)| {
            effect::design_effect(n1.saturating_add(n2), c1.saturating_add(c2), icc)
        });
        let r_squared = self.r_squared.unwrap_or_default();
        let smallest = effect::detectable_effect(n1, n2, design_effect, r_squared);
        smallest.is_finite().then(|| DetectableBand::of(smallest))
    }
}
