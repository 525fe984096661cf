//! The page of the resources that this school shares.

pub(crate) mod add;

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use staffroom_protocol::hash::RecordId;
use staffroom_search::MAX_DEPTH;

use super::frame::Frame;
use super::{at_work, render};
use crate::http::api_error::ApiError;
use crate::node::Node;

/// Resources on one page: as many as are looked through before one turns to the search.
const ON_A_PAGE: usize = 50;

#[derive(Template)]
#[template(path = "resources.html")]
struct ResourcesPage {
    frame: Frame,
    resources: Vec<Shown>,
    /// How many there are in all.
    count: usize,
    /// Where the pages before and after this one begin.
    before: Option<usize>,
    after: Option<usize>,
}

/// A resource in the list.
struct Shown {
    id: RecordId,
    title: String,
    files: usize,
    size: u64,
    /// From how many schools its files can be had, each answer once.
    available: BTreeSet<String>,
    pinned: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    /// The place in the list of the first to show.
    #[serde(default)]
    from: usize,
}

pub(crate) async fn list(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Response> {
    let from = asked.from;
    let read = at_work(&frame, move || {
        let (ids, count) = node.newest_own_resources(from, ON_A_PAGE)?;
        let mut resources = Vec::new();
        for id in ids {
            resources.extend(shown(&node, id)?);
        }
        Ok((resources, count))
    });
    let (resources, count) = read.await?;
    let end = from + ON_A_PAGE;
    let page = ResourcesPage {
        frame,
        resources,
        count,
        before: (from > 0).then(|| from.saturating_sub(ON_A_PAGE)),
        after: (end < count.min(MAX_DEPTH)).then_some(end),
    };
    Ok(render(StatusCode::OK, &page))
}

/// What is shown of a resource; nothing where it went a moment ago.
fn shown(node: &Node, id: RecordId) -> Result<Option<Shown>, ApiError> {
    let Some(held) = node.record(node.identity().school(), id)? else { return Ok(None) };
    let Some(title) = held.summary.as_ref().map(|summary| summary.title.clone()) else {
        return Ok(None);
    };
    let copies = node.copies(&held)?;
    Ok(Some(Shown {
        id,
        title,
        files: copies.len(),
        size: copies.iter().map(|file| file.size).sum(),
        pinned: copies.iter().any(|file| file.pinned),
        available: copies.into_iter().map(|file| file.summary).collect(),
    }))
}
