//! What the best documents have in common, taken for what was meant.
//!
//! This is pseudo-relevance feedback after the relevance model RM3 (Lavrenko and Croft, "Relevance
//! based language models", 2001; Abdul-Jaleel and others, "UMass at TREC 2004"): words that are
//! frequent in the best documents and rare elsewhere are looked for as well, with a small share of
//! the weight. They only order what matches the words that were typed: nothing is found for them
//! alone, so that the count of results and its facets stay those of what was typed.

use std::collections::BTreeMap;

use tantivy::Score;
use tantivy::tokenizer::TokenStream;

use super::rerank::{Candidate, Reader, Stage, by_segment};
use super::stop_words::is_stop_word;
use super::word::WordQuery;
use crate::words::stemming_analyzer;

/// Documents that words are taken from. Fewer make one odd document decide.
const DOCUMENTS: usize = 12;

/// Words that are taken.
const WORDS: usize = 25;

/// Words that are weighed by their rarity, which costs a look-up each: those most frequent in the
/// best documents.
const WEIGHED_WORDS: usize = 100;

/// The share of the whole weight that they have.
const SHARE: Score = 0.3;

/// A document counts by this power of its score, so that where one fits far better than all others
/// it decides.
const SHARPNESS: i32 = 4;

/// How much of each document is read: all of a summary, and where a long text says what it is about.
const READ_BYTES: usize = 6 * 1024;

/// Shorter words are mostly numbers and abbreviations of one text.
const LEAST_LETTERS: usize = 3;

/// Adds to the scores of documents that are like the best ones.
pub(crate) struct Feedback {
    typed: Score,
}

impl Feedback {
    /// For words that weigh `typed` together.
    pub(crate) fn new(typed: Score) -> Self {
        Self { typed }
    }

    /// The words, with their weights.
    fn words(
        &self,
        best: &[Candidate],
        reader: &Reader<'_>,
    ) -> tantivy::Result<Vec<(WordQuery, Score)>> {
        let mut words = common_words(best, reader)?;
        words.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        words.truncate(WEIGHED_WORDS);
        for (word, weight) in &mut words {
            *weight *=
                WordQuery::new(word, 1.0, reader.fields).word_weight(reader.searcher)?.rarity;
        }
        words.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        words.truncate(WORDS);
        let total: Score = words.iter().map(|(_, weight)| weight).sum();
        let scale = self.typed * SHARE / (1.0 - SHARE) / total.max(Score::MIN_POSITIVE);
        Ok(words
            .into_iter()
            .map(|(word, weight)| (WordQuery::new(&word, weight * scale, reader.fields), weight))
            .collect())
    }
}

impl Stage for Feedback {
    fn depth(&self) -> usize {
        usize::MAX
    }

    fn add(&self, best: &mut [Candidate], reader: &Reader<'_>) -> tantivy::Result<()> {
        let segments = by_segment(best);
        for (word, _) in self.words(best, reader)? {
            let weight = word.word_weight(reader.searcher)?;
            for (segment, docs) in &segments {
                let Some(mut scorer) =
                    weight.word_scorer(reader.searcher.segment_reader(*segment))?
                else {
                    continue;
                };
                for (doc, place) in docs {
                    if scorer.doc() < *doc {
                        scorer.seek(*doc);
                    }
                    if scorer.doc() == *doc {
                        best[*place].1 += scorer.score();
                    }
                }
            }
        }
        Ok(())
    }
}

/// The stems that at least two of the best documents share, each with its frequency in them.
fn common_words(best: &[Candidate], reader: &Reader<'_>) -> tantivy::Result<Vec<(String, Score)>> {
    let most = best.first().map_or(0.0, |(_, score)| *score);
    let mut words: BTreeMap<String, (Score, u32)> = BTreeMap::new();
    let mut analyzer = stemming_analyzer();
    for (address, score) in best.iter().take(DOCUMENTS).filter(|(_, score)| *score > 0.0) {
        let text = (reader.text)(*address)?;
        let text = &text[..text.floor_char_boundary(READ_BYTES)];
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let mut length: u32 = 0;
        analyzer.token_stream(text).process(&mut |token| {
            length += 1;
            if token.text.len() >= LEAST_LETTERS && !is_stop_word(&token.text) {
                *counts.entry(token.text.clone()).or_default() += 1;
            }
        });
        let weight = (score / most).powi(SHARPNESS);
        for (word, count) in counts {
            #[expect(clippy::cast_precision_loss, reason = "counts of one text are small")]
            let frequency = count as Score / length as Score;
            let (sum, documents) = words.entry(word).or_default();
            *sum += frequency * weight;
            *documents += 1;
        }
    }
    Ok(words
        .into_iter()
        .filter(|(_, (_, documents))| *documents > 1)
        .map(|(word, (sum, _))| (word, sum))
        .collect())
}
