//! A test collection: documents, queries, and which documents answer which query how well.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, bail};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::record::Summary;
use staffroom_search::{Document, DocumentKey};

/// A longer text is the full text of a record, whose abstract is how it begins: what a record has
/// where its author writes no abstract.
const ABSTRACT_CHARS: usize = 1_500;

/// A document as the collection has it; a collection of the project's own says more of each than
/// those of others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JudgedDocument {
    id: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    text: String,
    #[serde(default = "intervention")]
    kind: String,
    #[serde(default)]
    school: String,
    #[serde(default)]
    subjects: Vec<String>,
    #[serde(default)]
    key_stages: Vec<String>,
    #[serde(default)]
    year_groups: Vec<String>,
    #[serde(default)]
    pupil_groups: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

fn intervention() -> String {
    "intervention".to_owned()
}

#[derive(Deserialize)]
struct JudgedQuery {
    id: String,
    text: String,
}

/// What is measured against.
pub(super) struct Collection {
    pub(super) documents: Vec<JudgedDocument>,
    /// Ids and texts.
    pub(super) queries: Vec<(String, String)>,
    /// For each query, how relevant each document that was judged is.
    pub(super) judgements: BTreeMap<String, BTreeMap<RecordId, u32>>,
}

impl Collection {
    pub(super) fn read(dir: &Path) -> anyhow::Result<Self> {
        let queries: Vec<JudgedQuery> = json_lines(&dir.join("queries.jsonl"))?;
        Ok(Self {
            documents: json_lines(&dir.join("docs.jsonl"))?,
            queries: queries.into_iter().map(|query| (query.id, query.text)).collect(),
            judgements: judgements(&dir.join("qrels.tsv"))?,
        })
    }
}

impl JudgedDocument {
    pub(super) fn to_document(&self) -> Document {
        let school = Hash::of(self.school.as_bytes());
        let key = DocumentKey {
            group: GroupId::from_bytes([1; 32]),
            school: SchoolId::from_bytes(*school.as_bytes()),
            record: record_of(&self.id),
        };
        let mut document = Document::new(key, &self.kind, Timestamp::from_millis(0));
        let (abstract_text, body) = match self.text.char_indices().nth(ABSTRACT_CHARS) {
            None => (self.text.clone(), String::new()),
            Some((end, _)) => (self.text[..end].to_owned(), self.text.clone()),
        };
        document.school_name.clone_from(&self.school);
        document.body = body;
        document.summary = Summary {
            title: self.title.clone(),
            abstract_text,
            subjects: self.subjects.clone(),
            key_stages: self.key_stages.clone(),
            year_groups: self.year_groups.clone(),
            pupil_groups: self.pupil_groups.clone(),
            tags: self.tags.clone(),
            ..Summary::default()
        };
        document
    }
}

/// The record that stands for the document with this id.
pub(super) fn record_of(id: &str) -> RecordId {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&Hash::of(id.as_bytes()).as_bytes()[..16]);
    RecordId::from_bytes(bytes)
}

fn json_lines<T: DeserializeOwned>(file: &Path) -> anyhow::Result<Vec<T>> {
    lines(file)?
        .into_iter()
        .map(|(number, line)| {
            serde_json::from_str(&line)
                .with_context(|| format!("line {number} of {}", file.display()))
        })
        .collect()
}

/// The judgements, which are a header and then query, document and relevance, with tabs between.
fn judgements(file: &Path) -> anyhow::Result<BTreeMap<String, BTreeMap<RecordId, u32>>> {
    let mut judgements: BTreeMap<String, BTreeMap<RecordId, u32>> = BTreeMap::new();
    for (number, line) in lines(file)?.into_iter().skip(1) {
        let mut columns = line.split('\t');
        let (Some(query), Some(document), Some(relevance)) =
            (columns.next(), columns.next(), columns.next())
        else {
            bail!("line {number} of {} has not three columns", file.display());
        };
        let relevance: i64 = relevance.trim().parse().with_context(|| {
            format!("line {number} of {}: {relevance:?} is no relevance", file.display())
        })?;
        // Some collections write what was judged to be spam as a negative number.
        let relevance = u32::try_from(relevance).unwrap_or(0);
        judgements.entry(query.to_owned()).or_default().insert(record_of(document), relevance);
    }
    Ok(judgements)
}

fn lines(file: &Path) -> anyhow::Result<Vec<(usize, String)>> {
    let opened = File::open(file).with_context(|| format!("{} cannot be read", file.display()))?;
    let mut lines = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(opened).lines()) {
        let line = line.with_context(|| format!("line {number} of {}", file.display()))?;
        if !line.trim().is_empty() {
            lines.push((number, line));
        }
    }
    Ok(lines)
}
