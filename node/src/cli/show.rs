//! `staffroom show`

mod evidence;

use std::path::{Path, PathBuf};

use anyhow::Context;
use console::style;

use super::client::{Client, at_version};
use super::output::{Output, bytes, filled};
use crate::http::RecordReport;
use crate::readable::{self, Field, Readable};

/// Show a record
#[derive(Debug, clap::Args)]
pub(super) struct Show {
    /// The record's id, or how it begins
    id: String,
    /// Show an older version of a record of this school; resource ID --versions lists them
    #[arg(long, value_name = "N")]
    version: Option<usize>,
    /// Write what each school found as a picture to this file
    #[arg(long, value_name = "FILE.svg")]
    plot: Option<PathBuf>,
}

impl Show {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let path = at_version(&self.id, self.version);
        let record: RecordReport =
            Client::with(data, output, async |client| client.get(&path).await).await?;
        if let Some(path) = &self.plot {
            let plots = record.evidence.as_ref().map(|evidence| evidence.forest_plots.as_slice());
            let Some(plot) = plots.unwrap_or_default().first() else {
                anyhow::bail!(
                    "there is nothing to draw: no school has reported an effect with its interval \
                     on record {}",
                    record.id.short()
                );
            };
            std::fs::write(path, plot)
                .with_context(|| format!("could not write {}", path.display()))?;
        }
        output.answer(&record, || text(&record, self.version))
    }
}

fn text(record: &RecordReport, version: Option<usize>) -> String {
    let Some(summary) = record.summary.as_ref().filter(|_| !record.withdrawn) else {
        return format!("{} withdrew this record; it is no longer shared.", record.school_name);
    };
    let mut lines = vec![
        style(filled(&summary.title, "")).bold().to_string(),
        format!(
            "{} · {} · {} · {}",
            readable::label(&record.kind),
            record.school_name,
            version.map_or_else(|| record.groups.join(", "), |number| format!("version {number}")),
            record.updated.get(..10).unwrap_or(&record.updated)
        ),
        format!("id {}", record.id),
    ];
    let from = record.adaptations.from.iter();
    lines.extend(from.map(|one| filled(&format!("Adapted from {}", one.described()), "")));
    if let Some(adapters) = record.adaptations.adapters() {
        lines.push(filled(&adapters, ""));
        let by = record.adaptations.by.iter();
        lines.extend(by.map(|one| filled(&format!("- {}", one.described()), "")));
    }
    lines.extend(record.evidence.iter().flat_map(evidence::paragraphs));
    if !summary.abstract_text.is_empty() {
        lines.push(String::new());
        lines.push(filled(&summary.abstract_text, ""));
    }
    match &record.record {
        Some(full) => lines.extend(readable::fields(full).iter().map(|field| show(field, "", 0))),
        None => lines.push(
            "\nThe full text has not arrived from the other school yet; it is fetched as soon as a \
             node that has it can be reached."
                .to_owned(),
        ),
    }
    if !summary.tags.is_empty() {
        lines.push(format!("\nTags\n{}", summary.tags.join(", ")));
    }
    if !summary.files.is_empty() {
        lines.push(format!(
            "\nFiles (save them with: staffroom get {}{} --out DIR)",
            record.id.short(),
            version.map(|number| format!(" --version {number}")).unwrap_or_default()
        ));
        let file = |file: &staffroom_protocol::record::File| {
            let checked = if file.text.is_some() { "" } else { ", not checked for pupil data" };
            format!("- {} ({}{checked})", file.name, bytes(file.size))
        };
        lines.extend(summary.files.iter().map(file));
    }
    lines.join("\n")
}

fn show(field: &Field, indent: &str, depth: usize) -> String {
    let within = format!("{indent}  ");
    if depth == 0 {
        let heading = style(&field.label).bold();
        return format!("\n{heading}\n{}", content(&field.content, indent));
    }
    match &field.content {
        Readable::Text(_) | Readable::Record(_) => {
            filled(&format!("{}: {}", field.label, inline(&field.content)), indent)
        }
        Readable::List(_) | Readable::Fields(_) => {
            format!("{indent}{}:\n{}", field.label, content(&field.content, &within))
        }
    }
}

fn inline(content: &Readable) -> String {
    match content {
        Readable::Text(text) => text.clone(),
        Readable::Record(id) => format!("record {id}"),
        Readable::List(items) => items.iter().map(inline).collect::<Vec<_>>().join(", "),
        Readable::Fields(fields) => fields
            .iter()
            .map(|field| format!("{}: {}", field.label, inline(&field.content)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

fn content(content: &Readable, indent: &str) -> String {
    match content {
        Readable::Text(_) | Readable::Record(_) => filled(&inline(content), indent),
        Readable::List(items) => items
            .iter()
            .map(|item| filled(&format!("- {}", inline(item)), indent))
            .collect::<Vec<_>>()
            .join("\n"),
        Readable::Fields(fields) => {
            fields.iter().map(|field| show(field, indent, 1)).collect::<Vec<_>>().join("\n")
        }
    }
}
