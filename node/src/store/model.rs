//! Random changes, restarts and power cuts, against a store made of plain maps.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use proptest::prelude::*;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::ContentSet;
use tempfile::{TempDir, tempdir};

use super::lossy::Lossy;
use super::scenarios::{entry_saying, key, open_with};
use super::{Change, DiskStore, Opening, Options, Outcome, Store, Table};

#[derive(Debug, Clone)]
enum Step {
    Apply(Vec<Change>),
    Erase,
    Reopen,
    LoseRecords,
    CutPower { kept: u64 },
}

#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<EntryKey, (Version, Vec<u8>)>,
    statements: BTreeMap<(GroupId, Hash), Vec<u8>>,
    locals: BTreeMap<(Table, Vec<u8>), Vec<u8>>,
    blobs: BTreeMap<Hash, Vec<u8>>,
}

impl Model {
    fn apply(&mut self, change: Change) {
        match change {
            Change::Entry { key, version, bytes } => {
                if self.entries.get(&key).is_none_or(|(held, _)| *held < version) {
                    self.entries.insert(key, (version, bytes));
                }
            }
            Change::DropEntry { key, hash } => {
                if self.entries.get(&key).is_some_and(|(held, _)| held.hash == hash) {
                    self.entries.remove(&key);
                }
            }
            Change::Touch { .. } | Change::Erased => {}
            Change::Statement { group, hash, bytes } => {
                self.statements.insert((group, hash), bytes);
            }
            Change::Local { table, key, value: Some(value) } => {
                self.locals.insert((table, key), value);
            }
            Change::Local { table, key, value: None } => {
                self.locals.remove(&(table, key));
            }
            Change::Blob { hash, bytes } => {
                self.blobs.insert(hash, bytes);
            }
            Change::ForgetBlob { hash } => {
                self.blobs.remove(&hash);
            }
        }
    }

    fn assert_is(&self, store: &DiskStore) {
        for (group, record) in (0..3).flat_map(|group| (0..4).map(move |record| (group, record))) {
            let at = key(group, record);
            let held = store.entry(&at).unwrap().map(|held| (held.version, held.bytes));
            assert_eq!(held, self.entries.get(&at).cloned());
        }
        for group in (0..3).map(|group| key(group, 0).group) {
            let mut set: Vec<(Timestamp, Hash)> = self
                .entries
                .iter()
                .filter(|(key, _)| key.group == group)
                .map(|(_, (version, _))| (version.clock, version.hash))
                .collect();
            set.sort();
            assert_eq!(store.count(&group), set.len() as u64);
            assert_eq!(store.set(&group), set);
            let fresh = ContentSet::new(set);
            let held = store.sets().get(&group).map(ContentSet::digest);
            assert_eq!(held.unwrap_or(ContentSet::default().digest()), fresh.digest());
            let of_group = self.statements.iter().filter(|((of, _), _)| *of == group);
            let statements: Vec<(Hash, Vec<u8>)> =
                of_group.map(|((_, hash), bytes)| (*hash, bytes.clone())).collect();
            assert_eq!(store.statements(&group).unwrap(), statements);
        }
        let groups: BTreeSet<GroupId> = self.statements.keys().map(|(group, _)| *group).collect();
        let found = store.groups_with_statements().unwrap();
        assert_eq!(found, groups.into_iter().collect::<Vec<_>>());
        let mut locals = BTreeMap::new();
        for table in [Table::Settings, Table::Audit] {
            for (key, value) in store.local_scan(table, b"").unwrap() {
                locals.insert((table, key), value);
            }
        }
        assert_eq!(locals, self.locals);
        for bytes in (0..4).map(blob) {
            let hash = Hash::of(&bytes);
            assert_eq!(store.small_blob(&hash).unwrap(), self.blobs.get(&hash).cloned());
        }
        let changes = store.changes_since(0, 1_000).unwrap();
        assert!(changes.is_sorted_by(|one, next| one.0 < next.0));
        let changed: BTreeSet<EntryKey> = changes.iter().map(|(_, key)| *key).collect();
        assert_eq!(changed.len(), changes.len(), "a key is told once");
        assert!(self.entries.keys().all(|key| changed.contains(key)));
    }
}

fn blob(number: u8) -> Vec<u8> {
    vec![number; 10]
}

fn any_entry() -> impl Strategy<Value = Change> {
    (0_u8..3, 0_u8..4, 0_u64..5, prop::bool::weighted(0.1)).prop_map(
        |(group, record, clock, withdrawal)| {
            entry_saying(key(group, record), clock, withdrawal, "")
        },
    )
}

fn any_change() -> impl Strategy<Value = Change> {
    let drop_entry = any_entry().prop_map(|change| {
        let Change::Entry { key, version, .. } = change else { unreachable!() };
        Change::DropEntry { key, hash: version.hash }
    });
    let touch =
        (0_u8..3, 0_u8..4).prop_map(|(group, record)| Change::Touch { key: key(group, record) });
    let statement = (0_u8..3, 0_u8..4).prop_map(|(group, number)| {
        let bytes = vec![group, number];
        Change::Statement { group: key(group, 0).group, hash: Hash::of(&bytes), bytes }
    });
    let local =
        (any::<bool>(), 0_u8..3, prop::option::of(0_u8..3)).prop_map(|(settings, name, value)| {
            Change::Local {
                table: if settings { Table::Settings } else { Table::Audit },
                key: vec![name],
                value: value.map(|value| vec![value]),
            }
        });
    let put = (0_u8..4).prop_map(|number| {
        let bytes = blob(number);
        Change::Blob { hash: Hash::of(&bytes), bytes }
    });
    let forget = (0_u8..4).prop_map(|number| Change::ForgetBlob { hash: Hash::of(&blob(number)) });
    prop_oneof![6 => any_entry(), 3 => drop_entry, 3 => touch, 1 => statement, 3 => local, 1 => put, 1 => forget]
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => prop::collection::vec(any_change(), 1..12).prop_map(Step::Apply),
        1 => Just(Step::Erase),
        1 => Just(Step::Reopen),
        1 => Just(Step::LoseRecords),
        1 => (0_u64..200).prop_map(|kept| Step::CutPower { kept }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn a_store_is_what_was_applied_to_it_whatever_happens_between(
        steps in prop::collection::vec(any_step(), 1..24),
    ) {
        let mut model = Model::default();
        let mut dir = tempdir().unwrap();
        let mut files = Lossy::default();
        let reopen = |dir: &TempDir, files: &Lossy| {
            // Small segments, so that there are many.
            let files = Arc::new(files.clone());
            open_with(dir.path(), &Options { files, segment_bytes: 2_000, ..Options::default() })
                .unwrap()
        };
        let mut store = reopen(&dir, &files);
        for step in steps {
            let before = store.position();
            match step {
                Step::Apply(changes) => {
                    let outcomes = store.apply(changes.clone()).unwrap();
                    let applied = outcomes
                        .iter()
                        .filter(|outcome| matches!(outcome, Outcome::Applied { .. }))
                        .count();
                    prop_assert_eq!(store.position(), before + applied as u64);
                    changes.into_iter().for_each(|change| model.apply(change));
                }
                Step::Erase => {
                    store.erase().unwrap();
                    prop_assert_eq!(store.erase().unwrap(), 0, "once is enough");
                }
                Step::Reopen => {
                    store.close().unwrap();
                    store = reopen(&dir, &files);
                    prop_assert_eq!(store.opening(), &Opening::default());
                }
                Step::LoseRecords => {
                    store.close().unwrap();
                    fs::remove_dir_all(dir.path().join("records")).unwrap();
                    store = reopen(&dir, &files);
                    prop_assert_eq!(store.opening().replayed, before);
                }
                Step::CutPower { kept } => {
                    let after = tempdir().unwrap();
                    files.cut_power(dir.path(), after.path(), kept);
                    drop(store);
                    (dir, files) = (after, Lossy::default());
                    store = reopen(&dir, &files);
                    prop_assert_eq!(store.position(), before);
                }
            }
            model.assert_is(&store);
        }
    }
}
