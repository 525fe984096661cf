//! One file as a keeper minds it: who is ranked for it, what is known of their copies, and what
//! follows for the own one.

use serde::{Deserialize, Serialize};

use super::peers::{PeerNo, Peers};
use super::placement::mix;
use super::{
    CHALLENGE_PATIENCE, FIRST_LOOK, FRESH, HAND_BACK_AFTER, HOUR, Held, KEEPERS, PERIOD, RECHECK,
    SETTLE, SLOWEST_PERIOD, SLOWEST_STANDBY, STAGGER, SharedFile,
};

/// Whether a member is being asked about a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Asking {
    #[default]
    Idle,
    Queued,
    Posed,
}

/// What is known of a member's copy.
#[derive(Debug, Clone, Copy)]
pub(super) struct Watch {
    pub(super) peer: PeerNo,
    /// Since when the member is ranked as it is.
    pub(super) since: u64,
    pub(super) seen: Seen,
    pub(super) asking: Asking,
}

/// What challenges of a member about a file came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Seen {
    /// When it was last challenged.
    pub asked: Option<u64>,
    /// When it last proved a range.
    pub passed: Option<u64>,
    /// When it last failed to.
    pub failed: Option<u64>,
    /// How many times since it last proved one.
    pub failures: u8,
}

/// Since when too few, or enough, of those that matter hold a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Since when too few do, if so.
    pub short_since: Option<u64>,
    /// Since when enough do, if so.
    pub enough_since: Option<u64>,
}

impl Watch {
    pub(super) fn new(peer: PeerNo, since: u64) -> Self {
        Self { peer, since, seen: Seen::default(), asking: Asking::Idle }
    }

    /// Whether each of the member's nodes failed, one after the other.
    fn lacks(&self, peers: &Peers) -> bool {
        usize::from(self.seen.failures) >= peers.nodes(self.peer).max(1)
    }

    /// Whether the member proved that it has the file, and nothing speaks against it since.
    pub(super) fn holds(&self, peers: &Peers, now: u64) -> bool {
        self.seen.passed.is_some() && !self.lacks(peers) && !peers.is_lost(self.peer, now)
    }

    /// Whether the member proved it for a purpose that came up at `since`.
    fn vouches(&self, since: u64, peers: &Peers, now: u64) -> bool {
        let since = since.max(now.saturating_sub(FRESH));
        self.seen.failures == 0
            && self.seen.passed.is_some_and(|passed| passed >= since)
            && !peers.is_lost(self.peer, now)
    }
}

/// A file that a keeper minds.
#[derive(Debug)]
pub(super) struct MindedFile {
    pub(super) file: SharedFile,
    /// The members that are ranked for it, in order, without this school.
    pub(super) others: Vec<Watch>,
    /// This school's rank among them.
    pub(super) own: Option<usize>,
    /// None where this school is the author, or the author is no member.
    pub(super) author: Option<Watch>,
    pub(super) held: Option<Held>,
    pub(super) fetching: bool,
    pub(super) fetch_after: u64,
    /// Whether there was no room for it.
    pub(super) refused: bool,
    /// Since when too few of those before this school hold it.
    pub(super) short_since: Option<u64>,
    /// Since when enough do.
    pub(super) enough_since: Option<u64>,
    /// Since when proofs are gathered for dropping it.
    pub(super) leaving: Option<u64>,
    pub(super) no_drop_before: u64,
    pub(super) due: u64,
    /// Whether to a standby only those before it matter: always, but for a simulation.
    pub(super) only_before: bool,
}

/// How many of those that matter are taken to hold a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct View {
    pub(super) counted: usize,
    /// How many of the others had to be looked at for it, from the first on.
    pub(super) reached: usize,
}

impl MindedFile {
    pub(super) fn new(file: SharedFile, now: u64) -> Self {
        Self {
            file,
            others: Vec::new(),
            own: None,
            author: None,
            held: None,
            fetching: false,
            fetch_after: 0,
            refused: false,
            short_since: None,
            enough_since: None,
            leaving: None,
            no_drop_before: 0,
            due: now,
            only_before: true,
        }
    }

    pub(super) fn is_first(&self) -> bool {
        self.own.is_some_and(|rank| rank < KEEPERS)
    }

    fn rank_of(&self, place: usize) -> usize {
        place + usize::from(self.own.is_some_and(|own| place >= own))
    }

    /// How many of the others have to hold it.
    pub(super) fn needed(&self) -> usize {
        KEEPERS - usize::from(self.is_first())
    }

    /// How many of the others matter: those before a standby; all of them to anybody else.
    fn that_matter(&self) -> usize {
        let before = self.own.filter(|rank| *rank >= KEEPERS && self.only_before);
        before.unwrap_or(self.others.len())
    }

    /// Takes for granted that the first in rank hold a file until something speaks against it, and
    /// nothing of standbys: so a node that was off itself does not take the world to be gone.
    pub(super) fn view(&self, peers: &Peers, now: u64) -> View {
        let (needed, mut counted, mut reached) = (self.needed(), 0, 0);
        for (place, watch) in self.others.iter().enumerate().take(self.that_matter()) {
            if counted >= needed {
                break;
            }
            reached += 1;
            let settles = watch.seen.failed.is_some_and(|failed| failed < watch.since + SETTLE);
            let holds = if self.rank_of(place) < KEEPERS {
                settles || !watch.lacks(peers)
            } else {
                watch.seen.passed.is_some() && watch.seen.failures == 0
            };
            let holds = holds && !peers.is_lost(watch.peer, now);
            counted += usize::from(holds);
        }
        View { counted, reached }
    }

    /// Whether the copy may be dropped at all, once it is safe with others.
    pub(super) fn is_disposable(&self) -> bool {
        self.held.is_some_and(|held| !held.authored && !held.pinned) && !self.is_first()
    }

    /// Whether the copy is here for others' sake alone, and others are to have it.
    pub(super) fn is_surplus(&self) -> bool {
        self.is_disposable() && self.held.is_some_and(|held| held.opened.is_none())
    }

    /// How many members vouch for their copies, so that this one may go.
    pub(super) fn vouched(&self, since: u64, peers: &Peers, now: u64) -> usize {
        let counting = self.others.iter().take(self.that_matter());
        counting.filter(|watch| watch.vouches(since, peers, now)).count()
    }

    /// From when on a standby steps in, while too few of those before it hold the file.
    pub(super) fn steps_in_at(&self, staggered: bool) -> Option<u64> {
        let later = u64::try_from(self.own?.checked_sub(KEEPERS)?).unwrap_or(0);
        Some(self.short_since? + if staggered { later * STAGGER } else { 0 })
    }

    /// When a surplus copy is handed back.
    pub(super) fn hands_back_at(&self, late: bool) -> Option<u64> {
        let since = self.enough_since.filter(|_| self.is_surplus())?;
        Some(since.max(self.no_drop_before) + if late { HAND_BACK_AFTER } else { 0 })
    }

    fn period(&self) -> u64 {
        let standby = self.own.and_then(|rank| rank.checked_sub(KEEPERS));
        match (self.held, standby) {
            (Some(held), _) if held.authored => PERIOD,
            (_, Some(later)) => (PERIOD << later.min(8)).min(SLOWEST_STANDBY),
            (_, None) => SLOWEST_PERIOD,
        }
    }

    /// When a member is to be challenged next; none while it is being asked.
    fn next_look(&self, watch: &Watch, matters: bool, first: bool) -> Option<u64> {
        let asked = match (watch.asking, watch.seen.asked) {
            (Asking::Queued, _) => return None,
            (Asking::Posed, asked) => return Some(asked.unwrap_or(0) + CHALLENGE_PATIENCE),
            (Asking::Idle, asked) => asked,
        };
        let proved_since = |since| watch.seen.passed.is_some_and(|passed| passed >= since);
        if let Some(since) = self.leaving.filter(|_| matters)
            && !proved_since(since)
        {
            return Some(asked.filter(|asked| *asked >= since).map_or(since, |at| at + RECHECK));
        }
        let lot = u64::from(watch.peer) ^ asked.unwrap_or(0) ^ self.lot();
        let part = |of: u64| ((u128::from(mix(lot)) * u128::from(of)) >> 64) as u64;
        let period = self.period();
        if watch.seen.failures > 0 {
            // Soon again, as it may just be fetching it; then as seldom as anybody, as it may be full.
            // A standby looks at those that may step in before it for as long as it may have to.
            let waits = matters && !first && self.held.is_none() && !self.refused;
            let doublings = if waits { 0 } else { (watch.seen.failures - 1).min(8) };
            let again = RECHECK << doublings;
            return Some(asked.unwrap_or(0) + again.min(period.max(PERIOD)));
        }
        if let Some(asked) = asked {
            return Some(asked + period - period / 8 + part(period / 4));
        }
        if matters && !first {
            // A standby matters where one of those before it is missing.
            return Some(0);
        }
        let authored = self.held.is_some_and(|held| held.authored);
        let (from, within) =
            if authored { (FIRST_LOOK, HOUR) } else { (SETTLE, period.min(2 * PERIOD)) };
        // What came due while this node was off is due at once; how many are posed in a minute is bounded
        // elsewhere. Were it spread anew after each start, a server that is on for school hours alone
        // would never come to some of it.
        Some(watch.since + from + part(within))
    }

    fn lot(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = *self.file.hash.as_bytes();
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }

    /// The others to be challenged, each with when; those that are being asked are left out.
    pub(super) fn looks(&self, view: View) -> impl Iterator<Item = (PeerNo, u64)> + '_ {
        let author = self.author.as_ref().filter(|_| self.held.is_some());
        let author = author.and_then(|one| Some((one.peer, self.next_look(one, false, true)?)));
        let ranked = self.others.iter().enumerate().take(view.reached);
        let ranked = ranked.filter_map(|(place, watch)| {
            let first = self.rank_of(place) < KEEPERS;
            Some((watch.peer, self.next_look(watch, true, first)?))
        });
        ranked.chain(author)
    }

    pub(super) fn watch_mut(&mut self, peer: PeerNo) -> Option<&mut Watch> {
        self.author.iter_mut().chain(&mut self.others).find(|watch| watch.peer == peer)
    }

    pub(super) fn watches(&self) -> impl Iterator<Item = &Watch> {
        self.author.iter().chain(&self.others)
    }

    /// Ranks the others anew. What is known of them stays; who comes to be among the first has from
    /// now on to fetch it.
    pub(super) fn rank(&mut self, others: Vec<PeerNo>, own: Option<usize>, now: u64) {
        let before = std::mem::take(&mut self.others);
        let new = before.is_empty();
        let (before_own, start) = (self.own, self.file.published.min(now));
        let ranked_before = |peer: PeerNo| {
            let place = before.iter().position(|watch| watch.peer == peer)?;
            let rank = place + usize::from(before_own.is_some_and(|own| place >= own));
            Some((rank, before[place]))
        };
        self.own = own;
        let watch = |(place, peer): (usize, PeerNo)| {
            let first = place + usize::from(own.is_some_and(|own| place >= own)) < KEEPERS;
            match ranked_before(peer) {
                Some((rank, watch)) if first && rank >= KEEPERS => Watch { since: now, ..watch },
                Some((_, watch)) => watch,
                None => Watch::new(peer, if new { start } else { now }),
            }
        };
        self.others = others.into_iter().enumerate().map(watch).collect();
    }
}
