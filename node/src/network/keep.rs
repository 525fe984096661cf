//! Does what the keepers of files want: fetches, challenges and lets go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::keeping::{CHALLENGE_BYTES, Outcome, Output};
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use tokio::sync::Semaphore;

use super::fetch::blocking;
use super::{Network, fetch};
use crate::blobs::proves;
use crate::keeping::{KeepingError, Task};
use crate::node::Node;

/// How often it is looked at least whether something is to be done.
const ROUND: Duration = Duration::from_secs(2);

/// How often what is known of other members is written down.
const REMEMBERED_EVERY: Duration = Duration::from_secs(10 * 60);

/// Files fetched for the sake of others at once: fewer than there are places, so that a person who opens
/// one does not wait behind them.
const FETCHES_AT_ONCE: usize = 3;

/// Things under way at once: fetches and challenges, all of which are small but for the files.
const MAX_UNDER_WAY: usize = 32;

/// Looks after the files of all groups until the network stops.
pub(super) fn start(node: Arc<Node>, network: &Network) {
    let keeping = network.clone();
    network.spawn(async move {
        let mut under_way: FuturesUnordered<BoxFuture<'static, ()>> = FuturesUnordered::new();
        let (mut position, mut is_recalled) = (0, false);
        let fetches = Arc::new(Semaphore::new(FETCHES_AT_ONCE));
        let mut remembered = Instant::now();
        loop {
            // Entries first: they say what there is.
            if !keeping.is_far_behind() && under_way.len() < MAX_UNDER_WAY {
                match look(&node, &keeping, position, is_recalled).await {
                    Ok((reached, tasks)) => {
                        (position, is_recalled) = (reached, true);
                        for task in tasks {
                            under_way.push(Box::pin(work(
                                Arc::clone(&node),
                                keeping.clone(),
                                task,
                                Arc::clone(&fetches),
                            )));
                        }
                    }
                    Err(error) => {
                        tracing::warn!(%error, "the files of the groups are not looked after");
                    }
                }
            }
            if remembered.elapsed() > REMEMBERED_EVERY {
                remembered = Instant::now();
                let remembering = Arc::clone(&node);
                let _ = blocking(move || remembering.keeping().remember()).await;
            }
            tokio::select! {
                Some(()) = under_way.next() => {}
                () = node.keeping().changed.notified() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    });
}

/// Takes in what changed, and says what is to be done.
async fn look(
    node: &Arc<Node>,
    network: &Network,
    position: u64,
    is_recalled: bool,
) -> Result<(u64, Vec<Task>), KeepingError> {
    let connected = network.connected();
    let looking = Arc::clone(node);
    let looked = blocking(move || -> Result<(u64, Vec<Task>), KeepingError> {
        let position = looking.follow_files(position)?;
        if !is_recalled {
            looking.recall_files();
        }
        looking.tend_files(&connected);
        Ok((position, looking.file_tasks()))
    });
    looked.await.unwrap_or_else(|_| Ok((position, Vec::new())))
}

async fn work(node: Arc<Node>, network: Network, task: Task, fetches: Arc<Semaphore>) {
    let hash = task.file.hash;
    match task.output {
        Output::Challenge { school, node: peer, offset, .. } => {
            let outcome = challenge(&node, &network, &task, peer, offset).await;
            tracing::debug!(?school, ?outcome, file = %hash, "a copy was challenged");
            node.note_challenge(&task.group, &school, &hash, outcome);
        }
        Output::Fetch { .. } => {
            let Ok(_place) = fetches.acquire().await else { return };
            let blob = BlobRef { hash, size: task.file.size };
            if let Err(error) = fetch::file(&node, &network, task.record, blob).await {
                tracing::info!(%error, file = %hash, "a file that is to be kept did not come");
                node.note_not_come(&task.group, &hash);
            }
        }
        Output::Drop { .. } => {
            let dropped = blocking(move || node.let_go(&task.group, &hash)).await;
            if let Ok(Err(error)) = dropped {
                tracing::warn!(%error, file = %hash, "a file was not let go");
            }
        }
    }
}

/// Asks a node to prove that it holds a range of a file.
async fn challenge(
    node: &Arc<Node>,
    network: &Network,
    task: &Task,
    peer: PublicKey,
    offset: u64,
) -> Outcome {
    let blob = BlobRef { hash: task.file.hash, size: task.file.size };
    let request =
        Request::BlobRange { group: task.group, hash: blob.hash, offset, length: CHALLENGE_BYTES };
    match network.ask(peer, node.contacts().addresses(&peer), request).await {
        Ok(Response::BlobRange { length, slice }) => {
            let range = offset..offset.saturating_add(length);
            let whole = (offset + CHALLENGE_BYTES).min(blob.size);
            let proved =
                blocking(move || proves(&blob, &range, &slice) && range.end == whole).await;
            if proved.is_ok_and(|proved| proved) { Outcome::Passed } else { Outcome::Failed }
        }
        Ok(Response::Refused(Refusal::NotHeld)) => Outcome::Failed,
        // A line that is busy, or a member that has not heard of this one, says nothing of the file.
        Ok(_) | Err(_) => Outcome::Unreachable,
    }
}
