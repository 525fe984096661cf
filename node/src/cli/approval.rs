//! `staffroom approval`

use std::path::Path;

use serde_json::json;

use super::client::Client;
use super::output::Output;
use crate::http::ApprovalReport;

/// Show or set whether what staff share needs a colleague's approval
#[derive(Debug, clap::Args)]
pub(super) struct Approval {
    /// From now on it does: somebody with the role approver looks at it first, who did not write it.
    /// The command line still publishes by itself
    #[arg(long)]
    on: bool,
    /// From now on staff share by themselves
    #[arg(long, conflicts_with = "on")]
    off: bool,
}

impl Approval {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let report = Client::with(data, output, async |client| self.ask(client).await).await?;
        output.answer(&report, || text(&report))
    }

    async fn ask(self, client: &Client) -> anyhow::Result<ApprovalReport> {
        if self.on || self.off {
            return client.put_body("/approval", &json!({ "needed": self.on })).await;
        }
        client.get("/approval").await
    }
}

fn text(report: &ApprovalReport) -> String {
    let ApprovalReport { needed, approvers } = report;
    if !needed {
        return "What staff share needs nobody's approval. Ask for it with: staffroom approval --on"
            .to_owned();
    }
    let who = match approvers {
        0 => "Nobody has the role approver yet; give it to somebody with: staffroom person roles"
            .to_owned(),
        1 => {
            "1 person has the role approver; what that person writes, nobody can approve".to_owned()
        }
        more => format!("{more} people have the role approver"),
    };
    format!(
        "What staff share needs a colleague's approval, on the pages and with personal tokens.\n{who}.\n\
         The command line on this server publishes without it."
    )
}
