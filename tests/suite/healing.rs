//! A group in which a line, a machine and a clock fail at once, and which holds the same everywhere
//! within a minute of their being put right.
//!
//! What it guards: that nodes compare on connecting and from time to time. Comparing on connecting
//! alone heals the group; with both taken out, the schools on the two sides of the line stay apart and
//! the scenario with a clock that is behind fails.

use std::thread::sleep;
use std::time::{Duration, Instant};

use staffroom_tests::School;
use staffroom_tests::sites::Sites;

use crate::{PROGRAM, intervention};

const TRUST: &str = "Fenland Trust";

/// How long the line is down.
const OUTAGE: Duration = Duration::from_secs(30);

/// How long the schools have to hold the same once everything works again.
const HEALED_WITHIN: Duration = Duration::from_secs(60);

fn share(school: &School, title: &str) {
    let file = school.write("record.md", intervention(title, "Fluent readers."));
    school.done(&["publish", file.to_str().unwrap()]);
}

/// What a school's node holds: how many entries, the hash over them, and how much is missing or
/// held aside.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    entries: u64,
    digest: String,
    missing: u64,
    aside: u64,
}

fn held(by: &School) -> Held {
    let status = by.json(&["status"]);
    let group = &status["groups"][0];
    Held {
        entries: group["entries"].as_u64().unwrap(),
        digest: group["digest"].as_str().unwrap().to_owned(),
        missing: group["bodies_missing"].as_u64().unwrap(),
        aside: status["held_aside"].as_u64().unwrap(),
    }
}

/// Waits until all schools hold the same `entries` entries with their texts, and says for how long.
fn hold_the_same(schools: &[&School], entries: u64, within: Duration) -> Duration {
    let started = Instant::now();
    loop {
        let all: Vec<Held> = schools.iter().map(|school| held(school)).collect();
        let whole = |one: &Held| one.entries == entries && one.missing == 0 && one.aside == 0;
        let same = all.iter().all(|one| whole(one) && one.digest == all[0].digest);
        if same {
            return started.elapsed();
        }
        let waited = started.elapsed();
        assert!(waited < within, "after {waited:?}, of {entries} entries: {all:#?}");
        sleep(Duration::from_millis(200));
    }
}

/// Five schools at two sites. The line between the sites is down for half a minute; Elder's node is
/// killed meanwhile and started again; Damson's clock is off. Whoever can publish does: `with_damson`
/// says whether Damson can, with its clock as it is.
fn fail_and_heal(clock: &str, with_damson: bool) {
    let mut sites = Sites::new();
    let mut at = |name: &str, site| {
        let mut school = School::set_up_at(PROGRAM, name, Some(sites.place(site)));
        school.start();
        school
    };
    let (ash, beech) = (at("Ash Primary", 0), at("Beech Primary", 0));
    let (cedar, mut damson) = (at("Cedar Primary", 1), at("Damson Primary", 1));
    let mut elder = at("Elder Primary", 1);
    ash.found(TRUST, "trust", &[&beech, &cedar, &damson, &elder]);
    for school in [&ash, &beech, &cedar, &damson, &elder] {
        share(school, "Before");
    }
    let mut entries = 5;
    hold_the_same(&[&ash, &beech, &cedar, &damson, &elder], entries, HEALED_WITHIN);

    damson.stop();
    damson.set_clock(Some(clock));
    damson.start();
    sites.cut();
    let cut = Instant::now();
    let mut rounds = 0;
    while cut.elapsed() < OUTAGE || rounds < 4 {
        rounds += 1;
        for school in [&ash, &beech, &cedar] {
            share(school, &format!("Round {rounds}"));
            entries += 1;
        }
        if with_damson {
            share(&damson, &format!("Round {rounds}"));
            entries += 1;
        }
        match rounds {
            // What it has acknowledged is there when it is started again.
            1 | 4.. => {
                share(&elder, &format!("Round {rounds}"));
                entries += 1;
                if rounds == 1 {
                    elder.kill();
                }
            }
            3 => elder.start(),
            _ => {}
        }
        sleep(Duration::from_secs(4));
    }
    // Entries of the future are held aside, however many.
    assert_eq!(held(&damson).aside > 0, with_damson, "{:?}", held(&damson));
    let apart = [held(&ash), held(&cedar)];
    assert_ne!(apart[0].digest, apart[1].digest, "the line was never down");

    sites.mend();
    damson.stop();
    damson.set_clock(None);
    damson.start();
    let schools = [&ash, &beech, &cedar, &damson, &elder];
    let healed = hold_the_same(&schools, entries, HEALED_WITHIN);
    println!("clock {clock}: {entries} entries, the same on all five {healed:?} after healing");
    // And they are a group as before.
    for school in schools {
        share(school, "Afterwards");
    }
    hold_the_same(&schools, entries + 5, HEALED_WITHIN);
}

/// A node whose clock is behind takes what the others publish for entries of the future and holds
/// them aside, until its clock is put right; what it publishes itself is in the past for the others,
/// who take it at once.
#[test]
fn a_cut_line_a_killed_node_and_a_clock_that_is_a_day_behind_heal() {
    fail_and_heal("-1d", true);
}

/// What a node publishes while its clock is ahead would be held aside by all others until that day
/// comes, so it publishes nothing then; it takes in what the others publish.
#[test]
fn a_cut_line_a_killed_node_and_a_clock_that_is_a_day_ahead_heal() {
    fail_and_heal("+1d", false);
}
