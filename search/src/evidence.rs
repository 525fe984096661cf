//! What the numbers of impact reports say. Every node computes it itself from the aggregates that
//! were shared, so that what is shown cannot be typed in.

mod distribution;
mod effect;
mod lineage;
pub mod pool;

pub use effect::{effect, pupils};
pub use lineage::{Interval, LineageEvidence, Strength};
