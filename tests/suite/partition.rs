//! Groups that come apart and together again: what was done on both sides, and what every node then
//! sees, reads and refuses.

use std::collections::BTreeMap;

use staffroom_tests::School;
use staffroom_tests::sites::Sites;

use crate::{PROGRAM, intervention, running};

const TRUST: &str = "Fenland Trust";

/// Four schools, before anything comes apart.
const TOGETHER: [(&str, &str); 4] = [
    ("Ash Primary", "admin"),
    ("Beech Primary", "admin"),
    ("Cedar Primary", "member"),
    ("Damson Primary", "member"),
];

fn share(school: &School, title: &str) {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    school.done(&["publish", file.to_str().unwrap()]);
}

/// What a school's own node says of each school: its role, `removed` or `left`.
fn roster(by: &School) -> BTreeMap<String, String> {
    let members = by.json(&["group", "members", TRUST]);
    let state = |one: &serde_json::Value| match (&one["removed_by"], &one["left"]) {
        (removed, _) if !removed.is_null() => "removed".to_owned(),
        (_, left) if !left.is_null() => "left".to_owned(),
        _ => one["role"].as_str().unwrap().to_owned(),
    };
    let name = |one: &serde_json::Value| one["claims"]["name"].as_str().unwrap().to_owned();
    members.as_array().unwrap().iter().map(|one| (name(one), state(one))).collect()
}

fn see(schools: &[&School], expected: &[(&str, &str)]) {
    let expected: BTreeMap<String, String> =
        expected.iter().map(|(name, state)| ((*name).to_owned(), (*state).to_owned())).collect();
    for school in schools {
        school.waits_for(&format!("{expected:?}"), || roster(school) == expected);
    }
}

/// Whether what one publishes now reaches the others at once, by gossip and not by a comparison.
fn talk(one: &School, others: &[&School], word: &str) {
    share(one, word);
    for school in others {
        school.finds(word, 1);
    }
}

#[test]
fn two_admins_that_act_apart_agree_once_they_meet_and_hand_nothing_to_whom_the_other_removed() {
    let mut ash = running("Ash Primary");
    let mut beech = running("Beech Primary");
    let (cedar, damson) = (running("Cedar Primary"), running("Damson Primary"));
    let elder = running("Elder Primary");
    ash.found(TRUST, "trust", &[&beech, &cedar, &damson]);
    ash.done(&["group", "admin", TRUST, "Beech Primary"]);
    see(&[&ash, &beech, &cedar, &damson], &TOGETHER);
    talk(&cedar, &[&ash, &beech, &damson], "acorn");
    talk(&damson, &[&ash, &beech, &cedar], "birch");
    for_elder(&ash, &elder);

    // Each is alone when it removes one that the other keeps, and makes a key for those it knows.
    ash.stop();
    beech.stop();
    ash.done(&["group", "remove", TRUST, "Cedar Primary"]);
    beech.done(&["group", "remove", TRUST, "Damson Primary"]);
    ash.start();
    beech.start();
    let expected = [
        ("Ash Primary", "admin"),
        ("Beech Primary", "admin"),
        ("Cedar Primary", "removed"),
        ("Damson Primary", "removed"),
        ("Elder Primary", "member"),
    ];
    see(&[&ash, &beech, &elder], &expected);
    talk(&ash, &[&beech, &elder], "conker");
    talk(&elder, &[&ash, &beech], "dogwood");
    for school in [&cedar, &damson] {
        school.waits_for("its own removal", || {
            school.json(&["status"])["groups"][0]["role"].is_null()
        });
        share_refused(school);
        for word in ["conker", "dogwood"] {
            assert_eq!(school.search(word), [], "{} reads {word}", school.name());
        }
    }
    // What the removed had shared until then stays with the members.
    for school in [&ash, &beech, &elder] {
        school.finds("acorn OR birch", 2);
    }
}

/// Lets a fifth school in, whatever else goes on.
fn for_elder(ash: &School, elder: &School) {
    elder.done(&["group", "join", &ash.invite(TRUST)]);
}

fn share_refused(school: &School) {
    let file = school.write("record.md", intervention("Afterwards", "Fluent readers."));
    let published = school.run(&["publish", file.to_str().unwrap(), "--group", TRUST]);
    assert_eq!(published.code, Some(1), "{published:?}");
}

#[test]
fn a_removal_on_one_side_and_an_admission_on_the_other_both_hold() {
    let mut ash = running("Ash Primary");
    let mut beech = running("Beech Primary");
    let mut cedar = running("Cedar Primary");
    let damson = running("Damson Primary");
    let elder = running("Elder Primary");
    ash.found(TRUST, "trust", &[&beech, &cedar, &damson]);
    ash.done(&["group", "admin", TRUST, "Beech Primary"]);
    see(&[&ash, &beech, &cedar, &damson], &TOGETHER);
    talk(&damson, &[&ash, &beech, &cedar], "acorn");

    // Half of the group is away: the other half removes Damson.
    beech.stop();
    cedar.stop();
    ash.done(&["group", "remove", TRUST, "Damson Primary"]);
    // Now that half is away, and the first, which has not heard, admits Elder and reads Damson.
    ash.stop();
    beech.start();
    cedar.start();
    elder.done(&["group", "join", &beech.invite(TRUST)]);
    elder.finds("acorn", 1);

    ash.start();
    let expected = [
        ("Ash Primary", "admin"),
        ("Beech Primary", "admin"),
        ("Cedar Primary", "member"),
        ("Damson Primary", "removed"),
        ("Elder Primary", "member"),
    ];
    see(&[&ash, &beech, &cedar, &elder], &expected);
    talk(&elder, &[&ash, &beech, &cedar], "conker");
    damson.waits_for("its own removal", || damson.json(&["status"])["groups"][0]["role"].is_null());
    assert_eq!(damson.search("conker"), []);
    share_refused(&damson);
    for school in [&ash, &beech, &cedar, &elder] {
        school.finds("acorn", 1);
        assert_eq!(school.search("afterwards"), [], "{}", school.name());
    }
}

#[test]
fn what_a_removed_admin_does_as_if_it_had_not_heard_counts_nowhere() {
    let ash = running("Ash Primary");
    let mut beech = running("Beech Primary");
    let cedar = running("Cedar Primary");
    ash.found(TRUST, "trust", &[&beech, &cedar]);
    ash.done(&["group", "admin", TRUST, "Beech Primary"]);
    let members =
        [("Ash Primary", "admin"), ("Beech Primary", "admin"), ("Cedar Primary", "member")];
    see(&[&ash, &beech, &cedar], &members);
    talk(&beech, &[&ash, &cedar], "acorn");

    beech.stop();
    ash.done(&["group", "remove", TRUST, "Beech Primary"]);
    // Its statement follows only what it had heard, whatever its clock says.
    beech.done(&["group", "remove", TRUST, "Cedar Primary"]);
    share(&beech, "Backdated");
    beech.start();
    beech.waits_for("its own removal", || beech.json(&["status"])["groups"][0]["role"].is_null());
    let members =
        [("Ash Primary", "admin"), ("Beech Primary", "removed"), ("Cedar Primary", "member")];
    see(&[&ash, &cedar], &members);
    talk(&cedar, &[&ash], "conker");
    for school in [&ash, &cedar] {
        school.finds("acorn", 1);
        assert_eq!(school.search("backdated"), [], "{}", school.name());
    }
}

#[test]
fn a_school_removed_on_one_side_of_a_cut_line_is_removed_on_the_other_once_it_is_mended() {
    let mut sites = Sites::new();
    let mut at = |name: &str, site| {
        let mut school = School::set_up_at(PROGRAM, name, Some(sites.place(site)));
        school.start();
        school
    };
    let (ash, beech) = (at("Ash Primary", 0), at("Beech Primary", 0));
    let (cedar, damson) = (at("Cedar Primary", 1), at("Damson Primary", 1));
    ash.found(TRUST, "trust", &[&beech, &cedar, &damson]);
    let together = [
        ("Ash Primary", "admin"),
        ("Beech Primary", "member"),
        ("Cedar Primary", "member"),
        ("Damson Primary", "member"),
    ];
    see(&[&ash, &beech, &cedar, &damson], &together);
    talk(&damson, &[&ash, &beech, &cedar], "acorn");

    sites.cut();
    ash.done(&["group", "remove", TRUST, "Damson Primary"]);
    let removed = [
        ("Ash Primary", "admin"),
        ("Beech Primary", "member"),
        ("Cedar Primary", "member"),
        ("Damson Primary", "removed"),
    ];
    see(&[&ash, &beech], &removed);
    talk(&beech, &[&ash], "birch");
    // The other side has not heard, and the admin sees so.
    talk(&damson, &[&cedar], "conker");
    talk(&cedar, &[&damson], "dogwood");
    see(&[&cedar, &damson], &together);
    ash.waits_for("Beech to confirm, and not Cedar", || {
        ash.done(&["group", "members", TRUST]).contains("Not yet: Cedar Primary.")
    });

    sites.mend();
    see(&[&cedar], &removed);
    for school in [&ash, &beech, &cedar] {
        school.finds("acorn OR birch OR dogwood", 3);
        assert_eq!(school.search("conker"), [], "{}", school.name());
    }
    damson.waits_for("its own removal", || damson.json(&["status"])["groups"][0]["role"].is_null());
    assert_eq!(damson.search("acorn OR birch OR conker OR dogwood").len(), 0);
    ash.waits_for("Cedar to confirm", || {
        ash.done(&["group", "members", TRUST]).contains("All other schools have heard")
    });
    talk(&cedar, &[&ash, &beech], "elder");
    assert_eq!(damson.search("elder"), []);
}
