//! What the numbers of impact reports say. Every node computes it itself from the aggregates that
//! were shared, so that what is shown cannot be typed in.

mod effect;

pub use effect::{effect, pupils};
