//! Where documents are.

use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, InvertedIndexReader, SegmentReader, TERMINATED, TantivyError, Term};

use super::Index;
use crate::DocumentKey;
use crate::values::View;

impl Index {
    /// The documents with these keys, segment by segment and each in order. Of each there is one.
    pub(super) fn places(
        &self,
        view: &View,
        keys: impl IntoIterator<Item = DocumentKey>,
    ) -> Result<Vec<Vec<DocId>>, TantivyError> {
        let key = |key: DocumentKey| Term::from_field_bytes(self.fields.key, &key.to_bytes());
        let mut left: Vec<Term> = keys.into_iter().map(key).collect();
        let readers = view.searcher.segment_readers();
        let mut places = vec![Vec::new(); readers.len()];
        // What was put last is in the last segments.
        for (place, reader) in places.iter_mut().zip(readers).rev() {
            let keys = reader.inverted_index(self.fields.key)?;
            let mut elsewhere = Vec::new();
            for term in left {
                match place_in(reader, &keys, &term)? {
                    Some(document) => place.push(document),
                    None => elsewhere.push(term),
                }
            }
            left = elsewhere;
            place.sort_unstable();
        }
        Ok(places)
    }
}

fn place_in(
    reader: &SegmentReader,
    keys: &InvertedIndexReader,
    key: &Term,
) -> Result<Option<DocId>, TantivyError> {
    let Some(mut found) = keys.read_postings(key, IndexRecordOption::Basic)? else {
        return Ok(None);
    };
    // A former version is still there, and marked as removed.
    while found.doc() != TERMINATED && reader.is_deleted(found.doc()) {
        found.advance();
    }
    Ok(Some(found.doc()).filter(|document| *document != TERMINATED))
}
