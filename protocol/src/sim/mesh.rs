//! A model of gossip's mesh: gossipsub 1.2 as the `libp2p-gossipsub` library does it by default, with
//! messages that are passed on only once the node has judged them.
//!
//! Calls say what happens to a node (a peer comes or goes, a message comes, a heartbeat is due), and
//! [`Mesh::poll`] says what it does about it. What the library does to tell good peers from bad ones
//! (scores, links that it opened itself, thanks for peers it is told of) is left out: among peers
//! that keep to the protocol it changes nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::random::Random;
use super::school::NodeNo;
use crate::hash::Hash;

/// How often the mesh is looked after.
pub(super) const HEARTBEAT_MILLIS: u64 = 1_000;

/// Peers of a topic's mesh: as many as are sought, where there are fewer or more than these.
pub(super) const DEGREE: usize = 6;
const FEWEST: usize = 5;
const MOST: usize = 12;

/// Peers outside the mesh that are told at each heartbeat what there is: so many, or one in four.
const LAZY: usize = 6;
const LAZY_SHARE: usize = 4;

/// Heartbeats for which a message can be asked for, and for which peers are told that it is there.
const KEPT: usize = 5;
const TOLD: usize = 3;

/// How long a message is known again that was heard.
const KNOWN_MILLIS: u64 = 60_000;

/// How long a peer is left alone after it was let go, or after this node left the topic.
const PRUNED_MILLIS: u64 = 60_000;
const LEFT_MILLIS: u64 = 10_000;

/// How long a message that was asked for is waited for, before it is asked for elsewhere.
const PROMISE_MILLIS: u64 = 3_000;

/// How often a peer gets a message that it asks for.
const MOST_SERVED: u8 = 3;

/// How often a peer may say between two heartbeats what it has.
const MOST_TOLD: u8 = 10;

/// Ids in one message.
const MOST_IDS: usize = 5_000;

/// From which size on peers are told that a message came, so that they keep their copies.
const LARGE_BYTES: usize = 1_000;

/// What goes to all who listen to a topic.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) id: Hash,
    pub(super) topic: Hash,
    pub(super) data: Vec<u8>,
}

impl Message {
    pub(super) fn new(topic: Hash, data: Vec<u8>) -> Self {
        Self { id: Hash::of(&data), topic, data }
    }
}

/// What peers say to each other.
#[derive(Debug, Clone)]
pub(super) enum Rpc {
    Subscribe(Hash),
    Unsubscribe(Hash),
    Graft(Hash),
    /// For how long the other is to leave this peer alone, in milliseconds.
    Prune(Hash, u64),
    Message(Arc<Message>),
    Have {
        topic: Hash,
        ids: Arc<[Hash]>,
    },
    Want(Vec<Hash>),
    DontWant(Hash),
}

impl Rpc {
    /// Its size on the line: a topic has 64 characters, an id 32 bytes, and each field a tag and a
    /// length.
    pub(super) fn size(&self) -> usize {
        const TOPIC: usize = 66;
        const ID: usize = 34;
        const FRAME: usize = 6;
        FRAME
            + match self {
                Self::Subscribe(_) | Self::Unsubscribe(_) => TOPIC + 2,
                Self::Graft(_) => TOPIC,
                Self::Prune(..) => TOPIC + 2,
                Self::Message(message) => TOPIC + 3 + message.data.len(),
                Self::Have { ids, .. } => TOPIC + ID * ids.len(),
                Self::Want(ids) => ID * ids.len(),
                Self::DontWant(_) => ID,
            }
    }

    /// Whether it says what stands between two peers for as long as they are connected: the transport
    /// brings it, in order, or the connection ends.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Subscribe(_) | Self::Unsubscribe(_) | Self::Graft(_) | Self::Prune(..) => true,
            Self::Message(_) | Self::Have { .. } | Self::Want(_) | Self::DontWant(_) => false,
        }
    }
}

/// What a mesh wants done.
#[derive(Debug)]
pub(super) enum Output {
    /// Send this to a peer.
    Send(NodeNo, Rpc),
    /// Judge this message, and say so with [`Mesh::judged`].
    Judge(NodeNo, Arc<Message>),
}

#[derive(Debug)]
struct Cached {
    message: Arc<Message>,
    /// Whether the node holds it for good.
    judged: bool,
    /// Who has it: who brought it before it was judged.
    had_by: BTreeSet<NodeNo>,
    served: BTreeMap<NodeNo, u8>,
}

#[derive(Debug, Default)]
struct Topic {
    mesh: BTreeSet<NodeNo>,
    /// Until when peers are left alone.
    backoff: BTreeMap<NodeNo, u64>,
}

/// One node's part of the mesh.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    peers: BTreeSet<NodeNo>,
    /// Who listens to which topic.
    listeners: BTreeMap<Hash, BTreeSet<NodeNo>>,
    /// The topics that this node listens to.
    topics: BTreeMap<Hash, Topic>,
    known: BTreeSet<Hash>,
    /// The same, in the order in which they are forgotten.
    forgotten_at: VecDeque<(u64, Hash)>,
    cache: BTreeMap<Hash, Cached>,
    /// What came between heartbeats, the latest first.
    history: VecDeque<Vec<Hash>>,
    /// What was asked for, of whom, and until when it is waited for.
    promised: BTreeMap<Hash, (NodeNo, u64)>,
    told: BTreeMap<NodeNo, u8>,
    /// What peers do not want, and until when that is remembered.
    unwanted: BTreeMap<(Hash, NodeNo), u64>,
    outputs: VecDeque<Output>,
}

impl Mesh {
    /// The next thing to do. Every other call changes the answer.
    pub(super) fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// A connection to a peer stands.
    pub(super) fn connected(&mut self, peer: NodeNo) {
        if self.peers.insert(peer) {
            let topics: Vec<Hash> = self.topics.keys().copied().collect();
            for topic in topics {
                self.send(peer, Rpc::Subscribe(topic));
            }
        }
    }

    pub(super) fn is_connected(&self, peer: NodeNo) -> bool {
        self.peers.contains(&peer)
    }

    pub(super) fn connections(&self) -> usize {
        self.peers.len()
    }

    /// The connection to a peer ended.
    pub(super) fn gone(&mut self, peer: NodeNo) {
        if self.peers.remove(&peer) {
            self.listeners.values_mut().for_each(|listeners| {
                listeners.remove(&peer);
            });
            self.topics.values_mut().for_each(|topic| {
                topic.mesh.remove(&peer);
            });
        }
    }

    /// The topics that this node listens to.
    pub(super) fn topics(&self) -> Vec<Hash> {
        self.topics.keys().copied().collect()
    }

    /// Listens to a topic.
    pub(super) fn join(&mut self, topic: Hash, now: u64, random: &mut Random) {
        if self.topics.contains_key(&topic) {
            return;
        }
        self.topics.insert(topic, Topic::default());
        for peer in self.peers.clone() {
            self.send(peer, Rpc::Subscribe(topic));
        }
        self.graft(topic, now, random);
    }

    /// Listens to a topic no more.
    pub(super) fn leave(&mut self, topic: Hash) {
        if let Some(left) = self.topics.remove(&topic) {
            for peer in left.mesh {
                self.send(peer, Rpc::Prune(topic, LEFT_MILLIS));
            }
            for peer in self.peers.clone() {
                self.send(peer, Rpc::Unsubscribe(topic));
            }
        }
    }

    /// Sends a message of this node to everybody who listens.
    pub(super) fn publish(&mut self, message: Arc<Message>, now: u64) {
        if !self.knows(message.id, now) {
            let listeners = self.listeners.get(&message.topic).cloned().unwrap_or_default();
            self.keep(&message, true);
            for peer in listeners {
                self.send(peer, Rpc::Message(Arc::clone(&message)));
            }
        }
    }

    /// Says of a message that was to be judged whether it is to be passed on.
    pub(super) fn judged(&mut self, id: &Hash, passed_on: bool) {
        if !passed_on {
            self.cache.remove(id);
            return;
        }
        let Some(cached) = self.cache.get_mut(id).filter(|one| !one.judged) else { return };
        cached.judged = true;
        let (message, had_by) = (Arc::clone(&cached.message), std::mem::take(&mut cached.had_by));
        let Some(topic) = self.topics.get(&message.topic) else { return };
        let wants = |peer: &NodeNo| {
            !had_by.contains(peer) && !self.unwanted.contains_key(&(message.id, *peer))
        };
        let peers: Vec<NodeNo> = topic.mesh.iter().copied().filter(wants).collect();
        for peer in peers {
            self.send(peer, Rpc::Message(Arc::clone(&message)));
        }
    }

    /// Takes what a peer says.
    pub(super) fn handle(&mut self, from: NodeNo, rpc: Rpc, now: u64) {
        if !self.is_connected(from) {
            return;
        }
        match rpc {
            Rpc::Subscribe(topic) => self.subscribed(from, topic, now),
            Rpc::Unsubscribe(topic) => {
                if let Some(listeners) = self.listeners.get_mut(&topic) {
                    listeners.remove(&from);
                }
                if let Some(topic) = self.topics.get_mut(&topic) {
                    topic.mesh.remove(&from);
                }
            }
            Rpc::Graft(topic) => self.grafted(from, topic, now),
            Rpc::Prune(topic, millis) => {
                if let Some(topic) = self.topics.get_mut(&topic) {
                    topic.mesh.remove(&from);
                    topic.backoff.insert(from, now + millis);
                }
            }
            Rpc::Message(message) => self.heard(from, message, now),
            Rpc::Have { topic, ids } => self.offered(from, topic, &ids, now),
            Rpc::Want(ids) => self.asked(from, &ids),
            Rpc::DontWant(id) => {
                self.unwanted.insert((id, from), now + PROMISE_MILLIS);
            }
        }
    }

    /// Mends the mesh, and tells some of those outside it what there is.
    pub(super) fn heartbeat(&mut self, now: u64, random: &mut Random) {
        self.told.clear();
        while self.forgotten_at.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, id)) = self.forgotten_at.pop_front() {
                self.known.remove(&id);
            }
        }
        self.promised.retain(|_, (_, until)| *until > now);
        self.unwanted.retain(|_, until| *until > now);
        for topic in self.topics() {
            self.graft(topic, now, random);
            self.prune(topic, now, random);
            self.tell(topic, random);
        }
        self.history.push_front(Vec::new());
        for id in self.history.split_off(KEPT.min(self.history.len())).into_iter().flatten() {
            self.cache.remove(&id);
        }
    }

    /// Seeks peers for a topic's mesh, where they are too few.
    fn graft(&mut self, topic: Hash, now: u64, random: &mut Random) {
        let Some(joined) = self.topics.get_mut(&topic) else { return };
        joined.backoff.retain(|_, until| *until > now);
        if joined.mesh.len() >= FEWEST {
            return;
        }
        let free =
            |peer: &NodeNo| !joined.mesh.contains(peer) && !joined.backoff.contains_key(peer);
        let listeners = self.listeners.get(&topic).into_iter().flatten().copied();
        let chosen = random
            .some_of(listeners.filter(free).collect(), DEGREE.saturating_sub(joined.mesh.len()));
        joined.mesh.extend(&chosen);
        for peer in chosen {
            self.send(peer, Rpc::Graft(topic));
        }
    }

    /// Lets peers of a topic's mesh go, where they are too many.
    fn prune(&mut self, topic: Hash, now: u64, random: &mut Random) {
        let Some(joined) = self.topics.get_mut(&topic) else { return };
        if joined.mesh.len() <= MOST {
            return;
        }
        let many = joined.mesh.len() - DEGREE;
        let chosen = random.some_of(joined.mesh.iter().copied().collect(), many);
        for peer in chosen {
            joined.mesh.remove(&peer);
            joined.backoff.insert(peer, now + PRUNED_MILLIS);
            self.outputs.push_back(Output::Send(peer, Rpc::Prune(topic, PRUNED_MILLIS)));
        }
    }

    fn tell(&mut self, topic: Hash, random: &mut Random) {
        let there = |id: &&Hash| {
            self.cache.get(id).is_some_and(|one| one.judged && one.message.topic == topic)
        };
        let ids: Vec<Hash> = self
            .history
            .iter()
            .take(TOLD)
            .flatten()
            .filter(there)
            .take(MOST_IDS)
            .copied()
            .collect();
        let (Some(joined), false) = (self.topics.get(&topic), ids.is_empty()) else { return };
        let listeners = self.listeners.get(&topic).into_iter().flatten().copied();
        let outside: Vec<NodeNo> = listeners.filter(|peer| !joined.mesh.contains(peer)).collect();
        let many = LAZY.max(outside.len() / LAZY_SHARE);
        let ids: Arc<[Hash]> = ids.into();
        for peer in random.some_of(outside, many) {
            self.send(peer, Rpc::Have { topic, ids: Arc::clone(&ids) });
        }
    }

    fn subscribed(&mut self, from: NodeNo, topic: Hash, now: u64) {
        self.listeners.entry(topic).or_default().insert(from);
        if let Some(joined) = self.topics.get_mut(&topic) {
            let alone = joined.backoff.get(&from).is_some_and(|until| *until > now);
            if joined.mesh.len() < FEWEST && !alone && joined.mesh.insert(from) {
                self.send(from, Rpc::Graft(topic));
            }
        }
    }

    fn grafted(&mut self, from: NodeNo, topic: Hash, now: u64) {
        let listens = self.listeners.get(&topic).is_some_and(|peers| peers.contains(&from));
        let Some(joined) = self.topics.get_mut(&topic) else { return };
        if joined.mesh.contains(&from) || !listens {
            return;
        }
        let alone = joined.backoff.get(&from).is_some_and(|until| *until > now);
        if alone || joined.mesh.len() >= MOST {
            joined.backoff.insert(from, now + PRUNED_MILLIS);
            self.send(from, Rpc::Prune(topic, PRUNED_MILLIS));
        } else {
            joined.mesh.insert(from);
        }
    }

    fn heard(&mut self, from: NodeNo, message: Arc<Message>, now: u64) {
        let joined = self.topics.get(&message.topic);
        if message.data.len() > LARGE_BYTES && !self.known.contains(&message.id) {
            let promised = self.promised.get(&message.id).map(|(peer, _)| *peer);
            let mesh = joined.into_iter().flat_map(|topic| &topic.mesh).copied();
            let others: BTreeSet<NodeNo> =
                mesh.chain(promised).filter(|peer| *peer != from).collect();
            for peer in others {
                self.send(peer, Rpc::DontWant(message.id));
            }
        }
        if self.knows(message.id, now) {
            if let Some(cached) = self.cache.get_mut(&message.id).filter(|one| !one.judged) {
                cached.had_by.insert(from);
            }
            return;
        }
        self.promised.remove(&message.id);
        self.keep(&message, false);
        if let Some(cached) = self.cache.get_mut(&message.id) {
            cached.had_by.insert(from);
        }
        if self.topics.contains_key(&message.topic) {
            self.outputs.push_back(Output::Judge(from, message));
        }
    }

    fn offered(&mut self, from: NodeNo, topic: Hash, ids: &[Hash], now: u64) {
        let told = self.told.entry(from).or_default();
        *told = told.saturating_add(1);
        if *told > MOST_TOLD || !self.topics.contains_key(&topic) {
            return;
        }
        let lacks = |id: &&Hash| !self.known.contains(id) && !self.promised.contains_key(id);
        let wanted: Vec<Hash> = ids.iter().filter(lacks).take(MOST_IDS).copied().collect();
        if !wanted.is_empty() {
            let until = now + PROMISE_MILLIS;
            self.promised.extend(wanted.iter().map(|id| (*id, (from, until))));
            self.send(from, Rpc::Want(wanted));
        }
    }

    fn asked(&mut self, from: NodeNo, ids: &[Hash]) {
        for id in ids.iter().take(MOST_IDS) {
            let Some(cached) = self.cache.get_mut(id).filter(|one| one.judged) else { continue };
            let served = cached.served.entry(from).or_default();
            *served = served.saturating_add(1);
            if *served <= MOST_SERVED && !self.unwanted.contains_key(&(*id, from)) {
                let message = Arc::clone(&cached.message);
                self.send(from, Rpc::Message(message));
            }
        }
    }

    /// Whether a message was heard before; it was, from here on.
    fn knows(&mut self, id: Hash, now: u64) -> bool {
        let known = !self.known.insert(id);
        if !known {
            self.forgotten_at.push_back((now + KNOWN_MILLIS, id));
        }
        known
    }

    fn keep(&mut self, message: &Arc<Message>, judged: bool) {
        if self.history.is_empty() {
            self.history.push_front(Vec::new());
        }
        if let Some(latest) = self.history.front_mut() {
            latest.push(message.id);
        }
        let cached = Cached {
            message: Arc::clone(message),
            judged,
            had_by: BTreeSet::new(),
            served: BTreeMap::new(),
        };
        self.cache.insert(message.id, cached);
    }

    fn send(&mut self, peer: NodeNo, rpc: Rpc) {
        self.outputs.push_back(Output::Send(peer, rpc));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPIC: Hash = Hash::from_bytes([7; 32]);

    /// Nodes that are all connected and listen to one topic, on lines without any delay.
    struct Network {
        meshes: Vec<Mesh>,
        random: Random,
        now: u64,
        /// Who was given what to judge, and by whom.
        heard: Vec<(NodeNo, NodeNo, Hash)>,
    }

    impl Network {
        fn of(nodes: usize) -> Self {
            let mut random = Random::new(1);
            let mut meshes: Vec<Mesh> = (0..nodes).map(|_| Mesh::default()).collect();
            for (number, mesh) in meshes.iter_mut().enumerate() {
                (0..nodes).filter(|peer| *peer != number).for_each(|peer| mesh.connected(peer));
                mesh.join(TOPIC, 0, &mut random);
            }
            let mut network = Self { meshes, random, now: 0, heard: Vec::new() };
            network.carry(|_, _, _| true);
            network
        }

        /// Carries what is sent until nothing is, but for what `carries` says no to; what is heard is
        /// judged well at once.
        fn carry(&mut self, carries: impl Fn(NodeNo, NodeNo, &Rpc) -> bool) {
            while let Some(node) = (0..self.meshes.len()).find(|one| self.next_of(*one).is_some()) {
                match self.meshes[node].poll() {
                    Some(Output::Send(to, rpc)) if carries(node, to, &rpc) => {
                        self.meshes[to].handle(node, rpc, self.now);
                    }
                    Some(Output::Judge(from, message)) => {
                        self.heard.push((node, from, message.id));
                        self.meshes[node].judged(&message.id, true);
                    }
                    Some(Output::Send(..)) | None => {}
                }
            }
        }

        fn next_of(&self, node: NodeNo) -> Option<&Output> {
            self.meshes[node].outputs.front()
        }

        fn heartbeat(&mut self) {
            self.now += HEARTBEAT_MILLIS;
            for mesh in &mut self.meshes {
                mesh.heartbeat(self.now, &mut self.random);
            }
        }

        fn heard_by(&self, node: NodeNo) -> usize {
            self.heard.iter().filter(|(by, _, _)| *by == node).count()
        }
    }

    fn message(byte: u8) -> Arc<Message> {
        Arc::new(Message::new(TOPIC, vec![byte; 100]))
    }

    #[test]
    fn a_mesh_keeps_within_its_bounds_and_is_the_same_from_both_sides() {
        let mut network = Network::of(60);
        for _ in 0..5 {
            network.heartbeat();
            network.carry(|_, _, _| true);
        }
        for (number, mesh) in network.meshes.iter().enumerate() {
            let peers = &mesh.topics[&TOPIC].mesh;
            assert!((FEWEST..=MOST).contains(&peers.len()), "{number}: {}", peers.len());
            let mutual =
                |peer: &NodeNo| network.meshes[*peer].topics[&TOPIC].mesh.contains(&number);
            assert!(peers.iter().all(mutual), "{number}");
        }
        let left: Vec<NodeNo> = network.meshes[0].topics[&TOPIC].mesh.iter().copied().collect();
        network.meshes[0].leave(TOPIC);
        network.carry(|_, _, _| true);
        assert!(left.iter().all(|peer| !network.meshes[*peer].topics[&TOPIC].mesh.contains(&0)));
    }

    #[test]
    fn everybody_judges_a_message_once() {
        let mut network = Network::of(30);
        network.meshes[0].publish(message(1), 0);
        network.carry(|_, _, _| true);
        assert_eq!(network.heard_by(0), 0);
        assert!((1..30).all(|node| network.heard_by(node) == 1));
    }

    #[test]
    fn what_is_not_judged_well_is_neither_passed_on_nor_told_of() {
        let mut network = Network::of(3);
        network.meshes[0].publish(message(1), 0);
        while let Some(output) = network.meshes[0].poll() {
            if let Output::Send(1, rpc @ Rpc::Message(_)) = output {
                network.meshes[1].handle(0, rpc, 0);
            }
        }
        let Some(Output::Judge(0, heard)) = network.meshes[1].poll() else { panic!("a message") };
        network.heartbeat();
        network.meshes[1].judged(&heard.id, false);
        network.heartbeat();
        let said = |mesh: &Mesh| {
            let about = |output: &Output| {
                matches!(output, Output::Send(_, Rpc::Message(_) | Rpc::Have { .. }))
            };
            mesh.outputs.iter().any(about)
        };
        assert!(!said(&network.meshes[1]));
    }

    #[test]
    fn lazy_gossip_brings_what_was_lost_on_the_way() {
        let mut network = Network::of(40);
        let lost = message(1);
        network.meshes[0].publish(Arc::clone(&lost), 0);
        network.carry(|_, to, rpc| to != 9 || !matches!(rpc, Rpc::Message(_)));
        assert_eq!(network.heard_by(9), 0);
        for _ in 0..TOLD {
            network.heartbeat();
            network.carry(|_, _, _| true);
        }
        assert_eq!(network.heard_by(9), 1);
    }

    #[test]
    fn a_peer_that_was_let_go_is_left_alone_for_a_while() {
        let mut network = Network::of(2);
        network.meshes[0].handle(1, Rpc::Prune(TOPIC, PRUNED_MILLIS), 0);
        network.meshes[0].handle(1, Rpc::Graft(TOPIC), 0);
        network.carry(|_, _, _| true);
        let grafted = |network: &Network| network.meshes[0].topics[&TOPIC].mesh.contains(&1);
        assert!(!grafted(&network));
        for _ in 0..PRUNED_MILLIS / HEARTBEAT_MILLIS {
            assert!(!grafted(&network));
            network.heartbeat();
            network.carry(|_, _, _| true);
        }
        network.heartbeat();
        network.carry(|_, _, _| true);
        assert!(grafted(&network));
    }

    #[test]
    fn large_messages_that_came_are_not_sent_again() {
        let mut network = Network::of(2);
        network.carry(|_, _, _| true);
        let large = Arc::new(Message::new(TOPIC, vec![1; LARGE_BYTES + 1]));
        network.meshes[0].handle(1, Rpc::DontWant(large.id), 0);
        network.meshes[0].heard(5, large, 0);
        let judged = network.meshes[0].outputs.iter().any(|one| matches!(one, Output::Judge(..)));
        assert!(judged);
        network.carry(|_, _, rpc| {
            assert!(!matches!(rpc, Rpc::Message(_)));
            true
        });
    }
}
