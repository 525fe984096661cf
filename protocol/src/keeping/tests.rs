use std::collections::BTreeMap;
use std::sync::Arc;

use super::placement::{Placement, Seat};
use super::*;
use crate::group::Capacity;
use crate::identity::SecretKey;

const START: u64 = 1_800_000_000_000;

fn school(number: u8) -> SchoolId {
    SchoolId::from_bytes([number; 32])
}

fn placement(members: u8) -> SharedPlacement {
    Arc::new(Placement::of((1..=members).map(|number| Seat {
        school: school(number),
        capacity: Capacity::Normal,
        nodes: vec![SecretKey::from_seed(&[number; 32]).public()],
    })))
}

fn file(number: u8, size: u64) -> SharedFile {
    let hash = Hash::of(&[number]);
    SharedFile { hash, size, author: school(1), published: START }
}

fn quota(total: u64) -> Quota {
    Quota { total, per_school: u64::MAX, min_free: 0 }
}

/// A node of the member that a group of fourteen ranks at this place for a file.
fn ranked_at(rank: usize, shared: &SharedFile, quota: Quota) -> (Keeper, Vec<SchoolId>) {
    let placement = placement(14);
    let ranked = placement.ranked(&shared.hash, &shared.author, RANKED);
    let own = ranked.get(rank).copied().unwrap_or(school(1));
    let mut keeper = Keeper::new(own, [7; 32], quota, u64::MAX);
    keeper.handle_roster(placement, [shared], START);
    (keeper, ranked)
}

/// Lets hours pass; members answer challenges as `outcome` says. Returns all else that came out.
fn pass(
    keeper: &mut Keeper,
    now: &mut u64,
    hours: u64,
    outcome: impl Fn(&SchoolId) -> Outcome,
) -> Vec<Output> {
    let mut others = Vec::new();
    for _ in 0..hours * 6 {
        *now += 10 * MINUTE;
        keeper.handle_heard(&school(99), *now);
        while let Some(output) = keeper.poll(*now) {
            if let Output::Challenge { school, file, .. } = output {
                keeper.handle_challenged(&school, &file, outcome(&school), *now);
            } else {
                others.push(output);
            }
        }
    }
    others
}

fn passed(_: &SchoolId) -> Outcome {
    Outcome::Passed
}

#[test]
fn the_first_in_rank_fetch_at_once_and_never_drop() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut keeper, _) = ranked_at(2, &shared, quota(5_000));
    assert_eq!(keeper.poll(now), Some(Output::Fetch { file: shared.hash }));
    keeper.handle_held(&shared, Held::default(), now);
    keeper.handle_disk(0, quota(1), now);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 30, passed), []);
    assert_eq!(keeper.room(), Room { used: 1_000, kept: 1_000, over: 999, refused: 0 });
    let standing = keeper.standing(&shared.hash, now).unwrap();
    assert_eq!((standing.short, standing.only_here), (0, false));
    assert!(standing.holders.len() == 4, "itself, two others and the author");
}

#[test]
fn a_standby_steps_in_for_who_lacks_it_and_hands_back_a_week_after_that_is_mended() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut keeper, ranked) = ranked_at(3, &shared, quota(5_000));
    assert_eq!(pass(&mut keeper, &mut now, 24 * 10, passed), []);
    let lacks = |one: &SchoolId| if *one == ranked[1] { Outcome::Failed } else { Outcome::Passed };
    assert_eq!(pass(&mut keeper, &mut now, 36, lacks), [Output::Fetch { file: shared.hash }]);
    keeper.handle_held(&shared, Held::default(), now);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 10, lacks), []);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 6, passed), []);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 5, passed), [Output::Drop { file: shared.hash }]);
}

#[test]
fn who_is_off_for_a_weekend_is_waited_for_and_who_is_gone_is_replaced() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut keeper, ranked) = ranked_at(3, &shared, quota(5_000));
    let off =
        |one: &SchoolId| if *one == ranked[0] { Outcome::Unreachable } else { Outcome::Passed };
    assert_eq!(pass(&mut keeper, &mut now, 24 * 5, passed), []);
    assert_eq!(pass(&mut keeper, &mut now, 62, off), []);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 2, passed), []);
    assert_eq!(pass(&mut keeper, &mut now, 24 * 5, off), [Output::Fetch { file: shared.hash }]);
}

#[test]
fn what_a_restart_recalls_is_who_has_not_answered_for_how_long() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut before, ranked) = ranked_at(3, &shared, quota(5_000));
    let off =
        |one: &SchoolId| if *one == ranked[0] { Outcome::Unreachable } else { Outcome::Passed };
    assert_eq!(pass(&mut before, &mut now, 24 * 3, off), []);
    let (mut keeper, _) = ranked_at(3, &shared, quota(5_000));
    let mut seen: BTreeMap<SchoolId, Vec<_>> = BTreeMap::new();
    for (file, school, one) in before.seen() {
        seen.entry(school).or_default().push((file, one));
    }
    for (school, reach) in before.reaches() {
        keeper.recall(&school, reach, seen.get(&school).map_or(&[], Vec::as_slice));
    }
    assert_eq!(pass(&mut keeper, &mut now, 48, off), [Output::Fetch { file: shared.hash }]);
}

#[test]
fn a_server_that_is_on_for_an_hour_a_day_steps_in_as_well() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut keeper, ranked) = ranked_at(5, &shared, quota(5_000));
    let holds = [ranked[0], ranked[2]];
    let lacks =
        |one: &SchoolId| if holds.contains(one) { Outcome::Passed } else { Outcome::Failed };
    let mut fetched_on = None;
    for day in 0..14 {
        if !pass(&mut keeper, &mut now, 1, lacks).is_empty() {
            fetched_on = Some(day);
            break;
        }
        let (before, _) = (keeper, now += 23 * HOUR);
        (keeper, _) = ranked_at(5, &shared, quota(5_000));
        for school in &ranked {
            let of_school = before.seen().filter(|(_, one, _)| one == school);
            let seen: Vec<_> = of_school.map(|(file, _, seen)| (file, seen)).collect();
            let reach = before.reaches().find(|(one, _)| one == school);
            keeper.recall(school, reach.map_or_else(Reach::default, |(_, one)| one), &seen);
        }
        keeper.recall_counted(&before.counted().collect::<Vec<_>>());
    }
    // The first is seen to lack it after a day, and two standbys come before this one.
    assert!(matches!(fetched_on, Some(3..=5)), "{fetched_on:?}");
}

#[test]
fn what_was_opened_longest_ago_goes_first_and_only_once_three_others_prove_theirs() {
    let mut now = START;
    // School 1 is the author, so no member is ranked as it is; a school of no group holds copies.
    let mut keeper = Keeper::new(school(50), [7; 32], quota(2_500), u64::MAX);
    let shared = [file(1, 1_000), file(2, 1_000), file(3, 1_000), file(4, 1_000)];
    keeper.handle_roster(placement(14), &[], now);
    for (one, opened) in shared.iter().zip([START - 5, START - 9, START - 7, START - 20]) {
        let pinned = opened == START - 20;
        keeper.handle_held(one, Held { opened: Some(opened), pinned, ..Held::default() }, now);
    }
    assert_eq!(keeper.room().over, 1_500);
    let nobody = pass(&mut keeper, &mut now, 48, |_| Outcome::Failed);
    assert_eq!(nobody, []);
    assert_eq!(keeper.consequence(&shared[1].hash, now), Consequence::Last);
    keeper.handle_disk(u64::MAX, quota(2_500), now + 3 * DAY);
    let dropped = pass(&mut keeper, &mut now, 24 * 6, passed);
    keeper.handle_disk(u64::MAX, quota(2_500), now);
    let dropped: Vec<Output> =
        dropped.into_iter().chain(pass(&mut keeper, &mut now, 24 * 3, passed)).collect();
    let two = [1, 2].map(|place: usize| Output::Drop { file: shared[place].hash });
    assert!(dropped.len() == 2 && two.iter().all(|one| dropped.contains(one)), "{dropped:?}");
    assert_eq!(keeper.room().over, 0);
    assert!(matches!(keeper.consequence(&shared[0].hash, now), Consequence::Unproven(4..)));
}

#[test]
fn where_there_is_no_room_nothing_is_fetched_and_it_is_said() {
    let (shared, mut now) = (file(1, 1_000), START);
    let (mut keeper, _) = ranked_at(0, &shared, quota(500));
    assert_eq!(pass(&mut keeper, &mut now, 24, passed), []);
    assert!(keeper.room().refused == 1 && keeper.standing(&shared.hash, now).unwrap().refused);
    keeper.handle_disk(u64::MAX, quota(5_000), now);
    assert_eq!(pass(&mut keeper, &mut now, 24, passed), [Output::Fetch { file: shared.hash }]);
}
