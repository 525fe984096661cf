//! SQLite's FTS5 and Xapian over the same records and queries, in a program of their own.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use staffroom_search::{Document, Facet, Index, Query, Sort};
use staffroom_tests::documents;

use crate::{Line, filled, line, page, percentile, timed};

/// The interpreters that are tried; the system's own is the one that the system's Xapian is for.
const INTERPRETERS: [&str; 2] = ["/usr/bin/python3", "python3"];

const PROGRAM: &str = include_str!("peers.py");

/// What the program says of one engine.
#[derive(Deserialize)]
struct Peer {
    name: String,
    /// Why it was left out.
    missing: Option<String>,
    /// The ten best alone.
    #[serde(default)]
    best: Asked,
    /// The same with all counts, of as many of the queries as it was asked.
    #[serde(default)]
    page: Asked,
}

/// What came of asking all queries.
#[derive(Deserialize, Default)]
struct Asked {
    /// Milliseconds of each query.
    times: Vec<f64>,
    /// The ten best of each query, as numbers of records.
    found: Vec<Vec<u64>>,
}

/// Times this index and the others over `records`, and compares what they find.
pub(crate) fn beside(records: u64, queries: u64, lines: &mut Vec<Line>) {
    let texts: Vec<String> = (0..queries).map(|number| documents::query(number, records)).collect();
    let (_folder, index) = filled(records, lines);
    let best = |text: &str| Query {
        limit: 10,
        sort: Sort::Relevance,
        facets: BTreeSet::new(),
        ..Query::new(text)
    };
    let best = Own::of(&index, &texts, best);
    lines.push(line(&format!("ten best of {records} with passages"), &best.times, String::new()));
    let whole = Own::of(&index, &texts, |text| page(text.to_owned()));
    lines.push(line(&format!("a whole page of {records}"), &whole.times, String::new()));

    let Some(peers) = INTERPRETERS.iter().find_map(|one| run(one, records, &texts)) else {
        eprintln!("left out: no Python runs the other engines (see the README beside)");
        return;
    };
    for Peer { name, missing, best: their_best, page: their_page } in peers {
        if let Some(missing) = missing {
            eprintln!("left out: {name} ({missing}; see the README beside)");
            continue;
        }
        let what = format!("{name}, ten best of {records}");
        lines.push(best.beside(their_best, what));
        let what = format!("{name}, the same with all counts");
        lines.push(whole.beside(their_page, what));
    }
}

/// What this index took and found.
struct Own {
    /// Milliseconds, in rising order.
    times: Vec<f64>,
    found: Vec<Vec<u64>>,
}

impl Own {
    fn of(index: &Index, texts: &[String], query: impl Fn(&str) -> Query) -> Self {
        let ask = |text: &str| index.search(&query(text)).expect("a query is answered").hits;
        let times = timed(texts, |text| ask(text).len());
        let number = |record: &[u8]| record.first_chunk().map_or(0, |it| u64::from_be_bytes(*it));
        let numbers =
            |text: &String| ask(text).iter().map(|hit| number(hit.key.record.as_bytes())).collect();
        Self { times, found: texts.iter().map(numbers).collect() }
    }

    fn beside(&self, Asked { mut times, found }: Asked, what: String) -> Line {
        times.sort_by(f64::total_cmp);
        let faster = |percent| percentile(&times, percent) / percentile(&self.times, percent);
        let common = |(own, theirs): (&Vec<u64>, &Vec<u64>)| {
            own.iter().filter(|one| theirs.contains(one)).count()
        };
        let common: usize = self.found.iter().zip(&found).map(common).sum();
        let note = format!(
            "this index is {:.1} and {:.1} × as fast; {:.0} % of the ten best in common",
            faster(50),
            faster(99),
            common as f64 / (10 * found.len()) as f64 * 100.0
        );
        line(&what, &times, note)
    }
}

/// The document as the program takes it.
fn written(document: &Document) -> Value {
    let mut values = Vec::new();
    for (dimension, facet) in Facet::ALL.iter().enumerate() {
        for (place, value) in facet.values(document).into_iter().enumerate() {
            values.push(json!([dimension, place, value]));
        }
    }
    let summary = &document.summary;
    json!([format!("{} {}", summary.title, summary.abstract_text), values])
}

fn run(interpreter: &str, records: u64, texts: &[String]) -> Option<Vec<Peer>> {
    let folder = tempfile::tempdir().ok()?;
    let program = folder.path().join("peers.py");
    std::fs::write(&program, PROGRAM).ok()?;
    let mut child = Command::new(interpreter)
        .arg(&program)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .ok()?;
    {
        let mut input = std::io::BufWriter::new(child.stdin.take()?);
        writeln!(input, "{}", json!(texts)).ok()?;
        for number in 0..records {
            writeln!(input, "{}", written(&documents::document(number))).ok()?;
        }
        input.flush().ok()?;
    }
    let output = child.wait_with_output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}
