//! The pages that staff use, asked for and sent as a browser does without scripts.

use std::path::Path;

use staffroom_tests::School;
use staffroom_tests::browser::value_of;
use ureq::http::StatusCode;

use crate::{intervention, publish, running};

/// A browser at one school, in which its first administrator is signed in.
struct Browser(staffroom_tests::browser::Browser);

/// What a browser got.
struct Page {
    status: StatusCode,
    /// The path that it was sent on to.
    to: String,
    html: String,
}

impl Browser {
    fn at(school: &School) -> Self {
        Self(school.browser())
    }

    fn open(&self, path: &str) -> Page {
        Page::of(self.0.open(path))
    }

    fn send(&self, path: &str, form: &[(&str, &str)]) -> Page {
        Page::of(self.0.send_with(path, form, &[("sec-fetch-site", "same-origin")]))
    }

    /// Begins a draft, and returns its path.
    fn begins(&self, kind: &str, of: &str) -> String {
        let begun = self.send("/write", &[("kind", kind), ("of", of)]);
        assert_eq!(begun.status, StatusCode::SEE_OTHER, "{}", begun.html);
        begun.to
    }

    /// Fills a draft in, checks it and shares it; returns the path of the record.
    fn shares(&self, draft: &str, form: &[(&str, &str)]) -> String {
        let form = [form, &[("button", "check")]].concat();
        let saved = self.send(draft, &form);
        assert_eq!(saved.to, format!("{draft}/check"), "{}", saved.html);
        self.0.shares(draft)
    }
}

impl Page {
    fn of(response: ureq::http::Response<ureq::Body>) -> Self {
        let to = response.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
        let status = response.status();
        let html = response.into_body().read_to_string().unwrap();
        Self { status, to: to.unwrap_or_default(), html }
    }

    /// The value of a hidden field.
    fn value_of(&self, name: &str) -> &str {
        value_of(&self.html, name)
    }

    fn has(&self, text: &str) {
        assert!(self.html.contains(text), "no {text:?} in {}", self.html);
    }

    fn has_not(&self, text: &str) {
        assert!(!self.html.contains(text), "{text:?} in {}", self.html);
    }
}

/// Whether any file below a folder holds a text.
pub(crate) fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, text);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

#[test]
fn a_school_adopts_anothers_intervention_from_its_page_and_the_other_finds_it() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    beech.finds("echo reading", 1);
    let (at_ash, at_beech) = (Browser::at(&ash), Browser::at(&beech));

    // Its own school reports on it, and another takes it up.
    at_ash.open(&format!("/records/{id}")).has("Report what came of it");
    let page = at_beech.open(&format!("/records/{id}"));
    page.has("We are going to try this");
    page.has_not("Report what came of it");
    let draft = at_beech.begins("adoption", page.value_of("of"));
    let form = at_beech.open(&draft);
    form.has("value=\"Echo reading at Beech Primary\"");
    form.has("name=\"groups\" value=\"Fenland Trust\" checked");
    let typed = [
        ("title", "Echo reading at Beech Primary"),
        ("type", "adapted"),
        ("changes", "Two groups a week\nIn the library"),
        ("state", "running"),
        ("started", "2026-01-05"),
        ("groups", "Fenland Trust"),
    ];
    let record = at_beech.shares(&draft, &typed);
    at_beech.open(&record).has("Shared with Fenland Trust");
    assert_eq!(at_beech.open(&draft).status, StatusCode::NOT_FOUND, "it is a draft no longer");

    ash.finds("library", 1);
    let page = at_ash.open(&format!("/records/{id}"));
    page.has("Schools that tried it");
    page.has("<li>Two groups a week</li><li>In the library</li>");
    page.has("Of 1 school that started");
    // It goes on, and its page is changed.
    let own = record.trim_start_matches("/records/").trim_end_matches("?shared");
    let change = at_beech.begins("change", own);
    at_beech.open(&change).has("Two groups a week\nIn the library</textarea>");
    let mut now = typed.to_vec();
    now[3] = ("state", "finished");
    at_beech.shares(&change, &now);
    ash.waits_for("the change", || {
        at_ash.open(&format!("/records/{own}")).html.contains("<span>finished</span>")
    });
    let of_ash = at_beech.send("/write", &[("kind", "change"), ("of", &id)]);
    assert_eq!(of_ash.status, StatusCode::BAD_REQUEST);
    // Nobody takes up what is their own.
    let own = at_ash.send("/write", &[("kind", "adoption"), ("of", &id)]);
    assert_eq!(own.status, StatusCode::BAD_REQUEST);
    at_beech.open("/").has("Echo reading at Beech Primary");
}

#[test]
fn a_described_report_of_five_fields_reaches_the_other_school() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    let at_ash = Browser::at(&ash);
    ash.finds("echo", 1);
    let home = at_ash.open("/");
    home.has("Under way at our school");
    home.has("Echo reading");

    home.has_not("A report is due");
    let over = intervention("Seating plans", "Fewer interruptions.")
        .replace("subjects:", "state: finished\nstarted: 2025-09-01\nended: 2025-12-12\nsubjects:");
    publish(&ash, over);
    ash.finds("seating", 1);
    let home = at_ash.open("/");
    home.has("A report is due");
    let [due, going_on] = ["Seating plans", "Echo reading"].map(|title| home.html.find(title));
    assert!(due < going_on, "what is due comes first");

    let draft = at_ash.begins("impact_report", &id);
    let typed = [
        ("title", "What came of Echo reading"),
        ("period.from", "2026-01-05"),
        ("period.to", "2026-03-27"),
        ("what_was_seen", "Pupils stopped at full stops, and <em>some</em> read to each other."),
        ("other_factors", "A new library opened in February."),
        ("conclusion", "stop"),
        ("groups", "Fenland Trust"),
    ];
    at_ash.shares(&draft, &typed);
    beech.waits_for("the report", || beech.search("full stops").len() == 1);
    let page = Browser::at(&beech).open(&format!("/records/{id}"));
    page.has("Did not work in 1 school");
    page.has("Described, not measured");
    at_ash.open(&format!("/records/{id}")).has("Report again");
    at_ash.open("/").has_not("Echo reading");
    Browser::at(&beech).open("/").has("Did not work here");
}

#[test]
fn a_draft_survives_a_restart_and_what_is_wrong_stands_beside_its_field() {
    let mut ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let draft = Browser::at(&ash).begins("intervention", "");
    let long = "word ".repeat(60);
    let typed =
        [("title", long.as_str()), ("aim", "Fluency\r\nby summer"), ("subjects", "English")];
    assert_eq!(Browser::at(&ash).send(&draft, &typed).to, draft);
    // As the script does it.
    let autosaved = Browser::at(&ash).send(
        &format!("{draft}/autosave"),
        &[&typed[..], &[("monitoring", "The reading lead, each half term")]].concat(),
    );
    assert_eq!(autosaved.status, StatusCode::NO_CONTENT);
    ash.kill();
    ash.start();

    let browser = Browser::at(&ash);
    browser.open("/write").has("word word");
    let form = browser.open(&draft);
    form.has("Fluency\nby summer</textarea>");
    form.has("The reading lead, each half term</textarea>");
    form.has("name=\"subjects\" value=\"English\" checked");
    let check = browser.open(&format!("{draft}/check"));
    assert_eq!(check.status, StatusCode::UNPROCESSABLE_ENTITY);
    check.has("<a href=\"#title\">“Title” must have at most 200 characters; it has 299.</a>");
    check.has("“What is different from what you do already?” is needed");
    check.has("Fluency\nby summer</textarea>");
    assert_eq!(ash.search("fluency").len(), 0);

    // Too much for a draft is not kept, and is still on the page.
    let much = "x".repeat(300_000);
    let refused = browser.send(&draft, &[("title", "Echo"), ("aim", &much)]);
    assert_eq!(refused.status, StatusCode::PAYLOAD_TOO_LARGE);
    refused.has(&much);
    let gone = browser.send(&format!("{draft}/discard"), &[]);
    assert_eq!(gone.to, "/write");
    assert_eq!(browser.open(&draft).status, StatusCode::NOT_FOUND);
    let late = browser.send(&format!("{draft}/autosave"), &typed);
    assert_eq!(late.status, StatusCode::NOT_FOUND, "what was thrown away does not come back");
}

#[test]
fn pasted_scores_become_figures_and_are_kept_nowhere() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    let browser = Browser::at(&ash);
    let draft = browser.begins("impact_report", &id);
    let scores = |first: i32| {
        let scores: Vec<String> =
            (first..first + 20).map(|score| format!("{score}.60731")).collect();
        format!("Score\r\n{}", scores.join("\r\n"))
    };
    let (with, without) = (scores(24), scores(18));
    let typed = [
        ("design", "matched_comparison"),
        ("outcome.name", "Reading fluency"),
        ("outcome.domain", "reading"),
        ("outcome.type", "standardised"),
        ("outcome.polarity", "higher_is_better"),
        ("outcome.minimum", "0"),
        ("outcome.maximum", "60"),
        ("outcome.marked_by", "colleague"),
        ("unit_of_allocation", "pupil"),
    ];
    let pasted = [
        ("paste.intervention.after", with.as_str()),
        ("paste.comparison.after", without.as_str()),
        ("button", "work-out"),
    ];
    let worked_out = browser.send(&draft, &[&typed[..], &pasted].concat());
    assert_eq!(worked_out.to, format!("{draft}#effect"), "{}", worked_out.html);
    let no_score_is_kept = || {
        assert!(holds(&ash.data(), "34.11"), "what was looked through is not the data");
        assert!(!holds(&ash.data(), "60731"), "a score was stored");
        assert!(!ash.log().contains("60731"), "a score was logged");
    };
    no_score_is_kept();
    let form = browser.open(&draft);
    for (field, value) in [("n", "20"), ("after.mean", "34.11"), ("after.sd", "5.92")] {
        form.has(&format!("name=\"arms.intervention.{field}\" value=\"{value}\""));
    }
    form.has("What these figures show");
    // (34.11 − 28.11) ÷ 5.92 = 1.014, less what a small sample adds: × (1 − 3 ÷ 159). Its variance is
    // 1 ÷ 20 + 1 ÷ 20 + 0.994² ÷ 80.
    form.has("0.99 (0.34 to 1.65)");

    // The same as it is worked out while figures are typed, where nothing is kept.
    let live = [&typed[..], &[("arms.intervention.n", "20"), ("arms.comparison.n", "20")]].concat();
    let live = browser.send(&format!("{draft}/effect"), &live);
    live.has("To work out the effect");
    browser.open(&draft).has("34.11");

    let wrong = browser.send(&draft, &[("paste.intervention.after", "12\nDaisy 60731")]);
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    wrong.has("Line 2 is no number");
    wrong.has_not("Daisy");
    assert!(!holds(&ash.data(), "60731"), "a score of a column that was refused was stored");
    let figures = [("arms.intervention.after.mean", "34.11")];
    browser.send(&format!("{draft}/autosave"), &[&figures[..], &pasted].concat());
    no_score_is_kept();
}

#[test]
fn what_may_be_about_a_pupil_is_cleared_with_a_reason_and_only_what_was_shown_is_shared() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let browser = Browser::at(&ash);
    let draft = browser.begins("intervention", "");
    let mut typed = vec![
        ("title", "Echo reading"),
        ("aim", "Fluency by summer."),
        ("what_is_different", "Ask office@ash.example for the plan."),
        ("monitoring", "B801200005001 reads to the reading lead."),
        ("groups", "Fenland Trust"),
        ("rationale", "Asked for by press@echo.example."),
    ];
    browser.send(&draft, &typed);
    let check = browser.open(&format!("{draft}/check"));
    assert_eq!(check.status, StatusCode::UNPROCESSABLE_ENTITY);
    // Beside its field, and never repeated in what is said of it.
    check.has("<a href=\"#monitoring\">This looks like a unique pupil number (UPN).");
    assert_eq!(
        browser.send(&format!("{draft}/publish"), &[("shown", "")]).to,
        format!("{draft}/check")
    );

    typed[3] = ("monitoring", "The reading lead listens to each group.");
    browser.send(&draft, &typed);
    let check = browser.open(&format!("{draft}/check"));
    check.has("Why may it be shared?");
    check.has("<h2>What is different from what you do already?</h2>");
    check.has("<blockquote class=\"text\">Ask office@ash.example for the plan.</blockquote>");
    check.has_not("name=\"shown\"");
    assert_eq!(check.html.matches("name=\"clear.email\"").count(), 2, "{}", check.html);
    let reasons = [("clear.email", "the school’s office"), ("clear.email", "")];
    let cleared = browser.send(&format!("{draft}/check"), &reasons);
    let check = browser.open(&cleared.to);
    check.has("Exactly this leaves the school");
    const CLEARED: &str = ": an e-mail address. Reason: the school’s office</li>";
    check.has(&format!("<li>What is different from what you do already?{CLEARED}"));
    assert_eq!(check.html.matches(CLEARED).count(), 2, "{}", check.html);
    check.has("<li>Fenland Trust</li>");
    let shown = check.value_of("shown");

    // A colleague changes it meanwhile.
    typed[1] = ("aim", "Something else, as pupil@ash.example says.");
    browser.send(&draft, &typed);
    let publish = format!("{draft}/publish");
    assert_eq!(browser.send(&publish, &[("shown", shown)]).to, format!("{draft}/check"));
    assert_eq!(ash.search("reading").len(), 0);
    let check = browser.open(&format!("{draft}/check"));
    assert_eq!(check.html.matches(CLEARED).count(), 3, "what came after the reason is shown too");
    let shared = browser.send(&publish, &[("shown", check.value_of("shown"))]);
    assert!(shared.to.starts_with("/records/"), "{}", shared.html);
    ash.finds("reading", 1);
}

#[test]
fn scripts_typed_in_every_field_are_shown_as_text() {
    const SCRIPT: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>";
    const SHOWN: &str = "&#60;script&#62;alert(1)";
    let (ash, beech) = (running("Ash <script>alert(1)</script>"), running("Beech Primary"));
    beech.found("Fenland <script>alert(1)</script>", "trust", &[&ash]);
    let (at_ash, at_beech) = (Browser::at(&ash), Browser::at(&beech));
    let draft = at_ash.begins("intervention", "");
    let mut typed: Vec<(&str, &str)> = [
        "title",
        "aim",
        "what_is_different",
        "monitoring",
        "abstract",
        "rationale",
        "core_elements",
        "adaptable_elements",
        "training_needed",
    ]
    .map(|name| (name, SCRIPT))
    .to_vec();
    typed.push(("groups", "Fenland <script>alert(1)</script>"));
    let harmless = |page: &Page| {
        page.has_not("<script>alert");
        page.has_not("<img src=x");
        page.has(SHOWN);
    };
    let record = at_ash.shares(&draft, &typed);
    beech.waits_for("the record", || !beech.search("alert").is_empty());
    let id = record.trim_start_matches("/records/").trim_end_matches("?shared").to_owned();
    let of = at_beech.open(&format!("/records/{id}")).value_of("of").to_owned();
    let adoption = at_beech.begins("adoption", &of);
    let changed = [("type", SCRIPT), ("changes", SCRIPT), ("title", SCRIPT), ("started", SCRIPT)];
    at_beech.send(&adoption, &changed);
    for path in [
        "/",
        "/write",
        "/search?q=alert",
        "/search?q=%22%3E%3Cscript%3Ealert(1)%3C%2Fscript%3E&tag=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        &adoption,
        &format!("{adoption}/check"),
        &format!("/records/{id}"),
    ] {
        harmless(&at_beech.open(path));
    }
    for path in ["/", &record] {
        harmless(&at_ash.open(path));
    }
    // What a browser is told besides.
    let page = at_beech.0.open("/");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
}

#[test]
fn pages_are_read_in_welsh_where_that_is_wanted_and_never_lead_elsewhere() {
    let ash = running("Ash Primary");
    let browser = Browser::at(&ash);
    browser.open("/search").has("<html lang=\"en-GB\">");
    let welsh = browser.open("/search?lang=cy");
    welsh.has("<html lang=\"cy\">");
    welsh.has("Chwilio</a>");
    welsh.has("Mae&#39;r gweddill yn Saesneg.");
    let chosen = browser.open("/language?to=cy&back=%2Fsearch%3Fq%3Decho");
    assert_eq!((chosen.status, chosen.to.as_str()), (StatusCode::SEE_OTHER, "/search?q=echo"));
    let kept = browser.0.open_with("/", &[("cookie", "language=cy")]);
    Page::of(kept).has("<html lang=\"cy\">");
    for elsewhere in ["%2F%2Fevil.example", "https%3A%2F%2Fevil.example", "%2F%5Cevil.example"] {
        assert_eq!(browser.open(&format!("/language?to=cy&back={elsewhere}")).to, "/");
    }
    // People keep the addresses of searches.
    assert_eq!(browser.open("/?q=echo").to, "/search?q=echo");
}
