//! Servers that are lost, stolen, restored or doubled: what becomes of the school's identity.

use std::fs;
use std::path::Path;

use serde_json::Value;
use staffroom_tests::School;

use crate::{PROGRAM, intervention, running, school};

fn share(school: &School, title: &str) -> String {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    let published = school.json(&["publish", file.to_str().unwrap()]);
    published[0]["id"].as_str().unwrap().to_owned()
}

/// Publishes another version of a record.
fn edit(school: &School, id: &str, title: &str) {
    let text = intervention(title, "Fluent readers.");
    let text = text.replacen("---\n", &format!("---\nid: {id}\n"), 1);
    let file = school.write("record.md", text);
    school.done(&["publish", file.to_str().unwrap()]);
}

/// The words that are printed on a school's recovery kit.
fn kit_words(of: &School) -> String {
    let page = fs::read_to_string(of.data().join("recovery-kit.html")).unwrap();
    let words = page.lines().filter_map(|line| line.strip_prefix("<li>")?.strip_suffix("</li>"));
    words.collect::<Vec<_>>().join(" ")
}

fn contact(of: &School) -> String {
    of.json(&["status"])["network"]["contact"][0].as_str().unwrap().to_owned()
}

fn recovered(name: &str, words: &str, options: &[&str]) -> (School, Value) {
    let school = School::without_data(PROGRAM, name);
    let words = school.write("words.txt", words);
    let answer =
        school.json(&[&["recover", "--words-file", words.to_str().unwrap()][..], options].concat());
    (school, answer)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_school_comes_back_from_the_words_of_its_kit_and_the_stolen_server_is_not_heard() {
    let (ash, mut beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let kept = share(&beech, "Paired reading");
    let withdrawn = share(&beech, "Spelling bees");
    for school in [&ash, &cedar] {
        school.finds("paired OR spelling", 2);
    }
    beech.done(&["withdraw", &withdrawn, "--reason", "It was shared by mistake"]);
    for school in [&ash, &cedar] {
        school.waits_for("the withdrawal", || school.search("spelling").is_empty());
    }
    let words = kit_words(&beech);
    beech.kill();

    assert!(ash.run(&["status"]).errors.contains("The recovery kit is still on this server."));
    fs::remove_file(ash.data().join("recovery-kit.html")).unwrap();
    assert!(!ash.run(&["status"]).errors.contains("recovery kit"));

    // The words of another school say nothing here.
    let stranger = school("Damson Primary");
    let other = School::without_data(PROGRAM, "Damson Primary");
    let file = other.write("words.txt", kit_words(&stranger));
    let refused = other.run(&[
        "recover",
        "--words-file",
        file.to_str().unwrap(),
        "--contact",
        &contact(&ash),
    ]);
    assert!(refused.error().contains("in no group with the school of these words"), "{refused:?}");

    let (mut back, answer) = recovered("Beech Primary", &words, &["--contact", &contact(&ash)]);
    assert_eq!(answer["name"], "Beech Primary");
    assert_eq!(answer["groups"], serde_json::json!(["Fenland Trust"]));
    assert_eq!((answer["records"].as_u64(), answer["revoked"].as_u64()), (Some(1), Some(1)));
    back.start();
    assert!(back.done(&["show", &kept]).contains("Paired reading"));
    assert_eq!(back.search("spelling"), []);
    edit(&back, &kept, "Paired reading, again");
    share(&back, "Number talks");
    for school in [&ash, &cedar] {
        assert_eq!(school.finds("again", 1).len(), 1);
        school.finds("number", 1);
    }

    // The stolen server runs and publishes: nobody takes it for the school.
    beech.start();
    share(&beech, "Stolen words");
    share(&ash, "Maths mastery");
    for school in [&back, &cedar] {
        school.finds("mastery", 1);
    }
    std::thread::sleep(std::time::Duration::from_secs(3));
    for school in [&ash, &back, &cedar] {
        assert_eq!(school.search("stolen"), [], "{}", school.name());
        assert_eq!(school.search("paired").len(), 1, "{}", school.name());
    }
    assert_eq!(beech.search("mastery"), [], "and it is told nothing");
}

#[test]
fn a_server_restored_from_an_old_backup_goes_on_where_its_school_is() {
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let edited = share(&beech, "Paired reading");
    let withdrawn = share(&beech, "Spelling bees");
    ash.finds("paired OR spelling", 2);
    beech.stop();
    let backup = beech.folder().join("backup");
    copy(&beech.data(), &backup);
    beech.start();

    edit(&beech, &edited, "Paired reading, second year");
    beech.done(&["withdraw", &withdrawn, "--reason", "It was shared by mistake"]);
    share(&beech, "Number talks");
    ash.finds("number", 1);
    ash.waits_for("the withdrawal", || ash.search("spelling").is_empty());
    beech.stop();
    fs::remove_dir_all(beech.data()).unwrap();
    copy(&backup, &beech.data());
    beech.start();

    beech.finds("number", 1);
    beech.finds("second", 1);
    beech.waits_for("the withdrawal", || beech.search("spelling").is_empty());
    edit(&beech, &edited, "Paired reading, third year");
    share(&beech, "After the restore");
    for school in [&ash, &beech] {
        school.finds("third", 1);
        school.finds("restore", 1);
        assert_eq!(school.search("spelling"), [], "{}", school.name());
        assert_eq!(school.search("second"), [], "{}", school.name());
    }
}

#[test]
fn a_standby_publishes_in_turns_with_the_school_and_can_be_given_up() {
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let id = share(&beech, "Paired reading");
    ash.finds("paired", 1);
    let contacts = [contact(&beech), contact(&ash)];
    let options = ["--standby", "--contact", &contacts[0], &contacts[1]];
    let (mut standby, answer) = recovered("Beech Primary", &kit_words(&beech), &options);
    assert_eq!((answer["records"].as_u64(), answer["revoked"].as_u64()), (Some(1), Some(0)));
    standby.start();
    for (turn, word) in ["first", "second", "third", "fourth"].into_iter().enumerate() {
        let by = if turn % 2 == 0 { &standby } else { &beech };
        by.finds("paired", 1);
        edit(by, &id, &format!("Paired reading, {word} year"));
        for school in [&ash, &beech, &standby] {
            school.finds(word, 1);
            assert_eq!(school.search("paired").len(), 1, "one record, whoever published it");
        }
    }

    let nodes = beech.json(&["node", "list"]);
    let other = nodes.as_array().unwrap().iter().find(|one| one["this"] == false).unwrap();
    let other = other["node"].as_str().unwrap();
    let refused = beech.run(&["node", "revoke", "ffffff"]).error();
    assert!(refused.contains("0 nodes whose id starts with \"ffffff\""), "{refused}");
    beech.done(&["node", "revoke", &other[..12]]);
    ash.waits_for("the standby to be refused", || {
        edit(&standby, &id, "Paired reading, unheard");
        share(&ash, "Maths mastery");
        beech.finds("mastery", 1);
        standby.search("mastery").is_empty()
    });
    for school in [&ash, &beech] {
        assert_eq!(school.search("unheard"), [], "{}", school.name());
        school.finds("fourth", 1);
    }
}

#[test]
fn keys_are_locked_where_that_was_asked_for() {
    let secret = "three random words";
    let mut ash = School::without_data(PROGRAM, "Ash Primary");
    ash.set_environment("STAFFROOM_PASSPHRASE", "short");
    let refused = ash.run(&["init", "--name", "Ash Primary", "--passphrase"]).error();
    assert!(refused.contains("at least 12 characters"), "{refused}");
    ash.set_environment("STAFFROOM_PASSPHRASE", secret);
    ash.done(&["init", "--name", "Ash Primary", "--passphrase"]);
    ash.start();
    let beech = running("Beech Primary");
    ash.found("Fenland Trust", "trust", &[&beech]);
    ash.set_environment("STAFFROOM_PASSPHRASE", "three other words");
    let naming = ["group", "admin", "Fenland Trust", "Beech Primary"];
    let refused = ash.run(&naming).error();
    assert!(refused.contains("not the one that the school's key was locked with"), "{refused}");
    ash.set_environment("STAFFROOM_PASSPHRASE", secret);
    ash.done(&naming);

    let mut cedar = School::without_data(PROGRAM, "Cedar Primary");
    let key_file = cedar.write("secret", [7; 32]);
    cedar.done(&["init", "--name", "Cedar Primary", "--key-file", key_file.to_str().unwrap()]);
    cedar.start();
    cedar.stop();
    for name in ["school.key", "node.key"] {
        let file = fs::read_to_string(cedar.data().join("keys").join(name)).unwrap();
        assert!(file.contains("\"locked_with\": \"key_file\""), "{name}: {file}");
    }
    fs::rename(&key_file, key_file.with_extension("away")).unwrap();
    let refused = cedar.run(&["status"]).error();
    assert!(refused.contains(key_file.to_str().unwrap()), "{refused}");
    fs::write(&key_file, [8; 32]).unwrap();
    let refused = cedar.run(&["status"]).error();
    assert!(refused.contains("is not the file that the keys were locked with"), "{refused}");
    fs::rename(key_file.with_extension("away"), &key_file).unwrap();
    cedar.done(&["status"]);
}
