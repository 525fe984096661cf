//! Programs of others that this one makes use of where they are installed, and how they are run.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

use super::confine;
use crate::child::ended_within;

/// How long the end of an output is waited for once the program has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What was found on this server.
#[derive(Debug, Clone, Default)]
pub(crate) struct Helpers {
    /// poppler's `pdftoppm`, which draws the pages of a PDF.
    pub(crate) pages: Option<PathBuf>,
    /// LibreOffice, which makes a PDF of a document.
    pub(crate) office: Option<PathBuf>,
}

impl Helpers {
    /// Looks where the system finds its programs.
    pub(crate) fn find() -> Self {
        Self { pages: find("pdftoppm"), office: find("soffice").or_else(|| find("libreoffice")) }
    }
}

fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

/// A call of one of them, with what it may use.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) program: &'a Path,
    pub(super) arguments: Vec<OsString>,
    /// The only folder that it may write to.
    pub(super) private: &'a Path,
    /// Where it may make sockets.
    pub(super) sockets: Option<&'a Path>,
    /// Bytes of memory.
    pub(super) memory: u64,
    /// Bytes of a file that it writes.
    pub(super) file_bytes: u64,
    /// How long it may take.
    pub(super) limit: Duration,
    /// Bytes of its output that are read.
    pub(super) most: u64,
}

impl Call<'_> {
    /// Runs it with a file as its input. What it wrote to its output; none where it failed, or was
    /// stopped with all that it had started.
    pub(super) fn run(self, input: File) -> io::Result<Option<Vec<u8>>> {
        let limits = confine::Limits {
            memory: self.memory,
            cpu_seconds: self.limit.as_secs(),
            file_bytes: self.file_bytes,
            private: self.private.to_owned(),
            sockets: self.sockets.map(Path::to_owned),
        };
        let mut child = Command::new(std::env::current_exe()?)
            .args(limits.arguments())
            .arg(self.program)
            .args(self.arguments)
            .env_clear()
            .env("HOME", self.private)
            .env("TMPDIR", self.private)
            .env("PATH", "/usr/bin:/bin")
            .env("LANG", "C.UTF-8")
            .current_dir(self.private)
            .stdin(input)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // So that what it starts can be stopped with it.
            .process_group(0)
            .spawn()?;
        let most = self.most;
        let (read, output) = mpsc::sync_channel(1);
        if let Some(output) = child.stdout.take() {
            thread::spawn(move || {
                let mut bytes = Vec::new();
                // One more than may be tells that there was more.
                let done = output.take(most + 1).read_to_end(&mut bytes).map(|_| bytes);
                drop(read.send(done));
            });
        }
        let status = ended_within(&mut child, self.limit, stop_group);
        stop_group(&child);
        let ended_well = status?.is_some_and(|status| status.success());
        // One that left the group may hold its end open for ever.
        let bytes = output.recv_timeout(LAST_WORDS).unwrap_or_else(|_| Ok(Vec::new()))?;
        Ok(Some(bytes).filter(|bytes| ended_well && bytes.len() as u64 <= self.most))
    }
}

/// Stops what a child started and left behind.
fn stop_group(child: &Child) {
    // An error means that nothing is left of it.
    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
}
