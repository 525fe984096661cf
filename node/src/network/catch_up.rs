//! Drives [`Session`]s: compares with a peer on connecting, on news, and from time to time.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_protocol::sync::session::{Found, Output, Session, SessionError};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::comparisons::{Pair, Taken};
use super::{AskError, Network, Offence, exchange, hearsay};
use crate::clock::now_millis;
use crate::intake::Verdict;
use crate::membership::StatementsError;
use crate::node::Node;
use crate::store::StoreError;

/// Comparisons at once, each of another group: enough to keep a line busy.
const SESSIONS_AT_ONCE: usize = 3;

/// How often it is looked whether a comparison that waits for another one waits in vain.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// Answers whose entries are judged and stored while the next one is on its way: one of them is judged
/// while the other is written.
const STORING_AT_ONCE: usize = 2;

/// A session that brings more than this many entries says in the log how far it is.
const WORTH_LOGGING: usize = 64;

/// Runs wanted comparisons until the network stops.
pub(super) fn start(node: &Arc<Node>, network: &Network) {
    for _ in 0..SESSIONS_AT_ONCE {
        let (node, worker) = (Arc::clone(node), network.clone());
        network.spawn(async move {
            loop {
                let pair = next(&worker).await;
                run(&node, &worker, pair).await;
            }
        });
    }
}

async fn next(network: &Network) -> Pair {
    loop {
        let wanted = network.shared.wanted.notified();
        if let Some(pair) = network.comparisons().next(Instant::now()) {
            // There may be one for another worker too.
            network.shared.wanted.notify_one();
            return pair;
        }
        let _ = timeout(LOOK_AGAIN, wanted).await;
    }
}

async fn run(node: &Arc<Node>, network: &Network, pair: Pair) {
    let (peer, group) = pair;
    let mut taken = Taken::default();
    let ended = compare(node, network, pair, &mut taken).await;
    match &ended {
        Ok(found) => {
            node.heard_since_restored(group);
            if found.ordered == Some(false) {
                tracing::warn!(
                    ?peer,
                    group = %group.short(),
                    "entries were made so that a difference does not show; their order showed it"
                );
            }
            network.comparisons().ends(pair, found, &taken, now_millis());
        }
        Err(error) => {
            tracing::debug!(%error, ?peer, "a comparison was given up");
            network.comparisons().given_up(pair, error.to_string(), now_millis());
        }
    }
    network.shared.wanted.notify_one();
    if let (Ok(found), 1..) = (ended, taken.stored) {
        tracing::info!(received = found.received, group = %group.short(), "caught up");
        tell(node, network, group).await;
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
            hearsay::ask(node, network, peer, group).await;
        }
    }
}

/// Compares with one peer; adds to `taken` what became of the entries that it brought.
async fn compare(
    node: &Arc<Node>,
    network: &Network,
    pair: Pair,
    taken: &mut Taken,
) -> Result<Found, CatchUpError> {
    let (peer, group) = pair;
    let mut session = Session::new(group, node.membership_digest(&group));
    let checks_order = network.comparisons().order_is_due(&pair, Instant::now());
    if checks_order {
        session = session.checking_order();
    }
    let (mut heard, mut storing) = (false, VecDeque::new());
    while let Some(output) = session.poll() {
        network.comparisons().is_at(pair, session.progress());
        if network.comparisons().is_stuck(pair, Instant::now()) {
            return Err(CatchUpError::Stuck);
        }
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
                network.comparisons().is_answered(pair, Instant::now());
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
                if storing.len() >= STORING_AT_ONCE {
                    stored(network, pair, storing.pop_front(), taken).await?;
                }
                let node = Arc::clone(node);
                storing.push_back(tokio::task::spawn_blocking(move || {
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
    while !storing.is_empty() {
        stored(network, pair, storing.pop_front(), taken).await?;
    }
    let found = session.found();
    if checks_order && (found.same || found.ordered.is_some()) {
        network.comparisons().order_checked(pair, found.ordered, Instant::now());
    }
    Ok(found)
}

/// Waits until entries are stored, and counts what became of them.
async fn stored(
    network: &Network,
    pair: Pair,
    storing: Option<JoinHandle<Result<Vec<Verdict>, StoreError>>>,
    taken: &mut Taken,
) -> Result<(), CatchUpError> {
    let Some(storing) = storing else { return Ok(()) };
    let verdicts = storing.await.map_err(|_| AskError::Stopped)??;
    exchange::count(network, pair.0, &verdicts).await;
    let before = taken.stored;
    for verdict in &verdicts {
        match verdict {
            Verdict::Stored => taken.stored += 1,
            Verdict::Known => {}
            Verdict::HeldAside(_) => taken.held_aside += 1,
            Verdict::Invalid(_) | Verdict::NotForGroup => taken.refused += 1,
        }
    }
    if taken.stored > before {
        network.comparisons().moves(pair, Instant::now());
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
    #[error("the other node brought nothing that is lacking here for too long")]
    Stuck,
}
