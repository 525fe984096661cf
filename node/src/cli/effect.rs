//! `staffroom effect`

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::{Context, bail};
use encoding_rs::Encoding;
use serde::Serialize;
use serde_json::{Map, Value};
use staffroom_protocol::record::impact_report::{Spread, hedges_g};
use staffroom_search::evidence::{
    MonthsTable, improvement_index, interval, months, months_version, variance_of_g, wwc_variance,
};

use super::output::{Output, Told, filled, table};
use crate::import::{self, Sheet, number_in};

/// Rows of one table: more than there are published comparisons of schools.
const MOST_ROWS: usize = 100_000;

/// Pupils of one group: more than a country has.
const MOST_PUPILS: f64 = 1e8;

/// The largest mean or standard deviation, up or down: no measure of pupils comes near.
const MOST_SCORE: f64 = 1e9;

/// Letters of a label that leave room for the numbers beside it on a line of 80.
const LABEL_LETTERS: usize = 22;

/// The values of one row.
const NAMES: [&str; 6] = ["n1", "mean1", "sd1", "n2", "mean2", "sd2"];

/// Work out effect sizes from group sizes, means and standard deviations, a comparison a row
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Effect {
    /// A CSV file with the columns n1, mean1, sd1 (who had the intervention), n2, mean2, sd2 (who
    /// did not)
    file: PathBuf,
    /// Take one of these values from a column of another name
    #[arg(long, value_name = "NAME=COLUMN")]
    map: Vec<ColumnOf>,
    /// A column that says which school a row is from
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The file's encoding, such as windows-1252, where it is not found
    #[arg(long, value_name = "LABEL", value_parser = import::encoding_named)]
    encoding: Option<&'static Encoding>,
}

const EXAMPLES: &str = "\
Examples:
  staffroom effect results.csv
  staffroom effect results.csv --label school --map n1=n_intervention --map n2=n_comparison";

/// Which column holds a value.
#[derive(Debug, Clone)]
struct ColumnOf {
    name: &'static str,
    column: String,
}

impl FromStr for ColumnOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, column) = text.split_once('=').unwrap_or((text, ""));
        let (name, column) = (name.trim(), column.trim());
        let known = NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name));
        match known {
            Some(name) if !column.is_empty() => Ok(Self { name, column: column.to_owned() }),
            Some(name) => Err(format!("{text:?} names no column; write {name}=COLUMN")),
            None => Err(format!("{name:?} is no value; choose from {}", NAMES.join(", "))),
        }
    }
}

/// What is worked out from a file.
#[derive(Debug, Serialize)]
struct Report {
    file: PathBuf,
    rows: Vec<EffectRow>,
    refused: Vec<RefusedRow>,
    /// Of the tables of months.
    months_version: &'static str,
}

#[derive(Debug, Serialize)]
struct EffectRow {
    row: u64,
    label: Option<String>,
    n1: u32,
    n2: u32,
    g: f64,
    variance: f64,
    /// As the What Works Clearinghouse states it.
    variance_wwc: f64,
    se: f64,
    ci_low: f64,
    ci_high: f64,
    /// None where the interval includes 0.
    months: Option<i8>,
    months_or_more: bool,
    improvement_index: f64,
}

#[derive(Debug, Serialize)]
struct RefusedRow {
    row: u64,
    reason: String,
}

impl Effect {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let report = self.report()?;
        let (answered, refused) = (report.rows.len(), report.refused.len());
        if answered + refused == 0 {
            bail!("{} has a header and no rows below it", self.file.display());
        }
        output.answer(&report, || text(&report))?;
        if refused > 0 {
            let all = answered + refused;
            return Err(Told(format!("{refused} of {all} rows have no effect; see above")).into());
        }
        Ok(())
    }

    fn report(&self) -> anyhow::Result<Report> {
        let sheet = Sheet::open(&self.file, self.encoding)?;
        let mut columns = Vec::new();
        for name in NAMES {
            let mut named = self.map.iter().filter(|map| map.name == name);
            let column = named.next().map_or(name, |map| map.column.as_str());
            if named.next().is_some() {
                bail!("--map {name} is given twice; keep one of them");
            }
            let found = sheet.column(column);
            columns.push(found.with_context(|| {
                format!("{name} needs a column; where it has another name, add --map {name}=COLUMN")
            })?);
        }
        let label = self.label.as_ref().map(|label| sheet.column(label)).transpose()?;
        let mut report = Report {
            file: self.file.clone(),
            rows: Vec::new(),
            refused: Vec::new(),
            months_version: months_version(),
        };
        for row in sheet {
            if report.rows.len() + report.refused.len() == MOST_ROWS {
                bail!("{} has more than {MOST_ROWS} rows; split it", self.file.display());
            }
            let effect = row.cells.and_then(|cells| {
                let label = label.as_ref().and_then(|label| cells.get(label)?.as_str());
                effect(row.number, label.map(str::to_owned), &cells, &columns)
            });
            match effect {
                Ok(effect) => report.rows.push(effect),
                Err(reason) => report.refused.push(RefusedRow { row: row.number, reason }),
            }
        }
        Ok(report)
    }
}

fn effect(
    row: u64,
    label: Option<String>,
    cells: &Map<String, Value>,
    columns: &[String],
) -> Result<EffectRow, String> {
    let mut values = [0.0; 6];
    for ((value, name), column) in values.iter_mut().zip(NAMES).zip(columns) {
        let called =
            if name == column { name.to_owned() } else { format!("{name} (column {column:?})") };
        *value = number_in(cells, column)?.ok_or_else(|| format!("{called} is empty"))?;
        let rule = match name {
            "n1" | "n2" if value.fract() != 0.0 || !(2.0..=MOST_PUPILS).contains(value) => {
                "must be a whole number from 2 to 100,000,000"
            }
            "sd1" | "sd2" if !(*value > 0.0 && *value <= MOST_SCORE) => {
                "must be above 0 and at most 1e9"
            }
            "mean1" | "mean2" if value.is_nan() || value.abs() > MOST_SCORE => {
                "must be a number from -1e9 to 1e9"
            }
            _ => continue,
        };
        return Err(format!("{called} is {value}; it {rule}"));
    }
    let [n1, mean1, sd1, n2, mean2, sd2] = values;
    let (n1, n2) = (n1 as u32, n2 as u32);
    let g = hedges_g((n1, Spread { mean: mean1, sd: sd1 }), (n2, Spread { mean: mean2, sd: sd2 }))
        .ok_or("the standard deviations are too small beside the means for an effect")?;
    let variance = variance_of_g(n1, n2, g, 1.0);
    let interval = interval(g, variance);
    let months = months(&interval, MonthsTable::Trial);
    Ok(EffectRow {
        row,
        label,
        n1,
        n2,
        g,
        variance,
        variance_wwc: wwc_variance(variance, n1 + n2),
        se: variance.sqrt(),
        ci_low: interval.low,
        ci_high: interval.high,
        months: months.map(|months| months.months),
        months_or_more: months.is_some_and(|months| months.or_more),
        improvement_index: improvement_index(g),
    })
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    if !report.rows.is_empty() {
        let head = ["row", "of", "g", "95 % interval", "variance", "index", "months"];
        text.push_str(&table(head, report.rows.iter().map(line)));
        text.push('\n');
        text.push_str(&filled(MEANING, ""));
        text.push('\n');
    }
    if !report.refused.is_empty() {
        text.push_str("\nRows without an effect:\n");
        for refused in &report.refused {
            text.push_str(&filled(&format!("row {}: {}", refused.row, refused.reason), "  "));
            text.push('\n');
        }
    }
    text
}

const MEANING: &str = "\
g: by how many standard deviations the mean of group 1 lies above that of group 2 (Hedges' g, \
corrected for small groups). Where less is better, turn its sign.
95 % interval: the effects that these numbers agree with. Where it includes 0, they show no clear \
difference.
variance: 1/n1 + 1/n2 + g²/(2(n1 + n2)), for pupils who were put into groups one by one; \
its root is the standard error. Whole classes make it larger.
index: improvement index, the percentile ranks by which the middle pupil of group 2 would rise with \
the scores of group 1.
months: of additional progress, for attainment alone, by the Education Endowment Foundation's table \
for single trials; a dash where no difference is clear.";

fn line(row: &EffectRow) -> [String; 7] {
    let label = row.label.as_deref().unwrap_or_default();
    let label = match label.char_indices().nth(LABEL_LETTERS) {
        None => label.to_owned(),
        Some(_) => label.chars().take(LABEL_LETTERS - 1).chain(['…']).collect(),
    };
    // An end that two decimals show as 0 may lie on either side of it.
    let decimals = if row.ci_low.abs().min(row.ci_high.abs()) < 0.005 { 3 } else { 2 };
    let months = match (row.months, row.months_or_more) {
        (None, _) => "-".to_owned(),
        (Some(0), _) => "0".to_owned(),
        (Some(months), true) => format!("{months:+} or more"),
        (Some(months), false) => format!("{months:+}"),
    };
    [
        row.row.to_string(),
        label,
        format!("{:+.3}", row.g),
        format!("{:+.decimals$} to {:+.decimals$}", row.ci_low, row.ci_high),
        if row.variance < 0.001 {
            format!("{:.1e}", row.variance)
        } else {
            format!("{:.4}", row.variance)
        },
        format!("{:+.1}", row.improvement_index),
        months,
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(cells: Value) -> Result<EffectRow, String> {
        let columns = NAMES.map(str::to_owned);
        effect(2, None, cells.as_object().unwrap(), &columns)
    }

    fn cells() -> Value {
        json!({ "n1": "50", "mean1": "103", "sd1": "5.5", "n2": "50", "mean2": "100", "sd2": "4.5" })
    }

    // Borenstein et al., Introduction to Meta-Analysis (2009), chapter 4.
    #[test]
    fn a_worked_example_comes_out() {
        let row = of(cells()).unwrap();
        assert!((row.g - 0.592_4).abs() < 5e-5 && (row.variance_wwc - 0.041_1).abs() < 5e-5);
        assert_eq!((row.months, row.months_or_more), (Some(7), false));
        assert!((row.improvement_index - 22.32).abs() < 0.01, "{}", row.improvement_index);
        assert_eq!(line(&row)[3], "+0.19 to +0.99");
    }

    #[test]
    fn a_value_that_cannot_be_is_named_with_its_rule() {
        for (name, value, reason) in [
            ("n1", "1", "n1 is 1; it must be a whole number from 2 to 100,000,000"),
            ("n2", "20.5", "n2 is 20.5; it must be a whole number from 2 to 100,000,000"),
            ("sd1", "0", "sd1 is 0; it must be above 0 and at most 1e9"),
            ("sd2", "-2", "sd2 is -2; it must be above 0 and at most 1e9"),
            ("mean1", "inf", "mean1 is inf; it must be a number from -1e9 to 1e9"),
            ("mean2", "nan", "mean2 is NaN; it must be a number from -1e9 to 1e9"),
            ("sd1", "", "sd1 is empty"),
            (
                "mean1",
                "10,5",
                "column \"mean1\": \"10,5\" is no number; write it with a point and no commas",
            ),
        ] {
            let mut cells = cells();
            cells[name] = value.into();
            assert_eq!(of(cells).unwrap_err(), reason);
        }
        let mut tiny = cells();
        (tiny["sd1"], tiny["sd2"]) = ("1e-320".into(), "1e-320".into());
        assert!(of(tiny).unwrap_err().contains("too small"));
    }

    #[test]
    fn a_line_shows_on_which_side_of_0_an_interval_ends_and_that_a_label_goes_on() {
        let mut cells = cells();
        (cells["n1"], cells["n2"]) = ("400000".into(), "400000".into());
        (cells["mean1"], cells["mean2"]) = ("100.03".into(), "100".into());
        let mut row = of(cells).unwrap();
        row.label = Some("Ash Grove Church of England Primary".to_owned());
        let line = line(&row);
        assert_eq!(line[1], "Ash Grove Church of E…");
        assert_eq!((line[3].as_str(), line[4].as_str()), ("+0.002 to +0.010", "5.0e-6"));
        row.label = Some("Twenty-two letters, é!".to_owned());
        assert_eq!(super::line(&row)[1], "Twenty-two letters, é!");
    }

    #[test]
    fn a_column_is_mapped_by_a_name_that_there_is() {
        let map: ColumnOf = "N1 = pupils in".parse().unwrap();
        assert_eq!((map.name, map.column.as_str()), ("n1", "pupils in"));
        assert!("n3=x".parse::<ColumnOf>().unwrap_err().contains("choose from n1, mean1, sd1"));
        assert!("n1".parse::<ColumnOf>().unwrap_err().contains("write n1=COLUMN"));
    }
}
