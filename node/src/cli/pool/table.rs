//! The rows of a file that are pooled.

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Map, Value};
use staffroom_search::evidence::pool::{Estimate, MAX_ESTIMATES, check_moderator};

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
    /// None where no moderator was asked for.
    pub(super) moderator: Option<f64>,
}

/// The rows of a file that can be pooled.
#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) rows: Vec<PooledRow>,
    pub(super) skipped: Vec<u64>,
    /// The column of moderators, as the header spells it.
    pub(super) moderator: Option<String>,
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
        let moderator = pool.moderator.as_ref().map(|column| sheet.column(column)).transpose()?;
        if moderator.as_ref() == Some(&effect) {
            bail!("--moderator names the column of the effects, {effect:?}; choose another one");
        }
        let mut table = Self { moderator: moderator.clone(), ..Self::default() };
        let columns = Columns { effect, variance, label, moderator };
        let mut unusable = Vec::new();
        for row in sheet {
            if table.rows.len() == MAX_ESTIMATES {
                bail!("{} has more than {MAX_ESTIMATES} estimates", pool.file.display());
            }
            let number = row.number;
            let read = row.cells.and_then(|cells| columns.read(number, &cells));
            match read {
                Ok(Some(row)) => table.rows.push(row),
                Ok(None) => table.skipped.push(number),
                Err(reason) => unusable.push(format!("row {number}: {reason}")),
            }
        }
        if unusable.is_empty() {
            if table.rows.is_empty() {
                let why = if table.skipped.is_empty() {
                    "has a header and no rows below it"
                } else {
                    "has no estimate to pool: the effect or the variance of every row is empty"
                };
                bail!("{} {why}", pool.file.display());
            }
            return Ok(table);
        }
        let count = unusable.len();
        let more = count.saturating_sub(MOST_TOLD);
        unusable.truncate(MOST_TOLD);
        if more > 0 {
            unusable.push(format!("and {more} more"));
        }
        let (rows, remedy) = if count == 1 {
            ("a row", "correct it, or empty the cell of its effect to leave it out")
        } else {
            ("rows", "correct them, or empty the cells of their effects to leave them out")
        };
        bail!(
            "{} has {rows} that cannot be pooled; {remedy}\n{}",
            pool.file.display(),
            unusable.join("\n")
        )
    }
}

/// The columns that are read, as the header spells them.
struct Columns {
    effect: String,
    variance: String,
    label: Option<String>,
    moderator: Option<String>,
}

impl Columns {
    /// None of a row without an effect or a variance.
    fn read(&self, row: u64, cells: &Map<String, Value>) -> Result<Option<PooledRow>, String> {
        let Some(effect) = number_in(cells, &self.effect)? else { return Ok(None) };
        let Some(variance) = number_in(cells, &self.variance)? else { return Ok(None) };
        let estimate = Estimate { effect, variance };
        estimate.check().map_err(|problem| problem.to_string())?;
        let label = self.label.as_ref().and_then(|label| cells.get(label)?.as_str());
        Ok(Some(PooledRow {
            row,
            label: label.map(str::to_owned),
            effect,
            variance,
            weight: 0.0,
            moderator: self.moderator_in(cells)?,
        }))
    }

    fn moderator_in(&self, cells: &Map<String, Value>) -> Result<Option<f64>, String> {
        let Some(column) = &self.moderator else { return Ok(None) };
        let value = number_in(cells, column)?
            .ok_or_else(|| format!("column {column:?} is empty; a moderator must be a number"))?;
        check_moderator(value).map_err(|problem| format!("column {column:?}: {problem}"))?;
        Ok(Some(value))
    }
}
