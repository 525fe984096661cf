//! What the best documents have in common, taken for what was meant.
//!
//! This is pseudo-relevance feedback after the relevance model RM3 (Lavrenko and Croft, "Relevance
//! based language models", 2001; Abdul-Jaleel and others, "UMass at TREC 2004"): words that are
//! frequent in the best documents and rare elsewhere are looked for as well, with a small share of
//! the weight. They only order what matches the words that were typed: nothing is found for them
//! alone, so that the count of results and its facets stay those of what was typed.

use std::collections::BTreeMap;

use tantivy::Score;
use tantivy::tokenizer::{TextAnalyzer, TokenStream};

use super::rerank::{Candidate, Reader, Stage, by_segment};
use super::stop_words::is_stop_word;
use super::word::Word;
use crate::threads::in_parts;
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
    fn words(&self, best: &[Candidate], reader: &Reader<'_>) -> tantivy::Result<Vec<Word>> {
        let mut common = common_words(best, reader)?;
        common.sort_by(|(_, left), (_, right)| right.total_cmp(left));
        common.truncate(WEIGHED_WORDS);
        let mut words = Vec::with_capacity(common.len());
        for (word, weight) in common {
            let mut word = reader.texts.look_up(&word, weight)?;
            word.boost *= word.rarity;
            words.push(word);
        }
        words.sort_by(|left, right| right.boost.total_cmp(&left.boost));
        words.truncate(WORDS);
        let total: Score = words.iter().map(|word| word.boost).sum();
        let scale = self.typed * SHARE / (1.0 - SHARE) / total.max(Score::MIN_POSITIVE);
        words.iter_mut().for_each(|word| word.boost *= scale);
        Ok(words)
    }
}

impl Stage for Feedback {
    fn depth(&self) -> usize {
        usize::MAX
    }

    fn add(&self, best: &mut [Candidate], reader: &Reader<'_>) -> tantivy::Result<()> {
        let segments = by_segment(best);
        let scores = |words: &[Word]| -> tantivy::Result<Vec<Score>> {
            let mut scores = vec![0.0; best.len()];
            for word in words {
                for (segment, docs) in &segments {
                    let Some(mut scorer) = reader.texts.scorer(word, *segment)? else { continue };
                    for (doc, place) in docs {
                        scores[*place] += scorer.score_of(*doc).unwrap_or(0.0);
                    }
                }
            }
            Ok(scores)
        };
        for scores in in_parts(&self.words(best, reader)?, reader.texts.documents(), scores)? {
            for ((_, score), more) in best.iter_mut().zip(scores) {
                *score += more;
            }
        }
        Ok(())
    }
}

/// The stems that at least two of the best documents share, each with its frequency in them.
fn common_words(best: &[Candidate], reader: &Reader<'_>) -> tantivy::Result<Vec<(String, Score)>> {
    let most = best.first().map_or(0.0, |(_, score)| *score);
    let best = &best[..best.len().min(DOCUMENTS)];
    let read = |best: &[Candidate]| -> tantivy::Result<Vec<BTreeMap<String, Score>>> {
        let mut analyzer = stemming_analyzer();
        let with_score = best.iter().filter(|(_, score)| *score > 0.0);
        with_score
            .map(|(address, score)| {
                let weight = (score / most).powi(SHARPNESS);
                Ok(frequencies(&(reader.text)(*address)?, weight, &mut analyzer))
            })
            .collect()
    };
    let mut words: BTreeMap<String, (Score, u32)> = BTreeMap::new();
    for of_document in in_parts(best, reader.texts.documents(), read)?.into_iter().flatten() {
        for (word, frequency) in of_document {
            let (sum, documents) = words.entry(word).or_default();
            *sum += frequency;
            *documents += 1;
        }
    }
    let common = words.into_iter().filter(|(_, (_, documents))| *documents > 1);
    Ok(common.map(|(word, (sum, _))| (word, sum)).collect())
}

/// The stems of how a text begins, stop words and short ones left out, each with its frequency times
/// `weight`.
pub(crate) fn frequencies(
    text: &str,
    weight: Score,
    analyzer: &mut TextAnalyzer,
) -> BTreeMap<String, Score> {
    let text = &text[..text.floor_char_boundary(READ_BYTES)];
    let mut counts: BTreeMap<String, Score> = BTreeMap::new();
    let mut length = 0.0;
    analyzer.token_stream(text).process(&mut |token| {
        length += 1.0;
        if token.text.len() >= LEAST_LETTERS && !is_stop_word(&token.text) {
            *counts.entry(token.text.clone()).or_default() += 1.0;
        }
    });
    counts.values_mut().for_each(|count| *count *= weight / length);
    counts
}
