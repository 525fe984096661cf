//! The one door to sharing a record: rules, scan, what stays local, summary.
//!
//! Whatever publishes or imports goes through [`prepare`], so nothing leaves a school without the
//! scan for pupil data and the small-group rules.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::limits::{MAX_BODY_BYTES, MAX_SUMMARY_BYTES};
use crate::record::{Problem, Record, Summary};
use crate::safeguard::{self, Clearance, Finding};
use crate::wire;

/// A record that may be shared.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// The record without what stays in the school.
    pub record: Record,
    /// What is gossiped.
    pub summary: Summary,
    /// The record encoded, as fetched by every member.
    pub body: Vec<u8>,
    /// What the author should look at.
    pub warnings: Vec<Problem>,
    /// Finds of the scan that the author cleared, with the reasons, for the audit log.
    pub cleared: Vec<(Finding, String)>,
}

/// Why a record may not be shared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{}", explain(problems, findings))]
pub struct Refusal {
    /// Broken rules, and what the author should look at.
    pub problems: Vec<Problem>,
    /// What the scan found and nobody cleared.
    pub findings: Vec<Finding>,
}

/// Checks a record and makes what is shared of it.
///
/// `shared_before` is the summary of the version shared before, if there is one. `today` decides
/// which dates may be a pupil's date of birth.
///
/// # Errors
/// [`Refusal`] lists everything that is in the way, not only the first.
pub fn prepare(
    mut record: Record,
    cleared: &[Clearance],
    shared_before: Option<&Summary>,
    today: Date,
) -> Result<Prepared, Refusal> {
    record.normalise();
    let mut problems = record.validate();
    // What is scanned is the whole record as written, with what stays local: a number pasted into
    // a field that is not shared does not belong there either.
    let written = serde_json::to_value(&record).unwrap_or_default();
    let judgement = safeguard::judge(safeguard::scan_value(&written, today), cleared, None);
    record.redact();
    let summary = record.summarise();
    if let (Some(before), Some(after)) =
        (shared_before.and_then(|before| before.figures.as_ref()), summary.figures.as_ref())
        && before.differs_by_a_few_pupils(after)
    {
        problems.refuse(
            "arms",
            "",
            "a number of pupils differs by 1 to 9 from the one shared before, which could disclose \
             them; ask whoever is responsible for data protection at the school",
        );
    }
    let body = wire::encode(&record);
    if body.len() > MAX_BODY_BYTES {
        let size = format!("{} bytes", body.len());
        problems.refuse("the record", size, format!("may have at most {MAX_BODY_BYTES} bytes"));
    }
    let summary_size = wire::encode(&summary).len();
    if summary_size > MAX_SUMMARY_BYTES {
        problems.refuse(
            "the summary",
            format!("{summary_size} bytes"),
            format!("may have at most {MAX_SUMMARY_BYTES} bytes; attach fewer files"),
        );
    }
    if !problems.is_shareable() || !judgement.open.is_empty() {
        return Err(Refusal { problems: problems.into_vec(), findings: judgement.open });
    }
    let warnings = problems.into_vec();
    Ok(Prepared { record, summary, body, warnings, cleared: judgement.cleared })
}

fn explain(problems: &[Problem], findings: &[Finding]) -> String {
    let problems = problems.iter().map(Problem::to_string);
    problems.chain(findings.iter().map(Finding::to_string)).collect::<Vec<_>>().join("\n")
}
