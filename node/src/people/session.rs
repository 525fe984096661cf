//! Who is signed in, and for how long.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::name::UserName;
use super::secret::{Secret, SecretHash};
use crate::home::{HomeError, write_private};

/// How long a session on a shared computer lasts without use, and at most: a lesson's break, and a
/// school day.
const SHARED: Limits =
    Limits { idle: Duration::from_secs(30 * 60), whole: Duration::from_secs(12 * 60 * 60) };

/// And on a person's own computer: a week off, and a month.
const OWN: Limits = Limits {
    idle: Duration::from_secs(7 * 24 * 60 * 60),
    whole: Duration::from_secs(30 * 24 * 60 * 60),
};

/// Sessions of one person: more than anybody has computers and telephones.
const A_PERSON: usize = 20;

/// Sessions in all: of the staff of a large school, several each.
const ALL: usize = 5_000;

/// How often it is written down, at most, that sessions were used: after a power cut, one may end this
/// much too early.
const BETWEEN_WRITES: Duration = Duration::from_secs(60);

/// How long a session lasts.
#[derive(Debug, Clone, Copy)]
struct Limits {
    /// Without use.
    idle: Duration,
    /// However much it is used.
    whole: Duration,
}

/// Somebody who is signed in, at one computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Session {
    pub(crate) person: UserName,
    /// On a computer that nobody else uses.
    pub(crate) own_computer: bool,
    pub(crate) started: Timestamp,
    pub(crate) used: Timestamp,
    /// From where it was last used.
    pub(crate) address: IpAddr,
}

impl Session {
    fn has_ended(&self, now: Timestamp) -> bool {
        let limits = if self.own_computer { OWN } else { SHARED };
        since(self.used, now) >= limits.idle || since(self.started, now) >= limits.whole
    }
}

/// How long a browser keeps the cookie of a session on a person's own computer.
pub(crate) const LONGEST: Duration = OWN.whole;

/// Everybody who is signed in, in a file of the data directory.
#[derive(Debug)]
pub(crate) struct Sessions {
    path: PathBuf,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    sessions: BTreeMap<SecretHash, Session>,
    written: Option<Timestamp>,
}

impl Sessions {
    /// Reads who was signed in. Where the file is damaged, everybody signs in again.
    pub(super) fn open(path: PathBuf) -> Self {
        let sessions = read(&path);
        Self { path, kept: Mutex::new(Kept { sessions, written: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs a person in. The one who has used nothing for longest makes room where there are too many.
    pub(super) fn start(
        &self,
        person: UserName,
        own_computer: bool,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<Secret, HomeError> {
        let secret = Secret::new()?;
        let mut kept = self.lock();
        kept.sessions.retain(|_, session| !session.has_ended(now));
        let own = |session: &Session| session.person == person;
        if kept.sessions.values().filter(|session| own(session)).count() >= A_PERSON {
            kept.end_least_used(own);
        }
        if kept.sessions.len() >= ALL {
            kept.end_least_used(|_| true);
        }
        let session = Session { person, own_computer, started: now, used: now, address };
        kept.sessions.insert(secret.hash(), session);
        self.write(&mut kept, now)?;
        Ok(secret)
    }

    /// The session of a cookie, which is used by that; none if there is none or it has ended.
    pub(crate) fn use_one(
        &self,
        secret: &str,
        address: IpAddr,
        now: Timestamp,
    ) -> Option<(SecretHash, Session)> {
        let hash = SecretHash::of(secret);
        let mut kept = self.lock();
        let session = kept.sessions.get_mut(&hash)?;
        if session.has_ended(now) {
            kept.sessions.remove(&hash);
            return None;
        }
        (session.used, session.address) = (now.max(session.used), address);
        let session = session.clone();
        if kept.written.is_none_or(|written| since(written, now) >= BETWEEN_WRITES) {
            self.write_or_warn(&mut kept, now);
        }
        Some((hash, session))
    }

    /// The sessions of a person, the one used last first.
    pub(crate) fn of(&self, person: &UserName, now: Timestamp) -> Vec<(SecretHash, Session)> {
        let kept = self.lock();
        let own = kept.sessions.iter().filter(|(_, one)| one.person == *person);
        let live = own.filter(|(_, one)| !one.has_ended(now));
        let mut own: Vec<_> = live.map(|(hash, one)| (hash.clone(), one.clone())).collect();
        own.sort_by_key(|(_, one)| std::cmp::Reverse(one.used));
        own
    }

    /// Ends one session.
    pub(crate) fn end(&self, hash: &SecretHash, now: Timestamp) {
        self.end_where(now, |one, _| one == hash);
    }

    /// Ends all sessions of a person.
    pub(crate) fn end_all(&self, person: &UserName, now: Timestamp) {
        self.end_where(now, |_, session| session.person == *person);
    }

    fn end_where(&self, now: Timestamp, ends: impl Fn(&SecretHash, &Session) -> bool) {
        let mut kept = self.lock();
        kept.sessions.retain(|hash, session| !ends(hash, session));
        self.write_or_warn(&mut kept, now);
    }

    /// Writes down when each was last used.
    pub(super) fn keep(&self, now: Timestamp) {
        let mut kept = self.lock();
        if !kept.sessions.is_empty() {
            self.write_or_warn(&mut kept, now);
        }
    }

    fn write(&self, kept: &mut Kept, now: Timestamp) -> Result<(), HomeError> {
        kept.written = Some(now);
        let bytes = serde_json::to_vec_pretty(&kept.sessions)
            .map_err(|error| HomeError::File { path: self.path.clone(), error: error.into() })?;
        write_private(&self.path, &bytes)
    }

    /// A session that ended has ended in this process; one that was not written down ends by its limits.
    fn write_or_warn(&self, kept: &mut Kept, now: Timestamp) {
        if let Err(error) = self.write(kept, now) {
            tracing::error!(%error, "who is signed in could not be written down");
        }
    }
}

impl Kept {
    fn end_least_used(&mut self, of: impl Fn(&Session) -> bool) {
        let candidates = self.sessions.iter().filter(|(_, session)| of(session));
        let least = candidates.min_by_key(|(_, session)| session.used);
        if let Some(hash) = least.map(|(hash, _)| hash.clone()) {
            self.sessions.remove(&hash);
        }
    }
}

fn read(path: &Path) -> BTreeMap<SecretHash, Session> {
    let Ok(bytes) = std::fs::read(path) else { return BTreeMap::new() };
    serde_json::from_slice(&bytes).unwrap_or_else(|error| {
        tracing::error!(path = %path.display(), %error, "everybody has to sign in again");
        BTreeMap::new()
    })
}

/// How long ago something was; no time at all where the clock was set back.
fn since(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(then)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_790_000_000 + minutes * 60).unwrap()
    }

    fn person(name: &str) -> UserName {
        name.parse().unwrap()
    }

    fn sessions() -> (tempfile::TempDir, Sessions) {
        let folder = tempfile::tempdir().unwrap();
        let sessions = Sessions::open(folder.path().join("sessions.json"));
        (folder, sessions)
    }

    #[test]
    fn a_session_ends_after_half_an_hour_without_use_and_after_twelve_hours() {
        let (_folder, sessions) = sessions();
        let start = || sessions.start(person("head"), false, HERE, at(0)).unwrap();
        let is_live = |secret: &Secret, minutes| {
            sessions.use_one(secret.as_str(), HERE, at(minutes)).is_some()
        };
        let unused = start();
        assert!(is_live(&unused, 29) && is_live(&unused, 58) && !is_live(&unused, 88));
        let busy = start();
        assert!((0..12 * 3).all(|third| is_live(&busy, third * 20)));
        assert!(!is_live(&busy, 12 * 60));
        assert!(!is_live(&busy, 1), "it is gone, whatever the clock says later");
    }

    #[test]
    fn on_a_persons_own_computer_it_lasts_a_week_without_use_and_a_month() {
        const DAY: i64 = 24 * 60;
        let (_folder, sessions) = sessions();
        let start = || sessions.start(person("head"), true, HERE, at(0)).unwrap();
        let is_live = |secret: &Secret, minutes| {
            sessions.use_one(secret.as_str(), HERE, at(minutes)).is_some()
        };
        let unused = start();
        assert!(is_live(&unused, 7 * DAY - 1) && !is_live(&unused, 14 * DAY));
        let busy = start();
        assert!((0..5).all(|part| is_live(&busy, part * 6 * DAY)) && !is_live(&busy, 30 * DAY));
    }

    #[test]
    fn sessions_outlive_the_process_and_their_secrets_are_nowhere_on_the_disk() {
        let (folder, sessions) = sessions();
        let path = folder.path().join("sessions.json");
        let secret = sessions.start(person("head"), false, HERE, at(0)).unwrap();
        let file = std::fs::read_to_string(&path).unwrap();
        assert!(file.contains("head") && !file.contains(secret.as_str()));
        let again = Sessions::open(path.clone());
        let (hash, session) = again.use_one(secret.as_str(), HERE, at(1)).unwrap();
        assert_eq!(session.person, person("head"));
        assert!(again.use_one(file.trim(), HERE, at(1)).is_none());
        again.end(&hash, at(1));
        assert!(Sessions::open(path).use_one(secret.as_str(), HERE, at(1)).is_none());
    }

    #[test]
    fn there_are_so_many_in_all_and_the_least_used_ends_first() {
        let (_folder, sessions) = sessions();
        let first = sessions.start(person("first"), true, HERE, at(0)).unwrap();
        let session = |number: usize| Session {
            person: person(&format!("person{number}")),
            own_computer: true,
            started: at(1),
            used: at(1),
            address: HERE,
        };
        let others = (1..ALL).map(|number| (SecretHash::of(&number.to_string()), session(number)));
        sessions.lock().sessions.extend(others);
        assert_eq!(sessions.lock().sessions.len(), ALL);
        let last = sessions.start(person("last"), true, HERE, at(2)).unwrap();
        assert_eq!(sessions.lock().sessions.len(), ALL);
        assert!(sessions.use_one(first.as_str(), HERE, at(2)).is_none());
        assert!(sessions.use_one(last.as_str(), HERE, at(2)).is_some());
    }

    #[test]
    fn a_person_has_twenty_at_most_and_the_least_used_ends_first() {
        let (_folder, sessions) = sessions();
        let start =
            |name: &str, minute| sessions.start(person(name), true, HERE, at(minute)).unwrap();
        let other = start("other", 0);
        let first = start("head", 0);
        let second = start("head", 1);
        for minute in 2..20 {
            start("head", minute);
        }
        sessions.use_one(first.as_str(), HERE, at(21)).unwrap();
        start("head", 22);
        assert_eq!(sessions.of(&person("head"), at(22)).len(), A_PERSON);
        assert!(sessions.use_one(second.as_str(), HERE, at(22)).is_none());
        assert!(sessions.use_one(first.as_str(), HERE, at(22)).is_some());
        sessions.end_all(&person("head"), at(23));
        assert!(sessions.use_one(first.as_str(), HERE, at(23)).is_none());
        assert!(sessions.use_one(other.as_str(), HERE, at(23)).is_some());
    }
}
