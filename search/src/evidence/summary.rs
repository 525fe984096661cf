//! What a lineage shows in plain words: what a head of department reads first.
//!
//! Every sentence is computed, and none says more than the numbers allow: of one school nothing is
//! said about others, of two only that it is uncertain, without a comparison nothing of a gain.

mod care;
mod gain;
mod reports;
#[cfg(test)]
mod tests;
mod who;

use serde::{Deserialize, Serialize};

use super::{Interval, Lineage, LineageSchool, Strength};

pub use reports::{ReportRow, report_rows};
pub use who::{WhoRow, WhoTable, who_it_worked_for};

/// Schools that one sentence names; the others are counted.
const MOST_NAMED: usize = 8;

/// Schools whose contact is given: more is a list to read, and not somebody to ask.
const MOST_CONTACTS: usize = 3;

/// What a sentence is about, in the order in which they are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Point {
    /// What was gained.
    Gain,
    /// How strong the evidence is.
    Strength,
    /// Of how many schools that started how many reported and stopped.
    Schools,
    /// Where it did not work.
    DidNotWork,
    /// What it costs.
    Cost,
    /// What to be careful about.
    Care,
    /// Whom to ask.
    Ask,
}

impl Point {
    /// What stands before the sentences about it.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Gain => "What was gained",
            Self::Strength => "How strong the evidence is",
            Self::Schools => "Which schools",
            Self::DidNotWork => "Where it did not work",
            Self::Cost => "What it costs",
            Self::Care => "What to be careful about",
            Self::Ask => "Whom to ask",
        }
    }
}

/// A sentence of a summary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Sentence {
    /// What it is about.
    pub point: Point,
    /// In plain words.
    pub text: String,
}

/// A lineage in plain words, point by point.
pub fn summary(lineage: &Lineage) -> Vec<Sentence> {
    let mut sentences = Vec::new();
    let mut say = |point: Point, texts: Vec<String>| {
        sentences.extend(texts.into_iter().map(|text| Sentence { point, text }));
    };
    say(Point::Gain, gain::sentences(lineage));
    say(Point::Strength, strength(lineage).into_iter().collect());
    say(Point::Schools, vec![schools(lineage)]);
    say(Point::DidNotWork, did_not_work(lineage).into_iter().collect());
    say(Point::Cost, vec![cost(lineage)]);
    say(Point::Care, care::sentences(lineage));
    say(Point::Ask, ask(lineage).into_iter().collect());
    sentences
}

impl Strength {
    /// In words.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Described => "described",
            Self::EarlySign => "early sign",
            Self::Promising => "promising",
            Self::Tested => "tested",
            Self::WellTested => "well tested",
        }
    }
}

fn strength(lineage: &Lineage) -> Option<String> {
    let strength = lineage.strength()?;
    let meaning = match strength {
        Strength::Described if !lineage.outcomes.is_empty() => {
            "the comparison is too small or too uncertain to count as more"
        }
        Strength::Described => "there is no comparison from which a gain could be worked out",
        Strength::EarlySign => "the comparison is weak, and something else may explain the result",
        Strength::Promising => {
            "the comparison is fair, but chance or differences between the groups may play a part"
        }
        Strength::Tested => "the comparison is good",
        Strength::WellTested => "there are good comparisons in more than one school",
    };
    Some(format!("Our rating is “{}”: {meaning}.", strength.label()))
}

fn schools(lineage: &Lineage) -> String {
    let started = lineage.started();
    if started == 0 {
        return "No school that you can see has started.".to_owned();
    }
    let (reported, stopped) = (lineage.reported(), lineage.stopped());
    format!(
        "Of {} that started, {reported} reported and {stopped} stopped, going by the {} that you can see.",
        counted(started, "school"),
        counted(lineage.records, "record"),
    )
}

fn did_not_work(lineage: &Lineage) -> Option<String> {
    let named = |which: fn(&LineageSchool) -> bool| {
        let schools = lineage.schools.values().filter(|school| which(school));
        names(schools.map(|school| school.name.as_str()))
    };
    let worse = named(|school| school.effect_below_zero && !school.concluded_to_stop);
    let gave_up = named(|school| school.concluded_to_stop && !school.effect_below_zero);
    let both = named(|school| school.concluded_to_stop && school.effect_below_zero);
    let told = [
        worse.map(|names| format!("pupils did no better than the comparison group at {names}")),
        gave_up.map(|names| format!("{names} concluded to stop")),
        both.map(|names| format!("{names} found that pupils did no better, and concluded to stop")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    match (told.is_empty(), lineage.reported()) {
        (true, 0) => None,
        (true, 1) => Some("The school that reported does not say that it failed.".to_owned()),
        (true, _) => Some("No school that reported says that it failed.".to_owned()),
        (false, _) => Some(sentence(&told.join("; "))),
    }
}

fn cost(lineage: &Lineage) -> String {
    let bands = ["very_low", "low", "moderate", "high", "very_high"];
    let given = bands.into_iter().filter(|band| lineage.cost_bands.contains(*band));
    let words: Vec<&str> = given
        .map(|band| match band {
            "very_low" => "very low (under £80)",
            "low" => "low (£80 to £170)",
            "moderate" => "moderate (above £170, to £700)",
            "high" => "high (above £700, to £1,200)",
            _ => "very high (above £1,200)",
        })
        .collect();
    match words.as_slice() {
        [] => "Nobody recorded what it costs.".to_owned(),
        [one] => format!("The cost for each pupil in a year is {one}."),
        several => format!("The cost for each pupil in a year is {}.", several.join(" or ")),
    }
}

fn ask(lineage: &Lineage) -> Option<String> {
    let whom: Vec<String> = lineage
        .contacts
        .iter()
        .take(MOST_CONTACTS)
        .map(|contact| {
            let role = match contact.role.as_str() {
                "" => "the author",
                role => role,
            };
            let article = if role.starts_with("the ") { "" } else { "the " };
            let first = if contact.origin { ", where it began" } else { "" };
            format!("{article}{role} at {}{first}", contact.school_name)
        })
        .collect();
    (!whom.is_empty()).then(|| format!("Ask {}.", whom.join("; or ")))
}

/// "1 school", "2 schools".
fn counted(count: usize, one: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {one}s") }
}

/// Names in order, as a list in a sentence; the first few, and how many more there are.
fn names<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let names: std::collections::BTreeSet<&str> = names.into_iter().collect();
    let mut shown: Vec<String> =
        names.iter().take(MOST_NAMED).map(|name| (*name).to_owned()).collect();
    if names.len() > MOST_NAMED {
        shown.push(format!("{} more", names.len() - MOST_NAMED));
    }
    let last = shown.pop()?;
    Some(if shown.is_empty() { last } else { format!("{} and {last}", shown.join(", ")) })
}

/// With a capital letter and a full stop.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// "0.50 (0.10 to 0.89)": an effect with its 95 % interval.
fn with_interval(effect: &Interval) -> String {
    let Interval { estimate, low, high } = effect;
    format!("{} ({} to {})", number(*estimate), number(*low), number(*high))
}

/// An effect with two decimals and a proper minus sign.
fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    match text.strip_prefix('-') {
        Some("0.00") => "0.00".to_owned(),
        Some(size) => format!("−{size}"),
        None => text,
    }
}
