use staffroom_protocol::record::impact_report::{
    Allocation, Conclusion, Design, Figures, OutcomeType, Spread,
};

use super::*;
use crate::evidence::LineageRecord;
use crate::evidence::reports_for_tests::{
    ORIGIN, adoption, described, figures, intervention, lineage, replicated, reported,
};

fn rows(records: &[LineageRecord]) -> Vec<ReportRow> {
    report_rows(&lineage(records))
}

fn with(change: impl FnOnce(&mut Figures)) -> ReportRow {
    let mut figures = figures(50, 5.0);
    change(&mut figures);
    rows(&[intervention(), reported(0, 40, ORIGIN, figures)]).remove(0)
}

#[test]
fn a_report_is_said_in_words_with_its_numbers() {
    let mut report = reported(1, 41, (1, 21), figures(50, 5.0));
    report.summary.title = "Spring term".to_owned();
    report.summary.design = Some("random_by_pupil".to_owned());
    let rows = rows(&[intervention(), adoption(1, 21, ORIGIN, "exact"), report.clone()]);
    let expected = ReportRow {
        school: report.key.0,
        record: report.key.1,
        school_name: "Beech Academy".to_owned(),
        title: "Spring term".to_owned(),
        what: "report on an adoption".to_owned(),
        outcome: "Reading comprehension".to_owned(),
        pupils: "100".to_owned(),
        design: "random by pupil".to_owned(),
        effect: "0.50 (0.10 to 0.89)".to_owned(),
        months: "6 months' more progress".to_owned(),
        strength: "tested, 4 of 5".to_owned(),
        conclusion: "continue".to_owned(),
        did_not_work: None,
        not_pooled: None,
    };
    assert_eq!(rows, [expected]);
}

#[test]
fn reports_stand_in_the_order_of_their_schools_names() {
    let rows = rows(&replicated(50, &[1.0, 9.0, -9.0, 4.0]));
    let names: Vec<&str> = rows.iter().map(|row| row.school_name.as_str()).collect();
    assert_eq!(names, ["Ash Primary", "Beech Academy", "Cedar School", "Damson Primary"]);
}

#[test]
fn what_a_report_is_on_is_said() {
    let records = [
        intervention(),
        described(0, 40, ORIGIN),
        adoption(1, 21, ORIGIN, "inspired"),
        described(1, 41, (1, 21)),
        adoption(2, 22, ORIGIN, "adapted"),
        described(2, 42, (2, 22)),
    ];
    let what = |records: &[LineageRecord]| -> Vec<String> {
        rows(records).into_iter().map(|row| row.what).collect()
    };
    assert_eq!(
        what(&records),
        [
            "report on the intervention",
            "report on what was inspired by the intervention",
            "report on an adoption",
        ]
    );
    assert_eq!(what(&records[1..2]), ["report on a record that is not here"]);
}

#[test]
fn no_difference_is_clear_where_the_interval_includes_0() {
    let row = with(|figures| figures.intervention.after = Some(Spread { mean: 53.0, sd: 10.0 }));
    assert_eq!(
        (row.effect.as_str(), row.months.as_str()),
        ("0.30 (−0.10 to 0.69)", "no clear difference")
    );
}

#[test]
fn months_are_only_for_what_they_mean_something_for() {
    assert_eq!(with(|figures| figures.outcome_type = Some(OutcomeType::Survey)).months, "");
    assert_eq!(
        with(|figures| figures.outcome_type = Some(OutcomeType::TeacherMade)).months,
        "6 months' more progress; a test made by teachers tends to overstate"
    );
    let unlike = with(|figures| {
        figures.intervention.before = Some(Spread { mean: 44.0, sd: 10.0 });
    });
    assert_eq!(unlike.months, "");
    assert_eq!(unlike.not_pooled.as_deref(), Some("the groups were too different beforehand"));
    assert_eq!(unlike.strength, "early sign, 2 of 5");
}

#[test]
fn what_has_no_interval_or_no_comparison_says_so() {
    let class = with(|figures| figures.unit_of_allocation = Some(Allocation::Class));
    assert_eq!(class.effect, "0.50, without an interval");
    assert_eq!(
        class.not_pooled.as_deref(),
        Some("one class against one cannot separate the approach from the teacher")
    );
    let alone = with(|figures| {
        figures.design = Some(Design::BeforeAndAfter);
        figures.comparison = None;
    });
    assert_eq!(alone.effect, "40 before, 55 after; no comparison");
    assert_eq!((alone.months.as_str(), alone.strength.as_str()), ("", "described, 0 of 5"));
    let later = with(|figures| {
        figures.design = Some(Design::BeforeAndAfter);
        (figures.comparison, figures.one_measure) = (None, false);
    });
    assert_eq!(later.effect, "55 after; no comparison");
    let wrong = with(|figures| figures.maximum = Some(54.0));
    assert_eq!(
        (wrong.effect.as_str(), wrong.pupils.as_str()),
        ("figures that cannot be right; left out", "")
    );
}

#[test]
fn words_alone_and_figures_that_stay_in_the_school_are_told_apart() {
    let mut withheld = described(0, 41, ORIGIN);
    withheld.summary.figures_withheld = Some("fewer than 10 pupils in a group".to_owned());
    let rows = rows(&[intervention(), described(0, 40, ORIGIN), withheld]);
    assert_eq!(rows[0].effect, "described in words");
    assert_eq!(rows[1].effect, "figures stay in the school: fewer than 10 pupils in a group");
}

#[test]
fn where_it_did_not_work_is_said_unless_it_was_something_else() {
    let mut stops = described(0, 40, ORIGIN);
    stops.summary.conclusion = Some(Conclusion::Stop.to_string());
    let mut both = reported(0, 41, ORIGIN, figures(50, -5.0));
    both.summary.conclusion = Some(Conclusion::Stop.to_string());
    let records = [
        intervention(),
        stops,
        both,
        reported(0, 42, ORIGIN, figures(50, -5.0)),
        adoption(1, 21, ORIGIN, "inspired"),
        reported(1, 43, (1, 21), figures(50, -5.0)),
    ];
    let told: Vec<Option<String>> =
        rows(&records).into_iter().map(|row| row.did_not_work).collect();
    assert_eq!(
        told.iter().map(Option::as_deref).collect::<Vec<_>>(),
        [
            Some("the school concluded to stop"),
            Some(
                "pupils did no better than the comparison group, and the school concluded to stop"
            ),
            Some("pupils did no better than the comparison group"),
            None,
        ]
    );
}

#[test]
fn what_this_program_does_not_know_is_left_out() {
    let mut report = described(0, 40, ORIGIN);
    report.summary.design = Some("<b>newer</b>".to_owned());
    report.summary.conclusion = Some("later".to_owned());
    let row = rows(&[intervention(), report]).remove(0);
    assert_eq!((row.design.as_str(), row.conclusion.as_str()), ("", ""));
}
