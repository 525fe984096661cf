//! The page of the search: what was asked, what there is to narrow it by, and what was found.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::vocabulary::Vocabulary;
use staffroom_search::Facet;

use super::frame::Frame;
use super::verdict::Verdict;
use super::{in_turn, render};
use crate::http::search::{HitReport, Labels, SearchReport, note, run};
use crate::http::turns::Turns;
use crate::node::Node;
use crate::question::{parameters, value};
use crate::readable;

/// Results on one page.
const PAGE_HITS: usize = 20;

/// Choices that are listed in one dimension, the most frequent first.
const LISTED_CHOICES: usize = 12;

/// The dimensions that are open from the start, as most people narrow by them; what else there is
/// follows, closed.
const FIRST_FACETS: [Facet; 4] =
    [Facet::Subject, Facet::KeyStage, Facet::PupilGroup, Facet::Strength];

/// Parameters that a form of the page has a field for.
const LIMITS: [&str; 9] = [
    "from",
    "to",
    "min_pupils",
    "effect_from",
    "effect_to",
    "with_evidence",
    "not_tried_in_my_phase",
    "our_pupils",
    "explain",
];

type Asked = [(String, String)];

/// A value to narrow a search by, or by which it is narrowed.
struct Choice {
    label: String,
    count: u64,
    chosen: bool,
    /// The search with it, or without it where it was chosen.
    address: String,
}

/// The values of one dimension.
struct Choices {
    label: String,
    open: bool,
    choices: Vec<Choice>,
}

/// Something that narrows the search, in words, and the search without it.
struct Chip {
    label: String,
    without: String,
}

/// An order of results.
struct Order {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    frame: Frame,
    text: &'a str,
    filters: Vec<Choices>,
    chips: Vec<Chip>,
    orders: Vec<Order>,
    asked: &'a Asked,
    /// The phase of this school, if it has said one.
    phase: Option<&'a str>,
    /// None while nothing was asked.
    results: Option<SearchReport>,
    took: String,
    /// What is asked, as an address has it.
    query: String,
    /// The same for what was typed alone, where words were put right.
    exact: String,
    newer: Option<String>,
    older: Option<String>,
    from: usize,
}

impl SearchPage<'_> {
    fn count(&self, results: &SearchReport) -> String {
        let number = self.frame.number(results.total as u64);
        let args = [
            ("count", results.total.into()),
            ("number", number.into()),
            ("took", self.took.as_str().into()),
        ];
        self.frame.language.say("search-count", &args)
    }

    /// The groups of pupils that there are, to say which is to be helped.
    fn pupil_groups(&self) -> Vec<(&'static str, &'static str)> {
        let terms = Vocabulary::PupilGroups.terms().iter();
        terms.map(|term| (term.term.as_str(), term.label())).collect()
    }

    fn is_given(&self, name: &str, value: &str) -> bool {
        self.given(name) == value
    }

    fn given(&self, name: &str) -> &str {
        value(self.asked, name).unwrap_or_default()
    }

    /// Whether something other than the text and the dimensions narrows the results.
    fn has_limits(&self) -> bool {
        LIMITS.iter().any(|name| !self.given(name).is_empty())
    }

    /// What a form keeps of the question: all but what it has fields for, and the page.
    fn kept(&self, with_limits: bool) -> impl Iterator<Item = &(String, String)> {
        self.asked.iter().filter(move |(name, _)| {
            let name = name.as_str();
            let is_limit = LIMITS.contains(&name);
            let in_form = if with_limits { name == "q" || name == "sort" } else { is_limit };
            name != "offset" && !in_form
        })
    }

    fn verdicts(&self, hit: &HitReport) -> Vec<Verdict> {
        hit.lineage.as_ref().map(Verdict::of).unwrap_or_default()
    }
}

/// The search used to be at `/`, and people keep addresses.
pub(crate) fn moved(query: &str) -> String {
    format!("/search?{query}")
}

pub(crate) async fn search(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Turns>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let mut asked = parameters(query.as_deref().unwrap_or_default());
    let offset = position(&asked, "offset");
    asked.retain(|(name, _)| name != "limit" && name != "lang");
    let searching = Arc::clone(&node);
    // The page without a question shows what there is to choose from.
    let hits = if asked.is_empty() { 0 } else { PAGE_HITS };
    let parameters = with(&asked, "limit", &hits.to_string());
    let chosen = asked.clone();
    let (results, chips) = in_turn(&frame, &turns, move || {
        run(&searching, &parameters).map(|results| (results, chips(&searching, &chosen)))
    })
    .await?;
    note(Arc::clone(&node), &turns, &asked, &results);
    let page = SearchPage {
        frame,
        text: value(&asked, "q").unwrap_or_default(),
        filters: filters(&asked, &results),
        chips,
        orders: orders(&asked),
        asked: &asked,
        phase: node.identity().claims().phase.as_deref(),
        took: took(&results),
        query: address(&asked),
        exact: link(&with(&asked, "exact", "true")),
        newer: (offset > 0).then(|| page_from(&asked, offset.saturating_sub(PAGE_HITS))),
        older: results.more.then(|| page_from(&asked, offset + PAGE_HITS)),
        from: offset + 1,
        results: (!asked.is_empty()).then_some(results),
    };
    Ok(render(StatusCode::OK, &page))
}

fn position(asked: &Asked, name: &str) -> usize {
    value(asked, name).and_then(|value| value.parse().ok()).unwrap_or(0)
}

fn with(asked: &Asked, name: &str, value: &str) -> Vec<(String, String)> {
    let mut with: Vec<_> = asked.iter().filter(|(one, _)| one != name).cloned().collect();
    with.push((name.to_owned(), value.to_owned()));
    with
}

fn page_from(asked: &Asked, offset: usize) -> String {
    link(&with(asked, "offset", &offset.to_string()))
}

fn link(asked: &Asked) -> String {
    format!("/search?{}", address(asked))
}

fn address(asked: &Asked) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish()
}

fn took(results: &SearchReport) -> String {
    format!("{:.1} ms", results.took_micros as f64 / 1_000.0)
}

/// What narrows a search, each in words.
fn chips(node: &Node, asked: &Asked) -> Vec<Chip> {
    let narrows = |name: &str| !["q", "sort", "offset", "exact", "explain"].contains(&name);
    if !asked.iter().any(|(name, _)| narrows(name)) {
        return Vec::new();
    }
    let labels = Labels::of(node);
    let chosen = asked.iter().enumerate().filter(|(_, (name, _))| narrows(name));
    chosen
        .map(|(place, one)| Chip {
            label: labels.question(std::slice::from_ref(one)),
            without: link(&without(asked, |other, _| other == place)),
        })
        .collect()
}

/// The question without some of what it asks, from its first page.
fn without(
    asked: &Asked,
    leave_out: impl Fn(usize, &(String, String)) -> bool,
) -> Vec<(String, String)> {
    let kept = asked.iter().enumerate();
    kept.filter(|(place, one)| one.0 != "offset" && !leave_out(*place, one))
        .map(|(_, one)| one.clone())
        .collect()
}

/// What there is to choose from, and what was chosen.
fn filters(asked: &Asked, results: &SearchReport) -> Vec<Choices> {
    let later = Facet::ALL.iter().filter(|facet| !FIRST_FACETS.contains(facet));
    FIRST_FACETS.iter().chain(later).filter_map(|facet| choices(*facet, asked, results)).collect()
}

fn choices(facet: Facet, asked: &Asked, results: &SearchReport) -> Option<Choices> {
    let name = facet.as_str();
    let counts = results.facets.get(name).into_iter().flatten().enumerate();
    let choices: Vec<Choice> = counts
        .filter_map(|(place, one)| {
            let is_it = |(other, value): &(String, String)| {
                let value = folded(value);
                other == name && (value == folded(&one.value) || value == folded(&one.label))
            };
            let chosen = asked.iter().any(is_it);
            let mut narrowed = without(asked, |_, other| is_it(other));
            if !chosen {
                narrowed.push((name.to_owned(), one.value.clone()));
            }
            (place < LISTED_CHOICES || chosen).then(|| Choice {
                label: one.label.clone(),
                count: one.count,
                chosen,
                address: link(&narrowed),
            })
        })
        .collect();
    let open = FIRST_FACETS.contains(&facet) || choices.iter().any(|choice| choice.chosen);
    // Who may read a group is settled elsewhere, and one group leaves nothing to choose.
    let leaves_a_choice = !choices.is_empty() && (facet != Facet::Group || choices.len() > 1);
    leaves_a_choice.then(|| Choices { label: readable::label(name), open, choices })
}

fn folded(text: &str) -> String {
    text.to_lowercase().replace([' ', '-'], "_")
}

fn orders(asked: &Asked) -> Vec<Order> {
    let chosen = value(asked, "sort").unwrap_or_default();
    [
        ("what-worked", "what worked: the best fit, then the best evidence"),
        ("relevance", "the best fit alone"),
        ("newest", "the newest first"),
    ]
    .map(|(value, label)| Order { value, label, chosen: value == chosen })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> Vec<(String, String)> {
        parameters(query)
    }

    #[test]
    fn what_was_chosen_is_taken_away_alone_and_the_first_page_is_shown() {
        let asked = asked("q=reading&subject=English&subject=music&offset=20");
        let left = without(&asked, |place, _| place == 1);
        assert_eq!(link(&left), "/search?q=reading&subject=music");
    }
}
