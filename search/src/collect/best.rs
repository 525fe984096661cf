//! The best of what was found so far.

use std::cmp::Reverse;
use std::collections::HashSet;

use tantivy::{DocId, SegmentOrdinal};

/// A document's place among the others; greater is better.
///
/// Segment and document matter only where two keys have the same hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    pub(super) score: u32,
    pub(super) clock: u64,
    pub(super) tie_break: u64,
    pub(super) lineage: u64,
    pub(super) segment: SegmentOrdinal,
    pub(super) doc: DocId,
    /// The score of its text alone.
    pub(super) text: u32,
}

/// The best so far, of each lineage one where they are folded.
///
/// It takes up to about twice as many as it keeps before it lets the worse ones go, so that most cost
/// next to nothing.
#[derive(Debug)]
pub(super) struct Best {
    depth: usize,
    fold: bool,
    ranks: Vec<Rank>,
    /// The worst of the best when they were last sorted out, once there were enough.
    worst: Option<Rank>,
}

impl Best {
    pub(super) fn new(depth: usize, fold: bool) -> Self {
        Self { depth, fold, ranks: Vec::new(), worst: None }
    }

    /// Whether what has this score and clock may be among the best.
    pub(super) fn may_hold(&self, score: u32, clock: impl FnOnce() -> u64) -> bool {
        self.depth > 0
            && self.worst.is_none_or(|worst| {
                score > worst.score || (score == worst.score && clock() >= worst.clock)
            })
    }

    /// A lower score does not come among the best.
    pub(super) fn least_score(&self) -> u32 {
        self.worst.map_or(0, |worst| worst.score)
    }

    pub(super) fn offer(&mut self, rank: Rank) {
        self.ranks.push(rank);
        if self.ranks.len() >= self.depth * 2 + 64 {
            self.sort_out();
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.ranks.extend(other.ranks);
    }

    /// The best, best first.
    pub(super) fn into_ranks(mut self) -> Vec<Rank> {
        self.sort_out();
        self.ranks
    }

    fn sort_out(&mut self) {
        self.ranks.sort_unstable_by_key(|rank| Reverse(*rank));
        if self.fold {
            let mut seen = HashSet::with_capacity(self.ranks.len());
            self.ranks.retain(|rank| seen.insert(rank.lineage));
        }
        self.ranks.truncate(self.depth);
        if self.ranks.len() == self.depth {
            self.worst = self.ranks.last().copied();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rank(score: u32, lineage: u64, doc: DocId) -> Rank {
        Rank { score, clock: 0, tie_break: 0, lineage, segment: 0, doc, text: score }
    }

    proptest! {
        #[test]
        fn the_best_are_those_that_sorting_all_would_put_first(
            scores in prop::collection::vec((0_u32..50, 0_u64..40), 0..600),
            depth in 0_usize..20,
            fold: bool,
        ) {
            let all = scores.iter().zip(0..).map(|((score, lineage), doc)| rank(*score, *lineage, doc));
            let mut best = Best::new(depth, fold);
            for rank in all.clone() {
                if best.may_hold(rank.score, || rank.clock) {
                    best.offer(rank);
                }
            }
            let mut expected: Vec<Rank> = all.collect();
            expected.sort_by_key(|rank| Reverse(*rank));
            if fold {
                let mut seen = HashSet::new();
                expected.retain(|rank| seen.insert(rank.lineage));
            }
            expected.truncate(depth);
            prop_assert_eq!(best.into_ranks(), expected);
        }
    }
}
