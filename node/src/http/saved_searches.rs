//! Searches that the school keeps, with what is new of them.

use std::sync::Arc;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use super::search::{Labels, kind_label};
use crate::ago::since;
use crate::node::Node;
use crate::question::{self, parameters};
use crate::records::RecordError;
use crate::saved_searches::{Found, SavedSearch};
use crate::store::StoreError;

/// A search that the school keeps.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SavedSearchReport {
    /// Its name.
    pub name: String,
    /// What it asks for, as an address has it: `q=reading&key_stage=KS2`.
    pub query: String,
    /// The same in words.
    pub question: String,
    /// When it was saved.
    pub saved: Timestamp,
    /// How many records it has found since then.
    pub count: u64,
    /// How many of these nobody has seen yet.
    pub new: u64,
    /// The newest of them that are still shared, newest first.
    pub found: Vec<FoundReport>,
    /// Why it finds nothing, such as that the school has left the group that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// A record that a saved search found.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FoundReport {
    /// Its number among all that the search found, from 1.
    pub number: u64,
    /// The record.
    pub id: RecordId,
    /// The school that published it.
    pub school: SchoolId,
    /// The school's name.
    pub school_name: String,
    /// The record's title.
    pub title: String,
    /// Its abstract.
    #[serde(rename = "abstract")]
    pub abstract_text: String,
    /// Its kind as people read it.
    pub kind_label: String,
    /// When it was found.
    pub when: Timestamp,
    /// Whether nobody has seen it yet.
    pub new: bool,
}

impl FoundReport {
    /// When it was found, as people say it: "on Tuesday 18 November, 3 days ago".
    pub(crate) fn ago(&self) -> String {
        since(&self.when)
    }
}

impl SavedSearchReport {
    /// The number of the newest record that is listed: up to it, all has been seen by whoever sees
    /// the list.
    pub(crate) fn newest(&self) -> u64 {
        self.found.first().map_or(0, |found| found.number)
    }
}

/// A saved search with news.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SearchNews {
    /// Its name.
    pub name: String,
    /// How many records it found that nobody has seen yet.
    pub new: u64,
}

/// A search to keep.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveRequest {
    /// What it asks for, as an address has it: `q=reading&key_stage=KS2`.
    pub query: String,
}

/// Up to where what was found has been seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SeenRequest {
    /// The number of the newest record that was seen.
    pub up_to: u64,
}

/// Lists the searches that the school keeps, with what each has found.
#[utoipa::path(
    get,
    path = "/saved-searches",
    responses((status = 200, body = Vec<SavedSearchReport>)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
) -> Result<Json<Vec<SavedSearchReport>>, ApiError> {
    Ok(Json(blocking(move || reports(&node)).await??))
}

/// Shows a saved search, with what it has found.
#[utoipa::path(
    get,
    path = "/saved-searches/{name}",
    responses((status = 200, body = SavedSearchReport), (status = 404)),
)]
pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path(name): Path<String>,
) -> Result<Json<SavedSearchReport>, ApiError> {
    Ok(Json(blocking(move || report(&node, &name)).await??))
}

/// Keeps a search, in place of one of that name.
#[utoipa::path(
    put,
    path = "/saved-searches/{name}",
    responses((status = 200, body = SavedSearchReport), (status = 404), (status = 409)),
)]
pub(super) async fn save(
    State(node): State<Arc<Node>>,
    Path(name): Path<String>,
    Json(SaveRequest { query }): Json<SaveRequest>,
) -> Result<Json<SavedSearchReport>, ApiError> {
    let saved = blocking(move || {
        let name = node.save_search(&name, &query)?;
        report(&node, &name)
    });
    Ok(Json(saved.await??))
}

/// Says up to where somebody has seen what a search found.
#[utoipa::path(
    put,
    path = "/saved-searches/{name}/seen",
    responses((status = 200, body = SavedSearchReport), (status = 404)),
)]
pub(super) async fn mark_seen(
    State(node): State<Arc<Node>>,
    Path(name): Path<String>,
    Json(SeenRequest { up_to }): Json<SeenRequest>,
) -> Result<Json<SavedSearchReport>, ApiError> {
    let seen = blocking(move || {
        node.saved_searches().mark_seen(&name, up_to)?;
        report(&node, &name)
    });
    Ok(Json(seen.await??))
}

/// Keeps a search no more.
#[utoipa::path(
    delete,
    path = "/saved-searches/{name}",
    responses((status = 200, body = ()), (status = 404)),
)]
pub(super) async fn remove(
    State(node): State<Arc<Node>>,
    Path(name): Path<String>,
) -> Result<Json<()>, ApiError> {
    blocking(move || node.saved_searches().remove(&name)).await??;
    Ok(Json(()))
}

/// All searches that are kept, by name.
pub(super) fn reports(node: &Node) -> Result<Vec<SavedSearchReport>, ApiError> {
    let labels = Labels::of(node);
    let all = node.saved_searches().all().into_iter();
    all.map(|(name, search)| of(node, &labels, name, &search)).collect()
}

/// One search that is kept.
pub(super) fn report(node: &Node, name: &str) -> Result<SavedSearchReport, ApiError> {
    let search = node.saved_searches().get(name)?;
    of(node, &Labels::of(node), name.to_owned(), &search)
}

fn of(
    node: &Node,
    labels: &Labels,
    name: String,
    search: &SavedSearch,
) -> Result<SavedSearchReport, ApiError> {
    let asked = parameters(&search.query);
    let followed = node.followed_groups();
    let mut found = Vec::new();
    for one in &search.found {
        found.extend(shown(node, labels, &followed, search, one)?);
    }
    Ok(SavedSearchReport {
        name,
        query: search.query.clone(),
        question: labels.question(&asked),
        saved: search.saved,
        count: search.count,
        new: new_in(node, &followed, search)?,
        found,
        problem: question::read(node, &asked).err().map(|error| error.to_string()),
    })
}

/// The searches with something that nobody has seen yet, and how much. It reads none of the records.
pub(crate) fn news(node: &Node) -> Result<Vec<SearchNews>, StoreError> {
    let followed = node.followed_groups();
    let mut news = Vec::new();
    for (name, search) in node.saved_searches().all() {
        let new = new_in(node, &followed, &search)?;
        if new > 0 {
            news.push(SearchNews { name, new });
        }
    }
    Ok(news)
}

/// How many records a search found that nobody has seen and that are still shared.
fn new_in(node: &Node, followed: &[GroupId], search: &SavedSearch) -> Result<u64, StoreError> {
    let mut new = search.count.saturating_sub(search.seen);
    for found in search.found.iter().filter(|found| found.number > search.seen) {
        if !is_shared(node, followed, found)? {
            new = new.saturating_sub(1);
        }
    }
    Ok(new)
}

/// Whether a record is still shared with a group whose records this school may read.
fn is_shared(node: &Node, followed: &[GroupId], found: &Found) -> Result<bool, StoreError> {
    let versions = node.store().versions_in_groups(&found.school, &found.record)?;
    let is_shared =
        versions.iter().any(|(group, version)| !version.withdrawal && followed.contains(group));
    Ok(is_shared)
}

/// A record as it is now; none if it was withdrawn, or is no longer this school's to read.
fn shown(
    node: &Node,
    labels: &Labels,
    followed: &[GroupId],
    search: &SavedSearch,
    found: &Found,
) -> Result<Option<FoundReport>, RecordError> {
    if !is_shared(node, followed, found)? {
        return Ok(None);
    }
    let Some(held) = node.record(found.school, found.record)? else { return Ok(None) };
    let Some(summary) = held.summary else { return Ok(None) };
    Ok(Some(FoundReport {
        number: found.number,
        id: found.record,
        school: found.school,
        school_name: labels.school(&found.school),
        title: summary.title,
        abstract_text: summary.abstract_text,
        kind_label: kind_label(held.entry.kind()),
        when: found.when,
        new: found.number > search.seen,
    }))
}
