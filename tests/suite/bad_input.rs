//! What is wrong is refused with an error that says what to do, and nothing held is lost.

use std::process::Command;
use std::time::Duration;

use staffroom_tests::on_one_line;

use crate::{intervention, running, school};

#[test]
fn a_record_that_breaks_a_rule_is_refused_by_field_and_the_others_go_in() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let good = ash.write("good.md", intervention("Paired reading", "Fluent readers."));
    let bad = ash.write("bad.md", intervention("Echo reading", "Pupil A123456789012 reads."));
    let missing = ash.write("missing.md", "---\nkind: intervention\ntitle: Choral reading\n---\n");
    let files = [&good, &bad, &missing].map(|path| path.to_str().unwrap());
    let ran = ash.run(&[&["publish"], files.as_slice()].concat());
    assert!(ran.error().contains("2 of 3 files were not shared"), "{ran:?}");
    assert!(ran.output.contains("aim"), "{ran:?}");
    assert!(!ran.output.contains("A123456789012"), "a find is never repeated");
    assert!(ran.output.contains("monitoring"), "{ran:?}");
    ash.finds("reading", 1);
}

#[test]
fn an_oversized_summary_is_refused_with_its_size_and_what_to_do() {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let names: Vec<String> =
        (0..40).map(|number| format!("{number}{}.txt", "x".repeat(240))).collect();
    for name in &names {
        ash.write(name, "a file");
    }
    let text = format!(
        "---\nkind: resource\ntype: lesson plan\ntitle: Many files\nlicence: CC-BY-4.0\nfiles: [{}]\n---\nAll of them.\n",
        names.join(", ")
    );
    let record = ash.write("record.md", text);
    let ran = ash.run(&["publish", record.to_str().unwrap()]);
    let said = on_one_line(&ran.output);
    assert!(said.contains("may have at most 8192 bytes; attach fewer files"), "{ran:?}");
    assert_eq!(ash.json(&["status"])["groups"][0]["entries"], 0);
}

#[test]
fn an_expired_and_a_used_invite_let_nobody_in() {
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Academy"));
    ash.done(&["group", "create", "Fenland Trust"]);
    let expired = ash.done(&["group", "invite", "Fenland Trust", "--valid-for", "1s"]);
    let used = ash.invite("Fenland Trust");
    beech.done(&["group", "join", &used]);
    let refused = cedar.run(&["group", "join", &used]).error();
    assert!(refused.contains("used by another school; each invite lets in one"), "{refused}");
    std::thread::sleep(Duration::from_millis(1_100));
    let refused = cedar.run(&["group", "join", expired.trim()]).error();
    assert!(refused.contains("expired") && refused.contains("ask for a new one"), "{refused}");
    let refused = cedar.run(&["group", "join", &used[..used.len() - 5]]).error();
    assert!(refused.contains("copy the whole line again"), "{refused}");
    assert_eq!(ash.json(&["group", "members", "Fenland Trust"]).as_array().unwrap().len(), 2);
    assert_eq!(cedar.json(&["group", "list"]).as_array().unwrap().len(), 0);
}

#[test]
fn a_data_directory_that_is_in_use_or_newer_is_left_alone() {
    let mut ash = running("Ash Primary");
    ash.done(&["group", "create", "Fenland Trust"]);
    let second = ash.run(&["serve", "--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/tcp/0"]);
    assert!(second.error().contains("is in use by another Staffroom process (pid"), "{second:?}");
    assert!(second.error().contains("give this one a directory of its own"));
    assert_eq!(ash.json(&["group", "list"]).as_array().unwrap().len(), 1, "the first runs on");
    ash.stop();

    let version = ash.data().join("VERSION");
    let stamped = std::fs::read_to_string(&version).unwrap();
    std::fs::write(&version, stamped.replacen('1', "999", 1)).unwrap();
    for command in [&["serve"][..], &["search", "reading"]] {
        let refused = ash.run(command).error();
        assert!(refused.contains("newer version of Staffroom"), "{refused}");
        assert!(refused.contains("update Staffroom"), "{refused}");
    }
    std::fs::write(&version, stamped).unwrap();
    assert_eq!(ash.json(&["group", "list"]).as_array().unwrap().len(), 1, "nothing was lost");
}

#[test]
fn a_port_in_use_is_named_with_the_option_that_chooses_another() {
    let (ash, beech) = (running("Ash Primary"), school("Beech Primary"));
    let taken = ash.page().trim_start_matches("http://").trim_end_matches('/');
    let refused =
        beech.run(&["serve", "--http", taken, "--listen", "/ip4/127.0.0.1/tcp/0"]).error();
    assert!(refused.contains(taken) && refused.contains("choose another with --http"), "{refused}");

    let listening = ash.json(&["status"])["network"]["listening"].clone();
    let listening = listening.as_array().unwrap().iter().map(|one| one.as_str().unwrap());
    for taken in listening {
        let refused = beech.run(&["serve", "--http", "127.0.0.1:0", "--listen", taken]).error();
        assert!(refused.contains(taken), "{refused}");
        assert!(refused.contains("choose another address with --listen"), "{refused}");
    }
    let outside = beech.run(&["serve", "--http", "0.0.0.0:0"]).error();
    assert!(outside.contains("give --certificate and --private-key"), "{outside}");
    assert_eq!(ash.json(&["group", "list"]).as_array().unwrap().len(), 0, "the first runs on");
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_argument() {
    let ash = school("Ash Primary");
    for wrong in [&["publish"][..], &["search"], &["serve", "--listen", "localhost:80"], &["dance"]]
    {
        let ran = ash.run(wrong);
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.errors.contains("Usage") || ran.errors.contains("--help"), "{ran:?}");
    }
    let mut elsewhere = school("Beech Primary");
    std::fs::remove_dir_all(elsewhere.data()).unwrap();
    assert!(elsewhere.run(&["status"]).error().contains("set it up with: staffroom init"));
    elsewhere.set_environment("STAFFROOM_LOG", "info");
}

/// The disk of a whole node is a small file system of its own, made in a namespace that ends with
/// the test.
#[test]
fn a_full_disk_keeps_what_is_held_and_the_node_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("one.md"), intervention("Paired reading", "Fluency.")).unwrap();
    std::fs::write(dir.path().join("two.md"), intervention("Echo reading", "Accuracy.")).unwrap();
    let script = r#"
        mount -t tmpfs -o size=24m none "$DISK" || exit 77
        export STAFFROOM_DATA="$DISK/data"
        "$STAFFROOM" init --name "Ash Primary" || exit 1
        mkfifo "$DISK/input"
        "$STAFFROOM" serve --until-input-ends --http 127.0.0.1:0 --listen /ip4/127.0.0.1/tcp/0 \
            <"$DISK/input" >/dev/null &
        exec 9>"$DISK/input"
        while [ ! -e "$STAFFROOM_DATA/api-address" ]; do sleep 0.1; done
        "$STAFFROOM" group create "Fenland Trust" || exit 1
        "$STAFFROOM" publish one.md || exit 1
        sleep 2
        dd if=/dev/zero of="$DISK/filler" bs=4k 2>/dev/null
        number=0
        while [ $number -lt 500 ]; do
            number=$((number + 1))
            sed "s/Paired reading/Writing $number/" one.md >more.md
            "$STAFFROOM" publish more.md >/dev/null || break
        done
        "$STAFFROOM" publish two.md; echo "full: $?"
        "$STAFFROOM" search reading --json >/dev/null; echo "search: $?"
        rm "$DISK/filler"
        "$STAFFROOM" publish two.md; echo "room: $?"
        for attempt in 1 2 3 4 5 6 7 8 9 10; do
            found=$("$STAFFROOM" search reading --limit 100 --json | grep -c '"title":')
            # The two, and those that were shared until the disk was full.
            [ "$found" = $((number + 1)) ] && echo "all found" && break
            sleep 0.5
        done
        kill -0 $! && echo "running"
        exec 9>&-
        wait $!; echo "ended: $?"
    "#;
    let disk = dir.path().join("disk");
    std::fs::create_dir(&disk).unwrap();
    let ran = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", script])
        .env("STAFFROOM", env!("CARGO_BIN_EXE_staffroom-under-test"))
        .env("DISK", &disk)
        .current_dir(dir.path())
        .output();
    let ran = match ran {
        Ok(ran) if !String::from_utf8_lossy(&ran.stderr).contains("unshare") => ran,
        Ok(_) | Err(_) => {
            println!("not tested: this system does not let a test make a mount namespace");
            return;
        }
    };
    let output = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    if ran.status.code() == Some(77) {
        println!("not tested: this system does not let a test mount a file system");
        return;
    }
    let said = on_one_line(&errors);
    println!("{output}\n{errors}");
    assert!(output.contains("full: 1"));
    assert!(said.contains("is full and nothing was changed; free space on it and try again"));
    for line in ["search: 0", "room: 0", "all found", "running", "ended: 0"] {
        assert!(output.contains(line), "{line}");
    }
}
