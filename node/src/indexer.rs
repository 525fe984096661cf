//! Keeps the search index in step with the store.
//!
//! The store's positions are the cursor: everything changed after the index's position is read and
//! put again. An index that is missing, outdated or damaged starts at 0, so filling it is the same
//! walk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::{GroupId, RecordId, SchoolId};
use staffroom_search::{
    Change, Document, DocumentKey, Index, IndexError, Query, QueryError, Results, State, evidence,
};

use crate::network::Network;
use crate::node::Node;
use crate::records::school_names;
use crate::store::{Store, StoreError};

/// Changes read at once.
const BATCH: usize = 1_000;

/// While changes keep coming, they become searchable this often; a commit costs about 10 ms.
const COMMIT_EVERY: Duration = Duration::from_millis(400);

/// How long indexing waits for a catch-up that brings much.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// The index and its progress.
#[derive(Debug)]
pub struct Indexer {
    index: Index,
    /// The store's position up to which changes are searchable.
    position: AtomicU64,
    /// Why the index was empty when it was opened.
    rebuilt_because: Option<String>,
    stopping: AtomicBool,
    awake: Mutex<bool>,
    waking: Condvar,
}

impl Indexer {
    /// Opens the index; what is wrong with it never stops a node.
    ///
    /// # Errors
    /// [`IndexError`] if its folder cannot be used at all.
    pub(crate) fn open(dir: &Path, store: &dyn Store) -> Result<Self, IndexError> {
        let opened = Index::open(dir, store.incarnation())?;
        let (position, rebuilt_because) = match opened.state {
            State::Current { position } if position <= store.position() => (position, None),
            State::Current { .. } => (0, Some("the search index is ahead of the store".to_owned())),
            State::Empty { reason } => (0, Some(reason.to_string())),
        };
        if let Some(reason) = &rebuilt_because
            && store.position() > 0
        {
            tracing::warn!(reason, "the search index is being made again");
        }
        Ok(Self {
            index: opened.index,
            position: AtomicU64::new(position),
            rebuilt_because,
            stopping: AtomicBool::new(false),
            awake: Mutex::new(true),
            waking: Condvar::new(),
        })
    }

    /// Starts the thread that follows the store; it ends with the node.
    pub(crate) fn start(node: &Arc<Node>) {
        let weak = Arc::downgrade(node);
        let started = std::thread::Builder::new()
            .name("indexer".into())
            .spawn(move || while follow(&weak) {});
        if let Err(error) = started {
            tracing::error!(%error, "the search index is not kept up to date");
        }
    }

    /// Says that the store changed.
    pub(crate) fn wake(&self) {
        *self.awake.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.waking.notify_all();
    }

    /// Ends the thread after what it is doing.
    pub(crate) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    /// Makes the whole index again from the store, while searches go on.
    pub fn rebuild(&self) {
        self.position.store(0, Ordering::Release);
        self.wake();
    }

    /// The store's position up to which changes are searchable.
    pub fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    /// Whether every entry in the store can be found.
    pub fn is_up_to_date(&self, store: &dyn Store) -> bool {
        store.changes_since(self.position(), 1).is_ok_and(|changes| changes.is_empty())
    }

    /// Writes anew what of the index holds the text of removed documents.
    pub(crate) fn purge(&self) -> Result<bool, IndexError> {
        Ok(self.index.purge()?.left == 0)
    }

    /// How many documents there are.
    pub fn count(&self) -> u64 {
        self.index.count()
    }

    /// Why the index was made again when the node started, if it was.
    pub fn rebuilt_because(&self) -> Option<&str> {
        self.rebuilt_because.as_deref()
    }

    /// Answers a query.
    ///
    /// # Errors
    /// [`QueryError`] says which bound the query breaks.
    pub fn search(&self, query: &Query) -> Result<Results, QueryError> {
        self.index.search(query)
    }

    fn sleep(&self, longest: Duration) {
        let awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.waking.wait_timeout_while(awake, longest, |awake| !*awake);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// Brings the index up to date once, then sleeps; false when the node has gone.
fn follow(node: &Weak<Node>) -> bool {
    const LONGEST_SLEEP: Duration = Duration::from_millis(500);
    let Some(node) = node.upgrade() else { return false };
    if node.indexer().stopping.load(Ordering::Acquire) {
        return false;
    }
    if let Err(error) = bring_up_to_date(&node) {
        tracing::error!(%error, "the search index was not brought up to date");
        std::thread::sleep(LONGEST_SLEEP);
    }
    let indexer = node.indexer();
    indexer.sleep(LONGEST_SLEEP);
    true
}

fn bring_up_to_date(node: &Node) -> Result<(), FollowError> {
    let indexer = node.indexer();
    let mut position = indexer.position();
    let filling = position == 0;
    if filling {
        indexer.index.clear()?;
    }
    let started = Instant::now();
    let mut last_commit = started;
    let mut uncommitted = false;
    loop {
        let changes = node.store().changes_since(position, BATCH)?;
        let Some((last, _)) = changes.last() else { break };
        let records: BTreeSet<(SchoolId, RecordId)> =
            changes.iter().map(|(_, key)| (key.school, key.record)).collect();
        let names = Names::of(node);
        for (school, record) in records {
            indexer.index.apply(documents(node, &names, school, record, &changes)?)?;
        }
        position = *last;
        uncommitted = true;
        if last_commit.elapsed() >= COMMIT_EVERY {
            // While an index is being filled, its stamp stays 0, so that one that is cut short is
            // filled again.
            indexer.index.commit(if filling { 0 } else { position })?;
            last_commit = Instant::now();
            uncommitted = filling;
            if filling {
                tracing::info!(position, of = node.store().position(), "filling the search index");
            } else {
                indexer.position.store(position, Ordering::Release);
            }
        }
        if indexer.stopping.load(Ordering::Acquire) {
            break;
        }
        if changes.len() == BATCH {
            wait_while_far_behind(node, started);
        }
    }
    if uncommitted {
        indexer.index.commit(position)?;
        indexer.position.store(position, Ordering::Release);
    }
    Ok(())
}

/// Lets a node that lacks much have the processors to itself: both at once take longer for both. But
/// not for ever: the line may be slow.
fn wait_while_far_behind(node: &Node, started: Instant) {
    let far_behind = || node.network().is_some_and(Network::is_far_behind);
    while far_behind()
        && started.elapsed() < LONGEST_WAIT
        && !node.indexer().stopping.load(Ordering::Acquire)
    {
        std::thread::sleep(COMMIT_EVERY);
    }
}

/// The documents of a record in all groups, since which of them is the newest may have changed.
fn documents(
    node: &Node,
    names: &Names,
    school: SchoolId,
    record: RecordId,
    changed: &[(u64, EntryKey)],
) -> Result<Vec<Change>, FollowError> {
    let mut versions = node.store().versions_in_groups(&school, &record)?;
    versions.sort_by_key(|(_, version)| (version.clock, version.hash));
    let mut changes: Vec<Change> = changed
        .iter()
        .filter(|(_, key)| key.school == school && key.record == record)
        .map(|(_, key)| Change::Remove(document_key(key)))
        .collect();
    let mut shown = Vec::new();
    for (group, version) in versions {
        let key = EntryKey { group, school, record };
        let Some(held) = node.store().entry(&key)? else { continue };
        if version.withdrawal {
            continue;
        }
        let Ok(entry) = Entry::reopen(&held.bytes) else { continue };
        match entry.summary() {
            Ok(Some(summary)) => {
                let mut document = Document::new(document_key(&key), entry.kind(), entry.clock());
                document.school_name = names.school(&group, &school);
                document.group_name = names.group(&group);
                if let Some(figures) = &summary.figures {
                    document.effect = evidence::effect(figures);
                    document.pupils = evidence::pupils(figures);
                }
                document.summary = summary;
                document.body = node.body_text(&entry);
                shown.push(document);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, %record, "a summary cannot be read"),
        }
    }
    Document::mark_newer(&mut shown);
    changes.extend(shown.into_iter().map(|document| Change::Put(Box::new(document))));
    Ok(changes)
}

/// What groups and their schools are called.
struct Names {
    groups: BTreeMap<GroupId, String>,
    schools: BTreeMap<GroupId, BTreeMap<SchoolId, String>>,
}

impl Names {
    fn of(node: &Node) -> Self {
        let groups = node.group_names();
        let schools = groups.keys().map(|group| (*group, school_names(node, group))).collect();
        Self { groups, schools }
    }

    fn group(&self, group: &GroupId) -> String {
        self.groups.get(group).cloned().unwrap_or_else(|| group.short())
    }

    fn school(&self, group: &GroupId, school: &SchoolId) -> String {
        let name = self.schools.get(group).and_then(|schools| schools.get(school));
        name.cloned().unwrap_or_else(|| school.short())
    }
}

fn document_key(key: &EntryKey) -> DocumentKey {
    DocumentKey { group: key.group, school: key.school, record: key.record }
}

#[derive(Debug, thiserror::Error)]
enum FollowError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Index(#[from] IndexError),
}
