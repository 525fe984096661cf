//! One result as pages and the command line show it.

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_search::evidence::{Interval, LineageEvidence, Strength};
use staffroom_search::{Explanation, Hit};
use utoipa::ToSchema;

use super::kind_label;
use crate::news::did_not_work;

/// Schools that a hit names; what hundreds of schools tried would fill a page by itself.
const NAMED_SCHOOLS: usize = 8;

/// A record that matches.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HitReport {
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: String,
    /// Its kind as people read it.
    pub kind_label: String,
    /// Its title.
    pub title: String,
    /// Its title as safe HTML, with what matched in `<mark>`.
    pub title_html: String,
    /// A passage that matches, or how the abstract begins.
    pub passage: String,
    /// The passage as safe HTML, with what matched in `<mark>`.
    pub passage_html: String,
    /// Its school.
    pub school: SchoolId,
    /// The school's name.
    pub school_name: String,
    /// The phase of its school.
    pub phase: Option<String>,
    /// The name of the group in which it was found.
    pub group_name: String,
    /// When this version was made.
    pub updated: String,
    /// How well it fits, comparable within this page only.
    pub score: f32,
    /// The parts of the score, where they were asked for.
    pub explanation: Option<Explanation>,
    /// Proposed, running, finished or stopped.
    pub state: Option<String>,
    /// The conclusion of an impact report.
    pub conclusion: Option<String>,
    /// Cost per pupil a year as a band.
    pub cost_band: Option<String>,
    /// Subjects.
    pub subjects: Vec<String>,
    /// Key stages.
    pub key_stages: Vec<String>,
    /// The effect as Hedges' g, where figures allow one; plus is better.
    pub effect: Option<f64>,
    /// The number of pupils behind it.
    pub pupils: Option<u32>,
    /// What all schools that tried it found, where it belongs to a lineage.
    pub lineage: Option<LineageReport>,
    /// How many schools' matching records it stands for.
    pub school_count: usize,
    /// Their names, the first eight.
    pub schools: Vec<String>,
    /// Whether it did not work in its own school: its effect is below 0, or it concluded to stop.
    pub did_not_work: bool,
}

/// What all schools that tried something found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LineageReport {
    /// The strength of the evidence; none while no school has reported.
    pub strength: Option<Strength>,
    /// Schools that started.
    pub started: u32,
    /// Schools that reported.
    pub reported: u32,
    /// Schools that stopped.
    pub stopped: u32,
    /// Schools in which it did not work.
    pub did_not_work: u32,
    /// The effect over all of them, as Hedges' g with its 95 % interval; plus is better.
    pub effect: Option<Interval>,
    /// All of that in words.
    pub sentence: String,
}

impl HitReport {
    /// "Found from Ash, Beech and 3 more schools", where it stands for more than one school.
    pub fn found_from(&self) -> Option<String> {
        let named = self.schools.join(", ");
        match self.school_count.saturating_sub(self.schools.len()) {
            _ if self.school_count < 2 => None,
            0 => Some(format!("Found from {named}")),
            1 => Some(format!("Found from {named} and 1 more school")),
            more => Some(format!("Found from {named} and {more} more schools")),
        }
    }

    /// "gain here +0.41, 44 pupils": what was measured in its own school, where something was.
    pub fn measured(&self) -> Option<String> {
        let effect = self.effect?;
        let pupils = self.pupils.map(|pupils| format!(", {pupils} pupils")).unwrap_or_default();
        let strength = self.lineage.as_ref().and_then(|lineage| lineage.strength);
        Some(if strength.is_some_and(shows_a_gain) {
            format!("gain here {effect:+.2}{pupils}")
        } else {
            format!("measured here {effect:+.2}{pupils}: {NO_GAIN}")
        })
    }

    /// A hit that stands for records of the `schools` of these names.
    pub(super) fn new(hit: Hit, mut schools: Vec<String>, explain: bool) -> Self {
        let (passage, passage_html) = match hit.snippets.first() {
            Some((_, snippet)) => (snippet.to_text(), snippet.to_html()),
            None => (hit.abstract_start.clone(), escape(&hit.abstract_start)),
        };
        let school_count = schools.len();
        let did_not_work = did_not_work(hit.conclusion.as_deref(), hit.effect);
        schools.sort();
        schools.truncate(NAMED_SCHOOLS);
        Self {
            id: hit.key.record,
            kind_label: kind_label(&hit.kind),
            kind: hit.kind,
            title: hit.title.to_text(),
            title_html: hit.title.to_html(),
            passage,
            passage_html,
            school: hit.key.school,
            school_name: hit.school_name,
            phase: hit.phase,
            group_name: hit.group_name,
            updated: hit.clock.to_string(),
            score: hit.score,
            explanation: explain.then_some(hit.explanation),
            state: hit.state,
            conclusion: hit.conclusion,
            cost_band: hit.cost_band,
            subjects: hit.subjects,
            key_stages: hit.key_stages,
            effect: hit.effect,
            pupils: hit.pupils,
            lineage: hit.lineage.as_ref().map(LineageReport::from),
            school_count,
            schools,
            did_not_work,
        }
    }
}

impl From<&LineageEvidence> for LineageReport {
    fn from(lineage: &LineageEvidence) -> Self {
        Self {
            sentence: sentence(lineage),
            strength: lineage.strength,
            started: lineage.started,
            reported: lineage.reported,
            stopped: lineage.stopped,
            did_not_work: lineage.did_not_work,
            effect: lineage.effect,
        }
    }
}

/// The strength as people read it.
const fn strength_label(strength: Strength) -> &'static str {
    match strength {
        Strength::Described => "described, no firm comparison",
        Strength::EarlySign => "an early sign",
        Strength::Promising => "promising",
        Strength::Tested => "tested",
        Strength::WellTested => "well tested",
    }
}

/// What is said of an effect that is rated as described, as a record's page says it.
const NO_GAIN: &str = "too small or too uncertain to count as a gain";

/// Whether an effect with evidence of this strength may be called a gain.
fn shows_a_gain(strength: Strength) -> bool {
    strength > Strength::Described
}

/// "Of 4 schools that started, 3 reported and 1 stopped; it did not work in 1. Gain +0.25 (0.10 to
/// 0.40). Evidence: promising."
fn sentence(lineage: &LineageEvidence) -> String {
    let mut said = match lineage.started {
        0 => return String::new(),
        1 => format!(
            "The 1 school that started {}{}",
            if lineage.reported == 0 { "has not reported yet" } else { "reported" },
            if lineage.stopped == 0 { "" } else { " and stopped" }
        ),
        started => format!(
            "Of {started} schools that started, {} reported and {} stopped",
            count(lineage.reported),
            count(lineage.stopped)
        ),
    };
    match lineage.did_not_work {
        0 => {}
        _ if lineage.started == 1 => said.push_str("; it did not work there"),
        schools => said.push_str(&format!("; it did not work in {schools}")),
    }
    said.push('.');
    if let Some(Interval { estimate, low, high }) = lineage.effect {
        let effect = format!("{estimate:+.2} ({low:+.2} to {high:+.2})");
        said.push_str(&if lineage.strength.is_some_and(shows_a_gain) {
            format!(" Gain {effect}.")
        } else {
            format!(" Measured {effect}, {NO_GAIN}.")
        });
    }
    if let Some(strength) = lineage.strength {
        said.push_str(&format!(" Evidence: {}.", strength_label(strength)));
    }
    said
}

fn count(schools: u32) -> String {
    if schools == 0 { "none".to_owned() } else { schools.to_string() }
}

fn escape(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html)
        .map(|escaped| escaped.to_string())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lineage_is_said_in_words() {
        let lineage = |started, reported, stopped, did_not_work| LineageEvidence {
            origin: (SchoolId::from_bytes([1; 32]), RecordId::from_bytes([1; 16])),
            strength: (reported > 0).then_some(Strength::Promising),
            started,
            reported,
            stopped,
            did_not_work,
            effect: (reported > 1).then_some(Interval { estimate: 0.25, low: -0.1, high: 0.6 }),
            phases: Vec::new(),
        };
        assert_eq!(
            sentence(&lineage(4, 3, 1, 1)),
            "Of 4 schools that started, 3 reported and 1 stopped; it did not work in 1. Gain +0.25 \
             (-0.10 to +0.60). Evidence: promising."
        );
        assert_eq!(
            sentence(&lineage(2, 0, 0, 0)),
            "Of 2 schools that started, none reported and none stopped."
        );
        assert_eq!(
            sentence(&lineage(1, 0, 0, 0)),
            "The 1 school that started has not reported yet."
        );
        assert_eq!(
            sentence(&lineage(1, 1, 1, 1)),
            "The 1 school that started reported and stopped; it did not work there. Evidence: \
             promising."
        );
        assert_eq!(sentence(&lineage(0, 0, 0, 0)), "");
        let described =
            LineageEvidence { strength: Some(Strength::Described), ..lineage(2, 2, 0, 0) };
        assert_eq!(
            sentence(&described),
            "Of 2 schools that started, 2 reported and none stopped. Measured +0.25 (-0.10 to \
             +0.60), too small or too uncertain to count as a gain. Evidence: described, no firm \
             comparison."
        );
    }

    #[test]
    fn what_is_rated_as_described_is_never_called_a_gain() {
        let measured = |strength: &str| {
            let hit = serde_json::json!({
                "id": RecordId::from_bytes([1; 16]), "kind": "impact_report",
                "kind_label": "Impact report", "title": "", "title_html": "", "passage": "",
                "passage_html": "", "school": SchoolId::from_bytes([1; 32]), "school_name": "Ash",
                "group_name": "Trust", "updated": "", "score": 1.0, "subjects": [],
                "key_stages": [], "effect": 0.41, "pupils": 44, "school_count": 1, "schools": [],
                "did_not_work": false,
                "lineage": {
                    "strength": strength, "started": 1, "reported": 1, "stopped": 0,
                    "did_not_work": 0, "sentence": "",
                },
            });
            serde_json::from_value::<HitReport>(hit).unwrap().measured().unwrap()
        };
        assert_eq!(measured("early_sign"), "gain here +0.41, 44 pupils");
        assert_eq!(
            measured("described"),
            "measured here +0.41, 44 pupils: too small or too uncertain to count as a gain"
        );
    }
}
