//! Invites: who is let in as what, and what an invite that does not work says.

use crate::{intervention, running};

#[test]
fn an_invite_says_why_it_does_not_work_and_lists_what_became_of_it() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[]);
    let used = ash.invite("Fenland Trust");
    let refused = cedar.run(&["group", "join", &used[..used.len() - 9]]).error();
    assert!(refused.contains("damaged"), "{refused}");
    let joined = beech.run(&["group", "join", &used]);
    assert_eq!(joined.code, Some(0), "{joined:?}");
    let said = joined.errors.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("lets Beech Primary into the trust \"Fenland Trust\""), "{said}");
    assert!(said.contains("Ash Primary made the invite"), "{said}");
    let refused = cedar.run(&["group", "join", &used]).error();
    assert!(refused.contains("used by another school"), "{refused}");

    let made = ash.json(&["group", "invite", "Fenland Trust"]);
    let id = made["id"].as_str().unwrap();
    ash.done(&["group", "revoke-invite", "Fenland Trust", &id[..8]]);
    let refused = cedar.run(&["group", "join", made["invite"].as_str().unwrap()]).error();
    assert!(refused.contains("took this invite back"), "{refused}");
    let refused = ash.run(&["group", "revoke-invite", "Fenland Trust", &id[..8]]).error();
    assert!(refused.contains("0 open invites"), "{refused}");

    let invites = ash.json(&["group", "invites", "Fenland Trust"]);
    let mut states: Vec<&str> =
        invites.as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["revoked", "used"]);
    assert!(ash.done(&["group", "invites", "Fenland Trust"]).contains("used by Beech Primary"));
    assert!(beech.run(&["group", "invites", "Fenland Trust"]).error().contains("only an admin"));

    // Once removed, a school does not come back with the invite that had let it in.
    ash.done(&["group", "remove", "Fenland Trust", "Beech Primary"]);
    beech.waits_for("its removal", || beech.json(&["status"])["groups"][0]["role"].is_null());
    let refused = beech.run(&["group", "join", &used]).error();
    assert!(refused.contains("has left or was removed since"), "{refused}");
}

#[test]
fn a_reader_reads_and_does_not_publish() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[]);
    let file = ash.write("record.md", intervention("Paired reading", "Fluent readers."));
    ash.done(&["publish", file.to_str().unwrap()]);
    let picture = ash.folder().join("invite.svg");
    let invite = ash.done(&[
        "group",
        "invite",
        "Fenland Trust",
        "--role",
        "reader",
        "--qr-file",
        picture.to_str().unwrap(),
    ]);
    assert!(std::fs::read_to_string(&picture).unwrap().contains("<svg"));
    let refused = ash.run(&["group", "invite", "Fenland Trust", "--qr-file", "invite.gif"]);
    assert!(refused.error().contains("ends in .svg or .png"));

    beech.done(&["group", "join", invite.trim()]);
    beech.finds("paired", 1);
    let file = beech.write("own.md", intervention("Phonics", "Fluent readers."));
    let refused = beech.run(&["publish", file.to_str().unwrap()]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.output.contains("reads \"Fenland Trust\" and does not publish"), "{refused:?}");
}
