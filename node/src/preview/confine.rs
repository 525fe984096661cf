//! Shuts a program of others in before it starts: limits on memory, time and files, no file of this
//! server but programs and fonts, no network where the kernel can forbid it.
//!
//! This program starts itself with a hidden subcommand that gives up what the other one is not to have,
//! and then becomes it. It needs more calls of the system than can be listed, so that unlike the process
//! that reads files it is not held by seccomp; where the kernel has no landlock, it is not started.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, bail};

use crate::extract::sandbox;

/// The hidden subcommand.
pub(super) const SUBCOMMAND: &str = "run-confined";

/// What a program may use.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Bytes of memory
    pub(super) memory: u64,
    /// Seconds of a processor
    pub(super) cpu_seconds: u64,
    /// Bytes of a file that it writes
    pub(super) file_bytes: u64,
    /// The only folder that it may write to
    pub(super) private: PathBuf,
    /// A folder where it may make sockets, and nothing else
    #[arg(long, value_name = "DIR")]
    pub(super) sockets: Option<PathBuf>,
}

/// A program that is to be confined.
#[derive(Debug, clap::Args)]
pub struct Confined {
    #[command(flatten)]
    limits: Limits,
    /// The program
    program: PathBuf,
    /// Its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

impl Limits {
    /// How they are told to the process that sets them.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        let numbers = [self.memory, self.cpu_seconds, self.file_bytes].map(|one| one.to_string());
        let mut arguments = vec![SUBCOMMAND.into()];
        if let Some(folder) = &self.sockets {
            arguments.extend(["--sockets".into(), folder.into()]);
        }
        arguments.extend(numbers.map(OsString::from));
        arguments.push(self.private.clone().into());
        arguments
    }
}

impl Confined {
    /// Limits this process for good, which must have one thread, and becomes the program.
    ///
    /// # Errors
    /// If a limit cannot be set, or the program cannot be started.
    pub fn run(self) -> anyhow::Result<()> {
        let Limits { memory, cpu_seconds, file_bytes, private, sockets } = &self.limits;
        sandbox::limit(*memory, *cpu_seconds, *file_bytes)?;
        if !files::keep_only(&self.program, private, sockets.as_deref()) {
            bail!("this system cannot keep a program from files: it needs landlock (Linux 5.13)");
        }
        // Returns only where it fails.
        let error = Command::new(&self.program).args(&self.arguments).exec();
        Err(error).with_context(|| format!("could not run {}", self.program.display()))
    }
}

#[cfg(target_os = "linux")]
mod files {
    use std::path::Path;

    use landlock::{Access, AccessFs, RulesetCreatedAttr, path_beneath_rules};

    use crate::extract::sandbox::rules::{NEWEST, give_up_files_but};

    /// Programs, their libraries, fonts and settings: what every server has, and nothing of a school.
    const READABLE: [&str; 19] = [
        "/usr",
        "/lib",
        "/lib64",
        "/bin",
        "/proc",
        "/etc/alternatives",
        "/etc/fonts",
        "/etc/group",
        "/etc/ld.so.cache",
        "/etc/libreoffice",
        "/etc/locale.alias",
        "/etc/localtime",
        "/etc/nsswitch.conf",
        "/etc/passwd",
        "/var/cache/fontconfig",
        "/var/lib/libreoffice",
        "/var/spool/libreoffice",
        "/dev/urandom",
        "/dev/random",
    ];

    /// Gives up all files but these and what is in `private`; whether that is so.
    pub(super) fn keep_only(program: &Path, private: &Path, sockets: Option<&Path>) -> bool {
        let read = AccessFs::from_read(NEWEST);
        // One that is installed in a folder of /opt has all that it needs there.
        let real = program.canonicalize().unwrap_or_else(|_| program.to_owned());
        let in_opt = real.ancestors().find(|folder| folder.parent() == Some(Path::new("/opt")));
        let own = in_opt.or(real.parent());
        give_up_files_but(|nothing| {
            nothing
                .add_rules(path_beneath_rules(READABLE, read))?
                .add_rules(path_beneath_rules(own, read))?
                .add_rules(path_beneath_rules(sockets, AccessFs::MakeSock))?
                .add_rules(path_beneath_rules(["/dev/null"], read | AccessFs::WriteFile))?
                .add_rules(path_beneath_rules([private], AccessFs::from_all(NEWEST)))
        })
    }
}

#[cfg(not(target_os = "linux"))]
mod files {
    use std::path::Path;

    pub(super) fn keep_only(_program: &Path, _private: &Path, _sockets: Option<&Path>) -> bool {
        false
    }
}
