//! What is pooled, and which values can be.

/// An effect with its sampling variance, as one school found it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The effect, in whatever unit all of the pooled estimates share.
    pub effect: f64,
    /// Its sampling variance, the square of its standard error.
    pub variance: f64,
}

/// The largest effect, up or down. Standardised effects and log ratios stay below 10 and differences
/// in points or pounds below a million; sums of the squares of what lies within the bounds are exact
/// enough and never overflow.
pub const MAX_EFFECT: f64 = 1e9;

/// The smallest variance: a standard error of a billionth.
pub const MIN_VARIANCE: f64 = 1e-18;

/// The largest variance, that of the largest effect.
pub const MAX_VARIANCE: f64 = 1e18;

/// The most estimates that are pooled: more schools than one intervention reaches in a country.
pub const MAX_ESTIMATES: usize = 20_000;

/// Why an estimate cannot be pooled.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum EstimateError {
    /// The effect is no number, or beyond [`MAX_EFFECT`].
    #[error("the effect {0} must be a number from -1e9 to 1e9")]
    Effect(f64),
    /// The variance is no number, 0, negative, or beyond [`MIN_VARIANCE`] and [`MAX_VARIANCE`].
    #[error("the variance {0} must be above 0, and from 1e-18 to 1e18")]
    Variance(f64),
    /// The moderator is no number, or beyond [`MAX_EFFECT`].
    #[error("the moderator {0} must be a number from -1e9 to 1e9")]
    Moderator(f64),
}

/// Why estimates cannot be pooled, compared or tested.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PoolError {
    /// There is nothing to pool.
    #[error("there are no estimates to pool; at least 1 is needed")]
    None,
    /// There are more than anything here works with.
    #[error("there are {k} estimates; at most {most} are taken")]
    TooMany {
        /// How many there are.
        k: usize,
        /// How many there may be.
        most: usize,
    },
    /// An estimate cannot be used.
    #[error("estimate {row}: {problem}")]
    Estimate {
        /// Its place among the estimates, from 1.
        row: usize,
        /// What is wrong with it.
        problem: EstimateError,
    },
    /// There are too few estimates for what is asked.
    #[error("{what} needs at least {least} estimates, and there are {k}")]
    TooFew {
        /// What was asked.
        what: &'static str,
        /// How many there are.
        k: usize,
        /// How many are needed.
        least: usize,
    },
    /// A line cannot be laid through estimates that all have the same value on its axis.
    #[error("{what} needs estimates that differ in their {axis}, and all have the same")]
    NoSpread {
        /// What was asked.
        what: &'static str,
        /// In what they should differ.
        axis: &'static str,
    },
}

impl Estimate {
    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`EstimateError`] names the value and the bound that it breaks.
    pub fn check(&self) -> Result<(), EstimateError> {
        if self.effect.is_nan() || self.effect.abs() > MAX_EFFECT {
            return Err(EstimateError::Effect(self.effect));
        }
        if !(MIN_VARIANCE..=MAX_VARIANCE).contains(&self.variance) {
            return Err(EstimateError::Variance(self.variance));
        }
        Ok(())
    }

    pub(super) fn weight(&self, tau2: f64) -> f64 {
        (self.variance + tau2).recip()
    }
}

pub(super) fn check(estimates: &[Estimate]) -> Result<(), PoolError> {
    let k = estimates.len();
    if k == 0 {
        return Err(PoolError::None);
    }
    if k > MAX_ESTIMATES {
        return Err(PoolError::TooMany { k, most: MAX_ESTIMATES });
    }
    for (row, estimate) in (1..).zip(estimates) {
        estimate.check().map_err(|problem| PoolError::Estimate { row, problem })?;
    }
    Ok(())
}
