//! What the root is to do, as its keyholders sign it: each on their own machine, so that the keys
//! never come together. A [`Proposed`] travels between them as a line of text.

use std::fmt;
use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteArray;

use super::statement::Act;
use crate::hash::{GroupId, Hash};
use crate::identity::{PublicKey, Purpose, SIGNATURE_BYTES, SecretKey, SignatureError};
use crate::limits::{MAX_ROOT_KEYS, MAX_STATEMENT_BYTES};
use crate::wire;

const PREFIX: &str = "staffroom-proposal:";

/// An act of the root, and what it follows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposal {
    group: GroupId,
    parents: Vec<Hash>,
    act: Act,
}

/// One keyholder's signature on a [`Proposal`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endorsement {
    key: PublicKey,
    signature: ByteArray<SIGNATURE_BYTES>,
}

impl Proposal {
    pub(super) fn new(group: GroupId, parents: Vec<Hash>, act: Act) -> Self {
        Self { group, parents, act }
    }

    pub(super) fn into_parts(self) -> (GroupId, Vec<Hash>, Act) {
        (self.group, self.parents, self.act)
    }

    /// The group whose root is to do it.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// What is proposed.
    pub fn act(&self) -> &Act {
        &self.act
    }

    /// Signs it with one of the root's keys.
    pub fn endorse(&self, key: &SecretKey) -> Endorsement {
        let sealed = key.seal(Purpose::Root, &wire::encode(self));
        let signature = sealed.first_chunk().copied().unwrap_or([0; SIGNATURE_BYTES]);
        Endorsement { key: key.public(), signature: ByteArray::new(signature) }
    }

    pub(super) fn check(&self, endorsement: &Endorsement) -> Result<PublicKey, SignatureError> {
        let sealed = [endorsement.signature.as_slice(), &wire::encode(self)].concat();
        endorsement.key.open(Purpose::Root, &sealed)?;
        Ok(endorsement.key)
    }
}

/// A proposal with the signatures that it has so far, all of which hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    proposal: Proposal,
    endorsements: Vec<Endorsement>,
}

impl Proposed {
    /// A proposal that nobody has signed.
    pub fn new(proposal: Proposal) -> Self {
        Self { proposal, endorsements: Vec::new() }
    }

    /// What is proposed.
    pub fn proposal(&self) -> &Proposal {
        &self.proposal
    }

    /// Adds a keyholder's signature, once.
    pub fn endorse(&mut self, key: &SecretKey) {
        if !self.signers().any(|signer| signer == key.public()) {
            self.endorsements.push(self.proposal.endorse(key));
        }
    }

    /// Who signed.
    pub fn signers(&self) -> impl Iterator<Item = PublicKey> {
        self.endorsements.iter().map(|endorsement| endorsement.key)
    }

    /// The proposal and its signatures.
    pub fn into_parts(self) -> (Proposal, Vec<Endorsement>) {
        (self.proposal, self.endorsements)
    }
}

impl fmt::Display for Proposed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", BASE64URL_NOPAD.encode(&wire::encode(self)))
    }
}

/// Why a line is no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProposalError {
    /// The text is something else.
    #[error("this is not a proposal; a proposal starts with \"{PREFIX}\"")]
    NotAProposal,
    /// The text was cut or changed.
    #[error("the proposal is damaged; copy the whole line again, from \"{PREFIX}\" to its end")]
    Damaged,
}

impl FromStr for Proposed {
    type Err = ProposalError;

    /// Accepts the line as mail programs mangle it: with spaces and line breaks inside.
    fn from_str(text: &str) -> Result<Self, ProposalError> {
        let line: String =
            text.chars().take(2 * MAX_STATEMENT_BYTES).filter(|c| !c.is_whitespace()).collect();
        let encoded = line.strip_prefix(PREFIX).ok_or(ProposalError::NotAProposal)?;
        let bytes = BASE64URL_NOPAD.decode(encoded.as_bytes());
        let bytes = bytes.map_err(|_| ProposalError::Damaged)?;
        let proposed: Self =
            wire::decode(&bytes, MAX_STATEMENT_BYTES).map_err(|_| ProposalError::Damaged)?;
        let holds = |endorsement: &Endorsement| proposed.proposal.check(endorsement).is_ok();
        if proposed.endorsements.len() > MAX_ROOT_KEYS || !proposed.endorsements.iter().all(holds) {
            return Err(ProposalError::Damaged);
        }
        Ok(proposed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_carries_signatures_and_is_refused_when_altered() {
        let (one, other) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
        let act = Act::Name { school: other.public().school_id() };
        let proposal = Proposal::new(GroupId::from_bytes([1; 32]), vec![Hash::of(b"head")], act);
        let mut proposed = Proposed::new(proposal);
        proposed.endorse(&one);
        proposed.endorse(&one);
        let mut read: Proposed = format!(" {proposed}\r\n").parse().unwrap();
        assert_eq!(read, proposed);
        read.endorse(&other);
        assert_eq!(read.signers().collect::<Vec<_>>(), [one.public(), other.public()]);
        assert_eq!("hello".parse::<Proposed>(), Err(ProposalError::NotAProposal));
        let line = read.to_string();
        assert_eq!(line[..line.len() - 4].parse::<Proposed>(), Err(ProposalError::Damaged));
        let mut altered = read.clone();
        altered.proposal.act = Act::Name { school: one.public().school_id() };
        assert_eq!(altered.to_string().parse::<Proposed>(), Err(ProposalError::Damaged));
    }
}
