//! Words that stand near each other where they were typed side by side.

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Score, SegmentOrdinal};

use super::rerank::{Candidate, Reader, Stage, by_segment};
use super::word::{Texts, Word};

/// What a pair counts beside a word as rare as the less rare of the two. Chosen on data: subject
/// headings gain 0.01 nDCG with it, long questions nothing.
const PAIR_WEIGHT: Score = 0.4;

/// How many words apart a pair may stand, the second word counted. What is further apart adds less
/// than a sixteenth of a pair side by side.
const WINDOW: u32 = 5;

/// Candidates that are looked at: what is on the first pages.
const DEPTH: usize = 100;

/// Occurrences of a word in one field of one document that are looked at. A word that occurs more
/// often stands beside every other anyway, and a document can be made of one word.
const MAX_OCCURRENCES: usize = 500;

/// Adds to the scores of documents in which pairs of words stand near each other.
pub(crate) struct Proximity {
    pairs: Vec<(String, String)>,
}

impl Proximity {
    /// For these pairs of stems.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self { pairs }
    }
}

impl Stage for Proximity {
    fn depth(&self) -> usize {
        DEPTH
    }

    fn add(&self, best: &mut [Candidate], reader: &Reader<'_>) -> tantivy::Result<()> {
        let segments = by_segment(best);
        for (first, second) in &self.pairs {
            let (first, second) =
                (reader.texts.look_up(first, 1.0)?, reader.texts.look_up(second, 1.0)?);
            for (segment, docs) in &segments {
                let lengths = reader.texts.lengths(*segment);
                let mut nearness = Nearness::new(&first, &second, *segment, reader.texts)?;
                for (doc, place) in docs {
                    let near = nearness.in_document(*doc);
                    if near > 0.0 {
                        best[*place].1 += PAIR_WEIGHT
                            * first.rarity.min(second.rarity)
                            * lengths.share(*doc, near);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Reads how near two words stand, document by document.
struct Nearness {
    /// For each field that has both words.
    fields: Vec<(SegmentPostings, SegmentPostings, Score)>,
    first: Vec<u32>,
    second: Vec<u32>,
}

impl Nearness {
    fn new(
        first: &Word,
        second: &Word,
        segment: SegmentOrdinal,
        texts: &Texts,
    ) -> tantivy::Result<Self> {
        let mut fields = Vec::new();
        let option = IndexRecordOption::WithFreqsAndPositions;
        let seconds = texts.postings(second, segment, option)?;
        let firsts = texts.postings(first, segment, option)?;
        for (first, second) in firsts.into_iter().zip(seconds) {
            if let (Some((first, weight)), Some((second, _))) = (first, second) {
                fields.push((first, second, weight));
            }
        }
        Ok(Self { fields, first: Vec::new(), second: Vec::new() })
    }

    /// How often they stand near each other in a document, side by side counting as once; documents
    /// are asked for in their order.
    fn in_document(&mut self, doc: DocId) -> Score {
        let mut near = 0.0;
        for (firsts, seconds, weight) in &mut self.fields {
            if at(firsts, doc) && at(seconds, doc) {
                firsts.positions(&mut self.first);
                seconds.positions(&mut self.second);
                self.first.truncate(MAX_OCCURRENCES);
                self.second.truncate(MAX_OCCURRENCES);
                near += *weight * nearness(&self.first, &self.second);
            }
        }
        near
    }
}

fn at(postings: &mut SegmentPostings, doc: DocId) -> bool {
    if postings.doc() < doc {
        postings.seek(doc);
    }
    postings.doc() == doc
}

/// The sum of 1 / distance² over all pairs of positions within the window.
#[expect(clippy::cast_precision_loss, reason = "a distance within the window is small")]
fn nearness(first: &[u32], second: &[u32]) -> Score {
    let mut near = 0.0;
    let mut start = 0;
    for position in first {
        while second.get(start).is_some_and(|other| other + WINDOW < *position) {
            start += 1;
        }
        for other in &second[start..] {
            let distance = position.abs_diff(*other);
            if distance > WINDOW {
                break;
            }
            if distance > 0 {
                near += 1.0 / (distance * distance) as Score;
            }
        }
    }
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearness_falls_with_the_square_of_the_distance() {
        assert_eq!(nearness(&[3], &[4]), 1.0);
        assert_eq!(nearness(&[4], &[3]), 1.0);
        assert_eq!(nearness(&[3], &[5]), 0.25);
        assert_eq!(nearness(&[1, 10, 20], &[2, 15]), 1.0 + 0.04 + 0.04);
        assert_eq!(nearness(&[1], &[1 + WINDOW + 1]), 0.0);
        assert_eq!(nearness(&[], &[1]), 0.0);
    }
}
