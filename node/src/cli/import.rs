//! `staffroom import`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::bail;
use clap::ValueEnum;
use encoding_rs::Encoding;
use indicatif::HumanCount;
use serde::Serialize;
use serde_json::Value;
use staffroom_protocol::safeguard::CAVEAT;

use super::client::{Client, segment};
use super::output::{Output, bytes, filled};
use crate::http::{MemberHolding, PublishRequest, StatusReport};
use crate::import::{self, Format, Mapping, Options, Rows, Setting};
use crate::network::Traffic;
use crate::publish::{PublishOptions, PublishOutcome};

/// Rows that are shared with one sync of the disk.
const BATCH_ROWS: usize = 500;

/// Bytes of rows in one request to the node.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// Share the rows of a table
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Import {
    /// A CSV file with a header, or a file with a JSON object a line; a record a row
    file: PathBuf,
    /// Fill a field from a column or key of another name; it may be text with {COLUMN} in it, and
    /// {COLUMN:200} is cut to 200 characters
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<Mapping>,
    /// Fill a field that rows leave empty
    #[arg(long, value_name = "FIELD=VALUE")]
    set: Vec<Setting>,
    /// A group to share with, where the row names none; may be given several times
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// How the file is written, where its name does not say
    #[arg(long, value_enum)]
    format: Option<FileFormat>,
    /// The file's encoding, such as windows-1252, where it is not found
    #[arg(long, value_name = "LABEL", value_parser = import::encoding_named)]
    encoding: Option<&'static Encoding>,
    /// Share rows even where this school has shared a record of that kind and title before
    #[arg(long)]
    new: bool,
    /// Only say what would happen
    #[arg(long)]
    check: bool,
    /// The longest to wait until the other schools have everything, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    wait: u64,
}

const EXAMPLES: &str = "\
Examples:
  staffroom import interventions.csv
  staffroom import abstracts.jsonl --set kind=resource --map title=heading --map 'url=https://example.org/{id}'";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FileFormat {
    /// A table with commas, semicolons or tabs
    Csv,
    /// A JSON object a line
    Jsonl,
}

/// What an import did.
#[derive(Debug, Default, Serialize)]
struct Report {
    file: PathBuf,
    encoding: String,
    rows: u64,
    shared: u64,
    /// Shared before, the very same.
    unchanged: u64,
    refused: Vec<RefusedRow>,
    /// Until everything was stored here.
    seconds: f64,
    members: Vec<MemberReport>,
    /// Over the network, until the members had everything.
    traffic: Option<Traffic>,
}

#[derive(Debug, Serialize)]
struct RefusedRow {
    row: u64,
    title: String,
    reasons: Vec<String>,
}

/// A member that the import was shared with.
#[derive(Debug, Serialize)]
struct MemberReport {
    school: String,
    group: String,
    /// Whether its node could be asked.
    connected: bool,
    /// From the start of the import until it had everything and could find it; none if it has not.
    complete_after_seconds: Option<f64>,
}

impl Import {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let options = Options {
            format: self.format.map(|format| match format {
                FileFormat::Csv => Format::Csv,
                FileFormat::Jsonl => Format::Jsonl,
            }),
            encoding: self.encoding,
            map: self.map.clone(),
            set: self.set.clone(),
            key: None,
        };
        // What is wrong with the whole file is said before anything is opened.
        let rows = import::open(&self.file, &options)?;
        let report =
            Client::with(data, output, async |client| self.import(rows, client, output).await)
                .await?;
        output.answer(&report, || text(&report, self.check))?;
        output.remark(CAVEAT);
        if report.shared + report.unchanged == 0 {
            bail!("none of the {} rows was shared; see above", report.rows);
        }
        Ok(())
    }

    async fn import(
        &self,
        mut rows: Rows,
        client: &Client,
        output: &Output,
    ) -> anyhow::Result<Report> {
        let before = traffic(client).await?;
        let started = Instant::now();
        let mut report = Report {
            file: self.file.clone(),
            encoding: rows.encoding().to_owned(),
            ..Report::default()
        };
        let mut groups = BTreeSet::new();
        let mut titles = BTreeSet::new();
        let mut progress = output.progress("sharing");
        let mut batch = Batch::default();
        while let Some(row) = rows.next() {
            report.rows += 1;
            match row.fields {
                Ok(fields) => {
                    let repeated = !titles.insert(title_and_kind(&fields));
                    batch.add(row.number, fields, repeated);
                }
                Err(reason) => report.refused.push(RefusedRow {
                    row: row.number,
                    title: String::new(),
                    reasons: vec![reason],
                }),
            }
            if batch.rows >= BATCH_ROWS || batch.bytes >= BATCH_BYTES {
                self.share(client, std::mem::take(&mut batch), &mut report, &mut groups).await?;
                progress.set(rows.bytes_read(), rows.total_bytes());
            }
        }
        self.share(client, batch, &mut report, &mut groups).await?;
        report.refused.sort_by_key(|refused| refused.row);
        report.seconds = started.elapsed().as_secs_f64();
        for mapping in rows.unused_mappings() {
            output.remark(&format!("no row had what this mapping names: {mapping}"));
        }
        drop(progress);
        if client.is_running() && !self.check && report.shared > 0 {
            report.members = self.wait_for_members(client, &groups, started, output).await?;
            report.traffic = before.zip(traffic(client).await?).map(|(before, now)| Traffic {
                sent: now.sent.saturating_sub(before.sent),
                received: now.received.saturating_sub(before.received),
            });
        }
        Ok(report)
    }

    /// Shares a batch: rows whose title stands twice in the file are meant to be two records.
    async fn share(
        &self,
        client: &Client,
        batch: Batch,
        report: &mut Report,
        groups: &mut BTreeSet<String>,
    ) -> anyhow::Result<()> {
        for (numbered, repeated) in [(batch.first, false), (batch.repeated, true)] {
            if numbered.is_empty() {
                continue;
            }
            let (numbers, records): (Vec<u64>, Vec<Value>) = numbered.into_iter().unzip();
            let options = PublishOptions {
                groups: self.group.clone(),
                allow_same_title: self.new || repeated,
                check_only: self.check,
                ..PublishOptions::default()
            };
            let request = PublishRequest { records, options };
            let outcomes: Vec<PublishOutcome> = client.post("/records", &request).await?;
            for (row, outcome) in numbers.into_iter().zip(outcomes) {
                match outcome {
                    PublishOutcome::Published { groups: shared_with, .. } => {
                        report.shared += 1;
                        groups.extend(shared_with);
                    }
                    PublishOutcome::Unchanged { .. } => report.unchanged += 1,
                    PublishOutcome::Refused { title, reasons } => {
                        report.refused.push(RefusedRow { row, title, reasons });
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits until the members that can be asked have everything.
    async fn wait_for_members(
        &self,
        client: &Client,
        groups: &BTreeSet<String>,
        started: Instant,
        output: &Output,
    ) -> anyhow::Result<Vec<MemberReport>> {
        const PAUSE: Duration = Duration::from_millis(200);
        let deadline = Instant::now() + Duration::from_secs(self.wait);
        let mut progress = output.progress("other schools that have everything");
        let mut complete_after: BTreeMap<(String, String), f64> = BTreeMap::new();
        loop {
            let mut members = Vec::new();
            for group in groups {
                let path = format!("/groups/{}/holdings", segment(group));
                for member in client.get::<Vec<MemberHolding>>(&path).await? {
                    let key = (group.clone(), member.name.clone());
                    let done = if member.complete {
                        let elapsed = started.elapsed().as_secs_f64();
                        Some(*complete_after.entry(key).or_insert(elapsed))
                    } else {
                        None
                    };
                    members.push(MemberReport {
                        school: member.name,
                        group: group.clone(),
                        connected: member.holding.is_some(),
                        complete_after_seconds: done,
                    });
                }
            }
            let waited_for = |member: &&MemberReport| member.connected;
            let asked = members.iter().filter(waited_for).count();
            let complete = members.iter().filter(|one| one.complete_after_seconds.is_some());
            let complete = complete.count();
            progress.set(complete as u64, asked as u64);
            if complete == asked || Instant::now() >= deadline {
                return Ok(members);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Rows that are shared together.
#[derive(Default)]
struct Batch {
    first: Vec<(u64, Value)>,
    /// Rows of a kind and title that an earlier row has.
    repeated: Vec<(u64, Value)>,
    rows: usize,
    bytes: usize,
}

impl Batch {
    fn add(&mut self, number: u64, fields: Value, repeated: bool) {
        self.rows += 1;
        self.bytes += fields.to_string().len();
        let list = if repeated { &mut self.repeated } else { &mut self.first };
        list.push((number, fields));
    }
}

fn title_and_kind(fields: &Value) -> (String, String) {
    let text = |name| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("title"), text("kind"))
}

async fn traffic(client: &Client) -> anyhow::Result<Option<Traffic>> {
    let status: StatusReport = client.get("/status").await?;
    Ok(status.network.map(|network| network.traffic))
}

fn text(report: &Report, check: bool) -> String {
    let done = if check { "can be shared" } else { "shared" };
    let rate = report.shared as f64 / report.seconds.max(0.001);
    let mut text = format!(
        "{} rows: {} {done} in {:.1} s ({rate:.0} a second), {} shared before, {} refused\n",
        HumanCount(report.rows),
        HumanCount(report.shared),
        report.seconds,
        HumanCount(report.unchanged),
        HumanCount(report.refused.len() as u64),
    );
    if report.encoding != "UTF-8" {
        text.push_str(&format!(
            "The file was read as {}; if letters look wrong, say its encoding with --encoding.\n",
            report.encoding
        ));
    }
    for member in &report.members {
        text.push_str(&match (member.connected, member.complete_after_seconds) {
            (_, Some(seconds)) => {
                format!("{} has everything and finds it, after {seconds:.1} s\n", member.school)
            }
            (true, None) => format!("{} does not have everything yet\n", member.school),
            (false, None) => {
                format!("{} is not connected; it catches up when it is\n", member.school)
            }
        });
    }
    if let Some(traffic) = report.traffic {
        text.push_str(&format!(
            "Over the network: {} sent, {} received\n",
            bytes(traffic.sent),
            bytes(traffic.received)
        ));
    }
    for refused in &report.refused {
        let title = match refused.title.as_str() {
            "" => String::new(),
            title => format!(", {title:?}"),
        };
        text.push_str(&filled(&format!("row {}{title}:", refused.row), ""));
        text.push('\n');
        for reason in &refused.reasons {
            text.push_str(&filled(&format!("- {reason}"), "  "));
            text.push('\n');
        }
    }
    text
}
