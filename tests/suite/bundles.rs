//! Schools that a file is carried to: their servers never connect.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use staffroom_protocol::hash::Hash;
use staffroom_tests::School;

use crate::{PROGRAM, intervention, kept, publish, running, school};

const GROUP: &str = "Fenland Trust";

/// Bytes no two pieces of which are alike.
fn film(size: usize) -> Vec<u8> {
    let pieces =
        (0..size.div_ceil(32)).flat_map(|number| *Hash::of(&number.to_be_bytes()).as_bytes());
    pieces.take(size).collect()
}

/// Shares a resource with two files: one with a text inside, and one without.
fn share(by: &School, title: &str, words: &str, film: &[u8]) -> String {
    by.write("notes.txt", words);
    by.write("film.bin", film);
    let text = format!(
        "---\nkind: resource\ntype: training\ntitle: {title}\nlicence: CC-BY-4.0\n\
         files: [notes.txt, film.bin]\n---\nA lesson, filmed.\n"
    );
    let file = by.write("record.md", text);
    let arguments = ["publish", file.to_str().unwrap(), "--no-pupil-data", "film.bin"];
    by.json(&arguments)[0]["id"].as_str().unwrap().to_owned()
}

/// Writes a bundle to a memory stick.
fn export(by: &School, stick: &Path, options: &[&str]) -> (PathBuf, Value) {
    let out = ["bundle", "export", "--out", stick.to_str().unwrap()];
    let said = by.json(&[&out[..], options].concat());
    (said["file"].as_str().unwrap().into(), said["holds"].clone())
}

fn import(by: &School, bundle: &Path) -> Value {
    by.json(&["bundle", "import", bundle.to_str().unwrap()])
}

fn is_refused(by: &School, bundle: &Path) -> String {
    by.run(&["bundle", "import", bundle.to_str().unwrap()]).error()
}

fn request(by: &School, stick: &Path, what: [&str; 2]) -> PathBuf {
    let out = ["bundle", "request", "--out", stick.to_str().unwrap()];
    by.json(&[&out[..], &what].concat())["file"].as_str().unwrap().into()
}

/// A school without a line that was let in by what was carried to it.
fn joined_by_stick(host: &School, stick: &Path, name: &str) -> School {
    let guest = school(name);
    let asked = request(&guest, stick, ["--invite", &host.invite(GROUP)]);
    let (bundle, _) = export(host, stick, &["--for", asked.to_str().unwrap()]);
    assert_eq!(import(&guest, &bundle)["joined"], true);
    guest
}

#[test]
fn a_school_without_a_line_joins_finds_what_was_shared_and_shares_in_turn() {
    let mut ash = running("Ash Primary");
    ash.found(GROUP, "trust", &[]);
    let content = film(3_000_000);
    let id = share(&ash, "Birds of the fen", "The heron waits in the reeds.", &content);
    let stick = tempfile::tempdir().unwrap();
    let stick = stick.path();

    let cedar = school("Cedar Primary");
    let asked = request(&cedar, stick, ["--invite", &ash.invite(GROUP)]);
    let (bundle, holds) = export(&ash, stick, &["--for", asked.to_str().unwrap()]);
    let name = bundle.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("fenland-trust-ash-primary-20"), "{name}");
    assert_eq!([&holds["records"], &holds["files"]], [1, 2], "{holds}");
    let bytes = fs::read(&bundle).unwrap();
    let shows = |text: &[u8]| bytes.windows(text.len()).any(|part| part == text);
    assert!(!shows(b"heron") && !shows(b"Fenland"), "a bundle that is lost tells nothing");

    let first = import(&cedar, &bundle);
    assert_eq!(first["group_name"], GROUP);
    assert_eq!(first["made_by"], "Ash Primary");
    assert_eq!([&first["records"], &first["files"], &first["left_out"]], [1, 2, 0], "{first}");
    assert_eq!(cedar.search("heron"), [(id.clone(), "Birds of the fen".to_owned())]);
    cedar.done(&["get", &id, "--out", "fetched"]);
    assert!(fs::read(cedar.folder().join("fetched").join("film.bin")).unwrap() == content);
    let again = import(&cedar, &bundle);
    for sort in ["statements", "records", "texts", "files", "left_out", "refused"] {
        assert_eq!(again[sort], 0, "{sort}: {again}");
    }
    let said = cedar.done(&["bundle", "import", bundle.to_str().unwrap()]);
    assert!(said.contains("It brought nothing new."), "{said}");
    let status = cedar.json(&["status"]);
    assert!(!status.to_string().contains("\"bodies_missing\":1"), "{status}");

    // What the other has stays at home; so does what nobody wants.
    publish(&ash, intervention("Paired reading", "Fluent readers."));
    let asked = request(&cedar, stick, ["--group", GROUP]);
    let (bundle, holds) = export(&ash, stick, &["--for", asked.to_str().unwrap()]);
    assert_eq!([&holds["records"], &holds["texts"], &holds["files"]], [1, 1, 0], "{holds}");
    assert_eq!(import(&cedar, &bundle)["records"], 1);
    cedar.finds("paired", 1);
    let group = ["--group", GROUP];
    let (_, holds) = export(&ash, stick, &[&group[..], &["--files", "none"]].concat());
    assert_eq!([&holds["records"], &holds["files"]], [2, 0], "{holds}");
    let (_, holds) = export(&ash, stick, &[&group[..], &["--files", &id]].concat());
    assert_eq!([&holds["records"], &holds["files"]], [2, 2], "{holds}");
    let (_, holds) = export(&ash, stick, &[&group[..], &["--since", "2999-01-01"]].concat());
    assert_eq!([&holds["records"], &holds["texts"], &holds["files"]], [0, 0, 0], "{holds}");

    // And back, into a node that runs, from one that does not.
    let own = share(&cedar, "Ditches", "The vole digs.", b"a short film");
    let (bundle, _) = export(&cedar, stick, &group);
    let back = import(&ash, &bundle);
    assert_eq!([&back["records"], &back["files"], &back["known"]], [1, 2, 2], "{back}");
    ash.finds("vole", 1);
    ash.done(&["get", &own, "--out", "fetched"]);
    assert_eq!(fs::read(ash.folder().join("fetched").join("film.bin")).unwrap(), b"a short film");
    ash.stop();
    let (bundle, _) = export(&ash, stick, &group);
    assert!(bundle.to_str().unwrap().contains("-2"), "the day's first one stays: {bundle:?}");
    let refused =
        ash.run(&["bundle", "export", "--group", GROUP, "--out", bundle.to_str().unwrap()]);
    assert!(refused.error().contains("exists"), "{refused:?}");
}

#[test]
fn what_was_withdrawn_does_not_come_back_and_who_was_removed_neither_reads_nor_brings() {
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found(GROUP, "trust", &[&beech]);
    let stick = tempfile::tempdir().unwrap();
    let stick = stick.path();
    let cedar = joined_by_stick(&ash, stick, "Cedar Primary");
    let content = film(100_000);
    let id = share(&ash, "Birds of the fen", "The heron waits in the reeds.", &content);
    publish(&ash, intervention("Paired reading", "Fluent readers."));
    for word in ["heron", "paired"] {
        beech.finds(word, 1);
    }
    let group = ["--group", GROUP];
    let (old, holds) = export(&ash, stick, &group);
    assert_eq!([&holds["records"], &holds["withdrawals"]], [2, 0], "{holds}");
    let (from_beech, _) = export(&beech, stick, &group);
    ash.done(&["withdraw", &id, "--reason", "It was shared by mistake"]);
    beech.waits_for("the withdrawal", || beech.search("heron").is_empty());
    let (new, holds) = export(&ash, stick, &group);
    assert_eq!([&holds["records"], &holds["withdrawals"]], [1, 1], "{holds}");
    assert_eq!([&holds["texts"], &holds["files"]], [1, 0], "{holds}");

    beech.stop();
    let brought = import(&beech, &old);
    assert_eq!([&brought["records"], &brought["texts"], &brought["files"]], [0, 0, 0], "{brought}");
    // Its full text, the text inside a file, and both files.
    assert_eq!(brought["left_out"], 4, "{brought}");
    assert_eq!(beech.search("heron"), []);
    assert!(!kept(&beech, &content).exists());

    // A school that had neither gets it from the old one, loses it by the new one, and does not get it
    // again.
    assert_eq!(import(&cedar, &old)["files"], 2);
    assert_eq!(cedar.search("heron").len(), 1);
    assert_eq!(import(&cedar, &new)["records"], 1);
    for _ in 0..2 {
        assert_eq!(cedar.search("heron"), []);
        assert!(!kept(&cedar, &content).exists());
        assert_eq!(import(&cedar, &old)["left_out"], 4);
    }
    let (before, _) = export(&cedar, stick, &group);

    ash.done(&["group", "remove", GROUP, "Beech Primary"]);
    let (after, _) = export(&ash, stick, &group);
    let refused = is_refused(&beech, &after);
    assert!(refused.contains("not made for this server"), "{refused}");
    for made_by_removed in [&from_beech, &export(&beech, stick, &group).0] {
        let refused = is_refused(&ash, made_by_removed);
        assert!(refused.contains("does not belong to \"Fenland Trust\""), "{refused}");
    }
    // What a member made that had not heard is for the removed school still, and once it has, not.
    assert_eq!(import(&beech, &before)["records"], 0);
    assert!(import(&cedar, &after)["statements"].as_u64() > Some(0));
    assert!(is_refused(&cedar, &from_beech).contains("does not belong"));
    let refused = is_refused(&beech, &export(&cedar, stick, &group).0);
    assert!(refused.contains("not made for this server"), "{refused}");

    let stranger = school("Damson Primary");
    for options in [&[][..], &["--join"]] {
        let arguments = [&["bundle", "import", after.to_str().unwrap()], options].concat();
        let refused = stranger.run(&arguments).error();
        assert!(refused.contains("not made for this server"), "{refused}");
    }
    // An invite works once, and only where it was made.
    let asked = request(&stranger, stick, ["--invite", &ash.invite(GROUP)]);
    let arguments = ["bundle", "export", "--for", asked.to_str().unwrap(), "--out", "."];
    assert!(cedar.run(&arguments).error().contains("not made for this server"));
    assert!(is_refused(&ash, &asked).contains("bundle export --for"));
}

#[test]
fn a_file_that_was_cut_or_altered_says_so_and_what_came_before_stays() {
    let ash = running("Ash Primary");
    ash.found(GROUP, "trust", &[]);
    let stick = tempfile::tempdir().unwrap();
    let stick = stick.path();
    let cedar = joined_by_stick(&ash, stick, "Cedar Primary");
    let content = film(2_000_000);
    share(&ash, "Birds of the fen", "The heron waits in the reeds.", &content);
    let (bundle, _) = export(&ash, stick, &["--group", GROUP]);
    let whole = fs::read(&bundle).unwrap();
    let wrong = |name: &str, bytes: &[u8]| {
        let path = stick.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    assert!(is_refused(&cedar, &wrong("list.csv", b"name,mark")).contains("no bundle"));
    assert!(is_refused(&cedar, &wrong("empty", b"")).contains("no bundle"));
    let mut altered = whole.clone();
    // Behind the keys of both schools.
    altered[300] ^= 1;
    assert!(is_refused(&cedar, &wrong("start", &altered)).contains("damaged or changed"));
    assert_eq!(cedar.search("heron"), []);

    let cut = is_refused(&cedar, &wrong("cut", &whole[..whole.len() - 1_000_000]));
    assert!(cut.contains("ends too early"), "{cut}");
    assert!(cut.contains("stays: 1 record, texts and files: 2"), "{cut}");
    cedar.finds("heron", 1);
    let mut altered = whole.clone();
    let place = altered.len() - 500_000;
    altered[place] ^= 1;
    assert!(is_refused(&cedar, &wrong("end", &altered)).contains("damaged or changed"));
    assert!(!kept(&cedar, &content).exists(), "nothing is there of a file that did not come whole");

    let longer = is_refused(&cedar, &wrong("longer", &[&whole[..], b"!"].concat()));
    assert!(longer.contains("something was added"), "{longer}");
    assert!(fs::read(kept(&cedar, &content)).unwrap() == content, "all of it came before that");
    let rest = import(&cedar, &bundle);
    assert_eq!([&rest["records"], &rest["files"], &rest["left_out"]], [0, 0, 0], "{rest}");
}

#[test]
fn an_import_that_is_killed_goes_on_where_it_was() {
    let ash = running("Ash Primary");
    ash.found(GROUP, "trust", &[]);
    let stick = tempfile::tempdir().unwrap();
    let stick = stick.path();
    let mut cedar = joined_by_stick(&ash, stick, "Cedar Primary");
    let films: Vec<Vec<u8>> = (0..4).map(|number| film(16_000_000 + number)).collect();
    for (number, film) in films.iter().enumerate() {
        share(&ash, &format!("Fen lesson {number}"), "The heron waits.", film);
    }
    let (bundle, _) = export(&ash, stick, &["--group", GROUP]);
    for killed_at in 0..3 {
        let mut importing = Command::new(PROGRAM)
            .args(["bundle", "import", bundle.to_str().unwrap(), "--data"])
            .arg(cedar.data())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while !kept(&cedar, &films[killed_at]).exists() {
            assert_eq!(importing.try_wait().unwrap(), None, "it ended by itself");
        }
        importing.kill().unwrap();
        importing.wait().unwrap();
        assert!(!kept(&cedar, &films[3]).exists(), "it was killed too late");
        for film in &films {
            let path = kept(&cedar, film);
            assert!(!path.exists() || fs::read(&path).unwrap() == *film);
        }
    }
    let rest = import(&cedar, &bundle);
    assert_eq!([&rest["records"], &rest["left_out"], &rest["refused"]], [0, 0, 0], "{rest}");
    assert!(rest["files"].as_u64() <= Some(2), "what had come was not taken in again: {rest}");
    cedar.finds("lesson", 4);
    for film in &films {
        assert!(fs::read(kept(&cedar, film)).unwrap() == *film);
    }
    // It gets a line, and knows from the bundle where the others are.
    cedar.start();
    publish(&ash, intervention("Paired reading", "Fluent readers."));
    cedar.finds("paired", 1);
}
