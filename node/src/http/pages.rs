//! The pages: a search and a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::Kind;
use staffroom_protocol::vocabulary::Vocabulary;

use super::api_error::{ApiError, blocking};
use super::files;
use super::records::{RecordReport, report};
use super::search::{SearchReport, kind_label, parameters, run};
use crate::node::Node;
use crate::readable::{self, Field, Readable};
use crate::records::{HeldRecord, RecordError};

/// Results on one page.
const PAGE_HITS: usize = 20;

/// A choice in a list of the search form.
struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

/// A list of choices in the search form.
struct Choices {
    name: &'static str,
    label: &'static str,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    school: &'a str,
    text: &'a str,
    filters: Vec<Choices>,
    /// None while nothing was asked.
    results: Option<SearchReport>,
    took: String,
    newer: Option<String>,
    older: Option<String>,
    from: usize,
}

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage<'a> {
    school: &'a str,
    kind: String,
    title: &'a str,
    /// The day of this version.
    updated: &'a str,
    record: &'a RecordReport,
    fields: Vec<Field>,
    /// Of the records that it refers to.
    titles: Titles,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    school: &'a str,
    heading: &'a str,
    message: &'a str,
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

impl RecordPage<'_> {
    fn show<'a>(&'a self, content: &'a Readable) -> Content<'a> {
        Content { content, titles: &self.titles }
    }
}

impl Content<'_> {
    fn within<'a>(&'a self, content: &'a Readable) -> Content<'a> {
        Content { content, titles: self.titles }
    }

    fn title(&self, id: &RecordId) -> String {
        self.titles.get(id).cloned().unwrap_or_else(|| format!("record {}", id.short()))
    }
}

pub(super) async fn search(
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let mut asked = parameters(query.as_deref().unwrap_or_default());
    let offset = position(&asked, "offset");
    asked.retain(|(name, _)| name != "limit");
    let searching = Arc::clone(&node);
    let parameters = with(&asked, "limit", &PAGE_HITS.to_string());
    let results = if asked.is_empty() {
        None
    } else {
        let run = blocking(move || run(&searching, &parameters)).await;
        Some(run.and_then(|run| run).map_err(|error| error_page(&node, &error))?)
    };
    let total = results.as_ref().map_or(0, |results| results.total);
    let shown = results.as_ref().map_or(0, |results| results.hits.len());
    let page = SearchPage {
        school: &node.identity().claims().name,
        text: value(&asked, "q"),
        filters: filters(&asked),
        took: results.as_ref().map(took).unwrap_or_default(),
        newer: (offset > 0).then(|| link(&asked, offset.saturating_sub(PAGE_HITS))),
        older: (offset + shown < total && shown > 0).then(|| link(&asked, offset + PAGE_HITS)),
        from: offset + 1,
        results,
    };
    Ok(render(StatusCode::OK, &page))
}

fn value<'a>(asked: &'a [(String, String)], name: &str) -> &'a str {
    asked.iter().find(|(one, _)| one == name).map_or("", |(_, value)| value)
}

fn position(asked: &[(String, String)], name: &str) -> usize {
    value(asked, name).parse().unwrap_or(0)
}

fn with(asked: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut with: Vec<_> = asked.iter().filter(|(one, _)| one != name).cloned().collect();
    with.push((name.to_owned(), value.to_owned()));
    with
}

fn link(asked: &[(String, String)], offset: usize) -> String {
    let query = with(asked, "offset", &offset.to_string());
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("/?{query}")
}

fn took(results: &SearchReport) -> String {
    format!("{:.1} ms", results.took_micros as f64 / 1_000.0)
}

fn filters(asked: &[(String, String)]) -> Vec<Choices> {
    let choices = |name: &'static str, label, of: Vec<(String, String)>| Choices {
        name,
        label,
        choices: of
            .into_iter()
            .map(|(term, label)| Choice { chosen: value(asked, name) == term, value: term, label })
            .collect(),
    };
    let terms = |vocabulary: Vocabulary| {
        let terms = vocabulary.terms().iter();
        terms.map(|term| (term.term.clone(), term.label().to_owned())).collect()
    };
    let kinds =
        Kind::ALL.iter().map(|kind| (kind.as_str().to_owned(), kind.label().to_owned())).collect();
    vec![
        choices("kind", "Kind", kinds),
        choices("subject", "Subject", terms(Vocabulary::Subjects)),
        choices("key_stage", "Key stage", terms(Vocabulary::KeyStages)),
        choices("pupil_group", "Pupil group", terms(Vocabulary::PupilGroups)),
    ]
}

pub(super) async fn record(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let finding = Arc::clone(&node);
    let found = blocking(move || {
        let held = finding.find_record(&id).map_err(ApiError::from)?;
        let titles = titles(&finding, &held)?;
        Ok((report(&finding, held)?, titles))
    });
    let (record, titles) =
        found.await.and_then(|found| found).map_err(|error| error_page(&node, &error))?;
    let page = RecordPage {
        school: &node.identity().claims().name,
        kind: kind_label(&record.kind),
        fields: record.record.as_ref().map(readable::fields).unwrap_or_default(),
        title: record.summary.as_ref().map_or("Withdrawn", |summary| &summary.title),
        updated: record.updated.get(..10).unwrap_or(&record.updated),
        record: &record,
        titles,
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

pub(super) async fn download(
    node: State<Arc<Node>>,
    path: Path<(String, Hash)>,
) -> Result<Response, Response> {
    let State(shown) = &node;
    let shown = Arc::clone(shown);
    files::download(node, path).await.map_err(|error| error_page(&shown, &error))
}

pub(super) async fn style() -> Response {
    let css = include_str!("../../templates/style.css");
    ([(header::CONTENT_TYPE, HeaderValue::from_static("text/css; charset=utf-8"))], css)
        .into_response()
}

pub(super) async fn not_found(State(node): State<Arc<Node>>) -> Response {
    let page = MessagePage {
        school: &node.identity().claims().name,
        heading: "There is no such page",
        message: "The address may have been typed wrongly.",
    };
    render(StatusCode::NOT_FOUND, &page)
}

fn error_page(node: &Node, error: &ApiError) -> Response {
    let page = MessagePage {
        school: &node.identity().claims().name,
        heading: "That did not work",
        message: error.message(),
    };
    render(error.status(), &page)
}

fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
