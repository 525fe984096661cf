//! What follows for one file from what is known of it.

use std::cmp::Reverse;

use super::Keeper;
use crate::hash::Hash;
use crate::keeping::copy::Asking;
use crate::keeping::peers::PeerNo;
use crate::keeping::{
    CHALLENGE_PATIENCE, DROP_PATIENCE, KEEPERS, MAX_FETCHES, MINUTE, Output, ROOM_AGAIN, Rule,
    SLOWEST_PERIOD,
};

/// Files that are on their way out at a time: what is gathered proofs for, and few enough that a
/// large quota that shrinks does not have everybody challenged about everything.
const MAX_LEAVING: usize = 16;

/// How often it is looked for what may be dropped, at most: it reads over all that is held.
const PRESS_AGAIN: u64 = 15 * MINUTE;

impl Keeper {
    /// Looks at a file again at `at`, or earlier if that was due.
    pub(super) fn mind_at(&mut self, file: &Hash, at: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        if self.due.contains(&(copy.due, *file)) {
            if copy.due <= at {
                return;
            }
            self.due.remove(&(copy.due, *file));
        }
        copy.due = at;
        self.due.insert((at, *file));
    }

    /// Looks at all files again for which a school matters.
    pub(super) fn mind_all_of(&mut self, peer: PeerNo, now: u64) {
        let of_peer = |(_, copy): &(&Hash, &super::MindedFile)| {
            copy.watches().any(|watch| watch.peer == peer)
        };
        let files: Vec<Hash> = self.files.iter().filter(of_peer).map(|(file, _)| *file).collect();
        for file in files {
            self.mind_at(&file, now);
        }
    }

    /// Looks at a file that is due.
    pub(super) fn mind(&mut self, file: &Hash, now: u64) {
        self.count(file, now);
        self.see_to_drop(file, now);
        self.see_to_fetch(file, now);
        self.see_to_challenges(file, now);
    }

    /// Notes since when too few, or enough, hold it.
    fn count(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        if copy.view(&self.peers, now).counted < copy.needed() {
            copy.short_since.get_or_insert(now);
            copy.enough_since = None;
        } else {
            copy.enough_since.get_or_insert(now);
            copy.short_since = None;
        }
    }

    fn see_to_drop(&mut self, file: &Hash, now: u64) {
        let (hands_back, late) = (self.keeps(Rule::HandBack), self.keeps(Rule::HandBackLate));
        let proves = self.keeps(Rule::ProveBeforeDrop);
        let Some(copy) = self.files.get_mut(file) else { return };
        if copy.leaving.is_none()
            && hands_back
            && copy.hands_back_at(late).is_some_and(|at| at <= now)
        {
            copy.leaving = Some(now);
        }
        let Some(since) = copy.leaving else { return };
        if !copy.is_disposable() {
            copy.leaving = None;
            return;
        }
        let safe = if proves {
            copy.vouched(since, &self.peers, now) >= KEEPERS
        } else {
            copy.view(&self.peers, now).counted >= KEEPERS
        };
        if safe {
            copy.leaving = None;
            if let Some(held) = copy.held.take() {
                self.store.remove(copy.file.author, copy.file.size, held);
                self.outputs.push_back(Output::Drop { file: *file });
                self.fetch_waiting(now);
                self.rank(file, now);
            }
        } else if now.saturating_sub(since) >= DROP_PATIENCE {
            copy.leaving = None;
            copy.no_drop_before = now + DROP_PATIENCE;
        }
    }

    /// Whether a file that is not held here is to be.
    fn is_wanted(&self, copy: &super::MindedFile, now: u64) -> bool {
        if copy.held.is_some() || copy.fetching {
            return false;
        }
        if copy.is_first() {
            return self.keeps(Rule::FirstFetch);
        }
        let at = copy.steps_in_at(self.keeps(Rule::Stagger));
        self.keeps(Rule::StepIn) && at.is_some_and(|at| at <= now)
    }

    fn see_to_fetch(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get(file) else { return };
        if !self.is_wanted(copy, now) {
            self.to_fetch.remove(file);
            let Some(copy) = self.files.get_mut(file) else { return };
            self.store.refused -= usize::from(std::mem::take(&mut copy.refused));
            return;
        }
        if copy.fetch_after > now {
            return;
        }
        if self.fetching >= MAX_FETCHES {
            self.to_fetch.insert(*file);
            return;
        }
        self.to_fetch.remove(file);
        let (author, size) = (copy.file.author, copy.file.size);
        let over_share = self.store.exceeds_share(&author, size);
        let fits = !over_share && self.store.lacking(size) == 0;
        let fits = fits || !self.keeps(Rule::RefuseWhenFull);
        let Some(copy) = self.files.get_mut(file) else { return };
        self.store.refused -= usize::from(std::mem::take(&mut copy.refused));
        if fits {
            copy.fetching = true;
            self.fetching += 1;
            self.store.reserve(size);
            self.outputs.push_back(Output::Fetch { file: *file });
        } else {
            copy.refused = true;
            copy.fetch_after = now + ROOM_AGAIN;
            self.store.refused += 1;
            if !over_share {
                self.make_room(size, now);
            }
        }
    }

    /// Takes up the next files that wait for others to be fetched.
    pub(super) fn fetch_waiting(&mut self, now: u64) {
        let free = MAX_FETCHES.saturating_sub(self.fetching);
        let next: Vec<Hash> = self.to_fetch.iter().take(free).copied().collect();
        for file in next {
            self.mind_at(&file, now);
        }
    }

    /// Has copies dropped, once they are safe, until so many bytes have room: first those that are
    /// here for others' sake and that others are to have, then what was opened longest ago.
    pub(super) fn make_room(&mut self, size: u64, now: u64) {
        if now < self.pressed_until {
            return;
        }
        self.pressed_until = now + PRESS_AGAIN;
        let held = || self.files.iter().filter(|(_, copy)| copy.is_disposable());
        let leaving = held().filter(|(_, copy)| copy.leaving.is_some());
        let (count, coming) =
            leaving.fold((0, 0), |(count, bytes), (_, copy)| (count + 1, bytes + copy.file.size));
        let mut lacking = self.store.lacking(size).saturating_sub(coming);
        let mut candidates: Vec<(bool, Option<u64>, Reverse<u64>, Hash)> = held()
            .filter(|(_, copy)| copy.leaving.is_none() && copy.no_drop_before <= now)
            .map(|(file, copy)| {
                let opened = copy.held.and_then(|held| held.opened);
                (!copy.is_surplus(), opened, Reverse(copy.file.size), *file)
            })
            .collect();
        candidates.sort_unstable();
        for (.., Reverse(bytes), file) in
            candidates.into_iter().take(MAX_LEAVING - count.min(MAX_LEAVING))
        {
            if lacking == 0 {
                break;
            }
            lacking = lacking.saturating_sub(bytes);
            if let Some(copy) = self.files.get_mut(&file) {
                copy.leaving = Some(now);
            }
            self.mind_at(&file, now);
        }
    }

    /// Has those asked that are due, and says when to look again.
    fn see_to_challenges(&mut self, file: &Hash, now: u64) {
        let Some(copy) = self.files.get_mut(file) else { return };
        for watch in copy.author.iter_mut().chain(&mut copy.others) {
            let expired = watch.seen.asked.is_none_or(|at| at + CHALLENGE_PATIENCE <= now);
            if watch.asking == Asking::Posed && expired {
                watch.asking = Asking::Idle;
            }
        }
        let (staggered, late) = (self.keeps(Rule::Stagger), self.keeps(Rule::HandBackLate));
        let Some(copy) = self.files.get_mut(file) else { return };
        let view = copy.view(&self.peers, now);
        let mut next = now + SLOWEST_PERIOD;
        let mut asks: Vec<PeerNo> = Vec::new();
        for (peer, at) in copy.looks(view) {
            if at <= now {
                asks.push(peer);
            } else {
                next = next.min(at);
            }
        }
        for peer in asks {
            if let Some(watch) = copy.watch_mut(peer)
                && self.peers.want(peer, *file, now)
            {
                watch.asking = Asking::Queued;
            }
        }
        let waits = copy.held.is_none().then_some(copy.fetch_after);
        let steps_in = copy.steps_in_at(staggered).filter(|_| copy.held.is_none());
        let hands_back = copy.hands_back_at(late).filter(|_| copy.leaving.is_none());
        let gives_up = copy.leaving.map(|since| since + DROP_PATIENCE);
        let times = [waits, steps_in, hands_back, gives_up].into_iter().flatten();
        let next = times.filter(|at| *at > now).fold(next, u64::min);
        // The file was taken out of what is due; whatever came up meanwhile stays.
        self.mind_at(file, next.max(now + MINUTE));
    }
}
