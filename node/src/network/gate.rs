//! Keeps gossipsub from strangers: by itself it tells every topic to every peer.
//!
//! The connection to a peer lives on, for questions and for a request to join, but what gossipsub
//! has to say to the peer, and the peer to gossipsub, waits until the peer is admitted. A connection
//! that gossipsub's handler is not asked about says nothing; what the peer sends meanwhile stays in
//! the stream's own bounded buffer.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::swarm::handler::ConnectionEvent;
use libp2p::swarm::{
    ConnectionDenied, ConnectionHandler, ConnectionHandlerEvent, ConnectionId, FromSwarm,
    NetworkBehaviour, NotifyHandler, SubstreamProtocol, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm,
};
use libp2p::{PeerId, gossipsub};

use super::behaviour::Gossipsub;
use super::node_key;
use super::rate::{self, Rates};

type Inner = THandler<Gossipsub>;

/// Gossipsub behind a gate that opens for each peer by itself.
pub(super) struct Gate {
    gossipsub: Gossipsub,
    admitted: BTreeSet<PeerId>,
    connections: BTreeSet<(PeerId, ConnectionId)>,
    opening: VecDeque<(PeerId, ConnectionId)>,
    /// Counts the topics that peers say they listen to, or stop listening to.
    topics_told: Arc<AtomicU64>,
    topic_rates: Rates,
    offenders: VecDeque<PeerId>,
    waker: Option<Waker>,
}

/// What the gate tells.
#[derive(Debug)]
pub(super) enum GateEvent {
    /// What gossipsub does.
    Gossip(Box<gossipsub::Event>),
    /// A peer tells of more topics than any needs to.
    TooManyTopics(PeerId),
}

impl Gate {
    /// `topics_told` is what gossipsub's filter counts.
    pub(super) fn new(gossipsub: Gossipsub, topics_told: Arc<AtomicU64>) -> Self {
        Self {
            gossipsub,
            topics_told,
            topic_rates: Rates::default(),
            offenders: VecDeque::new(),
            admitted: BTreeSet::new(),
            connections: BTreeSet::new(),
            opening: VecDeque::new(),
            waker: None,
        }
    }

    pub(super) fn gossipsub(&mut self) -> &mut Gossipsub {
        // Subscribing and publishing make events that the next poll fetches.
        self.wake();
        &mut self.gossipsub
    }

    /// Opens the gate for a peer, on every connection to it until the last one closes.
    pub(super) fn admit(&mut self, peer: PeerId) {
        let mut connections = self.connections.iter().filter(|(of, _)| *of == peer).peekable();
        if connections.peek().is_some() && self.admitted.insert(peer) {
            self.opening.extend(connections);
            self.wake();
        }
    }

    pub(super) fn is_admitted(&self, peer: &PeerId) -> bool {
        self.admitted.contains(peer)
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }

    fn gated(&mut self, peer: PeerId, connection: ConnectionId, handler: Inner) -> GatedHandler {
        self.connections.insert((peer, connection));
        GatedHandler { handler, open: self.admitted.contains(&peer), waker: None }
    }
}

impl NetworkBehaviour for Gate {
    type ConnectionHandler = GatedHandler;
    type ToSwarm = GateEvent;

    fn handle_established_inbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        local: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let handler = self
            .gossipsub
            .handle_established_inbound_connection(connection, peer, local, remote)?;
        Ok(self.gated(peer, connection, handler))
    }

    fn handle_established_outbound_connection(
        &mut self,
        connection: ConnectionId,
        peer: PeerId,
        address: &Multiaddr,
        role: Endpoint,
        port_use: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        let handler = self
            .gossipsub
            .handle_established_outbound_connection(connection, peer, address, role, port_use)?;
        Ok(self.gated(peer, connection, handler))
    }

    fn on_swarm_event(&mut self, event: FromSwarm<'_>) {
        if let FromSwarm::ConnectionClosed(closed) = &event {
            self.connections.remove(&(closed.peer_id, closed.connection_id));
            if closed.remaining_established == 0 {
                self.admitted.remove(&closed.peer_id);
            }
        }
        self.gossipsub.on_swarm_event(event);
    }

    fn on_connection_handler_event(
        &mut self,
        peer: PeerId,
        connection: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        let before = self.topics_told.load(Ordering::Relaxed);
        self.gossipsub.on_connection_handler_event(peer, connection, event);
        // The filter does not know who tells it; it is asked within the call.
        let told = self.topics_told.load(Ordering::Relaxed) - before;
        let Some(key) = node_key(&peer) else { return };
        let now = Instant::now();
        if (0..told).any(|_| !self.topic_rates.take(key, rate::TOPICS, now)) {
            self.offenders.push_back(peer);
            self.wake();
        }
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        while let Some((peer, connection)) = self.opening.pop_front() {
            if self.connections.contains(&(peer, connection)) {
                return Poll::Ready(ToSwarm::NotifyHandler {
                    peer_id: peer,
                    handler: NotifyHandler::One(connection),
                    event: ToHandler::Open,
                });
            }
        }
        if let Some(offender) = self.offenders.pop_front() {
            return Poll::Ready(ToSwarm::GenerateEvent(GateEvent::TooManyTopics(offender)));
        }
        self.waker = Some(cx.waker().clone());
        let told = |event| GateEvent::Gossip(Box::new(event));
        self.gossipsub.poll(cx).map(|event| event.map_out(told).map_in(ToHandler::Inner))
    }
}

/// What the gate tells a connection's handler.
#[derive(Debug)]
pub(super) enum ToHandler<T> {
    Open,
    Inner(T),
}

/// Gossipsub's handler of one connection, which is not polled until the gate opens.
pub(super) struct GatedHandler {
    handler: Inner,
    open: bool,
    waker: Option<Waker>,
}

impl ConnectionHandler for GatedHandler {
    type FromBehaviour = ToHandler<<Inner as ConnectionHandler>::FromBehaviour>;
    type ToBehaviour = <Inner as ConnectionHandler>::ToBehaviour;
    type InboundProtocol = <Inner as ConnectionHandler>::InboundProtocol;
    type OutboundProtocol = <Inner as ConnectionHandler>::OutboundProtocol;
    type InboundOpenInfo = <Inner as ConnectionHandler>::InboundOpenInfo;
    type OutboundOpenInfo = <Inner as ConnectionHandler>::OutboundOpenInfo;

    fn listen_protocol(&self) -> SubstreamProtocol<Self::InboundProtocol, Self::InboundOpenInfo> {
        self.handler.listen_protocol()
    }

    fn connection_keep_alive(&self) -> bool {
        self.open && self.handler.connection_keep_alive()
    }

    fn poll(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<
        ConnectionHandlerEvent<Self::OutboundProtocol, Self::OutboundOpenInfo, Self::ToBehaviour>,
    > {
        if self.open {
            return self.handler.poll(cx);
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    fn on_behaviour_event(&mut self, event: Self::FromBehaviour) {
        match event {
            ToHandler::Inner(event) => self.handler.on_behaviour_event(event),
            ToHandler::Open => {
                self.open = true;
                if let Some(waker) = self.waker.take() {
                    waker.wake();
                }
            }
        }
    }

    fn on_connection_event(
        &mut self,
        event: ConnectionEvent<
            '_,
            Self::InboundProtocol,
            Self::OutboundProtocol,
            Self::InboundOpenInfo,
            Self::OutboundOpenInfo,
        >,
    ) {
        self.handler.on_connection_event(event);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::StreamExt;
    use libp2p::gossipsub::IdentTopic;
    use libp2p::swarm::{Swarm, SwarmEvent};
    use libp2p::{noise, tcp, yamux};
    use tokio::time::{sleep, timeout};

    use super::super::behaviour::gossip;
    use super::*;

    async fn swarm() -> (Swarm<Gate>, Multiaddr) {
        let mut swarm = libp2p::SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| {
                let (gossipsub, topics_told) = gossip().unwrap();
                Gate::new(gossipsub, topics_told)
            })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::MAX))
            .build();
        swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                break address;
            }
        };
        (swarm, address)
    }

    /// Runs both until `holds`, or for a while.
    async fn run(
        one: &mut Swarm<Gate>,
        other: &mut Swarm<Gate>,
        holds: impl Fn(&Swarm<Gate>, &Swarm<Gate>) -> bool,
    ) -> bool {
        let running = async {
            while !holds(one, other) {
                tokio::select! {
                    _ = one.select_next_some() => {}
                    _ = other.select_next_some() => {}
                    () = sleep(Duration::from_millis(5)) => {}
                }
            }
        };
        timeout(Duration::from_secs(5), running).await.is_ok()
    }

    fn knows_topic(swarm: &Swarm<Gate>) -> bool {
        swarm.behaviour().gossipsub.all_peers().any(|(_, topics)| !topics.is_empty())
    }

    #[tokio::test]
    async fn topics_are_told_to_admitted_peers_alone_whoever_admits_first() {
        let topic = IdentTopic::new("topic");
        for turn in 0..8 {
            let ((mut ash, address), (mut beech, _)) = (swarm().await, swarm().await);
            ash.behaviour_mut().gossipsub().subscribe(&topic).unwrap();
            beech.dial(address).unwrap();
            let connected = |one: &Swarm<Gate>, other: &Swarm<Gate>| {
                one.network_info().num_peers() == 1 && other.network_info().num_peers() == 1
            };
            assert!(run(&mut ash, &mut beech, connected).await);
            // What is subscribed to while the gate is shut is told once it opens.
            beech.behaviour_mut().gossipsub().subscribe(&topic).unwrap();
            let (ashes, beeches) = (*ash.local_peer_id(), *beech.local_peer_id());
            if turn == 0 {
                beech.behaviour_mut().admit(ashes);
                let beech_knows = |_: &Swarm<Gate>, beech: &Swarm<Gate>| knows_topic(beech);
                assert!(!run(&mut ash, &mut beech, beech_knows).await, "Ash told a stranger");
                assert!(!knows_topic(&ash), "Ash heard a stranger");
                ash.behaviour_mut().admit(beeches);
            } else if turn % 2 == 0 {
                ash.behaviour_mut().admit(beeches);
                beech.behaviour_mut().admit(ashes);
            } else {
                beech.behaviour_mut().admit(ashes);
                ash.behaviour_mut().admit(beeches);
            }
            let both =
                |ash: &Swarm<Gate>, beech: &Swarm<Gate>| knows_topic(ash) && knows_topic(beech);
            assert!(run(&mut ash, &mut beech, both).await, "turn {turn}");
        }
    }
}
