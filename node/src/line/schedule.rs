//! When school is: hours of some days of the week, in the school's own time zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, ZonedDateTime};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The days of the week as they are written, in order.
const DAYS: [(Weekday, &str); 7] = [
    (Weekday::Monday, "Mon"),
    (Weekday::Tuesday, "Tue"),
    (Weekday::Wednesday, "Wed"),
    (Weekday::Thursday, "Thu"),
    (Weekday::Friday, "Fri"),
    (Weekday::Saturday, "Sat"),
    (Weekday::Sunday, "Sun"),
];

/// School hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Schedule {
    /// The time zone of the school.
    #[schema(value_type = String, example = "Europe/London")]
    pub zone: Zone,
    /// The days on which school hours begin.
    #[schema(value_type = String, example = "Mon-Fri")]
    pub days: Days,
    /// From when to when.
    #[schema(value_type = String, example = "08:30-16:00")]
    pub hours: Hours,
}

impl Default for Schedule {
    /// Half past eight to four on weekdays, in England.
    fn default() -> Self {
        let mut days = Days([true; 7]);
        (days.0[5], days.0[6]) = (false, false);
        let hours = Hours { from: Time::constant(8, 30, 0, 0), to: Time::constant(16, 0, 0, 0) };
        // London is in the database that is compiled in.
        let zone = TimeZone::get("Europe/London").unwrap_or(TimeZone::UTC);
        Self { zone: Zone(zone), days, hours }
    }
}

impl Schedule {
    /// Whether a moment is within school hours.
    pub fn is_within(&self, moment: Timestamp) -> bool {
        let here = moment.to_zoned_datetime(self.zone.0.clone());
        let (time, Hours { from, to }) = (here.time(), self.hours);
        let (begins, began) = (here.weekday(), here.weekday().previous());
        if from < to {
            return self.days.have(begins) && (from..to).contains(&time);
        }
        // Over midnight they belong to the day on which they begin.
        (self.days.have(begins) && time >= from) || (self.days.have(began) && time < to)
    }

    /// When school hours next begin or end.
    pub fn next_change(&self, moment: Timestamp) -> Option<ZonedDateTime> {
        let zone = &self.zone.0;
        let (today, within) =
            (moment.to_zoned_datetime(zone.clone()).date(), self.is_within(moment));
        let ends =
            (0..=7_i64).filter_map(|day| today.checked_add(day.days()).ok()).flat_map(|date| {
                [self.hours.from, self.hours.to]
                    .map(|time| date.to_datetime(time).to_zoned_datetime(zone.clone()))
            });
        // Where the clocks jump over an end, it is where they jump.
        let jump = zone.following(moment).next().map(|jump| jump.timestamp());
        let moments = ends.filter_map(|end| end.ok().map(|end| end.timestamp())).chain(jump);
        moments
            .filter(|next| *next > moment && self.is_within(*next) != within)
            .min()
            .map(|next| next.to_zoned_datetime(zone.clone()))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ({})", self.days, self.hours, self.zone)
    }
}

/// A time zone by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(TimeZone);

impl Zone {
    pub(crate) fn time_zone(&self) -> TimeZone {
        self.0.clone()
    }
}

impl FromStr for Zone {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        match TimeZone::get(text) {
            Ok(zone) if zone.iana_name().is_some() => Ok(Self(zone)),
            Ok(_) | Err(_) => Err(ScheduleError::Zone(text.to_owned())),
        }
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.iana_name().unwrap_or("UTC"))
    }
}

/// Days of the week, one at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Days([bool; 7]);

impl Days {
    fn have(self, day: Weekday) -> bool {
        DAYS.iter().zip(self.0).any(|((one, _), has)| has && *one == day)
    }
}

impl FromStr for Days {
    type Err = ScheduleError;

    /// Reads days (`Mon,Wed`) and runs of days (`Mon-Fri`), in any mixture.
    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let place = |name: &str| {
            let is = |(_, day): &(Weekday, &str)| day.eq_ignore_ascii_case(name.trim());
            DAYS.iter().position(is).ok_or_else(|| ScheduleError::Day(name.trim().to_owned()))
        };
        let mut days = Self([false; 7]);
        for part in text.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (mut day, last) = (place(first)?, place(last)?);
            days.0[day] = true;
            while day != last {
                day = (day + 1) % DAYS.len();
                days.0[day] = true;
            }
        }
        Ok(days)
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let mut day = 0;
        while day < DAYS.len() {
            let run = self.0[day..].iter().take_while(|has| **has).count();
            match run {
                0 => {}
                1 => parts.push(DAYS[day].1.to_owned()),
                _ => parts.push(format!("{}-{}", DAYS[day].1, DAYS[day + run - 1].1)),
            }
            day += run.max(1);
        }
        f.write_str(&parts.join(","))
    }
}

/// From one time of day to another; to one that is earlier, over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    from: Time,
    to: Time,
}

impl FromStr for Hours {
    type Err = ScheduleError;

    fn from_str(text: &str) -> Result<Self, ScheduleError> {
        let hours = || ScheduleError::Hours(text.to_owned());
        let (from, to) = text.split_once('-').ok_or_else(hours)?;
        let (from, to) = (time(from.trim())?, time(to.trim())?);
        if from == to {
            return Err(ScheduleError::NoHours(text.to_owned()));
        }
        Ok(Self { from, to })
    }
}

fn time(text: &str) -> Result<Time, ScheduleError> {
    let read = || {
        let (hour, minute) = text.split_once(':')?;
        let two = |digits: &str| {
            let whole = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|_| whole)
        };
        Time::new(two(hour)?, two(minute)?, 0, 0).ok()
    };
    read().ok_or_else(|| ScheduleError::Time(text.to_owned()))
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from.strftime("%H:%M"), self.to.strftime("%H:%M"))
    }
}

/// Gives a type that is stored as it is written the conversions for that.
macro_rules! as_written {
    ($($type:ty),+) => {$(
        impl TryFrom<String> for $type {
            type Error = ScheduleError;

            fn try_from(text: String) -> Result<Self, ScheduleError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }
    )+};
}

as_written!(Zone, Days, Hours);

/// What of a schedule cannot be understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// There is no such time zone.
    #[error("{0:?} is not a time zone; write its name, as in Europe/London")]
    Zone(String),
    /// There is no such day.
    #[error(
        "{0:?} is not a day of the week; write Mon, Tue, Wed, Thu, Fri, Sat or Sun, as in Mon-Fri or Mon,Wed"
    )]
    Day(String),
    /// There is no such time.
    #[error("{0} is not a time of day; write hours and minutes, as in 08:30")]
    Time(String),
    /// Those are not two times.
    #[error("{0:?} are not school hours; write from when to when, as in 08:30-16:00")]
    Hours(String),
    /// They end when they begin.
    #[error("{0} begins and ends at the same time; give two different times, as in 08:30-16:00")]
    NoHours(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(days: &str, hours: &str) -> Schedule {
        let (days, hours) = (days.parse().unwrap(), hours.parse().unwrap());
        Schedule { days, hours, ..Schedule::default() }
    }

    fn within(schedule: &Schedule, moment: &str) -> bool {
        schedule.is_within(moment.parse().unwrap())
    }

    fn next(schedule: &Schedule, moment: &str) -> String {
        schedule.next_change(moment.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn school_hours_follow_the_clocks_of_the_school() {
        let schedule = Schedule::default();
        // In winter London's time is UTC, in summer an hour ahead.
        assert!(!within(&schedule, "2026-01-14T08:29:59Z"));
        assert!(within(&schedule, "2026-01-14T08:30:00Z"));
        assert!(within(&schedule, "2026-01-14T15:59:59Z"));
        assert!(!within(&schedule, "2026-01-14T16:00:00Z"));
        assert!(within(&schedule, "2026-07-15T07:30:00Z"));
        assert!(!within(&schedule, "2026-07-15T15:00:00Z"));
        let in_new_york = Schedule { zone: "America/New_York".parse().unwrap(), ..schedule };
        assert!(!within(&in_new_york, "2026-01-14T08:30:00Z"));
        assert!(within(&in_new_york, "2026-01-14T13:30:00Z"));
    }

    #[test]
    fn the_weekend_is_free_and_the_next_change_is_on_monday() {
        let schedule = Schedule::default();
        assert!(!within(&schedule, "2026-03-28T12:00:00Z"));
        assert!(!within(&schedule, "2026-03-29T12:00:00Z"));
        // The clocks go forward in the night to Sunday 29 March.
        assert_eq!(
            next(&schedule, "2026-03-27T16:00:00Z"),
            "2026-03-30T08:30:00+01:00[Europe/London]"
        );
        assert_eq!(
            next(&schedule, "2026-03-27T09:00:00Z"),
            "2026-03-27T16:00:00+00:00[Europe/London]"
        );
    }

    #[test]
    fn hours_over_midnight_belong_to_the_day_on_which_they_begin() {
        let boarding = schedule("Fri", "21:30-06:00");
        assert!(!within(&boarding, "2026-01-16T05:00:00Z"), "Friday morning");
        assert!(within(&boarding, "2026-01-16T21:30:00Z"), "Friday night");
        assert!(within(&boarding, "2026-01-17T05:59:00Z"), "Saturday morning");
        assert!(!within(&boarding, "2026-01-17T22:00:00Z"), "Saturday night");
        assert_eq!(
            next(&boarding, "2026-01-16T23:00:00Z"),
            "2026-01-17T06:00:00+00:00[Europe/London]"
        );
    }

    #[test]
    fn hours_that_begin_in_an_hour_that_is_skipped_begin_where_the_clocks_jump() {
        let nightly = schedule("Mon-Sun", "01:30-05:00");
        let jump = "2026-03-29T01:00:00Z";
        assert!(!within(&nightly, "2026-03-29T00:59:59Z"));
        assert!(within(&nightly, jump), "it is 02:00 then");
        assert_eq!(
            next(&nightly, "2026-03-29T00:00:00Z"),
            "2026-03-29T02:00:00+01:00[Europe/London]"
        );
    }

    #[test]
    fn a_schedule_is_read_as_it_is_written() {
        for (days, shown) in [
            ("mon-fri", "Mon-Fri"),
            ("Mon, wed ,FRI-sat", "Mon,Wed,Fri-Sat"),
            ("Sat-Mon", "Mon,Sat-Sun"),
        ] {
            let days: Days = days.parse().unwrap();
            assert_eq!(days.to_string(), shown);
            assert_eq!(shown.parse(), Ok(days));
        }
        let schedule = schedule("Mon-Thu", "07:00 - 18:05");
        assert_eq!(schedule.to_string(), "Mon-Thu 07:00-18:05 (Europe/London)");
        let json = serde_json::to_string(&schedule).unwrap();
        assert_eq!(json, r#"{"zone":"Europe/London","days":"Mon-Thu","hours":"07:00-18:05"}"#);
        assert_eq!(serde_json::from_str::<Schedule>(&json).unwrap(), schedule);
    }

    #[test]
    fn what_is_wrong_is_named_with_the_rule() {
        let hours = |text: &str| text.parse::<Hours>().unwrap_err().to_string();
        assert_eq!(
            hours("08:75-16:00"),
            "08:75 is not a time of day; write hours and minutes, as in 08:30"
        );
        for text in ["8:30-16:00", "08:30-24:00", "08:30-", "+8:30-16:00"] {
            assert!(hours(text).contains("is not a time of day"), "{text}");
        }
        assert!(hours("all day").contains("\"all day\" are not school hours"));
        assert!(hours("08:30-08:30").contains("begins and ends at the same time"));
        let day = "Mon-Fry".parse::<Days>().unwrap_err().to_string();
        assert!(day.contains("\"Fry\" is not a day of the week"), "{day}");
        let zone = "Europe/Lundon".parse::<Zone>().unwrap_err().to_string();
        assert!(zone.contains("\"Europe/Lundon\" is not a time zone"), "{zone}");
    }
}
