//! Which documents match, and how well their texts fit, a window of documents at a time.
//!
//! Each clause adds its scores to a window, and the window is read once all have: a document that
//! several words match costs an addition each. Asking a tree of scorers for one document after the
//! other, as the engine does where it has to count every match, took half as long again.

use std::ops::Range;
use std::sync::Arc;

use tantivy::query::{EnableScoring, Query as EngineQuery, Scorer, Weight};
use tantivy::{DocAddress, DocId, Score, SegmentOrdinal, TERMINATED};

use super::window::{WINDOW, Window};
use super::word::{Word, WordScorer};
use crate::values::View;

/// Documents of a window that are looked up one by one in what is to fulfil another clause as well.
const FEW: u32 = WINDOW as u32 / 32;

/// Matches that are handed on at once, so that the processor can fetch what is read of the next ones
/// while it waits for the first.
const BLOCK: usize = if cfg!(test) { 24 } else { 256 };

/// A document that matches, with the score of its text.
pub(crate) type Match = (DocId, Score);

/// A part of a query.
#[derive(Debug)]
pub(crate) enum Clause {
    /// The word with this stem, whose score counts so much.
    Word(String, Score),
    /// Any of these, which add up.
    Any(Vec<Clause>),
    /// Any of these, the best of which counts in full and the others this share.
    Best(Vec<Clause>, Score),
    /// What the engine finds and scores, times this; a weight of 0 makes it a filter.
    Engine(Box<dyn EngineQuery>, Score),
    /// What fulfils a clause, with this score each.
    Constant(Box<Clause>, Score),
    /// A filter: these documents, segment by segment and each in order.
    Documents(Arc<Vec<Vec<DocId>>>),
}

/// What documents have to fulfil: all of `required` and none of `excluded`. Where there is `any`, it
/// adds to the scores, and decides as well where nothing that is required is scored.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    pub(crate) any: Option<Clause>,
    pub(crate) required: Vec<Clause>,
    pub(crate) excluded: Vec<Clause>,
}

impl Matching {
    /// Only what fulfils another as well.
    pub(crate) fn and(&mut self, other: Self) {
        self.required.extend(other.any);
        self.required.extend(other.required);
        self.excluded.extend(other.excluded);
    }

    /// Looks up what the whole index says of the words.
    pub(crate) fn weight<'a>(
        &self,
        view: &'a View,
        scored: bool,
    ) -> tantivy::Result<MatchingWeight<'a>> {
        Ok(MatchingWeight {
            view,
            any: self.any.as_ref().map(|any| any.weight(view, scored)).transpose()?,
            any_decides: !self.required.iter().any(Clause::is_scored),
            required: weights(&self.required, view, scored)?,
            excluded: weights(&self.excluded, view, false)?,
            scored,
        })
    }
}

impl Clause {
    /// A filter: it decides whether a document passes and adds nothing to its score.
    pub(crate) fn filter(query: impl EngineQuery) -> Self {
        Self::Engine(Box::new(query), 0.0)
    }

    fn is_scored(&self) -> bool {
        match self {
            Self::Engine(_, weight) => *weight > 0.0,
            Self::Documents(_) => false,
            Self::Word(..) | Self::Any(_) | Self::Best(..) | Self::Constant(..) => true,
        }
    }

    /// How rare its words are together. Of several forms of one meaning the rarest counts, and what is
    /// no word counts nothing.
    pub(crate) fn rarity(&self, view: &View) -> tantivy::Result<Score> {
        let each = |clauses: &[Self]| -> tantivy::Result<Vec<Score>> {
            clauses.iter().map(|clause| clause.rarity(view)).collect()
        };
        Ok(match self {
            Self::Word(stem, weight) => weight * view.texts.look_up(stem, 1.0)?.rarity,
            Self::Any(clauses) => each(clauses)?.iter().sum(),
            Self::Best(clauses, _) => each(clauses)?.into_iter().fold(0.0, Score::max),
            Self::Constant(clause, _) => clause.rarity(view)?,
            Self::Engine(..) | Self::Documents(_) => 0.0,
        })
    }

    fn weight(&self, view: &View, scored: bool) -> tantivy::Result<ClauseWeight> {
        let all = |clauses: &[Self]| weights(clauses, view, scored);
        Ok(match self {
            Self::Word(stem, weight) => ClauseWeight::Word(view.texts.look_up(stem, *weight)?),
            Self::Any(clauses) => ClauseWeight::Any(all(clauses)?),
            Self::Best(clauses, further) => ClauseWeight::Best(all(clauses)?, *further),
            Self::Engine(query, weight) => {
                let scoring = if scored && *weight > 0.0 {
                    EnableScoring::enabled_from_searcher(&view.searcher)
                } else {
                    EnableScoring::disabled_from_searcher(&view.searcher)
                };
                ClauseWeight::Engine(query.weight(scoring)?, *weight)
            }
            Self::Constant(clause, score) => {
                ClauseWeight::Constant(Box::new(clause.weight(view, false)?), *score)
            }
            Self::Documents(documents) => ClauseWeight::Documents(Arc::clone(documents)),
        })
    }
}

fn weights(clauses: &[Clause], view: &View, scored: bool) -> tantivy::Result<Vec<ClauseWeight>> {
    clauses.iter().map(|clause| clause.weight(view, scored)).collect()
}

/// A part of a query with what the whole index says of it.
enum ClauseWeight {
    Word(Word),
    Any(Vec<Self>),
    Best(Vec<Self>, Score),
    Engine(Box<dyn Weight>, Score),
    Constant(Box<Self>, Score),
    Documents(Arc<Vec<Vec<DocId>>>),
}

impl ClauseWeight {
    fn scorer(&self, view: &View, segment: SegmentOrdinal) -> tantivy::Result<ClauseScorer> {
        Ok(match self {
            Self::Word(word) => match view.texts.scorer(word, segment)? {
                Some(word) => ClauseScorer::Word(word),
                None => ClauseScorer::Any(Vec::new()),
            },
            Self::Any(clauses) => ClauseScorer::Any(scorers(clauses, view, segment)?),
            Self::Best(clauses, further) => ClauseScorer::Best(Box::new(BestScorer {
                clauses: scorers(clauses, view, segment)?,
                further: *further,
                one: Window::default(),
                best: Window::default(),
                sum: Window::default(),
            })),
            Self::Engine(weight, factor) => {
                let reader = view.searcher.segment_reader(segment);
                ClauseScorer::Engine(weight.scorer(reader, *factor)?)
            }
            Self::Constant(clause, score) => ClauseScorer::Constant(Box::new(ConstantScorer {
                clause: clause.scorer(view, segment)?,
                score: *score,
                one: Window::default(),
            })),
            Self::Documents(documents) => ClauseScorer::Documents(DocumentsScorer {
                documents: Arc::clone(documents),
                segment: segment as usize,
                place: 0,
            }),
        })
    }
}

fn scorers(
    clauses: &[ClauseWeight],
    view: &View,
    segment: SegmentOrdinal,
) -> tantivy::Result<Vec<ClauseScorer>> {
    clauses.iter().map(|clause| clause.scorer(view, segment)).collect()
}

/// A query with what the whole index says of it.
pub(crate) struct MatchingWeight<'a> {
    view: &'a View,
    any: Option<ClauseWeight>,
    any_decides: bool,
    required: Vec<ClauseWeight>,
    excluded: Vec<ClauseWeight>,
    scored: bool,
}

impl MatchingWeight<'_> {
    /// The score of one document, 0 if it does not match.
    pub(crate) fn score_of(&self, address: DocAddress) -> tantivy::Result<Score> {
        let mut found = 0.0;
        let docs = address.doc_id..address.doc_id + 1;
        self.matches(address.segment_ord, docs, |matches| {
            found = matches.first().map_or(0.0, |(_, score)| *score);
        })?;
        Ok(found)
    }

    /// Calls `each` with the matches among some of a segment's documents that were not removed, some at
    /// a time in their order. Where scores are not asked for they mean nothing.
    pub(crate) fn matches(
        &self,
        segment: SegmentOrdinal,
        docs: Range<DocId>,
        mut each: impl FnMut(&[Match]),
    ) -> tantivy::Result<()> {
        let view = self.view;
        let mut any = self.any.as_ref().map(|any| any.scorer(view, segment)).transpose()?;
        let mut required = scorers(&self.required, view, segment)?;
        // What is rare first: of the others only what it leaves is looked up.
        required.sort_by_key(ClauseScorer::size);
        let mut excluded = scorers(&self.excluded, view, segment)?;
        let alive = view.searcher.segment_reader(segment).alive_bitset();
        let (mut found, mut other) = (Window::default(), Window::default());
        let mut matches: Vec<Match> = Vec::with_capacity(WINDOW);
        let mut start = docs.start;
        loop {
            // There is nothing before the next document of each clause that decides.
            let deciding = required.iter().chain(any.iter().filter(|_| self.any_decides));
            start = deciding.fold(start, |start, clause| start.max(clause.next()));
            if start >= docs.end {
                return Ok(());
            }
            found.reset(start..docs.end.min(start + WINDOW as DocId), self.scored);
            match required.split_first_mut() {
                Some((first, others)) => {
                    first.add_to(&mut found);
                    for clause in others {
                        other.reset(found.docs.clone(), self.scored);
                        clause.add_to_found(&mut other, &found);
                        found.keep(&other);
                    }
                    if let Some(any) = &mut any {
                        other.reset(found.docs.clone(), self.scored);
                        any.add_to_found(&mut other, &found);
                        if self.any_decides {
                            found.keep(&other);
                        } else {
                            found.add_scores(&other);
                        }
                    }
                }
                None => match &mut any {
                    Some(any) => any.add_to(&mut found),
                    None => found.docs.clone().for_each(|doc| found.add(doc, 0.0)),
                },
            }
            for clause in &mut excluded {
                if clause.next() < found.docs.end {
                    other.reset(found.docs.clone(), false);
                    clause.add_to_found(&mut other, &found);
                    found.leave_out(&other);
                }
            }
            matches.clear();
            found.for_each(|doc, score| {
                if alive.is_none_or(|alive| alive.is_alive(doc)) {
                    matches.push((doc, score));
                }
            });
            matches.chunks(BLOCK).for_each(&mut each);
            start = found.docs.end;
        }
    }
}

/// The documents of a segment that a part of a query matches.
enum ClauseScorer {
    Word(WordScorer),
    Any(Vec<Self>),
    Best(Box<BestScorer>),
    Engine(Box<dyn Scorer>),
    Constant(Box<ConstantScorer>),
    Documents(DocumentsScorer),
}

struct ConstantScorer {
    clause: ClauseScorer,
    score: Score,
    one: Window,
}

struct DocumentsScorer {
    documents: Arc<Vec<Vec<DocId>>>,
    segment: usize,
    place: usize,
}

struct BestScorer {
    clauses: Vec<ClauseScorer>,
    further: Score,
    one: Window,
    best: Window,
    sum: Window,
}

impl ClauseScorer {
    /// No document before this one matches that was not added yet.
    fn next(&self) -> DocId {
        let first = |clauses: &[Self]| clauses.iter().map(Self::next).min().unwrap_or(TERMINATED);
        match self {
            Self::Word(word) => word.doc(),
            Self::Any(clauses) => first(clauses),
            Self::Best(best) => first(&best.clauses),
            Self::Engine(scorer) => scorer.doc(),
            Self::Constant(constant) => constant.clause.next(),
            Self::Documents(documents) => documents.left().first().copied().unwrap_or(TERMINATED),
        }
    }

    /// About how many documents match.
    fn size(&self) -> u64 {
        let all = |clauses: &[Self]| clauses.iter().map(Self::size).sum();
        match self {
            Self::Word(word) => word.size(),
            Self::Any(clauses) => all(clauses),
            Self::Best(best) => all(&best.clauses),
            Self::Engine(scorer) => scorer.size_hint().into(),
            Self::Constant(constant) => constant.clause.size(),
            Self::Documents(documents) => documents.left().len() as u64,
        }
    }

    /// Adds its scores to a window as [`add_to`](Self::add_to) does, of which only those of documents in
    /// `found` matter.
    fn add_to_found(&mut self, window: &mut Window, found: &Window) {
        if found.count() > FEW {
            return self.add_to(window);
        }
        match self {
            Self::Word(word) => found.for_each(|doc, _| {
                if let Some(score) = word.score_of(doc) {
                    window.add(doc, score);
                }
            }),
            Self::Any(clauses) => {
                clauses.iter_mut().for_each(|clause| clause.add_to_found(window, found));
            }
            Self::Best(best) => best.add(window, |clause, one| clause.add_to_found(one, found)),
            Self::Constant(constant) => constant.add(window, |clause, one| {
                clause.add_to_found(one, found);
            }),
            Self::Documents(documents) => documents.add_to(window),
            Self::Engine(scorer) => found.for_each(|doc, _| {
                if scorer.doc() < doc {
                    scorer.seek(doc);
                }
                if scorer.doc() == doc {
                    window.add(doc, if window.scored { scorer.score() } else { 0.0 });
                }
            }),
        }
    }

    /// Adds its scores to a window that starts where the one before ended, or later.
    fn add_to(&mut self, window: &mut Window) {
        match self {
            Self::Word(word) => word.add_to(window),
            Self::Any(clauses) => clauses.iter_mut().for_each(|clause| clause.add_to(window)),
            Self::Best(best) => best.add(window, Self::add_to),
            Self::Constant(constant) => constant.add(window, Self::add_to),
            Self::Documents(documents) => documents.add_to(window),
            Self::Engine(scorer) => {
                let mut doc = scorer.doc();
                if doc < window.docs.start {
                    doc = scorer.seek(window.docs.start);
                }
                while doc < window.docs.end {
                    window.add(doc, if window.scored { scorer.score() } else { 0.0 });
                    doc = scorer.advance();
                }
            }
        }
    }
}

impl BestScorer {
    fn add(&mut self, window: &mut Window, add: impl Fn(&mut ClauseScorer, &mut Window)) {
        self.best.reset(window.docs.clone(), window.scored);
        self.sum.reset(window.docs.clone(), window.scored);
        for clause in self.clauses.iter_mut().filter(|one| one.next() < window.docs.end) {
            self.one.reset(window.docs.clone(), window.scored);
            add(clause, &mut self.one);
            self.one.for_each(|doc, score| {
                self.sum.add(doc, score);
                self.best.raise(doc, score);
            });
        }
        self.sum.for_each(|doc, sum| {
            let best = self.best.score(doc);
            window.add(doc, best + self.further * (sum - best));
        });
    }
}

impl ConstantScorer {
    fn add(&mut self, window: &mut Window, add: impl FnOnce(&mut ClauseScorer, &mut Window)) {
        self.one.reset(window.docs.clone(), false);
        add(&mut self.clause, &mut self.one);
        self.one.for_each(|doc, _| window.add(doc, self.score));
    }
}

impl DocumentsScorer {
    /// Those that were not added yet.
    fn left(&self) -> &[DocId] {
        self.documents.get(self.segment).map_or(&[], |documents| &documents[self.place..])
    }

    fn add_to(&mut self, window: &mut Window) {
        let before = self.left().partition_point(|doc| *doc < window.docs.start);
        let within = self.left()[before..].partition_point(|doc| *doc < window.docs.end);
        self.left()[before..before + within].iter().for_each(|doc| window.add(*doc, 0.0));
        self.place += before + within;
    }
}
