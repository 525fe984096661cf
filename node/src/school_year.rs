//! A school year: September to August, in England and Wales alike.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, date};
use staffroom_protocol::record::Period;

/// One school year, by the year in which it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SchoolYear(i16);

/// Records are of this century.
const YEARS: std::ops::RangeInclusive<i16> = 2000..=2099;

impl SchoolYear {
    /// The school year that a day is in.
    pub(crate) fn of(day: Date) -> Self {
        Self(if day.month() >= 9 { day.year() } else { day.year() - 1 })
    }

    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    fn first_day(self) -> Date {
        date(self.0, 9, 1)
    }

    fn last_day(self) -> Date {
        date(self.0 + 1, 8, 31)
    }

    pub(crate) fn has(self, day: Date) -> bool {
        Self::of(day) == self
    }

    /// Whether some of a time is in it; `open` is where a time ends whose last day is not known.
    pub(crate) fn touches(self, time: &Period, open: Date) -> bool {
        time.from <= self.last_day() && time.to.unwrap_or(open) >= self.first_day()
    }

    /// The year in which it begins, for an address.
    pub(crate) fn begins(self) -> i16 {
        self.0
    }
}

/// As plans write it: "2026/27".
impl fmt::Display for SchoolYear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{:02}", self.0, (self.0 + 1) % 100)
    }
}

/// There is no such school year.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no school year; write the year in which it begins, such as 2026")]
pub(crate) struct NoSuchYear(String);

impl FromStr for SchoolYear {
    type Err = NoSuchYear;

    fn from_str(text: &str) -> Result<Self, NoSuchYear> {
        let year = text.trim().parse().ok().filter(|year| YEARS.contains(year));
        year.map(Self).ok_or_else(|| NoSuchYear(text.chars().take(20).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_school_year_goes_from_september_to_august() {
        let year = SchoolYear::of(date(2026, 9, 1));
        assert_eq!((year, year.to_string()), (SchoolYear(2026), "2026/27".to_owned()));
        assert!(year.has(date(2027, 8, 31)) && !year.has(date(2026, 8, 31)));
        assert_eq!(SchoolYear::of(date(2099, 12, 1)).to_string(), "2099/00");
        let time = |from, to| Period { from, to };
        let now = date(2026, 11, 26);
        assert!(year.touches(&time(date(2026, 1, 5), Some(date(2026, 9, 1))), now));
        assert!(!year.touches(&time(date(2026, 1, 5), Some(date(2026, 8, 31))), now));
        assert!(year.touches(&time(date(2026, 1, 5), None), now), "it goes on");
        assert!(!year.next().touches(&time(date(2026, 1, 5), None), now));
        assert!(year.next().touches(&time(date(2027, 9, 1), None), date(2027, 9, 1)));
    }

    #[test]
    fn an_address_names_it_by_the_year_in_which_it_begins() {
        assert_eq!("2026".parse(), Ok(SchoolYear(2026)));
        for wrong in ["", "26", "2026/27", "1999", "99999999999"] {
            assert!(wrong.parse::<SchoolYear>().is_err(), "{wrong}");
        }
        let said = "<b>".parse::<SchoolYear>().unwrap_err().to_string();
        assert!(said.starts_with("\"<b>\" is no school year"), "{said}");
    }
}
