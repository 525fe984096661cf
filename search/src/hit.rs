//! What a search returns.

use std::collections::BTreeMap;

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::SchoolId;

use crate::document::{DocumentKey, Shown};
use crate::evidence::LineageEvidence;
use crate::facet::Facet;
use crate::order::Explanation;
use crate::snippet::{Marker, Snippet, SnippetSource};

/// How much of an abstract a list shows.
const ABSTRACT_START_CHARS: usize = 300;

/// Passages that one hit shows.
const MAX_SNIPPETS: usize = 2;

/// Values of one dimension that are counted out: more than a page lists, and enough for every school
/// of a large trust. The tags of a million records are many more.
pub const MAX_FACET_VALUES: usize = 200;

/// The answer to a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Results {
    /// How many records match, on all pages together. It counts records, also where a hit stands
    /// for all matching records of its lineage.
    pub total: usize,
    /// This page, best first.
    pub hits: Vec<Hit>,
    /// Whether another page follows.
    pub more: bool,
    /// For each dimension that was asked for and has any value, how many of all matching records
    /// have each value, whatever the same dimension is narrowed to: the most frequent values first,
    /// equal ones by name. There are [`MAX_FACET_VALUES`] at most, and those that the filters name.
    pub facets: BTreeMap<Facet, Vec<FacetCount>>,
    /// The text with its unknown words put right, if there was any; that is what was looked for.
    pub did_you_mean: Option<String>,
    /// Whether the text was longer than what is searched for, so that its end was left out.
    pub shortened: bool,
    /// Whether nothing had the phrases in quotes as they stand, so that their words were looked for.
    pub phrases_as_words: bool,
}

/// How many of the matching records have a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FacetCount {
    /// The value as records spell it; for a school or group its id.
    pub value: String,
    /// How many records.
    pub count: u64,
}

/// A record that matches: what one entry in a list of results shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// Which record, as shared with which group.
    pub key: DocumentKey,
    /// The kind.
    pub kind: String,
    /// The version's time.
    pub clock: Timestamp,
    /// How well it fits the text, comparable within one answer only; 0 where the order is by time.
    pub score: f32,
    /// How the score came about.
    pub explanation: Explanation,
    /// The whole title, marked.
    pub title: Snippet,
    /// Passages that match.
    pub snippets: Vec<(SnippetSource, Snippet)>,
    /// How the abstract begins.
    pub abstract_start: String,
    /// The school's name.
    pub school_name: String,
    /// The group's name.
    pub group_name: String,
    /// Proposed, running, finished or stopped.
    pub state: Option<String>,
    /// The conclusion of an impact report.
    pub conclusion: Option<String>,
    /// The cost per pupil a year as a band.
    pub cost_band: Option<String>,
    /// The subjects.
    pub subjects: Vec<String>,
    /// The key stages.
    pub key_stages: Vec<String>,
    /// The effect as Hedges' g; plus is better.
    pub effect: Option<f64>,
    /// The number of pupils behind that effect.
    pub pupils: Option<u32>,
    /// What the lineage that it belongs to shows.
    pub lineage: Option<LineageEvidence>,
    /// The schools whose matching records it stands for, its own among them; empty for what belongs
    /// to no lineage and where every record is listed.
    pub schools: Vec<SchoolId>,
    /// The phase of its school.
    pub phase: Option<String>,
}

impl Hit {
    pub(crate) fn new(shown: Shown, explanation: Explanation, marker: &Marker) -> Self {
        let texts = [
            (SnippetSource::Abstract, &shown.abstract_text),
            (SnippetSource::Body, &shown.body),
            (SnippetSource::Files, &shown.file_text),
        ];
        let snippets = texts
            .into_iter()
            .filter_map(|(source, text)| Some((source, marker.passage(text)?)))
            .take(MAX_SNIPPETS)
            .collect();
        Self {
            key: shown.key,
            clock: shown.clock,
            score: explanation.score(),
            explanation,
            title: marker.whole(&shown.title),
            snippets,
            abstract_start: abstract_start(&shown.abstract_text),
            kind: shown.kind,
            school_name: shown.school_name,
            group_name: shown.group_name,
            state: shown.state,
            conclusion: shown.conclusion,
            cost_band: shown.cost_band,
            subjects: shown.subjects,
            key_stages: shown.key_stages,
            effect: shown.effect,
            pupils: shown.pupils,
            lineage: shown.lineage,
            schools: Vec::new(),
            phase: shown.phase,
        }
    }
}

/// The beginning of `text`, cut between words where there is a choice.
fn abstract_start(text: &str) -> String {
    let text = text.trim();
    let Some((end, _)) = text.char_indices().nth(ABSTRACT_START_CHARS) else {
        return text.to_owned();
    };
    let cut = &text[..end];
    let cut = cut.rfind(char::is_whitespace).map_or(cut, |space| &cut[..space]);
    format!("{} …", cut.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_abstract_begins_with_whole_words() {
        assert_eq!(abstract_start(" short \n"), "short");
        let long = abstract_start(&"décodage ".repeat(50));
        assert!(long.ends_with("décodage …") && long.chars().count() <= ABSTRACT_START_CHARS + 2);
        assert_eq!(abstract_start(&"x".repeat(400)).len(), ABSTRACT_START_CHARS + " …".len());
    }
}
