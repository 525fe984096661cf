//! The ceilings of a school's line: they hold, what is small passes them, and they can be lifted
//! while something is on its way.

use std::time::{Duration, Instant};

use serde_json::Value;
use staffroom_tests::School;

use crate::{intervention, keeps_nothing_for_others, running, school};

/// What may pass beyond the ceiling at once: a whole piece of a file, and what is never held up.
const BURST: u64 = 1_300_000;

/// Shares a record with a file of so many bytes, and returns its id.
fn share_file(by: &School, title: &str, bytes: usize) -> String {
    let content: Vec<u8> = (0..bytes).map(|at| (at * at % 251) as u8).collect();
    crate::share_file(by, title, "slides.bin", &content)
}

/// Fetches a record's file and says how long that took.
fn fetch(by: &School, id: &str, bytes: u64) -> Duration {
    let started = Instant::now();
    let folder = by.folder().join(id);
    by.done(&["get", id, "--out", folder.to_str().unwrap()]);
    let taken = started.elapsed();
    assert_eq!(std::fs::metadata(folder.join("slides.bin")).unwrap().len(), bytes);
    taken
}

/// What a node counts beneath all protocols, in one direction, while something goes on.
struct Counted(Vec<(Instant, u64)>);

impl Counted {
    fn during(of: &School, direction: &str, mut goes_on: impl FnMut() -> bool) -> Self {
        let agent = ureq::Agent::new_with_defaults();
        let mut counts = Vec::new();
        while goes_on() {
            let before = Instant::now();
            let status = of.api(&agent, "/status");
            counts.push((before, status["network"]["traffic"][direction].as_u64().unwrap()));
            std::thread::sleep(Duration::from_millis(200));
        }
        Self(counts)
    }

    /// That in no ten seconds more passed than the ceiling and one burst.
    fn stays_below(&self, bytes_a_second: u64, burst: u64) {
        for (index, (from, before)) in self.0.iter().enumerate() {
            for (until, after) in &self.0[index..] {
                let span = until.duration_since(*from);
                if span > Duration::from_secs(10) {
                    break;
                }
                // A count may be taken up to a moment after its time.
                let seconds = span.as_secs_f64() + 0.5;
                let most = (seconds * bytes_a_second as f64) as u64 + burst;
                assert!(after - before <= most, "{} bytes in {span:?}", after - before);
            }
        }
    }
}

fn line(of: &School, rate: &str, only: &[&str]) -> Value {
    of.json(&[&["line", "--within", rate, "--outside", rate], only].concat())
}

#[test]
fn a_ceiling_on_receiving_holds_while_small_records_arrive_and_is_lifted_at_once() {
    const FILE: usize = 7 * 1024 * 1024;
    let (ash, beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    let first = share_file(&ash, "Slides of paired reading", FILE);
    let second = share_file(&ash, "Slides of number talks", FILE + 1);
    beech.finds("slides", 2);

    line(&beech, "4 Mbit/s", &[]);
    let taken = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| fetch(&beech, &first, FILE as u64));
        let telling = scope.spawn(|| {
            std::thread::sleep(Duration::from_secs(3));
            let file = ash.write("small.md", intervention("Acorn", "Fluent readers."));
            ash.done(&["publish", file.to_str().unwrap()]);
            let told = Instant::now();
            beech.finds("acorn", 1);
            told.elapsed()
        });
        let counted = Counted::during(&beech, "received", || !fetching.is_finished());
        counted.stays_below(500_000, BURST);
        let told = telling.join().unwrap();
        assert!(told < Duration::from_secs(5), "a small record took {told:?}");
        fetching.join().unwrap()
    });
    let least = Duration::from_secs_f64((FILE as f64 - 1_100_000.0) / 500_000.0);
    assert!(taken > least, "{taken:?} under the ceiling");

    // A trickle, of which the second file would take four minutes, ends in the middle of it.
    line(&beech, "256 kbit/s", &[]);
    let freed = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| fetch(&beech, &second, FILE as u64 + 1));
        std::thread::sleep(Duration::from_secs(5));
        assert!(!fetching.is_finished(), "the trickle holds nothing back");
        let lifted = Instant::now();
        beech.done(&["line", "--off"]);
        fetching.join().unwrap();
        lifted.elapsed()
    });
    assert!(freed * 2 < taken, "{freed:?} without a ceiling, {taken:?} with one");
    println!("7 MiB took {taken:?} under 4 Mbit/s, and {freed:?} once the ceiling was lifted");
}

#[test]
fn a_ceiling_on_sending_holds_and_nobody_gives_up() {
    const FILE: usize = 1024 * 1024;
    let (mut ash, mut beech) = (school("Ash Primary"), school("Beech Primary"));
    for one in [&mut ash, &mut beech] {
        // A connection over QUIC lives as long as a stream on it is held.
        one.start_with(&["--http", "127.0.0.1:0", "--listen", "/ip4/127.0.0.1/udp/0/quic-v1"]);
    }
    ash.found("Fenland Trust", "trust", &[&beech]);
    keeps_nothing_for_others(&beech);
    line(&ash, "512 kbit/s", &["--only", "sending"]);
    let shown = ash.done(&["line"]);
    assert!(shown.contains("none") && shown.contains("512 kbit/s"), "{shown}");
    let status = ash.done(&["status"]);
    assert!(status.contains("receiving without a ceiling, sending at most 512 kbit/s"), "{status}");
    let id = share_file(&ash, "Slides of paired reading", FILE);
    beech.finds("slides", 1);
    let taken = std::thread::scope(|scope| {
        let fetching = scope.spawn(|| fetch(&beech, &id, FILE as u64));
        let counted = Counted::during(&ash, "sent", || !fetching.is_finished());
        counted.stays_below(64_000, BURST);
        fetching.join().unwrap()
    });
    // All but the first answer, of four seconds, waits.
    let least = Duration::from_secs_f64((FILE as f64 - 4.0 * 64_000.0) / 64_000.0);
    assert!(taken > least && taken < 3 * least, "{taken:?} under the ceiling");

    // A node that stops does not wait for an answer whose turn comes in some fifteen seconds: what
    // was sent last has to be made up for.
    line(&ash, "128 kbit/s", &["--only", "sending"]);
    let id = share_file(&ash, "Slides of number talks", FILE + 1);
    beech.finds("slides", 2);
    std::thread::scope(|scope| {
        let fetching = scope.spawn(|| beech.run(&["get", &id, "--out", "cut"]));
        std::thread::sleep(Duration::from_secs(2));
        let stopping = Instant::now();
        ash.stop();
        assert!(stopping.elapsed() < Duration::from_secs(6), "{:?}", stopping.elapsed());
        fetching.join().unwrap().error();
    });
    println!("1 MiB took {taken:?} under 512 kbit/s of the sending node");
}

#[test]
fn a_school_that_was_away_catches_up_over_a_trickle_and_answers_meanwhile() {
    const RECORDS: usize = 400;
    let (ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    ash.found("Fenland Trust", "trust", &[&beech]);
    let file = ash.write("first.md", intervention("Acorn", "Fluent readers."));
    ash.done(&["publish", file.to_str().unwrap()]);
    beech.finds("acorn", 1);
    line(&beech, "256 kbit/s", &[]);
    beech.stop();
    let agent = ureq::Agent::new_with_defaults();
    for number in 1..RECORDS {
        // No two are alike, so that no text is fetched once for many.
        let aim = format!("Fluent readers of book {number}. ").repeat(50);
        ash.share(
            &agent,
            &serde_json::json!({
                "kind": "resource", "type": "lesson plan", "licence": "CC-BY-4.0",
                "title": format!("Reading plan {number}"), "abstract": aim,
                "url": format!("https://example.org/{number}"),
            }),
        );
    }
    let group = ash.json(&["status"])["groups"][0]["id"].as_str().unwrap().to_owned();

    beech.start();
    let started = Instant::now();
    let mut slowest_answer = Duration::ZERO;
    let counted = Counted::during(&beech, "received", || {
        let asked = Instant::now();
        ash.api(&agent, &format!("/groups/{group}/holdings"));
        slowest_answer = slowest_answer.max(asked.elapsed());
        assert!(started.elapsed() < Duration::from_secs(120), "it does not catch up");
        let held = beech.api(&agent, "/status")["groups"][0].clone();
        held["entries"] != RECORDS || held["bodies_missing"] != 0
    });
    let taken = started.elapsed();
    // Answers are of four seconds at most: one of entries and one of texts.
    let burst = 2 * 4 * 32_000 + 100_000;
    counted.stays_below(32_000, burst);
    let received = counted.0.last().unwrap().1;
    assert!(received > 3 * burst, "too little to tell: {received} bytes");
    assert!(taken.as_secs_f64() > (received - burst) as f64 / 32_000.0, "{taken:?}");
    assert!(slowest_answer < Duration::from_secs(2), "a small question took {slowest_answer:?}");
    println!(
        "{RECORDS} records, {received} bytes, came in {taken:?} under 256 kbit/s; a small question \
         took {slowest_answer:?} at most"
    );
}

#[test]
fn the_line_is_set_with_and_without_a_running_node_and_wrong_words_are_named() {
    let mut ash = running("Ash Primary");
    assert!(ash.done(&["line"]).contains("There is no ceiling"));
    assert!(!ash.done(&["status"]).contains("ceiling"));
    ash.done(&["line", "--within", "2 Mbit/s", "--days", "Mon-Thu", "--hours", "07:45-18:00"]);
    ash.stop();
    let shown = ash.done(&["line"]);
    for said in ["Mon-Thu 07:45-18:00 (Europe/London)", "2 Mbit/s", "The node is not running"] {
        assert!(shown.contains(said), "{said}: {shown}");
    }
    ash.done(&["line", "--zone", "Atlantic/Azores"]);
    ash.start();
    let set = ash.json(&["line"])["in_force"]["settings"].clone();
    assert_eq!(set["schedule"]["zone"], "Atlantic/Azores");
    assert_eq!(set["within"]["receiving"], "2 Mbit/s");
    assert_eq!(set["outside"]["sending"], "none");
    for (option, value, said) in [
        ("--hours", "08:75-16:00", "08:75 is not a time of day; write hours and minutes"),
        ("--days", "Mon-Fry", "\"Fry\" is not a day of the week"),
        ("--zone", "Lundon", "\"Lundon\" is not a time zone"),
        ("--within", "2 MB", "\"2 MB\" is not a rate"),
        ("--within", "9 kbit/s", "9 kbit/s is too little; the least is 64 kbit/s"),
    ] {
        let refused = ash.run(&["line", option, value]);
        assert_eq!(refused.code, Some(2), "{refused:?}");
        assert!(refused.errors.contains(said), "{refused:?}");
    }
    let refused = ash.run(&["line", "--only", "sending"]).error();
    assert!(refused.contains("--only says which direction"), "{refused}");
    ash.done(&["line", "--off"]);
    assert!(ash.done(&["line"]).contains("There is no ceiling"));
}
