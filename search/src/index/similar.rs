//! More like this.

use std::collections::BTreeSet;

use tantivy::{DocAddress, Score};

use super::Index;
use crate::DocumentKey;
use crate::collect::Collect;
use crate::document::lineage_of;
use crate::hit::Hit;
use crate::query::feedback::frequencies;
use crate::query::matching::Clause;
use crate::query::parse::Parsed;
use crate::query::plan::plan;
use crate::query::{Filters, Query, QueryError, Sort};
use crate::snippet::Marker;
use crate::values::View;
use crate::words::stemming_analyzer;

/// Words that say what a record is about: those most frequent in it and rarest elsewhere.
const WORDS: usize = 15;

/// A record is like another if its text scores at least this share of what the other's own does.
const LIKENESS: Score = 0.2;

/// Records that are listed at most.
const MAX_SIMILAR: usize = 20;

impl Index {
    /// Up to `limit` records that are about the same as one of `keys`, the first that is held: of each
    /// lineage one, and none of its own lineage, in the order of what worked. `filters` decides what may
    /// be read.
    ///
    /// # Errors
    /// [`QueryError`] if the filters break a bound or the index cannot be read. What is not held is like
    /// nothing.
    pub fn more_like(
        &self,
        keys: impl IntoIterator<Item = DocumentKey>,
        filters: &Filters,
        limit: usize,
    ) -> Result<Vec<Hit>, QueryError> {
        filters.check()?;
        let limit = limit.min(MAX_SIMILAR);
        let view = self.view();
        let address = self.address(&view, keys)?;
        let Some(address) = address.filter(|_| limit > 0) else { return Ok(Vec::new()) };
        let shown = self.shown(&view.searcher, address)?;
        let mut plan = plan(&Parsed::default(), filters, &self.synonyms, &self.fields);
        plan.matching.any = Some(Clause::Any(weightiest(&view, &shown.text())?));

        let query = Query {
            filters: filters.clone(),
            sort: Sort::WhatWorked,
            facets: BTreeSet::new(),
            ..Query::new("")
        };
        let weight = plan.matching.weight(&view, true)?;
        // The record itself, or another one of its lineage, is among them.
        let best = Collect::new(&view, &query, limit + 1, true).run(&weight)?.best;
        let own_score = weight.score_of(address)?;
        let own_lineage = lineage_of(&shown.key, shown.lineage.as_ref());
        // Nothing was typed that could be marked.
        let marker = Marker::new(&[], &view.searcher, &self.fields)?;
        let mut hits = Vec::new();
        for (address, explanation) in best {
            let shown = self.shown(&view.searcher, address)?;
            if lineage_of(&shown.key, shown.lineage.as_ref()) != own_lineage
                && explanation.text >= LIKENESS * own_score
                && hits.len() < limit
            {
                hits.push(Hit::new(shown, explanation, &marker));
            }
        }
        Ok(hits)
    }

    /// Where the first of `keys` is that is held.
    fn address(
        &self,
        view: &View,
        keys: impl IntoIterator<Item = DocumentKey>,
    ) -> Result<Option<DocAddress>, QueryError> {
        for key in keys {
            for (segment, documents) in (0..).zip(self.places(view, [key])?) {
                if let Some(document) = documents.first() {
                    return Ok(Some(DocAddress::new(segment, *document)));
                }
            }
        }
        Ok(None)
    }
}

/// The words that say what a text is about.
fn weightiest(view: &View, text: &str) -> Result<Vec<Clause>, QueryError> {
    let mut words = Vec::new();
    for (stem, frequency) in frequencies(text, 1.0, &mut stemming_analyzer()) {
        let word = view.texts.look_up(&stem, frequency)?;
        // What no other document has finds nothing.
        if word.documents > 1 {
            words.push((frequency * word.rarity, frequency, stem));
        }
    }
    words.sort_by(|(left, ..), (right, ..)| right.total_cmp(left));
    words.truncate(WORDS);
    Ok(words.into_iter().map(|(_, frequency, stem)| Clause::Word(stem, frequency)).collect())
}

#[cfg(test)]
mod tests {
    use crate::evidence::LineageEvidence;
    use crate::testing::{document, group, index_of, school};
    use crate::{Document, Filters, Index};

    fn about(number: u32, title: &str, text: &str) -> Document {
        let mut document = document(number, title);
        document.summary.abstract_text = text.to_owned();
        document
    }

    fn of_lineage(mut document: Document, origin: &Document) -> Document {
        document.lineage = Some(LineageEvidence {
            origin: (school(1), origin.key.record),
            strength: None,
            started: 2,
            reported: 0,
            stopped: 0,
            did_not_work: 0,
            effect: None,
            phases: Vec::new(),
        });
        document
    }

    fn like(index: &Index, one: &Document, filters: &Filters) -> Vec<String> {
        let hits = index.more_like([one.key], filters, 5).unwrap();
        hits.iter().map(|hit| hit.title.to_text()).collect()
    }

    #[test]
    fn finds_what_is_about_the_same_and_not_itself_nor_its_own_lineage() {
        let tried = about(1, "Repeated reading", "Pupils read short passages aloud until fluent.");
        let tried = of_lineage(tried.clone(), &tried);
        let adopted = of_lineage(about(2, "Repeated reading here", "Passages aloud."), &tried);
        let other = about(3, "Paired fluency", "Two pupils read passages aloud to be fluent.");
        let elsewhere = about(4, "Seating plans", "Who sits where in the room.");
        let mut hidden = about(5, "Fluent passages", "Pupils read passages aloud, fluent.");
        hidden.key.group = group(9);
        let (_folder, index) = index_of([tried.clone(), adopted, other, elsewhere.clone(), hidden]);
        let readable = Filters::default().within([group(1)]);
        assert_eq!(like(&index, &tried, &readable), ["Paired fluency"]);
        assert_eq!(like(&index, &elsewhere, &readable), Vec::<String>::new());
        assert_eq!(like(&index, &document(99, "not held"), &readable), Vec::<String>::new());
        assert_eq!(index.more_like([tried.key], &readable, 0).unwrap().len(), 0);
    }
    #[test]
    fn a_word_in_common_does_not_make_records_alike() {
        let echo = about(1, "Echo reading", "Pupils repeat short passages aloud until fluent.");
        let choral = about(2, "Choral reading", "Classes repeat passages aloud together, fluent.");
        let seats = about(3, "Seating plans", "Pupils sit in rows, boys beside girls, all year.");
        let (_folder, index) = index_of([echo.clone(), choral, seats]);
        assert_eq!(like(&index, &echo, &Filters::default()), ["Choral reading"]);
    }
}
