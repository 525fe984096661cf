//! The school that took something up, in bands that fit many schools.

use serde::{Deserialize, Serialize};

use crate::record::Problems;
use crate::record::term::terms;
use crate::vocabulary::Vocabulary;

/// The adopting school: its phase, and bands.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = AdoptionContext))]
#[serde(default)]
pub struct Context {
    /// Primary, secondary, special and so on.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub phase: String,
    /// Pupils on roll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pupils_on_roll: Option<RollBand>,
    /// Share of disadvantaged pupils.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disadvantaged: Option<ShareBand>,
    /// Share of pupils with English as an additional language.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eal: Option<ShareBand>,
    /// Share of pupils with SEN support or an EHC plan.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sen: Option<ShareBand>,
}

terms! {
    /// Pupils on roll.
    RollBand, "band of pupils on roll" {
        /// Under 150.
        Under150 = "under_150",
        /// 150 to 299.
        From150 = "150_to_299",
        /// 300 to 599.
        From300 = "300_to_599",
        /// 600 to 999.
        From600 = "600_to_999",
        /// 1,000 and more.
        From1000 = "1000_and_over",
    }
}

terms! {
    /// A share of a school's pupils.
    ShareBand, "band of a share" {
        /// Under 10 per cent.
        Under10 = "under_10_percent",
        /// 10 to under 25 per cent.
        From10 = "10_to_25_percent",
        /// 25 to under 50 per cent.
        From25 = "25_to_50_percent",
        /// 50 per cent and more.
        From50 = "50_percent_and_over",
    }
}

impl Context {
    pub(super) fn validate(&self, problems: &mut Problems) {
        if !self.phase.is_empty() {
            Vocabulary::Phases.check("context.phase", &self.phase, problems);
        }
    }

    pub(super) fn normalise(&mut self) {
        Vocabulary::Phases.normalise(&mut self.phase);
    }
}
