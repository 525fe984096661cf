//! Schools, nodes, and the certificate by which a school lets a node sign for it.
//!
//! A school is an Ed25519 key pair that is used rarely: to certify nodes and to withdraw. A node is
//! another key pair, the same one that authenticates it on the network; it signs entries.

use std::fmt;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use ed25519_zebra::{Signature, VerificationKey, VerificationKeyBytes, batch};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::hash::{GroupId, Hash, SchoolId};
use crate::limits::MAX_CERTIFICATE_BYTES;
use crate::wire::{self, DecodeError};

/// Length of an Ed25519 signature.
pub const SIGNATURE_BYTES: usize = 64;

/// What a signature is about. The tag is signed with the content, so that a signature made for one
/// purpose never counts for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A school certifies a node.
    NodeCertificate,
    /// A node publishes a version of a record.
    Entry,
    /// A school revokes a node.
    NodeRevocation,
    /// A member changes who belongs to a group.
    Statement,
    /// A keyholder of a group's root agrees to what the root does.
    Root,
    /// A member confirms that it erased what was withdrawn.
    Receipt,
    /// A school objects to what is said to be its next key.
    Objection,
    /// A node says for which file it made a key: the start of a bundle.
    BundleOpening,
    /// A node says what it put into a bundle: its end.
    Bundle,
}

impl Purpose {
    const fn tag(self) -> &'static [u8] {
        match self {
            Self::NodeCertificate => b"staffroom/1/node-certificate\0",
            Self::Entry => b"staffroom/1/entry\0",
            Self::NodeRevocation => b"staffroom/1/node-revocation\0",
            Self::Statement => b"staffroom/1/statement\0",
            Self::Root => b"staffroom/1/root\0",
            Self::Receipt => b"staffroom/1/receipt\0",
            Self::Objection => b"staffroom/1/objection\0",
            Self::BundleOpening => b"staffroom/1/bundle-opening\0",
            Self::Bundle => b"staffroom/1/bundle\0",
        }
    }
}

/// A private key: of a school or of a node. Wiped from memory when dropped, never printed.
#[derive(Clone)]
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// Makes the key from 32 bytes of a cryptographic random source or of a stored key.
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The 32 bytes that make the key, for storing it.
    pub fn seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    /// The X25519 private key of the same pair.
    pub(crate) fn to_x25519(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_scalar_bytes())
    }

    /// Signs `content` for one purpose; the result is the signature followed by the content.
    pub(crate) fn seal(&self, purpose: Purpose, content: &[u8]) -> Vec<u8> {
        let signature = self.0.sign(&tagged(purpose, content));
        [signature.to_bytes().as_slice(), content].concat()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey(of {:?})", self.public())
    }
}

/// The public half of a school's or a node's key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PublicKey(#[serde(with = "serde_bytes")] [u8; 32]);

impl PublicKey {
    /// Wraps 32 bytes; whether they are a usable key shows when a signature is checked.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The X25519 public key of the same pair; none where the bytes are no point on the curve.
    pub(crate) fn to_x25519(self) -> Option<[u8; 32]> {
        Some(VerifyingKey::from_bytes(&self.0).ok()?.to_montgomery().to_bytes())
    }

    /// The school whose key this is.
    pub fn school_id(&self) -> SchoolId {
        SchoolId::from_bytes(*blake3::hash(&self.0).as_bytes())
    }

    /// Checks `sealed` (a signature followed by its content) and returns the content.
    ///
    /// The check is that of ZIP 215 (*Explicitly Defining and Modifying Ed25519 Validation Rules*, 2020),
    /// which gives the same answer for one signature as for many at once, see [`signed_all`]: every
    /// node must give the same. Those of RFC 8032 do not.
    ///
    /// # Errors
    /// [`SignatureError`] if the bytes are too short or this key did not sign them for `purpose`.
    pub(crate) fn open<'a>(
        &self,
        purpose: Purpose,
        sealed: &'a [u8],
    ) -> Result<&'a [u8], SignatureError> {
        let (signature, content) = split_signature(sealed)?;
        let key = VerificationKey::try_from(self.0).map_err(|_| SignatureError::Invalid)?;
        key.verify(&Signature::from_bytes(signature), &tagged(purpose, content))
            .map_err(|_| SignatureError::Invalid)?;
        Ok(content)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", data_encoding::HEXLOWER.encode(&self.0[..4]))
    }
}

/// Whether each key signed what is sealed beside it for one purpose: the answer that
/// [`PublicKey::open`] gives for each, in half the time or less. `hash` stands for all of it, signatures
/// included, so that nobody can choose signatures that fit what it leads to.
pub(crate) fn signed_all<'a>(
    purpose: Purpose,
    sealed: impl IntoIterator<Item = (PublicKey, &'a [u8])>,
    hash: Hash,
) -> bool {
    let mut all = batch::Verifier::new();
    for (key, sealed) in sealed {
        let Ok((signature, content)) = split_signature(sealed) else { return false };
        let key = VerificationKeyBytes::from(key.0);
        all.queue((key, Signature::from_bytes(signature), &tagged(purpose, content)));
    }
    all.verify(ChaCha20Rng::from_seed(*hash.as_bytes())).is_ok()
}

/// Why something sealed was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// Too short to hold a signature.
    #[error("{0} bytes are too few to hold a signature of {SIGNATURE_BYTES}")]
    TooShort(usize),
    /// The signature does not match: altered content, or another signer.
    #[error("the signature does not match the content")]
    Invalid,
}

/// Separates a signature from the content behind it, without checking it.
pub(crate) fn split_signature(
    sealed: &[u8],
) -> Result<(&[u8; SIGNATURE_BYTES], &[u8]), SignatureError> {
    sealed.split_first_chunk().ok_or(SignatureError::TooShort(sealed.len()))
}

fn tagged(purpose: Purpose, content: &[u8]) -> Vec<u8> {
    [purpose.tag(), content].concat()
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct CertificateContent {
    school: PublicKey,
    node: PublicKey,
    issued_millis: u64,
}

/// A school's signed word that a node may publish for it. Exists only if the signature held.
#[derive(Debug, Clone, PartialEq)]
pub struct NodeCertificate {
    bytes: Vec<u8>,
    content: CertificateContent,
}

impl NodeCertificate {
    /// Certifies `node` with the school's key, as of `now_millis` (milliseconds since 1970).
    pub fn issue(school: &SecretKey, node: PublicKey, now_millis: u64) -> Self {
        let content =
            CertificateContent { school: school.public(), node, issued_millis: now_millis };
        Self { bytes: school.seal(Purpose::NodeCertificate, &wire::encode(&content)), content }
    }

    /// Reads a certificate and checks the school's signature.
    ///
    /// # Errors
    /// [`CertificateError`] says whether it is too long, unreadable or not signed by its school.
    pub fn verify(bytes: &[u8]) -> Result<Self, CertificateError> {
        check_length(bytes)?;
        let certificate = Self::reopen(bytes)?;
        certificate.content.school.open(Purpose::NodeCertificate, bytes)?;
        Ok(certificate)
    }

    /// Reads a certificate that was verified before it was stored, without checking it again.
    ///
    /// # Errors
    /// [`CertificateError`] if the bytes are not a certificate.
    pub fn reopen(bytes: &[u8]) -> Result<Self, CertificateError> {
        let (_, content) = split_signature(bytes)?;
        let content = wire::decode(content, MAX_CERTIFICATE_BYTES)?;
        Ok(Self { bytes: bytes.to_vec(), content })
    }

    /// The bytes that were signed, with their signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The school that issued it.
    pub fn school(&self) -> SchoolId {
        self.content.school.school_id()
    }

    /// The school's public key.
    pub fn school_key(&self) -> PublicKey {
        self.content.school
    }

    /// The node it speaks for.
    pub fn node(&self) -> PublicKey {
        self.content.node
    }
}

/// A school's signed word that it trusts one of its nodes no more: lost, stolen or replaced. Exists
/// only if the signature held.
#[derive(Debug, Clone, PartialEq)]
pub struct Revocation {
    bytes: Vec<u8>,
    /// Of the same shape as a certificate; what tells them apart is what they are signed for.
    content: CertificateContent,
}

impl Revocation {
    /// Revokes `node` with the school's key, as of `now_millis` (milliseconds since 1970).
    pub fn issue(school: &SecretKey, node: PublicKey, now_millis: u64) -> Self {
        let content =
            CertificateContent { school: school.public(), node, issued_millis: now_millis };
        Self { bytes: school.seal(Purpose::NodeRevocation, &wire::encode(&content)), content }
    }

    /// Reads a revocation and checks the school's signature.
    ///
    /// # Errors
    /// [`CertificateError`] says whether it is too long, unreadable or not signed by its school.
    pub fn verify(bytes: &[u8]) -> Result<Self, CertificateError> {
        check_length(bytes)?;
        let (_, content) = split_signature(bytes)?;
        let content: CertificateContent = wire::decode(content, MAX_CERTIFICATE_BYTES)?;
        content.school.open(Purpose::NodeRevocation, bytes)?;
        Ok(Self { bytes: bytes.to_vec(), content })
    }

    /// The bytes that were signed, with their signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The school that revokes.
    pub fn school(&self) -> SchoolId {
        self.content.school.school_id()
    }

    /// The node that is revoked.
    pub fn node(&self) -> PublicKey {
        self.content.node
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct ObjectionContent {
    school: PublicKey,
    group: GroupId,
    next: SchoolId,
}

/// A school's signed word that what is said in a group to be its next key is not. Exists only if the
/// signature held.
#[derive(Debug, Clone, PartialEq)]
pub struct Objection {
    bytes: Vec<u8>,
    content: ObjectionContent,
}

impl Objection {
    /// Objects with the school's key to `next` going on for it in a group.
    pub fn issue(school: &SecretKey, group: GroupId, next: SchoolId) -> Self {
        let content = ObjectionContent { school: school.public(), group, next };
        Self { bytes: school.seal(Purpose::Objection, &wire::encode(&content)), content }
    }

    /// Reads an objection and checks the school's signature.
    ///
    /// # Errors
    /// [`CertificateError`] says whether it is too long, unreadable or not signed by its school.
    pub fn verify(bytes: &[u8]) -> Result<Self, CertificateError> {
        check_length(bytes)?;
        let (_, content) = split_signature(bytes)?;
        let content: ObjectionContent = wire::decode(content, MAX_CERTIFICATE_BYTES)?;
        content.school.open(Purpose::Objection, bytes)?;
        Ok(Self { bytes: bytes.to_vec(), content })
    }

    /// The bytes that were signed, with their signature.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The school that objects.
    pub fn school(&self) -> SchoolId {
        self.content.school.school_id()
    }

    /// The group in which it objects.
    pub fn group(&self) -> GroupId {
        self.content.group
    }

    /// The school of the key that it objects to.
    pub fn next(&self) -> SchoolId {
        self.content.next
    }
}

fn check_length(bytes: &[u8]) -> Result<(), DecodeError> {
    let (found, limit) = (bytes.len(), MAX_CERTIFICATE_BYTES);
    if found > limit { Err(DecodeError::TooLong { found, limit }) } else { Ok(()) }
}

/// Why a node certificate was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// It cannot be read.
    #[error("node certificate: {0}")]
    Encoding(#[from] DecodeError),
    /// It is not signed by the school it names.
    #[error("node certificate: {0}")]
    Signature(#[from] SignatureError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_holds_only_as_signed() {
        let school = SecretKey::from_seed(&[1; 32]);
        let node = SecretKey::from_seed(&[2; 32]).public();
        let certificate = NodeCertificate::issue(&school, node, 1_000);
        assert_eq!(NodeCertificate::verify(certificate.as_bytes()), Ok(certificate.clone()));
        assert_eq!(certificate.school(), school.public().school_id());
        for position in 0..certificate.as_bytes().len() {
            let mut altered = certificate.as_bytes().to_vec();
            altered[position] ^= 1;
            assert!(NodeCertificate::verify(&altered).is_err(), "byte {position} may be altered");
        }
    }

    #[test]
    fn a_signature_for_one_purpose_is_not_one_for_another() {
        let key = SecretKey::from_seed(&[3; 32]);
        let sealed = key.seal(Purpose::Entry, b"content");
        assert_eq!(key.public().open(Purpose::Entry, &sealed), Ok(b"content".as_slice()));
        assert_eq!(
            key.public().open(Purpose::NodeCertificate, &sealed),
            Err(SignatureError::Invalid)
        );
    }

    #[test]
    fn a_private_key_is_not_printed() {
        let printed = format!("{:?}", SecretKey::from_seed(&[7; 32]));
        assert!(!printed.contains("07, 07") && printed.starts_with("SecretKey(of "));
    }
}
