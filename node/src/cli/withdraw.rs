//! `staffroom withdraw`

use std::path::Path;

use serde_json::json;

use super::client::{Client, segment};
use super::output::{Output, table};
use crate::ago::minute;
use crate::erasure::WithdrawalReceipts;
use crate::withdrawal::Withdrawn;

/// Take back a record: one that this school shared, or as an admin one of a school that has left
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
        let path = format!("/records/{}/withdrawal", segment(&self.id));
        let withdrawn: Withdrawn = Client::with(data, output, async |client| {
            client.put_unlocked(&path, &json!({ "reason": self.reason })).await
        })
        .await?;
        output.answer(&withdrawn, || {
            let (title, groups) = (&withdrawn.title, withdrawn.groups.join(", "));
            if let Some(of) = &withdrawn.of {
                return format!("Withdrew {title:?} of {of} from {groups}.");
            }
            format!(
                "Withdrew {title:?} from {groups}.\nSee which schools have erased it with: staffroom receipts {}",
                self.id
            )
        })
    }
}

/// Show which schools have confirmed that nothing is left of a record that this school withdrew
#[derive(Debug, clap::Args)]
pub(super) struct Receipts {
    /// The record's id, or how it begins
    id: String,
}

impl Receipts {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let path = format!("/records/{}/receipts", segment(&self.id));
        let receipts: WithdrawalReceipts =
            Client::with(data, output, async |client| client.get(&path).await).await?;
        output.answer(&receipts, || report(&receipts))
    }
}

fn report(receipts: &WithdrawalReceipts) -> String {
    let summary = receipts.sentence();
    let list = table(
        ["School", "Group", "Erased", "Out of backups by"],
        receipts.members.iter().map(|member| {
            [
                member.school.clone(),
                member.group.clone(),
                member.erased.as_deref().map_or_else(|| "not yet".to_owned(), minute),
                member.backups_by.as_deref().unwrap_or_default().chars().take(10).collect(),
            ]
        }),
    );
    if receipts.members.is_empty() { summary } else { format!("{summary}\n{list}") }
}
