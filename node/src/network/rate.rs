//! How often one node may ask, gossip, and change what it listens to.

use std::collections::BTreeMap;
use std::time::Instant;

use staffroom_protocol::identity::PublicKey;

/// Questions that a member may ask at once, and a second after that: a catch-up asks one at a time.
pub(crate) const MEMBER: Allowance = Allowance { burst: 400.0, a_second: 200.0 };

/// Ranges of files that a member may ask for: with a quarter of a mebibyte each, twice what an
/// encrypted line on one machine carries. What a school's line carries is its ceilings' concern.
pub(crate) const RANGES: Allowance = Allowance { burst: 8_000.0, a_second: 8_000.0 };

/// Bytes of files that a member may ask for in an hour: more than a new server fetches that takes all that
/// the default room holds, from one other school alone. Whoever wants more gets it in the next hours.
pub(crate) const FILE_BYTES: Allowance =
    Allowance { burst: FILE_BYTES_AN_HOUR, a_second: FILE_BYTES_AN_HOUR / 3_600.0 };

/// 64 GiB.
const FILE_BYTES_AN_HOUR: f64 = 64.0 * 1024.0 * 1024.0 * 1024.0;

/// A stranger only ever joins or introduces itself.
pub(crate) const STRANGER: Allowance = Allowance { burst: 20.0, a_second: 0.5 };

/// Ordered hashes that a member may ask for: with 1.2 million entries each costs some 20 milliseconds,
/// and it takes one a day and group, or about six where a difference is found.
pub(crate) const ORDERED: Allowance = Allowance { burst: 40.0, a_second: 0.02 };

/// How often a member may ask when schools were heard: on connecting, in each group, and then once in
/// thirty seconds at most.
pub(crate) const HEARD: Allowance = Allowance { burst: 40.0, a_second: 0.2 };

/// Messages that a member may gossip or pass on: an import is told as one piece of news, and what all
/// schools of a country write comes to a few a second. What is beyond it comes by a comparison, which
/// takes a thousand with one sync of the disk.
pub(crate) const GOSSIP: Allowance = Allowance { burst: 300.0, a_second: 10.0 };

/// Topics that a peer may begin or end to listen to: all of its groups at once, and what changes of
/// their members bring.
pub(crate) const TOPICS: Allowance = Allowance { burst: 500.0, a_second: 0.5 };

/// Connections from one address: a whole trust behind one may come back from a power cut at once.
pub(crate) const CONNECTIONS: Allowance = Allowance { burst: 100.0, a_second: 5.0 };

/// Nodes, or addresses, whose rate is remembered; more than can be connected at once.
const MAX_NODES: usize = 1_024;

/// What a node may do at once, and a second after that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allowance {
    burst: f64,
    a_second: f64,
}

/// A token bucket for each node, or for each address.
#[derive(Debug)]
pub(crate) struct Rates<K = PublicKey> {
    buckets: BTreeMap<K, (f64, Instant)>,
}

impl<K> Default for Rates<K> {
    fn default() -> Self {
        Self { buckets: BTreeMap::new() }
    }
}

impl<K: Ord> Rates<K> {
    /// Takes one off what `peer` may do; false if it has done too much.
    pub(crate) fn take(&mut self, peer: K, allowance: Allowance, now: Instant) -> bool {
        self.take_many(peer, allowance, 1.0, now)
    }

    /// The same for several at once.
    pub(crate) fn take_many(
        &mut self,
        peer: K,
        allowance: Allowance,
        count: f64,
        now: Instant,
    ) -> bool {
        if self.buckets.len() >= MAX_NODES && !self.buckets.contains_key(&peer) {
            self.buckets.clear();
        }
        let (left, last) = self.buckets.entry(peer).or_insert((allowance.burst, now));
        let earned = now.saturating_duration_since(*last).as_secs_f64() * allowance.a_second;
        *left = (*left + earned).min(allowance.burst);
        *last = now;
        if *left < count {
            return false;
        }
        *left -= count;
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
        let allowed = (0..100).filter(|_| rates.take(peer, STRANGER, start)).count();
        assert_eq!(allowed, 20);
        assert!(!rates.take(peer, STRANGER, start + Duration::from_secs(1)));
        assert!(rates.take(peer, STRANGER, start + Duration::from_secs(3)));
    }

    #[test]
    fn one_member_has_so_many_bytes_of_files_in_an_hour_and_takes_none_of_anothers() {
        const LOT: f64 = 1024.0 * 1024.0 * 1024.0;
        let node = |seed: u8| SecretKey::from_seed(&[seed; 32]).public();
        let (mut rates, start) = (Rates::default(), Instant::now());
        let lots = |rates: &mut Rates, peer, now| {
            (0..1_000).take_while(|_| rates.take_many(peer, FILE_BYTES, LOT, now)).count()
        };
        assert_eq!(lots(&mut rates, node(1), start), 64);
        assert_eq!(lots(&mut rates, node(1), start + Duration::from_secs(1)), 0);
        assert_eq!(lots(&mut rates, node(2), start), 64);
        assert_eq!(lots(&mut rates, node(1), start + Duration::from_secs(1_800)), 32);
        assert_eq!(lots(&mut rates, node(1), start + Duration::from_secs(20_000)), 64);
    }
}
