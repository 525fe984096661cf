//! What staff of the school asked lately, to suggest it to the next who asks.
//!
//! A question may hold what is nobody else's business, such as a pupil's name. It is kept only if one
//! record that was shared has all of its words, which says no more than that record does, and the scan
//! for pupils' data finds nothing in it.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use staffroom_protocol::safeguard::scan;
use staffroom_search::{Filters, QueryError};

use crate::clock::today;
use crate::home::write_private;
use crate::node::Node;

/// Questions that are kept, the latest: a school's for some weeks.
const MAX_KEPT: usize = 1_000;

/// Longer questions are pasted texts.
const MAX_CHARS: usize = 80;

/// Shorter beginnings say too little of what is about to be asked.
const LEAST_TYPED: usize = 2;

/// How often they are written down, at most.
const BETWEEN_WRITES: Duration = Duration::from_secs(10 * 60);

/// The latest questions, in a file of the data directory.
#[derive(Debug)]
pub(crate) struct PastSearches {
    path: PathBuf,
    asked: Mutex<Asked>,
}

#[derive(Debug)]
struct Asked {
    /// The latest first.
    texts: VecDeque<String>,
    changed: bool,
    written: Instant,
}

impl PastSearches {
    /// Reads what was kept; without a file that can be read it begins afresh.
    pub(crate) fn open(path: PathBuf) -> Self {
        let read = std::fs::read(&path).ok();
        let mut texts: VecDeque<String> =
            read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        texts.truncate(MAX_KEPT);
        Self { path, asked: Mutex::new(Asked { texts, changed: false, written: Instant::now() }) }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest questions that begin as what was typed, without what is the same but for capitals.
    pub(crate) fn beginning_with(&self, typed: &str, most: usize) -> Vec<String> {
        let typed = typed.trim_start().to_lowercase();
        if typed.chars().count() < LEAST_TYPED {
            return Vec::new();
        }
        let asked = self.lock();
        let begin = asked.texts.iter().filter(|text| {
            let text = text.to_lowercase();
            text.starts_with(&typed) && text != typed
        });
        begin.take(most).cloned().collect()
    }

    fn note(&self, text: &str) {
        let mut asked = self.lock();
        let folded = text.to_lowercase();
        asked.texts.retain(|known| known.to_lowercase() != folded);
        asked.texts.push_front(text.to_owned());
        asked.texts.truncate(MAX_KEPT);
        asked.changed = true;
        if asked.written.elapsed() >= BETWEEN_WRITES {
            self.write(&mut asked);
        }
    }

    /// Writes down what was asked since the last time.
    pub(crate) fn keep(&self) {
        let mut asked = self.lock();
        if asked.changed {
            self.write(&mut asked);
        }
    }

    fn write(&self, asked: &mut Asked) {
        asked.changed = false;
        asked.written = Instant::now();
        let written = serde_json::to_vec(&asked.texts).map_err(|error| error.to_string());
        let written = written
            .and_then(|json| write_private(&self.path, &json).map_err(|error| error.to_string()));
        if let Err(error) = written {
            tracing::warn!(error, "past searches could not be written");
        }
    }
}

impl Node {
    /// Notes what was asked, if it may be suggested to others.
    ///
    /// # Errors
    /// [`QueryError`] if the index cannot be read.
    pub(crate) fn note_search(&self, text: &str) -> Result<(), QueryError> {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let readable = Filters::default().within(self.followed_groups());
        if text.chars().count() <= MAX_CHARS
            && scan("the question", &text, today()).is_empty()
            && self.indexer().has_all_words(&text, &readable)?
        {
            self.past_searches().note(&text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_that_begin_as_what_was_typed_are_suggested_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("past-searches.json");
        let past = PastSearches::open(path.clone());
        for text in ["Reading fluency", "seating plans", "reading aloud", "READING FLUENCY"] {
            past.note(text);
        }
        assert_eq!(past.beginning_with("rea", 8), ["READING FLUENCY", "reading aloud"]);
        assert_eq!(past.beginning_with("rea", 1), ["READING FLUENCY"]);
        assert_eq!(past.beginning_with("Seating plans", 8), [""; 0], "it is typed already");
        assert_eq!(past.beginning_with("s", 8), [""; 0]);
        past.keep();
        assert_eq!(PastSearches::open(path).beginning_with("seat", 8), ["seating plans"]);
    }

    #[test]
    fn only_the_latest_thousand_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let past = PastSearches::open(folder.path().join("past-searches.json"));
        (0..=MAX_KEPT).for_each(|number| past.note(&format!("question {number}")));
        assert_eq!(past.lock().texts.len(), MAX_KEPT);
        assert_eq!(past.beginning_with("question 1000", 1), [""; 0]);
        assert_eq!(past.beginning_with("question 100", 1), ["question 1000"]);
    }
}
