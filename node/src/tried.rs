//! Who tried something: the schools that took up an intervention, and what each does differently.

use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_protocol::record::adoption::Change;
use staffroom_protocol::record::{Content, State};
use staffroom_search::evidence::RecordKey;

use crate::lineage::Lineages;
use crate::names::Names;
use crate::node::Node;
use crate::records::{RecordError, known_schools};

/// Records of one lineage that are looked at: as many trials and reports as a page is read for.
const MOST_LOOKED_AT: usize = 120;

/// An intervention, or its adoption by a school.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    pub(crate) school: SchoolId,
    pub(crate) school_name: String,
    pub(crate) record: RecordId,
    /// None where a newer program says it in words that this one does not know.
    pub(crate) state: Option<State>,
    /// What kind of adoption it is; none for the intervention itself.
    pub(crate) closeness: Option<String>,
    /// What is done differently, and in place of what.
    pub(crate) changes: Vec<String>,
}

impl Node {
    /// The trials of the lineage that a record belongs to, the first one first, then by the school's
    /// name.
    ///
    /// # Errors
    /// [`RecordError`] if what is held cannot be read.
    pub(crate) fn trials(&self, key: RecordKey) -> Result<Vec<Trial>, RecordError> {
        let names = Names::of(self);
        let mut lineages = Lineages::new(self, &names);
        let Some(origin) = lineages.origin(key)? else { return Ok(Vec::new()) };
        let schools = known_schools(self);
        let mut trials = Vec::new();
        for (school, record) in lineages.members(origin, MOST_LOOKED_AT)? {
            let Some(held) = self.record(school, record)? else { continue };
            if !held.is_trial() {
                continue;
            }
            let Some(summary) = held.summary else { continue };
            let changes = match held.record.map(|record| record.content) {
                Some(Content::Adoption(adoption)) => adoption.changes.iter().map(said).collect(),
                Some(_) | None => Vec::new(),
            };
            trials.push(Trial {
                school,
                school_name: schools.get(&school).cloned().unwrap_or_else(|| school.short()),
                record,
                state: summary.state.as_deref().and_then(|state| state.parse().ok()),
                closeness: summary.kind_type,
                changes,
            });
        }
        let is_later = |trial: &Trial| (trial.school, trial.record) != origin;
        trials.sort_by(|one, other| {
            let one = (is_later(one), &one.school_name);
            one.cmp(&(is_later(other), &other.school_name))
        });
        Ok(trials)
    }
}

fn said(change: &Change) -> String {
    match change.element.trim() {
        "" => change.change.clone(),
        element => format!("{element}: {}", change.change),
    }
}
