//! `staffroom similar`

use std::path::Path;

use super::client::{Client, segment};
use super::output::Output;
use super::search::hit_text;
use crate::http::HitReport;

/// List records that are about the same as one
#[derive(Debug, clap::Args)]
pub(super) struct Similar {
    /// The record's id, or how it begins
    id: String,
}

impl Similar {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let similar =
            Client::with(data, output, async |client| self.ask(client, output).await).await?;
        output.answer(&similar, || text(&similar))
    }

    async fn ask(&self, client: &Client, output: &Output) -> anyhow::Result<Vec<HitReport>> {
        client.wait_for_index(output).await?;
        client.get(&format!("/records/{}/similar", segment(&self.id))).await
    }
}

fn text(similar: &[HitReport]) -> String {
    if similar.is_empty() {
        return "No other record is about the same.".to_owned();
    }
    let hits = (1..).zip(similar).map(|(number, hit)| hit_text(number, hit));
    hits.collect::<Vec<_>>().join("\n")
}
