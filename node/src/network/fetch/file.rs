//! Files that are being fetched: one at a time each, and so many at once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use staffroom_protocol::entry::{BlobRef, EntryKey};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::limits::MAX_FILE_BYTES;
use tokio::sync::{Semaphore, watch};

use super::transfer::Transfer;
use super::{FetchError, blocking};
use crate::intake::possession;
use crate::network::Network;
use crate::node::Node;

/// Files that are fetched at once, whoever wants them: with four megabytes in memory for each.
const FILES_AT_ONCE: usize = 8;

/// The files that are being fetched.
#[derive(Debug)]
pub(in crate::network) struct Files {
    places: Semaphore,
    coming: Mutex<BTreeMap<(GroupId, Hash), Arc<Coming>>>,
}

/// A file that is being fetched.
#[derive(Debug, Default)]
struct Coming {
    /// Held by whoever fetches it; whoever wants the same waits behind.
    turn: tokio::sync::Mutex<()>,
    /// How many bytes from its start are here and checked.
    start: watch::Sender<u64>,
}

impl Default for Files {
    fn default() -> Self {
        Self { places: Semaphore::new(FILES_AT_ONCE), coming: Mutex::default() }
    }
}

/// Fetches one file of a group from whichever members have it: those that are connected are asked
/// first, then a few that were reached before.
///
/// # Errors
/// [`FetchError`] says why it could not be had; what has come is kept for the next time.
pub(crate) async fn file(
    node: &Arc<Node>,
    network: &Network,
    key: EntryKey,
    blob: BlobRef,
) -> Result<(), FetchError> {
    if blob.size > MAX_FILE_BYTES {
        return Err(FetchError::TooLarge { size: blob.size });
    }
    let files = &network.shared.files;
    let coming = files.coming(key.group, blob.hash);
    let turn = coming.turn.lock().await;
    let place = files.places.acquire().await.map_err(|_| FetchError::Stopped)?;
    let fetched = fetch(node, network, key, blob, &coming.start).await;
    if fetched.is_ok() {
        let noting = Arc::clone(node);
        let noted = blocking(move || noting.note_came(&key.group, &blob.hash)).await?;
        if let Err(error) = noted {
            tracing::warn!(%error, file = %blob.hash, "a file that came is not looked after yet");
        }
    }
    drop((turn, place));
    files.forget(key.group, blob.hash, coming);
    fetched
}

/// How many bytes from the start of a file are here and checked, as it is fetched.
pub(crate) fn start_of_file(network: &Network, group: GroupId, hash: Hash) -> watch::Receiver<u64> {
    network.shared.files.coming(group, hash).start.subscribe()
}

impl Files {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<(GroupId, Hash), Arc<Coming>>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn coming(&self, group: GroupId, hash: Hash) -> Arc<Coming> {
        let mut all = self.lock();
        // Whoever only looked at one may have left it here.
        all.retain(|_, one| Arc::strong_count(one) > 1 || one.start.receiver_count() > 0);
        Arc::clone(all.entry((group, hash)).or_default())
    }

    /// Lets go of one that nobody else waits for.
    fn forget(&self, group: GroupId, hash: Hash, coming: Arc<Coming>) {
        let mut all = self.lock();
        drop(coming);
        if all.get(&(group, hash)).is_some_and(|one| Arc::strong_count(one) == 1) {
            all.remove(&(group, hash));
        }
    }
}

async fn fetch(
    node: &Arc<Node>,
    network: &Network,
    key: EntryKey,
    blob: BlobRef,
    start: &watch::Sender<u64>,
) -> Result<(), FetchError> {
    let looking = Arc::clone(node);
    let unfinished = blocking(move || -> Result<_, FetchError> {
        let is_here = looking.has_file(&key.group, &blob.hash)?;
        if is_here { Ok(None) } else { Ok(Some(looking.blobs().unfinished(&key.group, blob)?)) }
    })
    .await??;
    // Whoever was first has fetched it.
    let Some(unfinished) = unfinished else {
        start.send_replace(blob.size);
        return Ok(());
    };
    let unfinished = Arc::new(unfinished);
    start.send_replace(unfinished.start());
    if let Err(error) = Transfer::new(node, network, (key, blob), &unfinished, start).run().await {
        if !node.keeping().settings().keep_unfinished {
            let forgetting = Arc::clone(node);
            let forget = move || forgetting.blobs().forget_unfinished(&key.group, &blob.hash);
            blocking(forget).await??;
        }
        return Err(error);
    }
    let keeping = Arc::clone(node);
    blocking(move || -> Result<(), FetchError> {
        if !keeping.blobs().finish(&unfinished)? {
            return Err(FetchError::Nobody { tried: 0 });
        }
        keeping.store().apply(vec![possession(&blob.hash, &key)])?;
        // It may have been withdrawn while it came.
        Ok(keeping.release(vec![(key, blob.hash)])?)
    })
    .await?
}
