//! Searches that the school keeps, and what they have found since.
//!
//! They are no part of the store: each record that is found would stay in its journal for good. The
//! file is written whenever something is found, and so can be behind the index by what arrived while
//! nothing was; [`SavedSearches::reached`] says up to where it is known that nothing was missed.

mod found;
mod kept;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use staffroom_search::evidence::RecordKey;

use crate::home::{HomeError, write_private};
use crate::node::Node;
use crate::question::{self, QuestionError, parameters};

pub(crate) use self::found::{Found, Put, tell};
use self::kept::Kept;
pub(crate) use self::kept::SavedSearch;

/// Searches that are kept: more than people look through, and each is run on whatever arrives.
pub const MAX_SAVED_SEARCHES: usize = 100;

/// The longest name, in characters: it stands on one line.
pub const MAX_NAME_CHARS: usize = 100;

/// The longest question with its filters, as an address: what is searched for of a text, and more
/// filters than anybody chooses.
pub const MAX_QUESTION_BYTES: usize = 8 * 1024;

/// How often it is written down, at most, that nothing was found.
const BETWEEN_WRITES: Duration = Duration::from_secs(10);

/// Parameters that say how a list is shown, not what it is about.
const OF_THE_LIST: [&str; 3] = ["limit", "offset", "explain"];

/// Why a search is not kept, or cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum SavedSearchError {
    /// Its name.
    #[error("the name {given:?} cannot be used for a search: {rule}")]
    Name {
        /// What was given.
        given: String,
        /// Which rule it breaks.
        rule: &'static str,
    },
    /// Its question.
    #[error(
        "the question with its filters has {bytes} bytes, which is more than the {MAX_QUESTION_BYTES} \
         of a saved search; ask for less"
    )]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// There is nothing to look for.
    #[error("a saved search needs a question or a filter; without either, everything would be new")]
    Everything,
    /// There are enough.
    #[error(
        "{MAX_SAVED_SEARCHES} searches are saved already; remove one with: staffroom saved NAME \
         --remove"
    )]
    TooMany,
    /// There is none.
    #[error("no saved search is called {0:?}; list them with: staffroom saved")]
    Unknown(String),
    /// What it asks for is not known.
    #[error(transparent)]
    Question(#[from] QuestionError),
    /// The query breaks a bound.
    #[error(transparent)]
    Query(#[from] staffroom_search::QueryError),
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] HomeError),
}

/// The searches that are kept, in a file of the data directory.
#[derive(Debug)]
pub struct SavedSearches {
    path: PathBuf,
    kept: Mutex<Kept>,
    /// When the file was last written.
    written: Mutex<Option<Instant>>,
}

impl SavedSearches {
    /// Reads what was kept. A file that cannot be read is set aside, so that it can be looked at.
    pub(crate) fn open(path: PathBuf, store: [u8; 16], position: u64) -> Self {
        let kept = Kept::read(&path).for_store(store, position);
        Self { path, kept: Mutex::new(kept), written: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them, by name.
    pub(crate) fn all(&self) -> Vec<(String, SavedSearch)> {
        let kept = self.lock();
        kept.searches.iter().map(|(name, search)| (name.clone(), search.clone())).collect()
    }

    /// One of them.
    pub(crate) fn get(&self, name: &str) -> Result<SavedSearch, SavedSearchError> {
        self.lock().searches.get(name).cloned().ok_or_else(|| unknown(name))
    }

    /// The position of the store up to which everything was looked at.
    pub(crate) fn reached(&self) -> u64 {
        self.lock().reached
    }

    /// Says that everything up to a position was looked at, and what each search found.
    fn add(
        &self,
        found: Vec<(String, BTreeSet<RecordKey>)>,
        reached: u64,
    ) -> Result<(), HomeError> {
        let mut kept = self.lock();
        kept.reached = reached;
        let mut news = false;
        for (name, keys) in found {
            // It may have been removed meanwhile.
            if let Some(search) = kept.searches.get_mut(&name) {
                news |= search.add(keys, Timestamp::now());
            }
        }
        if kept.searches.is_empty() || !(news || self.is_due()) {
            return Ok(());
        }
        self.write(&kept)
    }

    fn is_due(&self) -> bool {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        written.is_none_or(|written| written.elapsed() >= BETWEEN_WRITES)
    }

    fn write(&self, kept: &Kept) -> Result<(), HomeError> {
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        write_private(&self.path, &kept.to_json())
    }

    /// Changes what is kept; where it cannot be written, nothing changes.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut Kept) -> Result<T, SavedSearchError>,
    ) -> Result<T, SavedSearchError> {
        let mut kept = self.lock();
        let mut changed = kept.clone();
        let done = change(&mut changed)?;
        self.write(&changed)?;
        *kept = changed;
        Ok(done)
    }

    /// Writes down how far it is known that nothing was missed.
    pub(crate) fn keep(&self) {
        let kept = self.lock();
        if !kept.searches.is_empty()
            && let Err(error) = self.write(&kept)
        {
            tracing::warn!(%error, "the saved searches could not be written");
        }
    }

    /// Notes that people have seen what a search found, up to the number of one.
    pub(crate) fn mark_seen(&self, name: &str, up_to: u64) -> Result<(), SavedSearchError> {
        self.change(|kept| {
            let search = kept.searches.get_mut(name).ok_or_else(|| unknown(name))?;
            search.mark_seen(up_to);
            Ok(())
        })
    }

    /// Keeps a search no longer.
    pub(crate) fn remove(&self, name: &str) -> Result<(), SavedSearchError> {
        self.change(|kept| match kept.searches.remove(name) {
            Some(_) => Ok(()),
            None => Err(unknown(name)),
        })
    }
}

impl Node {
    /// Keeps a search under a name, in place of the one that has it. What it finds by now is no news.
    ///
    /// # Errors
    /// [`SavedSearchError`] says which rule the name or the question breaks.
    pub(crate) fn save_search(&self, name: &str, query: &str) -> Result<String, SavedSearchError> {
        let name = checked_name(name)?;
        let asked: Vec<_> = parameters(query)
            .into_iter()
            .filter(|(name, _)| !OF_THE_LIST.contains(&name.as_str()))
            .collect();
        if asked.iter().all(|(name, _)| matches!(name.as_str(), "sort" | "exact" | "our_pupils")) {
            return Err(SavedSearchError::Everything);
        }
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(&asked).finish();
        if query.len() > MAX_QUESTION_BYTES {
            return Err(SavedSearchError::TooLong { bytes: query.len() });
        }
        // What cannot be answered now never will be.
        let mut counting = question::read(self, &asked)?;
        counting.limit = 0;
        counting.facets.clear();
        self.indexer().search(&counting)?;

        let from = self.store().position();
        self.saved_searches().change(|kept| {
            if kept.searches.len() >= MAX_SAVED_SEARCHES && !kept.searches.contains_key(name) {
                return Err(SavedSearchError::TooMany);
            }
            if kept.searches.is_empty() {
                kept.reached = from;
            }
            kept.searches.insert(name.to_owned(), SavedSearch::new(query, Timestamp::now(), from));
            Ok(name.to_owned())
        })
    }
}

fn unknown(name: &str) -> SavedSearchError {
    SavedSearchError::Unknown(name.chars().take(MAX_NAME_CHARS).collect())
}

fn checked_name(given: &str) -> Result<&str, SavedSearchError> {
    let name = given.trim();
    let rule = if name.is_empty() {
        "it is empty; give it a few words"
    } else if name.chars().count() > MAX_NAME_CHARS {
        "it has more than 100 characters; give a shorter one"
    } else if name.chars().any(char::is_control) {
        "it has a line break or another control character; leave that out"
    } else {
        return Ok(name);
    };
    Err(SavedSearchError::Name { given: given.chars().take(MAX_NAME_CHARS).collect(), rule })
}
