//! Judges a group's statements by what is before what.
//!
//! Everything rests on "before" meaning *an ancestor of*. An admin acts under the statement that
//! named it. Whatever ends that naming (a removal, a dismissal, the admin's own leaving) voids all
//! that the admin did and that is not before it; so it does not help to date an act back. Only the
//! root, and admins named before, can end a naming, so the judgement of each rests on those judged
//! before it and comes to an end.

use std::collections::{BTreeMap, BTreeSet};

mod capacities;
mod exits;

use super::{Member, Merger, Roster};
use crate::group::epoch::{self, Epoch, Slot};
use crate::group::statement::{Act, Founding, Root, Statement};
use crate::group::{Capacity, Role};
use crate::hash::{Hash, SchoolId};
use crate::identity::PublicKey;
use exits::Exit;

/// How many epochs are weighed: those made latest, by what they follow. Weighing one takes as long
/// as working out a roster, and an admin could make many.
const MAX_EPOCHS_WEIGHED: usize = 16;

/// The statements before or after one of them.
#[derive(Debug, Clone)]
struct Marks(Vec<bool>);

impl Marks {
    fn has(&self, place: usize) -> bool {
        self.0.get(place).copied().unwrap_or(false)
    }
}

/// A term of the root.
struct Reign {
    root: Root,
    from: Option<Marks>,
    until: Option<Marks>,
}

/// What makes a school an admin: its founding of the group, or the root's naming.
struct Naming {
    school: SchoolId,
    place: usize,
    after: Marks,
    /// The exits that end it.
    ended_by: Vec<usize>,
}

/// The revocation of a node.
struct NodeEnd {
    place: usize,
    node: PublicKey,
    before: Marks,
}

/// The roster that follows from statements, each of which is after those before it in `order`.
pub(super) fn roster(order: &[&Statement]) -> Roster {
    let Some(judge) = Judge::new(order) else { return Roster::default() };
    let mut roster = judge.roster();
    roster.epoch = judge.epoch(&roster);
    judge.add_capacities(&mut roster);
    roster
}

struct Judge<'a> {
    order: &'a [&'a Statement],
    founding: &'a Founding,
    parents: Vec<Vec<usize>>,
    reigns: Vec<Reign>,
    node_ends: Vec<NodeEnd>,
    exits: Vec<Exit>,
    namings: Vec<Naming>,
}

impl<'a> Judge<'a> {
    fn new(order: &'a [&'a Statement]) -> Option<Self> {
        let Some(Act::Found(founding)) = order.first().map(|first| first.act()) else {
            return None;
        };
        let places: BTreeMap<Hash, usize> = order.iter().map(|one| one.hash()).zip(0..).collect();
        let parents = order
            .iter()
            .map(|one| one.parents().iter().filter_map(|hash| places.get(hash)).copied().collect())
            .collect();
        let mut judge = Self {
            order,
            founding,
            parents,
            reigns: Vec::new(),
            node_ends: Vec::new(),
            exits: Vec::new(),
            namings: Vec::new(),
        };
        judge.find_reigns();
        judge.find_node_ends();
        judge.find_exits();
        judge.find_namings();
        Some(judge)
    }

    fn before(&self, place: usize) -> Marks {
        let mut marks = vec![false; place];
        for parent in self.parents.get(place).into_iter().flatten() {
            if let Some(mark) = marks.get_mut(*parent) {
                *mark = true;
            }
        }
        for earlier in (0..place).rev() {
            if marks[earlier] {
                for parent in &self.parents[earlier] {
                    marks[*parent] = true;
                }
            }
        }
        Marks(marks)
    }

    fn after(&self, place: usize) -> Marks {
        let mut marks = vec![false; self.order.len()];
        for later in place + 1..self.order.len() {
            marks[later] =
                self.parents[later].iter().any(|parent| *parent == place || marks[*parent]);
        }
        Marks(marks)
    }

    /// Where several successions of one root were signed apart from each other, the one with more
    /// of the root's signatures holds, then the lower hash. Keyholders that were put out of a root
    /// of several cannot reach the number alone; against the only key of a root there is no help.
    fn find_reigns(&mut self) {
        let mut root = self.founding.root.clone();
        let mut from: Option<Marks> = None;
        loop {
            let signed: Vec<(usize, usize, Hash, &Root)> = self
                .order
                .iter()
                .enumerate()
                .filter_map(|(place, one)| {
                    let Act::Succeed { root: next } = one.act() else { return None };
                    Some((root.count(one.endorsed_by()), place, one.hash(), next))
                })
                .filter(|(count, place, ..)| {
                    *count >= usize::from(root.threshold)
                        && from.as_ref().is_none_or(|from| from.has(*place))
                })
                .collect();
            // Keys of a former root say nothing after it.
            let next = signed
                .iter()
                .filter(|(_, place, ..)| {
                    let before = self.before(*place);
                    !signed.iter().any(|(_, earlier, ..)| before.has(*earlier))
                })
                .min_by_key(|(count, _, hash, _)| (std::cmp::Reverse(*count), *hash));
            let Some((_, place, _, next)) = next else {
                self.reigns.push(Reign { root, from, until: None });
                return;
            };
            let next = (*next).clone();
            let until = Some(self.before(*place));
            self.reigns.push(Reign { root, from, until });
            from = Some(self.after(*place));
            root = next;
        }
    }

    /// Whether the root in force when the statement was made signed it.
    fn is_roots(&self, place: usize) -> bool {
        let signers = self.order[place].endorsed_by();
        self.reigns.iter().any(|reign| {
            reign.root.count(signers) >= usize::from(reign.root.threshold)
                && reign.from.as_ref().is_none_or(|from| from.has(place))
                && reign.until.as_ref().is_none_or(|until| until.has(place))
        })
    }

    fn find_node_ends(&mut self) {
        for (place, one) in self.order.iter().enumerate() {
            // A thief could carry the school's word with other predecessors.
            if let Some(node) = one.revoked_node()
                && one.author_certificate().node() != node
            {
                self.node_ends.push(NodeEnd { place, node, before: self.before(place) });
            }
        }
    }

    /// Whether the node that signed a statement had been revoked, as far as its author could know.
    fn by_revoked_node(&self, place: usize) -> bool {
        let node = self.order[place].author_certificate().node();
        self.node_ends.iter().any(|end| end.node == node && !end.before.has(place))
    }

    fn find_namings(&mut self) {
        for place in 0..self.order.len() {
            let school = if let Act::Name { school } = self.order[place].act()
                && self.is_roots(place)
            {
                *school
            } else if let Act::Found(_) = self.order[place].act() {
                self.order[place].author()
            } else {
                continue;
            };
            // The order has every naming after those it rests on, so they are judged already.
            let ended_by = self
                .exits
                .iter()
                .enumerate()
                .filter(|(_, exit)| exit.school == school && !exit.after.has(place))
                .filter(|(_, exit)| {
                    self.is_own(exit)
                        || self.is_called_for(exit, |ground| {
                            self.namings.iter().any(|senior| {
                                self.acts_under(ground, senior) && senior.after.has(place)
                            })
                        })
                })
                .map(|(number, _)| number)
                .collect();
            let after = self.after(place);
            self.namings.push(Naming { school, place, after, ended_by });
        }
    }

    /// Whether a statement counts as an admin's act under this naming.
    fn acts_under(&self, place: usize, naming: &Naming) -> bool {
        self.order[place].author() == naming.school
            && (naming.after.has(place) || naming.place == place)
            && naming.ended_by.iter().all(|exit| self.exits[*exit].before.has(place))
            && !self.by_revoked_node(place)
    }

    fn is_admins(&self, place: usize) -> bool {
        self.namings.iter().any(|naming| self.acts_under(place, naming))
    }

    fn roster(&self) -> Roster {
        let mut roster = Roster {
            founding: Some(self.founding.clone()),
            root: self.reigns.last().map(|reign| reign.root.clone()),
            ..Roster::default()
        };
        roster.merger = self.merger();
        let admissions = self.admissions(&mut roster);
        self.add_nodes(&mut roster);
        for naming in self.namings.iter().filter(|naming| naming.ended_by.is_empty()) {
            if let Some(member) = roster.members.get_mut(&naming.school) {
                member.role = Role::Admin;
            }
        }
        let departures: Vec<&Exit> = self.exits.iter().filter(|exit| self.departs(exit)).collect();
        for (school, places) in admissions {
            let own: Vec<&Exit> =
                departures.iter().copied().filter(|exit| exit.school == school).collect();
            let admitted_since = |exit: &Exit| places.iter().any(|place| exit.after.has(*place));
            let stays = places.iter().any(|place| own.iter().all(|exit| exit.after.has(*place)));
            if stays {
                continue;
            }
            let in_force = own.into_iter().filter(|exit| !admitted_since(exit));
            if let Some(member) = roster.members.get_mut(&school) {
                member.departed = self.departure(school, in_force.collect());
            }
        }
        roster.bindings = self.bindings(&roster);
        roster
    }

    /// Where the group went; of several mergers, the first.
    fn merger(&self) -> Option<Merger> {
        self.order.iter().enumerate().find_map(|(place, one)| {
            let Act::Merge { into, name } = one.act() else { return None };
            let (by, when) = (one.author(), one.clock());
            self.is_admins(place).then(|| Merger { into: *into, name: name.clone(), by, when })
        })
    }

    /// Adds the schools that were let in, and says where.
    fn admissions(&self, roster: &mut Roster) -> BTreeMap<SchoolId, Vec<usize>> {
        let mut places: BTreeMap<SchoolId, Vec<usize>> = BTreeMap::new();
        for (place, one) in self.order.iter().enumerate() {
            let (school, node, claims, role) = if let Act::Found(founding) = one.act() {
                let node = one.author_certificate().node();
                (one.author(), node, &founding.claims, Role::Member)
            } else if let (Act::Admit(admission), Some(certificate)) =
                (one.act(), one.carried_certificate())
                && (self.is_admins(place) || self.is_roots(place))
            {
                let school = certificate.school();
                let invite = (one.author(), admission.invite);
                if *roster.used_invites.entry(invite).or_insert(school) != school {
                    continue;
                }
                (school, certificate.node(), &admission.claims, admission.role)
            } else {
                continue;
            };
            // Whoever is admin is so by naming alone.
            let role = if role == Role::Reader { Role::Reader } else { Role::Member };
            let member = roster.members.entry(school).or_insert_with(|| Member {
                claims: claims.clone(),
                role,
                nodes: BTreeSet::new(),
                capacity: Capacity::default(),
                since: one.clock(),
                departed: None,
            });
            member.claims = claims.clone();
            member.role = role;
            member.nodes.insert(node);
            places.entry(school).or_default().push(place);
        }
        places
    }

    fn add_nodes(&self, roster: &mut Roster) {
        for (place, one) in self.order.iter().enumerate() {
            if let (Act::Certify { .. }, Some(certificate)) = (one.act(), one.carried_certificate())
                && !self.by_revoked_node(place)
                && let Some(member) = roster.members.get_mut(&certificate.school())
            {
                member.nodes.insert(certificate.node());
            }
        }
        for end in &self.node_ends {
            let school = self.order[end.place].author();
            let Some(member) = roster.members.get_mut(&school) else { continue };
            member.nodes.remove(&end.node);
            let (_, list) =
                roster.revoked.entry(end.node).or_insert_with(|| (school, BTreeSet::new()));
            if let Act::Revoke { standing, .. } = self.order[end.place].act()
                && !self.by_revoked_node(end.place)
            {
                list.extend(standing);
            }
        }
    }

    /// The epoch in use: of the latest ones, by what they follow, those that hand nothing to anybody
    /// but members.
    fn epoch(&self, roster: &Roster) -> Option<Epoch> {
        let members = roster.nodes();
        let mut usable: Vec<(Marks, Epoch)> = Vec::new();
        let made = (0..self.order.len()).rev().filter(|place| {
            matches!(self.order[*place].act(), Act::Epoch { .. }) && self.is_admins(*place)
        });
        for place in made.take(MAX_EPOCHS_WEIGHED) {
            if usable.iter().any(|(before, _)| before.has(place)) {
                continue;
            }
            let before = self.before(place);
            if self.follows_ends(&before, roster)
                && let Some(epoch) = self.recipients(place, &before)
                && epoch.recipients.keys().all(|node| members.contains(node))
            {
                usable.push((before, epoch));
            }
        }
        usable.into_iter().map(|(_, epoch)| epoch).min_by_key(|epoch| epoch.statement)
    }

    /// Whether what comes after these statements knows of every removal in force and every node that
    /// was revoked. Whoever can use an epoch then knows it too: it passes nothing on to the removed,
    /// and has not handed them the key.
    fn follows_ends(&self, before: &Marks, roster: &Roster) -> bool {
        let places: BTreeMap<Hash, usize> =
            self.order.iter().map(|one| one.hash()).zip(0..).collect();
        let known = |hash: &Hash| places.get(hash).is_some_and(|place| before.has(*place));
        let departures = roster.members.values().filter_map(|member| member.departed.as_ref());
        let mut removals = departures.filter(|departure| departure.removed_by.is_some());
        removals.all(|departure| departure.statements.iter().all(known))
            && roster.revoked.keys().all(|node| {
                self.node_ends.iter().any(|end| end.node == *node && before.has(end.place))
            })
    }

    /// To whom an epoch's key was sealed: to the nodes on the roster as its author knew it, and to
    /// those it was extended to.
    fn recipients(&self, place: usize, before: &Marks) -> Option<Epoch> {
        let Act::Epoch { key, sealed, chunks } = self.order[place].act() else { return None };
        let known: Vec<&Statement> = self
            .order
            .iter()
            .enumerate()
            .filter(|(earlier, _)| before.has(*earlier))
            .map(|(_, one)| *one)
            .collect();
        let nodes = Judge::new(&known)?.roster().nodes();
        let slots = epoch::slots(nodes.len(), sealed, chunks)?;
        let mut recipients: BTreeMap<PublicKey, Slot> = nodes.into_iter().zip(slots).collect();
        let statement = self.order[place].hash();
        for (later, one) in self.order.iter().enumerate().skip(place) {
            if let Act::Extend { epoch, node, sealed } = one.act()
                && *epoch == statement
                && (self.is_admins(later) || self.speaks_for(later, node))
            {
                recipients.entry(*node).or_insert(Slot::Stated(*sealed));
            }
        }
        Some(Epoch { statement, key: *key, recipients })
    }

    /// Whether a statement is of the school that certified a node.
    fn speaks_for(&self, place: usize, node: &PublicKey) -> bool {
        !self.by_revoked_node(place)
            && self.order.iter().any(|one| {
                matches!(one.act(), Act::Certify { .. })
                    && one.author() == self.order[place].author()
                    && one.carried_certificate().is_some_and(|other| other.node() == *node)
            })
    }
}
