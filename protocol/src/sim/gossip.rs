//! Gossip: the keys that a node talks under, the mesh that it takes part in, and what it hears there.

use std::sync::Arc;

use super::mesh::{Message, Output};
use super::school::{Channel, NodeNo};
use super::world::{Packet, Then, World};
use super::{Rule, Violation};
use crate::gossip::Announcement;
use crate::group::epoch::{Epoch, EpochKey};
use crate::group::statement::Act;
use crate::hash::Hash;

impl World {
    /// Connects meshes of neighbours that take each other for members, and ends what is between
    /// others.
    pub(super) fn meets(&mut self, node: NodeNo) {
        for peer in self.nodes[node].neighbours.clone() {
            let both = self.reaches(node, peer)
                && self.nodes[node].shares(&self.key(peer))
                && self.nodes[peer].shares(&self.key(node));
            if both == self.nodes[node].mesh.is_connected(peer) {
                continue;
            }
            for (one, other) in [(node, peer), (peer, node)] {
                if both {
                    self.nodes[one].mesh.connected(other);
                } else {
                    self.nodes[one].mesh.gone(other);
                }
                self.pump(one);
            }
        }
    }

    /// Listens to the topics of the keys that a node has, and to no other.
    pub(super) fn follow(&mut self, node: NodeNo) {
        let current = self.own_channel(node);
        let former = self.nodes[node].former.clone();
        let topics: Vec<Hash> = current.iter().chain(&former).map(|key| key.commitment()).collect();
        let school = &mut self.nodes[node];
        for left in school.mesh.topics().iter().filter(|topic| !topics.contains(topic)) {
            school.mesh.leave(*left);
        }
        for topic in topics {
            school.mesh.join(topic, self.now, &mut self.random);
        }
        self.pump(node);
    }

    pub(super) fn heartbeat(&mut self, node: NodeNo) {
        self.nodes[node].mesh.heartbeat(self.now, &mut self.random);
        self.pump(node);
    }

    /// Does what a mesh wants done.
    pub(super) fn pump(&mut self, node: NodeNo) {
        while let Some(output) = self.nodes[node].mesh.poll() {
            match output {
                Output::Send(peer, rpc) => {
                    if self.nodes[node].shares(&self.key(peer)) {
                        self.send(node, peer, Packet::Gossip(rpc));
                    }
                }
                Output::Judge(from, message) => self.hears(node, from, &message),
            }
        }
    }

    pub(super) fn hears(&mut self, node: NodeNo, from: NodeNo, message: &Message) {
        let current = self.own_channel(node).filter(|key| key.commitment() == message.topic);
        let former = || self.nodes[node].former.clone();
        let (key, passed_on) = match current {
            Some(key) => (Some(key), true),
            None => (former().filter(|key| key.commitment() == message.topic), false),
        };
        let announced = key.and_then(|key| key.decrypt(&message.data));
        let announced = announced.filter(|_| self.nodes[node].shares(&self.key(from)));
        match announced.map(|announced| Announcement::decode(&announced)) {
            Some(Ok(Announcement::Entry(bytes))) => {
                let then = Then::Judged { message: message.id, entry: Hash::of(&bytes), passed_on };
                if self.takes(node, from, &[bytes.into_vec()], then) {
                    return;
                }
            }
            Some(Ok(Announcement::News { digest, node: teller })) => {
                if teller == self.key(from) && self.nodes[node].disk.set.digest() != digest {
                    self.wants(node, from);
                }
            }
            Some(Err(_)) | None => {}
        }
        self.nodes[node].mesh.judged(&message.id, false);
    }

    /// The key under which a node talks.
    pub(super) fn own_channel(&mut self, node: NodeNo) -> Option<EpochKey> {
        let group = self.group;
        let school = &mut self.nodes[node];
        if !school.is_member() {
            school.channel = None;
            return None;
        }
        let epoch = school.disk.membership.roster().epoch();
        let statement = epoch.map(Epoch::statement);
        if school.channel.as_ref().map(|channel| channel.statement) != statement {
            let opened = epoch.and_then(|epoch| epoch.open(&group, &school.keys.node, |_| None));
            let before = school.channel.take().and_then(|channel| channel.key);
            school.former = before.or(school.former.take());
            school.channel = statement.map(|statement| Channel { statement, key: opened });
        } else if let Some(channel) = &mut school.channel
            && channel.key.is_none()
        {
            channel.key = epoch.and_then(|epoch| epoch.open(&group, &school.keys.node, |_| None));
        }
        let current = school.channel.as_ref().and_then(|channel| channel.key.clone());
        if self.without(Rule::EpochOfMembers) {
            return self.nodes[node].former.clone().or(current);
        }
        current
    }

    pub(super) fn announce(&mut self, node: NodeNo, announcement: &Announcement) {
        let Some(key) = self.own_channel(node) else { return };
        if let Announcement::Entry(bytes) = announcement {
            self.check_key(node, &key, Hash::of(bytes));
        }
        let message = Message::new(key.commitment(), key.encrypt(&announcement.encode()));
        self.nodes[node].mesh.publish(Arc::new(message), self.now);
        self.pump(node);
    }

    /// Looks whether a removed school has the key under which a node publishes.
    fn check_key(&mut self, node: NodeNo, key: &EpochKey, hash: Hash) {
        let roster = self.nodes[node].disk.membership.roster();
        for (to, other) in self.nodes.iter().enumerate() {
            let departed = roster.departure_of(&other.keys.public());
            let opened =
                [other.channel.as_ref().and_then(|one| one.key.as_ref()), other.former.as_ref()];
            if departed.is_some_and(|end| end.removed_by.is_some())
                && roster.school_of(&other.keys.public()).is_none()
                && opened.into_iter().flatten().any(|held| held == key)
                && !self.nodes[node].hostile
                && !self.is_let_in_again(to, &[node])
                && !self.was_given_unheard(to, node, key)
            {
                return self.violated(Violation::Leak { by: node, to, hash });
            }
        }
    }

    /// Whether a school was handed a key by a statement that a node has not heard of: it was let in
    /// again for a while, which ended before the node heard that it had begun. The node cannot know
    /// that the key is not its members' alone.
    fn was_given_unheard(&self, school: NodeNo, node: NodeNo, key: &EpochKey) -> bool {
        let heard = self.nodes[node].disk.membership.statements();
        let held = self.nodes[school].disk.membership.in_order();
        held.filter(|one| !heard.contains_key(&one.hash())).any(|one| {
            let Act::Extend { node: to, sealed, .. } = one.act() else { return false };
            let own = &self.nodes[school].keys;
            *to == own.public() && sealed.open(&self.group, &own.node).as_ref() == Some(key)
        })
    }

    pub(super) fn tell_news(&mut self, node: NodeNo) {
        let digest = self.nodes[node].disk.set.digest();
        let teller = self.key(node);
        self.announce(node, &Announcement::News { digest, node: teller });
    }
}
