//! What saved searches find in what arrives.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_search::evidence::RecordKey;
use staffroom_search::{DocumentKey, Snapshot};

use super::{SavedSearch, SavedSearchError};
use crate::node::Node;
use crate::question::{self, parameters};

/// A record that a saved search found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Its number among all that the search found, from 1.
    pub(crate) number: u64,
    /// The school that published it.
    pub(crate) school: SchoolId,
    /// The record.
    pub(crate) record: RecordId,
    /// When it was found.
    pub(crate) when: Timestamp,
}

/// A document that was put into the index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Put {
    pub(crate) key: DocumentKey,
    /// The position of the store at which it changed, where what was found before is not known.
    pub(crate) at: Option<u64>,
}

/// Runs all saved searches on documents that were put and can be found by now, which brings them up to
/// a position of the store. What a search found in the snapshot `before` is no news.
pub(crate) fn tell(node: &Node, put: &[Put], before: Option<&Snapshot>, reached: u64) {
    let saved = node.saved_searches();
    let mut found = Vec::new();
    for (name, search) in saved.all() {
        match news(node, &search, put, before) {
            Ok(keys) => found.push((name, keys)),
            // Such as one within a group that the school has left.
            Err(error) => tracing::warn!(name, %error, "a saved search finds nothing"),
        }
    }
    if let Err(error) = saved.add(found, reached) {
        tracing::warn!(%error, "what saved searches found could not be written down yet");
    }
}

fn news(
    node: &Node,
    search: &SavedSearch,
    put: &[Put],
    before: Option<&Snapshot>,
) -> Result<BTreeSet<RecordKey>, SavedSearchError> {
    let is_later = |put: &&Put| put.at.is_none_or(|at| at > search.from);
    let put: BTreeSet<DocumentKey> = put.iter().filter(is_later).map(|put| put.key).collect();
    if put.is_empty() {
        return Ok(BTreeSet::new());
    }
    let query = question::read(node, &parameters(&search.query))?;
    let news = node.indexer().news(&query, &put, before)?;
    Ok(news.into_iter().map(|key| (key.school, key.record)).collect())
}
