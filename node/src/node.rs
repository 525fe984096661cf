//! A node: what it holds, whom it trusts, and the parts that work for it.
//!
//! Its methods block on the disk; asynchronous callers run them on the blocking pool. What they do
//! lives in a file each: [`groups`](crate::groups), [`membership`](crate::membership),
//! [`intake`](crate::intake), [`publish`](crate::publish), [`records`](crate::records).

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use staffroom_protocol::entry::Verifier;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::Statement;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::sync::ContentSet;

use crate::approval::Approval;
use crate::audit::AuditLog;
use crate::backup::Backups;
use crate::backup::restored::Waiting;
use crate::blobs::{BlobError, Blobs};
use crate::contacts::Contacts;
use crate::drafts::Drafts;
use crate::epochs::Opened;
use crate::extract::Extractor;
use crate::heard::Heard;
use crate::home::{Home, HomeError, Identity};
use crate::indexer::Indexer;
use crate::keeping::Keeping;
use crate::line::Line;
use crate::mail::Mail;
use crate::network::Network;
use crate::past_searches::PastSearches;
use crate::peer_clocks::PeerClocks;
use crate::people::People;
use crate::preview::Previews;
use crate::provider::Provider;
use crate::saved_searches::SavedSearches;
use crate::store::{DiskStore, Options, Progress, Store, StoreError};
use crate::wanted::Wanted;
use staffroom_protocol::intake::Aside;

/// A node of one school.
#[derive(Debug)]
pub struct Node {
    home: Home,
    identity: Identity,
    store: Arc<dyn Store>,
    blobs: Blobs,
    contacts: Contacts,
    approval: Approval,
    line: Arc<Line>,
    keeping: Keeping,
    heard: Heard,
    peer_clocks: PeerClocks,
    indexer: Indexer,
    extractor: Extractor,
    previews: Previews,
    saved_searches: SavedSearches,
    past_searches: PastSearches,
    people: People,
    provider: Provider,
    mail: Mail,
    backups: Backups,
    waiting: Waiting,
    audit: AuditLog,
    drafts: Drafts,
    groups: RwLock<BTreeMap<GroupId, Membership>>,
    pub(crate) verifier: Verifier,
    pub(crate) aside: Mutex<Aside>,
    /// The keys under which this node gossips, as far as they were opened.
    epochs: Mutex<BTreeMap<GroupId, Opened>>,
    /// One publisher at a time, so that a new version's clock exceeds all held.
    pub(crate) publishing: Mutex<()>,
    network: OnceLock<Network>,
    /// Full texts that have not come yet.
    pub(crate) wanted: Wanted,
}

/// Why a node cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The data directory.
    #[error(transparent)]
    Home(#[from] HomeError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The blobs.
    #[error(transparent)]
    Blobs(#[from] BlobError),
    /// The search index.
    #[error("the search index cannot be made: {0}")]
    Index(#[from] staffroom_search::IndexError),
}

impl Node {
    /// Opens a data directory: takes its lock, brings the store and the index in order, and reads
    /// the groups. `progress` hears of long work.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way and what to do.
    pub fn open(
        dir: &Path,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Arc<Self>, OpenError> {
        let home = Home::new(dir);
        let identity = home.identity()?;
        Self::open_as(home, identity, options, progress)
    }

    /// Opens the data directory of a school that is being recovered, for the recovery alone.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way and what to do.
    pub(crate) fn open_recovering(
        dir: &Path,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Arc<Self>, OpenError> {
        let home = Home::new(dir);
        let identity = home.recovering_identity()?;
        Self::open_as(home, identity, options, progress)
    }

    fn open_as(
        home: Home,
        identity: Identity,
        options: &Options,
        progress: &mut dyn FnMut(Progress),
    ) -> Result<Arc<Self>, OpenError> {
        let store = DiskStore::open(home.dir(), options, progress)?;
        tracing::debug!(opening = ?store.opening(), "the store is open");
        let store: Arc<dyn Store> = Arc::new(store);
        let blobs = Blobs::open(&home.blobs())?;
        let indexer = Indexer::open(&home.index(), &home.synonyms(), store.as_ref())?;
        let saved_searches =
            SavedSearches::open(home.saved_searches(), store.incarnation(), store.position());
        let wanted = Wanted::open(store.as_ref())?;
        let previews = Previews::open(home.previews());
        let node = Arc::new(Self {
            groups: RwLock::new(read_groups(store.as_ref())?),
            contacts: Contacts::open(Arc::clone(&store))?,
            past_searches: PastSearches::open(home.past_searches()),
            drafts: Drafts::open(home.drafts()),
            approval: Approval::open(Arc::clone(&store))?,
            line: Arc::new(Line::open(Arc::clone(&store))?),
            keeping: Keeping::open(Arc::clone(&store), home.copies())?,
            heard: Heard::read(store.as_ref())?,
            peer_clocks: PeerClocks::default(),
            people: People::open(&home, &identity.claims().name)?,
            provider: Provider::open(&home),
            mail: Mail::open(&home),
            backups: Backups::open(&home),
            waiting: Waiting::open(&home),
            audit: AuditLog::at(home.audit_log()),
            home,
            identity,
            store,
            blobs,
            indexer,
            extractor: Extractor::this_program(),
            previews,
            saved_searches,
            verifier: Verifier::default(),
            aside: Mutex::default(),
            epochs: Mutex::default(),
            publishing: Mutex::default(),
            network: OnceLock::new(),
            wanted,
        });
        node.follow_rosters()?;
        node.measure_older_versions()?;
        Indexer::start(&node);
        Ok(node)
    }

    /// The data directory.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// Who this node is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// What is held.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    /// What is known of the files of its groups.
    pub(crate) fn keeping(&self) -> &Keeping {
        &self.keeping
    }

    /// Pictures of files.
    pub(crate) fn previews(&self) -> &Previews {
        &self.previews
    }

    /// The files held.
    pub fn blobs(&self) -> &Blobs {
        &self.blobs
    }

    /// Where other nodes were last reached.
    pub fn contacts(&self) -> &Contacts {
        &self.contacts
    }

    /// How much may pass on the line to other schools, and when.
    pub fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// Whether what staff share needs a colleague's approval.
    pub(crate) fn approval(&self) -> &Approval {
        &self.approval
    }

    /// When schools were last heard from.
    pub(crate) fn when_heard(&self) -> &Heard {
        &self.heard
    }

    /// What other schools' clocks say.
    pub(crate) fn peer_clocks(&self) -> &PeerClocks {
        &self.peer_clocks
    }

    /// The search index and what keeps it up to date.
    pub fn indexer(&self) -> &Indexer {
        &self.indexer
    }

    /// Reads the text inside files.
    pub(crate) fn extractor(&self) -> &Extractor {
        &self.extractor
    }

    /// The searches that the school keeps.
    pub(crate) fn saved_searches(&self) -> &SavedSearches {
        &self.saved_searches
    }

    /// What staff asked lately.
    pub(crate) fn past_searches(&self) -> &PastSearches {
        &self.past_searches
    }

    /// The people who may sign in.
    pub(crate) fn people(&self) -> &People {
        &self.people
    }

    /// Where staff have accounts already.
    pub(crate) fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The mail server by which staff are written to.
    pub(crate) fn mail(&self) -> &Mail {
        &self.mail
    }

    /// Where backups go.
    pub(crate) fn backups(&self) -> &Backups {
        &self.backups
    }

    /// Whether it waits since it was restored from a backup.
    pub(crate) fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Who did what.
    pub(crate) fn audit_log(&self) -> &AuditLog {
        &self.audit
    }

    /// What staff are writing.
    pub(crate) fn drafts(&self) -> &Drafts {
        &self.drafts
    }

    /// The network, where it was started.
    pub fn network(&self) -> Option<&Network> {
        self.network.get()
    }

    pub(crate) fn attach(&self, network: Network) {
        if self.network.set(network).is_err() {
            tracing::error!("the network was started twice");
        }
    }

    /// Ends what works in the background; the store closes when the last user of the node has gone.
    pub fn stop(&self) {
        self.keep_heard();
        self.indexer.stop();
        self.saved_searches.keep();
        self.past_searches.keep();
        self.people.keep();
        self.keeping.remember();
    }

    /// The groups that this node knows of.
    pub fn group_ids(&self) -> Vec<GroupId> {
        self.read_groups().keys().copied().collect()
    }

    /// Looks at a group's membership; none for a group that this node does not know.
    pub fn with_membership<T>(
        &self,
        group: &GroupId,
        look: impl FnOnce(&Membership) -> T,
    ) -> Option<T> {
        self.read_groups().get(group).map(look)
    }

    /// Who belongs to a group.
    pub fn roster(&self, group: &GroupId) -> Option<Roster> {
        self.with_membership(group, |membership| membership.roster().clone())
    }

    pub(crate) fn read_groups(
        &self,
    ) -> std::sync::RwLockReadGuard<'_, BTreeMap<GroupId, Membership>> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn write_groups(
        &self,
    ) -> std::sync::RwLockWriteGuard<'_, BTreeMap<GroupId, Membership>> {
        self.groups.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lock_epochs(&self) -> MutexGuard<'_, BTreeMap<GroupId, Opened>> {
        self.epochs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the content set of a group, while nothing changes it: briefly.
    pub fn with_content_set<T>(&self, group: &GroupId, look: impl FnOnce(&ContentSet) -> T) -> T {
        match self.store.sets().get(group) {
            Some(set) => look(set),
            None => look(&ContentSet::default()),
        }
    }

    /// How many entries a group has, and the digest of its content set.
    pub fn content(&self, group: &GroupId) -> (u64, Hash) {
        self.with_content_set(group, |set| (set.len() as u64, set.digest()))
    }
}

fn read_groups(store: &dyn Store) -> Result<BTreeMap<GroupId, Membership>, StoreError> {
    let mut groups = BTreeMap::new();
    for group in store.groups_with_statements()? {
        let statements = store.statements(&group)?;
        let mut membership = Membership::new(group);
        membership.extend(statements.iter().filter_map(|(hash, bytes)| {
            Statement::verify(bytes)
                .inspect_err(
                    |error| tracing::error!(%error, %hash, "a stored statement is damaged"),
                )
                .ok()
        }));
        groups.insert(group, membership);
    }
    Ok(groups)
}
