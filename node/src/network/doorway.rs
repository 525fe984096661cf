//! How often connections may come from one address. A handshake costs more than any question, and
//! whoever was cut off could come back at once under another key.

use std::convert::Infallible;
use std::net::IpAddr;
use std::task::{Context, Poll};
use std::time::Instant;

use libp2p::PeerId;
use libp2p::core::transport::PortUse;
use libp2p::core::{Endpoint, Multiaddr};
use libp2p::multiaddr::Protocol;
use libp2p::swarm::{
    ConnectionDenied, ConnectionId, FromSwarm, NetworkBehaviour, THandler, THandlerInEvent,
    THandlerOutEvent, ToSwarm, dummy,
};

use super::rate::{self, Rates};

/// Refuses connections that come too often from one address, before any handshake.
#[derive(Debug, Default)]
pub(super) struct Doorway {
    rates: Rates<IpAddr>,
}

/// Too many connections came from one address.
#[derive(Debug, thiserror::Error)]
#[error("too many connections from {0} in a short time")]
pub(super) struct TooMany(IpAddr);

fn ip(address: &Multiaddr) -> Option<IpAddr> {
    address.iter().find_map(|part| {
        if let Protocol::Ip4(ip) = part {
            return Some(ip.into());
        }
        if let Protocol::Ip6(ip) = part { Some(ip.into()) } else { None }
    })
}

impl NetworkBehaviour for Doorway {
    type ConnectionHandler = dummy::ConnectionHandler;
    type ToSwarm = Infallible;

    fn handle_pending_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: &Multiaddr,
        remote: &Multiaddr,
    ) -> Result<(), ConnectionDenied> {
        match ip(remote) {
            Some(ip) if !self.rates.take(ip, rate::CONNECTIONS, Instant::now()) => {
                Err(ConnectionDenied::new(TooMany(ip)))
            }
            Some(_) | None => Ok(()),
        }
    }

    fn handle_established_inbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: &Multiaddr,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn handle_established_outbound_connection(
        &mut self,
        _: ConnectionId,
        _: PeerId,
        _: &Multiaddr,
        _: Endpoint,
        _: PortUse,
    ) -> Result<THandler<Self>, ConnectionDenied> {
        Ok(dummy::ConnectionHandler)
    }

    fn on_swarm_event(&mut self, _: FromSwarm<'_>) {}

    fn on_connection_handler_event(
        &mut self,
        _: PeerId,
        _: ConnectionId,
        event: THandlerOutEvent<Self>,
    ) {
        match event {}
    }

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<ToSwarm<Self::ToSwarm, THandlerInEvent<Self>>> {
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_connects_too_often_waits_and_others_do_not() {
        let mut doorway = Doorway::default();
        let local: Multiaddr = "/ip4/192.0.2.1/tcp/4801".parse().unwrap();
        let mut come = |from: &str| {
            let remote = from.parse().unwrap();
            let number = ConnectionId::new_unchecked(1);
            doorway.handle_pending_inbound_connection(number, &local, &remote).is_ok()
        };
        let let_in = (0..300).filter(|_| come("/ip4/192.0.2.2/tcp/5000")).count();
        assert!((100..110).contains(&let_in), "{let_in}");
        assert!(!come("/ip4/192.0.2.2/udp/5001/quic-v1"), "whatever the transport");
        assert!(come("/ip4/192.0.2.3/tcp/5000"));
        assert!(come("/ip6/2001:db8::1/tcp/5000"));
    }
}
