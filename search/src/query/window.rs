//! A run of documents with their scores so far.

use std::ops::Range;

use tantivy::{DocId, Score};

/// Documents of a window: their scores stay in the processor's first cache. Tests have few documents.
pub(super) const WINDOW: usize = if cfg!(test) { 64 } else { 4_096 };

/// Scores of a window that are forgotten together. There is a bit of one number for each such run.
const RUN: usize = if cfg!(test) { 8 } else { 64 };
const _: () = assert!(WINDOW.is_multiple_of(RUN) && WINDOW / RUN <= 64);

/// A run of documents of a segment, those of which were found, and their scores so far.
#[derive(Default)]
pub(super) struct Window {
    pub(super) docs: Range<DocId>,
    /// Whether scores are asked for.
    pub(super) scored: bool,
    scores: Vec<Score>,
    found: Vec<u64>,
    /// Which runs of scores were written to, as bits.
    written: u64,
}

impl Window {
    pub(super) fn reset(&mut self, docs: Range<DocId>, scored: bool) {
        self.docs = docs;
        self.scored = scored;
        // A rare word writes to few of the scores.
        while self.written != 0 {
            let run = self.written.trailing_zeros() as usize * RUN;
            self.scores[run..run + RUN].fill(0.0);
            self.written &= self.written - 1;
        }
        self.scores.resize(WINDOW, 0.0);
        self.found.clear();
        self.found.resize(WINDOW / 64, 0);
    }

    /// Adds to the score of a document of the window.
    pub(super) fn add(&mut self, doc: DocId, score: Score) {
        let place = (doc - self.docs.start) as usize;
        self.found[place / 64] |= 1 << (place % 64);
        self.written |= 1 << (place / RUN);
        self.scores[place] += score;
    }

    pub(super) fn count(&self) -> u32 {
        self.found.iter().map(|found| found.count_ones()).sum()
    }

    pub(super) fn raise(&mut self, doc: DocId, score: Score) {
        let place = (doc - self.docs.start) as usize;
        self.written |= 1 << (place / RUN);
        self.scores[place] = self.scores[place].max(score);
    }

    pub(super) fn score(&self, doc: DocId) -> Score {
        self.scores[(doc - self.docs.start) as usize]
    }

    /// Leaves what another window of the same documents has as well, whose scores it adds.
    pub(super) fn keep(&mut self, other: &Self) {
        for (found, other) in self.found.iter_mut().zip(&other.found) {
            *found &= other;
        }
        self.add_scores(other);
    }

    pub(super) fn add_scores(&mut self, other: &Self) {
        self.written |= other.written;
        for (score, other) in self.scores.iter_mut().zip(&other.scores) {
            *score += other;
        }
    }

    pub(super) fn leave_out(&mut self, other: &Self) {
        for (found, other) in self.found.iter_mut().zip(&other.found) {
            *found &= !other;
        }
    }

    /// Calls `each` with every document found and its score.
    pub(super) fn for_each(&self, mut each: impl FnMut(DocId, Score)) {
        for (word, found) in self.found.iter().enumerate() {
            let mut left = *found;
            while left != 0 {
                let place = word * 64 + left.trailing_zeros() as usize;
                each(self.docs.start + place as DocId, self.scores[place]);
                left &= left - 1;
            }
        }
    }
}
