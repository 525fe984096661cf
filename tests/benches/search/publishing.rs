//! How soon a node finds what its own school publishes, while others' records come in.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_tests::{School, documents};

use crate::{Line, line};

/// Records that come in a second.
const RATE: u64 = 100;

/// Records whose way into the index is timed.
const TIMED: u64 = 200;

/// The pause before each of these.
const PAUSE: Duration = Duration::from_millis(100);

/// Times a real node over its own socket.
pub(crate) fn while_others_arrive(lines: &mut Vec<Line>) {
    let mut school = School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), "Ash Primary");
    school.start();
    school.found("The network", "trust", &[]);
    let (ends, arrived) = (AtomicBool::new(false), AtomicU64::new(0));
    let started = Instant::now();
    let mut times = std::thread::scope(|scope| {
        scope.spawn(|| {
            let agent = ureq::Agent::new_with_defaults();
            while !ends.load(Ordering::Relaxed) {
                let number = arrived.fetch_add(1, Ordering::Relaxed);
                school.share(&agent, &record(number, ""));
                let due = started + Duration::from_micros(1_000_000 / RATE * (number + 1));
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
            }
        });
        let agent = ureq::Agent::new_with_defaults();
        let times: Vec<f64> = (0..TIMED)
            .map(|number| {
                std::thread::sleep(PAUSE);
                let mark = format!("zymurgy{number}x");
                let published = record(u64::MAX / 2 + number, &mark);
                let started = Instant::now();
                school.share(&agent, &published);
                while school.api(&agent, &format!("/search?q={mark}"))["total"] != 1 {
                    assert!(started.elapsed() < Duration::from_secs(30), "{mark} was not found");
                }
                started.elapsed().as_secs_f64() * 1_000.0
            })
            .collect();
        ends.store(true, Ordering::Relaxed);
        times
    });
    let rate = arrived.load(Ordering::Relaxed) as f64 / started.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    let note = format!("while {rate:.0} records a second arrive");
    lines.push(line("published to found on the own node", &times, note));
}

fn record(number: u64, mark: &str) -> Value {
    let summary = documents::document(number).summary;
    json!({
        "kind": "resource",
        "type": "lesson plan",
        "licence": "CC-BY-4.0",
        "title": format!("{} {mark}", summary.title),
        "abstract": summary.abstract_text,
        "url": format!("https://example.org/{number}"),
    })
}
