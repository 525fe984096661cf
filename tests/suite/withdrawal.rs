//! What is left of a withdrawn record, and who has confirmed that nothing is.

use std::fs;
use std::path::Path;

use staffroom_tests::School;

use crate::{intervention, running};

/// Whether a text is in any file of a folder.
fn is_on_disk(folder: &Path, text: &str) -> bool {
    fs::read_dir(folder).unwrap().any(|entry| {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            return is_on_disk(&entry.path(), text);
        }
        let bytes = fs::read(entry.path()).unwrap_or_default();
        bytes.windows(text.len()).any(|part| part == text.as_bytes())
    })
}

/// The members that have confirmed, and those that have not.
fn confirmed(by: &School, id: &str) -> (Vec<String>, Vec<String>) {
    let receipts = by.json(&["receipts", id]);
    let (confirmed, outstanding): (Vec<_>, Vec<_>) = receipts["members"]
        .as_array()
        .unwrap()
        .iter()
        .partition(|member| member["erased"].is_string());
    let names = |list: Vec<&serde_json::Value>| {
        list.into_iter().map(|one| one["school"].as_str().unwrap().to_owned()).collect()
    };
    (names(confirmed), names(outstanding))
}

#[test]
fn members_confirm_that_nothing_is_left_and_one_that_was_away_does_when_it_returns() {
    let (ash, mut beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let file = ash.write("record.md", intervention("Zephyr reading", "Halcyon readers."));
    let published = ash.json(&["publish", file.to_str().unwrap()]);
    let id = published[0]["id"].as_str().unwrap().to_owned();
    let file = ash.write("kept.md", intervention("Kept as it is", "Fluent readers."));
    ash.done(&["publish", file.to_str().unwrap()]);
    for school in [&beech, &cedar] {
        school.finds("halcyon", 1);
        school.finds("kept", 1);
        assert!(is_on_disk(&school.data().join("journal"), "Halcyon"));
    }
    let refused = ash.run(&["receipts", &id]).error();
    assert!(refused.contains("was not withdrawn"), "{refused}");
    let refused = cedar.run(&["receipts", &id]).error();
    assert!(refused.contains("belongs to"), "{refused}");

    beech.stop();
    let said = ash.done(&["withdraw", &id, "--reason", "It was shared by mistake"]);
    assert!(said.contains("staffroom receipts"), "{said}");
    ash.waits_for("Cedar's receipt", || confirmed(&ash, &id).0 == ["Cedar Primary"]);
    assert_eq!(confirmed(&ash, &id).1, ["Beech Primary"]);
    let shown = ash.done(&["receipts", &id]);
    assert!(shown.contains("1 of 2 schools have still to confirm"), "{shown}");
    for part in ["journal", "index", "blobs"] {
        for text in ["Zephyr", "Halcyon"] {
            let left = is_on_disk(&cedar.data().join(part), text);
            assert!(!left, "Cedar has {text} in its {part} still");
        }
    }

    beech.start();
    ash.waits_for("Beech's receipt", || confirmed(&ash, &id).1.is_empty());
    let shown = ash.done(&["receipts", &id]);
    assert!(shown.contains("All schools have erased it"), "{shown}");
    assert!(!is_on_disk(&beech.data().join("journal"), "Halcyon"));
    // What the journal holds of the rest is as it was: the record store is built from it.
    beech.stop();
    fs::remove_dir_all(beech.data().join("records")).unwrap();
    beech.start();
    beech.finds("kept", 1);
    assert_eq!(beech.search("halcyon"), []);
    assert!(!is_on_disk(&beech.data(), "Halcyon"), "and nothing of it comes back");
}

fn share(school: &School, title: &str) -> String {
    let file = school.write("record.md", intervention(title, "Halcyon readers."));
    let published = school.json(&["publish", file.to_str().unwrap()]);
    published[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn schools_that_left_or_were_removed_withdraw_and_an_admin_does_for_them() {
    const GROUP: &str = "Fenland Trust";
    let (ash, mut beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found(GROUP, "trust", &[&beech, &cedar]);
    let left = [share(&beech, "Zephyr reading"), share(&beech, "Beacon maths")];
    let removed = [share(&cedar, "Lantern phonics"), share(&cedar, "Mosaic history")];
    for word in ["zephyr", "beacon", "lantern", "mosaic"] {
        for school in [&ash, &beech, &cedar] {
            school.finds(word, 1);
        }
    }
    let refused = ash.run(&["withdraw", &left[0], "--reason", "Asked to"]).error();
    assert!(refused.contains("or an admin once that school has left"), "{refused}");
    ash.done(&["group", "remove", GROUP, "Cedar Primary"]);
    beech.waits_for("Cedar's removal", || {
        beech.done(&["group", "members", GROUP]).contains("removed on")
    });
    beech.done(&["group", "leave", GROUP]);
    cedar.waits_for("its removal", || cedar.search("zephyr").is_empty());

    // Each its own, by what is left to it: Beech's node, and Cedar's school key.
    for (school, id, word) in [(&beech, &left[0], "zephyr"), (&cedar, &removed[0], "lantern")] {
        school.done(&["withdraw", id, "--reason", "It was shared by mistake"]);
        ash.waits_for("the withdrawal", || ash.search(word).is_empty());
        school.waits_for("Ash's receipt", || confirmed(school, id).0 == ["Ash Primary"]);
    }
    // The admin for them.
    beech.stop();
    for (id, word, text) in [(&left[1], "beacon", "Beacon"), (&removed[1], "mosaic", "Mosaic")] {
        let said = ash.done(&["withdraw", id, "--reason", "Asked to by telephone"]);
        assert!(said.contains("Primary from Fenland Trust"), "{said}");
        ash.waits_for("the withdrawal", || ash.search(word).is_empty());
        ash.waits_for("its end in the journal", || !is_on_disk(&ash.data().join("journal"), text));
    }
    assert!(!is_on_disk(&ash.data().join("journal"), "Zephyr"));
}
