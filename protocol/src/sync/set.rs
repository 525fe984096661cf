//! A group's content set, sorted for range-based reconciliation.

use negentropy::{Id, Negentropy, NegentropyStorageBase, NegentropyStorageVector};

use super::message::RECONCILE_FRAME_BYTES;
use crate::clock::Timestamp;
use crate::hash::Hash;

/// The (clock, hash) of every entry of a group's content set, sealed.
///
/// After range-based set reconciliation (Meyer, 2023; the `negentropy` protocol, version 1).
#[derive(Debug, Clone)]
pub struct ContentSet {
    items: NegentropyStorageVector,
    digest: Hash,
}

impl ContentSet {
    /// Builds the set.
    ///
    /// # Errors
    /// [`ReconcileError`] if the library refuses an item.
    pub fn new(items: impl IntoIterator<Item = (Timestamp, Hash)>) -> Result<Self, ReconcileError> {
        let mut vector = NegentropyStorageVector::new();
        for (clock, hash) in items {
            vector.insert(clock.as_u64(), Id::from_byte_array(*hash.as_bytes()))?;
        }
        vector.seal()?;
        let mut hasher = blake3::Hasher::new();
        vector.iterate(0, vector.size()?, &mut |item, _| {
            hasher.update(item.id.as_ref());
            Ok(true)
        })?;
        Ok(Self { items: vector, digest: Hash::from_bytes(*hasher.finalize().as_bytes()) })
    }

    /// A hash over the hashes of all entries in their order: equal exactly for equal sets.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// How many entries.
    pub fn len(&self) -> usize {
        self.items.size().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Answers a reconciliation message.
    ///
    /// # Errors
    /// [`ReconcileError`] if the message is malformed.
    pub fn answer(&self, message: &[u8]) -> Result<Vec<u8>, ReconcileError> {
        Ok(Negentropy::borrowed(&self.items, RECONCILE_FRAME_BYTES)?.reconcile(message)?)
    }

    /// The first message of the asking side.
    pub(super) fn initiate(&self) -> Result<Vec<u8>, ReconcileError> {
        Ok(Negentropy::borrowed(&self.items, RECONCILE_FRAME_BYTES)?.initiate()?)
    }

    /// Reads an answer: adds what is lacking to `lacking` and returns the next message, if one is
    /// needed.
    pub(super) fn continue_with(
        &self,
        answer: &[u8],
        lacking: &mut Vec<Hash>,
    ) -> Result<Option<Vec<u8>>, ReconcileError> {
        let mut asking = Negentropy::borrowed(&self.items, RECONCILE_FRAME_BYTES)?;
        asking.set_initiator();
        let (mut have, mut need) = (Vec::new(), Vec::new());
        let next = asking.reconcile_with_ids(answer, &mut have, &mut need)?;
        lacking.extend(need.iter().map(|id| Hash::from_bytes(**id)));
        Ok(next)
    }
}

/// Why reconciliation cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("reconciliation: {0}")]
pub struct ReconcileError(String);

impl From<negentropy::Error> for ReconcileError {
    fn from(error: negentropy::Error) -> Self {
        Self(error.to_string())
    }
}
