//! From what a person typed to the words and phrases that are looked for.

use std::collections::BTreeMap;

use tantivy::tokenizer::TokenStream;

use super::QueryError;
use super::stop_words::is_stop_word;
use crate::facet::Facet;
use crate::words::{word_analyzer, words};

/// How much of a text is read: a pasted abstract in full. What matters is in the first lines, and
/// every word costs a look-up in each field.
const MAX_CHARS: usize = 1_000;

/// Words that are looked for, repeated ones counted once: an abstract without its stop words has
/// more, and those behind add little but time.
const MAX_WORDS: usize = 32;

/// Dimensions with a value in one text; further ones are taken as words.
const MAX_FIELDS: usize = 8;

/// A text in its searchable form. Words are in lower case, without accents and not stemmed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Parsed {
    /// Words that raise a result, each with how often it was typed.
    pub(crate) words: Vec<(String, u32)>,
    /// The same words in the order in which they were typed, stop words among them; quoted and
    /// excluded ones end a row.
    pub(crate) rows: Vec<Vec<String>>,
    /// What else some words may mean, with what each counts.
    pub(crate) alternatives: BTreeMap<String, Vec<(String, f32)>>,
    /// Dimensions, each with the words of a value.
    pub(crate) fields: Vec<(Facet, Vec<String>)>,
    /// Phrases that must occur; one word long where one word was quoted.
    pub(crate) phrases: Vec<Vec<String>>,
    /// Phrases that must not occur; one word long where one word was excluded.
    pub(crate) excluded: Vec<Vec<String>>,
    /// Whether a part of the text was left out because of a limit.
    pub(crate) shortened: bool,
}

impl Parsed {
    /// Looks for `others` in place of a word.
    pub(crate) fn replace(&mut self, word: &str, others: &[String]) {
        let Some(place) = self.words.iter().position(|(known, _)| known == word) else { return };
        let (_, count) = self.words.remove(place);
        for other in others {
            match self.words.iter_mut().find(|(known, _)| known == other) {
                Some((_, known)) => *known += count,
                None => self.words.push((other.clone(), count)),
            }
        }
        for row in &mut self.rows {
            while let Some(place) = row.iter().position(|known| known == word) {
                row.splice(place..=place, others.iter().cloned());
            }
        }
    }

    /// Looks for `alternatives` as well, where a document has none that counts more.
    pub(crate) fn add_alternatives(
        &mut self,
        word: &str,
        alternatives: impl IntoIterator<Item = (String, f32)>,
    ) {
        self.alternatives.entry(word.to_owned()).or_default().extend(alternatives);
    }

    /// The word that was typed last, which may be unfinished.
    pub(crate) fn last_word(&self) -> Option<&String> {
        self.rows.last()?.last()
    }

    /// Looks for these as well where the last word is, as it may be the beginning of each.
    pub(crate) fn complete_with(&mut self, completions: &[String]) {
        if let Some(last) = self.last_word().cloned() {
            self.add_alternatives(&last, completions.iter().map(|word| (word.clone(), 1.0)));
        }
    }

    /// Takes the value of a dimension that has no such value as words.
    pub(crate) fn add_words(&mut self, words: &[String]) {
        for word in words {
            match self.words.iter_mut().find(|(known, _)| known == word) {
                Some((_, count)) => *count += 1,
                None => self.words.push((word.clone(), 1)),
            }
        }
        self.rows.push(words.to_vec());
    }

    /// Looks for the words of the phrases that must occur, in place of the phrases.
    pub(crate) fn take_phrases_as_words(&mut self) {
        for phrase in std::mem::take(&mut self.phrases) {
            let words: Vec<String> =
                phrase.iter().filter(|word| !is_stop_word(word)).cloned().collect();
            self.add_words(if words.is_empty() { &phrase } else { &words });
        }
    }

    /// Pairs of words that were typed side by side, or with at most `between` stop words between.
    pub(crate) fn pairs(&self, between: usize) -> Vec<(&str, &str)> {
        let mut pairs = Vec::new();
        for row in &self.rows {
            let mut last: Option<(usize, &str)> = None;
            for (place, word) in row.iter().enumerate() {
                if self.words.iter().any(|(known, _)| known == word) {
                    if let Some((before, first)) = last
                        && place - before <= between + 1
                    {
                        pairs.push((first, word.as_str()));
                    }
                    last = Some((place, word));
                }
            }
        }
        pairs
    }

    /// Whether any result fits better than another.
    pub(crate) fn ranks(&self) -> bool {
        !self.words.is_empty() || !self.phrases.is_empty()
    }
}

/// Reads any text: words, "quoted phrases", -words, -"quoted phrases" and dimensions with a value, as
/// `subject:maths`. Everything else separates; so does the colon behind what names no dimension.
///
/// # Errors
/// [`QueryError::NoWords`] for a text that is neither blank nor contains a letter or digit.
pub(crate) fn parse(text: &str) -> Result<Parsed, QueryError> {
    let text = text.trim();
    let mut reader = Reader::default();
    let mut rest = first_chars(text);
    reader.parsed.shortened = rest.len() < text.len();
    while let Some(start) = rest.find(|c: char| !c.is_whitespace()) {
        rest = reader.read_one(&rest[start..]);
    }
    let parsed = reader.finish();
    let narrows = !parsed.excluded.is_empty() || !parsed.fields.is_empty();
    if !text.is_empty() && !parsed.ranks() && !narrows {
        return Err(QueryError::NoWords);
    }
    Ok(parsed)
}

/// `text` with some words replaced, as they are in lower case.
pub(crate) fn with_words_replaced(text: &str, replaced: &BTreeMap<String, String>) -> String {
    let mut result = String::new();
    let mut copied = 0;
    word_analyzer().token_stream(text).process(&mut |token| {
        if let Some(other) = replaced.get(&token.text) {
            result.push_str(&text[copied..token.offset_from]);
            result.push_str(other);
            copied = token.offset_to;
        }
    });
    result.push_str(&text[copied..]);
    result
}

/// The part of `text` that is read, which ends between words where there is a choice.
fn first_chars(text: &str) -> &str {
    let Some((end, _)) = text.char_indices().nth(MAX_CHARS) else { return text };
    let cut = &text[..end];
    cut.rfind(char::is_whitespace).map_or(cut, |space| &cut[..space])
}

#[derive(Default)]
struct Reader {
    parsed: Parsed,
    stop_words: Vec<(String, u32)>,
    taken: usize,
}

impl Reader {
    /// Reads one word or phrase at the start of `text` and returns what is behind it.
    fn read_one<'a>(&mut self, text: &'a str) -> &'a str {
        let (excluded, text) = match text.strip_prefix('-') {
            Some(behind) if behind.starts_with(|c: char| !c.is_whitespace()) => (true, behind),
            _ => (false, text),
        };
        if !excluded && let Some(behind) = self.read_field(text) {
            return behind;
        }
        if let Some(inside) = text.strip_prefix(is_quote)
            && let Some((phrase, behind)) = inside.split_once(is_quote)
        {
            self.take_phrase(phrase, excluded);
            return behind;
        }
        let text = text.strip_prefix(is_quote).unwrap_or(text);
        let end = text.find(|c: char| c.is_whitespace() || is_quote(c)).unwrap_or(text.len());
        let (chunk, behind) = text.split_at(end);
        if excluded {
            self.take_phrase(chunk, true);
        } else {
            for word in words(chunk) {
                self.take_word(word);
            }
        }
        behind
    }

    /// Reads a dimension and its value, one word or a phrase in quotes, if `text` starts with one.
    fn read_field<'a>(&mut self, text: &'a str) -> Option<&'a str> {
        let (name, behind) = text.split_once(':')?;
        let field = Narrowing::named(name)?;
        let (value, behind) = match behind.strip_prefix(is_quote) {
            Some(inside) => inside.split_once(is_quote)?,
            None => behind.split_at(behind.find(char::is_whitespace).unwrap_or(behind.len())),
        };
        let value_words = words(value);
        if value_words.is_empty() || self.parsed.fields.len() == MAX_FIELDS {
            return None;
        }
        match field {
            Narrowing::School => self.take_phrase(value, false),
            Narrowing::Dimension(facet) => {
                self.parsed.rows.push(Vec::new());
                self.parsed.fields.push((facet, value_words));
            }
        }
        Some(behind)
    }

    fn take_phrase(&mut self, text: &str, excluded: bool) {
        let mut phrase = words(text);
        let room = MAX_WORDS - self.taken;
        if phrase.len() > room {
            phrase.truncate(room);
            self.parsed.shortened = true;
        }
        self.parsed.rows.push(Vec::new());
        let phrases = if excluded { &mut self.parsed.excluded } else { &mut self.parsed.phrases };
        if !phrase.is_empty() && !phrases.contains(&phrase) {
            self.taken += phrase.len();
            phrases.push(phrase);
        }
    }

    fn take_word(&mut self, word: String) {
        match self.parsed.rows.last_mut() {
            Some(row) => row.push(word.clone()),
            None => self.parsed.rows.push(vec![word.clone()]),
        }
        let list = if is_stop_word(&word) { &mut self.stop_words } else { &mut self.parsed.words };
        if let Some((_, count)) = list.iter_mut().find(|(known, _)| *known == word) {
            *count += 1;
        } else if self.taken < MAX_WORDS {
            self.taken += usize::from(!is_stop_word(&word));
            list.push((word, 1));
        } else {
            self.parsed.shortened |= !is_stop_word(&word);
        }
    }

    fn finish(mut self) -> Parsed {
        self.parsed.rows.retain(|row| !row.is_empty());
        if !self.parsed.ranks() {
            self.parsed.words = self.stop_words;
        }
        self.parsed
    }
}

/// What a name before a colon narrows.
enum Narrowing {
    /// The school's name must occur: its values are ids, which nobody types.
    School,
    Dimension(Facet),
}

impl Narrowing {
    fn named(name: &str) -> Option<Self> {
        let name = name.to_lowercase();
        Some(Self::Dimension(match name.as_str() {
            "school" => return Some(Self::School),
            "ks" => Facet::KeyStage,
            "y" | "yr" | "year" => Facet::YearGroup,
            "pupils" => Facet::PupilGroup,
            "cost" => Facet::CostBand,
            other => other.parse().ok().filter(|facet| *facet != Facet::Group)?,
        }))
    }
}

fn is_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201C}' | '\u{201D}' | '\u{201E}' | '\u{00AB}' | '\u{00BB}' | '\u{FF02}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn words_of(text: &str) -> Vec<String> {
        parse(text).unwrap().words.into_iter().map(|(word, _)| word).collect()
    }

    fn phrase(words: &[&str]) -> Vec<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn ordinary_text_needs_no_syntax() {
        assert_eq!(
            words_of("Year 7: it's pupils’ fractions?"),
            ["year", "7", "pupils", "fractions"]
        );
        assert_eq!(words_of("AND (title:foo* OR ~2) ^3 [a TO b]"), ["title", "foo", "2", "3", "b"]);
    }

    #[test]
    fn quoted_words_are_phrases_with_all_their_words() {
        let parsed = parse("“What to do” next -\"cold calling\" \"retrieval\"").unwrap();
        assert_eq!(parsed.phrases, [phrase(&["what", "to", "do"]), phrase(&["retrieval"])]);
        assert_eq!(parsed.excluded, [phrase(&["cold", "calling"])]);
        assert_eq!(parsed.words, [("next".to_owned(), 1)]);
    }

    #[test]
    fn an_open_quote_is_no_phrase() {
        let parsed = parse("\"guided reading").unwrap();
        assert_eq!(parsed.words, [("guided".to_owned(), 1), ("reading".to_owned(), 1)]);
        assert!(parsed.phrases.is_empty());
    }

    #[test]
    fn a_dash_excludes_only_in_front_of_a_word() {
        assert_eq!(parse("reading -phonics").unwrap().excluded, [phrase(&["phonics"])]);
        assert_eq!(parse("reading -well-being").unwrap().excluded, [phrase(&["well", "being"])]);
        for text in ["pre-teaching", "reading - phonics", "ages 5-7", "maths -"] {
            assert!(parse(text).unwrap().excluded.is_empty(), "{text}");
        }
        assert!(!parse("-phonics").unwrap().ranks());
    }

    #[test]
    fn stop_words_count_only_where_there_is_nothing_else() {
        assert_eq!(words_of("what works for the reading of it"), ["works", "reading"]);
        assert_eq!(words_of("To be or not to be"), ["to", "be", "or", "not"]);
        assert!(parse("the \"phonics\"").unwrap().words.is_empty());
    }

    #[test]
    fn repeated_words_are_counted() {
        let parsed = parse("Reading reading maths READING").unwrap();
        assert_eq!(parsed.words, [("reading".to_owned(), 3), ("maths".to_owned(), 1)]);
    }

    #[test]
    fn a_dimension_takes_the_word_or_phrase_behind_its_colon() {
        let parsed = parse("fractions subject:maths KS:2 kind:\"impact report\"").unwrap();
        assert_eq!(
            parsed.fields,
            [
                (Facet::Subject, phrase(&["maths"])),
                (Facet::KeyStage, phrase(&["2"])),
                (Facet::Kind, phrase(&["impact", "report"])),
            ]
        );
        assert_eq!(words_of("fractions subject:maths"), ["fractions"]);
        assert_eq!(parse("school:\"St Mary’s\"").unwrap().phrases, [phrase(&["st", "mary's"])]);
        for text in ["colour:red", "subject: maths", "subject:", "year 7: fractions", "group:x"] {
            assert!(parse(text).unwrap().fields.is_empty(), "{text}");
        }
        assert_eq!(words_of("colour:red"), ["colour", "red"]);
        assert_eq!(parse(&"tag:x ".repeat(50)).unwrap().fields.len(), MAX_FIELDS);
    }

    #[test]
    fn a_text_keeps_its_form_where_words_are_replaced() {
        let replaced = BTreeMap::from([("redaing".to_owned(), "reading".to_owned())]);
        assert_eq!(
            with_words_replaced("Redaing, -\"maths\" redaing", &replaced),
            "reading, -\"maths\" reading"
        );
        let mut parsed = parse("redaing maths redaing").unwrap();
        parsed.replace("redaing", &["whole".to_owned(), "maths".to_owned()]);
        assert_eq!(parsed.words, [("maths".to_owned(), 3), ("whole".to_owned(), 2)]);
        assert_eq!(parsed.rows, [["whole", "maths", "maths", "whole", "maths"]]);
    }

    #[test]
    fn pairs_stand_side_by_side_or_with_stop_words_between() {
        let parsed = parse("effects of the class size \"on\" reading and maths").unwrap();
        assert_eq!(
            parsed.pairs(2),
            [("effects", "class"), ("class", "size"), ("reading", "maths")]
        );
        assert_eq!(parsed.pairs(0), [("class", "size")]);
        assert_eq!(parsed.rows[1], ["reading", "and", "maths"]);
    }

    #[test]
    fn long_texts_are_shortened_and_say_so() {
        let long: String = (0..40).map(|n| format!("word{n} ")).collect();
        let parsed = parse(&long).unwrap();
        assert_eq!((parsed.words.len(), parsed.shortened), (MAX_WORDS, true));

        let parsed = parse(&format!("\"{long}\"")).unwrap();
        assert_eq!((parsed.phrases[0].len(), parsed.shortened), (MAX_WORDS, true));

        let parsed = parse(&"reading ".repeat(20_000)).unwrap();
        assert_eq!((parsed.words.len(), parsed.shortened), (1, true));
        assert!(!parse("reading  ").unwrap().shortened);
    }

    #[test]
    fn hostile_texts_are_read_or_refused() {
        for text in ["(".repeat(10_000), "*?*".repeat(99), "\u{0}\u{1b}".to_owned(), "-".into()] {
            assert!(matches!(parse(&text), Err(QueryError::NoWords)), "{text:?}");
        }
        assert!(matches!(parse(&"x".repeat(100_000)), Err(QueryError::NoWords)));
        assert_eq!(parse(" \t\n").unwrap(), Parsed::default());
        assert!(parse(&"\"".repeat(100_000)).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_read_within_the_bounds(text in "(?s)(.|[-\"“” a-z]){0,400}") {
            if let Ok(parsed) = parse(&text) {
                let phrases = parsed.phrases.iter().chain(&parsed.excluded).map(Vec::len);
                prop_assert!(parsed.words.len() <= MAX_WORDS);
                prop_assert!(phrases.clone().sum::<usize>() <= MAX_WORDS);
                prop_assert!(phrases.clone().all(|length| length > 0));
            }
        }
    }
}
