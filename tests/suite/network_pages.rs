//! Groups and settings on the pages: joining by a pasted invite, letting in, removing, withdrawing, and who
//! may only look.

use staffroom_tests::browser::Browser;
use ureq::Body;
use ureq::http::{Response, StatusCode};

use crate::{intervention, publish, running};

/// The path that an answer sends on to.
fn sent_on(answer: Response<Body>) -> String {
    let status = answer.status();
    let to = answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned());
    let page = answer.into_body().read_to_string().unwrap();
    assert_eq!(status, StatusCode::SEE_OTHER, "{page}");
    to.unwrap()
}

/// What stands between two texts of a page, the first time that they do.
fn between<'a>(page: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = page.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {page}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} in {rest}")).0
}

/// The page of an answer with this status.
fn read(answer: Response<Body>, expected: StatusCode) -> String {
    let status = answer.status();
    let page = answer.into_body().read_to_string().unwrap();
    assert_eq!(status, expected, "{page}");
    page
}

/// Founds a group and returns its path.
fn creates(by: &Browser, name: &str) -> String {
    sent_on(by.send("/network", &[("name", name), ("kind", "trust")]))
}

/// Makes an invite on a group's page and returns its line.
fn invites(by: &Browser, group: &str, ask: bool) -> String {
    let ask: &[(&str, &str)] = if ask { &[("ask", "on")] } else { &[] };
    let form = [&[("role", "member"), ("days", "14")], ask].concat();
    let page = read(by.send(&format!("{group}/invites"), &form), StatusCode::OK);
    assert!(page.contains("<svg"), "it is a QR code as well: {page}");
    between(&page, "spellcheck=\"false\">\n", "</textarea>").to_owned()
}

#[test]
fn a_school_joins_by_a_pasted_invite_is_let_in_and_both_find_each_others_records() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    let group = creates(&at_ash, "Fenland Trust");
    let echo = publish(&ash, intervention("Echo reading", "Fluent readers."));
    let line = invites(&at_ash, &group, true);
    let nothing = at_beech.send("/network/join", &[("invite", "a shopping list")]);
    let page = read(nothing, StatusCode::BAD_REQUEST);
    assert!(page.contains("a shopping list</textarea>"), "what was typed stays: {page}");

    // As a mail program breaks it.
    let broken = format!("{}\n {}", &line[..60], &line[60..]);
    let page = read(at_beech.send("/network/join", &[("invite", &broken)]), StatusCode::OK);
    assert!(page.contains("Join Fenland Trust?"), "{page}");
    assert!(beech.json(&["group", "list"]).as_array().unwrap().is_empty(), "nothing is done yet");
    let agreed = at_beech.send("/network/join", &[("invite", &line), ("agreed", "yes")]);
    assert_eq!(sent_on(agreed), "/network");
    assert!(at_beech.page("/network").contains("Waiting for Ash Primary"));

    let page = at_ash.page(&group);
    assert!(page.contains("Schools that ask to be let in"), "{page}");
    let admit = between(&page, "<form action=\"", "\"");
    assert!(admit.ends_with("/admit"), "{admit}");
    assert_eq!(sent_on(at_ash.send(admit, &[])), group);
    assert!(!at_ash.page(&group).contains("Schools that ask to be let in"));
    beech.waits_for("its admission", || at_beech.page("/network").contains("role: member"));
    beech.finds("echo", 1);
    let paired = publish(&beech, intervention("Paired maths", "Fluent numbers."));
    ash.finds("paired", 1);
    assert!(at_ash.page("/search?q=paired").contains(&format!("/records/{paired}@")));
    assert!(at_beech.page("/search?q=echo").contains(&format!("/records/{echo}@")));
    let page = at_beech.page(&group);
    assert!(page.contains("Ash Primary") && page.contains("holds the root"), "{page}");
    assert!(page.contains("connected"), "{page}");
    ash.waits_for("the same on both", || {
        at_ash.page(&format!("{group}/holdings")).contains("Holds the same")
    });
    let audit = at_ash.page("/audit");
    assert!(audit.contains("let a school in") && audit.contains("in Fenland Trust"), "{audit}");
}

#[test]
fn a_school_that_is_declined_waits_no_more_and_an_invite_that_is_taken_back_lets_nobody_in() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    let group = creates(&at_ash, "Fenland Trust");
    let line = invites(&at_ash, &group, true);
    at_beech.send("/network/join", &[("invite", &line), ("agreed", "yes")]);
    let page = at_ash.page(&group);
    let decline = between(&page, "admit\" method", "/decline\"").rsplit_once('"').unwrap().1;
    assert_eq!(sent_on(at_ash.send(&format!("{decline}/decline"), &[])), group);
    beech.waits_for("the answer", || !at_beech.page("/network").contains("Waiting for"));

    let line = invites(&at_ash, &group, false);
    let page = at_ash.page(&group);
    let invite = between(&page, "name=\"invite\" value=\"", "\"");
    assert_eq!(
        sent_on(at_ash.send(&format!("{group}/invites/revoke"), &[("invite", invite)])),
        group
    );
    assert!(at_ash.page(&group).contains("taken back"));
    let refused = at_beech.send("/network/join", &[("invite", &line), ("agreed", "yes")]);
    let page = read(refused, StatusCode::BAD_REQUEST);
    assert!(page.contains("took this invite back"), "{page}");
    let long = at_ash.send(&format!("{group}/invites"), &[("role", "member"), ("days", "400")]);
    assert!(read(long, StatusCode::BAD_REQUEST).contains("up to 120 days"));
}

#[test]
fn a_school_is_removed_on_a_page_that_says_what_it_means_and_hears_of_it() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let (at_ash, at_beech) = (ash.browser(), beech.browser());
    publish(&ash, intervention("Echo reading", "Fluent readers."));
    beech.finds("echo", 1);
    let page = at_ash.page("/network");
    let group = format!("/network/{}", between(&page, "<a href=\"/network/", "\""));
    ash.waits_for("both", || at_ash.page(&group).contains("Cedar Primary"));

    let page = at_ash.page(&group);
    let of_beech = between(&page, "<h3>Beech Primary", "</li>");
    let remove = between(of_beech, "<a href=\"", "\"").to_owned();
    let page = at_ash.page(&remove);
    for said in ["Remove Beech Primary?", "What cannot be undone", "stays with the group"] {
        assert!(page.contains(said), "{page}");
    }
    assert!(at_ash.page(&group).contains("<h3>Beech Primary"), "looking removes nobody");
    assert_eq!(sent_on(at_ash.send(&remove, &[])), group);
    ash.waits_for("Cedar to have heard", || {
        at_ash.page(&group).contains("All other schools have heard that Beech Primary was removed")
    });
    beech.waits_for("its removal", || {
        at_beech.page("/network").contains("not in this group: removed on")
    });
    assert!(at_beech.page(&group).contains("by Ash Primary"));
    beech.waits_for("Ash's record to go", || beech.search("echo").is_empty());
    let again = at_ash.send(&remove, &[]);
    assert!(read(again, StatusCode::NOT_FOUND).contains("is no member of this group"));

    // An admin is named and dismissed, and a school leaves.
    let at_cedar = cedar.browser();
    let page = at_ash.page(&group);
    let of_cedar = between(&page, "<h3>Cedar Primary", "</li>");
    let name = between(of_cedar, "<form class=\"stacked\" action=\"", "\"").to_owned();
    assert_eq!(sent_on(at_ash.send(&name, &[])), group);
    cedar.waits_for("its naming", || at_cedar.page("/network").contains("role: admin"));
    assert_eq!(sent_on(at_ash.send(&format!("{name}/dismiss"), &[])), group);
    cedar.waits_for("its end", || at_cedar.page("/network").contains("role: member"));
    assert!(at_cedar.page(&format!("{group}/leave")).contains("Leave Fenland Trust?"));
    assert_eq!(sent_on(at_cedar.send(&format!("{group}/leave"), &[("records", "stay")])), group);
    assert!(at_cedar.page("/network").contains("not in this group: left on"));
}

#[test]
fn a_reader_looks_and_does_not_act_and_another_sites_form_is_refused() {
    let ash = running("Ash Primary");
    let at_ash = ash.browser();
    let group = creates(&at_ash, "Fenland Trust");
    let line = invites(&at_ash, &group, false);
    let reader = ash.colleague("reader", &["reader"]);
    assert!(!reader.page("/").contains("href=\"/write\""), "writing is not offered to a reader");
    for path in ["/network", &group, &format!("{group}/holdings")] {
        let page = reader.page(path);
        let main = between(&page, "<main", "</main>");
        assert!(!main.contains("<form"), "{path} offers a reader nothing to do: {main}");
        assert!(!page.contains("href=\"/settings\""), "{path}");
    }
    let school = ash.json(&["status"])["school"].as_str().unwrap().to_owned();
    let own = [format!("{group}/members/{school}/remove"), format!("{group}/leave")];
    for path in &own {
        assert_eq!(reader.open(path).status(), StatusCode::FORBIDDEN, "{path}");
    }
    let acts = ["", "/join"].map(|end| format!("/network{end}")).into_iter().chain(own).chain(
        [
            "invites".to_owned(),
            "invites/revoke".to_owned(),
            format!("requests/{school}/admit"),
            format!("requests/{school}/decline"),
            format!("admins/{school}"),
            format!("admins/{school}/dismiss"),
        ]
        .map(|end| format!("{group}/{end}")),
    );
    for path in acts {
        assert_eq!(reader.send(&path, &[]).status(), StatusCode::FORBIDDEN, "{path}");
        let of_another_site = [("sec-fetch-site", "cross-site")];
        let sent = at_ash.send_with(&path, &[("invite", &line)], &of_another_site);
        assert_eq!(sent.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert!(at_ash.page(&group).contains("Invites that can be used"), "nothing was done");
}

#[test]
fn a_hostile_name_is_text_on_every_page_about_groups() {
    const NAME: &str = "<img src=x onerror=alert(1)>\"'&";
    const SHOWN: &str = "&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;";
    let (ash, mallory) = (running("Ash Primary"), running(NAME));
    let (at_ash, at_mallory) = (ash.browser(), mallory.browser());
    // It asks to be let in, and is let in, and is removed.
    let group = creates(&at_ash, "Fenland Trust");
    let line = invites(&at_ash, &group, true);
    at_mallory.send("/network/join", &[("invite", &line), ("agreed", "yes")]);
    let clean = |page: &str, path: &str| {
        assert!(page.contains(SHOWN), "{path}: {page}");
        assert!(!page.contains("<img"), "{path}: {page}");
    };
    let page = at_ash.page(&group);
    clean(&page, "asking");
    at_ash.send(between(&page, "<form action=\"", "\""), &[]);
    ash.waits_for("it to be in", || at_ash.page(&group).contains("Remove this school"));
    let page = at_ash.page(&group);
    clean(&page, "in");
    clean(&at_ash.page(&format!("{group}/holdings")), "holdings");
    let after = page.split_once("Name it an admin").unwrap().1;
    let remove = between(after, "<a href=\"", "\"").to_owned();
    clean(&at_ash.page(&remove), "removing");
    at_ash.send(&remove, &[]);
    clean(&at_ash.page(&group), "removed");
    // Its group has such a name too, and so has what it invites to.
    let theirs = creates(&at_mallory, NAME);
    for path in [&theirs, "/network", &format!("{theirs}/leave"), &format!("{theirs}/holdings")] {
        clean(&at_mallory.page(path), path);
    }
    let line = invites(&at_mallory, &theirs, true);
    let asked = read(at_ash.send("/network/join", &[("invite", &line)]), StatusCode::OK);
    clean(&asked, "asked to join");
    at_ash.send("/network/join", &[("invite", &line), ("agreed", "yes")]);
    clean(&at_ash.page("/network"), "waiting");
}

#[test]
fn a_record_is_withdrawn_on_a_page_and_its_page_says_who_has_erased_it() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers."));
    beech.finds("echo", 1);
    let (head, at_beech) = (ash.browser(), beech.browser());
    let at_ash = ash.colleague("writer", &["contributor"]);
    let record = format!("/records/{id}");
    let page = at_ash.page(&record);
    let withdraw = between(&page, "<p class=\"no-print\"><a href=\"", "\"").to_owned();
    assert!(at_ash.page(&withdraw).contains("Withdraw “Echo reading”?"));
    // A reader is not offered it, and another school's record nobody may withdraw here.
    let reader = ash.colleague("reader", &["reader"]);
    let page = reader.page(&record);
    assert!(!page.contains("/withdraw") && !page.contains("action=\"/write\""), "{page}");
    assert!(at_ash.page(&record).contains("action=\"/write\""));
    for answer in [reader.open(&withdraw), reader.send(&withdraw, &[("reason", "So")])] {
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    assert!(!at_beech.page(&record).contains("/withdraw"));
    for answer in [at_beech.open(&withdraw), at_beech.send(&withdraw, &[("reason", "So")])] {
        assert!(read(answer, StatusCode::CONFLICT).contains("belongs to"));
    }
    let silent = at_ash.send(&withdraw, &[("reason", " ")]);
    assert!(read(silent, StatusCode::BAD_REQUEST).contains("say why it is withdrawn"));
    assert_eq!(beech.search("echo").len(), 1, "nothing is withdrawn yet");

    let reason = [("reason", "A photograph shows a pupil")];
    assert_eq!(sent_on(at_ash.send(&withdraw, &reason)), record);
    beech.waits_for("the withdrawal", || beech.search("echo").is_empty());
    ash.waits_for("the receipt", || at_ash.page(&record).contains("All schools have erased it"));
    let page = at_ash.page(&record);
    assert!(between(&page, "<tbody>", "</tbody>").contains("Beech Primary"), "{page}");
    assert!(!reader.page(&record).contains("Who has erased it"));
    assert!(!at_beech.page(&record).contains("Who has erased it"), "it was not theirs");
    assert!(at_beech.page(&record).contains("The school withdrew this record"));
    let audit = head.page("/audit");
    assert!(audit.contains("A photograph shows a pupil"), "{audit}");
}

#[test]
fn an_administrator_sets_the_line_and_the_room_and_nobody_else_does() {
    let ash = running("Ash Primary");
    let (at_ash, reader) = (ash.browser(), ash.colleague("reader", &["reader"]));
    let page = at_ash.page("/settings");
    assert!(page.contains("aria-current=\"page\" lang=\"en-GB\">Settings"), "{page}");
    assert!(page.contains("There is no ceiling.") && page.contains("This server"), "{page}");
    let line = [
        ("within_receiving", "2 Mbit/s"),
        ("within_sending", "none"),
        ("outside_receiving", "none"),
        ("outside_sending", "none"),
        ("hours", "08:00-17:00"),
        ("days", "Mon-Fri"),
        ("zone", "Europe/London"),
    ];
    let room =
        [("total", "20 GB"), ("per_school", "3 GiB"), ("min_free", "1 GB"), ("capacity", "small")];
    let server = "/settings/servers/00/revoke";
    for (path, form) in [("/settings/line", &line[..]), ("/settings/storage", &room), (server, &[])]
    {
        assert_eq!(reader.send(path, form).status(), StatusCode::FORBIDDEN, "{path}");
        let elsewhere = at_ash.send_with(path, form, &[("sec-fetch-site", "cross-site")]);
        assert_eq!(elsewhere.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(reader.open("/settings").status(), StatusCode::FORBIDDEN);

    assert_eq!(sent_on(at_ash.send("/settings/line", &line)), "/settings");
    let kept = ash.json(&["line"]);
    assert_eq!(kept["in_force"]["settings"]["within"]["receiving"], "2 Mbit/s", "{kept}");
    assert!(at_ash.page("/settings").contains("value=\"2 Mbit/s\""));
    assert_eq!(sent_on(at_ash.send("/settings/line/lift", &[])), "/settings");
    assert!(ash.json(&["line"])["in_force"].is_null());
    let mut wrong = line;
    wrong[0].1 = "fast";
    let answer = at_ash.send("/settings/line", &wrong);
    assert!(answer.status().is_client_error(), "{}", answer.status());
    assert!(answer.into_body().read_to_string().unwrap().contains("fast"));

    assert_eq!(sent_on(at_ash.send("/settings/storage", &room)), "/settings");
    let settings = &ash.json(&["storage"])["settings"];
    assert_eq!(settings["total"], 20_000_000_000_u64);
    assert_eq!(settings["per_school"], 3_u64 << 30);
    assert_eq!(settings["keep_unfinished"], false);
    let page = at_ash.page("/settings");
    assert!(page.contains("value=\"20 GB\"") && page.contains("value=\"3 GiB\""), "{page}");
    let mut wrong = room;
    wrong[0].1 = "a lot";
    let page = read(at_ash.send("/settings/storage", &wrong), StatusCode::BAD_REQUEST);
    assert!(page.contains("is no size; write a number and a unit"), "{page}");
    let page = read(at_ash.send(server, &[]), StatusCode::NOT_FOUND);
    assert!(page.contains("class=\"problem\""), "{page}");
}

/// The table to which a page leads with the words that all of them have.
fn table(by: &Browser, page: &str, name: &str) -> String {
    let shown = by.page(page);
    let (before, _) =
        shown.split_once("\">Download as a table</a>").unwrap_or_else(|| panic!("{shown}"));
    let path = before.rsplit("href=\"").next().unwrap().replace("&#38;", "&");
    let answer = by.open(&path);
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-type").starts_with("text/csv; charset=utf-8"), "{path}");
    assert_eq!(header("content-disposition"), format!("attachment; filename=\"{name}.csv\""));
    let written = read(answer, StatusCode::OK);
    written.strip_prefix('\u{feff}').unwrap().to_owned()
}

#[test]
fn what_pages_list_is_downloaded_as_tables_that_run_nothing_in_a_spreadsheet() {
    let (ash, beech) = (running("Ash Primary"), running("=HYPERLINK(1) School"));
    let at_ash = ash.browser();
    let group = creates(&at_ash, "Fenland Trust");
    beech.done(&["group", "join", &ash.invite("Fenland Trust")]);
    for record in [
        "kind: framework\ntitle: Ours\npractice_policies:\n  - { area: exam boards, approach: \
         standardised, rationale: \"=1+1\", decided_by: Board, decided_on: 2026-09-01, review: \
         2027-06-01 }",
        "kind: offer\ntitle: \"+44 coaching\"\nform: coaching\ndevelopment_domains: [assessing impact]",
        "kind: offer\ndirection: request\ntitle: A course\nform: course\n\
         development_domains: [assessing impact]",
    ] {
        publish(&beech, format!("---\n{record}\n---\n"));
    }
    let resource = "---\nkind: resource\ntitle: \"@cards\"\nurl: https://example.org/\n---\n";
    publish(&ash, resource.to_owned());

    let schools = table(&at_ash, &group, "schools");
    assert!(schools.starts_with("school,role,standing,"), "{schools}");
    assert!(schools.contains("\nAsh Primary,admin,this school,"), "{schools}");
    assert!(schools.contains("\n'=HYPERLINK(1) School,member,"), "{schools}");
    ash.waits_for("the records", || at_ash.page("/development").contains("A course"));
    ash.waits_for("the decision", || at_ash.page("/framework").contains("id=\"decisions\""));
    let decisions = table(&at_ash, "/framework", "decisions");
    let decided = "\nExam boards,Fenland Trust,'=HYPERLINK(1) School,standardised,'=1+1,Board,";
    assert!(decisions.contains(decided), "{decisions}");
    let offers = table(&at_ash, "/development", "offers");
    assert!(offers.contains("\n'+44 coaching,offer,'=HYPERLINK(1) School,"), "{offers}");
    assert!(offers.contains("\nA course,request,"), "{offers}");
    // The table has what the page was narrowed to.
    let requests = table(&at_ash, "/development?direction=request", "offers");
    assert!(requests.contains("A course") && !requests.contains("coaching,offer"), "{requests}");
    ash.finds("cards", 1);
    let resources = table(&at_ash, "/resources", "resources");
    assert!(resources.contains("\n'@cards,other,this group only,"), "{resources}");

    let reader = ash.colleague("deputy", &["reader"]);
    let people = table(&at_ash, "/people", "people");
    assert!(people.contains("\ndeputy,deputy,reader,no,yes,no,2"), "{people}");
    let acts = table(&at_ash, "/audit", "acts");
    assert!(acts.contains(",created a group,Fenland Trust,127.0.0.1\n"), "{acts}");
    for refused in ["/people/people.csv", "/audit/acts.csv"] {
        assert_eq!(reader.open(refused).status(), StatusCode::FORBIDDEN, "{refused}");
    }
    table(&reader, &group, "schools");
}
