//! A school saves a search, and is told what other schools share about it later.

use serde_json::Value;
use staffroom_tests::School;
use staffroom_tests::browser::Browser;
use ureq::http::StatusCode;

use crate::{intervention, publish, running};

/// What `staffroom status` tells of one search: how much of it is new.
fn new(school: &School, name: &str) -> u64 {
    let status = school.json(&["status"]);
    let news = status["news"].as_array().unwrap();
    let one = news.iter().find(|one| one["name"] == name);
    one.and_then(|one| one["new"].as_u64()).unwrap_or(0)
}

fn titles(saved: &Value) -> Vec<&str> {
    let found = saved["found"].as_array().unwrap();
    found.iter().map(|one| one["title"].as_str().unwrap()).collect()
}

#[test]
fn what_comes_later_is_told_until_it_is_seen_in_the_status_the_api_a_page_and_a_feed() {
    let (mut ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    ash.finds("echo reading", 1);

    // What is there by now is no news.
    ash.done(&["search", "echo", "reading", "--key-stage", "KS2", "--save", "Echo & more"]);
    assert_eq!(new(&ash, "Echo & more"), 0);
    assert!(ash.done(&["saved"]).contains("“echo reading” · key stage: KS2"));

    let echo = intervention("Echo reading <in> pairs", "Fluent readers by spring.");
    let id = publish(&beech, echo.clone());
    publish(&beech, intervention("Seating plans", "Fewer interruptions."));
    publish(&beech, echo.replace("KS2", "KS4").replace("pairs", "class"));
    ash.waits_for("news", || new(&ash, "Echo & more") == 1);
    let told = ash.done(&["status"]);
    assert!(told.contains("saved search Echo & more: 1 new"), "{told}");
    let saved = ash.json(&["saved", "Echo & more"]);
    assert_eq!((titles(&saved), &saved["new"]), (vec!["Echo reading <in> pairs"], &1.into()));
    let shown = ash.done(&["saved", "Echo & more"]);
    assert!(shown.contains("new · Intervention · Beech Primary"), "{shown}");

    let browser = ash.browser();
    let html = browser.page("/saved-searches");
    assert!(html.contains("1 new") && html.contains("Echo reading &#60;in&#62; pairs"), "{html}");
    let feed = browser.page("/saved-searches/feed?name=Echo+%26+more");
    let feed = roxmltree::Document::parse(&feed).unwrap();
    let text = |name: &str| {
        let found = feed.descendants().find(|node| node.has_tag_name(name));
        found.and_then(|node| node.text()).unwrap_or_default().to_owned()
    };
    assert_eq!(text("title"), "Echo & more");
    let entry = feed.descendants().find(|node| node.has_tag_name("entry")).unwrap();
    let link = entry.children().find(|node| node.has_tag_name("link")).unwrap();
    assert!(link.attribute("href").unwrap().contains(&id), "{link:?}");

    // What was found is found again where the power failed before it was written down.
    ash.kill();
    let file = ash.data().join("saved-searches.json");
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let search = &mut kept["searches"]["Echo & more"];
    let from = search["from"].clone();
    (search["found"], search["count"]) = (Value::Array(Vec::new()), 0.into());
    kept["reached"] = from;
    std::fs::write(&file, kept.to_string()).unwrap();
    ash.start();
    ash.waits_for("the same news", || new(&ash, "Echo & more") == 1);
    publish(&beech, intervention("Echo reading for all", "Fluent readers by autumn."));
    ash.waits_for("what came since", || new(&ash, "Echo & more") == 2);
    // An index that is made again finds nothing new.
    ash.done(&["reindex"]);
    ash.finds("echo", 4);
    assert_eq!(new(&ash, "Echo & more"), 2);

    // What is seen is news no longer, what is withdrawn is not listed.
    let shown = ash.done(&["saved", "Echo & more", "--seen"]);
    assert!(shown.contains("Echo reading for all") && shown.contains("in> pairs"), "{shown}");
    assert_eq!(new(&ash, "Echo & more"), 0);
    beech.done(&["withdraw", &id, "--reason", "published by mistake"]);
    ash.waits_for("the withdrawal", || {
        titles(&ash.json(&["saved", "Echo & more"])) == ["Echo reading for all"]
    });
    ash.done(&["saved", "Echo & more", "--remove"]);
    let gone = ash.run(&["saved", "Echo & more"]).error();
    assert!(gone.contains("no saved search is called \"Echo & more\""), "{gone}");
}

#[test]
fn a_search_is_saved_from_the_page_and_by_no_other_site() {
    let mut ash = crate::school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    ash.start();
    let browser = ash.browser();
    let send = |path: &str, form: &[(&str, &str)], headers: &[(&str, &str)]| {
        browser.send_with(path, form, headers)
    };
    let reading = [("name", "Reading"), ("query", "q=reading&sort=newest")];
    let own = browser.origin.clone();
    for headers in [
        [("sec-fetch-site", "cross-site"), ("accept", "*/*")],
        [("sec-fetch-site", "same-site"), ("accept", "*/*")],
        [("origin", "http://elsewhere.example"), ("accept", "*/*")],
        [("origin", "null"), ("accept", "*/*")],
    ] {
        let refused = send("/saved-searches", &reading, &headers);
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{headers:?}");
    }
    assert_eq!(ash.json(&["saved"]), Value::Array(Vec::new()));
    for headers in [[("sec-fetch-site", "same-origin")], [("origin", own.as_str())]] {
        let saved = send("/saved-searches", &reading, &headers);
        assert_eq!(saved.status(), StatusCode::SEE_OTHER);
    }
    assert_eq!(ash.json(&["saved"])[0]["question"], "“reading” · sort: newest");

    // What cannot be kept is said, and nothing changes.
    let long = format!("q={}", "reading ".repeat(2_000));
    for (name, query, said) in [
        (" ", "q=reading", "it is empty"),
        ("line\nbreak", "q=reading", "control character"),
        (&*"x".repeat(101), "q=reading", "more than 100 characters"),
        ("All", "sort=newest", "needs a question or a filter"),
        ("Stage", "key_stage=KS9", "key stage is &#34;KS9&#34;"),
        ("Long", &long, "more than the 8192"),
    ] {
        let mut refused = send("/saved-searches", &[("name", name), ("query", query)], &[]);
        let page = refused.body_mut().read_to_string().unwrap();
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{name:?} {page}");
        assert!(page.contains(said), "{name:?}: {page}");
    }
    let removed = send("/saved-searches/remove", &[("name", "Reading")], &[]);
    assert_eq!(removed.status(), StatusCode::SEE_OTHER);
    assert_eq!(ash.json(&["saved"]), Value::Array(Vec::new()));
}

#[test]
fn what_colleagues_asked_is_suggested_but_for_what_no_record_says() {
    let mut ash = crate::school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    ash.start();
    ash.finds("echo reading", 1);
    // Asked on the page, and by a command.
    let mut browser = ash.browser();
    browser.page("/search?q=fluent+echo+readers");
    ash.done(&["search", "fluent reading Jayden"]);
    ash.waits_for("the question", || {
        suggested(&browser, "flue").first().is_some_and(|first| first == "fluent echo readers")
    });
    assert!(!suggested(&browser, "fluent+r").contains(&"fluent reading Jayden".to_owned()));
    ash.stop();
    ash.start();
    browser = ash.browser();
    assert_eq!(suggested(&browser, "flue")[0], "fluent echo readers");
}

fn suggested(to: &Browser, typed: &str) -> Vec<String> {
    serde_json::from_str(&to.page(&format!("/suggestions?q={typed}"))).unwrap()
}

#[test]
fn what_is_new_in_a_group_comes_as_a_feed_the_newest_first_and_of_that_group_alone() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.done(&["group", "create", "Fen Network", "--kind", "network"]);
    let aside = intervention("Choral reading", "Fluent readers.");
    publish(&ash, aside);
    ash.found("Fenland Trust", "trust", &[&beech]);
    let groups = ash.json(&["status"])["groups"].clone();
    let named = |one: &&Value| one["name"] == "Fenland Trust";
    let group = groups.as_array().unwrap().iter().find(named).unwrap()["id"].as_str().unwrap();
    let (browser, page) = (ash.browser(), format!("/network/{group}"));
    let path = format!("{page}/feed");
    let shown = browser.page(&page);
    let linked = format!("type=\"application/atom+xml\" title=\"Fenland Trust\" href=\"{path}\"");
    assert!(shown.contains(&linked), "{shown}");
    assert!(shown.contains(&format!("<a href=\"{path}\">Feed for a news reader</a>")), "{shown}");

    let titles = || {
        let mut answer = browser.open(&path);
        let sort = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(sort, "application/atom+xml; charset=utf-8");
        let feed = answer.body_mut().read_to_string().unwrap();
        let feed = roxmltree::Document::parse(&feed).unwrap();
        let child = |of: roxmltree::Node<'_, '_>, name: &str| {
            let child = of.children().find(|node| node.has_tag_name(name)).unwrap();
            child.text().unwrap_or_default().to_owned()
        };
        let entries: Vec<_> =
            feed.descendants().filter(|node| node.has_tag_name("entry")).collect();
        let updated = child(feed.root_element(), "updated");
        assert!(updated.parse::<jiff::Timestamp>().is_ok(), "{updated}");
        assert_eq!(child(feed.root_element(), "title"), "Fenland Trust");
        if let Some(newest) = entries.first() {
            assert_eq!(child(*newest, "updated"), updated);
        }
        entries.into_iter().map(|entry| child(entry, "title")).collect::<Vec<_>>()
    };
    assert_eq!(titles(), [""; 0], "what is shared in another group is no news of this one");
    let first = publish(&beech, intervention("Echo reading", "Fluent readers."));
    ash.waits_for("the first record", || titles() == ["Echo reading"]);
    publish(&beech, intervention("Paired reading", "Fluent readers."));
    ash.waits_for("the second record", || titles() == ["Paired reading", "Echo reading"]);
    beech.done(&["withdraw", &first, "--reason", "published by mistake"]);
    ash.waits_for("the withdrawal", || titles() == ["Paired reading"]);

    let rows: String = (0..60)
        .map(|number| {
            format!("intervention,Routine {number},Calm lessons,A routine,Every half term\n")
        })
        .collect();
    let head = "kind,title,aim,what is different,monitoring\n";
    let many = beech.write("many.csv", format!("{head}{rows}"));
    beech.done(&["import", many.to_str().unwrap()]);
    ash.waits_for("no more than fifty", || titles().len() == 50);

    ash.done(&["group", "leave", "Fenland Trust"]);
    let mut gone = browser.open(&path);
    let said = gone.body_mut().read_to_string().unwrap();
    assert!(
        gone.status() == StatusCode::NOT_FOUND && said.contains("not in Fenland Trust"),
        "{said}"
    );
}
