//! What has passed on the line and is not yet made up for by time.

use std::time::{Duration, Instant};

use super::rate::Rate;

/// A token bucket that is read from below: it holds what is owed and no credit, so that in any
/// stretch of time no more passes than the ceiling and one piece.
#[derive(Debug)]
pub(crate) struct Bucket {
    owed: f64,
    settled: Instant,
}

impl Bucket {
    pub(crate) fn new(now: Instant) -> Self {
        Self { owed: 0.0, settled: now }
    }

    /// How long it takes until nothing is owed; no time at all without a ceiling.
    pub(crate) fn wait(&mut self, ceiling: Option<Rate>, now: Instant) -> Duration {
        let passed = now.saturating_duration_since(self.settled).as_secs_f64();
        self.settled = self.settled.max(now);
        let Some(rate) = ceiling else {
            self.owed = 0.0;
            return Duration::ZERO;
        };
        self.owed = (self.owed - passed * rate.bytes_a_second()).max(0.0);
        Duration::from_secs_f64(self.owed / rate.bytes_a_second())
    }

    /// Counts bytes that pass.
    pub(crate) fn add(&mut self, bytes: u64) {
        self.owed += bytes as f64;
    }

    /// Takes bytes back that were counted and did not pass.
    pub(crate) fn give_back(&mut self, bytes: u64) {
        self.owed = (self.owed - bytes as f64).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(text: &str) -> Option<Rate> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn no_more_passes_than_the_ceiling_and_one_piece() {
        const PIECE: u64 = 100_000;
        let (start, ceiling) = (Instant::now(), rate("2 Mbit/s"));
        let mut bucket = Bucket::new(start);
        let mut passed = Vec::new();
        // Idle for a minute first, which earns nothing.
        for millis in (60_000..120_000).step_by(10) {
            let now = start + Duration::from_millis(millis);
            while bucket.wait(ceiling, now).is_zero() {
                bucket.add(PIECE);
                passed.push(millis);
            }
        }
        for from in &passed {
            let within = passed.iter().filter(|at| (*from..from + 10_000).contains(*at)).count();
            assert!(within as u64 * PIECE <= 250_000 * 10 + PIECE, "{within} pieces from {from}");
        }
        let bytes = passed.len() as u64 * PIECE;
        assert!(bytes > 250_000 * 57, "what the ceiling allows is used: {bytes}");
    }

    #[test]
    fn a_change_of_the_ceiling_counts_at_once() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut bucket = Bucket::new(start);
        bucket.add(320_000);
        assert_eq!(bucket.wait(rate("256 kbit/s"), start), Duration::from_secs(10));
        assert_eq!(bucket.wait(rate("256 kbit/s"), after(5)), Duration::from_secs(5));
        assert_eq!(bucket.wait(rate("2560 kbit/s"), after(5)), Duration::from_millis(500));
        assert_eq!(bucket.wait(None, after(5)), Duration::ZERO);
        assert_eq!(bucket.wait(rate("256 kbit/s"), after(5)), Duration::ZERO);
    }

    #[test]
    fn what_did_not_pass_is_not_owed() {
        let start = Instant::now();
        let mut bucket = Bucket::new(start);
        bucket.add(1_000_000);
        bucket.give_back(968_000);
        assert_eq!(bucket.wait(rate("256 kbit/s"), start), Duration::from_secs(1));
        bucket.give_back(1_000_000);
        assert_eq!(bucket.wait(rate("256 kbit/s"), start), Duration::ZERO);
        // A clock that stands still or goes back pays nothing off.
        bucket.add(32_000);
        bucket.wait(rate("256 kbit/s"), start + Duration::from_millis(500));
        assert_eq!(bucket.wait(rate("256 kbit/s"), start), Duration::from_millis(500));
    }
}
