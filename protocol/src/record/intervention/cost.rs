//! What an intervention costs: exact in the school, a band outside it.

use serde::{Deserialize, Serialize};

use crate::record::term::terms;
use crate::record::written::{self, FromText};

/// What an intervention costs. May be written as a band alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Paid once, in pounds. Stays in the school.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub one_off: Option<f64>,
    /// Paid each year, in pounds. Stays in the school.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub per_year: Option<f64>,
    /// The pupils it is spent on in a year. Stays in the school.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub pupils: Option<u32>,
    /// Hours of staff in a year: shown, and not priced.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "written::number")]
    pub staff_hours: Option<f64>,
    /// Cost for each pupil in a year. It follows from the amounts where they are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub band: Option<CostBand>,
}

terms! {
    /// The cost for each pupil in a year, after the toolkit of the Education Endowment Foundation.
    CostBand, "cost band" {
        /// Under £80.
        VeryLow = "very_low",
        /// £80 to £170.
        Low = "low",
        /// Above £170, to £700.
        Moderate = "moderate",
        /// Above £700, to £1,200.
        High = "high",
        /// Above £1,200.
        VeryHigh = "very_high",
    }
}

impl FromText for Cost {
    const EXPECTED: &'static str =
        "a cost band such as \"very low\", or one_off, per_year and pupils";

    fn from_text(text: &str) -> Result<Self, String> {
        let band = text.parse().map_err(|error: crate::record::UnknownTerm| error.to_string())?;
        Ok(Self { band: Some(band), ..Self::default() })
    }
}
