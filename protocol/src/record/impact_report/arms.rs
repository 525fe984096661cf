//! The numbers of each group, as a school has them.

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::effect::t_975;
use super::figures::{Group, Spread};
use crate::record::Problems;
use crate::record::small_group::{GROUP_FLOOR, discloses};
use crate::record::term::terms;
use crate::record::written;

/// Pupils of one group: more than a large trust has.
const MOST_PUPILS: u32 = 1_000_000;

/// The largest standard deviation that scores in a range can have, as a share of it: half where
/// all lie at the ends, and a little more in a sample.
const MOST_SD: f64 = 0.55;

/// The groups that are compared.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReportedInterval))]
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

impl AttritionBand {
    /// The band of pupils lost when `at_end` of `at_start` have a result.
    pub fn of(at_start: u32, at_end: u32) -> Self {
        const BANDS: [AttritionBand; 5] = [
            AttritionBand::UpTo10,
            AttritionBand::UpTo20,
            AttritionBand::UpTo30,
            AttritionBand::UpTo40,
            AttritionBand::UpTo50,
        ];
        let lost = u64::from(at_start.saturating_sub(at_end));
        let within = |tenths: u64| lost * 10 <= u64::from(at_start) * tenths;
        (1..).zip(BANDS).find(|(tenths, _)| within(*tenths)).map_or(Self::Over50, |(_, band)| band)
    }
}

impl Arms {
    pub(super) fn each(&self) -> impl Iterator<Item = (&'static str, &Arm)> {
        let intervention = std::iter::once(("arms.intervention", &self.intervention));
        intervention.chain(self.comparison.iter().map(|arm| ("arms.comparison", arm)))
    }

    pub(super) fn has_scores(&self) -> bool {
        self.each().any(|(_, arm)| arm.before.is_some() || arm.after.is_some())
    }

    /// Pupils lost, where all groups say how many they were at the start.
    pub(super) fn attrition(&self) -> Option<AttritionBand> {
        let mut at_start = 0_u32;
        let mut at_end = 0_u32;
        for (_, arm) in self.each() {
            at_start = at_start.checked_add(arm.n_at_start?)?;
            at_end = at_end.checked_add(arm.n?)?;
        }
        (at_start > 0).then(|| AttritionBand::of(at_start, at_end))
    }

    pub(super) fn validate(&self, outcome: &Outcome, problems: &mut Problems) {
        for (field, arm) in self.each() {
            arm.validate(field, outcome, problems);
        }
        let sort = |arm: &Arm| {
            let has_scores = arm.before.is_some() || arm.after.is_some();
            (has_scores != arm.achieving.is_some()).then_some(has_scores)
        };
        if let Some(comparison) = self.comparison.as_ref().and_then(sort)
            && sort(&self.intervention).is_some_and(|intervention| intervention != comparison)
        {
            problems.refuse(
                "arms.comparison",
                "",
                "must have the same sort of numbers as arms.intervention: scores, or numbers achieving",
            );
        }
    }
}

impl Arm {
    /// Whether the group, or a count in it, is too small to leave the school.
    pub(super) fn small(&self) -> Option<Small> {
        match (self.n?, self.achieving) {
            (n, _) if n < GROUP_FLOOR => Some(Small::Group),
            (n, Some(achieving)) if discloses(achieving, n) => Some(Small::Count),
            (_, _) => None,
        }
    }

    fn validate(&self, field: &str, outcome: &Outcome, problems: &mut Problems) {
        let place = |name: &str| format!("{field}.{name}");
        match self.n {
            None => problems.refuse(
                &place("n"),
                "",
                "is needed; give the pupils with a result at the end",
            ),
            Some(n) => problems.range(&place("n"), n, 1, MOST_PUPILS),
        }
        let n = self.n.unwrap_or_default();
        if let Some(start) = self.n_at_start.filter(|start| *start < n || *start > MOST_PUPILS) {
            problems.refuse(
                &place("n_at_start"),
                start,
                format!("must be from n, {n}, to {MOST_PUPILS}"),
            );
        }
        if let Some(clusters) = self.clusters.filter(|clusters| *clusters == 0 || *clusters > n) {
            problems.refuse(&place("clusters"), clusters, format!("must be from 1 to n, {n}"));
        }
        match (self.achieving, self.before.is_some() || self.after.is_some()) {
            (Some(_), true) => problems.refuse(
                field,
                "",
                "must have scores or a number achieving, not both; make a second report for the other",
            ),
            (Some(achieving), false) if achieving > n => problems.refuse(
                &place("achieving"),
                achieving,
                format!("must be at most n, {n}"),
            ),
            (Some(_), false) => {}
            (None, true) if self.after.is_none() => {
                problems.refuse(&place("after"), "", "is needed; give the scores at the end");
            }
            (None, true) => {}
            (None, false) => problems.refuse(
                field,
                "",
                "needs scores in after (and before), or a number achieving",
            ),
        }
        let range = outcome.range();
        let before_range = range.filter(|_| outcome.is_one_measure());
        let step = outcome.effective_step();
        if let Some(before) = &self.before {
            before.validate(&place("before"), n, before_range, step, problems);
        }
        if let Some(after) = &self.after {
            after.validate(&place("after"), n, range, step, problems);
        }
    }

    /// The numbers as others see them. `None` while something needed is missing.
    pub(super) fn as_group(&self, step: f64) -> Option<Group> {
        let n = self.n?;
        let rounded = |score: &Option<Score>| score.as_ref()?.spread(n).map(|s| s.rounded(step));
        Some(Group {
            n,
            before: rounded(&self.before),
            after: rounded(&self.after),
            achieving: self.achieving,
            clusters: self.clusters,
        })
    }
}

/// Why the numbers of a group stay in the school.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Small {
    /// The group has too few pupils.
    Group,
    /// A count in it is too small, gives a small one away, or is all or none of a small group.
    Count,
}

impl Score {
    /// The mean and standard deviation, the latter worked out from `se` or `ci95` where need be.
    pub(super) fn spread(&self, n: u32) -> Option<Spread> {
        let root_n = f64::from(n).sqrt();
        let sd = match (self.sd, self.se, self.ci95) {
            (Some(sd), _, _) => sd,
            (None, Some(se), _) => se * root_n,
            (None, None, Some(Interval(lower, upper))) => {
                (upper - lower) / (2.0 * t_975(n.saturating_sub(1))) * root_n
            }
            (None, None, None) => return None,
        };
        Some(Spread { mean: self.mean?, sd })
    }

    fn validate(
        &self,
        field: &str,
        n: u32,
        range: Option<(f64, f64)>,
        step: f64,
        problems: &mut Problems,
    ) {
        let place = |name: &str| format!("{field}.{name}");
        match (self.mean, range) {
            (None, _) => problems.refuse(&place("mean"), "", "is needed; give the mean score"),
            (Some(mean), Some((minimum, maximum))) => {
                if !(minimum <= mean && mean <= maximum) {
                    problems.refuse(
                        &place("mean"),
                        mean,
                        format!("must lie in the range of the measure, {minimum} to {maximum}"),
                    );
                }
            }
            (Some(mean), None) => {
                if !mean.is_finite() {
                    problems.refuse(&place("mean"), mean, "must be a number");
                }
            }
        }
        let ways = [self.sd.is_some(), self.se.is_some(), self.ci95.is_some()];
        if ways.into_iter().filter(|given| *given).count() != 1 {
            problems.refuse(
                &place("sd"),
                "",
                "is needed: exactly one of sd (standard deviation), se (standard error) and ci95 (95 % interval of the mean)",
            );
            return;
        }
        if let (Some(Interval(lower, upper)), Some(mean)) = (self.ci95, self.mean)
            && !(lower < mean && mean < upper)
        {
            problems.refuse(
                &place("ci95"),
                format!("{lower} to {upper}"),
                format!("must be written [lower, upper] with the mean, {mean}, between"),
            );
            return;
        }
        if n < 2 {
            problems.refuse(field, "", "needs two pupils or more; describe one pupil in no record");
            return;
        }
        let Some(Spread { sd, .. }) = self.spread(n) else { return };
        let source = if self.sd.is_some() { "" } else { " (worked out from what is given)" };
        if !(sd.is_finite() && sd > 0.0) {
            problems.refuse(&place("sd"), sd, format!("must be above 0{source}"));
        } else if let Some((minimum, maximum)) = range
            && sd > MOST_SD * (maximum - minimum)
        {
            let most = MOST_SD * (maximum - minimum);
            problems.refuse(
                &place("sd"),
                sd,
                format!(
                    "must be at most {most:.2}, 0.55 of the range {minimum} to {maximum}{source}; \
                     check the range, and that no percentage or count stands here"
                ),
            );
        } else if (Spread { mean: 0.0, sd }).rounded(step).sd <= 0.0 {
            problems.refuse(
                &place("sd"),
                sd,
                format!("is too small beside a step of {step}; give the measure's real step in outcome.step"),
            );
        }
    }
}
