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
use crate::values::{BITS, Mask, SegmentValues, Values, overlap, set_bit};

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

/// The steps of the strongest evidence above none.
const MOST_STEPS: u8 = Strength::WellTested.steps();

/// More than the product of the factors other than strength and schools can be.
const MOST_OF_THE_REST: f32 =
    (1.0 + RECENT) * (1.0 + PHASE) * (1.0 + IN_COMMON) * (1.0 + IN_COMMON) + 0.001;

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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
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

/// What is known of how well something works that a document is on, and of when it was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct DocumentEvidence {
    /// The strength of the lineage's evidence in steps above none.
    strength: u8,
    /// How many schools of the lineage reported.
    reported: u16,
    /// The last day that it is about, in years.
    year: f32,
}

/// The columns of a segment that say it.
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

    pub(crate) fn of_document(&self, doc: DocId) -> DocumentEvidence {
        DocumentEvidence {
            strength: u8::try_from(self.strength.get_val(doc))
                .map_or(MOST_STEPS, |steps| steps.min(MOST_STEPS)),
            reported: u16::try_from(self.reported.get_val(doc)).unwrap_or(u16::MAX),
            year: years(self.day_to.get_val(doc)),
        }
    }
}

impl DocumentEvidence {
    /// The factors of strength and of schools.
    fn factors(self) -> (f32, f32) {
        let schools = match self.reported {
            0 => 0.0,
            reported => SCHOOLS * (1.0 - 1.0 / f32::from(reported)),
        };
        (1.0 + STRENGTH_STEP * f32::from(self.strength), 1.0 + schools)
    }
}

/// The order for one reader over the values of one state of the index.
pub(crate) struct EvidenceOrder {
    today: Option<f32>,
    /// The values with a bit that the reader has in common with a document, dimension by dimension.
    in_common: [Mask; IN_COMMON_FACETS.len()],
    /// The numbers of the other ones, with the place of their dimension.
    in_common_rare: Vec<(usize, usize)>,
}

/// The dimensions in which a reader has something in common with a document, and what that adds.
const IN_COMMON_FACETS: [(Facet, f32); 3] =
    [(Facet::Phase, PHASE), (Facet::KeyStage, IN_COMMON), (Facet::PupilGroup, IN_COMMON)];

impl EvidenceOrder {
    pub(crate) fn new(reader: Option<&ReaderContext>, values: &Values) -> Self {
        let mut order =
            Self { today: None, in_common: Default::default(), in_common_rare: Vec::new() };
        let Some(reader) = reader else { return order };
        order.today = reader.today.map(|day| years(crate::document::day_number(day)));
        let phase: Vec<String> = reader.phase.iter().cloned().collect();
        let own = [&phase, &reader.key_stages, &reader.pupil_groups];
        for (number, (facet, value)) in values.of_few() {
            let place = IN_COMMON_FACETS.iter().position(|(one, _)| one == facet);
            if let Some(place) = place
                && own[place].iter().any(|own| own.as_str() == value.as_ref())
            {
                if number < BITS {
                    set_bit(&mut order.in_common[place], number);
                } else {
                    order.in_common_rare.push((number, place));
                }
            }
        }
        order
    }

    /// A score is at most this much higher than that of the text.
    pub(crate) fn most(&self, evidence: DocumentEvidence) -> f32 {
        let (strength, schools) = evidence.factors();
        strength * schools * MOST_OF_THE_REST
    }

    /// How the score of a document comes about.
    pub(crate) fn explain(&self, values: &SegmentValues, doc: DocId, text: f32) -> Explanation {
        let of_document = values.of(doc);
        let evidence = of_document.evidence;
        let mut parts = Explanation::of_text(text);
        (parts.strength, parts.schools) = evidence.factors();
        if let Some(today) = self.today {
            // What still goes on, or is dated in the future, is as recent as today.
            let age = (today - evidence.year).max(0.0);
            parts.recency += RECENT * (-age / HALF_LIFE_YEARS).exp2();
        }
        let places = [&mut parts.phase, &mut parts.key_stage, &mut parts.pupil_group];
        for (place, part) in places.into_iter().enumerate() {
            let rare = || {
                self.in_common_rare.iter().any(|(number, of)| {
                    *of == place && values.rare(of_document).any(|one| one == *number)
                })
            };
            if overlap(&of_document.mask, &self.in_common[place]) || rare() {
                *part += IN_COMMON_FACETS[place].1;
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
    fn no_score_is_higher_than_what_is_known_of_it_beforehand() {
        let order = EvidenceOrder::new(None, &Values::default());
        for (strength, reported) in [(0, 0), (3, 1), (MOST_STEPS, u16::MAX)] {
            let evidence = DocumentEvidence { strength, reported, year: 0.0 };
            let (strength, schools) = evidence.factors();
            let score = Explanation {
                strength,
                schools,
                recency: 1.0 + RECENT,
                phase: 1.0 + PHASE,
                key_stage: 1.0 + IN_COMMON,
                pupil_group: 1.0 + IN_COMMON,
                ..Explanation::of_text(1.0)
            };
            assert!(score.score() <= order.most(evidence));
            assert!(order.most(evidence) <= MAX_FACTOR + 0.01);
        }
    }

    #[test]
    fn a_day_is_a_part_of_its_year() {
        assert!((years(20_260_101) - 2_026.0).abs() < 1e-3);
        assert!((years(20_260_701) - 2_026.5).abs() < 1e-3);
        assert!(years(20_261_231) < 2_027.0);
        assert!(years(i64::MAX).is_finite());
    }
}
