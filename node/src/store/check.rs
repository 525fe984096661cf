//! Reading a whole record store, in a process of its own because a damaged one can hang or abort.

use std::ffi::OsString;
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use staffroom_protocol::hash::Hash;

use super::records::Records;
use super::row_sum::RowSum;
use super::{StoreError, disk, rows};

/// A page of text is enough to say what is wrong.
const MAX_REASON_BYTES: u64 = 4 * 1024;

/// Room for what sled keeps while it reads; the check runs once and beside a node that waits.
const CHECK_CACHE_BYTES: u64 = 16 * 1024 * 1024;

/// The program that reads a record store which was not closed well. Its last argument is the data
/// directory, and it ends with success if [`verify`] does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verifier {
    /// The program.
    pub program: PathBuf,
    /// What comes before the data directory.
    pub arguments: Vec<OsString>,
    /// After this the record store counts as damaged.
    pub limit: Duration,
}

/// Why a record store is not to be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unsound(pub(super) String);

impl fmt::Display for Unsound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Verifier {
    /// The running program with its `verify-store` subcommand.
    ///
    /// # Errors
    /// If the system does not say where the program is.
    pub fn this_program(limit: Duration) -> Result<Self, StoreError> {
        let program = std::env::current_exe()
            .map_err(|error| StoreError::io("find the program", "staffroom", &error))?;
        Ok(Self { program, arguments: vec!["verify-store".into()], limit })
    }

    /// Verifies the record store in the data directory `dir`, which nobody may have open.
    pub(super) fn run(&self, dir: &Path) -> Result<Result<(), Unsound>, StoreError> {
        let failed = |error| StoreError::io("verify the store with", &self.program, &error);
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(failed)?;
        let words = child.stderr.take().map(|errors| {
            thread::spawn(move || {
                let mut words = String::new();
                // Words that cannot be read leave the exit status to speak for itself.
                drop(errors.take(MAX_REASON_BYTES).read_to_string(&mut words));
                words
            })
        });
        let started = Instant::now();
        let status = loop {
            match child.try_wait().map_err(failed)? {
                Some(status) => break status,
                None if started.elapsed() < self.limit => thread::sleep(Duration::from_millis(20)),
                None => {
                    child.kill().and_then(|()| child.wait()).map_err(failed)?;
                    let seconds = self.limit.as_secs();
                    return Ok(Err(Unsound(format!("reading it took over {seconds} s"))));
                }
            }
        };
        if status.success() {
            return Ok(Ok(()));
        }
        let words = words.and_then(|thread| thread.join().ok()).unwrap_or_default();
        Ok(Err(Unsound(format!("reading it failed ({status}): {}", words.trim()))))
    }
}

/// Reads the whole record store of the data directory `dir` and checks that it agrees with itself.
///
/// This is what the hidden subcommand `verify-store` runs. It takes no lock on the directory, since
/// the process that waits for it has it. A damaged store can make it panic or never return.
///
/// # Errors
/// What is wrong.
pub fn verify(dir: &Path) -> Result<(), StoreError> {
    let path = dir.join(disk::RECORDS);
    let records = Records::open(&path, CHECK_CACHE_BYTES)?;
    check(&records)?.map_err(|Unsound(reason)| StoreError::Damaged { path, reason })
}

/// Checks every row, and that the rows of entries are those that should be there.
pub(super) fn check(records: &Records) -> Result<Result<(), Unsound>, StoreError> {
    let mut found = RowSum::default();
    for row in records.scan(&[]) {
        let (key, value) = row?;
        found.add(&key, &value);
        let sound = match key.split_first() {
            Some((&rows::META, rest)) => rest.is_empty(),
            Some((&rows::ENTRY, _)) => rows::read_entry(&value)
                .is_some_and(|(head, bytes)| Hash::of(bytes) == head.version.hash),
            Some((&(rows::TOUCHED | rows::DROPPED), _)) => rows::read_step(&key, &value).is_some(),
            Some((&rows::STATEMENT, _)) => {
                rows::read_statement_key(&key).is_some_and(|(_, hash)| hash == Hash::of(&value))
            }
            Some((&rows::BLOB, rest)) => rest == Hash::of(&value).as_bytes(),
            Some((&rows::LOCAL, rest)) => !rest.is_empty(),
            Some(_) | None => false,
        };
        if !sound {
            let sort = String::from_utf8_lossy(key.get(..1).unwrap_or_default()).into_owned();
            return Ok(Err(Unsound(format!(
                "a row of sort {sort:?} does not hold what it should"
            ))));
        }
    }
    let expected = records.sum();
    Ok(if found == expected {
        Ok(())
    } else {
        Err(Unsound(format!(
            "its entries have {} rows, which are not the {} that they should have",
            found.count, expected.count
        )))
    })
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::clock::Timestamp;
    use staffroom_protocol::entry::{EntryKey, Version};
    use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};

    use super::super::frame::JournalId;
    use super::super::update::Update;
    use super::super::{Change, Table};
    use super::*;

    #[test]
    fn a_missing_extra_or_altered_row_of_any_sort_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let records = Records::create(dir.path(), 1 << 20, JournalId::from_bytes([1; 16])).unwrap();
        let mut update = Update::new(&records);
        let key = |record| EntryKey {
            group: GroupId::from_bytes([1; 32]),
            school: SchoolId::from_bytes([2; 32]),
            record: RecordId::from_bytes([record; 16]),
        };
        let hash = Hash::of(b"bytes");
        let version = Version { withdrawal: false, clock: Timestamp::from_u64(1), hash };
        let gone = Version { hash: Hash::of(b"gone"), ..version };
        for (number, change) in [
            Change::Entry { key: key(1), version, bytes: b"bytes".into() },
            Change::Entry { key: key(2), version: gone, bytes: b"gone".into() },
            Change::DropEntry { key: key(2), hash: gone.hash },
            Change::Touch { key: key(1) },
            Change::Statement { group: key(1).group, hash, bytes: b"bytes".into() },
            Change::Blob { hash, bytes: b"bytes".into() },
            Change::Local { table: Table::Audit, key: b"key".into(), value: Some(b"x".into()) },
        ]
        .iter()
        .enumerate()
        {
            update.apply(change, number as u64 + 1).unwrap();
        }
        update.commit(7).unwrap();
        assert_eq!(check(&records), Ok(Ok(())));

        let rows: Vec<_> = records.scan(&[]).map(Result::unwrap).collect();
        assert_eq!(rows.len(), 7);
        let put = |key: &[u8], value: Option<Vec<u8>>| {
            records.commit([(key.to_vec(), value)].into(), &[], records.sum(), 7).unwrap();
        };
        for (key, value) in rows {
            let must_be_there =
                !matches!(key[0], rows::META | rows::LOCAL | rows::STATEMENT | rows::BLOB);
            put(&key, None);
            assert_eq!(check(&records).unwrap().is_err(), must_be_there, "without {key:?}");
            let has_a_check = !matches!(key[0], rows::META | rows::LOCAL);
            put(&key, Some([&value[..], b"!"].concat()));
            assert_eq!(check(&records).unwrap().is_err(), has_a_check, "altered {key:?}");
            put(&key, Some(value.clone()));
            if has_a_check {
                let mut other = key.clone();
                *other.last_mut().unwrap() ^= 1;
                put(&other, Some(value));
                assert!(check(&records).unwrap().is_err(), "added {other:?}");
                put(&other, None);
            }
            assert_eq!(check(&records), Ok(Ok(())));
        }
    }
}
