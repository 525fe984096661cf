//! What an intervention costs: exact in the school, a band outside it.

use serde::{Deserialize, Serialize};

use crate::record::Problems;
use crate::record::small_group::GROUP_FLOOR;
use crate::record::term::terms;
use crate::record::written::{self, FromText};

/// What an intervention costs. May be written as a band alone.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// The ends of the bands, in pounds.
const VERY_LOW_BELOW: f64 = 80.0;
const LOW_TO: f64 = 170.0;
const MODERATE_TO: f64 = 700.0;
const HIGH_TO: f64 = 1_200.0;

/// Years over which what is paid once is spread.
const YEARS_OF_ONE_OFF: f64 = 3.0;

impl Cost {
    pub(super) fn validate(&self, problems: &mut Problems) {
        const MOST_POUNDS: f64 = 10_000_000.0;
        const MOST_HOURS: f64 = 100_000.0;
        for (field, value, most) in [
            ("cost.one_off", self.one_off, MOST_POUNDS),
            ("cost.per_year", self.per_year, MOST_POUNDS),
            ("cost.staff_hours", self.staff_hours, MOST_HOURS),
        ] {
            if let Some(value) = value {
                problems.range(field, value, 0.0, most);
            }
        }
        if let Some(pupils) = self.pupils {
            problems.range("cost.pupils", pupils, 1, 100_000);
        }
        self.validate_band(problems);
    }

    fn validate_band(&self, problems: &mut Problems) {
        if let Some(pupils) = self.pupils.filter(|pupils| (1..GROUP_FLOOR).contains(pupils)) {
            problems.warn(
                "cost.pupils",
                pupils,
                format!(
                    "is fewer than {GROUP_FLOOR}, so the cost stays in the school; give the pupils \
                     of several groups or years together to share it"
                ),
            );
        } else if self.pupils.is_none() && (self.one_off.is_some() || self.per_year.is_some()) {
            problems.warn(
                "cost.pupils",
                "",
                "is needed to share the amounts as a cost for each pupil; give the number of pupils",
            );
        }
        if let (Some(typed), Some(computed)) = (self.band, self.computed_band())
            && typed != computed
        {
            problems.warn(
                "cost.band",
                typed,
                format!("differs from the amounts, which make it {computed}; {computed} is shared"),
            );
        }
    }

    /// The cost for each pupil in a year, in pounds; what is paid once is spread over three years.
    pub fn per_pupil(&self) -> Option<f64> {
        let pupils = self.pupils.filter(|pupils| *pupils > 0)?;
        if self.one_off.is_none() && self.per_year.is_none() {
            return None;
        }
        let year =
            self.one_off.unwrap_or_default() / YEARS_OF_ONE_OFF + self.per_year.unwrap_or_default();
        Some(year / f64::from(pupils)).filter(|cost| cost.is_finite())
    }

    fn computed_band(&self) -> Option<CostBand> {
        self.per_pupil().map(CostBand::of)
    }

    /// The band that others may see: none where it rests on fewer pupils than may be shared.
    pub(super) fn shared_band(&self) -> Option<CostBand> {
        let few = self.pupils.is_some_and(|pupils| pupils < GROUP_FLOOR);
        self.computed_band().or(self.band).filter(|_| !few)
    }

    /// The cost as others see it; nothing where nothing of it may be shared.
    pub(super) fn into_shared(self) -> Option<Self> {
        let band = self.shared_band();
        let shared = Self { staff_hours: self.staff_hours, band, ..Self::default() };
        (shared != Self::default()).then_some(shared)
    }
}

impl CostBand {
    /// The band of a cost in pounds for each pupil in a year.
    pub fn of(pounds: f64) -> Self {
        if pounds < VERY_LOW_BELOW {
            Self::VeryLow
        } else if pounds <= LOW_TO {
            Self::Low
        } else if pounds <= MODERATE_TO {
            Self::Moderate
        } else if pounds <= HIGH_TO {
            Self::High
        } else {
            Self::VeryHigh
        }
    }

    /// From where to where the band reaches, in pounds; the highest has no end.
    pub const fn bounds(self) -> (f64, Option<f64>) {
        match self {
            Self::VeryLow => (0.0, Some(VERY_LOW_BELOW)),
            Self::Low => (VERY_LOW_BELOW, Some(LOW_TO)),
            Self::Moderate => (LOW_TO, Some(MODERATE_TO)),
            Self::High => (MODERATE_TO, Some(HIGH_TO)),
            Self::VeryHigh => (HIGH_TO, None),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn cost(one_off: f64, per_year: f64, pupils: u32) -> Cost {
        Cost {
            one_off: Some(one_off),
            per_year: Some(per_year),
            pupils: Some(pupils),
            ..Cost::default()
        }
    }

    fn said(cost: &Cost) -> Vec<String> {
        let mut problems = Problems::default();
        cost.validate(&mut problems);
        problems.into_vec().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_bands_meet_without_a_gap() {
        for (pounds, band) in [
            (0.0, CostBand::VeryLow),
            (79.99, CostBand::VeryLow),
            (80.0, CostBand::Low),
            (170.0, CostBand::Low),
            (170.01, CostBand::Moderate),
            (700.0, CostBand::Moderate),
            (1_200.0, CostBand::High),
            (1_200.01, CostBand::VeryHigh),
        ] {
            assert_eq!(CostBand::of(pounds), band, "{pounds}");
        }
    }

    #[test]
    fn what_is_paid_once_is_spread_over_three_years() {
        assert_eq!(cost(3_000.0, 500.0, 30).per_pupil(), Some(50.0));
        assert_eq!(Cost { pupils: None, ..cost(1.0, 1.0, 30) }.per_pupil(), None);
        assert_eq!(cost(1.0, 1.0, 0).per_pupil(), None);
    }

    #[test]
    fn a_cost_for_fewer_than_ten_pupils_is_not_shared() {
        let few = Cost { band: Some(CostBand::VeryLow), ..cost(0.0, 90.0, 9) };
        assert_eq!(few.shared_band(), None);
        assert_eq!(
            said(&few)[0],
            "cost.pupils is \"9\": is fewer than 10, so the cost stays in the school; give the \
             pupils of several groups or years together to share it"
        );
        assert_eq!(few.into_shared(), None);
        assert_eq!(cost(0.0, 90.0, 10).shared_band(), Some(CostBand::VeryLow));
    }

    #[test]
    fn amounts_are_checked_and_beat_a_typed_band() {
        let typed = Cost { band: Some(CostBand::High), ..cost(0.0, 900.0, 10) };
        assert_eq!(
            said(&typed),
            ["cost.band is \"high\": differs from the amounts, which make it low; low is shared"]
        );
        assert_eq!(typed.shared_band(), Some(CostBand::Low));
        assert_eq!(
            said(&cost(-1.0, f64::NAN, 0)),
            [
                "cost.one_off is \"-1\": must be from 0 to 10000000",
                "cost.per_year is \"NaN\": must be from 0 to 10000000",
                "cost.pupils is \"0\": must be from 1 to 100000",
            ]
        );
        assert_eq!(
            said(&Cost { pupils: None, ..cost(1.0, 1.0, 1) }),
            ["cost.pupils: is needed to share the amounts as a cost for each pupil; give the \
              number of pupils"]
        );
    }
}
