//! What became of a folder, for a person and for a script.

use std::path::{Path, PathBuf};

use serde::Serialize;
use staffroom_protocol::hash::RecordId;

use super::folder::{Folder, Skipped};
use super::map::ResourceMap;
use crate::cli::output::filled;

/// Files without a row that are named; of more, only the number helps.
const NAMED: usize = 20;

/// What became of a folder.
#[derive(Debug, Default, Serialize)]
pub(super) struct Report {
    folder: PathBuf,
    /// Shared as new records.
    pub(super) shared: usize,
    /// Shared as new versions of records.
    pub(super) new_versions: usize,
    /// Shared before.
    unchanged: usize,
    /// Copies of other files in the folder.
    copies: usize,
    /// Not shared.
    pub(super) refused: usize,
    skipped: Skipped,
    files: Vec<FileReport>,
    pub(super) rows_without_file: Vec<RowWithoutFile>,
    files_without_row: Vec<String>,
}

/// What became of a file.
#[derive(Debug, Serialize)]
pub(super) struct FileReport {
    pub(super) file: String,
    #[serde(flatten)]
    pub(super) outcome: Outcome,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) warnings: Vec<String>,
    /// What was taken out of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) removed: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case", tag = "outcome")]
pub(super) enum Outcome {
    Shared { id: RecordId, title: String, groups: Vec<String> },
    NewVersion { id: RecordId, title: String, groups: Vec<String> },
    Unchanged { id: RecordId, title: String },
    Copy { of: String },
    Refused { reasons: Vec<String> },
}

/// A row of the map that is about no file.
#[derive(Debug, Serialize)]
pub(super) struct RowWithoutFile {
    row: u64,
    reason: String,
}

impl FileReport {
    pub(super) fn new(file: &str, outcome: Outcome) -> Self {
        Self { file: file.to_owned(), outcome, warnings: Vec::new(), removed: None }
    }

    pub(super) fn refused(file: &str, reason: String) -> Self {
        Self::new(file, Outcome::Refused { reasons: vec![reason] })
    }

    fn text(&self, check: bool) -> String {
        let file = &self.file;
        let done = |before: &str, id: &RecordId| {
            if check {
                ("can be ".to_owned() + before, String::new())
            } else {
                (before.to_owned(), format!(" (id {})", id.short()))
            }
        };
        let mut text = match &self.outcome {
            Outcome::Shared { id, title, groups } => {
                let (done, id) = done("shared", id);
                format!("{file}: {title:?} {done} with {}{id}\n", groups.join(", "))
            }
            Outcome::NewVersion { id, title, groups } => {
                let (done, id) = done("shared", id);
                format!("{file}: new version of {title:?} {done} with {}{id}\n", groups.join(", "))
            }
            Outcome::Unchanged { .. } => return String::new(),
            Outcome::Copy { of } => format!("{file}: the same as {of}, not shared twice\n"),
            Outcome::Refused { .. } => format!("{file}: not shared\n"),
        };
        let mut add = |line: &str| text.push_str(&(filled(line, "  ") + "\n"));
        if let Outcome::Refused { reasons } = &self.outcome {
            reasons.iter().for_each(|reason| add(&format!("- {reason}")));
        }
        self.removed.iter().for_each(|removed| add(removed));
        self.warnings.iter().for_each(|warning| add(&format!("please check: {warning}")));
        text
    }
}

impl Report {
    pub(super) fn new(dir: &Path, folder: &Folder, map: &ResourceMap) -> Self {
        let rows = map.without_file.iter();
        Self {
            folder: dir.to_owned(),
            skipped: folder.skipped.clone(),
            rows_without_file: rows
                .map(|(row, reason)| RowWithoutFile { row: *row, reason: reason.clone() })
                .collect(),
            files_without_row: map.without_row.clone(),
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, file: FileReport) {
        self.files.push(file);
    }

    pub(super) fn add_all(&mut self, files: Vec<FileReport>) {
        self.files.extend(files);
    }

    /// The report with its files in order and counted.
    pub(super) fn finished(mut self) -> Self {
        self.files.sort_by(|one, other| one.file.cmp(&other.file));
        for file in &self.files {
            *match file.outcome {
                Outcome::Shared { .. } => &mut self.shared,
                Outcome::NewVersion { .. } => &mut self.new_versions,
                Outcome::Unchanged { .. } => &mut self.unchanged,
                Outcome::Copy { .. } => &mut self.copies,
                Outcome::Refused { .. } => &mut self.refused,
            } += 1;
        }
        self
    }

    /// What to say where the node could not go on.
    pub(super) fn interrupted(&self, error: anyhow::Error) -> anyhow::Error {
        let is_shared = |file: &&FileReport| {
            matches!(file.outcome, Outcome::Shared { .. } | Outcome::NewVersion { .. })
        };
        let shared = self.files.iter().filter(is_shared).count();
        error.context(format!(
            "stopped after {} shared; run the command again to go on from there",
            files(shared)
        ))
    }

    pub(super) fn text(&self, check: bool) -> String {
        let mut text: String = self.files.iter().map(|file| file.text(check)).collect();
        let mut add = |line: String| text.push_str(&(filled(&line, "") + "\n"));
        for RowWithoutFile { row, reason } in &self.rows_without_file {
            add(format!("row {row} of the map: {reason}"));
        }
        if !self.files_without_row.is_empty() {
            let count = self.files_without_row.len();
            let named = &self.files_without_row[..count.min(NAMED)];
            let more = if count > NAMED { " …" } else { "" };
            add(format!("{} without a row in the map: {}{more}", files(count), named.join(", ")));
        }
        let Skipped { hidden, locks, of_systems, links, others, data, map } = &self.skipped;
        let skipped = [
            (*hidden, "hidden"),
            (*locks, "of open documents"),
            (*of_systems, "of the system"),
            (*links, "symbolic links, which are not followed"),
            (*others, "neither files nor folders"),
            (*data, "the node's own data"),
            (*map, "the map"),
        ];
        let skipped = skipped.iter().filter(|(count, _)| *count > 0);
        let skipped: Vec<String> = skipped.map(|(count, what)| format!("{count} {what}")).collect();
        if !skipped.is_empty() {
            add(format!("Left out: {}", skipped.join(", ")));
        }
        let can_be = if check { "can be " } else { "" };
        add(format!(
            "{}: {} {can_be}shared, {}, {} shared before and unchanged, {}, {} left out, {} refused",
            self.folder.display(),
            self.shared,
            counted(self.new_versions, "new version", "new versions"),
            self.unchanged,
            counted(self.copies, "copy", "copies"),
            self.skipped.total(),
            self.refused,
        ));
        text
    }
}

/// A number of things.
pub(super) fn counted(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn files(count: usize) -> String {
    counted(count, "file", "files")
}
