//! How far the pooled estimate rests on any one school.

use super::{Estimate, Mean, Method, PoolError, Z_975, estimate, tau2};

/// The most estimates: the work grows with the square of their number, to a second or so.
pub const LEAVE_ONE_OUT_MOST: usize = 1_000;

/// What all estimates but one say together. Its parts are those of [`Pooled`](super::Pooled).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Others {
    /// The weighted mean.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The lower end of the interval on the normal distribution.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
    /// The variance of true effects between schools.
    pub tau2: f64,
}

impl Others {
    fn of(estimates: &[Estimate], method: Method) -> Self {
        let tau2 = tau2::tau2(estimates, method);
        let mean = Mean::of(estimates, tau2);
        let (estimate, se) = (mean.estimate, mean.se());
        Self { estimate, se, ci_low: estimate - Z_975 * se, ci_high: estimate + Z_975 * se, tau2 }
    }
}

/// Pools all estimates but one, for each in the order given (Viechtbauer & Cheung 2010, *Research
/// Synthesis Methods* 1).
///
/// # Errors
/// [`PoolError`] where there are fewer than two or more than [`LEAVE_ONE_OUT_MOST`], or one is
/// unusable.
pub fn leave_one_out(estimates: &[Estimate], method: Method) -> Result<Vec<Others>, PoolError> {
    estimate::check(estimates)?;
    let k = estimates.len();
    if k < 2 {
        return Err(PoolError::TooFew { what: "leaving one out", k, least: 2 });
    }
    if k > LEAVE_ONE_OUT_MOST {
        return Err(PoolError::TooMany { k, most: LEAVE_ONE_OUT_MOST });
    }
    let without = |left_out: usize| {
        let (before, behind) = (&estimates[..left_out], &estimates[left_out + 1..]);
        Others::of(&[before, behind].concat(), method)
    };
    Ok((0..k).map(without).collect())
}
