//! What a node does for its groups from time to time, besides keeping in touch: passes requests to
//! join on, asks again to be let in, keeps members provided with keys, follows mergers, erases what
//! was withdrawn and asks whether others have.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use staffroom_protocol::hash::GroupId;
use tokio::time::{MissedTickBehavior, interval};

use super::{Network, relay_join};
use crate::node::Node;

/// How often it is looked whether something is to be done.
const ROUND: Duration = Duration::from_secs(2);

/// In how many rounds once what costs the other side something is asked: to be let in, and for
/// receipts.
const ROUNDS_BETWEEN_QUESTIONS: u32 = 5;

/// In how many rounds once what was withdrawn is erased from the journal, which is read whole for it.
const ROUNDS_BETWEEN_ERASURES: u32 = 5;

/// How many rounds each admin leaves the others to make an epoch; by then what they made is here.
const EPOCH_TURN_ROUNDS: u32 = 3;

/// Starts the rounds; they end with the network. One that takes long delays the next.
pub(super) fn start(node: Arc<Node>, network: &Network) {
    let mut chores = Chores { node, network: network.clone(), epochs_due: BTreeMap::new() };
    network.spawn(async move {
        let mut timer = interval(ROUND);
        timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for round in 0_u32.. {
            timer.tick().await;
            chores.round(round).await;
        }
    });
}

struct Chores {
    node: Arc<Node>,
    network: Network,
    /// For how many rounds each group has lacked an epoch, or a member its key.
    epochs_due: BTreeMap<GroupId, u32>,
}

impl Chores {
    async fn round(&mut self, round: u32) {
        relay_join::pass_on(&self.node, &self.network).await;
        for group in self.node.group_ids() {
            self.keep_epoch(group).await;
            self.inherit(group).await;
        }
        self.node.follow_mergers(&self.network).await;
        if round.is_multiple_of(ROUNDS_BETWEEN_QUESTIONS) {
            self.node.ask_again(&self.network).await;
            self.node.ask_for_receipts(&self.network).await;
            let questions = round / ROUNDS_BETWEEN_QUESTIONS;
            self.node.deliver_withdrawals(&self.network, questions).await;
            self.node.fetch_epoch_chunks(&self.network).await;
        }
        if round.is_multiple_of(ROUNDS_BETWEEN_ERASURES) {
            let erasing = Arc::clone(&self.node);
            let erased = tokio::task::spawn_blocking(move || erasing.erase()).await;
            if let Ok(Err(error)) = erased {
                tracing::warn!(%error, "what was withdrawn could not be erased yet");
            }
        }
    }

    async fn inherit(&self, group: GroupId) {
        let inheriting = Arc::clone(&self.node);
        let inherited = tokio::task::spawn_blocking(move || inheriting.inherit(&group)).await;
        if let Ok(Err(error)) = inherited {
            tracing::warn!(%error, group = %group.short(), "a school could not be gone on for");
        }
    }

    async fn keep_epoch(&mut self, group: GroupId) {
        if !self.node.epoch_is_due(&group) {
            self.epochs_due.remove(&group);
            return;
        }
        let waited = self.epochs_due.entry(group).or_insert(0);
        *waited += 1;
        if *waited <= EPOCH_TURN_ROUNDS * self.node.epoch_turn(&group) {
            return;
        }
        self.epochs_due.remove(&group);
        let keeping = Arc::clone(&self.node);
        let kept = tokio::task::spawn_blocking(move || keeping.keep_epoch(&group)).await;
        if let Ok(Err(error)) = kept {
            tracing::warn!(%error, group = %group.short(), "no epoch could be made");
        }
    }
}
