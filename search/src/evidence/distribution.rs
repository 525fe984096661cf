//! Probabilities and quantiles of the distributions that the statistics rest on.

use std::sync::LazyLock;

use statrs::distribution::{
    ChiSquared, Continuous, ContinuousCDF, FisherSnedecor, Normal, StudentsT,
};

static NORMAL: LazyLock<Normal> = LazyLock::new(Normal::standard);

/// The 97.5 % point of the standard normal distribution: a 95 % interval reaches that many standard
/// errors to each side.
pub(super) const Z_975: f64 = 1.959_963_984_540_054;

/// The share of a standard normal distribution below `z`.
pub(super) fn normal_below(z: f64) -> f64 {
    NORMAL.cdf(z)
}

/// How often a standard normal variate lies as far from 0 as `z`, on either side.
pub(super) fn normal_p(z: f64) -> f64 {
    2.0 * NORMAL.sf(z.abs())
}

/// How often Student's t with `degrees` (1 or more) lies as far from 0 as `t`, on either side.
pub(super) fn t_p(t: f64, degrees: usize) -> f64 {
    student(degrees).map_or(1.0, |student| 2.0 * student.sf(t.abs()))
}

/// The 97.5 % point of Student's t with `degrees` (1 or more).
pub(super) fn t_975(degrees: usize) -> f64 {
    let Some(student) = student(degrees) else { return f64::INFINITY };
    let point = student.inverse_cdf(0.975);
    // The library's quantile holds to about nine digits; a step of Newton's doubles them.
    point + (student.sf(point) - 0.025) / student.pdf(point)
}

/// How often χ² with `degrees` is as large as `value`; 1 where there are no degrees.
pub(super) fn chi_squared_p(value: f64, degrees: usize) -> f64 {
    chi_squared(degrees).map_or(1.0, |chi_squared| chi_squared.sf(value))
}

/// How often F with `numerator` and `denominator` degrees (above 0, whole or not) is as large as
/// `value`.
pub(super) fn f_p(value: f64, numerator: f64, denominator: f64) -> f64 {
    FisherSnedecor::new(numerator, denominator).map_or(1.0, |f| f.sf(value))
}

/// The value below which χ² with `degrees` (1 or more) lies with the probability `share`.
pub(super) fn chi_squared_quantile(share: f64, degrees: usize) -> f64 {
    chi_squared(degrees).map_or(0.0, |chi_squared| chi_squared.inverse_cdf(share))
}

fn student(degrees: usize) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, degrees as f64).ok()
}

fn chi_squared(degrees: usize) -> Option<ChiSquared> {
    ChiSquared::new(degrees as f64).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, expected: f64, digits: f64) {
        assert!((found - expected).abs() <= digits * expected.abs(), "{found} is not {expected}");
    }

    // Closed forms: t with 1 degree is tan(π·0.475), with 2 degrees 0.95·√(2/(1 − 0.95²)); χ² with 2
    // degrees is −2·ln(1 − p). The others are the tables of Abramowitz and Stegun, 26.8 and 26.10.
    #[test]
    fn quantiles_match_closed_forms_and_tables() {
        near(t_975(1), (std::f64::consts::PI * 0.475).tan(), 1e-12);
        near(t_975(2), 0.95 * (2.0 / (1.0 - 0.95_f64.powi(2))).sqrt(), 1e-12);
        near(t_975(18), 2.100_922, 1e-6);
        near(t_975(120), 1.979_930, 1e-6);
        near(t_975(9_999), 1.960_201, 1e-6);
        near(chi_squared_quantile(0.975, 2), -2.0 * 0.025_f64.ln(), 1e-9);
        near(chi_squared_quantile(0.025, 2), -2.0 * 0.975_f64.ln(), 1e-9);
        near(chi_squared_quantile(0.025, 1), 0.000_982_069_117, 1e-9);
        near(chi_squared_quantile(0.975, 18), 31.526_38, 1e-6);
        near(normal_below(Z_975), 0.975, 1e-10);
    }

    #[test]
    fn probabilities_are_those_of_both_tails() {
        near(normal_p(-Z_975), 0.05, 1e-10);
        near(t_p(-1.0, 1), 0.5, 1e-12);
        near(t_p(t_975(7), 7), 0.05, 1e-12);
        near(chi_squared_p(3.0, 2), (-1.5_f64).exp(), 1e-12);
        near(chi_squared_p(0.0, 5), 1.0, 1e-12);
        near(chi_squared_p(0.0, 0), 1.0, 1e-12);
        // F with 1 and d degrees is t² with d; with 2 and d it is (1 + 2x/d)^(−d/2).
        near(f_p(t_975(7).powi(2), 1.0, 7.0), 0.05, 1e-10);
        near(f_p(3.0, 2.0, 6.5), (1.0 + 6.0 / 6.5_f64).powf(-3.25), 1e-10);
        near(f_p(0.0, 2.0, 6.5), 1.0, 1e-12);
        near(normal_p(f64::INFINITY) + 1.0, 1.0, 0.0);
        near(t_p(f64::INFINITY, 3) + 1.0, 1.0, 0.0);
    }
}
