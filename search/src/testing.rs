//! Builders for tests.

use std::path::Path;

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use tempfile::TempDir;

use crate::{Change, Document, DocumentKey, Hit, Index, Query, Results};

/// The incarnation of the store that the tests' indexes belong to.
pub(crate) const STORE: [u8; 16] = [7; 16];

pub(crate) fn group(n: u8) -> GroupId {
    GroupId::from_bytes([n; 32])
}

pub(crate) fn school(n: u8) -> SchoolId {
    SchoolId::from_bytes([n; 32])
}

/// An intervention of school 1 in group 1, versioned at its own number of milliseconds.
pub(crate) fn document(record: u32, title: &str) -> Document {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&record.to_be_bytes());
    let key =
        DocumentKey { group: group(1), school: school(1), record: RecordId::from_bytes(bytes) };
    let mut document =
        Document::new(key, "intervention", Timestamp::from_millis(u64::from(record)));
    document.summary.title = title.to_owned();
    document
}

pub(crate) fn put(document: Document) -> Change {
    Change::Put(Box::new(document))
}

pub(crate) fn open(dir: &Path) -> Index {
    Index::open(dir, STORE).unwrap().index
}

/// A committed index of these documents, in a folder that goes with it.
pub(crate) fn index_of(documents: impl IntoIterator<Item = Document>) -> (TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = open(folder.path());
    index.apply(documents.into_iter().map(put)).unwrap();
    index.commit(1).unwrap();
    (folder, index)
}

pub(crate) fn search(index: &Index, text: &str) -> Results {
    index.search(&Query::new(text)).unwrap()
}

/// The titles found, in their order.
pub(crate) fn titles(results: &Results) -> Vec<String> {
    results.hits.iter().map(|hit: &Hit| hit.title.to_text()).collect()
}
