//! `staffroom resource`

use std::path::Path;

use anyhow::bail;

use super::client::{Client, at_version, segment};
use super::output::{Output, bytes};
use crate::ago::ago;
use crate::clock::now_millis;
use crate::keeping::{Copies, Copy};
use crate::older_versions::{ListedVersion, VersionFile};

/// Show which schools hold the files of a record, pin them so that they stay here, and list its
/// versions
#[derive(Debug, clap::Args)]
pub(super) struct Resource {
    /// The record's id, or how it begins
    id: String,
    /// Keep this file here whatever other schools do; may be given several times
    #[arg(long, value_name = "FILE")]
    pin: Vec<String>,
    /// Pin this file no longer; may be given several times
    #[arg(long, value_name = "FILE")]
    unpin: Vec<String>,
    /// List the versions of a record of this school, and which of their files are here
    #[arg(long, conflicts_with_all = ["pin", "unpin"])]
    versions: bool,
    /// Let go of the files of an older version, to make room; the version itself stays
    #[arg(long, value_name = "N", conflicts_with_all = ["pin", "unpin"])]
    drop_files_of: Option<usize>,
}

impl Resource {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        if self.versions || self.drop_files_of.is_some() {
            let ask = async |client: &Client| self.ask_for_versions(client).await;
            let versions = Client::with(data, output, ask).await?;
            return output.answer(&versions, || versions_text(&versions));
        }
        let ask = async |client: &Client| self.ask(client).await;
        let copies = Client::with(data, output, ask).await?;
        output.answer(&copies, || text(&copies))
    }

    async fn ask_for_versions(&self, client: &Client) -> anyhow::Result<Vec<ListedVersion>> {
        match self.drop_files_of {
            None => client.get(&format!("/records/{}/versions", segment(&self.id))).await,
            number => client.delete(&format!("{}/files", at_version(&self.id, number))).await,
        }
    }

    async fn ask(&self, client: &Client) -> anyhow::Result<Vec<Copies>> {
        let record = format!("/records/{}", segment(&self.id));
        let copies: Vec<Copies> = client.get(&format!("{record}/copies")).await?;
        let mut pins = Vec::new();
        for (names, pin) in [(&self.pin, true), (&self.unpin, false)] {
            for name in names {
                let Some(file) = copies.iter().find(|file| file.name == *name) else {
                    let names: Vec<&str> = copies.iter().map(|file| file.name.as_str()).collect();
                    bail!("the record has no file {name:?}; it has: {}", names.join(", "));
                };
                pins.push((format!("{record}/files/{}/pin", file.hash), pin));
            }
        }
        let mut shown = copies;
        for (path, pin) in pins {
            shown = if pin { client.put(&path).await? } else { client.delete(&path).await? };
        }
        Ok(shown)
    }
}

fn text(files: &[Copies]) -> String {
    if files.is_empty() {
        return "The record has no files.".to_owned();
    }
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("{} ({})\n  {}\n", file.name, bytes(file.size), file.summary));
        if file.here {
            text.push_str(if file.pinned { "  here, pinned\n" } else { "  here\n" });
        }
        for copy in &file.others {
            text.push_str(&format!("  {}\n", at(copy)));
        }
        if let Some(short @ 1..) = file.short {
            text.push_str(&format!(
                "  {short} more schools are to keep it; they fetch it when they can\n"
            ));
        }
    }
    text
}

fn versions_text(versions: &[ListedVersion]) -> String {
    let mut text = String::new();
    for version in versions {
        let ListedVersion { number, current, updated, title, files } = version;
        let day = updated.get(..10).unwrap_or(updated);
        let shared = if *current { ", the one that is shared" } else { "" };
        text.push_str(&format!("{number}  {day}  {title}{shared}\n"));
        for VersionFile { file, here } in files {
            let gone = if *here { "" } else { ", not here any more" };
            text.push_str(&format!("   {} ({}{gone})\n", file.name, bytes(file.size)));
        }
    }
    text
}

fn at(copy: &Copy) -> String {
    let when = |millis: u64| ago(millis, now_millis());
    let name = &copy.name;
    match (copy.proved, copy.heard) {
        (_, Some(heard)) if copy.lost => format!("{name}: last heard of {}", when(heard)),
        (_, None) if copy.lost => format!("{name}: not heard of yet"),
        (Some(proved), _) => format!("{name}: proved that it holds it {}", when(proved)),
        (None, _) => format!("{name}: shared it"),
    }
}
