//! The order of what worked: how well the text fits first, and evidence within that.
//!
//! The score of a result is the engine's score of its text times the product of six factors, each at
//! least 1:
//!
//! | part | factor |
//! | --- | --- |
//! | strength of the lineage's evidence | 1 with none, 1.04 described, 1.08 early sign, 1.12 promising, 1.16 tested, 1.20 well tested |
//! | `n` schools reported | 1 + 0.08 × (1 − 1/n) |
//! | years `y` since the last day it is about | 1 + 0.05 × 2^(−y/4) |
//! | from a school of the reader's phase | 1.05 |
//! | for a key stage that the reader teaches | 1.03 |
//! | for a group of pupils that the reader named | 1.03 |
//!
//! Together they reach 1.52 at most ([`MAX_FACTOR`]): a result never comes before one whose text
//! fits more than half as well again, and between two that fit equally well a described report comes
//! before none. Neither the sign nor the size of an effect is part of it, so that what did not work
//! is found as easily as what did: a school that reports a failure loses nothing by it, and a reader
//! sees it where it belongs. The figures are a choice, small enough that evidence settles what text
//! leaves open: BM25 scores of neighbouring results differ by less than that.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tantivy::columnar::ColumnValues;
use tantivy::{DocId, SegmentReader};

use crate::evidence::Strength;
use crate::facet::Facet;
use crate::schema::{DAY_TO, REPORTED, STRENGTH};
use crate::values::Value;

/// What each step of strength adds.
const STRENGTH_STEP: f32 = 0.04;

/// What many schools that reported add.
const SCHOOLS: f32 = 0.08;

/// What a day as late as today adds.
const RECENT: f32 = 0.05;

/// The years after which recency counts half.
const HALF_LIFE_YEARS: f32 = 4.0;

/// What the reader's own phase adds.
const PHASE: f32 = 0.05;

/// What a key stage or a group of pupils in common adds.
const IN_COMMON: f32 = 0.03;

/// More than the product of all factors can be.
pub const MAX_FACTOR: f32 = 1.52;

/// Whom the results are for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ReaderContext {
    /// The day from which recency is counted; without it recency plays no part.
    pub today: Option<Date>,
    /// The phase of the reader's school, as the vocabulary spells it.
    pub phase: Option<String>,
    /// The key stages that the reader teaches.
    pub key_stages: Vec<String>,
    /// The groups of pupils that the reader is concerned with.
    pub pupil_groups: Vec<String>,
}

/// How the score of a result came about: the score of its text, and the factors that moved it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// How well the text fits, as the engine scores it.
    pub text: f32,
    /// For the strength of the evidence.
    pub strength: f32,
    /// For the number of schools that reported.
    pub schools: f32,
    /// For how recent it is.
    pub recency: f32,
    /// For the reader's phase.
    pub phase: f32,
    /// For a key stage in common.
    pub key_stage: f32,
    /// For a group of pupils in common.
    pub pupil_group: f32,
}

impl Explanation {
    /// A score of the text that nothing moves.
    pub(crate) const fn of_text(text: f32) -> Self {
        Self {
            text,
            strength: 1.0,
            schools: 1.0,
            recency: 1.0,
            phase: 1.0,
            key_stage: 1.0,
            pupil_group: 1.0,
        }
    }

    /// The product of the factors.
    pub fn factor(&self) -> f32 {
        self.strength * self.schools * self.recency * self.phase * self.key_stage * self.pupil_group
    }

    /// The score of the result.
    pub fn score(&self) -> f32 {
        self.text * self.factor()
    }
}

/// What the reader has in common with a value of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum InCommon {
    Nothing,
    Phase,
    KeyStage,
    PupilGroup,
}

/// The order for one reader over the values of one state of the index.
pub(crate) struct EvidenceOrder {
    today: Option<f32>,
    /// By the number of a value; empty where there is nothing that could be in common.
    in_common: Vec<InCommon>,
}

/// The columns of one segment that the order reads.
pub(crate) struct EvidenceColumns {
    strength: Arc<dyn ColumnValues<u64>>,
    reported: Arc<dyn ColumnValues<u64>>,
    day_to: Arc<dyn ColumnValues<i64>>,
}

impl EvidenceColumns {
    pub(crate) fn of(reader: &SegmentReader) -> tantivy::Result<Self> {
        let columns = reader.fast_fields();
        Ok(Self {
            strength: columns.u64(STRENGTH)?.first_or_default_col(0),
            reported: columns.u64(REPORTED)?.first_or_default_col(0),
            day_to: columns.i64(DAY_TO)?.first_or_default_col(0),
        })
    }
}

impl EvidenceOrder {
    pub(crate) fn new(reader: Option<&ReaderContext>, values: &[Value]) -> Self {
        let Some(reader) = reader else { return Self { today: None, in_common: Vec::new() } };
        let of_value = |(facet, value): &Value| {
            let value = value.as_ref();
            if *facet == Facet::Phase && reader.phase.as_deref() == Some(value) {
                InCommon::Phase
            } else if *facet == Facet::KeyStage && reader.key_stages.iter().any(|one| one == value)
            {
                InCommon::KeyStage
            } else if *facet == Facet::PupilGroup
                && reader.pupil_groups.iter().any(|one| one == value)
            {
                InCommon::PupilGroup
            } else {
                InCommon::Nothing
            }
        };
        let in_common: Vec<InCommon> = values.iter().map(of_value).collect();
        Self { today: reader.today.map(|day| years(crate::document::day_number(day))), in_common }
    }

    pub(crate) fn explain(
        &self,
        columns: &EvidenceColumns,
        doc: DocId,
        values: &[u32],
        text: f32,
    ) -> Explanation {
        let mut parts = Explanation::of_text(text);
        let steps = columns.strength.get_val(doc).min(Strength::ALL.len() as u64);
        parts.strength += STRENGTH_STEP * steps as f32;
        let reported = columns.reported.get_val(doc);
        if reported > 0 {
            parts.schools += SCHOOLS * (1.0 - 1.0 / reported as f32);
        }
        if let Some(today) = self.today {
            // What still goes on, or is dated in the future, is as recent as today.
            let age = (today - years(columns.day_to.get_val(doc))).max(0.0);
            parts.recency += RECENT * (-age / HALF_LIFE_YEARS).exp2();
        }
        for number in values {
            match self.in_common.get(*number as usize) {
                Some(InCommon::Phase) => parts.phase = 1.0 + PHASE,
                Some(InCommon::KeyStage) => parts.key_stage = 1.0 + IN_COMMON,
                Some(InCommon::PupilGroup) => parts.pupil_group = 1.0 + IN_COMMON,
                Some(InCommon::Nothing) | None => {}
            }
        }
        parts
    }
}

/// A day in years, from its digits; months are taken as equally long.
fn years(day_number: i64) -> f32 {
    let (year, month, day) = (day_number / 10_000, day_number / 100 % 100, day_number % 100);
    year as f32 + (month - 1) as f32 / 12.0 + (day - 1) as f32 / 372.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_factors_reach_what_is_said_and_no_more() {
        let most = Explanation {
            text: 2.0,
            strength: 1.0 + STRENGTH_STEP * f32::from(Strength::WellTested.steps()),
            schools: 1.0 + SCHOOLS,
            recency: 1.0 + RECENT,
            phase: 1.0 + PHASE,
            key_stage: 1.0 + IN_COMMON,
            pupil_group: 1.0 + IN_COMMON,
        };
        assert!(most.factor() <= MAX_FACTOR && most.factor() > MAX_FACTOR - 0.01);
        assert!((most.score() - 2.0 * most.factor()).abs() < 1e-6);
    }

    #[test]
    fn a_day_is_a_part_of_its_year() {
        assert!((years(20_260_101) - 2_026.0).abs() < 1e-3);
        assert!((years(20_260_701) - 2_026.5).abs() < 1e-3);
        assert!(years(20_261_231) < 2_027.0);
        assert!(years(i64::MAX).is_finite());
    }
}
