//! Egger's test of whether small studies found more than large ones.

use serde::Serialize;

use super::{Estimate, PoolError, estimate};
use crate::evidence::distribution::{t_975, t_p};

/// The fewest estimates: with fewer the test hardly ever tells chance from bias (Sterne et al. 2011,
/// *BMJ* 343, recommendation 4).
pub const EGGER_LEAST: usize = 10;

/// The regression of y/√v on 1/√v, by ordinary least squares (Egger et al. 1997). An intercept away
/// from 0 says that the effect depends on the size of the study: for what was left unpublished, or
/// for other reasons.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Egger {
    /// By how many standard errors small studies differ from what large ones lead one to expect.
    pub intercept: f64,
    /// Its standard error.
    pub se: f64,
    /// The lower end of its 95 % interval.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// intercept/se.
    pub t: f64,
    /// The degrees of freedom of t, k − 2.
    pub df: usize,
    /// How often chance alone gives an intercept as far from 0.
    pub p: f64,
}

/// Tests `estimates`, of which there must be [`EGGER_LEAST`].
///
/// # Errors
/// [`PoolError`] where there are fewer, one is unusable, or all have the same variance.
pub fn egger(estimates: &[Estimate]) -> Result<Egger, PoolError> {
    const WHAT: &str = "Egger's test";
    estimate::check(estimates)?;
    let k = estimates.len();
    if k < EGGER_LEAST {
        return Err(PoolError::TooFew { what: WHAT, k, least: EGGER_LEAST });
    }
    let points: Vec<(f64, f64)> = estimates
        .iter()
        .map(|one| (one.variance.sqrt().recip(), one.effect / one.variance.sqrt()))
        .collect();
    let count = k as f64;
    let mean_x = points.iter().map(|(x, _)| x).sum::<f64>() / count;
    let mean_y = points.iter().map(|(_, y)| y).sum::<f64>() / count;
    let squares_x: f64 = points.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    // What rounding leaves of equal values.
    if squares_x.sqrt() <= 1e-12 * mean_x * count {
        return Err(PoolError::NoSpread { what: WHAT, axis: "variance" });
    }
    let products: f64 = points.iter().map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    let slope = products / squares_x;
    let intercept = mean_y - slope * mean_x;
    let df = k - 2;
    let residual: f64 =
        points.iter().map(|(x, y)| (y - mean_y - slope * (x - mean_x)).powi(2)).sum();
    let se = (residual / df as f64 * (count.recip() + mean_x * mean_x / squares_x)).sqrt();
    // A line through all points says that there is no chance in them; at 0 it says nothing.
    let t = if intercept == 0.0 { 0.0 } else { intercept / se };
    let reach = t_975(df) * se;
    Ok(Egger {
        intercept,
        se,
        ci_low: intercept - reach,
        ci_high: intercept + reach,
        t,
        df,
        p: t_p(t, df),
    })
}
