//! What must hold.

use std::fmt;

use super::network::{DAY, HOUR, MONDAY, Network};
use crate::keeping::{FRESH, KEEPERS, Outcome};

/// Within how long a file has its copies again: three days until who does not answer is taken to be
/// gone, and the slowest look, where the nearest standbys are gone, full or cheating too.
const MOST_HEALING: u64 = 14 * DAY;

/// Within how long half of all files have their first three copies: a night.
const MOST_SETTLING: u64 = 24 * HOUR;

/// Copies for others' sake that a file has in the end, beyond those it is to have.
const MOST_EXTRA: usize = 3;

/// Files in a hundred that have any such in the end.
const EXTRA_PER_100: usize = 4;

/// Copies beyond those it is to have that a file has at any time, while members go and come.
const MOST_EXTRA_EVER: usize = 5;

/// Fetches beyond the first, for each copy that mishaps take or make to move: the file is fetched by
/// who steps in, and by who comes first once things are as they were.
const MOST_REFETCHED: u64 = 2;
/// And of all copies, in a hundred, what comes to nothing in the meantime.
const REFETCHED_ANYWAY_PER_100: u64 = 2;

/// Fetches by standbys while enough of those before them had the file and were there, in a hundred of
/// the copies that mishaps made to move, and besides.
const NEEDLESS_PER_100_DISTURBED: u64 = 25;
const NEEDLESS_ANYWAY: u64 = 2;

/// Challenges that a node poses on its busiest day: so many for each file that a member shares on
/// average, with twelve members that mind it, and some for those who do not answer.
const CHALLENGES_PER_SHARED: u64 = 100;
const CHALLENGES_ANYWAY: u64 = 400;

/// Or so many for each file that the node minds, where that is more: one of high weight minds many.
const CHALLENGES_PER_MINDED: u64 = 9;

/// What broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeepingViolation {
    /// With the author's server a file would be lost, long after it was shared.
    LostWithAuthor {
        /// The file's number.
        file: usize,
    },
    /// A file has no copy left.
    Lost {
        /// The file's number.
        file: usize,
    },
    /// A copy was dropped where fewer others than are needed had one.
    DroppedTooEarly {
        /// The file's number.
        file: usize,
        /// How many others had a copy.
        left: usize,
    },
    /// Half of all files took too long to get their first copies.
    SlowToSettle {
        /// How many hours.
        hours: u64,
    },
    /// More files than few have copies in the end that they do not need.
    Surplus {
        /// How many files.
        files: usize,
    },
    /// A file did not get its copies back in time.
    NotHealed {
        /// The file's number.
        file: usize,
        /// How many copies it has beside the author's.
        copies: usize,
        /// For how many hours it has had too few.
        hours: u64,
    },
    /// A file has far more copies for others' sake than it needs.
    TooMany {
        /// The file's number.
        file: usize,
        /// How many.
        copies: usize,
        /// Whether that was in the end.
        in_the_end: bool,
    },
    /// Files went to and fro.
    Churn {
        /// Copies that were fetched for others' sake beyond the first of each file.
        refetched: u64,
        /// Copies that mishaps took, or made to move.
        disturbed: u64,
    },
    /// Standbys stepped in where nobody was missing.
    Needless {
        /// How many times.
        fetches: u64,
    },
    /// A node took more than there was room for.
    Overfull {
        /// The node's number.
        node: usize,
    },
    /// A node posed too many challenges in a day.
    TooManyChallenges {
        /// The node's number.
        node: usize,
        /// How many.
        challenges: u64,
    },
}

impl fmt::Display for KeepingViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LostWithAuthor { file } => write!(f, "file {file} would be lost with its author"),
            Self::Lost { file } => write!(f, "file {file} has no copy left"),
            Self::DroppedTooEarly { file, left } => {
                write!(f, "a copy of file {file} was dropped where {left} others had one")
            }
            Self::SlowToSettle { hours } => {
                write!(f, "half of all files took {hours} hours to get their first copies")
            }
            Self::Surplus { files } => {
                write!(f, "{files} files have copies in the end that they do not need")
            }
            Self::NotHealed { file, copies, hours } => {
                write!(f, "file {file} has had {copies} copies for {hours} hours")
            }
            Self::TooMany { file, copies, in_the_end } => {
                let when = if *in_the_end { "in the end" } else { "for a while" };
                write!(f, "file {file} has {copies} copies for others' sake {when}")
            }
            Self::Churn { refetched, disturbed } => {
                write!(f, "{refetched} copies were fetched again where {disturbed} had to be")
            }
            Self::Needless { fetches } => {
                write!(f, "standbys stepped in {fetches} times where nobody was missing")
            }
            Self::Overfull { node } => write!(f, "node {node} took more than it has room for"),
            Self::TooManyChallenges { node, challenges } => {
                write!(f, "node {node} posed {challenges} challenges in a day")
            }
        }
    }
}

/// What is counted on the way.
#[derive(Debug)]
pub(super) struct Checks {
    /// Since when each file has too few copies.
    short_since: Vec<Option<u64>>,
    settled: Vec<bool>,
    /// How long files took to be whole, in milliseconds: at first, and again.
    pub(super) settling: Vec<u64>,
    pub(super) healing: Vec<u64>,
    pub(super) fetches: u64,
    pub(super) fetched_bytes: u64,
    pub(super) first_bytes: u64,
    pub(super) refetches: u64,
    /// Copies that mishaps took, or made to move.
    pub(super) disturbed: u64,
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) unreachable: u64,
    /// Challenges of each node on each day.
    pub(super) daily: Vec<u64>,
    pub(super) drops: u64,
    pub(super) surplus: usize,
    /// Fetches by standbys while enough of those before them had the file and were there.
    pub(super) needless: u64,
    pub(super) available: usize,
    pub(super) settled_copies: Vec<usize>,
}

impl Checks {
    pub(super) fn new(files: usize) -> Self {
        Self {
            short_since: vec![None; files],
            settled: vec![false; files],
            settling: Vec::new(),
            healing: Vec::new(),
            fetches: 0,
            fetched_bytes: 0,
            first_bytes: 0,
            refetches: 0,
            disturbed: 0,
            passed: 0,
            failed: 0,
            unreachable: 0,
            daily: Vec::new(),
            drops: 0,
            surplus: 0,
            needless: 0,
            available: 0,
            settled_copies: Vec::new(),
        }
    }

    /// A copy for others' sake came to a node, where so many had one.
    pub(super) fn fetched(&mut self, size: u64, before: usize) {
        self.fetches += 1;
        self.fetched_bytes += size;
        if before <= KEEPERS {
            self.first_bytes += size;
        }
    }

    pub(super) fn challenged(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Failed => self.failed += 1,
            Outcome::Unreachable => self.unreachable += 1,
        }
    }
}

impl Network {
    /// How many members other than the author have a file.
    pub(super) fn copies(&self, file: usize) -> usize {
        let holders = self.holders[file].iter();
        holders.filter(|node| **node != self.authors[file] && self.nodes[**node].counts()).count()
    }

    /// How many have it for others' sake.
    pub(super) fn kept_copies(&self, file: usize) -> usize {
        let holders = self.holders[file].iter().filter(|node| self.nodes[**node].counts());
        holders.filter(|node| self.nodes[**node].disk.get(&file) == Some(&true)).count()
    }

    /// The publications have settled: every author's server could be destroyed.
    pub(super) fn check_settled(&mut self) -> Result<(), KeepingViolation> {
        self.checks.settled_copies = (0..self.files.len()).map(|file| self.copies(file)).collect();
        let lost = self.checks.settled_copies.iter().position(|copies| *copies == 0);
        self.checks.available = self.files.len()
            - self.checks.settled_copies.iter().filter(|copies| **copies == 0).count();
        if let Some(file) = lost {
            return Err(KeepingViolation::LostWithAuthor { file });
        }
        // Those that have not settled took longer than any that have.
        self.checks.settling.sort_unstable();
        let half = self.checks.settling.get(self.files.len() / 2).copied();
        let took = half.unwrap_or(self.now - MONDAY);
        if took > MOST_SETTLING {
            return Err(KeepingViolation::SlowToSettle { hours: took / HOUR });
        }
        Ok(())
    }

    /// Nothing is lost, now that a server was.
    pub(super) fn check_all_there(&self) -> Result<(), KeepingViolation> {
        for (file, holders) in self.holders.iter().enumerate() {
            if self.files[file].published < self.now
                && !holders.iter().any(|node| self.nodes[*node].counts())
            {
                return Err(KeepingViolation::Lost { file });
            }
        }
        Ok(())
    }

    /// Enough others had a copy of what was dropped; those that were destroyed too lately to be
    /// missed count.
    pub(super) fn check_drop(&mut self, node: usize, file: usize) -> Result<(), KeepingViolation> {
        self.checks.drops += 1;
        let had = |other: &&usize| {
            let other = &self.nodes[**other];
            let lately = |at: u64| self.now - at < FRESH + HOUR;
            other.destroyed_at.is_none_or(lately)
        };
        let others = self.holders[file].iter().filter(|other| **other != node).filter(had);
        let left = others.filter(|other| **other != self.authors[file]).count();
        if left < KEEPERS {
            return Err(KeepingViolation::DroppedTooEarly { file, left });
        }
        Ok(())
    }

    /// From time to time.
    pub(super) fn check(&mut self) -> Result<(), KeepingViolation> {
        if (self.now - MONDAY).is_multiple_of(DAY) {
            self.check_challenges()?;
        }
        for file in 0..self.files.len() {
            if self.files[file].published >= self.now {
                continue;
            }
            let copies = self.copies(file);
            let since = self.checks.short_since[file];
            let begun =
                if self.checks.settled[file] { self.now } else { self.files[file].published };
            if copies < KEEPERS {
                let since = *self.checks.short_since[file].get_or_insert(begun);
                if self.now - since > MOST_HEALING {
                    let hours = (self.now - since) / HOUR;
                    return Err(KeepingViolation::NotHealed { file, copies, hours });
                }
            } else {
                if let Some(since) = since {
                    let took = self.now - since;
                    if self.checks.settled[file] {
                        self.checks.healing.push(took);
                    } else {
                        self.checks.settling.push(took);
                    }
                } else if !self.checks.settled[file] {
                    self.checks.settling.push(self.now - begun);
                }
                self.checks.settled[file] = true;
                self.checks.short_since[file] = None;
            }
            let kept = self.kept_copies(file);
            if kept > KEEPERS + MOST_EXTRA_EVER {
                let in_the_end = false;
                return Err(KeepingViolation::TooMany { file, copies: kept, in_the_end });
            }
        }
        Ok(())
    }

    fn check_challenges(&mut self) -> Result<(), KeepingViolation> {
        let shared = self.files.len() as u64 / self.nodes.len() as u64;
        let most = CHALLENGES_ANYWAY + CHALLENGES_PER_SHARED * shared;
        for (number, node) in self.nodes.iter_mut().enumerate() {
            let challenges = std::mem::take(&mut node.posed_today);
            if node.counts() {
                self.checks.daily.push(challenges);
            }
            let most = most.max(CHALLENGES_PER_MINDED * node.keeper.minded() as u64);
            if challenges > most {
                return Err(KeepingViolation::TooManyChallenges { node: number, challenges });
            }
        }
        Ok(())
    }

    /// In the end.
    pub(super) fn check_end(&mut self) -> Result<(), KeepingViolation> {
        self.check_all_there()?;
        let mut surplus = 0;
        for file in 0..self.files.len() {
            let copies = self.kept_copies(file);
            surplus += usize::from(copies > KEEPERS);
            if copies > KEEPERS + MOST_EXTRA {
                return Err(KeepingViolation::TooMany { file, copies, in_the_end: true });
            }
        }
        self.checks.surplus = surplus;
        if surplus * 100 > self.files.len() * EXTRA_PER_100 {
            return Err(KeepingViolation::Surplus { files: surplus });
        }
        let first = (self.files.len() * KEEPERS) as u64;
        self.checks.refetches = self.checks.fetches.saturating_sub(first);
        let (refetched, disturbed) = (self.checks.refetches, self.checks.disturbed);
        if refetched > disturbed * MOST_REFETCHED + first * REFETCHED_ANYWAY_PER_100 / 100 {
            return Err(KeepingViolation::Churn { refetched, disturbed });
        }
        let needless = disturbed * NEEDLESS_PER_100_DISTURBED / 100 + NEEDLESS_ANYWAY;
        if self.checks.needless > needless {
            return Err(KeepingViolation::Needless { fetches: self.checks.needless });
        }
        Ok(())
    }
}
