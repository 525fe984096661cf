//! For which schools and pupils it worked, in plain words.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use super::gain::{about, direction};
use super::{counted, sentence, with_interval};
use crate::evidence::{Analysis, Breakdown, Comparison, Dimension, MonthsTable, Subgroup};

/// What schools found in one outcome domain, by phase, key stage or group of pupils.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhoTable {
    /// What the table shows: "Reading, by key stage".
    pub caption: String,
    /// What stands above the first column: "Key stage".
    pub heading: String,
    /// The groups in which there is a result, in the order of the vocabulary and never by result.
    pub rows: Vec<WhoRow>,
    /// Whether the groups differ, and who is in none of them: a sentence each.
    pub remarks: Vec<String>,
}

/// What one group of schools or pupils shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WhoRow {
    /// The group: "Key Stage 2".
    pub label: String,
    /// Schools that reported on it.
    pub schools: usize,
    /// Pupils behind it.
    pub pupils: u32,
    /// The effect in standard deviations with its 95 % interval: "0.50 (0.10 to 0.89)".
    pub effect: String,
    /// What that means, and no more.
    pub meaning: String,
}

/// The breakdowns of all outcome domains in words.
pub fn who_it_worked_for(analysis: &[Analysis]) -> Vec<WhoTable> {
    let of_domain = |one: &Analysis| -> Vec<WhoTable> {
        one.breakdowns.iter().map(|breakdown| table(&one.domain, breakdown)).collect()
    };
    analysis.iter().flat_map(of_domain).collect()
}

fn table(domain: &str, breakdown: &Breakdown) -> WhoTable {
    let domain = if domain.is_empty() { "what was measured" } else { domain };
    let (heading, by) = match breakdown.dimension {
        Dimension::Phase => ("Phase of the school", "phase of the school"),
        Dimension::KeyStage => ("Key stage", "key stage"),
        Dimension::PupilGroup => ("Group of pupils", "group of pupils"),
    };
    let comparison = match &breakdown.comparison {
        Some(comparison) => compared(breakdown.dimension, comparison),
        None => vec![
            "There are too few schools to say whether these results differ by more than chance."
                .to_owned(),
        ],
    };
    WhoTable {
        caption: sentence(&format!("{domain}, by {by}")).trim_end_matches('.').to_owned(),
        heading: heading.to_owned(),
        rows: breakdown.groups.iter().map(|group| row(breakdown.dimension, group)).collect(),
        remarks: comparison.into_iter().chain(apart(breakdown)).collect(),
    }
}

fn row(dimension: Dimension, group: &Subgroup) -> WhoRow {
    let label = sentence(dimension.vocabulary().label(group.value));
    WhoRow {
        label: label.trim_end_matches('.').to_owned(),
        schools: group.k,
        pupils: group.pupils,
        effect: with_interval(&group.effect),
        meaning: match group.k {
            1 => "one school: it says nothing about others".to_owned(),
            2 => "two schools: too uncertain to rely on".to_owned(),
            _ => {
                let months = about(&group.effect, MonthsTable::Toolkit, group.attainment);
                format!("{}{months}", direction(&group.effect))
            }
        },
    }
}

/// Whether the groups differ, as far as the test tells: it does not say of three groups which one
/// stands out, nor why any differ.
fn compared(dimension: Dimension, comparison: &Comparison) -> Vec<String> {
    let mut places: Vec<String> =
        comparison.values.iter().map(|value| place(dimension, value)).collect();
    let last = places.pop().unwrap_or_default();
    let all = format!("{} and {last}", places.join(", "));
    let several = comparison.values.len() > 2;
    let told = match (comparison.is_clear(), comparison.better) {
        (true, Some(better)) => {
            let worse = comparison.values.iter().find(|value| **value != better);
            let worse = worse.map(|value| place(dimension, value)).unwrap_or_default();
            format!(
                "Results were better {} than {worse}, and chance alone would rarely show such a \
                 difference.",
                place(dimension, better)
            )
        }
        (true, None) if several => format!(
            "Results differ {all}, and chance alone would rarely show such differences; which of \
             them stands out cannot be said."
        ),
        (true, None) => {
            format!("Results differ {all}, and chance alone would rarely show such a difference.")
        }
        (false, _) if several => format!("The differences between results {all} could be chance."),
        (false, _) => format!("The difference between results {all} could be chance."),
    };
    let mut sentences = vec![told];
    if comparison.is_clear() {
        let differ = "Schools differ in other ways too, so this does not say why.";
        sentences.push(differ.to_owned());
    }
    match comparison.in_several {
        0 => {}
        1 => sentences.push(
            "1 school that has results in several rows is left out of this comparison.".to_owned(),
        ),
        schools => sentences.push(format!(
            "{schools} schools that have results in several rows are left out of this comparison."
        )),
    }
    sentences
}

/// Where or for whom the results of a group are, to stand after "results".
fn place(dimension: Dimension, value: &str) -> String {
    match (dimension, value) {
        (Dimension::Phase, "alternative provision") => "in alternative provision".to_owned(),
        (Dimension::Phase, phase) => format!("in {phase} schools"),
        (Dimension::KeyStage, "EYFS") => "in the early years foundation stage".to_owned(),
        (Dimension::KeyStage, stage) => format!("in {}", dimension.vocabulary().label(stage)),
        (Dimension::PupilGroup, "all") => "in reports on all pupils".to_owned(),
        (Dimension::PupilGroup, group) => {
            format!("in reports on “{}”", dimension.vocabulary().label(group))
        }
    }
}

fn apart(breakdown: &Breakdown) -> Option<String> {
    let (is, their) = match breakdown.apart {
        0 => return None,
        1 => ("is", "its"),
        _ => ("are", "their"),
    };
    let why = match breakdown.dimension {
        Dimension::Phase => "no phase is known".to_owned(),
        Dimension::KeyStage => {
            format!("{their} reports are on several key stages at once, or do not say")
        }
        Dimension::PupilGroup => {
            format!("{their} reports are on several groups at once, or do not say")
        }
    };
    let schools = counted(breakdown.apart, "school");
    Some(format!("{schools} with a result {is} in none of these rows: {why}."))
}
