use std::os::unix::fs::{MetadataExt, PermissionsExt};

use jiff::SignedDuration;
use staffroom_protocol::group::Claims;

use super::*;
use crate::home::Lock;
use crate::store::Options;

struct Backed {
    /// Holds the data directory and the folder of the backups.
    dir: tempfile::TempDir,
    node: Arc<Node>,
}

impl Backed {
    fn up() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        let claims = Claims { name: "Ash Primary".into(), urn: None, phase: None, location: None };
        Home::new(&data).init(claims, &Lock::Open).unwrap();
        let node = Node::open(&data, &Options::default(), &mut |_| ()).unwrap();
        fs::create_dir(dir.path().join("backups")).unwrap();
        let backed = Self { dir, node };
        backed.set(35).unwrap();
        backed
    }

    fn to(&self) -> PathBuf {
        self.dir.path().join("backups")
    }

    fn set(&self, keep_days: u16) -> Result<(), BackupError> {
        self.node.set_backups(BackupSettings { to: self.to(), keep_days })
    }

    fn make(&self, at: &str) -> PathBuf {
        self.node.back_up(time(at)).unwrap().path
    }

    fn data(&self, path: &str) -> PathBuf {
        self.node.home().dir().join(path)
    }

    fn names(&self) -> Vec<String> {
        let listed = fs::read_dir(self.to()).unwrap();
        let mut names: Vec<String> =
            listed.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn paths(manifest: &Manifest) -> Vec<&str> {
    manifest.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn a_backup_has_what_a_new_server_needs_and_nothing_that_is_not_for_it() {
    let backed = Backed::up();
    fs::write(backed.data("recovery-kit.html"), "twenty-four words").unwrap();
    fs::write(backed.data("sessions.json"), "[]").unwrap();
    fs::write(backed.data("people.new"), "half").unwrap();
    fs::create_dir_all(backed.data("drafts")).unwrap();
    fs::write(backed.data("drafts/1.json"), "a draft").unwrap();
    let kept = backed.node.blobs().put(b"a lesson plan").unwrap();
    let made = backed.make("2026-11-25T03:00:00Z");
    let manifest = Manifest::read(&made).unwrap();
    manifest.verify(&made, &mut |_| ()).unwrap();
    let paths = paths(&manifest);
    for needed in ["school.json", "keys/node.key", "keys/school.key", "drafts/1.json", "VERSION"] {
        assert!(paths.contains(&needed), "{needed}: {paths:?}");
    }
    assert!(paths[0].starts_with("journal/"), "{paths:?}");
    let hash = kept.to_string();
    assert!(paths.iter().any(|path| path.starts_with("blobs/") && path.ends_with(&hash)));
    for left_out in [
        "recovery-kit.html",
        "sessions.json",
        "people.new",
        "lock",
        "api-token",
        "records",
        "index",
    ] {
        assert!(!paths.iter().any(|path| path.starts_with(left_out)), "{left_out}: {paths:?}");
    }
    for path in [&made, &made.join("data/keys/school.key")] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is for its owner alone", path.display());
    }
}

#[test]
fn what_did_not_change_takes_no_room_again_and_what_did_is_new() {
    let backed = Backed::up();
    backed.node.blobs().put(b"a lesson plan").unwrap();
    let first = backed.make("2026-11-24T03:00:00Z");
    fs::write(backed.data("synonyms.txt"), "maths = numeracy").unwrap();
    let second = backed.make("2026-11-25T03:00:00Z");
    let manifest = Manifest::read(&second).unwrap();
    manifest.verify(&second, &mut |_| ()).unwrap();
    assert!(paths(&manifest).contains(&"synonyms.txt"));
    for file in paths(&Manifest::read(&first).unwrap()) {
        let [old, new] =
            [&first, &second].map(|made| fs::metadata(made.join("data").join(file)).unwrap());
        assert_eq!(old.ino(), new.ino(), "{file} is one file with two names");
    }
    // One that was damaged is in the way of no other.
    fs::write(second.join("backup.json"), "{}").unwrap();
    let third = backed.make("2026-11-26T03:00:00Z");
    let (made, wrong) = backed.node.made_backups();
    assert_eq!(made.iter().map(|one| &one.path).collect::<Vec<_>>(), [&third, &first]);
    assert!(matches!(wrong, Some(BackupError::NoBackup { path, .. }) if path == second));
    let manifest = Manifest::read(&third).unwrap();
    // To remove the one leaves the other whole.
    fs::remove_dir_all(&first).unwrap();
    fs::remove_dir_all(&second).unwrap();
    manifest.verify(&third, &mut |_| ()).unwrap();
}

#[test]
fn backups_go_when_their_time_has_come_but_for_the_newest() {
    let backed = Backed::up();
    backed.set(2).unwrap();
    fs::create_dir(backed.to().join("staffroom-of-somebody-else")).unwrap();
    let partial =
        format!("{}{}", name(&backed.node.identity().school(), Timestamp::UNIX_EPOCH), ".partial");
    fs::create_dir(backed.to().join(&partial)).unwrap();
    for day in ["2026-11-20", "2026-11-21", "2026-11-22"] {
        backed.make(&format!("{day}T03:00:00Z"));
    }
    let left = |wanted: &[&str]| {
        let names = backed.names();
        assert_eq!(names.len(), wanted.len() + 1, "{names:?}");
        for day in wanted {
            assert!(names.iter().any(|name| name.contains(day)), "{day}: {names:?}");
        }
        assert!(names.iter().any(|name| name.ends_with("somebody-else")), "{names:?}");
    };
    left(&["20261121", "20261122"]);
    backed.make("2026-12-30T03:00:00Z");
    left(&["20261230"]);
}

#[test]
fn a_backup_that_was_changed_is_not_restored_and_nothing_is_left_of_it() {
    let backed = Backed::up();
    let made = backed.make("2026-11-25T03:00:00Z");
    let new = backed.dir.path().join("new");
    let home = Home::new(&new);
    let key = made.join("data/keys/node.key");
    let right = fs::read(&key).unwrap();
    let mut wrong = right.clone();
    wrong[0] ^= 1;
    fs::write(&key, &wrong).unwrap();
    let now = time("2026-11-26T12:00:00Z");
    let error = restore(&made, &home, now, &mut |_| ()).unwrap_err();
    assert!(
        matches!(&error, BackupError::Changed(path) if path.ends_with("keys/node.key")),
        "{error}"
    );
    assert!(!new.exists(), "what was copied is gone");
    let error = Manifest::read(&made).unwrap().verify(&made, &mut |_| ()).unwrap_err();
    assert!(matches!(error, BackupError::Changed(_)), "{error}");

    fs::write(&key, &right).unwrap();
    restore(&made, &home, now, &mut |_| ()).unwrap();
    let error = restore(&made, &home, now, &mut |_| ()).unwrap_err();
    assert!(matches!(error, BackupError::NotEmpty(_)), "{error}");
    assert!(new.join("school.json").exists(), "what was there stays");
    let restored = Node::open(&new, &Options::default(), &mut |_| ()).unwrap();
    assert_eq!(restored.identity().school(), backed.node.identity().school());
    // In no group there is nobody to hear from.
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    while restored.waits_since_restored().is_some() {
        assert!(std::time::Instant::now() < deadline, "it takes up what is there");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(!new.join("restored.json").exists());
}

#[test]
fn a_folder_that_cannot_be_used_is_named_and_said_where_people_look() {
    let backed = Backed::up();
    let set = |to: PathBuf, keep_days| {
        backed.node.set_backups(BackupSettings { to, keep_days }).unwrap_err().to_string()
    };
    for (to, days, said) in [
        (PathBuf::from("backups"), 35, "does not begin with /"),
        (backed.to().join("not-mounted"), 35, "is no folder that is there"),
        (backed.data("keys"), 35, "lies in the data directory"),
        (backed.to(), 36, "would stay 36 days, and may stay 1 to 35"),
        (backed.to(), 0, "would stay 0 days"),
    ] {
        let error = set(to, days);
        assert!(error.contains(said), "{error}");
    }
    fs::remove_dir(backed.to()).unwrap();
    let error = backed.node.back_up(time("2026-11-25T03:00:00Z")).unwrap_err();
    assert!(matches!(error, BackupError::NoFolder(_)), "{error}");
    assert_eq!(backed.node.backups().problem(), Some(error.to_string()));
    fs::create_dir(backed.to()).unwrap();
    backed.make("2026-11-25T04:00:00Z");
    assert_eq!(backed.node.backups().problem(), None);
    let again = Backups::open(backed.node.home());
    assert_eq!(again.settings(), backed.node.backups().settings(), "it holds after a restart");
    backed.node.forget_backups().unwrap();
    let error = backed.node.back_up(time("2026-11-25T05:00:00Z")).unwrap_err();
    assert!(matches!(error, BackupError::NotSet), "{error}");
}

#[test]
fn one_is_due_each_night_at_three_where_the_school_is() {
    let backed = Backed::up();
    let zone = backed.node.line().zone();
    let due = |now: &str| last_night(time(now), &zone).to_string();
    assert_eq!(due("2026-11-25T02:59:00Z"), "2026-11-24T03:00:00Z");
    assert_eq!(due("2026-11-25T03:00:00Z"), "2026-11-25T03:00:00Z");
    // In summer it is two in UTC.
    assert_eq!(due("2026-07-01T12:00:00Z"), "2026-07-01T02:00:00Z");
    let look = |now| make_if_due(&backed.node, time(now));
    look("2026-11-25T02:00:00Z");
    assert_eq!(backed.names().len(), 1, "there was none at all");
    look("2026-11-25T02:50:00Z");
    assert_eq!(backed.names().len(), 1);
    look("2026-11-25T03:10:00Z");
    assert_eq!(backed.names().len(), 2);
    look("2026-11-25T23:00:00Z");
    assert_eq!(backed.names().len(), 2);
    let since = time("2026-11-26T03:01:00Z").duration_since(time("2026-11-25T03:10:00Z"));
    assert!(since > SignedDuration::from_hours(23));
    look("2026-11-26T03:01:00Z");
    assert_eq!(backed.names().len(), 3);
}
