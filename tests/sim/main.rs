//! Runs networks of schools from seeds, and says which seeds find a violation; or lets records spread
//! over networks of any size, and says how fast and at what cost.

use std::ops::Range;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use staffroom_protocol::sim::{Fault, KeepingOptions, Options, Spread, SpreadOptions, Summary};
use staffroom_protocol::sim::{Violation, keep, run, spread};

/// Run networks of schools in one process, with faults, each from one seed
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Sim {
    #[command(flatten)]
    runs: Runs,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Let records spread over networks of several sizes, and print how fast and at what cost
    Spread(SpreadArguments),
    /// Let a group keep its files while servers come and go, and print what that comes to
    Keeping(KeepingArguments),
}

#[derive(Debug, Args)]
struct KeepingArguments {
    /// How many members to begin with
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(50..=100_000))]
    nodes: u32,
    /// How many files they share
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    files: u32,
    /// For how many days
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(25..=365))]
    days: u64,
    /// Where chance comes from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

#[derive(Debug, Args)]
struct Runs {
    /// Run this seed and say what happened
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Run these seeds, as in 0..1000, on all cores
    #[arg(long, value_parser = seeds)]
    seeds: Option<Range<u64>>,
    /// How many schools; the seed chooses from 3 to 170 otherwise, mostly few
    #[arg(long)]
    schools: Option<usize>,
    /// For how many days they act before everything is mended
    #[arg(long, default_value_t = Options::default().days)]
    days: f64,
    /// What goes wrong, separated by commas: all of it unless named here
    #[arg(long, value_delimiter = ',', value_parser = faults(), conflicts_with = "aim")]
    faults: Option<Vec<Option<Fault>>>,
    /// Let this alone go wrong, with what it needs to come to anything, and all the more often
    #[arg(long, value_name = "FAULT", value_parser = fault())]
    aim: Option<Fault>,
}

#[derive(Debug, Args)]
struct SpreadArguments {
    /// How many schools, in one network each
    #[arg(long, value_delimiter = ',', default_values_t = [100, 200, 1_000, 5_000, 24_000])]
    sizes: Vec<usize>,
    /// How many records are published, one a second
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u8).range(1..=64))]
    records: u8,
    /// Which share of packets is lost, from 0 to 0.9
    #[arg(long, default_value_t = 0.0, value_parser = share)]
    loss: f64,
    /// Where chance comes from
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

fn seeds(text: &str) -> Result<Range<u64>, String> {
    let ends =
        text.split_once("..").and_then(|(first, end)| Some(first.parse().ok()?..end.parse().ok()?));
    ends.filter(|seeds: &Range<u64>| !seeds.is_empty())
        .ok_or_else(|| "write the first seed and the end, as in 0..1000".into())
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=0.9).contains(share));
    share.ok_or_else(|| "write a number from 0 to 0.9".into())
}

/// The faults by their names, or none.
fn faults() -> impl TypedValueParser<Value = Option<Fault>> {
    let none = PossibleValue::new("none").help("nothing goes wrong");
    let all = Fault::ALL.map(|fault| PossibleValue::new(fault.name()).help(fault.about()));
    PossibleValuesParser::new([none].into_iter().chain(all))
        .map(|name| Fault::ALL.into_iter().find(|fault| fault.name() == name))
}

fn fault() -> impl TypedValueParser<Value = Fault> {
    let all = Fault::ALL.map(|fault| PossibleValue::new(fault.name()).help(fault.about()));
    PossibleValuesParser::new(all).try_map(|name| {
        let found = Fault::ALL.into_iter().find(|fault| fault.name() == name);
        found.ok_or("there is no such fault")
    })
}

fn main() -> ExitCode {
    let sim = Sim::parse();
    let well = match &sim.command {
        Some(Command::Spread(arguments)) => spreads(arguments),
        Some(Command::Keeping(arguments)) => keeps(arguments),
        None => runs(&sim.runs),
    };
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs networks with faults; false where there was a violation.
fn runs(sim: &Runs) -> bool {
    let options = options(sim);
    let seeds = sim.seeds.clone().unwrap_or_else(|| {
        let seed = sim.seed.unwrap_or(0);
        seed..seed + 1
    });
    let started = Instant::now();
    let runs = run_all(seeds, &options);
    let seconds = started.elapsed().as_secs_f64();
    let mut failed = 0;
    for (seed, result) in &runs {
        match result {
            Ok(summary) if runs.len() == 1 => println!("seed {seed}: {summary}"),
            Ok(_) => {}
            Err(violation) => {
                failed += 1;
                println!("seed {seed}: {violation}");
                println!("    again: {} --seed {seed}", arguments(sim));
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
    failed == 0
}

fn options(sim: &Runs) -> Options {
    let mut options = match sim.aim {
        Some(fault) => Options::with(fault, fault.needs()),
        None => Options::default(),
    };
    if let Some(faults) = &sim.faults {
        options.faults = faults.iter().flatten().copied().collect();
    }
    Options { schools: sim.schools, days: sim.days, ..options }
}

/// The command line that runs a seed alone as it was run among others.
fn arguments(sim: &Runs) -> String {
    let name = |fault: &Option<Fault>| fault.map_or("none", Fault::name);
    let mut words = vec!["cargo run --release -p staffroom-tests --bin sim --".to_owned()];
    words.extend(sim.schools.map(|schools| format!("--schools {schools}")));
    words.push(format!("--days {}", sim.days));
    if let Some(faults) = &sim.faults {
        let names: Vec<&str> = faults.iter().map(name).collect();
        words.push(format!("--faults {}", names.join(",")));
    }
    words.extend(sim.aim.map(|fault| format!("--aim {}", fault.name())));
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

/// Prints how records spread over networks; false where one does not do what is promised.
fn spreads(arguments: &SpreadArguments) -> bool {
    let SpreadArguments { sizes, records, loss, seed } = arguments;
    println!(
        "{records} records, one a second, each at another school. A school dials 48 others; lines \
         are 10 to 50 ms\nlong and carry 30 Mbit/s out of a school; {} % of packets are lost. \
         Times are in milliseconds\nfrom the publication until a member has stored it. Quickest: \
         99 in 100 members over the shortest\nlines that there are. Hops: those of a mesh of \
         degree 6, at 30 ms each. Bytes are for each school\nand record.\n",
        loss * 100.0
    );
    println!("{}", Spread::HEADER);
    let mut well = true;
    for schools in sizes.iter().copied() {
        let options =
            SpreadOptions { schools, records: usize::from(*records), loss: *loss, seed: *seed };
        let spread = spread(&options);
        println!("{spread}");
        if !spread.is_as_promised() {
            well = false;
            println!("    not as promised");
        }
    }
    let promise = if *loss == 0.0 {
        format!("99 in 100 hold a record within {} times the quickest way", Spread::MOST_RATIO)
    } else {
        format!("all hold everything within {} s", Spread::TWO_INTERVALS / 1_000.0)
    };
    println!("\nPromised, that {promise}: {}", if well { "it is so" } else { "it is not so" });
    well
}

/// Prints what becomes of a group's files; false where a rule was broken.
fn keeps(arguments: &KeepingArguments) -> bool {
    let KeepingArguments { nodes, files, days, seed } = *arguments;
    let (nodes, files) = (nodes as usize, files as usize);
    let started = Instant::now();
    println!(
        "{days} days from seed {seed}: files are shared on the first day; then servers are switched \
         off, destroyed,\nfull or cut off, and schools leave, join and cheat.\n"
    );
    let options = KeepingOptions { nodes, files, days, seed, ..KeepingOptions::default() };
    match keep(&options) {
        Ok(report) => println!("{report}"),
        Err(violation) => {
            println!("violation: {violation}");
            return false;
        }
    }
    println!("\nran for {:.1} s; no rule was broken", started.elapsed().as_secs_f64());
    true
}
