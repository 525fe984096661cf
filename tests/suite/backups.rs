//! A server that is lost and set up anew from its backup.

use std::fs;

use libp2p::Multiaddr;
use serde_json::Value;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_protocol::wire;
use staffroom_tests::mallory::Mallory;
use staffroom_tests::raw::Raw;
use staffroom_tests::{School, noise, on_one_line};
use ureq::http::StatusCode;

use crate::{PROGRAM, intervention, kept, publish, running, share_file};

const GROUP: &str = "Fenland Trust";

/// Makes a backup, which holds all that the school does, and returns its folder.
fn backed_up(school: &School) -> String {
    let to = school.folder().join("backups");
    fs::create_dir(&to).unwrap();
    school.done(&["backup", "set", "--to", to.to_str().unwrap(), "--keep-days", "7"]);
    school.json(&["backup", "now"])["path"].as_str().unwrap().to_owned()
}

fn restored_from(backup: &str) -> School {
    let school = School::without_data(PROGRAM, "Ash Primary");
    let said = on_one_line(&school.done(&["backup", "restore", backup]));
    assert!(said.contains("Never start the old server again"), "{said}");
    school
}

fn is_waiting(school: &School) -> bool {
    school.json(&["backup", "show"])["restored"].is_object()
}

#[test]
fn a_restored_server_shows_and_passes_on_nothing_before_it_has_heard_what_was_taken_back() {
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found(GROUP, "trust", &[&beech]);
    let mallory = Mallory::start();
    let invite = ash.invite(GROUP).parse().unwrap();
    mallory.join(&invite);
    let withdrawn = publish(&beech, intervention("Zephyr reading", "Fluent readers."));
    let film = noise(1, 600_000);
    let filmed = share_file(&ash, "Number talks, filmed", "film.bin", &film);
    ash.finds("zephyr", 1);
    let backup = backed_up(&ash);

    beech.done(&["withdraw", &withdrawn, "--reason", "It was shared by mistake"]);
    ash.waits_for("the withdrawal", || ash.search("zephyr").is_empty());
    beech.stop();
    ash.kill();
    mallory.runtime.block_on(mallory.network.stop());
    fs::remove_dir_all(ash.data()).unwrap();
    let said = on_one_line(&ash.done(&["backup", "check", &backup]));
    assert!(said.contains("is as it was made") && said.contains("of Ash Primary"), "{said}");

    let mut back = restored_from(&backup);
    back.start();
    assert!(is_waiting(&back));
    let refused = on_one_line(&back.run(&["search", "zephyr"]).error());
    assert!(refused.contains("this server was restored from a backup of"), "{refused}");
    assert!(refused.contains("it waits for another school of Fenland Trust"), "{refused}");
    let record = back.write("new.md", intervention("Echo reading", "Fluent readers."));
    for arguments in
        [&["show", &withdrawn][..], &["publish", record.to_str().unwrap()], &["get", &filmed]]
    {
        assert!(back.run(arguments).error().contains("was restored"), "{arguments:?}");
    }
    assert!(back.done(&["status"]).contains("Ash Primary"), "how it is can be looked at");

    let head = back.browser();
    for page in ["/", "/search?q=zephyr", &format!("/records/{withdrawn}"), "/write", "/resources"]
    {
        let answer = head.open(page);
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{page}");
        let said = answer.into_body().read_to_string().unwrap();
        assert!(said.contains("was restored and waits") && !said.contains("Zephyr"), "{said}");
    }
    let settings = head.page("/settings");
    assert!(settings.contains("It waits for another school of Fenland Trust."), "{settings}");
    head.page("/network");

    // A member that is up to no good asks for what is there, and tells nothing.
    let contacts = back.json(&["status"])["network"]["contact"].clone();
    let contacts = contacts.as_array().unwrap().iter().filter_map(Value::as_str);
    let address = contacts.into_iter().find(|address| address.contains("/tcp/")).unwrap();
    let address: Multiaddr = address.parse().unwrap();
    let seed = *mallory.node.identity().node_key().seed();
    let nothing = Box::new(|_: &[u8]| wire::encode(&Response::Refused(Refusal::Busy)));
    let raw = Raw::connect(seed, address, nothing);
    let group = invite.group;
    let ask = |request: &Request| -> Response {
        raw.send(wire::encode(request));
        wire::decode(&raw.answer().unwrap(), 4 * 1024 * 1024).unwrap()
    };
    let hash = Hash::of(&film);
    let questions = [
        Request::Compare { group, count: 0, digest: Hash::of(b"nothing") },
        Request::Holding { group },
        Request::BlobRange { group, hash, offset: 0, length: 262_144 },
    ];
    for question in &questions {
        assert_eq!(ask(question), Response::Refused(Refusal::Busy), "{question:?}");
    }
    assert!(is_waiting(&back));

    beech.start();
    back.waits_for("another school", || !is_waiting(&back));
    assert_eq!(back.search("zephyr"), []);
    back.finds("number", 1);
    for question in &questions {
        let answer = ask(question);
        assert!(!matches!(answer, Response::Refused(_)), "{question:?}: {answer:?}");
    }
    assert_eq!(fs::read(kept(&back, &film)).unwrap(), film, "no other school had it");
    back.done(&["publish", record.to_str().unwrap()]);
    beech.finds("echo", 1);
    back.stop();
    back.start();
    assert!(!is_waiting(&back), "it waits once");
}

#[test]
fn an_administrator_makes_backups_and_lets_a_restored_server_go_on_without_the_others() {
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found(GROUP, "trust", &[&beech]);
    publish(&beech, intervention("Zephyr reading", "Fluent readers."));
    ash.finds("zephyr", 1);
    let head = ash.browser();
    let settings = head.page("/settings");
    assert!(settings.contains("No backups are made.") && settings.contains("staffroom backup set"));
    let refused = head.send("/settings/backups", &[]);
    assert_eq!(refused.status(), StatusCode::CONFLICT);
    let refused = ash.run(&["backup", "set", "--to", "/nowhere/at/all"]).error();
    assert!(
        on_one_line(&refused).contains("/nowhere/at/all is no folder that is there"),
        "{refused}"
    );
    let to = ash.folder().join("backups");
    fs::create_dir(&to).unwrap();
    ash.done(&["backup", "set", "--to", to.to_str().unwrap()]);
    assert!(head.page("/settings").contains("None is there yet."));
    let made = head.send("/settings/backups", &[]);
    assert_eq!(made.status(), StatusCode::SEE_OTHER);
    let settings = head.page("/settings");
    assert!(settings.contains("The backups that are there"), "{settings}");
    let shown = ash.json(&["backup", "show"]);
    let backup = shown["made"][0]["path"].as_str().unwrap();
    assert_eq!(shown["settings"]["keep_days"], 35);
    assert!(ash.done(&["audit"]).contains("made a backup"));
    let others = ash.colleague("lead", &["reader", "contributor", "approver"]);
    assert_eq!(others.send("/settings/backups", &[]).status(), StatusCode::FORBIDDEN);
    let said = ash.json(&["doctor"]).to_string();
    assert!(said.contains("the newest in"), "{said}");

    beech.stop();
    ash.kill();
    let mut back = restored_from(backup);
    back.start();
    let head = back.browser();
    assert_eq!(head.open("/search?q=zephyr").status(), StatusCode::SERVICE_UNAVAILABLE);
    let lead = back.colleague("other.lead", &["reader", "contributor", "approver"]);
    assert_eq!(lead.send("/settings/backups/resume", &[]).status(), StatusCode::FORBIDDEN);
    let resumed = head.send("/settings/backups/resume", &[]);
    assert_eq!(resumed.status(), StatusCode::SEE_OTHER);
    let settings = head.page("/settings");
    assert!(!settings.contains("It waits for another school"), "{settings}");
    assert_eq!(back.search("zephyr").len(), 1);
    back.done(&["backup", "off"]);
    assert!(back.done(&["backup", "show"]).contains("No backups are made."));
}
