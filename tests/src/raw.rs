//! A node that speaks the protocol beneath the program: any bytes, to any question.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the library's events are open-ended, and most are of no concern here"
)]

use std::collections::HashSet;
use std::io;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use libp2p::futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{self, Message, OutboundRequestId, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, noise, tcp, yamux};

/// Questions and answers as they are on the wire.
#[derive(Clone, Default)]
struct Bytes;

impl request_response::Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        let mut bytes = Vec::new();
        io.read_to_end(&mut bytes).await?;
        Ok(bytes)
    }

    async fn write_request<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.close().await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&bytes).await?;
        io.close().await
    }
}

/// How the node answers a question.
pub type Answer = Box<dyn Fn(&[u8]) -> Vec<u8> + Send>;

/// The node, on a thread of its own.
#[derive(Debug)]
pub struct Raw {
    questions: Sender<Vec<u8>>,
    answers: Receiver<Option<Vec<u8>>>,
    disconnected: Receiver<()>,
}

impl Raw {
    /// Connects to a node with this key, and answers what it asks.
    pub fn connect(seed: [u8; 32], to: Multiaddr, answer: Answer) -> Self {
        let (questions, asked) = channel::<Vec<u8>>();
        let (answered, answers) = channel();
        let (closed, disconnected) = channel();
        let (connected, is_connected) = channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("the raw node runs").block_on(async move {
                let mut seed = seed;
                let key = libp2p::identity::Keypair::ed25519_from_bytes(&mut seed)
                    .expect("the raw node runs");
                let mut swarm = libp2p::SwarmBuilder::with_existing_identity(key)
                    .with_tokio()
                    .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
                    .expect("the raw node runs")
                    .with_behaviour(|_| {
                        request_response::Behaviour::<Bytes>::new(
                            [(StreamProtocol::new("/staffroom/exchange/1"), ProtocolSupport::Full)],
                            request_response::Config::default(),
                        )
                    })
                    .expect("the raw node runs")
                    .with_swarm_config(|config| {
                        config.with_idle_connection_timeout(Duration::from_secs(60))
                    })
                    .build();
                swarm.dial(to.clone()).expect("the raw node runs");
                let mut peer: Option<PeerId> = None;
                let mut waiting: HashSet<OutboundRequestId> = HashSet::new();
                loop {
                    while let Some(peer) = peer
                        && let Ok(question) = asked.try_recv()
                    {
                        waiting.insert(swarm.behaviour_mut().send_request(&peer, question));
                    }
                    let pause = tokio::time::sleep(Duration::from_millis(2));
                    tokio::select! {
                        () = pause => {}
                        event = swarm.select_next_some() => match event {
                            SwarmEvent::ConnectionEstablished { peer_id, .. } => {
                                peer = Some(peer_id);
                                let _ = connected.send(());
                            }
                            // Whoever comes too often is let in later.
                            SwarmEvent::OutgoingConnectionError { .. } => {
                                tokio::time::sleep(Duration::from_millis(100)).await;
                                swarm.dial(to.clone()).expect("the raw node runs");
                            }
                            SwarmEvent::ConnectionClosed { .. } => {
                                let _ = closed.send(());
                                return;
                            }
                            SwarmEvent::Behaviour(request_response::Event::Message {
                                message: Message::Request { request, channel, .. },
                                ..
                            }) => {
                                let said = answer(&request);
                                let _ = swarm.behaviour_mut().send_response(channel, said);
                            }
                            SwarmEvent::Behaviour(request_response::Event::Message {
                                message: Message::Response { request_id, response },
                                ..
                            }) if waiting.remove(&request_id) => {
                                let _ = answered.send(Some(response));
                            }
                            SwarmEvent::Behaviour(request_response::Event::OutboundFailure {
                                request_id,
                                ..
                            }) if waiting.remove(&request_id) => {
                                let _ = answered.send(None);
                            }
                            _ => {}
                        },
                    }
                }
            });
        });
        is_connected.recv_timeout(Duration::from_secs(10)).expect("the raw node runs");
        Self { questions, answers, disconnected }
    }

    /// Sends a question without waiting for the answer.
    pub fn send(&self, question: Vec<u8>) {
        let _ = self.questions.send(question);
    }

    /// Waits for an answer; none where the question failed or the connection ended.
    pub fn answer(&self) -> Option<Vec<u8>> {
        self.answers.recv_timeout(Duration::from_secs(10)).ok().flatten()
    }

    /// How long the other node takes from now on to close the connection; none if it does not.
    pub fn until_disconnected(&self, most: Duration) -> Option<Duration> {
        let since = Instant::now();
        match self.disconnected.recv_timeout(most) {
            Ok(()) | Err(RecvTimeoutError::Disconnected) => Some(since.elapsed()),
            Err(RecvTimeoutError::Timeout) => None,
        }
    }
}
