//! `staffroom backup`: copies of the data directory, and a new server from one.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use super::client::Client;
use super::output::{Output, bytes};
use crate::backup::{About, BackupSettings, MAX_KEEP_DAYS, Made, Manifest, restore};
use crate::home::Home;
use crate::http::BackupsReport;

#[derive(Debug, Subcommand)]
pub(super) enum Backup {
    /// Set where backups go; one is made each night while the node runs
    Set {
        /// A folder that is there, best on another machine's disk; whoever can read it can read all that
        /// the school holds
        #[arg(long, value_name = "FOLDER")]
        to: PathBuf,
        /// After how many days a backup is removed, 1 to 35
        #[arg(long, value_name = "DAYS", default_value_t = MAX_KEEP_DAYS)]
        keep_days: u16,
    },
    /// Show where backups go, and which there are
    Show,
    /// Make a backup now
    Now,
    /// Make no backups any longer; those that are there stay
    Off,
    /// Read a whole backup and say whether it is as it was made
    Check {
        /// The folder of the backup
        backup: PathBuf,
    },
    /// Fill the data directory of a new server from a backup. Never start the old server again
    Restore {
        /// The folder of the backup
        backup: PathBuf,
    },
    /// Let a restored server go on without having heard from other schools
    Resume,
}

impl Backup {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::Check { backup } => return check(&backup, output),
            Self::Restore { backup } => return restored(&backup, data, output),
            Self::Set { .. } | Self::Show | Self::Now | Self::Off | Self::Resume => {}
        }
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        let report: BackupsReport = match self {
            Self::Now => {
                let made: Made = client.post("/backups", &json!({})).await?;
                return output.answer(&made, || {
                    format!("{} holds {}.", made.path.display(), bytes(made.bytes))
                });
            }
            Self::Set { to, keep_days } => {
                let settings = BackupSettings { to: std::path::absolute(to)?, keep_days };
                client.put_body("/backups", &settings).await?
            }
            Self::Off => client.delete("/backups").await?,
            Self::Resume => client.post("/backups/resumption", &json!({})).await?,
            Self::Show | Self::Check { .. } | Self::Restore { .. } => {
                client.get("/backups").await?
            }
        };
        output.answer(&report, || text(&report))
    }
}

/// Reads a whole backup; it may be on any machine.
fn check(backup: &Path, output: &Output) -> anyhow::Result<()> {
    let manifest = Manifest::read(backup)?;
    let mut progress = output.progress_in_bytes("reading the backup");
    manifest.verify(backup, &mut |done| progress.set(done, manifest.about.bytes))?;
    drop(progress);
    let about = &manifest.about;
    output.answer(&answer(about), || {
        format!(
            "{} is as it was made: {} files of {}, {} together, from {}.",
            backup.display(),
            about.files,
            about.name,
            bytes(about.bytes),
            when(&about.made),
        )
    })
}

fn restored(backup: &Path, data: &Path, output: &Output) -> anyhow::Result<()> {
    let total = About::read(backup)?.bytes;
    let mut progress = output.progress_in_bytes("copying");
    let now = Timestamp::now();
    let about = restore(backup, &Home::new(data), now, &mut |done| progress.set(done, total))?;
    drop(progress);
    output.answer(&answer(&about), || {
        format!(
            "{data} holds {} as it was on {}.\nNever start the old server again: two that are the same \
             one confuse every other school.\nNext: staffroom serve --data {data}\nIt shows nothing until \
             it has heard from another school of each of its groups what was taken back since. Where no \
             other can be reached: staffroom backup resume --data {data}",
            about.name,
            when(&about.made),
            data = data.display(),
        )
    })
}

fn answer(about: &About) -> serde_json::Value {
    json!({
        "school": about.school,
        "name": about.name,
        "made": about.made,
        "files": about.files,
        "bytes": about.bytes,
    })
}

fn when(time: &Timestamp) -> String {
    time.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

fn text(report: &BackupsReport) -> String {
    let BackupsReport { settings, made, problem, restored, not_heard } = report;
    let mut lines = Vec::new();
    if let Some(restored) = restored {
        lines.push(restored.sentence(not_heard));
    }
    match settings {
        None => lines.push(
            "No backups are made. Set where they go with: staffroom backup set --to FOLDER"
                .to_owned(),
        ),
        Some(BackupSettings { to, keep_days }) => lines.push(format!(
            "Each night a backup goes to {}, and stays {keep_days} days.",
            to.display()
        )),
    }
    if let Some(problem) = problem {
        lines.push(format!("Something is in the way: {problem}"));
    }
    for made in made {
        lines.push(format!(
            "  {}  {:>10}  {}",
            when(&made.made),
            bytes(made.bytes),
            made.path.display()
        ));
    }
    if settings.is_some() && made.is_empty() {
        lines.push("None is there yet. Make one with: staffroom backup now".to_owned());
    }
    lines.join("\n")
}
