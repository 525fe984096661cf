//! The one door to sharing a record: rules, scan, what stays local, summary.
//!
//! Whatever publishes or imports goes through [`prepare`], so nothing leaves a school without the
//! scan for pupil data and the small-group rules.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::hash::SchoolId;
use crate::limits::{MAX_BODY_BYTES, MAX_SUMMARY_BYTES};
use crate::record::impact_report::n_changed_slightly;
use crate::record::small_group::crossed_group;
use crate::record::{Content, Problem, Problems, Record, Summary};
use crate::safeguard::{self, Allowed, Clearance, Finding};
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
    pub cleared: Vec<Allowed>,
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

/// What a record is checked against besides its own rules.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The school that publishes.
    pub school: SchoolId,
    /// The day, which decides which dates may be a pupil's date of birth.
    pub today: Date,
    /// The summary of the version shared before, if there is one.
    pub shared_before: Option<&'a Summary>,
    /// The record that it is about, if it names one and its full text is held.
    pub about: Option<&'a Record>,
}

/// Checks a record and makes what is shared of it.
///
/// # Errors
/// [`Refusal`] lists everything that is in the way, not only the first.
pub fn prepare(
    mut record: Record,
    cleared: &[Clearance],
    context: Context<'_>,
) -> Result<Prepared, Refusal> {
    record.normalise();
    let mut problems = record.validate();
    // What is scanned is the whole record as written, with what stays local: a number pasted into
    // a field that is not shared does not belong there either.
    let written = serde_json::to_value(&record).unwrap_or_default();
    let findings = safeguard::scan_value(&written, context.today);
    let judgement = safeguard::judge(findings, cleared, None);
    record.redact();
    let summary = record.summarise();
    check_against(&record, &summary, &context, &mut problems);
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
    if !problems.is_shareable() || !judgement.allows_sharing() {
        let findings = judgement.obstacles().cloned().collect();
        return Err(Refusal { problems: problems.into_vec(), findings });
    }
    let warnings = problems.into_vec();
    Ok(Prepared { record, summary, body, warnings, cleared: judgement.cleared })
}

/// The rules that need another record: the version shared before, or the one that it is about.
fn check_against(
    record: &Record,
    summary: &Summary,
    context: &Context<'_>,
    problems: &mut Problems,
) {
    if let Some(before) = context.shared_before.and_then(|before| before.figures.as_ref())
        && let Some(after) = &summary.figures
        && n_changed_slightly(before, after)
    {
        problems.refuse(
            "arms",
            "",
            "has a number of pupils that differs by 1 to 9 from the one shared before, which could \
             disclose those few; ask whoever is responsible for data protection at the school",
        );
    }
    let about = context.about.map(|about| (about, about.summarise()));
    if summary.figures.is_some()
        && let Some((_, about)) = &about
    {
        let both = |own: &[String], theirs: &[String]| [own, theirs].concat();
        let pupil_groups = both(&summary.pupil_groups, &about.pupil_groups);
        let year_groups = both(&summary.year_groups, &about.year_groups);
        if let Some(group) = crossed_group(&pupil_groups, &year_groups) {
            problems.refuse(
                "pupil_groups",
                group,
                "may not be crossed with year group and sex at once where there are figures; share \
                 them for a larger group, or describe what was seen in words",
            );
        }
    }
    if let Content::Adoption(adoption) = &record.content {
        adoption.validate_source(context.school, problems);
        if let Some(Content::Intervention(original)) = context.about.map(|about| &about.content) {
            adoption.validate_against(original, problems);
        }
    }
}

fn explain(problems: &[Problem], findings: &[Finding]) -> String {
    let problems = problems.iter().map(Problem::to_string);
    problems.chain(findings.iter().map(Finding::to_string)).collect::<Vec<_>>().join("\n")
}
