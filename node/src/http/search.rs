//! Searching over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use staffroom_protocol::record::Kind;
use staffroom_protocol::vocabulary::Vocabulary;
use staffroom_search::evidence::Strength;
use staffroom_search::{Facet, Filters, Hit, Query, QueryError, Sort};

use super::api_error::{ApiError, blocking};
use super::coverage::{Coverage, coverage};
use crate::groups::GroupError;
use crate::node::Node;
use crate::readable;
use crate::records::school_names;

/// A page of results.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SearchReport {
    /// How many records match, on all pages together.
    pub total: usize,
    /// How long the search took, in microseconds.
    pub took_micros: u64,
    /// This page, best first.
    pub hits: Vec<HitReport>,
    /// How many of all that match have each value of each dimension.
    pub facets: BTreeMap<String, Vec<FacetValue>>,
    /// Whether the query was longer than what is searched for.
    pub shortened: bool,
    /// From where the results come, and what they may lack.
    pub coverage: Coverage,
}

/// How many of the matching records have a value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct FacetValue {
    /// The value; the id of a school or group.
    pub value: String,
    /// The value as people read it.
    pub label: String,
    /// How many records.
    pub count: u64,
}

/// A record that matches.
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// The name of the group in which it was found.
    pub group_name: String,
    /// When this version was made.
    pub updated: String,
    /// How well it fits, comparable within this page only.
    pub score: f32,
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
}

/// Dimensions that a page counts.
const COUNTED: [Facet; 8] = [
    Facet::Kind,
    Facet::Theme,
    Facet::Subject,
    Facet::KeyStage,
    Facet::PupilGroup,
    Facet::Conclusion,
    Facet::CostBand,
    Facet::School,
];

pub(super) async fn search(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Json<SearchReport>, ApiError> {
    let parameters = parameters(query.as_deref().unwrap_or_default());
    Ok(Json(blocking(move || run(&node, &parameters)).await??))
}

/// The parameters of an address, in order; one may stand several times.
pub(super) fn parameters(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| (name.into_owned(), value.trim().to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Runs a search as its parameters say.
pub(super) fn run(node: &Node, parameters: &[(String, String)]) -> Result<SearchReport, ApiError> {
    let started = Instant::now();
    let query = read(node, parameters)?;
    let results = node
        .indexer()
        .search(&query)
        .map_err(|error: QueryError| ApiError::bad_request(error.to_string()))?;
    let names = Labels::of(node);
    let facets = results
        .facets
        .into_iter()
        .map(|(facet, counts)| {
            let values = counts
                .into_iter()
                .map(|one| FacetValue {
                    label: names.label(facet, &one.value),
                    value: one.value,
                    count: one.count,
                })
                .collect();
            (facet.as_str().to_owned(), values)
        })
        .collect();
    Ok(SearchReport {
        total: results.total,
        hits: results.hits.into_iter().map(hit_report).collect(),
        facets,
        shortened: results.shortened,
        coverage: coverage(node, &searched(node, &query)),
        took_micros: u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
    })
}

/// The groups that a query is about.
fn searched(node: &Node, query: &Query) -> Vec<GroupId> {
    let named: Vec<GroupId> =
        query.filters.accepted(Facet::Group).filter_map(|group| group.parse().ok()).collect();
    if named.is_empty() { node.followed_groups() } else { named }
}

fn read(node: &Node, parameters: &[(String, String)]) -> Result<Query, ApiError> {
    let mut query = Query::new("");
    query.facets = COUNTED.into();
    let mut filters = Filters::default();
    for (name, value) in parameters {
        match name.as_str() {
            "q" => query.text.clone_from(value),
            "limit" => query.limit = number(name, value)?,
            "offset" => query.offset = number(name, value)?,
            "sort" => {
                query.sort = match value.as_str() {
                    "what-worked" => Sort::WhatWorked,
                    "relevance" => Sort::Relevance,
                    "newest" => Sort::Newest,
                    _ => {
                        return Err(ApiError::bad_request(format!(
                            "sort is {value:?}; it can be what-worked, relevance or newest"
                        )));
                    }
                }
            }
            "from" => filters.from = Some(date(name, value)?),
            "to" => filters.to = Some(date(name, value)?),
            "min_pupils" => filters.min_pupils = Some(number(name, value)?),
            _ => {
                let facet: Facet =
                    name.parse().map_err(|error: staffroom_search::UnknownFacet| {
                        ApiError::bad_request(error.to_string())
                    })?;
                filters.accept(facet, facet_value(node, facet, value)?);
            }
        }
    }
    // Records of a group that this school has left are no longer its to read.
    if filters.accepted(Facet::Group).next().is_none() {
        filters = filters.within(node.followed_groups());
    }
    query.filters = filters;
    Ok(query)
}

/// What a person calls a value, as records spell it.
fn facet_value(node: &Node, facet: Facet, value: &str) -> Result<String, ApiError> {
    let term = |vocabulary: Vocabulary| {
        vocabulary.resolve(value).map(ToOwned::to_owned).ok_or_else(|| {
            ApiError::bad_request(format!(
                "{} is {value:?}; it can be {}",
                facet.as_str().replace('_', " "),
                vocabulary.hint()
            ))
        })
    };
    match facet {
        Facet::Kind => value
            .parse::<Kind>()
            .map(|kind| kind.as_str().to_owned())
            .map_err(|error| ApiError::bad_request(error.to_string())),
        Facet::Theme => term(Vocabulary::Themes),
        Facet::Subject => term(Vocabulary::Subjects),
        Facet::KeyStage => term(Vocabulary::KeyStages),
        Facet::YearGroup => term(Vocabulary::YearGroups),
        Facet::PupilGroup => term(Vocabulary::PupilGroups),
        Facet::Phase => term(Vocabulary::Phases),
        Facet::Strength => strength(value),
        Facet::Group => {
            let group: GroupId = node.find_group(value)?;
            if !node.is_member(&group) {
                return Err(GroupError::NotMember(value.to_owned()).into());
            }
            Ok(group.to_string())
        }
        Facet::School => school(node, value).map(|school| school.to_string()),
        Facet::State
        | Facet::Conclusion
        | Facet::Design
        | Facet::CostBand
        | Facet::Type
        | Facet::PracticeArea
        | Facet::DevelopmentDomain
        | Facet::Tag => Ok(value.to_lowercase()),
    }
}

fn strength(given: &str) -> Result<String, ApiError> {
    let names = Strength::ALL.map(Strength::as_str);
    let folded = given.to_lowercase().replace(['-', ' '], "_");
    if names.contains(&folded.as_str()) {
        Ok(folded)
    } else {
        Err(ApiError::bad_request(format!(
            "strength is {given:?}; it can be {}",
            names.join(", ").replace('_', " ")
        )))
    }
}

fn school(node: &Node, given: &str) -> Result<SchoolId, ApiError> {
    let schools = known_schools(node);
    let folded = given.to_lowercase();
    let exact =
        schools.iter().find(|(id, name)| name.to_lowercase() == folded || id.to_string() == folded);
    let mut partly = schools.iter().filter(|(_, name)| name.to_lowercase().contains(&folded));
    match (exact, partly.next(), partly.next()) {
        (Some((id, _)), ..) | (None, Some((id, _)), None) => Ok(*id),
        (None, None, _) => Err(ApiError::not_found(format!(
            "no school is called {given:?}; the schools are {}",
            schools.into_values().collect::<Vec<_>>().join(", ")
        ))),
        (None, Some((_, one)), Some((_, two))) => Err(ApiError::bad_request(format!(
            "{given:?} fits more than one school, such as {one} and {two}; give more of the name"
        ))),
    }
}

fn number<T: std::str::FromStr>(name: &str, value: &str) -> Result<T, ApiError> {
    value
        .parse()
        .map_err(|_| ApiError::bad_request(format!("{name} is {value:?}; it must be a number")))
}

fn date(name: &str, value: &str) -> Result<jiff::civil::Date, ApiError> {
    value.parse().map_err(|_| {
        ApiError::bad_request(format!("{name} is {value:?}; write the date like 2026-01-31"))
    })
}

fn hit_report(hit: Hit) -> HitReport {
    let (passage, passage_html) = match hit.snippets.first() {
        Some((_, snippet)) => (snippet.to_text(), snippet.to_html()),
        None => (hit.abstract_start.clone(), escape(&hit.abstract_start)),
    };
    HitReport {
        id: hit.key.record,
        kind_label: kind_label(&hit.kind),
        kind: hit.kind,
        title: hit.title.to_text(),
        title_html: hit.title.to_html(),
        passage,
        passage_html,
        school: hit.key.school,
        school_name: hit.school_name,
        group_name: hit.group_name,
        updated: hit.clock.to_string(),
        score: hit.score,
        state: hit.state,
        conclusion: hit.conclusion,
        cost_band: hit.cost_band,
        subjects: hit.subjects,
        key_stages: hit.key_stages,
        effect: hit.effect,
        pupils: hit.pupils,
    }
}

/// The name of a kind as people read it; one from a newer node as it is spelled.
pub(super) fn kind_label(kind: &str) -> String {
    kind.parse::<Kind>().map_or_else(|_| readable::label(kind), |kind| kind.label().to_owned())
}

fn escape(text: &str) -> String {
    askama::filters::escape(text, askama::filters::Html)
        .map(|escaped| escaped.to_string())
        .unwrap_or_default()
}

/// The names of all schools of the node's groups.
fn known_schools(node: &Node) -> BTreeMap<SchoolId, String> {
    node.group_ids().iter().flat_map(|group| school_names(node, group)).collect()
}

/// What people call the values of dimensions that are ids or codes.
struct Labels {
    schools: BTreeMap<String, String>,
}

impl Labels {
    fn of(node: &Node) -> Self {
        let schools = known_schools(node).into_iter();
        Self { schools: schools.map(|(school, name)| (school.to_string(), name)).collect() }
    }

    fn label(&self, facet: Facet, value: &str) -> String {
        match facet {
            Facet::School => self.schools.get(value).cloned().unwrap_or_else(|| value.to_owned()),
            Facet::Kind => kind_label(value),
            Facet::Theme
            | Facet::Subject
            | Facet::KeyStage
            | Facet::YearGroup
            | Facet::PupilGroup
            | Facet::Phase
            | Facet::Strength
            | Facet::State
            | Facet::Conclusion
            | Facet::Design
            | Facet::CostBand
            | Facet::Type
            | Facet::PracticeArea
            | Facet::DevelopmentDomain
            | Facet::Tag
            | Facet::Group => value.replace('_', " "),
        }
    }
}
