//! Effect sizes from the aggregates of two groups.
//!
//! The formulas are those of the What Works Clearinghouse, Procedures and Standards Handbook 5.0,
//! appendix E.

use super::{Group, OutcomeType, Spread};

/// The 97.5 % point of the standard normal distribution.
const Z_975: f64 = 1.959_963_985;

/// w = 1 − 3/(4N − 9), which takes out the bias of a standardised difference in small samples.
pub fn small_sample_correction(pupils: f64) -> f64 {
    1.0 - 3.0 / (4.0 * pupils - 9.0)
}

/// Hedges' g: how far the first group's mean lies above the second's, in pooled standard
/// deviations, corrected for small samples. `None` where there are fewer than two pupils in a group
/// or no spread.
pub fn hedges_g(first: (u32, Spread), second: (u32, Spread)) -> Option<f64> {
    let (n1, n2) = (f64::from(first.0), f64::from(second.0));
    if first.0 < 2 || second.0 < 2 {
        return None;
    }
    let variance =
        ((n1 - 1.0) * first.1.sd.powi(2) + (n2 - 1.0) * second.1.sd.powi(2)) / (n1 + n2 - 2.0);
    let g = small_sample_correction(n1 + n2) * (first.1.mean - second.1.mean) / variance.sqrt();
    Some(g).filter(|g| g.is_finite())
}

/// The Cox index: the log of the odds ratio of achieving, brought to the scale of Hedges' g by
/// dividing by 1.65 and corrected for small samples. Each pair is (pupils, achieving); half a pupil
/// is added to every cell where one is empty.
pub fn cox_index(first: (u32, u32), second: (u32, u32)) -> Option<f64> {
    let cells = [first.1, first.0.checked_sub(first.1)?, second.1, second.0.checked_sub(second.1)?];
    if first.0 == 0 || second.0 == 0 || first.0.saturating_add(second.0) < 4 {
        return None;
    }
    let added = if cells.contains(&0) { 0.5 } else { 0.0 };
    let [a, b, c, d] = cells.map(|cell| f64::from(cell) + added);
    let pupils = f64::from(first.0) + f64::from(second.0);
    Some(small_sample_correction(pupils) * (a * d / (b * c)).ln() / 1.65)
}

/// The intra-class correlation to assume: 0.20 for attainment, 0.10 otherwise.
pub fn default_icc(outcome: Option<OutcomeType>) -> f64 {
    match outcome {
        Some(OutcomeType::Standardised | OutcomeType::Statutory | OutcomeType::TeacherMade) => 0.20,
        Some(OutcomeType::Survey | OutcomeType::Attendance | OutcomeType::Behaviour) | None => 0.10,
    }
}

/// 1 + (m − 1)·ICC: by how much groups of m pupils put in as a whole widen a variance.
pub fn design_effect(pupils: u32, clusters: u32, icc: f64) -> f64 {
    let per_cluster = f64::from(pupils) / f64::from(clusters.max(1));
    1.0 + (per_cluster - 1.0).max(0.0) * icc
}

/// The effect that groups of `n1` and `n2` pupils detect with 80 % power at the 5 % level.
pub(super) fn detectable_effect(n1: u32, n2: u32, design_effect: f64, r_squared: f64) -> f64 {
    let reciprocals = 1.0 / f64::from(n1) + 1.0 / f64::from(n2);
    2.8 * (design_effect * (1.0 - r_squared) * reciprocals).sqrt()
}

/// How far the 95 % interval of a mean reaches on each side, in standard errors: the 97.5 % point
/// of Student's t, by the expansion 26.7.5 of Abramowitz and Stegun. Good to 0.001 from 9 degrees.
pub(super) fn t_975(degrees: u32) -> f64 {
    let (z, v) = (Z_975, f64::from(degrees.max(1)));
    let z2 = z * z;
    let first = z * (z2 + 1.0) / 4.0;
    let second = z * (5.0 * z2 * z2 + 16.0 * z2 + 3.0) / 96.0;
    let third = z * (3.0 * z2.powi(3) + 19.0 * z2 * z2 + 17.0 * z2 - 15.0) / 384.0;
    z + first / v + second / v.powi(2) + third / v.powi(3)
}

impl Group {
    /// The effect against `other` after the intervention: Hedges' g, or the Cox index of numbers
    /// achieving. Its sign is that of the measure, not that of better or worse.
    pub fn difference_after(&self, other: &Self) -> Option<f64> {
        match (self.after, other.after, self.achieving, other.achieving) {
            (Some(after), Some(other_after), _, _) => {
                hedges_g((self.n, after), (other.n, other_after))
            }
            (_, _, Some(achieving), Some(other_achieving)) => {
                cox_index((self.n, achieving), (other.n, other_achieving))
            }
            (_, _, None, _) | (_, _, _, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 0.000_5, "{found} is not {expected}");
    }

    #[test]
    fn hedges_g_is_the_worked_example() {
        // Borenstein et al., Introduction to Meta-Analysis (2009), chapter 4: 103 and 100, SD 5.5
        // and 4.5, 50 each, g = 0.5924.
        let g =
            hedges_g((50, Spread { mean: 103.0, sd: 5.5 }), (50, Spread { mean: 100.0, sd: 4.5 }));
        near(g.unwrap(), 0.592_4);
        assert_eq!(hedges_g((1, Spread::default()), (50, Spread { mean: 1.0, sd: 1.0 })), None);
        assert_eq!(hedges_g((5, Spread::default()), (5, Spread::default())), None);
    }

    #[test]
    fn the_cox_index_follows_the_odds_and_survives_empty_cells() {
        // ln((24·16)/(16·24)) = 0; ln((30·20)/(10·20)) / 1.65 = 0.6658, times 1 − 3/311.
        near(cox_index((40, 24), (40, 24)).unwrap(), 0.0);
        near(cox_index((40, 30), (40, 20)).unwrap(), 0.665_82 * (1.0 - 3.0 / 311.0));
        assert!(cox_index((40, 40), (40, 20)).unwrap().is_finite());
        assert_eq!(cox_index((40, 41), (40, 20)), None);
        assert_eq!(cox_index((1, 1), (1, 1)), None);
    }

    #[test]
    fn the_t_distribution_matches_its_table() {
        for (degrees, expected) in [(9, 2.262_2), (11, 2.201), (29, 2.045_2), (120, 1.979_9)] {
            near(t_975(degrees), expected);
        }
    }

    #[test]
    fn clusters_widen_and_good_predictors_narrow_what_can_be_detected() {
        near(design_effect(100, 4, 0.2), 5.8);
        near(design_effect(3, 4, 0.2), 1.0);
        near(detectable_effect(50, 50, 1.0, 0.0), 0.56);
        near(detectable_effect(50, 50, 4.0, 0.0), 1.12);
        near(detectable_effect(50, 50, 1.0, 0.75), 0.28);
    }
}
