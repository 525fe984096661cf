//! From what a person typed to the words and phrases that are looked for.

use super::QueryError;
use super::stop_words::is_stop_word;
use crate::words::words;

/// How much of a text is read: a pasted abstract in full. What matters is in the first lines, and
/// every word costs a look-up in each field.
const MAX_CHARS: usize = 1_000;

/// Words that are looked for, repeated ones counted once: an abstract without its stop words has
/// more, and those behind add little but time.
const MAX_WORDS: usize = 32;

/// A text in its searchable form. Words are in lower case, without accents and not stemmed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Parsed {
    /// Words that raise a result, each with how often it was typed.
    pub(crate) words: Vec<(String, u32)>,
    /// Phrases that must occur; one word long where one word was quoted.
    pub(crate) phrases: Vec<Vec<String>>,
    /// Phrases that must not occur; one word long where one word was excluded.
    pub(crate) excluded: Vec<Vec<String>>,
    /// Whether a part of the text was left out because of a limit.
    pub(crate) shortened: bool,
}

impl Parsed {
    /// Whether any result fits better than another.
    pub(crate) fn ranks(&self) -> bool {
        !self.words.is_empty() || !self.phrases.is_empty()
    }
}

/// Reads any text: words, "quoted phrases", -words and -"quoted phrases". Everything else
/// separates.
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
    if !text.is_empty() && !parsed.ranks() && parsed.excluded.is_empty() {
        return Err(QueryError::NoWords);
    }
    Ok(parsed)
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

    fn take_phrase(&mut self, text: &str, excluded: bool) {
        let mut phrase = words(text);
        let room = MAX_WORDS - self.taken;
        if phrase.len() > room {
            phrase.truncate(room);
            self.parsed.shortened = true;
        }
        let phrases = if excluded { &mut self.parsed.excluded } else { &mut self.parsed.phrases };
        if !phrase.is_empty() && !phrases.contains(&phrase) {
            self.taken += phrase.len();
            phrases.push(phrase);
        }
    }

    fn take_word(&mut self, word: String) {
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
        if !self.parsed.ranks() {
            self.parsed.words = self.stop_words;
        }
        self.parsed
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
