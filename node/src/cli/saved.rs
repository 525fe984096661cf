//! `staffroom saved`

use std::path::Path;

use super::client::{Client, segment};
use super::output::{Output, filled, table};
use crate::http::{SavedSearchReport, SeenRequest};

/// List the saved searches, or show what one has found since it was saved
#[derive(Debug, clap::Args)]
pub(super) struct Saved {
    /// The name of a saved search; all are listed without one
    name: Option<String>,
    /// Mark all that it found as seen, after showing it
    #[arg(long, requires = "name")]
    seen: bool,
    /// Keep this search no longer
    #[arg(long, requires = "name", conflicts_with = "seen")]
    remove: bool,
}

impl Saved {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        Client::with(data, output, async |client| self.ask(client, output).await).await
    }

    async fn ask(self, client: &Client, output: &Output) -> anyhow::Result<()> {
        client.wait_for_index(output).await?;
        let Some(name) = &self.name else {
            let all: Vec<SavedSearchReport> = client.get("/saved-searches").await?;
            return output.answer(&all, || list(&all));
        };
        let path = format!("/saved-searches/{}", segment(name));
        if self.remove {
            let () = client.delete(&path).await?;
            return output.answer(&(), || format!("The search {name:?} is no longer saved."));
        }
        let saved: SavedSearchReport = client.get(&path).await?;
        if self.seen {
            let seen = SeenRequest { up_to: saved.newest() };
            let _: SavedSearchReport = client.put_body(&format!("{path}/seen"), &seen).await?;
        }
        output.answer(&saved, || text(&saved, self.seen))
    }
}

fn list(all: &[SavedSearchReport]) -> String {
    if all.is_empty() {
        return "No search is saved yet. Save one with: staffroom search QUESTION --save NAME"
            .to_owned();
    }
    let row = |saved: &SavedSearchReport| {
        let new = if saved.new > 0 { format!("{} new", saved.new) } else { String::new() };
        [saved.name.clone(), new, saved.question.clone()]
    };
    table(["Name", "", "Question"], all.iter().map(row))
}

fn text(saved: &SavedSearchReport, seen: bool) -> String {
    let mut text = format!("{}\n{}\n", saved.name, filled(&saved.question, ""));
    if let Some(problem) = &saved.problem {
        text.push_str(&filled(&format!("It finds nothing at the moment: {problem}."), ""));
        text.push('\n');
    }
    if saved.found.is_empty() {
        text.push_str("\nNothing new has come since it was saved.\n");
    }
    for found in &saved.found {
        let new = if found.new { "new · " } else { "" };
        let about = format!(
            "{new}{} · {} · {} · id\u{a0}{}",
            found.kind_label,
            found.school_name,
            found.ago(),
            found.id.short()
        );
        text.push_str(&format!("\n{}\n{}\n", filled(&found.title, ""), filled(&about, "   ")));
    }
    if saved.new > 0 && !seen {
        let mark = format!("\nMark them as seen with: staffroom saved {:?} --seen\n", saved.name);
        text.push_str(&mark);
    }
    text
}
