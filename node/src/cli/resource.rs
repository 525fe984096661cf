//! `staffroom resource`

use std::path::Path;

use anyhow::bail;

use super::client::{Client, segment};
use super::output::{Output, bytes};
use crate::ago::ago;
use crate::clock::now_millis;
use crate::keeping::{Copies, Copy};

/// Show which schools hold the files of a record, and pin them so that they stay here
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
}

impl Resource {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let client = Client::open(data, output).await?;
        let copies = self.ask(&client).await;
        client.close().await;
        let copies = copies?;
        output.answer(&copies, || text(&copies))
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
