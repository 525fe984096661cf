//! Who may remove whom, and what the others, the removed school and a node that was away make of it.

use staffroom_tests::{School, on_one_line};

use crate::{intervention, running, school};

fn share(school: &School, title: &str) -> String {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    let published = school.json(&["publish", file.to_str().unwrap()]);
    published[0]["id"].as_str().unwrap().to_owned()
}

/// What a school's own node says of another member: `here`, `removed`, `left` or `unknown`.
fn state(of: &str, by: &School) -> String {
    let members = by.json(&["group", "members", "Fenland Trust"]);
    let found = members.as_array().unwrap().iter().find(|one| one["claims"]["name"] == of);
    let state = match found {
        None => "unknown",
        Some(one) if !one["removed_by"].is_null() => "removed",
        Some(one) if !one["left"].is_null() => "left",
        Some(_) => "here",
    };
    state.to_owned()
}

fn role(of: &str, by: &School) -> String {
    let members = by.json(&["group", "members", "Fenland Trust"]);
    let found = members.as_array().unwrap().iter().find(|one| one["claims"]["name"] == of);
    found.unwrap()["role"].as_str().unwrap().to_owned()
}

/// The members that are known to have heard of a school's removal, and those that are not.
fn heard(of: &str, by: &School) -> (Vec<String>, Vec<String>) {
    let members = by.json(&["group", "members", "Fenland Trust"]);
    let found = members.as_array().unwrap().iter().find(|one| one["claims"]["name"] == of).unwrap();
    let (heard, outstanding): (Vec<_>, Vec<_>) =
        found["heard_by"].as_array().unwrap().iter().partition(|one| one["since"].is_string());
    let names = |list: Vec<&serde_json::Value>| {
        list.into_iter().map(|one| one["school"].as_str().unwrap().to_owned()).collect()
    };
    (names(heard), names(outstanding))
}

fn wait_until(schools: &[&School], of: &str, expected: &str) {
    for by in schools {
        by.waits_for(&format!("{of} to be {expected}"), || state(of, by) == expected);
    }
}

#[test]
fn a_removed_school_is_refused_by_all_whether_it_was_there_or_away() {
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    let (mut cedar, damson) = (running("Cedar Primary"), running("Damson Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar, &damson]);
    let paired = share(&cedar, "Paired reading");
    let phonics = share(&ash, "Phonics catch up");
    for school in [&ash, &beech, &cedar, &damson] {
        school.finds("reading OR phonics", 2);
    }

    // Away when it is removed, it goes on publishing. Another is away as well, and hears of it from
    // whoever is there when it returns.
    cedar.stop();
    beech.stop();
    let held = ash.search("paired").len();
    ash.done(&["group", "remove", "Fenland Trust", "Cedar Primary"]);
    assert_eq!((held, ash.search("paired").len()), (1, 1), "what was held stays");
    let afterwards = share(&cedar, "Afterwards");
    wait_until(&[&damson], "Cedar Primary", "removed");
    ash.waits_for("Damson to confirm", || heard("Cedar Primary", &ash).0 == ["Damson Primary"]);
    let shown = ash.done(&["group", "members", "Fenland Trust"]);
    assert!(shown.contains("1 of 2 other schools have heard"), "{shown}");
    assert!(shown.contains("Not yet: Beech Primary."), "{shown}");
    beech.start();
    ash.waits_for("both to confirm", || heard("Cedar Primary", &ash).1.is_empty());
    let shown = ash.done(&["group", "members", "Fenland Trust"]);
    assert!(
        shown.contains("All other schools have heard that Cedar Primary was removed"),
        "{shown}"
    );
    cedar.start();

    cedar.waits_for("its own removal", || cedar.json(&["status"])["groups"][0]["role"].is_null());
    cedar.waits_for("what the others shared to be gone", || cedar.search("phonics").is_empty());
    cedar
        .waits_for("Ash's record to be dropped", || cedar.run(&["show", &phonics]).code == Some(1));
    assert!(cedar.done(&["show", &paired]).contains("Paired reading"), "its own are its own");
    assert!(cedar.done(&["show", &afterwards]).contains("Afterwards"));
    share(&ash, "Maths mastery");
    for school in [&beech, &damson] {
        school.finds("mastery", 1);
    }
    for school in [&ash, &beech, &damson] {
        assert_eq!(school.search("afterwards"), [], "{}", school.name());
        assert_eq!(school.search("paired").len(), 1, "{}", school.name());
        assert_eq!(state("Cedar Primary", school), "removed");
    }
    assert_eq!(cedar.search("mastery"), []);

    // Let in again, it is a member as any other.
    let invite = ash.invite("Fenland Trust");
    cedar.done(&["group", "join", &invite]);
    cedar.finds("mastery", 1);
    wait_until(&[&ash, &beech, &damson], "Cedar Primary", "here");
    share(&cedar, "Back again");
    damson.finds("back", 1);
}

#[test]
fn admins_are_named_by_the_founder_and_a_junior_one_does_not_remove_a_senior_one() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    wait_until(&[&ash, &beech], "Cedar Primary", "here");

    let refused = beech.run(&["group", "remove", "Fenland Trust", "Cedar Primary"]).error();
    assert!(refused.contains("only an admin"), "{refused}");
    let refused = beech.run(&["group", "admin", "Fenland Trust", "Beech Primary"]).error();
    assert!(refused.contains("only the root of \"Fenland Trust\" names admins"), "{refused}");
    let refused = ash.run(&["group", "remove", "Fenland Trust", "Elder Primary"]).error();
    assert!(refused.contains("0 members are called \"Elder Primary\""), "{refused}");
    assert!(refused.contains("Cedar Primary"), "it names those that there are: {refused}");
    let refused = ash.run(&["group", "remove", "Fenland Trust", "Ash Primary"]).error();
    assert!(refused.contains("staffroom group leave"), "{refused}");

    ash.done(&["group", "admin", "Fenland Trust", "Beech Primary"]);
    ash.done(&["group", "admin", "Fenland Trust", "Cedar Primary"]);
    beech.waits_for("its naming", || role("Beech Primary", &beech) == "admin");
    cedar.waits_for("its naming", || role("Cedar Primary", &cedar) == "admin");
    let refused = cedar.run(&["group", "remove", "Fenland Trust", "Beech Primary"]).error();
    assert!(refused.contains("not named after this school"), "{refused}");
    let refused = cedar.run(&["group", "admin", "Fenland Trust", "Ash Primary", "--dismiss"]);
    assert!(refused.error().contains("not named after this school"));

    // An admin who is not the founder lets a school in, and the senior one puts out the junior.
    let mut damson = school("Damson Primary");
    damson.start();
    damson.done(&["group", "join", &beech.invite("Fenland Trust")]);
    wait_until(&[&ash, &cedar], "Damson Primary", "here");
    beech.done(&["group", "remove", "Fenland Trust", "Cedar Primary"]);
    wait_until(&[&ash, &damson], "Cedar Primary", "removed");
    for school in [&ash, &beech, &damson] {
        assert_eq!(state("Beech Primary", school), "here");
    }
    ash.done(&["group", "admin", "Fenland Trust", "Beech Primary", "--dismiss"]);
    beech.waits_for("its dismissal", || role("Beech Primary", &beech) == "member");
    assert!(beech.run(&["group", "invite", "Fenland Trust"]).error().contains("only an admin"));
}

#[test]
fn the_root_passes_to_several_keyholders_who_each_sign_on_their_own_server() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    wait_until(&[&beech], "Cedar Primary", "here");
    let root = |by: &School| by.done(&["group", "root", "Fenland Trust"]);
    assert!(root(&ash).contains("held by Ash Primary (this school) alone"));
    let to_all = ["--keyholders", "Ash Primary", "Beech Primary", "Cedar Primary"];
    let give = |threshold| {
        [&["group", "root", "Fenland Trust"], &to_all[..], &["--threshold", threshold]].concat()
    };
    let refused = ash.run(&give("4")).error();
    assert!(refused.contains("at least as many as must sign"), "{refused}");
    let refused = beech.run(&give("2")).error();
    assert!(refused.contains("this school holds no key of it"), "{refused}");
    ash.done(&give("2"));
    beech.waits_for("the new root", || root(&beech).contains("2 of these 3 must sign"));
    cedar.waits_for("the new root", || root(&cedar).contains("2 of these 3 must sign"));

    // One alone does nothing; two do, the founder not among them.
    let proposed = beech.json(&["group", "admin", "Fenland Trust", "Cedar Primary"]);
    assert_eq!((proposed["signed"].as_u64(), proposed["needed"].as_u64()), (Some(1), Some(2)));
    assert_eq!(role("Cedar Primary", &beech), "member");
    let line = proposed["proposal"].as_str().unwrap();
    let refused = cedar.run(&["group", "sign", &line[..line.len() - 9], "--yes"]).error();
    assert!(refused.contains("the proposal is damaged"), "{refused}");
    let again = beech.json(&["group", "sign", line, "--yes"]);
    assert_eq!(again["signed"], 1, "one keyholder signs once");
    let signed = cedar.run(&["group", "sign", line, "--yes"]);
    assert_eq!(signed.code, Some(0), "{signed:?}");
    let said = on_one_line(&signed.errors);
    assert!(said.contains("This is to name Cedar Primary an admin in Fenland Trust."), "{said}");
    ash.waits_for("the naming", || role("Cedar Primary", &ash) == "admin");

    // A keyholder leaves, and the two that stay put another root in place.
    ash.done(&["group", "leave", "Fenland Trust"]);
    wait_until(&[&beech, &cedar], "Ash Primary", "left");
    let successors = ["--keyholders", "Beech Primary", "Cedar Primary", "--threshold", "2"];
    let proposed = cedar.json(&[&["group", "root", "Fenland Trust"], &successors[..]].concat());
    beech.done(&["group", "sign", proposed["proposal"].as_str().unwrap(), "--yes"]);
    cedar.waits_for("the successors", || root(&cedar).contains("2 of these 2 must sign"));
}
