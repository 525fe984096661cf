//! What this school is trying, and whether it has said what came of it.

use jiff::civil::Date;
use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Kind, State};
use staffroom_search::{Facet, Filters, Query, Sort};

use crate::clock::today;
use crate::node::Node;
use crate::published::ListError;
use crate::records::RecordError;

/// Of the newest of a school's own interventions and adoptions, those looked at for one page: more than
/// a school has under way at once.
const MOST_LOOKED_AT: usize = 40;

/// Entries on one record that are looked at for a report of this school's own.
const MOST_ON_ONE: usize = 256;

/// Something this school is trying, or has tried and not yet reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnWork {
    pub(crate) id: RecordId,
    pub(crate) kind: Kind,
    pub(crate) title: String,
    /// How far it has got; none where a newer program says so in words that this one does not know.
    pub(crate) state: Option<State>,
    /// The day it ended or is meant to.
    pub(crate) ends: Option<Date>,
    /// Whether a report is due: it is over, and there is none.
    pub(crate) due: bool,
}

impl Node {
    /// What this school is trying and has not reported on, what is due first, then the newest first.
    pub(crate) fn unreported_work(&self) -> Result<Vec<OwnWork>, ListError> {
        let school = self.identity().school();
        let mut query = Query::new("");
        query.filters = Filters::default()
            .within(self.followed_groups())
            .with(Facet::School, school)
            .with(Facet::Kind, Kind::Intervention.as_str())
            .with(Facet::Kind, Kind::Adoption.as_str());
        (query.limit, query.sort) = (MOST_LOOKED_AT, Sort::Newest);
        query.facets.clear();
        let mut work = Vec::new();
        for hit in self.indexer().search(&query)?.hits {
            let id = hit.key.record;
            let Some(summary) = self.record(school, id)?.and_then(|held| held.summary) else {
                continue;
            };
            let Ok(kind) = hit.kind.parse() else { continue };
            if self.own_report_on(&id)? {
                continue;
            }
            let state = summary.state.as_deref().and_then(|state| state.parse().ok());
            let ends = summary.period.and_then(|period| period.to);
            let is_over = matches!(state, Some(State::Finished | State::Stopped))
                || ends.is_some_and(|day| day < today());
            work.push(OwnWork { id, kind, title: summary.title, state, ends, due: is_over });
        }
        work.sort_by_key(|one| !one.due);
        Ok(work)
    }

    /// Whether this school has reported on one of its own records.
    pub(crate) fn own_report_on(&self, id: &RecordId) -> Result<bool, RecordError> {
        let own = self.identity().school();
        for key @ EntryKey { school, .. } in self.store().entries_on(id, MOST_ON_ONE)? {
            if school != own {
                continue;
            }
            let Some(held) = self.store().entry(&key)? else { continue };
            let entry = Entry::reopen(&held.bytes);
            if entry.is_ok_and(|entry| {
                entry.kind() == Kind::ImpactReport.as_str() && !entry.is_withdrawal()
            }) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}
