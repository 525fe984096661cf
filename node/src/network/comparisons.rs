//! The comparisons of this node: those that wait, those under way and how far they are, and how the
//! last ones ended.
//!
//! One comparison of a group at a time, for as long as it brings something: a node that returns does
//! not ask everyone for the same entries, and the comparisons that wait find little afterwards.

mod metrics;

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use prometheus_client::registry::Registry;
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::session::Found;

use metrics::Metrics;
use utoipa::ToSchema;

/// Comparisons that may wait; each is named once however often it is asked for.
const MAX_WAITING: usize = 1_024;

/// How long others of its group wait for a comparison that has had no answer at all: a node that was
/// cut off still counts as connected for a while.
const FIRST_PATIENCE: Duration = Duration::from_secs(5);

/// How long they wait for one that brings nothing after its first answer: as long as one answer may
/// take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long it may bring nothing before it is given up. Looking for a million scattered differences
/// takes minutes on a slow line.
const LONGEST_PATIENCE: Duration = Duration::from_secs(600);

/// How often the ordered hashes are compared with each peer.
const BETWEEN_ORDERED_CHECKS: Duration = Duration::from_secs(24 * 60 * 60);

/// When that is tried again where a set changed meanwhile or the peer was busy.
const ORDERED_CHECK_AGAIN: Duration = Duration::from_secs(600);

/// Peers of groups of which it is remembered how comparisons with them went; more than can be
/// connected at once in any number of groups that a school is in.
const MAX_REMEMBERED: usize = 4_096;

/// After how many comparisons in a row a difference counts as one that cannot be settled: an entry
/// may be replaced, or a removal heard of, in the middle of a comparison.
const TIMES_UNSETTLED: u32 = 2;

/// With whom, and about what.
pub(super) type Pair = (PublicKey, GroupId);

/// What became of the entries that a comparison brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Taken {
    pub(super) stored: usize,
    /// Of schools that are not known here, or from the future.
    pub(super) held_aside: usize,
    /// Invalid, or of an author that the group does not honour.
    pub(super) refused: usize,
}

/// How a comparison ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", tag = "ended")]
#[schema(as = ComparisonEnding)]
pub enum Ending {
    /// Both hold the same.
    Same,
    /// Everything that the other has is here; it may lack something that is here.
    Complete {
        /// How many entries came.
        received: usize,
    },
    /// The same, but for entries that wait here for their school's admission or their time to come.
    HeldAside {
        /// How many wait.
        entries: usize,
    },
    /// The other has entries that do not come to be here.
    Unsettled {
        /// How many were refused here.
        refused: usize,
        /// How many the other named and did not give.
        not_given: usize,
    },
    /// It was given up; what had come until then stays, and the next one goes on from there.
    GivenUp {
        /// Why.
        reason: String,
    },
}

impl Ending {
    fn of(found: &Found, taken: &Taken) -> Self {
        let Found { same, received, not_given, ordered } = *found;
        match *taken {
            Taken { refused, .. } if refused + not_given > 0 => {
                Self::Unsettled { refused, not_given }
            }
            Taken { held_aside: entries @ 1.., .. } => Self::HeldAside { entries },
            Taken { .. } if same && ordered != Some(false) => Self::Same,
            Taken { .. } => Self::Complete { received },
        }
    }

    /// Names it in the metrics.
    fn name(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Complete { .. } => "complete",
            Self::HeldAside { .. } => "held_aside",
            Self::Unsettled { .. } => "unsettled",
            Self::GivenUp { .. } => "given_up",
        }
    }
}

/// A comparison under way.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub(crate) peer: PublicKey,
    /// Entries that came.
    pub(crate) received: usize,
    /// Entries that are known to be lacking still.
    pub(crate) lacking: usize,
    /// Whether the peer has answered at all.
    answered: bool,
    /// When it began, had its first answer, or last brought something that was stored.
    moved: Instant,
}

impl Running {
    /// Whether others of its group wait for it.
    fn goes_on(&self, now: Instant) -> bool {
        let patience = if self.answered { PATIENCE } else { FIRST_PATIENCE };
        now.saturating_duration_since(self.moved) < patience
    }
}

/// The last comparison of a group.
#[derive(Debug, Clone)]
pub(crate) struct Last {
    pub(crate) peer: PublicKey,
    /// In milliseconds since 1970.
    pub(crate) at_millis: u64,
    pub(crate) ending: Ending,
}

/// A difference with a peer that comparisons do not settle.
#[derive(Debug, Clone)]
pub(crate) struct Unsettled {
    /// In milliseconds since 1970.
    pub(crate) since_millis: u64,
    /// In how many comparisons in a row.
    pub(crate) times: u32,
    pub(crate) refused: usize,
    pub(crate) not_given: usize,
}

/// How the comparisons of a group stand.
#[derive(Debug, Default)]
pub(crate) struct GroupComparisons {
    pub(crate) running: Vec<Running>,
    /// How many wait for their turn.
    pub(crate) waiting: usize,
    pub(crate) last: Option<Last>,
    /// The differences that comparisons do not settle.
    pub(crate) unsettled: Vec<(PublicKey, Unsettled)>,
}

#[derive(Debug, Default)]
pub(super) struct Comparisons {
    waiting: VecDeque<Pair>,
    running: BTreeMap<GroupId, Vec<Running>>,
    last: BTreeMap<GroupId, Last>,
    unsettled: BTreeMap<Pair, Unsettled>,
    /// When the ordered hashes are compared next.
    ordered_due: BTreeMap<Pair, Instant>,
    metrics: Metrics,
}

impl Comparisons {
    /// Shows the counts among the metrics.
    pub(super) fn register(&self, registry: &mut Registry) {
        self.metrics.register(registry);
    }

    /// Asks for a comparison; false if the same one waits already, or too many do.
    pub(super) fn add(&mut self, pair: Pair) -> bool {
        let new = self.waiting.len() < MAX_WAITING && !self.waiting.contains(&pair);
        if new {
            self.waiting.push_back(pair);
            self.metrics.waiting(self.waiting.len());
        }
        new
    }

    /// The next comparison that may begin: of the group's comparisons, one at a time that brings
    /// something.
    pub(super) fn next(&mut self, now: Instant) -> Option<Pair> {
        let waits = |(peer, group): &Pair| {
            let running = self.running.get(group).into_iter().flatten();
            running.clone().any(|one| one.peer == *peer || one.goes_on(now))
        };
        let place = self.waiting.iter().position(|pair| !waits(pair))?;
        let (peer, group) = self.waiting.remove(place)?;
        let running = Running { peer, received: 0, lacking: 0, answered: false, moved: now };
        self.running.entry(group).or_default().push(running);
        self.metrics.waiting(self.waiting.len());
        Some((peer, group))
    }

    /// Notes how far a comparison is.
    pub(super) fn is_at(&mut self, (peer, group): Pair, (received, lacking): (usize, usize)) {
        if let Some(running) = self.of(&peer, &group) {
            (running.received, running.lacking) = (received, lacking);
        }
        self.show_lacking(&group);
    }

    /// Notes that the peer answered.
    pub(super) fn is_answered(&mut self, (peer, group): Pair, now: Instant) {
        if let Some(running) = self.of(&peer, &group).filter(|running| !running.answered) {
            (running.answered, running.moved) = (true, now);
        }
    }

    /// Notes that something that a comparison brought was stored.
    pub(super) fn moves(&mut self, (peer, group): Pair, now: Instant) {
        if let Some(running) = self.of(&peer, &group) {
            running.moved = now;
        }
    }

    /// Whether a comparison has brought nothing for too long.
    pub(super) fn is_stuck(&mut self, (peer, group): Pair, now: Instant) -> bool {
        self.of(&peer, &group)
            .is_some_and(|one| now.saturating_duration_since(one.moved) > LONGEST_PATIENCE)
    }

    fn of(&mut self, peer: &PublicKey, group: &GroupId) -> Option<&mut Running> {
        self.running.get_mut(group)?.iter_mut().find(|one| one.peer == *peer)
    }

    /// Notes that a comparison came to its end.
    pub(super) fn ends(&mut self, pair: Pair, found: &Found, taken: &Taken, at_millis: u64) {
        let ending = Ending::of(found, taken);
        if let Ending::Unsettled { refused, not_given } = ending {
            self.metrics.unsettled(refused, not_given);
            make_room(&mut self.unsettled, &pair);
            let one = self.unsettled.entry(pair).or_insert(Unsettled {
                since_millis: at_millis,
                times: 0,
                refused,
                not_given,
            });
            one.times = one.times.saturating_add(1);
            (one.refused, one.not_given) = (refused, not_given);
        } else {
            self.unsettled.remove(&pair);
        }
        self.ended(pair, ending, at_millis);
    }

    /// Notes that a comparison was given up.
    pub(super) fn given_up(&mut self, pair: Pair, reason: String, at_millis: u64) {
        self.ended(pair, Ending::GivenUp { reason }, at_millis);
    }

    fn ended(&mut self, (peer, group): Pair, ending: Ending, at_millis: u64) {
        if let Some(running) = self.running.get_mut(&group) {
            running.retain(|one| one.peer != peer);
            if running.is_empty() {
                self.running.remove(&group);
            }
        }
        self.show_lacking(&group);
        self.metrics.ended(ending.name());
        self.last.insert(group, Last { peer, at_millis, ending });
    }

    /// Whether the ordered hashes are to be compared with a peer.
    pub(super) fn order_is_due(&self, pair: &Pair, now: Instant) -> bool {
        self.ordered_due.get(pair).is_none_or(|due| now >= *due)
    }

    /// Notes what comparing the ordered hashes found, where it was tried.
    pub(super) fn order_checked(&mut self, pair: Pair, same: Option<bool>, now: Instant) {
        make_room(&mut self.ordered_due, &pair);
        let pause = if same.is_some() { BETWEEN_ORDERED_CHECKS } else { ORDERED_CHECK_AGAIN };
        self.ordered_due.insert(pair, now + pause);
        if let Some(same) = same {
            self.metrics.order_checked(same);
        }
    }

    /// How the comparisons of a group stand.
    pub(super) fn of_group(&self, group: &GroupId) -> GroupComparisons {
        let unsettled = self.unsettled.iter().filter(|((_, of), _)| of == group);
        GroupComparisons {
            running: self.running.get(group).cloned().unwrap_or_default(),
            waiting: self.waiting.iter().filter(|(_, of)| of == group).count(),
            last: self.last.get(group).cloned(),
            unsettled: unsettled
                .filter(|(_, one)| one.times >= TIMES_UNSETTLED)
                .map(|((peer, _), one)| (*peer, one.clone()))
                .collect(),
        }
    }

    /// How many entries of all groups are known to be lacking, as far as they are being fetched.
    pub(super) fn lacking(&self) -> usize {
        self.running.keys().map(|group| self.lacking_of(group)).fold(0, usize::saturating_add)
    }

    fn lacking_of(&self, group: &GroupId) -> usize {
        let running = self.running.get(group).into_iter().flatten();
        running.map(|one| one.lacking).max().unwrap_or(0)
    }

    fn show_lacking(&self, group: &GroupId) {
        self.metrics.lacking(group, self.lacking_of(group));
    }
}

/// Forgets what is remembered of all pairs where there is no room for one more.
fn make_room<T>(remembered: &mut BTreeMap<Pair, T>, pair: &Pair) {
    if remembered.len() >= MAX_REMEMBERED && !remembered.contains_key(pair) {
        remembered.clear();
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::identity::SecretKey;

    use super::*;

    fn pair(peer: u8, group: u8) -> Pair {
        let key = SecretKey::from_seed(&[peer; 32]).public();
        (key, GroupId::from_bytes([group; GroupId::LENGTH]))
    }

    #[test]
    fn one_of_a_group_at_a_time_for_as_long_as_it_brings_something() {
        let (mut all, start) = (Comparisons::default(), Instant::now());
        for wanted in [pair(1, 1), pair(2, 1), pair(3, 1), pair(1, 2)] {
            assert!(all.add(wanted) && !all.add(wanted));
        }
        assert_eq!(all.next(start), Some(pair(1, 1)));
        assert_eq!(all.next(start), Some(pair(1, 2)), "another group does not wait");
        assert_eq!(all.next(start), None);
        assert_eq!(all.of_group(&pair(1, 1).1).waiting, 2);
        let second = Duration::from_secs(1);
        all.is_answered(pair(1, 1), start + 4 * second);
        all.moves(pair(1, 1), start + 50 * second);
        all.is_answered(pair(1, 1), start + 90 * second);
        all.is_at(pair(1, 1), (1_000, 9_000));
        let running = all.of_group(&pair(1, 1).1).running;
        assert_eq!((running[0].received, running[0].lacking), (1_000, 9_000));
        assert_eq!(all.next(start + 109 * second), None);
        assert_eq!(all.next(start + 111 * second), Some(pair(2, 1)), "the first brings nothing");
        assert!(!all.is_stuck(pair(1, 1), start + 640 * second));
        assert!(all.is_stuck(pair(1, 1), start + 651 * second));
        all.given_up(pair(1, 1), "stuck".into(), 0);
        assert_eq!(all.next(start + 115 * second), None);
        assert_eq!(all.next(start + 116 * second), Some(pair(3, 1)), "the second is silent");
        all.ends(pair(2, 1), &Found::default(), &Taken::default(), 0);
        all.ends(pair(3, 1), &Found::default(), &Taken::default(), 0);
        assert!(all.of_group(&pair(1, 1).1).running.is_empty());
    }

    #[test]
    fn no_more_wait_than_there_is_room_for() {
        let mut all = Comparisons::default();
        let group = |number: usize| {
            let mut id = [0; GroupId::LENGTH];
            id[..8].copy_from_slice(&number.to_be_bytes());
            GroupId::from_bytes(id)
        };
        let peer = pair(1, 1).0;
        assert!((0..MAX_WAITING).all(|number| all.add((peer, group(number)))));
        assert!(!all.add((peer, group(MAX_WAITING))));
    }

    #[test]
    fn a_difference_counts_as_unsettled_when_it_lasts() {
        let mut all = Comparisons::default();
        let (found, refused) = (Found::default(), Taken { refused: 2, ..Taken::default() });
        all.ends(pair(1, 1), &found, &refused, 10);
        assert!(all.of_group(&pair(1, 1).1).unsettled.is_empty(), "it may have been a coincidence");
        all.given_up(pair(1, 1), "no answer".into(), 15);
        all.ends(pair(1, 1), &Found { not_given: 3, ..found }, &refused, 20);
        let unsettled = all.of_group(&pair(1, 1).1).unsettled;
        assert_eq!(unsettled.len(), 1);
        let Unsettled { since_millis, times, refused, not_given } = unsettled[0].1;
        assert_eq!((since_millis, times, refused, not_given), (10, 2, 2, 3));
        let mut registry = Registry::default();
        all.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("staffroom_unsettled_total{reason=\"refused\"} 4"), "{text}");
        assert!(text.contains("staffroom_unsettled_total{reason=\"not_given\"} 3"), "{text}");
        // What only waits is no such difference.
        let aside = Taken { held_aside: 2, ..Taken::default() };
        all.ends(pair(1, 1), &found, &aside, 30);
        assert_eq!(
            all.of_group(&pair(1, 1).1).last.unwrap().ending,
            Ending::HeldAside { entries: 2 }
        );
        assert!(all.of_group(&pair(1, 1).1).unsettled.is_empty());
    }

    #[test]
    fn sets_are_the_same_only_where_their_order_is() {
        let same = Found { same: true, ..Found::default() };
        assert_eq!(Ending::of(&same, &Taken::default()), Ending::Same);
        let found = Found { ordered: Some(false), received: 1, ..same };
        assert_eq!(Ending::of(&found, &Taken::default()), Ending::Complete { received: 1 });
    }

    #[test]
    fn the_order_is_checked_once_a_day_with_each_peer() {
        let (mut all, start) = (Comparisons::default(), Instant::now());
        let hour = Duration::from_secs(60 * 60);
        assert!(all.order_is_due(&pair(1, 1), start));
        all.order_checked(pair(1, 1), Some(true), start);
        assert!(!all.order_is_due(&pair(1, 1), start + 23 * hour));
        assert!(all.order_is_due(&pair(1, 1), start + 24 * hour));
        assert!(all.order_is_due(&pair(2, 1), start));
        all.order_checked(pair(2, 1), None, start);
        assert!(!all.order_is_due(&pair(2, 1), start));
        assert!(all.order_is_due(&pair(2, 1), start + hour), "a set had changed meanwhile");
    }
}
