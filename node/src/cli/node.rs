//! `staffroom node`

use std::path::Path;

use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, table};
use crate::recovery::OwnNode;

/// Look after the nodes of this school: its server, and a standby
#[derive(Debug, clap::Subcommand)]
pub(super) enum NodeCommand {
    /// List the nodes that speak for this school
    List,
    /// Trust a node of this school no more, such as a server that was stolen; what it shared until
    /// now stays
    Revoke {
        /// The start of its id, as the list shows it
        node: String,
    },
}

impl NodeCommand {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        match self {
            Self::List => {
                let nodes: Vec<OwnNode> = client.get("/nodes").await?;
                output.answer(&nodes, || list(&nodes))
            }
            Self::Revoke { node } => {
                let path = format!("/nodes/{}/revocation", segment(&node));
                let revoked: OwnNode = client.put_unlocked(&path, &json!({})).await?;
                output.answer(&revoked, || {
                    format!(
                        "The node {} speaks for this school no more. What it had shared stays.",
                        short(&revoked.node)
                    )
                })
            }
        }
    }
}

fn list(nodes: &[OwnNode]) -> String {
    table(
        ["Node", "Now", "Groups"],
        nodes.iter().map(|node| {
            let now = match (node.this, node.connected) {
                (true, _) => "this node",
                (false, true) => "connected",
                (false, false) => "not connected",
            };
            [short(&node.node).to_owned(), now.to_owned(), node.groups.join(", ")]
        }),
    )
}

/// Enough of an id to tell the few nodes of a school apart.
fn short(node: &str) -> &str {
    node.get(..12).unwrap_or(node)
}
