//! A report of a lineage.

use serde::Serialize;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::record::impact_report::{Conclusion, Design};

use super::{LineageKind, LineageRecord, NotPooled, RecordKey, ReportEvidence, Strength};
use crate::evidence::report::MOST_ALONE;

/// The rating of a comparison that is not like with like: the most of an early sign.
const MOST_UNLIKE: u8 = 2;

/// A report of a lineage, with what it shows by itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(as = ReportInLineage))]
pub struct LineageReport {
    /// Its school and id.
    #[cfg_attr(feature = "openapi", schema(value_type = (staffroom_protocol::hash::SchoolId, RecordId)))]
    pub key: RecordKey,
    /// The school's name.
    pub school_name: String,
    /// Its title.
    pub title: String,
    /// Whether it is on the intervention or on an adoption; none where that is not held.
    pub on: Option<LineageKind>,
    /// What it is on took only the idea from the intervention.
    pub inspired: bool,
    /// How the effect was looked for; none where this program does not know the design.
    pub design: Option<Design>,
    /// What the school concludes; none where this program does not know the conclusion.
    pub conclusion: Option<Conclusion>,
    /// Why its figures stay in the school, where they do.
    pub figures_withheld: Option<String>,
    /// What it shows.
    pub evidence: ReportEvidence,
    /// Why its effect is listed and not pooled.
    pub not_pooled: Option<NotPooled>,
    /// Key stages that it is on, or those of the intervention.
    #[serde(skip)]
    pub key_stages: Vec<String>,
    /// Groups of pupils that it is on, or those of the intervention.
    #[serde(skip)]
    pub pupil_groups: Vec<String>,
    /// The school's phase.
    #[serde(skip)]
    pub phase: Option<String>,
    #[serde(skip)]
    pub(super) shares_comparison_with: Option<RecordId>,
}

impl LineageReport {
    /// A report on `on`. Which pupils it is on, where it does not say, `on` says and then `origin`.
    pub(super) fn of(
        record: &LineageRecord,
        inspired: bool,
        on: Option<&LineageRecord>,
        origin: Option<&LineageRecord>,
    ) -> Self {
        let summary = &record.summary;
        let figures = summary.figures.as_ref();
        let evidence = ReportEvidence::of(figures);
        let effect = evidence.effect();
        let mut key_stages = summary.key_stages.clone();
        let mut pupil_groups = summary.pupil_groups.clone();
        for trial in on.into_iter().chain(origin) {
            or_else(&mut key_stages, &trial.summary.key_stages);
            or_else(&mut pupil_groups, &trial.summary.pupil_groups);
        }
        Self {
            key: record.key,
            school_name: record.school_name.clone(),
            title: summary.title.clone(),
            on: on.map(|on| on.kind),
            inspired,
            design: summary.design.as_deref().and_then(|design| design.parse().ok()),
            conclusion: summary.conclusion.as_deref().and_then(|said| said.parse().ok()),
            figures_withheld: summary.figures_withheld.clone(),
            not_pooled: if inspired {
                effect.map(|_| NotPooled::Inspired)
            } else {
                effect.and_then(|effect| effect.not_pooled)
            },
            key_stages,
            pupil_groups,
            phase: record.phase.clone(),
            shares_comparison_with: figures
                .and_then(|figures| figures.comparison_shared_with.as_ref())
                .map(|report| report.record),
            evidence,
        }
    }

    /// The rating, 0 to 5, of what it says of the lineage by itself: one school alone does not reach
    /// the highest, a comparison that is not like with like is an early sign at most, and what was
    /// only inspired says nothing of this.
    pub fn rating_alone(&self) -> u8 {
        let most = match self.not_pooled {
            None => MOST_ALONE,
            Some(NotPooled::Inspired) => 0,
            Some(
                NotPooled::OneClassAgainstOne
                | NotPooled::BaselineDifference
                | NotPooled::SharedComparison,
            ) => MOST_UNLIKE,
        };
        self.evidence.rating.min(most)
    }

    /// The same in words.
    pub fn strength_alone(&self) -> Strength {
        Strength::of_rating(self.rating_alone())
    }

    /// The school concludes to stop.
    pub fn concludes_to_stop(&self) -> bool {
        self.conclusion == Some(Conclusion::Stop)
    }

    /// An effect below 0 was found.
    pub fn is_below_zero(&self) -> bool {
        self.evidence.effect().is_some_and(|effect| effect.estimate < 0.0)
    }
}

fn or_else(values: &mut Vec<String>, others: &[String]) {
    if values.is_empty() {
        values.extend_from_slice(others);
    }
}
