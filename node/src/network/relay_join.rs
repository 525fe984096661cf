//! Requests to join, which any member passes on to the school that made the invite.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

use serde_bytes::ByteBuf;
use staffroom_protocol::group::invite::InviteError;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_JOIN_REQUEST_BYTES, Refusal, Request, Response};

use super::Network;
use crate::groups::GroupError;
use crate::joining::Joining;
use crate::node::Node;

/// Requests that are held for schools that cannot be reached, 4 KiB each; a new one takes the place
/// of the oldest.
const MAX_HELD: usize = 64;

/// Requests that one node may have held: it joins one group after the other.
const MAX_HELD_OF_ONE: usize = 4;

/// How long a request is held; whoever sent it asks again as long as it wants to join.
const HELD_FOR: Duration = Duration::from_secs(24 * 3600);

/// How long the admission may take to get here once the inviting school has answered.
const ADMISSION_PATIENCE: Duration = Duration::from_secs(3);
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// Requests that wait for the inviting school's node.
pub(super) type Held = BTreeMap<Hash, HeldRequest>;

#[derive(Debug)]
pub(super) struct HeldRequest {
    group: GroupId,
    to: PublicKey,
    sealed: ByteBuf,
    from: PublicKey,
    since: Instant,
    /// What the inviting school said, once it was reached.
    refused: Option<InviteError>,
}

/// Answers a request to join: as the inviting school, or for it.
pub(super) async fn answer(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    (group, to, sealed): (GroupId, PublicKey, ByteBuf),
) -> Response {
    if sealed.len() > MAX_JOIN_REQUEST_BYTES {
        return Response::Refused(Refusal::Malformed);
    }
    let known = |key: &PublicKey| {
        node.with_membership(&group, |set| set.roster().school_of(key).is_some()) == Some(true)
    };
    if to == node.identity().node_key().public() {
        let admitting = Arc::clone(node);
        let admitted = tokio::task::spawn_blocking(move || admitting.admit(&group, &sealed)).await;
        return match admitted {
            Ok(Ok(Joining::Member)) => Response::Admitted,
            Ok(Ok(Joining::Waiting)) => Response::Waiting,
            Ok(Err(GroupError::Invite(error))) => Response::InviteRefused(error),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a request to join was not answered");
                Response::Refused(Refusal::Busy)
            }
            Err(_) => Response::Refused(Refusal::Busy),
        };
    }
    if !node.is_member(&group) || !known(&to) {
        return Response::Refused(Refusal::NotShared);
    }
    if known(&peer) {
        return Response::Admitted;
    }
    let id = Hash::of(&sealed);
    if let Outcome::Refused(error) = outcome(network, &id) {
        return Response::InviteRefused(error);
    }
    let since = Instant::now();
    hold(network, id, HeldRequest { group, to, sealed, from: peer, since, refused: None });
    pass_on(node, network).await;
    // The inviting school may have answered at once; its admission comes by another way.
    let asked = Instant::now();
    loop {
        if known(&peer) {
            return Response::Admitted;
        }
        match outcome(network, &id) {
            Outcome::Refused(error) => return Response::InviteRefused(error),
            Outcome::Answered if asked.elapsed() < ADMISSION_PATIENCE => {
                tokio::time::sleep(BETWEEN_LOOKS).await;
            }
            Outcome::Answered | Outcome::Held => return Response::Waiting,
        }
    }
}

/// What became of a held request.
enum Outcome {
    Held,
    Refused(InviteError),
    /// It is held no more, since the inviting school did not refuse it.
    Answered,
}

/// Looks what became of a request; a refusal is told once.
fn outcome(network: &Network, id: &Hash) -> Outcome {
    let mut held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(one) = held.get(id) else { return Outcome::Answered };
    match one.refused.clone() {
        None => Outcome::Held,
        Some(error) => {
            held.remove(id);
            Outcome::Refused(error)
        }
    }
}

fn hold(network: &Network, id: Hash, request: HeldRequest) {
    let mut held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|_, one| one.since.elapsed() < HELD_FOR);
    let of_one = held.values().filter(|one| one.from == request.from).count();
    if !held.contains_key(&id) && (held.len() >= MAX_HELD || of_one >= MAX_HELD_OF_ONE) {
        let oldest = held
            .iter()
            .filter(|(_, one)| of_one < MAX_HELD_OF_ONE || one.from == request.from)
            .min_by_key(|(_, one)| one.since)
            .map(|(id, _)| *id);
        oldest.and_then(|id| held.remove(&id));
    }
    held.entry(id).or_insert(request);
}

/// Passes the requests on whose inviting school is connected.
pub(super) async fn pass_on(node: &Arc<Node>, network: &Network) {
    let waiting: Vec<(Hash, GroupId, PublicKey, ByteBuf)> = {
        let held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = held.iter().filter(|(_, one)| one.refused.is_none());
        let connected = waiting.filter(|(_, one)| network.is_connected(&one.to));
        connected.map(|(id, one)| (*id, one.group, one.to, one.sealed.clone())).collect()
    };
    for (id, group, to, sealed) in waiting {
        let answered = network.ask(to, Vec::new(), Request::Join { group, to, sealed }).await;
        match answered {
            Ok(Response::InviteRefused(error)) => {
                let mut held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(one) = held.get_mut(&id) {
                    one.refused = Some(error);
                }
            }
            Ok(Response::Admitted) => {
                let mut held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
                held.remove(&id);
                drop(held);
                // The admission is on its way here, and the school asks again for it.
                network.catch_up_with(to, group);
            }
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a request to join was not passed on"),
        }
    }
    let gone = |group: &GroupId| !node.is_member(group);
    let mut held = network.shared.held.lock().unwrap_or_else(PoisonError::into_inner);
    held.retain(|_, one| !gone(&one.group));
}
