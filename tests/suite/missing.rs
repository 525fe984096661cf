//! What a node says of what it may lack: schools that were not heard from, records that are on their
//! way, differences that stay, and a clock that is wrong.

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
use staffroom_tests::mallory::{Mallory, now};
use staffroom_tests::raw::Answer;
use staffroom_tests::{School, on_one_line};

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
    on_one_line(&school.done(arguments))
}

fn starts_again(school: &mut School, clock: &str) {
    school.stop();
    school.set_clock(Some(clock));
    school.start();
}

#[test]
fn a_node_whose_clock_is_a_day_ahead_publishes_nothing_until_it_is_right() {
    let mut ash = running("Ash Primary");
    let (mut beech, mut cedar) = (running("Beech Primary"), running("Cedar Primary"));
    ash.found(TRUST, "trust", &[&beech, &cedar]);
    share(&ash, "Before");
    beech.finds("before", 1);
    starts_again(&mut ash, "+1d");
    ash.waits_for("the others' clocks", || group(&ash)["clock"]["stops_publishing"] == true);
    let file = ash.write("record.md", intervention("Too early", "Fluent readers."));
    let ran = ash.run(&["publish", file.to_str().unwrap()]);
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let said = on_one_line(&format!("{} {}", ran.output, ran.errors));
    assert!(said.contains("this server's clock is 1 day ahead of the clocks of"), "{said}");
    assert!(said.contains("Beech Primary") && said.contains("Cedar Primary"), "{said}");
    assert!(said.contains("Set the server's date and time right"), "{said}");
    let status = words(&ash, &["status"]);
    assert!(status.contains("CLOCK: this server's clock is 1 day ahead"), "{status}");
    let page = ash.browser().page("/search?q=early");
    assert!(page.contains("Please tell whoever looks after this server: this server"), "{page}");
    let metrics = ash.metrics();
    let ahead = metrics.lines().find_map(|line| {
        line.strip_prefix("staffroom_clock_ahead_seconds{")?.rsplit(' ').next()?.parse().ok()
    });
    assert!(ahead.is_some_and(|ahead: i64| (86_390..86_410).contains(&ahead)), "{ahead:?}");
    // What is withdrawn must be gone elsewhere today.
    let (id, _) = ash.finds("before", 1).remove(0);
    ash.done(&["withdraw", &id, "--reason", "published by mistake"]);
    beech.finds("before", 0);

    starts_again(&mut ash, "+0d");
    ash.waits_for("the others' clocks", || group(&ash)["clock"]["asked"] == 2);
    assert_eq!(group(&ash)["clock"]["stops_publishing"], false);
    share(&ash, "On time");
    for school in [&beech, &cedar] {
        school.finds("time", 1);
    }

    // One school alone keeps nobody from publishing, whatever its clock is.
    starts_again(&mut cedar, "-1d");
    cedar.waits_for("the others' clocks", || {
        words(&cedar, &["status"]).contains("this server's clock is 1 day behind the clocks of")
    });
    share(&cedar, "From behind");
    starts_again(&mut beech, "+0d");
    for school in [&ash, &beech] {
        school.waits_for("two clocks", || group(school)["clock"]["asked"] == 2);
        share(school, &format!("Against one {}", school.name()));
    }
    for school in [&ash, &beech] {
        school.finds("against", 2);
        school.finds("behind", 1);
    }
    // To Cedar they are from tomorrow.
    cedar.waits_for("two that wait", || {
        cedar.json(&["status"])["held_aside"].as_u64().is_some_and(|count| count >= 2)
    });
    let status = words(&cedar, &["status"]);
    assert!(status.contains("What the others share waits here until it is right"), "{status}");
}

#[test]
fn a_school_that_was_last_heard_from_through_another_is_named_with_the_day() {
    let (mut ash, mut beech, mut cedar) =
        (running("Ash Primary"), running("Beech Primary"), running("Cedar Primary"));
    ash.found(TRUST, "trust", &[&beech, &cedar]);
    share(&cedar, "Paired reading");
    for school in [&ash, &beech] {
        school.finds("paired", 1);
        school.waits_for("all others", || {
            let heard = group(school)["heard"].clone();
            let near = |one: &Value| one["seconds_ago"].as_u64().is_some_and(|ago| ago < 60);
            heard.as_array().unwrap().len() == 2 && heard.as_array().unwrap().iter().all(near)
        });
        assert_eq!(group(school)["silent"], 0);
    }
    let found = words(&ash, &["search", "paired"]);
    assert!(found.contains("From 3 schools."), "{found}");

    // Two days later Ash is off, and Beech hears from Cedar; three days after that Cedar is off.
    ash.stop();
    starts_again(&mut beech, "+2d");
    starts_again(&mut cedar, "+2d");
    beech.waits_for("Cedar", || {
        let heard = group(&beech)["heard"].clone();
        heard.as_array().unwrap().iter().any(|one| {
            one["name"] == "Cedar Primary"
                && one["seconds_ago"].as_u64().is_some_and(|ago| ago < 60)
        })
    });
    cedar.stop();
    starts_again(&mut beech, "+5d");
    ash.set_clock(Some("+5d"));
    assert!(
        words(&ash, &["search", "paired"]).contains("5 days ago"),
        "kept, with no node running"
    );
    ash.start();
    let of_cedar = |by: &School| {
        let heard = group(by)["heard"].clone();
        let found = heard.as_array().unwrap().iter().find(|one| one["name"] == "Cedar Primary");
        found.unwrap().clone()
    };
    let days = |by: &School| of_cedar(by)["seconds_ago"].as_u64().unwrap() / (24 * 60 * 60);
    ash.waits_for("what Beech says", || days(&ash) == 3);
    assert_eq!(of_cedar(&ash)["through_others"], true);
    assert_eq!((days(&beech), of_cedar(&beech)["through_others"].clone()), (3, false.into()));
    assert_eq!(group(&ash)["silent"], 1);
    let found = words(&ash, &["search", "paired"]);
    assert!(found.contains("From 3 schools; Cedar Primary was last heard from on "), "{found}");
    assert!(found.contains(", 3 days ago, through other schools."), "{found}");
    let agent = ureq::Agent::new_with_defaults();
    let coverage = ash.api(&agent, "/search?q=paired")["coverage"].clone();
    assert_eq!((&coverage["schools"], &coverage["silent"]), (&3.into(), &1.into()));
    assert_eq!(coverage["silent_schools"][0]["name"], "Cedar Primary");
    let page = ash.browser().page("/search?q=paired");
    assert!(page.contains("Cedar Primary was last heard from on "), "{page}");
    let status = words(&ash, &["status"]);
    assert!(status.contains("1 of 2 other schools heard from within the hour. Cedar"), "{status}");

    cedar.set_clock(Some("+5d"));
    cedar.start();
    ash.waits_for("Cedar", || of_cedar(&ash)["connected"] == true && group(&ash)["silent"] == 0);
    assert!(words(&ash, &["search", "paired"]).contains("From 3 schools."));
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
            Ok(Request::Heard { .. }) => {
                Some(Response::Heard { now_millis: now(), schools: Vec::new(), more: false })
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
    let found = words(&ash, &["search", "slow"]);
    assert!(found.contains("4997 records are still on their way to this server."), "{found}");
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
    for request in [ordered(vec![Range::whole()]), Request::Heard { group, after: None }] {
        let refused = Response::Refused(Refusal::NotShared);
        assert_eq!(stranger.ask(&invite, request), refused);
    }
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
    let heard = Request::Heard { group, after: None };
    let times = (0..60).take_while(|_| ask(heard.clone()) != busy).count();
    assert!((30..50).contains(&times), "{times}");
    share(&ash, "Other questions are answered all the same");
    let holding = ask(Request::Holding { group });
    assert!(matches!(holding, Response::Holding(held) if held.entries == 1), "{holding:?}");
}
