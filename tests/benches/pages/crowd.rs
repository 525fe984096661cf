//! Many people who search at once, each as soon as the page before is there.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_tests::School;

use crate::{Person, percentile, search, sorted};

/// How long they go on.
const FOR: Duration = Duration::from_secs(20);

/// What they saw.
pub(crate) struct Crowd {
    people: u64,
    /// How many different questions they have; none where each asks something else each time.
    questions: Option<u64>,
    times: Vec<f64>,
    failed: usize,
    seconds: f64,
    /// Seconds of a core that the node used.
    core_seconds: f64,
}

/// Lets so many people search, each over a connection of their own, for as many `questions` as they have
/// between them.
pub(crate) fn searches(
    school: &School,
    people: u64,
    records: u64,
    questions: Option<u64>,
) -> Crowd {
    let first = Person::at(school);
    let before = school.core_seconds();
    let started = Instant::now();
    let seen: Vec<(Vec<f64>, usize)> = std::thread::scope(|scope| {
        let one = |person: u64| {
            let browser = Person {
                agent: ureq::Agent::new_with_defaults(),
                address: first.address.clone(),
                cookie: first.cookie.clone(),
            };
            let (mut times, mut failed) = (Vec::new(), 0);
            for number in 0.. {
                if started.elapsed() > FOR {
                    break;
                }
                let asked = person + number * people;
                let question = questions.map_or(asked, |questions| asked % questions);
                let path = search(question, records);
                let asked = Instant::now();
                match browser.open(&path) {
                    Ok(_) => times.push(asked.elapsed().as_secs_f64() * 1_000.0),
                    Err(_) => failed += 1,
                }
            }
            (times, failed)
        };
        let running: Vec<_> = (0..people).map(|person| scope.spawn(move || one(person))).collect();
        running.into_iter().map(|one| one.join().expect("a person's thread ends")).collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    let failed = seen.iter().map(|(_, failed)| failed).sum();
    let times = sorted(seen.into_iter().flat_map(|(times, _)| times).collect());
    Crowd {
        people,
        questions,
        times,
        failed,
        seconds,
        core_seconds: school.core_seconds() - before,
    }
}

impl Crowd {
    pub(crate) fn report(&self) -> Value {
        json!({
            "people": self.people,
            "questions": self.questions,
            "pages": self.times.len(),
            "failed": self.failed,
            "pages_a_second": self.times.len() as f64 / self.seconds,
            "p50_ms": percentile(&self.times, 0.5),
            "p99_ms": percentile(&self.times, 0.99),
            "core_ms_a_page": self.core_seconds * 1_000.0 / self.times.len() as f64,
        })
    }
}

impl fmt::Display for Crowd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { people, questions, times, failed, seconds, core_seconds } = self;
        let count = times.len();
        let asked = questions.map_or_else(
            || "for something else each time".to_owned(),
            |questions| format!("with {questions} questions between them"),
        );
        write!(
            formatter,
            "{people} people search at once, {asked}, for {seconds:.0} s: {:.0} pages a second, {:.0} ms half of \
             the time, {:.0} ms at the 99th percentile, {failed} failed; {:.2} ms of a core for a page",
            count as f64 / seconds,
            percentile(times, 0.5),
            percentile(times, 0.99),
            core_seconds * 1_000.0 / count as f64,
        )
    }
}
