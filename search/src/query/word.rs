//! One word, scored over all texts of a document as if they were one.
//!
//! The score is BM25F (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted
//! fields", 2004): how often the word occurs and how long the text is are added up over the fields,
//! each with its weight, before BM25 is applied once. A sum of one BM25 a field would let a word that
//! occurs once in two fields outweigh a rarer one, and would take each field's length for the
//! document's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{
    DocId, DocSet, InvertedIndexReader, Score, Searcher, SegmentOrdinal, SegmentReader, TERMINATED,
    Term,
};

use super::window::Window;
use crate::schema::{Fields, TextField};

/// How soon further occurrences of a word stop counting (BM25's k1). Above the usual 1.2, which
/// lowers nDCG@10 by 0.02 on the education questions and hardly changes the Cranfield ones.
pub(super) const SATURATION: f32 = 1.6;

/// How much a long text counts against a document (BM25's b). Below the usual 0.75, because a full
/// account of an intervention is longer than a note on it without being about more: with 0.65 the
/// education questions and subject headings lose, with 0.5 titles that are looked for and the Cranfield
/// questions.
pub(super) const LENGTH_SHARE: f32 = 0.6;

/// Words that are kept once looked up: the frequent ones, which most searches look at again to see what
/// the best documents have in common. A word takes a kilobyte.
const MAX_KNOWN: usize = 4_096;

/// What an occurrence in a field counts, and a word of its length.
const fn weight(field: TextField) -> f32 {
    match field {
        TextField::Summary => 1.0,
        TextField::Full => 0.5,
    }
}

/// The texts of one state of the index: where their words stand, and how long they are. Worked out once
/// for each state, since every search reads it for every word.
pub(crate) struct Texts {
    documents: u64,
    segments: Vec<SegmentTexts>,
    /// Words that were looked up, by their stems.
    known: Mutex<BTreeMap<String, Word>>,
}

struct SegmentTexts {
    words: [Arc<InvertedIndexReader>; TextField::ALL.len()],
    lengths: Arc<SegmentLengths>,
}

impl Texts {
    #[expect(clippy::cast_precision_loss, reason = "a mean length is enough")]
    pub(crate) fn of(searcher: &Searcher, fields: &Fields) -> tantivy::Result<Self> {
        let documents = searcher.total_num_docs()?;
        let mut total = 0.0;
        for field in TextField::ALL {
            total += weight(field) * searcher.total_num_tokens(fields.text(field))? as Score;
        }
        let mean = (total / documents.max(1) as Score).max(1.0);
        let mut segments = Vec::with_capacity(searcher.segment_readers().len());
        for reader in searcher.segment_readers() {
            let [summary, full] =
                TextField::ALL.map(|field| reader.inverted_index(fields.text(field)));
            let lengths = Arc::new(SegmentLengths::of(reader, fields, mean)?);
            segments.push(SegmentTexts { words: [summary?, full?], lengths });
        }
        Ok(Self { documents, segments, known: Mutex::default() })
    }

    /// How many documents there are.
    pub(super) fn documents(&self) -> u64 {
        self.documents
    }

    /// Where the word with this stem stands; `boost` multiplies its score.
    pub(crate) fn look_up(&self, stem: &str, boost: Score) -> tantivy::Result<Word> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(word) = known().get(stem) {
            return Ok(Word { boost, ..word.clone() });
        }
        let word = self.read(stem)?;
        let mut known = known();
        if known.len() < MAX_KNOWN {
            known.insert(stem.to_owned(), word.clone());
        }
        Ok(Word { boost, ..word })
    }

    fn read(&self, stem: &str) -> tantivy::Result<Word> {
        // The dictionary of a field has the words without the field.
        let term = Term::from_field_text(Field::from_field_id(0), stem);
        let mut segments = Vec::with_capacity(self.segments.len());
        let mut documents = [0; TextField::ALL.len()];
        for SegmentTexts { words, .. } in &self.segments {
            let mut infos = [None, None];
            for ((info, documents), words) in infos.iter_mut().zip(&mut documents).zip(words) {
                *info = words.get_term_info(&term)?;
                *documents += info.as_ref().map_or(0, |info| u64::from(info.doc_freq));
            }
            segments.push(infos);
        }
        // Most words of a full text are in its summary as well, so that a sum would count twice.
        let documents = documents.into_iter().max().unwrap_or(0);
        let rarity = rarity(documents, self.documents);
        Ok(Word { segments: segments.into(), documents, rarity, boost: 1.0 })
    }

    /// Where a word stands in a segment, field by field, with how much an occurrence counts.
    pub(super) fn postings(
        &self,
        word: &Word,
        segment: SegmentOrdinal,
        option: IndexRecordOption,
    ) -> tantivy::Result<[Option<(SegmentPostings, Score)>; TextField::ALL.len()]> {
        let segment = segment as usize;
        let mut fields = [None, None];
        for (place, field) in TextField::ALL.into_iter().enumerate() {
            if let Some(info) = &word.segments[segment][place] {
                let words = &self.segments[segment].words[place];
                let postings = words.read_postings_from_terminfo(info, option)?;
                fields[place] = Some((postings, weight(field)));
            }
        }
        Ok(fields)
    }

    /// The lengths of the texts of a segment.
    pub(super) fn lengths(&self, segment: SegmentOrdinal) -> &SegmentLengths {
        &self.segments[segment as usize].lengths
    }

    /// The documents of a segment in which a word occurs; none where it occurs in none.
    pub(super) fn scorer(
        &self,
        word: &Word,
        segment: SegmentOrdinal,
    ) -> tantivy::Result<Option<WordScorer>> {
        let fields = self.postings(word, segment, IndexRecordOption::WithFreqs)?;
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let lengths = Arc::clone(&self.segments[segment as usize].lengths);
        let mut scorer = WordScorer { fields, lengths, factor: word.rarity * word.boost, doc: 0 };
        scorer.find_doc();
        Ok(Some(scorer))
    }
}

/// A word, with where it stands in each segment.
#[derive(Debug, Clone)]
pub(crate) struct Word {
    segments: Arc<[[Option<TermInfo>; TextField::ALL.len()]]>,
    /// How many documents have it.
    pub(crate) documents: u64,
    pub(crate) rarity: Score,
    pub(super) boost: Score,
}

/// BM25's inverse document frequency, in the form that is never negative.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts is enough")]
fn rarity(with: u64, all: u64) -> Score {
    let (with, all) = (with as Score, all.max(with) as Score);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// What the lengths of the texts of one segment add to BM25's denominator.
pub(super) struct SegmentLengths {
    norms: Vec<(FieldNormReader, Vec<Score>)>,
}

impl SegmentLengths {
    /// Where texts have `mean` weighted words in the mean of the whole index.
    fn of(reader: &SegmentReader, fields: &Fields, mean: Score) -> tantivy::Result<Self> {
        let mut norms = Vec::with_capacity(TextField::ALL.len());
        for field in TextField::ALL {
            let table = (0..=u8::MAX)
                .map(|id| {
                    #[expect(clippy::cast_precision_loss, reason = "lengths are kept roughly")]
                    let words = FieldNormReader::id_to_fieldnorm(id) as Score;
                    SATURATION * LENGTH_SHARE * weight(field) * words / mean
                })
                .collect();
            norms.push((reader.get_fieldnorms_reader(fields.text(field))?, table));
        }
        Ok(Self { norms })
    }

    /// BM25's share of so many occurrences in a document: 0 to k1 + 1.
    pub(super) fn share(&self, doc: DocId, occurrences: Score) -> Score {
        let length: Score = self
            .norms
            .iter()
            .filter_map(|(norms, table)| table.get(usize::from(norms.fieldnorm_id(doc))))
            .sum();
        occurrences * (SATURATION + 1.0)
            / (occurrences + SATURATION * (1.0 - LENGTH_SHARE) + length)
    }
}

/// The documents of a segment in which a word occurs.
pub(super) struct WordScorer {
    fields: Vec<(SegmentPostings, Score)>,
    lengths: Arc<SegmentLengths>,
    factor: Score,
    doc: DocId,
}

impl WordScorer {
    /// The document at which it stands, or the end.
    pub(super) fn doc(&self) -> DocId {
        self.doc
    }

    fn find_doc(&mut self) {
        self.doc =
            self.fields.iter().map(|(postings, _)| postings.doc()).min().unwrap_or(TERMINATED);
    }

    fn advance(&mut self) {
        for (postings, _) in &mut self.fields {
            if postings.doc() == self.doc {
                postings.advance();
            }
        }
        self.find_doc();
    }

    /// Goes on to the first document that is not before `target`.
    fn seek(&mut self, target: DocId) {
        for (postings, _) in &mut self.fields {
            if postings.doc() < target {
                postings.seek(target);
            }
        }
        self.find_doc();
    }

    /// About how many documents of the segment it occurs in.
    pub(super) fn size(&self) -> u64 {
        self.fields.iter().map(|(postings, _)| u64::from(postings.size_hint())).sum()
    }

    /// Its score of one document, if that has it; documents are asked for in their order.
    pub(super) fn score_of(&mut self, doc: DocId) -> Option<Score> {
        if self.doc < doc {
            self.seek(doc);
        }
        (self.doc == doc).then(|| self.score())
    }

    /// The score of the document at which it stands.
    fn score(&self) -> Score {
        let counts = |(postings, weight): &(SegmentPostings, Score)| {
            if postings.doc() == self.doc { weight * count(postings) } else { 0.0 }
        };
        self.factor * self.lengths.share(self.doc, self.fields.iter().map(counts).sum())
    }

    /// Adds its scores to a window that starts where the one before ended, or later.
    pub(super) fn add_to(&mut self, window: &mut Window) {
        if self.doc < window.docs.start {
            self.seek(window.docs.start);
        }
        if let [(postings, weight)] = self.fields.as_mut_slice() {
            let mut doc = self.doc;
            while doc < window.docs.end {
                let share = if window.scored {
                    self.lengths.share(doc, *weight * count(postings))
                } else {
                    0.0
                };
                window.add(doc, self.factor * share);
                doc = postings.advance();
            }
            self.doc = doc;
            return;
        }
        while self.doc < window.docs.end {
            let score = if window.scored { self.score() } else { 0.0 };
            window.add(self.doc, score);
            self.advance();
        }
    }
}

/// How often a word occurs in the document at which its postings stand.
#[expect(clippy::cast_precision_loss, reason = "what saturates needs no last digit")]
fn count(postings: &SegmentPostings) -> Score {
    postings.term_freq() as Score
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{document, index_of};

    #[test]
    fn words_that_were_looked_up_are_kept_and_not_more_than_so_many() {
        let (_folder, index) = index_of([document(1, "Chess")]);
        let texts = &index.view().texts;
        let word = texts.look_up("chess", 2.0).unwrap();
        let again = texts.look_up("chess", 3.0).unwrap();
        assert_eq!((word.boost, again.boost, again.documents), (2.0, 3.0, 1));
        for number in 0..MAX_KNOWN + 100 {
            assert_eq!(texts.look_up(&format!("word{number}"), 1.0).unwrap().documents, 0);
        }
        assert_eq!(texts.known.lock().unwrap().len(), MAX_KNOWN);
    }
}
