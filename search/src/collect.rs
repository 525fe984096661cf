//! One pass over all matching documents: the best hits, the total and the counts of values.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::ops::Range;
use std::sync::Arc;

use tantivy::columnar::ColumnValues;
use tantivy::query::Weight;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader, TERMINATED};

use crate::facet::Facet;
use crate::hit::{FacetCount, MAX_FACET_VALUES};
use crate::order::{EvidenceColumns, EvidenceOrder, Explanation, MAX_FACTOR};
use crate::query::{Filters, Query, Sort};
use crate::schema::{CLOCK, LINEAGE, TIE_BREAK};
use crate::values::{SegmentValues, Value, View};

/// Scores are compared in steps of a thousandth. The engine adds up the parts of a score in an
/// order that depends on how documents lie in its segments, so that equal documents differ by
/// rounding; and no smaller difference means anything.
const SCORE_STEPS: f32 = 1_024.0;

/// Indexes with fewer documents are searched by one thread: they take it a few milliseconds, and on
/// a busy server a second one may wait for longer than that before it starts. Tests fill less.
const DOCUMENTS_FOR_TWO_THREADS: u32 = if cfg!(test) { 2_000 } else { 200_000 };

/// A document's place among the others; greater is better.
///
/// The last two parts depend on where the document lies, and matter only where two keys have the
/// same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    score: u32,
    clock: u64,
    tie_break: u64,
    lineage: u64,
    segment: SegmentOrdinal,
    doc: DocId,
    /// The score of its text alone.
    text: u32,
}

/// What was collected.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// How many documents match.
    pub(crate) total: usize,
    /// The best ones in order, with the parts of their scores.
    pub(crate) best: Vec<(DocAddress, Explanation)>,
    /// How many of all matching documents have each value, the most frequent first.
    pub(crate) counts: BTreeMap<Facet, Vec<FacetCount>>,
}

/// What is collected of the documents that the engine finds.
pub(crate) struct Collect<'a> {
    view: &'a View,
    query: &'a Query,
    depth: usize,
    by_score: bool,
    narrowed: Narrowed,
    order: Option<EvidenceOrder>,
}

impl<'a> Collect<'a> {
    /// Collects the `depth` best documents for `query`, whose text `ranks` them or does not.
    pub(crate) fn new(view: &'a View, query: &'a Query, depth: usize, ranks: bool) -> Self {
        let by_score = query.sort != Sort::Newest && ranks;
        let by_evidence = by_score && query.sort == Sort::WhatWorked;
        Self {
            view,
            query,
            depth,
            by_score,
            narrowed: Narrowed::new(&query.filters, &view.values),
            order: by_evidence.then(|| EvidenceOrder::new(query.reader.as_ref(), &view.values)),
        }
    }

    pub(crate) fn requires_scoring(&self) -> bool {
        self.by_score
    }

    /// Goes through the matches of `weight`, with two threads where there are many documents.
    pub(crate) fn run(&self, weight: &dyn Weight) -> tantivy::Result<Collected> {
        let halves = halves(self.view);
        let [first, second] = &halves;
        let found = if second.is_empty() {
            self.part(weight, first)?
        } else {
            std::thread::scope(|scope| {
                let beside = scope.spawn(|| self.part(weight, second));
                let mut found = self.part(weight, first)?;
                let beside = beside.join().map_err(|_| {
                    tantivy::TantivyError::InternalError("a part of a search failed".to_owned())
                })??;
                found.add(beside);
                tantivy::Result::Ok(found)
            })?
        };
        let best = self.explained(found.best.ranks)?;
        Ok(Collected { total: found.total, best, counts: self.named_counts(&found.counts) })
    }

    /// The schools whose matching records belong to each of these lineages.
    pub(crate) fn schools(
        &self,
        weight: &dyn Weight,
    ) -> tantivy::Result<BTreeMap<u64, BTreeSet<Arc<str>>>> {
        let mut schools: BTreeMap<u64, BTreeSet<Arc<str>>> = BTreeMap::new();
        for (ordinal, reader) in self.view.searcher.segment_readers().iter().enumerate() {
            let lineages = reader.fast_fields().u64(LINEAGE)?.first_or_default_col(0);
            let values = &self.view.segments[ordinal];
            matches(weight, reader, 0..reader.max_doc(), false, |doc, _| {
                let numbers = values.of(doc);
                if self.narrowed.failing(numbers) == 0 {
                    for number in numbers {
                        if let (Facet::School, school) = &self.view.values[*number as usize] {
                            let found = schools.entry(lineages.get_val(doc)).or_default();
                            found.insert(Arc::clone(school));
                        }
                    }
                }
            })?;
        }
        Ok(schools)
    }

    fn part(&self, weight: &dyn Weight, pieces: &[Piece]) -> tantivy::Result<Part> {
        let mut part = Part {
            total: 0,
            best: Best {
                depth: self.depth,
                fold: self.query.sort == Sort::WhatWorked,
                ..Best::default()
            },
            counts: vec![0; self.view.values.len()],
        };
        let counting = !self.query.facets.is_empty();
        for Piece { segment, docs } in pieces {
            let reader = self.view.searcher.segment_reader(*segment);
            let values: &SegmentValues = &self.view.segments[*segment as usize];
            let columns = Columns::of(reader, *segment)?;
            matches(weight, reader, docs.clone(), self.by_score, |doc, score| {
                let numbers = values.of(doc);
                let failing = self.narrowed.failing(numbers);
                if failing == 0 {
                    part.total += 1;
                    if counting {
                        for number in numbers {
                            part.counts[*number as usize] += 1;
                        }
                    }
                    self.rank(&mut part.best, &columns, doc, score, numbers);
                } else if counting && self.narrowed.counts_outside(failing) {
                    for number in numbers {
                        if self.narrowed.dimension[*number as usize] == failing {
                            part.counts[*number as usize] += 1;
                        }
                    }
                }
            })?;
        }
        Ok(part)
    }

    fn rank(&self, best: &mut Best, columns: &Columns, doc: DocId, score: Score, values: &[u32]) {
        let text = if self.by_score { to_steps(score) } else { 0 };
        let score = match &self.order {
            // Nothing that evidence could add brings it among the best.
            Some(_) if to_steps(from_steps(text) * MAX_FACTOR) < best.least_score() => return,
            Some(order) => {
                to_steps(order.explain(&columns.evidence, doc, values, from_steps(text)).score())
            }
            None => text,
        };
        if score >= best.least_score() {
            best.offer(Rank {
                score,
                clock: columns.clock.get_val(doc),
                tie_break: columns.tie_break.get_val(doc),
                lineage: columns.lineage.get_val(doc),
                segment: columns.segment,
                doc,
                text,
            });
        }
    }

    /// The best in order, with the parts of their scores.
    fn explained(
        &self,
        ranks: BTreeSet<Reverse<Rank>>,
    ) -> tantivy::Result<Vec<(DocAddress, Explanation)>> {
        // Opening the columns of a segment takes longer than reading them for one document.
        let mut columns: BTreeMap<SegmentOrdinal, EvidenceColumns> = BTreeMap::new();
        let mut best = Vec::with_capacity(ranks.len());
        for Reverse(Rank { segment, doc, text, .. }) in ranks {
            let text = from_steps(text);
            let parts = match &self.order {
                None => Explanation::of_text(text),
                Some(order) => {
                    let columns = match columns.entry(segment) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(place) => {
                            let reader = self.view.searcher.segment_reader(segment);
                            place.insert(EvidenceColumns::of(reader)?)
                        }
                    };
                    order.explain(columns, doc, self.view.segments[segment as usize].of(doc), text)
                }
            };
            best.push((DocAddress::new(segment, doc), parts));
        }
        Ok(best)
    }

    /// The most frequent values of each dimension that was asked for, and those that the filters
    /// name, in the order of how frequent they are.
    fn named_counts(&self, counts: &[u32]) -> BTreeMap<Facet, Vec<FacetCount>> {
        let wanted = self.query.facets.iter().fold(0, |bits, facet| bits | facet.bit());
        let mut by_facet = vec![Vec::new(); Facet::ALL.len()];
        for (number, ((facet, _), count)) in self.view.values.iter().zip(counts).enumerate() {
            if wanted & facet.bit() != 0 && (*count > 0 || self.narrowed.names(number)) {
                by_facet[*facet as usize].push((Reverse(*count), self.view.places[number], number));
            }
        }
        let mut named = BTreeMap::new();
        for (facet, mut values) in Facet::ALL.iter().zip(by_facet) {
            if values.len() > MAX_FACET_VALUES {
                values.select_nth_unstable(MAX_FACET_VALUES);
                let behind = values.split_off(MAX_FACET_VALUES);
                values.extend(behind.into_iter().filter(|one| self.narrowed.names(one.2)));
            }
            values.sort_unstable();
            let values = values.into_iter().map(|(Reverse(count), _, number)| FacetCount {
                value: self.view.values[number].1.as_ref().to_owned(),
                count: u64::from(count),
            });
            let values: Vec<FacetCount> = values.collect();
            if !values.is_empty() {
                named.insert(*facet, values);
            }
        }
        named
    }
}

/// The dimensions that a query is narrowed in.
struct Narrowed {
    /// The narrowed dimensions, as bits.
    required: u32,
    /// By number, the bit of its dimension where the value is accepted.
    accepted: Vec<u32>,
    /// By number, the bit of its dimension.
    dimension: Vec<u32>,
}

impl Narrowed {
    fn new(filters: &Filters, values: &[Value]) -> Self {
        let mut required = filters.narrowed();
        // Every document is of a group. A person who may read all of them is narrowed to nothing,
        // which spares a look at every value of every match.
        let outside =
            |(facet, value): &Value| *facet == Facet::Group && !filters.names(Facet::Group, value);
        if !values.iter().any(outside) {
            required &= !Facet::Group.bit();
        }
        if required == 0 {
            return Self { required, accepted: Vec::new(), dimension: Vec::new() };
        }
        let accepted = |(facet, value): &Value| {
            let bit = facet.bit();
            if required & bit != 0 && filters.names(*facet, value) { bit } else { 0 }
        };
        Self {
            required,
            accepted: values.iter().map(accepted).collect(),
            dimension: values.iter().map(|(facet, _)| facet.bit()).collect(),
        }
    }

    /// Whether a filter names the value.
    fn names(&self, number: usize) -> bool {
        self.accepted.get(number).is_some_and(|bit| *bit != 0)
    }

    /// The narrowed dimensions in which a document has no accepted value.
    fn failing(&self, numbers: &[u32]) -> u32 {
        if self.required == 0 {
            return 0;
        }
        let met = numbers.iter().fold(0, |met, number| met | self.accepted[*number as usize]);
        self.required & !met
    }

    /// Whether a document that fails in these dimensions still counts in the one it fails in.
    fn counts_outside(&self, failing: u32) -> bool {
        failing.is_power_of_two() && failing != Facet::Group.bit()
    }
}

/// A run of documents of a segment.
struct Piece {
    segment: SegmentOrdinal,
    docs: Range<DocId>,
}

/// All documents in two parts of the same size; the second one empty where one thread is enough.
fn halves(view: &View) -> [Vec<Piece>; 2] {
    let readers = view.searcher.segment_readers();
    let all: u32 = readers.iter().map(SegmentReader::max_doc).sum();
    let mut left = if all < DOCUMENTS_FOR_TWO_THREADS { all } else { all.div_ceil(2) };
    let mut halves = [Vec::new(), Vec::new()];
    for (segment, reader) in (0..).zip(readers) {
        let end = reader.max_doc();
        let cut = end.min(left);
        left -= cut;
        for (half, docs) in [(0, 0..cut), (1, cut..end)] {
            if !docs.is_empty() {
                halves[half].push(Piece { segment, docs });
            }
        }
    }
    halves
}

/// Calls `each` with the matches among `docs`, which were not removed, and their scores.
fn matches(
    weight: &dyn Weight,
    reader: &SegmentReader,
    docs: Range<DocId>,
    scored: bool,
    mut each: impl FnMut(DocId, Score),
) -> tantivy::Result<()> {
    let mut scorer = weight.scorer(reader, 1.0)?;
    let alive = reader.alive_bitset();
    let mut doc = scorer.doc();
    if doc < docs.start {
        doc = scorer.seek(docs.start);
    }
    // The end of a scorer is past every document.
    debug_assert!(docs.end < TERMINATED);
    while doc < docs.end {
        if alive.is_none_or(|alive| alive.is_alive(doc)) {
            each(doc, if scored { scorer.score() } else { 0.0 });
        }
        doc = scorer.advance();
    }
    Ok(())
}

/// What was collected of a part of the documents.
struct Part {
    total: usize,
    best: Best,
    /// By the number of the value.
    counts: Vec<u32>,
}

impl Part {
    fn add(&mut self, other: Self) {
        self.total += other.total;
        for Reverse(rank) in other.best.ranks {
            self.best.offer(rank);
        }
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

/// The best so far, of each lineage one where they are folded.
#[derive(Default)]
struct Best {
    depth: usize,
    fold: bool,
    /// The worst of them last.
    ranks: BTreeSet<Reverse<Rank>>,
    of_lineage: BTreeMap<u64, Rank>,
}

impl Best {
    /// A lower score does not come among the best.
    fn least_score(&self) -> u32 {
        match self.ranks.last() {
            Some(Reverse(worst)) if self.ranks.len() >= self.depth => worst.score,
            Some(_) => 0,
            None => {
                if self.depth == 0 {
                    u32::MAX
                } else {
                    0
                }
            }
        }
    }

    fn offer(&mut self, rank: Rank) {
        if self.depth == 0 {
            return;
        }
        if self.fold {
            match self.of_lineage.get(&rank.lineage) {
                Some(better) if *better >= rank => return,
                Some(worse) => {
                    self.ranks.remove(&Reverse(*worse));
                }
                None => {}
            }
        }
        if self.ranks.len() >= self.depth {
            match self.ranks.last() {
                Some(Reverse(worst)) if *worst < rank => {
                    self.of_lineage.remove(&worst.lineage);
                    self.ranks.pop_last();
                }
                Some(_) | None => return,
            }
        }
        self.ranks.insert(Reverse(rank));
        if self.fold {
            self.of_lineage.insert(rank.lineage, rank);
        }
    }
}

/// The columns of one segment that ranking reads.
struct Columns {
    segment: SegmentOrdinal,
    clock: Arc<dyn ColumnValues<u64>>,
    tie_break: Arc<dyn ColumnValues<u64>>,
    lineage: Arc<dyn ColumnValues<u64>>,
    evidence: EvidenceColumns,
}

impl Columns {
    fn of(reader: &SegmentReader, segment: SegmentOrdinal) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        Ok(Self {
            segment,
            clock: columns.u64(CLOCK)?.first_or_default_col(0),
            tie_break: columns.u64(TIE_BREAK)?.first_or_default_col(0),
            lineage: columns.u64(LINEAGE)?.first_or_default_col(0),
            evidence: EvidenceColumns::of(reader)?,
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation, and scores are not negative"
)]
pub(crate) fn to_steps(score: Score) -> u32 {
    (score * SCORE_STEPS).round() as u32
}

#[expect(clippy::cast_precision_loss, reason = "it was a float of this precision")]
fn from_steps(steps: u32) -> Score {
    steps as f32 / SCORE_STEPS
}

#[cfg(test)]
mod tests;
