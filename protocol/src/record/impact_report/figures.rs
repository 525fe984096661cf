//! The numbers of an impact report as shared.

use serde::{Deserialize, Serialize};

use super::{Allocation, AttritionBand, Design, Marker, OutcomeType, Polarity};
use crate::record::Reference;
use crate::record::term::{known, terms};

/// The aggregates of an impact report as they leave a school, from which every node computes the
/// effect. A choice that this program does not know is left out.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
