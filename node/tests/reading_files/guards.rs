//! What the process that reads a file denies itself, and what the node does about one that does not
//! end.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::{Extractor, PROGRAM, Reading, read_with};

fn script(dir: &Path, words: &str) -> std::path::PathBuf {
    let path = dir.join("reader");
    fs::write(&path, format!("#!/bin/sh\n{words}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    path
}

#[test]
fn it_limits_itself_before_it_reads_a_byte() {
    let mut child = Command::new(PROGRAM)
        .arg("read-file")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "staffroom read-file 2 landlock seccomp");
    let about = |name: &str| fs::read_to_string(format!("/proc/{}/{name}", child.id())).unwrap();
    let (status, limits) = (about("status"), about("limits"));
    for line in ["Seccomp:\t2", "NoNewPrivs:\t1", "Threads:\t1"] {
        assert!(status.contains(line), "{line}: {status}");
    }
    let limits: Vec<Vec<&str>> =
        limits.lines().map(|line| line.split_whitespace().collect()).collect();
    for (name, most) in [
        (["Max", "address", "space"], "536870912"),
        (["Max", "cpu", "time"], "20"),
        (["Max", "core", "file"], "0"),
        (["Max", "file", "size"], "0"),
    ] {
        let limit = limits.iter().find(|words| words.starts_with(&name)).unwrap();
        assert!(limit.iter().filter(|word| **word == most).count() >= 2, "{limit:?}");
    }
    child.stdin.take().unwrap().write_all(b"words").unwrap();
    let about = r#"{"runs":null,"traces":[]}"#;
    assert_eq!(lines.map(Result::unwrap).collect::<Vec<_>>(), [about, "text", "words"]);
    assert!(child.wait().unwrap().success());
}

#[test]
fn one_that_does_not_end_is_killed_and_tried_again_another_time() {
    let dir = tempfile::tempdir().unwrap();
    let extractor = Extractor::new(script(dir.path(), "exec sleep 60"), Duration::from_secs(1));
    let started = Instant::now();
    let reason = "reading it took more than 1 seconds".to_owned();
    assert_eq!(read_with(&extractor, b"words"), Reading::NoText { reason, lasting: false });
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn one_that_never_stops_talking_is_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let endless = "echo 'staffroom read-file 2'; echo '{}'; echo text; exec yes";
    let extractor = Extractor::new(script(dir.path(), endless), Duration::from_secs(20));
    let started = Instant::now();
    assert!(matches!(read_with(&extractor, b"words"), Reading::NoText { lasting: true, .. }));
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[test]
fn one_that_dies_while_it_answers_has_said_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dying = "echo 'staffroom read-file 2'; echo '{}'; echo text; echo words; exit 3";
    let extractor = Extractor::new(script(dir.path(), dying), Duration::from_secs(20));
    let reading = read_with(&extractor, b"words");
    assert!(matches!(reading, Reading::NoText { lasting: true, .. }), "{reading:?}");
}

#[test]
fn another_program_is_not_taken_for_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    for words in ["echo text; echo words", "exit 0", "exit 3"] {
        let extractor = Extractor::new(script(dir.path(), words), Duration::from_secs(20));
        let reason = "the program that reads files did not start".to_owned();
        assert_eq!(read_with(&extractor, b"words"), Reading::NoText { reason, lasting: false });
    }
    let extractor = Extractor::new("/nowhere/staffroom", Duration::from_secs(20));
    assert!(matches!(read_with(&extractor, b"words"), Reading::NoText { lasting: false, .. }));
}

#[test]
fn two_at_most_are_read_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let shown = log.display();
    let words = format!("echo + >> {shown}\nsleep 0.3\necho - >> {shown}");
    let extractor = Extractor::new(script(dir.path(), &words), Duration::from_secs(20));
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| read_with(&extractor, b"words"));
        }
    });
    let (mut running, mut most) = (0, 0);
    for line in fs::read_to_string(&log).unwrap().lines() {
        running += if line == "+" { 1 } else { -1 };
        most = most.max(running);
    }
    assert_eq!((running, most), (0, 2));
}
