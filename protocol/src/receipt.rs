//! Receipts: a member's signed word that it holds no more of what a withdrawal took back.

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use crate::clock::Timestamp;
use crate::hash::{GroupId, Hash, SchoolId};
use crate::identity::{
    CertificateError, NodeCertificate, PublicKey, Purpose, SecretKey, SignatureError,
    split_signature,
};
use crate::limits::MAX_RECEIPT_BYTES;
use crate::wire::{self, DecodeError};

/// What a receipt says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasure {
    /// The group.
    pub group: GroupId,
    /// The hash of the withdrawal.
    pub withdrawal: Hash,
    /// Since when what was withdrawn is in none of the member's stores, journals, indexes and files,
    /// as far as this group is concerned.
    pub erased: Timestamp,
    /// By when it is in none of the member's backups.
    pub backups_by: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    certificate: ByteBuf,
    erasure: Erasure,
}

/// A receipt whose signatures held.
#[derive(Debug, Clone, PartialEq)]
pub struct Receipt {
    bytes: Vec<u8>,
    author: NodeCertificate,
    erasure: Erasure,
}

impl Receipt {
    /// Signs a receipt.
    pub fn sign(erasure: Erasure, certificate: &NodeCertificate, node: &SecretKey) -> Self {
        let payload = Payload { certificate: ByteBuf::from(certificate.as_bytes()), erasure };
        let bytes = node.seal(Purpose::Receipt, &wire::encode(&payload));
        Self { bytes, author: certificate.clone(), erasure }
    }

    /// Reads a receipt and checks its signatures.
    ///
    /// # Errors
    /// [`ReceiptError`] says which rule it breaks. No input makes this panic.
    pub fn verify(bytes: &[u8]) -> Result<Self, ReceiptError> {
        let (found, limit) = (bytes.len(), MAX_RECEIPT_BYTES);
        if found > limit {
            return Err(DecodeError::TooLong { found, limit }.into());
        }
        let (_, content) = split_signature(bytes)?;
        let payload: Payload = wire::decode(content, limit)?;
        let author = NodeCertificate::verify(&payload.certificate)?;
        author.node().open(Purpose::Receipt, bytes)?;
        Ok(Self { bytes: bytes.to_vec(), author, erasure: payload.erasure })
    }

    /// The bytes to keep and to pass on.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The school that confirms.
    pub fn school(&self) -> SchoolId {
        self.author.school()
    }

    /// The node that confirms.
    pub fn node(&self) -> PublicKey {
        self.author.node()
    }

    /// What it confirms.
    pub fn erasure(&self) -> &Erasure {
        &self.erasure
    }
}

/// Why bytes are no valid receipt.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Too long, cut short, or not of the expected shape.
    #[error("receipt: {0}")]
    Encoding(#[from] DecodeError),
    /// The node did not sign it.
    #[error("receipt: {0}")]
    Signature(#[from] SignatureError),
    /// The certificate in it does not hold.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_holds_only_as_signed() {
        let (school, node) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let certificate = NodeCertificate::issue(&school, node.public(), 1);
        let erasure = Erasure {
            group: GroupId::from_bytes([3; 32]),
            withdrawal: Hash::of(b"withdrawal"),
            erased: Timestamp::from_millis(1_000),
            backups_by: Timestamp::from_millis(2_000),
        };
        let receipt = Receipt::sign(erasure, &certificate, &node);
        assert_eq!(Receipt::verify(receipt.as_bytes()), Ok(receipt.clone()));
        assert_eq!((receipt.school(), receipt.node()), (certificate.school(), node.public()));
        for place in 0..receipt.as_bytes().len() {
            let mut altered = receipt.as_bytes().to_vec();
            altered[place] ^= 1;
            assert!(Receipt::verify(&altered).is_err(), "byte {place} may be altered");
        }
    }
}
