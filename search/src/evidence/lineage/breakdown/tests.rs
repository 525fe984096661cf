use super::*;
use crate::evidence::reports_for_tests::{
    ORIGIN, SCHOOLS, adoption, figures, intervention, key, lineage, replicated, reported,
};
use crate::evidence::{Lineage, LineageRecord};

/// Schools in which pupils end so many points above others, the first `primary` of them primary
/// schools and the others secondary ones.
fn by_phase(primary: usize, differences: &[f64]) -> Vec<LineageRecord> {
    let mut records = replicated(50, differences);
    for record in &mut records {
        let place = SCHOOLS.iter().position(|name| *name == record.school_name).unwrap();
        let phase = if place < primary { "primary" } else { "secondary" };
        record.phase = Some(phase.to_owned());
    }
    records
}

/// Five of each, far apart.
const FAR: [f64; 10] = [4.0, 5.0, 6.0, 5.0, 4.5, 0.0, 1.0, -1.0, 0.5, 0.2];

fn in_reading(lineage: &Lineage) -> Vec<Breakdown> {
    lineage.breakdowns().remove("reading").unwrap_or_default()
}

fn of(records: &[LineageRecord], dimension: Dimension) -> Option<Breakdown> {
    let all = in_reading(&lineage(records));
    all.into_iter().find(|breakdown| breakdown.dimension == dimension)
}

fn counts(breakdown: &Breakdown) -> Vec<(&'static str, usize)> {
    breakdown.groups.iter().map(|group| (group.value, group.k)).collect()
}

/// Gives the reports of a school a key stage.
fn on_stage(records: &mut [LineageRecord], school: u8, stages: &[&str]) {
    for record in records.iter_mut().filter(|record| record.key.0 == key(school, 0).0) {
        record.summary.key_stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
    }
}

#[track_caller]
fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

// From a program of its own in Python with NumPy and SciPy: g = 0.1·d·(1 − 3/391) of each school,
// v = 0.04 + g²/200, REML in each group.
#[test]
fn groups_are_pooled_apart_and_compared() {
    let breakdown = of(&by_phase(5, &FAR), Dimension::Phase).unwrap();
    assert_eq!(counts(&breakdown), [("primary", 5), ("secondary", 5)]);
    assert_eq!((breakdown.groups[0].pupils, breakdown.groups[0].attainment), (500, true));
    for (group, (estimate, low, high)) in breakdown
        .groups
        .iter()
        .zip([(0.485_718, 0.233_684, 0.737_752), (0.013_897, -0.234_506, 0.262_300)])
    {
        near(group.effect.estimate, estimate);
        near(group.effect.low, low);
        near(group.effect.high, high);
    }
    let comparison = breakdown.comparison.unwrap();
    assert_eq!(comparison.values, ["primary", "secondary"]);
    assert_eq!((comparison.k, comparison.in_several, comparison.df), (10, 0, 1));
    near(comparison.q_between, 13.703_831);
    near(comparison.p, 0.000_214);
    near(comparison.cautious.f, 13.703_831);
    near(comparison.cautious.df2, 7.998_316);
    near(comparison.cautious.p, 0.006_029);
    assert_eq!((comparison.better, comparison.is_clear()), (Some("primary"), true));
    let near_one_another = [4.0, 5.0, 6.0, 5.0, 4.5, 3.0, 4.0, 5.0, 4.0, 3.0];
    let close = of(&by_phase(5, &near_one_another), Dimension::Phase).unwrap();
    let close = close.comparison.unwrap();
    near(close.q_between, 0.727_131);
    near(close.cautious.p, 0.418_611);
    assert!(!close.is_clear());
}

#[test]
fn the_cautious_test_decides_at_1_in_100() {
    let mut comparison = of(&by_phase(5, &FAR), Dimension::Phase).unwrap().comparison.unwrap();
    comparison.p = 0.000_1;
    comparison.cautious.p = 0.011;
    assert!(!comparison.is_clear());
    comparison.cautious.p = 0.009;
    assert!(comparison.is_clear());
}

#[test]
fn which_is_better_does_not_depend_on_the_order_of_the_vocabulary() {
    let mut turned = FAR;
    turned.rotate_left(5);
    let breakdown = of(&by_phase(5, &turned), Dimension::Phase).unwrap();
    assert_eq!(breakdown.comparison.unwrap().better, Some("secondary"));
}

#[test]
fn few_schools_are_shown_and_not_compared() {
    // 3 and 7: one group is too small. 4 and 5: nine in all.
    let three = of(&by_phase(3, &FAR), Dimension::Phase).unwrap();
    assert_eq!((counts(&three)[0], three.comparison), (("primary", 3), None));
    let nine = of(&by_phase(4, &FAR[..9]), Dimension::Phase).unwrap();
    assert_eq!((counts(&nine), nine.comparison), (vec![("primary", 4), ("secondary", 5)], None));
    let ten = of(&by_phase(4, &FAR), Dimension::Phase).unwrap();
    assert_eq!(ten.comparison.unwrap().k, 10);
}

#[test]
fn a_group_that_is_too_small_is_left_out_of_a_comparison_of_others() {
    let mut records = by_phase(5, &[&FAR[..], &[9.0]].concat());
    let last = records.iter_mut().filter(|record| record.school_name == SCHOOLS[10]);
    last.for_each(|record| record.phase = Some("special".to_owned()));
    let breakdown = of(&records, Dimension::Phase).unwrap();
    assert_eq!(counts(&breakdown), [("primary", 5), ("secondary", 5), ("special", 1)]);
    let comparison = breakdown.comparison.unwrap();
    assert_eq!((comparison.values.len(), comparison.k), (2, 10));
}

#[test]
fn groups_come_in_the_order_of_the_vocabulary_and_one_group_says_what_the_whole_says() {
    let mut records = by_phase(3, &[1.0, 2.0, 3.0]);
    assert_eq!(of(&records, Dimension::Phase), None);
    for (school, phase) in [(0, "special"), (1, "nursery"), (2, "secondary school")] {
        for record in records.iter_mut().filter(|record| record.key.0 == key(school, 0).0) {
            record.phase = Some(phase.to_owned());
        }
    }
    let breakdown = of(&records, Dimension::Phase).unwrap();
    assert_eq!(counts(&breakdown), [("nursery", 1), ("secondary", 1), ("special", 1)]);
}

#[test]
fn a_report_on_several_key_stages_says_nothing_about_any_one() {
    let mut records = replicated(50, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    on_stage(&mut records, 0, &["KS1"]);
    on_stage(&mut records, 1, &["KS2"]);
    on_stage(&mut records, 2, &["KS1", "KS2"]);
    on_stage(&mut records, 3, &["KS2", "a stage of a newer program"]);
    on_stage(&mut records, 4, &["key stage 2", "Years 3 to 6"]);
    // Of the sixth school nothing is said, so that it counts as the intervention, which is on KS1.
    let breakdown = of(&records, Dimension::KeyStage).unwrap();
    assert_eq!(counts(&breakdown), [("KS1", 2), ("KS2", 2)]);
    assert_eq!(breakdown.apart, 2);
}

/// Ten schools that report on one key stage each, and one more that reports on both, each by itself.
fn one_in_both(on_first: f64, on_second: f64) -> Vec<LineageRecord> {
    let mut records = replicated(50, &FAR);
    for school in 0..10 {
        on_stage(&mut records, school, if school < 5 { &["KS1"] } else { &["KS2"] });
    }
    records.push(adoption(10, 30, ORIGIN, "exact"));
    for (id, difference, stage) in [(50, on_first, "KS1"), (51, on_second, "KS2")] {
        let mut report = reported(10, id, (10, 30), figures(50, difference));
        report.summary.key_stages = vec![stage.to_owned()];
        records.push(report);
    }
    records
}

#[test]
fn a_school_in_two_groups_is_shown_in_both_and_not_compared() {
    let breakdown = of(&one_in_both(5.0, 0.0), Dimension::KeyStage).unwrap();
    assert_eq!(counts(&breakdown), [("KS1", 6), ("KS2", 6)]);
    assert_eq!(breakdown.apart, 0);
    let comparison = breakdown.comparison.unwrap();
    assert_eq!((comparison.k, comparison.in_several), (10, 1));
    near(comparison.q_between, 13.703_831);
    assert_eq!(comparison.better, Some("KS1"));
}

#[test]
fn no_group_is_called_better_against_what_its_row_shows() {
    // With 40 points less and more at the eleventh school the rows show the other order.
    let breakdown = of(&one_in_both(-40.0, 40.0), Dimension::KeyStage).unwrap();
    let [one, other] = breakdown.groups.as_slice() else { panic!("{breakdown:?}") };
    assert!(one.effect.estimate < other.effect.estimate, "{breakdown:?}");
    let comparison = breakdown.comparison.unwrap();
    assert_eq!((comparison.is_clear(), comparison.better), (true, None));
}

#[test]
fn what_is_listed_and_not_pooled_is_in_no_group() {
    let mut records = by_phase(1, &[1.0, 2.0]);
    let mut inspired = adoption(2, 30, ORIGIN, "inspired");
    inspired.phase = Some("special".to_owned());
    let mut report = reported(2, 31, (2, 30), figures(50, 5.0));
    report.phase = Some("special".to_owned());
    records.extend([inspired, report]);
    let breakdown = of(&records, Dimension::Phase).unwrap();
    assert_eq!(counts(&breakdown), [("primary", 1), ("secondary", 1)]);
    assert_eq!(breakdown.apart, 0);
}

#[test]
fn reports_that_do_not_say_are_on_what_the_intervention_is_on() {
    let mut first = intervention();
    first.summary.pupil_groups = vec!["PP".to_owned()];
    let mut own = reported(1, 41, (1, 21), figures(50, 5.0));
    own.summary.pupil_groups = vec!["all".to_owned()];
    let records =
        [first, reported(0, 40, ORIGIN, figures(50, 5.0)), adoption(1, 21, ORIGIN, "exact"), own];
    let breakdown = of(&records, Dimension::PupilGroup).unwrap();
    assert_eq!(counts(&breakdown), [("all", 1), ("disadvantaged", 1)]);
    // An intervention that is not held says nothing, nor does an adoption that stands in its place.
    let mut other = adoption(3, 23, ORIGIN, "exact");
    other.summary.pupil_groups = vec!["EAL".to_owned()];
    let mut untold = vec![other];
    untold.extend_from_slice(&records[1..]);
    assert_eq!(of(&untold, Dimension::PupilGroup), None);
}
