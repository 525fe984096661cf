//! What the numbers of impact reports say. Every node computes it itself from the aggregates that
//! were shared, so that what is shown cannot be typed in.

mod distribution;
mod effect;
mod forest_plot;
mod lineage;
mod months;
pub mod pool;

pub use effect::{
    effect, improvement_index, interval, pupils, variance_of_cox_index, variance_of_g, wwc_variance,
};
pub use forest_plot::{ForestPlot, ForestRow, MOST_ROWS};
pub use lineage::{Interval, LineageEvidence, Strength};
pub use months::{Months, MonthsTable, months, months_version};
