//! What ends a naming or a membership: removals, dismissals, leavings, and inheritances.

use std::collections::{BTreeMap, BTreeSet};

use super::{Judge, Marks};
use crate::clock::Timestamp;
use crate::group::roster::{Binding, Departure, Roster};
use crate::group::statement::Act;
use crate::hash::{RecordId, SchoolId};
use crate::limits::BINDING_WAIT_MILLIS;

/// How many admins must bind a school's next key to it, where the root does not.
const BINDING_ADMINS: usize = 2;

/// A statement that may end a naming or a membership.
pub(super) struct Exit {
    pub(super) place: usize,
    pub(super) school: SchoolId,
    sort: ExitSort,
    /// The statements that must be an admin's or the root's for it to count: itself, or the bindings
    /// that an inheritance rests on.
    grounds: Vec<usize>,
    pub(super) before: Marks,
    pub(super) after: Marks,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ExitSort {
    Removal,
    Leaving,
    Dismissal,
    Inheritance,
}

impl Judge<'_> {
    pub(super) fn find_exits(&mut self) {
        let objections = self.objections();
        for (place, one) in self.order.iter().enumerate() {
            let (school, sort) = if let Act::Remove { school, .. } = one.act() {
                (*school, ExitSort::Removal)
            } else if let Act::Dismiss { school } = one.act() {
                (*school, ExitSort::Dismissal)
            } else if let Act::Leave { .. } = one.act() {
                (one.author(), ExitSort::Leaving)
            } else if let Act::Inherit { school, .. } = one.act() {
                (*school, ExitSort::Inheritance)
            } else {
                continue;
            };
            let (before, after) = (self.before(place), self.after(place));
            let grounds = match sort {
                ExitSort::Leaving => Vec::new(),
                ExitSort::Removal | ExitSort::Dismissal => vec![place],
                ExitSort::Inheritance if objections.contains(&(school, one.author())) => Vec::new(),
                ExitSort::Inheritance => self
                    .bindings_of(school, one.author())
                    .filter(|ground| before.has(*ground) && self.effective(*ground) <= one.clock())
                    .collect(),
            };
            self.exits.push(Exit { place, school, sort, grounds, before, after });
        }
    }

    /// The schools that objected to a next key, with those keys' schools.
    fn objections(&self) -> BTreeSet<(SchoolId, SchoolId)> {
        self.order.iter().filter_map(|one| one.objection()).collect()
    }

    fn bindings_of(&self, school: SchoolId, next: SchoolId) -> impl Iterator<Item = usize> + '_ {
        let binds = Act::Bind { school, next };
        let places = self.order.iter().enumerate();
        places.filter(move |(_, one)| *one.act() == binds).map(|(place, _)| place)
    }

    /// When a binding has stood for as long as its school's old key may object.
    fn effective(&self, place: usize) -> Timestamp {
        let millis = self.order[place].clock().millis();
        Timestamp::from_millis(millis.saturating_add(BINDING_WAIT_MILLIS))
    }

    /// Whether a school ends its own membership, or its own naming.
    pub(super) fn is_own(&self, exit: &Exit) -> bool {
        self.order[exit.place].author() == exit.school && !self.by_revoked_node(exit.place)
    }

    /// Whether the root, or enough admins for whom `entitled` holds, are behind an exit.
    pub(super) fn is_called_for(&self, exit: &Exit, entitled: impl Fn(usize) -> bool) -> bool {
        if exit.sort == ExitSort::Inheritance && self.by_revoked_node(exit.place) {
            return false;
        }
        let needed = if exit.sort == ExitSort::Inheritance { BINDING_ADMINS } else { 1 };
        let counting = exit.grounds.iter().filter(|ground| entitled(**ground));
        let admins: BTreeSet<SchoolId> =
            counting.map(|ground| self.order[*ground].author()).collect();
        admins.len() >= needed || exit.grounds.iter().any(|ground| self.is_roots(*ground))
    }

    /// Whether an act counts that puts a school out: an admin's, who cannot put out another admin
    /// that was not named after it.
    fn may_put_out(&self, ground: usize, school: SchoolId, after: &Marks) -> bool {
        self.namings.iter().any(|naming| {
            self.acts_under(ground, naming)
                && self.namings.iter().all(|other| {
                    other.school != school
                        || !other.ended_by.is_empty()
                        || after.has(other.place)
                        || naming.after.has(other.place)
                })
        })
    }

    /// Whether a departure ends its school's membership.
    pub(super) fn departs(&self, exit: &Exit) -> bool {
        match exit.sort {
            ExitSort::Dismissal => false,
            ExitSort::Leaving => self.is_own(exit),
            ExitSort::Removal | ExitSort::Inheritance => self
                .is_called_for(exit, |ground| self.may_put_out(ground, exit.school, &exit.after)),
        }
    }

    /// What departures in force say together: removals before leavings, and those before an
    /// inheritance, since a school that was removed does not say itself what stands. Of several
    /// schools that inherit, the first does.
    pub(super) fn departure(&self, school: SchoolId, in_force: Vec<&Exit>) -> Option<Departure> {
        let has = |sort: ExitSort| in_force.iter().any(|exit| exit.sort == sort);
        let first = in_force.iter().find(|exit| exit.sort == ExitSort::Inheritance);
        let next = first.map(|exit| self.order[exit.place].author());
        let sorts = [ExitSort::Removal, ExitSort::Leaving, ExitSort::Inheritance];
        let wanted = sorts.into_iter().find(|sort| has(*sort))?;
        let mut departure: Option<Departure> = None;
        for exit in in_force.iter().filter(|exit| exit.sort == wanted) {
            let one = self.order[exit.place];
            if wanted == ExitSort::Inheritance && Some(one.author()) != next {
                continue;
            }
            let departure = departure.get_or_insert_with(|| Departure {
                when: one.clock(),
                removed_by: (wanted == ExitSort::Removal).then(|| one.author()),
                why: None,
                next,
                statements: BTreeSet::new(),
                standing: BTreeSet::new(),
                withdrawn: self.withdrawn(school),
            });
            departure.statements.insert(one.hash());
            if let Act::Leave { why, .. } = one.act() {
                departure.why = departure.why.or(*why);
            }
            if let Act::Remove { standing, .. }
            | Act::Leave { standing, .. }
            | Act::Inherit { standing, .. } = one.act()
            {
                departure.standing.extend(standing);
            }
        }
        departure
    }

    /// The records of a school that admins withdrew.
    fn withdrawn(&self, of: SchoolId) -> BTreeSet<RecordId> {
        let mut withdrawn = BTreeSet::new();
        for (place, one) in self.order.iter().enumerate() {
            if let Act::Withdraw { school, records } = one.act()
                && *school == of
                && (self.is_admins(place) || self.is_roots(place))
            {
                withdrawn.extend(records);
            }
        }
        withdrawn
    }

    /// The bindings that count and that no school has acted on.
    pub(super) fn bindings(&self, roster: &Roster) -> BTreeMap<(SchoolId, SchoolId), Binding> {
        let objections = self.objections();
        let mut bindings: BTreeMap<(SchoolId, SchoolId), Binding> = BTreeMap::new();
        for (place, one) in self.order.iter().enumerate() {
            let Act::Bind { school, next } = one.act() else { continue };
            let inherited = roster.next_of(school).is_some();
            let by_root = self.is_roots(place);
            if inherited || !(by_root || self.may_put_out(place, *school, &self.after(place))) {
                continue;
            }
            let binding = bindings.entry((*school, *next)).or_insert_with(|| Binding {
                by: BTreeMap::new(),
                by_root: None,
                objected: objections.contains(&(*school, *next)),
            });
            let effective = self.effective(place);
            let earliest = |known: Timestamp| known.min(effective);
            if by_root {
                binding.by_root = Some(binding.by_root.map_or(effective, earliest));
            } else {
                let of_author = binding.by.entry(one.author()).or_insert(effective);
                *of_author = earliest(*of_author);
            }
        }
        bindings
    }
}

impl Binding {
    /// From when on the next key may go on for the school; none where it lacks the word of the root
    /// or of a second admin, or the old key objected.
    pub fn effective(&self) -> Option<Timestamp> {
        if self.objected {
            return None;
        }
        let mut by_admins: Vec<Timestamp> = self.by.values().copied().collect();
        by_admins.sort_unstable();
        let by_admins = by_admins.get(BINDING_ADMINS - 1).copied();
        by_admins.into_iter().chain(self.by_root).min()
    }
}
