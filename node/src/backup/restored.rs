//! A node that was restored from a backup: it shows and passes on nothing until it has heard from the other
//! schools what was taken back since, or an administrator lets it go on without.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::GroupId;
use utoipa::ToSchema;

use super::BackupError;
use crate::home::{Home, private_json};
use crate::node::Node;

/// From when what is here is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Restored {
    /// When the backup was begun.
    pub backup: Timestamp,
    /// When it was restored.
    pub restored: Timestamp,
}

/// Whether a node waits because it was restored.
#[derive(Debug)]
pub(crate) struct Waiting {
    path: PathBuf,
    state: Mutex<Option<State>>,
}

#[derive(Debug)]
struct State {
    restored: Restored,
    /// The groups in which another school was heard since this start.
    heard: BTreeSet<GroupId>,
}

/// Notes that a data directory was restored.
pub(super) fn mark(home: &Home, backup: Timestamp, restored: Timestamp) -> Result<(), BackupError> {
    Ok(private_json::write(&home.restored(), &Restored { backup, restored })?)
}

impl Waiting {
    /// Reads whether it was restored. What cannot be read says that it was.
    pub(crate) fn open(home: &Home) -> Self {
        let path = home.restored();
        let restored = path.exists().then(|| {
            let unknown =
                Restored { backup: Timestamp::UNIX_EPOCH, restored: Timestamp::UNIX_EPOCH };
            private_json::read(&path, "staffroom backup resume").unwrap_or(unknown)
        });
        let state = restored.map(|restored| State { restored, heard: BTreeSet::new() });
        Self { path, state: Mutex::new(state) }
    }

    /// Whether it may wait: where it does not, nobody has to ask further.
    pub(crate) fn is_set(&self) -> bool {
        self.state().is_some()
    }

    fn state(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) -> Result<(), BackupError> {
        private_json::remove(&self.path)?;
        *self.state() = None;
        Ok(())
    }
}

impl Restored {
    /// What is said in place of what schools shared.
    pub(crate) fn sentence(&self, groups: &[String]) -> String {
        let whom = match groups {
            [] => "it now takes up what it has heard".to_owned(),
            groups => format!("it waits for another school of {}", groups.join(", ")),
        };
        format!(
            "this server was restored from a backup of {} and shows nothing until it has heard what was \
             taken back since: {whom}. An administrator can let it go on without, on the page Settings or \
             with: staffroom backup resume",
            self.backup.strftime("%-d %B %Y, %H:%M UTC")
        )
    }
}

impl Node {
    /// From when what is here is, while nothing of it is shown or passed on.
    pub(crate) fn waits_since_restored(&self) -> Option<Restored> {
        let (restored, heard) = {
            let state = self.waiting().state();
            let State { restored, heard } = state.as_ref()?;
            (*restored, heard.clone())
        };
        // What was taken back must have left the index, too.
        if !self.groups_to_hear(&heard).is_empty() || !self.indexer().is_up_to_date(self.store()) {
            return Some(restored);
        }
        if let Err(error) = self.waiting().end() {
            tracing::error!(%error, "this node waits again when it is started anew");
            *self.waiting().state() = None;
        }
        tracing::info!("this node has heard what happened since its backup was made");
        None
    }

    /// The names of the groups from which nothing was heard yet.
    pub(crate) fn groups_not_heard(&self) -> Vec<String> {
        let Some(heard) = self.waiting().state().as_ref().map(|state| state.heard.clone()) else {
            return Vec::new();
        };
        let names = self.group_names();
        let groups = self.groups_to_hear(&heard).into_iter();
        groups.map(|group| names.get(&group).cloned().unwrap_or_else(|| group.short())).collect()
    }

    /// The groups with other schools, but for those that were heard.
    fn groups_to_hear(&self, heard: &BTreeSet<GroupId>) -> Vec<GroupId> {
        let own = self.identity().school();
        let has_others = |group: &GroupId| {
            self.roster(group)
                .is_some_and(|roster| roster.current().any(|(school, _)| school != own))
        };
        let groups = self.followed_groups().into_iter();
        groups.filter(|group| !heard.contains(group) && has_others(group)).collect()
    }

    /// Notes that all was compared with another school in a group.
    pub(crate) fn heard_since_restored(&self, group: GroupId) {
        if let Some(state) = self.waiting().state().as_mut() {
            state.heard.insert(group);
        }
    }

    /// Lets a restored node go on without having heard from the others.
    ///
    /// # Errors
    /// [`BackupError::Home`] if the note that it was restored stays.
    pub(crate) fn resume(&self) -> Result<(), BackupError> {
        self.waiting().end()
    }
}
