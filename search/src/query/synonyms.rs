//! Words that mean the same in a search, from a data file that a trust can extend.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::words::{stem, words};

/// The file that every node has.
const STANDARD: &str = include_str!("../../data/synonyms.txt");

/// Meanings, the standard ones included: ten times as many as those. Each takes about 1 KiB.
const MAX_MEANINGS: usize = 1_000;

/// Forms of one meaning. Each is looked for in every query that has one of the others.
const MAX_FORMS: usize = 16;

/// Words of one form, the longest names in use having five.
const MAX_FORM_WORDS: usize = 8;

/// Words of alternatives that are looked for in one query, as each costs a look-up in each field.
pub(crate) const MAX_ALTERNATIVE_WORDS: usize = 32;

/// Words that mean the same in a search.
#[derive(Debug, Clone)]
pub struct Synonyms {
    /// The forms of each meaning, as stems.
    meanings: Vec<Vec<Vec<String>>>,
    /// Which meanings a form has.
    forms: BTreeMap<Vec<String>, BTreeSet<usize>>,
}

/// A form that stands in a query.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// Where, in words.
    pub(crate) range: Range<usize>,
    /// What means the same, as stems.
    pub(crate) alternatives: Vec<Vec<String>>,
}

/// Why a file of synonyms was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SynonymError {
    /// A line with less than two forms.
    #[error(
        "line {line}: {given:?} is one form; write at least two that mean the same, with | between"
    )]
    OneForm {
        /// The line, from 1.
        line: usize,
        /// What stands there.
        given: String,
    },
    /// A line with too many forms.
    #[error("line {line}: {count} forms are more than the limit of {MAX_FORMS}; leave some out")]
    TooManyForms {
        /// The line, from 1.
        line: usize,
        /// How many there are.
        count: usize,
    },
    /// A form without a word, or with too many.
    #[error("line {line}: {given:?} has {count} words; a form has 1 to {MAX_FORM_WORDS}")]
    FormLength {
        /// The line, from 1.
        line: usize,
        /// The form.
        given: String,
        /// How many words it has.
        count: usize,
    },
    /// Too many lines.
    #[error("line {line}: this is more than the limit of {MAX_MEANINGS} meanings; leave some out")]
    TooManyMeanings {
        /// The line, from 1.
        line: usize,
    },
}

impl Synonyms {
    /// Those that every node has.
    pub fn standard() -> Self {
        let mut synonyms = Self { meanings: Vec::new(), forms: BTreeMap::new() };
        for (_, forms) in lines(STANDARD) {
            synonyms.add(forms.iter().map(|form| stems(form)).collect());
        }
        synonyms
    }

    /// These, and those in `text`: one meaning a line, its forms separated by `|`; blank lines and
    /// what follows `#` at the beginning of a line are skipped.
    ///
    /// # Errors
    /// [`SynonymError`] names the first line that breaks a rule.
    pub fn extended_by(mut self, text: &str) -> Result<Self, SynonymError> {
        for (line, forms) in lines(text) {
            if forms.len() < 2 {
                return Err(SynonymError::OneForm { line, given: start(forms.first().copied()) });
            }
            if forms.len() > MAX_FORMS {
                return Err(SynonymError::TooManyForms { line, count: forms.len() });
            }
            if self.meanings.len() >= MAX_MEANINGS {
                return Err(SynonymError::TooManyMeanings { line });
            }
            let mut meaning = Vec::with_capacity(forms.len());
            for form in forms {
                let stems = stems(form);
                if stems.is_empty() || stems.len() > MAX_FORM_WORDS {
                    let count = stems.len();
                    return Err(SynonymError::FormLength { line, given: start(Some(form)), count });
                }
                meaning.push(stems);
            }
            self.add(meaning);
        }
        Ok(self)
    }

    /// Finds the longest forms in a row of stems, from its beginning; none overlaps another.
    pub(crate) fn find(&self, row: &[String]) -> Vec<Found> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < row.len() {
            let longest = (1..=MAX_FORM_WORDS.min(row.len() - at))
                .rev()
                .find_map(|length| Some((length, self.forms.get(&row[at..at + length])?)));
            let Some((length, meanings)) = longest else {
                at += 1;
                continue;
            };
            let form = &row[at..at + length];
            let alternatives: BTreeSet<&Vec<String>> = meanings
                .iter()
                .filter_map(|meaning| self.meanings.get(*meaning))
                .flatten()
                .filter(|alternative| alternative.as_slice() != form)
                .collect();
            let alternatives = alternatives.into_iter().cloned().collect();
            found.push(Found { range: at..at + length, alternatives });
            at += length;
        }
        found
    }

    /// Whether two texts, as stems, are the same or mean the same.
    pub(crate) fn same(&self, left: &[String], right: &[String]) -> bool {
        let meanings = |form: &[String]| self.forms.get(form);
        left == right
            || match (meanings(left), meanings(right)) {
                (Some(left), Some(right)) => !left.is_disjoint(right),
                (None, _) | (_, None) => false,
            }
    }

    fn add(&mut self, forms: Vec<Vec<String>>) {
        for form in &forms {
            self.forms.entry(form.clone()).or_default().insert(self.meanings.len());
        }
        self.meanings.push(forms);
    }
}

/// The lines that say something, with their numbers, cut into forms.
fn lines(text: &str) -> impl Iterator<Item = (usize, Vec<&str>)> {
    (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(number, line)| (number, line.split('|').map(str::trim).collect()))
}

fn stems(form: &str) -> Vec<String> {
    words(form).iter().map(|word| stem(word)).collect()
}

fn start(form: Option<&str>) -> String {
    form.unwrap_or_default().chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alternatives(synonyms: &Synonyms, text: &str) -> Vec<String> {
        let found = synonyms.find(&stems(text));
        found.iter().flat_map(|found| &found.alternatives).map(|form| form.join(" ")).collect()
    }

    #[test]
    fn forms_of_several_words_are_found_both_ways() {
        let synonyms = Synonyms::standard();
        let eal = stems("English as an additional language").join(" ");
        assert!(alternatives(&synonyms, "support for eal pupils").contains(&eal));
        let back = alternatives(&synonyms, "English as an additional language in Year 7");
        assert!(back.contains(&"eal".to_owned()), "{back:?}");
        assert!(back.contains(&"y7".to_owned()), "{back:?}");
        assert!(!back.contains(&stem("literacy")), "the longest form is taken: {back:?}");
        assert!(alternatives(&synonyms, "key-stage 2").contains(&"ks2".to_owned()));
        assert!(alternatives(&synonyms, "years 3–6").contains(&"ks2".to_owned()));
        assert!(alternatives(&synonyms, "Yr 4").contains(&"y4".to_owned()));
    }

    #[test]
    fn the_standard_file_keeps_the_rules_of_any_other() {
        let none = Synonyms { meanings: Vec::new(), forms: BTreeMap::new() };
        let read = none.extended_by(STANDARD).unwrap();
        assert_eq!(read.meanings, Synonyms::standard().meanings);
    }

    #[test]
    fn a_trust_adds_its_own_and_hears_what_is_wrong() {
        let ours = "# ours\n\nDEAR | drop everything and read\nPP | pink pen\n";
        let synonyms = Synonyms::standard().extended_by(ours).unwrap();
        assert_eq!(alternatives(&synonyms, "dear"), [stems("drop everything and read").join(" ")]);
        let both = alternatives(&synonyms, "pp");
        assert!(both.contains(&"pink pen".to_owned()) && both.contains(&"fsm".to_owned()));

        let refused = |text: &str| Synonyms::standard().extended_by(text).unwrap_err().to_string();
        assert!(refused("\n\nDEAR").starts_with("line 3: \"DEAR\" is one form"));
        assert!(refused("a | ").starts_with("line 1: \"\" has 0 words"));
        assert!(refused("a | b c d e f g h i j").contains("has 9 words; a form has 1 to 8"));
        assert!(refused(&["a"; 17].join("|")).contains("17 forms are more than the limit of 16"));
        let many: String = (0..1_001).map(|n| format!("a{n} | b{n}\n")).collect();
        assert!(refused(&many).contains("more than the limit of 1000 meanings"));
    }
}
