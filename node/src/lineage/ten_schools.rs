//! Reports of ten schools on one intervention, for tests of what is shown of them.

use serde_json::{Value, json};
use staffroom_protocol::record::Summary;

use super::tests::Trust;

/// What ten schools found, of which five taught it in Key Stage 1 and gained by it, and five in
/// Key Stage 2 and did not. The last also reports in words, and stops.
pub(crate) fn ten_schools() -> Trust {
    let trust = Trust::of(10);
    let intervention = Summary { title: "Paired reading".into(), ..Summary::default() };
    trust.comes((0, 1), "intervention", Some(intervention));
    let on = |school: u8, change: Value| {
        let mut summary = json!({
            "title": format!("Report <{school}>"),
            "author_role": "middle_leader",
            "design": "random_by_pupil",
            "conclusion": "continue",
            "references": trust.on((0, 1)).unwrap().references,
        });
        for (name, value) in change.as_object().unwrap() {
            summary[name] = value.clone();
        }
        Some(serde_json::from_value::<Summary>(summary).unwrap())
    };
    let points = [4.0, 5.0, 6.0, 5.0, 4.5, 0.0, 1.0, -1.0, 0.5, 0.2];
    for (school, points) in (0_u8..).zip(points) {
        let group = |mean: f64| json!({ "n": 50, "after": { "mean": mean, "sd": 10.0 } });
        let figures = json!({
            "design": "random_by_pupil", "unit_of_allocation": "pupil",
            "outcome": "Reading fluency", "domain": "reading", "one_measure": true,
            "type": "standardised", "polarity": "higher_is_better", "minimum": 0.0,
            "maximum": 100.0, "intervention": group(50.0 + points), "comparison": group(50.0),
            "chosen_for_low_scores": false, "detectable_effect": "under_0.3",
        });
        let stage = if school < 5 { "KS1" } else { "KS2" };
        let report = on(school, json!({ "key_stages": [stage], "figures": figures }));
        trust.comes((school.into(), 20 + school), "impact_report", report);
    }
    let words = json!({ "title": "In words", "design": "described", "conclusion": "stop" });
    trust.comes((9, 40), "impact_report", on(9, words));
    trust
}
