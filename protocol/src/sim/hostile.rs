//! What a member does that means harm.

use serde_bytes::ByteBuf;

use super::school::NodeNo;
use super::world::{Change, Packet, Then, World};
use crate::clock::Timestamp;
use crate::gossip::Announcement;
use crate::hash::{Hash, RecordId};
use crate::sync::message::{Refusal, Response};
use crate::sync::set::Bound;
use std::sync::Arc;

impl World {
    /// Alters, doubles, withholds or makes up what it answers, half of the time.
    pub(super) fn twisted(&mut self, node: NodeNo, response: Response) -> Response {
        match (self.random.below(16), response) {
            (0, _) => Response::Refused(Refusal::Busy),
            (1, _) => Response::Same,
            (2, _) => Response::Symbols { symbols: ByteBuf::from(self.random.bytes::<140>()) },
            (3, _) => {
                let (entries, membership) = (self.some_entries(node), self.digest_of(node));
                Response::Entries { entries, membership }
            }
            (4, _) => {
                let (entries, membership) = (self.some_entries(node), self.digest_of(node));
                Response::EntriesIn { entries, next: Some(Bound::start()), membership }
            }
            (
                5 | 6,
                Response::Entries { mut entries, .. } | Response::EntriesIn { mut entries, .. },
            ) => {
                for bytes in &mut entries {
                    self.alter(bytes);
                }
                Response::Entries { entries, membership: self.digest_of(node) }
            }
            (7, Response::EntriesIn { mut entries, membership, .. }) => {
                // The rest of the range is withheld.
                entries.truncate(1);
                Response::EntriesIn { entries, next: None, membership }
            }
            (8, Response::Statements { mut statements, more, digest }) => {
                statements.pop();
                Response::Statements { statements, more, digest }
            }
            (9, Response::Statements { mut statements, more, digest }) => {
                for bytes in &mut statements {
                    self.alter(bytes);
                }
                Response::Statements { statements, more, digest }
            }
            (_, honest) => honest,
        }
    }

    fn digest_of(&self, node: NodeNo) -> Hash {
        self.nodes[node].disk.membership.digest()
    }

    fn some_entries(&mut self, node: NodeNo) -> Vec<ByteBuf> {
        let entries = self.nodes[node].disk.entries.values();
        let mut some: Vec<ByteBuf> =
            entries.take(3).map(|entry| ByteBuf::from(entry.as_bytes())).collect();
        if let Some(first) = some.first_mut() {
            self.alter(first);
        }
        some
    }

    fn alter(&mut self, bytes: &mut [u8]) {
        let place = self.random.below(bytes.len());
        if let Some(byte) = bytes.get_mut(place) {
            *byte ^= 1 << self.random.below(8);
        }
    }

    /// Publishes what it should not, and tells its neighbours.
    pub(super) fn attacks(&mut self, node: NodeNo) {
        let now = self.clock(node);
        let clock = match self.random.below(3) {
            // Long ago, near, and far ahead.
            0 => Timestamp::from_millis(now.saturating_sub(86_400_000)),
            1 => Timestamp::from_millis(now),
            _ => Timestamp::from_millis(now + 3_600_000),
        };
        let few = u8::try_from(self.random.below(4)).unwrap_or(0);
        let record = RecordId::from_bytes([few; 16]);
        match self.random.below(4) {
            0 => {
                // Its own entry, whether or not it was removed and knows it.
                let Some(entry) = self.signed(node, record, clock, true) else { return };
                let entry = Arc::new(entry);
                self.log.publish(node, &entry, &self.nodes[node].disk.membership);
                self.write(node, vec![Change::Entry(Arc::clone(&entry))], Then::Nothing);
                self.whispers(node, entry.as_bytes());
            }
            1 => {
                // An altered one of another.
                let some = self.some_entries(node);
                if let Some(forged) = some.first() {
                    self.whispers(node, forged);
                }
            }
            2 => {
                // One that it heard before.
                let entries: Vec<Vec<u8>> = self.nodes[node]
                    .disk
                    .entries
                    .values()
                    .take(5)
                    .map(|entry| entry.as_bytes().to_vec())
                    .collect();
                for bytes in entries {
                    self.whispers(node, &bytes);
                }
            }
            _ => {
                let garbage = self.random.bytes::<64>();
                self.whispers(node, &garbage);
            }
        }
    }

    /// Gossips bytes under every key that it has.
    fn whispers(&mut self, node: NodeNo, bytes: &[u8]) {
        let current = self.own_channel(node);
        let former = self.nodes[node].former.clone();
        let announced = Announcement::Entry(ByteBuf::from(bytes)).encode();
        for key in [current, former].into_iter().flatten() {
            let data: Arc<[u8]> = key.encrypt(&announced).into();
            let topic: Hash = key.commitment();
            for peer in self.nodes[node].neighbours.clone() {
                self.send(node, peer, Packet::Gossip { topic, data: Arc::clone(&data) });
            }
        }
    }
}
