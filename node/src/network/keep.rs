//! Does what the keepers of files want: fetches, challenges and lets go.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use staffroom_protocol::entry::BlobRef;
use staffroom_protocol::hash::SchoolId;
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::keeping::{CHALLENGE_BYTES, Outcome, Output};
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use tokio::sync::Semaphore;

use super::{Network, fetch};
use crate::blobs::proves;
use crate::clock::now_millis;
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
                    Ok((reached, tasks, next)) => {
                        (position, is_recalled) = (reached, true);
                        let any = !tasks.is_empty();
                        for task in tasks {
                            under_way.push(Box::pin(work(
                                Arc::clone(&node),
                                keeping.clone(),
                                task,
                                Arc::clone(&fetches),
                            )));
                        }
                        if !any && next.is_some_and(|next| next <= now_millis()) {
                            continue;
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

type Looked = (u64, Vec<Task>, Option<u64>);

/// Takes in what changed, and says what is to be done.
async fn look(
    node: &Arc<Node>,
    network: &Network,
    position: u64,
    is_recalled: bool,
) -> Result<Looked, KeepingError> {
    let connected = network.connected();
    let looking = Arc::clone(node);
    let looked = blocking(move || -> Result<Looked, KeepingError> {
        let position = looking.follow_files(position)?;
        if !is_recalled {
            looking.recall_files();
        }
        looking.tend_files(&schools(&looking, connected.into_keys()));
        let (tasks, next) = looking.file_tasks();
        Ok((position, tasks, next))
    });
    looked.await.unwrap_or_else(|| Ok((position, Vec::new(), None)))
}

/// The schools of nodes, in any group.
fn schools(node: &Node, nodes: impl Iterator<Item = PublicKey>) -> BTreeSet<SchoolId> {
    let nodes: BTreeSet<PublicKey> = nodes.collect();
    let mut schools = BTreeSet::new();
    for group in node.group_ids() {
        node.with_membership(&group, |set| {
            let has_one = |keys: &BTreeSet<PublicKey>| keys.iter().any(|key| nodes.contains(key));
            let current = set.roster().current();
            schools.extend(
                current
                    .filter(|(_, member)| has_one(&member.nodes.iter().copied().collect()))
                    .map(|(school, _)| school),
            );
        });
    }
    schools
}

async fn work(node: Arc<Node>, network: Network, task: Task, fetches: Arc<Semaphore>) {
    let done = match task.output {
        Output::Challenge { school, node: peer, offset, .. } => {
            let outcome = challenge(&node, &network, &task, peer, offset).await;
            tracing::debug!(?school, ?outcome, file = %task.file.hash, "a copy was challenged");
            node.note_challenge(&task.group, &school, &task.file.hash, outcome);
            return;
        }
        Output::Fetch { .. } => {
            let blob = BlobRef { hash: task.file.hash, size: task.file.size };
            let Ok(_place) = fetches.acquire().await else { return };
            let fetched = fetch::file(&node, &network, task.record, blob).await;
            if let Err(error) = &fetched {
                tracing::info!(%error, file = %blob.hash, "a file that is to be kept did not come");
            }
            let came = fetched.is_ok();
            let noting = Arc::clone(&node);
            blocking(move || noting.note_fetch(&task, came)).await
        }
        Output::Drop { .. } => {
            let dropping = Arc::clone(&node);
            blocking(move || dropping.let_go(&task.group, &task.file.hash)).await
        }
    };
    if let Some(Err(error)) = done {
        tracing::warn!(%error, file = %task.file.hash, "a file was not looked after");
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
            if proved == Some(true) { Outcome::Passed } else { Outcome::Failed }
        }
        Ok(Response::Refused(Refusal::NotHeld)) => Outcome::Failed,
        // A line that is busy, or a member that has not heard of this one, says nothing of the file.
        Ok(_) | Err(_) => Outcome::Unreachable,
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    tokio::task::spawn_blocking(work).await.ok()
}
