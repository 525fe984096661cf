//! Searching over HTTP.

mod hit;
mod parameters;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::Extension;
use axum::extract::{RawQuery, State};
use serde::{Deserialize, Serialize};
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::record::Kind;
use staffroom_search::{DocumentKey, Facet, Filters, Hit, Query, QueryError};
use utoipa::ToSchema;

pub use self::hit::{HitReport, LineageReport};
use self::parameters::SearchParameters;
use super::api_error::{ApiError, blocking};
use super::coverage::{Coverage, coverage};
use super::given::{Json, Path};
use super::turns::Turns;
use crate::node::Node;
use crate::question::{all_parameters, parameters, read, value};
use crate::readable;
use crate::records::{HeldRecord, known_schools};

/// A page of results.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchReport {
    /// How many records match, on all pages together.
    pub total: usize,
    /// How long the search took, in microseconds.
    pub took_micros: u64,
    /// This page, best first. In the order of what worked, a hit stands for all matching records of
    /// its lineage.
    pub hits: Vec<HitReport>,
    /// Whether another page follows.
    pub more: bool,
    /// How many of all that match have each value of each dimension, whatever the same dimension is
    /// narrowed to.
    pub facets: BTreeMap<String, Vec<FacetValue>>,
    /// The question with its misspelled words put right, which is what was searched for.
    pub did_you_mean: Option<String>,
    /// Whether the query was longer than what is searched for.
    pub shortened: bool,
    /// Whether nothing had the phrases in quotes as they stand, so that their words were looked for.
    #[serde(default)]
    pub phrases_as_words: bool,
    /// From where the results come, and what they may lack.
    pub coverage: Coverage,
}

/// How many of the matching records have a value.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FacetValue {
    /// The value; the id of a school or group.
    pub value: String,
    /// The value as people read it.
    pub label: String,
    /// How many records.
    pub count: u64,
}

/// Searches what this school may read.
#[utoipa::path(
    get,
    path = "/search",
    params(SearchParameters),
    responses((status = 200, body = SearchReport), (status = 404), (status = 409)),
)]
pub(super) async fn search(
    State(node): State<Arc<Node>>,
    Extension(turns): Extension<Turns>,
    RawQuery(query): RawQuery,
) -> Result<Json<SearchReport>, ApiError> {
    let parameters = all_parameters(query.as_deref().unwrap_or_default());
    let (searching, asked) = (Arc::clone(&node), parameters.clone());
    let found = turns.take(move || run(&searching, &asked)).await??;
    note(node, &turns, &parameters, &found);
    Ok(Json(found))
}

/// Notes what was asked, so that it can be suggested to others. It costs half a search, so it is left
/// while others wait for theirs.
pub(super) fn note(
    node: Arc<Node>,
    turns: &Turns,
    parameters: &[(String, String)],
    found: &SearchReport,
) {
    let text = value(parameters, "q").map(str::to_owned);
    if let Some(text) = text.filter(|_| found.total > 0 && found.did_you_mean.is_none()) {
        turns.take_if_free(move || {
            if let Err(error) = node.note_search(&text) {
                tracing::warn!(%error, "a search cannot be noted");
            }
        });
    }
}

/// Suggests what a person who is typing may be about to ask.
#[utoipa::path(
    get,
    path = "/suggestions",
    params(("q" = Option<String>, Query, description = "What was typed so far.")),
    responses((status = 200, body = Vec<String>)),
)]
pub(super) async fn suggest(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Json<Vec<String>>, ApiError> {
    const SUGGESTIONS: usize = 8;
    /// What the index suggests is to have a place as well.
    const PAST_SEARCHES: usize = 3;
    let parameters = parameters(query.as_deref().unwrap_or_default());
    let mut text = String::new();
    for (name, value) in parameters {
        if name != "q" {
            return Err(ApiError::bad_request(format!(
                "there is no parameter {name:?} here; give what was typed as q"
            )));
        }
        text = value;
    }
    let suggestions = blocking(move || {
        let readable = Filters::default().within(node.followed_groups());
        let mut suggestions = node.past_searches().beginning_with(&text, PAST_SEARCHES);
        let others = node.indexer().suggest(&text, &readable, SUGGESTIONS)?;
        for other in others {
            let folded = other.to_lowercase();
            if !suggestions.iter().any(|known| known.to_lowercase() == folded) {
                suggestions.push(other);
            }
        }
        suggestions.truncate(SUGGESTIONS);
        Ok::<_, QueryError>(suggestions)
    });
    Ok(Json(suggestions.await??))
}

/// Lists records that are about the same as one, those of its own lineage left out.
#[utoipa::path(
    get,
    path = "/records/{id}/similar",
    responses((status = 200, body = Vec<HitReport>), (status = 404)),
)]
pub(super) async fn similar(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<HitReport>>, ApiError> {
    let found = blocking(move || similar_to(&node, &node.find_record(&id)?)).await??;
    Ok(Json(found))
}

/// Records that are about the same as one.
pub(super) fn similar_to(node: &Node, held: &HeldRecord) -> Result<Vec<HitReport>, ApiError> {
    const SIMILAR: usize = 5;
    let EntryKey { school, record, .. } = held.entry.key();
    let keys = held.groups.iter().map(|group| DocumentKey { group: *group, school, record });
    let readable = Filters::default().within(node.followed_groups());
    let hits = node.indexer().more_like(keys, &readable, SIMILAR)?;
    Ok(reports(node, hits))
}

/// The newest records that this school may read, how many there are in all, and what may be missing.
pub(super) fn newest(
    node: &Node,
    limit: usize,
) -> Result<(Vec<HitReport>, usize, Coverage), ApiError> {
    let groups = node.followed_groups();
    let query = Query::newest(Filters::default().within(groups.iter().copied()));
    let (hits, total) = node.indexer().first_hits(query, limit)?;
    Ok((reports(node, hits), total, coverage(node, &groups)))
}

/// The first hits of a search, `most` at most, without all that stands around them on a page.
pub(super) fn first_hits(
    node: &Node,
    parameters: &[(String, String)],
    most: usize,
) -> Result<Vec<HitReport>, ApiError> {
    let (hits, _) = node.indexer().first_hits(read(node, parameters)?, most)?;
    Ok(reports(node, hits))
}

fn reports(node: &Node, hits: Vec<Hit>) -> Vec<HitReport> {
    let names = Labels::of(node);
    hits.into_iter().map(|hit| names.hit(hit, false)).collect()
}

/// Runs a search as its parameters say.
pub(super) fn run(node: &Node, parameters: &[(String, String)]) -> Result<SearchReport, ApiError> {
    let started = Instant::now();
    let query = read(node, parameters)?;
    let results = node.indexer().search(&query)?;
    let names = Labels::of(node);
    let explain = parameters.iter().any(|(name, value)| name == "explain" && value == "true");
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
        hits: results.hits.into_iter().map(|one| names.hit(one, explain)).collect(),
        more: results.more,
        facets,
        did_you_mean: results.did_you_mean,
        shortened: results.shortened,
        phrases_as_words: results.phrases_as_words,
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

/// The name of a kind as people read it; one from a newer node as it is spelled.
pub(crate) fn kind_label(kind: &str) -> String {
    kind.parse::<Kind>().map_or_else(|_| readable::label(kind), |kind| kind.label().to_owned())
}

/// What people call the values of dimensions that are ids or codes.
pub(super) struct Labels {
    schools: BTreeMap<String, String>,
    groups: BTreeMap<String, String>,
}

impl Labels {
    pub(super) fn of(node: &Node) -> Self {
        let schools = known_schools(node).into_iter();
        let groups = node.group_names().into_iter();
        Self {
            schools: schools.map(|(school, name)| (school.to_string(), name)).collect(),
            groups: groups.map(|(group, name)| (group.to_string(), name)).collect(),
        }
    }

    fn hit(&self, hit: Hit, explain: bool) -> HitReport {
        let schools = hit.schools.iter().map(|school| self.school(school)).collect();
        HitReport::new(hit, schools, explain)
    }

    /// The name of a school, or the beginning of its id where it is not known.
    pub(super) fn school(&self, school: &SchoolId) -> String {
        self.schools.get(&school.to_string()).cloned().unwrap_or_else(|| school.short())
    }

    /// What the parameters of an address ask for, in words: “reading fluency” · key stage: KS2.
    pub(super) fn question(&self, parameters: &[(String, String)]) -> String {
        let part = |(name, value): &(String, String)| match (name.as_str(), name.parse()) {
            ("q", _) => format!("“{value}”"),
            (_, Ok(facet)) => {
                let dimension = readable::label(name).to_lowercase();
                format!("{dimension}: {}", self.label(facet, value))
            }
            ("with_evidence", _) => "only what a school has reported on".to_owned(),
            ("not_tried_in_my_phase", _) => "only what no school of our phase has tried".to_owned(),
            ("exact", _) => "as it is spelled".to_owned(),
            (_, Err(_)) => format!("{}: {value}", readable::label(name).to_lowercase()),
        };
        parameters.iter().map(part).collect::<Vec<_>>().join(" · ")
    }

    fn label(&self, facet: Facet, value: &str) -> String {
        match facet {
            Facet::School => self.schools.get(value).cloned().unwrap_or_else(|| value.to_owned()),
            Facet::Group => self.groups.get(value).cloned().unwrap_or_else(|| value.to_owned()),
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
            | Facet::Tag => value.replace('_', " "),
        }
    }
}
