//! The other members as far as they answer: who is gone, whom to ask when, and how often.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::placement::Placement;
use super::{
    BACK_OFF, DAY, LOST_AFTER, MAX_BACK_OFF, MAX_CHALLENGES_PER_MINUTE,
    MAX_CHALLENGES_PER_PEER_MINUTE, MINUTE, SILENCE,
};
use crate::hash::{Hash, SchoolId};
use crate::identity::PublicKey;

/// Two tries that lie further apart say nothing of the time between: this node was off itself. It is
/// longer than a weekend, or a server that is on for school days alone would start anew every Monday.
const LAPSE: u64 = 3 * DAY;

/// How often a node that is cut off tries anybody.
const ALONE_AGAIN: u64 = 15 * MINUTE;

/// The number by which a keeper knows a school.
pub(super) type PeerNo = u32;

/// Since when a school has not answered; what a restart must not forget, or a server that is
/// switched off every night would never find anybody gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reach {
    /// When it last answered.
    pub heard: Option<u64>,
    /// When it first did not, since.
    pub away_since: Option<u64>,
    /// When it last did not.
    pub tried: Option<u64>,
}

#[derive(Debug)]
struct Peer {
    school: SchoolId,
    /// None where the school is no member.
    nodes: Vec<PublicKey>,
    /// Which of its nodes is asked next.
    turn: usize,
    reach: Reach,
    tries: u32,
    next_try: u64,
    minute: Allowance,
    /// Where it is in [`Peers::ready`].
    ready: Option<u64>,
    /// Files to challenge it about, each once.
    wanted: VecDeque<Hash>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Allowance {
    minute: u64,
    used: u32,
}

impl Allowance {
    fn is_left(&self, most: u32, now: u64) -> bool {
        self.minute != now / MINUTE || self.used < most
    }

    fn take(&mut self, now: u64) {
        if self.minute != now / MINUTE {
            *self = Self { minute: now / MINUTE, used: 0 };
        }
        self.used += 1;
    }
}

fn next_minute(now: u64) -> u64 {
    (now / MINUTE + 1) * MINUTE
}

#[derive(Debug)]
pub(super) struct Peers {
    own: SchoolId,
    peers: Vec<Peer>,
    numbers: BTreeMap<SchoolId, PeerNo>,
    /// Peers with something to be asked, by when.
    ready: BTreeSet<(u64, PeerNo)>,
    minute: Allowance,
    /// When somebody first did not answer, since the last who did.
    silent_since: Option<u64>,
    /// Until when a node that is cut off tries nobody.
    alone_until: u64,
    pub(super) backs_off: bool,
    pub(super) waits: bool,
    pub(super) heeds_silence: bool,
}

impl Peers {
    pub(super) fn new(own: SchoolId) -> Self {
        Self {
            own,
            peers: Vec::new(),
            numbers: BTreeMap::new(),
            ready: BTreeSet::new(),
            minute: Allowance::default(),
            silent_since: None,
            alone_until: 0,
            backs_off: true,
            waits: true,
            heeds_silence: true,
        }
    }

    pub(super) fn own(&self) -> SchoolId {
        self.own
    }

    /// Takes the members; whoever is none is asked nothing.
    pub(super) fn set_members(&mut self, placement: &Placement) {
        for peer in &mut self.peers {
            let seat = placement.seat(&peer.school);
            peer.nodes = seat.map(|seat| seat.nodes.clone()).unwrap_or_default();
            if peer.nodes.is_empty() {
                peer.wanted.clear();
            }
        }
        for number in 0..self.peers.len() {
            if self.peers[number].wanted.is_empty() {
                self.set_ready(PeerNo::try_from(number).unwrap_or(PeerNo::MAX), None);
            }
        }
    }

    /// The number of a school, and a new one where it has none.
    pub(super) fn number(&mut self, school: &SchoolId, placement: &Placement) -> PeerNo {
        if let Some(number) = self.numbers.get(school) {
            return *number;
        }
        let number = PeerNo::try_from(self.peers.len()).unwrap_or(PeerNo::MAX);
        let seat = placement.seat(school);
        self.peers.push(Peer {
            school: *school,
            nodes: seat.map(|seat| seat.nodes.clone()).unwrap_or_default(),
            turn: 0,
            reach: Reach::default(),
            tries: 0,
            next_try: 0,
            minute: Allowance::default(),
            ready: None,
            wanted: VecDeque::new(),
        });
        self.numbers.insert(*school, number);
        number
    }

    pub(super) fn known(&self, school: &SchoolId) -> Option<PeerNo> {
        self.numbers.get(school).copied()
    }

    pub(super) fn school(&self, number: PeerNo) -> SchoolId {
        self.peers[number as usize].school
    }

    pub(super) fn nodes(&self, number: PeerNo) -> usize {
        self.peers[number as usize].nodes.len()
    }

    pub(super) fn reach(&self, number: PeerNo) -> Reach {
        self.peers[number as usize].reach
    }

    pub(super) fn set_reach(&mut self, number: PeerNo, reach: Reach) {
        self.peers[number as usize].reach = reach;
    }

    pub(super) fn reaches(&self) -> impl Iterator<Item = (SchoolId, Reach)> + '_ {
        self.peers.iter().map(|peer| (peer.school, peer.reach))
    }

    /// Whether a school is gone, for all that is known: it left, or has not answered for long while
    /// others did.
    pub(super) fn is_lost(&self, number: PeerNo, now: u64) -> bool {
        let peer = &self.peers[number as usize];
        if peer.nodes.is_empty() {
            return true;
        }
        let (Some(since), Some(tried)) = (peer.reach.away_since, peer.reach.tried) else {
            return false;
        };
        let waited = if self.waits { LOST_AFTER } else { 0 };
        !self.is_alone(now)
            && tried.saturating_sub(since) >= waited
            && now.saturating_sub(tried) < LAPSE
    }

    /// Whether it is this node that is cut off, as far as it can tell.
    fn is_alone(&self, now: u64) -> bool {
        let silent = self.silent_since.is_some_and(|since| now.saturating_sub(since) >= SILENCE);
        self.heeds_silence && silent
    }

    /// A school answered, or was heard of otherwise.
    pub(super) fn heard(&mut self, number: PeerNo, now: u64) {
        if let Some(since) = self.silent_since.take()
            && self.heeds_silence
            && now.saturating_sub(since) >= SILENCE
        {
            for peer in &mut self.peers {
                if peer.reach.away_since.is_some_and(|away| away >= since) {
                    peer.reach.away_since = None;
                }
                // They are as likely to be back as this node's line is.
                peer.tries = 0;
                peer.next_try = now;
            }
            let waiting: Vec<PeerNo> = self.ready.iter().map(|(_, number)| *number).collect();
            for number in waiting {
                self.set_ready(number, Some(now));
            }
        }
        let peer = &mut self.peers[number as usize];
        peer.reach = Reach { heard: Some(now), away_since: None, tried: None };
        peer.tries = 0;
        if peer.next_try > now {
            peer.next_try = now;
            if !peer.wanted.is_empty() {
                self.set_ready(number, Some(now));
            }
        }
    }

    /// A school did not answer about a file, which it is to be asked about again; says whether it is
    /// taken to be gone by that.
    pub(super) fn not_reached(&mut self, number: PeerNo, file: Hash, now: u64) -> bool {
        let was_lost = self.is_lost(number, now);
        self.silent_since.get_or_insert(now);
        let peer = &mut self.peers[number as usize];
        if peer.nodes.is_empty() {
            return false;
        }
        peer.wanted.push_front(file);
        if now >= peer.next_try {
            let lapsed = peer.reach.tried.is_none_or(|tried| now.saturating_sub(tried) >= LAPSE);
            if lapsed || peer.reach.away_since.is_none() {
                peer.reach.away_since = Some(now);
            }
            peer.reach.tried = Some(now);
            peer.turn += 1;
            let wait =
                if self.backs_off { (BACK_OFF << peer.tries.min(8)).min(MAX_BACK_OFF) } else { 0 };
            peer.tries = peer.tries.saturating_add(1);
            peer.next_try = now + wait;
        }
        let at = peer.next_try.max(now);
        self.set_ready(number, Some(at));
        !was_lost && self.is_lost(number, now)
    }

    /// Another node of the school is asked next.
    pub(super) fn turn(&mut self, number: PeerNo) {
        self.peers[number as usize].turn += 1;
    }

    /// Has a school asked about a file when its turn comes; not one that is no member.
    pub(super) fn want(&mut self, number: PeerNo, file: Hash, now: u64) -> bool {
        let peer = &mut self.peers[number as usize];
        if peer.nodes.is_empty() {
            return false;
        }
        peer.wanted.push_back(file);
        if peer.ready.is_none() {
            let at = peer.next_try.max(now);
            self.set_ready(number, Some(at));
        }
        true
    }

    fn set_ready(&mut self, number: PeerNo, at: Option<u64>) {
        let before = std::mem::replace(&mut self.peers[number as usize].ready, at);
        if let Some(before) = before {
            self.ready.remove(&(before, number));
        }
        if let Some(at) = at {
            self.ready.insert((at, number));
        }
    }

    /// The next to ask about what, if any may be asked.
    pub(super) fn next(&mut self, now: u64) -> Option<(PeerNo, PublicKey, Hash)> {
        if !self.minute.is_left(MAX_CHALLENGES_PER_MINUTE, now)
            || (self.is_alone(now) && now < self.alone_until)
        {
            return None;
        }
        let (at, number) = loop {
            let (at, number) = self.ready.first().copied().filter(|(at, _)| *at <= now)?;
            let minute = self.peers[number as usize].minute;
            if minute.is_left(MAX_CHALLENGES_PER_PEER_MINUTE, now) {
                break (at, number);
            }
            self.set_ready(number, Some(next_minute(now)));
        };
        self.set_ready(number, None);
        let peer = &mut self.peers[number as usize];
        let file = peer.wanted.pop_front()?;
        let node = *peer.nodes.get(peer.turn % peer.nodes.len().max(1))?;
        self.minute.take(now);
        peer.minute.take(now);
        self.alone_until = now + ALONE_AGAIN;
        if !peer.wanted.is_empty() {
            // While one that did not answer is tried, one challenge is enough to know more.
            let away = peer.reach.away_since.is_some();
            let at = if away { next_minute(now) } else { at.max(now) };
            self.set_ready(number, Some(at));
        }
        Some((number, node, file))
    }

    /// When the next may be asked.
    pub(super) fn next_at(&self, now: u64) -> Option<u64> {
        let (at, _) = self.ready.first()?;
        let left = self.minute.is_left(MAX_CHALLENGES_PER_MINUTE, now);
        let at = if left { *at } else { next_minute(now).max(*at) };
        Some(if self.is_alone(now) { at.max(self.alone_until) } else { at })
    }
}
