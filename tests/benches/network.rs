//! Three schools with a node each, on this machine: how fast records come in, spread and are found.
//!
//! `cargo bench -p staffroom-tests --bench network [-- --records N --json]`
//!
//! Every figure stands beside one that the same machine gave in the same run, so that the ratio says
//! something on any machine.

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

use std::fmt::Write as _;
use std::fs::File;
use std::io::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_tests::School;

/// Records published one at a time, for the time from publish to found.
const PUBLISHED: usize = 200;

/// Searches on each of the other schools.
const SEARCHES: usize = 500;

/// Rows that the import shares with one sync of the disk.
const BATCH: usize = 500;

/// A line of the table: what, figure, unit, beside what, its figure, the ratio.
struct Line {
    what: &'static str,
    figure: f64,
    unit: &'static str,
    beside: &'static str,
    its_figure: f64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let records = arguments
        .iter()
        .position(|argument| argument == "--records")
        .map_or(5_000, |place| arguments[place + 1].parse().expect("--records takes a number"));
    let lines = measure(records);
    if arguments.iter().any(|argument| argument == "--json") {
        let lines: Vec<Value> = lines
            .iter()
            .map(|line| {
                json!({
                    "what": line.what, "figure": line.figure, "unit": line.unit,
                    "beside": line.beside, "its_figure": line.its_figure,
                    "ratio": line.figure / line.its_figure,
                })
            })
            .collect();
        println!("{}", json!({ "records": records, "lines": lines }));
    } else {
        println!("{}", table(records, &lines));
    }
}

fn table(records: usize, lines: &[Line]) -> String {
    let mut text = format!("{records} records, three nodes on loopback\n");
    for line in lines {
        let Line { what, figure, unit, beside, its_figure } = line;
        let ratio = figure / its_figure;
        writeln!(
            text,
            "{what:<42} {figure:>10.2} {unit:<10} {ratio:>8.2} × {beside} ({its_figure:.2})"
        )
        .expect("a string takes all text");
    }
    text
}

fn measure(count: usize) -> Vec<Line> {
    let set_up = |name| School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), name);
    let (mut ash, mut beech, mut cedar) =
        (set_up("Ash Primary"), set_up("Beech Primary"), set_up("Cedar Academy"));
    for school in [&mut ash, &mut beech, &mut cedar] {
        school.start();
    }
    ash.found("Fenland Trust", "trust", &[&beech, &cedar]);
    let empty_memory = beech.resident_bytes();

    let rows: Vec<String> = (0..count).map(|number| record(number).to_string()).collect();
    let bytes = rows.iter().map(|row| row.len() as u64).sum::<u64>();
    let file = ash.write("records.jsonl", rows.join("\n"));
    let report = ash.json(&["import", file.to_str().expect("a plain path")]);
    assert_eq!(report["shared"], count, "{report}");
    let seconds = report["seconds"].as_f64().expect("a number");
    let spread = report["members"].as_array().expect("members").iter();
    let spread = spread.map(|member| member["complete_after_seconds"].as_f64().expect("complete"));
    let spread = spread.fold(0.0, f64::max);
    let raw = appending(&ash, &rows);
    let sent = report["traffic"]["sent"].as_f64().expect("a number");

    let agent = ureq::Agent::new_with_defaults();
    let mut found = publish_and_find(&ash, &[&beech, &cedar], &agent);
    let (mut searches, mut plain) = (Vec::new(), Vec::new());
    for number in 0..SEARCHES {
        let query = format!("/search?q={}+{}&limit=10", word(number * 7), word(number * 13 + 5));
        for school in [&beech, &cedar] {
            searches.push(timed(|| school.api(&agent, &query)));
            plain.push(timed(|| school.api(&agent, "/groups")));
        }
    }
    let record_kib = bytes as f64 / 1024.0;
    let per = count as f64;
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    let sync = millis(raw) / (per / BATCH as f64).ceil();
    vec![
        Line {
            what: "import, stored on one node",
            figure: per / seconds,
            unit: "records/s",
            beside: "appending the rows, a sync a batch",
            its_figure: per / raw.as_secs_f64(),
        },
        Line {
            what: "import, found on all three",
            figure: per / spread,
            unit: "records/s",
            beside: "stored on one node",
            its_figure: per / seconds,
        },
        Line {
            what: "bytes sent to each other node",
            figure: sent / 2.0 / 1024.0,
            unit: "KiB",
            beside: "the rows",
            its_figure: record_kib,
        },
        Line {
            what: "publish to found elsewhere, median",
            figure: millis(quantile(&mut found, 0.5)),
            unit: "ms",
            beside: "appending a batch with a sync",
            its_figure: sync,
        },
        Line {
            what: "publish to found elsewhere, p99",
            figure: millis(quantile(&mut found, 0.99)),
            unit: "ms",
            beside: "median",
            its_figure: millis(quantile(&mut found, 0.5)),
        },
        Line {
            what: "search over HTTP, p50",
            figure: millis(quantile(&mut searches, 0.5)),
            unit: "ms",
            beside: "a request that searches nothing",
            its_figure: millis(quantile(&mut plain, 0.5)),
        },
        Line {
            what: "search over HTTP, p99",
            figure: millis(quantile(&mut searches, 0.99)),
            unit: "ms",
            beside: "a request that searches nothing",
            its_figure: millis(quantile(&mut plain, 0.99)),
        },
        Line {
            what: "resident memory of a node",
            figure: beech.resident_bytes() as f64 / 1_048_576.0,
            unit: "MiB",
            beside: "the same node without records",
            its_figure: empty_memory as f64 / 1_048_576.0,
        },
        Line {
            what: "disk of a node",
            figure: beech.disk_bytes("") as f64 / 1024.0,
            unit: "KiB",
            beside: "the rows",
            its_figure: record_kib,
        },
        Line {
            what: "  of that the journal",
            figure: beech.disk_bytes("journal") as f64 / 1024.0,
            unit: "KiB",
            beside: "the rows",
            its_figure: record_kib,
        },
        Line {
            what: "  of that the record store",
            figure: beech.disk_bytes("records") as f64 / 1024.0,
            unit: "KiB",
            beside: "the rows",
            its_figure: record_kib,
        },
        Line {
            what: "  of that the search index",
            figure: beech.disk_bytes("index") as f64 / 1024.0,
            unit: "KiB",
            beside: "the rows",
            its_figure: record_kib,
        },
    ]
}

/// The limit that the disk sets: the same rows appended to a file, with a sync a batch.
fn appending(school: &School, rows: &[String]) -> Duration {
    let mut file = File::create(school.folder().join("appended")).expect("a file");
    timed(|| {
        for batch in rows.chunks(BATCH) {
            file.write_all(batch.concat().as_bytes()).expect("the disk takes it");
            file.sync_data().expect("the disk takes it");
        }
    })
}

/// Publishes one record at a time and searches on the others until both find it.
fn publish_and_find(from: &School, others: &[&School], agent: &ureq::Agent) -> Vec<Duration> {
    let mut times = Vec::new();
    for number in 0..PUBLISHED {
        let mark = format!("zymurgy{number}x");
        let mut one = record(number);
        one["title"] = format!("A new record on {mark}").into();
        let started = Instant::now();
        from.share(agent, &one);
        let query = format!("/search?q={mark}");
        let mut waiting: Vec<&&School> = others.iter().collect();
        while !waiting.is_empty() {
            waiting.retain(|school| {
                let found = school.api(agent, &query)["total"] == 1;
                if found {
                    times.push(started.elapsed());
                }
                !found
            });
            assert!(started.elapsed() < Duration::from_secs(30), "{mark} was not found");
        }
    }
    times
}

fn timed<T>(work: impl FnOnce() -> T) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * share).round() as usize]
}

/// The word of this number: common ones come up far more often, as in any language.
fn word(number: usize) -> String {
    const PARTS: [&str; 20] = [
        "read", "num", "flu", "vo", "cab", "ten", "men", "tor", "phon", "gra", "spel", "lis",
        "wri", "mar", "tal", "que", "bel", "ros", "dia", "pel",
    ];
    let mixed = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let rank = 4_000.0_f64.powf((mixed >> 11) as f64 / (1_u64 << 53) as f64) as usize;
    format!("{}{}{}", PARTS[rank % 20], PARTS[rank / 20 % 20], PARTS[rank / 400 % 20])
}

/// A resource with an abstract of 120 words, as long as those of research articles.
fn record(number: usize) -> Value {
    let words = |start: usize, count: usize| -> String {
        (start..start + count).map(word).collect::<Vec<_>>().join(" ")
    };
    let start = number * 1_000;
    json!({
        "kind": "resource",
        "type": "lesson plan",
        "licence": "CC-BY-4.0",
        "title": format!("{} {number}", words(start, 9)),
        "abstract": words(start + 20, 120),
        "url": format!("https://example.org/{number}"),
    })
}
