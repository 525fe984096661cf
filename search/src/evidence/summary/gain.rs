//! What was gained, in plain words.

use super::{counted, names, number};
use crate::evidence::lineage::{OutcomeEvidence, SchoolEffect};
use crate::evidence::{Finding, Interval, Lineage, MeasuredChange, MonthsTable, months};

/// Outcome domains, and changes without a comparison, that are put into words; the rest is counted.
const MOST_TOLD: usize = 4;

/// From so many schools on, what a similar school may expect is put into words.
const PREDICTION_LEAST: usize = 5;

pub(super) fn sentences(lineage: &Lineage) -> Vec<String> {
    let pooled = || lineage.outcomes.iter().filter(|outcome| !outcome.schools.is_empty());
    let mut sentences: Vec<String> = pooled().take(MOST_TOLD).flat_map(outcome).collect();
    if pooled().count() > MOST_TOLD {
        let more = counted(pooled().count() - MOST_TOLD, "more outcome");
        sentences.push(format!("There are results on {more}."));
    }
    let changes = || {
        lineage.reports.iter().filter_map(|report| match &report.evidence.finding {
            Finding::Change(change) => Some((report, change)),
            Finding::Described | Finding::Impossible | Finding::Effect(_) => None,
        })
    };
    sentences.extend(changes().take(MOST_TOLD).map(|(report, change)| {
        self::change(&report.school_name, &report.evidence.outcome, change)
    }));
    if changes().count() > MOST_TOLD {
        let more = counted(changes().count() - MOST_TOLD, "more report");
        sentences.push(format!("Before and after alone are measured in {more}."));
    }
    if sentences.is_empty() {
        sentences.push(without_numbers(lineage).to_owned());
    }
    sentences
}

fn without_numbers(lineage: &Lineage) -> &'static str {
    if lineage.reports.is_empty() {
        "No school has reported yet what came of it."
    } else if lineage.outcomes.is_empty() {
        "What came of it is described in words; it was not measured against a comparison group."
    } else {
        "What was measured cannot be relied on, for the reason given under what to be careful about."
    }
}

fn outcome(outcome: &OutcomeEvidence) -> Vec<String> {
    let (Some(pooled), Some(interval)) = (&outcome.pooled, outcome.interval()) else {
        return Vec::new();
    };
    let domain = domain(outcome);
    let mut sentences = match outcome.schools.as_slice() {
        [one] => vec![
            format!(
                "In {domain} at {}, {}.",
                one.school_name,
                effect(outcome, &one.interval, MonthsTable::Trial)
            ),
            "This is one school: nothing can be said about other schools.".to_owned(),
        ],
        [one, other] => vec![
            format!("In {domain}, {}; {}.", alone(one), alone(other)),
            format!(
                "Taken together: {}; from two schools, this is too uncertain to rely on.",
                range(&interval)
            ),
        ],
        schools => vec![format!(
            "In {domain}, over {} and {}, {}.",
            counted(schools.len(), "school"),
            counted(usize::try_from(outcome.pupils).unwrap_or(usize::MAX), "pupil"),
            effect(outcome, &interval, MonthsTable::Toolkit)
        )],
    };
    if pooled.k >= PREDICTION_LEAST
        && let Some(prediction) = &pooled.prediction
    {
        let wide = prediction.low < 0.0 && prediction.high > 0.0 && interval.low > 0.0;
        let wide = if wide { ", so it may do nothing or harm there" } else { "" };
        sentences.push(format!(
            "The true effect in a similar school is likely to lie between {} and {}{wide}; one \
             school’s result varies more.",
            number(prediction.low),
            number(prediction.high)
        ));
    }
    sentences
}

fn domain(outcome: &OutcomeEvidence) -> &str {
    match outcome.domain.as_str() {
        "" => "what was measured",
        domain => domain,
    }
}

/// The gain in words, with its interval and, where they mean something, months.
fn effect(outcome: &OutcomeEvidence, effect: &Interval, table: MonthsTable) -> String {
    let months = about(effect, table, outcome.attainment);
    format!("{}: {}{months}", direction(effect), range(effect))
}

/// Whether pupils did better, as far as the interval tells.
pub(super) fn direction(effect: &Interval) -> &'static str {
    if effect.low > 0.0 {
        "pupils did better than the comparison group"
    } else if effect.high < 0.0 {
        "pupils did less well than the comparison group"
    } else {
        "there is no clear difference from the comparison group"
    }
}

/// ", about 3 months' more progress", where months mean something.
pub(super) fn about(effect: &Interval, table: MonthsTable, attainment: bool) -> String {
    let months = months(effect, table).filter(|_| attainment);
    months.map(|months| format!(", about {months}")).unwrap_or_default()
}

fn range(effect: &Interval) -> String {
    format!(
        "{} standard deviations (95 % interval {} to {})",
        number(effect.estimate),
        number(effect.low),
        number(effect.high)
    )
}

fn alone(school: &SchoolEffect) -> String {
    format!("{} found {}", school.school_name, range(&school.interval))
}

fn change(school: &str, outcome: &str, change: &MeasuredChange) -> String {
    let outcome = if outcome.is_empty() { "the measure" } else { outcome };
    let seen =
        match change.before {
            Some(before) => {
                let way =
                    match change.higher_is_better {
                        Some(better) if change.after != before => {
                            if better == (change.after > before) { " (better)" } else { " (worse)" }
                        }
                        Some(_) | None => "",
                    };
                format!(
                    "the mean of {outcome} went from {} to {}{way}",
                    units(before),
                    units(change.after)
                )
            }
            None => format!("the mean of {outcome} was {} afterwards", units(change.after)),
        };
    let school = names([school]).unwrap_or_default();
    format!(
        "At {school}, {seen}; without a comparison group, nobody can say how much of that it brought about."
    )
}

/// A mean in the measure's units, with two decimals at most.
pub(super) fn units(value: f64) -> String {
    format!("{}", (value * 100.0).round() / 100.0).replace('-', "−")
}
