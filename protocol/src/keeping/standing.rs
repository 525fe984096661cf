//! What a keeper can tell people of a file.

use super::KEEPERS;
use super::copy::MindedFile;
use super::peers::Peers;
use crate::hash::SchoolId;

/// A school that holds a file, as far as this node knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// The school.
    pub school: SchoolId,
    /// When it last proved that it does; none for this node itself.
    pub passed: Option<u64>,
    /// When it last answered anything.
    pub heard: Option<u64>,
    /// Whether it is taken to be gone.
    pub lost: bool,
}

/// How a file stands, as far as this node knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who holds it, this node first; those that are taken to be gone are among them.
    pub holders: Vec<Holder>,
    /// Whether anybody was asked for it yet.
    pub asked: bool,
    /// How many copies it lacks beside its author's.
    pub short: usize,
    /// Whether this node holds the only copy that it knows of.
    pub only_here: bool,
    /// Whether this school is to keep it, and has no room.
    pub refused: bool,
}

/// What it would come to if this node's copy was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consequence {
    /// Enough others have lately proved that they hold it.
    Safe,
    /// So many others are known to hold it; too few of them proved it within a day.
    Unproven(usize),
    /// No other copy is known.
    Last,
}

impl Standing {
    pub(super) fn of(copy: &MindedFile, peers: &Peers, now: u64) -> Self {
        let own = copy.held.map(|_| Holder {
            school: peers.own(),
            passed: None,
            heard: Some(now),
            lost: false,
        });
        let others: Vec<Holder> = copy
            .watches()
            .filter(|watch| watch.seen.passed.is_some() && watch.seen.failures == 0)
            .map(|watch| Holder {
                school: peers.school(watch.peer),
                passed: watch.seen.passed,
                heard: peers.reach(watch.peer).heard,
                lost: peers.is_lost(watch.peer, now),
            })
            .collect();
        let beside = |holder: &&Holder| !holder.lost && holder.school != copy.file.author;
        let held = own.iter().chain(&others).filter(beside).count();
        let only_here = own.is_some() && others.iter().all(|holder| holder.lost);
        Self {
            holders: own.into_iter().chain(others).collect(),
            asked: copy.watches().any(|watch| watch.seen.asked.is_some()),
            short: KEEPERS.saturating_sub(held),
            only_here,
            refused: copy.refused,
        }
    }
}
