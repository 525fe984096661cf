//! Fetching the full texts of records in the background, and files when somebody wants them.

mod file;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use staffroom_protocol::entry::{BlobRef, EntryKey};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::limits::{MAX_FILE_BYTES, MAX_FILE_TEXT_BYTES};
use staffroom_protocol::sync::message::{Request, Response};

pub(super) use self::file::Files;
pub(crate) use self::file::{file, start_of_file};
use super::{Network, Offence};
use crate::blobs::BlobError;
use crate::node::Node;
use crate::store::StoreError;
use crate::wanted::{Lot, LotId};

/// Full texts looked at in one round.
const ROUND: usize = 4_000;

/// The pause before asking again for what nobody had.
const RETRY: Duration = Duration::from_secs(5);

/// Fetches wanted texts until the network stops.
pub(super) fn start(node: Arc<Node>, network: &Network) {
    let fetching = network.clone();
    network.spawn(async move {
        let network = fetching;
        let mut last = None;
        loop {
            if network.is_far_behind() {
                // Entries first: they say what there is.
                tokio::time::sleep(RETRY).await;
                continue;
            }
            match fetch_round(&node, &network, &mut last).await {
                // Nothing is wanted, or nobody had what is: wait for news.
                Ok(0) => {
                    let _ = tokio::time::timeout(RETRY, node.wanted.more.notified()).await;
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::error!(%error, "full texts could not be stored");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    });
}

/// Asks members for what is wanted after the lot that was looked at last; returns how many texts came.
async fn fetch_round(
    node: &Arc<Node>,
    network: &Network,
    last: &mut Option<LotId>,
) -> Result<usize, FetchError> {
    let (reading, after) = (Arc::clone(node), *last);
    let lots = blocking(move || {
        let lots = reading.wanted_after(after, ROUND)?;
        reading.let_go_of_unwanted(lots)
    })
    .await??;
    *last = lots.last().map(Lot::id);
    let mut by_group: BTreeMap<GroupId, Vec<Lot>> = BTreeMap::new();
    for lot in lots {
        by_group.entry(lot.group()).or_default().push(lot);
    }
    let mut fetched = 0;
    for (group, mut lots) in by_group {
        let first = lots.iter().flat_map(|lot| &lot.texts).next();
        let author = first.map(|(key, _)| key.school);
        let holders = holders(node, &group, author.as_slice());
        for peer in holders.into_iter().filter(|key| network.is_connected(key)) {
            while lots.iter().any(|lot| !lot.texts.is_empty()) {
                let came = fetch_from(node, network, peer, group, &mut lots).await?;
                fetched += came;
                if came == 0 {
                    break;
                }
            }
        }
    }
    Ok(fetched)
}

/// The nodes of a group's other members, those of the schools in `first` before the others.
fn holders(node: &Node, group: &GroupId, first: &[SchoolId]) -> Vec<PublicKey> {
    let own = node.identity().school();
    let place = |school: &SchoolId| first.iter().position(|one| one == school);
    let mut holders: Vec<(usize, PublicKey)> = node
        .with_membership(group, |set| {
            set.roster()
                .current()
                .filter(|(school, _)| *school != own)
                .flat_map(|(school, member)| {
                    let place = place(&school).unwrap_or(first.len());
                    member.nodes.iter().map(move |key| (place, *key))
                })
                .collect()
        })
        .unwrap_or_default();
    holders.sort();
    holders.into_iter().map(|(_, key)| key).collect()
}

/// Asks one member for a batch; takes what came off its lots and returns how many.
async fn fetch_from(
    node: &Arc<Node>,
    network: &Network,
    peer: PublicKey,
    group: GroupId,
    lots: &mut [Lot],
) -> Result<usize, FetchError> {
    let mut asked: BTreeMap<Hash, Vec<(EntryKey, BlobRef)>> = BTreeMap::new();
    let most = network.shared.pace.answer_bytes() as u64;
    let mut size = 0;
    for (key, body) in lots.iter().flat_map(|lot| &lot.texts) {
        size += body.size;
        if size > most && !asked.is_empty() {
            break;
        }
        asked.entry(body.hash).or_default().push((*key, *body));
        if asked.len() >= staffroom_protocol::sync::message::MAX_REQUEST_ITEMS {
            break;
        }
    }
    let hashes = asked.keys().copied().collect();
    let answer = network.ask(peer, Vec::new(), Request::Blobs { group, hashes }).await;
    let Ok(Response::Blobs { blobs }) = answer else { return Ok(0) };
    let mut came = Vec::new();
    for bytes in blobs {
        // A blob that was not asked for, or that is not what its name says, is passed over.
        let Some(named) = asked.remove(&Hash::of(&bytes)) else {
            network.offended(peer, Offence::WrongContent).await;
            continue;
        };
        for (key, body) in named {
            if bytes.len() <= MAX_FILE_TEXT_BYTES {
                came.push((key, body, bytes.to_vec()));
            }
        }
    }
    let count = came.len();
    // A record has several texts, which may come one by one.
    let keys: BTreeSet<(EntryKey, Hash)> =
        came.iter().map(|(key, text, _)| (*key, text.hash)).collect();
    let is_here = |(key, text): &(EntryKey, BlobRef)| keys.contains(&(*key, text.hash));
    let mut changed = Vec::new();
    for lot in lots {
        if lot.texts.iter().any(is_here) {
            lot.texts.retain(|text| !is_here(text));
            changed.push(lot.clone());
        }
    }
    let keeping = Arc::clone(node);
    blocking(move || keeping.keep_bodies(came, &changed)).await??;
    Ok(count)
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, FetchError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| FetchError::Stopped)
}

/// Why something could not be fetched.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// No member that can be reached has it.
    #[error(
        "none of the group's members that can be reached has the file ({tried} were asked); it can be fetched when its school's node is on again"
    )]
    Nobody {
        /// How many were asked.
        tried: usize,
    },
    /// The file is larger than any may be.
    #[error("the file has {size} bytes; files may have {MAX_FILE_BYTES}")]
    TooLarge {
        /// Its size.
        size: u64,
    },
    /// It does not fit its hash, or cannot be kept.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A text cannot be kept.
    #[error(transparent)]
    Keep(#[from] crate::intake::KeepError),
    /// The node stops.
    #[error("the node is stopping")]
    Stopped,
}
