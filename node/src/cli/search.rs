//! `staffroom search`

use std::path::Path;

use console::style;

use super::client::{Client, with_query};
use super::output::{Output, filled};
use crate::http::{HitReport, SearchReport};
use crate::readable;

/// Search what all schools shared
#[derive(Debug, clap::Args)]
pub(super) struct Search {
    /// What to look for, in plain words
    #[arg(required = true, num_args = 1..)]
    query: Vec<String>,
    /// Only records of this kind, such as intervention or impact_report
    #[arg(long)]
    kind: Vec<String>,
    /// Only this subject
    #[arg(long)]
    subject: Vec<String>,
    /// Only this key stage
    #[arg(long)]
    key_stage: Vec<String>,
    /// Only this group of pupils
    #[arg(long)]
    pupil_group: Vec<String>,
    /// Only this theme
    #[arg(long)]
    theme: Vec<String>,
    /// Only impact reports with this conclusion
    #[arg(long)]
    conclusion: Vec<String>,
    /// Only from this school
    #[arg(long)]
    school: Vec<String>,
    /// Only what was shared with this group
    #[arg(long)]
    group: Vec<String>,
    /// The most results to show
    #[arg(long, default_value_t = 10)]
    limit: usize,
    /// Results to leave out before the first one shown
    #[arg(long, default_value_t = 0)]
    offset: usize,
}

impl Search {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let client = Client::open(data, output).await?;
        let found = self.ask(&client, output).await;
        client.close().await;
        let found = found?;
        output.answer(&found, || text(&found, self.offset))
    }

    async fn ask(&self, client: &Client, output: &Output) -> anyhow::Result<SearchReport> {
        client.wait_for_index(output).await?;
        let (query, limit, offset) =
            (self.query.join(" "), self.limit.to_string(), self.offset.to_string());
        let lists = [
            ("kind", &self.kind),
            ("subject", &self.subject),
            ("key_stage", &self.key_stage),
            ("pupil_group", &self.pupil_group),
            ("theme", &self.theme),
            ("conclusion", &self.conclusion),
            ("school", &self.school),
            ("group", &self.group),
        ];
        let mut parameters = vec![("q", query.as_str()), ("limit", &limit), ("offset", &offset)];
        for (name, values) in lists {
            parameters.extend(values.iter().map(|value| (name, value.as_str())));
        }
        client.get(&with_query("/search", parameters)).await
    }
}

fn text(found: &SearchReport, offset: usize) -> String {
    let covered = filled(&found.coverage.sentence, "");
    if found.hits.is_empty() {
        return if found.total == 0 {
            format!("Nothing was found. Try fewer or other words, or fewer filters.\n{covered}")
        } else {
            format!("There are only {} records.", found.total)
        };
    }
    let took = found.took_micros as f64 / 1_000.0;
    let records = if found.total == 1 { "record" } else { "records" };
    let mut text = format!("{} {records} in {took:.1} ms\n{covered}\n", found.total);
    if found.shortened {
        text.push_str("The question was long; only its beginning was searched for.\n");
    }
    for (index, hit) in found.hits.iter().enumerate() {
        text.push('\n');
        text.push_str(&hit_text(offset + index + 1, hit));
    }
    text
}

fn hit_text(number: usize, hit: &HitReport) -> String {
    let title = filled(&format!("{number}. {}", hit.title), "");
    let mut about = vec![hit.kind_label.clone(), hit.school_name.clone(), hit.group_name.clone()];
    about.extend(hit.state.iter().map(|state| readable::label(state).to_lowercase()));
    about.extend(hit.conclusion.iter().map(|conclusion| format!("conclusion: {conclusion}")));
    if let Some(effect) = hit.effect {
        let pupils = hit.pupils.map(|pupils| format!(", {pupils} pupils")).unwrap_or_default();
        about.push(format!("effect {effect:+.2}{pupils}"));
    }
    about.push(format!("id {}", hit.id.short()));
    format!(
        "{}\n{}\n{}\n",
        style(title).bold(),
        style(filled(&about.join(" · "), "   ")).dim(),
        filled(&hit.passage, "   ")
    )
}
