//! Dates as people write them.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::civil::Date;
use regex::{Captures, Regex};

use super::pattern;

// A letter may run into the first digit, as in "DOB03/03/2014"; another digit may not.
static DAY_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)(?:\b|[a-z])([0-9]{1,2}) ?([-/.]) ?([0-9]{1,2}) ?[-/.] ?([0-9]{4}|[0-9]{2})\b")
});

static YEAR_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)(?:\b|[a-z])((?:19|20)[0-9]{2}) ?[-/.] ?([0-9]{1,2}) ?[-/.] ?([0-9]{1,2})(?:\b|t)",
    )
});

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const MONTH: &str = concat!(
    "(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?",
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
);

static NAMED_MONTH: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i-u)(?:\b|[a-z])([0-9]{{1,2}})(?: ?(?:st|nd|rd|th))?[ .,/\n-]{{0,3}}(?:of )?{MONTH}[ .,/'\n-]{{0,3}}([0-9]{{4}}|[0-9]{{2}})\b"
    ))
});

static MONTH_FIRST: LazyLock<Regex> = LazyLock::new(|| {
    pattern(&format!(
        r"(?i-u)\b{MONTH}[ .\n-]{{1,3}}([0-9]{{1,2}})(?: ?(?:st|nd|rd|th))?[ .,/'\n-]{{1,3}}([0-9]{{4}})\b"
    ))
});

static RUN: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?-u)^[ \t\n:=.,;(*|-]{0,8}([0-9]{2}) ?([0-9]{2}) ?((?:19|20)?[0-9]{2})\b")
});

/// A date in a text, with what it may mean.
pub(super) struct WrittenDate {
    pub(super) range: Range<usize>,
    /// Read as British people write it, and as Americans do where only that makes a date.
    pub(super) date: Date,
    /// Whether it is a date wherever it stands: "3.3.14" may be the number of a section.
    pub(super) is_unmistakable: bool,
}

/// The dates in a text, in no order. `today` tells the century of a year of two digits.
pub(super) fn find(text: &str, today: Date) -> Vec<WrittenDate> {
    let mut dates = Vec::new();
    dates.extend(DAY_FIRST.captures_iter(text).filter_map(|parts| {
        let unmistakable = parts[4].len() == 4 || &parts[2] == "/";
        numeric(&parts, (1, 4), [&parts[4], &parts[3], &parts[1]], unmistakable, today)
    }));
    dates.extend(YEAR_FIRST.captures_iter(text).filter_map(|parts| {
        numeric(&parts, (1, 3), [&parts[1], &parts[2], &parts[3]], true, today)
    }));
    dates.extend(
        NAMED_MONTH
            .captures_iter(text)
            .filter_map(|parts| named(&parts, (1, 3), [&parts[3], &parts[2], &parts[1]], today)),
    );
    dates.extend(
        MONTH_FIRST
            .captures_iter(text)
            .filter_map(|parts| named(&parts, (1, 3), [&parts[3], &parts[1], &parts[2]], today)),
    );
    dates
}

/// Six or eight digits right after `from`, which are a date only because of what stands before.
pub(super) fn run_after(text: &str, from: usize, today: Date) -> Option<WrittenDate> {
    let parts = RUN.captures(&text[from..])?;
    let mut written = numeric(&parts, (1, 3), [&parts[3], &parts[2], &parts[1]], false, today)?;
    written.range = written.range.start + from..written.range.end + from;
    Some(written)
}

/// The date that a cell or field holds and nothing else.
pub(super) fn exactly(text: &str, today: Date) -> Option<WrittenDate> {
    find(text, today)
        .into_iter()
        .chain(run_after(text, 0, today))
        .find(|written| written.range == (0..text.len()))
}

fn numeric(
    parts: &Captures<'_>,
    groups: (usize, usize),
    [year, month, day]: [&str; 3],
    is_unmistakable: bool,
    today: Date,
) -> Option<WrittenDate> {
    let year = full_year(year, today)?;
    let (month, day) = (month.parse().ok()?, day.parse().ok()?);
    let date = Date::new(year, month, day).or_else(|_| Date::new(year, day, month)).ok()?;
    Some(WrittenDate { range: range(parts, groups)?, date, is_unmistakable })
}

fn named(
    parts: &Captures<'_>,
    groups: (usize, usize),
    [year, month, day]: [&str; 3],
    today: Date,
) -> Option<WrittenDate> {
    let month = month.get(..3)?;
    let month = MONTHS.iter().zip(1..).find(|(name, _)| month.eq_ignore_ascii_case(name))?.1;
    let date = Date::new(full_year(year, today)?, month, day.parse().ok()?).ok()?;
    let is_unmistakable = year.len() == 4;
    Some(WrittenDate { range: range(parts, groups)?, date, is_unmistakable })
}

fn range(parts: &Captures<'_>, (first, last): (usize, usize)) -> Option<Range<usize>> {
    Some(parts.get(first)?.start()..parts.get(last)?.end())
}

/// A year of two digits is this century's unless that would be in the future.
fn full_year(year: &str, today: Date) -> Option<i16> {
    let number: i16 = year.parse().ok()?;
    Some(match year.len() {
        2 if number <= today.year() % 100 => 2000 + number,
        2 => 1900 + number,
        _ => number,
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn read(text: &str) -> Vec<Date> {
        let dates = find(text, date(2025, 11, 24));
        dates.into_iter().map(|written| written.date).collect()
    }

    #[test]
    fn reads_the_ways_of_writing_a_date() {
        for text in [
            "3/4/2014",
            "03.04.14",
            "03 - 04 - 2014",
            "2014/04/03",
            "2014-4-3",
            "3 April 2014",
            "3rd of April, 2014",
            "3-Apr-14",
            "3apr2014",
            "3 APRIL '14",
            "April 3, 2014",
            "Apr. 3rd 2014",
        ] {
            assert_eq!(read(text), [date(2014, 4, 3)], "{text}");
        }
        assert_eq!(read("4/13/2014"), [date(2014, 4, 13)]);
        assert_eq!(read("3/4/26"), [date(1926, 4, 3)]);
    }

    #[test]
    fn other_figures_are_no_dates() {
        for text in ["2024/25", "33/13/2014", "3 marbles 2014 times", "3/4", "1203/04/2014"] {
            assert_eq!(read(text), [], "{text}");
        }
    }

    #[test]
    fn a_cell_is_a_date_or_is_not() {
        let today = date(2025, 11, 24);
        assert!(exactly("03/04/2014", today).is_some());
        assert!(exactly("03042014", today).is_some());
        assert!(exactly("on 03/04/2014", today).is_none());
        assert!(exactly("34", today).is_none());
    }
}
