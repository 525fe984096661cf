//! `staffroom bundle`

mod written;

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use axum::body::Body;
use axum::http::Method;
use clap::Subcommand;
use http_body_util::BodyExt;
use jiff::civil::Date;
use jiff::tz::Offset;
use serde_json::json;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::AsyncRead;

use super::client::{Client, streamed, with_query};
use super::output::{Output, bytes};
use crate::bundle::{Contents, Imported};
use crate::http::{ABOUT, BundleReport, CONTENTS, read_header};
use staffroom_protocol::bundle::MAGIC;
use written::Written;

/// Carry what a group shares to a school with a slow line, or none, in a file
#[derive(Debug, Subcommand)]
pub(super) enum Bundle {
    /// Write what this school holds of a group into a file that only its members can read
    Export(Export),
    /// Take in a file that another member wrote
    Import(Import),
    /// Write a small file that says what this school lacks, or that it answers an invite
    Request(Request),
}

/// Write what this school holds of a group into a file that only its members can read
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Export {
    /// The group
    #[arg(long, value_name = "NAME", required_unless_present = "request")]
    group: Option<String>,
    /// The file to write, or a folder such as a memory stick, where it gets a name
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
    /// Which files: all that this school has through the group, none, or those of some records
    #[arg(long, value_name = "all|none|ID", num_args = 1.., default_value = "all")]
    files: Vec<String>,
    /// Only records whose newest version was written on that day or later
    #[arg(long, value_name = "DATE")]
    since: Option<Date>,
    /// A request that another school wrote: leaves out what it has, or lets it in
    #[arg(long = "for", value_name = "FILE")]
    request: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  staffroom bundle export --group 'Fenmarsh Learning Trust' --out /media/stick
  staffroom bundle export --for cedar.request --out /media/stick --files none";

/// Take in a file that another member wrote
#[derive(Debug, clap::Args)]
pub(super) struct Import {
    /// The file
    file: PathBuf,
    /// Take it though this server does not know the group yet, since the school was let in
    #[arg(long)]
    join: bool,
}

/// Write a small file that says what this school lacks, or that it answers an invite
#[derive(Debug, clap::Args)]
pub(super) struct Request {
    /// The group
    #[arg(long, value_name = "NAME", required_unless_present = "invite")]
    group: Option<String>,
    /// An invite to a group that this school is to join, for the school that made it
    #[arg(long, value_name = "INVITE", conflicts_with = "group")]
    invite: Option<String>,
    /// The file to write, or a folder such as a memory stick, where it gets a name
    #[arg(long, value_name = "FILE|DIR")]
    out: PathBuf,
}

impl Bundle {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| match &self {
            Self::Export(export) => export.run(client, output).await,
            Self::Import(import) => import.run(client, output).await,
            Self::Request(request) => request.run(client, output).await,
        })
        .await
    }
}

impl Export {
    async fn run(&self, client: &Client, output: &Output) -> anyhow::Result<()> {
        let since = match self.since {
            Some(day) => {
                let midnight = Offset::UTC.to_timestamp(day.at(0, 0, 0, 0))?;
                midnight.as_millisecond().to_string()
            }
            None => String::new(),
        };
        let files = self.files.join("\n");
        let mut query = vec![("files", files.as_str())];
        query.extend(self.group.as_deref().map(|group| ("group", group)));
        query.extend(self.since.map(|_| ("since", since.as_str())));
        let body = match &self.request {
            Some(path) => {
                query.push(("requested", "true"));
                streamed(open(path).await?.0, |_| {})
            }
            None => Body::empty(),
        };
        let path = with_query("/bundles", query);
        let (report, contents, written) =
            received(client, &path, body, (&self.out, "bundle"), output).await?;
        let answer = json!({
            "file": written.path, "bytes": written.bytes, "group": report.group,
            "group_name": report.group_name, "holds": contents,
        });
        output.answer(&answer, || exported(&report, &contents, &written))
    }
}

impl Request {
    async fn run(&self, client: &Client, output: &Output) -> anyhow::Result<()> {
        let query = match (&self.group, &self.invite) {
            (_, Some(invite)) => [("invite", invite.as_str())],
            (group, None) => [("group", group.as_deref().unwrap_or_default())],
        };
        let path = with_query("/bundles/requests", query);
        let (report, _, written) =
            received(client, &path, Body::empty(), (&self.out, "request"), output).await?;
        let answer = json!({
            "file": written.path, "bytes": written.bytes, "group": report.group,
            "group_name": report.group_name,
        });
        let whom = if self.invite.is_some() { "the school that invited" } else { "a member" };
        output.answer(&answer, || {
            format!(
                "Wrote {} ({}). Take it to {whom}, where this makes the bundle for it:\n  \
                 staffroom bundle export --for FILE --out DIR",
                written.path.display(),
                bytes(written.bytes)
            )
        })
    }
}

impl Import {
    async fn run(&self, client: &Client, output: &Output) -> anyhow::Result<()> {
        let mut start = Vec::new();
        std::fs::File::open(&self.file)
            .and_then(|file| file.take(MAGIC.len() as u64).read_to_end(&mut start))
            .with_context(|| format!("cannot read {}", self.file.display()))?;
        if start != MAGIC {
            let error = staffroom_protocol::bundle::BundleError::NotABundle;
            bail!("{}: {error}", self.file.display());
        }
        let (content, size) = open(&self.file).await?;
        let progress = Arc::new(Mutex::new(output.progress_in_bytes("taking in")));
        let shown = Arc::clone(&progress);
        let path =
            with_query("/bundles/imports", [("join", if self.join { "true" } else { "false" })]);
        let imported: Imported = client
            .send_file(&path, content, move |sent| {
                shown.lock().unwrap_or_else(PoisonError::into_inner).set(sent, size);
            })
            .await
            .with_context(|| self.file.display().to_string())?;
        drop(progress);
        client.wait_for_index(output).await?;
        output.answer(&imported, || taken_in(&imported))
    }
}

async fn open(path: &Path) -> anyhow::Result<(impl AsyncRead + Send + Unpin + 'static, u64)> {
    let file = tokio::fs::File::open(path).await;
    let file = file.with_context(|| format!("cannot read {}", path.display()))?;
    let size = file.metadata().await.map(|about| about.len()).unwrap_or_default();
    Ok((file, size))
}

/// Receives a bundle or a request and writes it where it belongs.
async fn received(
    client: &Client,
    path: &str,
    body: Body,
    (out, sort): (&Path, &str),
    output: &Output,
) -> anyhow::Result<(BundleReport, Contents, Written)> {
    // What is in the way is said before anything is made.
    written::check(out)?;
    let response = client.request(Method::POST, path, body).await?;
    let about = read_header(response.headers(), ABOUT);
    let report: BundleReport =
        about.ok_or_else(|| anyhow!("the node does not say what it sends"))?;
    if report.bytes > 0 {
        output.remark(&format!(
            "A bundle of about {} for the members of {}",
            bytes(report.bytes),
            report.group_name
        ));
    }
    let mut file = written::Part::begin(out, &report, sort)?;
    let mut progress = output.progress_in_bytes("writing");
    let (mut body, mut contents) = (response.into_body(), None);
    while let Some(frame) = body.frame().await {
        let frame =
            frame.context("the node stopped before the bundle was whole; nothing is left of it")?;
        match frame.into_data() {
            Ok(piece) => {
                file.write(&piece)?;
                progress.set(file.bytes(), report.bytes);
            }
            Err(frame) => {
                contents = frame.trailers_ref().and_then(|named| read_header(named, CONTENTS));
            }
        }
    }
    let Some(contents) = contents else {
        bail!("the node stopped before the bundle was whole; nothing is left of it");
    };
    Ok((report, contents, file.keep()?))
}

fn counted(count: u64, one: &str, several: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { several })
}

fn exported(report: &BundleReport, contents: &Contents, written: &Written) -> String {
    let mut holds = vec![
        counted(contents.records, "record", "records"),
        counted(contents.texts, "text", "texts"),
        counted(contents.files, "file", "files"),
    ];
    if contents.withdrawals > 0 {
        holds.push(counted(contents.withdrawals, "withdrawal", "withdrawals"));
    }
    format!(
        "Wrote {} ({}): {} of {}, and who its members are. Only their servers can read it.",
        written.path.display(),
        bytes(written.bytes),
        holds.join(", "),
        report.group_name
    )
}

fn taken_in(imported: &Imported) -> String {
    let Imported { group_name, made_by, .. } = imported;
    let day = imported.made.get(..10).unwrap_or_default();
    let mut text = format!("A bundle of {group_name}, made by {made_by} on {day}.\n");
    if imported.joined {
        text.push_str(&format!("This school belongs to {group_name} now.\n"));
    }
    if imported.records + imported.texts + imported.files + imported.statements == 0 {
        text.push_str("It brought nothing new.\n");
    } else {
        let of_members = match imported.statements {
            0 => String::new(),
            count => format!(", {} on who belongs", counted(count, "statement", "statements")),
        };
        text.push_str(&format!(
            "New: {}, {}, {}{of_members}.\n",
            counted(imported.records, "record", "records"),
            counted(imported.texts, "text", "texts"),
            counted(imported.files, "file", "files"),
        ));
    }
    if imported.held_aside > 0 {
        text.push_str(&format!(
            "{} until their school's admission is known here, or their date has come.\n",
            counted(imported.held_aside, "record waits", "records wait")
        ));
    }
    if imported.refused > 0 {
        text.push_str(&format!(
            "{} since they were altered, or their school left or was removed.\n",
            counted(imported.refused, "record was refused", "records were refused")
        ));
    }
    if imported.left_out > 0 {
        text.push_str(&format!(
            "{} that no record here has, such as one that was taken back.\n",
            counted(
                imported.left_out,
                "text or file was left out",
                "texts and files were left out"
            )
        ));
    }
    text
}
