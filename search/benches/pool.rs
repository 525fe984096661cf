//! Ten thousand interventions that 1 to 50 schools tried each: how long it takes to pool them by
//! restricted maximum likelihood, beside one pass over the same numbers.
//!
//! `cargo bench -p staffroom-search --bench pool [-- --json]`
//!
//! Every figure stands beside one that the same machine gave in the same run, so that the ratio says
//! something on any machine.

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;
use staffroom_search::evidence::pool::{EGGER_LEAST, Estimate, Method, egger, leave_one_out, pool};
use staffroom_search::evidence::{ForestPlot, ForestRow, Interval, interval};

const LINEAGES: usize = 10_000;

/// Schools that reported on the most tried intervention.
const MOST_SCHOOLS: usize = 50;

/// The best of as many runs counts, since whatever else the machine does only adds.
const RUNS: usize = 5;

fn main() {
    let lineages = lineages();
    let schools: usize = lineages.iter().map(Vec::len).sum();
    let floor = best(|| {
        lineages.iter().for_each(|lineage| {
            black_box(fixed_effect(lineage));
        });
    });
    let largest = lineages.iter().max_by_key(|lineage| lineage.len()).expect("there are some");
    let mut lines = Vec::new();
    for method in Method::ALL {
        let seconds = best(|| {
            for lineage in &lineages {
                black_box(pool(lineage, method).expect("all can be pooled"));
            }
        });
        lines.push((format!("pooled by {}", method.name()), seconds));
    }
    let analysed = best(|| {
        for lineage in lineages.iter().filter(|lineage| lineage.len() >= EGGER_LEAST) {
            black_box(egger(lineage).expect("sizes differ"));
            black_box(leave_one_out(lineage, Method::Reml).expect("there are several"));
        }
    });
    lines.push(("Egger's test and leaving one out, from 10 schools".to_owned(), analysed));
    let page = best(|| {
        black_box(page(largest));
    });

    if std::env::args().any(|argument| argument == "--json") {
        let lines: Vec<_> = lines
            .iter()
            .map(|(what, seconds)| json!({ "what": what, "seconds": seconds, "ratio": seconds / floor }))
            .collect();
        println!(
            "{}",
            json!({
                "lineages": LINEAGES, "schools": schools, "fixed_effect_pass_seconds": floor,
                "lines": lines, "page_of_50_seconds": page,
            })
        );
        return;
    }
    println!("{LINEAGES} lineages of 1 to {MOST_SCHOOLS} schools, {schools} in all, on one core");
    println!("{:<52}{:>10}{:>14}", "", "seconds", "× the pass");
    println!("{:<52}{floor:>10.4}{:>14}", "one pass for the fixed-effect mean", 1);
    for (what, seconds) in &lines {
        println!("{what:<52}{seconds:>10.4}{:>14.0}", seconds / floor);
    }
    println!(
        "One lineage of {} schools, pooled and drawn: {:.3} ms",
        largest.len(),
        page * 1_000.0
    );
}

/// The least that pooling can take: each number is read once.
fn fixed_effect(estimates: &[Estimate]) -> (f64, f64) {
    let (mut weight, mut sum) = (0.0, 0.0);
    for one in estimates {
        weight += one.variance.recip();
        sum += one.effect / one.variance;
    }
    (sum / weight, weight.sqrt().recip())
}

fn page(lineage: &[Estimate]) -> String {
    let pooled = pool(lineage, Method::Reml).expect("all can be pooled");
    let rows =
        lineage.iter().zip(&pooled.weights).enumerate().map(|(number, (one, weight))| ForestRow {
            label: format!("School {number}"),
            n: Some(120),
            effect: interval(one.effect, one.variance),
            weight: Some(*weight),
        });
    ForestPlot {
        title: "Paired reading".to_owned(),
        row_heading: "School".to_owned(),
        axis: "Effect (Hedges' g)".to_owned(),
        sides: ["less progress".to_owned(), "more progress".to_owned()],
        rows: rows.collect(),
        pooled: Some(Interval {
            estimate: pooled.estimate,
            low: pooled.ci_low,
            high: pooled.ci_high,
        }),
        prediction: pooled.prediction,
    }
    .to_svg()
}

fn best(work: impl Fn()) -> f64 {
    let seconds = || {
        let started = Instant::now();
        work();
        started.elapsed().as_secs_f64()
    };
    (0..RUNS).map(|_| seconds()).fold(f64::INFINITY, f64::min)
}

/// Effects of groups of 20 to 200 pupils about 0.2, which differ between schools by up to 0.3.
fn lineages() -> Vec<Vec<Estimate>> {
    let mut random = Random(20_261_125);
    (0..LINEAGES)
        .map(|number| {
            let between = 0.3 * random.uniform();
            (0..=number % MOST_SCHOOLS)
                .map(|_| {
                    let variance = 4.0 / (20.0 + 180.0 * random.uniform());
                    let sd = (variance + between * between).sqrt();
                    Estimate { effect: 0.2 + sd * random.normal(), variance }
                })
                .collect()
        })
        .collect()
}

/// SplitMix64, so that every run pools the same numbers.
struct Random(u64);

impl Random {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The sum of twelve uniform numbers is as good as normal.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }
}
