//! How a large group keeps its files while servers come and go: real [`Keeper`](crate::keeping::Keeper)s
//! and a real [`Placement`](crate::keeping::placement::Placement), in virtual time, from one seed.
//!
//! What is made up: the roster, lines, disks, and how long a fetch takes. All files are shared on the
//! first day; from a fifth of the time on things go wrong; from a third of it on nothing new does,
//! and the group has to be whole again in the end.

mod check;
mod network;
mod report;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use self::check::KeepingViolation;
pub use self::report::KeepingReport;
use crate::keeping::Rule;

/// Something that happens to members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mishap {
    /// Two in five servers are off at night and at weekends.
    Nights,
    /// Three in a hundred members leave the group.
    Leaving,
    /// Three in a hundred servers are destroyed, and nobody says so.
    Destroyed,
    /// Five in a hundred have no room from the first day on, and as many none later.
    Full,
    /// Three in a hundred say that they keep files and do not.
    Cheating,
    /// Five in a hundred join later.
    Joining,
    /// Three in a hundred are away for ten days.
    Holidays,
    /// Three in a hundred are cut off for four days while they run on.
    Cuts,
    /// Three in a hundred are off for four days of every five, for a while.
    Restless,
}

impl Mishap {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Nights,
        Self::Leaving,
        Self::Destroyed,
        Self::Full,
        Self::Cheating,
        Self::Joining,
        Self::Holidays,
        Self::Cuts,
        Self::Restless,
    ];
}

/// What a run is to be like.
#[derive(Debug, Clone)]
pub struct KeepingOptions {
    /// Members to begin with.
    pub nodes: usize,
    /// Files that they share.
    pub files: usize,
    /// Days.
    pub days: u64,
    /// Where chance comes from.
    pub seed: u64,
    /// What happens to members.
    pub mishaps: BTreeSet<Mishap>,
    /// A rule that keepers do not keep, to see what a run finds then.
    pub without: Option<Rule>,
}

impl Default for KeepingOptions {
    fn default() -> Self {
        Self {
            nodes: 1_000,
            files: 20_000,
            days: 30,
            seed: 1,
            mishaps: Mishap::ALL.into_iter().collect(),
            without: None,
        }
    }
}

/// Lets a group keep files for some days.
///
/// # Errors
/// The first [`KeepingViolation`].
pub fn keep(options: &KeepingOptions) -> Result<KeepingReport, KeepingViolation> {
    network::Network::new(options.clone()).run()
}
