//! The page of saved searches, and the feed of each.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::frame::Frame;
use super::{at_work, error_page, render};
use crate::http::api_error::{ApiError, blocking};
use crate::http::saved_searches::{SavedSearchReport, report, reports};
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

/// An Atom feed (RFC 4287) of what a saved search found.
#[derive(Template)]
#[template(path = "feed.xml")]
struct Feed<'a> {
    school: &'a str,
    /// Where this node answers, as the reader of the feed reached it.
    host: &'a str,
    scheme: &'static str,
    saved: &'a SavedSearchReport,
}

impl Feed<'_> {
    /// What is the same for ever and for nothing else (RFC 4151), whatever the search is later.
    fn id(&self) -> String {
        let hash = blake3::hash(self.saved.name.as_bytes()).to_hex();
        format!("tag:localhost,2025:saved-search/{}/{}", &hash[..32], self.saved.saved.as_second())
    }

    fn updated(&self) -> jiff::Timestamp {
        self.saved.found.first().map_or(self.saved.saved, |found| found.when)
    }

    /// `text` without the characters that XML cannot have.
    fn text(&self, text: &str) -> String {
        text.chars()
            .filter(|c| matches!(c, '\t' | '\n' | '\r') || !c.is_control())
            .filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
            .collect()
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

pub(crate) async fn feed(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Query(Named { name }): Query<Named>,
    headers: axum::http::HeaderMap,
) -> Result<Response, Response> {
    let reading = Arc::clone(&node);
    let saved = at_work(&frame, move || report(&reading, &name)).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let (school, scheme) = (&node.identity().claims().name, visitor.door.scheme());
    let feed = Feed { school, host, scheme, saved: &saved };
    let mut response = render(StatusCode::OK, &feed);
    let atom = HeaderValue::from_static("application/atom+xml; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, atom);
    Ok(response.into_response())
}
