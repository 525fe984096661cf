//! The hybrid logical clock: wall time that never runs backwards for a node and is never tied.
//!
//! After Kulkarni et al., "Logical Physical Clocks" (OPODIS 2014): the high 48 bits are
//! milliseconds since 1970, the low 16 a counter that orders what happens within one.

use std::fmt;

use serde::{Deserialize, Serialize};

const COUNTER_BITS: u32 = 16;

/// A moment on the hybrid logical clock. Later versions of a record have greater ones.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment at `millis` milliseconds since 1970, before any event within it.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis << COUNTER_BITS)
    }

    /// Milliseconds since 1970.
    pub const fn millis(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The whole value as one number, which orders as the moments do.
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// The inverse of [`Timestamp::as_u64`].
    pub const fn from_u64(value: u64) -> Self {
        Self(value)
    }

    /// The moment for a new event: `now_millis`, or just after `self` where that is not later.
    ///
    /// A slow wall clock therefore never makes an edit lose against the version it edits.
    #[must_use]
    pub const fn next(self, now_millis: u64) -> Self {
        let wall = Self::from_millis(now_millis);
        if wall.0 > self.0 { wall } else { Self(self.0.saturating_add(1)) }
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = i64::try_from(self.millis()).unwrap_or(i64::MAX);
        match jiff::Timestamp::from_millisecond(millis) {
            Ok(time) => time.fmt(f),
            Err(_) => write!(f, "{} ms", self.millis()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_with_the_wall_and_never_backwards() {
        let first = Timestamp::default().next(1_000);
        assert_eq!(first, Timestamp::from_millis(1_000));
        let second = first.next(400);
        assert!(second > first && second.millis() == 1_000);
        assert_eq!(second.next(2_000), Timestamp::from_millis(2_000));
        assert_eq!(Timestamp::from_u64(u64::MAX).next(0), Timestamp::from_u64(u64::MAX));
    }

    #[test]
    fn prints_as_a_date() {
        assert_eq!(Timestamp::from_millis(1_764_000_000_000).to_string(), "2025-11-24T16:00:00Z");
    }
}
