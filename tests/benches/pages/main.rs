//! How long the pages take at a school that holds many records, what they weigh, and how they hold when
//! many people search at once: see the README beside.
//!
//! `cargo bench -p staffroom-tests --bench pages [-- --records N --reports N --people N --json]`

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

mod crowd;
mod filled;

use std::time::Instant;

use serde_json::{Value, json};
use staffroom_tests::{School, documents};
use ureq::http::header;

/// Records of a large trust after some years.
const RECORDS: u64 = 100_000;

/// Schools that took up one intervention and reported on it.
const REPORTS: u64 = 50;

/// People who search at once.
const PEOPLE: u64 = 200;

/// What a staff room asks that was just told of something: each question by four people at a time.
const QUESTIONS: u64 = 50;

/// Requests that are timed for each page.
const TIMED: u64 = 400;

/// A person's browser: pages come compressed, over a connection that stays open.
struct Person {
    agent: ureq::Agent,
    address: String,
    cookie: String,
}

impl Person {
    fn at(school: &School) -> Self {
        let browser = school.browser();
        let cookie = browser.cookie.clone().expect("somebody is signed in");
        Self { agent: ureq::Agent::new_with_defaults(), address: browser.origin, cookie }
    }

    /// Opens a page; returns the bytes that came for it.
    fn open(&self, path: &str) -> Result<usize, ureq::Error> {
        let request = self
            .agent
            .get(format!("{}{path}", self.address))
            .header(header::COOKIE, &self.cookie)
            .header(header::ACCEPT_ENCODING, "gzip");
        Ok(request.call()?.body_mut().read_to_vec()?.len())
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, otherwise: u64| {
        let place = arguments.iter().position(|argument| argument == name);
        place.map_or(otherwise, |place| arguments[place + 1].parse().expect("a number"))
    };
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let (records, reports) = (number("--records", RECORDS), number("--reports", REPORTS));
    let started = Instant::now();
    let mut school = filled::school(records, reports);
    if !is_json {
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{records} records and {reports} reports on one of them, there after {seconds:.0} s"
        );
        println!("milliseconds from asking to the last byte, over a connection that stays open\n");
        println!("{:<44}{:>8}{:>8}{:>8}{:>12}", "page", "p50", "p99", "most", "bytes");
    }
    let person = Person::at(&school.0);
    let tried = format!("/records/{}", school.1);
    let fixed = |path: &'static str| move |_: u64| path.to_owned();
    let pages: [(&str, &dyn Fn(u64) -> String); 8] = [
        ("search, three to five words", &|number| search(number, records)),
        ("search, by date alone", &fixed("/search?sort=newest")),
        ("the intervention that the schools tried", &|_| tried.clone()),
        ("home", &fixed("/")),
        ("resources", &fixed("/resources")),
        ("framework", &fixed("/framework")),
        ("network", &fixed("/network")),
        ("style sheet", &fixed("/style.css")),
    ];
    let mut lines = Vec::new();
    for (what, path) in pages {
        // Once before, so that what is read from the disk is there.
        person.open(&path(0)).expect("the page is there");
        let mut most_bytes = 0;
        let times = (1..=TIMED).map(|number| {
            let path = path(number);
            let started = Instant::now();
            let bytes = person.open(&path).expect("the page is there");
            most_bytes = most_bytes.max(bytes);
            started.elapsed().as_secs_f64() * 1_000.0
        });
        let times = sorted(times.collect());
        let [half, most_of, most] = [0.5, 0.99, 1.0].map(|share| percentile(&times, share));
        if !is_json {
            println!("{what:<44}{half:>8.2}{most_of:>8.2}{most:>8.2}{most_bytes:>12}");
        }
        lines.push(json!({
            "page": what, "p50_ms": half, "p99_ms": most_of, "most_ms": most, "bytes": most_bytes,
        }));
    }
    let people = number("--people", PEOPLE);
    for questions in [None, Some(QUESTIONS)] {
        let crowd = crowd::searches(&school.0, people, records, questions);
        if !is_json {
            println!("\n{crowd}");
        }
        lines.push(crowd.report());
    }
    school.0.stop();
    if is_json {
        println!("{}", Value::Array(lines));
    }
}

/// The address of a search, as the form of the search page makes it.
fn search(number: u64, records: u64) -> String {
    let words = documents::query(number, records).replace(' ', "+");
    format!("/search?q={words}")
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

/// The time below which this share of all times is.
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}
