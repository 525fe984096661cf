//! τ², the variance of true effects between schools, and its interval.

use super::{Estimate, Mean, Method, freedom_in_weights};
use crate::evidence::distribution::chi_squared_quantile;

/// Points at which the slope of a likelihood is looked at before each rise that turns into a fall is
/// closed in on. Of two maxima that lie within one step, one is found.
const STEPS: i32 = 24;

/// Halvings after which a root is as close as numbers come: from 1e36 to 1e-18 and sixteen digits.
const MOST_HALVINGS: usize = 240;

/// How close a root is closed in on, beside itself and the smallest variance.
const TOLERANCE: f64 = 1e-15;

/// Beside the smallest variance, what rounding leaves of a τ² of 0.
const ROUNDING: f64 = 1e-12;

/// τ² by `method`, at least 0; 0 of one estimate.
pub(super) fn tau2(estimates: &[Estimate], method: Method) -> f64 {
    let k = estimates.len();
    if k < 2 {
        return 0.0;
    }
    let degrees = (k - 1) as f64;
    match method {
        Method::FixedEffect => 0.0,
        // (Q − df)/(Σw − Σw²/Σw), w = 1/v.
        Method::DerSimonianLaird => {
            let q = Mean::of(estimates, 0.0).spread;
            ((q - degrees) / freedom_in_weights(estimates, 0.0)).max(0.0)
        }
        Method::PauleMandel => q_reaches(estimates, degrees),
        // Σ(y − ȳ)²/(k − 1) − Σv/k.
        Method::Hedges => {
            let sampling = estimates.iter().map(|one| one.variance).sum::<f64>() / k as f64;
            (squares(estimates) / degrees - sampling).max(0.0)
        }
        Method::Reml => {
            let log = |tau2| {
                let mean = Mean::of(estimates, tau2);
                log_likelihood(estimates, tau2, mean.spread) - 0.5 * mean.weight.ln()
            };
            let slope =
                |tau2| squares_in_weights(estimates, tau2) - freedom_in_weights(estimates, tau2);
            most_likely(&Bounds::of(estimates, 1), slope, log)
        }
        Method::MaximumLikelihood => {
            let log = |tau2| log_likelihood(estimates, tau2, Mean::of(estimates, tau2).spread);
            let slope = |tau2| {
                let weight: f64 = estimates.iter().map(|one| one.weight(tau2)).sum();
                squares_in_weights(estimates, tau2) - weight
            };
            most_likely(&Bounds::of(estimates, 1), slope, log)
        }
    }
}

/// The Q-profile interval (Viechtbauer 2007): the τ² at which Q is the 97.5 % and the 2.5 % point of
/// χ² with k − 1 degrees.
pub(super) fn q_profile(estimates: &[Estimate]) -> Option<(f64, f64)> {
    let degrees = estimates.len().checked_sub(1).filter(|degrees| *degrees > 0)?;
    let end = |share| q_reaches(estimates, chi_squared_quantile(share, degrees));
    Some((end(0.975), end(0.025)))
}

/// The τ² at which Q = Σw·(y − μ)², w = 1/(v + τ²), falls to `target`; 0 where it never lies above.
fn q_reaches(estimates: &[Estimate], target: f64) -> f64 {
    let above = |tau2| Mean::of(estimates, tau2).spread > target;
    if !above(0.0) {
        return 0.0;
    }
    // Q ≤ Σ(y − ȳ)²/τ².
    closed_in(0.0, squares(estimates) / target, smallest_variance(estimates), above)
}

/// Σ(y − ȳ)², ȳ the plain mean.
fn squares(estimates: &[Estimate]) -> f64 {
    let mean = estimates.iter().map(|one| one.effect).sum::<f64>() / estimates.len() as f64;
    estimates.iter().map(|one| (one.effect - mean).powi(2)).sum()
}

/// Σw²·(y − μ)².
fn squares_in_weights(estimates: &[Estimate], tau2: f64) -> f64 {
    let mean = Mean::of(estimates, tau2).estimate;
    estimates.iter().map(|one| (one.weight(tau2) * (one.effect - mean)).powi(2)).sum()
}

/// The logarithm of the likelihood of residuals whose weighted squares sum to `spread`, but for a
/// constant.
pub(super) fn log_likelihood(estimates: &[Estimate], tau2: f64, spread: f64) -> f64 {
    let widths: f64 = estimates.iter().map(|one| (one.variance + tau2).ln()).sum();
    -0.5 * (widths + spread)
}

fn smallest_variance(estimates: &[Estimate]) -> f64 {
    estimates.iter().map(|one| one.variance).fold(f64::INFINITY, f64::min)
}

/// Between which values the likelihood has its maximum.
pub(super) struct Bounds {
    smallest_variance: f64,
    most: f64,
}

impl Bounds {
    #[cfg(test)]
    pub(super) fn most(&self) -> f64 {
        self.most
    }

    /// For a mean model with `coefficients`, fewer than there are estimates.
    ///
    /// The slope of either likelihood is y′PPy less at least tr P. P has k − p eigenvalues of at
    /// least 1/(vₘₐₓ + τ²) and none above 1/τ², and y′PPy is the same for y less its mean. So it
    /// falls wherever τ⁴ > a·(vₘₐₓ + τ²), a = Σ(y − ȳ)²/(k − p).
    pub(super) fn of(estimates: &[Estimate], coefficients: usize) -> Self {
        let a = squares(estimates) / (estimates.len() - coefficients) as f64;
        let largest = estimates.iter().map(|one| one.variance).fold(0.0, f64::max);
        let most = (a + (a * a + 4.0 * a * largest).sqrt()) / 2.0;
        Self { smallest_variance: smallest_variance(estimates), most }
    }
}

/// The τ² from 0 with the largest likelihood, from twice its slope and its logarithm.
pub(super) fn most_likely(
    bounds: &Bounds,
    slope: impl Fn(f64) -> f64,
    log: impl Fn(f64) -> f64,
) -> f64 {
    if bounds.most <= 0.0 {
        return 0.0;
    }
    let first = bounds.smallest_variance.min(bounds.most) / 100.0;
    let ratio = (bounds.most / first).powf(f64::from(STEPS).recip());
    let mut maxima = Vec::new();
    let mut before = 0.0;
    let mut rising = slope(0.0) > 0.0;
    if !rising {
        maxima.push(0.0);
    }
    for step in 0..=STEPS {
        let point = first * ratio.powi(step);
        let rises = slope(point) > 0.0;
        if rising && !rises {
            let smallest = bounds.smallest_variance;
            maxima.push(closed_in(before, point, smallest, |tau2| slope(tau2) > 0.0));
        }
        (before, rising) = (point, rises);
    }
    match maxima.as_slice() {
        // Rounding can hide the fall at the very end.
        [] => bounds.most,
        [only] => *only,
        several => {
            let mut best = (f64::NEG_INFINITY, 0.0);
            for &tau2 in several {
                let height = log(tau2);
                if height > best.0 {
                    best = (height, tau2);
                }
            }
            best.1
        }
    }
}

/// Where `holds` turns from true to false between `low` and `high`.
fn closed_in(
    mut low: f64,
    mut high: f64,
    smallest_variance: f64,
    holds: impl Fn(f64) -> bool,
) -> f64 {
    for _ in 0..MOST_HALVINGS {
        if high - low <= TOLERANCE * (high + smallest_variance) {
            break;
        }
        let middle = low + (high - low) / 2.0;
        if holds(middle) { low = middle } else { high = middle }
    }
    let root = low + (high - low) / 2.0;
    // Of a likelihood that is flat at 0, rounding makes one that rises.
    if root <= ROUNDING * smallest_variance { 0.0 } else { root }
}
