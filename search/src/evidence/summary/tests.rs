use staffroom_protocol::record::impact_report::{
    Allocation, AttritionBand, Design, Figures, Marker, OutcomeType, Spread,
};

use super::*;
use crate::evidence::LineageRecord;
use crate::evidence::reports_for_tests::{
    ORIGIN, adoption, described, figures, intervention, lineage, reference, replicated, reported,
};

fn said(records: &[LineageRecord], point: Point) -> Vec<String> {
    let sentences = summary(&lineage(records));
    sentences.into_iter().filter(|said| said.point == point).map(|said| said.text).collect()
}

fn one(figures: Figures) -> Vec<LineageRecord> {
    vec![intervention(), reported(0, 40, ORIGIN, figures)]
}

fn with(change: impl FnOnce(&mut Figures)) -> Vec<LineageRecord> {
    let mut figures = figures(50, 5.0);
    change(&mut figures);
    one(figures)
}

#[test]
fn before_anybody_reports_nothing_is_said_of_a_gain() {
    let records = [intervention(), adoption(1, 21, ORIGIN, "exact")];
    let sentences = summary(&lineage(&records));
    let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    assert_eq!(
        texts,
        [
            "No school has reported yet what came of it.",
            "Of 2 schools that started, 0 reported and 0 stopped, going by the 2 records that you \
             can see.",
            "The cost for each pupil in a year is low (£80 to £170).",
            "Ask the middle leader at Ash Primary, where it began; or the English lead at Beech \
             Academy.",
        ]
    );
}

#[test]
fn words_alone_are_called_words() {
    let records = [intervention(), described(0, 40, ORIGIN)];
    assert_eq!(
        said(&records, Point::Gain),
        ["What came of it is described in words; it was not measured against a comparison group."]
    );
    assert_eq!(
        said(&records, Point::Strength),
        [
            "Our rating is “described”: there is no comparison from which a gain could be worked out."
        ]
    );
}

#[test]
fn one_school_says_nothing_about_others() {
    assert_eq!(
        said(&one(figures(50, 5.0)), Point::Gain),
        [
            "In reading at Ash Primary, pupils did better than the comparison group: 0.50 standard \
             deviations (95 % interval 0.10 to 0.89), about 6 months' more progress.",
            "This is one school: nothing can be said about other schools.",
        ]
    );
}

#[test]
fn where_the_interval_includes_0_there_is_no_gain_and_there_are_no_months() {
    assert_eq!(
        said(&one(figures(50, 3.0)), Point::Gain)[0],
        "In reading at Ash Primary, there is no clear difference from the comparison group: 0.30 \
         standard deviations (95 % interval −0.10 to 0.69)."
    );
}

#[test]
fn a_loss_is_said_as_plainly_as_a_gain() {
    let records = one(figures(50, -5.0));
    assert_eq!(
        said(&records, Point::Gain)[0],
        "In reading at Ash Primary, pupils did less well than the comparison group: −0.50 \
         standard deviations (95 % interval −0.89 to −0.10), about 6 months' less progress."
    );
    assert_eq!(
        said(&records, Point::DidNotWork),
        ["Pupils did no better than the comparison group at Ash Primary."]
    );
}

#[test]
fn what_is_no_attainment_has_no_months() {
    let records = with(|figures| figures.outcome_type = Some(OutcomeType::Survey));
    assert!(!said(&records, Point::Gain)[0].contains("month"));
}

#[test]
fn two_schools_are_listed_and_their_interval_comes_with_its_warning() {
    assert_eq!(
        said(&replicated(50, &[5.0, 3.0]), Point::Gain),
        [
            "In reading, Ash Primary found 0.50 standard deviations (95 % interval \
             0.10 to 0.89); Beech Academy found 0.30 standard deviations (95 % \
             interval −0.10 to 0.69).",
            "Taken together: 0.40 standard deviations (95 % interval −1.42 to 2.21); from two \
             schools, this is too uncertain to rely on.",
        ]
    );
}

#[test]
fn three_schools_are_pooled_and_five_say_what_a_similar_school_may_expect() {
    let three = said(&replicated(200, &[5.0, 4.8, 5.2]), Point::Gain);
    assert_eq!(three.len(), 1);
    assert!(three[0].starts_with(
        "In reading, over 3 schools and 1200 pupils, pupils did better than the comparison group"
    ));
    assert!(three[0].ends_with(", about 6 months' more progress."), "{three:?}");
    let five = said(&replicated(200, &[5.0, 4.8, 5.2, 4.9, 5.1]), Point::Gain);
    assert_eq!(five.len(), 2);
    assert!(five[1].starts_with("The true effect in a similar school is likely to lie between 0."));
    assert!(five[1].ends_with("; one school’s result varies more."));
    assert!(!five[1].contains("harm"), "{five:?}");
}

#[test]
fn a_wide_prediction_and_high_i2_are_warned_of() {
    let records = replicated(200, &[9.0, 1.0, 8.0, 3.0, 9.0, 1.0, 8.0]);
    let gain = said(&records, Point::Gain);
    assert!(gain[1].contains("so it may do nothing or harm there; one school’s"), "{gain:?}");
    let care = said(&records, Point::Care);
    assert!(
        care[0].starts_with("In reading, results differ between schools by more than chance (I² 9"),
        "{care:?}"
    );
    assert_eq!(said(&replicated(200, &[5.0, 4.8, 5.2]), Point::Care), [""; 0]);
}

#[test]
fn without_a_comparison_group_nothing_is_put_down_to_it() {
    let records = with(|figures| {
        figures.design = Some(Design::BeforeAndAfter);
        figures.comparison = None;
        figures.chosen_for_low_scores = true;
    });
    assert_eq!(
        said(&records, Point::Gain),
        [
            "At Ash Primary, the mean of Reading comprehension went from 40 to 55 (better); without a \
          comparison group, nobody can say how much of that it brought about."
        ]
    );
    assert_eq!(
        said(&records, Point::Care),
        ["At Ash Primary, pupils were chosen because they scored low: such pupils usually score \
          higher next time, whatever is done."]
    );
}

#[test]
fn what_is_listed_and_not_pooled_says_why() {
    let class = with(|figures| figures.unit_of_allocation = Some(Allocation::Class));
    assert_eq!(
        said(&class, Point::Gain),
        ["What was measured cannot be relied on, for the reason given under what to be careful \
          about."]
    );
    assert_eq!(
        said(&class, Point::Care),
        [
            "At Ash Primary, one class was compared with one other, which cannot separate the approach \
          from the teacher: the result is listed, and does not count above."
        ]
    );
    let unlike = with(|figures| {
        figures.intervention.before = Some(Spread { mean: 50.0, sd: 10.0 });
    });
    assert_eq!(
        said(&unlike, Point::Care),
        [
            "At Ash Primary, the groups were too different beforehand to be compared like with like: \
          the result is listed, and does not count above."
        ]
    );
    let mut inspired = one(figures(50, 5.0));
    inspired.push(adoption(1, 21, ORIGIN, "inspired"));
    inspired.push(reported(1, 41, (1, 21), figures(50, 9.0)));
    assert_eq!(
        said(&inspired, Point::Care),
        [
            "At Beech Academy, what was done was only inspired by this: the result is listed, and \
             does not count above.",
            "1 school took only the idea from it and is not counted.",
        ]
    );
    let mut shared = one(figures(50, 5.0));
    let mut with_ash = figures(50, 5.0);
    with_ash.comparison_shared_with = Some(reference((0, 40)));
    shared.push(reported(1, 41, ORIGIN, with_ash));
    assert_eq!(
        said(&shared, Point::Care),
        ["At Beech Academy, the comparison group is one that another school’s report counts \
          already: the result is listed, and does not count above."]
    );
}

#[test]
fn weak_measures_and_small_groups_are_named() {
    let records = with(|figures| {
        figures.outcome_type = Some(OutcomeType::TeacherMade);
        figures.marked_by = Some(Marker::Deliverer);
        figures.attrition = Some(AttritionBand::UpTo30);
        figures.intervention.before = Some(Spread { mean: 41.0, sd: 10.0 });
        figures.intervention.n = 30;
    });
    assert_eq!(
        said(&records, Point::Care),
        [
            "Only 80 pupils are behind the result in reading; chance alone moves so few a long way.",
            "At Ash Primary, the test was made by teachers, which tends to overstate a gain.",
            "At Ash Primary, whoever taught it marked the test as well.",
            "At Ash Primary, more than a fifth of the pupils who started have no result at the end.",
            "At Ash Primary, the groups differed somewhat beforehand; that difference was taken off.",
        ]
    );
}

#[test]
fn figures_that_cannot_be_right_are_left_out_and_said_so() {
    let records = with(|figures| figures.intervention.after = Some(Spread { mean: 5.0, sd: -1.0 }));
    assert_eq!(
        said(&records, Point::Care),
        [
            "The figures from Ash Primary cannot be right, or are about too few pupils; they were left \
          out."
        ]
    );
}

#[test]
fn a_one_sided_lineage_is_called_one() {
    let mut records = one(figures(50, 5.0));
    records.extend((1..6).map(|school| adoption(school, 20 + school, ORIGIN, "exact")));
    assert_eq!(
        said(&records, Point::Care),
        ["Only 1 of 6 schools that started have reported, and all that was measured are gains; \
          where it went badly, schools may not have reported."]
    );
    records.push(reported(0, 45, ORIGIN, figures(50, -1.0)));
    assert_eq!(
        said(&records, Point::Care),
        [
            "All reports come from one school.",
            "Only 1 of 6 schools that started have reported; where it went badly, schools may not \
             have reported.",
        ]
    );
}

#[test]
fn where_it_did_not_work_is_named_in_the_order_of_names() {
    let mut gave_up = described(2, 42, ORIGIN);
    gave_up.summary.conclusion = Some("stop".to_owned());
    let mut both = reported(4, 44, ORIGIN, figures(50, -2.0));
    both.summary.conclusion = Some("stop".to_owned());
    let records = [
        intervention(),
        reported(3, 43, ORIGIN, figures(50, -9.0)),
        reported(1, 41, ORIGIN, figures(50, -1.0)),
        gave_up,
        both,
    ];
    assert_eq!(
        said(&records, Point::DidNotWork),
        [
            "Pupils did no better than the comparison group at Beech Academy and Damson Primary; Cedar \
          School concluded to stop; Elm Primary found that pupils did no better, and concluded to \
          stop."
        ]
    );
    assert_eq!(
        said(&replicated(50, &[5.0, 3.0]), Point::DidNotWork),
        ["No school that reported says that it failed."]
    );
}

#[test]
fn strength_cost_and_contacts_are_said_in_words() {
    let records = replicated(50, &[5.0, 3.0]);
    assert_eq!(
        said(&records, Point::Strength),
        ["Our rating is “well tested”: there are good comparisons in more than one school."]
    );
    let weak = with(|figures| figures.attrition = Some(AttritionBand::Over50));
    assert_eq!(
        said(&weak, Point::Strength),
        [
            "Our rating is “described”: the comparison is too small or too uncertain to count as more."
        ]
    );
    let mut without = records.clone();
    without[0].summary.cost_band = None;
    assert_eq!(said(&without, Point::Cost), ["Nobody recorded what it costs."]);
    without[0].summary.cost_band = Some("dear".to_owned());
    assert_eq!(said(&without, Point::Cost), ["Nobody recorded what it costs."]);
}

#[test]
fn long_lists_of_schools_are_cut() {
    let list: Vec<String> = (0..20).map(|number| format!("School {number:02}")).collect();
    let named = names(list.iter().map(String::as_str)).unwrap();
    assert!(named.ends_with("School 07 and 12 more"), "{named}");
    assert_eq!(names(["Beech", "Ash", "Beech"]).unwrap(), "Ash and Beech");
    assert_eq!(names([]), None);
    assert_eq!((number(-0.001), number(-0.126)), ("0.00".to_owned(), "−0.13".to_owned()));
}
