//! Drives [`Session`]s: compares with a peer on connecting, on news, and from time to time.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_protocol::sync::session::{Output, Session, SessionError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{AskError, Network, Offence, exchange};
use crate::intake::Verdict;
use crate::membership::StatementsError;
use crate::node::Node;
use crate::store::StoreError;

/// Comparisons at once: enough to keep a line busy, few enough that a returning node does not ask
/// everyone for the same thing.
const SESSIONS_AT_ONCE: usize = 3;

/// Comparisons that may wait; each is named once however often it is asked for.
const MAX_WAITING: usize = 1_024;

/// A session that brings more than this many entries says in the log how far it is.
const WORTH_LOGGING: usize = 64;

/// Comparisons that are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    queue: mpsc::Sender<(PublicKey, GroupId)>,
    waiting: Arc<std::sync::Mutex<BTreeSet<(PublicKey, GroupId)>>>,
}

impl Wanted {
    /// Makes the queue; the receiver goes to [`start`].
    pub(super) fn new() -> (Self, mpsc::Receiver<(PublicKey, GroupId)>) {
        let (queue, receiver) = mpsc::channel(MAX_WAITING);
        (Self { queue, waiting: Arc::default() }, receiver)
    }

    /// Asks for a comparison, unless the same one waits already.
    pub(super) fn add(&self, peer: PublicKey, group: GroupId) {
        let new = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert((peer, group));
        if new && self.queue.try_send((peer, group)).is_err() {
            self.started(peer, group);
        }
    }

    fn started(&self, peer: PublicKey, group: GroupId) {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&(peer, group));
    }
}

/// Runs wanted comparisons until the network stops.
pub(super) fn start(
    node: &Arc<Node>,
    network: &Network,
    queue: mpsc::Receiver<(PublicKey, GroupId)>,
) {
    let queue = Arc::new(tokio::sync::Mutex::new(queue));
    for _ in 0..SESSIONS_AT_ONCE {
        let (node, queue) = (Arc::clone(node), Arc::clone(&queue));
        let worker = network.clone();
        network.spawn(async move {
            let network = worker;
            loop {
                let next = queue.lock().await.recv().await;
                let Some((peer, group)) = next else { return };
                network.shared.wanted.started(peer, group);
                match compare(&node, &network, peer, group).await {
                    Ok(0) => {}
                    Ok(received) => {
                        tracing::info!(received, group = %group.short(), "caught up");
                        tell(&node, &network, group).await;
                    }
                    Err(error) => {
                        tracing::debug!(%error, peer = ?peer, "a comparison was given up");
                    }
                }
            }
        });
    }
}

/// Tells a group that there is something to compare: by gossip, or, where there is no key for that,
/// each member that is connected.
pub(crate) async fn tell(node: &Arc<Node>, network: &Network, group: GroupId) {
    let (_, digest) = node.content(&group);
    if network.speaks_in(&group) {
        let node = node.identity().node_key().public();
        network.announce(group, &Announcement::News { digest, node }).await;
        return;
    }
    let connected = network.connected().into_keys();
    for peer in connected.filter(|peer| node.shares(&group, peer)) {
        let telling = network.clone();
        tokio::spawn(async move {
            let told = telling.ask(peer, Vec::new(), Request::News { group, digest }).await;
            if let Err(error) = told {
                tracing::debug!(%error, "a member was not told of news");
            }
        });
    }
}

/// What is done with a node that has just connected.
pub(super) async fn on_connect(node: &Arc<Node>, network: &Network, peer: PublicKey) {
    // Whoever was away when this school left takes it for a member still.
    for (group, statements) in node.own_leavings(&peer) {
        let told = network.ask(peer, Vec::new(), Request::Introduce { group, statements });
        if let Err(error) = told.await {
            tracing::debug!(%error, "a leaving was not told");
        }
    }
    let own = node.identity().node_key().public();
    for group in node.followed_groups() {
        let known = node.with_membership(&group, |set| set.roster().school_of(&peer).is_some());
        // Whoever is not on the roster here may be so elsewhere; the peer may not know this node
        // yet either, or that its own school was let in again. Each shows that and no more.
        let shown = |set: &Membership| {
            let mut statements = set.admissions_of(&own);
            statements.extend(set.admissions_of(&peer));
            statements
        };
        if let Some(statements) = node.with_membership(&group, shown) {
            let shown = network.ask(peer, Vec::new(), Request::Introduce { group, statements });
            if let Err(error) = shown.await {
                tracing::debug!(%error, "not introduced");
            }
        }
        if known == Some(true) {
            network.catch_up_with(peer, group);
        }
    }
}

/// Compares with one peer; returns how many entries it brought.
async fn compare(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    group: GroupId,
) -> Result<usize, CatchUpError> {
    let mut session = Session::new(group, node.membership_digest(&group));
    let (mut heard, mut storing) = (false, None);
    while let Some(output) = session.poll() {
        // The peer, or this school, may have been removed since the last step. Before each is known
        // to be a member, statements are asked for, which may say so, and nothing else.
        let asks_statements = matches!(output, Output::Send(Request::Statements { .. }))
            || matches!(output, Output::Statements(_));
        let admissible = asks_statements && node.removal_of(&group, &peer).is_none();
        if !admissible && !node.shares(&group, &peer) {
            return Err(Refusal::NotShared.into());
        }
        match output {
            Output::Send(request) => {
                let response = network.ask(peer, Vec::new(), request.clone()).await?;
                note_confirmation(node, peer, &request, &response).await?;
                let looking = Arc::clone(node);
                let (next, handled) = blocking(move || {
                    let handled = looking
                        .with_content_set(&group, |set| session.handle_response(response, set));
                    (session, handled)
                })
                .await?;
                session = next;
                if let Err(error) = handled {
                    if let SessionError::Removed(statements) = &error {
                        let (hearing, statements) = (Arc::clone(node), statements.clone());
                        blocking(move || hearing.hear_of_removal(group, &statements)).await??;
                    }
                    if error == SessionError::MembershipChanged {
                        network.catch_up_with(peer, group);
                    }
                    if let SessionError::Unexpected | SessionError::Endless(_) = &error {
                        network.offended(peer, Offence::Malformed).await;
                    }
                    return Err(error.into());
                }
            }
            Output::Statements(statements) => {
                let adding = Arc::clone(node);
                let added = blocking(move || adding.accept_statements(group, &statements)).await?;
                if let Err(StatementsError::Invalid(_)) = &added {
                    network.offended(peer, Offence::InvalidStatement).await;
                }
                added?;
                heard = true;
            }
            Output::WantContentSet => {
                if heard {
                    confirm(node, network, peer, group).await?;
                }
                node.with_content_set(&group, |set| session.handle_content_set(set))?;
            }
            Output::Entries(entries) => {
                // Stored while the next ones are on their way.
                stored(network, peer, storing.take()).await?;
                let node = Arc::clone(node);
                storing = Some(tokio::task::spawn_blocking(move || {
                    node.accept_entries(group, entries.iter().map(|bytes| bytes.as_slice()), peer)
                }));
                let (received, lacking) = session.progress();
                if received + lacking > WORTH_LOGGING {
                    tracing::info!(received, lacking, group = %group.short(), "catching up");
                }
            }
            Output::Done => break,
        }
    }
    stored(network, peer, storing).await?;
    Ok(session.progress().0)
}

/// Waits until entries are stored, and counts those that were refused.
async fn stored(
    network: &Network,
    peer: PublicKey,
    storing: Option<JoinHandle<Result<Vec<Verdict>, StoreError>>>,
) -> Result<(), CatchUpError> {
    if let Some(storing) = storing {
        let verdicts = storing.await.map_err(|_| AskError::Stopped)??;
        exchange::count(network, peer, &verdicts).await;
    }
    Ok(())
}

/// Tells a peer that what it said of the group's members was heard, by asking whether there is more.
async fn confirm(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    group: GroupId,
) -> Result<(), CatchUpError> {
    let Some(digest) = node.with_membership(&group, Membership::digest) else { return Ok(()) };
    let request = Request::Statements { group, digest, after: None };
    let response = network.ask(peer, Vec::new(), request.clone()).await?;
    note_confirmation(node, peer, &request, &response).await
}

/// A peer that has no other statements to send holds the ones that are held here.
async fn note_confirmation(
    node: &Arc<Node>,
    peer: PublicKey,
    request: &Request,
    response: &Response,
) -> Result<(), CatchUpError> {
    if let Request::Statements { group, digest, after: None } = *request
        && let Response::Statements { statements, .. } = response
        && statements.is_empty()
    {
        let noting = Arc::clone(node);
        blocking(move || noting.note_confirmation(&group, peer, &digest)).await?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, CatchUpError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| CatchUpError::Ask(AskError::Stopped))
}

/// Why a comparison was given up; what came before stands, and the next one goes on from there.
#[derive(Debug, thiserror::Error)]
enum CatchUpError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error(transparent)]
    Statements(#[from] StatementsError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
