//! Full texts of records, and the texts inside their files, that have not come yet: kept in lots, one
//! for the entries that came together, so that a first sync does not write a row for each.

use std::collections::BTreeMap;
use std::ops::{Bound, RangeInclusive};
use std::sync::{Mutex, MutexGuard, PoisonError};

use staffroom_protocol::entry::{BlobRef, Entry, EntryKey};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::wire;
use tokio::sync::Notify;

use crate::intake::{KeepError, possession, possession_key};
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, MAX_SMALL_BLOB_BYTES, Store, StoreError, Table};

/// Texts of one lot: with a hundred bytes each they fill two thirds of a local value.
const MAX_LOT: usize = 400;

/// A full text in a lot: school, record, hash and size.
type Row = (SchoolId, RecordId, Hash, u64);

/// A lot by its group and a number of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LotId {
    group: GroupId,
    number: [u8; 8],
}

impl LotId {
    fn new(group: GroupId) -> Result<Self, StoreError> {
        let mut number = [0; 8];
        getrandom::fill(&mut number).map_err(|error| StoreError::Io {
            action: "get a random number for",
            path: "the full texts that are wanted".into(),
            reason: error.to_string(),
        })?;
        Ok(Self { group, number })
    }

    fn to_bytes(self) -> Vec<u8> {
        [self.group.as_bytes().as_slice(), &self.number].concat()
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (group, number) = bytes.split_first_chunk()?;
        Some(Self { group: GroupId::from_bytes(*group), number: number.try_into().ok()? })
    }
}

/// Full texts of one group that came to be wanted together.
#[derive(Debug, Clone)]
pub(crate) struct Lot {
    id: LotId,
    pub(crate) texts: Vec<(EntryKey, BlobRef)>,
}

impl Lot {
    pub(crate) fn id(&self) -> LotId {
        self.id
    }

    pub(crate) fn group(&self) -> GroupId {
        self.id.group
    }

    /// The change that keeps it, or lets go of it once it is empty.
    fn change(&self) -> Change {
        let row = |(key, body): &(EntryKey, BlobRef)| -> Row {
            (key.school, key.record, body.hash, body.size)
        };
        let rows: Vec<Row> = self.texts.iter().map(row).collect();
        let value = (!rows.is_empty()).then(|| wire::encode(&rows));
        Change::Local { table: Table::Wanted, key: self.id.to_bytes(), value }
    }
}

/// How many texts each lot has.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    lots: Mutex<BTreeMap<LotId, usize>>,
    /// More are wanted.
    pub(crate) more: Notify,
}

impl Wanted {
    /// Looks what is wanted.
    pub(crate) fn open(store: &dyn Store) -> Result<Self, StoreError> {
        let wanted = Self::default();
        let mut lots = wanted.lots();
        store.local_each(Table::Wanted, &[], &mut |key, value| {
            if let Some(id) = LotId::from_bytes(key) {
                lots.insert(id, read(id, value).texts.len());
            }
        })?;
        drop(lots);
        Ok(wanted)
    }

    fn lots(&self) -> MutexGuard<'_, BTreeMap<LotId, usize>> {
        self.lots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of lots that were stored.
    pub(crate) fn note(&self, lots: &[Lot]) {
        let mut known = self.lots();
        for lot in lots {
            if lot.texts.is_empty() {
                known.remove(&lot.id);
            } else {
                known.insert(lot.id, lot.texts.len());
            }
        }
    }

    /// How many texts of a group are wanted.
    fn count(&self, group: &GroupId) -> u64 {
        self.lots().range(of_group(*group)).map(|(_, count)| *count as u64).sum()
    }
}

/// The ids that lots of a group may have.
fn of_group(group: GroupId) -> RangeInclusive<LotId> {
    LotId { group, number: [0; 8] }..=LotId { group, number: [0xff; 8] }
}

/// The texts that entries want, in lots; those of `own` are here already.
pub(crate) fn lots(
    entries: &[&Entry],
    own: impl Fn(&Hash, &GroupId) -> bool,
) -> Result<Vec<Lot>, StoreError> {
    let mut by_group: BTreeMap<GroupId, Vec<(EntryKey, BlobRef)>> = BTreeMap::new();
    for entry in entries {
        let key = entry.key();
        for text in texts_of(entry).into_iter().filter(|text| !own(&text.hash, &key.group)) {
            by_group.entry(key.group).or_default().push((key, text));
        }
    }
    let mut lots = Vec::new();
    for (group, texts) in by_group {
        for texts in texts.chunks(MAX_LOT) {
            lots.push(Lot { id: LotId::new(group)?, texts: texts.to_vec() });
        }
    }
    Ok(lots)
}

/// The texts of an entry that every member keeps: the full record, and the text inside each file.
pub(crate) fn texts_of(entry: &Entry) -> Vec<BlobRef> {
    let summary = entry.summary().ok().flatten();
    let of_files = summary.map(|summary| summary.file_texts()).unwrap_or_default();
    entry.body().into_iter().chain(of_files).collect()
}

/// The changes that keep lots as they are.
pub(crate) fn changes(lots: &[Lot]) -> impl Iterator<Item = Change> + '_ {
    lots.iter().map(Lot::change)
}

fn read(id: LotId, value: &[u8]) -> Lot {
    let rows: Vec<Row> = wire::decode(value, MAX_LOCAL_VALUE_BYTES).unwrap_or_default();
    let text = |(school, record, hash, size): Row| {
        (EntryKey { group: id.group, school, record }, BlobRef { hash, size })
    };
    Lot { id, texts: rows.into_iter().map(text).collect() }
}

impl Node {
    /// Lots of wanted texts after one, or from the first on; about `limit` texts, and at most once
    /// round.
    pub(crate) fn wanted_after(
        &self,
        after: Option<LotId>,
        limit: usize,
    ) -> Result<Vec<Lot>, StoreError> {
        let known = self.wanted.lots();
        let (later, earlier) = match after {
            Some(after) => {
                let later = known.range((Bound::Excluded(after), Bound::Unbounded));
                (later, Some(known.range(..=after)))
            }
            None => (known.range(..), None),
        };
        let round = later.chain(earlier.into_iter().flatten());
        let mut texts = 0;
        let ids: Vec<LotId> = round
            .take_while(|(_, count)| {
                let room = texts < limit;
                texts += **count;
                room
            })
            .map(|(id, _)| *id)
            .collect();
        drop(known);
        let mut lots = Vec::new();
        for id in ids {
            if let Some(value) = self.store().local_get(Table::Wanted, &id.to_bytes())? {
                lots.push(read(id, &value));
            }
        }
        Ok(lots)
    }

    /// How many full texts of a group have not come.
    pub(crate) fn bodies_missing(&self, group: &GroupId) -> u64 {
        self.wanted.count(group)
    }

    /// Lets go of the wanted texts of a group that came in another way than over the network.
    pub(crate) fn let_go_of_what_came(&self, group: &GroupId) -> Result<(), StoreError> {
        let ids: Vec<LotId> =
            self.wanted.lots().range(of_group(*group)).map(|(id, _)| *id).collect();
        for id in ids {
            if let Some(value) = self.store().local_get(Table::Wanted, &id.to_bytes())? {
                self.let_go_of_unwanted(vec![read(id, &value)])?;
            }
        }
        Ok(())
    }

    /// Lets go of texts that belong to nothing that is held, since their entries were replaced or
    /// withdrawn, and of those that have come.
    pub(crate) fn let_go_of_unwanted(&self, lots: Vec<Lot>) -> Result<Vec<Lot>, StoreError> {
        let (mut kept, mut changed) = (Vec::new(), Vec::new());
        for mut lot in lots {
            let mut texts = Vec::new();
            for (key, body) in &lot.texts {
                if self.is_wanted(key, body)? {
                    texts.push((*key, *body));
                }
            }
            let before = std::mem::replace(&mut lot.texts, texts).len();
            if lot.texts.len() < before {
                changed.push(lot.clone());
            }
            kept.push(lot);
        }
        self.store().apply(changes(&changed).collect())?;
        self.wanted.note(&changed);
        Ok(kept)
    }

    fn is_wanted(&self, key: &EntryKey, body: &BlobRef) -> Result<bool, StoreError> {
        if self.store().local_get(Table::Possession, &possession_key(&body.hash, key))?.is_some() {
            return Ok(false);
        }
        let held = self.store().entry(key)?.and_then(|held| Entry::reopen(&held.bytes).ok());
        Ok(held.is_some_and(|entry| texts_of(&entry).iter().any(|held| held.hash == body.hash)))
    }

    /// Keeps full texts that a member of the group sent, and what is left of their lots.
    ///
    /// # Errors
    /// [`KeepError`] if they cannot be stored.
    pub(crate) fn keep_bodies(
        &self,
        bodies: Vec<(EntryKey, BlobRef, Vec<u8>)>,
        lots: &[Lot],
    ) -> Result<(), KeepError> {
        let mut changes_to_make = Vec::new();
        for (key, body, bytes) in bodies {
            if bytes.len() <= MAX_SMALL_BLOB_BYTES {
                changes_to_make.push(Change::Blob { hash: body.hash, bytes });
            } else {
                self.blobs().put(&bytes)?;
            }
            changes_to_make.push(possession(&body.hash, &key));
            changes_to_make.push(Change::Touch { key });
        }
        changes_to_make.extend(changes(lots));
        self.store().apply(changes_to_make)?;
        self.wanted.note(lots);
        self.indexer().wake();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use staffroom_protocol::clock::Timestamp;
    use staffroom_protocol::entry::Draft;
    use staffroom_protocol::group::{Claims, GroupKind};
    use staffroom_protocol::record::{File, Summary};

    use super::*;
    use crate::home::{Home, Lock};
    use crate::store::Options;

    fn text(number: u16) -> Vec<u8> {
        number.to_be_bytes().to_vec()
    }

    /// An entry of the node's own school, as if another of its nodes had sent it.
    fn entry(node: &Node, group: GroupId, number: u16, content: bool) -> Vec<u8> {
        let mut record = [0; 16];
        record[..2].copy_from_slice(&number.to_be_bytes());
        let body = BlobRef { hash: Hash::of(&text(number)), size: 2 };
        let draft = Draft {
            group,
            record: RecordId::from_bytes(record),
            clock: Timestamp::from_millis(if content { 1 } else { 2 }),
            kind: "resource".into(),
            content: content.then(|| (Summary::default(), body)),
            school: None,
        };
        let identity = node.identity();
        let entry = Entry::sign(draft, identity.certificate(), identity.node_key()).unwrap();
        entry.as_bytes().to_vec()
    }

    #[test]
    fn wanted_texts_are_kept_in_lots_and_taken_off_as_they_come() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims { name: "Ash Primary".into(), urn: None, phase: None, location: None };
        Home::new(dir.path()).init(claims, &Lock::Open).unwrap();
        let node = Node::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
        let group = node.create_group("Fenland Trust", GroupKind::Trust).unwrap();
        let from = node.identity().node_key().public();
        let entries: Vec<Vec<u8>> = (0..900).map(|one| entry(&node, group, one, true)).collect();
        node.accept_entries(group, entries.iter().map(Vec::as_slice), from).unwrap();
        assert_eq!(node.bodies_missing(&group), 900);
        assert_eq!(node.store().local_scan(Table::Wanted, &[]).unwrap().len(), 3);

        let all = node.wanted_after(None, 4_000).unwrap();
        assert_eq!(all.iter().map(|lot| lot.texts.len()).sum::<usize>(), 900);
        // Those behind the last one that was looked at come first, and each comes once.
        let first = node.wanted_after(None, 1).unwrap();
        assert_eq!(first.len(), 1);
        let round = node.wanted_after(Some(first[0].id()), 4_000).unwrap();
        let ids = |lots: &[Lot]| lots.iter().map(Lot::id).collect::<Vec<_>>();
        assert_eq!(ids(&round), [&ids(&all)[1..], &ids(&all)[..1]].concat());

        let withdrawal = entry(&node, group, 7, false);
        node.accept_entries(group, [withdrawal.as_slice()], from).unwrap();
        let mut left = node.let_go_of_unwanted(all).unwrap();
        assert_eq!(node.bodies_missing(&group), 899);
        assert!(
            left.iter()
                .flat_map(|lot| &lot.texts)
                .all(|(_, body)| { body.hash != Hash::of(&text(7)) })
        );

        let (mut bodies, mut emptied) = (Vec::new(), left.remove(0));
        for (key, body) in std::mem::take(&mut emptied.texts) {
            let number = u16::from_be_bytes(key.record.as_bytes()[..2].try_into().unwrap());
            bodies.push((key, body, text(number)));
        }
        let came = bodies.len() as u64;
        let (key, body, _) = bodies[0].clone();
        node.keep_bodies(bodies, &[emptied]).unwrap();
        assert_eq!(node.bodies_missing(&group), 899 - came);
        assert!(node.possesses(&key.group, &body.hash).unwrap());
        assert_eq!(Wanted::open(node.store()).unwrap().count(&group), 899 - came);
        node.stop();
    }

    #[test]
    fn the_text_inside_a_file_is_wanted_and_shown_where_it_came_through_the_group() {
        let dir = tempfile::tempdir().unwrap();
        let claims = Claims { name: "Ash Primary".into(), urn: None, phase: None, location: None };
        Home::new(dir.path()).init(claims, &Lock::Open).unwrap();
        let node = Node::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
        let group = node.create_group("Fenland Trust", GroupKind::Trust).unwrap();
        let words = b"The heron waits.";
        // Held through another group.
        let inside = BlobRef { hash: node.blobs().put(words).unwrap(), size: words.len() as u64 };
        let file = |number: u8| File {
            name: format!("{number}.pdf"),
            media_type: "application/pdf".into(),
            size: 9,
            hash: Hash::of(&[number]),
            text: Some(inside),
        };
        let summary = Summary { files: vec![file(1), file(2)], ..Summary::default() };
        let draft = Draft {
            group,
            record: RecordId::from_bytes([1; 16]),
            clock: Timestamp::from_millis(1),
            kind: "resource".into(),
            content: Some((summary.clone(), BlobRef { hash: Hash::of(b"body"), size: 4 })),
            school: None,
        };
        let identity = node.identity();
        let entry = Entry::sign(draft, identity.certificate(), identity.node_key()).unwrap();
        let from = identity.node_key().public();
        node.accept_entries(group, [entry.as_bytes()], from).unwrap();
        assert_eq!(node.bodies_missing(&group), 2, "the record, and the text of both files once");
        let lots = node.let_go_of_unwanted(node.wanted_after(None, 10).unwrap()).unwrap();
        assert_eq!(lots[0].texts.len(), 2);
        assert_eq!(node.file_text(&entry, &summary), "");
        node.keep_bodies(vec![(entry.key(), inside, words.to_vec())], &[]).unwrap();
        assert_eq!(node.file_text(&entry, &summary), "The heron waits.");
        node.stop();
    }
}
