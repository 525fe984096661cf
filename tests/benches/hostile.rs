//! Two schools with a node each, first in peace and then under attack by strangers that flood one of
//! them with questions, and by a member that floods it with valid entries as fast as it takes them:
//! how long a record takes from publish to found, how much memory the node under attack takes, and
//! how soon it cuts off who attacks.
//!
//! `cargo bench -p staffroom-tests --bench hostile`

#![expect(clippy::expect_used, reason = "a benchmark ends where it cannot go on")]

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::sync::message::{MAX_REQUEST_BYTES, Request};
use staffroom_protocol::wire;
use staffroom_tests::School;
use staffroom_tests::mallory::{Mallory, now};
use staffroom_tests::raw::Raw;

/// Records published one at a time, in peace and under attack.
const PUBLISHED: usize = 200;

/// Attackers at once, each with a new key whenever it was cut off.
const ATTACKERS: u8 = 2;

/// Entries that a member sends: nearly as many as a node takes by gossip.
const FLOOD_A_SECOND: u32 = 9;

/// Questions that an attacker sends before it looks at an answer.
const AT_ONCE: usize = 30;

fn main() {
    let set_up = |name| School::set_up(env!("CARGO_BIN_EXE_staffroom-under-test"), name);
    let (mut ash, mut beech) = (set_up("Ash Primary"), set_up("Beech Primary"));
    ash.start();
    beech.start();
    ash.found("Fenland Trust", "trust", &[&beech]);
    let invite: Invite = ash.invite("Fenland Trust").parse().expect("an invite");
    // The first records warm both up.
    publish_and_find(&ash, &beech, "warm");
    let mut peace = publish_and_find(&ash, &beech, "peace");
    let before = ash.resident_bytes();

    let stop = Arc::new(AtomicBool::new(false));
    let sent = Arc::new(AtomicU64::new(0));
    let cut_off: Arc<Mutex<Vec<Duration>>> = Arc::default();
    let attackers: Vec<_> = (0..ATTACKERS)
        .map(|number| {
            let (stop, sent, cut_off) =
                (Arc::clone(&stop), Arc::clone(&sent), Arc::clone(&cut_off));
            let invite = invite.clone();
            std::thread::spawn(move || attack(number, &invite, &stop, &sent, &cut_off))
        })
        .collect();
    let flooding = {
        let (invite, stop) = (ash.invite("Fenland Trust"), Arc::clone(&stop));
        let invite = invite.parse().expect("an invite");
        std::thread::spawn(move || flood(&invite, &stop))
    };
    let mut war = publish_and_find(&ash, &beech, "war");
    let after = ash.resident_bytes();
    stop.store(true, Ordering::Relaxed);
    for attacker in attackers {
        attacker.join().expect("the attacker ends");
    }
    let flooded = flooding.join().expect("the member ends");

    let mut cut_off = cut_off.lock().unwrap_or_else(PoisonError::into_inner);
    let millis = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("{PUBLISHED} records in peace, {PUBLISHED} under {ATTACKERS} attackers on loopback");
    for share in [0.5, 0.99] {
        let (calm, attacked) = (quantile(&mut peace, share), quantile(&mut war, share));
        println!(
            "publish to found elsewhere, p{:<13.0} {:>10.2} ms   {:>6.2} × in peace ({:.2})",
            share * 100.0,
            millis(attacked),
            millis(attacked) / millis(calm),
            millis(calm)
        );
    }
    let mib = |bytes: u64| bytes as f64 / 1_048_576.0;
    println!(
        "memory of the node under attack       {:>10.2} MiB  {:>6.2} × before it ({:.2})",
        mib(after),
        mib(after) / mib(before),
        mib(before)
    );
    println!(
        "attackers cut off, slowest            {:>10.2} ms   {} of them, after {} questions",
        cut_off.iter().max().map_or(0.0, |slowest| millis(*slowest)),
        cut_off.len(),
        sent.load(Ordering::Relaxed)
    );
    println!("valid entries that the member sent    {flooded:>10}");
    for reason in ["too_often", "malformed", "not_a_member", "too_many_connections"] {
        println!("refused as {reason:<26} {:>10}", ash.refused(reason));
    }
    cut_off.clear();
}

/// Floods a node with questions and with frames that are too long, as one stranger after the other.
fn attack(
    number: u8,
    invite: &Invite,
    stop: &AtomicBool,
    sent: &AtomicU64,
    cut_off: &Mutex<Vec<Duration>>,
) {
    let address = invite.addresses.iter().find(|address| address.contains("/tcp/"));
    let address = address.expect("an address").parse().expect("a multiaddress");
    let question = wire::encode(&Request::Holding { group: invite.group });
    for turn in 0_u32.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let mut seed = [number; 32];
        seed[..4].copy_from_slice(&turn.to_le_bytes());
        let raw = Raw::connect(seed, libp2p::Multiaddr::clone(&address), Box::new(|_| Vec::new()));
        let started = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            for place in 0..AT_ONCE {
                let oversized = turn.is_multiple_of(2) && place == 0;
                raw.send(if oversized { vec![7; 2 * MAX_REQUEST_BYTES] } else { question.clone() });
            }
            sent.fetch_add(AT_ONCE as u64, Ordering::Relaxed);
            for _ in 0..AT_ONCE {
                raw.answer();
            }
            if raw.until_disconnected(Duration::ZERO).is_some() {
                let mut cut_off = cut_off.lock().unwrap_or_else(PoisonError::into_inner);
                cut_off.push(started.elapsed());
                break;
            }
        }
    }
}

/// Gossips valid entries as a member, just below the rate at which it would be cut off; returns how
/// many.
fn flood(invite: &Invite, stop: &AtomicBool) -> usize {
    let mallory = Mallory::start();
    mallory.join(invite);
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return number;
        }
        mallory.tell(invite.group, mallory.entry(invite.group, &format!("Flood {number}"), now()));
        std::thread::sleep(Duration::from_secs(1) / FLOOD_A_SECOND);
    }
    0
}

/// Publishes one record at a time and searches on the other node until it finds it.
fn publish_and_find(from: &School, other: &School, phase: &str) -> Vec<Duration> {
    let agent = ureq::Agent::new_with_defaults();
    (0..PUBLISHED)
        .map(|number| {
            let mark = format!("zymurgy{phase}{number}x");
            let record = json!({
                "kind": "resource",
                "type": "lesson plan",
                "licence": "CC-BY-4.0",
                "title": format!("A new record on {mark}"),
                "abstract": "How a class reads aloud together, with the steps and the prompts.",
                "url": format!("https://example.org/{phase}/{number}"),
            });
            let started = Instant::now();
            from.share(&agent, &record);
            while other.api(&agent, &format!("/search?q={mark}"))["total"] != 1 {
                assert!(started.elapsed() < Duration::from_secs(30), "{mark} was not found");
            }
            started.elapsed()
        })
        .collect()
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort();
    times[((times.len() - 1) as f64 * share).round() as usize]
}
