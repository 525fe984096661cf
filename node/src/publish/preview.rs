//! What would be shared of a record, without sharing it.

use serde_json::Value;
use staffroom_protocol::record::{Problem, Record, Summary};
use staffroom_protocol::safeguard::Allowed;

use super::{Batch, PublishError, PublishOptions};
use crate::node::Node;

/// What would leave the school.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preview {
    /// The record, without what stays in the school.
    pub(crate) record: Record,
    /// What every member gets at once.
    pub(crate) summary: Summary,
    /// The names of the groups whose members will see it.
    pub(crate) groups: Vec<String>,
    /// What the author should look at.
    pub(crate) warnings: Vec<Problem>,
    /// What the author cleared, with the reasons.
    pub(crate) cleared: Vec<Allowed>,
}

impl Node {
    /// Checks a record as [`Self::publish`] does, and shows what would be shared; none where the very
    /// same is shared already.
    ///
    /// # Errors
    /// [`PublishError`] says why it would not be shared.
    pub(crate) fn preview(
        &self,
        written: Value,
        options: &PublishOptions,
    ) -> Result<Option<Preview>, PublishError> {
        let texts = self.read_texts_in(std::slice::from_ref(&written))?;
        let batch = Batch { texts, ..Batch::default() };
        let Ok(checked) = self.check(written, options, &batch)? else { return Ok(None) };
        let mut names = self.group_names();
        Ok(Some(Preview {
            groups: checked.groups.iter().filter_map(|group| names.remove(group)).collect(),
            record: checked.prepared.record,
            summary: checked.prepared.summary,
            warnings: checked.prepared.warnings,
            cleared: checked.prepared.cleared,
        }))
    }
}
