//! Many streams on one TCP connection: yamux, with frames as large as one message of the encryption.
//!
//! The adapter of libp2p can set neither how large a frame is nor how much a connection may have on
//! its way. With its frames of 16 KiB each is encrypted, sent and woken for by itself, and a stream
//! carries two thirds of what it can.

use std::collections::VecDeque;
use std::future::{Ready, ready};
use std::io;
use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade, UpgradeInfo};
use yamux::{Connection, ConnectionError, Mode, Stream};

/// Streams that a peer may open on one connection: each can make this node hold 256 KiB.
const MAX_STREAMS: usize = 64;

/// What all streams of a connection may have on their way together: twice what they have at least, so
/// that one that carries much over a long line has more.
const RECEIVE_WINDOW: usize = 2 * MAX_STREAMS * yamux::DEFAULT_CREDIT as usize;

/// The most bytes of one frame's content: with its header of 12 bytes it fits one message of libp2p's
/// Noise, which has 64,511 bytes.
const FRAME_BYTES: usize = 64_496;

/// How streams share a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Multiplexing;

/// The streams of one connection.
pub(super) struct Muxer<C> {
    connection: Connection<C>,
    /// Streams that the other side opened while others were looked after; as many at most as it may
    /// have open.
    opened: VecDeque<Stream>,
    /// Who waits for them.
    waiting: Option<Waker>,
}

impl Multiplexing {
    fn connection<C: AsyncRead + AsyncWrite + Unpin>(io: C, mode: Mode) -> Muxer<C> {
        let mut config = yamux::Config::default();
        config
            .set_max_num_streams(MAX_STREAMS)
            .set_max_connection_receive_window(Some(RECEIVE_WINDOW))
            .set_split_send_size(FRAME_BYTES);
        let connection = Connection::new(io, config, mode);
        Muxer { connection, opened: VecDeque::new(), waiting: None }
    }
}

impl UpgradeInfo for Multiplexing {
    type Info = &'static str;
    type InfoIter = iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Multiplexing {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_inbound(self, io: C, _: Self::Info) -> Self::Future {
        ready(Ok(Self::connection(io, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Multiplexing {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<Result<Muxer<C>, io::Error>>;

    fn upgrade_outbound(self, io: C, _: Self::Info) -> Self::Future {
        ready(Ok(Self::connection(io, Mode::Client)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    /// Looks after all streams until the other side opens one.
    fn next(&mut self, context: &mut Context<'_>) -> Poll<Result<Stream, ConnectionError>> {
        let next = self.connection.poll_next_inbound(context);
        next.map(|next| next.unwrap_or(Err(ConnectionError::Closed)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = Stream;
    type Error = ConnectionError;

    fn poll_inbound(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Stream, ConnectionError>> {
        if let Some(stream) = self.opened.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let next = self.next(context);
        if next.is_pending() {
            self.waiting = Some(context.waker().clone());
        }
        next
    }

    fn poll_outbound(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<Stream, ConnectionError>> {
        self.connection.poll_new_outbound(context)
    }

    fn poll_close(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), ConnectionError>> {
        self.connection.poll_close(context)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<StreamMuxerEvent, ConnectionError>> {
        match self.next(context) {
            Poll::Ready(Ok(stream)) => {
                self.opened.push_back(stream);
                if let Some(waiting) = self.waiting.take() {
                    waiting.wake();
                }
                // There may be more; what shares this task has its turn first.
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::{AsyncReadExt, AsyncWriteExt, StreamExt};
    use libp2p::swarm::{Swarm, SwarmEvent};
    use libp2p::{StreamProtocol, noise, tcp, yamux};
    use libp2p_stream::Behaviour;

    use super::*;

    const PROTOCOL: StreamProtocol = StreamProtocol::new("/echo");

    /// More than the window of a stream, and no multiple of a frame.
    const BYTES: usize = 3_000_001;

    /// Says what it hears, on every stream.
    async fn echoing(mut swarm: Swarm<Behaviour>) {
        let mut opened = swarm.behaviour().new_control().accept(PROTOCOL).unwrap();
        tokio::spawn(async move {
            while let Some((_, stream)) = opened.next().await {
                tokio::spawn(async move {
                    let (mut reading, mut writing) = stream.split();
                    futures::io::copy(&mut reading, &mut writing).await.unwrap();
                    writing.close().await.unwrap();
                });
            }
        });
        loop {
            swarm.select_next_some().await;
        }
    }

    /// Sends a lot on several streams at once, and hears it again.
    async fn is_heard(mut here: Swarm<Behaviour>, mut there: Swarm<Behaviour>) {
        there.listen_on("/ip4/127.0.0.1/tcp/0".parse().unwrap()).unwrap();
        let address = loop {
            if let SwarmEvent::NewListenAddr { address, .. } = there.select_next_some().await {
                break address;
            }
        };
        let (peer, control) = (*there.local_peer_id(), here.behaviour().new_control());
        let echo = tokio::spawn(echoing(there));
        here.dial(address).unwrap();
        while !matches!(here.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}
        let running = tokio::spawn(async move {
            loop {
                here.select_next_some().await;
            }
        });
        let hears = |number: u8| {
            let mut control = control.clone();
            async move {
                let stream = control.open_stream(peer, PROTOCOL).await.unwrap();
                let (mut reading, mut writing) = stream.split();
                let said: Vec<u8> = (0..BYTES).map(|at| (at % 251) as u8 ^ number).collect();
                let mut heard = Vec::new();
                let say = async {
                    writing.write_all(&said).await.unwrap();
                    writing.close().await.unwrap();
                };
                futures::join!(say, async { reading.read_to_end(&mut heard).await.unwrap() });
                assert!(heard == said, "{} bytes came back", heard.len());
            }
        };
        futures::join!(hears(1), hears(2), hears(3));
        echo.abort();
        running.abort();
    }

    macro_rules! swarm {
        ($multiplexing:expr) => {
            libp2p::SwarmBuilder::with_new_identity()
                .with_tokio()
                .with_tcp(tcp::Config::default(), noise::Config::new, $multiplexing)
                .unwrap()
                .with_behaviour(|_| Behaviour::new())
                .unwrap()
                .build()
        };
    }

    #[tokio::test]
    async fn what_is_sent_on_several_streams_comes_back_whole() {
        is_heard(swarm!(|| Multiplexing), swarm!(|| Multiplexing)).await;
    }

    #[tokio::test]
    async fn whoever_has_the_librarys_frames_is_understood() {
        is_heard(swarm!(|| Multiplexing), swarm!(yamux::Config::default)).await;
        is_heard(swarm!(yamux::Config::default), swarm!(|| Multiplexing)).await;
    }
}
