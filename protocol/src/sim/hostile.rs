//! What a member does that means harm.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::Fault;
use super::founding::admission;
use super::mesh::{Message, Rpc};
use super::school::{Keys, NodeNo};
use super::world::{Change, Packet, Then, World};
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::gossip::Announcement;
use crate::group::statement::{Act, Statement};
use crate::hash::{Hash, RecordId};
use crate::sync::message::{Refusal, Request, Response};
use crate::sync::set::Bound;

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

    /// Does what it should not.
    pub(super) fn attacks(&mut self, node: NodeNo) {
        let ways = [Fault::Hostile, Fault::Backdating];
        let ways: Vec<Fault> = ways.into_iter().filter(|fault| self.has(*fault)).collect();
        match self.random.pick(&ways) {
            Some(Fault::Backdating) => self.backdates(node),
            Some(_) => self.forges(node),
            None => {}
        }
    }

    fn forges(&mut self, node: NodeNo) {
        match self.random.below(4) {
            0 => {
                let now = self.clock(node);
                let ahead = if self.random.one_in(2) { 3_600_000 } else { 0 };
                self.publishes_at(node, Timestamp::from_millis(now + ahead));
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
                let entries = self.nodes[node].disk.entries.values().take(5);
                let entries: Vec<Arc<Entry>> = entries.cloned().collect();
                for entry in entries {
                    self.whispers(node, entry.as_bytes());
                }
            }
            _ => {
                let garbage = self.random.bytes::<64>();
                self.whispers(node, &garbage);
            }
        }
    }

    /// What a node takes in of statements: all, but for its own removal where it defies that.
    pub(super) fn defied(&mut self, node: NodeNo, statements: Vec<Statement>) -> Vec<Statement> {
        let school = &mut self.nodes[node];
        if !school.hostile || !self.options.faults.contains(&Fault::Backdating) {
            return statements;
        }
        let own = school.keys.id();
        let (removals, others): (Vec<Statement>, Vec<Statement>) = statements
            .into_iter()
            .partition(|one| matches!(one.act(), Act::Remove { school, .. } if *school == own));
        school.defies.extend(removals.iter().map(Statement::hash));
        others
    }

    /// Publishes with an old clock and, where it is an admin that defies its removal, lets in whom it
    /// likes.
    fn backdates(&mut self, node: NodeNo) {
        let (own, now) = (self.nodes[node].keys.id(), self.clock(node));
        let past = if self.random.one_in(2) { 86_400_000 } else { 600_000 };
        let clock = Timestamp::from_millis(now.saturating_sub(past));
        let school = &self.nodes[node];
        let admin = school.disk.membership.roster().is_admin(&own);
        if !(admin && !school.defies.is_empty() && self.random.one_in(2)) {
            return self.publishes_at(node, clock);
        }
        let number = self.log.let_in_late.len();
        let stranger = Keys::new(u32::MAX - u32::try_from(number).unwrap_or(0), 0);
        let act = admission(&stranger, self.nodes.len() + number);
        let keys = school.keys.clone();
        let membership = &school.disk.membership;
        let Ok(said) = membership.sign(act, clock, &keys.certificate, &keys.node) else { return };
        self.log.let_in_late.insert(stranger.id(), (own, school.defies.clone()));
        let (group, statements) = (self.group, vec![ByteBuf::from(said.as_bytes())]);
        for peer in self.nodes[node].neighbours.clone() {
            let statements = statements.clone();
            self.ask(node, peer, &Request::Introduce { group, statements });
        }
    }

    /// Publishes an entry of its own, whether or not it may.
    fn publishes_at(&mut self, node: NodeNo, clock: Timestamp) {
        let few = u8::try_from(self.random.below(4)).unwrap_or(0);
        let Some(entry) = self.signed(node, RecordId::from_bytes([few; 16]), clock, true) else {
            return;
        };
        let entry = Arc::new(entry);
        self.log.publish(node, &entry, &self.nodes[node].disk.membership);
        self.write(node, vec![Change::Entry(Arc::clone(&entry))], Then::Nothing);
        self.whispers(node, entry.as_bytes());
    }

    /// Gossips bytes under every key that it has.
    fn whispers(&mut self, node: NodeNo, bytes: &[u8]) {
        let current = self.own_channel(node);
        let former = self.nodes[node].former.clone();
        let announced = Announcement::Entry(ByteBuf::from(bytes)).encode();
        for key in [current, former].into_iter().flatten() {
            let message = Arc::new(Message::new(key.commitment(), key.encrypt(&announced)));
            for peer in self.nodes[node].neighbours.clone() {
                self.send(node, peer, Packet::Gossip(Rpc::Message(Arc::clone(&message))));
            }
        }
    }
}
