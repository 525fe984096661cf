//! The text inside files, so that it can be searched and scanned for pupil data.
//!
//! Parsers of files that anybody may have made crash, loop and take all the memory there is. So each
//! file is read by a process of its own: this program with a hidden subcommand, which first limits
//! its own memory and time and gives up files, programs and the network ([`read_file`]). Whatever
//! becomes of that process, a node gets a [`Reading`].

mod document;
mod html;
mod office;
mod pdf;
mod plain;
mod sandbox;
mod sheet;
mod text;
mod xml;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use staffroom_protocol::limits::{MAX_FILE_BYTES, MAX_FILE_TEXT_BYTES};

pub use document::NoText;

/// The hidden subcommand that reads a file from standard input.
const SUBCOMMAND: &str = "read-file";

/// How long one file may take: the longest textbook takes a tenth of it on a slow server.
const LIMIT: Duration = Duration::from_secs(30);

/// Files read at once: each may take half a gigabyte and a processor.
const AT_ONCE: usize = 2;

/// What the first line of an answer begins with, so that no other program is taken for this one.
const GREETING: &str = "staffroom read-file 1";

/// The second line, before a text.
const TEXT: &str = "text";

/// The second line, before the reason for which there is no text.
const NO_TEXT: &str = "no text";

/// The lines before a text, or a reason, are shorter than this.
const MAX_HEAD_BYTES: u64 = 1024;

/// What was read in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reading {
    /// Its text, [`MAX_FILE_TEXT_BYTES`] at most and never blank.
    Text(String),
    /// There is no text that could be looked through.
    NoText {
        /// Why, in words that go behind the file's name.
        reason: String,
        /// Whether another try would end in the same way.
        lasting: bool,
    },
}

/// Reads files, a process each.
#[derive(Debug)]
pub struct Extractor {
    program: io::Result<PathBuf>,
    arguments: Vec<OsString>,
    limit: Duration,
    free: Mutex<usize>,
    freed: Condvar,
    /// Whether it was said that this system lacks some of the guards.
    said: AtomicBool,
}

impl Extractor {
    /// Reads with the running program.
    pub fn this_program() -> Self {
        let mut extractor = Self::new("", LIMIT);
        extractor.program = std::env::current_exe();
        extractor
    }

    /// Reads with the program at a path, which may take so long for each file.
    pub fn new(program: impl Into<PathBuf>, limit: Duration) -> Self {
        Self {
            program: Ok(program.into()),
            arguments: vec![SUBCOMMAND.into()],
            limit,
            free: Mutex::new(AT_ONCE),
            freed: Condvar::new(),
            said: AtomicBool::new(false),
        }
    }

    /// Reads a file from where it stands to its end; waits while as many as may are being read.
    pub fn read(&self, file: File) -> Reading {
        self.take_place();
        let reading = self.read_in_child(file);
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        reading.unwrap_or_else(|error| {
            tracing::error!(%error, "a file could not be read for its text");
            let reason = format!("the program that reads files could not be run ({error})");
            Reading::NoText { reason, lasting: false }
        })
    }

    fn take_place(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
    }

    fn read_in_child(&self, file: File) -> io::Result<Reading> {
        let program = self.program.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let mut child = Command::new(program)
            .args(&self.arguments)
            .env_clear()
            .current_dir("/")
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let most = MAX_HEAD_BYTES + MAX_FILE_TEXT_BYTES as u64;
        let answer = child.stdout.take().map(|answer| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                answer.take(most).read_to_end(&mut bytes).map(|_| bytes)
            })
        });
        let status = wait(&mut child, self.limit)?;
        let bytes = answer.and_then(|thread| thread.join().ok()).transpose()?.unwrap_or_default();
        let Some(status) = status else {
            let reason = format!("reading it took more than {} seconds", self.limit.as_secs());
            return Ok(Reading::NoText { reason, lasting: false });
        };
        Ok(self.understand(&bytes, status))
    }

    fn understand(&self, answer: &[u8], status: ExitStatus) -> Reading {
        let mut parts = answer.splitn(3, |byte| *byte == b'\n');
        let mut part = || parts.next().and_then(|part| std::str::from_utf8(part).ok());
        let Some(guards) = part().and_then(|line| line.strip_prefix(GREETING)) else {
            tracing::error!(%status, "the program that reads files did not start");
            let reason = "the program that reads files did not start".to_owned();
            return Reading::NoText { reason, lasting: false };
        };
        let held: Vec<&str> = guards.split_whitespace().collect();
        let lacks = |guard: &&str| !held.contains(guard);
        let missing: Vec<&str> = sandbox::GUARDS.into_iter().filter(lacks).collect();
        if !missing.is_empty() && !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                missing = missing.join(", "),
                "files are read with limits on memory and time, but without what this system lacks"
            );
        }
        match (status.success(), part(), part()) {
            (true, Some(TEXT), Some(text)) => Reading::Text(text.to_owned()),
            (true, Some(NO_TEXT), Some(reason)) => {
                Reading::NoText { reason: reason.to_owned(), lasting: true }
            }
            _ => {
                tracing::info!(%status, "a file was given up");
                let reason =
                    "reading it failed, or needed more memory or time than a file may have";
                Reading::NoText { reason: reason.to_owned(), lasting: true }
            }
        }
    }
}

/// The status with which a child ended; none if it was killed after `limit`.
fn wait(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

/// Reads a file from standard input and answers on standard output, within limits that it sets to
/// itself first. This is what the hidden subcommand runs, in a process with one thread.
///
/// # Errors
/// If a limit cannot be set that every system has, or the standard streams fail.
pub fn read_file() -> anyhow::Result<()> {
    let guards = sandbox::limit_this_process()?;
    let guards: String = guards.iter().map(|guard| format!(" {guard}")).collect();
    let mut output = io::stdout().lock();
    writeln!(output, "{GREETING}{guards}")?;
    output.flush()?;
    let mut bytes = Vec::new();
    io::stdin().lock().take(MAX_FILE_BYTES).read_to_end(&mut bytes)?;
    let (head, body) = match document::read(&bytes) {
        Ok(text) => (TEXT, text),
        Err(reason) => (NO_TEXT, reason.to_string()),
    };
    write!(output, "{head}\n{body}")?;
    output.flush()?;
    Ok(())
}
