//! What the index holds of one version of a record.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::record::Summary;
use staffroom_protocol::wire;
use tantivy::TantivyDocument;

use crate::evidence::{LineageEvidence, Strength};
use crate::facet::Facet;
use crate::schema::{Fields, TextField};

/// How much of the full text and of the files' text is kept for showing where a query matched: some
/// five thousand words each. Text behind that finds the record as well, which then shows another
/// passage.
const KEPT_TEXT_BYTES: usize = 32 * 1024;

/// Names a document: a record as shared with one group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentKey {
    /// The group it was shared with.
    pub group: GroupId,
    /// The school that published it.
    pub school: SchoolId,
    /// The record.
    pub record: RecordId,
}

impl DocumentKey {
    /// The key as the engine's unique term.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        [self.group.as_bytes().as_slice(), self.school.as_bytes(), self.record.as_bytes()].concat()
    }
}

/// The newest version of a record in one group.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its key.
    pub key: DocumentKey,
    /// The kind; from a newer node it may be one that this node does not know.
    pub kind: String,
    /// The version's time.
    pub clock: Timestamp,
    /// The groups in which this node holds a newer version of the same record.
    pub newer_in: Vec<GroupId>,
    /// The school's name as people see it.
    pub school_name: String,
    /// The group's name as people see it.
    pub group_name: String,
    /// The summary that was shared.
    pub summary: Summary,
    /// The full record as plain text; empty until it has been fetched.
    pub body: String,
    /// The text of its files; empty until they have been read.
    pub file_text: String,
    /// The effect computed from the summary's figures, as Hedges' g; plus is better.
    pub effect: Option<f64>,
    /// The number of pupils behind that effect.
    pub pupils: Option<u32>,
    /// What the lineage that it belongs to shows; none for what belongs to none.
    pub lineage: Option<LineageEvidence>,
    /// The phase of its school, as the vocabulary spells it.
    pub phase: Option<String>,
}

impl Document {
    /// A document without any text, to be filled in.
    pub fn new(key: DocumentKey, kind: impl Into<String>, clock: Timestamp) -> Self {
        Self {
            key,
            kind: kind.into(),
            clock,
            newer_in: Vec::new(),
            school_name: String::new(),
            group_name: String::new(),
            summary: Summary::default(),
            body: String::new(),
            file_text: String::new(),
            effect: None,
            pupils: None,
            lineage: None,
            phase: None,
        }
    }

    /// Fills [`Document::newer_in`] for all versions of one record, one for each group, which are
    /// given oldest first.
    pub fn mark_newer(oldest_first: &mut [Self]) {
        let mut newer = Vec::new();
        for document in oldest_first.iter_mut().rev() {
            document.newer_in.clone_from(&newer);
            newer.push(document.key.group);
        }
    }

    pub(crate) fn to_engine(&self, fields: &Fields) -> TantivyDocument {
        let mut engine = TantivyDocument::default();
        let key = self.key.to_bytes();
        engine.add_bytes(fields.key, &key);
        for group in &self.newer_in {
            engine.add_bytes(fields.newer_in, group.as_bytes());
        }
        if !self.newer_in.is_empty() {
            engine.add_u64(fields.superseded, 1);
        }
        let (from, to) = self.days();
        engine.add_i64(fields.day_from, day_number(from));
        engine.add_i64(fields.day_to, to.map_or(i64::MAX, day_number));
        if let Some(pupils) = self.pupils {
            engine.add_u64(fields.pupils, pupils.into());
        }
        let pooled = self.lineage.as_ref().and_then(|lineage| lineage.effect);
        let effect = self.effect.or(pooled.map(|pooled| pooled.estimate));
        if let Some(effect) = effect.filter(|effect| effect.is_finite()) {
            engine.add_f64(fields.effect, effect);
        }
        self.add_lineage(&mut engine, fields);
        for reference in &self.summary.references {
            engine.add_bytes(fields.refers_to, reference.record.as_bytes());
        }
        engine.add_u64(fields.clock, self.clock.as_u64());
        engine.add_u64(fields.tie_break, tie_break(&key));
        self.add_texts(&mut engine, fields);
        for facet in Facet::ALL {
            for value in facet.values(self) {
                engine.add_text(fields.facet(*facet), value);
            }
        }
        engine.add_bytes(fields.shown, &wire::encode(&Shown::of(self)));
        engine
    }

    fn add_lineage(&self, engine: &mut TantivyDocument, fields: &Fields) {
        engine.add_u64(fields.lineage, lineage_of(&self.key, self.lineage.as_ref()));
        let Some(lineage) = &self.lineage else {
            if let Some(phase) = &self.phase {
                engine.add_text(fields.tried_in, phase);
            }
            return;
        };
        let steps = lineage.strength.map_or(0, Strength::steps);
        engine.add_u64(fields.strength, steps.into());
        engine.add_u64(fields.reported, lineage.reported.into());
        for phase in &lineage.phases {
            engine.add_text(fields.tried_in, phase);
        }
    }

    fn add_texts(&self, engine: &mut TantivyDocument, fields: &Fields) {
        let Summary { title, abstract_text, files, .. } = &self.summary;
        let labels: Vec<String> = LABELS.iter().flat_map(|facet| facet.values(self)).collect();
        let summary = [title.as_str(), abstract_text, &self.school_name]
            .into_iter()
            .chain(labels.iter().map(String::as_str))
            .chain(files.iter().map(|file| file.name.as_str()));
        for text in summary {
            engine.add_text(fields.text(TextField::Summary), text);
            engine.add_text(fields.words, text);
        }
        for text in [&self.body, &self.file_text] {
            engine.add_text(fields.text(TextField::Full), text);
        }
    }

    /// The days it is about: its period, else the day it was first written down, else the day of
    /// this version. The last day is missing while it is still going on.
    fn days(&self) -> (Date, Option<Date>) {
        if let Some(period) = self.summary.period {
            return (period.from, period.to);
        }
        let day = self.summary.created.unwrap_or_else(|| {
            i64::try_from(self.clock.millis())
                .ok()
                .and_then(|millis| jiff::Timestamp::from_millisecond(millis).ok())
                .map_or(Date::ZERO, |time| jiff::tz::Offset::UTC.to_datetime(time).date())
        });
        (day, Some(day))
    }
}

/// The dimensions whose values are also found by free text.
const LABELS: [Facet; 10] = [
    Facet::Kind,
    Facet::Theme,
    Facet::Subject,
    Facet::KeyStage,
    Facet::YearGroup,
    Facet::PupilGroup,
    Facet::Type,
    Facet::PracticeArea,
    Facet::DevelopmentDomain,
    Facet::Tag,
];

/// A number that orders days as they come: year, month and day as digits.
pub(crate) fn day_number(day: Date) -> i64 {
    i64::from(day.year()) * 10_000 + i64::from(day.month()) * 100 + i64::from(day.day())
}

/// Orders documents of equal score and time in the same way wherever they lie in the index.
fn tie_break(key: &[u8]) -> u64 {
    Hash::of(key).as_bytes().first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

/// The lineage of a record, or itself where it belongs to none, as a number.
pub(crate) fn lineage_of(key: &DocumentKey, lineage: Option<&LineageEvidence>) -> u64 {
    let (school, record) = lineage.map_or((key.school, key.record), |lineage| lineage.origin);
    lineage_number(school, record)
}

/// The lineage that starts from a record, as a number.
pub(crate) fn lineage_number(school: SchoolId, record: RecordId) -> u64 {
    tie_break(&[school.as_bytes().as_slice(), record.as_bytes()].concat())
}

/// A change to the index.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// Adds a document, or replaces the one with its key.
    Put(Box<Document>),
    /// Removes a document; nothing happens where there is none.
    Remove(DocumentKey),
}

/// What is kept of a document in order to show a hit.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    pub(crate) key: DocumentKey,
    pub(crate) kind: String,
    pub(crate) clock: Timestamp,
    pub(crate) school_name: String,
    pub(crate) group_name: String,
    pub(crate) title: String,
    pub(crate) abstract_text: String,
    pub(crate) state: Option<String>,
    pub(crate) conclusion: Option<String>,
    pub(crate) cost_band: Option<String>,
    pub(crate) subjects: Vec<String>,
    pub(crate) key_stages: Vec<String>,
    pub(crate) effect: Option<f64>,
    pub(crate) pupils: Option<u32>,
    pub(crate) lineage: Option<LineageEvidence>,
    pub(crate) phase: Option<String>,
    pub(crate) body: String,
    pub(crate) file_text: String,
}

impl Shown {
    fn of(document: &Document) -> Self {
        let summary = &document.summary;
        Self {
            key: document.key,
            kind: document.kind.clone(),
            clock: document.clock,
            school_name: document.school_name.clone(),
            group_name: document.group_name.clone(),
            title: summary.title.clone(),
            abstract_text: summary.abstract_text.clone(),
            state: summary.state.clone(),
            conclusion: summary.conclusion.clone(),
            cost_band: summary.cost_band.clone(),
            subjects: summary.subjects.clone(),
            key_stages: summary.key_stages.clone(),
            effect: document.effect,
            pupils: document.pupils,
            lineage: document.lineage.clone(),
            phase: document.phase.clone(),
            body: start_of(&document.body).to_owned(),
            file_text: start_of(&document.file_text).to_owned(),
        }
    }
}

impl Shown {
    /// What it says, one text after the other, the summary first.
    pub(crate) fn text(&self) -> String {
        [&*self.title, &self.abstract_text, &self.body, &self.file_text].join("\n")
    }
}

fn start_of(text: &str) -> &str {
    &text[..text.floor_char_boundary(KEPT_TEXT_BYTES)]
}
