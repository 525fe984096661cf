use super::*;
use crate::evidence::reports_for_tests::{lineage, replicated};
use crate::evidence::{LineageRecord, analysis};

fn tables(records: &[LineageRecord]) -> Vec<WhoTable> {
    who_it_worked_for(&analysis(&lineage(records)))
}

/// Reports of so many schools, on what `of` says of each by its place.
fn with(differences: &[f64], of: impl Fn(&mut LineageRecord, u8)) -> Vec<LineageRecord> {
    let mut records = replicated(50, differences);
    for record in &mut records {
        let place = record.key.0.as_bytes()[0];
        of(record, place);
    }
    records
}

fn by_phase(differences: &[f64], phases: &[&str]) -> WhoTable {
    let records = with(differences, |record, place| {
        record.phase = phases.get(usize::from(place)).map(|phase| (*phase).to_owned());
    });
    tables(&records).remove(0)
}

const FAR: [f64; 10] = [4.0, 5.0, 6.0, 5.0, 4.5, 0.0, 1.0, -1.0, 0.5, 0.2];
const FIVE_AND_FIVE: [&str; 10] = [
    "primary",
    "primary",
    "primary",
    "primary",
    "primary",
    "secondary",
    "secondary",
    "secondary",
    "secondary",
    "secondary",
];

#[test]
fn a_clear_difference_is_said_and_not_explained() {
    let table = by_phase(&FAR, &FIVE_AND_FIVE);
    assert_eq!(
        (table.caption.as_str(), table.heading.as_str()),
        ("Reading, by phase of the school", "Phase of the school")
    );
    let row = |label: &str, effect: &str, meaning: &str| WhoRow {
        label: label.to_owned(),
        schools: 5,
        pupils: 500,
        effect: effect.to_owned(),
        meaning: meaning.to_owned(),
    };
    assert_eq!(
        table.rows,
        [
            row(
                "Primary",
                "0.49 (0.23 to 0.74)",
                "pupils did better than the comparison group, about 6 months' more progress"
            ),
            row(
                "Secondary",
                "0.01 (−0.23 to 0.26)",
                "there is no clear difference from the comparison group"
            ),
        ]
    );
    assert_eq!(
        table.remarks,
        [
            "Results were better in primary schools than in secondary schools, and chance alone \
             would rarely show such a difference.",
            "Schools differ in other ways too, so this does not say why.",
        ]
    );
}

#[test]
fn a_difference_that_could_be_chance_has_no_direction() {
    let close = [4.0, 5.0, 6.0, 5.0, 4.5, 3.0, 4.0, 5.0, 4.0, 3.0];
    assert_eq!(
        by_phase(&close, &FIVE_AND_FIVE).remarks,
        ["The difference between results in primary schools and in secondary schools could be \
          chance."]
    );
}

#[test]
fn of_one_school_or_two_nothing_is_said_but_how_few_they_are() {
    let table = by_phase(&[8.0, 8.0, 8.0], &["primary", "primary", "secondary"]);
    let meanings: Vec<&str> = table.rows.iter().map(|row| row.meaning.as_str()).collect();
    assert_eq!(
        meanings,
        ["two schools: too uncertain to rely on", "one school: it says nothing about others"]
    );
    assert_eq!(
        table.remarks,
        ["There are too few schools to say whether these results differ by more than chance."]
    );
}

#[test]
fn of_three_groups_none_is_said_to_stand_out() {
    let phases = [
        "primary",
        "primary",
        "primary",
        "primary",
        "secondary",
        "secondary",
        "secondary",
        "secondary",
        "special",
        "special",
        "special",
        "special",
    ];
    let far = [4.0, 5.0, 6.0, 5.0, 0.0, 1.0, -1.0, 0.5, -4.0, -5.0, -3.0, -4.0];
    assert_eq!(
        by_phase(&far, &phases).remarks[0],
        "Results differ in primary schools, in secondary schools and in special schools, and chance \
         alone would rarely show such differences; which of them stands out cannot be said."
    );
    assert_eq!(
        by_phase(&[5.0; 12], &phases).remarks,
        [
            "The differences between results in primary schools, in secondary schools and in special \
          schools could be chance."
        ]
    );
}

#[test]
fn who_is_in_no_row_is_counted_with_the_reason() {
    let phases = ["primary", "secondary"];
    assert_eq!(
        by_phase(&[1.0, 2.0, 3.0], &phases).remarks[1],
        "1 school with a result is in none of these rows: no phase is known."
    );
    let records = with(&[1.0, 2.0, 3.0, 4.0], |record, place| {
        let stages: &[&str] =
            [&["KS1"][..], &["EYFS"], &["KS1", "KS2"], &["KS1", "KS2"]][usize::from(place)];
        record.summary.key_stages = stages.iter().map(|stage| (*stage).to_owned()).collect();
    });
    let table = tables(&records).remove(0);
    assert_eq!(table.caption, "Reading, by key stage");
    let labels: Vec<&str> = table.rows.iter().map(|row| row.label.as_str()).collect();
    assert_eq!(labels, ["Early years foundation stage", "Key Stage 1"]);
    assert_eq!(
        table.remarks[1],
        "2 schools with a result are in none of these rows: their reports are on several key \
         stages at once, or do not say."
    );
}

#[test]
fn groups_of_pupils_are_named_as_pages_name_them() {
    let records = with(&FAR, |record, place| {
        let group = if place < 5 { "PP" } else { "all" };
        record.summary.pupil_groups = vec![group.to_owned()];
    });
    let table = tables(&records).remove(0);
    assert_eq!(table.caption, "Reading, by group of pupils");
    assert_eq!(
        table.remarks[0],
        "Results were better in reports on “Disadvantaged (pupil premium)” than in reports on all \
         pupils, and chance alone would rarely show such a difference."
    );
}

#[test]
fn what_is_no_attainment_has_no_months() {
    let records = with(&FAR, |record, place| {
        record.phase = Some(FIVE_AND_FIVE[usize::from(place)].to_owned());
        if let Some(figures) = &mut record.summary.figures {
            figures.outcome_type =
                Some(staffroom_protocol::record::impact_report::OutcomeType::Survey);
        }
    });
    assert_eq!(tables(&records)[0].rows[0].meaning, "pupils did better than the comparison group");
}

#[test]
fn where_all_schools_are_alike_there_is_no_table() {
    assert_eq!(tables(&replicated(50, &FAR)), []);
}

#[test]
fn schools_that_are_left_out_of_a_comparison_are_counted() {
    let comparison = |in_several| {
        let records = with(&FAR, |record, place| {
            record.phase = Some(FIVE_AND_FIVE[usize::from(place)].to_owned());
        });
        let breakdown = analysis(&lineage(&records)).remove(0).breakdowns.remove(0);
        let comparison = breakdown.comparison.unwrap();
        compared(Dimension::KeyStage, &Comparison { in_several, ..comparison }).pop().unwrap()
    };
    assert_eq!(
        comparison(1),
        "1 school that has results in several rows is left out of this comparison."
    );
    assert_eq!(
        comparison(2),
        "2 schools that have results in several rows are left out of this comparison."
    );
}
