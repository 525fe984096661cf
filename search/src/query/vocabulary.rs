//! The words that the index knows: misspelled words are put right with them, and beginnings of words
//! completed.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use tantivy::Term;
use tantivy::query::FuzzyTermQuery;
use tantivy::schema::Field;

use super::Filters;
use super::parse::Parsed;
use super::synonyms::Synonyms;
use crate::facet::Facet;
use crate::schema::Fields;
use crate::values::View;
use crate::words::{stem, words};

/// A word in more documents than this is taken as it was typed, however near to others it is.
const FEW_DOCUMENTS: u64 = 2;

/// A word in few documents is looked for as it was typed, and one that is near to it as well if that
/// is in so many times as many documents.
const MUCH_MORE_FREQUENT: u64 = 20;

/// Shorter words are too near to too many others.
const LEAST_LETTERS: usize = 4;

/// From so many letters on, two of them may be wrong.
const LEAST_LETTERS_FOR_TWO: usize = 8;

/// Words that one misspelled word may have meant.
const MAX_SIMILAR: usize = 3;

/// Misspelled words in one query, as each costs a walk through the dictionary.
const MAX_RESPELLED: usize = 4;

/// What a word counts that is one letter, or two letters, from what was typed.
const SIMILAR_WEIGHTS: [f32; 2] = [0.7, 0.5];

/// Words that one beginning is completed to.
const MAX_COMPLETIONS: usize = 10;

/// Words of the dictionary that are read for one beginning, or for one misspelled word in each segment.
/// Beginnings of one letter have more, of which the most frequent are then not found.
const MAX_READ: usize = 5_000;

/// Values of one dimension that a typed one is compared with, in each segment. Only tags have more.
const MAX_VALUES: usize = 2_000;

/// The dictionary of a whole index.
pub(crate) struct Vocabulary<'a> {
    pub(crate) view: &'a View,
    pub(crate) fields: &'a Fields,
}

impl Vocabulary<'_> {
    /// Puts right the words of a query that the index does not know, and adds what words that it
    /// hardly knows may have meant. Returns what each unknown word was taken for.
    pub(crate) fn respell(&self, parsed: &mut Parsed) -> tantivy::Result<BTreeMap<String, String>> {
        let mut taken_for = BTreeMap::new();
        let mut looked_up = 0;
        for (word, _) in parsed.words.clone() {
            if !may_be_misspelled(&word) || looked_up == MAX_RESPELLED {
                continue;
            }
            let documents = self.documents(&word)?;
            if documents > FEW_DOCUMENTS {
                continue;
            }
            looked_up += 1;
            let mut similar = self.similar(&word)?;
            if documents > 0 {
                similar.retain(|(_, found)| found.documents >= documents * MUCH_MORE_FREQUENT);
            } else if similar.is_empty()
                && let Some(parts) = self.parts(&word)?
            {
                taken_for.insert(word.clone(), parts.join(" "));
                parsed.replace(&word, &parts);
                continue;
            } else if let Some((best, _)) = similar.first().cloned() {
                similar.remove(0);
                taken_for.insert(word.clone(), best.clone());
                parsed.replace(&word, std::slice::from_ref(&best));
                parsed.add_alternatives(&best, similar.into_iter().map(to_alternative));
                continue;
            }
            parsed.add_alternatives(&word, similar.into_iter().map(to_alternative));
        }
        Ok(taken_for)
    }

    /// Turns the dimensions of a query into filters; a value that the index does not have is taken as
    /// words.
    pub(crate) fn narrow(
        &self,
        parsed: &mut Parsed,
        filters: &mut Filters,
        synonyms: &Synonyms,
    ) -> tantivy::Result<()> {
        for (facet, value) in std::mem::take(&mut parsed.fields) {
            let values = self.values(facet, &value, synonyms)?;
            if values.is_empty() {
                parsed.add_words(&value);
            }
            for value in values {
                filters.accept(facet, value);
            }
        }
        Ok(())
    }

    /// The values of a dimension that are, or mean, what was typed: `maths` is mathematics. A number
    /// is that of a key stage or year.
    fn values(
        &self,
        facet: Facet,
        typed: &[String],
        synonyms: &Synonyms,
    ) -> tantivy::Result<BTreeSet<String>> {
        let mut forms = vec![typed.to_vec()];
        if typed.iter().all(|word| word.chars().all(|c| c.is_ascii_digit())) {
            if facet == Facet::KeyStage {
                forms.push(vec![format!("ks{}", typed.concat())]);
            } else if facet == Facet::YearGroup {
                forms.push(vec![format!("y{}", typed.concat())]);
            }
        }
        let stems = |words: &[String]| words.iter().map(|word| stem(word)).collect::<Vec<_>>();
        let forms: Vec<Vec<String>> = forms.iter().map(|form| stems(form)).collect();
        let mut values = BTreeSet::new();
        for segment in self.view.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.facet(facet))?;
            let mut terms = inverted.terms().stream()?;
            let mut read = 0;
            while read < MAX_VALUES && terms.advance() {
                read += 1;
                let value = String::from_utf8_lossy(terms.key());
                let known = stems(&words(&value));
                if forms.iter().any(|form| synonyms.same(form, &known)) {
                    values.insert(value.into_owned());
                }
            }
        }
        Ok(values)
    }

    /// Adds the words that the last one may be the beginning of.
    pub(crate) fn complete(&self, parsed: &mut Parsed) -> tantivy::Result<()> {
        if let Some(last) = parsed.last_word().cloned() {
            parsed.complete_with(&self.beginning_with(&last)?);
        }
        Ok(())
    }

    /// The most frequent words that begin so, and are longer.
    pub(crate) fn beginning_with(&self, start: &str) -> tantivy::Result<Vec<String>> {
        // One more, which may be the beginning itself.
        let mut found = self.terms_beginning_with(self.fields.words, start, MAX_COMPLETIONS + 1)?;
        found.retain(|word| word != start);
        found.truncate(MAX_COMPLETIONS);
        Ok(found)
    }

    /// The `most` terms of a field that begin so and are in the most documents, those first.
    pub(crate) fn terms_beginning_with(
        &self,
        field: Field,
        start: &str,
        most: usize,
    ) -> tantivy::Result<Vec<String>> {
        if start.is_empty() || most == 0 {
            return Ok(Vec::new());
        }
        let readers = self.view.searcher.segment_readers().iter();
        let readers: Vec<_> =
            readers.map(|reader| reader.inverted_index(field)).collect::<Result<_, _>>()?;
        let mut streams = Vec::with_capacity(readers.len());
        for reader in &readers {
            let mut stream = reader.terms().range().ge(start).into_stream()?;
            if stream.advance() {
                streams.push(stream);
            }
        }
        // The dictionaries of all segments are read as one.
        let mut best: Vec<(Reverse<u64>, String)> = Vec::new();
        let mut term: Vec<u8> = Vec::new();
        for _ in 0..MAX_READ {
            let Some(next) = streams.iter().map(|stream| stream.key()).min() else { break };
            if !next.starts_with(start.as_bytes()) {
                break;
            }
            term.clear();
            term.extend_from_slice(next);
            let mut documents = 0;
            streams.retain_mut(|stream| {
                if stream.key() != term {
                    return true;
                }
                documents += u64::from(stream.value().doc_freq);
                stream.advance()
            });
            let is_among_best = best.len() < most
                || best.last().is_some_and(|(Reverse(least), _)| documents > *least);
            if is_among_best && let Ok(term) = std::str::from_utf8(&term) {
                let place = best.partition_point(|(Reverse(more), _)| *more >= documents);
                best.insert(place, (Reverse(documents), term.to_owned()));
                best.truncate(most);
            }
        }
        Ok(best.into_iter().map(|(_, term)| term).collect())
    }

    /// How many documents have any of the words at most, what else they may mean included.
    pub(crate) fn postings(&self, parsed: &Parsed) -> tantivy::Result<u64> {
        let typed = parsed.words.iter().map(|(word, _)| word);
        let others = parsed.alternatives.values().flatten().map(|(word, _)| word);
        typed.chain(others).map(|word| self.documents(word)).sum()
    }

    /// How many documents have the word in any form.
    fn documents(&self, word: &str) -> tantivy::Result<u64> {
        Ok(self.view.texts.look_up(&stem(word), 1.0)?.documents)
    }

    /// The words nearest to one, those that are in the most documents first.
    fn similar(&self, word: &str) -> tantivy::Result<Vec<(String, Similar)>> {
        let most = if word.chars().count() < LEAST_LETTERS_FOR_TWO { 1 } else { 2 };
        for distance in 1..=most {
            let mut found: Vec<(String, Similar)> = self.within(word, distance)?;
            if !found.is_empty() {
                // People rarely get the first letter wrong.
                found.sort_by_key(|(other, similar)| {
                    (other.chars().next() != word.chars().next(), Reverse(similar.documents))
                });
                found.truncate(MAX_SIMILAR);
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    fn within(&self, word: &str, distance: u8) -> tantivy::Result<Vec<(String, Similar)>> {
        let term = Term::from_field_text(self.fields.words, word);
        let query = FuzzyTermQuery::new(term, distance, true);
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        for segment in self.view.searcher.segment_readers() {
            let inverted = segment.inverted_index(self.fields.words)?;
            let mut terms = inverted.terms().search(query.automaton()?).into_stream()?;
            let mut read = 0;
            while read < MAX_READ && terms.advance() {
                read += 1;
                if let Ok(other) = std::str::from_utf8(terms.key()) {
                    *found.entry(other.to_owned()).or_default() +=
                        u64::from(terms.value().doc_freq);
                }
            }
        }
        found.remove(word);
        Ok(found
            .into_iter()
            .map(|(other, documents)| (other, Similar { documents, distance }))
            .collect())
    }

    /// Two words that were written as one, such as "wholeclass".
    fn parts(&self, word: &str) -> tantivy::Result<Option<[String; 2]>> {
        let mut best: Option<(u64, [String; 2])> = None;
        for (at, _) in word.char_indices().skip(2) {
            let (first, second) = word.split_at(at);
            if second.chars().count() < 2 {
                break;
            }
            let documents = self.documents(first)?.min(self.documents(second)?);
            if documents > 0 && best.as_ref().is_none_or(|(most, _)| documents > *most) {
                best = Some((documents, [first.to_owned(), second.to_owned()]));
            }
        }
        Ok(best.map(|(_, parts)| parts))
    }
}

/// A word near to another.
#[derive(Debug, Clone, Copy)]
struct Similar {
    documents: u64,
    distance: u8,
}

fn to_alternative((word, similar): (String, Similar)) -> (String, f32) {
    let weight = SIMILAR_WEIGHTS[usize::from(similar.distance > 1)];
    (word, weight)
}

/// Codes such as `y4` are as people mean them, and what has no letters of a word is no word.
fn may_be_misspelled(word: &str) -> bool {
    word.chars().count() >= LEAST_LETTERS && word.chars().all(|c| c.is_alphabetic() || c == '\'')
}
