//! Fetching a file from several members at once.
//!
//! It is asked for in pieces, each of which is checked against the file's hash before it is written, so
//! that every piece may come from another member and what has come stays when either side stops. A
//! member that sends something else is asked no more, and one that is slow is overtaken: whoever has
//! nothing left to do is asked for what it has not sent yet.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use staffroom_protocol::entry::{BlobRef, EntryKey};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{BLOB_GROUP_BYTES, Refusal, Request, Response};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{FetchError, blocking, holders};
use crate::blobs::{TakeError, Unfinished, without};
use crate::network::range_stream::RangeStream;
use crate::network::{AskError, Network, Offence};
use crate::node::Node;

/// What a member is asked for at once: enough that questions and answers weigh little beside it.
const PIECE_BYTES: u64 = 256 * 1024;

/// Pieces under way with one member. Together they are what is sent for nothing where either side
/// stops, a mebibyte, and keep a line of 20 ms and 400 Mbit/s busy.
const PIECES_UNDER_WAY: usize = 4;

/// Members that send one file at once: more add questions, not speed.
const MAX_SENDERS: usize = 4;

/// Members that are dialled for a file which no connected one has: each may take ten seconds to
/// find unreachable, while somebody waits.
const MAX_DIALLED: usize = 4;

/// After how long a piece that has not come is asked of others as well.
const SILENCE: Duration = Duration::from_secs(3);

/// The same at the end, where others have nothing else to do.
const SLOW: Duration = Duration::from_millis(500);

/// How long those who were sending and are gone are waited for since the last piece: a node that is
/// started again is back within a minute.
const PATIENCE: Duration = Duration::from_secs(60);

/// The pause before asking again a member that was busy, or is gone.
const RETRY: Duration = Duration::from_secs(2);

/// How often it is looked who is silent.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What may be written before it is brought to the disk: doing it on the way is done beside the line.
const SYNC_EVERY_BYTES: u64 = 64 * 1024 * 1024;

/// One file on its way.
pub(super) struct Transfer<'a> {
    node: &'a Arc<Node>,
    network: &'a Network,
    key: EntryKey,
    blob: BlobRef,
    unfinished: Arc<Unfinished>,
    /// What nobody has been asked for, or not in vain.
    waiting: VecDeque<Range<u64>>,
    under_way: Vec<Question>,
    senders: BTreeMap<PublicKey, Sender>,
    /// Members that may have it and were not asked yet.
    reserve: VecDeque<PublicKey>,
    /// Members that do not have it, or sent something else.
    without: BTreeSet<PublicKey>,
    tried: BTreeSet<PublicKey>,
    start: &'a watch::Sender<u64>,
    last_came: Option<Instant>,
    unsynced: u64,
    syncing: Option<JoinHandle<()>>,
}

/// A piece that a member was asked for.
struct Question {
    peer: PublicKey,
    range: Range<u64>,
    asked: Instant,
    /// Whether others may be asked for it as well.
    is_late: bool,
}

/// A member that is asked for pieces.
struct Sender {
    /// Where its answers come; none for a file of one piece, for which opening it takes as long.
    stream: Option<RangeStream>,
    not_before: Option<Instant>,
    is_silent: bool,
}

/// What became of a question.
enum Answer {
    /// The range that came and was written.
    Came(Range<u64>),
    /// Something else than the file.
    Wrong,
    /// This member does not have it.
    NotHeld,
    /// This member, or the line, is busy.
    Busy,
    /// This member cannot be reached any more.
    Gone,
    /// What came cannot be kept.
    Failed(FetchError),
}

type Answers = FuturesUnordered<BoxFuture<'static, (PublicKey, Range<u64>, Answer)>>;

impl<'a> Transfer<'a> {
    pub(super) fn new(
        node: &'a Arc<Node>,
        network: &'a Network,
        (key, blob): (EntryKey, BlobRef),
        unfinished: &Arc<Unfinished>,
        start: &'a watch::Sender<u64>,
    ) -> Self {
        Self {
            node,
            network,
            key,
            blob,
            unfinished: Arc::clone(unfinished),
            waiting: unfinished.missing().into(),
            under_way: Vec::new(),
            senders: BTreeMap::new(),
            reserve: VecDeque::new(),
            without: BTreeSet::new(),
            tried: BTreeSet::new(),
            start,
            last_came: None,
            unsynced: 0,
            syncing: None,
        }
    }

    /// Until everything has come.
    pub(super) async fn run(mut self) -> Result<(), FetchError> {
        let mut answers = Answers::new();
        self.look_for_holders();
        while !self.unfinished.is_whole() {
            if answers.is_empty() && self.waiting.is_empty() {
                // Nothing is asked for that is not there yet: begin again with what is missing.
                self.waiting = self.unfinished.missing().into();
            }
            self.recruit();
            self.ask(&mut answers);
            if answers.is_empty() && self.senders.is_empty() {
                let is_patient = self.last_came.is_some_and(|came| came.elapsed() < PATIENCE);
                if !is_patient {
                    return Err(FetchError::Nobody { tried: self.tried.len() });
                }
                tokio::time::sleep(RETRY).await;
                self.look_for_holders();
                continue;
            }
            tokio::select! {
                Some((peer, range, answer)) = answers.next() => {
                    self.answered(peer, range, answer).await?;
                }
                () = tokio::time::sleep(LOOK_EVERY) => self.look_who_is_late(),
            }
        }
        Ok(())
    }

    /// Lists who may have it: nodes that are connected, and a few that were reached before.
    fn look_for_holders(&mut self) {
        let sources = self.node.file_sources(&self.key, &self.blob);
        let holders = holders(self.node, &self.key.group, &sources);
        let (connected, others): (Vec<_>, Vec<_>) = holders
            .into_iter()
            .filter(|peer| !self.without.contains(peer) && !self.senders.contains_key(peer))
            .partition(|peer| self.network.is_connected(peer));
        let reached_before = others
            .into_iter()
            .filter(|peer| !self.node.contacts().addresses(peer).is_empty())
            .take(MAX_DIALLED);
        self.reserve = connected.into_iter().chain(reached_before).collect();
    }

    /// Has as many members send as it takes.
    fn recruit(&mut self) {
        // Where the line is the bottleneck, a second one would only halve the first.
        let most = if self.network.shared.pace.is_limited() { 1 } else { MAX_SENDERS };
        loop {
            let heard = self.senders.values().filter(|sender| !sender.is_silent).count();
            // Nobody is dialled while somebody sends.
            let Some(next) = self
                .reserve
                .front()
                .filter(|next| heard < most && (heard == 0 || self.network.is_connected(next)))
            else {
                return;
            };
            self.tried.insert(*next);
            let large = self.blob.size > PIECE_BYTES;
            let stream = large.then(|| RangeStream::to(self.network, *next));
            let sender = Sender { stream, not_before: None, is_silent: false };
            self.senders.insert(*next, sender);
            self.reserve.pop_front();
        }
    }

    /// Asks whoever has room for the next pieces.
    fn ask(&mut self, answers: &mut Answers) {
        let now = Instant::now();
        let peers: Vec<PublicKey> = self.senders.keys().copied().collect();
        let mut asked = true;
        // One piece each in turn, so that a short file comes from several as well.
        while std::mem::take(&mut asked) {
            for peer in &peers {
                let room = self.under_way.iter().filter(|one| one.peer == *peer).count()
                    < PIECES_UNDER_WAY;
                let Sender { stream, not_before, .. } = &self.senders[peer];
                let (stream, is_free) = (stream.clone(), not_before.is_none_or(|then| then <= now));
                if let Some(range) = (room && is_free).then(|| self.next_for(peer)).flatten() {
                    let question =
                        Question { peer: *peer, range: range.clone(), asked: now, is_late: false };
                    self.under_way.push(question);
                    answers.push(self.piece(*peer, stream, range));
                    asked = true;
                }
            }
        }
    }

    /// What a member is asked for next: what waits, or what somebody else is slow to send.
    fn next_for(&mut self, peer: &PublicKey) -> Option<Range<u64>> {
        let own = |range: &Range<u64>| {
            self.under_way.iter().any(|one| one.peer == *peer && overlap(&one.range, range))
        };
        if let Some(place) = self.waiting.iter().position(|range| !own(range)) {
            let whole = &mut self.waiting[place];
            let piece = PIECE_BYTES.min(self.network.shared.pace.answer_bytes() as u64);
            let piece = (piece / BLOB_GROUP_BYTES).max(1) * BLOB_GROUP_BYTES;
            let end = (whole.start + piece).min(whole.end);
            let next = whole.start..end;
            whole.start = end;
            if whole.is_empty() {
                self.waiting.remove(place);
            }
            return Some(next);
        }
        if self.network.shared.pace.is_limited() {
            return None;
        }
        let slow = self
            .under_way
            .iter_mut()
            .find(|one| !one.is_late && one.peer != *peer && one.asked.elapsed() > SLOW)?;
        slow.is_late = true;
        Some(slow.range.clone())
    }

    /// Asks a member for a piece, checks and writes it.
    fn piece(
        &self,
        peer: PublicKey,
        stream: Option<RangeStream>,
        range: Range<u64>,
    ) -> BoxFuture<'static, (PublicKey, Range<u64>, Answer)> {
        let (node, network) = (Arc::clone(self.node), self.network.clone());
        let (group, hash) = (self.key.group, self.blob.hash);
        let unfinished = Arc::clone(&self.unfinished);
        Box::pin(async move {
            let addresses = node.contacts().addresses(&peer);
            let length = (range.end - range.start).next_multiple_of(BLOB_GROUP_BYTES);
            let request = Request::BlobRange { group, hash, offset: range.start, length };
            let asked = match stream {
                Some(stream) => stream.ask(addresses, request).await,
                None => network.ask(peer, addresses, request).await,
            };
            let answer = match asked {
                Ok(Response::BlobRange { length: sent, slice })
                    if sent > 0 && sent <= range.end - range.start =>
                {
                    let came = range.start..range.start + sent;
                    let taken = blocking(move || (unfinished.take(&came, &slice), came)).await;
                    match taken {
                        Ok((Ok(()), came)) => Answer::Came(came),
                        Ok((Err(TakeError::Wrong(_)), _)) => Answer::Wrong,
                        Ok((Err(TakeError::Blob(error)), _)) => Answer::Failed(error.into()),
                        Err(error) => Answer::Failed(error),
                    }
                }
                Ok(Response::BlobRange { .. }) => Answer::Wrong,
                Ok(Response::Refused(Refusal::Busy)) | Err(AskError::LineFull) => Answer::Busy,
                Ok(_) => Answer::NotHeld,
                Err(AskError::Stopped) => Answer::Failed(FetchError::Stopped),
                Err(AskError::Unreachable(_) | AskError::NoAnswer(_)) => Answer::Gone,
            };
            (peer, range, answer)
        })
    }

    async fn answered(
        &mut self,
        peer: PublicKey,
        range: Range<u64>,
        answer: Answer,
    ) -> Result<(), FetchError> {
        let place = self.under_way.iter().position(|one| one.peer == peer && one.range == range);
        if let Some(place) = place {
            self.under_way.remove(place);
        }
        match answer {
            Answer::Came(came) => {
                self.last_came = Some(Instant::now());
                if let Some(sender) = self.senders.get_mut(&peer) {
                    sender.is_silent = false;
                }
                self.start.send_replace(self.unfinished.start());
                self.want_no_more(&came);
                self.want_again(came.end..range.end);
                self.unsynced += came.end - came.start;
                self.sync();
            }
            Answer::Failed(error) => return Err(error),
            Answer::Busy => {
                self.want_again(range);
                if let Some(sender) = self.senders.get_mut(&peer) {
                    sender.not_before = Some(Instant::now() + RETRY);
                    sender.is_silent = true;
                }
            }
            Answer::Wrong | Answer::NotHeld | Answer::Gone => {
                self.want_again(range);
                // The first of several questions that fail says it for all of them.
                if self.senders.remove(&peer).is_some() {
                    tracing::info!(
                        ?peer,
                        why = answer.word(),
                        "another member is asked for a file"
                    );
                }
                if matches!(answer, Answer::Wrong) {
                    self.network.offended(peer, Offence::WrongContent).await;
                }
                if !matches!(answer, Answer::Gone) {
                    self.without.insert(peer);
                }
            }
        }
        Ok(())
    }

    /// What came need not come again.
    fn want_no_more(&mut self, came: &Range<u64>) {
        self.waiting = self.waiting.iter().flat_map(|range| without(range, came)).collect();
    }

    /// Asks again for what did not come, unless somebody else is being asked for it, or it came from
    /// there.
    fn want_again(&mut self, range: Range<u64>) {
        let is_asked = self.under_way.iter().any(|one| overlap(&one.range, &range));
        let missing = self.unfinished.missing();
        if !range.is_empty() && !is_asked && missing.iter().any(|one| overlap(one, &range)) {
            self.waiting.push_front(range);
        }
    }

    /// Lets others be asked for what has not come for long.
    fn look_who_is_late(&mut self) {
        if self.network.shared.pace.is_limited() {
            return;
        }
        let late = self.under_way.iter_mut();
        for question in late.filter(|one| !one.is_late && one.asked.elapsed() > SILENCE) {
            question.is_late = true;
            self.waiting.push_front(question.range.clone());
            if let Some(sender) = self.senders.get_mut(&question.peer) {
                sender.is_silent = true;
            }
        }
    }

    /// Brings what was written to the disk from time to time, while more comes.
    fn sync(&mut self) {
        let is_free = self.syncing.as_ref().is_none_or(JoinHandle::is_finished);
        if self.unsynced < SYNC_EVERY_BYTES || !is_free {
            return;
        }
        self.unsynced = 0;
        let unfinished = Arc::clone(&self.unfinished);
        self.syncing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = unfinished.sync() {
                // Keeping the file at the end would say so as well.
                tracing::warn!(%error, "what came of a file could not be brought to the disk");
            }
        }));
    }
}

impl Answer {
    fn word(&self) -> &'static str {
        match self {
            Self::Came(_) => "it came",
            Self::Wrong => "something else came",
            Self::NotHeld => "not held",
            Self::Busy => "busy",
            Self::Gone => "gone",
            Self::Failed(_) => "failed",
        }
    }
}

fn overlap(one: &Range<u64>, other: &Range<u64>) -> bool {
    one.start < other.end && other.start < one.end
}
