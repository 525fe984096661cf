//! What schools hold in common, on the pages of each: decisions and their clashes, expectations, answers to
//! the checklist, plans, and what is offered for professional development.

use staffroom_tests::School;
use staffroom_tests::browser::Browser;
use ureq::http::StatusCode;

use crate::{keeps_nothing_for_others, publish, running};

const SCRIPT: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";

/// Writes a record on the pages and shares it; returns the path of its page.
fn writes(browser: &Browser, begin: &[(&str, &str)], typed: &[(&str, &str)]) -> String {
    let draft = browser.goes_on("/write", begin);
    let form = [typed, &[("button", "check")]].concat();
    browser.goes_on(&draft, &form);
    browser.shares(&draft)
}

/// Waits until a page of a school has a text.
fn waits_for(school: &School, browser: &Browser, path: &str, text: &str) {
    school.waits_for(text, || browser.page(path).contains(text));
}

/// The row of the table of decisions that an area has.
fn row<'a>(page: &'a str, area: &str) -> &'a str {
    let (_, decided) = page.split_once("id=\"decisions\"").unwrap();
    let (_, row) = decided.split_once(&format!(">{area}<")).unwrap_or_else(|| panic!("{decided}"));
    row.split("</tbody>").next().unwrap()
}

const DECISION: [(&str, &str); 8] = [
    ("title", "The framework of our trust"),
    ("practice_policies.0.area", "exam boards"),
    ("practice_policies.0.approach", "standardised"),
    ("practice_policies.0.rationale", "Teachers can moderate together."),
    ("practice_policies.0.decided_by", "Trust board"),
    ("practice_policies.0.decided_on", "2026-09-01"),
    ("practice_policies.0.review", "2028-06-01"),
    ("vision", "Every pupil leaves able to choose."),
];

#[test]
fn a_decision_written_on_the_page_stands_in_the_table_of_another_school_and_a_clash_is_marked() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    beech.found("Fen Cluster", "cluster", &[&ash]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    let empty = at_beech.page("/framework");
    assert!(empty.contains("Nothing is decided yet."), "{empty}");
    assert!(empty.contains("25 areas are not decided"), "{empty}");

    let exception = [
        ("groups", "Fenland Trust"),
        ("practice_policies.0.exceptions.0.school", "Beech Primary"),
        ("practice_policies.0.exceptions.0.reason", "Mid-course pupils"),
        ("practice_policies.0.exceptions.0.until", "2099-08-31"),
        ("practice_policies.1.area", "moderation"),
        ("practice_policies.1.approach", "aligned"),
        ("practice_policies.1.rationale", "The same words should mean the same work."),
        ("practice_policies.1.decided_by", "Heads' meeting"),
        ("practice_policies.1.decided_on", "2026-09-01"),
        ("practice_policies.1.review", "2028-06-01"),
        ("practice_policies.1.agreed_by", "Ash Primary\nBeech Primary"),
    ];
    let typed = [&DECISION[..], &exception].concat();
    let record = writes(&at_ash, &[("kind", "framework")], &typed);
    waits_for(&beech, &at_beech, "/framework", "Every pupil leaves able to choose.");
    let page = at_beech.page("/framework");
    let boards = row(&page, "Exam boards");
    for part in [
        "<strong>Standardised</strong>",
        "Fenland Trust</a>",
        "Teachers can moderate together.",
        "Look again by 1 June 2028",
        "Beech Primary <span class=\"verdict unsure\">our school</span>: Mid-course pupils",
        "(until 31 August 2099)",
        "href=\"/search?practice_area=exam+boards\"",
    ] {
        assert!(boards.contains(part), "no {part:?} in {boards}");
    }
    assert!(row(&page, "Moderation").contains("Ash Primary, Beech Primary"));
    assert!(!page.contains("Decisions clash"), "{page}");

    // The cluster decides otherwise.
    let mut otherwise = DECISION.to_vec();
    otherwise[0] = ("title", "What our cluster leaves open");
    otherwise[2] = ("practice_policies.0.approach", "autonomous");
    otherwise.push(("groups", "Fen Cluster"));
    writes(&at_beech, &[("kind", "framework")], &otherwise);
    waits_for(&ash, &at_ash, "/framework", "Decisions clash in 1 area.");
    let page = at_ash.page("/framework");
    let boards = row(&page, "Exam boards");
    for part in [
        "The groups decided differently.",
        "<strong>Standardised</strong>",
        "<strong>Autonomous</strong>",
        "Fen Cluster</a>",
    ] {
        assert!(boards.contains(part), "no {part:?} in {boards}");
    }
    assert!(!row(&page, "Moderation").contains("Clash"), "{page}");

    // Its school changes the decision, and the clash is over. What stood in other rows stays.
    let id = record.trim_start_matches("/records/").trim_end_matches("?shared");
    let mut agreed = typed.clone();
    agreed[2] = ("practice_policies.0.approach", "autonomous");
    agreed.retain(|(name, _)| !name.contains(".exceptions."));
    writes(&at_ash, &[("kind", "change"), ("of", id)], &agreed);
    let mut page = String::new();
    // Between the news of a version and its full text there is no decision of the trust.
    beech.waits_for("the change", || {
        page = at_beech.page("/framework");
        page.contains("<strong>Aligned</strong>") && !page.contains("Decisions clash")
    });
    assert!(!row(&page, "Exam boards").contains("Mid-course pupils"), "{page}");
    assert!(row(&page, "Moderation").contains("Ash Primary, Beech Primary"), "{page}");
}

#[test]
fn what_is_wrong_with_a_decision_stands_beside_its_row() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let draft = browser.goes_on("/write", &[("kind", "framework")]);
    let begun = browser.page(&draft);
    assert!(begun.contains("Decision 1") && !begun.contains("Decision 2"), "{begun}");
    // The first row is left empty.
    let second: Vec<(String, &str)> = DECISION
        .iter()
        .map(|(name, value)| (name.replace(".0.", ".1."), *value))
        .filter(|(name, _)| !name.ends_with("decided_by"))
        .collect();
    let mut second: Vec<(&str, &str)> =
        second.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    second.push(("button", "check"));
    browser.goes_on(&draft, &second);
    let mut check = browser.open(&format!("{draft}/check"));
    assert_eq!(check.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let page = check.body_mut().read_to_string().unwrap();
    assert!(page.contains("href=\"#practice_policies.1.decided_by\""), "{page}");
    assert!(page.contains("Decision 3") && !page.contains("Decision 4"), "{page}");
}

#[test]
fn the_answers_of_two_schools_show_their_spread() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    assert!(at_ash.page("/framework").contains("Nobody has answered the questions yet."));
    let answers = |first, second| {
        [
            ("title", "Self-assessment"),
            ("by", "school"),
            ("term", "autumn 2026"),
            ("answers.0.score", first),
            ("answers.3.score", second),
            ("answers.0.comment", "New staff know them."),
            ("groups", "Fenland Trust"),
        ]
    };
    let begin = [("kind", "self_assessment")];
    let record = writes(&at_ash, &begin, &answers("2", "4"));
    writes(&at_beech, &begin, &answers("4", ""));
    waits_for(&ash, &at_ash, "/framework", "2 schools answered in the last term.");
    let page = at_ash.page("/framework");
    for part in [
        "autumn 2026: 1 school says 2, 1 school says 4.",
        "autumn 2026: 1 school says 4, 1 school has not yet discussed it.",
        "autumn 2026: 2 schools have not yet discussed it.",
        "<td>autumn 2026</td><td>0</td><td>1</td><td>0</td><td>1</td><td>0</td><td>2</td>",
    ] {
        assert!(page.contains(part), "no {part:?} in {page}");
    }
    // Our own answer is a square, the other school's a dot.
    let plots = page.split("<div class=\"spreads\">").nth(1).unwrap();
    let first = plots.split("</figure>").next().unwrap();
    assert_eq!((first.matches("<rect ").count(), first.matches("<circle ").count()), (1, 1));

    // A later version counts in place of the one before, and keeps what the form was not asked.
    let id = record.trim_start_matches("/records/").trim_end_matches("?shared");
    let change = at_ash.goes_on("/write", &[("kind", "change"), ("of", id)]);
    assert!(at_ash.page(&change).contains("New staff know them.</textarea>"));
    writes(&at_ash, &[("kind", "change"), ("of", id)], &answers("3", "4"));
    waits_for(&beech, &at_beech, "/framework", "autumn 2026: 1 school says 3, 1 school says 4.");
}

#[test]
fn expectations_and_plans_written_on_the_page_are_listed_at_another_school() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    writes(
        &at_ash,
        &[("kind", "expectation")],
        &[
            ("title", "Fractions of amounts"),
            ("subject", "mathematics"),
            ("year_group", "year 4"),
            ("statement", "Finds fractions of amounts and says why."),
            ("agreed_by", "Ash Primary\nBeech Primary"),
            ("groups", "Fenland Trust"),
        ],
    );
    writes(
        &at_ash,
        &[("kind", "plan")],
        &[
            ("title", "Our plan"),
            ("academic_year", "2026/27"),
            ("priorities.0.statement", "Every pupil understands what they read"),
            ("priorities.0.measure", "pupils at the expected standard, per cent"),
            ("priorities.0.pupils", "171"),
            ("priorities.0.baseline", "61"),
            ("priorities.0.target", "72"),
            ("priorities.0.target_date", "2027-07-16"),
            ("priorities.1.statement", "Fewer pupils are often away"),
            ("groups", "Fenland Trust"),
        ],
    );
    waits_for(&beech, &at_beech, "/framework", "Finds fractions of amounts and says why.");
    waits_for(&beech, &at_beech, "/framework", "Fewer pupils are often away");
    let page = at_beech.page("/framework");
    assert!(page.contains("What is expected in mathematics"), "{page}");
    assert!(page.contains("61 to 72, by 16 July 2027"), "{page}");
}

#[test]
fn an_offer_written_on_the_page_is_listed_at_another_school_and_narrowed_by_links() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    assert!(at_beech.page("/development").contains("Nothing is offered or asked for yet."));
    writes(
        &at_ash,
        &[("kind", "offer")],
        &[
            ("direction", "offer"),
            ("title", "Come and watch pre-teaching"),
            ("form", "observation"),
            ("development_domains", "deepening knowledge"),
            ("level", "classroom"),
            ("dates.from", "2026-09-21"),
            ("dates.to", "2099-12-11"),
            ("where", "Ash Primary"),
            ("groups", "Fenland Trust"),
        ],
    );
    waits_for(&beech, &at_beech, "/development", "Come and watch pre-teaching");
    for (query, found) in [
        ("direction=offer", true),
        ("direction=request", false),
        ("domain=deepening+knowledge&level=classroom", true),
        ("domain=assessing+impact", false),
        ("level=senior", false),
        ("level=nonsense", true),
    ] {
        let page = at_beech.page(&format!("/development?{query}"));
        assert_eq!(page.contains("Come and watch pre-teaching"), found, "{query}: {page}");
    }
    let page = at_beech.page("/development?level=classroom");
    assert!(page.contains("href=\"/development?direction=offer&#38;level=classroom\""), "{page}");
    assert!(page.contains("21 September 2026 to 11 December 2099"), "{page}");

    // A peer review is read from its focus to its follow-up, and is no script.
    let script = serde_json::to_string(SCRIPT).unwrap();
    publish(
        &ash,
        format!(
            "---\nkind: peer review\ntitle: {script}\nhost: Ash Primary\nreviewers: [{script}]\n\
             focus: {script}\nstrengths: [{script}]\nnext_steps: [{{ step: {script}, \
             owner_role: {script}, date: 2026-02-01 }}]\n---\n"
        ),
    );
    waits_for(&beech, &at_beech, "/development", "Next steps agreed");
    let page = at_beech.page("/development");
    assert!(
        page.contains("by 1 February 2026 <span class=\"verdict unsure\">due</span>"),
        "{page}"
    );
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    assert!(page.matches("&#60;script&#62;alert(1)").count() >= 6, "{page}");
}

#[test]
fn readers_see_the_page_without_what_they_may_not_do() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    ash.browser();
    let reader = ash.colleague("reader@ash.example", &["reader"]).page("/framework");
    let contributor = ash.colleague("writer@ash.example", &["contributor"]).page("/framework");
    for begin in ["Write a framework decision", "Write an expectation", "Answer the questions"] {
        assert!(contributor.contains(begin) && !reader.contains(begin), "{begin}");
    }
    assert_eq!(Browser::at(ash.page()).open("/framework").status(), StatusCode::SEE_OTHER);
}

#[test]
fn scripts_in_what_another_school_shared_are_shown_as_text() {
    let (ash, beech) = (running("Ash <script>alert(1)</script>"), running("Beech Primary"));
    keeps_nothing_for_others(&beech);
    ash.found("Fenland <script>alert(1)</script>", "trust", &[&beech]);
    let yaml = |text: &str| serde_json::to_string(text).unwrap();
    let script = yaml(SCRIPT);
    publish(
        &ash,
        format!(
            "---\nkind: framework\ntitle: {script}\nvision: {script}\nmission: {script}\n\
             values: [{script}]\nemphases: [{script}]\npriorities: [{script}]\n\
             practice_policies:\n  - {{ area: exam boards, approach: standardised, rationale: {script}, \
             decided_by: {script}, decided_on: 2026-09-01, review: 2028-06-01, agreed_by: [{script}], \
             exceptions: [{{ school: {script}, reason: {script}, until: 2099-01-01 }}] }}\n---\n"
        ),
    );
    publish(
        &ash,
        format!(
            "---\nkind: expectation\ntitle: {script}\nsubject: English\nyear_group: 4\n\
             statement: {script}\nagreed_by: [{script}]\n---\n"
        ),
    );
    publish(
        &ash,
        format!(
            "---\nkind: plan\ntitle: {script}\nacademic_year: 2026/27\npriorities:\n  \
             - {{ statement: {script}, measure: {script} }}\n---\n"
        ),
    );
    let at_beech = beech.browser();
    waits_for(&beech, &at_beech, "/framework", "What is expected in English");
    waits_for(&beech, &at_beech, "/framework", "id=\"decisions\"");
    waits_for(&beech, &at_beech, "/framework", "2026/27");
    let page = at_beech.page("/framework");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    assert!(page.matches("&#60;script&#62;alert(1)").count() >= 16, "{page}");
}
