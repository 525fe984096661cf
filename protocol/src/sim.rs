//! A network of schools in one thread, from one seed: the state machines that nodes run, with their
//! lines, disks and clocks made up and faults put in.
//!
//! What is real: entries, statements, rosters, epochs, content sets, sessions and their answers, the
//! judging of what comes. What is made up: time, lines, disks, gossip's mesh, and the driver around
//! them, which does what the node's does.
//!
//! A run logs every publication that a node acknowledged. In the end it heals the network, lets
//! clocks catch up, and then every live member must hold exactly what it may hold; see [`Violation`].
//! The same seed and options give the same run.
//!
//! [`run`] is one network with faults. [`spread`] asks something else of networks of any size without
//! them, but for packets that are lost: how fast a record reaches all, and what that costs.

mod act;
mod comparison;
mod disk;
mod driver;
mod fault;
mod founding;
mod gossip;
mod hostile;
mod keeping;
mod line;
mod log;
mod mesh;
mod random;
mod rule;
mod school;
mod spread;
mod topology;
mod world;

use std::collections::BTreeSet;
use std::fmt;

pub use self::fault::Fault;
pub use self::keeping::{KeepingOptions, KeepingReport, KeepingViolation, Mishap, keep};
pub use self::log::Violation;
pub use self::rule::Rule;
pub use self::spread::{Cost, Spread, SpreadOptions, spread};

/// What a run is to be like.
#[derive(Debug, Clone)]
pub struct Options {
    /// How many schools; none to let the seed choose between 3 and 200, mostly few.
    pub schools: Option<usize>,
    /// For how long they act, in days, before the network is healed.
    pub days: f64,
    /// What goes wrong.
    pub faults: BTreeSet<Fault>,
    /// A rule that nodes do not keep, to see what a run finds then.
    pub without: Option<Rule>,
}

impl Default for Options {
    fn default() -> Self {
        Self { schools: None, days: 0.02, faults: Fault::ALL.into_iter().collect(), without: None }
    }
}

impl Options {
    /// A run in which these faults are alone, and all the more frequent.
    pub fn with(fault: Fault, also: &[Fault]) -> Self {
        let faults = also.iter().copied().chain([fault]).collect();
        Self { faults, ..Self::default() }
    }
}

/// What happened in a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Summary {
    /// Nodes that took part.
    pub nodes: usize,
    /// Events: messages, timers, writes, acts and faults.
    pub events: u64,
    /// Publications that were acknowledged.
    pub acknowledged: usize,
    /// Records that every member held in the end, withdrawals included.
    pub entries: usize,
    /// Membership statements that every member held in the end.
    pub statements: usize,
    /// Bytes that were sent.
    pub bytes: u64,
    /// A hash over what happened, in order: equal for equal runs.
    pub trace: [u8; 32],
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} nodes, {} events, {} acknowledged, {} records and {} statements held by all, {} MB \
             sent",
            self.nodes,
            self.events,
            self.acknowledged,
            self.entries,
            self.statements,
            self.bytes / 1_000_000,
        )
    }
}

/// Runs one network.
///
/// # Errors
/// The first [`Violation`].
pub fn run(seed: u64, options: &Options) -> Result<Summary, Violation> {
    world::World::new(seed, options.clone()).run()
}

#[cfg(test)]
mod tests;
