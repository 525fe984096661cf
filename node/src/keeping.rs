//! The files that this node holds: which of them for the sake of others, how much room they have, and
//! who else holds them.
//!
//! For each group a [`Keeper`] decides what to fetch, whom to challenge and what may go; the network's
//! task does it and tells what came of it ([`network`](crate::network)). What a keeper goes by is
//! gathered here: the files that records share, the members, the disk, and what people opened or
//! pinned.

mod copies;
mod memory;
pub mod settings;
mod shared;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use staffroom_protocol::entry::{self, BlobRef, EntryKey};
use staffroom_protocol::group::Capacity;
use staffroom_protocol::group::membership::Membership;
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::{GroupId, Hash, RecordId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::keeping::placement::Placement;
use staffroom_protocol::keeping::{Held, Keeper, Outcome, Output, Quota, Room, SharedFile};
use staffroom_protocol::wire;
use tokio::sync::Notify;

use self::memory::Memory;
use self::settings::StorageSettings;
use self::shared::Shared;
use crate::clock::now_millis;
use crate::groups::GroupError;
use crate::home::{HomeError, random};
use crate::intake::{KeepError, files_of};
use crate::network::ConnectedPeer;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, Store, StoreError, Table};

pub use self::copies::{Copies, Copy};

/// Records looked at in one go.
const BATCH: usize = 500;

/// What is opened again within so long, an hour, is not noted again.
const OPENED_AGAIN: u64 = 60 * 60 * 1000;

/// Under which the settings lie among those of the node.
const KEY: &[u8] = b"storage";

/// What this node knows of the files of its groups.
#[derive(Debug)]
pub(crate) struct Keeping {
    store: Arc<dyn Store>,
    settings: RwLock<StorageSettings>,
    groups: Mutex<BTreeMap<GroupId, Minded>>,
    memory: Mutex<Memory>,
    /// Bytes of the files that only older versions of this school's own records name.
    older_versions: AtomicU64,
    /// Something is to be looked at before its time.
    pub(crate) changed: Notify,
}

/// The files of one group.
#[derive(Debug)]
struct Minded {
    keeper: Keeper,
    shared: Shared,
    /// The membership that the keeper goes by.
    membership: Option<Hash>,
}

/// What people here did with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct Noted {
    #[serde(default)]
    pinned: bool,
    /// When it was last opened, in milliseconds since 1970.
    #[serde(default)]
    opened: Option<u64>,
}

/// Why files cannot be looked after.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Keep(#[from] KeepError),
    #[error(transparent)]
    Home(#[from] HomeError),
}

/// Something that a keeper wants done, with what it is about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Task {
    pub(crate) group: GroupId,
    pub(crate) output: Output,
    pub(crate) file: SharedFile,
    /// One of the records that share it.
    pub(crate) record: EntryKey,
}

impl Keeping {
    pub(crate) fn open(store: Arc<dyn Store>, memory: PathBuf) -> Result<Self, StoreError> {
        let settings = crate::settings::read(store.as_ref(), KEY, "staffroom storage")?;
        Ok(Self {
            store,
            settings: RwLock::new(settings.unwrap_or_default()),
            groups: Mutex::default(),
            memory: Mutex::new(Memory::read(memory)),
            older_versions: AtomicU64::default(),
            changed: Notify::new(),
        })
    }

    /// What was set.
    pub(crate) fn settings(&self) -> StorageSettings {
        *self.settings.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sets it.
    pub(crate) fn set(&self, settings: StorageSettings) -> Result<(), StoreError> {
        crate::settings::write(self.store.as_ref(), KEY, Some(&settings))?;
        *self.settings.write().unwrap_or_else(PoisonError::into_inner) = settings;
        self.changed.notify_one();
        Ok(())
    }

    fn groups(&self) -> MutexGuard<'_, BTreeMap<GroupId, Minded>> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How full the node is, over all groups.
    pub(crate) fn room(&self) -> Room {
        let mut all = Room::default();
        for minded in self.groups().values() {
            let room = minded.keeper.room();
            all.used += room.used;
            all.kept += room.kept;
            all.refused += room.refused;
        }
        all.over = (all.used + self.older_versions()).saturating_sub(self.settings().total);
        all
    }

    /// Bytes of the files that only older versions of this school's own records name.
    pub(crate) fn older_versions(&self) -> u64 {
        self.older_versions.load(Ordering::Relaxed)
    }

    pub(crate) fn set_older_versions(&self, bytes: u64) {
        self.older_versions.store(bytes, Ordering::Relaxed);
    }

    /// Writes down what is known of other members.
    pub(crate) fn remember(&self) {
        let groups = self.groups();
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.take(groups.iter().map(|(group, minded)| (*group, &minded.keeper)));
        if let Err(error) = memory.write() {
            tracing::warn!(%error, "what is known of other members' copies could not be kept");
        }
    }

    fn noted(&self, group: &GroupId, file: &Hash) -> Result<Noted, StoreError> {
        let noted = self.store.local_get(Table::Copies, &copy_key(group, file))?;
        let noted = noted.and_then(|bytes| wire::decode(&bytes, MAX_LOCAL_VALUE_BYTES).ok());
        Ok(noted.unwrap_or_default())
    }
}

fn copy_key(group: &GroupId, file: &Hash) -> Vec<u8> {
    [group.as_bytes().as_slice(), file.as_bytes()].concat()
}

impl Node {
    /// Takes in which files the records share that changed since a position of the store, and returns
    /// the position up to which that is done.
    pub(crate) fn follow_files(&self, mut position: u64) -> Result<u64, KeepingError> {
        loop {
            let changes = self.store().changes_since(position, BATCH)?;
            let Some((last, _)) = changes.last() else { return Ok(position) };
            for (_, key) in &changes {
                self.follow_record(key)?;
            }
            position = *last;
            if changes.len() < BATCH {
                return Ok(position);
            }
        }
    }

    fn follow_record(&self, key: &EntryKey) -> Result<(), KeepingError> {
        let held = self.store().entry(key)?;
        let entry = held.and_then(|held| entry::Entry::reopen(&held.bytes).ok());
        let files = entry.as_ref().map(files_of).unwrap_or_default();
        let mut groups = self.keeping().groups();
        if files.is_empty() && !groups.contains_key(&key.group) {
            return Ok(());
        }
        let minded = self.minded(&mut groups, &key.group)?;
        let published = entry.map_or(0, |entry| entry.clock().millis());
        for hash in minded.shared.set((key.school, key.record), published, &files) {
            self.mind_file(&key.group, minded, &hash)?;
        }
        Ok(())
    }

    /// The files of a group.
    fn minded<'a>(
        &self,
        groups: &'a mut BTreeMap<GroupId, Minded>,
        group: &GroupId,
    ) -> Result<&'a mut Minded, KeepingError> {
        match groups.entry(*group) {
            Entry::Occupied(minded) => Ok(minded.into_mut()),
            Entry::Vacant(place) => {
                let salt = random(self.home().dir())?;
                let quota = self.keeping().settings().quota();
                let keeper = Keeper::new(self.identity().school(), salt, quota, self.free_bytes());
                let mut minded = Minded { keeper, shared: Shared::default(), membership: None };
                self.follow_members(group, &mut minded, now_millis());
                Ok(place.insert(minded))
            }
        }
    }

    /// Tells a group's keeper of one file as it is: shared or not, here or not.
    fn mind_file(
        &self,
        group: &GroupId,
        minded: &mut Minded,
        hash: &Hash,
    ) -> Result<(), KeepingError> {
        let now = now_millis();
        let Some(file) = minded.shared.file(hash) else {
            minded.keeper.handle_withdrawn(hash);
            return Ok(());
        };
        minded.keeper.handle_shared(&file, now);
        if self.has_file(group, hash)? {
            let held = self.why_held(group, &file)?;
            minded.keeper.handle_held(&file, held, now);
        } else {
            minded.keeper.handle_gone(hash, now);
        }
        Ok(())
    }

    fn why_held(&self, group: &GroupId, file: &SharedFile) -> Result<Held, StoreError> {
        let Noted { pinned, opened } = self.keeping().noted(group, &file.hash)?;
        let authored = file.author == self.identity().school();
        Ok(Held { authored, pinned, opened })
    }

    fn follow_members(&self, group: &GroupId, minded: &mut Minded, now: u64) {
        let digest = Some(self.membership_digest(group));
        if minded.membership == digest {
            return;
        }
        let Some(placement) = self.with_membership(group, |set| Placement::new(set.roster()))
        else {
            return;
        };
        minded.membership = digest;
        let Minded { keeper, shared, .. } = minded;
        let files: Vec<SharedFile> = shared.files().collect();
        keeper.handle_roster(Arc::new(placement), &files, now);
    }

    /// Bytes that are free on the disk with the files.
    pub(crate) fn free_bytes(&self) -> u64 {
        // Where the system does not say it, writing will.
        fs4::available_space(self.home().blobs()).unwrap_or(u64::MAX)
    }

    /// How much this school keeps of what others share, if it is the same in all of its groups.
    pub(crate) fn capacity(&self) -> Option<Capacity> {
        let own = self.identity().school();
        let said = self.followed_groups().into_iter().filter_map(|group| {
            let of = |set: &Membership| set.roster().member(&own).map(|member| member.capacity);
            self.with_membership(&group, of).flatten()
        });
        let said: BTreeSet<Capacity> = said.collect();
        match said.len() {
            0 => Some(Capacity::default()),
            1 => said.first().copied(),
            _ => None,
        }
    }

    /// Says in all groups how much this school keeps of what others share.
    pub(crate) fn set_capacity(&self, capacity: Capacity) -> Result<(), GroupError> {
        let own = self.identity().school();
        let holds =
            |roster: &Roster| roster.member(&own).is_some_and(|member| member.capacity == capacity);
        for group in self.followed_groups() {
            // Statements are never forgotten, so that none is made for nothing.
            if !self.with_membership(&group, |set| holds(set.roster())).unwrap_or(true) {
                self.enact(&group, vec![Act::Keep { capacity }], holds)?;
            }
        }
        self.keeping().changed.notify_one();
        Ok(())
    }

    /// Takes in what changed beside the records: members, the disk, which nodes are connected. Lets go
    /// of groups that this school has left.
    pub(crate) fn tend_files(&self, connected: &BTreeMap<PublicKey, ConnectedPeer>) {
        let (now, settings, free) = (now_millis(), self.keeping().settings(), self.free_bytes());
        let mut groups = self.keeping().groups();
        groups.retain(|group, _| self.is_member(group));
        let used: BTreeMap<GroupId, u64> =
            groups.iter().map(|(group, minded)| (*group, minded.keeper.room().used)).collect();
        let (all, older): (u64, u64) = (used.values().sum(), self.keeping().older_versions());
        for (group, minded) in groups.iter_mut() {
            self.follow_members(group, minded, now);
            // What other groups and older versions have of the room is not there for this one.
            let others = all - used.get(group).copied().unwrap_or(0) + older;
            let total = settings.total.saturating_sub(others);
            minded.keeper.handle_disk(free, Quota { total, ..settings.quota() }, now);
            self.with_membership(group, |set| {
                for (school, member) in set.roster().current() {
                    if member.nodes.iter().any(|node| connected.contains_key(node)) {
                        minded.keeper.handle_heard(&school, now);
                    }
                }
            });
        }
    }

    /// Takes in what was known before this node was started, once its files are.
    pub(crate) fn recall_files(&self) {
        let mut groups = self.keeping().groups();
        let memory = self.keeping().memory.lock().unwrap_or_else(PoisonError::into_inner);
        for (group, minded) in groups.iter_mut() {
            memory.recall(group, &mut minded.keeper);
        }
    }

    /// What is to be done for files.
    pub(crate) fn file_tasks(&self) -> Vec<Task> {
        let (now, mut tasks) = (now_millis(), Vec::new());
        for (group, minded) in self.keeping().groups().iter_mut() {
            while let Some(output) = minded.keeper.poll(now) {
                let (Output::Challenge { file, .. }
                | Output::Fetch { file }
                | Output::Drop { file }) = output;
                if let (Some(shared), Some((school, record))) =
                    (minded.shared.file(&file), minded.shared.record(&file))
                {
                    let record = EntryKey { group: *group, school, record };
                    tasks.push(Task { group: *group, output, file: shared, record });
                }
            }
        }
        tasks
    }

    /// Takes what a challenge came to.
    pub(crate) fn note_challenge(
        &self,
        group: &GroupId,
        school: &SchoolId,
        file: &Hash,
        outcome: Outcome,
    ) {
        if let Some(minded) = self.keeping().groups().get_mut(group) {
            minded.keeper.handle_challenged(school, file, outcome, now_millis());
        }
    }

    /// Takes that a file came through a group, whoever wanted it.
    pub(crate) fn note_came(&self, group: &GroupId, hash: &Hash) -> Result<(), KeepingError> {
        match self.keeping().groups().get_mut(group) {
            Some(minded) => self.mind_file(group, minded, hash),
            None => Ok(()),
        }
    }

    /// Takes that a file did not come that a keeper wanted.
    pub(crate) fn note_not_come(&self, group: &GroupId, hash: &Hash) {
        if let Some(minded) = self.keeping().groups().get_mut(group) {
            minded.keeper.handle_fetch_failed(hash, now_millis());
        }
    }

    /// Deletes a copy that others hold for the group; what another group has of it stays.
    pub(crate) fn let_go(&self, group: &GroupId, hash: &Hash) -> Result<(), KeepingError> {
        let prefix = [hash.as_bytes().as_slice(), group.as_bytes()].concat();
        let rows = self.store().local_scan(Table::Possession, &prefix)?;
        let changes = rows.into_iter().map(|(key, _)| Change::Local {
            table: Table::Possession,
            key,
            value: None,
        });
        self.store().apply(changes.collect())?;
        self.forget_unneeded(hash)?;
        tracing::info!(%hash, "a file was let go that enough others keep");
        Ok(())
    }

    /// Notes that somebody here opened a file.
    pub(crate) fn note_opened(&self, group: &GroupId, hash: &Hash) -> Result<(), KeepingError> {
        let now = now_millis();
        self.note_copy(group, hash, |noted| {
            if noted.opened.is_none_or(|at| now.saturating_sub(at) >= OPENED_AGAIN) {
                noted.opened = Some(now);
            }
        })
    }

    /// Pins a file, so that it stays here whatever others keep, or no longer does.
    pub(crate) fn pin_file(
        &self,
        group: &GroupId,
        hash: &Hash,
        pinned: bool,
    ) -> Result<(), KeepingError> {
        self.note_copy(group, hash, |noted| noted.pinned = pinned)
    }

    fn note_copy(
        &self,
        group: &GroupId,
        hash: &Hash,
        note: impl FnOnce(&mut Noted),
    ) -> Result<(), KeepingError> {
        let before = self.keeping().noted(group, hash)?;
        let mut noted = before;
        note(&mut noted);
        if noted == before {
            return Ok(());
        }
        self.store().apply(vec![Change::Local {
            table: Table::Copies,
            key: copy_key(group, hash),
            value: Some(wire::encode(&noted)),
        }])?;
        self.note_came(group, hash)?;
        self.keeping().changed.notify_one();
        Ok(())
    }

    /// The schools to ask for a file, the likeliest first.
    pub(crate) fn file_sources(&self, key: &EntryKey, blob: &BlobRef) -> Vec<SchoolId> {
        let groups = self.keeping().groups();
        let Some(minded) = groups.get(&key.group) else { return vec![key.school] };
        let file = minded.shared.file(&blob.hash).unwrap_or(SharedFile {
            hash: blob.hash,
            size: blob.size,
            author: key.school,
            published: 0,
        });
        minded.keeper.sources(&file, now_millis())
    }
}

/// The record of a school.
type RecordKey = (SchoolId, RecordId);
