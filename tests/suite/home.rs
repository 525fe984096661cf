//! The first page says what came since somebody looked last, and what others say to the school; and what
//! schools say to each other, on a record and in a peer review.

use staffroom_tests::School;
use staffroom_tests::browser::Browser;

use crate::{intervention, publish, running};

/// Starts a school's node again with a clock that is off, and signs its headteacher in.
fn comes_back(school: &mut School, off_by: &str) -> Browser {
    school.stop();
    school.set_clock(Some(off_by));
    school.start();
    school.browser()
}

fn has(page: &str, expected: &[&str], unexpected: &[&str]) {
    for text in expected {
        assert!(page.contains(text), "no {text:?} in {page}");
    }
    for text in unexpected {
        assert!(!page.contains(text), "{text:?} in {page}");
    }
}

#[test]
fn what_came_since_somebody_looked_last_is_on_the_first_page_until_the_next_visit() {
    const LOOKED: &str = "since you last looked, on ";
    let (mut ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    publish(&beech, intervention("Echo reading", "Fluent readers by summer."));
    ash.finds("echo", 1);
    has(&ash.browser().page("/"), &["Echo reading"], &[LOOKED]);

    let head = comes_back(&mut ash, "+2h");
    has(&head.page("/"), &["Nothing came since you last looked, on ", "Echo reading"], &[]);
    let head = comes_back(&mut ash, "+4h");
    publish(&beech, intervention("Seating plans", "Fewer interruptions."));
    publish(&beech, intervention("Story maps", "Longer texts."));
    publish(&ash, intervention("Our own", "Nobody here has to be told."));
    ash.finds("story", 1);
    ash.finds("seating", 1);
    for _reload in 0..2 {
        let page = head.page("/");
        has(
            &page,
            &["2 records came since you last looked, on ", "Seating plans", "Story maps"],
            &[],
        );
        has(&page, &[], &["Echo reading"]);
        assert!(page.find("Story maps") < page.find("Seating plans"), "the last one comes first");
    }
    // To somebody who was never here, all of it is new.
    let teacher = ash.colleague("teacher@ash.example", &["reader"]);
    has(&teacher.page("/"), &["Echo reading", "Seating plans"], &[LOOKED]);

    let head = comes_back(&mut ash, "+6h");
    has(&head.page("/"), &["Nothing came since you last looked, on ", "Echo reading"], &[]);
}

#[test]
fn a_question_of_another_school_waits_on_the_first_page_until_it_is_answered() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    beech.finds("echo", 1);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    has(&at_ash.page("/"), &[], &["Said to our school"]);
    let record = format!("/records/{id}");
    let says = |by: &Browser, what: &str, text: &str| {
        let page = by.page(&record);
        let (_, section) = page.split_once("id=\"comments\"").unwrap();
        let of = section.split_once("name=\"of\" value=\"").unwrap().1.split('"').next().unwrap();
        let draft = by.goes_on("/write", &[("kind", "comment"), ("of", of)]);
        has(
            &by.page(&draft),
            &["value=\"On Echo reading\"", "value=\"Fenland Trust\" checked"],
            &[],
        );
        let typed = [
            ("type", what),
            ("title", "On Echo reading"),
            ("text", text),
            ("groups", "Fenland Trust"),
        ];
        by.goes_on(&draft, &typed);
        by.shares(&draft)
    };
    let question = "Did you try it with a class of <b>years 3 and 4</b>?";
    let shared = says(&at_beech, "question", question);
    has(&at_beech.page(&shared), &["Echo reading"], &["Ask or say something"]);
    let escaped = "Did you try it with a class of &#60;b&#62;years 3 and 4&#60;/b&#62;?";
    ash.waits_for("the question", || at_ash.page("/").contains("Said to our school"));
    let home = at_ash.page("/");
    has(&home, &["Waits for an answer", escaped, &format!("{record}#comments")], &[]);
    has(&at_ash.page(&record), &["What schools say", escaped, "Question"], &[]);
    has(&at_beech.page("/"), &[], &["Said to our school"]);

    // What is said on something else is no answer.
    let other = publish(&ash, intervention("Seating plans", "Fewer interruptions."));
    ash.finds("seating", 1);
    let draft = at_ash.goes_on("/write", &[("kind", "comment"), ("of", &other)]);
    at_ash.goes_on(
        &draft,
        &[
            ("type", "answer"),
            ("title", "Rows or columns"),
            ("text", "Rows."),
            ("groups", "Fenland Trust"),
        ],
    );
    at_ash.shares(&draft);
    ash.finds("columns", 1);
    has(&at_ash.page("/"), &["Waits for an answer"], &[]);

    says(&at_ash, "answer", "With two such classes, in spring.");
    ash.waits_for("the answer", || !at_ash.page("/").contains("Waits for an answer"));
    has(&at_ash.page("/"), &["Said to our school"], &[]);
    beech.waits_for("the answer", || at_beech.page(&record).contains("With two such classes"));
    let page = at_beech.page(&record);
    assert!(page.find(escaped) < page.find("With two such classes"), "in the order of speaking");
}

#[test]
fn a_peer_review_is_written_from_its_question_to_what_came_of_it() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    has(&at_ash.page("/development"), &["Write a peer review"], &[]);
    let draft = at_ash.goes_on("/write", &[("kind", "peer_review")]);
    let typed = [
        ("title", "Reading in Year 5"),
        ("focus", "How do weaker readers meet the texts of history lessons?"),
        ("reviewers", "Beech Primary\r\nCedar Primary, Lower Site"),
        ("dates.from", "2026-11-03"),
        ("groups", "Fenland Trust"),
    ];
    at_ash.goes_on(&draft, &typed);
    let shared = at_ash.shares(&draft);
    let is_at_beech = |text: &str| {
        beech.waits_for(text, || at_beech.page("/development").contains(text));
    };
    is_at_beech("How do weaker readers meet the texts");
    has(
        &at_beech.page("/development"),
        &["Planned", "Beech Primary, Cedar Primary, Lower Site"],
        &[],
    );

    let id = shared.trim_start_matches("/records/").trim_end_matches("?shared");
    let draft = at_ash.goes_on("/write", &[("kind", "change"), ("of", id)]);
    has(&at_ash.page(&draft), &["Beech Primary\nCedar Primary, Lower Site</textarea>"], &[]);
    let seen = [
        ("strengths", "Teachers read aloud\r\nNew words are on the wall"),
        ("next_steps.0.step", "Share the word lists"),
        ("next_steps.0.owner_role", "Head of history"),
        ("next_steps.0.date", "2026-11-12"),
    ];
    at_ash.goes_on(&draft, &[&typed[..], &seen].concat());
    has(&at_ash.page(&draft), &["Step 1", "Step 2", "Head of history"], &["Step 3"]);
    at_ash.shares(&draft);
    is_at_beech("Share the word lists");
    has(
        &at_beech.page("/development"),
        &["Next steps agreed", "New words are on the wall", "due"],
        &[],
    );

    let draft = at_ash.goes_on("/write", &[("kind", "change"), ("of", id)]);
    at_ash
        .goes_on(&draft, &[&typed[..], &seen, &[("follow_up", "All classes use them.")]].concat());
    at_ash.shares(&draft);
    is_at_beech("All classes use them.");
    has(&at_beech.page("/development"), &["Followed up", "Share the word lists"], &[]);
}
