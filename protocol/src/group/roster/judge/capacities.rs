//! How much schools keep of what others share.

use std::collections::BTreeMap;

use super::{Judge, Marks};
use crate::group::Capacity;
use crate::group::roster::Roster;
use crate::group::statement::Act;
use crate::hash::SchoolId;

/// How many of a school's words are weighed: the latest, by what they follow. Only where a school's
/// nodes spoke apart from each other more than one is in force, and a school has few nodes.
const MAX_WORDS_WEIGHED: usize = 8;

impl Judge<'_> {
    /// What each school said last. Of words that its nodes said apart from each other, the smallest
    /// capacity counts: nobody is to rely on more than a school means to keep.
    pub(super) fn add_capacities(&self, roster: &mut Roster) {
        let mut said: BTreeMap<SchoolId, Vec<(usize, Capacity)>> = BTreeMap::new();
        for (place, one) in self.order.iter().enumerate() {
            if let Act::Keep { capacity } = one.act()
                && !self.by_revoked_node(place)
            {
                said.entry(one.author()).or_default().push((place, *capacity));
            }
        }
        for (school, words) in said {
            let Some(member) = roster.members.get_mut(&school) else { continue };
            if let Some(capacity) = self.in_force(&words) {
                member.capacity = capacity;
            }
        }
    }

    fn in_force(&self, words: &[(usize, Capacity)]) -> Option<Capacity> {
        if let [(_, capacity)] = words {
            return Some(*capacity);
        }
        let (mut before, mut smallest): (Vec<Marks>, Option<Capacity>) = (Vec::new(), None);
        for (place, capacity) in words.iter().rev().take(MAX_WORDS_WEIGHED) {
            if !before.iter().any(|marks| marks.has(*place)) {
                smallest = Some(smallest.map_or(*capacity, |known| known.min(*capacity)));
                before.push(self.before(*place));
            }
        }
        smallest
    }
}
