//! Keeps the search index in step with the store.
//!
//! The store's positions are the cursor: everything changed after the index's position is read and
//! put again. An index that is missing, outdated or damaged starts at 0, so filling it is the same
//! walk.

mod answers;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use staffroom_protocol::entry::{Entry, EntryKey};
use staffroom_protocol::hash::{RecordId, SchoolId};
use staffroom_search::evidence::{LineageKind, RecordKey, ReportEvidence};
use staffroom_search::{
    Change, Document, DocumentKey, Filters, Hit, Index, IndexError, MAX_LIMIT, Query, QueryError,
    Results, Snapshot, State, Synonyms,
};

use self::answers::Answers;
use crate::lineage::Lineages;
use crate::names::Names;
use crate::network::Network;
use crate::node::Node;
use crate::saved_searches::{Put, tell};
use crate::store::{Store, StoreError};

/// Changes read at once.
const BATCH: usize = 1_000;

/// While changes keep coming, they become searchable this often; a commit costs about 10 ms.
const COMMIT_EVERY: Duration = Duration::from_millis(400);

/// The largest file of synonyms that is read: some ten thousand lines.
const MAX_SYNONYMS_BYTES: u64 = 1024 * 1024;

/// How long indexing waits for a catch-up that brings much.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Lineages that wait for their other documents to be put again while changes keep coming in full
/// batches, so that much arriving at once costs each lineage once.
const MOST_STALE: usize = 1_000;

/// Documents of one lineage that are put again because of a change to another of its records, those
/// nearest to its intervention first: some 20 ms of work. Those further on follow with their own next
/// change, so that a lineage of thousands does not make each arrival cost thousands.
const MOST_REFRESHED: usize = 200;

/// The index and its progress.
#[derive(Debug)]
pub struct Indexer {
    index: Index,
    answers: Answers,
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
    pub(crate) fn open(dir: &Path, synonyms: &Path, store: &dyn Store) -> Result<Self, IndexError> {
        let mut opened = Index::open(dir, store.incarnation())?;
        if let Some(synonyms) = own_synonyms(synonyms) {
            opened.index.set_synonyms(synonyms);
        }
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
            answers: Answers::default(),
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
        let shown = match self.answers.to(query) {
            Ok(results) => return Ok(results),
            Err(shown) => shown,
        };
        let results = self.index.search(query)?;
        self.answers.keep(shown, query, &results);
        Ok(results)
    }

    /// Makes all changes so far durable and searchable.
    fn commit(&self, position: u64) -> Result<(), IndexError> {
        let committed = self.index.commit(position);
        self.answers.forget();
        committed
    }

    /// The first `most` hits for a query, over as many pages as that needs, and how many there are in all.
    /// Which page the query is for does not matter, and nothing is counted.
    ///
    /// # Errors
    /// [`QueryError`] says which bound the query breaks.
    pub fn first_hits(
        &self,
        mut query: Query,
        most: usize,
    ) -> Result<(Vec<Hit>, usize), QueryError> {
        query.facets.clear();
        let mut hits = Vec::new();
        loop {
            query.offset = hits.len();
            query.limit = MAX_LIMIT.min(most - hits.len());
            let found = self.search(&query)?;
            hits.extend(found.hits);
            if !found.more || hits.len() >= most {
                return Ok((hits, found.total));
            }
        }
    }

    /// Records that are about the same as one of `keys`, the first that is held.
    ///
    /// # Errors
    /// [`QueryError`] if the index cannot be read.
    pub fn more_like(
        &self,
        keys: impl IntoIterator<Item = DocumentKey>,
        filters: &Filters,
        limit: usize,
    ) -> Result<Vec<Hit>, QueryError> {
        self.index.more_like(keys, filters, limit)
    }

    /// Records that name one in their summaries, the newest first.
    ///
    /// # Errors
    /// [`QueryError`] if the index cannot be read.
    pub fn referring_to(
        &self,
        record: &RecordId,
        filters: &Filters,
    ) -> Result<Vec<DocumentKey>, QueryError> {
        self.index.referring_to(record, filters)
    }

    /// What a person who is typing may be about to ask.
    ///
    /// # Errors
    /// [`QueryError`] if the index cannot be read.
    pub fn suggest(
        &self,
        text: &str,
        filters: &Filters,
        limit: usize,
    ) -> Result<Vec<String>, QueryError> {
        self.index.suggest(text, filters, limit)
    }

    /// Whether one record that passes the filters has all words of a text.
    ///
    /// # Errors
    /// [`QueryError`] if the index cannot be read.
    pub(crate) fn has_all_words(&self, text: &str, filters: &Filters) -> Result<bool, QueryError> {
        self.index.has_all_words(text, filters)
    }

    /// Which of the documents that were `put` a query finds, and did not find `before`.
    ///
    /// # Errors
    /// [`QueryError`] says which bound the query breaks.
    pub(crate) fn news(
        &self,
        query: &Query,
        put: &BTreeSet<DocumentKey>,
        before: Option<&Snapshot>,
    ) -> Result<Vec<DocumentKey>, QueryError> {
        self.index.news(query, put, before)
    }

    fn sleep(&self, longest: Duration) {
        let awake = self.awake.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.waking.wait_timeout_while(awake, longest, |awake| !*awake);
        *waited.unwrap_or_else(PoisonError::into_inner).0 = false;
    }
}

/// The words that mean the same here beside those that every node knows, where there is a file of
/// them. A file with a mistake is left out as a whole, and the log says which line to mend.
fn own_synonyms(path: &Path) -> Option<Synonyms> {
    let read = match std::fs::metadata(path) {
        Ok(file) if file.len() > MAX_SYNONYMS_BYTES => Err(format!(
            "it has {} bytes and may have {MAX_SYNONYMS_BYTES}; leave some out",
            file.len()
        )),
        Ok(_) => std::fs::read_to_string(path).map_err(|error| error.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => Err(error.to_string()),
    };
    let extended = read.and_then(|text| {
        Synonyms::standard().extended_by(&text).map_err(|error| error.to_string())
    });
    match extended {
        Ok(synonyms) => Some(synonyms),
        Err(reason) => {
            tracing::warn!(
                path = %path.display(),
                reason,
                "the file of words that mean the same is not used"
            );
            None
        }
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
    } else {
        tell_what_was_missed(node, position)?;
    }
    let started = Instant::now();
    let mut last_commit = started;
    let mut uncommitted = false;
    let filled_from = node.store().position();
    let mut stale = BTreeSet::new();
    // What saved searches have still to look at.
    let mut put = Vec::new();
    loop {
        let changes = node.store().changes_since(position, BATCH)?;
        let Some((last, _)) = changes.last() else { break };
        let records: BTreeSet<RecordKey> =
            changes.iter().map(|(_, key)| (key.school, key.record)).collect();
        let names = Names::of(node);
        let mut lineages = Lineages::new(node, &names);
        for key in &records {
            let changed = documents(node, &names, &mut lineages, *key, &changes)?;
            // While an index is filled, what is put reads a store that holds all of this already.
            if !filling || *last > filled_from {
                stale.extend(changed.iter().filter_map(origin));
            }
            put.extend(changed.iter().filter_map(key_put).filter(|_| !filling));
            indexer.index.apply(changed)?;
        }
        for record in node.store().take_bereft() {
            stale.extend(lineages.origin_of_id(record)?);
        }
        let caught_up = changes.len() < BATCH;
        if caught_up || stale.len() >= MOST_STALE {
            for origin in std::mem::take(&mut stale) {
                let others = lineage_documents(node, &names, &mut lineages, origin, &records)?;
                put.extend(others.iter().filter_map(key_put).filter(|_| !filling));
                indexer.index.apply(others)?;
            }
        }
        position = *last;
        uncommitted = true;
        if last_commit.elapsed() >= COMMIT_EVERY {
            if filling {
                // Its stamp stays 0, so that one that is cut short is filled again.
                indexer.commit(0)?;
                tracing::info!(position, of = node.store().position(), "filling the search index");
            } else {
                commit(node, &mut put, position)?;
            }
            last_commit = Instant::now();
            uncommitted = filling;
        }
        if indexer.stopping.load(Ordering::Acquire) {
            break;
        }
        if changes.len() == BATCH {
            wait_while_far_behind(node, started);
        }
    }
    if uncommitted && filling {
        indexer.commit(position)?;
        indexer.position.store(position, Ordering::Release);
    } else if uncommitted {
        commit(node, &mut put, position)?;
    }
    Ok(())
}

/// Makes what was `put` searchable up to a position of the store, and shows it to saved searches.
fn commit(node: &Node, put: &mut Vec<Put>, position: u64) -> Result<(), FollowError> {
    let indexer = node.indexer();
    let before = indexer.index.snapshot();
    indexer.commit(position)?;
    tell(node, put, Some(&before), position);
    put.clear();
    indexer.position.store(position, Ordering::Release);
    Ok(())
}

/// Shows to saved searches what they have not looked at: what came while the index was filled, and
/// what was committed just before this program was cut short.
fn tell_what_was_missed(node: &Node, position: u64) -> Result<(), FollowError> {
    let mut reached = node.saved_searches().reached();
    while reached < position {
        let changes = node.store().changes_since(reached, BATCH)?;
        let put: Vec<Put> = changes
            .iter()
            .filter(|(at, _)| *at <= position)
            .map(|(at, key)| Put { key: document_key(key), at: Some(*at) })
            .collect();
        reached = changes.last().map_or(position, |(last, _)| position.min(*last));
        tell(node, &put, None, reached);
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
    lineages: &mut Lineages<'_>,
    (school, record): (SchoolId, RecordId),
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
                document.phase = names.phase(&group, &school);
                if let Some(figures) = &summary.figures {
                    let report = ReportEvidence::of(Some(figures));
                    document.effect = report.effect().map(|effect| effect.estimate);
                    document.pupils = report.pupils;
                }
                document.body = node.body_text(&entry);
                document.file_text = node.file_text(&entry, &summary);
                document.summary = summary;
                shown.push(document);
            }
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, %record, "a summary cannot be read"),
        }
    }
    if shown.iter().any(|document| LineageKind::of(&document.kind).is_some()) {
        let lineage = lineages.evidence((school, record))?;
        shown.iter_mut().for_each(|document| document.lineage.clone_from(&lineage));
    }
    Document::mark_newer(&mut shown);
    changes.extend(shown.into_iter().map(|document| Change::Put(Box::new(document))));
    Ok(changes)
}

/// The documents of the lineage that starts from a record, [`MOST_REFRESHED`] records at most; but for
/// those that were `put` with what the lineage shows already.
fn lineage_documents(
    node: &Node,
    names: &Names,
    lineages: &mut Lineages<'_>,
    origin: RecordKey,
    put: &BTreeSet<RecordKey>,
) -> Result<Vec<Change>, FollowError> {
    let mut changes = Vec::new();
    let members = lineages.members(origin, MOST_REFRESHED)?;
    for key in members.into_iter().filter(|key| !put.contains(key)) {
        changes.extend(documents(node, names, lineages, key, &[])?);
    }
    Ok(changes)
}

/// The start of the lineage of a document that is put.
fn origin(change: &Change) -> Option<RecordKey> {
    match change {
        Change::Put(document) => Some(document.lineage.as_ref()?.origin),
        Change::Remove(_) => None,
    }
}

fn key_put(change: &Change) -> Option<Put> {
    match change {
        Change::Put(document) => Some(Put { key: document.key, at: None }),
        Change::Remove(_) => None,
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

#[cfg(test)]
mod tests {
    use staffroom_protocol::record::Summary;

    use super::*;
    use crate::lineage::tests::Trust;

    fn put(trust: &Trust, key: RecordKey) -> Vec<Document> {
        let names = Names::of(&trust.node);
        let mut lineages = Lineages::new(&trust.node, &names);
        let changes = documents(&trust.node, &names, &mut lineages, key, &[]).unwrap();
        let documents = changes.into_iter().filter_map(|change| match change {
            Change::Put(document) => Some(*document),
            Change::Remove(_) => None,
        });
        documents.collect()
    }

    #[test]
    fn documents_carry_what_their_lineage_shows_and_their_schools_phase() {
        let trust = Trust::of(3);
        trust.comes((0, 1), "intervention", Some(Summary::default()));
        trust.comes((1, 2), "adoption", trust.on((0, 1)));
        trust.comes((1, 3), "impact_report", trust.on((1, 2)));
        trust.comes((2, 4), "resource", trust.on((0, 1)));
        for (school, record) in [(0, 1), (1, 2), (1, 3)] {
            let documents = put(&trust, trust.key(school, record));
            let [document] = documents.as_slice() else { panic!("{documents:?}") };
            let lineage = document.lineage.as_ref().unwrap();
            assert_eq!(lineage.origin, trust.key(0, 1));
            assert_eq!((lineage.started, lineage.reported), (2, 1));
            assert_eq!(document.phase.as_deref(), Some("primary"));
        }
        assert_eq!(put(&trust, trust.key(2, 4))[0].lineage, None);
        let names = Names::of(&trust.node);
        let mut lineages = Lineages::new(&trust.node, &names);
        let origin = trust.key(0, 1);
        let mut but_for = |put: &[RecordKey]| {
            let put = put.iter().copied().collect();
            let others = lineage_documents(&trust.node, &names, &mut lineages, origin, &put);
            others.unwrap().iter().filter_map(super::origin).collect::<Vec<_>>()
        };
        assert_eq!(but_for(&[]), [origin; 3]);
        assert_eq!(but_for(&[trust.key(1, 3), trust.key(2, 4)]), [origin; 2]);
        bring_up_to_date(&trust.node).unwrap();
        assert_eq!(trust.node.indexer().count(), 4);
        assert!(trust.node.indexer().is_up_to_date(trust.node.store()));
    }
}
