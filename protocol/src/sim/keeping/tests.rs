use super::*;

/// How many seeds a missing rule may go unnoticed.
const SEEDS: u64 = 60;

/// Mishaps that find a rule missing, and what it comes to.
struct Scenario {
    mishaps: &'static [Mishap],
    days: u64,
    rule: Rule,
    finds: fn(&KeepingViolation) -> bool,
}

fn scenario(
    mishaps: &'static [Mishap],
    rule: Rule,
    finds: fn(&KeepingViolation) -> bool,
) -> Scenario {
    Scenario { mishaps, days: 30, rule, finds }
}

fn too_early(found: &KeepingViolation) -> bool {
    matches!(found, KeepingViolation::DroppedTooEarly { .. })
}

fn not_healed(found: &KeepingViolation) -> bool {
    matches!(found, KeepingViolation::NotHealed { .. })
}

fn to_and_fro(found: &KeepingViolation) -> bool {
    matches!(
        found,
        KeepingViolation::Churn { .. }
            | KeepingViolation::Needless { .. }
            | KeepingViolation::TooMany { .. }
            | KeepingViolation::TooManyChallenges { .. }
    )
}

/// Which rule is guarded by what, and what a group without that rule comes to.
fn scenarios() -> Vec<Scenario> {
    use Mishap::{Cheating, Cuts, Destroyed, Full, Holidays, Nights, Restless};
    vec![
        // Nobody but the author has a file until standbys notice, which ask in vain meanwhile.
        scenario(&[Destroyed], Rule::FirstFetch, |found| {
            matches!(
                found,
                KeepingViolation::SlowToSettle { .. }
                    | KeepingViolation::LostWithAuthor { .. }
                    | KeepingViolation::TooManyChallenges { .. }
            )
        }),
        // What went down with a server is not replaced.
        scenario(&[Destroyed], Rule::StepIn, not_healed),
        // All standbys step in for one server.
        scenario(&[Destroyed, Nights], Rule::Stagger, to_and_fro),
        // Every night files move from the servers that are off.
        scenario(&[Nights], Rule::WaitForAbsent, |found| {
            to_and_fro(found) || matches!(found, KeepingViolation::Surplus { .. })
        }),
        // A server that was cut off takes everybody to be gone.
        scenario(&[Cuts], Rule::SilenceSaysNothing, to_and_fro),
        // Who says that it keeps a file and does not is believed.
        scenario(&[Cheating], Rule::Prove, not_healed),
        // A copy is dropped since others ought to have one.
        scenario(&[Full, Cheating, Destroyed], Rule::ProveBeforeDrop, too_early),
        // Standbys vouch for each other, and drop theirs at once.
        scenario(&[Holidays, Nights, Restless, Destroyed], Rule::CountThoseBefore, too_early),
        // Who stepped in keeps the copy for ever.
        scenario(&[Holidays], Rule::HandBack, |found| {
            matches!(found, KeepingViolation::Surplus { .. } | KeepingViolation::TooMany { .. })
        }),
        // Files go to and fro with a server that comes and goes.
        Scenario { days: 60, ..scenario(&[Restless], Rule::HandBackLate, to_and_fro) },
        // A full disk is filled further.
        scenario(&[Full], Rule::RefuseWhenFull, |found| {
            matches!(found, KeepingViolation::Overfull { .. })
        }),
        // Servers that are off are tried all the time.
        scenario(&[Nights, Destroyed], Rule::BackOff, |found| {
            matches!(found, KeepingViolation::TooManyChallenges { .. })
        }),
    ]
}

fn small(seed: u64) -> KeepingOptions {
    KeepingOptions { nodes: 60, files: 400, seed, ..KeepingOptions::default() }
}

#[test]
fn a_seed_replays_exactly() {
    assert_eq!(keep(&small(1)), keep(&small(1)));
    assert_ne!(keep(&small(1)), keep(&small(2)));
}

#[test]
fn every_mishap_and_every_rule_has_a_scenario() {
    let scenarios = scenarios();
    for rule in Rule::ALL {
        assert!(scenarios.iter().any(|one| one.rule == rule), "{rule:?}");
    }
    // Members that leave and join guard no rule of their own.
    for mishap in Mishap::ALL {
        let guards = scenarios.iter().any(|one| one.mishaps.contains(&mishap));
        assert!(guards || matches!(mishap, Mishap::Leaving | Mishap::Joining), "{mishap:?}");
    }
}

#[test]
fn every_mishap_finds_the_rule_missing_that_it_guards() {
    for Scenario { mishaps, days, rule, finds } in scenarios() {
        let mishaps: BTreeSet<Mishap> = mishaps.iter().copied().collect();
        let kept = |seed| KeepingOptions { days, mishaps: mishaps.clone(), ..small(seed) };
        let broken = |seed| KeepingOptions { without: Some(rule), ..kept(seed) };
        let found = (1..=SEEDS).find_map(|seed| Some((seed, keep(&broken(seed)).err()?)));
        let Some((seed, violation)) = found else { panic!("{mishaps:?} do not miss {rule:?}") };
        println!("{mishaps:?} without {rule:?}, seed {seed}: {violation}");
        assert!(finds(&violation), "{mishaps:?} without {rule:?}, seed {seed}: {violation}");
        assert_eq!(keep(&kept(seed)).err(), None, "{mishaps:?} with {rule:?}, seed {seed}");
    }
}

#[test]
fn a_group_keeps_its_files_whatever_befalls_its_members() {
    for seed in 1..=3 {
        let options =
            KeepingOptions { nodes: 150, files: 1_000, seed, ..KeepingOptions::default() };
        if let Err(violation) = keep(&options) {
            panic!("seed {seed}: {violation}");
        }
    }
}
