//! One pass over all matching documents: the best hits, the total and the counts of values.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use tantivy::collector::{Collector, SegmentCollector};
use tantivy::columnar::{ColumnValues, StrColumn};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use crate::facet::Facet;
use crate::schema::{CLOCK, TIE_BREAK};

/// Scores are compared in steps of a thousandth. The engine adds up the parts of a score in an
/// order that depends on how documents lie in its segments, so that equal documents differ by
/// rounding; and no smaller difference means anything.
const SCORE_STEPS: f32 = 1_024.0;

/// Documents whose values are counted together: reading a column for many at once takes a quarter of
/// the time.
const BLOCK: usize = 512;

/// A document's place among the others; greater is better.
///
/// The last two parts depend on where the document lies, and matter only where two keys have the
/// same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    score: u32,
    clock: u64,
    tie_break: u64,
    segment: SegmentOrdinal,
    doc: DocId,
}

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// How many documents match.
    pub(crate) total: usize,
    /// The best ones in order, with their scores.
    pub(crate) best: Vec<(DocAddress, Score)>,
    /// How many of all matching documents have each value.
    pub(crate) counts: BTreeMap<Facet, BTreeMap<String, u64>>,
}

/// Collects the `depth` best documents, and the counts in the dimensions `facets`.
pub(crate) struct Collect {
    pub(crate) depth: usize,
    pub(crate) by_score: bool,
    pub(crate) facets: Vec<Facet>,
}

impl Collector for Collect {
    type Fruit = Collected;
    type Child = CollectSegment;

    fn for_segment(
        &self,
        segment: SegmentOrdinal,
        reader: &SegmentReader,
    ) -> tantivy::Result<CollectSegment> {
        let columns = reader.fast_fields();
        let mut facets = Vec::with_capacity(self.facets.len());
        for facet in &self.facets {
            // A segment without any value in a dimension has no column for it.
            if let Some(column) = columns.str(facet.as_str())? {
                let counts = vec![0; column.num_terms()];
                facets.push(FacetColumn { facet: *facet, column, counts });
            }
        }
        Ok(CollectSegment {
            segment,
            depth: self.depth,
            by_score: self.by_score,
            clock: columns.u64(CLOCK)?.first_or_default_col(0),
            tie_break: columns.u64(TIE_BREAK)?.first_or_default_col(0),
            total: 0,
            best: BinaryHeap::new(),
            facets,
            uncounted: Vec::with_capacity(BLOCK),
            buffers: Buffers::default(),
        })
    }

    fn requires_scoring(&self) -> bool {
        self.by_score
    }

    fn merge_fruits(
        &self,
        segments: Vec<tantivy::Result<SegmentFruit>>,
    ) -> tantivy::Result<Collected> {
        let mut collected = Collected::default();
        let mut best: Vec<Rank> = Vec::new();
        for segment in segments {
            let segment = segment?;
            collected.total += segment.total;
            best.extend(segment.best);
            for (facet, values) in segment.counts {
                let counts = collected.counts.entry(facet).or_default();
                for (value, count) in values {
                    *counts.entry(value).or_default() += count;
                }
            }
        }
        best.sort_unstable_by_key(|rank| Reverse(*rank));
        best.truncate(self.depth);
        collected.best = best
            .into_iter()
            .map(|rank| (DocAddress::new(rank.segment, rank.doc), to_score(rank.score)))
            .collect();
        Ok(collected)
    }
}

pub(crate) struct CollectSegment {
    segment: SegmentOrdinal,
    depth: usize,
    by_score: bool,
    clock: Arc<dyn ColumnValues<u64>>,
    tie_break: Arc<dyn ColumnValues<u64>>,
    total: usize,
    /// The best so far, the worst of them on top.
    best: BinaryHeap<Reverse<Rank>>,
    facets: Vec<FacetColumn>,
    uncounted: Vec<DocId>,
    buffers: Buffers,
}

/// Room that is used again for each block of documents.
#[derive(Default)]
struct Buffers {
    docs: Vec<DocId>,
    rows: Vec<u32>,
    ordinals: Vec<u64>,
}

struct FacetColumn {
    facet: Facet,
    column: StrColumn,
    counts: Vec<u64>,
}

pub(crate) struct SegmentFruit {
    total: usize,
    best: Vec<Rank>,
    counts: Vec<(Facet, Vec<(String, u64)>)>,
}

impl SegmentCollector for CollectSegment {
    type Fruit = tantivy::Result<SegmentFruit>;

    fn collect(&mut self, doc: DocId, score: Score) {
        self.total += 1;
        self.uncounted.push(doc);
        if self.uncounted.len() == BLOCK {
            self.count_values();
        }
        self.rank(doc, if self.by_score { from_score(score) } else { 0 });
    }

    fn harvest(mut self) -> tantivy::Result<SegmentFruit> {
        self.count_values();
        let mut counts = Vec::with_capacity(self.facets.len());
        for facet in &self.facets {
            counts.push((facet.facet, facet.counted()?));
        }
        let best = self.best.into_iter().map(|Reverse(rank)| rank).collect();
        Ok(SegmentFruit { total: self.total, best, counts })
    }
}

impl CollectSegment {
    fn count_values(&mut self) {
        for facet in &mut self.facets {
            facet.count(&self.uncounted, &mut self.buffers);
        }
        self.uncounted.clear();
    }

    fn rank(&mut self, doc: DocId, score: u32) {
        if self.best.len() < self.depth {
            let rank = self.full_rank(doc, score);
            self.best.push(Reverse(rank));
        } else if let Some(Reverse(worst)) = self.best.peek().copied()
            && score >= worst.score
        {
            let rank = self.full_rank(doc, score);
            if rank > worst {
                self.best.pop();
                self.best.push(Reverse(rank));
            }
        }
    }

    fn full_rank(&self, doc: DocId, score: u32) -> Rank {
        Rank {
            score,
            clock: self.clock.get_val(doc),
            tie_break: self.tie_break.get_val(doc),
            segment: self.segment,
            doc,
        }
    }
}

impl FacetColumn {
    fn count(&mut self, docs: &[DocId], buffers: &mut Buffers) {
        let ordinals = self.column.ords();
        buffers.docs.clear();
        buffers.rows.clear();
        ordinals.row_ids_for_docs(docs, &mut buffers.docs, &mut buffers.rows);
        buffers.ordinals.resize(buffers.rows.len(), 0);
        ordinals.values.get_vals(&buffers.rows, &mut buffers.ordinals);
        for ordinal in &buffers.ordinals {
            if let Some(count) =
                usize::try_from(*ordinal).ok().and_then(|index| self.counts.get_mut(index))
            {
                *count += 1;
            }
        }
    }

    fn counted(&self) -> tantivy::Result<Vec<(String, u64)>> {
        let (ordinals, counts): (Vec<u64>, Vec<u64>) =
            (0..).zip(&self.counts).filter(|(_, count)| **count > 0).unzip();
        let mut values = Vec::with_capacity(ordinals.len());
        self.column.dictionary().sorted_ords_to_term_cb(&ordinals, |term| {
            values.push(String::from_utf8_lossy(term).into_owned());
        })?;
        Ok(values.into_iter().zip(counts).collect())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation, and scores are not negative"
)]
fn from_score(score: Score) -> u32 {
    (score * SCORE_STEPS).round() as u32
}

#[expect(clippy::cast_precision_loss, reason = "it was a float of this precision")]
fn to_score(steps: u32) -> Score {
    steps as f32 / SCORE_STEPS
}
