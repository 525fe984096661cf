//! Bringing a record store to where the journal is: as it stands, by replay, or anew.
//!
//! A damaged record store is never repaired in place.

use std::fs;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use staffroom_protocol::wire;
use tracing::{info, warn};

use super::check::{self, Unsound};
use super::disk::{Opening, Options, Progress, RECORDS};
use super::files::{is_full, sync_dir};
use super::frame::{JournalId, MAX_PAYLOAD_BYTES};
use super::journal::Journal;
use super::records::Records;
use super::update::Update;
use super::{Change, StoreError};

/// Changes in one commit of a replay: enough for sled to be quick, few enough to be held twice.
const REPLAY_CHANGES: usize = 1_000;

/// Room without which opening a store that needs work would fail half-way.
const HEADROOM_BYTES: usize = 1024 * 1024;

/// What is known before the record store is opened.
#[derive(Debug)]
pub(super) struct Plan<'a> {
    pub(super) dir: &'a Path,
    pub(super) id: JournalId,
    pub(super) closed_well: bool,
    pub(super) options: &'a Options,
}

impl Plan<'_> {
    /// Opens the record store beside `journal`, whatever state it is in.
    pub(super) fn open_records(
        &self,
        journal: &mut Journal,
        progress: &mut dyn FnMut(Progress),
        opening: &mut Opening,
    ) -> Result<Records, StoreError> {
        let path = self.dir.join(RECORDS);
        let cache_bytes = self.options.cache_bytes;
        if !path.exists() && journal.last() == 0 {
            return Records::create(&path, cache_bytes, self.id);
        }
        let records = match self.usable(&path, journal.last())? {
            Ok(records) => records,
            Err(Unsound(reason)) => {
                warn!(reason, "rebuilding the record store from the journal");
                set_aside(self.dir)?;
                opening.rebuilt = Some(reason);
                Records::create(&path, cache_bytes, self.id)?
            }
        };
        replay(&records, journal, progress, opening)?;
        Ok(records)
    }

    /// The record store if it can be used, perhaps after a replay; otherwise what is wrong with it.
    fn usable(&self, path: &Path, last: u64) -> Result<Result<Records, Unsound>, StoreError> {
        if !path.exists() {
            return Ok(Err(Unsound("the record store is missing".into())));
        }
        let verify = !self.closed_well;
        if verify {
            check_room(self.dir)?;
            info!("the record store was not closed well; verifying it");
        }
        if verify
            && let Some(verifier) = &self.options.verifier
            && let Err(unsound) = verifier.run(self.dir)?
        {
            return Ok(Err(unsound));
        }
        guarded(|| {
            let records = Records::open(path, self.options.cache_bytes)?;
            let applied = records.applied();
            let checked = if records.journal() != self.id {
                Err(Unsound("the record store belongs to another journal".into()))
            } else if applied > last {
                Err(Unsound(format!(
                    "the record store has changes up to {applied} but the journal ends at {last}; what the journal lost is fetched from other schools where they have it"
                )))
            } else if verify && self.options.verifier.is_none() {
                check::check(&records)?
            } else {
                Ok(())
            };
            Ok(checked.map(|()| records))
        })
    }
}

/// Tells a store that is damaged, or that makes sled panic, from one that only cannot be opened
/// for now.
fn guarded(
    open: impl FnOnce() -> Result<Result<Records, Unsound>, StoreError>,
) -> Result<Result<Records, Unsound>, StoreError> {
    match catch_unwind(AssertUnwindSafe(open)) {
        Ok(Err(
            error
            @ (StoreError::DiskFull { .. } | StoreError::Newer { .. } | StoreError::Io { .. }),
        )) => Err(error),
        Ok(Err(error)) => Ok(Err(Unsound(error.to_string()))),
        Ok(Ok(opened)) => Ok(opened),
        Err(_) => Ok(Err(Unsound("reading it failed".into()))),
    }
}

fn replay(
    records: &Records,
    journal: &mut Journal,
    progress: &mut dyn FnMut(Progress),
    opening: &mut Opening,
) -> Result<(), StoreError> {
    let (from, total) = (records.applied(), journal.last());
    if from == total {
        return Ok(());
    }
    let mut update = Update::new(records);
    let mut gathered = 0;
    let damage = journal.replay(from, &mut |sequence, payload| {
        let change: Change =
            wire::decode(payload, MAX_PAYLOAD_BYTES).map_err(|error| StoreError::Damaged {
                path: format!("change {sequence} of the journal").into(),
                reason: format!(
                    "this version of Staffroom cannot read it ({error}); update Staffroom"
                ),
            })?;
        update.apply(&change, sequence)?;
        gathered += 1;
        opening.replayed += 1;
        if gathered == REPLAY_CHANGES {
            std::mem::replace(&mut update, Update::new(records)).commit(sequence)?;
            gathered = 0;
            progress(Progress { done: sequence - from, total: total - from });
        }
        Ok(())
    })?;
    update.commit(total)?;
    records.flush()?;
    progress(Progress { done: total - from, total: total - from });
    opening.lost += damage.lost;
    opening.set_aside.extend(damage.set_aside);
    info!(changes = opening.replayed, "the record store has caught up with the journal");
    Ok(())
}

/// Renames the record store. Of those set aside before none is kept: each may hold content that
/// was withdrawn since.
fn set_aside(dir: &Path) -> Result<(), StoreError> {
    let records = dir.join(RECORDS);
    if !records.exists() {
        return Ok(());
    }
    let prefix = format!("{RECORDS}.damaged-");
    let rename = || {
        let mut number = 0;
        for item in fs::read_dir(dir)? {
            let item = item?;
            let name = item.file_name();
            if let Some(old) = name.to_str().and_then(|name| name.strip_prefix(&prefix)) {
                number = number.max(old.parse().unwrap_or(0_u32));
                fs::remove_dir_all(item.path())?;
            }
        }
        fs::rename(&records, dir.join(format!("{prefix}{}", number + 1)))?;
        sync_dir(dir)
    };
    rename().map_err(|error| StoreError::io("set aside the damaged record store", records, &error))
}

fn check_room(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join("room.tmp");
    let tried = fs::File::create(&path).and_then(|mut file| {
        file.write_all(&vec![0; HEADROOM_BYTES])?;
        file.sync_all()
    });
    let removed = fs::remove_file(&path);
    match tried.and(removed) {
        Ok(()) => Ok(()),
        Err(error) if is_full(&error) => Err(StoreError::DiskFull { dir: dir.to_owned() }),
        Err(error) => Err(StoreError::io("write a trial file in", dir, &error)),
    }
}
