//! What `doctor` says of a server.

use std::net::TcpListener;

use serde_json::Value;
use staffroom_tests::on_one_line;

use crate::{running, school};

/// What it says of one thing, and how it is.
fn found(all: &Value, what: &str) -> (String, String) {
    let found = all.as_array().unwrap().iter().find(|one| one["what"] == what);
    let found = found.unwrap_or_else(|| panic!("nothing of {what} in {all}"));
    let text = |field: &str| found[field].as_str().unwrap().to_owned();
    (text("health"), text("said"))
}

#[test]
fn a_technician_is_told_what_needs_doing() {
    let ash = school("Ash Primary");
    let free = ["--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"];
    let all = ash.json(&[&["doctor"], free.as_slice()].concat());
    for what in ["data directory", "disk", "page", "ports", "clock", "reading files"] {
        assert_eq!(found(&all, what).0, "good", "{what}: {all}");
    }
    assert_eq!(found(&all, "backups").0, "could_be_better", "{all}");
    assert!(found(&all, "reading files").1.contains("landlock, seccomp"), "{all}");
    let text = ash.done(&[&["doctor"], free.as_slice()].concat());
    assert!(text.contains("data directory (good)") && text.contains("documents ("), "{text}");

    // A port that another program has.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ran = ash.run(&["doctor", "--http", &address, "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = on_one_line(&ran.output);
    assert!(
        said.contains("page (TO DO)") && said.contains("stop the program that uses it"),
        "{said}"
    );
    assert!(ran.errors.contains("1 thing needs doing"), "{ran:?}");

    // Programs that are not installed are no fault.
    let mut bare = school("Beech Primary");
    bare.set_environment("PATH", "/nonexistent");
    let all = bare.json(&[&["doctor"], free.as_slice()].concat());
    assert_eq!(found(&all, "pages of PDF").0, "could_be_better", "{all}");
    assert_eq!(found(&all, "documents").0, "could_be_better", "{all}");

    let cedar = running("Cedar Academy");
    assert!(found(&cedar.json(&["doctor"]), "ports").1.contains("the node runs"));
    std::fs::remove_dir_all(bare.data()).unwrap();
    let ran = bare.run(&[&["doctor"], free.as_slice()].concat());
    assert!(ran.code == Some(1) && ran.output.contains("holds no school yet"), "{ran:?}");
}
