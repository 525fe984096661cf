//! Time, lines, and what happens next.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::disk::Disk;
use super::founding::{BEGINNING, connect, found};
use super::line::Line;
use super::log::{Expected, Log};
use super::mesh::{HEARTBEAT_MILLIS, Rpc};
use super::random::Random;
use super::school::{Keys, NodeNo, SchoolNode};
use super::{Fault, Options, Summary, Violation};
use crate::entry::{Entry, Verifier};
use crate::group::membership::Membership;
use crate::group::statement::Statement;
use crate::hash::{GroupId, Hash};

/// How often a node compares with another, about.
pub(super) const BETWEEN_COMPARISONS_MILLIS: u64 = 30_000;

/// What is over after so long after the healing, or never.
const SETTLING_MILLIS: u64 = 40 * BETWEEN_COMPARISONS_MILLIS;

/// What a slow line carries: a message in seconds.
const SLOW_BYTES_PER_SECOND: u64 = 500;

/// How much later a message of a connection comes that was lost at first.
const SENT_AGAIN_MILLIS: u64 = 400;

/// What goes over a line.
#[derive(Debug, Clone)]
pub(super) enum Packet {
    Gossip(Rpc),
    Request {
        number: u64,
        bytes: Arc<[u8]>,
    },
    Response {
        number: u64,
        bytes: Arc<[u8]>,
    },
    /// Word, by people, that a school was let in.
    LetIn,
}

impl Packet {
    fn size(&self) -> usize {
        match self {
            Self::Gossip(rpc) => rpc.size(),
            Self::Request { bytes, .. } | Self::Response { bytes, .. } => bytes.len(),
            Self::LetIn => 0,
        }
    }
}

/// A change that is on its way to a disk.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Entry(Arc<Entry>),
    Statements(Vec<Statement>),
}

/// What is done once changes are on the disk.
#[derive(Debug, Clone)]
pub(super) enum Then {
    Nothing,
    /// Acknowledges a publication and tells the group.
    Publish(Arc<Entry>),
    /// Passes gossip on, where it was stored.
    Judged {
        message: Hash,
        entry: Hash,
        passed_on: bool,
    },
    /// Goes on with a comparison.
    GoOn(u64),
}

#[derive(Debug)]
pub(super) enum Event {
    Arrives { from: NodeNo, to: NodeNo, packet: Packet },
    Synced { node: NodeNo, starts: u32, write: u64 },
    TimedOut { node: NodeNo, starts: u32, comparison: u64, number: u64 },
    Tick { node: NodeNo, starts: u32 },
    Heartbeat { node: NodeNo, starts: u32 },
    Connected { one: NodeNo, other: NodeNo },
    Act,
    Fault,
    Crash { node: NodeNo },
    Start { node: NodeNo },
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) options: Options,
    pub(super) random: Random,
    pub(super) group: GroupId,
    pub(super) nodes: Vec<SchoolNode>,
    pub(super) cells: Vec<usize>,
    pub(super) log: Log,
    /// Entries that a node has from a member that means harm, perhaps through others, without what
    /// their authors knew of who belongs. Such a member could as well hand them to a removed school,
    /// so that is no leak of whoever passes them on.
    pub(super) slipped: BTreeSet<(NodeNo, Hash)>,
    /// The statements of the beginning.
    founding: Membership,
    pub(super) now: u64,
    queue: BTreeMap<(u64, u64), Event>,
    next_number: u64,
    pub(super) healed: bool,
    /// Writes under way, by their number.
    pub(super) writes: BTreeMap<u64, (NodeNo, Vec<Change>, Then)>,
    pub(super) verifier: Verifier,
    pub(super) verified: BTreeMap<Hash, Option<Arc<Entry>>>,
    pub(super) statements: BTreeMap<Hash, Option<Statement>>,
    pub(super) acts_left: usize,
    faults_left: usize,
    events: u64,
    bytes: u64,
    trace: blake3::Hasher,
    pub(super) violation: Option<Violation>,
}

impl World {
    pub(super) fn new(seed: u64, options: Options) -> Self {
        let mut random = Random::new(seed);
        let schools = options.schools.unwrap_or_else(|| match random.below(80) {
            0 => 41 + random.below(130),
            1..=9 => 13 + random.below(28),
            _ => 3 + random.below(10),
        });
        let schools = u32::try_from(schools.clamp(2, 1_000_000)).unwrap_or(u32::MAX);
        let mut keys: Vec<Keys> = (0..schools).map(|school| Keys::new(school, 0)).collect();
        let membership = options.faults.contains(&Fault::Membership);
        let standbys = (0..schools).filter(|_| random.one_in(4)).collect::<Vec<_>>();
        let founding = found(&keys, &standbys, |school| {
            // Some join later.
            school < 3 || !membership || !random.one_in(6)
        });
        keys.extend(standbys.iter().map(|school| Keys::new(*school, 1)));
        let mut disk = Disk::new(founding.group());
        disk.membership = founding.clone();
        let mut nodes: Vec<SchoolNode> = keys
            .into_iter()
            .map(|keys| {
                let member = founding.roster().school_of(&keys.public()).is_some();
                let empty = Disk::new(founding.group());
                SchoolNode::new(keys, if member { disk.clone() } else { empty })
            })
            .collect();
        let ill = [Fault::Hostile, Fault::Backdating].map(|fault| options.faults.contains(&fault));
        if ill.contains(&true) && random.one_in(2) {
            // The founder's school stays as it is: whoever has the root's key may do all.
            for node in nodes.iter_mut().skip(if ill == [false, true] { 1 } else { 3 }) {
                node.hostile = random.one_in(6);
            }
        }
        if options.faults.contains(&Fault::SlowLines) {
            for node in &mut nodes {
                node.line = random.one_in(3).then(|| Line::new(SLOW_BYTES_PER_SECOND));
            }
        }
        connect(&mut nodes, &mut random);
        let length = millis(options.days);
        let acts_left = 30 + random.below(60) + nodes.len() / 2;
        let faults_left = if options.faults.is_empty() { 0 } else { 5 + random.below(30) };
        let mut world = Self {
            group: founding.group(),
            cells: vec![0; nodes.len()],
            log: Log::default(),
            slipped: BTreeSet::new(),
            founding,
            now: 0,
            queue: BTreeMap::new(),
            next_number: 0,
            healed: false,
            writes: BTreeMap::new(),
            verifier: Verifier::default(),
            verified: BTreeMap::new(),
            statements: BTreeMap::new(),
            acts_left,
            faults_left,
            events: 0,
            bytes: 0,
            trace: blake3::Hasher::new(),
            violation: None,
            options,
            random,
            nodes,
        };
        for node in 0..world.nodes.len() {
            world.start(node);
        }
        for _ in 0..acts_left {
            let at = world.random.between(1, length.max(1));
            world.at(at, Event::Act);
        }
        for _ in 0..faults_left {
            let at = world.random.between(1, length.max(1));
            world.at(at, Event::Fault);
        }
        world
    }

    pub(super) fn run(mut self) -> Result<Summary, Violation> {
        let end = millis(self.options.days);
        self.until(end)?;
        self.heal();
        let healed = self.now;
        loop {
            self.until(self.now + BETWEEN_COMPARISONS_MILLIS)?;
            let expected = Expected::of(&self.nodes, &self.founding);
            match expected.unequal(&self.nodes) {
                None => {
                    expected.check(&self.nodes, &self.log)?;
                    return Ok(self.summary(&expected));
                }
                Some((node, what)) if self.now > healed + SETTLING_MILLIS => {
                    let seconds = (self.now - healed) / 1000;
                    return Err(Violation::Unequal { node, what, seconds });
                }
                Some(_) => {}
            }
        }
    }

    fn summary(&self, expected: &Expected) -> Summary {
        Summary {
            nodes: self.nodes.len(),
            events: self.events,
            acknowledged: self.log.acknowledged(),
            entries: expected.set.len(),
            statements: expected.membership.statements().len(),
            bytes: self.bytes,
            trace: *self.trace.finalize().as_bytes(),
        }
    }

    fn until(&mut self, end: u64) -> Result<(), Violation> {
        while let Some(first) = self.queue.first_entry()
            && first.key().0 <= end
        {
            let ((at, number), event) = first.remove_entry();
            self.now = self.now.max(at);
            self.events += 1;
            self.trace.update(&at.to_le_bytes());
            self.trace.update(&number.to_le_bytes());
            self.happens(event);
            if let Some(violation) = self.violation.take() {
                return Err(violation);
            }
        }
        self.now = self.now.max(end);
        Ok(())
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrives { from, to, packet } => {
                if self.reaches(from, to) {
                    self.trace.update(&packet.size().to_le_bytes());
                    self.arrives(from, to, packet);
                }
            }
            Event::Synced { node, starts, write } => {
                let Some((_, changes, then)) = self.writes.remove(&write) else { return };
                if self.nodes[node].starts == starts {
                    self.apply(node, changes);
                    self.then(node, then);
                }
            }
            Event::TimedOut { node, starts, comparison, number } => {
                if self.nodes[node].starts == starts {
                    self.timed_out(node, comparison, number);
                }
            }
            Event::Tick { node, starts } => {
                if self.nodes[node].starts == starts && self.nodes[node].up {
                    self.tick(node);
                    let pause = self.random.between(8_000, 12_000);
                    self.later(pause, Event::Tick { node, starts });
                }
            }
            Event::Heartbeat { node, starts } => {
                if self.nodes[node].starts == starts && self.nodes[node].up {
                    self.heartbeat(node);
                    self.later(HEARTBEAT_MILLIS, Event::Heartbeat { node, starts });
                }
            }
            Event::Connected { one, other } => {
                if self.reaches(one, other) {
                    self.meets(one);
                    self.connected(one, other);
                    self.connected(other, one);
                }
            }
            Event::Act => {
                if !self.healed {
                    self.act();
                }
            }
            Event::Fault => {
                if !self.healed {
                    self.faults_left = self.faults_left.saturating_sub(1);
                    self.fault();
                }
            }
            Event::Crash { node } => {
                if !self.healed && self.nodes[node].up {
                    self.crash(node, true);
                }
            }
            Event::Start { node } => {
                if !self.nodes[node].up {
                    self.start(node);
                }
            }
        }
    }

    pub(super) fn has(&self, fault: Fault) -> bool {
        !self.healed && self.options.faults.contains(&fault)
    }

    pub(super) fn violated(&mut self, violation: Violation) {
        self.violation.get_or_insert(violation);
    }

    /// What a node's clock shows.
    pub(super) fn clock(&self, node: NodeNo) -> u64 {
        (BEGINNING + self.now).saturating_add_signed(self.nodes[node].clock_off)
    }

    pub(super) fn reaches(&self, one: NodeNo, other: NodeNo) -> bool {
        self.nodes[one].up && self.nodes[other].up && self.cells[one] == self.cells[other]
    }

    fn at(&mut self, at: u64, event: Event) {
        self.next_number += 1;
        self.queue.insert((at, self.next_number), event);
    }

    pub(super) fn later(&mut self, millis: u64, event: Event) {
        self.at(self.now + millis, event);
    }

    pub(super) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Starts a node, with nothing but what is on its disk.
    pub(super) fn start(&mut self, node: NodeNo) {
        self.nodes[node].up = true;
        let starts = self.nodes[node].starts;
        let first = self.random.between(0, 10_000);
        self.later(first, Event::Tick { node, starts });
        let first = self.random.between(0, HEARTBEAT_MILLIS);
        self.later(first, Event::Heartbeat { node, starts });
        for other in self.nodes[node].neighbours.clone() {
            self.dials(node, other);
        }
    }

    pub(super) fn dials(&mut self, one: NodeNo, other: NodeNo) {
        let after = self.random.between(50, 3_000);
        self.later(after, Event::Connected { one, other });
    }

    /// Puts a packet on a line, which may lose, double or delay it.
    pub(super) fn send(&mut self, from: NodeNo, to: NodeNo, packet: Packet) {
        self.bytes += packet.size() as u64;
        let Some(leaves) = self.leaves(from, to, &packet) else { return };
        let lost = self.has(Fault::Loss) && self.random.one_in(10);
        let latency = leaves + self.random.between(10, 50);
        if matches!(&packet, Packet::Gossip(rpc) if rpc.is_of_the_connection()) {
            let again = if lost { SENT_AGAIN_MILLIS } else { 0 };
            return self.later(latency + again, Event::Arrives { from, to, packet });
        }
        if lost {
            return;
        }
        let copies = if self.has(Fault::Duplication) && self.random.one_in(10) { 2 } else { 1 };
        for _ in 0..copies {
            let mut latency = latency;
            if self.has(Fault::Reordering) && self.random.one_in(10) {
                latency += self.random.between(0, 5_000);
            }
            self.later(latency, Event::Arrives { from, to, packet: packet.clone() });
        }
    }

    /// How long a packet waits before it leaves; none where its line drops it.
    fn leaves(&mut self, from: NodeNo, to: NodeNo, packet: &Packet) -> Option<u64> {
        let slow = self.has(Fault::SlowLines);
        let Some(line) = self.nodes[from].line.as_mut().filter(|_| slow) else { return Some(0) };
        let now = self.now * 1_000;
        let at = match packet {
            Packet::Gossip(rpc) => line.gossip_leaves(now, to, rpc)?,
            Packet::Request { .. } | Packet::Response { .. } | Packet::LetIn => {
                line.leaves(now, packet.size())
            }
        };
        Some(at.saturating_sub(now) / 1_000)
    }

    /// Puts changes on their way to a node's disk.
    pub(super) fn write(&mut self, node: NodeNo, changes: Vec<Change>, then: Then) {
        let write = self.number();
        self.writes.insert(write, (node, changes, then));
        let (starts, sync) = (self.nodes[node].starts, self.random.between(1, 20));
        self.later(sync, Event::Synced { node, starts, write });
    }
}

fn millis(days: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "days of a run")]
    let millis = (days.clamp(0.0, 10_000.0) * 86_400_000.0) as u64;
    millis
}
