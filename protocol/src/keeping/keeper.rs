//! One node's part in keeping the files of one group: a state machine.
//!
//! **The driver's rule**: after every call of a `handle_…`, and at the time that
//! [`Keeper::poll_timeout`] says, call [`Keeper::poll`] until it returns nothing. Times are in
//! milliseconds since 1970 and never run backwards.

mod minding;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::copy::{Asking, MindedFile, Seen, Watch};
use super::peers::{Peers, Reach};
use super::room::Store;
use super::{
    CHALLENGE_BYTES, Consequence, Counted, FETCH_AGAIN, Held, KEEPERS, MAX_FILES, Outcome, Output,
    Quota, RANKED, Room, Rule, SharedFile, SharedPlacement, Standing,
};
use crate::hash::{Hash, SchoolId};

/// Decides which files of a group one node keeps.
#[derive(Debug)]
pub struct Keeper {
    own: SchoolId,
    /// Secret, so that nobody can keep only what it will be challenged about.
    salt: [u8; 32],
    challenges: u64,
    placement: SharedPlacement,
    peers: Peers,
    files: BTreeMap<Hash, MindedFile>,
    /// When each file is to be looked at again.
    due: BTreeSet<(u64, Hash)>,
    fetching: usize,
    /// Files that wait until fewer are fetched.
    to_fetch: BTreeSet<Hash>,
    store: Store,
    pressed_until: u64,
    outputs: VecDeque<Output>,
    without: Option<Rule>,
}

impl Keeper {
    /// A keeper for a node of `own` school that minds nothing. `salt` is random and secret; `free`
    /// is how many bytes its disk has left.
    pub fn new(own: SchoolId, salt: [u8; 32], quota: Quota, free: u64) -> Self {
        Self {
            own,
            salt,
            challenges: 0,
            placement: SharedPlacement::default(),
            peers: Peers::new(own),
            files: BTreeMap::new(),
            due: BTreeSet::new(),
            fetching: 0,
            to_fetch: BTreeSet::new(),
            store: Store::new(quota, free),
            pressed_until: 0,
            outputs: VecDeque::new(),
            without: None,
        }
    }

    /// The same without one of its rules.
    #[cfg(any(test, feature = "sim"))]
    #[must_use]
    pub fn without(mut self, rule: Option<Rule>) -> Self {
        self.without = rule;
        self.peers.backs_off = self.keeps(Rule::BackOff);
        self.peers.waits = self.keeps(Rule::WaitForAbsent);
        self.peers.heeds_silence = self.keeps(Rule::SilenceSaysNothing);
        self
    }

    /// Takes the group's members, and all files that are shared in it. Files that are not given are
    /// minded no more; what was withdrawn is for the caller to delete.
    pub fn handle_roster<'a>(
        &mut self,
        placement: SharedPlacement,
        files: impl IntoIterator<Item = &'a SharedFile>,
        now: u64,
    ) {
        self.placement = placement;
        self.peers.set_members(&self.placement);
        let mut gone: BTreeSet<Hash> = self.files.keys().copied().collect();
        for file in files {
            gone.remove(&file.hash);
            self.handle_shared(file, now);
        }
        for file in gone {
            self.handle_withdrawn(&file);
        }
    }

    /// Takes a file that was shared. A file that several schools shared is the one's that did so
    /// first.
    pub fn handle_shared(&mut self, file: &SharedFile, now: u64) {
        if let Some(known) = self.files.get_mut(&file.hash) {
            let earlier = (file.published, file.author) < (known.file.published, known.file.author);
            if earlier && known.held.is_none() {
                known.file = *file;
            }
        } else {
            let ranked = self.placement.is_among(&self.own, &file.hash, &file.author, RANKED);
            if !ranked || self.files.len() >= MAX_FILES {
                return;
            }
            self.mind_new(file, now);
        }
        self.rank(&file.hash, now);
    }

    /// Forgets a file that is shared no more.
    pub fn handle_withdrawn(&mut self, file: &Hash) {
        let Some(copy) = self.files.remove(file) else { return };
        self.due.remove(&(copy.due, *file));
        self.to_fetch.remove(file);
        if copy.fetching {
            self.fetching -= 1;
            self.store.release(copy.file.size);
        }
        if let Some(held) = copy.held {
            self.store.remove(copy.file.author, copy.file.size, held);
        }
        self.store.refused -= usize::from(copy.refused);
    }

    /// Takes that this node holds a file, and why: after a fetch, on start, when somebody opens or
    /// pins it. The file is minded from then on, whether or not this school is ranked for it.
    pub fn handle_held(&mut self, file: &SharedFile, held: Held, now: u64) {
        if !self.files.contains_key(&file.hash) {
            self.mind_new(file, now);
        }
        let Some(copy) = self.files.get_mut(&file.hash) else { return };
        if std::mem::take(&mut copy.fetching) {
            self.fetching -= 1;
            self.store.release(copy.file.size);
        }
        if let Some(before) = copy.held.replace(held) {
            self.store.remove(copy.file.author, copy.file.size, before);
        }
        self.store.refused -= usize::from(std::mem::take(&mut copy.refused));
        self.store.add(copy.file.author, copy.file.size, held);
        self.rank(&file.hash, now);
        self.fetch_waiting(now);
        if self.store.lacking(0) > 0 {
            self.make_room(0, now);
        }
    }

    /// Takes that a copy is gone: deleted by hand, or found damaged.
    pub fn handle_gone(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        if let Some(held) = copy.held.take() {
            self.store.remove(copy.file.author, copy.file.size, held);
        }
        copy.leaving = None;
        self.rank(file, now);
    }

    /// Takes that a file could not be fetched.
    pub fn handle_fetch_failed(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        if std::mem::take(&mut copy.fetching) {
            self.fetching -= 1;
            self.store.release(copy.file.size);
        }
        copy.fetch_after = now + FETCH_AGAIN;
        self.mind_at(file, now);
        self.fetch_waiting(now);
    }

    /// Takes how many bytes the disk has left, and what may be used of it.
    pub fn handle_disk(&mut self, free: u64, quota: Quota, now: u64) {
        (self.store.free, self.store.quota) = (free, quota);
        if self.store.lacking(0) > 0 {
            self.make_room(0, now);
        }
    }

    /// Takes that a school was heard of in any other way. Tell it at least every quarter of an hour
    /// of somebody, as long as anybody is connected: a node that hears of nobody takes itself to be
    /// cut off.
    pub fn handle_heard(&mut self, school: &SchoolId, now: u64) {
        let number = self.peers.number(school, &self.placement);
        self.peers.heard(number, now);
    }

    /// Takes what a challenge came to.
    pub fn handle_challenged(
        &mut self,
        school: &SchoolId,
        file: &Hash,
        outcome: Outcome,
        now: u64,
    ) {
        let Some(peer) = self.peers.known(school) else { return };
        let copy = self.files.get_mut(file);
        let watch = copy.and_then(|copy| copy.watch_mut(peer));
        let Some(watch) = watch.filter(|watch| watch.asking == Asking::Posed) else {
            if outcome != Outcome::Unreachable {
                self.peers.heard(peer, now);
            }
            return;
        };
        match outcome {
            Outcome::Passed => {
                watch.asking = Asking::Idle;
                watch.seen =
                    Seen { asked: Some(now), passed: Some(now), failures: 0, ..watch.seen };
            }
            Outcome::Failed => {
                let failures = watch.seen.failures.saturating_add(1);
                watch.asking = Asking::Idle;
                watch.seen = Seen { asked: Some(now), failed: Some(now), failures, ..watch.seen };
                self.peers.turn(peer);
            }
            Outcome::Unreachable => {
                watch.asking = Asking::Queued;
                if self.peers.not_reached(peer, *file, now) {
                    self.mind_all_of(peer, now);
                }
                return;
            }
        }
        self.peers.heard(peer, now);
        self.mind_at(file, now);
    }

    /// Takes what an earlier run of this node knew, as [`Keeper::reaches`] and [`Keeper::seen`] told
    /// it, after the roster and the files.
    pub fn recall(&mut self, school: &SchoolId, reach: Reach, seen: &[(Hash, Seen)]) {
        let number = self.peers.number(school, &self.placement);
        self.peers.set_reach(number, reach);
        for (file, seen) in seen {
            let copy = self.files.get_mut(file);
            if let Some(watch) = copy.and_then(|copy| copy.watch_mut(number)) {
                watch.seen = *seen;
            }
        }
    }

    /// Takes since when too few or enough held files, as [`Keeper::counted`] told it.
    pub fn recall_counted(&mut self, counted: &[(Hash, Counted)]) {
        for (file, counted) in counted {
            if let Some(copy) = self.files.get_mut(file) {
                copy.short_since = counted.short_since;
                copy.enough_since = counted.enough_since;
            }
        }
    }

    /// Since when too few or enough hold files: to be kept over a restart, or a node that is switched
    /// off every night would never have waited for long enough.
    pub fn counted(&self) -> impl Iterator<Item = (Hash, Counted)> + '_ {
        self.files.iter().map(|(file, copy)| {
            let (short_since, enough_since) = (copy.short_since, copy.enough_since);
            (*file, Counted { short_since, enough_since })
        })
    }

    /// Since when schools answer or do not: to be kept over a restart.
    pub fn reaches(&self) -> impl Iterator<Item = (SchoolId, Reach)> + '_ {
        self.peers.reaches()
    }

    /// What challenges came to, by file and school: worth keeping over a restart.
    pub fn seen(&self) -> impl Iterator<Item = (Hash, SchoolId, Seen)> + '_ {
        self.files.iter().flat_map(|(file, copy)| {
            let told = copy.watches().filter(|watch| watch.seen != Seen::default());
            told.map(|watch| (*file, self.peers.school(watch.peer), watch.seen))
        })
    }

    /// The next thing to do. Changes after every `handle_…`, and with time.
    pub fn poll(&mut self, now: u64) -> Option<Output> {
        loop {
            if let Some(output) = self.outputs.pop_front() {
                return Some(output);
            }
            let Some((due, file)) = self.due.first().copied().filter(|(due, _)| *due <= now) else {
                break;
            };
            self.due.remove(&(due, file));
            self.mind(&file, now);
        }
        while let Some((peer, node, file)) = self.peers.next(now) {
            let Some(copy) = self.files.get_mut(&file) else { continue };
            let size = copy.file.size;
            let Some(watch) = copy.watch_mut(peer) else { continue };
            watch.asking = Asking::Posed;
            watch.seen.asked = Some(now);
            // Should no result come, it is found out then.
            self.mind_at(&file, now + super::CHALLENGE_PATIENCE);
            let (school, offset) = (self.peers.school(peer), self.offset(&file, size));
            return Some(Output::Challenge { school, node, file, offset });
        }
        None
    }

    /// When [`poll`](Self::poll) may have something to do, if nothing happens before. Changes after
    /// every `handle_…` and every [`poll`](Self::poll).
    pub fn poll_timeout(&self, now: u64) -> Option<u64> {
        let due = self.due.first().map(|(due, _)| *due);
        let outputs = (!self.outputs.is_empty()).then_some(now);
        [outputs, due, self.peers.next_at(now)].into_iter().flatten().min()
    }

    /// How a file stands; none if this node has nothing to do with it.
    pub fn standing(&self, file: &Hash, now: u64) -> Option<Standing> {
        Some(Standing::of(self.files.get(file)?, &self.peers, now))
    }

    /// What it would come to if a person deleted this node's copy.
    pub fn consequence(&self, file: &Hash, now: u64) -> Consequence {
        let Some(copy) = self.files.get(file) else { return Consequence::Last };
        let others = copy.watches().filter(|watch| watch.holds(&self.peers, now)).count();
        let vouched = copy.vouched(0, &self.peers, now);
        match others {
            _ if vouched >= KEEPERS => Consequence::Safe,
            0 => Consequence::Last,
            others => Consequence::Unproven(others),
        }
    }

    /// Whom to ask for a file: those who lately proved that they hold it, its author, and then those
    /// who are ranked for it.
    pub fn sources(&self, file: &SharedFile, now: u64) -> Vec<SchoolId> {
        let copy = self.files.get(&file.hash);
        let proved = copy.into_iter().flat_map(|copy| copy.watches());
        let proved = proved.filter(|watch| watch.holds(&self.peers, now));
        let proved = proved.map(|watch| self.peers.school(watch.peer));
        let ranked = self.placement.ranked(&file.hash, &file.author, RANKED);
        let mut sources: Vec<SchoolId> = Vec::new();
        for school in proved.chain([file.author]).chain(ranked) {
            if school != self.own && !sources.contains(&school) {
                sources.push(school);
            }
        }
        sources
    }

    /// How full this node is.
    pub fn room(&self) -> Room {
        self.store.room()
    }

    /// Where this school is to keep a file, has no room for it, and the quota of its author is why.
    pub fn is_over_share(&self, file: &Hash) -> bool {
        let copy = self.files.get(file).filter(|copy| copy.refused);
        copy.is_some_and(|copy| self.store.exceeds_share(&copy.file.author, copy.file.size))
    }

    /// What this node holds, and why.
    pub fn held(&self) -> impl Iterator<Item = (&Hash, &Held)> {
        self.files.iter().filter_map(|(file, copy)| Some((file, copy.held.as_ref()?)))
    }

    /// How many files this node minds.
    pub fn minded(&self) -> usize {
        self.files.len()
    }

    fn mind_new(&mut self, file: &SharedFile, now: u64) {
        let only_before = self.keeps(Rule::CountThoseBefore);
        self.files.insert(file.hash, MindedFile { only_before, ..MindedFile::new(*file, now) });
    }

    fn keeps(&self, rule: Rule) -> bool {
        self.without != Some(rule)
    }

    fn offset(&mut self, file: &Hash, size: u64) -> u64 {
        self.challenges += 1;
        let mut hasher = blake3::Hasher::new_keyed(&self.salt);
        hasher.update(&self.challenges.to_le_bytes()).update(file.as_bytes());
        let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
        let drawn = u64::from_le_bytes([a, b, c, d, e, f, g, h]);
        drawn % size.div_ceil(CHALLENGE_BYTES).max(1) * CHALLENGE_BYTES
    }

    /// Ranks the members for a file anew.
    fn rank(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        let author = copy.file.author;
        let ranked = self.placement.ranked(file, &author, RANKED);
        let own = ranked.iter().position(|school| *school == self.own);
        if own.is_none() && copy.held.is_none() && !copy.fetching && author != self.own {
            self.handle_withdrawn(file);
            return;
        }
        let others = ranked.iter().filter(|school| **school != self.own);
        let others = others.map(|school| self.peers.number(school, &self.placement)).collect();
        copy.rank(others, own, now);
        if author == self.own || self.placement.seat(&author).is_none() {
            copy.author = None;
        } else if copy.author.is_none() {
            let number = self.peers.number(&author, &self.placement);
            copy.author = Some(Watch::new(number, copy.file.published.min(now)));
        }
        self.mind_at(file, now);
    }
}
