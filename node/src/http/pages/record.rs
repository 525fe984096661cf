//! The page of a record.

pub(crate) mod holding;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use jiff::civil::Date;
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::{Content, Intervention, Kind, Record, Reference};

use super::frame::Frame;
use super::verdict::Verdict;
use super::write::CHANGE;
use super::{at_work, error_page, render};
use crate::ago::minute;
use crate::comments::Comment;
use crate::erasure::WithdrawalReceipts;
use crate::http::records::{RecordReport, report};
use crate::http::search::{HitReport, kind_label, similar_to};
use crate::http::visitor::Visitor;
use crate::http::{download, given, json_ld, previews, references, versions};
use crate::keeping::Copies;
use crate::names::Names;
use crate::node::Node;
use crate::older_versions::ListedVersion;
use crate::readable::{self, Field, Readable};
use crate::records::{HeldRecord, RecordError};
use crate::references::cited;
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
    /// Those that have a picture.
    pictured: BTreeSet<Hash>,
    /// Its earlier versions, where it is this school's own.
    earlier: Vec<ListedVersion>,
    /// What is about the same.
    similar: Vec<HitReport>,
    /// A resource as programs outside know resources: JSON that nothing in it breaks out of.
    described: Option<String>,
    /// Whether it cites evidence.
    cites: bool,
    /// Who tried it.
    trials: Vec<Trial>,
    /// What whoever takes it up must keep, and may change.
    kept: Vec<String>,
    adaptable: Vec<String>,
    /// What schools say to it.
    comments: Vec<Comment>,
    /// Whether the reader may say something to it.
    may_comment: bool,
    action: Action,
    /// What is taken up, reported on or changed: its id and its school's.
    of: String,
    /// Whether this school may withdraw it, and who reads the page may.
    withdrawable: bool,
    /// Of this school's own withdrawal, for those who may withdraw.
    receipts: Option<WithdrawalReceipts>,
    /// Whether it was shared by the page before.
    was_shared: bool,
    /// Whether a file is on its way since the page before.
    is_coming: bool,
    /// Whether the reader may pin files.
    may_pin: bool,
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
    /// Make our own version of another school's resource.
    MakeOwn,
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
            false if !is_own && held.entry.kind() == Kind::Resource.as_str() => Self::MakeOwn,
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
            Action::MakeOwn => &[("resource", "record-make-own", "quiet")],
            Action::Change => &[(CHANGE, "record-change", "quiet")],
            Action::Nothing => &[],
        }
    }

    fn verdicts(&self) -> Vec<Verdict> {
        let evidence = self.record.evidence.as_ref();
        evidence.map(|evidence| Verdict::of(&(&evidence.in_short).into())).unwrap_or_default()
    }

    /// Who holds a file.
    fn copies(&self, hash: &Hash) -> Option<&Copies> {
        self.copies.iter().find(|file| file.hash == *hash)
    }

    fn minute(&self, time: &Option<String>) -> String {
        time.as_deref().map_or_else(|| self.frame.t("receipts-not-yet"), minute)
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
pub(in crate::http) type Titles = BTreeMap<RecordId, String>;

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

/// What the node has to say of a record and of what belongs to it.
struct Found {
    record: RecordReport,
    titles: Titles,
    copies: Vec<Copies>,
    pictured: BTreeSet<Hash>,
    earlier: Vec<ListedVersion>,
    similar: Vec<HitReport>,
    comments: Vec<Comment>,
    action: Action,
    of: String,
    trials: Vec<Trial>,
    receipts: Option<WithdrawalReceipts>,
    withdrawable: bool,
}

pub(crate) async fn record(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let finding = Arc::clone(&node);
    let (withdraws, contributes) = (frame.withdraws(), frame.contributes());
    let found = at_work(&frame, move || {
        let held = finding.find_record(&id)?;
        let titles = titles(&finding, &held)?;
        let similar = similar_to(&finding, &held)?;
        let copies = finding.copies(&held)?;
        let reported = reported_on(&finding, &held)?;
        let of = reported.as_ref().unwrap_or(&held);
        let action = if contributes { Action::of(&finding, of)? } else { Action::Nothing };
        let of = format!("{}@{}", of.entry.key().record, of.entry.key().school);
        let EntryKey { school, record, group } = held.entry.key();
        let own = withdraws && finding.speaks_for(&group, &school);
        let receipts = if own && held.entry.is_withdrawal() {
            Some(finding.withdrawal_receipts(&format!("{record}@{school}"))?)
        } else {
            None
        };
        let withdrawable = own && !held.entry.is_withdrawal();
        let trials = match held.summary {
            Some(_) => finding.trials((school, record))?,
            None => Vec::new(),
        };
        let mut earlier = match finding.list_versions_of(held.clone()) {
            Err(RecordError::VersionsElsewhere | RecordError::Withdrawn) => Vec::new(),
            versions => versions?,
        };
        earlier.retain(|version| !version.current);
        let comments = match held.summary {
            Some(_) => finding.comments_on(&Names::of(&finding), (school, record))?,
            None => Vec::new(),
        };
        let record = report(&finding, held)?;
        Ok(Found {
            pictured: pictured(&finding, &record, &copies),
            record,
            titles,
            copies,
            earlier,
            similar,
            comments,
            action,
            of,
            trials,
            receipts,
            withdrawable,
        })
    });
    let found = found.await?;
    let record = found.record;
    let described = json_ld::described(&record, &found.titles, visitor.door.pages());
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
        described: described.as_ref().map(json_ld::in_script),
        cites: record.record.as_ref().is_some_and(|record| !cited(record).is_empty()),
        trials: found.trials,
        comments: found.comments,
        may_comment: contributes && record.kind != Kind::Comment.as_str(),
        action: found.action,
        of: found.of,
        receipts: found.receipts,
        withdrawable: found.withdrawable,
        was_shared: query.as_deref() == Some("shared"),
        is_coming: query.as_deref() == Some("coming"),
        may_pin: contributes,
        title: record.summary.as_ref().map_or("Withdrawn", |summary| &summary.title),
        updated: frame.day(&record.updated),
        frame,
        record: &record,
        titles: found.titles,
        copies: found.copies,
        pictured: found.pictured,
        earlier: found.earlier,
        similar: found.similar,
    };
    Ok(render(StatusCode::OK, &page))
}

/// What another school tried and reports on: whoever reads of it there takes it up from there.
fn reported_on(node: &Node, held: &HeldRecord) -> Result<Option<HeldRecord>, RecordError> {
    let own = node.identity().school();
    if held.entry.kind() != Kind::ImpactReport.as_str() || held.entry.key().school == own {
        return Ok(None);
    }
    for reference in held.summary.iter().flat_map(|summary| &summary.references) {
        if let Some(school) = reference.school.filter(|school| *school != own)
            && let Some(other) = node.record_in_short(school, reference.record)?
            && other.is_trial()
        {
            return Ok(Some(other));
        }
    }
    Ok(None)
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

/// The titles of the records that a record refers to.
pub(in crate::http) fn titles(node: &Node, held: &HeldRecord) -> Result<Titles, RecordError> {
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
            && let Some(other) = node.record_in_short(school, reference.record)?
            && let Some(summary) = other.summary
        {
            titles.insert(reference.record, summary.title);
        }
    }
    Ok(titles)
}

/// The files of a record that are here and can be shown as a picture, judged by what its school says
/// that they are: one that is something else has none after all.
fn pictured(node: &Node, record: &RecordReport, copies: &[Copies]) -> BTreeSet<Hash> {
    let here = |hash: &Hash| copies.iter().any(|file| file.hash == *hash && file.here);
    let files = record.summary.iter().flat_map(|summary| &summary.files);
    let shown = files.filter(|file| node.previews().draws(file) && here(&file.hash));
    shown.map(|file| file.hash).collect()
}

pub(crate) async fn download(
    frame: Frame,
    node: State<Arc<Node>>,
    Path(path): Path<(String, Hash)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    download::download(node, given::Path(path), headers)
        .await
        .map_err(|error| error_page(&frame, &error))
}

/// Sends the evidence that a record cites.
pub(crate) async fn references(
    frame: Frame,
    node: State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    references::download(node, given::Path(id)).await.map_err(|error| error_page(&frame, &error))
}

pub(crate) async fn preview(
    frame: Frame,
    node: State<Arc<Node>>,
    Path(path): Path<(String, Hash)>,
    Query(asked): Query<previews::Asked>,
) -> Result<Response, Response> {
    previews::show(node, given::Path(path), given::Query(asked))
        .await
        .map_err(|error| error_page(&frame, &error))
}

/// Sends one file of a version of this school's own record.
pub(crate) async fn download_of_version(
    frame: Frame,
    node: State<Arc<Node>>,
    Path(path): Path<(String, usize, Hash)>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    versions::download(node, given::Path(path), headers)
        .await
        .map_err(|error| error_page(&frame, &error))
}
