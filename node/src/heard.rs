//! When this node last heard from each school of its groups: itself, while a node of the school was
//! connected, or through others.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::group::roster::Member;
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::HeardFrom;
use staffroom_protocol::wire;
use utoipa::ToSchema;

use crate::ago::ago;
use crate::clock::now_millis;
use crate::network::Network;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Store, StoreError, Table};

/// How long a school may be silent before people are told: a server that starts again, or a line that
/// fails for a moment, is no news.
const SILENT_MILLIS: u64 = 60 * 60 * 1000;

/// A connected node gives a sign of life four times in that time.
const BETWEEN_SIGNS_MILLIS: u64 = 60 * 1000;

/// How the keys of the rows begin in which the moments are kept; a number follows.
const ROWS: &[u8] = b"heard";

/// Schools in one row; with 90 bytes each it stays below the limit on values.
const SCHOOLS_IN_ROW: usize = 500;

/// How often the moments are kept, at most. Each time stays in the journal: for thirty schools that
/// makes 60 KB a day, and less often for many schools it stays at a few hundred.
const BETWEEN_SAVES: Duration = Duration::from_secs(60 * 60);

/// How much longer that is for each school.
const BETWEEN_SAVES_A_SCHOOL: Duration = Duration::from_secs(60);

/// When a school was last heard from, in milliseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct LastHeard {
    /// By this node itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    directly: Option<u64>,
    /// By another that said so, or by the date of an entry of the school.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    through_others: Option<u64>,
}

impl LastHeard {
    /// Both are never later than the present, whatever the clock was when they were noted.
    fn by(self, now: u64) -> Self {
        let by = |moment: Option<u64>| moment.map(|moment| moment.min(now));
        Self { directly: by(self.directly), through_others: by(self.through_others) }
    }

    fn last(&self) -> Option<u64> {
        self.directly.max(self.through_others)
    }

    /// Whether others heard from the school later, by more than the time between two signs of life
    /// of a node that is connected.
    fn is_through_others(&self) -> bool {
        let directly = self.directly.map(|moment| moment.saturating_add(BETWEEN_SIGNS_MILLIS));
        self.through_others > directly
    }
}

#[derive(Serialize, Deserialize)]
struct Row {
    school: SchoolId,
    heard: LastHeard,
}

#[derive(Debug, Default)]
struct Moments {
    schools: BTreeMap<SchoolId, LastHeard>,
    /// Whether there is something that was not kept.
    changed: bool,
    saved: Option<Instant>,
}

impl Moments {
    fn of(&self, school: &SchoolId, now: u64) -> LastHeard {
        self.schools.get(school).copied().unwrap_or_default().by(now)
    }
}

/// When schools were last heard from, kept across restarts.
#[derive(Debug, Default)]
pub(crate) struct Heard(Mutex<Moments>);

/// A school of a group, and when it was last heard from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SchoolHeard {
    /// The school.
    pub school: SchoolId,
    /// Its name.
    pub name: String,
    /// Whether a node of it is connected.
    pub connected: bool,
    /// When this node last heard from it, itself or through others; none if never.
    pub last_heard: Option<String>,
    /// How long ago that was, in seconds.
    pub seconds_ago: Option<u64>,
    /// Whether that is what others say or the date of a record of the school, and this node itself
    /// heard from it earlier or never.
    pub through_others: bool,
}

impl SchoolHeard {
    /// Whether people are told that nothing came of it for a while.
    pub(crate) fn is_silent(&self) -> bool {
        is_silence(self.seconds_ago)
    }

    /// "was last heard from on Tuesday 18 November, 3 days ago", to stand behind its name.
    pub fn sentence(&self) -> String {
        let Some(seconds) = self.seconds_ago else {
            return "has not been heard from yet".to_owned();
        };
        let now = now_millis();
        let when = ago(now.saturating_sub(seconds.saturating_mul(1_000)), now);
        let how = if self.through_others { ", through other schools" } else { "" };
        format!("was last heard from {when}{how}")
    }
}

fn is_silence(seconds_ago: Option<u64>) -> bool {
    seconds_ago.is_none_or(|seconds| seconds >= SILENT_MILLIS / 1_000)
}

impl Heard {
    /// Reads what was kept.
    pub(crate) fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let mut schools = BTreeMap::new();
        for (key, value) in store.local_scan(Table::Peers, ROWS)? {
            if key.len() == ROWS.len() + size_of::<u16>() {
                let rows: Vec<Row> =
                    wire::decode(&value, MAX_LOCAL_VALUE_BYTES).unwrap_or_default();
                schools.extend(rows.into_iter().map(|row| (row.school, row.heard)));
            }
        }
        Ok(Self(Mutex::new(Moments { schools, ..Moments::default() })))
    }

    fn lock(&self) -> MutexGuard<'_, Moments> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_directly(&self, school: SchoolId, now: u64) {
        let mut moments = self.lock();
        moments.schools.entry(school).or_default().directly = Some(now);
        moments.changed = true;
    }

    fn note_through_others(&self, school: SchoolId, moment: u64, now: u64) {
        let mut moments = self.lock();
        let heard = moments.schools.entry(school).or_default();
        let moment = Some(moment.min(now));
        if heard.by(now).through_others < moment {
            heard.through_others = moment;
            moments.changed = true;
        }
    }

    fn of(&self, school: &SchoolId, now: u64) -> LastHeard {
        self.lock().of(school, now)
    }

    /// Whether it is time to keep the moments.
    fn is_due(&self, now: Instant) -> bool {
        let mut moments = self.lock();
        let schools = u32::try_from(moments.schools.len()).unwrap_or(u32::MAX);
        let pause = BETWEEN_SAVES + BETWEEN_SAVES_A_SCHOOL.saturating_mul(schools);
        let since = *moments.saved.get_or_insert(now);
        moments.changed && now.saturating_duration_since(since) >= pause
    }

    /// The rows of these schools, where something has changed; the others are forgotten.
    fn rows(&self, members: &BTreeSet<SchoolId>, now: Instant) -> Option<Vec<Change>> {
        let mut moments = self.lock();
        moments.saved = Some(now);
        if !std::mem::take(&mut moments.changed) {
            return None;
        }
        moments.schools.retain(|school, _| members.contains(school));
        let rows: Vec<Row> = moments
            .schools
            .iter()
            .map(|(school, heard)| Row { school: *school, heard: *heard })
            .collect();
        let changes = rows.chunks(SCHOOLS_IN_ROW).zip(0_u16..).map(|(rows, number)| {
            let key = [ROWS, &number.to_be_bytes()].concat();
            Change::Local { table: Table::Peers, key, value: Some(wire::encode(&rows)) }
        });
        Some(changes.collect())
    }
}

impl Node {
    /// Notes that a node was heard: it connected, or it answered.
    pub(crate) fn heard_from(&self, peer: &PublicKey) {
        for group in self.group_ids() {
            let school = self.with_membership(&group, |set| set.roster().school_of(peer)).flatten();
            if let Some(school) = school {
                self.when_heard().note_directly(school, now_millis());
            }
        }
    }

    /// Notes the schools that made entries which others brought and which count.
    pub(crate) fn heard_through<'a>(&self, entries: impl IntoIterator<Item = &'a Entry>) {
        let mut newest: BTreeMap<SchoolId, Timestamp> = BTreeMap::new();
        for entry in entries {
            let clock = newest.entry(entry.author()).or_default();
            *clock = entry.clock().max(*clock);
        }
        for (school, clock) in newest {
            self.when_heard().note_through_others(school, clock.millis(), now_millis());
        }
    }

    /// Notes what a member says of when it heard from others of a group.
    pub(crate) fn heard_that(&self, group: &GroupId, said: &[HeardFrom]) {
        let (now, own) = (now_millis(), self.identity().school());
        for HeardFrom { school, seconds_ago } in said {
            let member = |set: &Membership| set.roster().member(school).is_some();
            // An age that reaches back before 1970 is none.
            let moment = seconds_ago.checked_mul(1_000).and_then(|age| now.checked_sub(age));
            if let Some(moment) = moment
                && *school != own
                && self.with_membership(group, member) == Some(true)
            {
                self.when_heard().note_through_others(*school, moment, now);
            }
        }
    }

    /// When this node itself last heard from each other member of a group, in milliseconds since
    /// 1970, where it did.
    pub(crate) fn heard_directly(&self, group: &GroupId) -> BTreeMap<SchoolId, u64> {
        let (now, own) = (now_millis(), self.identity().school());
        let heard = |school: SchoolId| Some((school, self.when_heard().of(&school, now).directly?));
        self.with_membership(group, |set| {
            let others = set.roster().current().filter(|(school, _)| *school != own);
            others.filter_map(|(school, _)| heard(school)).collect()
        })
        .unwrap_or_default()
    }

    /// When each other member of a group was last heard from, the longest silence first.
    pub(crate) fn last_heard(&self, group: &GroupId) -> Vec<SchoolHeard> {
        self.heard_where(group, |_| true)
    }

    /// The other members of a group that were not heard from for a while, the longest silence first.
    pub(crate) fn silent_members(&self, group: &GroupId) -> Vec<SchoolHeard> {
        self.heard_where(group, is_silence)
    }

    fn heard_where(
        &self,
        group: &GroupId,
        wanted: impl Fn(Option<u64>) -> bool,
    ) -> Vec<SchoolHeard> {
        let (now, own) = (now_millis(), self.identity().school());
        let connected = self.network().map(Network::connected).unwrap_or_default();
        let one = |moments: &Moments, school: SchoolId, member: &Member| {
            let heard = moments.of(&school, now);
            let last = heard.last();
            let seconds_ago = last.map(|last| (now - last) / 1_000);
            wanted(seconds_ago).then(|| SchoolHeard {
                school,
                name: member.claims.name.clone(),
                connected: member.nodes.iter().any(|key| connected.contains_key(key)),
                last_heard: last.map(|last| Timestamp::from_millis(last).to_string()),
                seconds_ago,
                through_others: heard.is_through_others(),
            })
        };
        let mut heard: Vec<SchoolHeard> = self
            .with_membership(group, |set| {
                let moments = self.when_heard().lock();
                let others = set.roster().current().filter(|(school, _)| *school != own);
                others.filter_map(|(school, member)| one(&moments, school, member)).collect()
            })
            .unwrap_or_default();
        heard.sort_by(|one, other| {
            let silence = |one: &SchoolHeard| one.seconds_ago.unwrap_or(u64::MAX);
            silence(other).cmp(&silence(one)).then_with(|| one.name.cmp(&other.name))
        });
        heard
    }

    /// Keeps the moments where it is time to.
    pub(crate) fn keep_heard_if_due(&self) {
        if self.when_heard().is_due(Instant::now()) {
            self.keep_heard();
        }
    }

    /// Keeps the moments of the schools that are members.
    pub(crate) fn keep_heard(&self) {
        let groups = self.read_groups();
        let members: BTreeSet<SchoolId> = groups
            .values()
            .flat_map(|set| set.roster().current().map(|(school, _)| school))
            .collect();
        drop(groups);
        let Some(rows) = self.when_heard().rows(&members, Instant::now()) else { return };
        if let Err(error) = self.store().apply(rows) {
            tracing::warn!(%error, "when schools were last heard from was not kept");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 60 * 60 * 1000;

    fn school(number: u16) -> SchoolId {
        let mut id = [0; SchoolId::LENGTH];
        id[..2].copy_from_slice(&number.to_be_bytes());
        SchoolId::from_bytes(id)
    }

    #[test]
    fn no_moment_is_later_than_the_present() {
        let (heard, now) = (Heard::default(), 100 * HOUR);
        heard.note_through_others(school(1), now + HOUR, now);
        assert_eq!(heard.of(&school(1), now).last(), Some(now));
        heard.note_through_others(school(1), now - HOUR, now);
        assert_eq!(heard.of(&school(1), now).last(), Some(now), "the latest counts");
        // The clock was ahead when it was noted, and is put right.
        heard.note_directly(school(1), now + 24 * HOUR);
        assert_eq!(heard.of(&school(1), now).directly, Some(now));
        heard.note_directly(school(1), now);
        heard.note_through_others(school(1), now + 59_000, now + HOUR);
        assert!(!heard.of(&school(1), now + HOUR).is_through_others());
        heard.note_through_others(school(1), now + HOUR, now + HOUR);
        assert!(heard.of(&school(1), now + HOUR).is_through_others());
        assert_eq!(heard.of(&school(1), now + HOUR).through_others, Some(now + HOUR));
    }

    #[test]
    fn is_kept_seldom_and_without_those_that_are_members_no_more() {
        let (heard, start) = (Heard::default(), Instant::now());
        for number in 0..1_001 {
            heard.note_directly(school(number), HOUR);
        }
        assert!(!heard.is_due(start));
        assert!(!heard.is_due(start + BETWEEN_SAVES), "with many schools less often");
        let later = start + BETWEEN_SAVES + BETWEEN_SAVES_A_SCHOOL * 1_001;
        assert!(heard.is_due(later));
        let mut members: BTreeSet<SchoolId> = (0..1_001).map(school).collect();
        members.remove(&school(7));
        let rows = heard.rows(&members, later).unwrap();
        assert_eq!(rows.len(), 2);
        for row in &rows {
            let Change::Local { value: Some(value), .. } = row else { panic!("{row:?}") };
            assert!(value.len() < MAX_LOCAL_VALUE_BYTES);
        }
        assert_eq!(heard.of(&school(7), HOUR), LastHeard::default());
        assert_eq!(heard.rows(&members, later), None, "nothing has changed since");
        assert!(!heard.is_due(later + BETWEEN_SAVES * 1_000));
    }
}
