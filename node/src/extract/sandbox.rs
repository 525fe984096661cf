//! What a process that reads a file denies itself, and what of it any process of this program can.

use anyhow::Context;
use rlimit::Resource;

/// A file that is read at all: four times the longest scheme of work with its pictures, and so small
/// that it fits the memory below three times over.
pub(super) const MAX_READ_BYTES: u64 = 64 * 1024 * 1024;

/// Memory, with the program itself: a file of the largest size, what it unpacks to and its text.
const MAX_ADDRESS_SPACE: u64 = 512 * 1024 * 1024;

/// Seconds of a processor; less than what the node waits, so that a file which loops is given up as
/// such and not as one that met a busy server.
const MAX_CPU_SECONDS: u64 = 20;

/// What not every system has.
pub(super) const GUARDS: [&str; 2] = ["landlock", "seccomp"];

/// Limits this process for good; it must have one thread only. Says which of the [`GUARDS`] hold.
pub(super) fn limit_this_process() -> anyhow::Result<Vec<&'static str>> {
    limit(MAX_ADDRESS_SPACE, MAX_CPU_SECONDS, 0)?;
    // The second forbids the calls that the first needs.
    let held = [guards::give_up_files(), guards::give_up_calls()];
    Ok(GUARDS.into_iter().zip(held).filter_map(|(guard, held)| held.then_some(guard)).collect())
}

/// Limits this process for good: bytes of memory, seconds of a processor, bytes of a file that it writes.
pub(crate) fn limit(memory: u64, cpu_seconds: u64, file_bytes: u64) -> anyhow::Result<()> {
    for (resource, most) in [
        (Resource::AS, memory),
        (Resource::CPU, cpu_seconds),
        // A crash leaves nothing of the file on the disk.
        (Resource::CORE, 0),
        (Resource::FSIZE, file_bytes),
    ] {
        resource.set(most, most).with_context(|| format!("could not limit {resource:?}"))?;
    }
    Ok(())
}

#[cfg(target_os = "linux")]
pub(crate) mod rules {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreated, RulesetError,
        RulesetStatus, Scope,
    };

    /// The newest rules that are asked for; an older kernel enforces those that it knows.
    pub(crate) const NEWEST: ABI = ABI::V6;

    /// Gives up all files but those that `allow` adds, the network and signals to others, for good;
    /// whether that is so.
    pub(crate) fn give_up_files_but(
        allow: impl FnOnce(RulesetCreated) -> Result<RulesetCreated, RulesetError>,
    ) -> bool {
        let restricted = nothing().and_then(allow).and_then(RulesetCreated::restrict_self);
        restricted.is_ok_and(|status| status.ruleset != RulesetStatus::NotEnforced)
    }

    fn nothing() -> Result<RulesetCreated, RulesetError> {
        Ruleset::default()
            .handle_access(AccessFs::from_all(NEWEST))?
            .handle_access(AccessNet::from_all(NEWEST))?
            .scope(Scope::from_all(NEWEST))?
            .create()
    }
}

#[cfg(target_os = "linux")]
mod guards {
    use std::collections::BTreeMap;

    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };

    use super::rules::give_up_files_but;

    /// What reading what is open, making text of it and ending take.
    const CALLS: [libc::c_long; 25] = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_lseek,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_getrandom,
        libc::SYS_clock_gettime,
        libc::SYS_sched_yield,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_tgkill,
        libc::SYS_exit,
        libc::SYS_exit_group,
        libc::SYS_statx,
    ];

    /// Memory that may hold a program is never had.
    const MEMORY_CALLS: [libc::c_long; 2] = [libc::SYS_mmap, libc::SYS_mprotect];

    /// Opens no file, reaches no network and signals nobody from here on; whether that is so.
    pub(super) fn give_up_files() -> bool {
        give_up_files_but(Ok)
    }

    /// Makes every other call of the system the end of this process; whether that is so.
    pub(super) fn give_up_calls() -> bool {
        filter().is_ok_and(|filter| seccompiler::apply_filter(&filter).is_ok())
    }

    fn filter() -> Result<BpfProgram, seccompiler::Error> {
        let not_a_program = SeccompCondition::new(
            2,
            SeccompCmpArgLen::Dword,
            SeccompCmpOp::MaskedEq(u64::from(libc::PROT_EXEC.unsigned_abs())),
            0,
        )?;
        let memory = SeccompRule::new(vec![not_a_program])?;
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            CALLS.iter().map(|call| (*call, Vec::new())).collect();
        rules.extend(MEMORY_CALLS.iter().map(|call| (*call, vec![memory.clone()])));
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::KillProcess,
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into()?,
        )?;
        Ok(filter.try_into()?)
    }
}

#[cfg(not(target_os = "linux"))]
mod guards {
    pub(super) fn give_up_files() -> bool {
        false
    }

    pub(super) fn give_up_calls() -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs::File;
    use std::io::ErrorKind;
    use std::net::{Ipv4Addr, TcpListener};

    use super::guards;

    #[test]
    fn files_and_the_network_are_given_up_by_the_thread_that_does_so() {
        let program = std::env::current_exe().unwrap();
        let tried = || {
            let file = File::open(&program).err().map(|error| error.kind());
            let network =
                TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).err().map(|error| error.kind());
            [file, network]
        };
        std::thread::scope(|scope| {
            let limited = scope.spawn(|| guards::give_up_files().then(tried));
            let denied = Some(ErrorKind::PermissionDenied);
            assert_eq!(limited.join().unwrap(), Some([denied, denied]));
        });
        assert_eq!(tried(), [None, None]);
    }
}
