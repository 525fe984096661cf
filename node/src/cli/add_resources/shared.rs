//! Sending files to the node and publishing a record for each.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Map, Value, json};
use staffroom_protocol::hash::Hash;
use staffroom_protocol::record::File;
use staffroom_protocol::record::resource::BOUGHT_SCHEMES;
use staffroom_protocol::safeguard::{Clearance, Sort};

use super::AddResources;
use super::compared::Fate;
use super::content::Hashed;
use super::described;
use super::map::ResourceMap;
use super::report::{FileReport, Outcome, Report};
use crate::cli::client::{Client, is_refusal};
use crate::cli::output::{Output, Progress};
use crate::cli::publish::{said_of_removed, upload_address};
use crate::file_names;
use crate::http::{PublishRequest, Uploaded};
use crate::own_resources::OwnResource;
use crate::publish::{CONFIRMED, PublishOptions, PublishOutcome};

/// Files that are published with one sync of the disk; after an interruption so many are sent again.
const BATCH_FILES: usize = 20;

/// Bytes of them after which no further one is waited for.
const BATCH_BYTES: u64 = 64 * 1024 * 1024;

/// Files that are sent and not published yet.
#[derive(Default)]
struct Batch {
    files: Vec<Sent>,
    records: Vec<Value>,
    origins: Vec<Hash>,
    bytes: u64,
}

/// A file that was sent.
struct Sent {
    path: String,
    /// The hash of what was kept of it.
    kept: Hash,
    /// What was taken out of it.
    removed: Option<String>,
}

impl AddResources {
    /// Shares files, each as far as nothing is wrong with it.
    #[expect(clippy::too_many_arguments, reason = "one step of one command")]
    pub(super) async fn share(
        &self,
        files: Vec<(Hashed, Fate<'_>)>,
        map: &ResourceMap,
        licence: &str,
        vouched: &[String],
        own: &[OwnResource],
        client: &Client,
        output: &Output,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let all: Vec<Hashed> = files.iter().map(|(file, _)| file.clone()).collect();
        let titles = described::titles(&all);
        let total = all.iter().map(|file| file.found.size).sum();
        let mut progress = output.progress_in_bytes("sharing");
        let mut done = 0;
        let mut batch = Batch::default();
        let mut sent: Vec<(Hash, String)> = Vec::new();
        for (file, fate) in files {
            let held =
                if let Fate::Same(resource) = &fate { same_file(resource, &file) } else { None };
            let uploaded = match held {
                Some(file) => Ok(Uploaded { file, removed: Vec::new() }),
                None => self.send(&file, client, &mut progress, done, total).await,
            };
            done += file.found.size;
            progress.set(done, total);
            let Uploaded { file: kept, removed } = match uploaded {
                Ok(uploaded) => uploaded,
                Err(error) if is_refusal(&error) || error.is::<std::io::Error>() => {
                    report.add(FileReport::refused(&file.path, format!("{error:#}")));
                    continue;
                }
                Err(error) => return Err(report.interrupted(error)),
            };
            if removed.is_empty() && kept.hash != file.hash && !matches!(fate, Fate::Same(_)) {
                let why = format!("{} changed while it was read; run the command again", file.path);
                report.add(FileReport::refused(&file.path, why));
                continue;
            }
            // Without the names in them, files may be the same that were not before.
            if let Some((_, first)) = sent.iter().find(|(hash, _)| *hash == kept.hash) {
                report.add(FileReport::new(&file.path, Outcome::Copy { of: first.clone() }));
                continue;
            }
            if fate == Fate::New
                && let Some(shared) = own.iter().find(|one| {
                    one.in_groups && one.files.iter().any(|one| one.file.hash == kept.hash)
                })
            {
                let title = described::title_of(&shared.fields);
                let outcome = Outcome::Unchanged { id: shared.id, title };
                report.add(FileReport::new(&file.path, outcome));
                continue;
            }
            sent.push((kept.hash, file.path.clone()));
            let title = titles.get(&file.path).map(String::as_str).unwrap_or_default();
            let vouched = vouched.contains(&file.path);
            let removed = said_of_removed(&file.path, &removed);
            let sent = Sent { path: file.path.clone(), kept: kept.hash, removed };
            batch.add(&file, sent, record(&file, &fate, kept, map, title, licence, vouched));
            if batch.records.len() >= BATCH_FILES || batch.bytes >= BATCH_BYTES {
                self.publish(std::mem::take(&mut batch), client, report).await?;
            }
        }
        self.publish(batch, client, report).await
    }

    async fn send(
        &self,
        file: &Hashed,
        client: &Client,
        progress: &mut Progress,
        done: u64,
        total: u64,
    ) -> anyhow::Result<Uploaded> {
        const SHOWN_EVERY: Duration = Duration::from_millis(100);
        let content = tokio::fs::File::open(&file.found.file).await?;
        let so_far = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&so_far);
        let address = upload_address(file.found.name(), self.sharing.remove_names);
        let sending =
            client.send_file(&address, content, move |sent| counter.store(sent, Ordering::Relaxed));
        tokio::pin!(sending);
        loop {
            match tokio::time::timeout(SHOWN_EVERY, &mut sending).await {
                Ok(uploaded) => return uploaded,
                Err(_) => progress.set(done + so_far.load(Ordering::Relaxed), total),
            }
        }
    }

    async fn publish(
        &self,
        batch: Batch,
        client: &Client,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        if batch.records.is_empty() {
            return Ok(());
        }
        let options = PublishOptions {
            groups: self.group.clone(),
            // Which record a file belongs to was found by more than its title.
            allow_same_title: true,
            check_only: self.sharing.check,
            no_pupil_data: Vec::new(),
            allow_macros: self.sharing.allow_macros,
            origins: batch.origins,
        };
        let request = PublishRequest { records: batch.records, options };
        let outcomes: anyhow::Result<Vec<PublishOutcome>> = client.post("/records", &request).await;
        let outcomes = outcomes.map_err(|error| report.interrupted(error))?;
        for (sent, outcome) in batch.files.into_iter().zip(outcomes) {
            // Nothing stays at the node of what no record has.
            if self.sharing.check || matches!(outcome, PublishOutcome::Refused { .. }) {
                client.delete::<()>(&format!("/files/{}", sent.kept)).await?;
            }
            report.add(published(&sent.path, sent.removed, outcome));
        }
        Ok(())
    }
}

impl Batch {
    fn add(&mut self, file: &Hashed, sent: Sent, record: Value) {
        self.bytes += file.found.size;
        self.origins.push(file.origin);
        self.files.push(sent);
        self.records.push(record);
    }
}

/// The file of a resource that has the content of one in the folder.
fn same_file(resource: &OwnResource, file: &Hashed) -> Option<File> {
    let mut files = resource.files.iter();
    let same = files.find(|one| one.file.hash == file.hash || one.made_from == Some(file.hash));
    same.map(|one| one.file.clone())
}

/// The fields of a record: what is shared stays, and what the map says goes before it.
fn record(
    file: &Hashed,
    fate: &Fate<'_>,
    kept: File,
    map: &ResourceMap,
    title: &str,
    licence: &str,
    vouched: bool,
) -> Value {
    let (mut fields, mut files) = match fate {
        Fate::Same(own) | Fate::Changed(own) => {
            let mut fields = own.fields.clone();
            fields.insert("id".to_owned(), json!(own.id));
            (fields, own.files.iter().map(|one| one.file.clone()).collect::<Vec<_>>())
        }
        Fate::New | Fate::Unchanged(_) | Fate::CopyOf(_) | Fate::Wrong(_) => {
            let mut fields = Map::new();
            fields.insert("title".to_owned(), title.into());
            fields.insert("licence".to_owned(), licence.into());
            if let Some(said) = file_names::type_of(file.found.name()) {
                fields.insert("type".to_owned(), said.into());
            }
            (fields, Vec::new())
        }
    };
    if let Some(Ok(row)) = map.row(&file.path) {
        fields.extend(row.clone());
    }
    fields.insert("kind".to_owned(), "resource".into());
    if vouched {
        let cleared = Clearance {
            sort: Sort::UncheckedFile,
            file: Some(kept.name.clone()),
            reason: CONFIRMED.to_owned(),
        };
        fields.insert("cleared".to_owned(), json!([cleared]));
    }
    // A resource of several files was published in another way; only this one of them is new.
    match files.iter_mut().find(|one| one.hash == kept.hash || one.name == kept.name) {
        Some(same) if !matches!(fate, Fate::Same(_)) => *same = kept,
        Some(_) => {}
        None => files = vec![kept],
    }
    fields.insert("files".to_owned(), json!(files));
    Value::Object(fields)
}

fn published(path: &str, removed: Option<String>, outcome: PublishOutcome) -> FileReport {
    match outcome {
        PublishOutcome::Published { id, title, groups, new_version, mut warnings } => {
            // Said once for all of them.
            warnings.retain(|warning| !warning.contains(BOUGHT_SCHEMES));
            let outcome = if new_version {
                Outcome::NewVersion { id, title, groups }
            } else {
                Outcome::Shared { id, title, groups }
            };
            FileReport { warnings, removed, ..FileReport::new(path, outcome) }
        }
        PublishOutcome::Unchanged { id, title } => {
            FileReport::new(path, Outcome::Unchanged { id, title })
        }
        PublishOutcome::Refused { reasons, .. } => {
            FileReport::new(path, Outcome::Refused { reasons })
        }
    }
}
