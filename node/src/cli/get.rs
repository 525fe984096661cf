//! `staffroom get`

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::json;
use staffroom_protocol::record;

use super::client::{Client, at_version};
use super::output::{Output, bytes};
use crate::http::RecordReport;

/// Save the files of a record
#[derive(Debug, clap::Args)]
pub(super) struct Get {
    /// The record's id, or how it begins
    id: String,
    /// Save the files of an older version of a record of this school
    #[arg(long, value_name = "N")]
    version: Option<usize>,
    /// The folder in which to save them
    #[arg(long, value_name = "DIR", default_value = ".")]
    out: PathBuf,
}

impl Get {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let saved =
            Client::with(data, output, async |client| self.save(client, output).await).await?;
        let answer: Vec<_> =
            saved.iter().map(|(path, size)| json!({ "path": path, "bytes": size })).collect();
        output.answer(&answer, || {
            if saved.is_empty() {
                return "The record has no files.".to_owned();
            }
            let line = |(path, size): &(PathBuf, u64)| {
                format!("Saved {} ({})\n", path.display(), bytes(*size))
            };
            saved.iter().map(line).collect()
        })
    }

    async fn save(&self, client: &Client, output: &Output) -> anyhow::Result<Vec<(PathBuf, u64)>> {
        let record = at_version(&self.id, self.version);
        let files = match self.version {
            Some(_) => client
                .get::<RecordReport>(&record)
                .await?
                .summary
                .map(|summary| summary.files)
                .unwrap_or_default(),
            None => fetched(client, &record).await?,
        };
        std::fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make the folder {}", self.out.display()))?;
        let mut progress = output.progress("saving");
        let mut saved = Vec::new();
        for file in files {
            let target = self.out.join(plain_name(&file.name));
            if target.exists() {
                bail!("{} exists; move it away or save elsewhere with --out", target.display());
            }
            // Complete under its name, or not there.
            let mut part = tempfile::NamedTempFile::new_in(&self.out)
                .with_context(|| format!("cannot write in {}", self.out.display()))?;
            let mut done = 0;
            let path = format!("{record}/files/{}", file.hash);
            client
                .receive_file(&path, |piece| {
                    done += piece.len() as u64;
                    progress.set(done, file.size);
                    part.write_all(piece).with_context(|| format!("cannot write {}", file.name))
                })
                .await?;
            if done != file.size {
                bail!("{} did not arrive whole; try again", file.name);
            }
            let saved_file: File = part.persist_noclobber(&target)?;
            saved_file.sync_all()?;
            saved.push((target, file.size));
        }
        Ok(saved)
    }
}

/// The files of a record, once all of them are here.
async fn fetched(client: &Client, record: &str) -> anyhow::Result<Vec<record::File>> {
    let path = format!("{record}/files");
    match client.post(&path, &json!({})).await {
        // Some are with other schools.
        Err(_) if !client.is_running() => {
            client.connect().await?;
            client.post(&path, &json!({})).await
        }
        answered => answered,
    }
}

/// A name without folders: it comes from another school.
fn plain_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| if c == '/' || c == '\\' || c.is_control() { '_' } else { c })
        .collect();
    match plain.trim_start_matches('.') {
        "" => "file".to_owned(),
        _ if plain.starts_with('.') => format!("_{plain}"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_school_stays_in_the_folder_that_was_named() {
        for (name, plain) in [
            ("lesson plan.md", "lesson plan.md"),
            ("../../etc/passwd", "_.._.._etc_passwd"),
            ("C:\\x.txt", "C:_x.txt"),
            (".bashrc", "_.bashrc"),
            ("..", "file"),
        ] {
            assert_eq!(plain_name(name), plain);
        }
    }
}
