//! Keeping in touch: dials members that are not connected, asks where others can be reached,
//! compares from time to time, and judges again what waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_ADDRESSES_PER_NODE, Request, Response};

use super::{Network, hearsay, peer_id};
use crate::node::Node;

/// How often members are looked after.
const ROUND: Duration = Duration::from_secs(2);

/// How often a group's members are asked where others can be reached, at most.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(4);

/// The pause after a dial that led nowhere, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How often each group is compared with a member, in rounds: what gossip lost arrives by then.
const ROUNDS_BETWEEN_COMPARISONS: usize = 15;

/// Members that are dialled in one round.
const MAX_DIALLED: usize = 48;

/// Starts the rounds; they end with the network.
pub(super) fn start(node: Arc<Node>, network: &Network) {
    let (pauses, asked) = (BTreeMap::new(), BTreeMap::new());
    let mut upkeep = Upkeep { node, network: network.clone(), pauses, round: 0, asked };
    network.spawn(async move {
        let mut timer = tokio::time::interval(ROUND);
        loop {
            let changed = upkeep.network.shared.changed.notified();
            tokio::select! {
                _ = timer.tick() => upkeep.close_doors().await,
                () = changed => {}
            }
            upkeep.round().await;
        }
    });
}

struct Upkeep {
    node: Arc<Node>,
    network: Network,
    /// When a node may be dialled again, and the pause after that.
    pauses: BTreeMap<PublicKey, (Instant, Duration)>,
    round: u32,
    /// When each group's members were last asked where others can be reached.
    asked: BTreeMap<GroupId, Option<Instant>>,
}

impl Upkeep {
    /// Lets in again whose time is over, and closes connections to nodes that share no group with
    /// this one any more; no more often than once a [`ROUND`], so that they hear why first.
    async fn close_doors(&mut self) {
        self.network.release().await;
        for peer in self.network.connected().into_keys() {
            let shared = self.node.shares_any(&peer);
            if let Some(peer) = peer_id(&peer).filter(|_| !shared) {
                self.network.disconnect(peer).await;
            }
        }
    }

    async fn round(&mut self) {
        self.round = self.round.wrapping_add(1);
        let following = Arc::clone(&self.node);
        if let Ok(channels) = tokio::task::spawn_blocking(move || following.channels()).await {
            self.network.follow(channels).await;
        }
        let listening = self.network.listening();
        self.node.contacts().remember(self.node.identity().node_key().public(), &listening);
        for group in self.node.followed_groups() {
            let (connected, others): (Vec<PublicKey>, Vec<PublicKey>) = self
                .other_nodes(&group)
                .into_iter()
                .partition(|key| self.network.is_connected(key));
            for key in &connected {
                self.pauses.remove(key);
            }
            self.network.admit(connected.iter().filter_map(peer_id).collect()).await;
            // Different nodes and different rounds pick different members.
            let turn = usize::from(self.node.identity().school().as_bytes()[0])
                + usize::try_from(self.round).unwrap_or(0);
            let comparison = turn / ROUNDS_BETWEEN_COMPARISONS;
            let partner = connected.get(comparison % connected.len().max(1)).copied();
            if let Some(partner) = partner {
                if others.iter().any(|key| self.is_unreachable(key)) {
                    self.ask_for_addresses(group, partner).await;
                }
                if turn.is_multiple_of(ROUNDS_BETWEEN_COMPARISONS) {
                    self.network.catch_up_with(partner, group);
                    let (node, network) = (Arc::clone(&self.node), self.network.clone());
                    tokio::spawn(async move {
                        hearsay::ask(&node, &network, partner, group).await;
                    });
                }
            }
            // In a large group nobody knows yet how to reach most.
            let now = Instant::now();
            let due: Vec<PublicKey> =
                others.into_iter().filter(|key| self.is_due(key, now)).take(MAX_DIALLED).collect();
            for key in due {
                self.dial(key, now).await;
            }
        }
        let keeping = Arc::clone(&self.node);
        // Ends early only with the node.
        let _ = tokio::task::spawn_blocking(move || keeping.keep_heard_if_due()).await;
        if self.node.held_aside() > 0 {
            let judging = Arc::clone(&self.node);
            let judged = tokio::task::spawn_blocking(move || judging.judge_again()).await;
            if let Ok(Err(error)) = judged {
                tracing::warn!(%error, "what waits could not be judged again");
            }
        }
    }

    fn other_nodes(&self, group: &GroupId) -> Vec<PublicKey> {
        let own = self.node.identity().school();
        self.node
            .with_membership(group, |set| {
                set.roster()
                    .current()
                    .filter(|(school, _)| *school != own)
                    .flat_map(|(_, member)| member.nodes.iter().copied())
                    .collect()
            })
            .unwrap_or_default()
    }

    /// Whether nobody said how to reach a node, or the last dial led nowhere.
    fn is_unreachable(&self, key: &PublicKey) -> bool {
        self.pauses.contains_key(key) || self.node.contacts().addresses(key).is_empty()
    }

    /// Whether somebody said how to reach a node, and the pause after the last dial is over.
    fn is_due(&self, key: &PublicKey, now: Instant) -> bool {
        let pause_over = self.pauses.get(key).is_none_or(|(next, _)| now >= *next);
        pause_over && !self.node.contacts().addresses(key).is_empty()
    }

    /// Dials a node that is not connected.
    async fn dial(&mut self, key: PublicKey, now: Instant) {
        let Some(peer) = peer_id(&key) else { return };
        let (next, pause) = self.pauses.entry(key).or_insert((now, FIRST_PAUSE));
        *next = now + *pause;
        *pause = (*pause * 2).min(LONGEST_PAUSE);
        self.network.dial(peer, self.node.contacts().addresses(&key)).await;
    }

    async fn ask_for_addresses(&mut self, group: GroupId, partner: PublicKey) {
        let asked = self.asked.entry(group).or_insert(None);
        if asked.is_some_and(|asked| asked.elapsed() < BETWEEN_QUESTIONS) {
            return;
        }
        *asked = Some(Instant::now());
        let request = Request::Peers { group };
        let Ok(Response::Peers { peers }) = self.network.ask(partner, Vec::new(), request).await
        else {
            return;
        };
        let members = self.other_nodes(&group);
        for peer in peers.into_iter().filter(|peer| members.contains(&peer.node)) {
            if self.network.is_connected(&peer.node) {
                continue;
            }
            let addresses: Vec<Multiaddr> = peer
                .addresses
                .iter()
                .take(MAX_ADDRESSES_PER_NODE)
                .filter_map(|text| text.parse().ok())
                .collect();
            if self.node.contacts().addresses(&peer.node) != addresses {
                self.pauses.remove(&peer.node);
                self.node.contacts().remember(peer.node, &addresses);
            }
        }
    }
}
