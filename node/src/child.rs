//! Processes that this one starts, and that may take so long.

use std::io;
use std::process::{Child, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

/// How often it is looked whether one has ended: much less than the fastest takes to start.
const LOOKED_EVERY: Duration = Duration::from_millis(5);

/// The status with which a child ended; none if it was killed after `limit`. Before that `stop_more` stops
/// what is to end with it, as long as its number is not another's.
///
/// # Errors
/// If the child cannot be waited for, or killed.
pub(crate) fn ended_within(
    child: &mut Child,
    limit: Duration,
    stop_more: impl FnOnce(&Child),
) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if started.elapsed() >= limit {
            stop_more(child);
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(LOOKED_EVERY);
    }
}
