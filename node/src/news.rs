//! What came from other schools since somebody looked last, by when it came here: a school that was away
//! for a term shares what is new to others and has old dates.

use std::collections::BTreeSet;

use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_search::evidence::ReportEvidence;

use crate::http::HitReport;
use crate::names::Names;
use crate::node::Node;
use crate::records::RecordError;

/// Changes that are looked at: what a trust of thirty schools shares in a month. Where there are more,
/// nobody counts them.
const MOST_CHANGES: usize = 300;

/// A record of another school, as a list of what is new has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewRecord {
    /// Its id with that of its school, as addresses have it.
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) title: String,
    pub(crate) school_name: String,
    pub(crate) updated: String,
    pub(crate) did_not_work: bool,
}

impl From<HitReport> for NewRecord {
    fn from(hit: HitReport) -> Self {
        Self {
            id: format!("{}@{}", hit.id, hit.school),
            kind: hit.kind_label,
            title: hit.title,
            school_name: hit.school_name,
            updated: hit.updated,
            did_not_work: hit.did_not_work,
        }
    }
}

impl Node {
    /// The records of other schools that came after a position of the store or got a new version, what
    /// came last first; none where there is too much to look at.
    pub(crate) fn came_since(
        &self,
        names: &Names,
        position: u64,
    ) -> Result<Option<Vec<NewRecord>>, RecordError> {
        let changes = self.store().changes_since(position, MOST_CHANGES)?;
        if changes.len() == MOST_CHANGES {
            return Ok(None);
        }
        let own = self.identity().school();
        let mut seen: BTreeSet<(SchoolId, RecordId)> = BTreeSet::new();
        let mut came = Vec::new();
        for (_, EntryKey { group, school, record }) in changes.into_iter().rev() {
            if school == own || !names.has(&group) || !seen.insert((school, record)) {
                continue;
            }
            came.extend(self.new_record(names, school, record)?);
        }
        Ok(Some(came))
    }

    fn new_record(
        &self,
        names: &Names,
        school: SchoolId,
        record: RecordId,
    ) -> Result<Option<NewRecord>, RecordError> {
        let Some(held) = self.record_in_short(school, record)? else { return Ok(None) };
        let Some(summary) = held.summary else { return Ok(None) };
        let effect = summary.figures.as_ref().and_then(|figures| {
            ReportEvidence::of(Some(figures)).effect().map(|effect| effect.estimate)
        });
        Ok(Some(NewRecord {
            id: format!("{record}@{school}"),
            kind: crate::http::kind_label(held.entry.kind()),
            title: summary.title,
            school_name: names.school(&held.entry.key().group, &school),
            updated: held.entry.clock().to_string(),
            did_not_work: did_not_work(summary.conclusion.as_deref(), effect),
        }))
    }
}

/// Whether something did not work in its own school: its effect is below 0, or it concluded to stop.
pub(crate) fn did_not_work(conclusion: Option<&str>, effect: Option<f64>) -> bool {
    conclusion == Some("stop") || effect.is_some_and(|effect| effect < 0.0)
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::Kind;

    use super::*;
    use crate::lineage::tests::Trust;

    #[test]
    fn what_came_is_listed_once_without_what_was_withdrawn_and_within_a_bound() {
        let trust = Trust::of(2);
        let node = &trust.node;
        let names = Names::of(node);
        let since = node.store().position();
        let came = |since| {
            let came = node.came_since(&names, since).unwrap();
            came.map(|came| came.into_iter().map(|one| one.id).collect::<Vec<_>>())
        };
        assert_eq!(came(since), Some(Vec::new()));
        let id = |school, record| {
            let (school, record) = trust.key(school, record);
            format!("{record}@{school}")
        };
        let kind = Kind::Adoption.as_str();
        for (school, record) in [(0, 1), (1, 1), (0, 2)] {
            trust.comes((school, record), kind, trust.on((0, 1)));
        }
        assert_eq!(came(since), Some(vec![id(0, 2), id(1, 1), id(0, 1)]));
        trust.comes((1, 1), kind, None);
        assert_eq!(came(since), Some(vec![id(0, 2), id(0, 1)]), "a withdrawal is nothing to read");
        assert_eq!(came(node.store().position()), Some(Vec::new()));
        for record in 3..u8::MAX {
            trust.comes((0, record), kind, trust.on((0, 1)));
        }
        assert_eq!(came(since).map(|came| came.len()), Some(254));
        for record in 3..60 {
            trust.comes((1, record), kind, trust.on((0, 1)));
        }
        assert_eq!(came(since), None);
    }

    #[test]
    fn a_negative_effect_or_a_stop_is_something_that_did_not_work() {
        assert!(did_not_work(Some("stop"), None) && did_not_work(None, Some(-0.1)));
        assert!(!did_not_work(Some("adapt"), Some(0.0)) && !did_not_work(None, None));
    }
}
