//! Answers to other nodes' questions, and judgements on what they tell.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use libp2p::PeerId;
use libp2p::gossipsub::MessageAcceptance;
use serde_bytes::ByteBuf;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::intake::AsideReason;
use staffroom_protocol::sync::answer;
use staffroom_protocol::sync::message::{
    ANSWER_CONTENT_BYTES, Holding, MAX_BLOB_RANGE_BYTES, MAX_REQUEST_ITEMS, PeerAddresses, Refusal,
    Request, Response,
};
use staffroom_protocol::sync::set::Range;

use super::codec::Question;
use super::{Network, Offence, node_key, rate, relay_join};
use crate::blobs::Slice;
use crate::clock::now_millis;
use crate::intake::{KeepError, Verdict};
use crate::membership::StatementsError;
use crate::node::Node;
use crate::store::StoreError;

/// Answers one question.
pub(super) async fn answer(
    node: &Arc<Node>,
    network: &Network,
    peer: PeerId,
    question: Question,
) -> Response {
    let Some(peer) = node_key(&peer) else { return Response::Refused(Refusal::NotShared) };
    let Some(request) = question else {
        network.offended(peer, Offence::Malformed).await;
        return Response::Refused(Refusal::Malformed);
    };
    let group = request.group();
    let member = group.is_some_and(|group| node.shares(&group, &peer));
    let now = Instant::now();
    let allowed = |rates: &Mutex<rate::Rates>, allowance| {
        rates.lock().unwrap_or_else(PoisonError::into_inner).take(peer, allowance, now)
    };
    let shared = &network.shared;
    let is_allowed = match (&request, member) {
        (_, false) => allowed(&shared.rates, rate::STRANGER),
        (Request::BlobRange { .. }, true) => allowed(&shared.range_rates, rate::RANGES),
        (Request::Ordered { .. }, true) => {
            allowed(&shared.rates, rate::MEMBER) && allowed(&shared.ordered_rates, rate::ORDERED)
        }
        (Request::Heard { .. }, true) => {
            allowed(&shared.rates, rate::MEMBER) && allowed(&shared.heard_rates, rate::HEARD)
        }
        (_, true) => allowed(&shared.rates, rate::MEMBER),
    };
    if !is_allowed {
        let offence = if member { Offence::TooOften } else { Offence::StrangerTooOften };
        network.offended(peer, offence).await;
        return Response::Refused(Refusal::Busy);
    }
    if let (Request::BlobRange { length, .. }, true) = (&request, member)
        && !network.may_have_bytes(peer, *length, now)
    {
        network.offended(peer, Offence::TooMuch).await;
        return Response::Refused(Refusal::Busy);
    }
    let response = answer_allowed(node, network, peer, member, request).await;
    if let Some(offence) = refused_for(&response) {
        network.offended(peer, offence).await;
    }
    let may_have_it = || group.is_some_and(|group| node.shares(&group, &peer));
    let paced = network.shared.pace.before_answering(peer, response, may_have_it);
    network.until_stopped(paced).await.unwrap_or(Response::Refused(Refusal::Busy))
}

impl Network {
    /// Whether a member may have so many bytes of a file in this hour; they count as had then.
    fn may_have_bytes(&self, peer: PublicKey, length: u64, now: Instant) -> bool {
        let bytes = length.min(self.shared.pace.range_bytes()) as f64;
        let mut rates = self.shared.file_bytes.lock().unwrap_or_else(PoisonError::into_inner);
        rates.take_many(peer, rate::FILE_BYTES, bytes, now)
    }
}

/// What an answer that refuses is for.
fn refused_for(response: &Response) -> Option<Offence> {
    if let Response::Refused(refusal) = response {
        return match refusal {
            Refusal::NotShared => Some(Offence::NotAMember),
            Refusal::Malformed => Some(Offence::Malformed),
            Refusal::NotHeld | Refusal::Busy => None,
        };
    }
    let invite = matches!(response, Response::InviteRefused(_)).then_some(Offence::Invite);
    invite.or_else(|| matches!(response, Response::Removed { .. }).then_some(Offence::Removed))
}

async fn answer_allowed(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    member: bool,
    request: Request,
) -> Response {
    if let Request::Join { group, to, sealed } = request {
        return relay_join::answer(node, network, peer, (group, to, sealed)).await;
    }
    if let Request::Withdraw { group, entries } = request {
        return crate::withdrawal::answer(node, peer, group, entries).await;
    }
    let answering = Arc::clone(node);
    let answered =
        tokio::task::spawn_blocking(move || answer_blocking(&answering, peer, member, request))
            .await;
    match answered {
        Ok(Ok(response)) => response,
        Ok(Err(AnswerError::Statements(StatementsError::Invalid(error)))) => {
            tracing::warn!(%error, ?peer, "refused");
            network.offended(peer, Offence::InvalidStatement).await;
            Response::Refused(Refusal::NotShared)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "a question was not answered");
            Response::Refused(Refusal::Busy)
        }
        Err(_) => Response::Refused(Refusal::Busy),
    }
}

fn answer_blocking(
    node: &Node,
    peer: PublicKey,
    member: bool,
    request: Request,
) -> Result<Response, AnswerError> {
    if let Some(group) = request.group()
        && let Some(statements) = node.removal_of(&group, &peer)
    {
        return Ok(Response::Removed { statements });
    }
    if node.waiting().is_set() && passes_on(&request) && node.waits_since_restored().is_some() {
        return Ok(Response::Refused(Refusal::Busy));
    }
    let not_shared = Response::Refused(Refusal::NotShared);
    Ok(match request {
        Request::Groups { certificate } => {
            let groups = node.groups_of(&certificate, peer);
            Response::Groups { groups: groups.into_iter().take(MAX_REQUEST_ITEMS).collect() }
        }
        Request::Return { group, certificate, after } => {
            if !node.groups_of(&certificate, peer).contains(&group) {
                return Ok(not_shared);
            }
            statements(node, &group, None, after)
        }
        Request::Introduce { group, statements } => {
            if statements.len() > answer::STATEMENTS_PER_ANSWER {
                return Ok(Response::Refused(Refusal::Malformed));
            }
            if member || node.introduces(&group, &statements, &peer) {
                let accepted = node.accept_statements(group, &statements)?;
                // Whoever takes this school for a member may know why it is one again.
                if (accepted.early > 0 || !node.is_member(&group))
                    && let Some(network) = node.network()
                {
                    network.catch_up_with(peer, group);
                }
                let digest = node.with_membership(&group, Membership::digest);
                return Ok(digest.map_or(not_shared, |digest| Response::Known { digest }));
            }
            not_shared
        }
        // Members that were told of this school's leaving may lack what it follows.
        Request::Statements { group, digest, after } if !member => {
            if node.has_left_to(&group, &peer) {
                statements(node, &group, Some(digest), after)
            } else {
                not_shared
            }
        }
        Request::Join { .. }
        | Request::Peers { .. }
        | Request::Compare { .. }
        | Request::Symbols { .. }
        | Request::Describe { .. }
        | Request::Entries { .. }
        | Request::EntriesIn { .. }
        | Request::Blobs { .. }
        | Request::BlobRange { .. }
        | Request::News { .. }
        | Request::Receipts { .. }
        | Request::Ordered { .. }
        | Request::Heard { .. }
        | Request::Holding { .. }
            if !member =>
        {
            not_shared
        }
        // Answered before, since they are passed on.
        Request::Join { .. } | Request::Withdraw { .. } => not_shared,
        Request::Peers { group } => peers(node, &group),
        Request::Statements { group, digest, after } => {
            node.note_confirmation(&group, peer, &digest);
            statements(node, &group, Some(digest), after)
        }
        Request::Compare { group, count, digest } => {
            node.with_content_set(&group, |set| answer::compare(set, count, &digest))
        }
        Request::Symbols { group, count } => {
            node.with_content_set(&group, |set| answer::symbols(set, count.into()))
        }
        Request::Describe { group, ranges } => {
            node.with_content_set(&group, |set| answer::describe(set, &ranges))
        }
        Request::Ordered { group, ranges } => {
            node.with_content_set(&group, |set| answer::ordered(set, &ranges))
        }
        Request::Heard { group, after } => {
            answer::heard(&node.heard_directly(&group), after, now_millis())
        }
        Request::Entries { group, ids } => entries(node, &group, &ids)?,
        Request::EntriesIn { group, range } => entries_in(node, &group, &range)?,
        Request::Blobs { group, hashes } => blobs(node, &group, &hashes)?,
        Request::BlobRange { group, hash, offset, length } => {
            blob_range(node, &group, &hash, offset, length)?
        }
        Request::News { group, digest } => {
            if node.content(&group).1 != digest
                && let Some(network) = node.network()
            {
                network.catch_up_with(peer, group);
            }
            let digest = node.with_membership(&group, Membership::digest);
            digest.map_or(not_shared, |digest| Response::Known { digest })
        }
        Request::Receipts { group, withdrawals } => {
            if withdrawals.len() > MAX_REQUEST_ITEMS {
                return Ok(Response::Refused(Refusal::Malformed));
            }
            Response::Receipts { receipts: node.receipts(&group, &withdrawals)? }
        }
        Request::Holding { group } => holding(node, &group)?,
    })
}

/// Whether the answer to a question passes on what schools shared, or says what is held of it.
fn passes_on(request: &Request) -> bool {
    match request {
        Request::Compare { .. }
        | Request::Symbols { .. }
        | Request::Describe { .. }
        | Request::Ordered { .. }
        | Request::Entries { .. }
        | Request::EntriesIn { .. }
        | Request::Blobs { .. }
        | Request::BlobRange { .. }
        | Request::Receipts { .. }
        | Request::Holding { .. } => true,
        Request::Groups { .. }
        | Request::Return { .. }
        | Request::Introduce { .. }
        | Request::Statements { .. }
        | Request::Join { .. }
        | Request::Peers { .. }
        | Request::Withdraw { .. }
        | Request::News { .. }
        | Request::Heard { .. } => false,
    }
}

/// Why an answer could not be made.
#[derive(Debug, thiserror::Error)]
enum AnswerError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Blob(#[from] crate::blobs::BlobError),
    #[error(transparent)]
    Statements(#[from] StatementsError),
}

fn peers(node: &Node, group: &GroupId) -> Response {
    let nodes: Vec<PublicKey> = node
        .with_membership(group, |set| {
            set.roster().current().flat_map(|(_, member)| member.nodes.iter().copied()).collect()
        })
        .unwrap_or_default();
    let peers = nodes
        .into_iter()
        .filter_map(|key| {
            let addresses: Vec<String> =
                node.contacts().addresses(&key).iter().map(ToString::to_string).collect();
            (!addresses.is_empty()).then_some(PeerAddresses { node: key, addresses })
        })
        .take(MAX_REQUEST_ITEMS)
        .collect();
    Response::Peers { peers }
}

/// A page of statements; none to somebody whose set has the same digest.
fn statements(node: &Node, group: &GroupId, digest: Option<Hash>, after: Option<Hash>) -> Response {
    node.with_membership(group, |set| answer::statements(set, digest, after))
        .unwrap_or(Response::Refused(Refusal::NotShared))
}

fn entries(node: &Node, group: &GroupId, ids: &[u8]) -> Result<Response, StoreError> {
    let held = |id: &_| {
        let mut held = node.store().entries_by_short_id(id)?;
        held.retain(|(key, _)| key.group == *group);
        Ok(held.into_iter().map(|(_, held)| held.bytes).collect())
    };
    answer::entries(ids, held, || node.membership_digest(group))
}

fn entries_in(node: &Node, group: &GroupId, range: &Range) -> Result<Response, StoreError> {
    let next: Vec<_> =
        node.with_content_set(group, |set| answer::first_entries_in(set, range).collect());
    let held = |hash: &_| Ok(node.store().entry_by_hash(hash)?.map(|(_, held)| held.bytes));
    answer::entries_in(range, &next, held, || node.membership_digest(group))
}

fn blobs(node: &Node, group: &GroupId, hashes: &[Hash]) -> Result<Response, KeepError> {
    if hashes.len() > MAX_REQUEST_ITEMS {
        return Ok(Response::Refused(Refusal::Malformed));
    }
    let (mut blobs, mut size) = (Vec::new(), 0);
    for hash in hashes {
        if node.possesses(group, hash)?
            && let Some(bytes) = node.small_content(hash)?
        {
            size += bytes.len();
            if size > ANSWER_CONTENT_BYTES {
                break;
            }
            blobs.push(ByteBuf::from(bytes));
        }
    }
    Ok(Response::Blobs { blobs })
}

fn blob_range(
    node: &Node,
    group: &GroupId,
    hash: &Hash,
    offset: u64,
    length: u64,
) -> Result<Response, AnswerError> {
    let not_held = Response::Refused(Refusal::NotHeld);
    if length > MAX_BLOB_RANGE_BYTES {
        return Ok(Response::Refused(Refusal::Malformed));
    }
    if !node.possesses(group, hash)? {
        return Ok(not_held);
    }
    let most = node.network().map_or(length, |network| network.shared.pace.range_bytes());
    Ok(match node.blobs().slice(hash, offset, length.min(most))? {
        Some(Slice { length, bytes }) => {
            Response::BlobRange { length, slice: ByteBuf::from(bytes) }
        }
        None => not_held,
    })
}

fn holding(node: &Node, group: &GroupId) -> Result<Response, StoreError> {
    // The index is asked first: what it has seen by then is in the set that is looked at next.
    let searchable = node.indexer().is_up_to_date(node.store());
    let (entries, digest) = node.content(group);
    Ok(Response::Holding(Holding {
        entries,
        digest,
        bodies_missing: node.bodies_missing(group),
        searchable,
    }))
}

/// Judges a gossip message: *reject* only what is invalid for everyone, *ignore* what depends on
/// what this node knows, so that an honest forwarder is not blamed.
pub(super) async fn hear(
    node: &Arc<Node>,
    network: &Network,
    from: PeerId,
    (group, key): (GroupId, &EpochKey),
    data: &[u8],
) -> MessageAcceptance {
    let Some(from) = node_key(&from) else { return MessageAcceptance::Ignore };
    if !node.shares(&group, &from) {
        network.offended(from, Offence::NotAMember).await;
        return MessageAcceptance::Ignore;
    }
    let Some(data) = key.decrypt(data) else {
        network.offended(from, Offence::Undecryptable).await;
        return MessageAcceptance::Reject;
    };
    match Announcement::decode(&data) {
        Err(_) => {
            network.offended(from, Offence::Malformed).await;
            MessageAcceptance::Reject
        }
        Ok(Announcement::Entry(bytes)) => {
            if !network.takes_gossip_of(from) {
                // Whoever passes on what others flood the group with is not to blame.
                let own = Entry::reopen(&bytes).is_ok_and(|entry| entry.node() == from);
                let offence = if own { Offence::TooOften } else { Offence::PassedOnTooOften };
                network.offended(from, offence).await;
                return MessageAcceptance::Ignore;
            }
            let hearing = Arc::clone(node);
            let verdicts = tokio::task::spawn_blocking(move || {
                hearing.accept_entries(group, [bytes.as_slice()], from)
            })
            .await;
            let verdicts = match verdicts {
                Ok(Ok(verdicts)) => verdicts,
                Ok(Err(error)) => {
                    tracing::error!(%error, "an entry could not be stored");
                    return MessageAcceptance::Ignore;
                }
                Err(_) => return MessageAcceptance::Ignore,
            };
            count(network, from, &verdicts).await;
            match verdicts.first() {
                Some(Verdict::Stored) => MessageAcceptance::Accept,
                Some(Verdict::Invalid(_)) => MessageAcceptance::Reject,
                Some(Verdict::HeldAside(_) | Verdict::Known | Verdict::NotForGroup) | None => {
                    MessageAcceptance::Ignore
                }
            }
        }
        Ok(Announcement::News { digest, node: teller }) => {
            if teller == from && node.content(&group).1 != digest {
                network.catch_up_with(from, group);
            }
            MessageAcceptance::Ignore
        }
    }
}

/// Counts the entries that a node sent and that were refused.
pub(super) async fn count(network: &Network, from: PublicKey, verdicts: &[Verdict]) {
    for verdict in verdicts {
        let offence = match verdict {
            Verdict::Stored => continue,
            Verdict::Known => Offence::HeldAlready,
            Verdict::HeldAside(AsideReason::FromTheFuture { .. }) => Offence::FromTheFuture,
            Verdict::HeldAside(AsideReason::UnknownAuthor) => Offence::UnknownAuthor,
            Verdict::Invalid(_) => Offence::InvalidEntry,
            Verdict::NotForGroup => Offence::NotForGroup,
        };
        network.offended(from, offence).await;
    }
}
