//! What a word is: the one rule by which documents and queries are cut into words.

mod spelling;
mod stems;

use std::borrow::Cow;
use std::str::CharIndices;

use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, RawTokenizer, Stemmer, TextAnalyzer, Token,
    TokenFilter, TokenStream, Tokenizer,
};

use spelling::spelling;
use stems::Stems;

/// Longer runs of letters and digits are encoded data or keyboard noise, and only fill the
/// dictionary. The longest English word in use has 45 letters.
const MAX_WORD_BYTES: usize = 64;

/// Cuts text into words and reduces each to the English stem of its one spelling.
pub(crate) fn stemming_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default())
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(OneSpelling)
        .filter(Stemmer::new(Language::English))
        .build()
}

/// Does the same and keeps stems, which pays for many texts: how text fields are indexed.
pub(crate) fn indexing_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default())
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stems)
        .build()
}

/// Cuts text into words as people write them, in lower case and without accents.
pub(crate) fn word_analyzer() -> TextAnalyzer {
    TextAnalyzer::builder(Words::default()).filter(LowerCaser).filter(AsciiFoldingFilter).build()
}

/// The words of `text` in lower case and without accents, not yet stemmed.
pub(crate) fn words(text: &str) -> Vec<String> {
    collect(&mut word_analyzer(), text)
}

/// The English stem of a word that [`words`] gave.
pub(crate) fn stem(word: &str) -> String {
    stem_with(&mut word_stemmer(), word)
}

/// Reduces one word to the English stem of its one spelling.
fn word_stemmer() -> TextAnalyzer {
    TextAnalyzer::builder(RawTokenizer::default())
        .filter(OneSpelling)
        .filter(Stemmer::new(Language::English))
        .build()
}

fn stem_with(stemmer: &mut TextAnalyzer, word: &str) -> String {
    collect(stemmer, word).pop().unwrap_or_default()
}

fn collect(analyzer: &mut TextAnalyzer, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    analyzer.token_stream(text).process(&mut |token| found.push(token.text.clone()));
    found
}

/// Runs of letters and digits, with an apostrophe inside a word kept so that the stemmer can take
/// off a possessive, and with combining accents and soft hyphens dropped.
#[derive(Clone, Default)]
struct Words {
    token: Token,
}

struct WordStream<'a> {
    chars: CharIndices<'a>,
    token: &'a mut Token,
}

impl Tokenizer for Words {
    type TokenStream<'a> = WordStream<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> WordStream<'a> {
        self.token.reset();
        WordStream { chars: text.char_indices(), token: &mut self.token }
    }
}

impl TokenStream for WordStream<'_> {
    fn advance(&mut self) -> bool {
        loop {
            let Some((start, first)) = self.chars.find(|(_, c)| c.is_alphanumeric()) else {
                return false;
            };
            self.token.text.clear();
            self.token.text.push(first);
            let end = self.take_rest(start + first.len_utf8());
            if end - start <= MAX_WORD_BYTES {
                self.token.offset_from = start;
                self.token.offset_to = end;
                self.token.position = self.token.position.wrapping_add(1);
                return true;
            }
        }
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

impl WordStream<'_> {
    /// Reads to the end of the word, which is returned as an offset into the text.
    fn take_rest(&mut self, mut end: usize) -> usize {
        loop {
            let mut ahead = self.chars.clone();
            let Some((at, c)) = ahead.next() else { return end };
            if c.is_alphanumeric() {
                self.push(c);
            } else if is_apostrophe(c) && ahead.next().is_some_and(|(_, c)| c.is_alphanumeric()) {
                self.push('\'');
            } else if !is_silent(c) {
                return end;
            }
            end = at + c.len_utf8();
            self.chars.next();
        }
    }

    fn push(&mut self, c: char) {
        if self.token.text.len() <= MAX_WORD_BYTES {
            self.token.text.push(c);
        }
    }
}

/// Writes each word in its one spelling.
#[derive(Clone)]
struct OneSpelling;

#[derive(Clone)]
struct OneSpellingTokenizer<T>(T);

struct OneSpellingStream<S>(S);

impl TokenFilter for OneSpelling {
    type Tokenizer<T: Tokenizer> = OneSpellingTokenizer<T>;

    fn transform<T: Tokenizer>(self, inner: T) -> OneSpellingTokenizer<T> {
        OneSpellingTokenizer(inner)
    }
}

impl<T: Tokenizer> Tokenizer for OneSpellingTokenizer<T> {
    type TokenStream<'a> = OneSpellingStream<T::TokenStream<'a>>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Self::TokenStream<'a> {
        OneSpellingStream(self.0.token_stream(text))
    }
}

impl<S: TokenStream> TokenStream for OneSpellingStream<S> {
    fn advance(&mut self) -> bool {
        if !self.0.advance() {
            return false;
        }
        let token = self.0.token_mut();
        if let Cow::Owned(spelled) = spelling(&token.text) {
            token.text = spelled;
        }
        true
    }

    fn token(&self) -> &Token {
        self.0.token()
    }

    fn token_mut(&mut self) -> &mut Token {
        self.0.token_mut()
    }
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{02BC}' | '\u{FF07}')
}

/// Combining accents, the soft hyphen and zero-width joiners: part of how a word is written and not
/// of which word it is.
fn is_silent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}' | '\u{00AD}' | '\u{200B}'..='\u{200D}' | '\u{2060}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stems(text: &str) -> Vec<String> {
        let stems = collect(&mut stemming_analyzer(), text);
        assert_eq!(collect(&mut indexing_analyzer(), text), stems);
        stems
    }

    #[test]
    fn cuts_at_punctuation_and_keeps_codes_whole() {
        assert_eq!(
            words("Year 7: fractions (KS2), impact_report"),
            ["year", "7", "fractions", "ks2", "impact", "report"]
        );
        assert!(words("… *** ??? \u{0}\u{7}").is_empty());
    }

    #[test]
    fn takes_off_possessives_whatever_the_apostrophe() {
        for text in ["pupil's", "pupil’s", "pupils’", "PUPILS", "'pupil'"] {
            assert_eq!(stems(text), ["pupil"], "{text}");
        }
        assert_eq!(words("don’t"), ["don't"]);
    }

    #[test]
    fn spells_accents_in_one_way() {
        for text in ["Café", "Cafe\u{301}", "cafe", "ca\u{AD}fe"] {
            assert_eq!(stems(text), stems("cafe"), "{text}");
        }
    }

    #[test]
    fn spells_words_of_two_spellings_in_one_way() {
        for (british, american) in [
            ("Behaviour programmes", "behavior programs"),
            ("organised", "organizing"),
            ("maths", "math"),
        ] {
            assert_eq!(stems(british), stems(american), "{british}");
        }
        assert_eq!(words("Behaviour"), ["behaviour"]);
    }

    #[test]
    fn drops_endless_words_and_goes_on_behind_them() {
        let text = format!("before {} after", "é".repeat(MAX_WORD_BYTES));
        assert_eq!(words(&text), ["before", "after"]);
    }

    #[test]
    fn offsets_point_at_the_words_as_written() {
        let text = "The cafe\u{301} ’s head’s plan";
        let mut found = Vec::new();
        stemming_analyzer()
            .token_stream(text)
            .process(&mut |token| found.push(&text[token.offset_from..token.offset_to]));
        assert_eq!(found, ["The", "cafe\u{301}", "s", "head’s", "plan"]);
    }

    #[test]
    fn a_stem_of_a_query_word_is_the_stem_in_the_index() {
        for word in words("Fractions’ teaching, head’s, running, phonics, œuvre, ½, ⑴") {
            assert!(
                stems("Fractions’ teaching, head’s, running, phonics, œuvre, ½, ⑴")
                    .contains(&stem(&word)),
                "{word}"
            );
        }
    }
}
