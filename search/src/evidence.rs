//! What the numbers of impact reports say. Every node computes it itself from the aggregates that
//! were shared, so that what is shown cannot be typed in.

mod analysis;
mod distribution;
mod effect;
mod forest_plot;
mod lineage;
mod months;
pub mod pool;
mod report;
#[cfg(test)]
mod reports_for_tests;
mod summary;

pub use analysis::{Analysis, LeftOut, analysis};
pub use effect::{improvement_index, interval, variance_of_cox_index, variance_of_g, wwc_variance};
pub use forest_plot::{ForestPlot, ForestRow, MOST_ROWS};
pub use lineage::{
    Breakdown, COMPARED_LEAST, COMPARED_LEAST_IN_ALL, Comparison, Contact, Dimension, Interval,
    Lineage, LineageEvidence, LineageKind, LineageRecord, LineageReport, LineageSchool,
    MAX_LINEAGE_RECORDS, OutcomeEvidence, RecordKey, SchoolEffect, Strength, Subgroup,
};
pub use months::{Months, MonthsTable, months, months_version};
pub use report::{Finding, MeasuredChange, NotPooled, ReportEffect, ReportEvidence};
pub use summary::{
    Point, ReportRow, Sentence, WhoRow, WhoTable, report_rows, summary, who_it_worked_for,
};
