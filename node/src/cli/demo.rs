//! `staffroom demo`: a trust of fictional schools, a real node each, in a folder that goes with it.

mod check;
mod samples;

use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use staffroom_protocol::group::Claims;
use staffroom_protocol::hash::RecordId;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use super::client::{Client, segment};
use super::output::{Output, Progress, table};
use super::publish::with_attachments;
use super::serve::signalled;
use crate::home::{Home, Lock};
use crate::http::{GroupReport, InviteReport, PublishRequest, RecordReport};
use crate::people::People;
use crate::publish::{PublishOptions, PublishOutcome};
use samples::Samples;

/// How long one step of the demo may take, on a slow machine with many schools.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who signs in at every school of the demo, with what everybody may know: nothing in it is real, and it
/// answers this machine alone.
const USER_NAME: &str = "demo";
const PASSWORD: &str = "fictional schools";

/// Try it out with fictional schools
#[derive(Debug, clap::Args)]
pub(super) struct Demo {
    /// How many schools, a node each
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u16).range(2..=40))]
    schools: u16,
    /// Publish on every school, search on every other, say how long it took, and end
    #[arg(long)]
    check: bool,
}

/// A school of the demo, with its node.
struct School {
    claims: Claims,
    client: Client,
    page: String,
    process: Child,
}

impl Demo {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let samples = samples::load(usize::from(self.schools))?;
        // The folder is removed when this ends, whatever the way.
        let folder = tempfile::Builder::new().prefix("staffroom-demo-").tempdir()?;
        let mut schools = Vec::new();
        let shown = tokio::select! {
            shown = self.show(&samples, folder.path(), &mut schools, output) => shown,
            ended = signalled() => ended.map_err(Into::into),
        };
        output.remark("Stopping the nodes.");
        for school in &mut schools {
            // The node ends with its standard input.
            drop(school.process.stdin.take());
        }
        for school in &mut schools {
            if tokio::time::timeout(PATIENCE, school.process.wait()).await.is_err() {
                school.process.start_kill()?;
            }
        }
        folder.close()?;
        shown
    }

    async fn show(
        &self,
        samples: &Samples,
        folder: &Path,
        schools: &mut Vec<School>,
        output: &Output,
    ) -> anyhow::Result<()> {
        let mut progress = output.progress("starting the nodes");
        for (number, claims) in samples.schools.iter().enumerate() {
            schools
                .push(School::start(claims, &folder.join(format!("school-{}", number + 1))).await?);
            progress.set(schools.len() as u64, samples.schools.len() as u64);
        }
        drop(progress);
        for group in &samples.groups {
            let Some((founder, others)) = group.schools.split_first() else { continue };
            let founder = &schools[*founder].client;
            let body = json!({ "name": group.name, "kind": group.kind });
            founder.post::<GroupReport>("/groups", &body).await?;
            for place in others {
                let path = format!("/groups/{}/invites", segment(&group.name));
                let invite: InviteReport =
                    founder.post(&path, &json!({ "valid_seconds": 600 })).await?;
                let body = json!({ "invite": invite.invite });
                schools[*place].client.post::<GroupReport>("/groups/join", &body).await?;
            }
        }
        share(samples, schools, output.progress("sharing the sample records")).await?;
        if self.check {
            return check::run(samples, schools, output).await;
        }
        announce(samples, schools, output)?;
        // Until Ctrl-C.
        std::future::pending().await
    }
}

fn announce(samples: &Samples, schools: &[School], output: &Output) -> anyhow::Result<()> {
    let pages: Vec<Value> = schools
        .iter()
        .map(|school| {
            json!({
                "school": school.claims.name,
                "page": school.page,
                "user_name": USER_NAME,
                "password": PASSWORD,
            })
        })
        .collect();
    output.answer(&pages, || {
        let rows = schools.iter().map(|school| [school.claims.name.clone(), school.page.clone()]);
        format!(
            "{} schools have shared {} records with each other. Open the page of any of them and \
             sign in as {USER_NAME} with the password: {PASSWORD}\n\n{}\n\
             Try: reading comprehension, attendance, marking. Stop with Ctrl-C; nothing stays behind.",
            schools.len(),
            samples.records.len(),
            table(["School", "Page"], rows)
        )
    })
}

impl School {
    async fn start(claims: &Claims, data: &Path) -> anyhow::Result<Self> {
        let home = Home::new(data);
        home.init(claims.clone(), &Lock::Open)?;
        let people = People::open(&home, &claims.name)?;
        let link = people.first_link()?;
        let first = Some((USER_NAME.parse()?, "A member of staff".to_owned()));
        people.use_link(link.as_str(), PASSWORD.to_owned().into(), first).await?;
        let program: PathBuf = std::env::current_exe()?;
        let mut process = Command::new(program)
            .arg("serve")
            .arg("--data")
            .arg(data)
            .args(["--json", "--until-input-ends", "--http", "127.0.0.1:0"])
            .args(["--listen", "/ip4/127.0.0.1/udp/0/quic-v1", "/ip4/127.0.0.1/tcp/0"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C is for the demo, which then ends its nodes one and all.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context("the node's program could not be started")?;
        let output = process.stdout.take().context("the node has no output")?;
        let mut ready = String::new();
        BufReader::new(output).read_line(&mut ready).await?;
        let ready: Value = serde_json::from_str(&ready)
            .with_context(|| format!("the node of {} did not start", claims.name))?;
        let client = Client::running(&home).await?;
        let client = client.with_context(|| format!("the node of {} is gone", claims.name))?;
        let page = ready["page"].as_str().unwrap_or_default().to_owned();
        Ok(Self { claims: claims.clone(), client, page, process })
    }

    /// Publishes records, with `group` where they name none.
    async fn publish(&self, records: Vec<Value>, group: &str) -> anyhow::Result<Vec<RecordId>> {
        let options =
            PublishOptions { groups: vec![group.to_owned()], ..PublishOptions::default() };
        let request = PublishRequest { records, options };
        let outcomes: Vec<PublishOutcome> = self.client.post("/records", &request).await?;
        outcomes
            .into_iter()
            .map(|outcome| match outcome {
                PublishOutcome::Published { id, .. } | PublishOutcome::Unchanged { id, .. } => {
                    Ok(id)
                }
                PublishOutcome::Refused { title, reasons } => {
                    bail!("{}: {title:?} was refused: {}", self.claims.name, reasons.join("; "))
                }
            })
            .collect()
    }

    /// Waits until a record is here with its full text.
    async fn wait_for(&self, record: &RecordId) -> anyhow::Result<()> {
        let started = Instant::now();
        let path = format!("/records/{record}");
        loop {
            if let Ok(report) = self.client.get::<RecordReport>(&path).await
                && report.record.is_some()
            {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                bail!("{} did not receive the record {record}", self.claims.name);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Publishes the samples on their schools, each after those that it refers to have come.
async fn share(
    samples: &Samples,
    schools: &[School],
    mut progress: Progress,
) -> anyhow::Result<()> {
    let Some(trust) = samples.groups.first() else { bail!("the samples have no group") };
    let mut done = 0;
    for level in samples.records.chunk_by(|one, next| one.level == next.level) {
        for (place, school) in schools.iter().enumerate() {
            let mut records = Vec::new();
            for sample in level.iter().filter(|sample| sample.school == place) {
                for record in &sample.refers_to {
                    school.wait_for(record).await?;
                }
                let content = async |name: &str| sample.attachment(name).map(Cursor::new);
                let manuscript = sample.manuscript.clone();
                let (fields, _) =
                    with_attachments(&school.client, manuscript, false, content).await?;
                records.push(Value::Object(fields));
            }
            done += records.len();
            school.publish(records, &trust.name).await?;
            progress.set(done as u64, samples.records.len() as u64);
        }
    }
    Ok(())
}
