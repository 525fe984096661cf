//! What other nodes do that they must not: counted by reason, and answered by a closed door where
//! it can be no mistake.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use staffroom_protocol::identity::PublicKey;

/// How long a node is not let in again.
const BLOCKED_FOR: Duration = Duration::from_secs(600);

/// Offences that are forgiven: a node whose disk or memory fails sends garbage too, now and then.
const FORGIVEN: f64 = 3.0;

/// How many of them are forgotten a second.
const FORGOTTEN_A_SECOND: f64 = 0.05;

/// Nodes whose offences are remembered; more than can be connected at once.
const MAX_NODES: usize = 1_024;

/// Something that another node did and that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offence {
    /// It asked for what only members of a group are told.
    NotAMember,
    /// It asks as if its school had not been removed.
    Removed,
    /// It asked, or gossiped entries of its own, more than a node needs to.
    TooOften,
    /// The same of a node that is no member of the group it asks about.
    StrangerTooOften,
    /// It asked for more of files than a member has in an hour.
    TooMuch,
    /// It passed on more than a node takes by gossip; comparisons bring it.
    PassedOnTooOften,
    /// It listens to more topics than a school can have groups.
    TooManyTopics,
    /// It sent an entry that is held already, or that a later one has replaced.
    HeldAlready,
    /// It sent something that cannot be read, or breaks a limit. A later version of the protocol
    /// has another name, so that it is not taken for this.
    Malformed,
    /// It gossiped on a group's topic without the group's key.
    Undecryptable,
    /// It sent an entry that is invalid for everyone: altered, forged, too long.
    InvalidEntry,
    /// It sent an entry of a school, or a node, that is no member as far as is known here.
    UnknownAuthor,
    /// It sent an entry from the future.
    FromTheFuture,
    /// It sent an entry of another group, or one that a removal or a revocation dropped.
    NotForGroup,
    /// It sent a membership statement that is invalid for everyone.
    InvalidStatement,
    /// It sent something else than the file or text that was asked for.
    WrongContent,
    /// It asked to join with an invite that does not work.
    Invite,
}

impl Offence {
    /// Names it in the metrics.
    fn reason(self) -> &'static str {
        match self {
            Self::NotAMember => "not_a_member",
            Self::Removed => "removed",
            Self::TooOften | Self::StrangerTooOften => "too_often",
            Self::TooMuch => "too_much",
            Self::PassedOnTooOften => "passed_on_too_often",
            Self::TooManyTopics => "too_many_topics",
            Self::HeldAlready => "held_already",
            Self::Malformed => "malformed",
            Self::Undecryptable => "undecryptable",
            Self::InvalidEntry => "invalid_entry",
            Self::UnknownAuthor => "unknown_author",
            Self::FromTheFuture => "from_the_future",
            Self::NotForGroup => "not_for_group",
            Self::InvalidStatement => "invalid_statement",
            Self::WrongContent => "wrong_content",
            Self::Invite => "invite",
        }
    }

    /// How much it counts towards a closed door. What an honest node does that missed a change of
    /// membership, or has a wrong clock, counts nothing; asking too often does after a while.
    fn weight(self) -> f64 {
        match self {
            Self::Malformed
            | Self::Undecryptable
            | Self::InvalidEntry
            | Self::InvalidStatement
            | Self::WrongContent => 1.0,
            Self::TooManyTopics => 2.0,
            Self::StrangerTooOften => 0.15,
            Self::TooOften => 0.02,
            Self::NotAMember
            | Self::PassedOnTooOften
            | Self::TooMuch
            | Self::HeldAlready
            | Self::Removed
            | Self::UnknownAuthor
            | Self::FromTheFuture
            | Self::NotForGroup
            | Self::Invite => 0.0,
        }
    }
}

/// What nodes did, and which of them are not let in.
#[derive(Debug, Default)]
pub(super) struct Offences {
    counted: Family<[(&'static str, &'static str); 1], Counter>,
    weights: BTreeMap<PublicKey, (f64, Instant)>,
    blocked: BTreeMap<PublicKey, Instant>,
}

impl Offences {
    /// Shows the counts among the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "staffroom_refused",
            "What other nodes sent or asked and was refused, by reason",
            self.counted.clone(),
        );
    }

    /// Counts an offence; true if the node is not to be let in for a while from now on.
    pub(super) fn add(&mut self, node: PublicKey, offence: Offence, now: Instant) -> bool {
        self.counted.get_or_create(&[("reason", offence.reason())]).inc();
        if offence.weight() == 0.0 || self.blocked.contains_key(&node) {
            return false;
        }
        if self.weights.len() >= MAX_NODES && !self.weights.contains_key(&node) {
            self.weights.clear();
        }
        let (weight, last) = self.weights.entry(node).or_insert((0.0, now));
        let forgotten = now.saturating_duration_since(*last).as_secs_f64() * FORGOTTEN_A_SECOND;
        *weight = (*weight - forgotten).max(0.0) + offence.weight();
        *last = now;
        if *weight <= FORGIVEN {
            return false;
        }
        self.weights.remove(&node);
        self.blocked.insert(node, now);
        true
    }

    /// Counts a connection that was refused since too many came from its address.
    pub(super) fn turned_away(&self) {
        self.counted.get_or_create(&[("reason", "too_many_connections")]).inc();
    }

    /// The nodes that are let in again from now on.
    pub(super) fn released(&mut self, now: Instant) -> Vec<PublicKey> {
        let over = |since: &Instant| now.saturating_duration_since(*since) >= BLOCKED_FOR;
        let released = self.blocked.extract_if(.., |_, since| over(since));
        released.map(|(node, _)| node).collect()
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::identity::SecretKey;

    use super::*;

    fn node(seed: u8) -> PublicKey {
        SecretKey::from_seed(&[seed; 32]).public()
    }

    #[test]
    fn what_can_be_no_mistake_closes_the_door_for_a_while() {
        let (mut offences, start) = (Offences::default(), Instant::now());
        let second = Duration::from_secs(1);
        for number in 0..3 {
            assert!(!offences.add(node(1), Offence::InvalidEntry, start + second * number));
        }
        assert!(offences.add(node(1), Offence::InvalidEntry, start + second * 3));
        assert!(!offences.add(node(1), Offence::InvalidEntry, start + second * 4), "told once");
        assert_eq!(offences.released(start + BLOCKED_FOR), []);
        assert_eq!(offences.released(start + second * 3 + BLOCKED_FOR), [node(1)]);
    }

    #[test]
    fn an_honest_node_that_missed_something_and_one_with_a_fault_now_and_then_stay() {
        let (mut offences, start) = (Offences::default(), Instant::now());
        for _ in 0..1_000 {
            assert!(!offences.add(node(1), Offence::Removed, start));
            assert!(!offences.add(node(1), Offence::FromTheFuture, start));
        }
        for minute in 0..100 {
            let now = start + Duration::from_secs(60) * minute;
            assert!(!offences.add(node(2), Offence::WrongContent, now));
        }
        let mut registry = Registry::default();
        offences.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("staffroom_refused_total{reason=\"removed\"} 1000"), "{text}");
    }
}
