//! Dates of birth, and dates that could be one.

use std::ops::Range;
use std::sync::LazyLock;

use jiff::ToSpan;
use jiff::civil::Date;
use regex::Regex;

use super::nearness::Names;
use super::written_date::{self, WrittenDate};
use super::{Hit, Passage, Sort, pattern};

/// Older than this nobody is a pupil, not even with an education, health and care plan.
const OLDEST_PUPIL_YEARS: i32 = 25;

/// Younger than this nobody is in a school or its nursery, so a date that merely stands in one
/// sentence with "born" is another date.
const YOUNGEST_PUPIL_YEARS: i32 = 2;

/// Dates without a name warn only where they are older than this. Periods, deadlines and reviews
/// are nearly all more recent, and a warning on each would teach people to clear without looking;
/// a pupil in Reception or above was born before.
const PLAIN_DATE_YEARS: i32 = 3;

/// "The date of birth that we have on the register for the child is …".
const NEAR: usize = 60;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\b(?:d\.?o\.?b\.?|dates?[ -]?of[ -]?birth|birth[ -]?(?:dates?|days?)|date[ -]born|born)",
    )
});

/// What may stand between the name and its date.
static JOINS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r#"(?i-u)^(?:[ \t\n:=.,;()*|'"/>-]|\b(?:on|is|was|the|of|he|she|they|when|day|her|his|their"#,
        r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|mon|tue|wed|thu|fri|sat|sun)\b)*$"
    ))
});

/// Words that make two dates, or one, the bounds of a cohort and not a birthday.
static BOUNDS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i-u)\b(?:between|before|after|from|since|until|by|up to|to)\b"));

static RANGE: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)^ *(?:-|to|until) *$"));

static LIST: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?i-u)^[ ,;&|\n]{0,4}(?:and )?$"));

static SENTENCE_END: LazyLock<Regex> = LazyLock::new(|| pattern(r"[.!?][ \n]|\n[ \t]*\n"));

/// The dates of birth in which a pupil's may be.
pub(super) struct PupilAges {
    today: Date,
}

impl PupilAges {
    pub(super) const fn on(today: Date) -> Self {
        Self { today }
    }

    fn years_ago(&self, years: i32) -> Date {
        self.today.checked_sub(years.years()).unwrap_or(Date::MIN)
    }

    /// Whether a date said to be a date of birth may be a pupil's.
    pub(super) fn include(&self, date: Date) -> bool {
        self.years_ago(OLDEST_PUPIL_YEARS) <= date && date <= self.today
    }

    fn include_by_nearness(&self, date: Date) -> bool {
        self.include(date) && date <= self.years_ago(YOUNGEST_PUPIL_YEARS)
    }

    fn include_without_name(&self, date: Date) -> bool {
        self.include(date) && date < self.years_ago(PLAIN_DATE_YEARS)
    }
}

pub(super) fn find(passage: &Passage<'_>, today: Date, hits: &mut Vec<Hit>) {
    let text = passage.text;
    let ages = PupilAges::on(today);
    let names = Names::find(&NAME, text, passage.label, is_name);
    let mut dates = written_date::find(text, today);
    for name in names.spans() {
        dates.extend(written_date::run_after(text, name.end, today));
    }
    dates.sort_by_key(|date| (date.range.start, date.range.end));
    dates.dedup_by(|later, earlier| later.range.start < earlier.range.end);
    let in_range = in_ranges(text, &dates);
    let mut last_of_list: Option<usize> = None;
    for (date, in_range) in dates.iter().zip(in_range) {
        let range = &date.range;
        let in_list = last_of_list.is_some_and(|end| LIST.is_match(&text[end..range.start]));
        let is_birth_date = if names.label_the_text() || in_list || is_joined(text, &names, range) {
            !in_range && ages.include(date.date)
        } else if is_near(text, &names, range) {
            !in_range && ages.include_by_nearness(date.date)
        } else {
            false
        };
        if is_birth_date {
            last_of_list = Some(range.end);
            hits.push(Hit { sort: Sort::BirthDate, range: range.clone() });
        } else if date.is_unmistakable && ages.include_without_name(date.date) {
            hits.push(Hit { sort: Sort::Date, range: range.clone() });
        }
    }
}

/// Whether a column or field called `heading` holds dates of birth.
pub(super) fn is_named_by(heading: &str) -> bool {
    NAME.find(heading).is_some_and(|found| is_name(heading, &found.range()))
}

/// "Dobson" and "summer-born" name no date.
fn is_name(text: &str, span: &Range<usize>) -> bool {
    let before = &text.as_bytes()[..span.start];
    let after = text.as_bytes().get(span.end);
    let season = [&b"summer "[..], b"autumn ", b"spring ", b"winter "];
    let is_compound = text[span.clone()].eq_ignore_ascii_case("born")
        && (before.ends_with(b"-")
            || season.iter().any(|season| {
                before.len() >= season.len()
                    && before[before.len() - season.len()..].eq_ignore_ascii_case(season)
            }));
    !is_compound && !after.is_some_and(u8::is_ascii_alphabetic)
}

/// For each date, whether it bounds a range such as "1 September 2013 – 31 August 2014".
fn in_ranges(text: &str, dates: &[WrittenDate]) -> Vec<bool> {
    let mut in_range = vec![false; dates.len()];
    for (index, pair) in dates.windows(2).enumerate() {
        if RANGE.is_match(&text[pair[0].range.end..pair[1].range.start]) {
            in_range[index] = true;
            in_range[index + 1] = true;
        }
    }
    in_range
}

/// Whether a name stands right before or after the date, with nothing else between.
fn is_joined(text: &str, names: &Names, date: &Range<usize>) -> bool {
    [names.before(date), names.after(date)]
        .into_iter()
        .flatten()
        .any(|gap| gap.len() <= NEAR && JOINS.is_match(&text[gap]))
}

/// Whether a name stands before the date in its sentence, and the date bounds no cohort.
fn is_near(text: &str, names: &Names, date: &Range<usize>) -> bool {
    names.before(date).is_some_and(|gap| {
        gap.len() <= NEAR
            && !SENTENCE_END.is_match(&text[gap.clone()])
            && !BOUNDS.is_match(&text[gap])
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::safeguard::fold::fold;

    fn sorts(text: &str) -> Vec<Sort> {
        let folded = fold(text);
        let mut hits = Vec::new();
        find(&Passage { text: &folded, label: None }, date(2025, 11, 24), &mut hits);
        hits.into_iter().map(|hit| hit.sort).collect()
    }

    #[test]
    fn a_date_of_birth_is_found_however_it_is_written() {
        for text in [
            "DOB 03/03/2014",
            "dob: 3.3.14",
            "D.O.B. 2014-03-03",
            "DOB03/03/2014",
            "dob_03-03-2014",
            "DOB 03 03 2014",
            "DOB 03032014",
            "DOB: 030314",
            "date of birth is 3rd March 2014",
            "Date of Birth | March 3, 2014",
            "born on Monday the 3rd of March 2014",
            "born 3\u{2011}Mar\u{2011}2014",
            "Amy, who was born in Leeds on 3 March 2014",
            "03/03/2014 (DOB)",
            "3 March 2014 is the day she was born",
            "birthday: ０３/０３/２０１４",
            "born 24/11/2025",
            "born 24/11/2000",
        ] {
            assert_eq!(sorts(text), [Sort::BirthDate], "{text}");
        }
    }

    #[test]
    fn a_list_of_dates_of_birth_is_found_to_its_end() {
        assert_eq!(sorts("DOB: 3/3/2014, 4/4/2014\n5/5/2014 and 6/6/2014"), [Sort::BirthDate; 4]);
    }

    #[test]
    fn who_is_no_pupil_may_be_born() {
        assert_eq!(sorts("Shakespeare was born on 23 April 1564"), []);
        assert_eq!(sorts("born 23/11/2000"), []);
        assert_eq!(sorts("DOB 03/03/2031"), []);
    }

    #[test]
    fn bounds_of_a_cohort_are_no_date_of_birth() {
        assert_eq!(
            sorts("children born between 1 September 2013 and 31 August 2014"),
            [Sort::Date, Sort::Date]
        );
        assert_eq!(sorts("born 1 September 2013 – 31 August 2014"), [Sort::Date, Sort::Date]);
        assert_eq!(sorts("Summer-born pupils met on 3 March 2025"), []);
        assert_eq!(sorts("children born in the UK started on 3 March 2025"), []);
    }

    #[test]
    fn plain_dates_warn_where_they_could_be_a_pupils() {
        assert_eq!(sorts("03/03/2014"), [Sort::Date]);
        assert_eq!(sorts("seen on 3 March 2014"), [Sort::Date]);
        assert_eq!(sorts("2014-03-03T10:00"), [Sort::Date]);
        for text in [
            "from 3 March 2025 to 20 July 2025",
            "review on 01/09/2026",
            "the Great Fire of 2 September 1666",
            "on 11/11/1918",
            "Year 4 in 2014/15, 12/30 and 3.5.1",
            "31/02/2014",
            "Dobson and Born moved in",
        ] {
            assert_eq!(sorts(text), [], "{text}");
        }
    }
}
