//! What becomes of the folder: reopened, outdated, foreign, damaged.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::query::Filters;
use crate::testing::{STORE, document, index_of, open, put, search};

/// A folder with an index of some documents in two segments, one of which has a removed document.
fn folder_with_index() -> TempDir {
    let (folder, index) = index_of((0..20).map(|n| document(n, &format!("reading {n}"))));
    index.apply((20..30).map(|n| put(document(n, "writing")))).unwrap();
    index.apply([Change::Remove(document(3, "").key)]).unwrap();
    index.commit(42).unwrap();
    folder
}

fn reason(state: State) -> String {
    match state {
        State::Empty { reason } => reason.to_string(),
        State::Current { position } => format!("current at {position}"),
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Whatever the folder held, it must open, be usable, and be whole when it is filled again.
fn refill(dir: &Path) -> String {
    let Opened { index, state } = Index::open(dir, STORE).unwrap();
    let _ = search(&index, "reading");
    if matches!(state, State::Empty { .. }) {
        assert_eq!(index.count(), 0);
    }
    index.apply([put(document(1, "reading again"))]).unwrap();
    index.commit(50).unwrap();
    assert!(search(&index, "again").total == 1);
    drop(index);
    let again = Index::open(dir, STORE).unwrap();
    assert_eq!(again.state, State::Current { position: 50 });
    assert_eq!(search(&again.index, "again").total, 1);
    reason(state)
}

#[test]
fn an_index_is_reopened_where_it_was_committed() {
    let folder = folder_with_index();
    {
        let Opened { index, state } = Index::open(folder.path(), STORE).unwrap();
        assert_eq!(state, State::Current { position: 42 });
        assert_eq!((index.count(), search(&index, "reading").total), (29, 19));
        index.apply([put(document(99, "never committed"))]).unwrap();
    }
    let Opened { index, state } = Index::open(folder.path(), STORE).unwrap();
    assert_eq!((state, index.count()), (State::Current { position: 42 }, 29));
    index.commit(43).unwrap();
    drop(index);
    assert_eq!(Index::open(folder.path(), STORE).unwrap().state, State::Current { position: 43 });
}

#[test]
fn a_new_index_is_empty_until_it_was_filled_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("deep/inside");
    assert_eq!(Index::open(&dir, STORE).unwrap().state, State::Empty { reason: EmptyReason::New });

    let unfinished = State::Empty { reason: EmptyReason::Unfinished };
    let Opened { index, state } = Index::open(&dir, STORE).unwrap();
    assert_eq!(state, unfinished);
    index.apply([put(document(1, "half of it"))]).unwrap();
    index.commit(0).unwrap();
    assert_eq!(index.count(), 1);
    drop(index);

    let Opened { index, state } = Index::open(&dir, STORE).unwrap();
    assert_eq!((state, index.count()), (unfinished, 0));
}

#[test]
fn an_index_of_another_store_or_format_is_emptied() {
    let folder = folder_with_index();
    let other = Index::open(folder.path(), [8; 16]).unwrap();
    assert_eq!(other.state, State::Empty { reason: EmptyReason::OtherStore });
    assert_eq!(other.index.count(), 0);
    drop(other);

    let folder = folder_with_index();
    let meta = folder.path().join("meta.json");
    let stamp = stamp::write(STORE, 42);
    let older = stamp::write_version(SCHEMA_VERSION + 1, STORE, 42);
    let text = fs::read_to_string(&meta).unwrap();
    assert!(text.contains(&stamp));
    fs::write(&meta, text.replace(&stamp, &older)).unwrap();
    assert_eq!(
        refill(folder.path()),
        format!(
            "the search index has version {} of its format and this program needs {SCHEMA_VERSION}",
            SCHEMA_VERSION + 1
        )
    );
}

#[test]
fn a_missing_or_foreign_file_list_is_reported() {
    let folder = folder_with_index();
    fs::remove_file(folder.path().join("meta.json")).unwrap();
    assert_eq!(refill(folder.path()), "the search index is damaged: its file meta.json is missing");

    for garbage in ["", "{}", "null", "\u{0}\u{1}", "[[[[[[[[[["] {
        let folder = folder_with_index();
        fs::write(folder.path().join("meta.json"), garbage).unwrap();
        assert!(refill(folder.path()).starts_with("the search index is damaged: "));
    }
    let folder = folder_with_index();
    fs::write(folder.path().join(".managed.json"), "garbage").unwrap();
    assert!(refill(folder.path()).starts_with("the search index is damaged: "));
}

#[test]
fn damage_to_any_file_is_noticed_and_never_panics() {
    let names: Vec<_> = files(folder_with_index().path())
        .iter()
        .filter_map(|path| path.extension().map(|extension| extension.to_owned()))
        .filter(|extension| !["json", "lock"].iter().any(|other| extension == other))
        .collect();
    assert!(names.len() >= 12, "{names:?}");
    let damages: [fn(&mut Vec<u8>); 6] = [
        |bytes| bytes.clear(),
        |bytes| bytes.truncate(bytes.len() / 2),
        |bytes| bytes.truncate(bytes.len() - 1),
        |bytes| bytes[0] ^= 1,
        |bytes| bytes.extend(b"more"),
        |bytes| bytes.fill(0xA5),
    ];
    let mut extensions = names;
    extensions.dedup();
    for extension in extensions {
        for damage in damages {
            let folder = folder_with_index();
            let path = files(folder.path())
                .into_iter()
                .find(|path| path.extension() == Some(&extension))
                .unwrap();
            let mut bytes = fs::read(&path).unwrap();
            damage(&mut bytes);
            fs::write(&path, bytes).unwrap();
            let reason = refill(folder.path());
            assert!(reason.starts_with("the search index is damaged: "), "{extension:?}: {reason}");
        }
        let folder = folder_with_index();
        for path in files(folder.path()) {
            if path.extension() == Some(&extension) {
                fs::remove_file(path).unwrap();
            }
        }
        let reason = refill(folder.path());
        assert!(reason.starts_with("the search index is damaged: "), "{extension:?}: {reason}");
    }
}

#[test]
fn a_flipped_bit_in_the_file_lists_never_panics() {
    let folder = folder_with_index();
    let kept: Vec<_> =
        files(folder.path()).into_iter().map(|path| (fs::read(&path).unwrap(), path)).collect();
    for name in ["meta.json", ".managed.json"] {
        let length = fs::metadata(folder.path().join(name)).unwrap().len();
        for at in (0..usize::try_from(length).unwrap()).step_by(37) {
            for path in files(folder.path()) {
                fs::remove_file(path).unwrap();
            }
            for (bytes, path) in &kept {
                fs::write(path, bytes).unwrap();
            }
            let path = folder.path().join(name);
            let mut bytes = fs::read(&path).unwrap();
            bytes[at] ^= 1;
            fs::write(&path, bytes).unwrap();
            refill(folder.path());
        }
    }
}

#[test]
fn files_that_are_not_the_engines_are_left_alone() {
    let folder = folder_with_index();
    let foreign = folder.path().join("homework.docx");
    fs::write(&foreign, "mine").unwrap();
    fs::write(folder.path().join("meta.json"), "garbage").unwrap();
    refill(folder.path());
    assert_eq!(fs::read_to_string(foreign).unwrap(), "mine");
}

#[test]
fn a_second_user_of_the_folder_is_refused_and_clears_nothing() {
    let folder = folder_with_index();
    let first = open(folder.path());
    let error = Index::open(folder.path(), [8; 16]).unwrap_err();
    assert!(matches!(error, IndexError::InUse { .. }), "{error}");
    assert_eq!(search(&first, "reading").total, 19);
}

#[test]
fn a_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Index::open(&file, STORE).unwrap_err().to_string();
    assert!(error.contains("file") && error.contains("cannot be used"), "{error}");
}

#[test]
fn a_purge_takes_the_text_of_removed_documents_off_the_disk() {
    let (folder, index) = index_of((0..100).map(|n| document(n, "reading")));
    index.apply([put(document(200, "unmistakable"))]).unwrap();
    index.commit(2).unwrap();
    index
        .apply([Change::Remove(document(200, "").key), Change::Remove(document(5, "").key)])
        .unwrap();
    index.commit(3).unwrap();

    let purged = index.purge().unwrap();
    assert_eq!(purged.left, 0);
    assert_eq!(index.count(), 99);
    let searcher = index.reader.searcher();
    let word = Term::from_field_text(index.fields.text(schema::TextField::Summary), "unmistak");
    assert_eq!(searcher.doc_freq(&word).unwrap(), 0);
    let documents: u32 = searcher.segment_readers().iter().map(|segment| segment.max_doc()).sum();
    assert_eq!(documents, 99);

    let live: Vec<_> = searcher
        .segment_readers()
        .iter()
        .map(|segment| segment.segment_id().uuid_string())
        .collect();
    let stale: Vec<_> = files(folder.path())
        .into_iter()
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            !name.starts_with('.')
                && name != "meta.json"
                && !live.iter().any(|id| name.starts_with(id))
        })
        .collect();
    assert_eq!(stale, Vec::<PathBuf>::new());
    assert_eq!(index.purge().unwrap(), Purged { purged: 0, left: 0 });
    drop((index, searcher));
    assert_eq!(Index::open(folder.path(), STORE).unwrap().state, State::Current { position: 3 });
}

#[test]
fn searches_run_beside_the_feeding() {
    let (_folder, index) = index_of([document(0, "reading")]);
    std::thread::scope(|scope| {
        let searching = scope.spawn(|| {
            let mut last = 0;
            for _ in 0..50 {
                let within = Query { filters: Filters::default(), ..Query::new("reading") };
                let total = index.search(&within).unwrap().total;
                assert!(total >= last, "{total} after {last}");
                last = total;
            }
        });
        for n in 1..10 {
            index.apply([put(document(n, "reading"))]).unwrap();
            index.commit(n.into()).unwrap();
        }
        searching.join().unwrap();
    });
    assert_eq!(search(&index, "reading").total, 10);
}

#[test]
fn a_disk_that_fails_for_a_while_costs_nothing_that_is_applied_again() {
    let parent = tempfile::tempdir().unwrap();
    let (here, away) = (parent.path().join("index"), parent.path().join("away"));
    let index = open(&here);
    index.apply([put(document(1, "reading before"))]).unwrap();
    index.commit(1).unwrap();
    fs::rename(&here, &away).unwrap();
    let again = || -> Result<(), IndexError> {
        index.apply([put(document(2, "reading meanwhile"))])?;
        index.commit(2)
    };
    assert!(again().is_err());
    assert!(again().is_err(), "it does not take what it cannot keep");
    assert_eq!(search(&index, "reading").total, 1);
    fs::rename(&away, &here).unwrap();
    again().unwrap();
    assert_eq!(search(&index, "reading").total, 2);
    drop(index);
    let Opened { index, state } = Index::open(&here, STORE).unwrap();
    assert_eq!(state, State::Current { position: 2 });
    assert_eq!(search(&index, "reading").total, 2);
}

#[test]
fn a_cleared_index_holds_what_is_put_after() {
    let (_folder, index) = index_of((0..3).map(|n| document(n, &format!("reading {n}"))));
    index.clear().unwrap();
    index.apply([put(document(9, "reading anew"))]).unwrap();
    index.commit(5).unwrap();
    assert_eq!((index.count(), search(&index, "reading").total), (1, 1));
}
