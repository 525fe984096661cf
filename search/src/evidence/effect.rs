//! How sure an effect is.

use staffroom_protocol::record::impact_report::small_sample_correction;

use super::Interval;
use super::distribution::{Z_975, normal_below};

/// The sampling variance of Hedges' g between groups of `n1` and `n2` pupils:
/// (1/n₁ + 1/n₂)·DE + g²/(2(n₁ + n₂)), the design effect DE being 1 where pupils were put into
/// groups one by one (Hedges & Olkin 1985, *Statistical Methods for Meta-Analysis*, chapter 5; the
/// design effect as Hedges 2007, *Journal of Educational and Behavioral Statistics* 32).
pub fn variance_of_g(n1: u32, n2: u32, g: f64, design_effect: f64) -> f64 {
    let (n1, n2) = (f64::from(n1), f64::from(n2));
    (1.0 / n1 + 1.0 / n2) * design_effect + g * g / (2.0 * (n1 + n2))
}

/// The sampling variance of the Cox index, (1/a + 1/b + 1/c + 1/d)·DE/1.65², from the (pupils,
/// achieving) of each group; half a pupil is added to every cell where one is empty. The log odds
/// ratio's variance is that of Woolf (1955), *Annals of Human Genetics* 19; the scale as in
/// [`cox_index`](staffroom_protocol::record::impact_report::cox_index). None where more achieve
/// than there are, or a group is empty.
pub fn variance_of_cox_index(
    first: (u32, u32),
    second: (u32, u32),
    design_effect: f64,
) -> Option<f64> {
    let cells = [first.1, first.0.checked_sub(first.1)?, second.1, second.0.checked_sub(second.1)?];
    if first.0 == 0 || second.0 == 0 {
        return None;
    }
    let added = if cells.contains(&0) { 0.5 } else { 0.0 };
    let reciprocals: f64 = cells.iter().map(|cell| (f64::from(*cell) + added).recip()).sum();
    Some(reciprocals * design_effect / (1.65 * 1.65))
}

/// A variance as the What Works Clearinghouse states it: w² times the one above, w the correction
/// for small samples over all `pupils` (*Procedures and Standards Handbook* 5.0, appendix E).
pub fn wwc_variance(variance: f64, pupils: u32) -> f64 {
    small_sample_correction(f64::from(pupils)).powi(2) * variance
}

/// The 95 % interval of an effect on the normal distribution.
pub fn interval(effect: f64, variance: f64) -> Interval {
    let reach = Z_975 * variance.sqrt();
    Interval { estimate: effect, low: effect - reach, high: effect + reach }
}

/// By how many percentile ranks the middle pupil of the comparison group would rise, with the scores
/// of the intervention group: 100·(Φ(g) − 0.5), Φ the normal distribution (*Procedures and Standards
/// Handbook* 5.0, appendix E).
pub fn improvement_index(g: f64) -> f64 {
    100.0 * (normal_below(g) - 0.5)
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::impact_report::{Spread, cox_index, hedges_g};

    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64, within: f64) {
        assert!((found - expected).abs() <= within, "{found} is not {expected}");
    }

    // Borenstein et al. (2009), chapter 4: means 103 and 100, standard deviations 5.5 and 4.5, 50
    // pupils each: d = 0.5970, g = 0.5924, its variance with w² 0.0411, its standard error 0.2028.
    #[test]
    fn the_variance_of_a_worked_example_comes_out() {
        let spread = |mean, sd| Spread { mean, sd };
        let g = hedges_g((50, spread(103.0, 5.5)), (50, spread(100.0, 4.5))).unwrap();
        let variance = variance_of_g(50, 50, g, 1.0);
        near(g, 0.592_4, 5e-5);
        near(wwc_variance(variance, 100), 0.041_1, 5e-5);
        near(wwc_variance(variance, 100).sqrt(), 0.202_8, 1e-4);
        near(variance_of_g(50, 50, g, 4.0) - variance, 3.0 * 0.04, 1e-12);
        let interval = interval(g, variance);
        near(interval.high - interval.low, 2.0 * 1.959_964 * variance.sqrt(), 1e-6);
    }

    #[test]
    fn the_variance_of_the_cox_index_follows_its_cells() {
        // 1/30 + 1/10 + 1/20 + 1/20 = 0.2333….
        near(variance_of_cox_index((40, 30), (40, 20), 1.0).unwrap(), 0.233_333_3 / 2.722_5, 1e-7);
        let empty = variance_of_cox_index((40, 40), (40, 20), 1.0).unwrap();
        near(empty, (1.0 / 40.5 + 2.0 + 2.0 / 20.5) / 2.722_5, 1e-12);
        near(variance_of_cox_index((40, 40), (40, 20), 2.0).unwrap(), 2.0 * empty, 1e-12);
        assert_eq!(variance_of_cox_index((40, 41), (40, 20), 1.0), None);
        assert_eq!(variance_of_cox_index((0, 0), (40, 20), 1.0), None);
        // Where the index exists, so does its variance.
        assert!(cox_index((3, 0), (3, 3)).is_some());
        assert!(variance_of_cox_index((3, 0), (3, 3), 1.0).is_some());
    }

    #[test]
    fn the_improvement_index_is_a_rise_in_percentile_ranks() {
        // Φ(0.25) = 0.598706 and Φ(1.959964) = 0.975, from the tables of the normal distribution.
        near(improvement_index(0.25), 9.870_6, 1e-4);
        near(improvement_index(-1.959_964), -47.5, 1e-4);
        near(improvement_index(0.0), 0.0, 1e-12);
        near(improvement_index(40.0), 50.0, 1e-9);
    }
}
