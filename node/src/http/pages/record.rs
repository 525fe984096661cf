//! The page of a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::hash::{Hash, RecordId};

use super::frame::Frame;
use super::{error_page, render};
use crate::http::api_error::{ApiError, blocking};
use crate::http::files;
use crate::http::records::{RecordReport, report};
use crate::http::search::{HitReport, kind_label, similar_to};
use crate::keeping::Copies;
use crate::node::Node;
use crate::readable::{self, Field, Readable};
use crate::records::{HeldRecord, RecordError};

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage<'a> {
    frame: Frame,
    kind: String,
    title: &'a str,
    /// The day of this version.
    updated: String,
    record: &'a RecordReport,
    fields: Vec<Field>,
    /// Of the records that it refers to.
    titles: Titles,
    /// Who holds its files.
    copies: Vec<Copies>,
    /// What is about the same.
    similar: Vec<HitReport>,
}

impl RecordPage<'_> {
    /// From how many schools a file can be had.
    fn available(&self, hash: &Hash) -> &str {
        let file = self.copies.iter().find(|file| file.hash == *hash);
        file.map_or("", |file| file.summary.as_str())
    }

    fn show<'a>(&'a self, content: &'a Readable) -> Content<'a> {
        Content { content, titles: &self.titles }
    }
}

/// One field's content; a template of its own because a list may hold lists.
#[derive(Template)]
#[template(path = "readable.html")]
struct Content<'a> {
    content: &'a Readable,
    titles: &'a Titles,
}

/// Titles of records by id.
type Titles = BTreeMap<RecordId, String>;

impl Content<'_> {
    fn within<'a>(&'a self, content: &'a Readable) -> Content<'a> {
        Content { content, titles: self.titles }
    }

    fn title(&self, id: &RecordId) -> String {
        self.titles.get(id).cloned().unwrap_or_else(|| format!("record {}", id.short()))
    }
}

pub(crate) async fn record(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let finding = Arc::clone(&node);
    let found = blocking(move || {
        let held = finding.find_record(&id).map_err(ApiError::from)?;
        let titles = titles(&finding, &held)?;
        let similar = similar_to(&finding, &held)?;
        let copies = finding.copies(&held)?;
        Ok((report(&finding, held)?, titles, copies, similar))
    });
    let (record, titles, copies, similar) =
        found.await.and_then(|found| found).map_err(|error| error_page(&frame, &error))?;
    let page = RecordPage {
        kind: kind_label(&record.kind),
        fields: record.record.as_ref().map(readable::fields).unwrap_or_default(),
        title: record.summary.as_ref().map_or("Withdrawn", |summary| &summary.title),
        updated: frame.day(&record.updated),
        frame,
        record: &record,
        titles,
        copies,
        similar,
    };
    Ok(render(StatusCode::OK, &page))
}

fn titles(node: &Node, held: &HeldRecord) -> Result<Titles, RecordError> {
    let references = held.summary.as_ref().map(|summary| summary.references.as_slice());
    let mut titles = Titles::new();
    for reference in references.unwrap_or_default() {
        if let Some(school) = reference.school
            && let Some(other) = node.record(school, reference.record)?
            && let Some(summary) = other.summary
        {
            titles.insert(reference.record, summary.title);
        }
    }
    Ok(titles)
}

pub(crate) async fn download(
    frame: Frame,
    node: State<Arc<Node>>,
    path: Path<(String, Hash)>,
) -> Result<Response, Response> {
    files::download(node, path).await.map_err(|error| error_page(&frame, &error))
}
