//! The page of a record.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use jiff::civil::Date;
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::{Content, Intervention, Record, Reference};

use super::frame::Frame;
use super::verdict::Verdict;
use super::write::CHANGE;
use super::{at_work, error_page, render};
use crate::http::files;
use crate::http::records::{RecordReport, report};
use crate::http::search::{HitReport, kind_label, similar_to};
use crate::keeping::Copies;
use crate::node::Node;
use crate::readable::{self, Field, Readable};
use crate::records::{HeldRecord, RecordError};
use crate::tried::Trial;

#[derive(Template)]
#[template(path = "record.html")]
struct RecordPage<'a> {
    frame: Frame,
    kind: String,
    title: &'a str,
    /// The day of this version.
    updated: String,
    record: &'a RecordReport,
    /// Its fields with texts to be read.
    texts: Vec<Field>,
    /// Its other fields, which are a few words each.
    facts: Vec<Field>,
    /// Of the records that it refers to.
    titles: Titles,
    /// Who holds its files.
    copies: Vec<Copies>,
    /// What is about the same.
    similar: Vec<HitReport>,
    /// Who tried it.
    trials: Vec<Trial>,
    /// What whoever takes it up must keep, and may change.
    kept: Vec<String>,
    adaptable: Vec<String>,
    action: Action,
    /// Whether it was shared by the page before.
    was_shared: bool,
}

/// Fields that are read as texts however short they are.
const TO_BE_READ: [&str; 5] =
    ["aim", "what_is_different", "monitoring", "what_was_seen", "other_factors"];

/// What there is to do next about a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    /// Take up what another school tries.
    TryThis,
    /// Say what came of what this school tries.
    Report,
    /// Say it once more.
    ReportAgain,
    /// Write the next version of what nobody reports on.
    Change,
    Nothing,
}

impl Action {
    fn of(node: &Node, held: &HeldRecord) -> Result<Self, RecordError> {
        let EntryKey { school, record, .. } = held.entry.key();
        let is_own = school == node.identity().school();
        Ok(match held.is_trial() {
            false if is_own && held.can_be_changed() => Self::Change,
            false => Self::Nothing,
            true if !is_own => Self::TryThis,
            true if node.own_report_on(&record)? => Self::ReportAgain,
            true => Self::Report,
        })
    }
}

impl RecordPage<'_> {
    /// What can be begun from here, the first thing first: the kind that the form sends, the words of
    /// the button and its class.
    fn actions(&self) -> &'static [(&'static str, &'static str, &'static str)] {
        match self.action {
            Action::TryThis => &[("adoption", "record-try", "")],
            Action::Report => {
                &[("impact_report", "record-report", ""), (CHANGE, "record-change", "quiet")]
            }
            Action::ReportAgain => &[
                ("impact_report", "record-report-again", "quiet"),
                (CHANGE, "record-change", "quiet"),
            ],
            Action::Change => &[(CHANGE, "record-change", "quiet")],
            Action::Nothing => &[],
        }
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let evidence = self.record.evidence.as_ref();
        evidence.map(|evidence| Verdict::of(&(&evidence.in_short).into())).unwrap_or_default()
    }

    /// From how many schools a file can be had.
    fn available(&self, hash: &Hash) -> &str {
        let file = self.copies.iter().find(|file| file.hash == *hash);
        file.map_or("", |file| file.summary.as_str())
    }

    fn show<'a>(&'a self, content: &'a Readable) -> Shown<'a> {
        Shown { content, titles: &self.titles }
    }
}

/// One field's content; a template of its own because a list may hold lists.
#[derive(Template)]
#[template(path = "readable.html")]
pub(super) struct Shown<'a> {
    content: &'a Readable,
    titles: &'a Titles,
}

/// Titles of records by id.
pub(super) type Titles = BTreeMap<RecordId, String>;

impl<'c> Shown<'c> {
    pub(super) fn new(content: &'c Readable, titles: &'c Titles) -> Self {
        Self { content, titles }
    }

    fn within<'a>(&'a self, content: &'a Readable) -> Shown<'a> {
        Shown { content, titles: self.titles }
    }

    fn title(&self, id: &RecordId) -> String {
        self.titles.get(id).cloned().unwrap_or_else(|| format!("record {}", id.short()))
    }
}

pub(crate) async fn record(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let finding = Arc::clone(&node);
    let found = at_work(&frame, move || {
        let held = finding.find_record(&id)?;
        let titles = titles(&finding, &held)?;
        let similar = similar_to(&finding, &held)?;
        let copies = finding.copies(&held)?;
        let action = Action::of(&finding, &held)?;
        let EntryKey { school, record, .. } = held.entry.key();
        let trials = match held.summary {
            Some(_) => finding.trials((school, record))?,
            None => Vec::new(),
        };
        Ok((report(&finding, held)?, titles, copies, similar, action, trials))
    });
    let (record, titles, copies, similar, action, trials) = found.await?;
    let fields = record.record.iter().flat_map(|record| fields(&frame, record));
    let read = TO_BE_READ.map(readable::label);
    let (facts, texts) =
        fields.partition(|field| is_short(&field.content) && !read.contains(&field.label));
    let page = RecordPage {
        kind: kind_label(&record.kind),
        texts,
        facts,
        kept: elements(&record, |intervention| &intervention.core_elements),
        adaptable: elements(&record, |intervention| &intervention.adaptable_elements),
        trials,
        action,
        was_shared: query.as_deref() == Some("shared"),
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

/// The fields of a record, but for those that have a place of their own on its page.
fn fields(frame: &Frame, record: &Record) -> Vec<Field> {
    let apart = ["core_elements", "adaptable_elements"].map(readable::label);
    let mut fields = readable::fields(record);
    fields.retain(|field| !apart.contains(&field.label));
    for field in &mut fields {
        if let Readable::Text(text) = &mut field.content
            && text.parse::<Date>().is_ok()
        {
            *text = frame.day(text);
        }
    }
    fields
}

/// Whether it is a few words, and no text to be read.
fn is_short(content: &Readable) -> bool {
    const MOST_CHARS: usize = 60;
    match content {
        Readable::Text(text) => text.chars().count() <= MOST_CHARS && !text.contains('\n'),
        Readable::Record(_) => true,
        Readable::List(items) => items.iter().all(is_short),
        Readable::Fields(fields) => fields.iter().all(|field| is_short(&field.content)),
    }
}

fn elements(record: &RecordReport, of: fn(&Intervention) -> &Vec<String>) -> Vec<String> {
    match record.record.as_ref().map(|record| &record.content) {
        Some(Content::Intervention(intervention)) => of(intervention).clone(),
        Some(_) | None => Vec::new(),
    }
}

fn titles(node: &Node, held: &HeldRecord) -> Result<Titles, RecordError> {
    match (&held.record, &held.summary) {
        (Some(record), _) => titles_of(node, &record.content.references()),
        (None, Some(summary)) => titles_of(node, &summary.references),
        (None, None) => Ok(Titles::new()),
    }
}

/// The titles of the records that are referred to, as far as they are held.
pub(super) fn titles_of(node: &Node, references: &[Reference]) -> Result<Titles, RecordError> {
    let mut titles = Titles::new();
    for reference in references {
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
