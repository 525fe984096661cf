//! `staffroom demo --check`: whether what one school publishes is found on every other.

use std::time::{Duration, Instant};

use anyhow::bail;
use futures::future::try_join_all;
use serde::Serialize;
use serde_json::json;

use super::samples::Samples;
use super::{PATIENCE, School};
use crate::cli::client::with_query;
use crate::cli::output::{Output, table};
use crate::http::SearchReport;

/// What was seen.
#[derive(Debug, Serialize)]
struct Checked {
    schools: Vec<CheckedSchool>,
    /// From the publish request until a search elsewhere found the record, in milliseconds.
    median_millis: f64,
    max_millis: f64,
}

#[derive(Debug, Serialize)]
struct CheckedSchool {
    school: String,
    /// Sample records that a search on this school finds.
    finds: usize,
    /// Until each of the others found what this school published, in milliseconds.
    found_after_millis: Vec<f64>,
}

pub(super) async fn run(
    samples: &Samples,
    schools: &[School],
    output: &Output,
) -> anyhow::Result<()> {
    let Some(trust) = samples.groups.first() else { bail!("the samples have no group") };
    // What is shared with a cluster or network alone is not for everyone.
    let shared =
        samples.records.iter().filter(|record| match record.manuscript.fields.get("groups") {
            Some(groups) => {
                groups.as_array().is_some_and(|groups| groups.contains(&json!(trust.name)))
            }
            None => true,
        });
    let shared = shared.count();
    let mut progress = output.progress("publishing and searching on every school");
    let samples = schools.iter().map(|school| wait_for_samples(school, &trust.name, shared));
    let finds = try_join_all(samples).await?;
    let mut checked = Vec::new();
    for (place, (school, finds)) in schools.iter().zip(finds).enumerate() {
        let found = publish_and_find(school, place, schools, &trust.name).await?;
        checked.push(CheckedSchool {
            school: school.claims.name.clone(),
            finds,
            found_after_millis: found.iter().map(|time| time.as_secs_f64() * 1_000.0).collect(),
        });
        progress.set(place as u64 + 1, schools.len() as u64);
    }
    drop(progress);
    let mut all: Vec<f64> =
        checked.iter().flat_map(|one| one.found_after_millis.iter().copied()).collect();
    all.sort_by(f64::total_cmp);
    let checked = Checked {
        schools: checked,
        median_millis: median(&all),
        max_millis: all.last().copied().unwrap_or_default(),
    };
    output.answer(&checked, || text(&checked))
}

/// Waits until a school finds all samples of the trust, and says how many it finds.
async fn wait_for_samples(school: &School, trust: &str, shared: usize) -> anyhow::Result<usize> {
    let started = Instant::now();
    let path = with_query("/search", [("group", trust), ("limit", "1")]);
    loop {
        let found = school.client.get::<SearchReport>(&path).await?.total;
        if found >= shared {
            return Ok(found);
        }
        if started.elapsed() > PATIENCE {
            bail!("{} finds {found} of {shared} sample records", school.claims.name);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Publishes a record and searches for it on all other schools at once; how long each took.
async fn publish_and_find(
    school: &School,
    place: usize,
    schools: &[School],
    trust: &str,
) -> anyhow::Result<Vec<Duration>> {
    // A word that stands in no other record.
    let word = format!("lanternfish{place}");
    let record = json!({
        "kind": "intervention",
        "title": format!("Reading with {word} cards"),
        "aim": "Pupils choose longer books by the end of the term.",
        "what_is_different": "A card with three questions goes home with each book.",
        "monitoring": "The librarian counts loans every half term.",
    });
    let started = Instant::now();
    school.publish(vec![record], trust).await?;
    let path = with_query("/search", [("q", word.as_str())]);
    let others = schools.iter().enumerate().filter(|(other, _)| *other != place);
    try_join_all(others.map(|(_, other)| find(other, &path, started))).await
}

async fn find(school: &School, path: &str, started: Instant) -> anyhow::Result<Duration> {
    while school.client.get::<SearchReport>(path).await?.total == 0 {
        if started.elapsed() > PATIENCE {
            bail!("{} did not find what another school published", school.claims.name);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(started.elapsed())
}

fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => 0.0,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}

fn text(checked: &Checked) -> String {
    let rows = checked.schools.iter().map(|school| {
        let mut times = school.found_after_millis.clone();
        times.sort_by(f64::total_cmp);
        [
            school.school.clone(),
            school.finds.to_string(),
            format!("{} of {}", times.len(), checked.schools.len() - 1),
            format!("{:.0} ms", median(&times)),
            format!("{:.0} ms", times.last().copied().unwrap_or_default()),
        ]
    });
    format!(
        "{}\nFrom publish to found on another school: median {:.0} ms, longest {:.0} ms.",
        table(["School", "Finds samples", "Found on", "Median", "Longest"], rows),
        checked.median_millis,
        checked.max_millis
    )
}
