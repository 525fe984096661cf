//! How often somebody may fail to sign in: by account and by address.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// How long a failure counts.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Failures within the window, of one account.
const AN_ACCOUNT: usize = 10;

/// And from one address, behind which is a whole school on the first day of term: two for each of a
/// hundred people.
const AN_ADDRESS: usize = 200;

/// Accounts and addresses that are remembered, each. What one address may fail fills a fiftieth.
const REMEMBERED: usize = 10_000;

/// Failures of late, by what they are counted for.
#[derive(Debug)]
struct Failures<K> {
    most: usize,
    /// When, in milliseconds since 1970, oldest first; no more than `most`.
    at: BTreeMap<K, VecDeque<u64>>,
}

impl<K: Ord + Clone> Failures<K> {
    fn new(most: usize) -> Self {
        Self { most, at: BTreeMap::new() }
    }

    /// How long until there may be another attempt; none if there may be one.
    fn wait(&mut self, key: &K, now: u64) -> Option<Duration> {
        let times = self.at.get_mut(key)?;
        times.retain(|at| counts(*at, now));
        if times.len() < self.most {
            return None;
        }
        let oldest = Duration::from_millis(*times.front()?) + WINDOW;
        Some(oldest.saturating_sub(Duration::from_millis(now)))
    }

    fn add(&mut self, key: &K, now: u64) {
        if self.at.len() >= REMEMBERED && !self.at.contains_key(key) {
            self.make_room(now);
        }
        self.at.entry(key.clone()).or_default().push_back(now);
    }

    fn take_back(&mut self, key: &K, at: u64) {
        if let Some(times) = self.at.get_mut(key) {
            if let Some(place) = times.iter().position(|one| *one == at) {
                times.remove(place);
            }
            if times.is_empty() {
                self.at.remove(key);
            }
        }
    }

    /// Forgets what counts no longer, or else what failed longest ago.
    fn make_room(&mut self, now: u64) {
        self.at.retain(|_, times| times.back().is_some_and(|at| counts(*at, now)));
        if self.at.len() >= REMEMBERED
            && let Some(oldest) =
                self.at.iter().min_by_key(|(_, times)| times.back()).map(|(k, _)| k)
        {
            let oldest = oldest.clone();
            self.at.remove(&oldest);
        }
    }
}

fn counts(at: u64, now: u64) -> bool {
    u128::from(now.saturating_sub(at)) < WINDOW.as_millis()
}

/// Attempts to sign in.
#[derive(Debug)]
pub(super) struct Attempts {
    accounts: Failures<String>,
    addresses: Failures<IpAddr>,
}

impl Default for Attempts {
    fn default() -> Self {
        Self { accounts: Failures::new(AN_ACCOUNT), addresses: Failures::new(AN_ADDRESS) }
    }
}

/// An attempt, which counts as a failure until it is known to be none: two at once are no way round the
/// limit.
#[derive(Debug)]
pub(super) struct Attempt {
    account: String,
    address: IpAddr,
    at: u64,
}

impl Attempts {
    /// Begins an attempt, or says how long to wait. `account` may be a name that nobody has: it is told
    /// the same.
    pub(super) fn begin(
        &mut self,
        account: String,
        address: IpAddr,
        now: u64,
    ) -> Result<Attempt, Duration> {
        let address = network_of(address);
        let waits = (self.accounts.wait(&account, now), self.addresses.wait(&address, now));
        if let Some(wait) = waits.0.max(waits.1) {
            return Err(wait);
        }
        self.accounts.add(&account, now);
        self.addresses.add(&address, now);
        Ok(Attempt { account, address, at: now })
    }

    /// Says that an attempt was no failure. Those before it count no longer for the account.
    pub(super) fn succeeded(&mut self, attempt: Attempt) {
        self.addresses.take_back(&attempt.address, attempt.at);
        self.accounts.at.remove(&attempt.account);
    }

    /// Says that an attempt was never made.
    pub(super) fn withdrawn(&mut self, attempt: Attempt) {
        self.addresses.take_back(&attempt.address, attempt.at);
        self.accounts.take_back(&attempt.account, attempt.at);
    }
}

/// Whoever has one IPv6 address has the rest of its network of 64 bits.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            Ipv6Addr::from(network).into()
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const SCHOOL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn begin(attempts: &mut Attempts, account: &str, now: u64) -> Result<Attempt, Duration> {
        attempts.begin(account.to_owned(), SCHOOL, now)
    }

    #[test]
    fn ten_failures_of_an_account_in_a_quarter_of_an_hour_make_it_wait() {
        let mut attempts = Attempts::default();
        for minute in 0..10 {
            begin(&mut attempts, "head", minute * MINUTE).unwrap();
        }
        let wait = begin(&mut attempts, "head", 10 * MINUTE).unwrap_err();
        assert_eq!(wait, Duration::from_secs(5 * 60));
        begin(&mut attempts, "deputy", 10 * MINUTE).unwrap();
        // The first counts no longer; the attempts that had to wait never did.
        begin(&mut attempts, "head", 15 * MINUTE).unwrap();
        begin(&mut attempts, "head", 15 * MINUTE).unwrap_err();
    }

    #[test]
    fn an_address_may_fail_for_a_school_and_succeed_without_end() {
        let mut attempts = Attempts::default();
        for number in 0..1_000 {
            let attempt = begin(&mut attempts, &format!("person{number}"), MINUTE).unwrap();
            attempts.succeeded(attempt);
        }
        for number in 0..AN_ADDRESS {
            begin(&mut attempts, &format!("person{number}"), MINUTE).unwrap();
        }
        begin(&mut attempts, "another", MINUTE).unwrap_err();
        let neighbour = "2001:db8::1".parse().unwrap();
        attempts.begin("another".to_owned(), neighbour, MINUTE).unwrap();
        assert_eq!(network_of(neighbour), network_of("2001:db8::ffff:1".parse().unwrap()));
        assert_ne!(network_of(neighbour), network_of("2001:db8:0:1::1".parse().unwrap()));
    }

    #[test]
    fn success_forgets_the_failures_of_the_account_alone() {
        let mut attempts = Attempts::default();
        for _ in 0..9 {
            begin(&mut attempts, "head", MINUTE).unwrap();
        }
        let attempt = begin(&mut attempts, "head", MINUTE).unwrap();
        attempts.succeeded(attempt);
        begin(&mut attempts, "head", MINUTE).unwrap();
        assert_eq!(attempts.addresses.at[&SCHOOL].len(), 10);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_the_oldest_goes_first() {
        let mut failures = Failures::new(AN_ACCOUNT);
        for number in 0..REMEMBERED + 10 {
            failures.add(&number, number as u64);
        }
        assert_eq!(failures.at.len(), REMEMBERED);
        assert!(!failures.at.contains_key(&9) && failures.at.contains_key(&10));
    }
}
