//! The results of a lineage as forest plots.

use super::{Interval, Lineage, OutcomeEvidence};
use crate::evidence::{ForestPlot, ForestRow};

impl Lineage {
    /// A forest plot of each outcome domain, in their order: the schools by name, then the reports
    /// that are listed and not pooled. A domain without any interval has none.
    pub fn forest_plots(&self) -> Vec<ForestPlot> {
        self.outcomes.iter().filter_map(|outcome| self.forest_plot(outcome)).collect()
    }

    fn forest_plot(&self, outcome: &OutcomeEvidence) -> Option<ForestPlot> {
        let weights = outcome.pooled.iter().flat_map(|pooled| &pooled.weights);
        let pooled = outcome.schools.iter().zip(weights).map(|(school, weight)| ForestRow {
            label: school.school_name.clone(),
            n: Some(school.pupils),
            effect: school.interval,
            weight: Some(*weight),
        });
        let listed = self.reports.iter().filter_map(|report| {
            let effect = report.evidence.effect()?;
            let (low, high) = effect.interval?;
            let listed = report.not_pooled.is_some() && report.evidence.domain == outcome.domain;
            listed.then(|| ForestRow {
                label: format!("{} (not pooled)", report.school_name),
                n: report.evidence.pupils,
                effect: Interval { estimate: effect.estimate, low, high },
                weight: None,
            })
        });
        let rows: Vec<ForestRow> = pooled.chain(listed).collect();
        if rows.is_empty() {
            return None;
        }
        let several = outcome.schools.len() > 1;
        let sides = if outcome.attainment {
            ["less progress", "more progress"]
        } else {
            ["worse", "better"]
        };
        Some(ForestPlot {
            title: match outcome.domain.as_str() {
                "" => "What each school found".to_owned(),
                domain => format!("What each school found in {domain}"),
            },
            row_heading: "School".to_owned(),
            axis: "Effect (Hedges' g)".to_owned(),
            sides: sides.map(ToOwned::to_owned),
            rows,
            pooled: outcome.interval().filter(|_| several),
            prediction: outcome.pooled.as_ref().and_then(|pooled| pooled.prediction),
        })
    }
}
