//! What goes wrong, and how it is mended.

use super::founding::BEGINNING;
use super::school::{NodeNo, SchoolNode};
use super::world::{Event, World};

/// A kind of fault, or of event that is hard to bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// One in ten messages is lost.
    Loss,
    /// One in ten messages comes twice.
    Duplication,
    /// One in ten messages comes seconds late, after others.
    Reordering,
    /// One in three schools has a line that carries next to nothing, and gossip that waits too long
    /// before it is dropped.
    SlowLines,
    /// The network falls apart for minutes.
    Partitions,
    /// Nodes end and start again; what was being written is there afterwards.
    Crashes,
    /// Nodes end and start again; what was not synced to the disk is gone.
    LostWrites,
    /// A node is restored from an old backup.
    Restores,
    /// Clocks jump by up to a day.
    ClockJumps,
    /// Schools join, leave and are removed; nodes are revoked; admins come and go.
    Membership,
    /// Two admins make a key anew at the same moment, while a school is removed.
    Rotations,
    /// Members alter, forge, replay and withhold, and publish what is dated ahead.
    Hostile,
    /// Schools and admins that were removed go on with old clocks, as if it was before.
    Backdating,
    /// Schools use each other's record ids.
    Collisions,
    /// Two nodes of a school edit, or edit and withdraw, at the same moment.
    Races,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 15] = [
        Self::Loss,
        Self::Duplication,
        Self::Reordering,
        Self::SlowLines,
        Self::Partitions,
        Self::Crashes,
        Self::LostWrites,
        Self::Restores,
        Self::ClockJumps,
        Self::Membership,
        Self::Rotations,
        Self::Hostile,
        Self::Backdating,
        Self::Collisions,
        Self::Races,
    ];

    /// The name for a command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Loss => "loss",
            Self::Duplication => "duplication",
            Self::Reordering => "reordering",
            Self::SlowLines => "slow-lines",
            Self::Partitions => "partitions",
            Self::Crashes => "crashes",
            Self::LostWrites => "lost-writes",
            Self::Restores => "restores",
            Self::ClockJumps => "clock-jumps",
            Self::Membership => "membership",
            Self::Rotations => "rotations",
            Self::Hostile => "hostile",
            Self::Backdating => "backdating",
            Self::Collisions => "collisions",
            Self::Races => "races",
        }
    }

    /// What it is, in a few words for a command line.
    pub fn about(self) -> &'static str {
        match self {
            Self::Loss => "one in ten messages is lost",
            Self::Duplication => "one in ten messages comes twice",
            Self::Reordering => "one in ten messages comes late, after others",
            Self::SlowLines => "some lines carry next to nothing, and gossip is dropped",
            Self::Partitions => "the network falls apart for minutes",
            Self::Crashes => "nodes end and start again",
            Self::LostWrites => "nodes end and lose what was not synced to the disk",
            Self::Restores => "nodes are restored from old backups",
            Self::ClockJumps => "clocks jump by up to a day",
            Self::Membership => "schools join, leave and are removed; nodes are revoked",
            Self::Rotations => "two admins make a group's key anew at once",
            Self::Hostile => "members alter, forge, replay and withhold",
            Self::Backdating => "schools and admins that were removed go on with old clocks",
            Self::Collisions => "schools use each other's record ids",
            Self::Races => "edits race with edits and withdrawals",
        }
    }

    /// The other faults without which it comes to nothing.
    pub fn needs(self) -> &'static [Self] {
        match self {
            // Nothing is kept from anybody, and nothing is void, before somebody is removed.
            Self::Rotations | Self::Backdating => &[Self::Membership],
            // Where lines are whole, everybody hears of a removal at once.
            Self::Membership => &[Self::Partitions],
            Self::Loss
            | Self::Duplication
            | Self::Reordering
            | Self::SlowLines
            | Self::Partitions
            | Self::Crashes
            | Self::LostWrites
            | Self::Restores
            | Self::ClockJumps
            | Self::Hostile
            | Self::Collisions
            | Self::Races => &[],
        }
    }
}

impl World {
    /// Something goes wrong.
    pub(super) fn fault(&mut self) {
        let faults: Vec<Fault> = self.options.faults.iter().copied().collect();
        let node = self.random.below(self.nodes.len());
        match self.random.pick(&faults).copied() {
            Some(Fault::Partitions) => {
                let cells = 1 + self.random.below(3);
                let before = self.cells.clone();
                for node in 0..self.nodes.len() {
                    self.cells[node] = self.random.below(cells);
                }
                self.reconnect(&before);
            }
            Some(Fault::Crashes) => self.crash(node, false),
            Some(Fault::LostWrites) => self.crash(node, true),
            Some(Fault::Restores) => self.restore(node),
            Some(Fault::ClockJumps) => {
                let day = 24 * 60 * 60 * 1000;
                let off = i64::try_from(self.random.between(0, 2 * day)).unwrap_or(0);
                let off = off - i64::try_from(day).unwrap_or(0);
                self.nodes[node].clock_off = if self.random.one_in(3) { 0 } else { off };
            }
            Some(
                Fault::Loss
                | Fault::Duplication
                | Fault::Reordering
                | Fault::SlowLines
                | Fault::Membership
                | Fault::Rotations
                | Fault::Hostile
                | Fault::Backdating
                | Fault::Collisions
                | Fault::Races,
            )
            | None => {}
        }
    }

    /// Ends a node; what it was writing is there afterwards, or gone.
    pub(super) fn crash(&mut self, node: NodeNo, lost: bool) {
        let under_way: Vec<u64> = self
            .writes
            .iter()
            .filter(|(_, (of, _, _))| *of == node)
            .map(|(write, _)| *write)
            .collect();
        for write in under_way {
            if let Some((_, changes, _)) = self.writes.remove(&write)
                && !lost
            {
                self.apply(node, changes);
            }
        }
        self.nodes[node].crash();
        for peer in self.nodes[node].neighbours.clone() {
            self.nodes[peer].mesh.gone(node);
        }
        let pause = self.random.between(100, 120_000);
        self.later(pause, Event::Start { node });
    }

    /// Puts an old backup in the place of a node's disk. What it alone held is lost with it.
    fn restore(&mut self, node: NodeNo) {
        let Some(backup) = self.random.pick(&self.nodes[node].backups).cloned() else {
            let disk = self.nodes[node].disk.clone();
            self.nodes[node].backups.push(disk);
            return;
        };
        self.crash(node, true);
        for (hash, one) in &mut self.log.published {
            if backup.by_hash.contains_key(hash) {
                continue;
            }
            if one.node == node && one.copies.is_none() {
                let holds = |(number, other): (NodeNo, &SchoolNode)| {
                    let holds = !other.hostile && other.disk.by_hash.contains_key(hash);
                    (number != node && holds).then_some(number)
                };
                one.copies = Some(self.nodes.iter().enumerate().filter_map(holds).collect());
            } else if let Some(copies) = &mut one.copies {
                copies.remove(&node);
            }
        }
        if backup.membership.statements().is_empty() {
            // People bring it the word again that it was let in.
            self.nodes[node].invited_by = Some(0);
        }
        self.nodes[node].disk = backup;
    }

    /// Mends lines, disks and clocks, and lets a day pass where something waits for it.
    pub(super) fn heal(&mut self) {
        self.healed = true;
        let before = std::mem::replace(&mut self.cells, vec![0; self.nodes.len()]);
        for number in 0..self.nodes.len() {
            self.nodes[number].clock_off = 0;
            if !self.nodes[number].up {
                self.start(number);
            }
        }
        let clocks = self.nodes.iter().flat_map(|node| node.disk.entries.values());
        let latest = clocks.map(|entry| entry.clock().millis()).max().unwrap_or(0);
        self.now = self.now.max(latest.saturating_sub(BEGINNING));
        self.reconnect(&before);
    }

    /// Ends the connections that lines carry no more, and lets nodes find each other again whose line
    /// was cut. (A line that only lost messages looks as before to both.)
    fn reconnect(&mut self, before: &[usize]) {
        for one in 0..self.nodes.len() {
            self.meets(one);
            for other in self.nodes[one].neighbours.clone() {
                if one < other && self.reaches(one, other) && before[one] != before[other] {
                    self.dials(one, other);
                }
            }
        }
    }
}
