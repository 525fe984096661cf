//! Which members keep a file: weighted rendezvous hashing over the roster.
//!
//! Every member draws a number for every file, and those with the highest keep it (D. G. Thaler and
//! C. V. Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM Transactions on
//! Networking 6(1), 1998). Whoever leaves hands on its own files alone, and whoever joins takes its
//! share from all.
//!
//! A member of weight *w* draws *w* times, and its highest draw counts. The highest of *w* uniform
//! draws is distributed as *u*^(1/*w*), so the order is that of the logarithmic method,
//! −*w* / ln *u*, and a member comes first in exactly its weight's share of all files; yet it is
//! whole numbers alone, which are the same on every machine, as the last bit of a logarithm is not.
//! A member that takes a greater weight keeps the draws it had, and so loses no file by it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::group::Capacity;
use crate::group::roster::Roster;
use crate::hash::{Hash, SchoolId};
use crate::identity::PublicKey;

/// What the numbers of schools and of files are derived for. Another string is another order, in
/// which nearly every file moves.
const SCHOOL_CONTEXT: &str = "staffroom 2026-03 keeping: a school's draws";
const FILE_CONTEXT: &str = "staffroom 2026-03 keeping: a file";

/// A member as far as it keeps files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seat {
    /// The school.
    pub school: SchoolId,
    /// How much it keeps.
    pub capacity: Capacity,
    /// Its nodes.
    pub nodes: Vec<PublicKey>,
}

/// The members of a group, ready to say which of them keep a file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placement {
    /// By school, those of no capacity included.
    seats: Vec<Seat>,
    /// A seed for each draw, with the place of its seat; those of a seat are neighbours.
    draws: Vec<(u64, u32)>,
}

impl Placement {
    /// The members on a roster.
    pub fn new(roster: &Roster) -> Self {
        Self::of(roster.current().map(|(school, member)| Seat {
            school,
            capacity: member.capacity,
            nodes: member.nodes.iter().copied().collect(),
        }))
    }

    /// These members; of two seats of one school the last counts.
    pub fn of(seats: impl IntoIterator<Item = Seat>) -> Self {
        let seats: BTreeMap<SchoolId, Seat> =
            seats.into_iter().map(|seat| (seat.school, seat)).collect();
        let seats: Vec<Seat> = seats.into_values().collect();
        let mut draws = Vec::new();
        for (place, seat) in (0..).zip(&seats) {
            let seed = seed_of(SCHOOL_CONTEXT, seat.school.as_bytes());
            let numbers = 0..u64::from(seat.capacity.weight());
            draws.extend(numbers.map(|number| (mix(seed.wrapping_add(number)), place)));
        }
        Self { seats, draws }
    }

    /// The members, by school.
    pub fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// A member.
    pub fn seat(&self, school: &SchoolId) -> Option<&Seat> {
        let place = self.seats.binary_search_by_key(school, |seat| seat.school).ok()?;
        self.seats.get(place)
    }

    /// The first `most` members for a file, in order; its author is none of them.
    pub fn ranked(&self, file: &Hash, author: &SchoolId, most: usize) -> Vec<SchoolId> {
        let mut first: BTreeSet<(Reverse<u64>, SchoolId)> = BTreeSet::new();
        let mut least = 0;
        for (drawn, seat) in self.drawn(file) {
            // Nearly always so: most members are passed over by one comparison.
            if first.len() >= most && drawn < least {
                continue;
            }
            let Some(seat) = self.seats.get(seat).filter(|seat| seat.school != *author) else {
                continue;
            };
            first.insert((Reverse(drawn), seat.school));
            if first.len() > most {
                first.pop_last();
            }
            least = first.last().map_or(0, |(Reverse(drawn), _)| *drawn);
        }
        first.into_iter().map(|(_, school)| school).collect()
    }

    /// Whether a member is among the first `most` for a file. In a large group this is far cheaper
    /// than [`ranked`](Self::ranked): it ends as soon as so many come before the member.
    pub fn is_among(&self, school: &SchoolId, file: &Hash, author: &SchoolId, most: usize) -> bool {
        if school == author {
            return false;
        }
        let own = |(_, place): &(u64, usize)| self.seats[*place].school == *school;
        let Ok(place) = self.seats.binary_search_by_key(school, |seat| seat.school) else {
            return false;
        };
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let first = self.draws.partition_point(|(_, seat)| *seat < place);
        let after = self.draws.partition_point(|(_, seat)| *seat <= place);
        let seed = seed_of(FILE_CONTEXT, file.as_bytes());
        let draws = self.draws[first..after].iter();
        let Some(best) = draws.map(|(draw, _)| mix(seed ^ draw)).max() else { return false };
        let better = self.drawn(file).filter(|one| {
            let other = &self.seats[one.1].school;
            (one.0 > best || (one.0 == best && other < school)) && !own(one) && other != author
        });
        better.take(most).count() < most
    }

    /// The highest draw of each member for a file.
    fn drawn(&self, file: &Hash) -> impl Iterator<Item = (u64, usize)> + '_ {
        let seed = seed_of(FILE_CONTEXT, file.as_bytes());
        self.draws.chunk_by(|one, other| one.1 == other.1).filter_map(move |draws| {
            let drawn = draws.iter().map(|(draw, _)| mix(seed ^ draw)).max()?;
            Some((drawn, usize::try_from(draws.first()?.1).ok()?))
        })
    }
}

fn seed_of(context: &str, bytes: &[u8; 32]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = blake3::derive_key(context, bytes);
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The finaliser of SplitMix64 (G. L. Steele, D. Lea and C. H. Flood, "Fast splittable pseudorandom
/// number generators", OOPSLA 2014): one bit more or less in changes half of those that come out.
pub(super) fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seats(capacities: &[Capacity]) -> Vec<Seat> {
        let seat = |(number, capacity): (u32, &Capacity)| Seat {
            school: SchoolId::from_bytes(*blake3::hash(&number.to_le_bytes()).as_bytes()),
            capacity: *capacity,
            nodes: Vec::new(),
        };
        (0..).zip(capacities).map(seat).collect()
    }

    fn file(number: u32) -> Hash {
        Hash::of(&number.to_be_bytes())
    }

    const NOBODY: SchoolId = SchoolId::from_bytes([0; 32]);

    /// Fixed for ever: nodes of different versions and machines must agree on who keeps what.
    #[test]
    fn the_order_is_the_same_everywhere() {
        let capacities = [Capacity::Small, Capacity::Normal, Capacity::Large, Capacity::None];
        let placement = Placement::of(seats(&capacities.repeat(5)));
        let names = |number| {
            let ranked = placement.ranked(&file(number), &NOBODY, 5);
            ranked.iter().map(SchoolId::short).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(names(1), "dc3f0621 c610e852 f57b151e 76e6e4fe 99e20ebb");
        assert_eq!(names(2), "f03bf86f 669c1355 35bfe7dc cabb163e 76e6e4fe");
        assert_eq!(names(3), "f57b151e 4e012345 edaf1bd3 dc3f0621 99e20ebb");
        assert_eq!(mix(1), 0x910a_2dec_8902_5cc1);
    }

    #[test]
    fn members_keep_their_weights_share() {
        let capacities =
            [Capacity::Small, Capacity::Normal, Capacity::Normal, Capacity::Large, Capacity::None];
        let placement = Placement::of(seats(&capacities));
        let mut firsts: BTreeMap<SchoolId, u32> = BTreeMap::new();
        for number in 0..90_000 {
            let first = placement.ranked(&file(number), &NOBODY, 1);
            *firsts.entry(first[0]).or_default() += 1;
        }
        for seat in seats(&capacities) {
            let (share, found) = (10_000 * seat.capacity.weight(), firsts.get(&seat.school));
            let found = found.copied().unwrap_or(0);
            // Four standard deviations of a count of 10,000 to 40,000 in 90,000.
            assert!(found.abs_diff(share) <= 600 && (share > 0 || found == 0), "{share} {found}");
        }
    }

    #[test]
    fn a_leaver_hands_on_its_own_files_alone_and_a_greater_weight_loses_none() {
        let all = seats(&[Capacity::Normal; 30]);
        let placement = Placement::of(all.clone());
        let without = Placement::of(all[1..].to_vec());
        let mut greater = all.clone();
        greater[0].capacity = Capacity::Large;
        let greater = Placement::of(greater);
        for number in 0..2_000 {
            let ranked = placement.ranked(&file(number), &NOBODY, 4);
            let mut left: Vec<SchoolId> = ranked.clone();
            left.retain(|school| *school != all[0].school);
            assert_eq!(without.ranked(&file(number), &NOBODY, left.len()), left);
            if ranked.contains(&all[0].school) {
                assert!(greater.is_among(&all[0].school, &file(number), &NOBODY, 4));
            }
        }
    }

    #[test]
    fn who_is_among_the_first_is_told_as_by_ranking_all() {
        let capacities = [Capacity::Small, Capacity::Large, Capacity::None, Capacity::Normal];
        let all = seats(&capacities.repeat(10));
        let placement = Placement::of(all.clone());
        for number in 0..300 {
            let author = all[usize::try_from(number).unwrap() % 40].school;
            let ranked = placement.ranked(&file(number), &author, 12);
            assert!(ranked.len() == 12 && !ranked.contains(&author));
            for seat in &all {
                let among = placement.is_among(&seat.school, &file(number), &author, 12);
                assert_eq!(among, ranked.contains(&seat.school));
            }
        }
    }

    #[test]
    fn a_small_group_keeps_everything_everywhere() {
        let all = seats(&[Capacity::Normal, Capacity::None, Capacity::Small]);
        let placement = Placement::of(all.clone());
        let ranked: BTreeSet<SchoolId> =
            placement.ranked(&file(1), &NOBODY, 12).into_iter().collect();
        assert_eq!(ranked, BTreeSet::from([all[0].school, all[2].school]));
        assert!(Placement::default().ranked(&file(1), &NOBODY, 12).is_empty());
    }
}
