use staffroom_protocol::record::impact_report::Spread;

use super::*;
use crate::evidence::pool::{Estimate, Method, pool};
use crate::evidence::reports_for_tests::{
    ORIGIN, adoption, described, figures, intervention, key, lineage, reference, replicated,
    reported,
};
use crate::evidence::{Finding, ReportEvidence};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn adoptions_of_adoptions_and_their_reports_are_counted() {
    let records = [
        intervention(),
        adoption(1, 2, ORIGIN, "exact"),
        adoption(2, 3, (1, 2), "adapted"),
        reported(2, 4, (2, 3), figures(50, 5.0)),
        described(3, 5, (7, 7)),
    ];
    let lineage = lineage(&records);
    assert_eq!(lineage.records, 4);
    assert_eq!((lineage.started(), lineage.reported(), lineage.stopped()), (3, 1, 0));
    let short = lineage.in_short();
    assert_eq!(short.origin, key(0, 1));
    assert_eq!((short.strength, short.did_not_work), (Some(Strength::Tested), 0));
    assert_eq!(short.phases, ["primary"]);
    let own = ReportEvidence::of(Some(&figures(50, 5.0)));
    let (low, high) = own.effect().unwrap().interval.unwrap();
    let effect = short.effect.unwrap();
    assert_eq!((effect.low, effect.high), (low, high));
}

#[test]
fn rings_and_missing_links_end_the_walk() {
    let mut records = vec![adoption(1, 2, (2, 3), "exact"), adoption(2, 3, (1, 2), "exact")];
    records.push(described(3, 4, (1, 2)));
    let ring = Lineage::of(key(1, 2), &records);
    assert_eq!(ring.records, 3);
    // The intervention was withdrawn: what was made of it still stands together.
    let records = [
        adoption(1, 2, ORIGIN, "exact"),
        reported(1, 3, (1, 2), figures(50, 5.0)),
        adoption(2, 4, ORIGIN, "exact"),
    ];
    let without = lineage(&records);
    assert_eq!((without.records, without.started(), without.outcomes.len()), (3, 2, 1));
    let mut own = adoption(1, 2, (1, 2), "exact");
    own.summary.references.push(reference((1, 2)));
    assert_eq!(Lineage::of(key(1, 2), &[own]).records, 1);
    assert_eq!(lineage(&[]).in_short().strength, None);
}

#[test]
fn a_lineage_without_end_is_cut_and_says_so() {
    let mut records = vec![intervention()];
    for number in 0..u16::try_from(MAX_LINEAGE_RECORDS).unwrap() {
        let mut one = described(1, 2, ORIGIN);
        let mut id = [9; 16];
        id[..2].copy_from_slice(&number.to_be_bytes());
        one.key.1 = RecordId::from_bytes(id);
        records.push(one);
    }
    let cut = lineage(&records);
    assert_eq!((cut.records, cut.more), (MAX_LINEAGE_RECORDS, true));
    records.pop();
    assert!(!lineage(&records).more);
}

#[test]
fn schools_are_pooled_by_reml_with_the_interval_that_never_shrinks() {
    let lineage = lineage(&replicated(50, &[1.0, 4.0, 9.0]));
    let outcome = &lineage.outcomes[0];
    let estimates: Vec<Estimate> = [1.0, 4.0, 9.0]
        .map(|difference| {
            let report = ReportEvidence::of(Some(&figures(50, difference)));
            let effect = report.effect().unwrap();
            Estimate { effect: effect.estimate, variance: effect.variance }
        })
        .to_vec();
    let expected = pool(&estimates, Method::Reml).unwrap();
    let interval = outcome.interval().unwrap();
    near(interval.estimate, expected.estimate);
    near(interval.low, expected.hksj_never_shrinks.unwrap().ci_low);
    assert_eq!(outcome.pooled, Some(expected));
    assert_eq!((outcome.pupils, outcome.attainment, outcome.listed), (300, true, 0));
    assert_eq!(lineage.strength(), Some(Strength::WellTested));
}

#[test]
fn a_school_counts_once_in_a_domain() {
    let mut records = vec![intervention(), reported(0, 40, ORIGIN, figures(50, 5.0))];
    records.push(reported(0, 41, ORIGIN, figures(50, 1.0)));
    let mut other = figures(50, 3.0);
    other.domain = "Mathematics ".to_owned();
    records.push(reported(0, 42, ORIGIN, other));
    let lineage = lineage(&records);
    let domains: Vec<&str> =
        lineage.outcomes.iter().map(|outcome| outcome.domain.as_str()).collect();
    assert_eq!(domains, ["mathematics", "reading"]);
    let [school] = lineage.outcomes[1].schools.as_slice() else { panic!("{lineage:?}") };
    let v = [5.0, 1.0].map(|difference| {
        ReportEvidence::of(Some(&figures(50, difference))).effect().unwrap().variance
    });
    near(school.effect, 3.0 / 10.0 * (1.0 - 3.0 / 391.0));
    near(school.variance, (v[0] + v[1] + 2.0 * 0.5 * (v[0] * v[1]).sqrt()) / 4.0);
    assert_eq!((school.reports, school.pupils), (2, 100));
}

#[test]
fn what_was_merely_inspired_is_listed() {
    let records = [
        intervention(),
        adoption(1, 2, ORIGIN, "inspired"),
        reported(1, 3, (1, 2), figures(50, 5.0)),
        adoption(2, 4, (1, 2), "exact"),
        reported(2, 5, (2, 4), figures(50, 5.0)),
        reported(0, 6, ORIGIN, figures(50, 1.0)),
    ];
    let lineage = lineage(&records);
    assert_eq!((lineage.started(), lineage.reported()), (1, 1));
    assert_eq!((lineage.outcomes[0].schools.len(), lineage.outcomes[0].listed), (1, 2));
    assert_eq!(lineage.inspired.len(), 2);
    assert_eq!(lineage.reports[1].not_pooled, Some(NotPooled::Inspired));
}

#[test]
fn where_nothing_is_pooled_the_strength_is_an_early_sign_at_most() {
    let mut unlike = figures(50, 5.0);
    unlike.intervention.before = Some(Spread { mean: 50.0, sd: 10.0 });
    let listed = lineage(&[intervention(), reported(0, 6, ORIGIN, unlike)]);
    assert_eq!(listed.outcomes[0].listed, 1);
    assert_eq!(listed.in_short().strength, Some(Strength::EarlySign));
    let inspired = lineage(&[
        intervention(),
        adoption(1, 2, ORIGIN, "inspired"),
        reported(1, 3, (1, 2), figures(50, 5.0)),
    ]);
    assert_eq!(inspired.in_short().strength, Some(Strength::Described));
    assert_eq!(inspired.in_short().effect, None);
}

#[test]
fn a_shared_comparison_group_counts_once() {
    let shares = |school: u8, id: u8, with: (u8, u8)| {
        let mut figures = figures(50, 5.0);
        figures.comparison_shared_with = Some(reference(with));
        reported(school, id, ORIGIN, figures)
    };
    let counted = |records: &[LineageRecord]| -> Vec<String> {
        let lineage = lineage(records);
        lineage.outcomes[0].schools.iter().map(|school| school.school_name.clone()).collect()
    };
    let first = reported(0, 40, ORIGIN, figures(50, 1.0));
    let chain = [intervention(), first, shares(1, 41, (0, 40)), shares(2, 42, (1, 41))];
    assert_eq!(counted(&chain), ["Ash Primary"]);
    let ring = [shares(0, 40, (2, 42)), shares(1, 41, (0, 40)), shares(2, 42, (1, 41))];
    assert_eq!(counted(&ring), ["Ash Primary"]);
    let missing = [shares(1, 41, (9, 99)), shares(2, 42, (2, 42))];
    assert_eq!(counted(&missing), ["Beech Academy", "Cedar School"]);
    let own = [shares(1, 41, (1, 42)), shares(1, 42, (1, 41))];
    assert_eq!(counted(&own), ["Beech Academy"]);
    assert_eq!(lineage(&own).outcomes[0].schools[0].reports, 2);
}

#[test]
fn failures_and_stops_are_counted_by_school() {
    let mut stopped = adoption(1, 21, ORIGIN, "exact");
    stopped.summary.state = Some("stopped".to_owned());
    let mut gives_up = described(2, 42, ORIGIN);
    gives_up.summary.conclusion = Some("stop".to_owned());
    let mut proposed = adoption(4, 24, ORIGIN, "exact");
    proposed.summary.state = Some("proposed".to_owned());
    let worse = reported(3, 43, ORIGIN, figures(50, -3.0));
    let short = lineage(&[intervention(), stopped, gives_up, worse, proposed]).in_short();
    assert_eq!((short.started, short.reported, short.stopped), (4, 2, 2));
    assert_eq!(short.did_not_work, 2);
}

#[test]
fn plots_list_schools_by_name_and_what_is_not_pooled_after_them() {
    let mut records = replicated(50, &[1.0, 9.0, 4.0]);
    records.push(adoption(4, 2, ORIGIN, "inspired"));
    records.push(reported(4, 3, (4, 2), figures(50, 5.0)));
    let plots = lineage(&records).forest_plots();
    let [plot] = plots.as_slice() else { panic!("{plots:?}") };
    let rows: Vec<(&str, bool)> =
        plot.rows.iter().map(|row| (row.label.as_str(), row.weight.is_some())).collect();
    assert_eq!(
        rows,
        [
            ("Ash Primary", true),
            ("Beech Academy", true),
            ("Cedar School", true),
            ("Elm Primary (not pooled)", false),
        ]
    );
    assert!(plot.pooled.is_some() && plot.prediction.is_some());
    let alone = lineage(&replicated(50, &[1.0])).forest_plots();
    assert_eq!((alone[0].rows.len(), alone[0].pooled), (1, None));
    assert_eq!(lineage(&[intervention(), described(0, 40, ORIGIN)]).forest_plots(), []);
}

#[test]
fn reports_without_figures_are_described() {
    let lineage = lineage(&[intervention(), described(0, 40, ORIGIN)]);
    assert_eq!(lineage.reports[0].evidence.finding, Finding::Described);
    assert_eq!(lineage.in_short().strength, Some(Strength::Described));
    assert_eq!(lineage.in_short().effect, None);
}
