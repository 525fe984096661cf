//! What the lineage of a record shows, as the API, the pages and the command line give it.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_search::evidence::{
    self, ForestPlot, Lineage, LineageEvidence, Point, RecordKey, Sentence,
};

use crate::node::Node;
use crate::records::RecordError;

/// Outcome domains that are drawn: more than a page is read for.
const MOST_PLOTS: usize = 4;

/// What the lineage of a record shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct EvidenceReport {
    /// In plain words.
    pub summary: Vec<Sentence>,
    /// In numbers, in short.
    pub in_short: LineageEvidence,
    /// A forest plot of each outcome domain as SVG, that with the most schools first.
    pub forest_plots: Vec<String>,
    /// Schools, reports and what is pooled in each outcome domain.
    pub lineage: Value,
    /// Figures for analysts by outcome domain.
    pub analysis: Value,
}

impl EvidenceReport {
    /// That of the lineage that a record belongs to; none for what belongs to none.
    pub(super) fn of(node: &Node, key: RecordKey) -> Result<Option<Self>, RecordError> {
        let Some(lineage) = node.lineage(key)? else { return Ok(None) };
        Ok(Some(Self::from_lineage(&lineage)))
    }

    fn from_lineage(lineage: &Lineage) -> Self {
        let plots = lineage.forest_plots();
        Self {
            summary: evidence::summary(lineage),
            in_short: lineage.in_short(),
            forest_plots: plots.iter().take(MOST_PLOTS).map(ForestPlot::to_svg).collect(),
            lineage: value(lineage),
            analysis: value(&evidence::analysis(lineage)),
        }
    }

    /// The summary point by point: what each is about, and its sentences.
    pub(crate) fn points(&self) -> Vec<(&'static str, String)> {
        let mut points: Vec<(Point, Vec<&str>)> = Vec::new();
        for sentence in &self.summary {
            match points.last_mut() {
                Some((point, texts)) if *point == sentence.point => texts.push(&sentence.text),
                Some(_) | None => points.push((sentence.point, vec![&sentence.text])),
            }
        }
        points.into_iter().map(|(point, texts)| (point.label(), texts.join(" "))).collect()
    }
}

fn value(shown: &impl Serialize) -> Value {
    serde_json::to_value(shown).unwrap_or_else(|error| {
        tracing::error!(%error, "evidence cannot be written as JSON");
        Value::Null
    })
}
