//! A stream on which one member asks another for ranges of files, one after the other.
//!
//! What is asked and answered is what the exchange has for it ([`Request::BlobRange`]), with its length
//! before each message and the range itself behind its answer; every question is judged as any other
//! is. It only spares the questions of a large file a stream each, and with it a fifth of the
//! processor's time. Where there is no such stream, or it breaks, the exchange is asked.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::{Either, select};
use futures::{StreamExt, stream};
use libp2p::StreamProtocol;
use libp2p_stream::Control;
use serde::Serialize;
use serde::de::DeserializeOwned;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_RESPONSE_BYTES, Request, Response};
use staffroom_protocol::wire;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::compat::{Compat, FuturesAsyncReadCompatExt};

use super::codec::Question;
use super::{AskError, Network, exchange, node_key, peer_id};
use crate::node::Node;

const PROTOCOL: StreamProtocol = StreamProtocol::new("/staffroom/ranges/1");

/// A question for a range names a group, a file and two numbers.
const MAX_QUESTION_BYTES: usize = 512;

/// How long a stream may be silent between two questions, and an answer take to pass.
const SILENCE: Duration = Duration::from_secs(60);

/// Answers that are made ready on one stream: the next ones while the last is sent.
const AHEAD: usize = 3;

/// Streams with one node: the files that it fetches at once.
const MAX_OF_ONE: usize = 8;

/// Streams that this node answers on: with three quarters of a megabyte made ready on each.
const MAX_OF_ALL: usize = 64;

/// Questions that wait on a stream: more than a transfer has under way with one member.
const MAX_UNANSWERED: usize = 8;

/// Where streams begin, and the nodes that have some.
#[derive(Default)]
pub(super) struct RangeStreams {
    control: Mutex<Option<Control>>,
    answering: Arc<Mutex<BTreeMap<PublicKey, usize>>>,
}

/// A place among the streams that are answered; free again when it is dropped.
#[derive(Debug)]
struct Place {
    answering: Arc<Mutex<BTreeMap<PublicKey, usize>>>,
    peer: PublicKey,
}

/// A question with its reply.
type Asked = (Request, oneshot::Sender<Result<Response, AskError>>);

/// Asks one member for ranges, on a stream where there is one.
#[derive(Debug, Clone)]
pub(super) struct RangeStream {
    network: Network,
    peer: PublicKey,
    asking: mpsc::Sender<Asked>,
}

impl RangeStream {
    /// Nothing is sent before the first question.
    pub(super) fn to(network: &Network, peer: PublicKey) -> Self {
        let (asking, mut asked) = mpsc::channel(MAX_UNANSWERED);
        let opening = network.clone();
        tokio::spawn(async move {
            let Some(first) = asked.recv().await else { return };
            let Some(stream) = opening.open_range_stream(peer).await else { return };
            if let Err(error) = converse(stream, first, asked, SILENCE).await {
                tracing::debug!(%error, ?peer, "a stream of ranges ended");
            }
        });
        Self { network: network.clone(), peer, asking }
    }

    /// Asks for a range, through the exchange where there is no stream, or a ceiling on the line.
    ///
    /// # Errors
    /// [`AskError`] if no answer comes.
    pub(super) async fn ask(
        &self,
        addresses: Vec<libp2p::Multiaddr>,
        request: Request,
    ) -> Result<Response, AskError> {
        let network = &self.network;
        if network.is_connected(&self.peer) && !network.shared.pace.is_limited() {
            let (reply, answer) = oneshot::channel();
            if self.asking.send((request.clone(), reply)).await.is_ok()
                && let Ok(answer) = answer.await
            {
                return answer;
            }
        }
        network.ask(self.peer, addresses, request).await
    }
}

impl Network {
    async fn open_range_stream(&self, peer: PublicKey) -> Option<Compat<libp2p::Stream>> {
        let control = &self.shared.range_streams.control;
        let mut control = control.lock().unwrap_or_else(PoisonError::into_inner).clone()?;
        let opened = timeout(SILENCE, control.open_stream(peer_id(&peer)?, PROTOCOL)).await;
        let opened = opened.ok()?.inspect_err(|error| {
            tracing::debug!(%error, ?peer, "no stream of ranges");
        });
        opened.ok().map(FuturesAsyncReadCompatExt::compat)
    }
}

/// Sends questions and hands on their answers, until nobody asks any more or no answer comes for
/// `silence`.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    first: Asked,
    mut asked: mpsc::Receiver<Asked>,
    silence: Duration,
) -> io::Result<()> {
    let (mut reading, mut writing) = tokio::io::split(stream);
    let (sent, mut unanswered) = mpsc::channel(MAX_UNANSWERED);
    let ask = async move {
        let mut next = Some(first);
        while let Some((request, reply)) = next {
            write(&mut writing, &request).await?;
            writing.flush().await?;
            if sent.send(reply).await.is_err() {
                break;
            }
            next = asked.recv().await;
        }
        writing.shutdown().await
    };
    let hear = async move {
        while let Some(reply) = unanswered.recv().await {
            // Whoever asked may have stopped waiting.
            match timeout(silence, read_answer(&mut reading)).await {
                Ok(answer) => drop(reply.send(Ok(answer?))),
                Err(_) => {
                    drop(reply.send(Err(AskError::NoAnswer("nothing came for a minute".into()))));
                    return Err(io::ErrorKind::TimedOut.into());
                }
            }
        }
        Ok(())
    };
    // What was asked before may still be answered where nothing can be asked any more.
    match select(pin!(ask), pin!(hear)).await {
        Either::Left((asked, hear)) => hear.await.and(asked),
        Either::Right((heard, _)) => heard,
    }
}

/// Answers on all streams that others open, until the network stops.
pub(super) fn start(node: &Arc<Node>, network: &Network, mut control: Control) {
    let Ok(mut opened) = control.accept(PROTOCOL) else { return };
    let streams = &network.shared.range_streams;
    *streams.control.lock().unwrap_or_else(PoisonError::into_inner) = Some(control);
    let (node, answering) = (Arc::clone(node), network.clone());
    network.spawn(async move {
        let network = answering;
        // Ended with this task: over QUIC a stream that is held keeps its connection alive.
        let mut streams = JoinSet::new();
        while let Some((peer, stream)) = opened.next().await {
            while streams.try_join_next().is_some() {}
            let Some(key) = node_key(&peer).filter(|key| node.shares_any(key)) else { continue };
            let Some(place) = network.shared.range_streams.place(key) else { continue };
            let (node, network) = (Arc::clone(&node), network.clone());
            tracing::debug!(%peer, "answers on a stream of ranges");
            streams.spawn(async move {
                let answer = |question| exchange::answer(&node, &network, peer, question);
                if let Err(error) = answer_on(stream.compat(), answer).await {
                    tracing::debug!(%error, %peer, "a stream of ranges ended");
                }
                drop(place);
            });
        }
    });
}

impl fmt::Debug for RangeStreams {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("RangeStreams").field("answering", &self.answering).finish()
    }
}

impl RangeStreams {
    fn place(&self, peer: PublicKey) -> Option<Place> {
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = answering.get(&peer).copied().unwrap_or(0);
        if of_one >= MAX_OF_ONE || answering.values().sum::<usize>() >= MAX_OF_ALL {
            return None;
        }
        answering.insert(peer, of_one + 1);
        Some(Place { answering: Arc::clone(&self.answering), peer })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut answering = self.answering.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = answering.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                answering.remove(&self.peer);
            }
        }
    }
}

/// Answers the questions of one stream in their order, until it ends or something else than a question
/// for a range comes.
async fn answer_on<F: Future<Output = Response>>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: impl Fn(Question) -> F,
) -> io::Result<()> {
    let (reading, mut writing) = tokio::io::split(stream);
    let questions = stream::unfold(Some(reading), async |reading| {
        let mut reading = reading?;
        let question = timeout(SILENCE, read(&mut reading, MAX_QUESTION_BYTES)).await;
        match question.ok()? {
            Ok(question @ Request::BlobRange { .. }) => Some((Some(question), Some(reading))),
            Err(error) if error.kind() != io::ErrorKind::InvalidData => None,
            Ok(_) | Err(_) => Some((None, None)),
        }
    });
    let answers = questions.map(answer).buffered(AHEAD);
    let mut answers = pin!(answers);
    while let Some(response) = answers.next().await {
        let written = timeout(SILENCE, write_answer(&mut writing, response)).await;
        written.map_err(|_| io::ErrorKind::TimedOut)??;
    }
    writing.shutdown().await
}

/// Reads an answer: what is said of a range, and the range itself behind it, so that it need not be
/// encoded.
async fn read_answer(io: &mut (impl AsyncRead + Unpin)) -> io::Result<Response> {
    let mut answer = read(io, MAX_RESPONSE_BYTES).await?;
    if let Response::BlobRange { slice, .. } = &mut answer {
        *slice = read_bytes(io, MAX_RESPONSE_BYTES).await?.into();
    }
    Ok(answer)
}

async fn write_answer(io: &mut (impl AsyncWrite + Unpin), mut answer: Response) -> io::Result<()> {
    if let Response::BlobRange { slice, .. } = &mut answer {
        let slice = std::mem::take(slice);
        write(io, &answer).await?;
        write_bytes(io, &slice).await?;
    } else {
        write(io, &answer).await?;
    }
    io.flush().await
}

async fn read<M: DeserializeOwned>(
    io: &mut (impl AsyncRead + Unpin),
    limit: usize,
) -> io::Result<M> {
    let bytes = read_bytes(io, limit).await?;
    wire::decode(&bytes, limit).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

async fn write(io: &mut (impl AsyncWrite + Unpin), message: &impl Serialize) -> io::Result<()> {
    write_bytes(io, &wire::encode(message)).await
}

/// Reads what stands behind its length, of which there is no more than `limit`.
async fn read_bytes(io: &mut (impl AsyncRead + Unpin), limit: usize) -> io::Result<Vec<u8>> {
    let mut length = [0; size_of::<u32>()];
    io.read_exact(&mut length).await?;
    let length = u32::from_be_bytes(length) as usize;
    if length > limit {
        let error = format!("{length} bytes are more than the limit of {limit}");
        return Err(io::Error::new(io::ErrorKind::InvalidData, error));
    }
    let mut bytes = vec![0; length];
    io.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn write_bytes(io: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(bytes).await
}

#[cfg(test)]
mod tests {
    use serde_bytes::ByteBuf;
    use staffroom_protocol::hash::{GroupId, Hash};
    use staffroom_protocol::identity::SecretKey;
    use staffroom_protocol::sync::message::Refusal;
    use tokio::io::DuplexStream;

    use super::*;

    /// How long the tests wait for an answer that does not come.
    const SHORT: Duration = Duration::from_millis(300);

    fn question(offset: u64) -> Request {
        let (group, hash) = (GroupId::from_bytes([1; 32]), Hash::of(b"a film"));
        Request::BlobRange { group, hash, offset, length: 16_384 }
    }

    /// Answers with what was asked for, or refuses.
    async fn echo(question: Question) -> Response {
        match question {
            Some(Request::BlobRange { offset, length, .. }) => {
                let slice = ByteBuf::from(offset.to_be_bytes());
                Response::BlobRange { length, slice }
            }
            Some(_) | None => Response::Refused(Refusal::Malformed),
        }
    }

    /// Asks on a stream that `answering` is at the other end of.
    async fn ask<F: Future<Output = ()>>(
        offsets: &[u64],
        answering: impl FnOnce(DuplexStream) -> F,
    ) -> Vec<Option<Result<Response, AskError>>> {
        let (here, there) = tokio::io::duplex(4_096);
        let (asking, mut asked) = mpsc::channel(MAX_UNANSWERED);
        let mut answers = Vec::new();
        for offset in offsets {
            let (reply, answer) = oneshot::channel();
            asking.try_send((question(*offset), reply)).unwrap();
            answers.push(answer);
        }
        drop(asking);
        let first = asked.recv().await.unwrap();
        let conversing = async { drop(converse(here, first, asked, SHORT).await) };
        tokio::join!(conversing, answering(there));
        futures::future::join_all(answers).await.into_iter().map(Result::ok).collect()
    }

    #[tokio::test]
    async fn answers_come_in_the_order_of_their_questions() {
        let answers = ask(&[0, 7, 3], async |stream| answer_on(stream, echo).await.unwrap()).await;
        let wanted = [0_u64, 7, 3].map(|offset| {
            let slice = ByteBuf::from(offset.to_be_bytes());
            Some(Ok(Response::BlobRange { length: 16_384, slice }))
        });
        assert_eq!(answers, wanted);
    }

    #[tokio::test]
    async fn where_a_stream_breaks_nobody_waits() {
        let answers = ask(&[0, 1], async |stream| {
            let (mut reading, mut writing) = tokio::io::split(stream);
            let first: Request = read(&mut reading, MAX_QUESTION_BYTES).await.unwrap();
            write_answer(&mut writing, echo(Some(first)).await).await.unwrap();
            writing.write_all(&u32::MAX.to_be_bytes()).await.unwrap();
        });
        let [Some(Ok(_)), None] = answers.await[..] else { panic!("one answer, then none") };
    }

    #[tokio::test]
    async fn whoever_does_not_answer_is_said_not_to() {
        let answers = ask(&[0, 1], async |stream| {
            tokio::time::sleep(2 * SHORT).await;
            drop(stream);
        });
        let [Some(Err(AskError::NoAnswer(_))), None] = answers.await[..] else {
            panic!("no answer to the first, and none is waited for to the second")
        };
    }

    #[tokio::test]
    async fn anything_but_a_question_for_a_range_ends_the_stream() {
        let group = GroupId::from_bytes([1; 32]);
        let other = wire::encode(&Request::Holding { group });
        let framed = |bytes: &[u8]| [&(bytes.len() as u32).to_be_bytes(), bytes].concat();
        let good = framed(&wire::encode(&question(0)));
        let too_long = [0, 0, 2, 1].to_vec();
        for wrong in [framed(&other), framed(b"garbage"), too_long] {
            let sent = [good.as_slice(), &wrong, &good].concat();
            let (here, there) = tokio::io::duplex(4_096);
            let (mut reading, mut writing) = tokio::io::split(here);
            writing.write_all(&sent).await.unwrap();
            answer_on(there, echo).await.unwrap();
            let first = read_answer(&mut reading).await.unwrap();
            assert!(matches!(first, Response::BlobRange { .. }));
            let second = read_answer(&mut reading).await.unwrap();
            assert_eq!(second, Response::Refused(Refusal::Malformed));
            let third = read_answer(&mut reading).await.unwrap_err();
            assert_eq!(third.kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn no_node_has_more_streams_than_its_share_and_all_have_no_more_than_there_is_room_for() {
        let streams = RangeStreams::default();
        let node = |number: u8| SecretKey::from_seed(&[number; 32]).public();
        let mut places: Vec<Place> = std::iter::from_fn(|| streams.place(node(0))).collect();
        assert_eq!(places.len(), MAX_OF_ONE);
        places.extend((1..100).filter_map(|number| streams.place(node(number))));
        assert_eq!(places.len(), MAX_OF_ALL);
        places.remove(0);
        assert!(streams.place(node(0)).is_some());
        drop(places);
        assert!(streams.answering.lock().unwrap().is_empty());
    }
}
