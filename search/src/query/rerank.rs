//! What looks at the best candidates a second time.
//!
//! The first scoring runs over every match, so it can afford only what postings tell. A [`Stage`]
//! sees the best candidates alone and may read more of each: how near the words stand to each other
//! ([`proximity`](super::proximity)), what the best documents have in common
//! ([`feedback`](super::feedback)). A model that embeds sentences would be another stage, of depth
//! 200: it would read the text of each candidate through [`Reader::text`] and add to its score.
//!
//! A stage adds to scores and never takes away. So whatever lies behind its depth stays there, and
//! pages neither overlap nor miss.

use std::collections::BTreeMap;

use tantivy::{DocAddress, DocId, Score, SegmentOrdinal};

use super::word::Texts;

/// Candidates that the deepest stage looks at while few documents match.
const RERANKED: usize = 2_000;

/// Candidates where many match: keeping and looking at more takes milliseconds in an index of a
/// million.
const RERANKED_OF_MANY: usize = 200;

/// More matches than this are many.
const MANY_MATCHES: u64 = 10_000;

/// How many candidates are looked at a second time where at most so many documents match.
pub(crate) fn reranked(most_matches: u64) -> usize {
    if most_matches > MANY_MATCHES { RERANKED_OF_MANY } else { RERANKED }
}

/// A document that matched, with its score so far.
pub(crate) type Candidate = (DocAddress, Score);

/// What a stage may read.
pub(crate) struct Reader<'a> {
    pub(crate) texts: &'a Texts,
    /// The text of a document, or how it begins.
    pub(crate) text: &'a (dyn Fn(DocAddress) -> tantivy::Result<String> + Sync),
}

/// Adds to the scores of the best candidates.
pub(crate) trait Stage {
    /// How many candidates it looks at, if there are so many.
    fn depth(&self) -> usize;

    /// Adds to the scores of `best`, which are in order.
    fn add(&self, best: &mut [Candidate], reader: &Reader<'_>) -> tantivy::Result<()>;
}

/// Puts `candidates`, which are in the order of their scores, through the stages.
pub(crate) fn rerank(
    stages: &[Box<dyn Stage>],
    candidates: &mut [Candidate],
    reader: &Reader<'_>,
) -> tantivy::Result<()> {
    for stage in stages {
        let depth = stage.depth().min(candidates.len());
        let best = &mut candidates[..depth];
        stage.add(best, reader)?;
        // Equal ones keep their order, which is by time.
        best.sort_by(|(_, left), (_, right)| right.total_cmp(left));
    }
    Ok(())
}

/// The places of candidates in their list, by segment and there by document: the order in which
/// postings can be read.
pub(super) fn by_segment(
    candidates: &[Candidate],
) -> BTreeMap<SegmentOrdinal, BTreeMap<DocId, usize>> {
    let mut segments: BTreeMap<SegmentOrdinal, BTreeMap<DocId, usize>> = BTreeMap::new();
    for (place, (address, _)) in candidates.iter().enumerate() {
        segments.entry(address.segment_ord).or_default().insert(address.doc_id, place);
    }
    segments
}
