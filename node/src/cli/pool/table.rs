//! The rows of a file that are pooled.

use anyhow::{Context, bail};
use serde::Serialize;
use staffroom_search::evidence::pool::{Estimate, MAX_ESTIMATES};

use super::Pool;
use crate::import::{Sheet, number_in};

/// Unusable rows that an error lists; who has more corrects these first.
pub(super) const MOST_TOLD: usize = 20;

/// One row in the pooled estimate.
#[derive(Debug, Clone, Serialize)]
pub(super) struct PooledRow {
    pub(super) row: u64,
    pub(super) label: Option<String>,
    pub(super) effect: f64,
    pub(super) variance: f64,
    pub(super) weight: f64,
}

/// The rows of a file that can be pooled.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<PooledRow>,
    pub(super) skipped: Vec<u64>,
}

impl Table {
    pub(super) fn estimates(&self) -> Vec<Estimate> {
        let of = |row: &PooledRow| Estimate { effect: row.effect, variance: row.variance };
        self.rows.iter().map(of).collect()
    }

    /// Reads the file that `pool` names.
    pub(super) fn read(pool: &Pool) -> anyhow::Result<Self> {
        let sheet = Sheet::open(&pool.file, pool.encoding)?;
        let effect = sheet
            .column(&pool.effect)
            .context("the effects need a column; name it with --effect COLUMN")?;
        let variance = sheet
            .column(&pool.variance)
            .context("the variances need a column; name it with --variance COLUMN")?;
        let label = pool.label.as_ref().map(|label| sheet.column(label)).transpose()?;
        let mut table = Self::default();
        let mut unusable = Vec::new();
        for row in sheet {
            if table.rows.len() == MAX_ESTIMATES {
                bail!("{} has more than {MAX_ESTIMATES} estimates", pool.file.display());
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
            pool.file.display(),
            unusable.join("\n")
        )
    }
}
