//! What one impact report shows by itself: its effect, and how strong the evidence is.

use serde::Serialize;
use staffroom_protocol::record::impact_report::{
    Allocation, AttritionBand, Design, DetectableBand, Figures, Group, Marker, OutcomeType,
    Polarity, Spread, default_icc, design_effect, hedges_g,
};

use super::Strength;
use super::distribution::{Z_975, t_975};
use super::effect::{variance_of_cox_index, variance_of_g};

/// Above this a difference in standard deviations is a slip of the pen: the program refuses to
/// publish it, so that only a program that breaks the rules shares it.
const MOST_EFFECT: f64 = 5.0;

/// The largest standard deviation of scores in a range, as a share of it.
const MOST_SD: f64 = 0.55;

/// Up to this baseline difference the groups were alike.
const ALIKE: f64 = 0.05;

/// Above this baseline difference the comparison is not like with like.
const UNLIKE: f64 = 0.25;

/// What the figures of one report show.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Words alone: there are no figures, or none from which an effect follows.
    Described,
    /// Numbers that cannot be right, or are about too few pupils to be shown.
    Impossible,
    /// One group, measured twice.
    Change(MeasuredChange),
    /// One group against another.
    Effect(ReportEffect),
}

/// How one group's results changed, in the measure's units.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MeasuredChange {
    /// The mean before; none where something else was measured then.
    pub before: Option<f64>,
    /// The mean after.
    pub after: f64,
    /// Whether more is better; none where the report does not say.
    pub higher_is_better: Option<bool>,
    /// Pupils were chosen because they had low scores.
    pub chosen_for_low_scores: bool,
}

/// The effect of a controlled design, in standard deviations; plus is better.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportEffect {
    /// Hedges' g or the Cox index of what was measured after. Where the groups differed somewhat
    /// beforehand, that difference is taken off.
    pub estimate: f64,
    /// Its 95 % interval; none where one class stands against one, which no interval covers.
    pub interval: Option<(f64, f64)>,
    /// (1/n₁ + 1/n₂)·DE + g²/(2(n₁ + n₂)), or that of the Cox index; DE widens it where classes or
    /// schools were allocated as a whole.
    pub variance: f64,
    /// The difference before, in standard deviations; none where before was not measured.
    pub baseline: Option<f64>,
    /// Whether the difference before was taken off.
    pub adjusted: bool,
    /// Why it is listed and not pooled.
    pub not_pooled: Option<NotPooled>,
}

/// Why an effect is listed and not pooled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum NotPooled {
    /// One class against one class cannot separate the approach from the teacher.
    OneClassAgainstOne,
    /// The groups differed by more than 0.25 beforehand.
    BaselineDifference,
    /// What was done was only inspired by the original.
    Inspired,
    /// Another school's report counts the same comparison group, and is pooled.
    SharedComparison,
}

/// A report's finding, and what it is on.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportEvidence {
    /// What was found.
    pub finding: Finding,
    /// 0 to 5, before what a school alone can reach is taken into account. It does not depend on
    /// what was found.
    pub rating: u8,
    /// The rating in words, for this report alone.
    pub strength: Strength,
    /// Pupils behind the figures, over both groups.
    pub pupils: Option<u32>,
    /// What reports are pooled within, in lower case.
    pub domain: String,
    /// What was measured.
    pub outcome: String,
    /// The sort of measure.
    pub outcome_type: Option<OutcomeType>,
    /// Whoever taught it marked the test.
    pub marked_by_deliverer: bool,
    /// More than a fifth of the pupils who started had no result at the end.
    pub lost_many: bool,
}

impl ReportEvidence {
    /// What the figures of a report show; none where it has none.
    pub fn of(figures: Option<&Figures>) -> Self {
        let Some(figures) = figures else { return Self::described() };
        let finding = finding(figures);
        let rating = rating(figures, &finding);
        let comparison = figures.comparison.as_ref().map_or(0, |group| group.n);
        Self {
            pupils: (finding != Finding::Impossible)
                .then(|| figures.intervention.n.saturating_add(comparison)),
            strength: Strength::of_rating(rating.min(MOST_ALONE)),
            finding,
            rating,
            domain: figures.domain.trim().to_lowercase(),
            outcome: figures.outcome.trim().to_owned(),
            outcome_type: figures.outcome_type,
            marked_by_deliverer: figures.marked_by == Some(Marker::Deliverer),
            lost_many: figures.attrition.is_some_and(|band| band > AttritionBand::UpTo20),
        }
    }

    fn described() -> Self {
        Self {
            finding: Finding::Described,
            rating: 0,
            strength: Strength::Described,
            pupils: None,
            domain: String::new(),
            outcome: String::new(),
            outcome_type: None,
            marked_by_deliverer: false,
            lost_many: false,
        }
    }

    /// Whether it was measured what pupils know and can do.
    pub fn is_attainment(&self) -> bool {
        match self.outcome_type {
            Some(OutcomeType::Standardised | OutcomeType::Statutory | OutcomeType::TeacherMade) => {
                true
            }
            Some(OutcomeType::Survey | OutcomeType::Attendance | OutcomeType::Behaviour) | None => {
                false
            }
        }
    }

    /// The effect, where there is one.
    pub fn effect(&self) -> Option<&ReportEffect> {
        match &self.finding {
            Finding::Effect(effect) => Some(effect),
            Finding::Described | Finding::Impossible | Finding::Change(_) => None,
        }
    }
}

/// The rating that one school alone never exceeds.
pub(super) const MOST_ALONE: u8 = 4;

impl Strength {
    /// The words for a rating of 0 to 5.
    pub(super) fn of_rating(rating: u8) -> Self {
        match rating {
            0 => Self::Described,
            1 | 2 => Self::EarlySign,
            3 => Self::Promising,
            4 => Self::Tested,
            5.. => Self::WellTested,
        }
    }

    /// The strength of what several schools found, from the best rating of each. One school alone
    /// never exceeds 4; two that reach it make 5.
    pub(super) fn of_schools(ratings: impl IntoIterator<Item = u8>) -> Option<Self> {
        let mut ratings: Vec<u8> = ratings.into_iter().collect();
        ratings.sort_unstable_by(|one, other| other.cmp(one));
        let best = *ratings.first()?;
        let good = ratings.iter().filter(|rating| **rating >= MOST_ALONE).count();
        Some(Self::of_rating(if good > 1 { MOST_ALONE + 1 } else { best.min(MOST_ALONE) }))
    }
}

fn finding(figures: &Figures) -> Finding {
    if !figures.may_be_shown() || !is_in_range(figures) {
        return Finding::Impossible;
    }
    match figures.design {
        Some(design) if design.is_controlled() => match effect(figures) {
            Some(effect) => Finding::Effect(effect),
            None => Finding::Impossible,
        },
        Some(Design::BeforeAndAfter) => change(figures).map_or(Finding::Described, Finding::Change),
        Some(_) | None => Finding::Described,
    }
}

/// Whether means lie in the measure's range and spreads are such as scores in it can have.
fn is_in_range(figures: &Figures) -> bool {
    let (Some(minimum), Some(maximum)) = (figures.minimum, figures.maximum) else { return true };
    let groups = [Some(&figures.intervention), figures.comparison.as_ref()];
    let after = groups.into_iter().flatten().filter_map(|group| group.after);
    // Before may have been measured by something with another range.
    let before = groups.into_iter().flatten().filter_map(|group| group.before);
    let mut spreads = after.chain(before.filter(|_| figures.one_measure));
    minimum < maximum
        && spreads.all(|spread| {
            (minimum..=maximum).contains(&spread.mean) && spread.sd <= MOST_SD * (maximum - minimum)
        })
}

fn change(figures: &Figures) -> Option<MeasuredChange> {
    let group = &figures.intervention;
    let before = group.before.filter(|_| figures.one_measure).map(|spread| spread.mean);
    Some(MeasuredChange {
        before,
        after: group.after?.mean,
        higher_is_better: figures.polarity.map(|polarity| polarity == Polarity::HigherIsBetter),
        chosen_for_low_scores: figures.chosen_for_low_scores,
    })
}

fn effect(figures: &Figures) -> Option<ReportEffect> {
    let (one, other) = (&figures.intervention, figures.comparison.as_ref()?);
    let sign = match figures.polarity? {
        Polarity::HigherIsBetter => 1.0,
        Polarity::LowerIsBetter => -1.0,
    };
    let after = sign * one.difference_after(other)?;
    let baseline = baseline(one, other).map(|difference| sign * difference);
    let adjusts = figures.one_measure
        && baseline
            .is_some_and(|difference| difference.abs() > ALIKE && difference.abs() <= UNLIKE);
    let estimate = if adjusts { after - baseline? } else { after };
    let clusters = clusters(figures);
    let widened = widening(figures, one.n.saturating_add(other.n));
    let variance = variance(one, other, after, widened)?;
    if after.abs() > MOST_EFFECT || !variance.is_finite() || variance <= 0.0 {
        return None;
    }
    // With few classes or schools, how they differ is known as badly as they are few.
    let reach = match clusters {
        None => Some(Z_975),
        Some((one, other)) => match one.saturating_add(other) {
            0..=2 => None,
            clusters => Some(t_975(usize::try_from(clusters - 2).ok()?)),
        },
    };
    let one_against_one = clusters.is_some_and(|(one, other)| one <= 1 && other <= 1);
    let unlike = baseline.is_some_and(|difference| difference.abs() > UNLIKE);
    Some(ReportEffect {
        estimate,
        interval: reach.map(|reach| {
            let half = reach * variance.sqrt();
            (estimate - half, estimate + half)
        }),
        variance,
        baseline,
        adjusted: adjusts,
        not_pooled: if one_against_one {
            Some(NotPooled::OneClassAgainstOne)
        } else {
            unlike.then_some(NotPooled::BaselineDifference)
        },
    })
}

/// The classes or schools of each group, where they were put into it as a whole. A report that does
/// not say how many counts as one against one: less cannot be known.
fn clusters(figures: &Figures) -> Option<(u32, u32)> {
    let whole = match figures.unit_of_allocation {
        Some(Allocation::Class | Allocation::School) => true,
        Some(Allocation::Pupil) | None => figures.design == Some(Design::RandomByClassOrSchool),
    };
    let count = |group: Option<&Group>| group.and_then(|group| group.clusters).unwrap_or(1);
    whole.then(|| (count(Some(&figures.intervention)), count(figures.comparison.as_ref())))
}

/// The design effect: by how much a variance grows because whole classes or schools were put into
/// groups.
fn widening(figures: &Figures, pupils: u32) -> f64 {
    let Some((one, other)) = clusters(figures) else { return 1.0 };
    let icc = figures.icc.filter(|icc| (0.0..=1.0).contains(icc));
    let icc = icc.unwrap_or_else(|| default_icc(figures.outcome_type));
    design_effect(pupils, one.saturating_add(other), icc)
}

fn baseline(one: &Group, other: &Group) -> Option<f64> {
    let spread = |group: &Group| group.before.map(|before: Spread| (group.n, before));
    hedges_g(spread(one)?, spread(other)?)
}

/// In the form that pages show, for scores and for numbers achieving.
fn variance(one: &Group, other: &Group, g: f64, design_effect: f64) -> Option<f64> {
    if one.after.is_some() && other.after.is_some() {
        return Some(variance_of_g(one.n, other.n, g, design_effect));
    }
    variance_of_cox_index((one.n, one.achieving?), (other.n, other.achieving?), design_effect)
}

/// How strong the evidence is, 0 to 5, after the ratings of trials by the Education Endowment
/// Foundation: the design, capped by the smallest effect it could have detected and by the pupils
/// lost, less one where whoever taught marked the test.
fn rating(figures: &Figures, finding: &Finding) -> u8 {
    let Finding::Effect(effect) = finding else { return 0 };
    let alike = effect.baseline.is_some_and(|difference| difference.abs() <= UNLIKE);
    let start: u8 = match figures.design {
        Some(Design::RandomByPupil | Design::RandomByClassOrSchool) => 5,
        Some(Design::MatchedComparison) => 3,
        Some(Design::UnmatchedComparison) => {
            if alike {
                2
            } else {
                1
            }
        }
        Some(
            Design::Described
            | Design::BeforeAndAfter
            | Design::RegressionDiscontinuity
            | Design::Other,
        )
        | None => 0,
    };
    let detectable = match detectable(figures) {
        DetectableBand::UpTo02 => 5,
        DetectableBand::Under03 => 4,
        DetectableBand::Under04 => 3,
        DetectableBand::Under05 => 2,
        DetectableBand::Under06 => 1,
        DetectableBand::From06 => 0,
    };
    let attrition = match figures.attrition {
        Some(AttritionBand::UpTo10) | None => 5,
        Some(AttritionBand::UpTo20) => 4,
        Some(AttritionBand::UpTo30) => 3,
        Some(AttritionBand::UpTo40) => 2,
        Some(AttritionBand::UpTo50) => 1,
        Some(AttritionBand::Over50) => 0,
    };
    let marked_by_deliverer = u8::from(figures.marked_by == Some(Marker::Deliverer));
    let rating = start.min(detectable).min(attrition).saturating_sub(marked_by_deliverer);
    match effect.not_pooled {
        Some(NotPooled::OneClassAgainstOne) => rating.min(1),
        Some(NotPooled::BaselineDifference | NotPooled::Inspired | NotPooled::SharedComparison)
        | None => rating,
    }
}

/// As the author's node worked it out from the pupils at the start, or from those at the end, where
/// it was not shared.
fn detectable(figures: &Figures) -> DetectableBand {
    if let Some(band) = figures.detectable_effect {
        return band;
    }
    let n1 = figures.intervention.n;
    let n2 = figures.comparison.as_ref().map_or(0, |group| group.n);
    let reciprocals = f64::from(n1).recip() + f64::from(n2).recip();
    DetectableBand::of(2.8 * (widening(figures, n1.saturating_add(n2)) * reciprocals).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::reports_for_tests::figures;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
    }

    fn with(change: impl FnOnce(&mut Figures)) -> ReportEvidence {
        let mut figures = figures(50, 5.0);
        change(&mut figures);
        ReportEvidence::of(Some(&figures))
    }

    fn effect_with(change: impl FnOnce(&mut Figures)) -> ReportEffect {
        with(change).effect().unwrap().clone()
    }

    fn clusters(figures: &mut Figures, one: u32, other: u32) {
        figures.design = Some(Design::RandomByClassOrSchool);
        figures.unit_of_allocation = Some(Allocation::Class);
        figures.intervention.clusters = Some(one);
        figures.comparison.as_mut().unwrap().clusters = Some(other);
    }

    fn before(figures: &mut Figures, mean: f64) {
        figures.intervention.before = Some(Spread { mean, sd: 10.0 });
    }

    #[test]
    fn an_effect_is_hedges_g_with_its_variance_and_interval() {
        // d = 5/10, w = 1 − 3/(4·100 − 9); variance 2/50 + g²/200.
        let effect = effect_with(|_| {});
        let g = 0.5 * (1.0 - 3.0 / 391.0);
        near(effect.estimate, g);
        near(effect.variance, 0.04 + g * g / 200.0);
        let (low, high) = effect.interval.unwrap();
        near(high - g, Z_975 * effect.variance.sqrt());
        near(g - low, high - g);
        assert_eq!((effect.baseline, effect.adjusted, effect.not_pooled), (Some(0.0), false, None));
    }

    #[test]
    fn plus_is_better_whatever_the_measure_counts() {
        let fewer = effect_with(|figures| figures.polarity = Some(Polarity::LowerIsBetter));
        near(fewer.estimate, -effect_with(|_| {}).estimate);
        let unknown = with(|figures| figures.polarity = None);
        assert_eq!(unknown.finding, Finding::Impossible);
    }

    #[test]
    fn numbers_achieving_give_the_cox_index_and_its_variance() {
        let effect = effect_with(|figures| {
            let comparison = figures.comparison.as_mut().unwrap();
            for (group, achieving) in [(&mut figures.intervention, 30), (comparison, 20)] {
                (group.before, group.after, group.achieving) = (None, None, Some(achieving));
            }
        });
        let w = 1.0 - 3.0 / 391.0;
        near(effect.estimate, w * (30.0_f64 * 30.0 / (20.0 * 20.0)).ln() / 1.65);
        near(effect.variance, (2.0 / 30.0 + 2.0 / 20.0) / (1.65 * 1.65));
        assert_eq!(effect.baseline, None);
    }

    #[test]
    fn whole_classes_widen_the_interval_and_few_of_them_more() {
        let of = |one, other| effect_with(|figures| clusters(figures, one, other));
        let effect = of(2, 3);
        // m = 100/5 pupils a class, ICC 0.20 for attainment.
        let g = effect.estimate;
        near(effect.variance, 0.04 * (1.0 + 19.0 * 0.20) + g * g / 200.0);
        let (low, high) = effect.interval.unwrap();
        near((high - low) / 2.0, t_975(3) * effect.variance.sqrt());
        let own = effect_with(|figures| {
            clusters(figures, 2, 3);
            figures.icc = Some(0.05);
        });
        near(own.variance, 0.04 * (1.0 + 19.0 * 0.05) + g * g / 200.0);
        let nonsense = effect_with(|figures| {
            clusters(figures, 2, 3);
            figures.icc = Some(-4.0);
        });
        near(nonsense.variance, effect.variance);
    }

    #[test]
    fn one_class_against_one_is_listed_as_an_early_sign_at_most() {
        let report = with(|figures| clusters(figures, 1, 1));
        let effect = report.effect().unwrap();
        assert_eq!(effect.not_pooled, Some(NotPooled::OneClassAgainstOne));
        assert_eq!(effect.interval, None);
        assert_eq!((report.rating, report.strength), (1, Strength::EarlySign));
        let untold = with(|figures| figures.unit_of_allocation = Some(Allocation::School));
        assert_eq!(untold.effect().unwrap().not_pooled, Some(NotPooled::OneClassAgainstOne));
    }

    #[test]
    fn a_difference_before_is_borne_taken_off_or_keeps_the_report_out_of_the_pool() {
        let w = 1.0 - 3.0 / 391.0;
        let of = |points: f64| effect_with(|figures| before(figures, 40.0 + points));
        // 0.05, 0.25 and what lies above, in pooled standard deviations after correction.
        let alike = of(0.049 / w * 10.0);
        assert_eq!((alike.adjusted, alike.not_pooled), (false, None));
        near(alike.estimate, 0.5 * w);
        let apart = of(0.249 / w * 10.0);
        assert_eq!((apart.adjusted, apart.not_pooled), (true, None));
        near(apart.estimate, 0.5 * w - 0.249);
        let unlike = of(-0.251 / w * 10.0);
        assert_eq!(unlike.not_pooled, Some(NotPooled::BaselineDifference));
        near(unlike.estimate, 0.5 * w);
        let other_test = effect_with(|figures| {
            before(figures, 42.0);
            figures.one_measure = false;
        });
        assert!(!other_test.adjusted);
    }

    #[test]
    fn one_group_measured_twice_has_no_effect() {
        let report = with(|figures| {
            figures.design = Some(Design::BeforeAndAfter);
            figures.comparison = None;
        });
        let Finding::Change(change) = &report.finding else { panic!("{report:?}") };
        assert_eq!((change.before, change.after), (Some(40.0), 55.0));
        assert_eq!((report.rating, report.strength), (0, Strength::Described));
        assert_eq!(ReportEvidence::of(None).finding, Finding::Described);
        let named = with(|figures| figures.design = Some(Design::RegressionDiscontinuity));
        assert_eq!((named.finding, named.rating), (Finding::Described, 0));
    }

    #[test]
    fn numbers_that_cannot_be_right_make_no_effect() {
        let impossible = |change: fn(&mut Figures)| {
            let report = with(change);
            assert_eq!(
                (report.finding, report.pupils, report.rating),
                (Finding::Impossible, None, 0)
            );
        };
        impossible(|figures| figures.intervention.n = 9);
        impossible(|figures| figures.maximum = Some(54.0));
        impossible(|figures| figures.maximum = Some(-1.0));
        impossible(|figures| figures.comparison = None);
        impossible(|figures| figures.intervention.after = None);
        let after = |mean, sd| Some(Spread { mean, sd });
        let [nan, wide, far] = [after(f64::NAN, 1.0), after(50.0, 55.1), after(99.0, 0.01)];
        for spread in [nan, wide, far, after(50.0, 0.0), after(50.0, f64::INFINITY)] {
            let report = with(|figures| {
                figures.intervention.after = spread;
                figures.comparison.as_mut().unwrap().after = after(50.0, 1.0);
            });
            assert_eq!(report.finding, Finding::Impossible, "{spread:?}");
        }
    }

    #[test]
    fn strength_starts_from_the_design_and_is_capped() {
        let rating = |change: fn(&mut Figures)| with(change).rating;
        assert_eq!(rating(|_| {}), 5);
        assert_eq!(with(|_| {}).strength, Strength::Tested, "one school alone");
        assert_eq!(rating(|figures| figures.design = Some(Design::MatchedComparison)), 3);
        assert_eq!(rating(|figures| figures.design = Some(Design::UnmatchedComparison)), 2);
        assert_eq!(
            rating(|figures| {
                figures.design = Some(Design::UnmatchedComparison);
                before(figures, 30.0);
            }),
            1
        );
        assert_eq!(
            rating(|figures| {
                figures.design = Some(Design::UnmatchedComparison);
                figures.intervention.before = None;
            }),
            1
        );
        assert_eq!(rating(|figures| figures.detectable_effect = Some(DetectableBand::Under03)), 4);
        assert_eq!(rating(|figures| figures.detectable_effect = Some(DetectableBand::From06)), 0);
        // 2.8·√(2/50) = 0.56, from the pupils at the end.
        assert_eq!(rating(|figures| figures.detectable_effect = None), 1);
        assert_eq!(rating(|figures| figures.attrition = Some(AttritionBand::UpTo30)), 3);
        assert_eq!(rating(|figures| figures.attrition = Some(AttritionBand::Over50)), 0);
        assert_eq!(rating(|figures| figures.marked_by = Some(Marker::Deliverer)), 4);
    }

    #[test]
    fn the_result_does_not_change_the_strength() {
        for difference in [-20.0, -1.0, 0.0, 1.0, 20.0] {
            let report = ReportEvidence::of(Some(&figures(50, difference)));
            assert_eq!(report.rating, 5, "{difference}");
        }
    }

    #[test]
    fn two_good_comparisons_are_well_tested_and_many_weak_ones_are_not() {
        assert_eq!(Strength::of_schools([]), None);
        assert_eq!(Strength::of_schools([5]), Some(Strength::Tested));
        assert_eq!(Strength::of_schools([4, 5, 0]), Some(Strength::WellTested));
        assert_eq!(Strength::of_schools([3; 9]), Some(Strength::Promising));
        assert_eq!(Strength::of_schools([2, 1]), Some(Strength::EarlySign));
        assert_eq!(Strength::of_schools([0, 0]), Some(Strength::Described));
    }
}
