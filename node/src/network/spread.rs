//! New membership statements go from member to member at once: not by gossip, since they say who
//! may hear it.

use std::sync::Arc;
use std::time::Duration;

use serde_bytes::ByteBuf;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_REQUEST_BYTES, Request, Response};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Network;
use crate::node::Node;

/// Lots of statements that may wait to be passed on; beyond that a comparison brings them.
const MAX_WAITING: usize = 256;

/// Statements at once that are worth passing on one by one; more come by a comparison.
const MAX_STATEMENTS: usize = 64;

/// Members that are told what came from another: enough for all to hear within a few steps. Who made
/// a statement tells everybody it is connected to.
const FANOUT: usize = 6;

/// Bytes of statements in one request; the rest of it is the envelope.
const REQUEST_CONTENT_BYTES: usize = MAX_REQUEST_BYTES - 1_024;

/// Lots that are passed on beside each other.
const LOTS_AT_ONCE: usize = 16;

/// How long the slowest of those told may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// New statements of one group.
#[derive(Debug)]
pub(super) struct News {
    group: GroupId,
    statements: Vec<ByteBuf>,
    /// Whether this node made them.
    own: bool,
}

/// The statements that wait to be passed on.
#[derive(Debug)]
pub(super) struct Spread(mpsc::Sender<News>);

impl Spread {
    /// Makes the queue; the receiver goes to [`start`].
    pub(super) fn new() -> (Self, mpsc::Receiver<News>) {
        let (queue, receiver) = mpsc::channel(MAX_WAITING);
        (Self(queue), receiver)
    }

    pub(super) fn add(&self, group: GroupId, statements: Vec<ByteBuf>, own: bool) {
        if !statements.is_empty() && statements.len() <= MAX_STATEMENTS {
            // A full queue is no loss: comparisons bring what it would have.
            let _ = self.0.try_send(News { group, statements, own });
        }
    }
}

/// Passes statements on until the network stops.
pub(super) fn start(node: &Arc<Node>, network: &Network, mut queue: mpsc::Receiver<News>) {
    let (node, telling) = (Arc::clone(node), network.clone());
    network.spawn(async move {
        let mut lots = JoinSet::new();
        while let Some(news) = queue.recv().await {
            // A member that does not answer delays its own lot and no other.
            while lots.len() >= LOTS_AT_ONCE {
                lots.join_next().await;
            }
            let (node, telling) = (Arc::clone(&node), telling.clone());
            lots.spawn(async move {
                if timeout(PATIENCE, pass_on(&node, &telling, news)).await.is_err() {
                    tracing::debug!("a member takes long to hear membership statements");
                }
            });
        }
    });
}

async fn pass_on(node: &Arc<Node>, network: &Network, news: News) {
    let mut listeners = listeners(node, network, &news.group);
    if !news.own {
        // Each node picks others.
        let own = node.identity().node_key().public();
        listeners.sort_by_key(|key| {
            Hash::of(&[key.as_bytes().as_slice(), own.as_bytes().as_slice()].concat())
        });
        listeners.truncate(FANOUT);
    }
    let mut telling = JoinSet::new();
    for peer in listeners {
        for statements in in_requests(&news.statements) {
            let (node, network, group) = (Arc::clone(node), network.clone(), news.group);
            telling.spawn(async move { tell(&node, &network, peer, group, statements).await });
        }
    }
    while telling.join_next().await.is_some() {}
}

/// The nodes to tell: those of members, and those of schools whose departure this may be.
fn listeners(node: &Node, network: &Network, group: &GroupId) -> Vec<PublicKey> {
    let connected = network.connected();
    node.with_membership(group, |set| {
        let members = set.roster().members().values();
        members
            .flat_map(|member| member.nodes.iter().copied())
            .filter(|key| connected.contains_key(key))
            .collect()
    })
    .unwrap_or_default()
}

fn in_requests(statements: &[ByteBuf]) -> Vec<Vec<ByteBuf>> {
    let (mut requests, mut bytes) = (vec![Vec::new()], 0);
    for statement in statements {
        bytes += statement.len();
        if bytes > REQUEST_CONTENT_BYTES {
            requests.push(Vec::new());
            bytes = statement.len();
        }
        if let Some(last) = requests.last_mut() {
            last.push(statement.clone());
        }
    }
    requests
}

async fn tell(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    group: GroupId,
    statements: Vec<ByteBuf>,
) {
    match network.ask(peer, Vec::new(), Request::Introduce { group, statements }).await {
        Ok(Response::Known { digest }) => {
            let node = Arc::clone(node);
            let noting = tokio::task::spawn_blocking(move || {
                node.note_confirmation(&group, peer, &digest);
            });
            // Ends early only with the node.
            let _ = noting.await;
        }
        Ok(_) => {}
        Err(error) => tracing::debug!(%error, ?peer, "membership statements were not told"),
    }
}
