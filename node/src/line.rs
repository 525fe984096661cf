//! The line to other schools: how much may pass on it, and when. What a school's technician sets is
//! kept here; [`network`](crate::network) keeps to it.

pub(crate) mod bucket;
pub mod rate;
pub mod schedule;

use std::sync::{Arc, PoisonError, RwLock};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rate::Ceiling;
use schedule::Schedule;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::settings;
use crate::store::{Store, StoreError};

/// Under which the settings lie among those of the node.
const KEY: &[u8] = b"line";

/// What may pass in each direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct Ceilings {
    /// Of what other nodes send.
    #[schema(value_type = String, example = "none")]
    pub receiving: Ceiling,
    /// Of what this node sends.
    #[schema(value_type = String, example = "20 Mbit/s")]
    pub sending: Ceiling,
}

/// What was set.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
pub struct LineSettings {
    /// When school is.
    pub schedule: Schedule,
    /// The ceilings then.
    pub within: Ceilings,
    /// The ceilings at all other times.
    pub outside: Ceilings,
}

/// What is in force at a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InForce {
    /// What was set.
    pub settings: LineSettings,
    /// Whether it is within school hours.
    pub school_hours: bool,
    /// The ceilings.
    pub ceilings: Ceilings,
    /// Until when, as the school's clocks show it.
    pub until: Option<String>,
}

/// The settings of the line, kept across restarts. Off until something is set.
#[derive(Debug)]
pub struct Line {
    store: Arc<dyn Store>,
    settings: RwLock<Option<LineSettings>>,
}

impl Line {
    pub(crate) fn open(store: Arc<dyn Store>) -> Result<Self, StoreError> {
        let settings = settings::read(store.as_ref(), KEY, "staffroom line")?;
        Ok(Self { store, settings: RwLock::new(settings) })
    }

    /// What was set.
    pub fn settings(&self) -> Option<LineSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets it, or with none lets everything pass again.
    ///
    /// # Errors
    /// [`StoreError`] if it cannot be kept; what was set before stays in force.
    pub fn set(&self, settings: Option<LineSettings>) -> Result<(), StoreError> {
        settings::write(self.store.as_ref(), KEY, settings.as_ref())?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        Ok(())
    }

    /// The school's time zone.
    pub(crate) fn zone(&self) -> TimeZone {
        self.settings().unwrap_or_default().schedule.zone.time_zone()
    }

    /// What may pass at a moment.
    pub fn ceilings(&self, moment: Timestamp) -> Ceilings {
        let settings = self.settings.read().unwrap_or_else(PoisonError::into_inner);
        settings.as_ref().map(|settings| settings.ceilings(moment)).unwrap_or_default()
    }

    /// What is in force at a moment; none if nothing was set.
    pub fn in_force(&self, moment: Timestamp) -> Option<InForce> {
        let settings = self.settings()?;
        Some(InForce {
            school_hours: settings.schedule.is_within(moment),
            ceilings: settings.ceilings(moment),
            until: settings
                .schedule
                .next_change(moment)
                .map(|change| change.strftime("%a %H:%M").to_string()),
            settings,
        })
    }
}

impl LineSettings {
    fn ceilings(&self, moment: Timestamp) -> Ceilings {
        if self.schedule.is_within(moment) { self.within } else { self.outside }
    }
}

#[cfg(test)]
mod tests {
    use crate::store::{DiskStore, Options};

    use super::*;

    #[test]
    fn what_is_set_is_in_force_by_the_schedule_and_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let open = || -> Arc<dyn Store> {
            Arc::new(DiskStore::open(dir.path(), &Options::default(), &mut |_| {}).unwrap())
        };
        let (at_noon, in_the_evening) =
            ("2026-01-14T12:00:00Z".parse().unwrap(), "2026-01-16T18:00:00Z".parse().unwrap());
        let trickle = Ceilings { receiving: "256 kbit/s".parse().unwrap(), ..Ceilings::default() };
        let settings = LineSettings { within: trickle, ..LineSettings::default() };

        let line = Line::open(open()).unwrap();
        assert_eq!((line.ceilings(at_noon), line.in_force(at_noon)), (Ceilings::default(), None));
        line.set(Some(settings.clone())).unwrap();
        drop(line);

        let line = Line::open(open()).unwrap();
        assert_eq!(line.settings(), Some(settings));
        assert_eq!(line.ceilings(at_noon), trickle);
        assert_eq!(line.ceilings(in_the_evening), Ceilings::default());
        let in_force = line.in_force(in_the_evening).unwrap();
        assert_eq!((in_force.school_hours, in_force.until.as_deref()), (false, Some("Mon 08:30")));
        line.set(None).unwrap();
        assert_eq!(line.ceilings(at_noon), Ceilings::default());
        drop(line);
        assert_eq!(Line::open(open()).unwrap().settings(), None);
    }
}
