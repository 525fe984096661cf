//! What a node holds, as its disk has it: the winner of each record and the membership set.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Rule;
use crate::entry::{Entry, EntryKey, Version};
use crate::group::membership::Membership;
use crate::group::roster::Standing;
use crate::group::statement::Statement;
use crate::hash::{GroupId, Hash, SchoolId};
use crate::sync::ContentSet;
use crate::sync::sketch::ShortId;

#[derive(Debug, Clone)]
pub(super) struct Disk {
    pub(super) membership: Membership,
    pub(super) entries: BTreeMap<EntryKey, Arc<Entry>>,
    pub(super) by_hash: BTreeMap<Hash, EntryKey>,
    pub(super) set: ContentSet,
    /// How many records of each school, as people see it.
    pub(super) counts: BTreeMap<SchoolId, usize>,
    /// A removal that was shown and cannot be judged with what is held.
    pub(super) removed: Option<Hash>,
}

impl Disk {
    pub(super) fn new(group: GroupId) -> Self {
        Self {
            membership: Membership::new(group),
            entries: BTreeMap::new(),
            by_hash: BTreeMap::new(),
            set: ContentSet::default(),
            counts: BTreeMap::new(),
            removed: None,
        }
    }

    /// Stores a version, unless what is held beats it.
    pub(super) fn store(&mut self, entry: &Arc<Entry>, without: Option<Rule>) -> bool {
        let key = key(entry, without);
        let held = self.entries.get(&key);
        if held.is_some_and(|held| !beats(&entry.version(), &held.version(), without)) {
            if without == Some(Rule::CountOnce) && self.by_hash.contains_key(&entry.hash()) {
                *self.counts.entry(key.school).or_default() += 1;
            }
            return false;
        }
        self.let_go(&key);
        *self.counts.entry(key.school).or_default() += 1;
        self.set.insert(entry.clock(), &entry.hash());
        self.by_hash.insert(entry.hash(), key);
        self.entries.insert(key, Arc::clone(entry));
        true
    }

    fn let_go(&mut self, key: &EntryKey) {
        if let Some(held) = self.entries.remove(key) {
            self.set.remove(held.clock(), &held.hash());
            self.by_hash.remove(&held.hash());
            if let Some(count) = self.counts.get_mut(&key.school) {
                *count -= 1;
            }
        }
    }

    /// Adds statements and drops what counts no more; returns those that were new.
    pub(super) fn add(
        &mut self,
        statements: Vec<Statement>,
        own: &SchoolId,
        without: Option<Rule>,
    ) -> Vec<Hash> {
        let added = self.membership.extend(statements).added;
        if added.is_empty() || without == Some(Rule::DropOnRemoval) {
            return added;
        }
        let roster = self.membership.roster();
        let departure = roster.members().get(own).and_then(|member| member.departed.as_ref());
        let removed = departure.is_some_and(|departure| departure.removed_by.is_some());
        let counts = |entry: &Entry| {
            let own_entry = entry.key().school == *own;
            if removed || (departure.is_some() && own_entry) {
                return own_entry;
            }
            roster.standing(entry) == Standing::Honoured || without == Some(Rule::ListedStands)
        };
        let gone: Vec<EntryKey> =
            self.entries.iter().filter(|(_, entry)| !counts(entry)).map(|(key, _)| *key).collect();
        for key in gone {
            self.let_go(&key);
        }
        added
    }

    /// Drops what others shared: this school was removed.
    pub(super) fn purge(&mut self, own: &SchoolId, removal: Hash) {
        self.removed = Some(removal);
        let others = self.entries.keys().filter(|key| key.school != *own).copied();
        for key in others.collect::<Vec<_>>() {
            self.let_go(&key);
        }
    }

    /// Whether a removal was shown that the roster does not judge yet.
    pub(super) fn is_removed(&self) -> bool {
        let held = |removal: &Hash| self.membership.statements().contains_key(removal);
        self.removed.as_ref().is_some_and(|removal| !held(removal))
    }

    pub(super) fn bytes(&self, hash: &Hash) -> Option<Vec<u8>> {
        let key = self.by_hash.get(hash)?;
        Some(self.entries.get(key)?.as_bytes().to_vec())
    }

    pub(super) fn bytes_of(&self, id: &ShortId) -> Vec<Vec<u8>> {
        let mut first = [0; Hash::LENGTH];
        first[..id.len()].copy_from_slice(id);
        let from = self.by_hash.range(Hash::from_bytes(first)..);
        let same = from.take_while(|(hash, _)| hash.as_bytes().starts_with(id));
        same.filter_map(|(hash, _)| self.bytes(hash)).collect()
    }
}

/// Where an entry is kept.
pub(super) fn key(entry: &Entry, without: Option<Rule>) -> EntryKey {
    let mut key = entry.key();
    if without == Some(Rule::RecordsOfSchools) {
        key.school = SchoolId::from_bytes([0; 32]);
    }
    key
}

/// Whether a version takes the place of the one held.
pub(super) fn beats(new: &Version, held: &Version, without: Option<Rule>) -> bool {
    match without {
        Some(Rule::WithdrawalBeatsAll) => (new.clock, new.hash) > (held.clock, held.hash),
        Some(Rule::LaterVersionWins) => true,
        Some(Rule::HashBreaksTies) => (new.withdrawal, new.clock) > (held.withdrawal, held.clock),
        _ => new > held,
    }
}
