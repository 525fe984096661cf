//! What is wrong with a record: the field, the value, the rule.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{MAX_LIST_ITEMS, MAX_SHORT_TEXT_CHARS, MAX_TEXT_CHARS};

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The record cannot be shared like this.
    Refused,
    /// The author should look; sharing goes on.
    Warning,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// How much it matters.
    pub severity: Severity,
    /// Where: `title`, `arms.intervention.n`, `actions[2]`.
    pub field: String,
    /// The value found, cut to a readable length; empty where the field is missing.
    pub value: String,
    /// The rule and what to do: it completes the sentence "the field …".
    pub rule: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.is_empty() {
            write!(f, "{}: {}", self.field, self.rule)
        } else {
            write!(f, "{} is {:?}: {}", self.field, self.value, self.rule)
        }
    }
}

/// The problems found so far, with the checks that many kinds share.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<Problem>);

impl Problems {
    /// Adds a problem that stops the record from being shared.
    pub fn refuse(&mut self, field: &str, value: impl fmt::Display, rule: impl Into<String>) {
        self.add(Severity::Refused, field, value, rule);
    }

    /// Adds a problem that the author should look at.
    pub fn warn(&mut self, field: &str, value: impl fmt::Display, rule: impl Into<String>) {
        self.add(Severity::Warning, field, value, rule);
    }

    fn add(
        &mut self,
        severity: Severity,
        field: &str,
        value: impl fmt::Display,
        rule: impl Into<String>,
    ) {
        const SHOWN_CHARS: usize = 80;
        let mut shown: String = value.to_string().chars().take(SHOWN_CHARS + 1).collect();
        if shown.chars().count() > SHOWN_CHARS {
            shown = shown.chars().take(SHOWN_CHARS).chain(['…']).collect();
        }
        self.0.push(Problem { severity, field: field.to_owned(), value: shown, rule: rule.into() });
    }

    /// Refuses a text shorter or longer than the limits, in characters.
    pub fn text_length(&mut self, field: &str, text: &str, least: usize, most: usize) {
        let length = text.trim().chars().count();
        if length == 0 && least > 0 {
            self.refuse(field, "", "is needed; write a sentence or two");
        } else if length < least {
            self.refuse(field, text, format!("must have at least {least} characters"));
        } else if length > most {
            self.refuse(
                field,
                text,
                format!("must have at most {most} characters; it has {length}"),
            );
        }
    }

    /// Refuses an empty text, or one too long for a record.
    pub fn required_text(&mut self, field: &str, text: &str) {
        self.text_length(field, text, 1, MAX_TEXT_CHARS);
    }

    /// Refuses a text too long for a record; it may be empty.
    pub fn optional_text(&mut self, field: &str, text: &str) {
        self.text_length(field, text, 0, MAX_TEXT_CHARS);
    }

    /// Refuses a name or label that is too long.
    pub fn short_text(&mut self, field: &str, text: &str) {
        self.text_length(field, text, 0, MAX_SHORT_TEXT_CHARS);
    }

    /// Refuses a list with more than `most` items.
    pub fn list_length(&mut self, field: &str, length: usize, most: usize) {
        let most = most.min(MAX_LIST_ITEMS);
        if length > most {
            self.refuse(field, format!("{length} items"), format!("may have at most {most}"));
        }
    }

    /// Refuses a number outside `least..=most`.
    pub fn range<T: PartialOrd + fmt::Display>(
        &mut self,
        field: &str,
        value: T,
        least: T,
        most: T,
    ) {
        if !(least <= value && value <= most) {
            self.refuse(field, &value, format!("must be from {least} to {most}"));
        }
    }

    /// Adds problems found elsewhere.
    pub fn extend(&mut self, more: impl IntoIterator<Item = Problem>) {
        self.0.extend(more);
    }

    /// Whether nothing found stops the record from being shared.
    pub fn is_shareable(&self) -> bool {
        self.0.iter().all(|problem| problem.severity == Severity::Warning)
    }

    /// All of them, in the order found.
    pub fn as_slice(&self) -> &[Problem] {
        &self.0
    }

    /// All of them, in the order found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}
