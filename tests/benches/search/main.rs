//! A whole page of results beside the engine's bare ten best, SQLite and Xapian, and what it costs
//! to fill the index.
//!
//! `cargo bench -p staffroom-tests --bench search [-- --records N --peers N --queries N --json]`

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

mod bare;
mod peers;
mod publishing;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_search::{Change, Facet, Filters, Index, Query, ReaderContext, Sort};
use staffroom_tests::documents;

use bare::Bare;

/// The node's.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Summaries that a national network of ten years holds.
const RECORDS: u64 = 1_200_000;

/// Records beside the other engines, which take long to fill.
const PEER_RECORDS: u64 = 200_000;

const QUERIES: u64 = 1_000;

/// Queries that are typed letter by letter.
const KEYSTROKES: usize = 50;

/// Records that are applied at once, as the node does.
const BATCH: u64 = 1_000;

/// Records between two commits while the index is being filled.
const COMMIT_EVERY: u64 = 100_000;

/// A line of the table.
struct Line {
    what: String,
    p50: f64,
    p99: f64,
    unit: &'static str,
    note: String,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |name: &str, default| {
        let place = arguments.iter().position(|argument| argument == name);
        place.map_or(default, |place| {
            let given = arguments.get(place + 1).and_then(|value| value.parse().ok());
            given.expect("an option of this benchmark takes a whole number")
        })
    };
    let (records, peer_records) = (number("--records", RECORDS), number("--peers", PEER_RECORDS));
    let queries = number("--queries", QUERIES);

    let mut lines = Vec::new();
    pages(records, queries, &mut lines);
    publishing::while_others_arrive(&mut lines);
    if peer_records > 0 {
        peers::beside(peer_records, queries.min(200), &mut lines);
    }
    if arguments.iter().any(|argument| argument == "--json") {
        let lines: Vec<Value> = lines
            .iter()
            .map(|Line { what, p50, p99, unit, note }| {
                json!({ "what": what, "p50": p50, "p99": p99, "unit": unit, "note": note })
            })
            .collect();
        println!("{}", json!({ "records": records, "lines": lines }));
    } else {
        println!("{}", table(records, &lines));
    }
}

fn table(records: u64, lines: &[Line]) -> String {
    let mut text = format!("{records} records, warm\n{:<52} {:>9} {:>9}\n", "", "p50", "p99");
    for Line { what, p50, p99, unit, note } in lines {
        writeln!(text, "{what:<52} {p50:>9.2} {p99:>9.2} {unit:<4} {note}")
            .expect("a string takes all text");
    }
    text
}

/// Fills an index with records and says how fast, and how much memory the process took at most.
fn filled(records: u64, lines: &mut Vec<Line>) -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().expect("there is room on the disk");
    let index = Index::open(folder.path(), [1; 16]).expect("an empty folder can be used").index;
    let mut took = Duration::ZERO;
    let mut own_memory = 0;
    for first in (0..records).step_by(BATCH as usize) {
        let batch: Vec<Change> = (first..records.min(first + BATCH))
            .map(|number| Change::Put(Box::new(documents::document(number))))
            .collect();
        let started = Instant::now();
        index.apply(batch).expect("records are taken");
        if first % COMMIT_EVERY == 0 {
            index.commit(0).expect("records are written");
        }
        took += started.elapsed();
        own_memory = own_memory.max(megabytes("RssAnon:"));
    }
    let started = Instant::now();
    index.commit(1).expect("records are written");
    took += started.elapsed();
    let rate = records as f64 / took.as_secs_f64();
    lines.push(Line {
        what: format!("filling an index of {records}"),
        p50: rate,
        p99: rate,
        unit: "/s",
        note: format!(
            "peak memory {} MB; {own_memory} MB without mapped files",
            megabytes("VmHWM:")
        ),
    });
    (folder, index)
}

/// What the system says of this process's memory.
fn megabytes(name: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1_024
}

fn page(text: String) -> Query {
    Query {
        filters: Filters::default().within((0..6).map(documents::group)),
        limit: 10,
        reader: Some(ReaderContext {
            today: Some(jiff::civil::date(2026, 1, 1)),
            phase: Some("primary".to_owned()),
            key_stages: vec!["stage 2".to_owned()],
            pupil_groups: vec!["pupils 3".to_owned()],
        }),
        ..Query::new(text)
    }
}

fn pages(records: u64, queries: u64, lines: &mut Vec<Line>) {
    let (_folder, index) = filled(records, lines);
    let bare = Bare::filled(records);
    let texts: Vec<String> = (0..queries).map(|number| documents::query(number, records)).collect();

    let mut matched = Vec::new();
    let bare_times = timed(&texts, |text| bare.ten_best(text).len());
    let whole = timed(&texts, |text| {
        let results = index.search(&page(text.to_owned())).expect("a query is answered");
        matched.push(results.total as f64);
        results.hits.len()
    });
    let narrowed = timed(&texts, |text| {
        let mut query = page(text.to_owned());
        query.filters.accept(Facet::Subject, "subject 3");
        query.filters.accept(Facet::Subject, "subject 4");
        query.filters.accept(Facet::KeyStage, "stage 2");
        index.search(&query).expect("a query is answered").hits.len()
    });
    let misspelled: Vec<String> = (0..).zip(&texts).map(|(n, text)| misspelled(n, text)).collect();
    let mut corrected = 0;
    let typo = timed(&misspelled, |text| {
        let results = index.search(&page(text.to_owned())).expect("a query is answered");
        corrected += usize::from(results.did_you_mean.is_some());
        results.hits.len()
    });
    let typed: Vec<String> =
        texts.iter().take(KEYSTROKES).flat_map(|text| keystrokes(text)).collect();
    let groups = Filters::default().within((0..6).map(documents::group));
    let suggested = timed(&typed, |text| {
        index.suggest(text, &groups, 8).expect("a text has suggestions").len()
    });
    let relevance = timed(&texts, |text| {
        let query = Query { sort: Sort::Relevance, ..page(text.to_owned()) };
        index.search(&query).expect("a query is answered").hits.len()
    });
    matched.sort_by(f64::total_cmp);
    let (bare_p50, bare_p99) = (percentile(&bare_times, 50), percentile(&bare_times, 99));
    let ratio = |times: &[f64]| {
        format!(
            "{:.1} and {:.1} × the engine's bare ten best",
            percentile(times, 50) / bare_p50,
            percentile(times, 99) / bare_p99
        )
    };
    lines.push(line("the engine's bare ten best, one thread", &bare_times, String::new()));
    let note = format!("{}; {:.0} records match", ratio(&whole), percentile(&matched, 50));
    lines.push(line("a whole page: what worked, count, facets, passages", &whole, note));
    lines.push(line("the same, narrowed in two dimensions", &narrowed, ratio(&narrowed)));
    lines.push(line("the same, by relevance alone", &relevance, ratio(&relevance)));
    let note = format!("{} of {} were put right", corrected / 2, misspelled.len());
    lines.push(line("a whole page, with a typo in one word", &typo, note));
    let note = format!("{} keystrokes", typed.len());
    lines.push(line("suggestions after each keystroke", &suggested, note));
    let keys: Vec<String> = (0..queries).map(|number| number.to_string()).collect();
    let similar = timed(&keys, |number| {
        let number: u64 = number.parse().expect("it is a number");
        let key = documents::document(number * (records / queries)).key;
        index.more_like([key], &groups, 5).expect("a record is compared").len()
    });
    lines.push(line("records that are similar to one", &similar, String::new()));
    for put in [40, 5_000] {
        let times = saved(&index, &texts, records..records + put);
        lines.push(line(
            &format!("a saved search, when {put} records were put"),
            &times,
            String::new(),
        ));
    }
}

/// What each text costs as a saved search when records are committed.
fn saved(index: &Index, texts: &[String], numbers: std::ops::Range<u64>) -> Vec<f64> {
    let put: Vec<_> = numbers.map(documents::document).collect();
    let keys = put.iter().map(|document| document.key).collect();
    let before = index.snapshot();
    index.apply(put.into_iter().map(|one| Change::Put(Box::new(one)))).expect("records are taken");
    index.commit(2).expect("records are written");
    timed(texts, |text| {
        let news = index.news(&page(text.to_owned()), &keys, Some(&before));
        // Among few records there may be none for any query.
        news.expect("a query is answered").len() + 1
    })
}

/// The text with two letters of its longest word changed over.
fn misspelled(number: usize, text: &str) -> String {
    let Some(longest) = text.split(' ').max_by_key(|word| word.len()) else { return text.into() };
    let at = 1 + number % (longest.len() - 2);
    let mut letters: Vec<char> = longest.chars().collect();
    if letters[at] == letters[at + 1] {
        letters.remove(at);
    } else {
        letters.swap(at, at + 1);
    }
    text.replacen(longest, &letters.into_iter().collect::<String>(), 1)
}

/// What stands in the field after each keystroke.
fn keystrokes(text: &str) -> impl Iterator<Item = String> {
    text.char_indices().map(|(at, letter)| text[..at + letter.len_utf8()].to_owned())
}

/// The milliseconds of each text once all have been asked for, in rising order.
fn timed(texts: &[String], mut ask: impl FnMut(&str) -> usize) -> Vec<f64> {
    for text in texts {
        ask(text);
    }
    let mut found = 0;
    let mut times: Vec<f64> = texts
        .iter()
        .map(|text| {
            let started = Instant::now();
            found += ask(text);
            started.elapsed().as_secs_f64() * 1_000.0
        })
        .collect();
    assert!(found > 0, "no query found anything");
    times.sort_by(f64::total_cmp);
    times
}

fn percentile(rising: &[f64], percent: usize) -> f64 {
    rising.get((rising.len() * percent / 100).min(rising.len() - 1)).copied().unwrap_or(f64::NAN)
}

fn line(what: &str, rising: &[f64], note: String) -> Line {
    Line {
        what: what.to_owned(),
        p50: percentile(rising, 50),
        p99: percentile(rising, 99),
        unit: "ms",
        note,
    }
}
