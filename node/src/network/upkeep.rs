//! Keeping in touch: dials members that are not connected, asks where others can be reached,
//! compares from time to time, and judges again what waits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{MAX_ADDRESSES_PER_NODE, Request, Response};

use super::{Network, peer_id};
use crate::node::Node;

/// How often members are looked after.
const ROUND: Duration = Duration::from_secs(2);

/// The pause after a dial that led nowhere, doubled each time up to the longest.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How often each group is compared with a member, in rounds: what gossip lost arrives by then.
const ROUNDS_BETWEEN_COMPARISONS: usize = 15;

/// Members that a node dials; beyond that it is reached by others and by gossip's mesh.
const MAX_DIALLED: usize = 48;

/// Starts the rounds; they end with the network.
pub(super) fn start(node: Arc<Node>, network: Network) {
    tokio::spawn(async move {
        let mut upkeep = Upkeep { node, network, pauses: BTreeMap::new(), round: 0 };
        let mut timer = tokio::time::interval(ROUND);
        while !upkeep.network.is_stopped() {
            timer.tick().await;
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
}

impl Upkeep {
    async fn round(&mut self) {
        self.round = self.round.wrapping_add(1);
        let listening = self.network.listening();
        self.node.contacts().remember(self.node.identity().node_key().public(), &listening);
        for group in self.node.followed_groups() {
            let others = self.other_nodes(&group);
            let connected: Vec<PublicKey> =
                others.iter().copied().filter(|key| self.network.is_connected(key)).collect();
            let mut unreachable = false;
            for key in others.iter().filter(|key| !connected.contains(key)).take(MAX_DIALLED) {
                unreachable |= !self.dial(*key).await;
            }
            // Different nodes and different rounds pick different members.
            let turn = usize::from(self.node.identity().school().as_bytes()[0])
                + usize::try_from(self.round).unwrap_or(0);
            let Some(partner) = connected.get(turn % connected.len().max(1)).copied() else {
                continue;
            };
            if unreachable && self.round.is_multiple_of(2) {
                self.ask_for_addresses(group, partner).await;
            }
            if turn.is_multiple_of(ROUNDS_BETWEEN_COMPARISONS) {
                self.network.catch_up_with(partner, group);
            }
        }
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

    /// Dials a node where it is time to; false where nobody said how to reach it or the last dial
    /// led nowhere.
    async fn dial(&mut self, key: PublicKey) -> bool {
        let addresses = self.node.contacts().addresses(&key);
        let Some(peer) = peer_id(&key) else { return true };
        if addresses.is_empty() {
            return false;
        }
        let now = Instant::now();
        let (next, pause) = self.pauses.entry(key).or_insert((now, FIRST_PAUSE));
        let first = *pause == FIRST_PAUSE;
        if now >= *next {
            *next = now + *pause;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
            self.network.dial(peer, addresses).await;
        }
        first
    }

    async fn ask_for_addresses(&mut self, group: GroupId, partner: PublicKey) {
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
