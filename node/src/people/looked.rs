//! Up to where a person has seen what came from other schools: for "since you last looked".

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::name::UserName;
use super::{People, PeopleError, person};

/// After so long without a look, the next one is another visit: longer than a lesson, so that whoever is
/// called away finds what was new still marked, and shorter than a morning.
const PAUSE: Duration = Duration::from_secs(90 * 60);

/// How often a look is written down, at most, while a visit goes on.
const BETWEEN_WRITES: Duration = Duration::from_secs(5 * 60);

/// What a person has seen, as positions of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Looked {
    /// The store whose positions these are: those of another say nothing.
    store: [u8; 16],
    /// Where the visit before this one ended; none on the first.
    before: Option<Since>,
    /// The latest look.
    last: Since,
}

/// What had come when somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Since {
    /// The position of the store.
    pub(crate) position: u64,
    pub(crate) when: Timestamp,
}

impl Looked {
    fn first(store: [u8; 16], now: Since) -> Self {
        Self { store, before: None, last: now }
    }

    /// The same after another look.
    fn again(&self, store: [u8; 16], now: Since) -> Self {
        if self.store != store {
            return Self::first(store, now);
        }
        let pause = self.last.when.duration_until(now.when).unsigned_abs();
        if pause >= PAUSE {
            Self { store, before: Some(self.last), last: now }
        } else if pause >= BETWEEN_WRITES {
            Self { last: now, ..self.clone() }
        } else {
            self.clone()
        }
    }
}

impl People {
    /// Notes that a person looks at what is new, and returns what had come when that person looked last,
    /// at another visit.
    ///
    /// # Errors
    /// [`PeopleError`] if nobody has the name, or the file cannot be written.
    pub(crate) fn looks(
        &self,
        name: &UserName,
        store: [u8; 16],
        now: Since,
    ) -> Result<Option<Since>, PeopleError> {
        let known = self.get(name).ok_or_else(|| PeopleError::Unknown(name.to_string()))?.looked;
        let looked = known
            .as_ref()
            .map_or_else(|| Looked::first(store, now), |looked| looked.again(store, now));
        let before = looked.before;
        if known.as_ref() != Some(&looked) {
            self.change(|kept| {
                person(kept, name)?.looked = Some(looked);
                Ok(())
            })?;
        }
        Ok(before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STORE: [u8; 16] = [1; 16];

    fn at(minute: i64, position: u64) -> Since {
        Since { position, when: Timestamp::from_second(minute * 60).unwrap() }
    }

    #[test]
    fn a_visit_after_a_pause_moves_the_mark_and_no_reload_does() {
        let first = Looked::first(STORE, at(0, 10));
        assert_eq!(first.before, None);
        let reloaded = first.again(STORE, at(4, 12));
        assert_eq!(reloaded, first, "not worth writing down");
        let goes_on = first.again(STORE, at(60, 14));
        assert_eq!((goes_on.before, goes_on.last), (None, at(60, 14)));
        // An hour and a half after the last look, however long the visit was.
        assert_eq!(goes_on.again(STORE, at(149, 20)).before, None);
        let next = goes_on.again(STORE, at(150, 20));
        assert_eq!((next.before, next.last), (Some(at(60, 14)), at(150, 20)));
        assert_eq!(next.again(STORE, at(160, 30)).before, Some(at(60, 14)));
        // A store that was made again counts from its beginning.
        let other = next.again([2; 16], at(400, 3));
        assert_eq!(other, Looked::first([2; 16], at(400, 3)));
        // A clock that was put back by a little is no pause.
        assert_eq!(next.again(STORE, at(149, 21)).before, Some(at(60, 14)));
    }
}
