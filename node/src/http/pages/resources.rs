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

use super::frame::Frame;
use super::{at_work, render};
use crate::http::api_error::ApiError;
use crate::node::Node;
use crate::own_resources::OwnResource;

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
        let mut own = node.own_resources(&[])?;
        own.sort_by_key(|one| (one.title().to_lowercase(), one.id));
        let shown = own.iter().skip(from).take(ON_A_PAGE).map(|one| shown(&node, one));
        Ok((shown.collect::<Result<Vec<_>, ApiError>>()?, own.len()))
    });
    let (resources, count) = read.await?;
    let end = from + resources.len();
    let page = ResourcesPage {
        frame,
        resources,
        count,
        before: (from > 0).then(|| from.saturating_sub(ON_A_PAGE)),
        after: (end < count).then_some(end),
    };
    Ok(render(StatusCode::OK, &page))
}

fn shown(node: &Node, own: &OwnResource) -> Result<Shown, ApiError> {
    let copies = match node.record(node.identity().school(), own.id)? {
        Some(held) => node.copies(&held)?,
        None => Vec::new(),
    };
    Ok(Shown {
        id: own.id,
        title: own.title().to_owned(),
        files: copies.len(),
        size: copies.iter().map(|file| file.size).sum(),
        pinned: copies.iter().any(|file| file.pinned),
        available: copies.into_iter().map(|file| file.summary).collect(),
    })
}
