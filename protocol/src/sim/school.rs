//! A school's node: who it is, what it holds, and what it is about to do.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::disk::Disk;
use super::line::Line;
use super::mesh::Mesh;
use crate::group::epoch::EpochKey;
use crate::hash::{Hash, SchoolId};
use crate::identity::{NodeCertificate, PublicKey, SecretKey};
use crate::intake::Aside;
use crate::sync::session::Session;

/// A node by its place in the world.
pub(super) type NodeNo = usize;

/// The keys of a school and of one of its nodes.
#[derive(Debug, Clone)]
pub(super) struct Keys {
    pub(super) school: SecretKey,
    pub(super) node: SecretKey,
    pub(super) certificate: NodeCertificate,
}

impl Keys {
    /// The `which`th node of the school of a number.
    pub(super) fn new(school: u32, which: u8) -> Self {
        let seed =
            |sort: u8| *blake3::hash(&[&school.to_be_bytes()[..], &[sort]].concat()).as_bytes();
        let (school, node) =
            (SecretKey::from_seed(&seed(0)), SecretKey::from_seed(&seed(1 + which)));
        Self { certificate: NodeCertificate::issue(&school, node.public(), 1), school, node }
    }

    pub(super) fn id(&self) -> SchoolId {
        self.certificate.school()
    }

    pub(super) fn public(&self) -> PublicKey {
        self.certificate.node()
    }
}

/// A comparison under way.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) peer: NodeNo,
    pub(super) session: Session,
    /// The request that is waited for.
    pub(super) asked: Option<u64>,
    /// Requests so far.
    pub(super) requests: usize,
}

/// An epoch that this node can talk under.
#[derive(Debug, Clone)]
pub(super) struct Channel {
    pub(super) statement: Hash,
    pub(super) key: Option<EpochKey>,
}

#[derive(Debug)]
pub(super) struct SchoolNode {
    pub(super) keys: Keys,
    pub(super) hostile: bool,
    /// Its removals that it heard of, and goes on as if it had not.
    pub(super) defies: BTreeSet<Hash>,
    pub(super) neighbours: Vec<NodeNo>,
    pub(super) disk: Disk,
    pub(super) backups: Vec<Disk>,
    /// How far the clock is off, in milliseconds.
    pub(super) clock_off: i64,
    pub(super) up: bool,
    /// How often it was started: what was begun before means nothing after.
    pub(super) starts: u32,
    /// Who let it in, while it does not know yet.
    pub(super) invited_by: Option<NodeNo>,
    /// For how many ticks an epoch has been due.
    pub(super) epoch_due: u32,
    pub(super) ticks: u32,
    /// Its line out, where that is a slow one.
    pub(super) line: Option<Line>,

    // What a crash forgets.
    pub(super) aside: Aside,
    pub(super) comparisons: BTreeMap<u64, Comparison>,
    pub(super) wanted: VecDeque<NodeNo>,
    pub(super) mesh: Mesh,
    pub(super) channel: Option<Channel>,
    pub(super) former: Option<EpochKey>,
    /// Entries on their way to the disk.
    pub(super) storing: BTreeSet<Hash>,
}

impl SchoolNode {
    pub(super) fn new(keys: Keys, disk: Disk) -> Self {
        Self {
            keys,
            hostile: false,
            defies: BTreeSet::new(),
            neighbours: Vec::new(),
            disk,
            backups: Vec::new(),
            clock_off: 0,
            up: true,
            starts: 0,
            invited_by: None,
            epoch_due: 0,
            ticks: 0,
            line: None,
            aside: Aside::default(),
            comparisons: BTreeMap::new(),
            wanted: VecDeque::new(),
            mesh: Mesh::default(),
            channel: None,
            former: None,
            storing: BTreeSet::new(),
        }
    }

    /// Forgets what is not on the disk.
    pub(super) fn crash(&mut self) {
        self.up = false;
        self.starts += 1;
        self.aside = Aside::default();
        self.comparisons.clear();
        self.wanted.clear();
        self.mesh = Mesh::default();
        self.channel = None;
        self.former = None;
        self.storing.clear();
    }

    /// Whether it takes itself for a member.
    pub(super) fn is_member(&self) -> bool {
        self.disk.membership.roster().member(&self.keys.id()).is_some() && !self.disk.is_removed()
    }

    /// Whether both this node and another belong to members, as far as is known here.
    pub(super) fn shares(&self, other: &PublicKey) -> bool {
        self.is_member() && self.disk.membership.roster().school_of(other).is_some()
    }
}
