//! Figures for analysts; of these, pages show the results by phase, key stage and group of pupils.

use serde::Serialize;
use staffroom_protocol::record::intervention::CostBand;

use super::pool::{EGGER_LEAST, Egger, Estimate, Method, egger, leave_one_out};
use super::{
    Breakdown, Interval, Lineage, Months, MonthsTable, OutcomeEvidence, SchoolEffect,
    improvement_index, months, months_version,
};

/// Schools up to which each is left out once: the work grows with the square of their number, and a
/// page is to be there in 5 ms.
const LEFT_OUT_MOST: usize = 50;

/// Pupils and schools that make a finding large (What Works Clearinghouse, *Procedures and Standards
/// Handbook* 5.0, chapter VI; the tiers of evidence of the Every Student Succeeds Act).
const LARGE: (u32, usize) = (350, 2);

/// What is worked out from the schools of one outcome domain.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Analysis {
    /// The domain.
    pub domain: String,
    /// The effect that pages show.
    pub effect: Interval,
    /// Percentile ranks that a middle pupil of the comparison group would gain.
    pub improvement_index: f64,
    /// At least 350 pupils, in two schools or more.
    pub meets_size_test: bool,
    /// Months of progress, where they mean something.
    pub months: Option<Months>,
    /// The version of the table of months.
    pub months_version: &'static str,
    /// Pounds for each pupil and month of progress, from and to; the end is open for the highest band.
    /// None where there is no gain in months, or not one cost band.
    pub cost_per_month: Option<(f64, Option<f64>)>,
    /// The results by phase, key stage and group of pupils, which pages show in words.
    pub breakdowns: Vec<Breakdown>,
    /// Egger's test, from ten schools on.
    pub egger: Option<Egger>,
    /// The pooled effect without each school in turn, by the school's name.
    pub leave_one_out: Vec<LeftOut>,
}

/// The pooled effect without one school.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LeftOut {
    /// The school left out.
    pub school_name: String,
    /// What the others show.
    pub estimate: f64,
    /// The lower end of its 95 % interval, on the normal distribution.
    pub ci_low: f64,
    /// The upper end.
    pub ci_high: f64,
}

/// The figures of every outcome domain in which anything is pooled.
pub fn analysis(lineage: &Lineage) -> Vec<Analysis> {
    let mut breakdowns = lineage.breakdowns();
    let of_outcome = |outcome: &OutcomeEvidence| {
        let breakdowns = breakdowns.remove(outcome.domain.as_str()).unwrap_or_default();
        of_outcome(lineage, outcome, breakdowns)
    };
    lineage.outcomes.iter().filter_map(of_outcome).collect()
}

fn of_outcome(
    lineage: &Lineage,
    outcome: &OutcomeEvidence,
    breakdowns: Vec<Breakdown>,
) -> Option<Analysis> {
    let effect = outcome.interval()?;
    let estimates: Vec<Estimate> = outcome.schools.iter().map(SchoolEffect::estimate).collect();
    let k = estimates.len();
    let table = if k == 1 { MonthsTable::Trial } else { MonthsTable::Toolkit };
    let months = months(&effect, table).filter(|_| outcome.attainment);
    let left_out = if k <= LEFT_OUT_MOST {
        leave_one_out(&estimates, Method::Reml).unwrap_or_default()
    } else {
        Vec::new()
    };
    Some(Analysis {
        domain: outcome.domain.clone(),
        effect,
        improvement_index: improvement_index(effect.estimate),
        meets_size_test: outcome.pupils >= LARGE.0 && k >= LARGE.1,
        months,
        months_version: months_version(),
        cost_per_month: months.and_then(|months| cost_per_month(lineage, months)),
        breakdowns,
        egger: (k >= EGGER_LEAST).then(|| egger(&estimates).ok()).flatten(),
        leave_one_out: outcome
            .schools
            .iter()
            .zip(left_out)
            .map(|(school, others)| LeftOut {
                school_name: school.school_name.clone(),
                estimate: others.estimate,
                ci_low: others.ci_low,
                ci_high: others.ci_high,
            })
            .collect(),
    })
}

fn cost_per_month(lineage: &Lineage, months: Months) -> Option<(f64, Option<f64>)> {
    let mut bands = lineage.cost_bands.iter();
    let (Some(band), None) = (bands.next(), bands.next()) else { return None };
    let (from, to) = CostBand::ALL.iter().find(|known| known.as_str() == band)?.bounds();
    let months = f64::from(months.months);
    (months > 0.0).then(|| (from / months, to.map(|to| to / months)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::reports_for_tests::{
        figures, intervention, lineage, replicated, reported,
    };

    #[test]
    fn one_school_is_not_large_and_has_nobody_to_leave_out() {
        let one = analysis(&lineage(&replicated(200, &[5.0])));
        assert_eq!(one.len(), 1);
        assert!(!one[0].meets_size_test);
        assert_eq!((one[0].egger, one[0].leave_one_out.len()), (None, 0));
        // g = 0.4991 moves the middle pupil to the 69th percentile.
        assert!((one[0].improvement_index - 19.1).abs() < 0.1, "{}", one[0].improvement_index);
        assert_eq!(one[0].months.unwrap().months, 6);
        assert_eq!(one[0].cost_per_month, Some((80.0 / 6.0, Some(170.0 / 6.0))));
    }

    #[test]
    fn ten_schools_have_eggers_test_and_each_is_left_out() {
        let differences = [5.0, 4.0, 6.0, 5.5, 4.5, 3.0, 7.0, 5.0, 4.0];
        let nine = &analysis(&lineage(&replicated(60, &differences)))[0];
        assert!(nine.meets_size_test && nine.egger.is_none());
        assert_eq!(nine.leave_one_out.len(), 9);
        assert_eq!(nine.leave_one_out[6].school_name, "Gorse School");
        assert!(nine.leave_one_out[6].estimate < nine.effect.estimate, "its result is the largest");
        let mut records = replicated(60, &differences);
        records.push(reported(9, 49, (0, 1), figures(90, 5.0)));
        assert!(analysis(&lineage(&records))[0].egger.is_some());
        assert_eq!(analysis(&lineage(&[intervention()])), []);
    }

    #[test]
    fn no_gain_has_no_price() {
        let loss = analysis(&lineage(&replicated(200, &[-5.0])));
        assert_eq!(loss[0].cost_per_month, None);
        let mut records = replicated(200, &[5.0]);
        records[0].summary.cost_band = None;
        assert_eq!(analysis(&lineage(&records))[0].cost_per_month, None);
    }
}
