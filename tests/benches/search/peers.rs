//! SQLite's FTS5 and Xapian over the same records and queries, in a program of their own.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde::Deserialize;
use staffroom_search::{Query, Sort};

use crate::{Line, documents, filled, line, percentile, timed};

/// The interpreters that are tried; the system's own is the one that the system's Xapian is for.
const INTERPRETERS: [&str; 2] = ["/usr/bin/python3", "python3"];

const PROGRAM: &str = include_str!("peers.py");

/// What the program says of one engine.
#[derive(Deserialize)]
struct Peer {
    name: String,
    /// Why it was left out.
    missing: Option<String>,
    /// Milliseconds of each query.
    times: Vec<f64>,
    /// The ten best of each query, as numbers of records.
    found: Vec<Vec<u64>>,
}

/// Times this index and the others over `records`, and compares what they find.
pub(crate) fn beside(records: u64, queries: u64, lines: &mut Vec<Line>) {
    let texts: Vec<String> = (0..queries).map(|number| documents::query(number, records)).collect();
    let (_folder, index) = filled(records, lines);
    let ask = |text: &str| {
        let query = Query {
            limit: 10,
            sort: Sort::Relevance,
            facets: std::collections::BTreeSet::new(),
            ..Query::new(text)
        };
        index.search(&query).expect("a query is answered").hits
    };
    let own = timed(&texts, |text| ask(text).len());
    lines.push(line(&format!("ten best of {records} with passages"), &own, String::new()));
    let own_found: Vec<Vec<u64>> = texts
        .iter()
        .map(|text| ask(text).iter().map(|hit| number_of(hit.key.record.as_bytes())).collect())
        .collect();

    let Some(peers) = INTERPRETERS.iter().find_map(|one| run(one, records, &texts)) else {
        eprintln!("left out: no Python runs the other engines (see the README beside)");
        return;
    };
    for peer in peers {
        if let Some(missing) = peer.missing {
            eprintln!("left out: {} ({missing}; see the README beside)", peer.name);
            continue;
        }
        let mut times = peer.times;
        times.sort_by(f64::total_cmp);
        let (p50, p99) = (percentile(&times, 50), percentile(&times, 99));
        let common: usize = own_found
            .iter()
            .zip(&peer.found)
            .map(|(own, theirs)| own.iter().filter(|one| theirs.contains(one)).count())
            .sum();
        let share = common as f64 / (10 * texts.len()) as f64;
        let note = format!(
            "this index is {:.0} and {:.0} × faster; {:.0} % of the ten best in common",
            p50 / percentile(&own, 50),
            p99 / percentile(&own, 99),
            share * 100.0
        );
        lines.push(line(&format!("{}, ten best of {records}", peer.name), &times, note));
    }
}

fn number_of(record: &[u8]) -> u64 {
    record.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
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
        writeln!(input, "{}", serde_json::json!(texts)).ok()?;
        for number in 0..records {
            let summary = documents::document(number).summary;
            writeln!(input, "{} {}", summary.title, summary.abstract_text).ok()?;
        }
        input.flush().ok()?;
    }
    let output = child.wait_with_output().ok()?;
    serde_json::from_slice(&output.stdout).ok()
}
