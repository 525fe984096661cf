//! The local full-text index of one node: what it holds, and how it is asked.
//!
//! It holds one document for each (group, school, record), and can always be made again from the
//! store: the folder may be deleted at any time. It never opens a socket, reads a clock, keeps a
//! thread beyond the engine's own, or decides who may see what. A search of many documents starts a
//! second thread that ends with it. A caller that serves people with different rights puts the
//! groups each may read into the [`Filters`].
//!
//! Start with [`Index::open`], which says whether the documents are to be fed again; feed with
//! [`Index::apply`] and [`Index::commit`]; ask with [`Index::search`].
//!
//! # Newest versions
//! A record that is shared with three groups is three documents, which may be three versions. Each
//! document names the groups in which this node holds a newer version of the same record
//! ([`Document::newer_in`], filled by [`Document::mark_newer`]). A search over some groups leaves
//! out what is newer in another of *those* groups, and a search over all groups what is newer
//! anywhere. So nothing is counted twice, nothing is missed, and a group that a person may not read
//! hides nothing from them.
//!
//! # Lineages
//! An intervention, the adoptions of it and all their reports are one lineage, and each of its
//! documents carries what the whole shows ([`Document::lineage`]). In the order of what worked
//! ([`Sort::WhatWorked`]) one record stands for the lineage, and names the schools whose matching
//! records it stands for ([`Hit::schools`]). Totals and counts are of records in every order.
//!
//! ```
//! use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
//! use staffroom_protocol::{clock::Timestamp, record::Summary};
//! use staffroom_search::{Change, Document, DocumentKey, Facet, Index, Query, State};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let store = [7; 16];
//! let opened = Index::open(folder.path(), store)?;
//! assert!(matches!(opened.state, State::Empty { .. }));
//!
//! let key = DocumentKey {
//!     group: GroupId::from_bytes([1; 32]),
//!     school: SchoolId::from_bytes([2; 32]),
//!     record: RecordId::from_bytes([3; 16]),
//! };
//! let mut document = Document::new(key, "intervention", Timestamp::from_millis(1_764_000_000_000));
//! document.summary = Summary {
//!     title: "Bar models for fractions".to_owned(),
//!     subjects: vec!["mathematics".to_owned()],
//!     ..Summary::default()
//! };
//! opened.index.apply([Change::Put(Box::new(document))])?;
//! opened.index.commit(1)?;
//!
//! let results = opened.index.search(&Query::new("fraction"))?;
//! assert_eq!(results.total, 1);
//! assert_eq!(results.hits[0].title.to_html(), "Bar models for <mark>fractions</mark>");
//! assert_eq!(results.facets[&Facet::Subject][0].value, "mathematics");
//!
//! drop(opened.index);
//! let again = Index::open(folder.path(), store)?;
//! assert_eq!(again.state, State::Current { position: 1 });
//! # Ok(())
//! # }
//! ```

#![warn(missing_docs)]

mod collect;
mod document;
pub mod evidence;
mod facet;
mod hit;
mod index;
mod order;
mod query;
mod schema;
mod snippet;
#[cfg(test)]
mod testing;
mod threads;
mod values;
mod words;

pub use document::{Change, Document, DocumentKey};
pub use facet::{Facet, UnknownFacet};
pub use hit::{FacetCount, Hit, MAX_FACET_VALUES, Results};
pub use index::news::Snapshot;
pub use index::{EmptyReason, Index, IndexError, Opened, Purged, State};
pub use order::{Explanation, MAX_FACTOR, ReaderContext};
pub use query::synonyms::{SynonymError, Synonyms};
pub use query::{Filters, MAX_DEPTH, MAX_FILTER_VALUES, MAX_LIMIT, Query, QueryError, Sort};
pub use schema::SCHEMA_VERSION;
pub use snippet::{Snippet, SnippetSource, Span};
