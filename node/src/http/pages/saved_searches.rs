//! The page of saved searches, and the feed of each.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::feed::{Entry, Feed};
use super::frame::Frame;
use super::{at_work, error_page, render};
use crate::http::api_error::{ApiError, blocking};
use crate::http::saved_searches::{FoundReport, SavedSearchReport, report, reports};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::saved_searches::SavedSearchError;

#[derive(Template)]
#[template(path = "saved-searches.html")]
struct SavedSearchesPage {
    frame: Frame,
    saved: Vec<SavedSearchReport>,
}

impl SavedSearchesPage {
    fn feed(&self, name: &str) -> String {
        let query =
            form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
        format!("/saved-searches/feed?{query}")
    }
}

impl From<FoundReport> for Entry {
    fn from(found: FoundReport) -> Self {
        Self {
            id: found.id,
            school: found.school,
            school_name: found.school_name,
            title: found.title,
            kind_label: found.kind_label,
            in_short: found.abstract_text,
            updated: found.when.to_string(),
        }
    }
}

/// A search to keep.
#[derive(Debug, Deserialize)]
pub(crate) struct Save {
    name: String,
    query: String,
}

/// What of a search was seen.
#[derive(Debug, Deserialize)]
pub(crate) struct Seen {
    name: String,
    up_to: u64,
}

/// A search.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    name: String,
}

pub(crate) async fn list(
    frame: Frame,
    State(node): State<Arc<Node>>,
) -> Result<Response, Response> {
    let reading = Arc::clone(&node);
    let saved = at_work(&frame, move || reports(&reading)).await?;
    let page = SavedSearchesPage { frame, saved };
    Ok(render(StatusCode::OK, &page))
}

pub(crate) async fn save(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<Save>, FormRejection>,
) -> Result<Redirect, Response> {
    change(frame, node, form, |node, Save { name, query }| {
        node.save_search(&name, &query).map(|_| ())
    })
    .await
}

pub(crate) async fn mark_seen(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<Seen>, FormRejection>,
) -> Result<Redirect, Response> {
    change(frame, node, form, |node, Seen { name, up_to }| {
        node.saved_searches().mark_seen(&name, up_to)
    })
    .await
}

pub(crate) async fn remove(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<Named>, FormRejection>,
) -> Result<Redirect, Response> {
    change(frame, node, form, |node, Named { name }| node.saved_searches().remove(&name)).await
}

/// Does what a form asks for, and shows the list again.
async fn change<T: Send + 'static>(
    frame: Frame,
    node: Arc<Node>,
    form: Result<Form<T>, FormRejection>,
    change: impl FnOnce(&Node, T) -> Result<(), SavedSearchError> + Send + 'static,
) -> Result<Redirect, Response> {
    let changing = Arc::clone(&node);
    let done = async {
        let Form(form) = form.map_err(|error| ApiError::bad_request(error.body_text()))?;
        blocking(move || change(&changing, form)).await??;
        Ok::<_, ApiError>(())
    };
    done.await.map_err(|error| error_page(&frame, &error))?;
    Ok(Redirect::to("/saved-searches"))
}

/// What a saved search found, for a news reader.
pub(crate) async fn feed(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Query(Named { name }): Query<Named>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let reading = Arc::clone(&node);
    let saved = at_work(&frame, move || report(&reading, &name)).await?;
    let feed = Feed {
        tag: tag(&saved),
        updated: saved.found.first().map_or(saved.saved, |found| found.when).to_string(),
        title: saved.name,
        subtitle: saved.question,
        school: frame.school,
        page: format!("/?{}", saved.query),
        entries: saved.found.into_iter().map(Entry::from).collect(),
    };
    Ok(feed.send(&visitor, &headers))
}

/// What is the same for a saved search for ever, whatever the search is later.
fn tag(saved: &SavedSearchReport) -> String {
    let hash = blake3::hash(saved.name.as_bytes()).to_hex();
    format!("saved-search/{}/{}", &hash[..32], saved.saved.as_second())
}
