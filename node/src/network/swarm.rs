//! The task that owns the swarm: commands in, events out, nothing slow in between.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's events are open-ended, and most are of no concern here"
)]

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use futures::{FutureExt, StreamExt};
use libp2p::gossipsub::{self, IdentTopic, TopicHash};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::{self, Message, OutboundFailure, OutboundRequestId};
use libp2p::swarm::dial_opts::{DialOpts, PeerCondition};
use libp2p::swarm::{ListenError, SwarmEvent};
use libp2p::{Multiaddr, PeerId, Swarm, identify, mdns, ping};
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_ADDRESSES_PER_NODE, Response};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::behaviour::{Behaviour, BehaviourEvent, Gossipsub};
use super::codec::Question;
use super::doorway::TooMany;
use super::gate::GateEvent;
use super::transport::{StartError, add_listening, build, listen_on};
use super::{AskError, Command, ConnectedPeer, Network, Offence, exchange, node_key, range_stream};
use crate::node::Node;

/// Gossip messages being judged at once.
const MAX_JUDGING: usize = 16;

/// Gossip messages that wait to be judged, of 16 KiB at most; what comes while so many wait is
/// passed over, since gossip is only a hint and the next comparison brings what it told.
const MAX_WAITING_FOR_JUDGEMENT: usize = 1_024;

/// How long the topic of a former epoch is listened to: by then every member that can be reached
/// has heard of the next one.
const FORMER_EPOCH: Duration = Duration::from_secs(600);

type Pending = BTreeMap<OutboundRequestId, oneshot::Sender<Result<Response, AskError>>>;

/// Builds the swarm, waits until it listens, and leaves it to a task of its own.
pub(super) async fn start(
    node: Arc<Node>,
    network: Network,
    listen: Vec<Multiaddr>,
    mut queue: mpsc::Receiver<Command>,
) -> Result<(), StartError> {
    let mut swarm = build(&node, &network, &listen)?;
    listen_on(&mut swarm, &network, listen).await?;
    tokio::spawn(async move {
        let mut task = Task::new(swarm, node, network);
        task.answer_range_streams();
        // One malformed frame of a stranger must not end the node: several advisories of the
        // libraries beneath were panics of that sort.
        while AssertUnwindSafe(task.run(&mut queue)).catch_unwind().await.is_err() {
            tracing::error!("the network task failed and is started again");
            match task.rebuild().await {
                Ok(next) => task = next,
                Err(error) => {
                    tracing::error!(%error, "the network cannot be started again");
                    return;
                }
            }
        }
    });
    Ok(())
}

/// A group and the key under which it gossips on one topic.
struct Channel {
    group: GroupId,
    key: EpochKey,
    /// Until when the topic of a former epoch is listened to.
    until: Option<Instant>,
}

struct Task {
    swarm: Swarm<Behaviour>,
    node: Arc<Node>,
    network: Network,
    pending: Pending,
    channels: BTreeMap<TopicHash, Channel>,
    judging: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Task {
    fn new(swarm: Swarm<Behaviour>, node: Arc<Node>, network: Network) -> Self {
        Self {
            swarm,
            node,
            network,
            pending: Pending::new(),
            channels: BTreeMap::new(),
            judging: Arc::new(Semaphore::new(MAX_JUDGING)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING_FOR_JUDGEMENT)),
        }
    }

    /// Answers on the streams that others open, as long as this swarm lives.
    fn answer_range_streams(&self) {
        let control = self.swarm.behaviour().range_streams.new_control();
        range_stream::start(&self.node, &self.network, control);
    }

    /// A task like this one with a new swarm.
    async fn rebuild(self) -> Result<Self, StartError> {
        let Self { swarm, node, network, .. } = self;
        drop(swarm);
        let addresses = network.listening();
        network.shared.connected.write().unwrap_or_else(PoisonError::into_inner).clear();
        let mut swarm = build(&node, &network, &addresses)?;
        listen_on(&mut swarm, &network, addresses).await?;
        let following = Arc::clone(&node);
        let mut task = Self::new(swarm, node, network);
        task.answer_range_streams();
        if let Ok(channels) = tokio::task::spawn_blocking(move || following.channels()).await {
            task.follow(channels);
        }
        Ok(task)
    }

    async fn run(&mut self, queue: &mut mpsc::Receiver<Command>) {
        loop {
            tokio::select! {
                command = queue.recv() => match command {
                    Some(Command::Stop) | None => {
                        queue.close();
                        return;
                    }
                    Some(command) => self.handle_command(command),
                },
                event = self.swarm.select_next_some() => self.handle_event(event),
            }
        }
    }

    fn handle_command(&mut self, command: Command) {
        match command {
            Command::Ask { peer, addresses, request, reply } => {
                let exchange = &mut self.swarm.behaviour_mut().exchange;
                let id = if addresses.is_empty() {
                    exchange.send_request(&peer, Some(*request))
                } else {
                    exchange.send_request_with_addresses(&peer, Some(*request), addresses)
                };
                self.pending.insert(id, reply);
            }
            Command::Answer { channel, response } => {
                // Fails where the asking node has gone; it will ask again.
                let _ = self.swarm.behaviour_mut().exchange.send_response(channel, *response);
            }
            Command::Announce { group, bytes } => self.announce(group, &bytes),
            Command::Judge { message, from, acceptance } => {
                self.gossipsub().report_message_validation_result(&message, &from, acceptance);
            }
            Command::Dial { peer, addresses } => {
                let options = DialOpts::peer_id(peer)
                    .condition(PeerCondition::DisconnectedAndNotDialing)
                    .addresses(addresses)
                    .build();
                if let Err(error) = self.swarm.dial(options) {
                    tracing::debug!(%error, %peer, "not dialled");
                }
            }
            Command::Follow(channels) => self.follow(channels),
            Command::Admit(peers) => {
                for peer in peers {
                    self.swarm.behaviour_mut().gate.admit(peer);
                }
            }
            Command::Block(peer) => {
                self.swarm.behaviour_mut().blocked.block_peer(peer);
            }
            Command::Unblock(peer) => {
                self.swarm.behaviour_mut().blocked.unblock_peer(peer);
            }
            Command::Disconnect(peer) => {
                if self.swarm.behaviour().gate.is_admitted(&peer) {
                    // Fails where the connection has closed by itself.
                    let _ = self.swarm.disconnect_peer_id(peer);
                }
            }
            Command::Stop => {}
        }
    }

    fn gossipsub(&mut self) -> &mut Gossipsub {
        self.swarm.behaviour_mut().gate.gossipsub()
    }

    fn announce(&mut self, group: GroupId, bytes: &[u8]) {
        let mut channels = self.channels.values();
        let Some(channel) =
            channels.find(|channel| channel.group == group && channel.until.is_none())
        else {
            tracing::debug!(group = %group.short(), "not announced: there is no epoch key");
            return;
        };
        let (topic, bytes) = (IdentTopic::new(channel.key.topic()), channel.key.encrypt(bytes));
        if let Err(error) = self.gossipsub().publish(topic, bytes) {
            tracing::debug!(%error, group = %group.short(), "not announced");
        }
    }

    fn follow(&mut self, wanted: Vec<(GroupId, Option<EpochKey>)>) {
        let now = Instant::now();
        let mut ended = Vec::new();
        self.channels.retain(|_, channel| {
            let listens = wanted.iter().find(|(group, _)| *group == channel.group);
            let current = listens.is_some_and(|(_, key)| key.as_ref() == Some(&channel.key));
            if current {
                channel.until = None;
            } else {
                channel.until = channel.until.or(Some(now + FORMER_EPOCH));
            }
            let stays = listens.is_some() && channel.until.is_none_or(|until| now < until);
            if !stays {
                ended.push(channel.key.topic());
            }
            stays
        });
        for topic in ended {
            self.gossipsub().unsubscribe(&IdentTopic::new(topic));
        }
        for (group, key) in wanted {
            let Some(key) = key else { continue };
            let topic = IdentTopic::new(key.topic());
            match self.gossipsub().subscribe(&topic) {
                Ok(_) => {
                    let channel = Channel { group, key, until: None };
                    self.channels.insert(topic.hash(), channel);
                }
                Err(error) => {
                    tracing::warn!(%error, group = %group.short(), "cannot listen to a group");
                }
            }
        }
    }

    fn handle_event(&mut self, event: SwarmEvent<BehaviourEvent>) {
        match event {
            SwarmEvent::Behaviour(event) => self.handle_behaviour(event),
            SwarmEvent::ConnectionEstablished { peer_id, num_established, .. }
                if num_established.get() == 1 =>
            {
                self.connected(peer_id);
            }
            SwarmEvent::ConnectionClosed { peer_id, num_established: 0, .. } => {
                if let Some(key) = node_key(&peer_id) {
                    let shared = &self.network.shared;
                    shared.connected.write().unwrap_or_else(PoisonError::into_inner).remove(&key);
                    tracing::debug!(peer = ?key, "disconnected");
                }
            }
            SwarmEvent::IncomingConnectionError {
                error: ListenError::Denied { cause }, ..
            } if cause.downcast_ref::<TooMany>().is_some() => {
                self.network.offences().turned_away();
            }
            SwarmEvent::NewListenAddr { address, .. } => add_listening(&self.network, address),
            _ => {}
        }
    }

    fn handle_behaviour(&mut self, event: BehaviourEvent) {
        match event {
            BehaviourEvent::Exchange(event) => self.handle_exchange(event),
            BehaviourEvent::Gate(GateEvent::Gossip(event)) => {
                if let gossipsub::Event::Message { propagation_source, message_id, message } =
                    *event
                {
                    self.judge(propagation_source, message_id, message);
                }
            }
            BehaviourEvent::Gate(GateEvent::TooManyTopics(peer)) => {
                let Some(peer) = node_key(&peer) else { return };
                let network = self.network.clone();
                tokio::spawn(async move { network.offended(peer, Offence::TooManyTopics).await });
            }
            BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
                self.identified(peer_id, info.listen_addrs);
            }
            BehaviourEvent::Ping(ping::Event { peer, result: Ok(_), .. }) => {
                if let Some(key) = node_key(&peer) {
                    self.heard(key);
                }
            }
            BehaviourEvent::Mdns(mdns::Event::Discovered(found)) => {
                for (peer, address) in found {
                    self.handle_command(Command::Dial { peer, addresses: vec![address] });
                }
            }
            _ => {}
        }
    }

    fn connected(&self, peer: PeerId) {
        let Some(key) = node_key(&peer) else { return };
        let shared = &self.network.shared;
        shared
            .connected
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, ConnectedPeer::default());
        tracing::debug!(peer = ?key, "connected");
        shared.changed.notify_one();
        self.heard(key);
        let (node, network) = (Arc::clone(&self.node), self.network.clone());
        tokio::spawn(async move { super::catch_up::on_connect(&node, &network, key).await });
    }

    fn heard(&self, key: PublicKey) {
        let node = Arc::clone(&self.node);
        tokio::task::spawn_blocking(move || node.heard_from(&key));
    }

    fn identified(&self, peer: PeerId, addresses: Vec<Multiaddr>) {
        let Some(key) = node_key(&peer) else { return };
        let addresses: Vec<Multiaddr> =
            addresses.into_iter().map(without_peer_id).take(MAX_ADDRESSES_PER_NODE).collect();
        let shared = &self.network.shared;
        if let Some(known) =
            shared.connected.write().unwrap_or_else(PoisonError::into_inner).get_mut(&key)
        {
            known.addresses.clone_from(&addresses);
        }
        let node = Arc::clone(&self.node);
        tokio::task::spawn_blocking(move || node.contacts().remember(key, &addresses));
    }

    fn handle_exchange(&mut self, event: request_response::Event<Question, Response>) {
        match event {
            request_response::Event::Message {
                peer,
                message: Message::Request { request, channel, .. },
                ..
            } => {
                let (node, network) = (Arc::clone(&self.node), self.network.clone());
                tokio::spawn(async move {
                    let response = exchange::answer(&node, &network, peer, request).await;
                    network
                        .command(Command::Answer { channel, response: Box::new(response) })
                        .await;
                });
            }
            request_response::Event::Message {
                message: Message::Response { request_id, response },
                ..
            } => self.reply(request_id, Ok(response)),
            request_response::Event::OutboundFailure { request_id, error, .. } => {
                let error = match error {
                    OutboundFailure::DialFailure => {
                        AskError::Unreachable("no connection to any of its addresses".into())
                    }
                    error @ (OutboundFailure::Timeout
                    | OutboundFailure::ConnectionClosed
                    | OutboundFailure::UnsupportedProtocols
                    | OutboundFailure::Io(_)) => AskError::NoAnswer(error.to_string()),
                };
                self.reply(request_id, Err(error));
            }
            request_response::Event::InboundFailure { peer, error, .. } => {
                tracing::debug!(%peer, %error, "a question could not be read or answered");
            }
            request_response::Event::ResponseSent { .. } => {}
        }
    }

    fn reply(&mut self, id: OutboundRequestId, answer: Result<Response, AskError>) {
        if let Some(reply) = self.pending.remove(&id) {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(answer);
        }
    }

    fn judge(&mut self, from: PeerId, id: gossipsub::MessageId, message: gossipsub::Message) {
        let Ok(waits) = Arc::clone(&self.waiting).try_acquire_owned() else {
            let acceptance = gossipsub::MessageAcceptance::Ignore;
            self.handle_command(Command::Judge { message: id, from, acceptance });
            return;
        };
        let Some(channel) = self.channels.get(&message.topic) else {
            let acceptance = gossipsub::MessageAcceptance::Ignore;
            self.handle_command(Command::Judge { message: id, from, acceptance });
            return;
        };
        let (group, key, former) = (channel.group, channel.key.clone(), channel.until.is_some());
        let (node, network) = (Arc::clone(&self.node), self.network.clone());
        let judging = Arc::clone(&self.judging);
        tokio::spawn(async move {
            let Ok(_place) = judging.acquire().await else { return };
            let heard = exchange::hear(&node, &network, from, (group, &key), &message.data).await;
            // What a former epoch's topic brings is taken in and not passed on.
            let ignored = former && !matches!(heard, gossipsub::MessageAcceptance::Reject);
            let acceptance = if ignored { gossipsub::MessageAcceptance::Ignore } else { heard };
            network.command(Command::Judge { message: id, from, acceptance }).await;
            drop(waits);
        });
    }
}

fn without_peer_id(address: Multiaddr) -> Multiaddr {
    address.into_iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()
}
