//! A school that holds many records, and one intervention that others took up and reported on.

use serde_json::{Value, json};
use staffroom_tests::School;
use staffroom_tests::documents::{self, Random};

/// Records that are shared at once.
const BATCH: usize = 500;

const KEY_STAGES: [&str; 5] = ["EYFS", "KS1", "KS2", "KS3", "KS4"];

const SUBJECTS: [&str; 6] = ["English", "mathematics", "science", "history", "geography", "music"];

const TYPES: [&str; 4] = ["lesson plan", "scheme of work", "assessment", "training"];

/// The school, whose node runs, and the intervention's id.
pub(crate) fn school(records: u64, reports: u64) -> (School, String) {
    let ash = running("Ash Primary");
    ash.found("The network", "trust", &[]);
    let tried = json!({
        "kind": "intervention",
        "title": "Echo reading in pairs",
        "aim": "Pupils who read word by word should read a page of their reading book fluently.",
        "what_is_different": "A fluent reader reads a sentence and the partner reads it after them.",
        "monitoring": "The reading lead listens to four pairs a week and notes words a minute.",
        "abstract": "Pairs of pupils read in turns for ten minutes a day for a term.",
        "subjects": ["English"],
        "key_stages": ["KS2"],
        "pupil_groups": ["disadvantaged"],
        "core_elements": ["Every day", "Pairs stay together for half a term"],
        "adaptable_elements": ["The texts", "The time of day"],
        "state": "finished",
        "started": "2025-09-08",
        "ended": "2026-02-13",
    });
    let agent = ureq::Agent::new_with_defaults();
    let id = share(&ash, &agent, &[tried]).remove(0);
    for number in 1..=reports {
        let mut school = running(&format!("School {number}"));
        school.done(&["group", "join", &ash.invite("The network")]);
        school.finds("echo", 1);
        share(&school, &agent, &trial(&id, number));
        ash.waits_for("its report", || {
            ash.api(&agent, &format!("/records/{id}"))["evidence"]["in_short"]["reported"] == number
        });
        school.stop();
    }
    let numbers: Vec<u64> = (0..records).collect();
    for batch in numbers.chunks(BATCH) {
        let resources: Vec<Value> = batch.iter().map(|number| resource(*number)).collect();
        share(&ash, &agent, &resources);
    }
    ash.waits_for("all to be found", || ash.api(&agent, "/status")["index"]["up_to_date"] == true);
    (ash, id)
}

fn running(name: &str) -> School {
    let mut school = School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), name);
    school.start();
    school
}

/// Shares records, and returns their ids.
fn share(school: &School, agent: &ureq::Agent, records: &[Value]) -> Vec<String> {
    let post = agent.post(format!("{}api/v1/records", school.page()));
    let post = post.header("Authorization", school.bearer());
    let mut answer = post.send_json(json!({ "records": records })).expect("the node answers");
    let outcomes: Value = answer.body_mut().read_json().expect("the answer is JSON");
    let outcomes = outcomes.as_array().expect("an outcome for each");
    let id = |outcome: &Value| {
        assert_eq!(outcome["outcome"], "published", "{outcome}");
        outcome["id"].as_str().expect("an id").to_owned()
    };
    outcomes.iter().map(id).collect()
}

/// How a school took up the intervention, and what came of it.
fn trial(of: &str, number: u64) -> [Value; 2] {
    let mut random = Random::new(number);
    let mut near = |middle: f64| middle + random.below(600) as f64 / 100.0 - 3.0;
    let adoption = json!({
        "kind": "adoption", "of": of, "type": "adapted", "state": "finished",
        "title": format!("Echo reading at school {number}"),
        "changes": [{ "element": "The time of day", "change": "After lunch, as assembly is in the morning" }],
        "contact_role": "Reading lead",
    });
    let report = json!({
        "kind": "impact_report", "of": of,
        "title": format!("What came of echo reading at school {number}"),
        "period": { "from": "2026-01-05", "to": "2026-03-27" },
        "conclusion": if number.is_multiple_of(7) { "stop" } else { "continue" },
        "design": "matched comparison", "unit_of_allocation": "pupil",
        "comparison_received": "Silent reading",
        "outcome": {
            "name": "Reading fluency", "domain": "reading", "measure": "Fluency test",
            "type": "standardised", "polarity": "higher is better", "minimum": 0, "maximum": 50,
            "marked_by": "colleague",
        },
        "arms": {
            "intervention": {
                "n": 60, "before": { "mean": 20.0, "sd": 8.0 },
                "after": { "mean": near(26.0), "sd": 8.0 },
            },
            "comparison": {
                "n": 62, "before": { "mean": 20.0, "sd": 8.0 },
                "after": { "mean": near(24.0), "sd": 8.0 },
            },
        },
        "what_was_seen": "They read more smoothly.",
        "other_factors": "A library opened nearby.",
    });
    [adoption, report]
}

fn resource(number: u64) -> Value {
    let summary = documents::document(number).summary;
    let mut random = Random::new(number);
    let mut one_of = |values: &[&'static str]| values[random.below(values.len() as u64) as usize];
    json!({
        "kind": "resource",
        "type": one_of(&TYPES),
        "licence": "CC-BY-4.0",
        "title": format!("{} {number}", summary.title),
        "abstract": summary.abstract_text,
        "key_stages": [one_of(&KEY_STAGES)],
        "subjects": [one_of(&SUBJECTS)],
        "url": format!("https://example.org/{number}"),
    })
}
