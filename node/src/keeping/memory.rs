//! What is known of other members' copies, over a restart.
//!
//! It may be lost: then a node asks again, and takes longer to notice who is gone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::keeping::{Counted, Keeper, Reach, Seen};
use staffroom_protocol::wire;

use crate::home::{HomeError, write_private};

/// What challenges came to that is kept for each group: of 20,000 files with five members each.
const MAX_SEEN: usize = 100_000;

/// The largest file that is read: all of that for ten groups.
const MAX_BYTES: usize = 256 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct Memory {
    path: PathBuf,
    groups: BTreeMap<GroupId, Known>,
}

/// What is known in one group.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Known {
    reaches: Vec<(SchoolId, Reach)>,
    seen: Vec<(SchoolId, Hash, Seen)>,
    #[serde(default)]
    counted: Vec<(Hash, Counted)>,
}

impl Memory {
    /// Reads what was kept; without a file that can be read it begins afresh.
    pub(super) fn read(path: PathBuf) -> Self {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let groups = wire::decode(&bytes, MAX_BYTES).unwrap_or_default();
        Self { path, groups }
    }

    /// Takes what keepers know.
    pub(super) fn take<'a>(&mut self, keepers: impl Iterator<Item = (GroupId, &'a Keeper)>) {
        self.groups = keepers
            .map(|(group, keeper)| {
                let seen = keeper.seen().take(MAX_SEEN);
                let seen = seen.map(|(file, school, seen)| (school, file, seen)).collect();
                let counted = keeper.counted().take(MAX_SEEN).collect();
                (group, Known { reaches: keeper.reaches().collect(), seen, counted })
            })
            .collect();
    }

    /// Tells a keeper what was known.
    pub(super) fn recall(&self, group: &GroupId, keeper: &mut Keeper) {
        let Some(known) = self.groups.get(group) else { return };
        let mut seen: BTreeMap<SchoolId, Vec<(Hash, Seen)>> = BTreeMap::new();
        for (school, file, what) in &known.seen {
            seen.entry(*school).or_default().push((*file, *what));
        }
        for (school, reach) in &known.reaches {
            let seen = seen.remove(school).unwrap_or_default();
            keeper.recall(school, *reach, &seen);
        }
        keeper.recall_counted(&known.counted);
    }

    pub(super) fn write(&self) -> Result<(), HomeError> {
        write_private(&self.path, &wire::encode(&self.groups))
    }
}
