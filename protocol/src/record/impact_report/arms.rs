//! The numbers of each group, as a school has them.

use serde::{Deserialize, Serialize};

use crate::record::term::terms;
use crate::record::written;

/// The groups that are compared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Arms {
    /// Those who had the intervention.
    pub intervention: Arm,
    /// Those who did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Arm>,
}

/// One group: its scores, or how many achieved something.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Arm {
    /// Pupils with a result at the end.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n: Option<u32>,
    /// Pupils at the start. Stays in the school.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub n_at_start: Option<u32>,
    /// Scores before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Score>,
    /// Scores after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Score>,
    /// Pupils who achieved what is looked at.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub achieving: Option<u32>,
    /// Classes or schools in this group, where they were put into it as a whole.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub clusters: Option<u32>,
}

/// A mean and how far scores lie from it: one of `sd`, `se` and `ci95`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    /// The mean, in the measure's units.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub mean: Option<f64>,
    /// The standard deviation of pupils' scores.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub sd: Option<f64>,
    /// The standard error of the mean.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub se: Option<f64>,
    /// The 95 % interval of the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ci95: Option<Interval>,
}

/// From a lower to an upper end; written as `[40.1, 44.3]`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval(pub f64, pub f64);

terms! {
    /// The share of pupils lost between start and end.
    AttritionBand, "attrition band" {
        /// 10 per cent at most.
        UpTo10 = "up_to_10_percent",
        /// Above 10 per cent, to 20.
        UpTo20 = "up_to_20_percent",
        /// Above 20 per cent, to 30.
        UpTo30 = "up_to_30_percent",
        /// Above 30 per cent, to 40.
        UpTo40 = "up_to_40_percent",
        /// Above 40 per cent, to 50.
        UpTo50 = "up_to_50_percent",
        /// Above 50 per cent.
        Over50 = "over_50_percent",
    }
}
