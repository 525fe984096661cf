//! The network: libp2p connections, gossip, and questions to other nodes.
//!
//! [`Network`] is a handle to a task that owns the swarm. Everything sent to it goes through one
//! bounded channel; what the task hears goes to the [`Node`](crate::node::Node).

mod behaviour;
mod catch_up;
mod chores;
mod codec;
mod comparisons;
mod doorway;
mod exchange;
mod fetch;
mod gate;
mod hearsay;
mod keep;
mod line;
mod muxer;
mod offences;
mod range_stream;
mod rate;
mod relay_join;
mod spread;
mod swarm;
mod transport;
mod upkeep;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use libp2p::gossipsub::{MessageAcceptance, MessageId};
use libp2p::multiaddr::Protocol;
use libp2p::request_response::ResponseChannel;
use libp2p::{Multiaddr, PeerId};
use prometheus_client::registry::Registry;
use serde_bytes::ByteBuf;
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Request, Response};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

use crate::node::Node;

pub(crate) use catch_up::tell;
pub use comparisons::Ending;
pub(crate) use comparisons::GroupComparisons;
pub use fetch::FetchError;
pub(crate) use fetch::{file as fetch_file, start_of_file};
use offences::Offence;
pub use transport::StartError;
use utoipa::ToSchema;

/// How many commands may wait for the swarm's task. It works each off in microseconds; a full
/// channel makes the senders wait.
const COMMAND_QUEUE: usize = 1_024;

/// Entries that a node lacks when it is far behind: a few seconds' work.
const FAR_BEHIND: usize = 20_000;

/// A handle to the network, cheap to clone.
#[derive(Debug, Clone)]
pub struct Network {
    commands: mpsc::Sender<Command>,
    shared: Arc<Shared>,
}

/// What the swarm's task shows to others.
#[derive(Debug)]
pub(crate) struct Shared {
    peer_id: PeerId,
    comparisons: Mutex<comparisons::Comparisons>,
    /// A comparison is wanted, or another has ended.
    wanted: Notify,
    hearsay: hearsay::Hearsay,
    spread: spread::Spread,
    pace: line::Pace,
    files: fetch::Files,
    range_streams: range_stream::RangeStreams,
    held: Mutex<relay_join::Held>,
    /// What peers ask.
    rates: Mutex<rate::Rates>,
    /// How often peers ask for ranges of files, for ordered hashes, and when schools were heard.
    range_rates: Mutex<rate::Rates>,
    file_bytes: Mutex<rate::Rates>,
    ordered_rates: Mutex<rate::Rates>,
    heard_rates: Mutex<rate::Rates>,
    /// What peers gossip.
    gossip_rates: Mutex<rate::Rates>,
    offences: Mutex<offences::Offences>,
    connected: RwLock<BTreeMap<PublicKey, ConnectedPeer>>,
    listening: RwLock<Vec<Multiaddr>>,
    /// The groups in which this node has a key to gossip under.
    speaking: RwLock<BTreeSet<GroupId>>,
    registry: Mutex<Registry>,
    /// Another node was connected, or another school let in.
    changed: Notify,
    /// What runs for as long as the network does.
    tasks: Mutex<JoinSet<()>>,
}

/// A node that is connected.
#[derive(Debug, Clone, Default)]
pub struct ConnectedPeer {
    /// Where it says that it can be reached.
    pub addresses: Vec<Multiaddr>,
}

#[derive(Debug)]
pub(crate) enum Command {
    Ask {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
        request: Box<Request>,
        reply: oneshot::Sender<Result<Response, AskError>>,
    },
    Answer {
        channel: ResponseChannel<Response>,
        response: Box<Response>,
    },
    Announce {
        group: GroupId,
        bytes: Vec<u8>,
    },
    Judge {
        message: MessageId,
        from: PeerId,
        acceptance: MessageAcceptance,
    },
    Dial {
        peer: PeerId,
        addresses: Vec<Multiaddr>,
    },
    Follow(Vec<(GroupId, Option<EpochKey>)>),
    Admit(Vec<PeerId>),
    Disconnect(PeerId),
    Block(PeerId),
    Unblock(PeerId),
    Stop,
}

/// Why a question got no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AskError {
    /// The other node cannot be reached.
    #[error("the other node cannot be reached: {0}")]
    Unreachable(String),
    /// It took the question and did not answer in time, or not in a way that can be read.
    #[error("the other node did not answer: {0}")]
    NoAnswer(String),
    /// Too many questions wait, since there is a ceiling on what this node receives.
    #[error("too much waits to be received under the ceiling of the line; see: staffroom line")]
    LineFull,
    /// This node's network has stopped.
    #[error("the network has stopped")]
    Stopped,
}

/// Bytes that crossed the network since the node started, as counted beneath all protocols.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, ToSchema,
)]
pub struct Traffic {
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

impl Network {
    /// Starts listening and everything that keeps in touch with other nodes.
    ///
    /// # Errors
    /// [`StartError`] names the address that cannot be used and why.
    pub async fn start(node: Arc<Node>, listen: Vec<Multiaddr>) -> Result<Self, StartError> {
        let (commands, queue) = mpsc::channel(COMMAND_QUEUE);
        let (spread, statements) = spread::Spread::new();
        let own_key = node.identity().node_key().public();
        let shared = Shared {
            peer_id: peer_id(&own_key).ok_or_else(|| {
                StartError::SetUp("the node's key is no point on the curve".into())
            })?,
            comparisons: Mutex::default(),
            wanted: Notify::new(),
            hearsay: hearsay::Hearsay::default(),
            spread,
            pace: line::Pace::new(Arc::clone(node.line())),
            files: fetch::Files::default(),
            range_streams: range_stream::RangeStreams::default(),
            held: Mutex::default(),
            rates: Mutex::default(),
            range_rates: Mutex::default(),
            file_bytes: Mutex::default(),
            ordered_rates: Mutex::default(),
            heard_rates: Mutex::default(),
            gossip_rates: Mutex::default(),
            offences: Mutex::default(),
            connected: RwLock::default(),
            listening: RwLock::default(),
            speaking: RwLock::default(),
            registry: Mutex::default(),
            changed: Notify::new(),
            tasks: Mutex::default(),
        };
        let network = Self { commands, shared: Arc::new(shared) };
        swarm::start(Arc::clone(&node), network.clone(), listen, queue).await?;
        node.attach(network.clone());
        network.follow(node.channels()).await;
        spread::start(&node, &network, statements);
        catch_up::start(&node, &network);
        upkeep::start(Arc::clone(&node), &network);
        chores::start(Arc::clone(&node), &network);
        fetch::start(Arc::clone(&node), &network);
        keep::start(node, &network);
        Ok(network)
    }

    /// Asks a node and waits for its answer; dials it where there is no connection. What is bulky
    /// waits for the line first.
    ///
    /// # Errors
    /// [`AskError`] if no answer comes.
    pub async fn ask(
        &self,
        peer: PublicKey,
        addresses: Vec<Multiaddr>,
        mut request: Request,
    ) -> Result<Response, AskError> {
        let turn = self.shared.pace.before_asking(&mut request);
        let expected = self.until_stopped(turn).await.ok_or(AskError::Stopped)??;
        let (reply, answer) = oneshot::channel();
        let peer =
            peer_id(&peer).ok_or_else(|| AskError::Unreachable("its key is not valid".into()))?;
        let ask = Command::Ask { peer, addresses, request: Box::new(request), reply };
        self.commands.send(ask).await.map_err(|_| AskError::Stopped)?;
        let answer = answer.await.map_err(|_| AskError::Stopped)?;
        self.shared.pace.answered(expected, &answer);
        answer
    }

    /// Tells all members of a group. A hint: it may be lost.
    pub async fn announce(&self, group: GroupId, announcement: &Announcement) {
        self.command(Command::Announce { group, bytes: announcement.encode() }).await;
    }

    /// Listens to these groups, and no others; speaks in those of which there is a key.
    pub async fn follow(&self, channels: Vec<(GroupId, Option<EpochKey>)>) {
        let speaking = channels.iter().filter(|(_, key)| key.is_some()).map(|(group, _)| *group);
        *self.shared.speaking.write().unwrap_or_else(PoisonError::into_inner) = speaking.collect();
        self.command(Command::Follow(channels)).await;
    }

    /// Whether this node has a key to gossip under in a group.
    pub(crate) fn speaks_in(&self, group: &GroupId) -> bool {
        self.shared.speaking.read().unwrap_or_else(PoisonError::into_inner).contains(group)
    }

    /// Lets gossip pass to and from these nodes, as far as they are connected.
    async fn admit(&self, peers: Vec<PeerId>) {
        self.command(Command::Admit(peers)).await;
    }

    /// Closes the connections to a node that gossip passed to.
    async fn disconnect(&self, peer: PeerId) {
        self.command(Command::Disconnect(peer)).await;
    }

    /// Passes new membership statements on to members; `own` are those that this node made.
    pub(crate) fn spread(&self, group: GroupId, statements: Vec<ByteBuf>, own: bool) {
        self.shared.spread.add(group, statements, own);
    }

    async fn dial(&self, peer: PeerId, addresses: Vec<Multiaddr>) {
        self.command(Command::Dial { peer, addresses }).await;
    }

    /// Counts what a node did that it must not, and closes the door on it where that is enough.
    async fn offended(&self, node: PublicKey, offence: Offence) {
        let blocked = self.offences().add(node, offence, Instant::now());
        if let Some(peer) = peer_id(&node).filter(|_| blocked) {
            tracing::warn!(peer = ?node, ?offence, "a node is not let in for a while");
            self.command(Command::Block(peer)).await;
        }
    }

    /// Whether a node has not gossiped too much.
    fn takes_gossip_of(&self, from: PublicKey) -> bool {
        let mut rates = self.shared.gossip_rates.lock().unwrap_or_else(PoisonError::into_inner);
        rates.take(from, rate::GOSSIP, Instant::now())
    }

    /// Lets nodes in again whose time is over.
    async fn release(&self) {
        let released = self.offences().released(Instant::now());
        for peer in released.iter().filter_map(peer_id) {
            self.command(Command::Unblock(peer)).await;
        }
    }

    fn offences(&self) -> MutexGuard<'_, offences::Offences> {
        self.shared.offences.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks after the members at once: there are new ones.
    pub(crate) fn members_changed(&self) {
        self.shared.changed.notify_one();
    }

    /// Whether so much is being fetched that what can wait until it is here does: fetching full texts,
    /// and making what comes searchable.
    pub(crate) fn is_far_behind(&self) -> bool {
        self.comparisons().lacking() > FAR_BEHIND
    }

    /// Compares a group with a node as soon as there is room.
    pub(crate) fn catch_up_with(&self, peer: PublicKey, group: GroupId) {
        if self.comparisons().add((peer, group)) {
            self.shared.wanted.notify_one();
        }
    }

    fn comparisons(&self) -> MutexGuard<'_, comparisons::Comparisons> {
        self.shared.comparisons.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the comparisons of a group stand.
    pub(crate) fn comparisons_of(&self, group: &GroupId) -> GroupComparisons {
        self.comparisons().of_group(group)
    }

    /// Runs a task until the network stops.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner).spawn(task);
    }

    /// Closes all connections and ends all tasks.
    pub async fn stop(&self) {
        self.command(Command::Stop).await;
        self.commands.closed().await;
        let mut tasks =
            std::mem::take(&mut *self.shared.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        tasks.shutdown().await;
    }

    /// Does what may take long, unless the network stops before it is done.
    async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.commands.closed() => None,
        }
    }

    async fn command(&self, command: Command) {
        if self.commands.send(command).await.is_err() {
            tracing::debug!("the network has stopped");
        }
    }

    /// The nodes that are connected.
    pub fn connected(&self) -> BTreeMap<PublicKey, ConnectedPeer> {
        self.shared.connected.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a node is connected.
    pub fn is_connected(&self, peer: &PublicKey) -> bool {
        self.shared.connected.read().unwrap_or_else(PoisonError::into_inner).contains_key(peer)
    }

    /// The addresses on which this node listens.
    pub fn listening(&self) -> Vec<Multiaddr> {
        self.shared.listening.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The addresses on which this node listens, with its own id behind each: what another node
    /// needs to reach it and nobody else.
    pub fn contact_addresses(&self) -> Vec<Multiaddr> {
        let with_id = |address: Multiaddr| address.with(Protocol::P2p(self.shared.peer_id));
        self.listening().into_iter().map(with_id).collect()
    }

    /// Bytes sent and received since the start.
    pub fn traffic(&self) -> Traffic {
        let mut traffic = Traffic::default();
        for line in self.metrics().lines().filter(|line| line.contains("bandwidth_bytes_total{")) {
            let count = line.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0);
            if line.contains("Outbound") {
                traffic.sent += count;
            } else {
                traffic.received += count;
            }
        }
        traffic
    }

    /// Everything counted, in the Prometheus text format.
    pub fn metrics(&self) -> String {
        let registry = self.shared.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let mut text = String::new();
        match prometheus_client::encoding::text::encode(&mut text, &registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}

/// The libp2p name of a node's key; none where the bytes are no point on the curve.
pub(crate) fn peer_id(key: &PublicKey) -> Option<PeerId> {
    let key = libp2p::identity::ed25519::PublicKey::try_from_bytes(key.as_bytes()).ok()?;
    Some(libp2p::identity::PublicKey::from(key).to_peer_id())
}

/// The key in a libp2p name; none for names of other sorts of key.
pub(crate) fn node_key(peer: &PeerId) -> Option<PublicKey> {
    const IDENTITY_CODE: u64 = 0;
    let hash = peer.as_ref();
    if hash.code() != IDENTITY_CODE {
        return None;
    }
    let key = libp2p::identity::PublicKey::try_decode_protobuf(hash.digest()).ok()?;
    Some(PublicKey::from_bytes(key.try_into_ed25519().ok()?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::identity::SecretKey;

    use super::*;

    #[test]
    fn a_node_is_found_behind_its_libp2p_name() {
        let key = SecretKey::from_seed(&[4; 32]).public();
        assert_eq!(node_key(&peer_id(&key).unwrap()), Some(key));
        assert_eq!(node_key(&PeerId::random()), None);
    }
}
