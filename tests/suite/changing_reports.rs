//! A report that was shared is changed on its page, and nothing that it holds is lost by that.

use serde_json::Value;
use staffroom_tests::School;
use staffroom_tests::browser::{Browser, form_of, value_of};
use ureq::http::StatusCode;

use crate::pages::holds;
use crate::signing_in::said;
use crate::{intervention, publish, running};

/// A report with everything that one can have, as a file has it.
fn complete(of: &str) -> String {
    format!(
        r#"---
kind: impact report
title: "Paired reading, \"spring\" & summer"
of: {of}
period: 2026-01-05 to 2026-03-27
conclusion: continue
author_role: middle_leader
tags: [reading, pairs]
year_groups: [Year 4]
pupil_groups: [disadvantaged]
design: matched comparison
unit_of_allocation: class
comparison_received: Reading as usual
chosen_for_low_scores: yes
icc: 0.15
r_squared: 0.5
outcome: {{name: Reading comprehension, domain: Reading, measure: A published test, type: standardised,
  polarity: higher is better, minimum: 0, maximum: 50, step: 0.5, marked_by: external,
  measure_before: Its older form}}
arms:
  intervention: {{n: 58, n_at_start: 60, clusters: 2,
    before: {{mean: 21.234, sd: 6.126}}, after: {{mean: 27.456, sd: 6.374}}}}
  comparison: {{n: 55, n_at_start: 61, clusters: 2,
    before: {{mean: 21.0, se: 0.8}}, after: {{mean: 25, ci95: [23.4, 26.6]}}}}
engagement:
  sessions_attended_percent: 91
  attitudes:
    - {{statement: I like reading, n: 57, scale: 1 never to 5 always, mean_before: 3.12, mean_after: 3.58}}
    - {{statement: I read <at home>, n: 50, summary: As before}}
feedback: {{staff: {{n: 3, summary: Easy to run}}, pupils: {{n: 57, summary: Fun}}, parents: not collected}}
fidelity: {{delivered_as_planned_percent: 85, what_changed: No sessions in test weeks}}
value_for_money: "Yes: the books last"
would_recommend_to: Schools with parallel classes
evaluator_estimate: {{evaluator: A university, effect: 0.21, lower: 0.02, upper: 0.4,
  method: Adjusted for scores before, url: "https://example.org/evaluation"}}
---
It helped most of them.

## What was seen
Most pupils read aloud
without being asked.

## Other factors
A new library opened in February.
"#
    )
}

/// A record as a school holds it.
fn record(school: &School, id: &str) -> Value {
    school.json(&["show", id])["record"].clone()
}

fn changes(by: &Browser, id: &str) -> String {
    by.goes_on("/write", &[("kind", "change"), ("of", id)])
}

/// Saves the form of a draft with some of its fields typed anew.
fn types(by: &Browser, draft: &str, typed: &[(&str, &str)]) {
    let mut form = form_of(&by.page(draft), draft);
    for (name, value) in typed {
        form.retain(|(one, _)| one != name);
        form.push(((*name).to_owned(), (*value).to_owned()));
    }
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(by.goes_on(draft, &form), draft);
}

#[test]
fn a_report_with_figures_is_changed_on_its_page_and_loses_nothing() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let of = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    let id = publish(&ash, complete(&of));
    beech.finds("\"without being asked\"", 1);
    let (browser, at_beech) = (ash.browser(), beech.browser());
    let before = record(&ash, &id);
    assert!(browser.page(&format!("/records/{id}")).contains("Change it"));
    assert!(!at_beech.page(&format!("/records/{id}")).contains("Change it"));

    // To save it as it is leaves nothing to share.
    let draft = changes(&browser, &id);
    let page = browser.page(&draft);
    for (field, value) in [
        ("arms.intervention.n", "58"),
        ("arms.comparison.after.mean", "25"),
        ("outcome.step", "0.5"),
        ("engagement.attitudes.0.mean_after", "3.6"),
        ("fidelity.delivered_as_planned_percent", "85"),
        ("evaluator_estimate.lower", "0.02"),
    ] {
        assert!(page.contains(&format!("name=\"{field}\" value=\"{value}\"")), "{field}: {page}");
    }
    assert!(page.contains("What these figures show"), "{page}");
    types(&browser, &draft, &[]);
    assert!(browser.page(&format!("{draft}/check")).contains("Exactly this is shared already."));

    let seen = "Most pupils read aloud, and some to each other.";
    types(&browser, &draft, &[("what_was_seen", seen)]);
    let shared = browser.shares(&draft);
    assert_eq!(shared, format!("/records/{id}?shared"), "it is the same record");
    let mut expected = before;
    expected["content"]["impact_report"]["what_was_seen"] = seen.into();
    assert_eq!(record(&ash, &id), expected);
    beech.finds("\"some to each other\"", 1);
    assert_eq!(record(&beech, &id), expected);
    assert!(browser.page(&format!("/records/{id}")).contains("Version 1, "));
    assert_eq!(beech.search("\"without being asked\"").len(), 0, "there is one report");

    // Two versions whose numbers of pupils differ by a few would tell something about those few.
    let draft = changes(&browser, &id);
    types(&browser, &draft, &[("arms.intervention.n", "57")]);
    let said = said(browser.open(&format!("{draft}/check")), StatusCode::UNPROCESSABLE_ENTITY);
    assert!(said.contains("differs by 1 to 9 from the one shared before"), "{said}");
    // Scores that are pasted into it become its figures and are kept nowhere.
    let scores: Vec<String> = (24..44).map(|score| format!("{score}.60731")).collect();
    types(&browser, &draft, &[("paste.intervention.after", &scores.join("\r\n"))]);
    let page = browser.page(&draft);
    assert_eq!(value_of(&page, "arms.intervention.after.mean"), "34.11");
    assert_eq!(value_of(&page, "arms.comparison.after.mean"), "25");
    assert!(!holds(&ash.data(), "60731") && !ash.log().contains("60731"));
}

#[test]
fn a_report_in_words_on_an_adoption_is_changed_and_the_other_school_reads_it() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let of = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    beech.finds("echo reading", 1);
    let browser = beech.browser();
    let adoption = browser.goes_on("/write", &[("kind", "adoption"), ("of", &of)]);
    types(&browser, &adoption, &[("type", "exact"), ("state", "running")]);
    let adoption = browser.shares(&adoption);
    let adoption = adoption.trim_start_matches("/records/").trim_end_matches("?shared");
    let report = browser.goes_on("/write", &[("kind", "impact_report"), ("of", adoption)]);
    let typed = [
        ("period.from", "2026-01-05"),
        ("what_was_seen", "Pupils stopped at full stops."),
        ("other_factors", "A new library."),
        ("conclusion", "unclear"),
    ];
    types(&browser, &report, &typed);
    let shared = browser.shares(&report);
    let id = shared.trim_start_matches("/records/").trim_end_matches("?shared");
    let before = record(&beech, id);

    let draft = changes(&browser, id);
    assert!(browser.page(&draft).contains("href=\"/records/"), "what it is on is named");
    types(&browser, &draft, &[("conclusion", "stop")]);
    assert_eq!(browser.shares(&draft), shared);
    let mut expected = before;
    expected["content"]["impact_report"]["conclusion"] = "stop".into();
    assert_eq!(record(&beech, id), expected);
    ash.waits_for("the change", || record(&ash, id) == expected);
    let page = ash.browser().page(&format!("/records/{of}"));
    assert!(page.contains("Did not work in 1 school"), "{page}");
    let of_ash = beech.browser().send("/write", &[("kind", "change"), ("of", &of)]);
    assert_eq!(of_ash.status(), StatusCode::BAD_REQUEST);
}
