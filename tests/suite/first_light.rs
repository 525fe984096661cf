//! The main job: schools form a trust, publish, and find each other's records.

use crate::{intervention, running, school};

#[test]
fn three_schools_share_find_catch_up_fetch_and_withdraw() {
    let (mut ash, beech, mut cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Academy"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);

    // Each publishes, each finds all three.
    for (school, word) in [(&ash, "phonics"), (&beech, "fluency"), (&cedar, "comprehension")] {
        let text = intervention(&format!("Morning {word}"), &format!("Better {word} by summer."));
        school.done(&["publish", school.write("record.md", text).to_str().unwrap()]);
    }
    for school in [&ash, &beech, &cedar] {
        let mut titles: Vec<String> =
            school.finds("morning", 3).into_iter().map(|(_, title)| title).collect();
        titles.sort();
        assert_eq!(titles, ["Morning comprehension", "Morning fluency", "Morning phonics"]);
        let (id, _) = school.finds("fluency", 1).remove(0);
        school
            .waits_for("the full text", || school.done(&["show", &id]).contains("running records"));
    }

    // What is published while a node is off is there once it is back.
    cedar.stop();
    beech.write("steps.txt", "First listen, then read along.");
    let text = "---\nkind: resource\ntype: lesson plan\ntitle: Choral reading steps\nlicence: CC-BY-4.0\nfiles: [steps.txt]\n---\nHow a class reads aloud together.\n";
    let record = beech.write("resource.md", text);
    beech.done(&["publish", record.to_str().unwrap()]);
    assert!(cedar.search("choral").is_empty());
    cedar.start();
    let (id, _) = cedar.finds("choral", 1).remove(0);

    // A file comes from the school that has it, and then from any that fetched it.
    cedar.done(&["get", &id, "--out", "saved"]);
    let saved = std::fs::read_to_string(cedar.folder().join("saved/steps.txt")).unwrap();
    assert_eq!(saved, "First listen, then read along.");
    ash.finds("choral", 1);
    drop(beech);
    ash.done(&["get", &id, "--out", "saved"]);
    let saved = std::fs::read_to_string(ash.folder().join("saved/steps.txt")).unwrap();
    assert_eq!(saved, "First listen, then read along.");

    // Withdrawn is gone everywhere, on a node that was off too.
    let (id, _) = ash.finds("phonics", 1).remove(0);
    cedar.stop();
    ash.done(&["withdraw", &id, "--reason", "published by mistake"]);
    ash.finds("phonics", 0);
    cedar.start();
    cedar.finds("phonics", 0);
    assert!(cedar.done(&["show", &id]).contains("withdrew this record"));
    assert!(cedar.run(&["get", &id]).error().contains("the record was withdrawn"));
    for school in [&mut ash, &mut cedar] {
        school.stop();
    }
}

#[test]
fn commands_work_the_same_with_no_node_running() {
    let mut ash = school("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let record = ash.write("record.md", intervention("Paired reading", "Fluent readers."));
    ash.done(&["publish", record.to_str().unwrap()]);
    let offline = ash.search("paired reading");
    assert_eq!(offline.len(), 1);
    ash.start();
    assert_eq!(ash.search("paired reading"), offline);
    let invite = ash.invite("Fenland Trust");

    // A school may join before its node runs for the first time.
    let mut beech = school("Beech Primary");
    beech.done(&["group", "join", &invite]);
    assert_eq!(beech.json(&["group", "list"])[0]["members"], 2);
    beech.start();
    beech.finds("paired reading", 1);
    beech.waits_for("the index", || beech.json(&["status"])["index"]["up_to_date"] == true);
}

#[test]
fn a_killed_node_comes_back_with_all_that_was_acknowledged() {
    let mut ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    for number in 0..20 {
        let text = intervention(&format!("Paired reading {number}"), "Fluent readers.");
        ash.done(&["publish", ash.write("record.md", text).to_str().unwrap()]);
    }
    ash.kill();
    assert_eq!(ash.search("paired reading").len(), 20, "opened by the command itself");
    ash.start();
    ash.finds("paired reading", 20);
    ash.done(&["reindex"]);
    ash.finds("paired reading", 20);
}

#[test]
fn the_demo_checks_itself_and_leaves_nothing_behind() {
    let elsewhere = tempfile::tempdir().unwrap();
    let program = env!("CARGO_BIN_EXE_staffroom-under-test");
    let ran = std::process::Command::new(program)
        .args(["demo", "--schools", "3", "--check", "--json"])
        .env("TMPDIR", elsewhere.path())
        .output()
        .unwrap();
    assert!(ran.status.success(), "{ran:?}");
    let checked: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    let schools = checked["schools"].as_array().unwrap();
    assert_eq!(schools.len(), 3);
    for school in schools {
        assert!(school["finds"].as_u64().unwrap() >= 20, "{school}");
        assert_eq!(school["found_after_millis"].as_array().unwrap().len(), 2);
    }
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
}
