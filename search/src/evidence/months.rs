//! Effects on attainment as months of progress, by the tables of the Education Endowment Foundation.
//!
//! The tables are a data file with a version, so that they can be corrected without touching code.

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::Interval;

/// Which table turns an effect into months.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MonthsTable {
    /// For the pooled result of several schools: the table of the Teaching and Learning Toolkit.
    Toolkit,
    /// For the result of one school: the table that reports of single trials use.
    Trial,
}

/// Months of progress beside what pupils make otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Months {
    /// From -12 to 12; below 0 is less progress than expected, not a step back.
    pub months: i8,
    /// The table ends: 12 stands for 12 or more, and -12 likewise.
    pub or_more: bool,
}

/// The months of an effect on attainment in a controlled comparison, as Hedges' g where plus is
/// better. None where the interval includes 0, and where g or the interval is no number: it is then
/// not clear that there is any difference.
pub fn months(effect: &Interval, table: MonthsTable) -> Option<Months> {
    let clear = effect.low > 0.0 || effect.high < 0.0;
    if !clear || !effect.estimate.is_finite() {
        return None;
    }
    let bounds = match table {
        MonthsTable::Toolkit => &DATA.toolkit.from,
        MonthsTable::Trial => &DATA.trial.from,
    };
    // Compared in whole hundredths, as the tables are for effects of two decimals.
    let hundredths = |number: f64| (number * 100.0).round();
    let size = hundredths(effect.estimate.abs());
    let reached = bounds.iter().filter(|bound| hundredths(**bound) <= size).count();
    let count = i8::try_from(reached.saturating_sub(1)).unwrap_or(i8::MAX);
    let months = if effect.estimate < 0.0 { -count } else { count };
    Some(Months { months, or_more: reached == bounds.len() })
}

/// The version of the tables, to be shown with what they say.
pub fn months_version() -> &'static str {
    &DATA.version
}

impl fmt::Display for Months {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.months.unsigned_abs();
        let direction = if self.months < 0 { "less" } else { "more" };
        match (count, self.or_more) {
            (0, _) => f.write_str("less than a month of difference"),
            (_, true) => write!(f, "{count} or more months' {direction} progress"),
            (1, false) => write!(f, "1 month's {direction} progress"),
            (_, false) => write!(f, "{count} months' {direction} progress"),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: String,
    toolkit: Table,
    trial: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    #[serde(rename = "source")]
    _source: String,
    /// The smallest effect of 0 months, of 1 month, and so on.
    from: Vec<f64>,
}

#[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
static DATA: LazyLock<File> =
    LazyLock::new(|| read(include_str!("../../months/2021.json")).expect("valid tables"));

fn read(text: &str) -> Result<File, String> {
    let file: File = serde_json::from_str(text).map_err(|error| error.to_string())?;
    for (name, table) in [("toolkit", &file.toolkit), ("trial", &file.trial)] {
        let rises = table.from.is_sorted_by(|one, next| one < next);
        if table.from.len() != 13 || table.from.first() != Some(&0.0) || !rises {
            return Err(format!("{name} must have 13 rising effects, from 0 for 0 months"));
        }
    }
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clear(estimate: f64) -> Interval {
        Interval { estimate, low: estimate - 0.001, high: estimate + 0.001 }
    }

    fn toolkit(estimate: f64) -> i8 {
        months(&clear(estimate), MonthsTable::Toolkit).unwrap().months
    }

    #[test]
    fn every_row_of_the_toolkit_table_gives_its_months() {
        let rows = [
            (0.02, 0.09),
            (0.10, 0.18),
            (0.19, 0.26),
            (0.27, 0.35),
            (0.36, 0.44),
            (0.45, 0.52),
            (0.53, 0.61),
            (0.62, 0.69),
            (0.70, 0.78),
            (0.79, 0.87),
            (0.88, 0.95),
            (0.96, 4.0),
        ];
        for (expected, (first, last)) in (1..).zip(rows) {
            assert_eq!((toolkit(first), toolkit(last)), (expected, expected), "{first} to {last}");
            assert_eq!((toolkit(-first), toolkit(-last)), (-expected, -expected));
        }
        assert_eq!((toolkit(0.002), toolkit(0.014)), (0, 0));
        // Two decimals decide: 0.094 is 0.09 and 0.096 is 0.10.
        assert_eq!((toolkit(0.094), toolkit(0.096)), (1, 2));
    }

    #[test]
    fn one_trial_takes_more_for_its_first_month() {
        let trial = |estimate| months(&clear(estimate), MonthsTable::Trial).unwrap().months;
        assert_eq!((trial(0.04), trial(0.05), trial(0.09), trial(0.10)), (0, 1, 1, 2));
        assert_eq!((trial(-0.04), trial(-0.05), trial(0.27)), (0, -1, 4));
    }

    #[test]
    fn where_no_difference_is_clear_there_are_no_months() {
        for (estimate, low, high) in
            [(0.3, -0.01, 0.61), (0.3, 0.0, 0.6), (-0.3, -0.6, 0.0), (f64::NAN, 0.1, 0.2)]
        {
            assert_eq!(months(&Interval { estimate, low, high }, MonthsTable::Trial), None);
        }
    }

    #[test]
    fn months_are_said_in_words() {
        let said = |estimate| months(&clear(estimate), MonthsTable::Toolkit).unwrap().to_string();
        assert_eq!(said(0.01), "less than a month of difference");
        assert_eq!(said(0.05), "1 month's more progress");
        assert_eq!(said(-0.2), "3 months' less progress");
        assert_eq!(said(0.95), "11 months' more progress");
        assert_eq!(said(-1.5), "12 or more months' less progress");
    }

    #[test]
    fn a_table_that_does_not_rise_is_refused() {
        let text = include_str!("../../months/2021.json");
        assert_eq!(read(text).unwrap().version, months_version());
        let wrong = text.replacen("0.10", "0.01", 1);
        assert_eq!(
            read(&wrong).err().unwrap(),
            "toolkit must have 13 rising effects, from 0 for 0 months"
        );
    }
}
