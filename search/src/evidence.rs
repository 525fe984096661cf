//! What the numbers of impact reports say. Every node computes it itself from the aggregates that
//! were shared, so that what is shown cannot be typed in.

mod distribution;
mod effect;
mod lineage;
pub mod pool;
mod report;
#[cfg(test)]
mod reports_for_tests;

pub use effect::{effect, pupils};
pub use lineage::{
    Contact, Interval, Lineage, LineageEvidence, LineageKind, LineageRecord, LineageReport,
    LineageSchool, MAX_LINEAGE_RECORDS, OutcomeEvidence, RecordKey, SchoolEffect, Strength,
    Subgroup,
};
pub use report::{Finding, MeasuredChange, NotPooled, ReportEffect, ReportEvidence};
