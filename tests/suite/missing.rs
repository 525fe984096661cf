//! What a node says of what it may lack: records that are on their way, and differences that stay.

use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_bytes::{ByteArray, ByteBuf};
use serde_json::Value;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::message::{Described, MAX_REQUEST_BYTES, Refusal, Request, Response};
use staffroom_protocol::sync::set::{Bound, Part, Range, short_id};
use staffroom_protocol::wire;
use staffroom_tests::School;
use staffroom_tests::mallory::{Mallory, now};
use staffroom_tests::raw::Answer;

use crate::{intervention, running, school};

const TRUST: &str = "Fenland Trust";

fn share(school: &School, title: &str) {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    school.done(&["publish", file.to_str().unwrap()]);
}

fn group(school: &School) -> Value {
    school.json(&["status"])["groups"][0].clone()
}

/// A command's output without the terminal's line breaks.
fn words(school: &School, arguments: &[&str]) -> String {
    school.done(arguments).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A school with a group, and an invite to it.
fn host() -> (School, Invite) {
    let ash = running("Ash Primary");
    ash.done(&["group", "create", TRUST]);
    let invite = ash.invite(TRUST).parse().unwrap();
    (ash, invite)
}

/// Answers as a member with the same statements does; `answer` knows what else is asked, and the
/// digest of the statements.
fn answering(answer: impl Fn(Request, Hash) -> Option<Response> + Send + 'static) -> Answer {
    let agreed = Mutex::new(Hash::of(b""));
    Box::new(move |question| {
        let mut agreed = agreed.lock().unwrap();
        let response = match wire::decode(question, MAX_REQUEST_BYTES) {
            Ok(Request::Statements { digest, .. }) => {
                *agreed = digest;
                Some(Response::Statements { statements: Vec::new(), more: false, digest })
            }
            Ok(request) => answer(request, *agreed),
            Err(_) => None,
        };
        wire::encode(&response.unwrap_or(Response::Refused(Refusal::Busy)))
    })
}

#[test]
fn while_a_node_catches_up_it_says_from_whom_and_how_much_is_lacking() {
    let (ash, invite) = host();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let entries: Vec<Vec<u8>> = (0..3)
        .map(|number| mallory.entry(invite.group, &format!("Slow {number}"), now()))
        .collect();
    let told = Mutex::new(false);
    // The second answer is held back until everything was looked at.
    let (held_back, release) = channel::<()>();
    let release = Mutex::new(release);
    let _raw = mallory.becomes_raw(
        &invite,
        answering(move |request, membership| {
            if let Request::Compare { .. } = request {
                let fingerprint = ByteArray::new([9; 16]);
                let part = Part { to: None, count: 5_000, fingerprint };
                return Some(Response::Described { ranges: vec![Described::Parts(vec![part])] });
            }
            let Request::EntriesIn { .. } = request else { return None };
            if std::mem::replace(&mut *told.lock().unwrap(), true) {
                let _ = release.lock().unwrap().recv_timeout(Duration::from_secs(50));
                return None;
            }
            let next = Some(Bound::after(Timestamp::from_millis(now()), &Hash::of(b"next")));
            let entries = entries.iter().cloned().map(ByteBuf::from).collect();
            Some(Response::EntriesIn { entries, next, membership })
        }),
    );
    let under_way = || group(&ash)["comparisons"]["under_way"][0].clone();
    ash.waits_for("the first records", || under_way()["received"] == 3);
    assert_eq!(under_way()["lacking"], 4_997);
    assert_eq!(under_way()["school"], "Mallory Grange");
    let status = words(&ash, &["status"]);
    let expected = "Catching up: 3 records came from Mallory Grange, 4997 are to come.";
    assert!(status.contains(expected), "{status}");
    let metrics = ash.metrics();
    let lacking = format!("staffroom_entries_lacking{{group=\"{}\"}} 4997", invite.group.short());
    assert!(metrics.contains(&lacking), "{metrics}");
    drop(held_back);
    ash.waits_for("its end", || {
        words(&ash, &["status"]).contains("it was given up: the other node is busy")
    });
}

#[test]
fn a_difference_that_stays_is_told_apart_from_what_only_waits() {
    let (ash, invite) = host();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let elsewhere = GroupId::from_bytes([3; GroupId::LENGTH]);
    let foreign = mallory.entry(elsewhere, "Of another group", now());
    let early = mallory.entry(invite.group, "Of tomorrow", now() + 24 * 60 * 60 * 1000);
    let gives_early = std::sync::Arc::new(Mutex::new(false));
    let switch = std::sync::Arc::clone(&gives_early);
    let raw = mallory.becomes_raw(
        &invite,
        answering(move |request, membership| {
            let waits = *switch.lock().unwrap();
            let given = if waits { &early } else { &foreign };
            if let Request::Compare { .. } = request {
                let mut ids = short_id(&Hash::of(given)).to_vec();
                if !waits {
                    ids.extend([7; 8]);
                }
                let ids = Described::Ids(ByteBuf::from(ids));
                return Some(Response::Described { ranges: vec![ids] });
            }
            let Request::Entries { ids, .. } = request else { return None };
            let held = ids.chunks(8).any(|id| *id == short_id(&Hash::of(given)));
            let entries = if held { vec![ByteBuf::from(given.clone())] } else { Vec::new() };
            Some(Response::Entries { entries, membership })
        }),
    );
    let news = || {
        let digest = Hash::of(b"something else");
        raw.send(wire::encode(&Request::News { group: invite.group, digest }));
        raw.answer();
    };
    let comparisons = || group(&ash)["comparisons"].clone();
    ash.waits_for("the first comparison", || comparisons()["last"]["ended"] == "unsettled");
    assert_eq!(comparisons()["last"]["refused"], 1);
    assert_eq!(comparisons()["last"]["not_given"], 1);
    ash.waits_for("a difference that stays", || {
        news();
        comparisons()["unsettled"][0]["times"].as_u64().is_some_and(|times| times >= 2)
    });
    let status = words(&ash, &["status"]);
    assert!(status.contains("A difference with Mallory Grange has not been settled"), "{status}");
    assert!(status.contains("1 refused here, 1 named and not given"), "{status}");
    let metrics = ash.metrics();
    for reason in ["refused", "not_given"] {
        let line = format!("staffroom_unsettled_total{{reason=\"{reason}\"}} ");
        assert!(metrics.contains(&line), "{metrics}");
    }

    *gives_early.lock().unwrap() = true;
    ash.waits_for("what only waits", || {
        news();
        comparisons()["last"]["ended"] == "held_aside"
    });
    assert_eq!(comparisons()["unsettled"].as_array().unwrap().len(), 0);
}

#[test]
fn a_node_that_returns_asks_one_of_many_for_what_it_lacks() {
    const LESSONS: usize = 1_500;
    let (ash, beech, cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    let mut damson = school("Damson Primary");
    ash.found(TRUST, "trust", &[&beech, &cedar, &damson]);
    let lines: Vec<String> = (0..LESSONS)
        .map(|number| {
            format!(
                r#"{{"kind":"resource","type":"lesson plan","licence":"CC-BY-4.0","title":"Lesson {number}","abstract":"How a class reads aloud.","url":"https://example.org/{number}"}}"#
            )
        })
        .collect();
    let lessons = ash.write("lessons.jsonl", lines.join("\n"));
    ash.done(&["import", lessons.to_str().unwrap()]);
    let all = |school: &School| group(school)["entries"] == LESSONS;
    for school in [&beech, &cedar] {
        school.waits_for("the lessons", || all(school));
    }
    damson.start();
    damson.waits_for("the lessons", || all(&damson));
    damson.waits_for("comparisons with all three", || {
        let metrics = damson.metrics();
        let ended = metrics.lines().filter(|line| {
            line.starts_with("staffroom_comparisons_total{ended=\"same\"}")
                || line.starts_with("staffroom_comparisons_total{ended=\"complete\"}")
        });
        let count = ended.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        count.sum::<u64>() >= 3
    });
    assert_eq!(damson.refused("held_already"), 0, "nothing came twice");
    let checked = damson.metrics().contains("staffroom_ordered_checks_total{found=\"same\"}");
    assert!(checked, "{}", damson.metrics());
    assert!(!damson.metrics().contains("found=\"different\""), "{}", damson.metrics());
}

#[test]
fn ordered_hashes_are_answered_to_members_and_seldom() {
    let (ash, invite) = host();
    let group = invite.group;
    let ordered = |ranges| Request::Ordered { group, ranges };
    let stranger = Mallory::start();
    let refused = Response::Refused(Refusal::NotShared);
    assert_eq!(stranger.ask(&invite, ordered(vec![Range::whole()])), refused);
    let mallory = Mallory::start();
    mallory.join(&invite);
    let busy = Response::Refused(Refusal::Busy);
    // Slower than what a member may ask of all sorts together.
    let ask = |request: Request| {
        std::thread::sleep(Duration::from_millis(10));
        mallory.ask(&invite, request)
    };
    let mut answers = Vec::new();
    while answers.last() != Some(&busy) {
        assert!(answers.len() < 60, "{answers:?}");
        answers.push(ask(ordered(vec![Range::whole()])));
    }
    assert!(matches!(answers[0], Response::Ordered { .. }), "{answers:?}");
    assert!(answers.len() > 30, "an honest node asks a few times a day");
    share(&ash, "Other questions are answered all the same");
    let holding = ask(Request::Holding { group });
    assert!(matches!(holding, Response::Holding(held) if held.entries == 1), "{holding:?}");
}
