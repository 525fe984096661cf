//! Several drafts are looked at on one page and shared at once, each as from its own page.

use staffroom_protocol::hash::Hash;
use staffroom_tests::School;
use staffroom_tests::browser::{Browser, form_of};
use ureq::http::StatusCode;

use crate::running;
use crate::signing_in::said;

const ADD: &str = "/resources/add";
const PUBLISH: &str = "/write/several/publish";
const ASK: &str = "/write/several/ask";
const ALL: &str = "/write/several?which=all";

/// The addresses of drafts that a page leads to, in order.
fn drafts(page: &str) -> Vec<String> {
    let links = page.split("href=\"/write/").skip(1);
    let ids = links.map(|link| link.split(['"', '/', '?']).next().unwrap());
    let mut drafts: Vec<String> =
        ids.filter(|id| id.len() == 32).map(|id| format!("/write/{id}")).collect();
    drafts.dedup();
    drafts
}

fn id(draft: &str) -> &str {
    draft.trim_start_matches("/write/")
}

/// Adds files, each as a resource of its own, and returns the page that says so.
fn adds_each(by: &Browser, files: &[(&str, &[u8])]) -> String {
    let form = [("how", "each"), ("licence", "CC-BY-4.0")];
    said(by.send_files(ADD, &form, files), StatusCode::OK)
}

/// Presses the button of a page for several drafts, and returns what is said to it.
fn presses(by: &Browser, page: &str, path: &str, status: StatusCode) -> String {
    said(sends(by, path, &form_of(page, path)), status)
}

fn sends(by: &Browser, path: &str, form: &[(String, String)]) -> ureq::http::Response<ureq::Body> {
    let form: Vec<(&str, &str)> =
        form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    by.send_with(path, &form, &[("sec-fetch-site", "same-origin")])
}

/// What the audit log has of an act, by whom.
fn noted(school: &School, act: &str) -> Vec<String> {
    let lines = school.json(&["audit", "--limit", "1000"]);
    let lines = lines.as_array().unwrap().iter().filter(|line| line["what"] == act);
    lines.map(|line| format!("{} {}", line["who"]["person"], line["about"])).collect()
}

/// The part of a page from one text to the next.
fn between<'a>(page: &'a str, begin: &str, end: &str) -> &'a str {
    let (_, after) = page.split_once(begin).unwrap_or_else(|| panic!("no {begin} in {page}"));
    after.split(end).next().unwrap()
}

#[test]
fn a_folder_of_resources_is_looked_at_and_shared_on_one_page() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let browser = ash.browser();
    let film = staffroom_tests::noise(7, 50_000);
    let added = adds_each(
        &browser,
        &[
            ("halves.txt", b"Halves and quarters."),
            ("lodes.txt", b"A lode is a channel."),
            ("letter.txt", b"Ask office@ash.example for more."),
            ("film.mp4", &film),
            ("own.txt", b"Ask press@ash.example."),
        ],
    );
    assert_eq!(drafts(&added).len(), 5, "{added}");
    let together = between(&added, "class=\"button\" href=\"", "\"").replace("&#38;", "&");
    let own = drafts(&added).pop().unwrap();
    let cleared = [("clear.email", "our own address")];
    browser.goes_on(&format!("{own}/check"), &cleared);
    let unfinished = browser.goes_on("/write", &[("kind", "intervention")]);
    browser.goes_on(&unfinished, &[("title", "Echo <reading>"), ("groups", "Fenland Trust")]);

    let list = browser.page("/write");
    assert_eq!(list.matches("type=\"checkbox\" name=\"draft\"").count(), 6, "{list}");
    let page = browser.page(&together);
    assert!(page.contains("3 drafts can be shared.") && page.contains("Share 3 drafts"), "{page}");
    let (ready, not_ready) = page.split_once("id=\"not-ready\"").unwrap();
    for part in
        ["halves.txt", "lodes.txt", "own.txt", "<li>Fenland Trust</li>", "Nothing was found."]
    {
        assert!(ready.contains(part), "{part} in {ready}");
    }
    assert!(ready.contains("an e-mail address. Reason: our own address"), "{ready}");
    assert!(ready.contains("It does not recognise names"), "{ready}");
    let of = |title: &str| between(not_ready, &format!(">{title}</a>"), "</li>\n<li><h3>");
    assert!(of("letter").contains("say why it may be shared"), "{not_ready}");
    assert!(!page.contains("office@ash"), "what was found is not repeated");
    assert!(of("film").contains("wait for the author’s word"), "{not_ready}");
    assert!(!not_ready.contains("Echo"), "it was not chosen");

    // All that are ready, and why the others are not.
    let page = browser.page(ALL);
    let (ready, not_ready) = page.split_once("id=\"not-ready\"").unwrap();
    assert!(page.contains("3 cannot be shared yet."), "{page}");
    assert_eq!(ready.matches("<h3>").count(), 3, "{ready}");
    let echo = between(not_ready, "Echo &#60;reading&#62;</a>", "</li>\n<li><h3>");
    assert!(echo.contains("It is not complete.") && echo.contains("How will you know?"), "{echo}");

    let done = presses(&browser, &page, PUBLISH, StatusCode::OK);
    assert!(done.contains("3 drafts were shared"), "{done}");
    for title in ["halves", "lodes", "own"] {
        assert!(done.contains(&format!(">{title}</a>")), "{done}");
    }
    beech.finds("lode channel", 1);
    beech.finds("halves", 1);
    beech.finds("press", 1);
    assert_eq!(beech.search("office").len(), 0);
    let mut published = noted(&ash, "published");
    assert_eq!(published.len(), 3, "{published:?}");
    published.dedup();
    assert_eq!(published.len(), 3, "each has a line of its own");
    assert!(published.iter().all(|line| line.starts_with("\"head@ash.example\"")));
    assert_eq!(drafts(&browser.page("/write")).len(), 3, "the others are still drafts");

    // To press the button again shares nothing twice.
    let again = presses(&browser, &page, PUBLISH, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(again.contains("No draft was shared"), "{again}");
    assert!(again.contains("It is a draft no longer"), "{again}");
    assert_eq!(noted(&ash, "published").len(), 3);
    assert!(browser.page("/write/several").contains("You ticked no draft."));

    // Its author's word for the film, and it is ready too.
    let film_draft = &drafts(&added)[3];
    let word = [("no_pupil_data", Hash::of(&film).to_string())];
    let word = word.each_ref().map(|(name, value)| (*name, value.as_str()));
    browser.goes_on(&format!("{film_draft}/check"), &word);
    let page = browser.page(&format!("/write/several?draft={}", id(film_draft)));
    assert!(page.contains("Share 1 draft") && page.contains("Not looked through:"), "{page}");
    presses(&browser, &page, PUBLISH, StatusCode::OK);
    beech.finds("film", 1);
}

#[test]
fn what_was_changed_after_it_was_shown_is_not_shared_and_is_named() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let added = adds_each(&browser, &[("halves.txt", b"Halves."), ("thirds.txt", b"Thirds.")]);
    let page = browser.page(ALL);
    let changed = &drafts(&added)[1];
    browser.send(&format!("{changed}/autosave"), &[("title", "Thirds and more")]);
    let mut form = form_of(&page, PUBLISH);
    assert_eq!(form.len(), 2);
    form.push((format!("shown.{}", "0".repeat(32)), String::new()));
    form.push(("shown.../../home".to_owned(), String::new()));
    let done = said(sends(&browser, PUBLISH, &form), StatusCode::OK);
    assert!(
        done.contains("1 draft was shared") && done.contains("3 drafts were not shared"),
        "{done}"
    );
    let named = between(&done, "Thirds and more</a>", "</li>");
    assert!(named.contains("It was changed after the page was shown to you."), "{done}");
    assert_eq!(&drafts(&browser.page("/write")), std::slice::from_ref(changed));
    ash.finds("halves", 1);
    assert_eq!(ash.search("thirds").len(), 0);
    assert_eq!(noted(&ash, "published").len(), 1);
}

#[test]
fn no_more_than_a_hundred_are_shared_at_once() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let contents: Vec<(String, String)> =
        (0..102).map(|n| (format!("sheet {n:03}.txt"), format!("Sheet number {n}."))).collect();
    let files: Vec<(&str, &[u8])> =
        contents.iter().map(|(name, text)| (name.as_str(), text.as_bytes())).collect();
    let added = adds_each(&browser, &files);
    assert!(!added.contains("/write/several"), "it would be too many for one page");
    let query: Vec<String> =
        drafts(&added).iter().map(|draft| format!("draft={}", id(draft))).collect();
    let too_many = browser.open(&format!("/write/several?{}", query[..101].join("&")));
    let refused = said(too_many, StatusCode::BAD_REQUEST);
    assert!(refused.contains("101 drafts were chosen, and 100 can be shared at once"), "{refused}");
    let page = browser.page(ALL);
    assert!(page.contains("100 drafts can be shared."), "{}", page.len());
    assert!(page.contains("2 more drafts are not on this page."), "{}", page.len());
    let mut form = form_of(&page, PUBLISH);
    form.push((format!("shown.{}", "0".repeat(32)), String::new()));
    said(sends(&browser, PUBLISH, &form), StatusCode::BAD_REQUEST);
    assert_eq!(noted(&ash, "published").len(), 0, "none of them");
    let done = presses(&browser, &page, PUBLISH, StatusCode::OK);
    assert!(done.contains("100 drafts were shared"), "{done}");
    assert_eq!(noted(&ash, "published").len(), 100);
    assert_eq!(drafts(&browser.page("/write")).len(), 2);
    ash.finds("\"sheet number\"", 100);
}

#[test]
fn where_the_school_wants_it_approval_of_all_is_asked_for() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let head = ash.browser();
    let teacher = ash.colleague("teacher@ash.example", &["contributor"]);
    let deputy = ash.colleague("deputy@ash.example", &["approver"]);
    let added = adds_each(&teacher, &[("halves.txt", b"Halves."), ("thirds.txt", b"Thirds.")]);
    let before = teacher.page(ALL);
    head.goes_on("/settings/approval", &[("needed", "on")]);
    // What was shown as to be shared is not, where that was set meanwhile.
    let refused = presses(&teacher, &before, PUBLISH, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.contains("A colleague has to approve it first."), "{refused}");
    assert_eq!((ash.search("halves").len(), drafts(&teacher.page("/write")).len()), (0, 2));

    let page = teacher.page(ALL);
    assert!(page.contains("Ask for approval of 2 drafts") && !page.contains(PUBLISH), "{page}");
    let changed = &drafts(&added)[1];
    let other = [("title", "Thirds and more"), ("licence", "CC-BY-4.0")];
    teacher.send(&format!("{changed}/autosave"), &other);
    let done = presses(&teacher, &page, ASK, StatusCode::OK);
    assert!(done.contains("Approval of 1 draft was asked for"), "{done}");
    assert!(done.contains("It was changed after the page was shown to you."), "{done}");
    assert_eq!(drafts(&deputy.page("/write")).len(), 1);
    let page = teacher.page(ALL);
    let waits = between(&page, "id=\"not-ready\"", "</section>");
    assert!(waits.contains("halves</a>") && waits.contains("Waits for a colleague"), "{page}");
    presses(&teacher, &page, ASK, StatusCode::OK);
    let asked = noted(&ash, "asked for approval of a draft");
    assert_eq!(asked.len(), 2, "{asked:?}");
    assert!(asked.iter().all(|line| line.starts_with("\"teacher@ash.example\"")), "{asked:?}");
    let waiting = drafts(&deputy.page("/write"));
    assert_eq!(waiting.len(), 2);
    // An approver who may not write looks at none of it here.
    said(deputy.open(ALL), StatusCode::FORBIDDEN);
    let check = deputy.page(&format!("{}/check", waiting[0]));
    let shown = [("shown", staffroom_tests::browser::value_of(&check, "shown"))];
    assert!(deputy.goes_on(&format!("{}/approve", waiting[0]), &shown).starts_with("/records/"));

    head.goes_on("/settings/approval", &[]);
    let off = presses(&teacher, &page, ASK, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(off.contains("shares without a colleague’s approval"), "{off}");
}

#[test]
fn a_reader_shares_nothing_and_another_site_neither() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let browser = ash.browser();
    let reader = ash.colleague("reader@ash.example", &["reader"]);
    adds_each(&browser, &[("halves.txt", b"Halves."), ("thirds.txt", b"Thirds.")]);
    let form = form_of(&browser.page(ALL), PUBLISH);
    for path in [PUBLISH, ASK] {
        said(sends(&reader, path, &form), StatusCode::FORBIDDEN);
        said(sends(&Browser::at(ash.page()), path, &form), StatusCode::UNAUTHORIZED);
        let sent: Vec<(&str, &str)> =
            form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let other_site = browser.send_with(path, &sent, &[("sec-fetch-site", "cross-site")]);
        let refused = said(other_site, StatusCode::FORBIDDEN);
        assert!(refused.contains("from the page of another site"), "{refused}");
    }
    said(reader.open(ALL), StatusCode::FORBIDDEN);
    assert_eq!(ash.search("halves").len(), 0);
    assert_eq!(drafts(&browser.page("/write")).len(), 2);
}
