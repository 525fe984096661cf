//! The one writer: journal, sync, record store, answer. Calls that wait share a sync.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use staffroom_protocol::wire;
use tracing::error;

use super::frame::MAX_PAYLOAD_BYTES;
use super::journal::{AppendError, Journal};
use super::records::{Records, Trust};
use super::update::Update;
use super::{Change, Outcome, StoreError, rows};

/// Calls that may wait before further ones block: more than a node has threads that write.
const MAX_WAITING: usize = 64;

/// Changes after which no further call joins a commit, so that the first does not wait long.
const MAX_COMMIT_CHANGES: usize = 4_096;

type Answer = Result<Vec<Outcome>, StoreError>;

enum Request {
    Apply(Call),
    Erase(SyncSender<Result<u64, StoreError>>),
}

struct Call {
    /// Each change with its encoding for the journal.
    changes: Vec<(Change, Vec<u8>)>,
    answer: SyncSender<Answer>,
}

/// A handle on the writer's thread, which ends with it.
#[derive(Debug)]
pub(super) struct Writer {
    requests: Option<SyncSender<Request>>,
    thread: Option<JoinHandle<()>>,
    stopped: Arc<OnceLock<StoreError>>,
    trust: Trust,
}

impl Writer {
    pub(super) fn start(
        dir: PathBuf,
        journal: Journal,
        records: Arc<Records>,
    ) -> Result<Self, StoreError> {
        let (requests, waiting) = sync_channel(MAX_WAITING);
        let stopped = Arc::new(OnceLock::new());
        let trust = records.trust();
        let worker = Worker { dir: dir.clone(), journal, records, stopped: Arc::clone(&stopped) };
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || worker.run(&waiting))
            .map_err(|error| StoreError::io("start the thread that writes to", dir, &error))?;
        Ok(Self { requests: Some(requests), thread: Some(thread), stopped, trust })
    }

    pub(super) fn apply(&self, changes: Vec<Change>) -> Answer {
        let changes = changes
            .into_iter()
            .map(|change| change.to_journal().map(|payload| (change, payload)))
            .collect::<Result<Vec<_>, _>>()?;
        self.ask(|answer| Request::Apply(Call { changes, answer }))
    }

    /// Rewrites the journal without what is held no more.
    pub(super) fn erase(&self) -> Result<u64, StoreError> {
        self.ask(Request::Erase)
    }

    fn ask<T>(
        &self,
        request: impl FnOnce(SyncSender<Result<T, StoreError>>) -> Request,
    ) -> Result<T, StoreError> {
        let (answer, answered) = sync_channel(1);
        self.requests
            .as_ref()
            .and_then(|requests| requests.send(request(answer)).ok())
            .and_then(|()| answered.recv().ok())
            .unwrap_or_else(|| {
                Err(StoreError::Stopped {
                    reason: "the writing thread has ended; restart Staffroom".into(),
                })
            })
    }

    /// Waits for the commit under way and ends the thread.
    ///
    /// # Errors
    /// What made it stop accepting changes before.
    pub(super) fn finish(&mut self) -> Result<(), StoreError> {
        self.requests = None;
        let ended = self.thread.take().is_none_or(|thread| thread.join().is_ok());
        if !ended || self.stopped.get().is_some() {
            self.trust.lose();
        }
        match self.stopped.get() {
            Some(error) => Err(error.clone()),
            None if ended => Ok(()),
            None => Err(StoreError::Stopped { reason: "the writing thread has failed".into() }),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Whoever cares calls `finish` and gets the error.
        drop(self.finish());
    }
}

struct Worker {
    dir: PathBuf,
    journal: Journal,
    records: Arc<Records>,
    stopped: Arc<OnceLock<StoreError>>,
}

impl Worker {
    fn run(mut self, waiting: &Receiver<Request>) {
        let mut next = None;
        while let Some(first) = next.take().or_else(|| waiting.recv().ok()) {
            let first = match first {
                Request::Apply(call) => call,
                Request::Erase(answer) => {
                    drop(answer.send(self.erase()));
                    continue;
                }
            };
            let mut size = first.changes.len();
            let mut requests = vec![first];
            while size < MAX_COMMIT_CHANGES
                && let Ok(request) = waiting.try_recv()
            {
                match request {
                    Request::Apply(call) => {
                        size += call.changes.len();
                        requests.push(call);
                    }
                    other @ Request::Erase(_) => {
                        next = Some(other);
                        break;
                    }
                }
            }
            let (calls, answers): (Vec<_>, Vec<_>) =
                requests.into_iter().map(|request| (request.changes, request.answer)).unzip();
            let result = self.commit(calls);
            for (number, answer) in answers.into_iter().enumerate() {
                let reply = match &result {
                    Ok(outcomes) => Ok(outcomes.get(number).cloned().unwrap_or_default()),
                    Err(error) => Err(error.clone()),
                };
                // The caller waits for it, unless its thread has ended.
                drop(answer.send(reply));
            }
        }
    }

    fn commit(
        &mut self,
        calls: Vec<Vec<(Change, Vec<u8>)>>,
    ) -> Result<Vec<Vec<Outcome>>, StoreError> {
        if let Some(error) = self.stopped.get() {
            return Err(error.clone());
        }
        let mut update = Update::new(&self.records);
        let mut payloads = Vec::new();
        let mut outcomes = Vec::with_capacity(calls.len());
        for call in calls {
            let mut of_call = Vec::with_capacity(call.len());
            for (change, payload) in call {
                let position = self.journal.last() + payloads.len() as u64 + 1;
                let outcome = update.apply(&change, position)?;
                if matches!(outcome, Outcome::Applied { .. }) {
                    payloads.push(payload);
                }
                of_call.push(outcome);
            }
            outcomes.push(of_call);
        }
        if payloads.is_empty() {
            return Ok(outcomes);
        }
        match self.journal.append(&payloads) {
            Ok(()) => {}
            Err(AppendError::Full) => return Err(StoreError::DiskFull { dir: self.dir.clone() }),
            Err(AppendError::Broken(reason)) => return Err(stop(&self.stopped, reason)),
        }
        update.commit(self.journal.last()).map_err(|error| {
            let reason = if matches!(error, StoreError::DiskFull { .. }) {
                "the disk is full; free space and restart Staffroom".into()
            } else {
                format!("{error}; restart Staffroom")
            };
            stop(&self.stopped, reason)
        })?;
        Ok(outcomes)
    }
}

impl Worker {
    fn erase(&mut self) -> Result<u64, StoreError> {
        if let Some(error) = self.stopped.get() {
            return Err(error.clone());
        }
        let erased = wire::encode(&Change::Erased);
        let records = &self.records;
        self.journal.rewrite(&mut |payload| {
            let Ok(change) = wire::decode::<Change>(payload, MAX_PAYLOAD_BYTES) else {
                return Ok(None);
            };
            let held = match &change {
                Change::Entry { key, version, .. } => records
                    .row_of(key)?
                    .and_then(|(_, row)| Some(rows::read_entry(&row)?.0.version == *version))
                    .unwrap_or(false),
                Change::Blob { hash, .. } => records.get(&rows::blob_key(hash))?.is_some(),
                Change::DropEntry { .. }
                | Change::Touch { .. }
                | Change::Statement { .. }
                | Change::Local { .. }
                | Change::ForgetBlob { .. }
                | Change::Erased => true,
            };
            Ok((!held).then(|| erased.clone()))
        })
    }
}

fn stop(stopped: &OnceLock<StoreError>, reason: String) -> StoreError {
    error!(reason, "the store accepts no more changes");
    stopped.get_or_init(|| StoreError::Stopped { reason }).clone()
}
