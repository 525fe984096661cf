//! The page of the resources that this school shares.

pub(crate) mod add;

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::Summary;
use staffroom_search::MAX_DEPTH;

use super::frame::Frame;
use super::table::{Cell, MOST_ROWS, download, table};
use super::{at_work, render};
use crate::http::api_error::ApiError;
use crate::http::visitor::Visitor;
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
    summary: Summary,
    /// When this version was made.
    updated: String,
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

/// The newest of them as a table.
pub(crate) async fn table_of_resources(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Response> {
    const COLUMNS: [&str; 11] = [
        "title",
        "type",
        "licence",
        "subjects",
        "key stages",
        "files",
        "bytes",
        "available",
        "pinned",
        "updated",
        "address",
    ];
    let written = at_work(&frame, move || {
        let mut rows = Vec::new();
        for from in (0..MOST_ROWS).step_by(ON_A_PAGE) {
            let (ids, count) = node.newest_own_resources(from, ON_A_PAGE)?;
            for id in ids {
                rows.extend(shown(&node, id)?.map(|one| row(&one, visitor.door.pages())));
            }
            if from + ON_A_PAGE >= count {
                break;
            }
        }
        table(COLUMNS, rows)
    });
    Ok(download("resources", written.await?))
}

fn row(one: &Shown, pages: &str) -> [Cell; 11] {
    let available: Vec<String> = one.available.iter().cloned().collect();
    [
        Cell::text(&one.summary.title),
        Cell::optional(one.summary.kind_type.as_deref()),
        Cell::optional(one.summary.licence.as_deref()),
        Cell::list(&one.summary.subjects),
        Cell::list(&one.summary.key_stages),
        Cell::value(Some(one.files)),
        Cell::value(Some(one.size)),
        Cell::list(&available),
        Cell::yes_no(one.pinned),
        Cell::text(&one.updated),
        Cell::text(&format!("{pages}records/{}", one.id)),
    ]
}

/// What is shown of a resource; nothing where it went a moment ago.
fn shown(node: &Node, id: RecordId) -> Result<Option<Shown>, ApiError> {
    let Some(held) = node.record(node.identity().school(), id)? else { return Ok(None) };
    let Some(summary) = held.summary.clone() else { return Ok(None) };
    let copies = node.copies(&held)?;
    Ok(Some(Shown {
        id,
        summary,
        updated: held.entry.clock().to_string(),
        files: copies.len(),
        size: copies.iter().map(|file| file.size).sum(),
        pinned: copies.iter().any(|file| file.pinned),
        available: copies.into_iter().map(|file| file.summary).collect(),
    }))
}
