//! `staffroom close`

use std::path::Path;

use anyhow::bail;

use super::client::Client;
use super::group::{Records, confirmed};
use super::output::Output;

/// Say in every group that this school closes, and leave them all
#[derive(Debug, clap::Args)]
pub(super) struct Close {
    /// What becomes of what this school shared with them
    #[arg(long, value_enum, default_value = "stay")]
    records: Records,
    /// Close without being asked whether that is meant
    #[arg(long)]
    yes: bool,
}

impl Close {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        let school = client.school_name().await?;
        let question = format!("{school} leaves every group, for good. Is it closing?");
        if !self.yes && !output.is_json() && !confirmed(&question)? {
            bail!("{school} stays as it is");
        }
        let path = format!("/memberships?{}", self.records.query());
        let left: Vec<String> = client.delete(&path).await?;
        output.answer(&left, || match left.as_slice() {
            [] => format!("{school} is in no group."),
            names => format!("{school} has closed, and left {}.", names.join(", ")),
        })
    }
}
