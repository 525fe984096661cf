//! `staffroom pool`

mod moderator;
mod printed;
mod table;

use std::path::PathBuf;

use anyhow::Context;
use encoding_rs::Encoding;
use serde::Serialize;
use staffroom_search::evidence::pool::{
    Egger, Estimate, Hksj, LEAVE_ONE_OUT_MOST, Method, Others, Pooled, Prediction, egger,
    leave_one_out, pool,
};
use staffroom_search::evidence::{ForestPlot, ForestRow, Interval, interval};

use super::output::Output;
use crate::import;
use moderator::ByModerator;
use printed::{counted, text};
use table::{PooledRow, Table};

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
    /// A column that says which school a row is from
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// A column of numbers that schools differ in, such as weeks or group size: say whether the
    /// effect goes with it. Takes 10 estimates or more
    #[arg(long, value_name = "COLUMN")]
    moderator: Option<String>,
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
  staffroom pool effects.csv --effect g --variance variance --label school --plot effects.svg
  staffroom pool effects.csv --moderator weeks";

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
    /// None where it was not asked for.
    moderator: Option<ByModerator>,
    rows: Vec<PooledRow>,
    /// Rows without an effect or a variance.
    skipped: Vec<u64>,
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

impl Pool {
    pub(super) fn run(self, output: &Output) -> anyhow::Result<()> {
        let mut table = Table::read(&self)?;
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
        let moderator = ByModerator::of(&table);
        let report = report(pooled, &estimates, moderator, table);
        output.answer(&report, || text(&self, &report))
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
}

fn report(
    pooled: Pooled,
    estimates: &[Estimate],
    moderator: Option<ByModerator>,
    table: Table,
) -> Report {
    let without = (pooled.k <= LEAVE_ONE_OUT_MOST)
        .then(|| leave_one_out(estimates, pooled.method).ok())
        .flatten();
    let leave_one_out = without.map(|without| {
        let of = |(row, others): (&PooledRow, Others)| WithoutRow {
            row: row.row,
            estimate: others.estimate,
            se: others.se,
            ci_low: others.ci_low,
            ci_high: others.ci_high,
            tau2: others.tau2,
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
        moderator,
        rows: table.rows,
        skipped: table.skipped,
    }
}
