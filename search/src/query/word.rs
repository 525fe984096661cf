//! One word, scored over all texts of a document as if they were one.
//!
//! The score is BM25F (Robertson, Zaragoza and Taylor, "Simple BM25 extension to multiple weighted
//! fields", 2004): how often the word occurs and how long the text is are added up over the fields,
//! each with its weight, before BM25 is applied once. A sum of one BM25 a field would let a word that
//! occurs once in two fields outweigh a rarer one, and would take each field's length for the
//! document's.

use tantivy::fieldnorm::FieldNormReader;
use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::Bm25StatisticsProvider;
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, SegmentReader, TERMINATED, Term};

use super::matching::Window;
use crate::schema::{Fields, TextField};

/// How soon further occurrences of a word stop counting (BM25's k1). Above the usual 1.2, which
/// lowers nDCG@10 by 0.02 on the education questions and hardly changes the Cranfield ones.
pub(super) const SATURATION: f32 = 1.6;

/// How much a long text counts against a document (BM25's b). Below the usual 0.75, because a full
/// account of an intervention is longer than a note on it without being about more.
pub(super) const LENGTH_SHARE: f32 = 0.5;

/// What an occurrence in a field counts, and a word of its length.
const fn weight(field: TextField) -> f32 {
    match field {
        TextField::Summary => 1.0,
        TextField::Full => 0.5,
    }
}

/// A word in any of the text fields.
#[derive(Debug, Clone)]
pub(crate) struct WordQuery {
    terms: Vec<(Term, Score)>,
    boost: Score,
}

impl WordQuery {
    /// The word with this stem; `boost` multiplies its score.
    pub(crate) fn new(stem: &str, boost: Score, fields: &Fields) -> Self {
        let terms = TextField::ALL
            .iter()
            .map(|field| (Term::from_field_text(fields.text(*field), stem), weight(*field)))
            .collect();
        Self { terms, boost }
    }

    pub(super) fn word_weight(
        &self,
        statistics: &dyn Bm25StatisticsProvider,
    ) -> tantivy::Result<WordWeight> {
        let mut documents = 0;
        for (term, _) in &self.terms {
            // Most words of a full text are in its summary as well, so that a sum would count twice.
            documents = documents.max(statistics.doc_freq(term)?);
        }
        let lengths =
            Lengths::new(self.terms.iter().map(|(term, w)| (term.field(), *w)), statistics)?;
        let rarity = rarity(documents, statistics.total_num_docs()?);
        Ok(WordWeight { terms: self.terms.clone(), lengths, rarity, boost: self.boost })
    }
}

/// BM25's inverse document frequency, in the form that is never negative.
#[expect(clippy::cast_precision_loss, reason = "a ratio of counts is enough")]
fn rarity(with: u64, all: u64) -> Score {
    let (with, all) = (with as Score, all.max(with) as Score);
    (1.0 + (all - with + 0.5) / (with + 0.5)).ln()
}

/// How long documents are, in weighted words.
#[derive(Debug, Clone)]
pub(super) struct Lengths {
    weights: Vec<(Field, Score)>,
    mean: Score,
}

impl Lengths {
    #[expect(clippy::cast_precision_loss, reason = "a mean length is enough")]
    fn new(
        weights: impl Iterator<Item = (Field, Score)>,
        statistics: &dyn Bm25StatisticsProvider,
    ) -> tantivy::Result<Self> {
        let weights: Vec<(Field, Score)> = weights.collect();
        let mut total = 0.0;
        for (field, weight) in &weights {
            total += weight * statistics.total_num_tokens(*field)? as Score;
        }
        let mean = (total / statistics.total_num_docs()?.max(1) as Score).max(1.0);
        Ok(Self { weights, mean })
    }

    pub(super) fn of_segment(&self, reader: &SegmentReader) -> tantivy::Result<SegmentLengths> {
        let mut norms = Vec::with_capacity(self.weights.len());
        for (field, weight) in &self.weights {
            let table = (0..=u8::MAX)
                .map(|id| {
                    #[expect(clippy::cast_precision_loss, reason = "lengths are kept roughly")]
                    let words = FieldNormReader::id_to_fieldnorm(id) as Score;
                    SATURATION * LENGTH_SHARE * weight * words / self.mean
                })
                .collect();
            norms.push((reader.get_fieldnorms_reader(*field)?, table));
        }
        Ok(SegmentLengths { norms })
    }
}

/// What the lengths of the documents of one segment add to BM25's denominator.
pub(super) struct SegmentLengths {
    norms: Vec<(FieldNormReader, Vec<Score>)>,
}

impl SegmentLengths {
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

/// A word with what the whole index says of it.
#[derive(Debug)]
pub(super) struct WordWeight {
    terms: Vec<(Term, Score)>,
    pub(super) lengths: Lengths,
    pub(super) rarity: Score,
    boost: Score,
}

impl WordWeight {
    /// Where the word occurs in a segment, field by field, with how much an occurrence counts.
    pub(super) fn postings(
        &self,
        reader: &SegmentReader,
        option: IndexRecordOption,
    ) -> tantivy::Result<Vec<Option<(SegmentPostings, Score)>>> {
        let mut fields = Vec::with_capacity(self.terms.len());
        for (term, weight) in &self.terms {
            let inverted = reader.inverted_index(term.field())?;
            let postings = inverted.read_postings(term, option)?;
            fields.push(postings.map(|postings| (postings, *weight)));
        }
        Ok(fields)
    }

    /// The documents of a segment in which the word occurs; none where it occurs in none.
    pub(super) fn word_scorer(
        &self,
        reader: &SegmentReader,
    ) -> tantivy::Result<Option<WordScorer>> {
        let fields = self.postings(reader, IndexRecordOption::WithFreqs)?;
        let fields: Vec<_> = fields.into_iter().flatten().collect();
        if fields.is_empty() {
            return Ok(None);
        }
        let lengths = self.lengths.of_segment(reader)?;
        let mut scorer = WordScorer { fields, lengths, factor: self.rarity * self.boost, doc: 0 };
        scorer.find_doc();
        Ok(Some(scorer))
    }
}

/// The documents of a segment in which a word occurs.
pub(super) struct WordScorer {
    fields: Vec<(SegmentPostings, Score)>,
    lengths: SegmentLengths,
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
    pub(super) fn seek(&mut self, target: DocId) {
        for (postings, _) in &mut self.fields {
            if postings.doc() < target {
                postings.seek(target);
            }
        }
        self.find_doc();
    }

    /// The score of the document at which it stands.
    pub(super) fn score(&self) -> Score {
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
