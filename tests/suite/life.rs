//! Schools that move and close, and groups that merge.

use staffroom_tests::School;

use crate::{intervention, running};

fn share(school: &School, title: &str, group: &str) {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    school.done(&["publish", file.to_str().unwrap(), "--group", group]);
}

fn role(school: &School, group: &str) -> String {
    let groups = school.json(&["group", "list"]);
    let found = groups.as_array().unwrap().iter().find(|one| one["name"] == group);
    found.and_then(|one| one["role"].as_str()).unwrap_or_default().to_owned()
}

fn says_of(by: &School, group: &str, of: &str) -> String {
    let shown = by.done(&["group", "members", group]);
    shown.lines().find(|line| line.contains(of)).unwrap_or_default().to_owned()
}

#[test]
fn a_school_moves_to_another_trust_with_its_records() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&cedar]);
    beech.found("Upland Trust", "trust", &[]);
    share(&cedar, "Paired reading", "Fenland Trust");
    share(&ash, "Phonics catch up", "Fenland Trust");
    ash.finds("paired", 1);
    cedar.finds("phonics", 1);
    let invite = beech.invite("Upland Trust");
    let moving = ["group", "move", "Fenland Trust", "--invite", &invite, "--records", "leave"];
    assert!(cedar.done(&moving).contains("Moved from Fenland Trust to Upland Trust."));
    assert_eq!(role(&cedar, "Upland Trust"), "member");
    assert_eq!(role(&cedar, "Fenland Trust"), "");
    beech.finds("paired", 1);
    ash.waits_for("the records to leave", || ash.search("paired").is_empty());
    assert!(says_of(&ash, "Fenland Trust", "Cedar Primary").contains("moved to another group"));
    assert_eq!(beech.search("phonics"), [], "another school's records do not move");
    share(&cedar, "Number talks", "Upland Trust");
    beech.finds("number", 1);
    assert_eq!(ash.search("number"), []);
}

#[test]
fn a_school_closes_and_all_hear_of_it_even_if_they_were_away() {
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    let mut cedar = running("Cedar Primary");
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    ash.found("Reading Network", "network", &[&cedar]);
    share(&cedar, "Paired reading", "Fenland Trust");
    share(&cedar, "Phonics for all", "Reading Network");
    for school in [&ash, &beech] {
        school.finds("paired", 1);
    }
    ash.finds("phonics", 1);
    cedar.stop();
    beech.stop();
    let closed = cedar.done(&["close", "--yes"]);
    assert!(closed.contains("Cedar Primary has closed, and left Fenland Trust, Reading Network"));
    cedar.start();
    for group in ["Fenland Trust", "Reading Network"] {
        ash.waits_for("the closing", || {
            says_of(&ash, group, "Cedar Primary").contains("closed on")
        });
    }
    beech.start();
    beech.waits_for("the closing", || {
        says_of(&beech, "Fenland Trust", "Cedar Primary").contains("closed on")
    });
    for school in [&ash, &beech] {
        school.finds("paired", 1);
    }
    share(&ash, "Number talks", "Fenland Trust");
    beech.finds("number", 1);
    assert_eq!(cedar.search("number"), []);
}

#[test]
fn two_trusts_merge_with_one_command() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let (mut cedar, damson) = (running("Cedar Primary"), running("Damson Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    damson.found("Upland Trust", "trust", &[&cedar]);
    share(&beech, "Paired reading", "Fenland Trust");
    share(&cedar, "Phonics catch up", "Upland Trust");
    let refused = damson.run(&["group", "merge", "Upland Trust", "--into", "Fenland Trust"]);
    assert!(refused.error().contains("there is no group \"Fenland Trust\""));
    // Whoever merges is an admin of both.
    damson.done(&["group", "join", &ash.invite("Fenland Trust")]);
    let merging = ["group", "merge", "Upland Trust", "--into", "Fenland Trust"];
    assert!(damson.run(&merging).error().contains("only an admin"));
    ash.done(&["group", "admin", "Fenland Trust", "Damson Primary"]);
    damson.waits_for("its naming", || role(&damson, "Fenland Trust") == "admin");
    // One of its schools is away, and follows when it returns.
    cedar.stop();
    damson.done(&merging);
    cedar.start();
    cedar.waits_for("its admission", || role(&cedar, "Fenland Trust") == "member");
    assert!(cedar.done(&["group", "list"]).contains("merged into Fenland Trust"));
    for school in [&ash, &beech, &cedar, &damson] {
        school.finds("paired OR phonics", 2);
    }
    let file = cedar.write("record.md", intervention("Number talks", "Fluent readers."));
    let refused = cedar.run(&["publish", file.to_str().unwrap(), "--group", "Upland Trust"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    share(&cedar, "Maths mastery", "Fenland Trust");
    for school in [&ash, &beech, &damson] {
        school.finds("mastery", 1);
    }
}
