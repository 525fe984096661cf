//! `staffroom audit`

use std::path::Path;

use super::client::Client;
use super::output::{Output, table};
use crate::audit::AuditLine;

/// Show who did what
#[derive(Debug, clap::Args)]
pub(super) struct Audit {
    /// How many acts, the newest
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
}

impl Audit {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let mut lines = Client::with(data, output, async |client| {
            client.get::<Vec<AuditLine>>(&format!("/audit?limit={}", self.limit)).await
        })
        .await?;
        // As in the file: what happened last stands last.
        lines.reverse();
        output.answer(&lines, || {
            let rows = lines.iter().map(|line| {
                [
                    line.when.strftime("%Y-%m-%d %H:%M:%S").to_string(),
                    line.who.to_string(),
                    line.what.clone(),
                    line.about.clone(),
                    line.from.map(|from| from.to_string()).unwrap_or_default(),
                ]
            });
            table(["When (UTC)", "Who", "Did what", "About", "From"], rows)
        })
    }
}
