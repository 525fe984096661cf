//! The pages: a search, a record and the saved searches.

pub(super) mod frame;
pub(super) mod me;
pub(super) mod people;
pub(super) mod saved_searches;
pub(super) mod sign_in;

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::vocabulary::Vocabulary;
use staffroom_search::Facet;

use self::frame::Frame;
use super::api_error::{ApiError, blocking};
use super::files;
use super::records::{RecordReport, report};
use super::search::{HitReport, SearchReport, kind_label, note, run, similar_to};
use crate::keeping::Copies;
use crate::node::Node;
use crate::question::parameters;
use crate::readable::{self, Field, Readable};
use crate::records::{HeldRecord, RecordError};

/// Results on one page.
const PAGE_HITS: usize = 20;

/// Choices that the form lists in one dimension, the most frequent first.
const LISTED_CHOICES: usize = 12;

/// A choice in a list of the search form.
struct Choice {
    value: String,
    label: String,
    count: u64,
    chosen: bool,
}

/// A list of choices in the search form.
struct Choices {
    name: &'static str,
    label: String,
    choices: Vec<Choice>,
}

impl Choices {
    fn chosen(&self) -> usize {
        self.choices.iter().filter(|choice| choice.chosen).count()
    }
}

/// An order of results.
struct Order {
    value: &'static str,
    label: &'static str,
    chosen: bool,
}

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage<'a> {
    frame: Frame,
    text: &'a str,
    filters: Vec<Choices>,
    orders: Vec<Order>,
    asked: &'a [(String, String)],
    /// The phase of this school, if it has said one.
    phase: Option<&'a str>,
    /// None while nothing was asked.
    results: Option<SearchReport>,
    took: String,
    /// What is asked, as an address has it.
    query: String,
    /// The same for what was typed alone, where words were put right.
    exact: String,
    newer: Option<String>,
    older: Option<String>,
    from: usize,
}

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
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    frame: &'a Frame,
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

impl SearchPage<'_> {
    fn count(&self, results: &SearchReport) -> String {
        let number = self.frame.number(results.total as u64);
        let args = [
            ("count", results.total.into()),
            ("number", number.into()),
            ("took", self.took.as_str().into()),
        ];
        self.frame.language.say("search-count", &args)
    }

    /// The groups of pupils that there are, to say which is to be helped.
    fn pupil_groups(&self) -> Vec<(&'static str, &'static str)> {
        let terms = Vocabulary::PupilGroups.terms().iter();
        terms.map(|term| (term.term.as_str(), term.label())).collect()
    }

    fn is_given(&self, name: &str, value: &str) -> bool {
        self.given(name) == value
    }

    fn given(&self, name: &str) -> &str {
        value(self.asked, name)
    }

    /// Whether something other than the text and the dimensions narrows the results.
    fn has_limits(&self) -> bool {
        const LIMITS: [&str; 9] = [
            "from",
            "to",
            "min_pupils",
            "effect_from",
            "effect_to",
            "with_evidence",
            "not_tried_in_my_phase",
            "our_pupils",
            "explain",
        ];
        LIMITS.iter().any(|name| !self.given(name).is_empty())
    }
}

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
    frame: Frame,
    State(node): State<Arc<Node>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let mut asked = parameters(query.as_deref().unwrap_or_default());
    let offset = position(&asked, "offset");
    asked.retain(|(name, _)| name != "limit" && name != "lang");
    let searching = Arc::clone(&node);
    // The page without a question shows what there is to choose from.
    let hits = if asked.is_empty() { 0 } else { PAGE_HITS };
    let parameters = with(&asked, "limit", &hits.to_string());
    let run = blocking(move || run(&searching, &parameters)).await;
    let results = run.and_then(|run| run).map_err(|error| error_page(&frame, &error))?;
    note(Arc::clone(&node), &asked, &results);
    let page = SearchPage {
        frame,
        text: value(&asked, "q"),
        filters: filters(&asked, &results),
        orders: orders(&asked),
        asked: &asked,
        phase: node.identity().claims().phase.as_deref(),
        took: took(&results),
        query: address(&asked),
        exact: format!("/?{}", address(&with(&asked, "exact", "true"))),
        newer: (offset > 0).then(|| link(&asked, offset.saturating_sub(PAGE_HITS))),
        older: results.more.then(|| link(&asked, offset + PAGE_HITS)),
        from: offset + 1,
        results: (!asked.is_empty()).then_some(results),
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
    format!("/?{}", address(&with(asked, "offset", &offset.to_string())))
}

fn address(asked: &[(String, String)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(asked).finish()
}

fn took(results: &SearchReport) -> String {
    format!("{:.1} ms", results.took_micros as f64 / 1_000.0)
}

/// What there is to choose from, and what was chosen.
fn filters(asked: &[(String, String)], results: &SearchReport) -> Vec<Choices> {
    let mut filters = Vec::new();
    for facet in Facet::ALL {
        let name = facet.as_str();
        let chosen = |given: &str| {
            asked.iter().any(|(one, value)| one == name && folded(value) == folded(given))
        };
        let counts = results.facets.get(name).into_iter().flatten().enumerate();
        let choices: Vec<Choice> = counts
            .map(|(place, one)| {
                let chosen = chosen(&one.value) || chosen(&one.label);
                let (value, label) = (one.value.clone(), one.label.clone());
                (place, Choice { value, label, count: one.count, chosen })
            })
            .filter(|(place, choice)| *place < LISTED_CHOICES || choice.chosen)
            .map(|(_, choice)| choice)
            .collect();
        // Who may read a group is settled elsewhere, and one group leaves nothing to choose.
        if !choices.is_empty() && (*facet != Facet::Group || choices.len() > 1) {
            filters.push(Choices { name, label: readable::label(name), choices });
        }
    }
    filters
}

fn folded(text: &str) -> String {
    text.to_lowercase().replace([' ', '-'], "_")
}

fn orders(asked: &[(String, String)]) -> Vec<Order> {
    let chosen = value(asked, "sort");
    [
        ("what-worked", "what worked: the best fit, then the best evidence"),
        ("relevance", "the best fit alone"),
        ("newest", "the newest first"),
    ]
    .map(|(value, label)| Order { value, label, chosen: value == chosen })
    .into()
}

pub(super) async fn record(
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

pub(super) async fn download(
    frame: Frame,
    node: State<Arc<Node>>,
    path: Path<(String, Hash)>,
) -> Result<Response, Response> {
    files::download(node, path).await.map_err(|error| error_page(&frame, &error))
}

pub(super) async fn style() -> Response {
    asset("text/css; charset=utf-8", STYLE)
}

/// The style of every page and form.
const STYLE: &str = concat!(
    include_str!("../../assets/style/base.css"),
    include_str!("../../assets/style/frame.css"),
    include_str!("../../assets/style/forms.css"),
    include_str!("../../assets/style/search.css"),
    include_str!("../../assets/style/record.css"),
    include_str!("../../assets/style/people.css"),
    include_str!("../../assets/style/print.css"),
);

pub(super) async fn suggestions_script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../assets/suggestions.js"))
}

pub(super) async fn icon() -> Response {
    asset("image/svg+xml", include_str!("../../assets/icon.svg"))
}

fn asset(media_type: &'static str, content: &'static str) -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static(media_type))], content).into_response()
}

pub(super) async fn not_found(frame: Frame) -> Response {
    let (heading, message) = (frame.t("not-found-heading"), frame.t("not-found-message"));
    message_page(&frame, StatusCode::NOT_FOUND, &heading, &message)
}

fn error_page(frame: &Frame, error: &ApiError) -> Response {
    message_page(frame, error.status(), &frame.t("error-heading"), error.message())
}

pub(super) fn message_page(
    frame: &Frame,
    status: StatusCode,
    heading: &str,
    message: &str,
) -> Response {
    render(status, &MessagePage { frame, heading, message })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each pair of colours that stand on each other, and the contrast that WCAG 2.2 AA asks for: 4.5
    /// for text (1.4.3), 3 for the edges of controls and what has the focus (1.4.11).
    const PAIRS: [(&str, &str, f64); 19] = [
        ("ink", "paper", 4.5),
        ("ink", "tint", 4.5),
        ("ink", "mark", 4.5),
        ("soft", "paper", 4.5),
        ("soft", "tint", 4.5),
        ("link", "paper", 4.5),
        ("link", "tint", 4.5),
        ("link", "mark", 4.5),
        ("on-action", "action", 4.5),
        ("on-good", "good", 4.5),
        ("on-bad", "bad", 4.5),
        ("on-unsure", "unsure", 4.5),
        ("on-bad", "paper", 4.5),
        ("edge", "paper", 3.0),
        ("edge", "tint", 3.0),
        ("action", "paper", 3.0),
        ("action", "tint", 3.0),
        ("focus", "paper", 3.0),
        ("focus", "tint", 3.0),
    ];

    /// WCAG 2.2, "relative luminance".
    fn luminance(theme: &str, name: &str) -> f64 {
        let (_, after) = theme.split_once(&format!("--{name}: #")).unwrap();
        let colour = u32::from_str_radix(&after[..6], 16).unwrap();
        let part = |shift: u32| {
            let part = f64::from(colour >> shift & 0xff) / 255.0;
            if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
    }

    #[test]
    fn what_stands_on_what_can_be_read_in_both_themes() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme: dark").unwrap();
        for (theme, colours) in [("light", light), ("dark", dark)] {
            for (one, other, least) in PAIRS {
                let (one_is, other_is) = (luminance(colours, one), luminance(colours, other));
                let contrast = (one_is.max(other_is) + 0.05) / (one_is.min(other_is) + 0.05);
                assert!(contrast >= least, "{one} on {other} has {contrast:.2} in the {theme}");
            }
        }
    }
}
