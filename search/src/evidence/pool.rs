//! Meta-analysis: what several estimates of one effect say together.
//!
//! The notation is the usual one. Each estimate yᵢ has a sampling variance vᵢ; true effects differ
//! between schools with the variance τ²; the weight of an estimate is wᵢ = 1/(vᵢ + τ²). Start with
//! [`pool`].
//!
//! Sources, named by author and year in the docs of this module and those beneath it:
//! - Borenstein, Hedges, Higgins & Rothstein (2009), *Introduction to Meta-Analysis*, Wiley.
//! - Cochran (1954), The combination of estimates from different experiments, *Biometrics* 10.
//! - DerSimonian & Laird (1986), Meta-analysis in clinical trials, *Controlled Clinical Trials* 7.
//! - Egger, Davey Smith, Schneider & Minder (1997), Bias in meta-analysis detected by a simple,
//!   graphical test, *BMJ* 315.
//! - Hartung & Knapp (2001), *Statistics in Medicine* 20; Sidik & Jonkman (2002), *Statistics in
//!   Medicine* 21; Knapp & Hartung (2003), *Statistics in Medicine* 22.
//! - Hedges (1983), A random effects model for effect sizes, *Psychological Bulletin* 93.
//! - Higgins & Thompson (2002), Quantifying heterogeneity, *Statistics in Medicine* 21.
//! - Higgins, Thompson & Spiegelhalter (2009), A re-evaluation of random-effects meta-analysis,
//!   *Journal of the Royal Statistical Society* A 172.
//! - Paule & Mandel (1982), *Journal of Research of the National Bureau of Standards* 87.
//! - Raudenbush (2009), in *The Handbook of Research Synthesis and Meta-Analysis*, 2nd edition.
//! - Viechtbauer (2005), Bias and efficiency of meta-analytic variance estimators in the
//!   random-effects model, *Journal of Educational and Behavioral Statistics* 30; (2007), Confidence
//!   intervals for the amount of heterogeneity, *Statistics in Medicine* 26.
//! - Welch (1951), On the comparison of several mean values, *Biometrika* 38.

mod egger;
mod estimate;
mod leave_one_out;
mod method;
mod moderator;
mod subgroups;
mod tau2;
#[cfg(test)]
mod tests;

use serde::Serialize;

use super::distribution::{Z_975, chi_squared_p, normal_p, t_975, t_p};

pub use egger::{EGGER_LEAST, Egger, egger};
pub use estimate::{
    Estimate, EstimateError, MAX_EFFECT, MAX_ESTIMATES, MAX_VARIANCE, MIN_VARIANCE, PoolError,
};
pub use leave_one_out::{LEAVE_ONE_OUT_MOST, Others, leave_one_out};
pub use method::Method;
pub use moderator::{Coefficient, MODERATOR_LEAST, Moderated, check_moderator, moderator};
pub use subgroups::{Subgroups, Welch, subgroups};

/// What estimates say together. Intervals are 95 % intervals, tests two-sided.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Pooled {
    /// How many estimates.
    pub k: usize,
    /// How τ² was estimated, and with it the weights.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub method: Method,
    /// The mean of the estimates weighted by 1/(v + τ²), in their unit.
    pub estimate: f64,
    /// Its standard error, 1/√Σw.
    pub se: f64,
    /// The lower end of the interval on the normal distribution.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// How often chance alone gives an estimate as far from 0, on the normal distribution.
    pub p: f64,
    /// The variance of true effects between schools; 0 with the fixed-effect method.
    pub tau2: f64,
    /// The Q-profile interval of τ² (Viechtbauer 2007), which does not depend on the method. An end
    /// that has no root above 0 is 0. None of one estimate.
    pub tau2_interval: Option<(f64, f64)>,
    /// Cochran's Q (1954): the squared distances from the fixed-effect mean, in units of vᵢ.
    pub q: f64,
    /// The degrees of freedom of Q, k − 1.
    pub q_df: usize,
    /// How often Q is that large where true effects do not differ; 1 of one estimate.
    pub q_p: f64,
    /// I² from Q: the per cent of the variation between estimates that is not sampling error,
    /// 100·(Q − df)/Q, at least 0 (Higgins & Thompson 2002).
    pub i2: f64,
    /// I² from τ²: 100·τ²/(τ² + s²), s² the typical sampling variance (Higgins & Thompson 2002,
    /// equation 9). The same as `i2` with DerSimonian and Laird's method.
    pub i2_tau2: f64,
    /// The interval of Hartung & Knapp (2001) and Sidik & Jonkman (2002); none of one estimate.
    pub hksj: Option<Hksj>,
    /// The same with a standard error that is never below the plain one, as few estimates that
    /// happen to agree make it too small.
    pub hksj_never_shrinks: Option<Hksj>,
    /// Where the true effect in a similar school lies; none with the fixed-effect method, which
    /// takes it to be the same everywhere, and none of two estimates or one.
    pub prediction: Option<Prediction>,
    /// The share of each estimate in the mean, in the order given; they sum to 1.
    pub weights: Vec<f64>,
}

/// The mean's standard error from how far the estimates really lie apart,
/// √(Σw·(y − μ)² / ((k − 1)·Σw)), and what follows on Student's t with k − 1 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Hksj {
    /// The standard error; 0 where all estimates are equal.
    pub se: f64,
    /// The lower end of the interval.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// How often chance alone gives an estimate as far from 0.
    pub p: f64,
}

/// The 95 % prediction interval, μ ± t·√(τ² + se²), t with k − 2 degrees (Higgins, Thompson &
/// Spiegelhalter 2009, equation 12).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Prediction {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// Pools `estimates` by `method`: from 1 to [`MAX_ESTIMATES`] of them, each independent of the
/// others.
///
/// ```
/// use staffroom_search::evidence::pool::{Estimate, Method, pool};
///
/// let schools = [(0.30, 0.02), (0.10, 0.03), (0.45, 0.05)];
/// let estimates = schools.map(|(effect, variance)| Estimate { effect, variance });
/// let pooled = pool(&estimates, Method::Reml)?;
/// assert_eq!((pooled.k, pooled.tau2), (3, 0.0));
/// assert!(pooled.ci_low < pooled.estimate && pooled.estimate < pooled.ci_high);
/// # Ok::<(), staffroom_search::evidence::pool::PoolError>(())
/// ```
///
/// # Errors
/// [`PoolError`] names the first estimate that has no usable effect or variance, by its place in
/// `estimates` from 1; or says that there are none or too many.
pub fn pool(estimates: &[Estimate], method: Method) -> Result<Pooled, PoolError> {
    estimate::check(estimates)?;
    let k = estimates.len();
    let degrees = k - 1;
    let fixed = Mean::of(estimates, 0.0);
    let q = fixed.spread;
    let tau2 = tau2::tau2(estimates, method);
    let mean = Mean::of(estimates, tau2);
    let se = mean.se();
    let i2 = if q > degrees as f64 { 100.0 * ((q - degrees as f64) / q) } else { 0.0 };
    let hksj = (degrees > 0).then(|| mean.spread / degrees as f64);
    let prediction = (k > 2 && method != Method::FixedEffect).then(|| {
        let reach = t_975(k - 2) * (tau2 + se * se).sqrt();
        Prediction { low: mean.estimate - reach, high: mean.estimate + reach }
    });
    Ok(Pooled {
        k,
        method,
        estimate: mean.estimate,
        se,
        ci_low: mean.estimate - Z_975 * se,
        ci_high: mean.estimate + Z_975 * se,
        p: normal_p(mean.estimate / se),
        tau2,
        tau2_interval: tau2::q_profile(estimates),
        q,
        q_df: degrees,
        q_p: chi_squared_p(q, degrees),
        i2,
        i2_tau2: i2_of_tau2(estimates, tau2),
        hksj: hksj.map(|ratio| Hksj::of(mean.estimate, se * ratio.sqrt(), degrees)),
        hksj_never_shrinks: hksj
            .map(|ratio| Hksj::of(mean.estimate, se * ratio.sqrt().max(1.0), degrees)),
        prediction,
        weights: estimates.iter().map(|one| one.weight(tau2) / mean.weight).collect(),
    })
}

impl Hksj {
    fn of(estimate: f64, se: f64, degrees: usize) -> Self {
        let reach = t_975(degrees) * se;
        // 0/0, where all estimates are 0, is no sign of an effect.
        let t = if estimate == 0.0 { 0.0 } else { estimate / se };
        Self { se, ci_low: estimate - reach, ci_high: estimate + reach, p: t_p(t, degrees) }
    }
}

/// s² is the variance that gives k equal estimates as much weight as these have.
fn i2_of_tau2(estimates: &[Estimate], tau2: f64) -> f64 {
    if tau2 <= 0.0 {
        return 0.0;
    }
    let typical = (estimates.len() - 1) as f64 / freedom_in_weights(estimates, 0.0);
    (100.0 * tau2 / (tau2 + typical)).min(100.0)
}

/// Estimates weighted by 1/(v + τ²).
struct Mean {
    estimate: f64,
    /// Σw.
    weight: f64,
    /// Σw·(y − μ)².
    spread: f64,
}

impl Mean {
    fn of(estimates: &[Estimate], tau2: f64) -> Self {
        let (mut weight, mut sum) = (0.0, 0.0);
        for one in estimates {
            let w = one.weight(tau2);
            weight += w;
            sum += w * one.effect;
        }
        let estimate = sum / weight;
        let distance = |one: &Estimate| one.weight(tau2) * (one.effect - estimate).powi(2);
        Self { estimate, weight, spread: estimates.iter().map(distance).sum() }
    }

    fn se(&self) -> f64 {
        self.weight.sqrt().recip()
    }
}

/// Σw − Σw²/Σw, as 2·Σᵢ<ⱼ wᵢwⱼ/Σw: the difference loses all its digits where one weight is far
/// above the others.
fn freedom_in_weights(estimates: &[Estimate], tau2: f64) -> f64 {
    let (mut before, mut products) = (0.0, 0.0);
    for one in estimates {
        let w = one.weight(tau2);
        products += w * before;
        before += w;
    }
    2.0 * products / before
}
