//! What is kept of saved searches, and its file.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_search::evidence::RecordKey;

use super::Found;

/// Records that are listed of each search, the newest; of those before only the number is kept.
const LISTED: usize = 50;

/// The file.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Kept {
    /// The incarnation of the store whose positions these are, in hexadecimal digits.
    store: String,
    /// The position of the store up to which everything was looked at.
    pub(super) reached: u64,
    /// The searches by name.
    pub(super) searches: BTreeMap<String, SavedSearch>,
}

/// A search that is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedSearch {
    /// What it asks for, as an address has it: `q=reading&key_stage=KS2`.
    pub(crate) query: String,
    /// When it was saved.
    pub(crate) saved: Timestamp,
    /// The position of the store at that time.
    pub(super) from: u64,
    /// How many records it has found since.
    pub(crate) count: u64,
    /// How many of these people have seen.
    pub(crate) seen: u64,
    /// The newest of them, newest first.
    pub(crate) found: Vec<Found>,
}

impl Kept {
    pub(super) fn read(path: &Path) -> Self {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::NotFound {
                    tracing::error!(path = %path.display(), %error, "saved searches cannot be read");
                }
                return Self::default();
            }
        };
        serde_json::from_slice(&text).unwrap_or_else(|error| {
            let aside = path.with_extension("damaged");
            tracing::error!(
                path = %path.display(),
                aside = %aside.display(),
                %error,
                "the file of saved searches is damaged and was set aside; save them again"
            );
            if let Err(error) = fs::rename(path, &aside) {
                tracing::error!(%error, "it could not be set aside");
            }
            Self::default()
        })
    }

    /// In another store, such as one that was made again, positions mean something else: what it
    /// holds by now is no news.
    pub(super) fn for_store(mut self, store: [u8; 16], position: u64) -> Self {
        let store = data_encoding::HEXLOWER.encode(&store);
        if self.store != store || self.reached > position {
            self.reached = position;
            self.searches.values_mut().for_each(|search| search.from = position);
            self.store = store;
        }
        self
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_else(|error| {
            tracing::error!(%error, "saved searches cannot be written as JSON");
            Vec::new()
        })
    }
}

impl SavedSearch {
    pub(super) fn new(query: String, saved: Timestamp, from: u64) -> Self {
        Self { query, saved, from, count: 0, seen: 0, found: Vec::new() }
    }

    /// Adds records that were found, but for those that are listed already; false if there are none.
    pub(super) fn add(
        &mut self,
        keys: impl IntoIterator<Item = RecordKey>,
        when: Timestamp,
    ) -> bool {
        let before = self.count;
        for (school, record) in keys {
            if !self.found.iter().any(|one| (one.school, one.record) == (school, record)) {
                self.count += 1;
                self.found.insert(0, Found { number: self.count, school, record, when });
                self.found.truncate(LISTED);
            }
        }
        self.count > before
    }

    pub(super) fn mark_seen(&mut self, up_to: u64) {
        self.seen = self.seen.max(up_to.min(self.count));
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::hash::{RecordId, SchoolId};

    use super::*;

    fn key(record: u8) -> RecordKey {
        (SchoolId::from_bytes([2; 32]), RecordId::from_bytes([record; 16]))
    }

    fn search() -> SavedSearch {
        SavedSearch::new("q=reading".to_owned(), Timestamp::UNIX_EPOCH, 4)
    }

    #[test]
    fn all_that_was_found_is_counted_and_the_newest_listed() {
        let mut search = search();
        assert!(search.add([key(1), key(2)], Timestamp::UNIX_EPOCH));
        assert!(!search.add([key(2)], Timestamp::UNIX_EPOCH), "it is listed already");
        let listed = |search: &SavedSearch| {
            search.found.iter().map(|one| (one.number, one.record)).collect::<Vec<_>>()
        };
        assert_eq!(listed(&search), [(2, key(2).1), (1, key(1).1)]);
        search.mark_seen(1);
        assert_eq!((search.count, search.seen), (2, 1));
        search.mark_seen(99);
        assert_eq!(search.seen, 2, "no more than there are");
        search.mark_seen(1);
        assert_eq!(search.seen, 2);
        search.add((3..103).map(key), Timestamp::UNIX_EPOCH);
        assert_eq!((search.count, search.found.len()), (102, LISTED));
        assert_eq!(search.found[0].record, key(102).1);
    }

    #[test]
    fn a_file_is_read_back_and_a_damaged_one_set_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("saved-searches.json");
        let mut kept = Kept::read(&path).for_store([7; 16], 10);
        let mut search = search();
        search.add([key(1)], Timestamp::UNIX_EPOCH);
        kept.searches.insert("Reading".to_owned(), search);
        fs::write(&path, kept.to_json()).unwrap();
        assert_eq!(Kept::read(&path).for_store([7; 16], 12), kept);
        // Of another store, or of one that lost what was written last.
        for (store, position) in [([8; 16], 12), ([7; 16], 9)] {
            let other = Kept::read(&path).for_store(store, position);
            assert_eq!((other.reached, other.searches["Reading"].from), (position, position));
        }
        fs::write(&path, "{").unwrap();
        assert_eq!(Kept::read(&path), Kept::default());
        assert_eq!(fs::read(path.with_extension("damaged")).unwrap(), b"{");
    }
}
