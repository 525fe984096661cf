//! What schools published of one kind, read in full, for pages that show several of them together.

use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::{Content, Kind};
use staffroom_search::{Facet, Filters, Query, QueryError};

use crate::names::Names;
use crate::node::Node;
use crate::records::{HeldRecord, RecordError};

/// A record of one kind, whose own fields are `T`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Published<T> {
    pub(crate) school: SchoolId,
    pub(crate) school_name: String,
    pub(crate) record: RecordId,
    /// The names of the groups that it is shared with, as far as this node is in them.
    pub(crate) groups: Vec<String>,
    /// When this version was made.
    pub(crate) updated: String,
    pub(crate) title: String,
    /// Its abstract, or how its text begins.
    pub(crate) in_short: String,
    pub(crate) content: T,
}

/// The newest records of a kind.
#[derive(Debug)]
pub(crate) struct Newest<T> {
    /// The newest first.
    pub(crate) records: Vec<Published<T>>,
    /// How many there are whose full text has not come yet.
    pub(crate) to_come: usize,
    /// How many older ones were not read.
    pub(crate) older: usize,
}

/// Why records cannot be listed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl<T> Published<T> {
    /// Its id with that of its school, as addresses have it.
    pub(crate) fn id(&self) -> String {
        format!("{}@{}", self.record, self.school)
    }
}

impl Node {
    /// The newest `most` records of a kind that this node may read, each in its newest version. `own`
    /// takes the kind's own fields out of a record.
    pub(crate) fn newest_of<T>(
        &self,
        names: &Names,
        kind: Kind,
        most: usize,
        own: fn(Content) -> Option<T>,
    ) -> Result<Newest<T>, ListError> {
        let filters = Filters::default().with(Facet::Kind, kind.as_str());
        let (held, older) = self.newest_held(filters, most)?;
        let mut newest = Newest { records: Vec::new(), to_come: 0, older };
        for held in held {
            let EntryKey { group, school, record } = held.entry.key();
            let Some(summary) = held.summary else { continue };
            let Some(text) = held.record else {
                newest.to_come += 1;
                continue;
            };
            let Some(content) = own(text.content) else { continue };
            let groups = held.groups.iter().filter(|group| names.has(group));
            newest.records.push(Published {
                school,
                school_name: names.school(&group, &school),
                record,
                groups: groups.map(|group| names.group(group)).collect(),
                updated: held.entry.clock().to_string(),
                title: summary.title,
                in_short: summary.abstract_text,
                content,
            });
        }
        Ok(newest)
    }

    /// The newest `most` records that pass the filters and that this node may read, each in its newest
    /// version, and how many older ones there are.
    pub(crate) fn newest_held(
        &self,
        filters: Filters,
        most: usize,
    ) -> Result<(Vec<HeldRecord>, usize), ListError> {
        let query = Query::newest(filters.within(self.followed_groups()));
        let (hits, total) = self.indexer().first_hits(query, most)?;
        let mut records = Vec::with_capacity(hits.len());
        for hit in &hits {
            records.extend(self.record(hit.key.school, hit.key.record)?);
        }
        Ok((records, total.saturating_sub(hits.len())))
    }
}
