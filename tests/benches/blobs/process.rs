//! What Linux says of a process.

use std::fs;

use crate::MEBIBYTE;

/// Seconds of a core that a process and the children that it waited for have used.
pub(crate) fn core_seconds(pid: u32) -> f64 {
    /// What Linux counts in, on every machine that it runs on today.
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name, which may have spaces in it.
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(4);
    ticks.filter_map(|count| count.parse::<f64>().ok()).sum::<f64>() / TICKS_A_SECOND
}

/// The most memory that a process had since [`forget_peak`], in bytes.
pub(crate) fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap_or_default();
    let kibibytes = line.split_whitespace().nth(1).and_then(|count| count.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * MEBIBYTE / 1024
}

/// Counts the most memory of a process from now on.
pub(crate) fn forget_peak(pid: u32) {
    drop(fs::write(format!("/proc/{pid}/clear_refs"), "5"));
}
