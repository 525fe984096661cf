//! Files from one school to another, beside rsync, Syncthing, and a plain copy over TCP onto the same
//! disk: see the README beside.
//!
//! `cargo bench -p staffroom-tests --bench blobs [-- --sets large,middle,small,senders --json]`

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

mod floor;
mod process;
mod rsync;
mod staffroom;
mod syncthing;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use staffroom_tests::noise;

const MEBIBYTE: u64 = 1024 * 1024;

/// The files of one run.
#[derive(Debug, Clone, Copy)]
struct Set {
    name: &'static str,
    about: &'static str,
    count: u64,
    size: u64,
}

const SETS: [Set; 3] = [
    Set { name: "large", about: "1 file of 1 GiB", count: 1, size: 1024 * MEBIBYTE },
    Set { name: "middle", about: "1,000 files of 1 MiB", count: 1_000, size: MEBIBYTE },
    Set { name: "small", about: "10,000 files of 10 KiB", count: 10_000, size: 10 * 1024 },
];

/// What sending a set took.
#[derive(Debug, Clone, Copy, Default)]
struct Taken {
    /// Until everything was on the receiver's disk for good.
    seconds: f64,
    /// Until the receiver had the first byte.
    first_byte: f64,
    /// Of both processes.
    core_seconds: f64,
    /// The most memory of the sender and of the receiver, in bytes; none where both are one process.
    peak: Option<[u64; 2]>,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let chosen = arguments.iter().position(|argument| argument == "--sets");
    let chosen = chosen.map_or("large,middle,small,senders", |place| arguments[place + 1].as_str());
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let mut lines: Vec<Value> = Vec::new();
    for set in SETS.iter().filter(|set| chosen.split(',').any(|name| name == set.name)) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let from = folder.path().join("from");
        write_files(set, &from);
        if !is_json {
            println!("{}\n{HEAD}", set.about);
        }
        let runs: [(&str, &dyn Fn() -> Option<Taken>); 4] = [
            ("a plain copy over TCP, with fsync", &|| Some(floor::copy(set, &from))),
            ("Staffroom", &|| Some(staffroom::send(set, &from))),
            ("rsync, with --fsync", &|| rsync::send(set, &from)),
            ("Syncthing", &|| syncthing::send(set, &from)),
        ];
        let mut floor = None;
        for (name, run) in runs {
            settle();
            let Some(taken) = run() else {
                eprintln!("left out: {name} is not installed (see the README beside)");
                continue;
            };
            let floor = *floor.get_or_insert(taken.seconds);
            lines.push(json!({
                "set": set.about, "what": name, "seconds": taken.seconds,
                "megabytes_a_second": megabytes(set) / taken.seconds,
                "of_the_plain_copy": floor / taken.seconds, "first_byte_seconds": taken.first_byte,
                "core_seconds": taken.core_seconds, "peak_bytes": taken.peak,
            }));
            if !is_json {
                println!("{}", row(set, name, &taken, floor));
            }
        }
    }
    if chosen.split(',').any(|name| name == "senders") {
        let rate = staffroom::from_three_senders();
        lines.push(json!({ "set": "three senders of 20 MB/s", "megabytes_a_second": rate }));
        if !is_json {
            println!(
                "one file of 256 MiB from three schools that send 20 MB/s each: {rate:.1} MB/s"
            );
        }
    }
    if is_json {
        println!("{}", Value::Array(lines));
    }
}

const HEAD: &str =
    "                                        s     MB/s  of plain  first byte  core s  most memory";

fn row(set: &Set, name: &str, taken: &Taken, floor: f64) -> String {
    let memory = taken.peak.map_or("-".to_owned(), |[sender, receiver]| {
        format!("{} + {} MiB", sender / MEBIBYTE, receiver / MEBIBYTE)
    });
    format!(
        "  {name:<34}{:>6.2} {:>8.1} {:>8.2}× {:>8.1} ms {:>7.2}  {memory}",
        taken.seconds,
        megabytes(set) / taken.seconds,
        floor / taken.seconds,
        taken.first_byte * 1000.0,
        taken.core_seconds,
    )
}

fn megabytes(set: &Set) -> f64 {
    (set.count * set.size) as f64 / 1e6
}

/// Lets the disk finish what was written before.
fn settle() {
    drop(std::process::Command::new("sync").status());
}

fn write_files(set: &Set, folder: &Path) {
    fs::create_dir_all(folder).expect("a temporary folder takes files");
    let size = usize::try_from(set.size).expect("it fits");
    for number in 0..set.count {
        fs::write(name_of(folder, number), noise(number, size))
            .expect("a temporary folder takes files");
    }
}

fn name_of(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("file-{number:05}.bin"))
}

/// Runs `work`, and says how long it took and how long it was until a file under `folder` had a byte.
fn timed(folder: &Path, work: impl FnOnce()) -> (f64, f64) {
    let (started, ended) = (Instant::now(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| {
            while !ended.load(Ordering::Acquire) && !has_a_byte(folder) {
                std::thread::sleep(Duration::from_micros(500));
            }
            started.elapsed().as_secs_f64()
        });
        work();
        let seconds = started.elapsed().as_secs_f64();
        ended.store(true, Ordering::Release);
        (seconds, first.join().expect("looking at a folder does not fail").min(seconds))
    })
}

fn has_a_byte(folder: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let Ok(items) = fs::read_dir(folder) else { return false };
    items.flatten().any(|item| match item.metadata() {
        Ok(about) if about.is_dir() => has_a_byte(&item.path()),
        Ok(about) => about.len() > 0 && about.blocks() > 0,
        Err(_) => false,
    })
}
