//! How often one node may ask.

use std::collections::BTreeMap;
use std::time::Instant;

use staffroom_protocol::identity::PublicKey;

/// Questions that a member may ask at once, and a second after that: a catch-up asks one at a time,
/// a file of 64 MiB takes 64.
const MEMBER: Allowance = Allowance { burst: 400.0, a_second: 200.0 };

/// A stranger only ever joins or introduces itself.
const STRANGER: Allowance = Allowance { burst: 20.0, a_second: 0.5 };

/// Nodes whose rate is remembered; more than can be connected at once.
const MAX_NODES: usize = 1_024;

struct Allowance {
    burst: f64,
    a_second: f64,
}

/// A token bucket for each node.
#[derive(Debug, Default)]
pub(crate) struct Rates {
    buckets: BTreeMap<PublicKey, (f64, Instant)>,
}

impl Rates {
    /// Takes one question off what `peer` may ask; false if it has asked too much.
    pub(crate) fn take(&mut self, peer: PublicKey, member: bool, now: Instant) -> bool {
        let allowance = if member { MEMBER } else { STRANGER };
        if self.buckets.len() >= MAX_NODES && !self.buckets.contains_key(&peer) {
            self.buckets.clear();
        }
        let (left, last) = self.buckets.entry(peer).or_insert((allowance.burst, now));
        let earned = now.saturating_duration_since(*last).as_secs_f64() * allowance.a_second;
        *left = (*left + earned).min(allowance.burst);
        *last = now;
        if *left < 1.0 {
            return false;
        }
        *left -= 1.0;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use staffroom_protocol::identity::SecretKey;

    use super::*;

    #[test]
    fn a_stranger_is_slowed_down_and_recovers() {
        let peer = SecretKey::from_seed(&[1; 32]).public();
        let (mut rates, start) = (Rates::default(), Instant::now());
        let allowed = (0..100).filter(|_| rates.take(peer, false, start)).count();
        assert_eq!(allowed, 20);
        assert!(!rates.take(peer, false, start + Duration::from_secs(1)));
        assert!(rates.take(peer, false, start + Duration::from_secs(3)));
    }
}
