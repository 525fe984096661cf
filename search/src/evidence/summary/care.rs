//! What to be careful about, in plain words.

use staffroom_protocol::record::impact_report::OutcomeType;

use super::{counted, names};
use crate::evidence::{
    Finding, Lineage, LineageReport, MAX_LINEAGE_RECORDS, NotPooled, OutcomeEvidence,
};

/// Fewer pupils than three or four classes are few, even where classes were not put in whole.
const FEW_PUPILS: u32 = 100;

/// Half of the variation or more is called considerable (Higgins et al. 2003, *BMJ* 327: 50 % is
/// moderate, 75 % high).
const DIFFERENT_PERCENT: f64 = 50.0;

/// Below three schools I² says nothing.
const DIFFERENT_LEAST: usize = 3;

/// From so many schools that started, it is telling which of them reported.
const MANY_STARTED: usize = 4;

pub(super) fn sentences(lineage: &Lineage) -> Vec<String> {
    let mut sentences = Vec::new();
    for outcome in lineage.outcomes.iter().filter(|outcome| !outcome.schools.is_empty()).take(4) {
        sentences.extend(of_outcome(outcome));
    }
    sentences.extend(one_sided(lineage));
    sentences.extend(of_measures(lineage));
    sentences.extend(not_pooled(lineage));
    let low_scorers = |report: &LineageReport| match &report.evidence.finding {
        Finding::Change(change) => change.chosen_for_low_scores,
        Finding::Described | Finding::Impossible | Finding::Effect(_) => false,
    };
    if let Some(names) = schools(lineage, low_scorers) {
        sentences.push(format!(
            "At {names}, pupils were chosen because they scored low: such pupils usually score \
             higher next time, whatever is done."
        ));
    }
    if let Some(names) = schools(lineage, |report| report.evidence.finding == Finding::Impossible) {
        sentences.push(format!(
            "The figures from {names} cannot be right, or are about too few pupils; they were left \
             out."
        ));
    }
    if lineage.more {
        sentences.push(format!("Only the first {MAX_LINEAGE_RECORDS} records were counted."));
    }
    sentences
}

fn of_outcome(outcome: &OutcomeEvidence) -> Vec<String> {
    let mut sentences = Vec::new();
    let domain = match outcome.domain.as_str() {
        "" => "what was measured",
        domain => domain,
    };
    if outcome.pupils < FEW_PUPILS {
        sentences.push(format!(
            "Only {} pupils are behind the result in {domain}; chance alone moves so few a long way.",
            outcome.pupils
        ));
    }
    if let Some(pooled) = outcome.pooled.as_ref().filter(|pooled| pooled.k >= DIFFERENT_LEAST)
        && pooled.i2 >= DIFFERENT_PERCENT
    {
        sentences.push(format!(
            "In {domain}, results differ between schools by more than chance (I² {:.0} %): look at \
             what they did differently before relying on the average.",
            pooled.i2
        ));
    }
    sentences
}

/// Who did not report may have found something else.
fn one_sided(lineage: &Lineage) -> Vec<String> {
    let mut sentences = Vec::new();
    let (started, reported) = (lineage.started(), lineage.reported());
    if reported == 1 && started > 1 && lineage.reports.len() > 1 {
        sentences.push("All reports come from one school.".to_owned());
    }
    let effects = || lineage.reports.iter().filter_map(|report| report.evidence.effect());
    let all_positive = effects().next().is_some() && effects().all(|effect| effect.estimate > 0.0);
    if started >= MANY_STARTED && 2 * reported < started {
        let gains = if all_positive { ", and all that was measured are gains" } else { "" };
        sentences.push(format!(
            "Only {reported} of {started} schools that started have reported{gains}; where it went \
             badly, schools may not have reported."
        ));
    }
    sentences
}

fn of_measures(lineage: &Lineage) -> Vec<String> {
    let measured = |report: &LineageReport| match &report.evidence.finding {
        Finding::Effect(_) | Finding::Change(_) => true,
        Finding::Described | Finding::Impossible => false,
    };
    let at = |which: fn(&LineageReport) -> bool, text: &str| {
        let names = schools(lineage, |report| measured(report) && which(report))?;
        Some(format!("At {names}, {text}"))
    };
    [
        at(
            |report| report.evidence.outcome_type == Some(OutcomeType::TeacherMade),
            "the test was made by teachers, which tends to overstate a gain.",
        ),
        at(
            |report| report.evidence.marked_by_deliverer,
            "whoever taught it marked the test as well.",
        ),
        at(
            |report| report.evidence.lost_many,
            "more than a fifth of the pupils who started have no result at the end.",
        ),
        at(
            |report| report.evidence.effect().is_some_and(|effect| effect.adjusted),
            "the groups differed somewhat beforehand; that difference was taken off.",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn not_pooled(lineage: &Lineage) -> Vec<String> {
    let reasons = [
        (
            NotPooled::OneClassAgainstOne,
            "one class was compared with one other, which cannot separate the approach from the \
             teacher",
        ),
        (
            NotPooled::BaselineDifference,
            "the groups were too different beforehand to be compared like with like",
        ),
        (NotPooled::Inspired, "what was done was only inspired by this"),
        (
            NotPooled::SharedComparison,
            "the comparison group is one that another school’s report counts already",
        ),
    ];
    let sentence = |(reason, text): (NotPooled, &str)| {
        let names = schools(lineage, |report| report.not_pooled == Some(reason))?;
        Some(format!("At {names}, {text}: the result is listed, and does not count above."))
    };
    let mut sentences: Vec<String> = reasons.into_iter().filter_map(sentence).collect();
    if !lineage.inspired.is_empty() {
        sentences.push(format!(
            "{} took only the idea from it and {} not counted.",
            super::sentence(&counted(lineage.inspired.len(), "school")).trim_end_matches('.'),
            if lineage.inspired.len() == 1 { "is" } else { "are" }
        ));
    }
    sentences
}

fn schools(lineage: &Lineage, which: impl Fn(&LineageReport) -> bool) -> Option<String> {
    let reports = lineage.reports.iter().filter(|report| which(report));
    names(reports.map(|report| report.school_name.as_str()))
}
