//! How far the pooled estimate rests on any one school.

use super::{Estimate, Method, PoolError, Pooled, estimate, pool};

/// The most estimates: the work grows with the square of their number, to a second or so.
pub const LEAVE_ONE_OUT_MOST: usize = 1_000;

/// Pools all estimates but one, for each in the order given (Viechtbauer & Cheung 2010, *Research
/// Synthesis Methods* 1).
///
/// # Errors
/// [`PoolError`] where there are fewer than two or more than [`LEAVE_ONE_OUT_MOST`], or one is
/// unusable.
pub fn leave_one_out(estimates: &[Estimate], method: Method) -> Result<Vec<Pooled>, PoolError> {
    estimate::check(estimates)?;
    let k = estimates.len();
    if k < 2 {
        return Err(PoolError::TooFew { what: "leaving one out", k, least: 2 });
    }
    if k > LEAVE_ONE_OUT_MOST {
        return Err(PoolError::TooMany { k, most: LEAVE_ONE_OUT_MOST });
    }
    (0..k)
        .map(|left_out| {
            let rest: Vec<Estimate> =
                estimates[..left_out].iter().chain(&estimates[left_out + 1..]).copied().collect();
            pool(&rest, method)
        })
        .collect()
}
