//! What a file is besides its text: what in it would run, and where it names people.

use serde::{Deserialize, Serialize};

use super::runs::{self, Runs};
use super::traces::{self, Trace};

/// What a file is besides its text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// What in it would run on the computer of whoever opens it.
    pub runs: Option<Runs>,
    /// Where it names people beside its text.
    pub traces: Vec<Trace>,
}

impl About {
    /// Looks through a file. One that was made for it can make this panic or use up the memory.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { runs: runs::find(bytes), traces: traces::find(bytes) }
    }

    /// What of it is a sentence about people, to go behind the file's name; none if it names nobody.
    pub fn names_people(&self) -> Option<String> {
        (!self.traces.is_empty()).then(|| format!("names people: {}", traces::listed(&self.traces)))
    }

    /// Whether [`super::Extractor::without_names`] can take some of them out.
    pub fn has_removable_names(&self) -> bool {
        self.traces.iter().any(|trace| trace.removable)
    }
}
