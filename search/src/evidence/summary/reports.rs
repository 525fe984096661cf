//! The reports of a lineage in plain words, one by one.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::impact_report::OutcomeType;

use super::gain::units;
use super::{number, with_interval};
use crate::evidence::{
    Finding, Interval, Lineage, LineageKind, LineageReport, MeasuredChange, MonthsTable, NotPooled,
    ReportEffect, months,
};

/// A report in words; what there is nothing to say about is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReportRow {
    /// Its school.
    pub school: SchoolId,
    /// Its id.
    pub record: RecordId,
    /// The school's name.
    pub school_name: String,
    /// Its title.
    pub title: String,
    /// What it is: "report on the intervention".
    pub what: String,
    /// What was measured.
    pub outcome: String,
    /// How many pupils are behind the figures.
    pub pupils: String,
    /// How the effect was looked for.
    pub design: String,
    /// The effect in standard deviations with its 95 % interval: "0.50 (0.10 to 0.89)"; of one group
    /// measured twice the means in the measure's units; else why there is none.
    pub effect: String,
    /// Months of progress, for an outcome that they mean something for.
    pub months: String,
    /// The strength of this report alone, by our rating, with its number of 5.
    pub strength: String,
    /// What the school concludes.
    pub conclusion: String,
    /// Why it did not work there, where it did not; none where it did or is not on this.
    pub did_not_work: Option<String>,
    /// Why its effect is not in the pooled result, where it is not.
    pub not_pooled: Option<String>,
}

/// The reports of a lineage, by the school's name and never by what they found.
pub fn report_rows(lineage: &Lineage) -> Vec<ReportRow> {
    lineage.reports.iter().map(row).collect()
}

fn row(report: &LineageReport) -> ReportRow {
    let evidence = &report.evidence;
    let (school, record) = report.key;
    ReportRow {
        school,
        record,
        school_name: report.school_name.clone(),
        title: report.title.clone(),
        what: match report.on {
            Some(LineageKind::Intervention) => "report on the intervention",
            Some(LineageKind::Adoption) if report.inspired => {
                "report on what was inspired by the intervention"
            }
            Some(LineageKind::Adoption) => "report on an adoption",
            Some(LineageKind::ImpactReport) | None => "report on a record that is not here",
        }
        .to_owned(),
        outcome: if evidence.outcome.is_empty() { &evidence.domain } else { &evidence.outcome }
            .clone(),
        pupils: evidence.pupils.map(|pupils| pupils.to_string()).unwrap_or_default(),
        design: report.design.map(|design| design.as_str().replace('_', " ")).unwrap_or_default(),
        effect: effect(report),
        months: months_of(report).unwrap_or_default(),
        strength: format!("{}, {} of 5", report.strength_alone().label(), report.rating_alone()),
        conclusion: report.conclusion.map(|said| said.to_string()).unwrap_or_default(),
        did_not_work: did_not_work(report).map(ToOwned::to_owned),
        not_pooled: report.not_pooled.map(|reason| why_not_pooled(reason).to_owned()),
    }
}

fn effect(report: &LineageReport) -> String {
    match &report.evidence.finding {
        Finding::Effect(ReportEffect { estimate, interval: Some((low, high)), .. }) => {
            with_interval(&Interval { estimate: *estimate, low: *low, high: *high })
        }
        Finding::Effect(ReportEffect { estimate, interval: None, .. }) => {
            format!("{}, without an interval", number(*estimate))
        }
        Finding::Change(MeasuredChange { before: Some(before), after, .. }) => {
            format!("{} before, {} after; no comparison", units(*before), units(*after))
        }
        Finding::Change(MeasuredChange { before: None, after, .. }) => {
            format!("{} after; no comparison", units(*after))
        }
        Finding::Impossible => "figures that cannot be right; left out".to_owned(),
        Finding::Described => match &report.figures_withheld {
            Some(why) => format!("figures stay in the school: {why}"),
            None => "described in words".to_owned(),
        },
    }
}

/// Of a comparison that is not like with like months would say more than it does.
fn months_of(report: &LineageReport) -> Option<String> {
    let effect = report.evidence.effect()?;
    let (low, high) = effect.interval?;
    if !report.evidence.is_attainment() || report.not_pooled == Some(NotPooled::BaselineDifference)
    {
        return None;
    }
    let interval = Interval { estimate: effect.estimate, low, high };
    let Some(months) = months(&interval, MonthsTable::Trial) else {
        return Some("no clear difference".to_owned());
    };
    Some(if report.evidence.outcome_type == Some(OutcomeType::TeacherMade) {
        format!("{months}; a test made by teachers tends to overstate")
    } else {
        months.to_string()
    })
}

/// What was merely inspired by the intervention says nothing of how that did.
fn did_not_work(report: &LineageReport) -> Option<&'static str> {
    match (report.is_below_zero(), report.concludes_to_stop()) {
        _ if report.inspired => None,
        (false, false) => None,
        (true, false) => Some("pupils did no better than the comparison group"),
        (false, true) => Some("the school concluded to stop"),
        (true, true) => {
            Some("pupils did no better than the comparison group, and the school concluded to stop")
        }
    }
}

fn why_not_pooled(reason: NotPooled) -> &'static str {
    match reason {
        NotPooled::OneClassAgainstOne => {
            "one class against one cannot separate the approach from the teacher"
        }
        NotPooled::BaselineDifference => "the groups were too different beforehand",
        NotPooled::Inspired => "only inspired by the intervention",
        NotPooled::SharedComparison => "another report counts its comparison group already",
    }
}
