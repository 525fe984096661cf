//! The transports beneath the swarm, and what it listens on.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's addresses and events are open-ended, and most are of no concern here"
)]

use std::collections::HashMap;
use std::sync::PoisonError;
use std::time::Duration;

use futures::StreamExt;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, Swarm, TransportError, noise, tcp};
use tokio::time::timeout;

use super::Network;
use super::behaviour::Behaviour;
use super::muxer::Multiplexing;
use crate::node::Node;

/// An idle connection between members is kept: the next question comes within the minute.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// How long the listeners have to come up.
const LISTEN_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the network does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be listened on.
    #[error(
        "cannot listen on {address}: {reason}; stop the program that uses it, or choose another address with --listen"
    )]
    Listen {
        /// The address.
        address: Multiaddr,
        /// What the operating system says.
        reason: String,
    },
    /// The protocols cannot be set up.
    #[error("cannot set up the network: {0}")]
    SetUp(String),
}

pub(super) fn build(
    node: &Node,
    network: &Network,
    listen: &[Multiaddr],
) -> Result<Swarm<Behaviour>, StartError> {
    // Nobody else on the local network can reach a node that listens on this machine alone.
    let discover = listen.iter().any(|address| !is_loopback(address));
    let set_up = |error: &dyn std::fmt::Display| StartError::SetUp(error.to_string());
    let mut seed = node.identity().node_key().seed();
    let key = libp2p::identity::Keypair::ed25519_from_bytes(seed.as_mut_slice())
        .map_err(|error| set_up(&error))?;
    let mut registry = network.shared.registry.lock().unwrap_or_else(PoisonError::into_inner);
    *registry = prometheus_client::registry::Registry::default();
    network.offences().register(&mut registry);
    network.comparisons().register(&mut registry);
    network.shared.hearsay.register(&mut registry);
    let swarm = libp2p::SwarmBuilder::with_existing_identity(key)
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, || Multiplexing)
        .map_err(|error| set_up(&error))?
        .with_quic()
        .with_dns()
        .map_err(|error| set_up(&error))?
        .with_bandwidth_metrics(&mut registry)
        .with_behaviour(|key| Behaviour::new(key, discover).map_err(Into::into))
        .map_err(|error| set_up(&error))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(IDLE_TIMEOUT))
        .build();
    Ok(swarm)
}

/// Why a TCP port cannot be had: the library shares a port with any other program that does the
/// same, so that two nodes on one port would each get a part of the connections.
fn taken(address: &Multiaddr) -> Option<std::io::Error> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        _ => return None,
    };
    let Some(Protocol::Tcp(port @ 1..)) = parts.next() else { return None };
    std::net::TcpListener::bind(std::net::SocketAddr::new(ip, port)).err()
}

fn is_loopback(address: &Multiaddr) -> bool {
    address.iter().any(|part| match part {
        Protocol::Ip4(ip) => ip.is_loopback(),
        Protocol::Ip6(ip) => ip.is_loopback(),
        _ => false,
    })
}

pub(super) async fn listen_on(
    swarm: &mut Swarm<Behaviour>,
    network: &Network,
    addresses: Vec<Multiaddr>,
) -> Result<(), StartError> {
    let mut waiting = HashMap::new();
    for address in addresses {
        if let Some(error) = taken(&address) {
            return Err(StartError::Listen { address, reason: error.to_string() });
        }
        let id = swarm.listen_on(address.clone()).map_err(|error| {
            let reason = match &error {
                TransportError::MultiaddrNotSupported(_) => {
                    "it is not an address this node can listen on; write it like \
                     /ip4/0.0.0.0/tcp/4801 or /ip4/0.0.0.0/udp/4801/quic-v1"
                        .to_owned()
                }
                TransportError::Other(error) => error.to_string(),
            };
            StartError::Listen { address: address.clone(), reason }
        })?;
        waiting.insert(id, address);
    }
    while !waiting.is_empty() {
        let Ok(event) = timeout(LISTEN_TIMEOUT, swarm.select_next_some()).await else {
            let address = waiting.into_values().next().unwrap_or_else(Multiaddr::empty);
            return Err(StartError::Listen { address, reason: "it does not come up".into() });
        };
        match event {
            SwarmEvent::NewListenAddr { listener_id, address } => {
                waiting.remove(&listener_id);
                add_listening(network, address);
            }
            SwarmEvent::ListenerClosed { listener_id, reason, .. } => {
                if let Some(address) = waiting.remove(&listener_id) {
                    let reason = reason
                        .err()
                        .map_or_else(|| "it was closed".to_owned(), |error| error.to_string());
                    return Err(StartError::Listen { address, reason });
                }
            }
            _ => {}
        }
    }
    Ok(())
}

pub(super) fn add_listening(network: &Network, address: Multiaddr) {
    let mut listening = network.shared.listening.write().unwrap_or_else(PoisonError::into_inner);
    if !listening.contains(&address) {
        tracing::info!(%address, "listening");
        listening.push(address);
    }
}
