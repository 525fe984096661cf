//! What Linux says of a process.

use std::fs;

use crate::MEBIBYTE;

/// Seconds of a core that a process and its children have used, those that have ended among them.
pub(crate) fn core_seconds(pid: u32) -> f64 {
    /// What Linux counts in, on every machine that it runs on today.
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may have spaces in it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    let own = ticks.filter_map(|count| count.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND;
    own + children(pid).into_iter().map(core_seconds).sum::<f64>()
}

fn children(pid: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = processes.flatten().filter_map(|one| one.file_name().to_str()?.parse().ok());
    let parent = |child: u32| -> Option<u32> {
        let stat = fs::read_to_string(format!("/proc/{child}/stat")).ok()?;
        stat.rsplit(')').next()?.split_whitespace().nth(1)?.parse().ok()
    };
    numbers.filter(|child: &u32| parent(*child) == Some(pid)).collect()
}

/// The most memory that a process and its children had since [`forget_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> u64 {
    peak_of_one(pid) + children(pid).into_iter().map(peak).sum::<u64>()
}

fn peak_of_one(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kibibytes = line.split_whitespace().nth(1).and_then(|count| count.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * MEBIBYTE / 1024
}

/// Counts the most memory of a process from now on.
pub(crate) fn forget_peak(pid: u32) {
    drop(fs::write(format!("/proc/{pid}/clear_refs"), "5"));
    children(pid).into_iter().for_each(forget_peak);
}
