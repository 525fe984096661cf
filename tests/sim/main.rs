//! Runs networks of schools from seeds, and says which seeds find a violation.

use std::collections::BTreeSet;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::Parser;
use staffroom_protocol::sim::{Fault, Options, Summary, Violation, run};

/// Run networks of schools in one process, with faults, each from one seed
#[derive(Debug, Parser)]
struct Sim {
    /// Run this seed and say what happened
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run these seeds, as in 0..1000, on all cores
    #[arg(long, value_parser = seeds)]
    seeds: Option<Range<u64>>,
    /// How many schools; the seed chooses from 3 to 200 otherwise
    #[arg(long)]
    schools: Option<usize>,
    /// For how many days they act before everything is mended
    #[arg(long, default_value_t = Options::default().days)]
    days: f64,
    /// What goes wrong: all of it unless named here, or none
    #[arg(long, value_delimiter = ',', value_parser = fault)]
    faults: Option<Vec<Option<Fault>>>,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let ends =
        text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    ends.filter(|seeds: &Range<u64>| !seeds.is_empty())
        .ok_or_else(|| "write the first seed and the end, as in 0..1000".into())
}

fn fault(text: &str) -> Result<Option<Fault>, String> {
    if text == "none" {
        return Ok(None);
    }
    let found = Fault::ALL.into_iter().find(|fault| fault.name() == text);
    found.map(Some).ok_or_else(|| {
        let names: Vec<&str> = Fault::ALL.into_iter().map(Fault::name).collect();
        format!("there are: none, {}", names.join(", "))
    })
}

fn main() -> ExitCode {
    let sim = Sim::parse();
    let mut options = Options { schools: sim.schools, days: sim.days, ..Options::default() };
    if let Some(faults) = &sim.faults {
        options.faults = faults.iter().flatten().copied().collect::<BTreeSet<_>>();
    }
    let seeds = sim.seeds.clone().unwrap_or_else(|| {
        let seed = sim.seed.unwrap_or(0);
        seed..seed + 1
    });
    let started = Instant::now();
    let runs = run_all(seeds.clone(), &options);
    let seconds = started.elapsed().as_secs_f64();
    let mut failed = 0;
    for (seed, result) in &runs {
        match result {
            Ok(summary) if runs.len() == 1 => println!("seed {seed}: {summary}"),
            Ok(_) => {}
            Err(violation) => {
                failed += 1;
                println!("seed {seed}: {violation}");
                println!("    again: {} --seed {seed}", arguments(&sim));
            }
        }
    }
    let done: Vec<&Summary> = runs.iter().filter_map(|(_, result)| result.as_ref().ok()).collect();
    println!(
        "{} runs in {seconds:.1} s: {failed} with a violation; {} nodes at most, {} events, {} \
         publications acknowledged",
        runs.len(),
        done.iter().map(|one| one.nodes).max().unwrap_or(0),
        done.iter().map(|one| one.events).sum::<u64>(),
        done.iter().map(|one| one.acknowledged).sum::<usize>(),
    );
    if failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// The command line that runs a seed alone as it was run among others.
fn arguments(sim: &Sim) -> String {
    let mut words = vec!["cargo run --release -p staffroom-tests --bin sim --".to_owned()];
    words.extend(sim.schools.map(|schools| format!("--schools {schools}")));
    words.push(format!("--days {}", sim.days));
    if let Some(faults) = &sim.faults {
        let names: Vec<&str> =
            faults.iter().map(|fault| fault.map_or("none", Fault::name)).collect();
        words.push(format!("--faults {}", names.join(",")));
    }
    words.join(" ")
}

/// Runs seeds on all cores; the results are in the order of the seeds.
fn run_all(seeds: Range<u64>, options: &Options) -> Vec<(u64, Result<Summary, Violation>)> {
    let (next, runs) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let result = run(seed, options);
                    runs.lock().unwrap_or_else(PoisonError::into_inner).push((seed, result));
                }
            });
        }
    });
    let mut runs = runs.into_inner().unwrap_or_else(PoisonError::into_inner);
    runs.sort_by_key(|(seed, _)| *seed);
    runs
}
