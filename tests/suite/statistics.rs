//! Effects and meta-analyses of tables, without a school.

use serde_json::Value;
use staffroom_tests::{School, on_one_line};

use crate::PROGRAM;

/// Hedges' g and its variance in six studies: Borenstein et al., Introduction to Meta-Analysis
/// (2009), table 14.1.
const SIX_STUDIES: &str = "study,yi,vi\nCarroll,0.0945,0.0329\nGrant,0.2774,0.0307\n\
    Peck,0.3665,0.0499\nDonat,0.6644,0.0105\nStewart,0.4618,0.0427\nYoung,0.1852,0.0234\n";

#[track_caller]
fn near(found: &Value, expected: f64, within: f64) {
    let number = found.as_f64().unwrap();
    assert!((number - expected).abs() <= within, "{number} is not {expected}");
}

#[test]
fn a_table_is_pooled_and_drawn_without_a_school() {
    let desk = School::without_data(PROGRAM, "Desk");
    let table = desk.write("six.csv", SIX_STUDIES);
    let table = table.to_str().unwrap();
    let plot = desk.write("six.svg", "");
    let pooled = desk.json(&[
        "pool",
        table,
        "--method",
        "dl",
        "--label",
        "study",
        "--plot",
        plot.to_str().unwrap(),
    ]);
    near(&pooled["estimate"], 0.358_2, 2e-4);
    near(&pooled["tau2"], 0.037_2, 2e-4);
    near(&pooled["q"], 12.003_3, 2e-2);
    for key in ["ci_low", "ci_high", "p", "tau2_ci_low", "tau2_ci_high", "q_p", "i2"] {
        assert!(pooled[key].is_number(), "{key}: {pooled}");
    }
    assert_eq!(
        (&pooled["k"], &pooled["method"], &pooled["q_df"]),
        (&6.into(), &"dl".into(), &5.into())
    );
    for key in ["se", "ci_low", "ci_high", "p"] {
        assert!(pooled["hksj"][key].is_number(), "{key}: {pooled}");
    }
    assert!(pooled["prediction"]["low"].as_f64() < pooled["prediction"]["high"].as_f64());
    let svg = std::fs::read_to_string(plot).unwrap();
    assert!(
        svg.starts_with("<svg") && svg.contains("Donat: 0.66, 95 % interval 0.46 to 0.87"),
        "{svg}"
    );
    let text = desk.done(&["pool", table]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("6 estimates, by restricted maximum likelihood"), "{text}");
}

#[test]
fn what_cannot_be_pooled_is_named_by_row_and_empty_cells_are_left_out() {
    let desk = School::without_data(PROGRAM, "Desk");
    let pool = |content: &str| {
        let table = desk.write("table.csv", content);
        desk.run(&["pool", table.to_str().unwrap()])
    };
    let refused = pool("yi,vi\n0.1,0.01\n0.2,0\n0.3,inf\n0.4,-1\nx,0.01\n").error();
    for reason in [
        "row 3: the variance 0 must be above 0",
        "row 4: the variance inf must be",
        "row 5: the variance -1 must be above 0",
        "row 6: column \"yi\": \"x\" is no number",
    ] {
        assert!(refused.contains(reason), "{refused}");
    }
    let one = pool("yi,vi\n0.1,0.01\n0.2,0\n").error();
    assert!(one.contains("a row that cannot be pooled; correct it, or empty the cell"), "{one}");
    let none = pool("yi,vi\n").error();
    assert!(none.contains("has a header and no rows below it"), "{none}");
    let empty = pool("yi,vi\n0.1,\n,0.1\n").error();
    assert!(empty.contains("the effect or the variance of every row is empty"), "{empty}");
    let equal = pool("yi,vi\n0.3,0.02\n0.3,0.03\n").output;
    assert!(equal.contains("All effects are equal, which makes the HKSJ interval a point"));
    let gone = desk.run(&["pool", "no-such-file.csv"]).error();
    assert_eq!(gone.matches("No such file").count(), 1, "{gone}");
    let column = pool("effect,vi\n0.1,0.1\n").error();
    assert!(
        column.contains("--effect COLUMN") && column.contains("has no column \"yi\""),
        "{column}"
    );
    let wrong = desk.run(&["pool", "table.csv", "--method", "xx"]);
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.errors.contains("choose from reml"), "{wrong:?}");

    let table = desk.write("gaps.csv", "yi;vi\r\n0.1;0.01\r\n;0.01\r\n0.3;\r\nNA;0.02\r\n");
    let pooled = desk.json(&["pool", table.to_str().unwrap()]);
    assert_eq!(pooled["skipped"], serde_json::json!([3, 4, 5]));
    assert_eq!((&pooled["k"], &pooled["tau2"]), (&1.into(), &0.0.into()));
    for key in ["tau2_ci_low", "tau2_ci_high", "hksj", "prediction", "egger"] {
        assert!(pooled[key].is_null(), "{key}: {pooled}");
    }
}

/// Weeks, effects and variances of twelve made-up schools.
const BY_WEEKS: &str = "weeks,yi,vi\n3,0.95,0.020\n9,0.05,0.035\n4,0.45,0.015\n5,0.61,0.050\n\
    12,-0.15,0.025\n2,0.52,0.040\n10,0.12,0.030\n6,0.47,0.018\n8,-0.18,0.022\n6,0.40,0.060\n\
    14,-0.05,0.028\n7,0.42,0.033\n";

// From a program of its own in Python with NumPy and SciPy.
#[test]
fn an_effect_is_compared_by_a_number_that_schools_differ_in() {
    let desk = School::without_data(PROGRAM, "Desk");
    let table = desk.write("weeks.csv", BY_WEEKS);
    let table = table.to_str().unwrap();
    // Whatever pools, the line is by REML.
    for method in ["reml", "fe"] {
        let pooled = desk.json(&["pool", table, "--method", method, "--moderator", "WEEKS"]);
        let found = &pooled["moderator"];
        assert_eq!((&found["column"], &found["method"]), (&"weeks".into(), &"reml".into()));
        assert_eq!((&found["low"], &found["high"]), (&2.0.into(), &14.0.into()));
        assert!(found["why_not"].is_null(), "{found}");
        let line = &found["line"];
        near(&line["slope"]["estimate"], -0.080_516_397_9, 1e-9);
        near(&line["slope"]["se"], 0.018_564_364_6, 1e-9);
        near(&line["slope"]["p"], 0.000_014_434_3, 1e-9);
        near(&line["slope"]["hksj"]["p"], 0.000_982_627_6, 1e-9);
        near(&line["slope"]["hksj_never_shrinks"]["p"], 0.001_472_945_6, 1e-9);
        near(&line["intercept"]["estimate"], 0.875_934_278_1, 1e-9);
        near(&line["tau2"], 0.021_828_360_3, 1e-9);
        near(&line["r2"], 77.490_364_315_6, 1e-7);
        near(&line["q_residual"], 17.361_512_358_5, 1e-9);
        assert_eq!((&line["k"], &line["q_df"]), (&12.into(), &10.into()));
        assert_eq!(pooled["rows"][0]["moderator"], 3.0);
    }
    let text = desk.done(&["pool", table, "--moderator", "weeks"]);
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    let words = on_one_line(&text);
    assert!(words.contains("the effect falls by 0.081 (95 % interval 0.039 to 0.122)"), "{text}");
    assert!(desk.json(&["pool", table])["moderator"].is_null());
}

#[test]
fn a_moderator_that_cannot_be_used_is_named_and_one_that_says_nothing_leaves_the_pooled_result() {
    let desk = School::without_data(PROGRAM, "Desk");
    let pool = |content: &str, column: &str| {
        let table = desk.write("table.csv", content);
        desk.run(&["pool", table.to_str().unwrap(), "--moderator", column])
    };
    // What is left out needs no moderator.
    let rows = "yi,vi,weeks\n0.1,0.01,\n0.2,0.02,inf\n0.3,0.03,many\n,0.04,\n0.5,0.05,NA\n";
    let refused = pool(rows, "weeks").error();
    for reason in [
        "row 2: column \"weeks\" is empty; a moderator must be a number",
        "row 3: column \"weeks\": the moderator inf must be a number",
        "row 4: column \"weeks\": \"many\" is no number",
        "row 6: column \"weeks\" is empty",
    ] {
        assert!(refused.contains(reason), "{refused}");
    }
    assert!(!refused.contains("row 5"), "{refused}");
    let missing = pool(rows, "group size").error();
    assert!(missing.contains("has no column \"group size\""), "{missing}");
    let itself = pool(rows, "yi").error();
    assert!(itself.contains("--moderator names the column of the effects"), "{itself}");

    let few = "yi,vi,weeks\n0.1,0.01,2\n0.2,0.02,3\n0.3,0.03,4\n";
    let same = format!("yi,vi,weeks\n{}", "0.1,0.01,6\n0.2,0.02,6\n".repeat(5));
    for (rows, why) in
        [(few, "at least 10 estimates, and there are 3"), (&same, "all have the same")]
    {
        let ran = pool(rows, "weeks");
        assert_eq!(ran.code, Some(0), "{ran:?}");
        let words = on_one_line(&ran.output);
        assert!(words.contains("The effect is not compared by weeks") && words.contains(why));
        assert!(words.contains("estimate 0.1"), "{words}");
        let table = desk.write("table.csv", rows);
        let pooled = desk.json(&["pool", table.to_str().unwrap(), "--moderator", "weeks"]);
        assert!(pooled["moderator"]["why_not"].as_str().unwrap().contains(why), "{pooled}");
        assert!(pooled["moderator"]["line"].is_null() && pooled["estimate"].is_number());
    }
}

#[test]
fn effects_are_worked_out_row_by_row_and_a_wrong_row_costs_no_other() {
    let desk = School::without_data(PROGRAM, "Desk");
    // The first row is the worked example of Borenstein et al. (2009), chapter 4.
    let table = desk.write(
        "results.csv",
        "School,pupils,mean1,sd1,n2,mean2,sd2\nAsh,50,103,5.5,50,100,4.5\n\
         Beech,50,103,0,50,100,4.5\nCedar,,103,5,50,100,4.5\nDunlin,50,100,5,50,100,5\n",
    );
    let arguments = ["effect", table.to_str().unwrap(), "--map", "n1=pupils", "--label", "school"];
    let ran = desk.run(&[&arguments[..], &["--json"]].concat());
    assert_eq!(ran.code, Some(1));
    let report: Value = serde_json::from_str(&ran.output).unwrap();
    near(&report["rows"][0]["g"], 0.592_4, 5e-5);
    near(&report["rows"][0]["variance_wwc"], 0.041_1, 5e-5);
    assert_eq!(report["rows"][0]["months"], 7);
    assert_eq!(report["rows"][1]["label"], "Dunlin");
    assert!(report["rows"][1]["months"].is_null(), "no difference is clear: {report}");
    assert_eq!(report["refused"][0]["row"], 3);
    assert_eq!(report["refused"][0]["reason"], "sd1 is 0; it must be above 0 and at most 1e9");
    assert_eq!(report["refused"][1]["reason"], "n1 (column \"pupils\") is empty");

    let ran = desk.run(&arguments);
    assert!(ran.error().contains("2 of 4 rows have no effect"), "{ran:?}");
    assert!(ran.output.contains("+0.592") && ran.output.contains("row 4: n1"), "{ran:?}");
    let missing = desk.run(&["effect", table.to_str().unwrap()]).error();
    assert!(missing.contains("add --map n1=COLUMN"), "{missing}");
}
