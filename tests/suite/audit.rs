//! The audit log: who did what, what was only asked, and what was done though nobody waited for it.

use std::io::Write;
use std::net::TcpStream;

use serde_json::{Value, json};
use staffroom_tests::School;
use staffroom_tests::browser::PASSWORD;

use crate::{intervention, publish, running};

/// What the audit log has: who did what, oldest first.
pub(crate) fn acts(school: &School) -> Vec<String> {
    let lines = school.json(&["audit"]);
    let lines = lines.as_array().unwrap().iter();
    let who = |line: &Value| {
        let person = line["who"]["person"].as_str();
        person.or(line["who"].as_str()).unwrap().to_owned()
    };
    lines.map(|line| format!("{} {}", who(line), line["what"].as_str().unwrap())).collect()
}

/// How often the audit log has an act of the command line.
fn times(school: &School, act: &str) -> usize {
    acts(school).iter().filter(|one| **one == format!("command_line {act}")).count()
}

#[test]
fn the_audit_log_says_who_did_what_and_nothing_that_was_secret_or_searched() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let head = ash.browser();
    let id = publish(&ash, intervention("Echo reading", "Fluent readers by summer."));
    ash.done(&["search", "fluent readers", "--save", "Fluent searching"]);
    ash.done(&["storage", "--capacity", "small"]);
    running("Beech Primary").done(&["group", "join", &ash.invite("Fenland Trust")]);
    ash.done(&["withdraw", &id, "--reason", "superseded"]);
    head.send("/sign-out", &[]);
    let acts = acts(&ash);
    for act in [
        "command_line created a group",
        "command_line made a link for the first administrator",
        "head@ash.example set a password with a link and signed in",
        "command_line published",
        "command_line changed the room for other schools’ files",
        "command_line made an invite",
        "node let a school in that had an invite",
        "command_line withdrew a record",
        "head@ash.example signed out",
    ] {
        assert!(acts.contains(&act.to_owned()), "{act}: {acts:?}");
    }
    let file = std::fs::read_to_string(ash.data().join("audit.jsonl")).unwrap();
    assert!(file.contains(&format!("1 of 1 records: {}", &id[..8])), "{file}");
    assert!(!file.contains("luent") && !file.contains(PASSWORD), "{file}");
    let printed = ash.done(&["audit", "--limit", "1"]);
    assert!(printed.contains("signed out") && !printed.contains("published"), "{printed}");
}

#[test]
fn what_was_only_asked_or_looked_through_is_not_in_the_audit_log() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let file = ash.write("echo.md", intervention("Echo reading", "Fluent readers by summer."));
    ash.done(&["group", "create", "Fenland Trust"]);
    ash.done(&["publish", file.to_str().unwrap(), "--check"]);
    assert_eq!(times(&ash, "published"), 0);
    ash.done(&["publish", file.to_str().unwrap()]);
    assert_eq!(times(&ash, "published"), 1);

    let joining = beech.browser();
    let invite = ash.invite("Fenland Trust");
    let question = joining.send("/network/join", &[("invite", &invite)]);
    let question = question.into_body().read_to_string().unwrap();
    assert!(question.contains("Join Fenland Trust?"), "{question}");
    let joined = || acts(&beech).iter().filter(|act| act.ends_with("joined a group")).count();
    assert_eq!(joined(), 0);
    joining.send("/network/join", &[("invite", &invite), ("agreed", "yes")]);
    assert_eq!(joined(), 1);
}

#[test]
fn an_act_is_in_the_audit_log_though_whoever_asked_for_it_went_away() {
    const ACTS: usize = 20;
    let ash = running("Ash Primary");
    let host = ash.page().trim_start_matches("http://").trim_end_matches('/').to_owned();
    for number in 0..ACTS {
        let body = json!({ "name": format!("Cluster {number}"), "kind": "cluster" }).to_string();
        let request = format!(
            "POST /api/v1/groups HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            ash.bearer(),
            body.len()
        );
        let mut line = TcpStream::connect(&host).unwrap();
        line.write_all(request.as_bytes()).unwrap();
    }
    // One that was gone before it was heard did nothing.
    let created = || ash.json(&["group", "list"]).as_array().unwrap().len();
    ash.waits_for("most acts to be done", || created() > ACTS / 2);
    ash.waits_for("all acts in the log", || times(&ash, "created a group") == created());
}
