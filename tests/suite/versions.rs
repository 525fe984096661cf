//! What a school can still reach of its records after it shared newer versions of them.

use std::fs;

use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_tests::mallory::Mallory;
use staffroom_tests::{School, noise};

use crate::{keeps_nothing_for_others, kept, running, share_file};

const BYTES: usize = 60_000;

/// Shares another file as the new version of a record.
fn share_again(by: &School, id: &str, title: &str, name: &str, content: &[u8]) {
    by.write(name, content);
    let text = format!(
        "---\nkind: resource\nid: {id}\ntype: training\ntitle: {title}\nlicence: CC-BY-4.0\n\
         files: [{name}]\n---\nA lesson, filmed once more.\n"
    );
    let file = by.write("record.md", text);
    by.done(&["publish", file.to_str().unwrap(), "--no-pupil-data", name]);
}

#[test]
fn an_author_reaches_the_older_versions_of_its_record_and_nobody_else_does() {
    let (mut ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let (first, second, third) = (noise(1, BYTES), noise(2, BYTES), noise(3, BYTES));
    let id = share_file(&ash, "Phonics, filmed", "film.bin", &first);
    beech.finds("phonics", 1);
    share_again(&ash, &id, "Phonics, filmed again", "again.bin", &second);
    share_again(&ash, &id, "Phonics, in full", "full.bin", &third);
    beech.waits_for("the third version", || beech.search("phonics")[0].1 == "Phonics, in full");

    let versions = ash.json(&["resource", &id, "--versions"]);
    let versions = versions.as_array().unwrap();
    let titles: Vec<&str> = versions.iter().map(|one| one["title"].as_str().unwrap()).collect();
    assert_eq!(titles, ["Phonics, filmed", "Phonics, filmed again", "Phonics, in full"]);
    let current: Vec<bool> = versions.iter().map(|one| one["current"] == true).collect();
    assert_eq!(current, [false, false, true]);
    let shown = ash.done(&["show", &id, "--version", "1"]);
    assert!(shown.contains("Phonics, filmed") && shown.contains("version 1"), "{shown}");
    assert!(shown.contains("--version 1 --out DIR"), "{shown}");
    ash.done(&["get", &id, "--version", "1", "--out", "first"]);
    assert!(fs::read(ash.folder().join("first/film.bin")).unwrap() == first);
    ash.done(&["get", &id, "--out", "newest"]);
    assert!(fs::read(ash.folder().join("newest/full.bin")).unwrap() == third);
    let storage = ash.json(&["storage"]);
    assert_eq!(storage["older_versions"], 2 * BYTES);
    let unknown = ash.run(&["show", &id, "--version", "4"]).error();
    assert!(unknown.contains("its versions are 1 to 3"), "{unknown}");

    // A page lists them, and has their files.
    let browser = ash.browser();
    let page = browser.page(&format!("/records/{id}"));
    let link = page.split("href=\"/").find(|link| link.contains("/versions/2/files/")).unwrap();
    let mut answer = browser.open(&format!("/{}", link.split('"').next().unwrap()));
    assert!(answer.body_mut().read_to_vec().unwrap() == second);

    // Another school is told where they are, and gets none of it.
    let refused = beech.run(&["get", &id, "--version", "1", "--out", "first"]).error();
    assert!(refused.contains("only the school that shared a record keeps"), "{refused}");
    beech.done(&["get", &id, "--out", "newest"]);
    assert!(!kept(&beech, &first).exists() && kept(&beech, &third).exists());

    // They are there after a restart, from the journal alone too.
    ash.stop();
    fs::remove_dir_all(ash.data().join("records")).unwrap();
    ash.start();
    assert_eq!(ash.json(&["storage"])["older_versions"], 2 * BYTES);
    ash.done(&["get", &id, "--version", "2", "--out", "second"]);
    assert!(fs::read(ash.folder().join("second/again.bin")).unwrap() == second);

    // Their files can be let go one version at a time.
    let versions = ash.json(&["resource", &id, "--drop-files-of", "1"]);
    assert_eq!(versions[0]["files"][0]["here"], false);
    assert!(!kept(&ash, &first).exists() && kept(&ash, &second).exists());
    assert_eq!(ash.json(&["storage"])["older_versions"], BYTES);
    let gone = ash.run(&["get", &id, "--version", "1", "--out", "again"]).error();
    assert!(gone.contains("film.bin of this older version is not here any more"), "{gone}");
    let refused = ash.run(&["resource", &id, "--drop-files-of", "3"]).error();
    assert!(refused.contains("version 3 is the one that is shared"), "{refused}");

    // A withdrawal takes all of them.
    ash.done(&["withdraw", &id, "--reason", "It was filmed without asking"]);
    assert!([&first, &second, &third].iter().all(|content| !kept(&ash, content).exists()));
    assert_eq!(ash.json(&["storage"])["older_versions"], 0);
    let withdrawn = ash.run(&["show", &id, "--version", "1"]).error();
    assert!(withdrawn.contains("was withdrawn"), "{withdrawn}");
}

#[test]
fn a_file_that_a_new_version_took_away_is_served_to_nobody() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let invite: Invite = ash.invite("Fenland Trust").parse().unwrap();
    let member = Mallory::start();
    member.join(&invite);
    let (first, second) = (noise(4, BYTES), noise(5, BYTES));
    let id = share_file(&ash, "Phonics, filmed", "film.bin", &first);
    let ask = |content: &[u8]| {
        let (group, hash) = (invite.group, Hash::of(content));
        member.ask(&invite, Request::BlobRange { group, hash, offset: 0, length: 16_384 })
    };
    assert!(matches!(ask(&first), Response::BlobRange { .. }));
    share_again(&ash, &id, "Phonics, filmed again", "again.bin", &second);
    assert!(matches!(ask(&second), Response::BlobRange { .. }));
    assert_eq!(ask(&first), Response::Refused(Refusal::NotHeld));
    assert!(kept(&ash, &first).exists(), "it is here for its author alone");
}
