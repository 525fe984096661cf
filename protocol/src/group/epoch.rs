//! Epoch keys: what a group's gossip is encrypted under, and how members are handed them.
//!
//! An admin makes a key, and an [`Act::Epoch`](super::statement::Act::Epoch) seals it to each node
//! of the members: in the statement itself, or where they are many in chunks that stand beside it, so
//! that each node fetches its own and not those of a whole country.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;
use zeroize::Zeroizing;

use crate::hash::{GroupId, Hash};
use crate::identity::{PublicKey, SecretKey};
use crate::limits::{EPOCH_CHUNK_KEYS, MAX_SEALED_KEYS};
use crate::seal;

const SEALED_BYTES: usize = 32 + seal::OVERHEAD_BYTES;

/// Bytes of a nonce of XChaCha20-Poly1305, which stand before what is encrypted.
const NONCE_BYTES: usize = 24;

const PURPOSE: &[u8] = b"staffroom/1/epoch-key\0";

/// The key that a group's gossip is encrypted under for a time.
#[derive(Clone, PartialEq, Eq)]
pub struct EpochKey(Zeroizing<[u8; 32]>);

impl fmt::Debug for EpochKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EpochKey(of {:?})", self.commitment())
    }
}

impl EpochKey {
    /// Makes the key from 32 bytes of a cryptographic random source.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(Zeroizing::new(seed))
    }

    /// Names the key without giving it away.
    pub fn commitment(&self) -> Hash {
        Hash::from_bytes(self.derive("staffroom 2026 epoch key commitment"))
    }

    /// The name of the topic on which the group's members talk under this key.
    pub fn topic(&self) -> String {
        HEXLOWER.encode(&self.derive("staffroom 2026 gossip topic"))
    }

    /// Seals the key to a node. The same key sealed to the same node gives the same bytes; nobody
    /// but a holder of the key can work them out.
    pub fn seal(&self, group: &GroupId, node: &PublicKey) -> SealedKey {
        self.try_seal(group, node).unwrap_or(SealedKey(ByteArray::new([0; SEALED_BYTES])))
    }

    /// None where the node's key cannot be sealed to.
    fn try_seal(&self, group: &GroupId, node: &PublicKey) -> Option<SealedKey> {
        let seed = blake3::keyed_hash(
            &self.derive("staffroom 2026 epoch key encapsulation"),
            &[group.as_bytes().as_slice(), node.as_bytes()].concat(),
        );
        let sealed =
            seal::seal(node, (PURPOSE, group.as_bytes()), *seed.as_bytes(), self.0.as_slice())?;
        Some(SealedKey(ByteArray::new(sealed.try_into().ok()?)))
    }

    /// Encrypts a message to the members with XChaCha20-Poly1305. Equal messages give equal bytes,
    /// so that each is passed on once: the nonce is a keyed hash of the message.
    pub fn encrypt(&self, message: &[u8]) -> Vec<u8> {
        let key = self.derive("staffroom 2026 gossip nonce");
        let hash = blake3::keyed_hash(&key, message);
        let mut nonce = [0; NONCE_BYTES];
        nonce.copy_from_slice(&hash.as_bytes()[..NONCE_BYTES]);
        // The cipher refuses only what is longer than 256 GiB.
        let encrypted = self.cipher().encrypt(&XNonce::from(nonce), message).unwrap_or_default();
        [nonce.as_slice(), &encrypted].concat()
    }

    /// Reads what [`encrypt`](Self::encrypt) made; none if it was made under another key, or
    /// altered.
    pub fn decrypt(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        let (nonce, encrypted) = bytes.split_first_chunk::<NONCE_BYTES>()?;
        self.cipher().decrypt(&XNonce::from(*nonce), encrypted).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.derive("staffroom 2026 gossip encryption").into())
    }

    fn derive(&self, context: &str) -> [u8; 32] {
        blake3::derive_key(context, self.0.as_slice())
    }
}

/// An epoch key sealed to one node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedKey(ByteArray<SEALED_BYTES>);

impl SealedKey {
    /// Opens it with the node's key; none if it was sealed to another node or for another group.
    pub fn open(&self, group: &GroupId, node: &SecretKey) -> Option<EpochKey> {
        let key = seal::open(node, (PURPOSE, group.as_bytes()), self.0.as_slice())?;
        Some(EpochKey::from_seed(key.as_slice().try_into().ok()?))
    }
}

/// The epoch under which a group gossips, as its statements say.
#[derive(Debug, Clone, PartialEq)]
pub struct Epoch {
    pub(super) statement: Hash,
    pub(super) key: Hash,
    pub(super) recipients: BTreeMap<PublicKey, Slot>,
}

/// Where the key is that was sealed to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// In a statement.
    Stated(SealedKey),
    /// In a chunk, at this place.
    Chunked(Hash, usize),
}

impl Epoch {
    /// The statement that made it.
    pub fn statement(&self) -> Hash {
        self.statement
    }

    /// Whether the key was sealed to a node.
    pub fn names(&self, node: &PublicKey) -> bool {
        self.recipients.contains_key(node)
    }

    /// The chunk in which the key is sealed to a node, if it is in one.
    pub fn chunk_of(&self, node: &PublicKey) -> Option<Hash> {
        match self.recipients.get(node)? {
            Slot::Chunked(chunk, _) => Some(*chunk),
            Slot::Stated(_) => None,
        }
    }

    /// All chunks in which the key is sealed to nodes.
    pub fn chunks(&self) -> BTreeSet<Hash> {
        self.recipients.keys().filter_map(|node| self.chunk_of(node)).collect()
    }

    /// The key, for one of the nodes that it was sealed to; none for any other, or where whoever
    /// made the epoch sealed another key to this node, or where `chunk` does not find the chunk.
    pub fn open(
        &self,
        group: &GroupId,
        node: &SecretKey,
        chunk: impl FnOnce(&Hash) -> Option<Vec<u8>>,
    ) -> Option<EpochKey> {
        let sealed = match self.recipients.get(&node.public())? {
            Slot::Stated(sealed) => *sealed,
            Slot::Chunked(hash, place) => {
                let chunk = chunk(hash)?;
                let (slots, _) = chunk.as_chunks::<SEALED_BYTES>();
                SealedKey(ByteArray::new(*slots.get(*place)?))
            }
        };
        let key = sealed.open(group, node)?;
        (key.commitment() == self.key).then_some(key)
    }
}

/// Sealed keys as nodes fetch them: [`EPOCH_CHUNK_KEYS`] in each chunk but the last, one behind the
/// other.
pub(super) fn chunks(sealed: &[SealedKey]) -> Vec<Vec<u8>> {
    let slots = sealed.chunks(EPOCH_CHUNK_KEYS);
    slots.map(|slots| slots.iter().flat_map(|slot| slot.0.iter().copied()).collect()).collect()
}

/// The slots of an epoch for nodes in the order of their public keys; none where a statement does
/// not have one for each of them.
pub(super) fn slots(nodes: usize, sealed: &[SealedKey], chunks: &[Hash]) -> Option<Vec<Slot>> {
    if nodes <= MAX_SEALED_KEYS {
        let fits = sealed.len() == nodes && chunks.is_empty();
        return fits.then(|| sealed.iter().copied().map(Slot::Stated).collect());
    }
    let fits = sealed.is_empty() && chunks.len() == nodes.div_ceil(EPOCH_CHUNK_KEYS);
    fits.then(|| {
        let of_chunk = |chunk: &Hash| {
            (0..EPOCH_CHUNK_KEYS).map(|place| Slot::Chunked(*chunk, place)).collect()
        };
        chunks.iter().flat_map::<Vec<Slot>, _>(of_chunk).take(nodes).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUP: GroupId = GroupId::from_bytes([1; 32]);

    fn key() -> EpochKey {
        EpochKey::from_seed([9; 32])
    }

    #[test]
    fn a_sealed_key_opens_for_its_node_and_group_alone() {
        let (ash, beech) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let sealed = key().seal(&GROUP, &ash.public());
        assert_eq!(sealed.open(&GROUP, &ash), Some(key()));
        assert_eq!(sealed.open(&GROUP, &beech), None);
        assert_eq!(sealed.open(&GroupId::from_bytes([2; 32]), &ash), None);
        assert_eq!(sealed, key().seal(&GROUP, &ash.public()), "the same each time");
        assert!(!format!("{:?}", key()).contains("9, 9"));
    }

    #[test]
    fn a_node_key_that_is_no_key_gets_nothing_that_opens() {
        for bytes in [[0; 32], [1; 32], [255; 32]] {
            let sealed = key().seal(&GROUP, &PublicKey::from_bytes(bytes));
            for seed in 0..4 {
                assert_eq!(sealed.open(&GROUP, &SecretKey::from_seed(&[seed; 32])), None);
            }
        }
        let nothing = SealedKey(ByteArray::new([0; SEALED_BYTES]));
        assert_eq!(nothing.open(&GROUP, &SecretKey::from_seed(&[1; 32])), None);
    }

    #[test]
    fn a_message_is_read_under_its_key_as_it_was_sent() {
        let sent = key().encrypt(b"Paired reading");
        assert_eq!(key().decrypt(&sent).as_deref(), Some(b"Paired reading".as_slice()));
        assert!(!sent.windows(6).any(|window| window == b"Paired"));
        assert_eq!(EpochKey::from_seed([8; 32]).decrypt(&sent), None);
        for place in 0..sent.len() {
            let mut altered = sent.clone();
            altered[place] ^= 1;
            assert_eq!(key().decrypt(&altered), None, "byte {place} may be altered");
        }
        for length in 0..sent.len() {
            assert_eq!(key().decrypt(&sent[..length]), None, "cut to {length} bytes");
        }
        assert_ne!(key().encrypt(b"a")[..NONCE_BYTES], key().encrypt(b"b")[..NONCE_BYTES]);
    }
}
