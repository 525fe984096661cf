//! Sign-ins that were begun and are waiting for people to come back from the provider.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use openidconnect::{CsrfToken, Nonce, PkceCodeVerifier, RedirectUrl};

use crate::people::{SecretHash, UserName};

/// How long somebody may take at the provider: to find the telephone that shows the second factor.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 60);

/// How many may be under way: more than a school has staff. Each takes less than a kilobyte.
const MOST: usize = 5_000;

/// What somebody wants who goes to the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To sign in.
    SignIn {
        /// On a computer that nobody else uses.
        own_computer: bool,
        /// Where to go on to.
        to: String,
    },
    /// To sign in with that account as well, from now on.
    Link {
        /// Who.
        person: UserName,
        /// In which session: the person must still be the same afterwards.
        session: SecretHash,
    },
    /// To use a link of an administrator with that account, in place of setting a password.
    Invited {
        /// The secret of the link.
        link: String,
        /// On a computer that nobody else uses.
        own_computer: bool,
    },
}

/// One sign-in that was begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) purpose: Purpose,
    pub(super) state: CsrfToken,
    pub(super) nonce: Nonce,
    pub(super) verifier: PkceCodeVerifier,
    pub(super) redirect: RedirectUrl,
    pub(super) at: Instant,
}

impl Begun {
    fn has_ended(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.at) >= LONGEST
    }

    /// Compared by their hashes, so that the time taken says nothing of where two differ.
    fn has_state(&self, state: &str) -> bool {
        blake3::hash(self.state.secret().as_bytes()) == blake3::hash(state.as_bytes())
    }
}

/// All of them, by what the browser's cookie holds. They are not kept across restarts.
#[derive(Debug, Default)]
pub(super) struct Waiting(Mutex<BTreeMap<SecretHash, Begun>>);

impl Waiting {
    /// Adds one. Where there are too many, the one begun first makes room.
    pub(super) fn add(&self, browser: SecretHash, begun: Begun) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = begun.at;
        waiting.retain(|_, one| !one.has_ended(now));
        if waiting.len() >= MOST {
            let first = waiting.iter().min_by_key(|(_, one)| one.at).map(|(hash, _)| hash.clone());
            first.map(|hash| waiting.remove(&hash));
        }
        waiting.insert(browser, begun);
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Takes the one of a browser, once, if it came back with the state that it was sent away with.
    pub(super) fn take(&self, browser: &SecretHash, state: &str, now: Instant) -> Option<Begun> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.get(browser).filter(|begun| !begun.has_ended(now) && begun.has_state(state))?;
        waiting.remove(browser)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(number: usize) -> SecretHash {
        serde_json::from_value(format!("{number:064x}").into()).unwrap()
    }

    fn begun(state: &str, at: Instant) -> Begun {
        Begun {
            purpose: Purpose::SignIn { own_computer: false, to: String::new() },
            state: CsrfToken::new(state.to_owned()),
            nonce: Nonce::new("nonce".to_owned()),
            verifier: PkceCodeVerifier::new("verifier".to_owned()),
            redirect: RedirectUrl::new("http://127.0.0.1/".to_owned()).unwrap(),
            at,
        }
    }

    #[test]
    fn what_was_begun_is_taken_once_by_its_browser_with_its_state_and_in_time() {
        let (waiting, start) = (Waiting::default(), Instant::now());
        waiting.add(browser(1), begun("one", start));
        waiting.add(browser(2), begun("two", start));
        assert!(waiting.take(&browser(1), "two", start).is_none());
        assert!(waiting.take(&browser(3), "one", start).is_none());
        assert!(waiting.take(&browser(1), "one", start + LONGEST / 2).is_some());
        assert!(waiting.take(&browser(1), "one", start).is_none(), "it was taken");
        assert!(waiting.take(&browser(2), "two", start + LONGEST).is_none(), "it is too late");
    }

    #[test]
    fn the_first_of_too_many_makes_room() {
        let (waiting, start) = (Waiting::default(), Instant::now());
        for number in 0..=MOST {
            let at = start + Duration::from_millis(number as u64);
            waiting.add(browser(number), begun("state", at));
        }
        let now = start + Duration::from_millis(MOST as u64);
        assert!(waiting.take(&browser(0), "state", now).is_none());
        assert!(waiting.take(&browser(1), "state", now).is_some());
        assert_eq!(waiting.0.lock().unwrap().len(), MOST - 1);
    }
}
