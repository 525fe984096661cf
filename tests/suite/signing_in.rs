//! Staff sign in to the pages, and each may do what their roles say.

use serde_json::Value;
use staffroom_tests::School;
use staffroom_tests::browser::{Browser, HEAD, PASSWORD};
use ureq::Body;
use ureq::http::{Response, StatusCode, header};

use crate::audit::acts;
use crate::{intervention, publish, running};

/// Where an answer sends a browser on to.
fn location(answer: &Response<Body>) -> &str {
    answer.headers().get(header::LOCATION).map_or("", |to| to.to_str().unwrap())
}

/// An answer that must have this status, as text.
pub(crate) fn said(mut answer: Response<Body>, status: StatusCode) -> String {
    let text = answer.body_mut().read_to_string().unwrap();
    assert_eq!(answer.status(), status, "{text}");
    text
}

/// Whether somebody is signed in there.
fn is_signed_in(browser: &Browser) -> bool {
    browser.open("/me").status() == StatusCode::OK
}

#[test]
fn the_link_that_init_prints_lets_the_first_administrator_in_once() {
    let mut ash = School::without_data(crate::PROGRAM, "Ash Primary");
    let link = ash.json(&["init", "--name", "Ash Primary"])["first_link"].clone();
    let link = link.as_str().unwrap();
    assert!(link.starts_with("http://127.0.0.1:4800/link/"), "{link}");
    ash.start();
    let mut browser = Browser::at(ash.page());
    let path = link.trim_start_matches("http://127.0.0.1:4800");
    // Programs that scan mail look at links before people do.
    for _ in 0..2 {
        assert!(browser.page(path).contains("Set your password"));
    }
    let names = [("user_name", HEAD), ("name", "The headteacher")];
    let again = |browser: &Browser, password: &str| {
        let form = [&[("password", password), ("again", PASSWORD)], &names[..]].concat();
        browser.send(path, &form)
    };
    let short = said(again(&browser, "elevenchars"), StatusCode::BAD_REQUEST);
    assert!(short.contains("not the same") && short.contains(HEAD), "{short}");
    let used = browser.use_link(link, &names);
    assert_eq!((used.status(), location(&used)), (StatusCode::SEE_OTHER, "/"));
    let cookie = used.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; HttpOnly; SameSite=Lax; Path=/"), "{cookie}");
    assert!(!cookie.contains("Max-Age") && !cookie.contains("Secure"), "{cookie}");
    assert!(browser.page("/").contains("Signed in as The headteacher"));
    // It was used, whoever opens it.
    said(browser.open(path), StatusCode::NOT_FOUND);
    said(again(&Browser::at(ash.page()), PASSWORD), StatusCode::NOT_FOUND);
    let no_other = ash.run(&["person", "link"]).error();
    assert!(no_other.contains("head@ash.example looks after people already"), "{no_other}");
    // Nothing on the disk lets anybody in.
    let secret = path.trim_start_matches("/link/");
    let session = browser.cookie.as_deref().unwrap().split_once('=').unwrap().1;
    for file in ["people.json", "sessions.json", "audit.jsonl"] {
        let text = std::fs::read_to_string(ash.data().join(file)).unwrap();
        assert!([secret, session, PASSWORD].iter().all(|word| !text.contains(word)), "{file}");
    }
    assert_eq!(acts(&ash), ["head@ash.example set a password with a link and signed in"]);
}

#[test]
fn a_wrong_password_eleven_times_makes_an_account_wait_and_no_other() {
    let ash = running("Ash Primary");
    let _head = ash.browser();
    ash.colleague("deputy@ash.example", &["reader"]);
    let attempt = |user_name: &str, password: &str| {
        Browser::at(ash.page())
            .send("/sign-in", &[("user_name", user_name), ("password", password)])
    };
    let mut answers = Vec::new();
    for account in [HEAD, "nobody@ash.example"] {
        let mut wrong = String::new();
        for _ in 0..10 {
            wrong = said(attempt(account, "three long words"), StatusCode::UNAUTHORIZED);
        }
        assert!(wrong.contains("The user name or the password is wrong."), "{wrong}");
        let waits = attempt(account, PASSWORD);
        assert!(waits.headers().contains_key(header::RETRY_AFTER));
        let waits = said(waits, StatusCode::TOO_MANY_REQUESTS);
        assert!(waits.contains("Wait 15 minutes"), "{waits}");
        answers.push([wrong, waits].map(|page| page.replace(account, "ACCOUNT")));
    }
    assert_eq!(answers[0], answers[1], "the pages say nothing of who has an account");
    assert_eq!(attempt("deputy@ash.example", PASSWORD).status(), StatusCode::SEE_OTHER);
    let failed = acts(&ash).iter().filter(|act| act.ends_with("failed to sign in")).count();
    assert_eq!(failed, 20);
    let log = std::fs::read_to_string(ash.data().join("audit.jsonl")).unwrap();
    assert!(!log.contains("nobody@ash.example"), "it may be a password");
}

#[test]
fn thirty_people_behind_one_address_sign_in_within_a_minute() {
    let ash = running("Ash Primary");
    let browser = ash.browser();
    let started = std::time::Instant::now();
    let signing_in: Vec<_> = (0..30)
        .map(|_| {
            let mut browser = Browser::at(&browser.origin);
            std::thread::spawn(move || browser.sign_in(HEAD, PASSWORD))
        })
        .collect();
    for one in signing_in {
        assert_eq!(one.join().unwrap(), StatusCode::SEE_OTHER);
    }
    println!("30 sign-ins took {:?}", started.elapsed());
    assert!(started.elapsed().as_secs() < 60);
}

#[test]
fn a_session_survives_a_restart_and_ends_by_its_limits() {
    let mut ash = running("Ash Primary");
    let mut browser = ash.browser();
    let mut own = Browser::at(ash.page());
    let form = [("user_name", HEAD), ("password", PASSWORD), ("own_computer", "on")];
    let kept = own.send_and_keep("/sign-in", &form);
    let cookie = kept.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("; Max-Age=2592000"), "{cookie}");
    let mut at = |off_by: &str, browser: &mut Browser| {
        ash.stop();
        ash.set_clock(Some(off_by));
        ash.start();
        browser.origin = ash.page().trim_end_matches('/').to_owned();
        is_signed_in(browser)
    };
    assert!(at("+20m", &mut browser));
    assert!(at("+45m", &mut browser), "it was used meanwhile");
    assert!(!at("+80m", &mut browser), "half an hour without use");
    assert!(at("+6d", &mut own));
    assert!(at("+12d", &mut own));
    assert!(!at("+20d", &mut own), "a week without use");
}

#[test]
fn signing_in_makes_a_new_session_and_signing_out_ends_one_or_all() {
    let ash = running("Ash Primary");
    let mut browser = ash.browser();
    let before = browser.cookie.clone().unwrap();
    // What somebody put there is taken for nothing and never becomes a session.
    let name = before.split_once('=').unwrap().0;
    let mut planted = Browser::at(ash.page());
    planted.cookie = Some(format!("{name}=chosen-by-somebody-else"));
    let chosen = planted.clone();
    assert_eq!(planted.sign_in(HEAD, PASSWORD), StatusCode::SEE_OTHER);
    assert!(planted.cookie != chosen.cookie && is_signed_in(&planted) && !is_signed_in(&chosen));
    // Signing in again ends the session that was there.
    assert_eq!(browser.sign_in(HEAD, PASSWORD), StatusCode::SEE_OTHER);
    let mut old = browser.clone();
    old.cookie = Some(before);
    assert!(is_signed_in(&browser) && !is_signed_in(&old));

    let out = browser.clone();
    let answer = browser.send_and_keep("/sign-out", &[]);
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/sign-in"));
    assert!(!is_signed_in(&out) && is_signed_in(&planted));
    let (one, other) = (ash.browser(), ash.browser());
    let answer = one.send("/me/sessions/end", &[("which", "all")]);
    assert_eq!(location(&answer), "/sign-in");
    assert!([&one, &other, &planted].iter().all(|browser| !is_signed_in(browser)));

    // A new password ends all others, and goes on here with a new session.
    let (mut changes, other) = (ash.browser(), ash.browser());
    let before = changes.clone();
    let new = "four much longer words";
    let form = [("before", PASSWORD), ("password", new), ("again", new)];
    let answer = changes.send_and_keep("/me/password", &form);
    assert_eq!(location(&answer), "/me");
    assert!(is_signed_in(&changes) && !is_signed_in(&before) && !is_signed_in(&other));
    assert_eq!(Browser::at(ash.page()).sign_in(HEAD, PASSWORD), StatusCode::UNAUTHORIZED);
    // So does the command line, which also lets people back in.
    ash.done(&["person", "roles", HEAD, "reader", "administrator"]);
    assert!(!is_signed_in(&changes));
    let alone = ash.run(&["person", "disable", HEAD]).error();
    assert!(alone.contains("is the only administrator who can sign in"), "{alone}");
}

#[test]
fn each_page_and_each_address_of_the_api_asks_for_its_role() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    let nobody = Browser::at(ash.page());
    for open in ["/sign-in", "/style.css", "/suggestions.js"] {
        nobody.page(open);
    }
    for closed in ["/", "/me", "/people", "/audit", "/saved-searches", "/nothing", "/records/1"] {
        let answer = nobody.open(closed);
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{closed}");
        assert!(location(&answer).starts_with("/sign-in"), "{closed}");
    }
    for closed in [
        "/api/v1/status",
        "/api/v1/search?q=echo",
        "/api/v1/nothing",
        "/suggestions?q=ec",
        "/metrics",
        "/saved-searches/feed?name=x",
    ] {
        said(nobody.open(closed), StatusCode::UNAUTHORIZED);
    }
    // A form of somebody who was signed out meanwhile is kept in the browser.
    let form = said(nobody.send("/saved-searches", &[]), StatusCode::UNAUTHORIZED);
    assert!(form.contains("what you typed is still there"), "{form}");

    let reader = ash.colleague("reader", &["reader"]);
    assert!(reader.page(&format!("/records/{id}")).contains("Echo reading"));
    assert!(reader.page("/api/v1/search?q=echo").contains("Echo reading"));
    said(reader.open("/nothing"), StatusCode::NOT_FOUND);
    said(reader.open("/api/v1/nothing"), StatusCode::NOT_FOUND);
    let refused = said(reader.open("/people"), StatusCode::FORBIDDEN);
    let rule =
        "This needs the role administrator. An administrator of your school can give it to you.";
    assert!(refused.contains(rule), "{refused}");
    let receipts = format!("/api/v1/records/{id}/receipts");
    let refused = said(reader.open(&receipts), StatusCode::FORBIDDEN);
    assert!(refused.contains("this needs the role contributor or data protection"), "{refused}");
    said(reader.send("/people/roles", &[("user_name", "reader")]), StatusCode::FORBIDDEN);
    said(reader.send("/api/v1/index/rebuild", &[]), StatusCode::FORBIDDEN);
    said(reader.send("/", &[]), StatusCode::METHOD_NOT_ALLOWED);

    let protection = ash.colleague("protection", &["data-protection"]);
    assert!(protection.page("/audit").contains("set a password with a link"));
    said(protection.open("/people"), StatusCode::FORBIDDEN);
    let nothing = ash.colleague("nothing", &["reader"]);
    ash.done(&["person", "roles", "nothing"]);
    assert!(!is_signed_in(&nothing), "roles changed");
    let mut nothing = Browser::at(ash.page());
    nothing.sign_in("nothing", PASSWORD);
    assert!(nothing.page("/me").contains("You have no role yet"));
    said(nothing.open("/"), StatusCode::FORBIDDEN);
    ash.done(&["person", "disable", "nothing"]);
    assert!(!is_signed_in(&nothing));
    assert_eq!(nothing.sign_in("nothing", PASSWORD), StatusCode::UNAUTHORIZED);
}

#[test]
fn an_administrator_looks_after_people_on_their_page() {
    let ash = running("Ash Primary");
    let head = ash.browser();
    let form = [
        ("user_name", "Deputy@ash.example"),
        ("name", "The <b>deputy</b>"),
        ("role", "reader"),
        ("role", "contributor"),
    ];
    let page = said(head.send("/people", &form), StatusCode::OK);
    assert!(page.contains("The &#60;b&#62;deputy&#60;/b&#62;"), "{page}");
    let link = page.split("<code>").nth(1).unwrap().split("</code>").next().unwrap();
    assert!(link.starts_with(&format!("{}/link/", head.origin)), "{link}");
    let mut deputy = Browser::at(ash.page());
    assert_eq!(deputy.use_link(link, &[]).status(), StatusCode::SEE_OTHER);
    said(head.send("/people", &form), StatusCode::CONFLICT);
    for (wrong, rule) in [("two words", "has the character"), ("", "is empty")] {
        let page = said(head.send("/people", &[("user_name", wrong)]), StatusCode::BAD_REQUEST);
        assert!(page.contains(rule), "{page}");
    }
    let one = ("user_name", "deputy@ash.example");
    let roles = head.send("/people/roles", &[one, ("role", "approver")]);
    assert_eq!(location(&roles), "/people");
    assert!(!is_signed_in(&deputy));
    let listed = ash.json(&["person", "list"]);
    assert_eq!(listed[0]["roles"], Value::from(vec!["approver"]), "{listed}");
    head.send("/people/disabled", &[one, ("disabled", "true")]);
    assert!(head.page("/people").contains("switched off"));
    said(head.send("/people/link", &[one]), StatusCode::CONFLICT);
    said(head.send("/people/roles", &[one, ("role", "king")]), StatusCode::BAD_REQUEST);
    let own = ("user_name", HEAD);
    let alone = said(head.send("/people/roles", &[own]), StatusCode::CONFLICT);
    assert!(alone.contains("is the only administrator"), "{alone}");
    let expected = ["added a person", "changed the roles of a person", "switched an account off"];
    let acts = acts(&ash);
    for act in expected {
        assert!(acts.contains(&format!("{HEAD} {act}")), "{act}: {acts:?}");
    }
}

#[test]
fn a_form_on_another_sites_page_does_nothing() {
    let ash = running("Ash Primary");
    let browser = ash.browser();
    let form = [("name", "Changed elsewhere")];
    for headers in [
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("origin", "http://elsewhere.example")],
        [("origin", "null")],
    ] {
        for path in ["/me/name", "/sign-in", "/sign-out", "/api/v1/index/rebuild"] {
            said(browser.send_with(path, &form, &headers), StatusCode::FORBIDDEN);
        }
    }
    assert!(!browser.page("/me").contains("Changed elsewhere"));
}

#[test]
fn another_host_name_that_points_here_gains_nothing() {
    let ash = running("Ash Primary");
    let browser = ash.browser();
    for host in ["staffroom.elsewhere.example", "127.0.0.1.elsewhere.example", "localhost.evil"] {
        let refused = browser.open_with("/me", &[("host", host)]);
        said(refused, StatusCode::MISDIRECTED_REQUEST);
    }
}

#[test]
fn signing_in_leads_to_a_path_of_these_pages_only_and_puts_no_header_in() {
    let ash = running("Ash Primary");
    drop(ash.browser());
    let mut signing_in = Browser::at(ash.page());
    for (to, expected) in [
        ("/records/1?q=a%20b", "/records/1?q=a%20b"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
        ("/\r\nset-cookie: a=b", "/"),
        ("/ü", "/"),
        ("", "/"),
    ] {
        let form = [("user_name", HEAD), ("password", PASSWORD), ("to", to)];
        let answer = signing_in.send_and_keep("/sign-in", &form);
        assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, expected), "{to}");
    }
    let on = signing_in.open("/sign-in?to=%2Frecords%2F1");
    assert_eq!(location(&on), "/records/1");
    let page = Browser::at(ash.page()).page("/sign-in?to=//elsewhere.example");
    assert!(page.contains(r#"name="to" value="""#), "{page}");
    let asked = Browser::at(ash.page()).open("/records/1?q=a");
    assert_eq!(location(&asked), "/sign-in?to=%2Frecords%2F1%3Fq%3Da");
}

#[test]
fn the_first_link_lets_nobody_in_once_somebody_else_looks_after_people() {
    let mut ash = School::without_data(crate::PROGRAM, "Ash Primary");
    let first = ash.json(&["init", "--name", "Ash Primary"])["first_link"].clone();
    ash.start();
    let deputy = ash.colleague("deputy", &["administrator"]);
    assert!(is_signed_in(&deputy));
    let mut browser = Browser::at(ash.page());
    let path = first.as_str().unwrap().trim_start_matches("http://127.0.0.1:4800");
    said(browser.open(path), StatusCode::NOT_FOUND);
    let names = [("user_name", HEAD), ("name", "The headteacher")];
    said(browser.use_link(first.as_str().unwrap(), &names), StatusCode::NOT_FOUND);
    assert!(!is_signed_in(&browser));
}

#[test]
fn a_form_that_is_too_long_is_not_read_to_its_end() {
    let ash = running("Ash Primary");
    let long = "x".repeat(17 * 1024);
    let form = [("user_name", HEAD), ("password", long.as_str())];
    said(Browser::at(ash.page()).send("/sign-in", &form), StatusCode::PAYLOAD_TOO_LARGE);
}

#[test]
fn a_token_does_what_it_is_for() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let group = ash.json(&["status"])["groups"][0]["id"].as_str().unwrap().to_owned();
    let head = ash.browser();
    let nobody = Browser::at(ash.page());
    head.send("/saved-searches", &[("name", "Reading"), ("query", "q=reading")]);
    let token = |scope: &str| {
        let form = [("name", scope), ("scope", scope), ("days", "30")];
        let page = said(head.send("/me/tokens", &form), StatusCode::OK);
        page.split("<code>").nth(1).unwrap().split("</code>").next().unwrap().to_owned()
    };
    let (feed, read, write) = (token("feed"), token("read"), token("write"));
    let with = |path: &str, token: &str| {
        nobody.open_with(path, &[("authorization", &format!("Bearer {token}"))]).status()
    };
    let news = |token: &str| {
        nobody.open(&format!("/saved-searches/feed?name=Reading&token={token}")).status()
    };
    assert_eq!(news(&feed), StatusCode::OK);
    let of_group = format!("/network/{group}/feed");
    let news_of_group = |token: &str| nobody.open(&format!("{of_group}?token={token}")).status();
    assert_eq!(news_of_group(&feed), StatusCode::OK);
    assert_eq!(with(&of_group, &feed), StatusCode::OK);
    for elsewhere in [format!("/network/{group}"), format!("/network/{group}/holdings")] {
        let shown = nobody.open(&format!("{elsewhere}?token={feed}"));
        assert!(location(&shown).starts_with("/sign-in"), "{elsewhere}");
    }
    for wrong in [&read, &write, "nonsense"] {
        assert_eq!(news(wrong), StatusCode::UNAUTHORIZED);
        assert_eq!(news_of_group(wrong), StatusCode::UNAUTHORIZED);
    }
    let elsewhere = nobody.open(&format!("/api/v1/status?token={feed}"));
    assert_eq!(elsewhere.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(with("/api/v1/search?q=reading", &feed), StatusCode::FORBIDDEN);
    for token in [&read, &write] {
        assert_eq!(with("/api/v1/search?q=reading", token), StatusCode::OK);
        assert_eq!(with("/metrics", token), StatusCode::OK);
        for in_person in ["/me", "/people", "/api/v1/people"] {
            assert_eq!(with(in_person, token), StatusCode::FORBIDDEN, "{in_person}");
        }
    }
    let rebuild = |token: &str| {
        let headers = [("authorization", &*format!("Bearer {token}"))];
        nobody.send_with("/api/v1/index/rebuild", &[], &headers).status()
    };
    assert_eq!(rebuild(&read), StatusCode::FORBIDDEN);
    assert_eq!(rebuild(&write), StatusCode::OK);
    // Whoever shows a token is not somebody else by a cookie.
    let both = head.open_with("/api/v1/status", &[("authorization", "Bearer nonsense")]);
    assert_eq!(both.status(), StatusCode::UNAUTHORIZED);

    let page = head.page("/me");
    let which = page.split("/me/tokens/end").nth(1).unwrap().split("value=\"").nth(1).unwrap();
    let ended = which.split('"').next().unwrap();
    assert_eq!(location(&head.send("/me/tokens/end", &[("which", ended)])), "/me");
    assert_eq!(with("/api/v1/status", &write), StatusCode::UNAUTHORIZED, "the newest stands first");
    ash.colleague("deputy", &["administrator"]);
    ash.done(&["person", "disable", HEAD]);
    assert_eq!(news(&feed), StatusCode::UNAUTHORIZED);
}
