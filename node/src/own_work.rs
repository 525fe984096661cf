//! What this school is trying, and whether it has said what came of it.

use jiff::civil::Date;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::{Kind, State};
use staffroom_search::{Facet, Filters, Query};

use crate::clock::today;
use crate::node::Node;
use crate::published::ListError;
use crate::records::RecordError;

/// Of the newest of a school's own interventions and adoptions, those looked at for one page: more than
/// a school has under way at once.
const MOST_LOOKED_AT: usize = 40;

/// Entries of this school on one of its records that are looked at for a report: more than it writes on
/// one, in all of its groups.
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
        let filters = Filters::default()
            .within(self.followed_groups())
            .with(Facet::School, school)
            .with(Facet::Kind, Kind::Intervention.as_str())
            .with(Facet::Kind, Kind::Adoption.as_str());
        let (hits, _) = self.indexer().first_hits(Query::newest(filters), MOST_LOOKED_AT)?;
        let mut work = Vec::new();
        for hit in hits {
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
        let school = self.identity().school();
        for key in self.store().entries_on_by(id, &school, MOST_ON_ONE)? {
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

#[cfg(test)]
mod tests {
    use staffroom_protocol::clock::Timestamp;
    use staffroom_protocol::entry::{BlobRef, Draft};
    use staffroom_protocol::hash::Hash;

    use super::*;
    use crate::lineage::tests::Trust;

    #[test]
    fn an_own_report_is_found_behind_all_that_others_shared_on_the_same_record() {
        let trust = Trust::of(2);
        let on = RecordId::from_bytes([1; 16]);
        let others = (2..=u8::MAX).flat_map(|record| [(0, record), (1, record)]);
        for key in others.take(MOST_ON_ONE) {
            trust.comes(key, Kind::Adoption.as_str(), trust.on((0, 1)));
        }
        assert!(!trust.node.own_report_on(&on).unwrap());
        let identity = trust.node.identity();
        let report = Draft {
            group: trust.group,
            record: RecordId::from_bytes([1; 16]),
            clock: Timestamp::from_millis(1),
            kind: Kind::ImpactReport.as_str().to_owned(),
            content: trust
                .on((0, 1))
                .map(|summary| (summary, BlobRef { hash: Hash::of(b"text"), size: 4 })),
            school: None,
        };
        let report = Entry::sign(report, identity.certificate(), identity.node_key()).unwrap();
        let own = identity.node_key().public();
        trust.node.accept_entries(trust.group, [report.as_bytes()], own).unwrap();
        assert!(trust.node.own_report_on(&on).unwrap());
    }
}
