//! Where a file names people beside its text: authors, comments, tracked changes, where a picture was
//! taken.
//!
//! What is found is told by its sort and number and never by its value. What a rule finds it can also
//! take out, so the two cannot differ.

mod marks;
mod office;
mod pdf;
mod picture;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::media::ZIP;

/// What names somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[schema(as = NamedBy)]
pub enum Names {
    /// Who made the file.
    Author,
    /// Who saved it last.
    LastEditor,
    /// Whose team it is.
    Manager,
    /// Who printed it.
    Printer,
    /// Who wrote its comments.
    Comments,
    /// Who made its tracked changes.
    Changes,
    /// A list of people who worked on it.
    People,
    /// Who wrote the notes on its pages.
    Notes,
    /// Where a picture was taken.
    Position,
    /// Who took or owns a picture.
    Photographer,
}

/// One place where a file names people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = NamingTrace)]
pub struct Trace {
    /// What names them.
    pub names: Names,
    /// The part of the file.
    pub place: String,
    /// How often.
    pub count: u32,
    /// Whether it can be taken out here.
    pub removable: bool,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, place, count, .. } = self;
        let many = |one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {more}"),
        };
        let what = match names {
            Names::Author => "author".to_owned(),
            Names::LastEditor => "who saved it last".to_owned(),
            Names::Manager => "manager".to_owned(),
            Names::Printer => "who printed it".to_owned(),
            Names::Comments => many("comment", "comments"),
            Names::Changes => many("tracked change", "tracked changes"),
            Names::People => many("name of who worked on it", "names of who worked on it"),
            Names::Notes => many("note", "notes"),
            Names::Position => "GPS position".to_owned(),
            Names::Photographer => "who took or owns the picture".to_owned(),
        };
        write!(f, "{what} ({place})")
    }
}

/// Traces in a sentence.
pub fn listed(traces: &[Trace]) -> String {
    traces.iter().map(Trace::to_string).collect::<Vec<_>>().join(", ")
}

/// Why nothing is taken out of a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotRemove {
    /// Nothing that can be taken out is in it.
    #[error("nothing in it can be taken out")]
    Nothing,
    /// It cannot be written again.
    #[error("it could not be written again without them")]
    Failed,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Found {
    counts: BTreeMap<(Names, &'static str), u32>,
}

impl Found {
    fn add(&mut self, names: Names, place: &'static str) {
        let count = self.counts.entry((names, place)).or_default();
        *count = count.saturating_add(1);
    }

    fn into_traces(self, removable: bool) -> Vec<Trace> {
        let trace = |((names, place), count)| {
            let place = String::from(place);
            Trace { names, place, count, removable }
        };
        self.counts.into_iter().map(trace).collect()
    }
}

/// All that is found in a file.
pub(super) fn find(bytes: &[u8]) -> Vec<Trace> {
    if bytes.starts_with(ZIP) {
        office::find(bytes)
    } else if bytes[..bytes.len().min(1024)].windows(5).any(|window| window == b"%PDF-") {
        pdf::find(bytes).into_traces(false)
    } else {
        let mut found = Found::default();
        picture::find(bytes, &mut found);
        found.into_traces(picture::can_be_cleaned(bytes))
    }
}

/// The file without them.
pub(super) fn remove(bytes: &[u8]) -> Result<Vec<u8>, CannotRemove> {
    if !find(bytes).iter().any(|trace| trace.removable) {
        return Err(CannotRemove::Nothing);
    }
    let cleaned = if bytes.starts_with(ZIP) { office::clean(bytes) } else { picture::clean(bytes) };
    let cleaned = cleaned.ok_or(CannotRemove::Failed)?;
    // Whatever the reason, a file that still names people is not taken for one that does not.
    if find(&cleaned).iter().any(|trace| trace.removable) {
        return Err(CannotRemove::Failed);
    }
    Ok(cleaned)
}
