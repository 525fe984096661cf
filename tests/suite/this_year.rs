//! *This year at our school*: what was tried in a school year, for whom, at what cost, with what result, and
//! what is next, from real reports.

use staffroom_tests::School;
use ureq::http::StatusCode;

use crate::signing_in::said;
use crate::{intervention, publish, running};

/// An intervention with further lines of front matter.
fn tried(title: &str, more: &str) -> String {
    intervention(title, &format!("What {title} is to bring."))
        .replace("subjects:", &format!("{more}\nsubjects:"))
}

/// A report in words, which ends in a school year.
fn described(of: &str, title: &str, ended: &str, conclusion: &str) -> String {
    format!(
        "---\nkind: impact_report\nof: {of}\ntitle: {title}\nauthor_name: Somebody of the staff\n\
         period: 2025-10-06 to {ended}\nconclusion: {conclusion}\n---\n## What was seen\n{title} was seen.\n\n\
         ## Other factors\nA library opened nearby.\n"
    )
}

/// The same with figures: pupils here scored 28, and those beside them 24 of 50.
fn measured(of: &str) -> String {
    let figures = "design: matched comparison\nunit_of_allocation: pupil\ncomparison_received: Silent \
         reading\noutcome:\n  name: Reading fluency\n  domain: reading\n  measure: Fluency test\n  \
         type: standardised\n  polarity: higher is better\n  minimum: 0\n  maximum: 50\n  marked_by: \
         colleague\narms:\n  intervention:\n    n: 60\n    before: { mean: 20, sd: 8 }\n    after: { mean: \
         28, sd: 8 }\n  comparison:\n    n: 62\n    before: { mean: 20, sd: 8 }\n    after: { mean: 24, sd: \
         8 }\n---\n## What was seen";
    described(of, "Fluency", "2026-03-27", "continue").replace("---\n## What was seen", figures)
}

/// The part of the page about one thing that was tried.
fn about<'a>(page: &'a str, title: &str) -> &'a str {
    let parts: Vec<&str> = page.split("<section class=\"tried\">").skip(1).collect();
    let heading = format!("\">{title}</a></h3>");
    let found = parts.iter().find(|part| part.contains(&heading));
    found.unwrap_or_else(|| panic!("no {title} in {page}")).split("</section>").next().unwrap()
}

fn has(page: &str, expected: &[&str]) {
    for text in expected {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
}

/// What Ash tried in two school years, and what it took up from Beech.
fn two_years(ash: &School, beech: &School) {
    let seating = publish(beech, tried("Seating plans", "cost: low\npupil_groups: [SEN support]"));
    ash.finds("seating", 1);
    let echo = publish(
        ash,
        tried(
            "Echo reading",
            "state: finished\nstarted: 2025-10-06\nended: 2026-03-27\nyear_groups: [Year 4]\n\
             pupil_groups: [disadvantaged]\ncost: { per_year: 900, pupils: 30 }",
        ),
    );
    publish(ash, measured(&echo));
    let overlays = publish(
        ash,
        tried(
            "Coloured overlays",
            "state: stopped\nstop_reason: Nothing changed.\nstarted: 2026-01-05\nended: 2026-02-27",
        ),
    );
    publish(ash, described(&overlays, "No difference", "2026-02-27", "stop"));
    publish(ash, tried("Story maps", "state: finished\nstarted: 2026-04-13\nended: 2026-06-26"));
    let words = publish(
        ash,
        tried("Word walls", "state: finished\nstarted: 2026-02-02\nended: 2026-07-10"),
    );
    publish(ash, described(&words, "More words", "2026-10-02", "unclear"));
    publish(ash, tried("Maths talk", "state: proposed\nstarted: 2027-01-04"));
    publish(
        ash,
        format!(
            "---\nkind: adoption\nof: {seating}\ntype: adapted\nchanges: Only in Year 6\ntitle: Seating plans \
             at Ash\nstate: running\nstarted: 2026-09-07\n---\n"
        ),
    );
    publish(
        ash,
        "---\nkind: plan\ntitle: Our plan\nacademic_year: 2026/27\npriorities:\n  - statement: More pupils \
         in school every day\n    measure: attendance, per cent\n    pupils: 210\n    baseline: 91.5\n    target: 94\n    \
         target_date: 2027-07-16\n---\n"
            .to_owned(),
    );
    ash.finds("attendance", 1);
}

#[test]
fn governors_read_on_one_page_what_was_tried_in_a_school_year_with_what_result() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    two_years(&ash, &beech);
    ash.browser();
    let governor = ash.colleague("governor@ash.example", &["reader"]);
    has(&governor.page("/"), &["<a href=\"/this-year\">This year at our school</a>"]);

    let page = governor.page("/this-year?year=2025");
    has(&page, &["This year at our school: 2025/26", "4 things were tried.", "2 are reported on."]);
    has(&page, &["1 was stopped.", "1 did not work.", "href=\"/this-year?year=2026\""]);
    let echo = about(&page, "Echo reading");
    has(
        echo,
        &["6 October 2025 to 27 March 2026", "Disadvantaged (pupil premium), year 4, English"],
    );
    has(
        echo,
        &["very low, for a pupil and a year", "Fluency was seen.", "A library opened nearby."],
    );
    // (28 − 24) ÷ 8, corrected for 122 pupils, in the sentences of every page.
    has(echo, &["0.50 standard deviations", "Our rating is “", "We go on with it as it is."]);
    let overlays = about(&page, "Coloured overlays");
    has(overlays, &["Did not work here", "No difference was seen.", "Nothing changed."]);
    has(overlays, &["not written down", "We have stopped it."]);
    has(about(&page, "Story maps"), &["No report in this school year.", "we owe a report on it"]);
    has(about(&page, "Word walls"), &["It is over, and reported on in another school year."]);
    for other in ["Maths talk", "Seating plans", "Somebody of the staff", "Beech"] {
        assert!(!page.contains(other), "{other} in {page}");
    }
    let order = ["Echo reading", "Coloured overlays", "Story maps"].map(|title| page.find(title));
    assert!(order.is_sorted(), "as they began: {order:?}");
    has(&page, &["Our plan for 2026/27", "More pupils in school every day"]);

    let page = governor.page("/this-year?year=2026");
    has(&page, &["2 things were tried.", "1 is reported on.", "What we set out to do"]);
    has(&page, &["attendance, per cent: from 91.5 to 94 by 16 July 2027"]);
    let seating = about(&page, "Seating plans at Ash");
    has(seating, &["Beech Primary: Seating plans", "Only in Year 6", "SEN support"]);
    has(
        seating,
        &["What Seating plans is to bring.", "low, for a pupil and a year", "It goes on."],
    );
    has(about(&page, "Word walls"), &["More words was seen.", "It is not clear yet."]);
    has(&page, &["What we are going to try", "Maths talk"]);
    assert!(!page.contains("Echo reading"), "{page}");
    let wrong = said(governor.open("/this-year?year=last"), StatusCode::BAD_REQUEST);
    has(&wrong, &["last", "is no school year"]);
    has(&governor.page("/this-year?year=2030"), &["Nothing that our school shared was under way"]);
}
