//! Invites: who is let in as what, and what an invite that does not work says.

use staffroom_tests::{School, on_one_line};

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
    let said = on_one_line(&joined.errors);
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

fn waits(school: &School) -> bool {
    let groups = school.json(&["group", "list"]);
    groups.as_array().unwrap().iter().any(|group| group["waiting_for"] == "Ash Primary")
}

fn is_member(school: &School) -> bool {
    let groups = school.json(&["group", "list"]);
    groups.as_array().unwrap().iter().any(|group| group["role"] == "member")
}

#[test]
fn a_request_travels_through_a_third_school_while_the_inviting_one_is_away() {
    let (mut ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let (cedar, damson) = (running("Cedar Primary"), running("Damson Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let file = beech.write("record.md", intervention("Paired reading", "Fluent readers."));
    beech.done(&["publish", file.to_str().unwrap()]);
    let for_cedar = ash.invite("Fenland Trust");
    let for_damson = ash.json(&["group", "invite", "Fenland Trust"]);
    ash.stop();
    let said = cedar.done(&["group", "join", &for_cedar]);
    assert!(said.contains("Ash Primary has been asked and has not answered yet"), "{said}");
    assert!(cedar.done(&["group", "list"]).contains("waits for Ash Primary"));
    damson.done(&["group", "join", for_damson["invite"].as_str().unwrap()]);
    assert!(waits(&cedar) && waits(&damson));
    assert_eq!(cedar.search("paired"), [], "it is told nothing before it is let in");
    let id = for_damson["id"].as_str().unwrap();
    ash.done(&["group", "revoke-invite", "Fenland Trust", &id[..8]]);

    ash.start();
    cedar.waits_for("its admission", || is_member(&cedar));
    cedar.finds("paired", 1);
    damson.waits_for("the answer", || !waits(&damson));
    assert!(!is_member(&damson));
    let again = damson.run(&["group", "join", for_damson["invite"].as_str().unwrap()]).error();
    assert!(again.contains("took this invite back"), "{again}");
}

#[test]
fn an_invite_made_with_ask_lets_nobody_in_unseen() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[]);
    let line = || {
        let made = ash.json(&["group", "invite", "Fenland Trust", "--ask"]);
        made["invite"].as_str().unwrap().to_owned()
    };
    let (for_beech, for_cedar) = (line(), line());
    assert!(ash.done(&["group", "requests", "Fenland Trust"]).contains("No school asks"));
    beech.done(&["group", "join", &for_beech]);
    cedar.done(&["group", "join", &for_cedar]);
    assert!(waits(&beech) && waits(&cedar));
    let asking = ash.done(&["group", "requests", "Fenland Trust"]);
    assert!(asking.contains("Beech Primary") && asking.contains("Cedar Primary"), "{asking}");
    let refused = ash.run(&["group", "admit", "Fenland Trust", "Damson Primary"]).error();
    assert!(refused.contains("0 schools called \"Damson Primary\" ask"), "{refused}");
    assert!(beech.run(&["group", "requests", "Fenland Trust"]).code == Some(1));

    ash.done(&["group", "admit", "Fenland Trust", "Beech Primary"]);
    ash.done(&["group", "decline", "Fenland Trust", "Cedar Primary"]);
    beech.waits_for("its admission", || is_member(&beech));
    cedar.waits_for("the answer", || !waits(&cedar));
    assert!(!is_member(&cedar));
    assert!(ash.done(&["group", "requests", "Fenland Trust"]).contains("No school asks"));
}
