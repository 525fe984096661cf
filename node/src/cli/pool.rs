//! `staffroom pool`

use std::path::PathBuf;

use anyhow::{Context, bail};
use encoding_rs::Encoding;
use serde::Serialize;
use staffroom_search::evidence::pool::{
    EGGER_LEAST, Egger, Estimate, Hksj, LEAVE_ONE_OUT_MOST, MAX_ESTIMATES, Method, Pooled,
    Prediction, egger, leave_one_out, pool,
};
use staffroom_search::evidence::{ForestPlot, ForestRow, Interval, interval};

use super::output::Output;
use crate::import::{self, Sheet, number_in};

/// Unusable rows that an error lists; who has more corrects these first.
const MOST_TOLD: usize = 20;

/// Pool effects with their variances from a CSV file: a meta-analysis
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Pool {
    /// A CSV file with an effect and its sampling variance a row
    file: PathBuf,
    /// The column of effects
    #[arg(long, value_name = "COLUMN", default_value = "yi")]
    effect: String,
    /// The column of sampling variances, the squares of the standard errors
    #[arg(long, value_name = "COLUMN", default_value = "vi")]
    variance: String,
    /// How the variance between schools is estimated: reml, dl (DerSimonian-Laird), pm
    /// (Paule-Mandel), ml, he (Hedges), or fe for a fixed effect
    #[arg(long, value_name = "METHOD", default_value_t = Method::Reml)]
    method: Method,
    /// A column that says whose each row is
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// Draw a forest plot into this SVG file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
    /// The file's encoding, such as windows-1252, where it is not found
    #[arg(long, value_name = "LABEL", value_parser = import::encoding_named)]
    encoding: Option<&'static Encoding>,
}

const EXAMPLES: &str = "\
Examples:
  staffroom pool effects.csv --method dl
  staffroom pool effects.csv --effect g --variance variance --label school --plot effects.svg";

/// What the estimates of a file say together.
#[derive(Debug, Serialize)]
struct Report {
    k: usize,
    method: Method,
    estimate: f64,
    se: f64,
    ci_low: f64,
    ci_high: f64,
    p: f64,
    tau2: f64,
    tau2_ci_low: Option<f64>,
    tau2_ci_high: Option<f64>,
    q: f64,
    q_df: usize,
    q_p: f64,
    i2: f64,
    i2_tau2: f64,
    hksj: Option<Hksj>,
    hksj_never_shrinks: Option<Hksj>,
    prediction: Option<Prediction>,
    egger: Option<Egger>,
    leave_one_out: Option<Vec<WithoutRow>>,
    rows: Vec<PooledRow>,
    /// Rows without an effect or a variance.
    skipped: Vec<u64>,
}

/// One row in the pooled estimate.
#[derive(Debug, Clone, Serialize)]
struct PooledRow {
    row: u64,
    label: Option<String>,
    effect: f64,
    variance: f64,
    weight: f64,
}

/// What the others say together without one row.
#[derive(Debug, Serialize)]
struct WithoutRow {
    row: u64,
    estimate: f64,
    se: f64,
    ci_low: f64,
    ci_high: f64,
    tau2: f64,
}

/// The rows of a file that can be pooled.
#[derive(Default)]
struct Table {
    rows: Vec<PooledRow>,
    skipped: Vec<u64>,
}

impl Table {
    fn estimates(&self) -> Vec<Estimate> {
        let of = |row: &PooledRow| Estimate { effect: row.effect, variance: row.variance };
        self.rows.iter().map(of).collect()
    }
}

impl Pool {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut table = self.read()?;
        let estimates = table.estimates();
        let pooled = pool(&estimates, self.method)
            .with_context(|| format!("{} cannot be pooled", self.file.display()))?;
        for (row, weight) in table.rows.iter_mut().zip(&pooled.weights) {
            row.weight = *weight;
        }
        if let Some(path) = &self.plot {
            std::fs::write(path, self.plot(&table, &pooled).to_svg())
                .with_context(|| format!("cannot write {}", path.display()))?;
        }
        let report = report(pooled, &estimates, table);
        output.answer(&report, || self.text(&report))
    }

    fn read(&self) -> anyhow::Result<Table> {
        let sheet = Sheet::open(&self.file, self.encoding)?;
        let effect = sheet
            .column(&self.effect)
            .context("the effects need a column; name it with --effect COLUMN")?;
        let variance = sheet
            .column(&self.variance)
            .context("the variances need a column; name it with --variance COLUMN")?;
        let label = self.label.as_ref().map(|label| sheet.column(label)).transpose()?;
        let mut table = Table::default();
        let mut unusable = Vec::new();
        for row in sheet {
            if table.rows.len() == MAX_ESTIMATES {
                bail!("{} has more than {MAX_ESTIMATES} estimates", self.file.display());
            }
            let number = row.number;
            let read = row.cells.and_then(|cells| {
                let pair = number_in(&cells, &effect)?.zip(number_in(&cells, &variance)?);
                let Some((effect, variance)) = pair else { return Ok(None) };
                let estimate = Estimate { effect, variance };
                estimate.check().map_err(|problem| problem.to_string())?;
                let label = label.as_ref().and_then(|label| cells.get(label)?.as_str());
                let label = label.map(str::to_owned);
                Ok(Some(PooledRow { row: number, label, effect, variance, weight: 0.0 }))
            });
            match read {
                Ok(Some(row)) => table.rows.push(row),
                Ok(None) => table.skipped.push(number),
                Err(reason) => unusable.push(format!("row {number}: {reason}")),
            }
        }
        if unusable.is_empty() {
            return Ok(table);
        }
        let count = unusable.len();
        let more = count.saturating_sub(MOST_TOLD);
        unusable.truncate(MOST_TOLD);
        if more > 0 {
            unusable.push(format!("and {more} more"));
        }
        let rows = if count == 1 { "a row" } else { "rows" };
        bail!(
            "{} has {rows} that cannot be pooled; correct them, or leave their cells empty\n{}",
            self.file.display(),
            unusable.join("\n")
        )
    }

    fn plot(&self, table: &Table, pooled: &Pooled) -> ForestPlot {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let row = |row: &PooledRow| ForestRow {
            label: row.label.clone().unwrap_or_else(|| format!("row {}", row.row)),
            n: None,
            effect: interval(row.effect, row.variance),
            weight: Some(row.weight),
        };
        ForestPlot {
            title: format!("{name}, {} pooled by {}", counted(pooled.k), self.method.name()),
            row_heading: self.label.clone().unwrap_or_else(|| "Row".to_owned()),
            axis: self.effect.clone(),
            sides: ["lower".to_owned(), "higher".to_owned()],
            rows: table.rows.iter().map(row).collect(),
            pooled: Some(Interval {
                estimate: pooled.estimate,
                low: pooled.ci_low,
                high: pooled.ci_high,
            }),
            prediction: pooled.prediction,
        }
    }

    fn text(&self, report: &Report) -> String {
        let mut text = format!(
            "{}, {}, by {}\n\n",
            self.file.display(),
            counted(report.k),
            report.method.name()
        );
        let mut say = |name: &str, value: String, meaning: &str| {
            text.push_str(&entry(name, &value, meaning));
        };
        say(
            "estimate",
            short(report.estimate),
            "the mean of the effects, weighted by 1/(variance + τ²)",
        );
        say("standard error", short(report.se), "");
        say("95 % interval", between(report.ci_low, report.ci_high), "on the normal distribution");
        say(
            "p",
            probability(report.p).replace("= ", ""),
            "how often chance alone gives a mean as far from 0",
        );
        if let (Some(plain), Some(wide)) = (&report.hksj, &report.hksj_never_shrinks) {
            say(
                "HKSJ interval",
                between(plain.ci_low, plain.ci_high),
                &format!(
                    "from how far the effects really lie apart (Hartung-Knapp-Sidik-Jonkman), on t \
                     with {}; p {}",
                    degrees(report.q_df),
                    probability(plain.p)
                ),
            );
            say(
                "  never narrower",
                between(wide.ci_low, wide.ci_high),
                "the same, with a standard error no smaller than the one above",
            );
        }
        if let Some(prediction) = &report.prediction {
            say(
                "prediction interval",
                between(prediction.low, prediction.high),
                "where the true effect in a similar school lies; one school's result varies more",
            );
        }
        if report.k > 1 {
            say(
                "Q",
                short(report.q),
                &format!(
                    "on {}, p {}: whether the effects differ by more than chance",
                    degrees(report.q_df),
                    probability(report.q_p)
                ),
            );
            say(
                "I²",
                format!("{:.1} %", report.i2),
                "of the variation between effects is more than chance",
            );
            say("τ²", short(report.tau2), "the variance of true effects between schools");
            if let (Some(low), Some(high)) = (report.tau2_ci_low, report.tau2_ci_high) {
                say("  95 % interval", between(low, high), "by the Q-profile");
            }
        }
        match &report.egger {
            Some(egger) => say(
                "Egger's test",
                short(egger.intercept),
                &format!(
                    "p {}: whether small studies differ from large ones, as they do where some \
                     results were left out",
                    probability(egger.p)
                ),
            ),
            None if report.k == 1 => {}
            None => say(
                "Egger's test",
                "-".to_owned(),
                &format!("takes {EGGER_LEAST} estimates, with variances that differ"),
            ),
        }
        if let Some((low, high)) = extremes(report.leave_one_out.as_deref().unwrap_or_default()) {
            say(
                "leaving one out",
                between(low.estimate, high.estimate),
                &format!("from without row {} to without row {}", low.row, high.row),
            );
        }
        text.push('\n');
        for remark in remarks(report) {
            text.push_str(&textwrap::fill(&remark, LINE));
            text.push('\n');
        }
        if let Some(path) = &self.plot {
            text.push_str(&format!("Forest plot: {}\n", path.display()));
        }
        text
    }
}

fn report(pooled: Pooled, estimates: &[Estimate], table: Table) -> Report {
    let without = (pooled.k <= LEAVE_ONE_OUT_MOST)
        .then(|| leave_one_out(estimates, pooled.method).ok())
        .flatten();
    let leave_one_out = without.map(|without| {
        let of = |(row, pooled): (&PooledRow, Pooled)| WithoutRow {
            row: row.row,
            estimate: pooled.estimate,
            se: pooled.se,
            ci_low: pooled.ci_low,
            ci_high: pooled.ci_high,
            tau2: pooled.tau2,
        };
        table.rows.iter().zip(without).map(of).collect()
    });
    Report {
        k: pooled.k,
        method: pooled.method,
        estimate: pooled.estimate,
        se: pooled.se,
        ci_low: pooled.ci_low,
        ci_high: pooled.ci_high,
        p: pooled.p,
        tau2: pooled.tau2,
        tau2_ci_low: pooled.tau2_interval.map(|(low, _)| low),
        tau2_ci_high: pooled.tau2_interval.map(|(_, high)| high),
        q: pooled.q,
        q_df: pooled.q_df,
        q_p: pooled.q_p,
        i2: pooled.i2,
        i2_tau2: pooled.i2_tau2,
        hksj: pooled.hksj,
        hksj_never_shrinks: pooled.hksj_never_shrinks,
        prediction: pooled.prediction,
        // Too few, or all of one size: then there is nothing to test.
        egger: egger(estimates).ok(),
        leave_one_out,
        rows: table.rows,
        skipped: table.skipped,
    }
}

/// The lowest and the highest pooled estimate without one row.
fn extremes(without: &[WithoutRow]) -> Option<(&WithoutRow, &WithoutRow)> {
    let by = |one: &&WithoutRow, other: &&WithoutRow| one.estimate.total_cmp(&other.estimate);
    Some((without.iter().min_by(by)?, without.iter().max_by(by)?))
}

fn remarks(report: &Report) -> Vec<String> {
    let mut remarks = Vec::new();
    match report.k {
        1 => remarks.push(
            "One estimate is its own mean: nothing can be said about other schools.".to_owned(),
        ),
        2 => remarks.push(
            "Two estimates say hardly anything about how far effects differ; give both of them \
             with the pooled one."
                .to_owned(),
        ),
        _ => {}
    }
    if let [first, rest @ ..] = report.skipped.as_slice() {
        let mut rows = first.to_string();
        for row in rest.iter().take(MOST_TOLD - 1) {
            rows.push_str(&format!(", {row}"));
        }
        if report.skipped.len() > MOST_TOLD {
            rows.push_str(&format!(" and {} more", report.skipped.len() - MOST_TOLD));
        }
        remarks.push(format!("Left out, for an empty effect or variance: row {rows}."));
    }
    remarks
}

/// Letters of a line.
const LINE: usize = 80;

/// A number and what it means, in three columns.
fn entry(name: &str, value: &str, meaning: &str) -> String {
    const NAME: usize = 21;
    const VALUE: usize = 21;
    let start = format!("{name:<NAME$}{value:<VALUE$}");
    let indent = " ".repeat(NAME + VALUE);
    let options = textwrap::Options::new(LINE).initial_indent(&start).subsequent_indent(&indent);
    format!("{}\n", textwrap::fill(meaning, options).trim_end())
}

/// Four decimals, or powers of ten for what they do not show.
fn short(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || (0.000_1..100_000.0).contains(&size) {
        format!("{value:.4}")
    } else {
        format!("{value:.3e}")
    }
}

fn between(low: f64, high: f64) -> String {
    format!("{} to {}", short(low), short(high))
}

fn counted(k: usize) -> String {
    format!("{k} {}", if k == 1 { "estimate" } else { "estimates" })
}

fn degrees(count: usize) -> String {
    format!("{count} {} of freedom", if count == 1 { "degree" } else { "degrees" })
}

fn probability(p: f64) -> String {
    if p < 0.000_1 { "below 0.0001".to_owned() } else { format!("= {p:.4}") }
}
