//! What other schools' clocks say of this one's. A node whose clock is ahead would publish what
//! everyone else holds aside; it refuses to, and says by how much.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::limits::MAX_CLOCK_AHEAD_MILLIS;
use utoipa::ToSchema;

use crate::ago::span;
use crate::clock::now_millis;
use crate::node::Node;

/// How long a reading counts; members are asked far more often.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// The longest that a question and its answer may take for the reading in it to count: the answer was
/// made at some moment within.
const LONGEST_ROUND_TRIP: Duration = Duration::from_secs(10);

/// Differences that are said: time synchronisation keeps clocks within a second, and a minute does
/// nobody harm.
const WORTH_SAYING_MILLIS: u64 = 60_000;

/// How many other schools it takes to keep this one from publishing. Of two clocks that differ
/// nobody knows which one is right.
const FEWEST_TO_REFUSE: usize = 2;

/// A clock, as it was read: it is taken to run on at the pace of this machine.
#[derive(Debug, Clone, Copy)]
struct Reading {
    millis: u64,
    at: Instant,
}

/// The latest reading of each school's clock.
#[derive(Debug, Default)]
pub(crate) struct PeerClocks(Mutex<BTreeMap<SchoolId, Reading>>);

impl PeerClocks {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<SchoolId, Reading>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes the clock of a school as its answer said, that was asked for and came at these moments.
    pub(crate) fn note(&self, school: SchoolId, millis: u64, asked: Instant, came: Instant) {
        let took = came.saturating_duration_since(asked);
        if took <= LONGEST_ROUND_TRIP {
            let half = u64::try_from(took.as_millis() / 2).unwrap_or(0);
            let mut readings = self.lock();
            readings.retain(|_, one| came.saturating_duration_since(one.at) <= FRESH);
            readings.insert(school, Reading { millis: millis.saturating_add(half), at: came });
        }
    }

    /// How far this node's clock is ahead of each of these schools' that was read lately, in
    /// milliseconds.
    fn ahead_of(
        &self,
        schools: impl IntoIterator<Item = SchoolId>,
        now_millis: u64,
        now: Instant,
    ) -> Vec<(i64, SchoolId)> {
        let readings = self.lock();
        let ahead = |school: SchoolId| {
            let reading = readings.get(&school)?;
            let since = now.saturating_duration_since(reading.at);
            let passed = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
            let theirs = i128::from(reading.millis.saturating_add(passed));
            let ahead = i128::from(now_millis) - theirs;
            let ahead = ahead.clamp(i64::MIN.into(), i64::MAX.into());
            (since <= FRESH).then_some((i64::try_from(ahead).ok()?, school))
        };
        let mut ahead: Vec<(i64, SchoolId)> = schools.into_iter().filter_map(ahead).collect();
        ahead.sort_unstable();
        ahead
    }
}

/// By how much more than half of the schools say that the clock is ahead, or behind; 0 where they do
/// not agree on which. `ahead` is sorted. So with one school it is what that school says, with two
/// what both say, and with more a single one moves it nowhere.
fn agreed(ahead: &[(i64, SchoolId)]) -> i64 {
    let most = ahead.len() / 2 + 1;
    let at_least = ahead.len().checked_sub(most).map_or(0, |place| ahead[place].0);
    let at_most = ahead.get(most - 1).map_or(0, |one| one.0);
    if at_least > 0 { at_least } else { at_most.min(0) }
}

/// Whether a clock that is ahead by so much, as so many schools were asked, keeps this one from
/// publishing: the others would hold aside what it makes.
fn stops_publishing(ahead_millis: i64, asked: usize) -> bool {
    let too_far = u64::try_from(ahead_millis).is_ok_and(|ahead| ahead > MAX_CLOCK_AHEAD_MILLIS);
    too_far && asked >= FEWEST_TO_REFUSE
}

/// How this node's clock stands against those of a group's other schools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockReport {
    /// By how much more than half of the schools asked say that this node's clock is ahead, in
    /// milliseconds; less than 0 where it is behind.
    pub ahead_millis: i64,
    /// How many schools' clocks were asked.
    pub asked: usize,
    /// The names of those that say so.
    pub schools: Vec<String>,
    /// Whether nothing is published in the group until the clock is right.
    pub stops_publishing: bool,
}

impl ClockReport {
    /// Whether what the others publish is from the future here.
    pub fn holds_others_aside(&self) -> bool {
        self.ahead_millis < 0 && self.ahead_millis.unsigned_abs() > MAX_CLOCK_AHEAD_MILLIS
    }

    /// What is wrong with the clock, in a sentence; none where nothing is worth saying.
    pub fn sentence(&self) -> Option<String> {
        let by = self.ahead_millis.unsigned_abs();
        if by < WORTH_SAYING_MILLIS {
            return None;
        }
        let (way, whose) =
            (if self.ahead_millis > 0 { "ahead of" } else { "behind" }, &self.schools);
        let named = match whose.as_slice() {
            [one] => format!("the clock of {one}"),
            [one, two] => format!("the clocks of {one} and {two}"),
            [one, two, rest @ ..] => {
                format!("the clocks of {one}, {two} and {} more schools", rest.len())
            }
            [] => "the other schools' clocks".to_owned(),
        };
        // To the nearest minute, so that a day less a second is a day.
        let by = (by + WORTH_SAYING_MILLIS / 2) / WORTH_SAYING_MILLIS * WORTH_SAYING_MILLIS;
        let mut said = format!("this server's clock is {} {way} {named}", span(by));
        if self.asked == 1 {
            said.push_str("; one of the two is wrong, so check this server's");
        }
        Some(said)
    }
}

/// Why nothing can be published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}; other schools of {group:?} would not show the record until then. Set the server's date and time right (turn on its time synchronisation) and publish again; nothing else needs to be done", report.sentence().unwrap_or_default()
)]
pub struct ClockAhead {
    /// The group's name.
    pub group: String,
    /// By how much, and who says so.
    pub report: ClockReport,
}

impl Node {
    /// How this node's clock stands in a group; none where no other school's was read lately.
    pub(crate) fn clock_in(&self, group: &GroupId) -> Option<ClockReport> {
        let own = self.identity().school();
        let names = crate::records::school_names(self, group);
        let others = self
            .with_membership(group, |set| {
                let schools = set.roster().current().map(|(school, _)| school);
                schools.filter(|school| *school != own).collect::<Vec<_>>()
            })
            .unwrap_or_default();
        let ahead = self.peer_clocks().ahead_of(others, now_millis(), Instant::now());
        if ahead.is_empty() {
            return None;
        }
        let agreed = agreed(&ahead);
        let says_so = |one: &&(i64, SchoolId)| {
            one.0.signum() == agreed.signum() && one.0.unsigned_abs() >= agreed.unsigned_abs()
        };
        let schools = ahead.iter().filter(says_so).filter_map(|(_, school)| names.get(school));
        Some(ClockReport {
            ahead_millis: agreed,
            asked: ahead.len(),
            schools: schools.cloned().collect(),
            stops_publishing: stops_publishing(agreed, ahead.len()),
        })
    }

    /// The time for what must reach a group whatever this clock says: where nothing could be
    /// published, the one that the other schools agree on.
    pub(crate) fn agreed_millis(&self, group: &GroupId) -> u64 {
        let ahead = self.clock_in(group).filter(|report| report.stops_publishing);
        now_millis().saturating_sub(ahead.map_or(0, |report| report.ahead_millis.unsigned_abs()))
    }

    /// Refuses to publish in a group whose schools would hold it aside.
    ///
    /// # Errors
    /// [`ClockAhead`] says by how much, and against which schools.
    pub(crate) fn check_clock(&self, group: &GroupId) -> Result<(), ClockAhead> {
        match self.clock_in(group).filter(|report| report.stops_publishing) {
            None => Ok(()),
            Some(report) => {
                let group = self.group_names().remove(group).unwrap_or_else(|| group.short());
                Err(ClockAhead { group, report })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn school(number: u8) -> SchoolId {
        SchoolId::from_bytes([number; SchoolId::LENGTH])
    }

    fn agreed_of(ahead: &[i64]) -> i64 {
        let mut ahead: Vec<_> = ahead.iter().map(|one| (*one, school(1))).collect();
        ahead.sort_unstable();
        agreed(&ahead)
    }

    #[test]
    fn it_takes_more_than_half_of_the_schools() {
        assert_eq!(agreed_of(&[]), 0);
        assert_eq!(agreed_of(&[500]), 500);
        assert_eq!(agreed_of(&[-500]), -500);
        assert_eq!(agreed_of(&[500, 0]), 0, "one of two moves it nowhere");
        assert_eq!(agreed_of(&[500, 300]), 300);
        assert_eq!(agreed_of(&[-500, -300]), -300);
        assert_eq!(agreed_of(&[i64::MAX, 0, 1]), 1);
        assert_eq!(agreed_of(&[i64::MIN, 0, -1]), -1);
        assert_eq!(agreed_of(&[900, 900, 0, 0]), 0);
        assert_eq!(agreed_of(&[900, 800, 700, 0]), 700);
        assert_eq!(agreed_of(&[900, -900, 0]), 0);
    }

    #[test]
    fn one_school_stops_nobody_and_neither_do_ten_minutes_or_a_clock_that_is_behind() {
        const MINUTE: i64 = 60_000;
        assert!(stops_publishing(11 * MINUTE, 2));
        assert!(!stops_publishing(11 * MINUTE, 1));
        assert!(!stops_publishing(10 * MINUTE, 5));
        assert!(!stops_publishing(-11 * MINUTE, 5));
    }

    #[test]
    fn a_clock_is_taken_to_run_on_and_to_be_forgotten() {
        let (clocks, start) = (PeerClocks::default(), Instant::now());
        let second = Duration::from_secs(1);
        let came = start + 2 * second;
        clocks.note(school(1), 1_000_000, start, came);
        // The answer was made half way, a second before it came.
        assert_eq!(clocks.ahead_of([school(1)], 1_001_000, came), [(0, school(1))]);
        let later = came + 60 * second;
        assert_eq!(clocks.ahead_of([school(1)], 1_061_500, later), [(500, school(1))]);
        // This machine's clock is put right, and the same reading says so.
        assert_eq!(clocks.ahead_of([school(1)], 1_060_000, later), [(-1_000, school(1))]);
        assert_eq!(clocks.ahead_of([school(2)], 1_061_000, later), []);
        clocks.note(school(2), u64::MAX, later, later);
        assert_eq!(clocks.ahead_of([school(2)], 0, later), [(i64::MIN, school(2))]);
        clocks.note(school(3), 5, start, start + 11 * second);
        assert_eq!(clocks.ahead_of([school(3)], 5, later), [], "it took too long");
        let much_later = came + FRESH + second;
        assert_eq!(clocks.ahead_of([school(1)], 1_061_500, much_later), []);
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let report = |ahead_millis, schools: &[&str]| ClockReport {
            ahead_millis,
            asked: schools.len(),
            schools: schools.iter().map(|name| (*name).to_owned()).collect(),
            stops_publishing: false,
        };
        assert_eq!(report(59_999, &["Ash"]).sentence(), None);
        let said = report(86_399_000, &["Ash", "Beech"]).sentence();
        let expected = "this server's clock is 1 day ahead of the clocks of Ash and Beech";
        assert_eq!(said.as_deref(), Some(expected));
        let said = report(-7_200_000, &["Ash"]).sentence().unwrap();
        assert!(
            said.starts_with("this server's clock is 2 hours behind the clock of Ash;"),
            "{said}"
        );
    }
}
