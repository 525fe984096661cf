//! What was acknowledged, and what must hold of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::school::{NodeNo, SchoolNode};
use crate::entry::{Entry, EntryKey};
use crate::group::membership::Membership;
use crate::group::roster::Standing;
use crate::group::statement::Statement;
use crate::hash::{Hash, SchoolId};
use crate::sync::ContentSet;

/// How often it is worked out anew who is a member, before it is taken as it is.
const MOST_ROUNDS: usize = 10;

/// What must never happen, and did.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Members hold other statements or entries than they may hold, long after all was healed.
    #[error("node {node} holds {what} than it may hold, {seconds} s after all was healed")]
    Unequal {
        /// The node.
        node: usize,
        /// What it holds.
        what: &'static str,
        /// How long it had to settle.
        seconds: u64,
    },
    /// A publication that was acknowledged is gone.
    #[error("what node {node} published and acknowledged is gone: {hash}")]
    Lost {
        /// The node that acknowledged it.
        node: usize,
        /// The entry.
        hash: Hash,
    },
    /// A node held an entry that nobody signed.
    #[error("node {node} holds an entry that nobody signed: {hash}")]
    Forged {
        /// The node.
        node: usize,
        /// The entry.
        hash: Hash,
    },
    /// A node took in what is far in its future.
    #[error("node {node} took in an entry that is {minutes} minutes ahead of its clock")]
    Future {
        /// The node.
        node: usize,
        /// How far.
        minutes: u64,
    },
    /// A removed school could read what somebody who knew of its removal published.
    #[error("node {by} let node {to} read {hash}, whose author knew that its school was removed")]
    Leak {
        /// The node that told it.
        by: usize,
        /// The node that heard it.
        to: usize,
        /// The entry.
        hash: Hash,
    },
    /// Something was counted twice, or not at all.
    #[error("node {node} counts {counted} records of a school of which it holds {held}")]
    Miscounted {
        /// The node.
        node: usize,
        /// How many it counts.
        counted: usize,
        /// How many it holds.
        held: usize,
    },
    /// What a removed admin did after its removal counts.
    #[error("node {node} takes a school for a member that only a removed admin let in")]
    LetInByRemoved {
        /// The node.
        node: usize,
    },
    /// A new version lost against the one that it took the place of.
    #[error("node {node} published a version that loses against the one that it replaces")]
    EditLost {
        /// The node.
        node: usize,
    },
    /// A removed school that heard of it kept what others shared.
    #[error("node {node} heard of its removal and holds {entries} entries of others")]
    Kept {
        /// The node.
        node: usize,
        /// How many.
        entries: usize,
    },
}

/// What was known when an entry was published.
#[derive(Debug)]
pub(super) struct Published {
    pub(super) node: NodeNo,
    pub(super) entry: Arc<Entry>,
    /// The last statements that its author held.
    pub(super) heads: Vec<Hash>,
    /// The schools that its author knew to be removed.
    pub(super) removed: BTreeSet<SchoolId>,
    pub(super) acknowledged: bool,
    /// Who held it when its author's disk was lost, and has not lost it likewise since. Where none of
    /// them stays a member, it may be gone: they may not tell it any more.
    pub(super) copies: Option<BTreeSet<NodeNo>>,
}

/// Everything that was ever published.
#[derive(Debug, Default)]
pub(super) struct Log {
    pub(super) published: BTreeMap<Hash, Published>,
    /// Schools that an admin let in that had heard of its removals.
    pub(super) let_in_late: BTreeMap<SchoolId, (SchoolId, BTreeSet<Hash>)>,
}

impl Log {
    pub(super) fn publish(&mut self, node: NodeNo, entry: &Arc<Entry>, membership: &Membership) {
        let removed =
            membership.roster().members().iter().filter(|(_, one)| {
                one.departed.as_ref().is_some_and(|end| end.removed_by.is_some())
            });
        let published = Published {
            node,
            entry: Arc::clone(entry),
            heads: membership.heads(),
            removed: removed.map(|(school, _)| *school).collect(),
            acknowledged: false,
            copies: None,
        };
        self.published.insert(entry.hash(), published);
    }

    pub(super) fn acknowledge(&mut self, hash: &Hash) {
        if let Some(published) = self.published.get_mut(hash) {
            published.acknowledged = true;
        }
    }

    pub(super) fn acknowledged(&self) -> usize {
        self.published.values().filter(|one| one.acknowledged).count()
    }

    /// Whether telling a school of an entry breaks the promise: whoever tells it has not heard what
    /// the entry's author knew, which is that the school was removed.
    pub(super) fn leaks(&self, hash: &Hash, to: &SchoolId, teller: &Membership) -> bool {
        let removed = self.published.get(hash).is_some_and(|one| one.removed.contains(to));
        removed && !self.knows_as_much(hash, teller)
    }

    /// Whether somebody holds all statements that an entry's author held.
    pub(super) fn knows_as_much(&self, hash: &Hash, membership: &Membership) -> bool {
        let knows = |head: &Hash| membership.statements().contains_key(head);
        self.published.get(hash).is_none_or(|published| published.heads.iter().all(knows))
    }
}

/// What honest members hold together, and each is to hold.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) membership: Membership,
    pub(super) winners: BTreeMap<EntryKey, Arc<Entry>>,
    pub(super) set: ContentSet,
    pub(super) members: Vec<NodeNo>,
}

impl Expected {
    pub(super) fn of(nodes: &[SchoolNode], founding: &Membership) -> Self {
        // A removal may be held by no member: the server that made it was restored from a backup, or
        // removed itself before others heard. Whoever was shown it and cannot judge it abides by it, and
        // so does whoever took it in and is no member by it, together with other removals that do not
        // count without it. People have to let that school in again.
        let abides = |node: &SchoolNode| {
            let roster = node.disk.membership.roster();
            let departed =
                roster.members().get(&node.keys.id()).and_then(|one| one.departed.as_ref());
            let taken_in = departed.filter(|end| end.removed_by.is_some());
            let taken_in = taken_in.into_iter().flat_map(|end| &end.statements).copied();
            let shown = node.disk.removed.filter(|_| node.disk.is_removed());
            let removals: Vec<Hash> = taken_in.chain(shown).collect();
            let holds = |other: &SchoolNode| {
                let statements = other.disk.membership.statements();
                other.is_member() && removals.iter().all(|removal| statements.contains_key(removal))
            };
            !removals.is_empty() && !nodes.iter().any(holds)
        };
        let honest = || {
            let counts = |node: &SchoolNode| !node.hostile && node.up && !abides(node);
            let numbered = nodes.iter().enumerate();
            numbered.filter(move |(_, node)| counts(node)).map(|(number, _)| number)
        };
        let mut members: Vec<NodeNo> = honest().collect();
        // A statement counts where a member holds it, and members are whom the statements make so.
        let mut membership = founding.clone();
        for _ in 0..MOST_ROUNDS {
            membership = founding.clone();
            for number in &members {
                let held = nodes[*number].disk.membership.in_order();
                let missing = held.filter(|one| !membership.statements().contains_key(&one.hash()));
                let missing: Vec<Statement> = missing.cloned().collect();
                if !missing.is_empty() {
                    membership.extend(missing);
                }
            }
            let roster = membership.roster();
            let is_member =
                |number: &NodeNo| roster.school_of(&nodes[*number].keys.public()).is_some();
            let now: Vec<NodeNo> = honest().filter(is_member).collect();
            if now == std::mem::replace(&mut members, now.clone()) {
                break;
            }
        }
        let roster = membership.roster();
        let mut winners: BTreeMap<EntryKey, Arc<Entry>> = BTreeMap::new();
        for number in &members {
            for entry in nodes[*number].disk.entries.values() {
                if roster.standing(entry) != Standing::Honoured {
                    continue;
                }
                let held = winners.get(&entry.key());
                if held.is_none_or(|held| held.version() < entry.version()) {
                    winners.insert(entry.key(), Arc::clone(entry));
                }
            }
        }
        let set = ContentSet::new(winners.values().map(|entry| (entry.clock(), entry.hash())));
        Self { membership, winners, set, members }
    }

    /// The first member that holds something else.
    pub(super) fn unequal(&self, nodes: &[SchoolNode]) -> Option<(NodeNo, &'static str)> {
        let (digest, content) = (self.membership.digest(), self.set.digest());
        self.members.iter().find_map(|number| {
            let disk = &nodes[*number].disk;
            if disk.membership.digest() != digest {
                Some((*number, "other statements"))
            } else if disk.set.digest() != content
                || disk.set.ordered_hash() != self.set.ordered_hash()
            {
                Some((*number, "other entries"))
            } else {
                None
            }
        })
    }

    /// What must hold besides.
    pub(super) fn check(&self, nodes: &[SchoolNode], log: &Log) -> Result<(), Violation> {
        for (number, node) in nodes.iter().enumerate().filter(|(_, node)| !node.hostile) {
            let forged =
                node.disk.entries.values().find(|one| !log.published.contains_key(&one.hash()));
            if let Some(forged) = forged {
                return Err(Violation::Forged { node: number, hash: forged.hash() });
            }
            let mut held: BTreeMap<SchoolId, usize> = BTreeMap::new();
            for key in node.disk.entries.keys() {
                *held.entry(key.school).or_default() += 1;
            }
            for (school, counted) in &node.disk.counts {
                let held = held.get(school).copied().unwrap_or_default();
                if held != *counted {
                    return Err(Violation::Miscounted { node: number, counted: *counted, held });
                }
            }
            let own = node.keys.id();
            let roster = node.disk.membership.roster();
            let departed = roster.members().get(&own).and_then(|one| one.departed.as_ref());
            if node.disk.is_removed() || departed.is_some_and(|end| end.removed_by.is_some()) {
                let others = node.disk.entries.keys().filter(|key| key.school != own).count();
                if others > 0 {
                    return Err(Violation::Kept { node: number, entries: others });
                }
            }
        }
        let roster = self.membership.roster();
        for (school, (admin, defied)) in &log.let_in_late {
            let departed = roster.members().get(admin).and_then(|one| one.departed.as_ref());
            // A removal counts only as long as whoever signed it was in office; and one that could not
            // put this admin out binds it to nothing, though it counts once another has.
            let binds = |one: &&Hash| defied.contains(one) && self.puts_out(one, admin);
            if departed.is_some_and(|end| end.statements.iter().any(|one| binds(&one)))
                && roster.member(school).is_some()
                && let Some(node) = self.members.first()
            {
                return Err(Violation::LetInByRemoved { node: *node });
            }
        }
        for (hash, one) in &log.published {
            let stays = self.members.contains(&one.node);
            let stays_with =
                |copies: &BTreeSet<NodeNo>| copies.iter().any(|copy| self.members.contains(copy));
            let only_elsewhere = one.copies.as_ref().is_some_and(|copies| !stays_with(copies));
            if !one.acknowledged || only_elsewhere || !stays {
                continue;
            }
            if roster.standing(&one.entry) != Standing::Honoured {
                continue;
            }
            let winner = self.winners.get(&one.entry.key());
            if winner.is_none_or(|winner| winner.version() < one.entry.version()) {
                return Err(Violation::Lost { node: one.node, hash: *hash });
            }
        }
        Ok(())
    }

    /// Whether a removal ends a school's membership by what its author knew.
    fn puts_out(&self, removal: &Hash, school: &SchoolId) -> bool {
        let held = self.membership.statements();
        let mut known: BTreeMap<Hash, Statement> = BTreeMap::new();
        let mut open = vec![*removal];
        while let Some(hash) = open.pop() {
            if let Some(one) = held.get(&hash).filter(|_| !known.contains_key(&hash)) {
                open.extend(one.parents());
                known.insert(hash, one.clone());
            }
        }
        let mut view = Membership::new(self.membership.group());
        view.extend(known.into_values().collect::<Vec<Statement>>());
        view.roster().member(school).is_none()
    }
}
