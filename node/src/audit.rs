//! The audit log: who did what, when, and from where.
//!
//! A line of JSON for each act, only ever added. There are no passwords, tokens or search texts in it, and
//! no names that somebody typed and nobody has, since people type passwords where names belong.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Write};
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::people::UserName;

/// A file of about forty thousand acts, after which the next one begins.
const MAX_FILE_BYTES: u64 = 8 * 1024 * 1024;

/// Files that are kept before the one that is written: years of a busy school in 64 MiB.
const KEPT_FILES: usize = 8;

/// What an act was about, in characters; the rest is left out.
const MAX_ABOUT_CHARS: usize = 300;

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// A person with an account.
    Person(UserName),
    /// Whoever can read the data directory: with the command line.
    CommandLine,
    /// The node by itself.
    Node,
    /// Somebody who is not signed in.
    Nobody,
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Person(name) => name.fmt(f),
            Self::CommandLine => f.write_str("the command line"),
            Self::Node => f.write_str("the node"),
            Self::Nobody => f.write_str("nobody signed in"),
        }
    }
}

/// An act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditLine {
    /// When.
    pub when: Timestamp,
    /// Who.
    pub who: Actor,
    /// What, in words: "signed in".
    pub what: String,
    /// On or about what, such as an id; empty where there is nothing to add.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
    /// From which address; none for what the node did by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub from: Option<IpAddr>,
}

/// The file that is written, and those before it.
#[derive(Debug)]
pub(crate) struct AuditLog {
    path: PathBuf,
    /// None until something is written.
    open: Mutex<Option<File>>,
}

impl AuditLog {
    pub(crate) fn at(path: PathBuf) -> Self {
        Self { path, open: Mutex::default() }
    }

    /// Adds an act, which is on the disk when this returns. A log that cannot be written stops nobody:
    /// the node says so in its own log.
    pub(crate) fn note(&self, who: Actor, what: &str, about: &str, from: Option<IpAddr>) {
        let about = about.chars().take(MAX_ABOUT_CHARS).collect();
        let line = AuditLine { when: Timestamp::now(), who, what: what.to_owned(), about, from };
        if let Err(error) = self.append(&line, MAX_FILE_BYTES) {
            let path = self.path.display();
            tracing::error!(%path, %error, "the audit log cannot be written");
        }
    }

    fn append(&self, line: &AuditLine, max_bytes: u64) -> io::Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut file = match open.take() {
            Some(file) => file,
            None => self.open_file()?,
        };
        let length = file.metadata()?.len();
        if length > 0 && length + bytes.len() as u64 > max_bytes {
            self.begin_another()?;
            file = self.open_file()?;
        }
        file.write_all(&bytes)?;
        file.sync_data()?;
        *open = Some(file);
        Ok(())
    }

    fn open_file(&self) -> io::Result<File> {
        let mut file = OpenOptions::new();
        let mut file = file.append(true).read(true).create(true).mode(0o600).open(&self.path)?;
        // After a power cut the last line may be half there: the next one stands on its own.
        if !ends_with_newline(&mut file)? {
            file.write_all(b"\n")?;
        }
        Ok(file)
    }

    /// Moves every file on by one; the oldest goes.
    fn begin_another(&self) -> io::Result<()> {
        for number in (1..KEPT_FILES).rev() {
            let (from, to) = (self.before(number), self.before(number + 1));
            if from.exists() {
                fs::rename(from, to)?;
            }
        }
        fs::rename(&self.path, self.before(1))
    }

    /// The file that was written before, a number of files ago.
    fn before(&self, number: usize) -> PathBuf {
        self.path.with_extension(format!("{number}.jsonl"))
    }

    /// The newest acts, newest first. A line that cannot be read is left out.
    pub(crate) fn newest(&self, most: usize) -> io::Result<Vec<AuditLine>> {
        let mut lines = Vec::new();
        let files =
            std::iter::once(self.path.clone()).chain((1..=KEPT_FILES).map(|n| self.before(n)));
        for path in files {
            if lines.len() >= most {
                break;
            }
            let mut older = read(&path)?;
            older.reverse();
            lines.extend(older);
        }
        lines.truncate(most);
        Ok(lines)
    }
}

fn read(path: &Path) -> io::Result<Vec<AuditLine>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut lines = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        lines.extend(serde_json::from_slice(&line?).ok());
    }
    Ok(lines)
}

fn ends_with_newline(file: &mut File) -> io::Result<bool> {
    use std::io::{Read, Seek, SeekFrom};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn log() -> (tempfile::TempDir, AuditLog) {
        let folder = tempfile::tempdir().unwrap();
        let log = AuditLog::at(folder.path().join("audit.jsonl"));
        (folder, log)
    }

    fn abouts(log: &AuditLog, most: usize) -> Vec<String> {
        log.newest(most).unwrap().into_iter().map(|line| line.about).collect()
    }

    #[test]
    fn acts_are_added_and_read_back_newest_first() {
        let (_folder, log) = log();
        assert_eq!(log.newest(10).unwrap(), Vec::new());
        let head = Actor::Person("head".parse().unwrap());
        let here = Some(IpAddr::from([127, 0, 0, 1]));
        log.note(head.clone(), "signed in", "", here);
        log.note(Actor::CommandLine, "added a person", "deputy", here);
        let lines = log.newest(10).unwrap();
        assert_eq!((lines.len(), &lines[1].who, lines[0].about.as_str()), (2, &head, "deputy"));
        assert_eq!(abouts(&log, 1), ["deputy"]);
        let text = fs::read_to_string(&log.path).unwrap();
        assert!(text.contains(r#""who":{"person":"head"},"what":"signed in","from":"127.0.0.1"}"#));
        assert_eq!(fs::metadata(&log.path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn a_line_that_was_cut_short_spoils_no_other() {
        let (_folder, log) = log();
        log.note(Actor::Node, "one", "1", None);
        fs::write(&log.path, [fs::read(&log.path).unwrap(), b"{\"when".to_vec()].concat()).unwrap();
        let again = AuditLog::at(log.path.clone());
        again.note(Actor::Node, "two", "2", None);
        assert_eq!(abouts(&again, 10), ["2", "1"]);
    }

    #[test]
    fn a_full_file_is_kept_and_the_oldest_goes() {
        let (folder, log) = log();
        for number in 0..30 {
            let line = AuditLine {
                when: Timestamp::UNIX_EPOCH,
                who: Actor::Node,
                what: "counted".to_owned(),
                about: number.to_string(),
                from: None,
            };
            // Two lines a file.
            log.append(&line, 180).unwrap();
        }
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, KEPT_FILES + 1);
        let expected: Vec<_> = (12..30).rev().map(|number| number.to_string()).collect();
        assert_eq!(abouts(&log, 100), expected);
        assert_eq!(abouts(&log, 3), ["29", "28", "27"]);
    }
}
