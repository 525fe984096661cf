//! The libp2p protocols that a node speaks, and their limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use libp2p::allow_block_list::{self, BlockedPeers};
use libp2p::connection_limits::{self, ConnectionLimits};
use libp2p::gossipsub::{self, MessageAuthenticity, MessageId, TopicHash, ValidationMode};
use libp2p::identity::Keypair;
use libp2p::request_response::{self, ProtocolSupport};
use libp2p::swarm::NetworkBehaviour;
use libp2p::swarm::behaviour::toggle::Toggle;
use libp2p::{StreamProtocol, identify, mdns, ping};
use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_GOSSIP_BYTES;

use super::codec::ExchangeCodec;
use super::doorway::Doorway;
use super::gate::Gate;

/// A trust has tens of schools; a node of a national network keeps to a part of its members.
const MAX_CONNECTIONS: u32 = 256;

/// Handshakes under way from outside; a stranger can start many.
const MAX_PENDING_INCOMING: u32 = 64;

/// Both sides may dial at once over both transports.
const MAX_CONNECTIONS_PER_PEER: u32 = 4;

/// A whole answer over a line of 1 Mbit/s takes 16 seconds.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Questions under way with one peer: sync, texts and a file beside each other.
const MAX_STREAMS_PER_PEER: usize = 32;

/// Topics that a peer may listen to: ten times the groups of a school that is in many, with those of
/// former epochs. The library's default would stop at 100.
const MAX_TOPICS: usize = 500;

#[derive(NetworkBehaviour)]
pub(super) struct Behaviour {
    pub(super) doorway: Doorway,
    pub(super) limits: connection_limits::Behaviour,
    pub(super) blocked: allow_block_list::Behaviour<BlockedPeers>,
    pub(super) identify: identify::Behaviour,
    pub(super) ping: ping::Behaviour,
    pub(super) mdns: Toggle<mdns::tokio::Behaviour>,
    pub(super) gate: Gate,
    pub(super) exchange: request_response::Behaviour<ExchangeCodec>,
    pub(super) range_streams: libp2p_stream::Behaviour,
}

pub(super) type Gossipsub = gossipsub::Behaviour<
    gossipsub::IdentityTransform,
    gossipsub::MaxCountSubscriptionFilter<gossipsub::CallbackSubscriptionFilter<CountTopic>>,
>;

/// Lets every topic pass, and counts it: the library tells nobody how many a peer sends.
type CountTopic = Box<dyn FnMut(&TopicHash) -> bool + Send>;

impl Behaviour {
    /// `discover`: whether to look for other nodes on the local network.
    pub(super) fn new(key: &Keypair, discover: bool) -> Result<Self, String> {
        let limits = ConnectionLimits::default()
            .with_max_established(Some(MAX_CONNECTIONS))
            .with_max_established_per_peer(Some(MAX_CONNECTIONS_PER_PEER))
            .with_max_pending_incoming(Some(MAX_PENDING_INCOMING));
        let local = key.public().to_peer_id();
        // A machine without a usable network card still serves what it holds.
        let mdns = discover.then(|| mdns::tokio::Behaviour::new(mdns::Config::default(), local));
        let mdns = mdns
            .transpose()
            .inspect_err(|error| tracing::warn!(%error, "no discovery on the local network"));
        let mdns = mdns.ok().flatten();
        let exchange = request_response::Behaviour::new(
            [(StreamProtocol::new("/staffroom/exchange/1"), ProtocolSupport::Full)],
            request_response::Config::default()
                .with_request_timeout(REQUEST_TIMEOUT)
                .with_max_concurrent_streams(MAX_STREAMS_PER_PEER),
        );
        Ok(Self {
            doorway: Doorway::default(),
            limits: connection_limits::Behaviour::new(limits),
            blocked: allow_block_list::Behaviour::default(),
            identify: identify::Behaviour::new(
                identify::Config::new("/staffroom/1".into(), key.public())
                    .with_agent_version(concat!("staffroom/", env!("CARGO_PKG_VERSION")).into()),
            ),
            ping: ping::Behaviour::default(),
            mdns: Toggle::from(mdns),
            gate: {
                let (gossipsub, topics_told) = gossip()?;
                Gate::new(gossipsub, topics_told)
            },
            exchange,
            range_streams: libp2p_stream::Behaviour::new(),
        })
    }
}

/// Gossipsub, and a counter of the topics that peers say they listen to or stop listening to.
pub(super) fn gossip() -> Result<(Gossipsub, Arc<AtomicU64>), String> {
    let config = gossipsub::ConfigBuilder::default()
        // Entries carry signatures of their own, so the messages that carry them need none.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .max_transmit_size(MAX_GOSSIP_BYTES)
        .message_id_fn(|message| MessageId::from(Hash::of(&message.data).as_bytes().to_vec()))
        .build()
        .map_err(|error| error.to_string())?;
    let topics_told = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&topics_told);
    let count: CountTopic = Box::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        true
    });
    let filter = gossipsub::MaxCountSubscriptionFilter {
        filter: gossipsub::CallbackSubscriptionFilter(count),
        max_subscribed_topics: MAX_TOPICS,
        // As many as one message holds.
        max_subscriptions_per_request: MAX_GOSSIP_BYTES,
    };
    let mut gossip =
        Gossipsub::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)?;
    // A school, or a whole trust, sits behind one address: sharing it costs nothing.
    let score = gossipsub::PeerScoreParams {
        ip_colocation_factor_weight: 0.0,
        ..gossipsub::PeerScoreParams::default()
    };
    gossip.with_peer_score(score, gossipsub::PeerScoreThresholds::default())?;
    Ok((gossip, topics_told))
}
