//! `staffroom publish`

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::Serialize;
use serde_json::{Map, Value};
use staffroom_protocol::limits::MAX_FILE_BYTES;
use staffroom_protocol::safeguard::CAVEAT;
use tokio::io::AsyncRead;

use super::client::{Client, with_query};
use super::output::{Output, filled};
use crate::extract::{Names, Trace, listed};
use crate::http::{PublishRequest, Uploaded};
use crate::markdown::{self, Manuscript};
use crate::publish::{PublishOptions, PublishOutcome};

/// Share records
#[derive(Debug, clap::Args)]
pub(super) struct Publish {
    /// Markdown files with front matter, a record a file
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A group to share with, where the file names none; may be given several times
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Share a second record even where this school has one of that kind and title
    #[arg(long)]
    new: bool,
    /// A file of a record that cannot be looked through, such as a picture: say that it holds no pupil
    /// data; may be given several times
    #[arg(long, value_name = "FILE")]
    no_pupil_data: Vec<PathBuf>,
    #[command(flatten)]
    sharing: Sharing,
}

/// How files and records are shared.
#[derive(Debug, clap::Args)]
pub(super) struct Sharing {
    /// Share documents that hold macros, too
    #[arg(long)]
    pub(super) allow_macros: bool,
    /// Take the names of people out of documents and pictures: authors, who commented, where a
    /// picture was taken
    #[arg(long)]
    pub(super) remove_names: bool,
    /// Only say what would happen
    #[arg(long)]
    pub(super) check: bool,
}

/// What became of a file.
#[derive(Debug, Serialize)]
struct FileOutcome {
    file: PathBuf,
    #[serde(flatten)]
    outcome: PublishOutcome,
}

impl Publish {
    pub(super) async fn run(self, data: &Path, output: &Output) -> anyhow::Result<()> {
        let outcomes =
            Client::with(data, output, async |client| self.publish(client, output).await).await?;
        let check = self.sharing.check;
        output.answer(&outcomes, || {
            outcomes.iter().map(|file| describe(file, check)).collect::<String>()
        })?;
        output.remark(CAVEAT);
        let refused = outcomes
            .iter()
            .filter(|file| matches!(file.outcome, PublishOutcome::Refused { .. }))
            .count();
        if refused > 0 {
            bail!("{refused} of {} files were not shared; see above", outcomes.len());
        }
        Ok(())
    }

    async fn publish(&self, client: &Client, output: &Output) -> anyhow::Result<Vec<FileOutcome>> {
        let mut read = Vec::new();
        let mut outcomes = Vec::new();
        for file in &self.files {
            match read_file(file) {
                Ok(manuscript) => read.push((file.clone(), manuscript)),
                Err(error) => outcomes.push(refused(file, &error)),
            }
        }
        let mut progress = output.progress("sharing");
        let total = read.len() as u64;
        let mut records = Vec::new();
        for (file, manuscript) in in_order(read) {
            let folder = file.parent().unwrap_or(Path::new("")).to_owned();
            let content = async |path: &str| open_attachment(&folder.join(path)).await;
            match with_attachments(client, manuscript, self.sharing.remove_names, content).await {
                Ok((fields, removed)) => {
                    removed.iter().for_each(|said| output.remark(said));
                    records.push((file, Value::Object(fields)));
                }
                Err(error) => outcomes.push(refused(&file, &error)),
            }
            progress.set(records.len() as u64, total);
        }
        let (files, records) = records.into_iter().unzip::<_, _, Vec<_>, Vec<_>>();
        let options = PublishOptions {
            groups: self.group.clone(),
            allow_same_title: self.new,
            check_only: self.sharing.check,
            no_pupil_data: self.no_pupil_data.iter().map(|path| name_of(path)).collect(),
            allow_macros: self.sharing.allow_macros,
            origins: Vec::new(),
        };
        let request = PublishRequest { records, options };
        let published: Vec<PublishOutcome> = client.post("/records", &request).await?;
        let published = files.into_iter().zip(published);
        outcomes.extend(published.map(|(file, outcome)| FileOutcome { file, outcome }));
        Ok(outcomes)
    }
}

/// A file as its record names it, without folders.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn refused(file: &Path, error: &anyhow::Error) -> FileOutcome {
    let reasons = vec![format!("{error:#}")];
    let outcome = PublishOutcome::Refused { title: String::new(), reasons };
    FileOutcome { file: file.to_owned(), outcome }
}

fn read_file(path: &Path) -> anyhow::Result<Manuscript> {
    let bytes = std::fs::read(path).context("the file cannot be read")?;
    let text = String::from_utf8(bytes)
        .context("the file is not UTF-8 text; save it as UTF-8 and publish it again")?;
    Ok(markdown::read(&text)?)
}

async fn open_attachment(path: &Path) -> anyhow::Result<tokio::fs::File> {
    let cannot = || format!("the attachment {} cannot be read", path.display());
    let file = tokio::fs::File::open(path).await.with_context(cannot)?;
    let size = file.metadata().await.with_context(cannot)?.len();
    if size > MAX_FILE_BYTES {
        bail!(
            "the attachment {} has {size} bytes; a file may have {MAX_FILE_BYTES}: split it, or \
             give its address as url",
            path.display()
        );
    }
    Ok(file)
}

/// Hands a record's attachments to the node, and puts what names them into the record's fields. Says
/// also which names were taken out of them.
pub(super) async fn with_attachments<C: AsyncRead + Send + Unpin + 'static>(
    client: &Client,
    manuscript: Manuscript,
    remove_names: bool,
    content: impl AsyncFn(&str) -> anyhow::Result<C>,
) -> anyhow::Result<(Map<String, Value>, Vec<String>)> {
    let Manuscript { mut fields, files } = manuscript;
    let mut kept = Vec::new();
    let mut said = Vec::new();
    for path in &files {
        let name = name_of(Path::new(path));
        let address = upload_address(&name, remove_names);
        let uploaded: Uploaded = client.send_file(&address, content(path).await?, |_| {}).await?;
        let Uploaded { file, removed } = uploaded;
        said.extend(said_of_removed(&name, &removed));
        kept.push(serde_json::to_value(file)?);
    }
    if !kept.is_empty() {
        fields.insert("files".to_owned(), Value::Array(kept));
    }
    Ok((fields, said))
}

/// Where a file is sent to.
pub(super) fn upload_address(name: &str, remove_names: bool) -> String {
    let remove_names = if remove_names { "true" } else { "false" };
    with_query("/files", [("name", name), ("remove_names", remove_names)])
}

/// What to say of names that were taken out of a file.
pub(super) fn said_of_removed(name: &str, removed: &[Trace]) -> Option<String> {
    let words_stay = |trace: &Trace| matches!(trace.names, Names::Comments | Names::Changes);
    let stays = if removed.iter().any(words_stay) {
        "; the words of comments and changes stay, without who wrote them"
    } else {
        ""
    };
    (!removed.is_empty()).then(|| format!("{name}: taken out: {}{stays}", listed(removed)))
}

/// The records, each after those among them that it refers to.
fn in_order(read: Vec<(PathBuf, Manuscript)>) -> Vec<(PathBuf, Manuscript)> {
    let ids: BTreeMap<String, usize> = read
        .iter()
        .enumerate()
        .filter_map(|(index, (_, one))| Some((one.fields.get("id")?.as_str()?.to_owned(), index)))
        .collect();
    let mut order = Vec::new();
    let mut seen = BTreeSet::new();
    for start in 0..read.len() {
        // A record and the position in the list of what it refers to.
        let mut path = vec![(start, referred(&read[start].1, &ids))];
        if !seen.insert(start) {
            continue;
        }
        while let Some((index, waiting)) = path.last_mut() {
            match waiting.pop() {
                Some(next) if seen.insert(next) => path.push((next, referred(&read[next].1, &ids))),
                Some(_) => {}
                None => {
                    order.push(*index);
                    path.pop();
                }
            }
        }
    }
    let mut read: Vec<_> = read.into_iter().map(Some).collect();
    order.into_iter().filter_map(|index| read[index].take()).collect()
}

/// Which of `ids` stand anywhere in a record's fields but as its own.
fn referred(manuscript: &Manuscript, ids: &BTreeMap<String, usize>) -> Vec<usize> {
    fn collect(value: &Value, ids: &BTreeMap<String, usize>, found: &mut Vec<usize>) {
        match value {
            Value::String(text) => found.extend(ids.get(text.trim())),
            Value::Array(items) => items.iter().for_each(|item| collect(item, ids, found)),
            Value::Object(fields) => fields.values().for_each(|one| collect(one, ids, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut found = Vec::new();
    for (_, value) in manuscript.fields.iter().filter(|(name, _)| *name != "id") {
        collect(value, ids, &mut found);
    }
    found
}

fn describe(file: &FileOutcome, check: bool) -> String {
    let name = file.file.display();
    match &file.outcome {
        PublishOutcome::Published { id, title, groups, new_version, warnings } => {
            let done = match (check, new_version) {
                (true, _) => "can be shared with",
                (false, true) => "new version shared with",
                (false, false) => "shared with",
            };
            let shown = if check { String::new() } else { format!(" (id {})", id.short()) };
            let mut text = format!("{name}: {title:?} {done} {}{shown}\n", groups.join(", "));
            for warning in warnings {
                text.push_str(&filled(&format!("please check: {warning}"), "  "));
                text.push('\n');
            }
            text
        }
        PublishOutcome::Unchanged { id, title } => {
            format!("{name}: {title:?} was shared before, unchanged (id {})\n", id.short())
        }
        PublishOutcome::Refused { reasons, .. } => {
            let mut text = format!("{name}: not shared\n");
            for reason in reasons {
                text.push_str(&filled(&format!("- {reason}"), "  "));
                text.push('\n');
            }
            text
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn records_come_after_those_they_refer_to_even_in_a_circle() {
        let one = |id: &str, about: &[&str]| {
            let value = json!({ "id": id, "resources": about });
            let Value::Object(fields) = value else { unreachable!() };
            (PathBuf::from(id), Manuscript { fields, files: Vec::new() })
        };
        let order = |read| -> Vec<String> {
            in_order(read).into_iter().map(|(path, _)| path.display().to_string()).collect()
        };
        let read = vec![one("a", &["c", "elsewhere"]), one("b", &[]), one("c", &["b"])];
        assert_eq!(order(read), ["b", "c", "a"]);
        let circle = vec![one("a", &["b"]), one("b", &["a"])];
        assert_eq!(order(circle), ["b", "a"]);
    }
}
