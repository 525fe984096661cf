//! What a person who is typing may be about to ask.

use std::collections::BTreeSet;

use super::Index;
use crate::collect::Collect;
use crate::facet::Facet;
use crate::query::matching::Matching;
use crate::query::parse::parse;
use crate::query::plan::plan;
use crate::query::vocabulary::Vocabulary;
use crate::query::{Filters, Query, QueryError, Sort};
use crate::values::View;
use crate::words::words;

/// Suggestions at once: more do not fit under a field.
const MAX_SUGGESTIONS: usize = 20;

/// Shorter beginnings of a word begin too many words for titles to be looked through.
const LEAST_LETTERS_FOR_TITLES: usize = 3;

/// Documents in which the rarest of the words is, beyond which no titles are looked through: that
/// many take some milliseconds.
const MAX_TITLE_MATCHES: u64 = 15_000;

/// The dimensions whose values are suggested.
const DIMENSIONS: [Facet; 6] = [
    Facet::Theme,
    Facet::Subject,
    Facet::PupilGroup,
    Facet::PracticeArea,
    Facet::DevelopmentDomain,
    Facet::Tag,
];

impl Index {
    /// Up to `limit` texts that a search may be about to be for, whose last word may be unfinished:
    /// values of dimensions, then titles of records that pass `filters`, then what was typed with its
    /// last word completed. Words and values come from everything that the index holds.
    ///
    /// # Errors
    /// [`QueryError::Engine`] if the index cannot be read. A text without a word has no suggestions.
    pub fn suggest(
        &self,
        text: &str,
        filters: &Filters,
        limit: usize,
    ) -> Result<Vec<String>, QueryError> {
        filters.check()?;
        let limit = limit.min(MAX_SUGGESTIONS);
        let Ok(parsed) = parse(text) else { return Ok(Vec::new()) };
        let Some(last) = parsed.last_word().cloned() else { return Ok(Vec::new()) };
        let view = self.view();
        let vocabulary = Vocabulary { view: &view, fields: &self.fields };
        let typed = text.trim().to_lowercase();
        let mut suggestions = Vec::new();
        for facet in DIMENSIONS {
            let field = self.fields.facet(facet);
            suggestions.extend(vocabulary.terms_beginning_with(field, &typed, limit)?);
        }
        let completions = vocabulary.beginning_with(&last)?;
        let row = words(text);
        // What is left out, or is the value of a dimension, is in no title that is wanted.
        if row.last() == Some(&last) && last.chars().count() >= LEAST_LETTERS_FOR_TITLES {
            suggestions.extend(self.titles(&row, &completions, filters, &view, limit)?);
        }
        let finished = typed.strip_suffix(&last).unwrap_or_default();
        suggestions.extend(completions.iter().map(|word| format!("{finished}{word}")));

        let mut known = BTreeSet::new();
        suggestions.retain(|suggestion| known.insert(suggestion.to_lowercase()));
        suggestions.truncate(limit);
        Ok(suggestions)
    }

    /// Whether one record that passes `filters` has all words of a text, those that mean little too; a
    /// text without a word has none that it lacks.
    ///
    /// # Errors
    /// [`QueryError`] if the filters break a bound or the index cannot be read.
    pub fn has_all_words(&self, text: &str, filters: &Filters) -> Result<bool, QueryError> {
        filters.check()?;
        let view = self.view();
        let mut matching = Matching::default();
        for word in words(text) {
            let one = parse(&word)?;
            matching.and(plan(&one, filters, &self.synonyms, &self.fields).matching);
        }
        let query = Query {
            filters: filters.clone(),
            sort: Sort::Newest,
            facets: BTreeSet::new(),
            ..Query::new("")
        };
        let weight = matching.weight(&view, false)?;
        Ok(Collect::new(&view, &query, 1, false).run(&weight)?.total > 0)
    }

    /// Titles in which every word stands, the last one as it is or completed to one of these.
    fn titles(
        &self,
        typed: &[String],
        completions: &[String],
        filters: &Filters,
        view: &View,
        limit: usize,
    ) -> Result<Vec<String>, QueryError> {
        let searcher = &view.searcher;
        let vocabulary = Vocabulary { view, fields: &self.fields };
        let mut matching = Matching::default();
        let mut fewest = u64::MAX;
        for (place, word) in typed.iter().enumerate() {
            let mut one = parse(word)?;
            if place + 1 == typed.len() {
                one.complete_with(completions);
            }
            fewest = fewest.min(vocabulary.postings(&one)?);
            matching.and(plan(&one, filters, &self.synonyms, &self.fields).matching);
        }
        if fewest > MAX_TITLE_MATCHES || limit == 0 {
            return Ok(Vec::new());
        }
        let query = Query {
            filters: filters.clone(),
            sort: Sort::Relevance,
            facets: BTreeSet::new(),
            ..Query::new("")
        };
        let weight = matching.weight(view, true)?;
        let best = Collect::new(view, &query, limit, true).run(&weight)?.best;
        let mut titles = Vec::new();
        for (address, _) in best {
            let title = self.shown(searcher, address)?.title;
            if stand_in(typed, &title) {
                titles.push(title);
            }
        }
        Ok(titles)
    }
}

fn stand_in(typed: &[String], title: &str) -> bool {
    let title = words(title);
    let Some((last, before)) = typed.split_last() else { return false };
    before.iter().all(|word| title.contains(word))
        && title.iter().any(|word| word.starts_with(last.as_str()))
}

#[cfg(test)]
mod tests {
    use crate::testing::{document, group, index_of};
    use crate::{Facet, Filters};

    #[test]
    fn suggests_values_titles_and_words_for_an_unfinished_text() {
        let mut tagged = document(1, "Whole-class feedback in history");
        tagged.summary.tags = vec!["feedback sheet".to_owned()];
        let (_folder, index) = index_of([
            tagged,
            document(2, "Feedback without marking"),
            document(3, "Seating plans"),
        ]);
        let suggest = |text: &str| index.suggest(text, &Filters::default(), 8).unwrap();
        let found = suggest("feedb");
        assert_eq!(found[0], "feedback sheet");
        for title in ["Whole-class feedback in history", "Feedback without marking", "feedback"] {
            assert!(found.contains(&title.to_owned()), "{title}: {found:?}");
        }
        assert_eq!(suggest("Whole class fee")[0], "Whole-class feedback in history");
        assert!(suggest("whole class fee").contains(&"whole class feedback".to_owned()));
        assert!(suggest("zzz").is_empty() && suggest("").is_empty() && suggest("(((").is_empty());
        assert_eq!(index.suggest("s", &Filters::default(), 1).unwrap().len(), 1);
    }

    #[test]
    fn words_are_had_by_one_record_or_not() {
        let (_folder, index) =
            index_of([document(1, "Feedback without marking"), document(2, "Chess for the quiet")]);
        let has = |text: &str| index.has_all_words(text, &Filters::default()).unwrap();
        assert!(has("marking, feedback") && has("chess for the quiet"));
        assert!(!has("marking and feedback"), "no record has an and");
        assert!(
            !has("marking chess") && !has("Jayden chess") && !has("\"Jayden\"") && !has("-Jayden")
        );
        let elsewhere = Filters::default().with(Facet::Group, group(9));
        assert!(!index.has_all_words("chess", &elsewhere).unwrap());
    }

    #[test]
    fn titles_are_those_that_pass_the_filters() {
        let (_folder, index) = index_of([document(1, "Feedback without marking")]);
        let elsewhere = Filters::default().with(Facet::Group, group(9));
        let found = index.suggest("feedback", &elsewhere, 8).unwrap();
        assert!(!found.contains(&"Feedback without marking".to_owned()), "{found:?}");
    }
}
