//! The text inside files, so that it can be searched and scanned for pupil data.
//!
//! Parsers of files that anybody may have made crash, loop and take all the memory there is. So each
//! file is read by a process of its own: this program with a hidden subcommand, which first limits
//! its own memory and time and gives up files, programs and the network ([`read_file`]). Whatever
//! becomes of that process, a node gets a [`Reading`]. A process of the same sort tells what else is in
//! the file ([`About`]), and takes the names of people out of it.

mod about;
mod document;
mod html;
mod office;
mod pdf;
mod picture;
mod plain;
mod runs;
pub(crate) mod sandbox;
mod sheet;
mod text;
mod traces;
mod xml;

use std::ffi::OsString;
use std::fmt::Display;
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use staffroom_protocol::limits::MAX_FILE_TEXT_BYTES;

use crate::child::ended_within;
use crate::media::{OLE, ZIP};

pub use about::About;
pub use document::NoText;
pub use runs::Runs;
pub use traces::{CannotRemove, Names, Trace, listed};

use sandbox::MAX_READ_BYTES;

/// The hidden subcommand that reads a file from standard input.
const SUBCOMMAND: &str = "read-file";

/// The one that writes it again without the names of people.
const WITHOUT_NAMES: &str = "write-file-without-names";

/// The one that writes a small copy of a picture.
const THUMBNAIL: &str = "write-thumbnail";

/// How long one file may take: the longest textbook takes a tenth of it on a slow server.
const LIMIT: Duration = Duration::from_secs(30);

/// Files read at once: each may take half a gigabyte and a processor.
const AT_ONCE: usize = 2;

/// What the first line of an answer begins with, so that no other program is taken for this one.
const GREETING: &str = "staffroom read-file 2";

/// The third line, before a text or a file; the second says what the file is about.
const TEXT: &str = "text";

/// The third line, before the reason for which there is none.
const NO_TEXT: &str = "no text";

/// The lines before a text, or a reason, are shorter than this: each sort of trace of each sort of part.
const MAX_HEAD_BYTES: u64 = 8 * 1024;

/// What is known of a file that was looked through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked {
    /// What else is in it; none where looking at it failed.
    pub about: Option<About>,
    /// Its text.
    pub reading: Reading,
}

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
    pub fn read(&self, file: File) -> Looked {
        let most = MAX_HEAD_BYTES + MAX_FILE_TEXT_BYTES as u64;
        let answer = self.ask(&self.arguments, file, most);
        answer.map(|answer| self.understand(&answer)).unwrap_or_else(|error| {
            tracing::error!(%error, "a file could not be read for its text");
            let reason = format!("the program that reads files could not be run ({error})");
            Looked { about: None, reading: Reading::NoText { reason, lasting: false } }
        })
    }

    /// The content of a file without the names of people that can be taken out of it.
    ///
    /// # Errors
    /// [`CannotRemove`], also where the process that does it fails.
    pub fn without_names(&self, file: File) -> Result<Vec<u8>, CannotRemove> {
        let most = MAX_READ_BYTES + MAX_HEAD_BYTES;
        self.made(WITHOUT_NAMES, file, most).ok_or(CannotRemove::Failed)
    }

    /// A small copy of a picture, as PNG; none where it is no picture that is known, or it cannot be made.
    pub fn thumbnail(&self, file: File) -> Option<Vec<u8>> {
        self.made(THUMBNAIL, file, picture::MAX_BYTES)
    }

    /// The file that a process makes of another, of `most` bytes; none where it makes none.
    fn made(&self, subcommand: &str, file: File, most: u64) -> Option<Vec<u8>> {
        match self.ask(&[subcommand.into()], file, MAX_HEAD_BYTES + most) {
            Ok(Answer { ended_well: true, parts: Some(parts), .. }) if parts.head == TEXT => {
                Some(parts.body)
            }
            Ok(_) => None,
            Err(error) => {
                tracing::error!(%error, subcommand, "the program that reads files could not be run");
                None
            }
        }
    }

    /// Which guards this system has for a process that reads files, and which it lacks.
    ///
    /// # Errors
    /// If the process cannot be run or does not answer.
    pub fn guards(&self) -> io::Result<(Vec<&'static str>, Vec<&'static str>)> {
        let mut file = tempfile::tempfile()?;
        file.write_all(b"text")?;
        file.rewind()?;
        let answer = self.ask(&self.arguments, file, MAX_HEAD_BYTES)?;
        Ok(held_and_missing(&answer.guards.ok_or(io::ErrorKind::InvalidData)?))
    }

    /// What a process answers that was given the file; waits while as many as may be run.
    fn ask(&self, arguments: &[OsString], file: File, most: u64) -> io::Result<Answer> {
        self.take_place();
        let answer = self.ask_child(arguments, file, most);
        *self.free.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.freed.notify_one();
        answer
    }

    fn take_place(&self) {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.freed.wait_while(free, |free| *free == 0);
        *waited.unwrap_or_else(PoisonError::into_inner) -= 1;
    }

    fn ask_child(&self, arguments: &[OsString], file: File, most: u64) -> io::Result<Answer> {
        let program = self.program.as_ref().map_err(|error| io::Error::other(error.to_string()))?;
        let mut child = Command::new(program)
            .args(arguments)
            .env_clear()
            .current_dir("/")
            .stdin(file)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let answer = child.stdout.take().map(|answer| {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                answer.take(most).read_to_end(&mut bytes).map(|_| bytes)
            })
        });
        let status = ended_within(&mut child, self.limit, |_| ())?;
        let bytes = answer.and_then(|thread| thread.join().ok()).transpose()?.unwrap_or_default();
        Ok(self.parse(&bytes, status))
    }

    fn parse(&self, answer: &[u8], status: Option<ExitStatus>) -> Answer {
        let mut lines = answer.splitn(4, |byte| *byte == b'\n');
        let mut line = || lines.next().and_then(|line| std::str::from_utf8(line).ok());
        let guards = line().and_then(|line| line.strip_prefix(GREETING)).map(str::to_owned);
        if let Some(guards) = &guards {
            self.say_what_is_missing(guards);
        }
        let about = line().and_then(|line| serde_json::from_str(line).ok());
        let head = line().map(str::to_owned);
        let body = lines.next().map(<[u8]>::to_vec);
        let parts = head.zip(body).map(|(head, body)| Parts { head, body });
        let ended_well = status.is_some_and(|status| status.success());
        Answer { guards, in_time: status.is_some(), ended_well, about, parts }
    }

    fn say_what_is_missing(&self, guards: &str) {
        let (_, missing) = held_and_missing(guards);
        if !missing.is_empty() && !self.said.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                missing = missing.join(", "),
                "files are read with limits on memory and time, but without what this system lacks"
            );
        }
    }

    fn understand(&self, answer: &Answer) -> Looked {
        let no_text = |reason: String, lasting| Reading::NoText { reason, lasting };
        let body = |parts: &Parts| String::from_utf8(parts.body.clone()).ok();
        let reading = match &answer.parts {
            _ if !answer.in_time => {
                let reason = format!("reading it took more than {} seconds", self.limit.as_secs());
                no_text(reason, false)
            }
            _ if answer.guards.is_none() => {
                tracing::error!("the program that reads files did not start");
                no_text("the program that reads files did not start".to_owned(), false)
            }
            Some(parts) if answer.ended_well && parts.head == TEXT => {
                body(parts).map_or_else(|| no_text("it is damaged".to_owned(), true), Reading::Text)
            }
            Some(parts) if answer.ended_well && parts.head == NO_TEXT => {
                no_text(body(parts).unwrap_or_default(), true)
            }
            Some(_) | None => {
                tracing::info!("a file was given up");
                let reason =
                    "reading it failed, or needed more memory or time than a file may have";
                no_text(reason.to_owned(), true)
            }
        };
        Looked { about: answer.about.clone(), reading }
    }
}

/// What a process answered.
struct Answer {
    /// The guards that it said hold; none where it was not this program.
    guards: Option<String>,
    /// Whether it ended by itself.
    in_time: bool,
    /// Whether it ended as it should.
    ended_well: bool,
    about: Option<About>,
    parts: Option<Parts>,
}

/// The third line, and all behind it.
struct Parts {
    head: String,
    body: Vec<u8>,
}

/// The guards that a process said it holds, and those that it lacks.
fn held_and_missing(said: &str) -> (Vec<&'static str>, Vec<&'static str>) {
    let holds = |guard: &&str| said.split_whitespace().any(|one| one == *guard);
    sandbox::GUARDS.into_iter().partition(holds)
}

/// Reads a file from standard input and answers on standard output, within limits that it sets to
/// itself first. This is what the hidden subcommand runs, in a process with one thread.
///
/// # Errors
/// If a limit cannot be set that every system has, or the standard streams fail.
pub fn read_file() -> anyhow::Result<()> {
    let mut output = greet()?;
    let (bytes, rest) = take_in()?;
    if rest.too_large {
        let about = About { runs: rest.runs, ..About::default() };
        writeln!(output, "{}", serde_json::to_string(&about)?)?;
        write!(output, "{NO_TEXT}\n{}", NoText::TooLarge)?;
        return Ok(output.flush()?);
    }
    // On its way before the text is read, which takes longer and fails more often.
    writeln!(output, "{}", serde_json::to_string(&About::of(&bytes))?)?;
    output.flush()?;
    let (head, body) = match document::read(&bytes) {
        Ok(text) => (TEXT, text),
        Err(reason) => (NO_TEXT, reason.to_string()),
    };
    write!(output, "{head}\n{body}")?;
    output.flush()?;
    Ok(())
}

/// The same for a file that is written again without the names of people.
///
/// # Errors
/// If a limit cannot be set that every system has, or the standard streams fail.
pub fn write_file_without_names() -> anyhow::Result<()> {
    answer_with_file(CannotRemove::Failed, |bytes| traces::remove(&bytes))
}

/// The same for a picture of which a small copy is written.
///
/// # Errors
/// If a limit cannot be set that every system has, or the standard streams fail.
pub fn write_thumbnail() -> anyhow::Result<()> {
    answer_with_file("", |bytes| picture::thumbnail(bytes).ok_or(""))
}

/// Answers with the file that is made of another, or the reason for which none is.
fn answer_with_file<R: Display>(
    too_large: R,
    make: impl FnOnce(Vec<u8>) -> Result<Vec<u8>, R>,
) -> anyhow::Result<()> {
    let mut output = greet()?;
    let (bytes, rest) = take_in()?;
    match if rest.too_large { Err(too_large) } else { make(bytes) } {
        Ok(made) => {
            write!(output, "\n{TEXT}\n")?;
            output.write_all(&made)?;
        }
        Err(reason) => write!(output, "\n{NO_TEXT}\n{reason}")?,
    }
    output.flush()?;
    Ok(())
}

fn greet() -> anyhow::Result<io::StdoutLock<'static>> {
    let guards = sandbox::limit_this_process()?;
    let guards: String = guards.iter().map(|guard| format!(" {guard}")).collect();
    let mut output = io::stdout().lock();
    writeln!(output, "{GREETING}{guards}")?;
    output.flush()?;
    Ok(output)
}

/// What was seen of the part of a file that is not kept in memory.
#[derive(Default)]
struct Rest {
    too_large: bool,
    runs: Option<Runs>,
}

/// Takes in a file from standard input: whole, or, where it has more than [`MAX_READ_BYTES`], only
/// looked at as it passes.
fn take_in() -> io::Result<(Vec<u8>, Rest)> {
    /// Longer than any name that is looked for, so that none is cut by the border of two pieces.
    const OVERLAP: usize = 64;
    let mut input = io::stdin().lock();
    let mut bytes = Vec::new();
    input.by_ref().take(MAX_READ_BYTES).read_to_end(&mut bytes)?;
    let mut rest = Rest::default();
    let packed = bytes.starts_with(ZIP) || bytes.starts_with(OLE);
    let mut window = bytes[bytes.len().saturating_sub(OVERLAP)..].to_vec();
    let mut piece = vec![0; 256 * 1024];
    loop {
        let length = input.read(&mut piece)?;
        if length == 0 {
            return Ok((bytes, rest));
        }
        if !rest.too_large {
            rest.too_large = true;
            rest.runs = packed.then(|| runs::raw(&bytes)).flatten();
        }
        if packed && rest.runs.is_none() {
            window.extend_from_slice(&piece[..length]);
            rest.runs = runs::raw(&window);
            window.drain(..window.len().saturating_sub(OVERLAP));
        }
    }
}
