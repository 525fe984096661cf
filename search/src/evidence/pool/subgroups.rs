//! Whether the effect differs between sorts of schools or pupils.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Estimate, Mean, Method, PoolError, Pooled, estimate, pool};
use crate::evidence::distribution::chi_squared_p;

/// The pooled estimate of each subgroup, and whether they differ.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subgroups {
    /// Each by its label, with a τ² of its own (Borenstein et al. 2009, chapter 19).
    pub pooled: BTreeMap<String, Pooled>,
    /// The squared distances of the subgroups' estimates from their common mean, in units of their
    /// squared standard errors (Borenstein et al. 2009, chapter 19).
    pub q_between: f64,
    /// The degrees of freedom of `q_between`: subgroups − 1.
    pub df: usize,
    /// How often `q_between` is that large where the subgroups do not differ; 1 of one subgroup.
    pub p: f64,
}

/// Pools each subgroup of `estimates`, which come with the label of theirs.
///
/// # Errors
/// [`PoolError`] where there are none or too many, or one is unusable.
pub fn subgroups(estimates: &[(String, Estimate)], method: Method) -> Result<Subgroups, PoolError> {
    let all: Vec<Estimate> = estimates.iter().map(|(_, estimate)| *estimate).collect();
    estimate::check(&all)?;
    let mut members: BTreeMap<&str, Vec<Estimate>> = BTreeMap::new();
    for (label, estimate) in estimates {
        members.entry(label).or_default().push(*estimate);
    }
    let mut pooled = BTreeMap::new();
    for (label, estimates) in members {
        pooled.insert(label.to_owned(), pool(&estimates, method)?);
    }
    let means: Vec<Estimate> = pooled
        .values()
        .map(|group| Estimate { effect: group.estimate, variance: group.se * group.se })
        .collect();
    let (q_between, df) = (Mean::of(&means, 0.0).spread, means.len() - 1);
    Ok(Subgroups { pooled, q_between, df, p: chi_squared_p(q_between, df) })
}
