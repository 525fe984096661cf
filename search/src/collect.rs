//! One pass over all matching documents: the best hits, the total and the counts of values.

mod best;
mod bits;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use tantivy::columnar::ColumnValues;
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, SegmentReader};

use crate::facet::Facet;
use crate::hit::{FacetCount, MAX_FACET_VALUES};
use crate::order::{EvidenceOrder, Explanation};
use crate::query::matching::{Match, MatchingWeight};
use crate::query::{Filters, Query, Sort};
use crate::schema::{CLOCK, LINEAGE, TIE_BREAK};
use crate::threads::{at_once, worth_two};
use crate::values::{BITS, Mask, SegmentValues, Values, View, has_bit, overlap, set_bit};

use best::{Best, Rank};
use bits::BitCounts;

/// Scores are compared in steps of a thousandth. The engine adds up the parts of a score in an
/// order that depends on how documents lie in its segments, so that equal documents differ by
/// rounding; and no smaller difference means anything.
const SCORE_STEPS: f32 = 1_024.0;

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
    pub(crate) fn run(&self, weight: &MatchingWeight<'_>) -> tantivy::Result<Collected> {
        let halves = halves(self.view);
        let [first, second] = &halves;
        let found = if second.is_empty() {
            self.part(weight, first)?
        } else {
            let (mut found, beside) =
                at_once(|| self.part(weight, first), || self.part(weight, second))?;
            found.add(beside);
            found
        };
        let counts = self.named_counts(&found.counts);
        Ok(Collected { total: found.total, best: self.explained(found.best.into_ranks()), counts })
    }

    /// The schools whose matching records belong to each of these lineages.
    pub(crate) fn schools(
        &self,
        weight: &MatchingWeight<'_>,
    ) -> tantivy::Result<BTreeMap<u64, BTreeSet<Arc<str>>>> {
        let mut schools: BTreeMap<u64, BTreeSet<Arc<str>>> = BTreeMap::new();
        for (ordinal, reader) in (0..).zip(self.view.searcher.segment_readers()) {
            let lineages = reader.fast_fields().u64(LINEAGE)?.first_or_default_col(0);
            let values = &self.view.segments[ordinal as usize];
            weight.matches(ordinal, 0..reader.max_doc(), |block| {
                for (doc, _) in block.iter().filter(|(doc, _)| self.narrowed.pass(values, *doc)) {
                    for number in values.rare(values.of(*doc)) {
                        let value = self.view.values.get(number);
                        if let Some((Facet::School, school)) = value {
                            let found = schools.entry(lineages.get_val(*doc)).or_default();
                            found.insert(Arc::clone(school));
                        }
                    }
                }
            })?;
        }
        Ok(schools)
    }

    fn part(&self, weight: &MatchingWeight<'_>, pieces: &[Piece]) -> tantivy::Result<Part> {
        let mut part = Part {
            total: 0,
            best: Best::new(self.depth, self.query.sort == Sort::WhatWorked),
            counts: vec![0; self.view.values.numbers()],
        };
        let mut bits = BitCounts::default();
        for Piece { segment, docs } in pieces {
            let reader = self.view.searcher.segment_reader(*segment);
            let columns = Columns::of(reader, *segment)?;
            let values: &SegmentValues = &self.view.segments[*segment as usize];
            let mut found = Vec::new();
            weight.matches(*segment, docs.clone(), |block| {
                values.fetch(block.iter().map(|(doc, _)| *doc));
                found.clear();
                self.narrow(&mut part.counts, &mut bits, values, block, &mut found);
                part.total += found.len();
                if !self.query.facets.is_empty() {
                    for (doc, _) in &found {
                        bits.add(&values.of(*doc).mask);
                    }
                    for (doc, _) in &found {
                        values.count_rare(values.of(*doc), &mut part.counts);
                    }
                }
                self.rank(&mut part.best, &columns, values, &found);
            })?;
        }
        part.counts[..BITS].fill(0);
        bits.add_to(&mut part.counts);
        Ok(part)
    }

    /// Adds to `found` what passes the filters, and counts what would if not for a single dimension.
    fn narrow(
        &self,
        counts: &mut [u32],
        bits: &mut BitCounts,
        values: &SegmentValues,
        block: &[Match],
        found: &mut Vec<Match>,
    ) {
        if self.narrowed.required == 0 {
            return found.extend_from_slice(block);
        }
        for one in block {
            let failing = self.narrowed.failing(values, one.0);
            if failing == 0 {
                found.push(*one);
            } else if !self.query.facets.is_empty() && self.narrowed.counts_outside(failing) {
                let of_dimension = &self.narrowed.of_dimension[failing.trailing_zeros() as usize];
                let of_document = values.of(one.0);
                let mask = std::array::from_fn(|at| of_document.mask[at] & of_dimension[at]);
                bits.add(&mask);
                for number in values.rare(of_document) {
                    if self.narrowed.rare_dimension[number - BITS] == failing {
                        counts[number] += 1;
                    }
                }
            }
        }
    }

    fn rank(&self, best: &mut Best, columns: &Columns, values: &SegmentValues, found: &[Match]) {
        for (doc, score) in found {
            let text = if self.by_score { to_steps(*score) } else { 0 };
            let score = match &self.order {
                Some(order) => {
                    let most = from_steps(text) * order.most(values.of(*doc).evidence);
                    // Nothing else that evidence could add brings it among the best.
                    if to_steps(most) < best.least_score() {
                        continue;
                    }
                    to_steps(order.explain(values, *doc, from_steps(text)).score())
                }
                None => text,
            };
            if best.may_hold(score, || columns.clock.get_val(*doc)) {
                best.offer(Rank {
                    score,
                    clock: columns.clock.get_val(*doc),
                    tie_break: columns.tie_break.get_val(*doc),
                    lineage: columns.lineage.get_val(*doc),
                    segment: columns.segment,
                    doc: *doc,
                    text,
                });
            }
        }
    }

    /// The best with the parts of their scores.
    fn explained(&self, ranks: Vec<Rank>) -> Vec<(DocAddress, Explanation)> {
        let explained = |Rank { segment, doc, text, .. }| {
            let text = from_steps(text);
            let parts = match &self.order {
                None => Explanation::of_text(text),
                Some(order) => order.explain(&self.view.segments[segment as usize], doc, text),
            };
            (DocAddress::new(segment, doc), parts)
        };
        ranks.into_iter().map(explained).collect()
    }

    /// The most frequent values of each dimension that was asked for, and those that the filters
    /// name, in the order of how frequent they are.
    fn named_counts(&self, counts: &[u32]) -> BTreeMap<Facet, Vec<FacetCount>> {
        let wanted = self.query.facets.iter().fold(0, |bits, facet| bits | facet.bit());
        let mut by_facet = vec![Vec::new(); Facet::ALL.len()];
        for (number, (facet, _)) in self.view.values.iter() {
            let count = counts[number];
            if wanted & facet.bit() != 0 && (count > 0 || self.narrowed.names(number)) {
                by_facet[*facet as usize].push((Reverse(count), self.view.places[number], number));
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
            let values = values.into_iter().filter_map(|(Reverse(count), _, number)| {
                let (_, value) = self.view.values.get(number)?;
                Some(FacetCount { value: value.as_ref().to_owned(), count: u64::from(count) })
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
#[derive(Default)]
struct Narrowed {
    /// The narrowed dimensions, as bits.
    required: u32,
    /// For each narrowed dimension, as a bit, the accepted values that have a bit.
    accepted: Vec<(u32, Mask)>,
    /// The narrowed dimensions of which a rare value is accepted.
    any_rare: u32,
    /// By number from [`BITS`] on, the bit of the dimension where the value is accepted.
    rare_accepted: Vec<u32>,
    /// By number from [`BITS`] on, the bit of the dimension.
    rare_dimension: Vec<u32>,
    /// By dimension, all its values that have a bit.
    of_dimension: Vec<Mask>,
}

impl Narrowed {
    fn new(filters: &Filters, values: &Values) -> Self {
        let mut required = filters.narrowed();
        // Every document is of a group. A person who may read all of them is narrowed to nothing,
        // which spares a look at every value of every match.
        let outside = |(_, (facet, value)): (usize, &(Facet, Arc<str>))| {
            *facet == Facet::Group && !filters.names(Facet::Group, value)
        };
        if !values.of_few().any(outside) {
            required &= !Facet::Group.bit();
        }
        let mut narrowed = Self { required, ..Self::default() };
        if required == 0 {
            return narrowed;
        }
        narrowed.of_dimension = vec![Mask::default(); Facet::ALL.len()];
        let mut accepted = vec![Mask::default(); Facet::ALL.len()];
        let is_accepted =
            |facet: Facet, value: &str| required & facet.bit() != 0 && filters.names(facet, value);
        for (number, (facet, value)) in values.with_bit().iter().enumerate() {
            set_bit(&mut narrowed.of_dimension[*facet as usize], number);
            if is_accepted(*facet, value) {
                set_bit(&mut accepted[*facet as usize], number);
            }
        }
        for (facet, value) in values.rare() {
            let bit = if is_accepted(*facet, value) { facet.bit() } else { 0 };
            narrowed.any_rare |= bit;
            narrowed.rare_accepted.push(bit);
            narrowed.rare_dimension.push(facet.bit());
        }
        let dimensions = Facet::ALL.iter().filter(|facet| required & facet.bit() != 0);
        narrowed.accepted =
            dimensions.map(|facet| (facet.bit(), accepted[*facet as usize])).collect();
        narrowed
    }

    /// Whether a filter names the value.
    fn names(&self, number: usize) -> bool {
        match number.checked_sub(BITS) {
            Some(rare) => self.rare_accepted.get(rare).is_some_and(|bit| *bit != 0),
            None => self.accepted.iter().any(|(_, mask)| has_bit(mask, number)),
        }
    }

    /// The narrowed dimensions in which a document has no accepted value.
    fn failing(&self, values: &SegmentValues, doc: DocId) -> u32 {
        let of_document = values.of(doc);
        let failing =
            self.accepted.iter().filter(|(_, accepted)| !overlap(&of_document.mask, accepted));
        let failing = failing.fold(0, |failing, (bit, _)| failing | bit);
        if failing & self.any_rare == 0 {
            return failing;
        }
        let met = values.rare(of_document);
        failing & !met.fold(0, |met, number| met | self.rare_accepted[number - BITS])
    }

    fn pass(&self, values: &SegmentValues, doc: DocId) -> bool {
        self.required == 0 || self.failing(values, doc) == 0
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
    let mut left = if worth_two(all.into()) { all.div_ceil(2) } else { all };
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
        self.best.add(other.best);
        for (count, more) in self.counts.iter_mut().zip(other.counts) {
            *count += more;
        }
    }
}

/// The columns of one segment that ranking reads.
struct Columns {
    segment: SegmentOrdinal,
    clock: Arc<dyn ColumnValues<u64>>,
    tie_break: Arc<dyn ColumnValues<u64>>,
    lineage: Arc<dyn ColumnValues<u64>>,
}

impl Columns {
    fn of(reader: &SegmentReader, segment: SegmentOrdinal) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        Ok(Self {
            segment,
            clock: columns.u64(CLOCK)?.first_or_default_col(0),
            tie_break: columns.u64(TIE_BREAK)?.first_or_default_col(0),
            lineage: columns.u64(LINEAGE)?.first_or_default_col(0),
        })
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes an integer by saturation, and scores are not negative"
)]
pub(crate) fn to_steps(score: Score) -> u32 {
    // Rounded up and down; a call of the library's own rounding is noticed in a run over all matches.
    (score * SCORE_STEPS + 0.5) as u32
}

#[expect(clippy::cast_precision_loss, reason = "it was a float of this precision")]
fn from_steps(steps: u32) -> Score {
    steps as f32 / SCORE_STEPS
}

#[cfg(test)]
mod tests;
