//! `staffroom withdraw`

use std::path::Path;

use serde_json::json;

use super::client::{Client, segment};
use super::output::Output;
use crate::publish::Withdrawn;

/// Take back a record that this school shared
#[derive(Debug, clap::Args)]
pub(super) struct Withdraw {
    /// The record's id, or how it begins
    id: String,
    /// Why; the reason stays in this school
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Withdraw {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let client = Client::open(data, output).await?;
        let path = format!("/records/{}/withdrawal", segment(&self.id));
        let withdrawn: anyhow::Result<Withdrawn> =
            client.post(&path, &json!({ "reason": self.reason })).await;
        client.close().await;
        let withdrawn = withdrawn?;
        output.answer(&withdrawn, || {
            format!("Withdrew {:?} from {}.", withdrawn.title, withdrawn.groups.join(", "))
        })
    }
}
