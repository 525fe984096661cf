//! The store as a whole: what a technician, a power cut or a second process does to it.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{EntryKey, Version};
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::wire;
use tempfile::{TempDir, tempdir};

use super::lossy::{Lossy, copy_dir};
use super::{Change, DiskStore, Opening, Options, Outcome, Store, StoreError, Table, Verifier};

pub(super) fn key(group: u8, record: u8) -> EntryKey {
    EntryKey {
        group: GroupId::from_bytes([group; 32]),
        school: SchoolId::from_bytes([7; 32]),
        record: RecordId::from_bytes([record; 16]),
    }
}

pub(super) fn entry_saying(at: EntryKey, clock: u64, withdrawal: bool, text: &str) -> Change {
    let bytes = format!("{at:?} {clock} {withdrawal} {text}").into_bytes();
    let version = Version { withdrawal, clock: Timestamp::from_u64(clock), hash: Hash::of(&bytes) };
    Change::Entry { key: at, version, bytes }
}

fn entry(record: u8, clock: u64) -> Change {
    entry_saying(key(1, record), clock, false, "")
}

fn version_of(change: &Change) -> Version {
    let Change::Entry { version, .. } = change else { panic!("not an entry: {change:?}") };
    *version
}

fn local(value: &str) -> Change {
    Change::Local { table: Table::Settings, key: b"name".into(), value: Some(value.into()) }
}

pub(super) fn open_with(dir: &Path, options: &Options) -> Result<DiskStore, StoreError> {
    DiskStore::open(dir, options, &mut |_| {})
}

fn open(dir: &Path) -> DiskStore {
    open_with(dir, &Options::default()).unwrap()
}

/// A store that was closed after these were applied one by one.
fn closed_with(changes: impl IntoIterator<Item = Change>) -> TempDir {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    for change in changes {
        store.apply(vec![change]).unwrap();
    }
    store.close().unwrap();
    dir
}

fn held(store: &DiskStore, group: u8) -> BTreeSet<Hash> {
    let set = store.set(&key(group, 0).group);
    set.into_iter().map(|(_, hash)| hash).collect()
}

fn hashes(changes: &[Change]) -> BTreeSet<Hash> {
    changes.iter().map(|change| version_of(change).hash).collect()
}

#[test]
fn the_greatest_version_is_kept_whatever_the_order() {
    let versions = [
        entry_saying(key(1, 1), 9, false, "newest"),
        entry_saying(key(1, 1), 3, true, "withdrawn"),
        entry_saying(key(1, 1), 5, false, "older"),
    ];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for together in [true, false] {
            let dir = tempdir().unwrap();
            let store = open(dir.path());
            let changes = order.map(|number: usize| versions[number].clone());
            let calls: Vec<Vec<Change>> = if together {
                vec![changes.to_vec()]
            } else {
                changes.iter().map(|change| vec![change.clone()]).collect()
            };
            let outcomes: Vec<Outcome> =
                calls.into_iter().flat_map(|call| store.apply(call).unwrap()).collect();
            let by = version_of(&versions[1]);
            let place = order.iter().position(|number| *number == 1).unwrap();
            assert!(outcomes[place + 1..].iter().all(|late| *late == Outcome::Superseded { by }));
            let held = store.entry(&key(1, 1)).unwrap().unwrap();
            assert_eq!(held.version, by, "order {order:?}");
            assert_eq!(Outcome::Applied { position: held.position }, outcomes[place]);
            assert_eq!(store.count(&key(1, 1).group), 1);
            assert_eq!(store.entry_by_hash(&by.hash).unwrap(), Some((key(1, 1), held.clone())));
            assert_eq!(store.entry_by_hash(&version_of(&versions[0]).hash).unwrap(), None);
            assert_eq!(
                store.apply(vec![versions[1].clone()]).unwrap(),
                [Outcome::Unchanged],
                "the same again"
            );
            assert_eq!(store.changes_since(0, 10).unwrap(), [(held.position, key(1, 1))]);
        }
    }
}

#[test]
fn everything_is_there_after_reopening_and_a_clean_store_is_used_as_it_is() {
    let statement = b"founding statement".to_vec();
    let page = b"the long text of an intervention".to_vec();
    let dir = closed_with([
        entry(1, 1),
        local("Hill View"),
        Change::Statement {
            group: key(1, 0).group,
            hash: Hash::of(&statement),
            bytes: statement.clone(),
        },
        Change::Blob { hash: Hash::of(&page), bytes: page.clone() },
        entry_saying(key(2, 1), 4, false, ""),
    ]);
    let store = open(dir.path());
    assert_eq!(*store.opening(), Opening::default());
    assert_eq!(store.position(), 5);
    assert_eq!(store.local_get(Table::Settings, b"name").unwrap().unwrap(), b"Hill View");
    assert_eq!(store.local_get(Table::Drafts, b"name").unwrap(), None);
    assert_eq!(store.statements(&key(1, 0).group).unwrap(), [(Hash::of(&statement), statement)]);
    assert_eq!(store.groups_with_statements().unwrap(), [key(1, 0).group]);
    assert_eq!(store.small_blob(&Hash::of(&page)).unwrap(), Some(page));
    let versions = store.versions_in_groups(&key(1, 1).school, &key(1, 1).record).unwrap();
    let groups: Vec<GroupId> = versions.iter().map(|(group, _)| *group).collect();
    assert_eq!(groups, [key(1, 1).group, key(2, 1).group]);
    let found = vec![(key(1, 1).school, key(1, 1).record)];
    for prefix in ["", "0", "01", "010", "01010101010101010101010101010101"] {
        assert_eq!(store.find_record(prefix, 5).unwrap(), found, "{prefix:?}");
    }
    for prefix in ["02", "011", "0101010101010101010101010101010101", "x", "é"] {
        assert_eq!(store.find_record(prefix, 5).unwrap(), [], "{prefix:?}");
    }
}

#[test]
fn a_touched_entry_is_told_to_the_index_once_more() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    store.apply(vec![entry(1, 5), entry(2, 5)]).unwrap();
    let touch = |record| Change::Touch { key: key(1, record) };
    let outcomes = store.apply(vec![touch(1), touch(9)]).unwrap();
    assert_eq!(outcomes, [Outcome::Applied { position: 3 }, Outcome::Unchanged]);
    assert_eq!(store.changes_since(0, 9).unwrap(), [(2, key(1, 2)), (3, key(1, 1))]);
    assert_eq!(held(&store, 1), hashes(&[entry(1, 5), entry(2, 5)]));
}

#[test]
fn a_dropped_entry_is_gone_is_told_to_the_index_and_may_come_again() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    store.apply(vec![entry(1, 5), entry(2, 5)]).unwrap();
    let hash = version_of(&entry(1, 5)).hash;
    let other = Change::DropEntry { key: key(1, 1), hash: Hash::of(b"another version") };
    assert_eq!(store.apply(vec![other]).unwrap(), [Outcome::Unchanged]);
    store.apply(vec![Change::DropEntry { key: key(1, 1), hash }]).unwrap();
    assert_eq!(store.entry(&key(1, 1)).unwrap(), None);
    assert_eq!(held(&store, 1), hashes(&[entry(2, 5)]));
    assert_eq!(store.changes_since(2, 9).unwrap(), [(3, key(1, 1))]);
    store.apply(vec![entry(1, 4)]).unwrap();
    assert_eq!(store.changes_since(0, 9).unwrap(), [(2, key(1, 2)), (4, key(1, 1))]);
    assert_eq!(store.count(&key(1, 1).group), 2);
}

#[test]
fn what_is_too_large_or_has_another_hash_is_refused_by_name() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    let large = vec![0; super::MAX_SMALL_BLOB_BYTES + 1];
    let error =
        store.apply(vec![Change::Blob { hash: Hash::of(&large), bytes: large }]).unwrap_err();
    assert_eq!(error.to_string(), "a blob kept with the records has 4097 bytes and may have 4096");
    let wrong = Change::Statement {
        group: key(1, 0).group,
        hash: Hash::of(b"one"),
        bytes: b"another".into(),
    };
    let error = store.apply(vec![local("kept?"), wrong]).unwrap_err();
    assert!(matches!(error, StoreError::WrongHash { what: "a membership statement", .. }));
    assert_eq!(store.position(), 0, "nothing of the refused call is kept");

    let largest = Change::Local {
        table: Table::Drafts,
        key: vec![0; super::MAX_LOCAL_KEY_BYTES],
        value: Some(vec![1; super::MAX_LOCAL_VALUE_BYTES]),
    };
    assert_eq!(store.apply(vec![largest]).unwrap(), [Outcome::Applied { position: 1 }]);
}

#[test]
fn calls_from_many_threads_are_each_answered_for_their_own_changes() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    std::thread::scope(|scope| {
        for record in 0..16 {
            let store = &store;
            scope.spawn(move || {
                for clock in 1..=20 {
                    let outcomes = store.apply(vec![entry(record, clock), entry(record, 0)]);
                    let by = version_of(&entry(record, clock));
                    let held = store.entry(&key(1, record)).unwrap().unwrap();
                    assert_eq!(held.version, by);
                    let applied = Outcome::Applied { position: held.position };
                    assert_eq!(outcomes.unwrap(), [applied, Outcome::Superseded { by }]);
                }
            });
        }
    });
    assert_eq!(store.position(), 16 * 20);
    let positions = store.changes_since(0, 100).unwrap();
    assert_eq!(positions.len(), 16);
    assert!(positions.is_sorted());
    assert_eq!(store.changes_since(0, 3).unwrap(), positions[..3]);
}

#[test]
fn a_second_process_is_kept_out_and_told_which_one_is_in() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    let error = open_with(dir.path(), &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "the data directory {} is in use by another Staffroom process (pid {}); stop that one first, or give this one a directory of its own",
            dir.path().display(),
            std::process::id()
        )
    );
    let patient = Options { lock_patience: Duration::from_secs(10), ..Options::default() };
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| open_with(dir.path(), &patient).unwrap());
        std::thread::sleep(Duration::from_millis(100));
        store.apply(vec![entry(1, 1)]).unwrap();
        drop(store);
        assert_eq!(waiting.join().unwrap().position(), 1);
    });
}

#[test]
fn a_directory_of_a_newer_program_is_left_alone() {
    let dir = closed_with([entry(1, 1)]);
    let stamp = dir.path().join("VERSION");
    let text = fs::read_to_string(&stamp).unwrap().replace("format 1", "format 2");
    fs::write(&stamp, &text).unwrap();
    let error = open_with(dir.path(), &Options::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{} was written by a newer version of Staffroom (format 2, this program reads up to 1); update Staffroom",
            stamp.display()
        )
    );
    assert_eq!(fs::read_to_string(&stamp).unwrap(), text);
    fs::remove_file(&stamp).unwrap();
    assert_eq!(held(&open(dir.path()), 1), hashes(&[entry(1, 1)]), "the journal knows it too");
}

/// Opens a store whose records were damaged and checks that the journal made them good.
fn assert_rebuilt(dir: &Path, reason: &str, expected: &[Change]) {
    let store = open(dir);
    let rebuilt = store.opening().rebuilt.clone().unwrap_or_default();
    assert!(rebuilt.contains(reason), "{rebuilt:?} does not say {reason:?}");
    assert_eq!(held(&store, 1), hashes(expected));
    assert_eq!(store.position(), store.opening().replayed);
    store.close().unwrap();
    assert_eq!(*open(dir).opening(), Opening::default(), "once is enough");
}

fn empty_snapshots(records: &Path) {
    let files = fs::read_dir(records).unwrap().map(|item| item.unwrap());
    let mut snapshots =
        files.filter(|file| file.file_name().to_string_lossy().starts_with("snap.")).peekable();
    assert!(snapshots.peek().is_some());
    snapshots.for_each(|file| fs::write(file.path(), b"").unwrap());
}

#[test]
fn a_missing_emptied_or_garbled_record_store_is_rebuilt_from_the_journal() {
    let changes: Vec<Change> = (0..200).map(|record| entry(record, 1)).collect();
    let original = closed_with(changes.clone());
    let incarnation = open(original.path()).incarnation();
    type Spoil<'a> = (&'a str, &'a dyn Fn(&Path));
    let spoil: [Spoil<'_>; 4] = [
        ("missing", &|records| fs::remove_dir_all(records).unwrap()),
        ("no state row", &|records| {
            fs::remove_dir_all(records).unwrap();
            fs::create_dir(records).unwrap();
        }),
        ("", &|records| {
            let db = records.join("db");
            let length = fs::metadata(&db).unwrap().len() as usize;
            fs::write(db, vec![0x5a; length]).unwrap();
        }),
        ("", &empty_snapshots),
    ];
    for (reason, spoil) in spoil {
        let dir = tempdir().unwrap();
        copy_dir(original.path(), dir.path());
        spoil(&dir.path().join("records"));
        assert_rebuilt(dir.path(), reason, &changes);
        assert_ne!(open(dir.path()).incarnation(), incarnation);
        let aside = dir.path().join("records.damaged-1").exists();
        assert_eq!(aside, reason != "missing");
    }
}

#[test]
fn the_record_store_of_another_node_is_not_taken_for_this_ones() {
    let dir = closed_with([entry(1, 1), entry(2, 1)]);
    let other = closed_with([entry(8, 1), entry(9, 1)]);
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    copy_dir(&other.path().join("records"), &dir.path().join("records"));
    assert_rebuilt(dir.path(), "another journal", &[entry(1, 1), entry(2, 1)]);
}

#[test]
fn an_old_copy_of_the_record_store_catches_up_with_the_journal() {
    let dir = closed_with([entry(1, 1), entry(2, 1)]);
    let old = tempdir().unwrap();
    copy_dir(&dir.path().join("records"), old.path());
    let store = open(dir.path());
    let drop_second = Change::DropEntry { key: key(1, 2), hash: version_of(&entry(2, 1)).hash };
    store.apply(vec![entry(1, 2), drop_second, entry(3, 1)]).unwrap();
    let incarnation = store.incarnation();
    store.close().unwrap();
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    copy_dir(old.path(), &dir.path().join("records"));

    let mut told = Vec::new();
    let store =
        DiskStore::open(dir.path(), &Options::default(), &mut |progress| told.push(progress))
            .unwrap();
    assert_eq!(*store.opening(), Opening { replayed: 3, ..Opening::default() });
    assert_eq!(told.last().map(|progress| (progress.done, progress.total)), Some((3, 3)));
    assert_eq!(held(&store, 1), hashes(&[entry(1, 2), entry(3, 1)]));
    assert_eq!(store.incarnation(), incarnation);
    assert_eq!(
        store.changes_since(0, 9).unwrap(),
        [(3, key(1, 1)), (4, key(1, 2)), (5, key(1, 3))]
    );
}

#[test]
fn a_record_store_ahead_of_the_journal_is_rebuilt_and_says_why() {
    let dir = tempdir().unwrap();
    let store = open(dir.path());
    store.apply(vec![entry(1, 1)]).unwrap();
    let segment = dir.path().join("journal/00000000000000000001.journal");
    let length = fs::metadata(&segment).unwrap().len();
    store.apply(vec![entry(2, 1), entry(3, 1)]).unwrap();
    store.close().unwrap();
    fs::File::options().append(true).open(&segment).unwrap().set_len(length).unwrap();
    assert_rebuilt(dir.path(), "changes up to 3 but the journal ends at 1", &[entry(1, 1)]);
}

#[test]
fn damage_in_the_middle_of_the_journal_costs_one_change_and_is_told() {
    let dir = closed_with((0..5).map(|record| entry(record, 1)));
    let segment = dir.path().join("journal/00000000000000000001.journal");
    let mut bytes = fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let store = open(dir.path());
    assert_eq!(store.opening().set_aside.len(), 1);
    assert_eq!(held(&store, 1).len(), 5, "the record store still has all");
    store.close().unwrap();
    fs::remove_dir_all(dir.path().join("records")).unwrap();
    let store = open(dir.path());
    assert_eq!(held(&store, 1).len(), 4);
    assert_eq!(store.opening().lost, 1);
}

#[test]
fn a_store_that_nobody_closed_is_verified_and_keeps_all_that_was_acknowledged() {
    let dir = tempdir().unwrap();
    let files = Lossy::default();
    let options = Options { files: Arc::new(files.clone()), ..Options::default() };
    let store = open_with(dir.path(), &options).unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..6 {
        for record in 0..40 {
            acknowledged.push(entry(record + round * 40, 1));
        }
        store.apply(acknowledged[usize::from(round) * 40..].to_vec()).unwrap();
        let after = tempdir().unwrap();
        files.cut_power(dir.path(), after.path(), 0);
        let reopened = open(after.path());
        assert_eq!(held(&reopened, 1), hashes(&acknowledged), "round {round}");
        assert_eq!(reopened.position(), acknowledged.len() as u64);
    }
}

#[test]
fn a_full_disk_refuses_changes_until_there_is_room_again() {
    let dir = tempdir().unwrap();
    let files = Lossy::default();
    let options = Options { files: Arc::new(files.clone()), ..Options::default() };
    let store = open_with(dir.path(), &options).unwrap();
    store.apply(vec![entry(1, 1)]).unwrap();
    files.leave_room(Some(50));
    let error = store.apply(vec![entry(1, 2), entry(2, 1)]).unwrap_err();
    assert_eq!(error, StoreError::DiskFull { dir: dir.path().to_owned() });
    assert_eq!(held(&store, 1), hashes(&[entry(1, 1)]));
    files.leave_room(None);
    store.apply(vec![entry(2, 1)]).unwrap();
    store.close().unwrap();
    let store = open(dir.path());
    assert_eq!(*store.opening(), Opening::default());
    assert_eq!(held(&store, 1), hashes(&[entry(1, 1), entry(2, 1)]));
}

#[test]
fn after_a_failed_sync_nothing_is_accepted_but_all_is_readable() {
    let dir = tempdir().unwrap();
    let files = Lossy::default();
    let options = Options { files: Arc::new(files.clone()), ..Options::default() };
    let store = open_with(dir.path(), &options).unwrap();
    store.apply(vec![entry(1, 1)]).unwrap();
    files.fail_syncs(Some(std::io::ErrorKind::Other));
    let error = store.apply(vec![entry(2, 1)]).unwrap_err();
    assert!(matches!(&error, StoreError::Stopped { .. }), "{error:?}");
    files.fail_syncs(None);
    assert_eq!(store.apply(vec![entry(3, 1)]).unwrap_err(), error, "it is never tried again");
    assert!(error.to_string().starts_with("Staffroom accepts no changes until it is restarted"));
    assert_eq!(held(&store, 1), hashes(&[entry(1, 1)]));
    assert_eq!(store.close().unwrap_err(), error);
    assert!(!dir.path().join("clean").exists(), "the next start verifies");

    let store = open(dir.path());
    assert!(held(&store, 1).is_superset(&hashes(&[entry(1, 1)])));
    store.apply(vec![entry(3, 1)]).unwrap();
}

fn this_test(name: &str) -> Verifier {
    Verifier {
        program: std::env::current_exe().unwrap(),
        arguments: ["--ignored", "--exact", name].map(Into::into).to_vec(),
        limit: Duration::from_secs(60),
    }
}

#[test]
#[ignore = "the child of other tests; its last argument is a data directory"]
fn child_that_verifies() {
    super::verify(Path::new(&std::env::args().next_back().unwrap())).unwrap();
}

#[test]
#[ignore = "the child of another test; its last argument is a data directory"]
fn child_that_writes_until_it_is_killed() {
    let store = open(Path::new(&std::env::args().next_back().unwrap()));
    for clock in 1.. {
        let changes = (0..5).map(|record| entry(record, clock)).collect();
        store.apply(changes).unwrap();
        println!("acknowledged {clock}");
    }
}

fn unclean(changes: &[Change]) -> TempDir {
    let dir = closed_with(changes.iter().cloned());
    fs::remove_file(dir.path().join("clean")).unwrap();
    dir
}

#[test]
fn an_unclean_store_is_verified_in_another_process() {
    let changes = [entry(1, 1), entry(2, 1)];
    let options = Options {
        verifier: Some(this_test("store::scenarios::child_that_verifies")),
        ..Options::default()
    };
    let dir = unclean(&changes);
    let store = open_with(dir.path(), &options).unwrap();
    assert_eq!(*store.opening(), Opening::default());
    drop(store);

    fs::remove_file(dir.path().join("clean")).unwrap();
    empty_snapshots(&dir.path().join("records"));
    let store = open_with(dir.path(), &options).unwrap();
    let rebuilt = store.opening().rebuilt.clone().unwrap();
    assert!(rebuilt.starts_with("reading it failed (exit status: 101)"), "{rebuilt}");
    assert_eq!(held(&store, 1), hashes(&changes));
}

#[cfg(unix)]
#[test]
fn a_verification_that_hangs_or_fails_is_ended_and_the_store_rebuilt() {
    for (script, limit, reason) in [
        ("exec sleep 600", Duration::from_millis(300), "reading it took over 0 s"),
        (
            "echo row 7 is bad >&2; exit 3",
            Duration::from_secs(60),
            "(exit status: 3): row 7 is bad",
        ),
    ] {
        let changes = [entry(1, 1), entry(2, 1)];
        let dir = unclean(&changes);
        let program = "/bin/sh".into();
        let arguments = ["-c", script].map(Into::into).to_vec();
        let verifier = Some(Verifier { program, arguments, limit });
        let started = Instant::now();
        let store = open_with(dir.path(), &Options { verifier, ..Options::default() }).unwrap();
        assert!(started.elapsed() < Duration::from_secs(60));
        assert!(store.opening().rebuilt.as_ref().unwrap().contains(reason));
        assert_eq!(held(&store, 1), hashes(&changes));
    }
}

/// A child that does not outlive a test that fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn a_process_killed_while_it_writes_loses_nothing_acknowledged() {
    let dir = tempdir().unwrap();
    let mut last = 0;
    for _ in 0..3 {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("store::scenarios::child_that_writes_until_it_is_killed")
            .arg(dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut child = Killed(child);
        let until = last + 50;
        let words = BufReader::new(child.0.stdout.take().unwrap());
        for line in words.lines().map(Result::unwrap) {
            let Some((_, number)) = line.split_once("acknowledged ") else { continue };
            let number: u64 = number.parse().unwrap();
            if number == until {
                child.0.kill().unwrap();
            }
            last = last.max(number);
        }
        child.0.wait().unwrap();
        let store = open(dir.path());
        for record in 0..5 {
            let held = store.entry(&key(1, record)).unwrap().unwrap();
            assert!(held.version.clock.as_u64() >= last, "{held:?} is older than {last}");
        }
        last = store.entry(&key(1, 0)).unwrap().unwrap().version.clock.as_u64();
        assert_eq!(store.opening().rebuilt, None);
    }
    assert!(last >= 100);
}

#[test]
fn the_encoding_of_a_change_never_changes() {
    let encoded = |change: &Change| data_encoding::HEXLOWER.encode(&wire::encode(change));
    assert_eq!(
        encoded(&local("x")),
        "a1656c6f63616ca3657461626c656873657474696e6773636b6579446e616d656576616c75654178"
    );
    assert_eq!(
        encoded(&Change::ForgetBlob { hash: Hash::from_bytes([1; 32]) }),
        format!("a16b666f726765745f626c6f62a164686173685820{}", "01".repeat(32))
    );
    let version = Version {
        withdrawal: false,
        clock: Timestamp::from_u64(5),
        hash: Hash::from_bytes([2; 32]),
    };
    assert_eq!(
        encoded(&Change::Entry { key: key(3, 4), version, bytes: b"x".into() }),
        [
            "a165656e747279a3636b6579a36567726f75705820",
            &"03".repeat(32),
            "667363686f6f6c5820",
            &"07".repeat(32),
            "667265636f726450",
            &"04".repeat(16),
            "6776657273696f6ea36a7769746864726177616cf465636c6f636b0564686173685820",
            &"02".repeat(32),
            "6562797465734178",
        ]
        .concat()
    );
}
