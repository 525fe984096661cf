//! Measures how well the search orders results, on a collection of documents, queries and judgements.
//!
//! The documents go through the real index, and each query is asked as a person would type it.

mod collection;
mod measure;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use serde_json::{Value, json};
use staffroom_search::{Change, Index, MAX_LIMIT, Query, Sort};

use collection::Collection;
use measure::{Measures, Ranking, mean, percentile};

/// How deep results are read.
const DEPTH: usize = 1_000;

/// Documents that are indexed at once.
const BATCH: usize = 1_000;

/// How much nDCG@10 may fall below a figure that is kept before that is an error.
const TOLERANCE: f64 = 0.01;

/// Index a collection, ask its queries, and print how good the order of the results is
#[derive(Debug, Parser)]
struct Relevance {
    /// A folder with docs.jsonl, queries.jsonl and qrels.tsv
    dir: PathBuf,
    /// Print JSON, with the measures of each query
    #[arg(long)]
    json: bool,
    /// Fail if nDCG@10 is more than 0.01 below the figure in this file
    #[arg(long, value_name = "FILE")]
    against: Option<PathBuf>,
}

struct Answer {
    query: String,
    measures: Measures,
    /// How long the first page took, with its counts and passages.
    took: Duration,
}

fn main() -> ExitCode {
    match run(&Relevance::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Relevance) -> anyhow::Result<()> {
    let collection = Collection::read(&arguments.dir)?;
    let folder = tempfile::tempdir()?;
    let index = index_of(&collection, folder.path())?;
    let mut answers = Vec::new();
    for (id, text) in &collection.queries {
        let Some(judged) = collection.judgements.get(id) else { continue };
        if judged.values().all(|relevance| *relevance == 0) {
            continue;
        }
        let ranking = ask(&index, text).with_context(|| format!("query {id}"))?;
        answers.push(Answer {
            query: id.clone(),
            measures: Measures::new(&ranking.found, judged),
            took: ranking.took,
        });
    }
    if answers.is_empty() {
        bail!("no query of {} has a relevant document", arguments.dir.display());
    }
    report(arguments, &collection, &answers);
    match &arguments.against {
        Some(file) => compare(file, mean(&answers, |answer| answer.measures.ndcg_at_10)),
        None => Ok(()),
    }
}

fn index_of(collection: &Collection, folder: &Path) -> anyhow::Result<Index> {
    let index = Index::open(folder, [1; 16])?.index;
    for batch in collection.documents.chunks(BATCH) {
        index.apply(batch.iter().map(|judged| Change::Put(Box::new(judged.to_document()))))?;
    }
    index.commit(1)?;
    Ok(index)
}

/// Asks for one page after the other, as far as there is anything, and measures the first.
fn ask(index: &Index, text: &str) -> anyhow::Result<Ranking> {
    let page = |offset, limit| Query { offset, limit, sort: Sort::Relevance, ..Query::new(text) };
    let started = Instant::now();
    index.search(&page(0, 10))?;
    let took = started.elapsed();
    let mut found = Vec::new();
    for offset in (0..DEPTH).step_by(MAX_LIMIT) {
        let results = index.search(&page(offset, MAX_LIMIT))?;
        found.extend(results.hits.iter().map(|hit| hit.key.record));
        if results.hits.len() < MAX_LIMIT {
            break;
        }
    }
    Ok(Ranking { found, took })
}

fn report(arguments: &Relevance, collection: &Collection, answers: &[Answer]) {
    let ndcg = mean(answers, |answer| answer.measures.ndcg_at_10);
    let average_precision = mean(answers, |answer| answer.measures.average_precision);
    let recall_at_100 = mean(answers, |answer| answer.measures.recall_at_100);
    let recall_at_1000 = mean(answers, |answer| answer.measures.recall_at_1000);
    let times: Vec<Duration> = answers.iter().map(|answer| answer.took).collect();
    let millis = |share| percentile(&times, share).as_secs_f64() * 1_000.0;
    if arguments.json {
        let by_query: Vec<Value> = answers.iter().map(Answer::to_json).collect();
        let report = json!({
            "documents": collection.documents.len(),
            "queries": answers.len(),
            "ndcg_at_10": ndcg,
            "map": average_precision,
            "recall_at_100": recall_at_100,
            "recall_at_1000": recall_at_1000,
            "median_ms": millis(0.5),
            "p99_ms": millis(0.99),
            "by_query": by_query,
        });
        println!("{report:#}");
        return;
    }
    println!("documents    {:>8}", collection.documents.len());
    println!("queries      {:>8}", answers.len());
    println!("nDCG@10      {ndcg:>8.4}");
    println!("MAP          {average_precision:>8.4}");
    println!("Recall@100   {recall_at_100:>8.4}");
    println!("Recall@1000  {recall_at_1000:>8.4}");
    println!("median       {:>8.2} ms", millis(0.5));
    println!("p99          {:>8.2} ms", millis(0.99));
}

impl Answer {
    fn to_json(&self) -> Value {
        json!({
            "query": self.query,
            "ndcg_at_10": self.measures.ndcg_at_10,
            "average_precision": self.measures.average_precision,
            "recall_at_100": self.measures.recall_at_100,
            "recall_at_1000": self.measures.recall_at_1000,
            "ms": self.took.as_secs_f64() * 1_000.0,
        })
    }
}

/// Compares with the figure in `file`, a JSON object with `ndcg_at_10`.
fn compare(file: &Path, ndcg: f64) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("{} could not be read", file.display()))?;
    let kept: Value =
        serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let kept = kept["ndcg_at_10"]
        .as_f64()
        .with_context(|| format!("{} has no number ndcg_at_10", file.display()))?;
    if ndcg < kept - TOLERANCE {
        bail!(
            "nDCG@10 is {ndcg:.4}, more than {TOLERANCE} below the {kept:.4} of {}",
            file.display()
        );
    }
    Ok(())
}
