//! Who of the staff is told by e-mail each week what is new, and up to where they were.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::looked::Since;
use super::name::UserName;
use super::{People, PeopleError, person};

/// That a person is told each week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wanted {
    /// The e-mail address.
    pub(crate) address: String,
    /// The store whose position follows: that of another says nothing.
    store: [u8; 16],
    /// What had come when the person was told last, or asked for it.
    told: Since,
}

impl Wanted {
    pub(crate) fn new(address: String, store: [u8; 16], now: Since) -> Self {
        Self { address, store, told: now }
    }

    /// The same once the person was told what had come by now.
    pub(crate) fn told(&self, store: [u8; 16], now: Since) -> Self {
        Self::new(self.address.clone(), store, now)
    }

    /// When the person was told last, or asked for it.
    pub(crate) fn sent(&self) -> Timestamp {
        self.told.when
    }

    /// What had come by then to this store.
    pub(crate) fn position(&self, store: [u8; 16]) -> Option<u64> {
        (self.store == store).then_some(self.told.position)
    }
}

impl People {
    /// Tells a person each week from now on.
    ///
    /// # Errors
    /// [`PeopleError`] if nobody has the name, or the file cannot be written.
    pub(crate) fn tell_weekly(&self, name: &UserName, wanted: Wanted) -> Result<(), PeopleError> {
        self.change(|kept| {
            person(kept, name)?.weekly = Some(wanted);
            Ok(())
        })
    }

    /// Tells a person no longer.
    ///
    /// # Errors
    /// [`PeopleError`] if nobody has the name, or the file cannot be written.
    pub(crate) fn tell_no_longer(&self, name: &UserName) -> Result<(), PeopleError> {
        self.change(|kept| {
            person(kept, name)?.weekly = None;
            Ok(())
        })
    }

    /// Everybody who is told each week: who may not read any more is not.
    pub(crate) fn weekly(&self) -> Vec<(UserName, Wanted)> {
        let kept = self.lock();
        let people = kept.people.iter().filter(|(_, one)| !one.disabled && !one.roles.is_empty());
        people.filter_map(|(name, one)| Some((name.clone(), one.weekly.clone()?))).collect()
    }

    /// Notes up to where a person is told, unless that person has said no in the meantime or given
    /// another address.
    ///
    /// # Errors
    /// [`PeopleError`] if nobody has the name, or the file cannot be written.
    pub(crate) fn was_told(&self, name: &UserName, told: Wanted) -> Result<(), PeopleError> {
        self.change(|kept| {
            let weekly = &mut person(kept, name)?.weekly;
            if weekly.as_ref().is_some_and(|now| now.address == told.address) {
                *weekly = Some(told);
            }
            Ok(())
        })
    }
}
