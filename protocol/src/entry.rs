//! An entry: one version of a record as shared with one group, signed once and kept as signed.
//!
//! [`Entry`] exists only if its signatures held: it is made by [`Entry::sign`], by a [`Verifier`] of
//! what a peer sent, or by [`Entry::reopen`] on what this node verified and stored before. Its bytes are
//! never re-encoded.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::clock::Timestamp;
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::{
    CertificateError, NodeCertificate, PublicKey, Purpose, SecretKey, SignatureError, signed_all,
    split_signature,
};
use crate::limits::{MAX_BODY_BYTES, MAX_ENTRY_BYTES, MAX_SUMMARY_BYTES};
use crate::record::Summary;
use crate::wire::{self, DecodeError};

/// Where an entry belongs. A node keeps one entry for each key: the winner of all versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EntryKey {
    /// The group that the version is shared with.
    pub group: GroupId,
    /// The school whose record it is.
    pub school: SchoolId,
    /// The record within the school.
    pub record: RecordId,
}

/// The order of the versions of a record in a group: the greatest wins, whatever came first.
///
/// A withdrawal beats every version that is none, whatever their clocks; otherwise the later clock
/// wins, and between equal clocks the greater hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Version {
    /// Whether it withdraws the record.
    pub withdrawal: bool,
    /// When it was made.
    pub clock: Timestamp,
    /// The hash of the entry's bytes.
    pub hash: Hash,
}

/// A blob by its hash, with its size in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BlobRef {
    /// The BLAKE3 hash of its bytes.
    pub hash: Hash,
    /// Its size in bytes.
    pub size: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Payload {
    group: GroupId,
    record: RecordId,
    clock: Timestamp,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    summary: Option<ByteBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<BlobRef>,
    certificate: ByteBuf,
    /// The school whose record it is, where its author goes on for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    school: Option<SchoolId>,
}

/// What a new entry is to say.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// The group to share with.
    pub group: GroupId,
    /// The record.
    pub record: RecordId,
    /// Its time; greater than that of every version held.
    pub clock: Timestamp,
    /// The kind's name.
    pub kind: String,
    /// The summary and the full text, or nothing to withdraw the record.
    pub content: Option<(Summary, BlobRef)>,
    /// The school whose record it is, where it is not the author: one that the author goes on for,
    /// since that school's key is lost.
    pub school: Option<SchoolId>,
}

/// A verified entry with the bytes that were signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    bytes: Vec<u8>,
    hash: Hash,
    author: SchoolId,
    node: PublicKey,
    payload: Payload,
}

impl Entry {
    /// Signs `draft` with a node's key under its school's certificate.
    ///
    /// # Errors
    /// [`EntryError::SummaryTooLong`] if the summary does not fit, naming its size and the limit.
    pub fn sign(
        draft: Draft,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Self, EntryError> {
        let (summary, body) = match draft.content {
            Some((summary, body)) => (Some(ByteBuf::from(wire::encode(&summary))), Some(body)),
            None => (None, None),
        };
        let payload = Payload {
            group: draft.group,
            record: draft.record,
            clock: draft.clock,
            kind: draft.kind,
            summary,
            body,
            certificate: ByteBuf::from(certificate.as_bytes()),
            school: draft.school.filter(|school| *school != certificate.school()),
        };
        check_sizes(&payload)?;
        let bytes = node.seal(Purpose::Entry, &wire::encode(&payload));
        if bytes.len() > MAX_ENTRY_BYTES {
            return Err(too_long(bytes.len()));
        }
        Ok(Self::assemble(bytes, payload, certificate))
    }

    /// Reads an entry that this node verified before it stored it.
    ///
    /// # Errors
    /// [`EntryError`] if the bytes are not an entry. Signatures are not checked again.
    pub fn reopen(bytes: &[u8]) -> Result<Self, EntryError> {
        let payload = read_payload(bytes)?;
        let certificate = NodeCertificate::reopen(&payload.certificate)?;
        Ok(Self::assemble(bytes.to_vec(), payload, &certificate))
    }

    fn assemble(bytes: Vec<u8>, payload: Payload, certificate: &NodeCertificate) -> Self {
        Self {
            hash: Hash::of(&bytes),
            bytes,
            author: certificate.school(),
            node: certificate.node(),
            payload,
        }
    }

    /// The bytes to keep and to pass on.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the bytes.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// Where it belongs.
    pub fn key(&self) -> EntryKey {
        let school = self.payload.school.unwrap_or(self.author);
        EntryKey { group: self.payload.group, school, record: self.payload.record }
    }

    /// The school whose node signed it: the one whose record it is, or one that goes on for it.
    pub fn author(&self) -> SchoolId {
        self.author
    }

    /// Its place in the order of versions.
    pub fn version(&self) -> Version {
        Version {
            withdrawal: self.payload.summary.is_none(),
            clock: self.payload.clock,
            hash: self.hash,
        }
    }

    /// When it was made.
    pub fn clock(&self) -> Timestamp {
        self.payload.clock
    }

    /// The node that signed it.
    pub fn node(&self) -> PublicKey {
        self.node
    }

    /// The kind's name; a newer node may send one that this version does not know.
    pub fn kind(&self) -> &str {
        &self.payload.kind
    }

    /// Whether it withdraws its record.
    pub fn is_withdrawal(&self) -> bool {
        self.payload.summary.is_none()
    }

    /// The summary; none for a withdrawal.
    ///
    /// # Errors
    /// [`DecodeError`] if this version of the program cannot read it.
    pub fn summary(&self) -> Result<Option<Summary>, DecodeError> {
        let Some(bytes) = &self.payload.summary else { return Ok(None) };
        wire::decode(bytes, MAX_SUMMARY_BYTES).map(Some)
    }

    /// The full text; none for a withdrawal.
    pub fn body(&self) -> Option<BlobRef> {
        self.payload.body
    }
}

/// What a peer sent as an entry: of the right shape, with signatures that have not been checked.
#[derive(Debug, Clone, PartialEq)]
pub struct UncheckedEntry {
    bytes: Vec<u8>,
    hash: Hash,
    payload: Payload,
}

impl UncheckedEntry {
    /// Reads what a peer sent.
    ///
    /// # Errors
    /// [`EntryError`] if the bytes are not an entry.
    pub fn read(bytes: &[u8]) -> Result<Self, EntryError> {
        let payload = read_payload(bytes)?;
        Ok(Self { hash: Hash::of(bytes), bytes: bytes.to_vec(), payload })
    }

    /// The group that it says it is for.
    pub fn group(&self) -> GroupId {
        self.payload.group
    }

    /// When it says that it was made.
    pub fn clock(&self) -> Timestamp {
        self.payload.clock
    }

    /// The hash of its bytes.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    fn certified(self, certificate: &NodeCertificate) -> Entry {
        Entry {
            bytes: self.bytes,
            hash: self.hash,
            author: certificate.school(),
            node: certificate.node(),
            payload: self.payload,
        }
    }
}

/// Checks entries from peers, remembering the certificates it has already checked. Several threads
/// may use one at once.
#[derive(Debug, Default)]
pub struct Verifier {
    certificates: RwLock<BTreeMap<Hash, NodeCertificate>>,
}

impl Verifier {
    /// A trust has tens of nodes and a national network thousands; strangers may send any number.
    const MAX_REMEMBERED: usize = 32_768;

    /// Reads an entry and checks the node's signature and the school's certificate for the node.
    ///
    /// # Errors
    /// [`EntryError`] says which rule it breaks. No input makes this panic.
    pub fn open(&self, bytes: &[u8]) -> Result<Entry, EntryError> {
        let entry = UncheckedEntry::read(bytes)?;
        let certificate = self.certificate(&entry.payload.certificate)?;
        certificate.node().open(Purpose::Entry, bytes)?;
        Ok(entry.certified(&certificate))
    }

    /// Checks many at once, which takes half the time: the answer for each is that of
    /// [`open`](Self::open).
    pub fn check_all(&self, entries: Vec<UncheckedEntry>) -> Vec<Result<Entry, EntryError>> {
        let mut hasher = blake3::Hasher::new();
        let certified: Vec<(UncheckedEntry, Result<NodeCertificate, CertificateError>)> = entries
            .into_iter()
            .map(|entry| {
                hasher.update(entry.hash.as_bytes());
                let certificate = self.certificate(&entry.payload.certificate);
                (entry, certificate)
            })
            .collect();
        let to_check = certified.iter().filter_map(|(entry, certificate)| {
            Some((certificate.as_ref().ok()?.node(), entry.bytes.as_slice()))
        });
        let hash = Hash::from_bytes(*hasher.finalize().as_bytes());
        let all = signed_all(Purpose::Entry, to_check, hash);
        let check = |(entry, certificate): (UncheckedEntry, Result<NodeCertificate, _>)| {
            let certificate = certificate?;
            if !all {
                certificate.node().open(Purpose::Entry, &entry.bytes)?;
            }
            Ok(entry.certified(&certificate))
        };
        certified.into_iter().map(check).collect()
    }

    fn certificate(&self, bytes: &[u8]) -> Result<NodeCertificate, CertificateError> {
        let hash = Hash::of(bytes);
        let known = self.certificates.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(&hash) {
            return Ok(known.clone());
        }
        drop(known);
        let certificate = NodeCertificate::verify(bytes)?;
        let mut known = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= Self::MAX_REMEMBERED {
            known.clear();
        }
        known.insert(hash, certificate.clone());
        Ok(certificate)
    }
}

/// Why bytes are no valid entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Too long, cut short, or not of the expected shape.
    #[error("entry: {0}")]
    Encoding(#[from] DecodeError),
    /// The summary is larger than a summary may be.
    #[error(
        "the summary has {found} bytes and may have {MAX_SUMMARY_BYTES}; shorten the abstract or attach fewer files"
    )]
    SummaryTooLong {
        /// Its size.
        found: usize,
    },
    /// The full text is larger than one may be.
    #[error("the full text has {found} bytes and may have {MAX_BODY_BYTES}; attach it as a file")]
    BodyTooLong {
        /// Its size.
        found: u64,
    },
    /// The school did not certify the node.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The node did not sign these bytes.
    #[error("entry: {0}")]
    Signature(#[from] SignatureError),
}

fn read_payload(bytes: &[u8]) -> Result<Payload, EntryError> {
    if bytes.len() > MAX_ENTRY_BYTES {
        return Err(too_long(bytes.len()));
    }
    let (_, content) = split_signature(bytes)?;
    let payload = wire::decode(content, MAX_ENTRY_BYTES)?;
    check_sizes(&payload)?;
    Ok(payload)
}

fn check_sizes(payload: &Payload) -> Result<(), EntryError> {
    if let Some(summary) = &payload.summary
        && summary.len() > MAX_SUMMARY_BYTES
    {
        return Err(EntryError::SummaryTooLong { found: summary.len() });
    }
    match payload.body {
        Some(body) if body.size > MAX_BODY_BYTES as u64 => {
            Err(EntryError::BodyTooLong { found: body.size })
        }
        Some(_) | None => Ok(()),
    }
}

fn too_long(found: usize) -> EntryError {
    EntryError::Encoding(DecodeError::TooLong { found, limit: MAX_ENTRY_BYTES })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Author {
        node: SecretKey,
        certificate: NodeCertificate,
    }

    fn author(seed: u8) -> Author {
        let node = SecretKey::from_seed(&[seed + 100; 32]);
        let school = SecretKey::from_seed(&[seed; 32]);
        Author { certificate: NodeCertificate::issue(&school, node.public(), 1), node }
    }

    fn draft(title: &str, clock: u64) -> Draft {
        Draft {
            group: GroupId::from_bytes([9; 32]),
            record: RecordId::from_bytes([8; 16]),
            clock: Timestamp::from_u64(clock),
            kind: "intervention".into(),
            content: Some((
                Summary { title: title.into(), ..Summary::default() },
                BlobRef { hash: Hash::of(b"body"), size: 4 },
            )),
            school: None,
        }
    }

    fn sign(draft: Draft) -> Entry {
        let author = author(1);
        Entry::sign(draft, &author.certificate, &author.node).unwrap()
    }

    #[test]
    fn an_altered_or_truncated_entry_is_refused() {
        let entry = sign(draft("Phonics for Year 1", 5));
        let verifier = Verifier::default();
        assert_eq!(verifier.open(entry.as_bytes()), Ok(entry.clone()));
        for position in 0..entry.as_bytes().len() {
            let mut altered = entry.as_bytes().to_vec();
            altered[position] ^= 0x10;
            assert!(verifier.open(&altered).is_err(), "byte {position} may be altered");
            assert!(verifier.open(&entry.as_bytes()[..position]).is_err(), "cut at {position}");
        }
    }

    #[test]
    fn of_many_checked_at_once_each_gets_its_own_answer() {
        let verifier = Verifier::default();
        let entries: Vec<Vec<u8>> = (1..=40)
            .map(|number| {
                let author = author(number % 5);
                let draft = draft(&format!("Spelling {number}"), number.into());
                Entry::sign(draft, &author.certificate, &author.node).unwrap().bytes
            })
            .collect();
        let check = |entries: &[Vec<u8>]| {
            let read = entries.iter().map(|bytes| UncheckedEntry::read(bytes).unwrap());
            verifier.check_all(read.collect())
        };
        assert!(check(&entries).iter().all(Result::is_ok));
        assert!(check(&[]).is_empty());
        let (one, two) = (author(1), author(2));
        let mut spoilt = entries.clone();
        spoilt[7] = Entry::sign(draft("Forged", 5), &one.certificate, &two.node).unwrap().bytes;
        spoilt[23][3] ^= 1;
        let singly: Vec<_> = spoilt.iter().map(|bytes| verifier.open(bytes)).collect();
        assert_eq!(singly.iter().filter(|one| one.is_err()).count(), 2);
        assert_eq!(check(&spoilt), singly);
    }

    #[test]
    fn a_node_cannot_sign_under_another_schools_certificate() {
        let (one, two) = (author(1), author(2));
        let forged = Entry::sign(draft("Forged", 5), &one.certificate, &two.node).unwrap();
        assert_eq!(
            Verifier::default().open(forged.as_bytes()),
            Err(EntryError::Signature(SignatureError::Invalid))
        );
    }

    #[test]
    fn an_oversized_summary_is_refused_with_its_size() {
        let author = author(1);
        let error = Entry::sign(
            draft(&"x".repeat(MAX_SUMMARY_BYTES), 5),
            &author.certificate,
            &author.node,
        )
        .unwrap_err();
        assert!(matches!(error, EntryError::SummaryTooLong { found } if found > MAX_SUMMARY_BYTES));
        assert!(error.to_string().contains("may have 8192"));
    }

    #[test]
    fn a_withdrawal_beats_any_clock_and_stays_small() {
        let withdrawal = sign(Draft { content: None, ..draft("", 1) });
        assert!(withdrawal.version() > sign(draft("Later", u64::MAX)).version());
        assert!(withdrawal.as_bytes().len() < 500, "{} bytes", withdrawal.as_bytes().len());
    }

    proptest! {
        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(Verifier::default().open(&bytes).is_err());
            prop_assert!(Entry::reopen(&bytes).is_err());
        }

        #[test]
        fn what_is_signed_is_read_back(title in ".{0,200}", clock in any::<u64>()) {
            let entry = sign(draft(&title, clock));
            let opened = Verifier::default().open(entry.as_bytes()).unwrap();
            prop_assert_eq!(opened.summary().unwrap().unwrap().title, title);
            prop_assert_eq!(Entry::reopen(entry.as_bytes()).unwrap(), opened);
        }

        #[test]
        fn the_order_of_arrival_never_changes_the_winner(
            versions in proptest::collection::vec((any::<bool>(), 0_u64..4, 0_u8..4), 1..12),
            seed in any::<u64>(),
        ) {
            let versions: Vec<Version> = versions
                .into_iter()
                .map(|(withdrawal, clock, hash)| Version {
                    withdrawal,
                    clock: Timestamp::from_u64(clock),
                    hash: Hash::from_bytes([hash; 32]),
                })
                .collect();
            let keep = |held: Option<Version>, next: Version| match held {
                Some(held) if held > next => Some(held),
                Some(_) | None => Some(next),
            };
            let straight = versions.iter().copied().fold(None, keep);
            let mut shuffled = versions.clone();
            let length = shuffled.len() as u64;
            shuffled.sort_by_key(|version| {
                seed.wrapping_mul(version.clock.as_u64() + 3) % (length + 5)
            });
            prop_assert_eq!(shuffled.into_iter().fold(None, keep), straight);
        }
    }
}
