//! Stems of words, each worked out once: most words of a text are among a few thousand.

use std::collections::HashMap;

use tantivy::tokenizer::{TextAnalyzer, Token, TokenFilter, TokenStream, Tokenizer};

use super::{stem_with, word_stemmer};

/// Words whose stems are kept; further ones are worked out each time. Those that are met first are
/// mostly the frequent ones. They take about a megabyte.
const MAX_KNOWN: usize = 8_192;

/// Reduces each word to the English stem of its one spelling.
#[derive(Clone)]
pub(super) struct Stems;

pub(super) struct StemsTokenizer<T> {
    words: T,
    known: Known,
}

/// The copy of an analyzer begins without any.
impl<T: Clone> Clone for StemsTokenizer<T> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), known: Known::default() }
    }
}

pub(super) struct StemsStream<'a, S> {
    words: S,
    known: &'a mut Known,
}

struct Known {
    stemmer: TextAnalyzer,
    stems: HashMap<String, String>,
}

impl Default for Known {
    fn default() -> Self {
        Self { stemmer: word_stemmer(), stems: HashMap::new() }
    }
}

impl Known {
    fn stem(&mut self, word: &mut String) {
        if let Some(stem) = self.stems.get(word) {
            word.clone_from(stem);
            return;
        }
        let stem = stem_with(&mut self.stemmer, word);
        if self.stems.len() < MAX_KNOWN {
            self.stems.insert(word.clone(), stem.clone());
        }
        *word = stem;
    }
}

impl TokenFilter for Stems {
    type Tokenizer<T: Tokenizer> = StemsTokenizer<T>;

    fn transform<T: Tokenizer>(self, words: T) -> StemsTokenizer<T> {
        StemsTokenizer { words, known: Known::default() }
    }
}

impl<T: Tokenizer> Tokenizer for StemsTokenizer<T> {
    type TokenStream<'a> = StemsStream<'a, T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        StemsStream { words: self.words.token_stream(text), known: &mut self.known }
    }
}

impl<S: TokenStream> TokenStream for StemsStream<'_, S> {
    fn advance(&mut self) -> bool {
        if !self.words.advance() {
            return false;
        }
        self.known.stem(&mut self.words.token_mut().text);
        true
    }

    fn token(&self) -> &Token {
        self.words.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.words.token_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stem_that_is_kept_is_the_one_that_was_worked_out() {
        let mut known = Known::default();
        let mut stem = |word: &str| {
            let mut word = word.to_owned();
            known.stem(&mut word);
            word
        };
        for word in ["programmes", "running", "ks2"] {
            assert_eq!(stem(word), super::super::stem(word));
            assert_eq!(stem(word), super::super::stem(word), "again");
        }
    }

    #[test]
    fn no_more_stems_are_kept_than_so_many() {
        let mut known = Known::default();
        for number in 0..MAX_KNOWN + 10 {
            known.stem(&mut format!("code{number}"));
        }
        assert_eq!(known.stems.len(), MAX_KNOWN);
        let mut last = "runnings".to_owned();
        known.stem(&mut last);
        assert_eq!(last, super::super::stem("runnings"));
    }
}
