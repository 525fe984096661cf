//! `staffroom status` and `staffroom reindex`

use std::path::Path;
use std::time::Duration;

use serde_json::json;

use super::client::Client;
use super::group;
use super::kit::{self, advice};
use super::line;
use super::output::{Output, bytes, filled};
use crate::home::Home;
use crate::http::{GroupStatus, IndexStatus, SearchNews, StatusReport};

/// Say how the node is doing
#[derive(Debug, clap::Args)]
pub(super) struct Status {}

impl Status {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let status: StatusReport =
            Client::with(data, output, async |client| client.get("/status").await).await?;
        let kit = Home::new(data).dir().join(kit::FILE);
        if kit.exists() {
            output.remark(&format!("The recovery kit is still on this server. {}", advice(&kit)));
        }
        output.answer(&status, || text(&status))
    }
}

fn text(status: &StatusReport) -> String {
    let network = match &status.network {
        None => "not running; start it with: staffroom serve".to_owned(),
        Some(network) => format!(
            "running, {} connected, {} sent, {} received\nreached at   {}",
            match network.connected {
                1 => "1 node".to_owned(),
                count => format!("{count} nodes"),
            },
            bytes(network.traffic.sent),
            bytes(network.traffic.received),
            network.contact.join("\n             ")
        ),
    };
    let index = &status.index;
    let lag = if index.up_to_date {
        "up to date".to_owned()
    } else {
        format!("at change {} of {}", index.position, index.store_position)
    };
    let mut text = format!(
        "{}\nschool       {}\ndata         {}\nnode         {network}\nsearch index {} documents, {lag}\n",
        status.claims.name, status.school, status.data, index.documents
    );
    text.push_str(&line::in_status(status.line.as_ref()));
    for SearchNews { name, new } in &status.news {
        text.push_str(&format!(
            "saved search {name}: {new} new; see with: staffroom saved {name:?}\n"
        ));
    }
    if status.held_aside > 0 {
        text.push_str(&format!(
            "waiting      {} records, of schools that are not known here or with clocks that are ahead\n",
            status.held_aside
        ));
    }
    text.push_str(&format!("\n{}", group::list(&status.groups)));
    for group in &status.groups {
        text.push_str(&about_group(group));
    }
    text
}

/// What there is to say of a group beside the table, a line each.
fn about_group(group: &GroupStatus) -> String {
    let lines = group.remarks();
    if lines.is_empty() {
        return String::new();
    }
    let lines: Vec<String> = lines.iter().map(|line| filled(line, "  ")).collect();
    format!("\n\n{}\n{}", group.name, lines.join("\n"))
}

/// Make the search index again
#[derive(Debug, clap::Args)]
pub(super) struct Reindex {}

impl Reindex {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let index =
            Client::with(data, output, async |client| rebuild(client, output).await).await?;
        output.answer(&index, || {
            format!("The search index was made again: {} documents.", index.documents)
        })
    }
}

async fn rebuild(client: &Client, output: &Output) -> anyhow::Result<IndexStatus> {
    let mut progress = output.progress("making the search index again");
    let mut index: IndexStatus = client.post("/index/rebuild", &json!({})).await?;
    while !index.up_to_date {
        progress.set(index.position, index.store_position);
        tokio::time::sleep(Duration::from_millis(50)).await;
        index = client.get::<StatusReport>("/status").await?.index;
    }
    Ok(index)
}
