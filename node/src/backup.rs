//! Backups of the data directory: each night, to a folder that an administrator named, most sensibly on
//! another machine's disk.
//!
//! Each is a folder with all that a new server needs, in which what did not change since the one before
//! takes no room of its own. They go after some weeks, so that what was withdrawn is in none of them any
//! longer by the date that its receipt names.

mod copy;
mod manifest;
mod restore;
pub(crate) mod restored;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock, TryLockError};
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::SchoolId;
use utoipa::ToSchema;

use crate::home::{Home, HomeError, private_json};
use crate::node::Node;

pub(crate) use self::manifest::{About, Manifest};
pub(crate) use self::restore::restore;

/// How long a backup stays at most: by then a receipt says that withdrawn content has expired.
pub(crate) const MAX_KEEP_DAYS: u16 = 35;

/// When a night's backup is made, in the school's own time: nobody works, and clocks are not changed.
const HOUR: i8 = 3;

/// How often it is looked whether one is due, the first time soon after a start.
const FIRST_LOOK: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_secs(10 * 60);

/// How the names of backups say when they were made.
const TIME: &str = "%Y%m%dT%H%M%S%.3fZ";

/// The command that sets where backups go, for what has to be set again.
const COMMAND: &str = "staffroom backup set";

/// Why there is no backup, or nothing is restored from one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BackupError {
    /// Nothing was set.
    #[error("it is not set where backups go; set it on the server with: {COMMAND} --to FOLDER")]
    NotSet,
    /// A path that depends on where the program was started.
    #[error("{} does not begin with /; give the whole path of the folder", .0.display())]
    NotAbsolute(PathBuf),
    /// The folder is not there.
    #[error(
        "{} is no folder that is there; make it, or mount its disk. It is never made here, since a \
         backup would fill this disk where the other one is not mounted", .0.display()
    )]
    NoFolder(PathBuf),
    /// A backup would hold itself.
    #[error("{} lies in the data directory, which is lost with this disk; give a folder on another", .0.display())]
    InData(PathBuf),
    /// Too short or too long.
    #[error(
        "backups would stay {0} days, and may stay 1 to {MAX_KEEP_DAYS}: what a school took back is in \
         none of them after that"
    )]
    KeepDays(u16),
    /// Another one is being made.
    #[error("a backup is being made already; wait until it is there")]
    Busy,
    /// A file.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// Something else.
    #[error("{} is no backup: {reason}; give a folder whose name begins with staffroom-", path.display())]
    NoBackup {
        /// What was given.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// There is something where a backup is to be restored.
    #[error("{} is not empty; give a data directory with --data that is empty, or is not there yet", .0.display())]
    NotEmpty(PathBuf),
    /// A file is not as it was copied.
    #[error("{} is missing or not as it was when the backup was made; use another backup", .0.display())]
    Changed(PathBuf),
    /// The data directory.
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// Where backups go, and how long they stay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupSettings {
    /// A folder that is there, with its whole path.
    #[schema(value_type = String)]
    pub to: PathBuf,
    /// After how many days a backup is removed, 1 to 35. The newest one stays.
    pub keep_days: u16,
}

/// A backup that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Made {
    /// Its folder.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// When it was begun: what was stored before is in it.
    pub made: Timestamp,
    /// How large its files are together; what it has in common with others takes room once.
    pub bytes: u64,
}

/// The backups of a node.
#[derive(Debug)]
pub(crate) struct Backups {
    path: PathBuf,
    settings: RwLock<Option<BackupSettings>>,
    one_at_a_time: Mutex<()>,
    /// What was in the way of the last one; none once one was made.
    problem: Mutex<Option<String>>,
}

impl Backups {
    /// Reads what was set.
    pub(crate) fn open(home: &Home) -> Self {
        let path = home.backup();
        Self {
            settings: RwLock::new(private_json::read(&path, COMMAND)),
            path,
            one_at_a_time: Mutex::default(),
            problem: Mutex::default(),
        }
    }

    pub(crate) fn settings(&self) -> Option<BackupSettings> {
        self.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What was in the way of the last backup.
    pub(crate) fn problem(&self) -> Option<String> {
        self.problem.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_problem(&self, problem: Option<String>) {
        *self.problem.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn set(&self, settings: Option<BackupSettings>) -> Result<(), BackupError> {
        let mut held = self.settings.write().unwrap_or_else(PoisonError::into_inner);
        match &settings {
            Some(settings) => private_json::write(&self.path, settings)?,
            None => private_json::remove(&self.path)?,
        }
        *held = settings;
        drop(held);
        self.set_problem(None);
        Ok(())
    }
}

impl Node {
    /// Sets where backups go. None is made yet.
    ///
    /// # Errors
    /// [`BackupError`] says which rule the settings break.
    pub(crate) fn set_backups(&self, settings: BackupSettings) -> Result<(), BackupError> {
        if !(1..=MAX_KEEP_DAYS).contains(&settings.keep_days) {
            return Err(BackupError::KeepDays(settings.keep_days));
        }
        usable(&settings.to, self.home().dir())?;
        self.backups().set(Some(settings))
    }

    /// Makes no backups any longer; those that are there stay.
    ///
    /// # Errors
    /// [`BackupError::Home`] if the file of what was set stays.
    pub(crate) fn forget_backups(&self) -> Result<(), BackupError> {
        self.backups().set(None)
    }

    /// Makes a backup, and removes those whose time has come.
    ///
    /// # Errors
    /// [`BackupError`] says what is in the way; those that are there stay then.
    pub(crate) fn back_up(&self, now: Timestamp) -> Result<Made, BackupError> {
        let settings = self.backups().settings().ok_or(BackupError::NotSet)?;
        let _one = match self.backups().one_at_a_time.try_lock() {
            Ok(one) => one,
            Err(TryLockError::Poisoned(one)) => one.into_inner(),
            Err(TryLockError::WouldBlock) => return Err(BackupError::Busy),
        };
        let made = usable(&settings.to, self.home().dir())
            .and_then(|()| copy::make(self.home().dir(), self.identity(), &settings.to, now))
            .and_then(|made| {
                remove_expired(&settings, &self.identity().school(), now)?;
                Ok(made)
            });
        self.backups().set_problem(made.as_ref().err().map(ToString::to_string));
        made
    }

    /// The backups of this school that are there, the newest first, and what is wrong with the others.
    pub(crate) fn made_backups(&self) -> (Vec<Made>, Option<BackupError>) {
        let Some(settings) = self.backups().settings() else { return (Vec::new(), None) };
        let listed = match earlier(&settings.to, &self.identity().school()) {
            Ok(listed) => listed,
            Err(error) => return (Vec::new(), Some(error)),
        };
        let (mut made, mut wrong) = (Vec::new(), None);
        for (_, path) in listed.into_iter().rev() {
            match About::read(&path) {
                Ok(about) => made.push(Made { made: about.made, bytes: about.bytes, path }),
                Err(error) => wrong = Some(error),
            }
        }
        (made, wrong)
    }
}

/// Whether backups of the data directory `data` may go to a folder.
fn usable(to: &Path, data: &Path) -> Result<(), BackupError> {
    if !to.is_absolute() {
        return Err(BackupError::NotAbsolute(to.into()));
    }
    let (Ok(to), Ok(data)) = (to.canonicalize(), data.canonicalize()) else {
        return Err(BackupError::NoFolder(to.into()));
    };
    if !to.is_dir() {
        return Err(BackupError::NoFolder(to));
    }
    if to.starts_with(data) {
        return Err(BackupError::InData(to));
    }
    Ok(())
}

/// The name of a school's backup. A folder may take those of several.
fn name(school: &SchoolId, made: Timestamp) -> String {
    format!("{}{}", beginning(school), made.strftime(TIME))
}

/// How the names of a school's backups begin.
fn beginning(school: &SchoolId) -> String {
    format!("staffroom-{}-", school.short())
}

/// When a backup with this name was made; none if it is none of this school's, or no whole one.
fn made_at(name: &str, school: &SchoolId) -> Option<Timestamp> {
    let time = name.strip_prefix(&beginning(school))?;
    let time = DateTime::strptime(TIME, time).ok()?;
    Some(time.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp())
}

/// The backups of a school in a folder with when they were made, the newest last.
fn earlier(to: &Path, school: &SchoolId) -> Result<Vec<(Timestamp, PathBuf)>, BackupError> {
    let wrong = |error| BackupError::File { path: to.into(), error };
    let mut found = Vec::new();
    for entry in fs::read_dir(to).map_err(wrong)? {
        let entry = entry.map_err(wrong)?;
        if let Some(made) = made_at(&entry.file_name().to_string_lossy(), school) {
            found.push((made, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

/// When the newest backup of a school was made.
///
/// # Errors
/// [`BackupError`] if the folder cannot be used.
pub(crate) fn newest(
    settings: &BackupSettings,
    school: &SchoolId,
    home: &Home,
) -> Result<Option<Timestamp>, BackupError> {
    usable(&settings.to, home.dir())?;
    Ok(earlier(&settings.to, school)?.pop().map(|(made, _)| made))
}

/// Removes backups that are older than they may be, but for the newest.
fn remove_expired(
    settings: &BackupSettings,
    school: &SchoolId,
    now: Timestamp,
) -> Result<(), BackupError> {
    let mut backups = earlier(&settings.to, school)?;
    backups.pop();
    let kept_for = i64::from(settings.keep_days) * 24;
    for (made, backup) in backups {
        if made.checked_add(kept_for.hours()).is_ok_and(|expires| expires <= now) {
            fs::remove_dir_all(&backup)
                .map_err(|error| BackupError::File { path: backup.clone(), error })?;
        }
    }
    Ok(())
}

/// Makes a backup each night from now on, where one is set.
pub(crate) async fn make_nightly(node: Arc<Node>) {
    let mut pause = FIRST_LOOK;
    loop {
        tokio::time::sleep(pause).await;
        pause = BETWEEN_LOOKS;
        let making = Arc::clone(&node);
        let made = tokio::task::spawn_blocking(move || make_if_due(&making, Timestamp::now()));
        if made.await.is_err() {
            return;
        }
    }
}

/// Makes the backup of last night if there is none yet.
fn make_if_due(node: &Node, now: Timestamp) {
    let Some(settings) = node.backups().settings() else { return };
    let last = newest(&settings, &node.identity().school(), node.home()).ok().flatten();
    if last.is_some_and(|last| last >= last_night(now, &node.line().zone())) {
        return;
    }
    let before = node.backups().problem();
    match node.back_up(now) {
        Ok(made) => tracing::info!(path = %made.path.display(), "a backup was made"),
        Err(BackupError::Busy) => {}
        // It is tried again soon; the same need not be said each time.
        Err(error) if before.as_deref() == Some(&error.to_string()) => {}
        Err(error) => tracing::error!(%error, "no backup was made"),
    }
}

/// The latest moment at which a night's backup was due, as it is where the school is.
fn last_night(now: Timestamp, zone: &TimeZone) -> Timestamp {
    let today = now.to_zoned_datetime(zone.clone()).date();
    let night = |days: i64| {
        let date = today.checked_sub(days.days()).ok()?;
        Some(date.at(HOUR, 0, 0, 0).to_zoned_datetime(zone.clone()).ok()?.timestamp())
    };
    [0, 1].into_iter().filter_map(night).find(|night| *night <= now).unwrap_or(now)
}

#[cfg(test)]
mod tests;
