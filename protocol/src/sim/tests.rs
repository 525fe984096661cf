use super::*;

/// How many seeds a missing rule may go unnoticed.
const SEEDS: u64 = 400;

/// A fault that finds a rule missing, with other faults where it needs them, and what it comes to.
struct Scenario {
    fault: Fault,
    also: &'static [Fault],
    /// For how many days schools act: the fewer, the more at once.
    days: f64,
    rule: Rule,
    finds: fn(&Violation) -> bool,
}

fn scenario(fault: Fault, rule: Rule, finds: fn(&Violation) -> bool) -> Scenario {
    Scenario { fault, also: fault.needs(), days: Options::default().days, rule, finds }
}

fn unequal(found: &Violation) -> bool {
    matches!(found, Violation::Unequal { .. })
}

fn unequal_or_lost(found: &Violation) -> bool {
    matches!(found, Violation::Unequal { .. } | Violation::Lost { .. })
}

fn leak(found: &Violation) -> bool {
    matches!(found, Violation::Leak { .. })
}

/// Which rule each fault guards, and what a network without that rule comes to.
fn scenarios() -> Vec<Scenario> {
    vec![
        // Gossip is lost, and nothing else would bring what it carried.
        scenario(Fault::Loss, Rule::CompareFromTimeToTime, unequal),
        // A message comes again, and what it carries is counted again.
        scenario(Fault::Duplication, Rule::CountOnce, |found| {
            matches!(found, Violation::Miscounted { .. })
        }),
        // An edit comes before what it edits, which then takes its place.
        Scenario {
            days: 0.002,
            ..scenario(Fault::Reordering, Rule::LaterVersionWins, unequal_or_lost)
        },
        // Gossip that waits too long before a slow line is dropped.
        scenario(Fault::SlowLines, Rule::CompareFromTimeToTime, unequal),
        // A removal is heard on one side of a cut. The other side, where it compares content alone,
        // tells the removed school what was meant for those who remain, and never hears.
        Scenario {
            also: &[Fault::Membership],
            ..scenario(Fault::Partitions, Rule::MembershipFirst, |found| {
                leak(found) || unequal(found)
            })
        },
        // A node missed what was told while it was off, and believes what it held before.
        scenario(Fault::Crashes, Rule::CompareAfterStart, unequal),
        // A crash between the acknowledgement and the sync loses the publication.
        scenario(Fault::LostWrites, Rule::SyncBeforeAcknowledging, |found| {
            matches!(found, Violation::Lost { .. })
        }),
        // A node restored from a backup never gets back what it had published since.
        scenario(Fault::Restores, Rule::TakeOwnBack, unequal),
        // After a clock ran ahead and was put right, an edit loses against what it edits.
        scenario(Fault::ClockJumps, Rule::ClockExceedsHeld, |found| {
            matches!(found, Violation::EditLost { .. })
        }),
        // A clock that runs a day ahead dates what will beat every edit of that day.
        scenario(Fault::ClockJumps, Rule::FutureWaits, |found| {
            matches!(found, Violation::Future { .. })
        }),
        // Members keep what a removed school shared and no list lets stand, or it keeps theirs.
        scenario(Fault::Membership, Rule::DropOnRemoval, |found| {
            matches!(found, Violation::Unequal { .. } | Violation::Kept { .. })
        }),
        // One admin removes a school while another makes a key anew for all, and the group talks on
        // under a key that the removed school has.
        scenario(Fault::Rotations, Rule::EpochOfMembers, leak),
        // A member passes on altered entries.
        scenario(Fault::Hostile, Rule::CheckSignatures, |found| {
            matches!(found, Violation::Forged { .. })
        }),
        // A removed school goes on asking, and is answered.
        Scenario {
            also: &[Fault::Membership],
            ..scenario(Fault::Hostile, Rule::AnswerMembersAlone, leak)
        },
        // A removed school dates an entry back, and it counts on whoever heard of it first.
        scenario(Fault::Backdating, Rule::ListedStands, unequal),
        // Schools use the same record id, and one takes the place of the other.
        scenario(Fault::Collisions, Rule::RecordsOfSchools, unequal_or_lost),
        // An edit that races the withdrawal brings the content back.
        scenario(Fault::Races, Rule::WithdrawalBeatsAll, unequal_or_lost),
        // Two nodes of a school edit at one moment, and the order of arrival decides.
        scenario(Fault::Races, Rule::HashBreaksTies, unequal_or_lost),
    ]
}

#[test]
fn a_seed_replays_exactly() {
    let options = Options::default();
    for seed in 0..6 {
        assert_eq!(run(seed, &options), run(seed, &options));
    }
    assert_ne!(run(1, &options), run(2, &options));
}

#[test]
fn every_fault_and_every_rule_has_a_scenario() {
    let scenarios = scenarios();
    for fault in Fault::ALL {
        assert!(scenarios.iter().any(|one| one.fault == fault), "{fault:?}");
    }
    for rule in Rule::ALL {
        assert!(scenarios.iter().any(|one| one.rule == rule), "{rule:?}");
    }
}

#[test]
fn every_fault_finds_the_rule_missing_that_it_guards() {
    for Scenario { fault, also, days, rule, finds } in scenarios() {
        let kept = Options { days, ..Options::with(fault, also) };
        let broken = Options { without: Some(rule), ..kept.clone() };
        let found = (0..SEEDS).find_map(|seed| Some((seed, run(seed, &broken).err()?)));
        let Some((seed, violation)) = found else { panic!("{fault:?} does not miss {rule:?}") };
        println!("{fault:?} without {rule:?}, seed {seed}: {violation}");
        assert!(finds(&violation), "{fault:?} without {rule:?}, seed {seed}: {violation}");
        assert!(run(seed, &kept).is_ok(), "{fault:?} with {rule:?}, seed {seed}");
    }
}
