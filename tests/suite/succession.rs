//! A school that lost its server and its kit, and goes on under a new key.

use staffroom_tests::School;

use crate::{eight_days_later, intervention, running};

const GROUP: &str = "Fenland Trust";

fn share(school: &School, title: &str) -> String {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    let published = school.json(&["publish", file.to_str().unwrap()]);
    published[0]["id"].as_str().unwrap().to_owned()
}

fn id_of(school: &School) -> String {
    school.json(&["status"])["school"].as_str().unwrap().to_owned()
}

/// Ash and Beech, admins; Dale, which shared two records; and Dale as it was set up anew.
fn setting() -> (School, School, School, School, [String; 2]) {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    let dale = running("Dale Primary");
    ash.found(GROUP, "trust", &[&beech, &dale]);
    ash.done(&["group", "admin", GROUP, "Beech Primary"]);
    let records = [share(&dale, "Paired reading"), share(&dale, "Phonics for all")];
    let anew = running("Dale Primary");
    anew.done(&["group", "join", &ash.invite(GROUP)]);
    for school in [&ash, &beech, &anew] {
        school.finds("paired", 1);
        school.finds("phonics", 1);
    }
    beech.waits_for("its naming", || {
        beech.json(&["group", "list"])[0]["role"] == "admin"
            && beech.json(&["group", "members", GROUP]).as_array().unwrap().len() == 4
    });
    (ash, beech, dale, anew, records)
}

#[test]
fn two_admins_let_a_school_go_on_under_a_new_key_after_seven_days() {
    let (mut ash, mut beech, mut dale, mut anew, [paired, phonics]) = setting();
    let (old, new) = (id_of(&dale), id_of(&anew));
    dale.kill();
    let unclear = ash.run(&["group", "next-key", GROUP, "Dale Primary", &new]).error();
    assert!(unclear.contains("2 members are called"), "{unclear}");
    let refused = anew.run(&["group", "next-key", GROUP, &old, &new]).error();
    assert!(refused.contains("only an admin"), "{refused}");
    let said = ash.done(&["group", "next-key", GROUP, &old, &new]);
    assert!(said.contains("A second admin must say so"), "{said}");
    beech.waits_for("Ash's word", || {
        beech.done(&["group", "next-key", GROUP]).contains("by the word of Ash Primary")
    });
    let said = beech.done(&["group", "next-key", GROUP, &old, &new]);
    assert!(said.contains("It counts from"), "{said}");
    anew.waits_for("both words", || {
        anew.done(&["group", "next-key", GROUP]).contains("counts from")
    });
    // Not before seven days have passed.
    let refused = anew.run(&["withdraw", &phonics, "--reason", "Shared by mistake"]).error();
    assert!(refused.contains("only that school can withdraw it"), "{refused}");

    eight_days_later(&mut [&mut ash, &mut beech, &mut anew]);
    for school in [&ash, &beech, &anew] {
        school.waits_for("the next key to go on", || {
            school.done(&["group", "members", GROUP]).contains("goes on as Dale Primary")
        });
        assert_eq!(school.json(&["group", "next-key", GROUP]).as_array().unwrap().len(), 0);
        school.finds("paired", 1);
    }
    let text = intervention("Paired reading twice a day", "Fluent readers.");
    let text = text.replacen("---\n", &format!("---\nid: {paired}\n"), 1);
    let file = anew.write("edit.md", text);
    let published = anew.json(&["publish", file.to_str().unwrap()]);
    assert_eq!(published[0]["new_version"], true, "{published}");
    anew.done(&["withdraw", &phonics, "--reason", "Shared by mistake"]);
    share(&anew, "Number talks");
    for school in [&ash, &beech, &anew] {
        school.finds("twice", 1);
        school.finds("number", 1);
        school.waits_for("the withdrawal", || school.search("phonics").is_empty());
        let ids: Vec<String> = school.search("paired").into_iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [paired.as_str()], "the same record, and one of it");
    }
    anew.waits_for("the receipts", || {
        let receipts = anew.json(&["receipts", &phonics]);
        receipts["members"].as_array().unwrap().iter().all(|one| one["erased"].is_string())
    });

    // The lost server comes back, and is not heard.
    dale.start();
    share(&dale, "From the lost server");
    std::thread::sleep(std::time::Duration::from_secs(3));
    for school in [&ash, &beech, &anew] {
        assert_eq!(school.search("lost server"), []);
    }
}

#[test]
fn the_old_key_objects_and_nothing_comes_of_it() {
    let (mut ash, mut beech, mut dale, mut anew, [_, phonics]) = setting();
    let (old, new) = (id_of(&dale), id_of(&anew));
    let nothing = dale.run(&["group", "object", GROUP]).error();
    assert!(nothing.contains("there is nothing to object to"), "{nothing}");
    ash.done(&["group", "next-key", GROUP, &old, &new, "--root"]);
    dale.waits_for("what is said of it", || {
        dale.done(&["group", "next-key", GROUP]).contains("by the word of the root")
    });
    assert!(dale.done(&["group", "object", GROUP]).contains("Objected"));
    for school in [&ash, &beech, &anew] {
        school.waits_for("the objection", || {
            school.done(&["group", "next-key", GROUP]).contains("Its old key objected")
        });
    }
    let refused = beech.run(&["group", "next-key", GROUP, &old, &new]).error();
    assert!(refused.contains("old key objected"), "{refused}");
    eight_days_later(&mut [&mut ash, &mut beech, &mut dale, &mut anew]);
    share(&dale, "Number talks");
    for school in [&ash, &beech, &anew] {
        school.finds("number", 1);
        assert!(!school.done(&["group", "members", GROUP]).contains("goes on as"));
    }
    let refused = anew.run(&["withdraw", &phonics, "--reason", "Shared by mistake"]).error();
    assert!(refused.contains("only that school can withdraw it"), "{refused}");
}
