//! A school's way out: what is sent waits for what was sent before.

use std::collections::VecDeque;

use super::mesh::Rpc;
use super::school::NodeNo;

/// Gossip that waits for one peer, as the library bounds it.
const MOST_WAITING: usize = 5_000;

/// How long a message waits at most before it is let go, as the library has it for what is passed on.
const PATIENCE_MICROS: u64 = 1_000_000;

/// What leaves a school, at so many bytes a second.
#[derive(Debug, Clone)]
pub(super) struct Line {
    bytes_per_second: u64,
    free_at: u64,
    /// Gossip that has not left, and for whom.
    waiting: VecDeque<(u64, NodeNo)>,
}

impl Line {
    pub(super) fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second: bytes_per_second.max(1), free_at: 0, waiting: VecDeque::new() }
    }

    /// When the last byte of so many has left, in microseconds as `now` is.
    pub(super) fn leaves(&mut self, now: u64, bytes: usize) -> u64 {
        self.free_at = self.free_at.max(now) + bytes as u64 * 1_000_000 / self.bytes_per_second;
        self.free_at
    }

    /// The same for gossip; none where it is dropped, since too much waits or it would wait too long.
    pub(super) fn gossip_leaves(&mut self, now: u64, to: NodeNo, rpc: &Rpc) -> Option<u64> {
        while self.waiting.front().is_some_and(|(at, _)| *at <= now) {
            self.waiting.pop_front();
        }
        let late = self.free_at.saturating_sub(now) > PATIENCE_MICROS;
        let full = self.waiting.len() >= MOST_WAITING
            && self.waiting.iter().filter(|(_, peer)| *peer == to).count() >= MOST_WAITING;
        if !rpc.is_of_the_connection() && (full || (late && matches!(rpc, Rpc::Message(_)))) {
            return None;
        }
        let at = self.leaves(now, rpc.size());
        if at > now {
            self.waiting.push_back((at, to));
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::hash::Hash;
    use crate::sim::mesh::Message;

    #[test]
    fn gossip_that_would_wait_too_long_is_dropped_and_what_a_connection_stands_on_is_not() {
        let topic = Hash::from_bytes([1; 32]);
        let message = Rpc::Message(Arc::new(Message::new(topic, vec![0; 425])));
        let mut line = Line::new(message.size() as u64);
        assert_eq!(line.gossip_leaves(0, 1, &message), Some(PATIENCE_MICROS));
        assert_eq!(line.gossip_leaves(0, 2, &message), Some(2 * PATIENCE_MICROS));
        assert_eq!(line.gossip_leaves(0, 3, &message), None);
        assert!(line.gossip_leaves(0, 3, &Rpc::Graft(topic)).is_some());
        assert!(line.gossip_leaves(2 * PATIENCE_MICROS, 3, &message).is_some());
    }

    #[test]
    fn no_more_messages_wait_for_a_peer_than_its_queue_holds() {
        let mut line = Line::new(1_000_000);
        let want = Rpc::Want(vec![Hash::from_bytes([1; 32])]);
        let sent = (0..2 * MOST_WAITING).filter(|_| line.gossip_leaves(0, 1, &want).is_some());
        assert_eq!(sent.count(), MOST_WAITING);
        assert!(line.gossip_leaves(0, 2, &want).is_some());
    }
}
