//! The frames of a bundle, encrypted one by one.

use chacha20poly1305::aead::{Aead, KeyInit};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use zeroize::Zeroizing;

use super::{HEAD_BYTES, PURPOSE};
use crate::hash::Hash;
use crate::identity::{PublicKey, SecretKey};
use crate::seal;

/// The key of one file.
pub(super) struct FileKey(Zeroizing<[u8; 32]>);

impl FileKey {
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self(Zeroizing::new(key))
    }

    /// Names the key without giving it away, so that all recipients read the same file: without it, two
    /// keys could be found under which the same frames say different things.
    pub(super) fn commitment(&self) -> Hash {
        Hash::from_bytes(blake3::derive_key("staffroom 2026 bundle commitment", self.0.as_slice()))
    }

    /// The key sealed to a node; none where the node's key cannot be sealed to.
    pub(super) fn seal(&self, node: &PublicKey) -> Option<Vec<u8>> {
        let own = blake3::derive_key("staffroom 2026 bundle encapsulation", self.0.as_slice());
        let seed = blake3::keyed_hash(&own, node.as_bytes());
        let context = self.commitment();
        seal::seal(node, (PURPOSE, context.as_bytes()), *seed.as_bytes(), self.0.as_slice())
    }

    /// Opens a slot; none where it is another node's, or holds another key than the one committed to.
    pub(super) fn open(slot: &[u8], commitment: &Hash, node: &SecretKey) -> Option<Self> {
        let key = seal::open(node, (PURPOSE, commitment.as_bytes()), slot)?;
        let key = Self::new(key.as_slice().try_into().ok()?);
        (key.commitment() == *commitment).then_some(key)
    }

    /// What encrypts the frames behind a header with this hash.
    pub(super) fn frames(&self, header: &Hash) -> Frames {
        let from = Zeroizing::new([self.0.as_slice(), header.as_bytes()].concat());
        let key = blake3::derive_key("staffroom 2026 bundle frames", &from);
        Frames { cipher: ChaCha20Poly1305::new(&key.into()), next: 0 }
    }
}

/// Encrypts or decrypts frames in their order.
pub(super) struct Frames {
    cipher: ChaCha20Poly1305,
    next: u64,
}

impl Frames {
    /// The number of the next frame, counted from 1.
    pub(super) fn number(&self) -> u64 {
        self.next + 1
    }

    /// The next frame, with its head.
    pub(super) fn seal(&mut self, content: &[u8], last: bool) -> Vec<u8> {
        let nonce = self.nonce(last);
        // The cipher refuses only what is longer than 256 GiB.
        let encrypted = self.cipher.encrypt(&nonce, content).unwrap_or_default();
        let mut frame = Vec::with_capacity(HEAD_BYTES + encrypted.len());
        frame.push(u8::from(last));
        frame.extend(u32::try_from(encrypted.len()).unwrap_or(u32::MAX).to_be_bytes());
        frame.extend(encrypted);
        frame
    }

    /// What the next frame holds; none where it is not the one that was written there.
    pub(super) fn open(&mut self, encrypted: &[u8], last: bool) -> Option<Vec<u8>> {
        let nonce = self.nonce(last);
        self.cipher.decrypt(&nonce, encrypted).ok()
    }

    fn nonce(&mut self, last: bool) -> Nonce {
        let mut nonce = [0; 12];
        nonce[3..11].copy_from_slice(&self.next.to_be_bytes());
        nonce[11] = u8::from(last);
        self.next += 1;
        Nonce::from(nonce)
    }
}
