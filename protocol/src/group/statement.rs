//! Statements: what members sign to say who belongs to a group.
//!
//! A statement names the latest ones that its author had seen, so that "before" means *an ancestor
//! of* and clocks decide nothing. What a statement is worth is judged by the
//! [`roster`](super::roster).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::epoch::SealedKey;
use super::proposal::{Endorsement, Proposal};
use super::{Capacity, Claims, GroupKind, NameError, Role, check_group_name};
use crate::clock::Timestamp;
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::{
    CertificateError, NodeCertificate, Objection, PublicKey, Purpose, Revocation, SecretKey,
    SignatureError, split_signature,
};
use crate::limits::{
    MAX_EPOCH_CHUNKS, MAX_ROOT_KEYS, MAX_SEALED_KEYS, MAX_STANDING, MAX_STATEMENT_BYTES,
};
use crate::wire::{self, DecodeError};

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Founds the group; its author is the first member and admin.
    Found(Founding),
    /// Admits a school: an admin's act.
    Admit(Admission),
    /// Names a member an admin: the root's act.
    Name {
        /// The member.
        school: SchoolId,
    },
    /// Ends what a naming gave, while the school stays a member: the act of the root, of an admin
    /// who was named before that one, or of the school itself.
    Dismiss {
        /// The admin.
        school: SchoolId,
    },
    /// Removes a school: the act of an admin, or of the root. A removed school's entries count only
    /// where a removal lists them; a list too long for one statement goes on in another removal.
    Remove {
        /// The school.
        school: SchoolId,
        /// The entries of the school that its author holds, [`MAX_STANDING`] at most.
        standing: Vec<Hash>,
    },
    /// Its author leaves. Its entries count where one of its leavings lists them.
    Leave {
        /// The entries that stay with the group, [`MAX_STANDING`] at most.
        standing: Vec<Hash>,
        /// Why, where it says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<Parting>,
    },
    /// The group goes on in another: an admin's act. Its members are admitted there; what was shared
    /// here stays readable, and nothing more is published here.
    Merge {
        /// The other group.
        into: GroupId,
        /// Its name.
        name: String,
    },
    /// Another node of a member school: its new server, or a standby.
    Certify {
        /// The school's word for the node.
        certificate: ByteBuf,
    },
    /// A node of its author's school is trusted no more: lost, stolen or replaced.
    Revoke {
        /// The school's word that it revokes the node.
        revocation: ByteBuf,
        /// The entries of that node that stand, [`MAX_STANDING`] at most.
        standing: Vec<Hash>,
    },
    /// Makes an epoch: an admin's act. The key is sealed to every node of the members on the roster
    /// that follows from the statements before this one.
    Epoch {
        /// Names the key: [`EpochKey::commitment`](super::epoch::EpochKey::commitment).
        key: Hash,
        /// The key sealed to each of the nodes, in the order of their public keys;
        /// [`MAX_SEALED_KEYS`] at most. Empty where there are more.
        sealed: Vec<SealedKey>,
        /// Where there are more: the hashes of [`chunks`](super::epoch::chunks), of which each node
        /// fetches its own.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        chunks: Vec<Hash>,
    },
    /// Hands an epoch's key to a node that came after it: the act of an admin, or of the node's
    /// school.
    Extend {
        /// The statement that made the epoch.
        epoch: Hash,
        /// The node.
        node: PublicKey,
        /// The key, sealed to the node.
        sealed: SealedKey,
    },
    /// Puts another root in the place of the one whose keys sign this.
    Succeed {
        /// The new root.
        root: Root,
    },
    /// Says that a school, whose key is lost, goes on under its next key: the act of two admins, or
    /// of the root. It counts from [`BINDING_WAIT_MILLIS`](crate::limits::BINDING_WAIT_MILLIS) after
    /// its time, unless the old key objects.
    Bind {
        /// The school whose key is lost.
        school: SchoolId,
        /// The school of its next key, a member.
        next: SchoolId,
    },
    /// The old key objects to a next one, whenever it hears of it. Any member may carry its word.
    Object {
        /// The school's word.
        objection: ByteBuf,
    },
    /// Its author goes on for a school that it was bound to: it may change and withdraw what that
    /// school shared, whose own nodes count no more.
    Inherit {
        /// The school whose key is lost.
        school: SchoolId,
        /// The entries of that school that stand, [`MAX_STANDING`] at most.
        standing: Vec<Hash>,
    },
    /// Withdraws records of a school that departed: an admin's act.
    Withdraw {
        /// The school.
        school: SchoolId,
        /// The records, [`MAX_STANDING`] at most.
        records: Vec<RecordId>,
    },
    /// How much its author's school keeps of what others share. The latest counts, by what is before
    /// what; so it is said only where it differs from what the roster has.
    Keep {
        /// How much.
        capacity: Capacity,
    },
}

/// Why a school leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Parting {
    /// It moves to another group.
    Moved,
    /// It closes.
    Closed,
}

/// The recovery keys above every admin, of which some must sign together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The keys, [`MAX_ROOT_KEYS`] at most, no two the same.
    pub keys: Vec<PublicKey>,
    /// How many of them must sign, at least 1.
    pub threshold: u8,
}

impl Root {
    fn check(&self) -> Result<(), StatementError> {
        let different: BTreeSet<&PublicKey> = self.keys.iter().collect();
        let enough = (1..=self.keys.len()).contains(&usize::from(self.threshold));
        if different.len() == self.keys.len() && self.keys.len() <= MAX_ROOT_KEYS && enough {
            Ok(())
        } else {
            Err(StatementError::Root)
        }
    }

    /// How many of its keys are among `signers`.
    pub(super) fn count(&self, signers: &BTreeSet<PublicKey>) -> usize {
        self.keys.iter().filter(|key| signers.contains(key)).count()
    }
}

/// The statement that a group is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Founding {
    /// The group's name.
    pub name: String,
    /// What sort of group it is.
    pub kind: GroupKind,
    /// The first root.
    pub root: Root,
    /// The founding school.
    pub claims: Claims,
    /// Random, so that two groups of one name differ.
    #[serde(with = "serde_bytes")]
    pub nonce: [u8; 16],
}

/// The statement that lets a school in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Admission {
    /// The certificate of the school's node.
    pub certificate: ByteBuf,
    /// What the school says of itself, which the author vouches for.
    pub claims: Claims,
    /// What it may do.
    pub role: Role,
    /// The invite that it answered; one invite admits one school.
    pub invite: Hash,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Payload {
    /// None in the founding statement, whose hash is the group.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<GroupId>,
    parents: Vec<Hash>,
    clock: Timestamp,
    certificate: ByteBuf,
    act: Act,
    /// Signatures of the root's keys, for what the root does.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    root: Vec<Endorsement>,
}

/// What an act brings with it, checked once.
#[derive(Debug, Clone, PartialEq)]
enum Carried {
    Nothing,
    Certificate(NodeCertificate),
    Revocation(Revocation),
    Objection(Objection),
}

/// A statement whose signatures held, with the bytes that were signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    bytes: Vec<u8>,
    hash: Hash,
    author: NodeCertificate,
    carried: Carried,
    endorsed_by: BTreeSet<PublicKey>,
    payload: Payload,
}

impl Statement {
    /// A statement names at most this many predecessors: as many as may be made at once without
    /// their authors having seen each other's.
    pub(super) const MAX_PARENTS: usize = 64;

    /// Founds a group; the statement's [`group`](Self::group) is the new group's id.
    ///
    /// # Errors
    /// [`StatementError::Name`] if the group's or the school's name cannot be used.
    pub fn found(
        founding: Founding,
        clock: Timestamp,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Self, StatementError> {
        let payload = Payload {
            group: None,
            parents: Vec::new(),
            clock,
            certificate: ByteBuf::from(certificate.as_bytes()),
            act: Act::Found(founding),
            root: Vec::new(),
        };
        Self::verify(&node.seal(Purpose::Statement, &wire::encode(&payload)))
    }

    /// Signs what is proposed; `endorsements` are those of the root, for what the root does.
    ///
    /// # Errors
    /// [`StatementError`] if it breaks a rule of statements.
    pub fn sign(
        proposal: Proposal,
        endorsements: Vec<Endorsement>,
        clock: Timestamp,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Self, StatementError> {
        let (group, parents, act) = proposal.into_parts();
        let payload = Payload {
            group: Some(group),
            parents,
            clock,
            certificate: ByteBuf::from(certificate.as_bytes()),
            act,
            root: endorsements,
        };
        Self::verify(&node.seal(Purpose::Statement, &wire::encode(&payload)))
    }

    /// Reads a statement and checks its signatures and the certificates in it.
    ///
    /// # Errors
    /// [`StatementError`] says which rule it breaks. No input makes this panic.
    pub fn verify(bytes: &[u8]) -> Result<Self, StatementError> {
        if bytes.len() > MAX_STATEMENT_BYTES {
            let (found, limit) = (bytes.len(), MAX_STATEMENT_BYTES);
            return Err(DecodeError::TooLong { found, limit }.into());
        }
        let (_, content) = split_signature(bytes)?;
        let payload: Payload = wire::decode(content, MAX_STATEMENT_BYTES)?;
        let parents = payload.parents.len();
        if parents > Self::MAX_PARENTS {
            return Err(StatementError::TooManyParents(parents));
        }
        if payload.root.len() > MAX_ROOT_KEYS {
            return Err(StatementError::Root);
        }
        let author = NodeCertificate::verify(&payload.certificate)?;
        author.node().open(Purpose::Statement, bytes)?;
        let carried = check_act(&payload, author.school())?;
        let mut endorsed_by = BTreeSet::new();
        if let Some(group) = payload.group {
            let proposal = Proposal::new(group, payload.parents.clone(), payload.act.clone());
            for endorsement in &payload.root {
                endorsed_by.insert(proposal.check(endorsement)?);
            }
        }
        let (hash, bytes) = (Hash::of(bytes), bytes.to_vec());
        Ok(Self { bytes, hash, author, carried, endorsed_by, payload })
    }

    /// The bytes to keep and to pass on.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The hash of the bytes.
    pub fn hash(&self) -> Hash {
        self.hash
    }

    /// The group that it is about.
    pub fn group(&self) -> GroupId {
        self.payload.group.unwrap_or(GroupId::from_bytes(*self.hash.as_bytes()))
    }

    /// The latest statements that its author had seen; none for a founding statement alone.
    pub fn parents(&self) -> &[Hash] {
        &self.payload.parents
    }

    /// What it does.
    pub fn act(&self) -> &Act {
        &self.payload.act
    }

    /// The school whose node signed it.
    pub fn author(&self) -> SchoolId {
        self.author.school()
    }

    /// The author's certificate.
    pub fn author_certificate(&self) -> &NodeCertificate {
        &self.author
    }

    /// When it was made, by its author's clock: for people to read, and for nothing else.
    pub fn clock(&self) -> Timestamp {
        self.payload.clock
    }

    /// The keys that signed it as the root's.
    pub(super) fn endorsed_by(&self) -> &BTreeSet<PublicKey> {
        &self.endorsed_by
    }

    /// The certificate of the node that an admission lets in, or that a school adds.
    pub fn carried_certificate(&self) -> Option<&NodeCertificate> {
        match &self.carried {
            Carried::Certificate(certificate) => Some(certificate),
            Carried::Nothing | Carried::Revocation(_) | Carried::Objection(_) => None,
        }
    }

    /// The node that its author's school revokes.
    pub(super) fn revoked_node(&self) -> Option<PublicKey> {
        match &self.carried {
            Carried::Revocation(revocation) => Some(revocation.node()),
            Carried::Nothing | Carried::Certificate(_) | Carried::Objection(_) => None,
        }
    }

    /// The school that objects to a next key, and the school of that key.
    pub(super) fn objection(&self) -> Option<(SchoolId, SchoolId)> {
        match &self.carried {
            Carried::Objection(objection) => Some((objection.school(), objection.next())),
            Carried::Nothing | Carried::Certificate(_) | Carried::Revocation(_) => None,
        }
    }

    /// The node that an admission lets in.
    pub fn admitted_node(&self) -> Option<PublicKey> {
        let Act::Admit(_) = self.act() else { return None };
        self.carried_certificate().map(NodeCertificate::node)
    }
}

/// Checks what an act says, as far as it does not depend on who belongs to the group.
fn check_act(payload: &Payload, author: SchoolId) -> Result<Carried, StatementError> {
    let founds = matches!(payload.act, Act::Found(_));
    if founds != payload.group.is_none() || founds != payload.parents.is_empty() {
        return Err(StatementError::Group);
    }
    match &payload.act {
        Act::Found(founding) => {
            check_group_name(&founding.name)?;
            founding.claims.check()?;
            founding.root.check()?;
        }
        Act::Admit(admission) => {
            admission.claims.check()?;
            return Ok(Carried::Certificate(NodeCertificate::verify(&admission.certificate)?));
        }
        Act::Certify { certificate } => {
            let certificate = NodeCertificate::verify(certificate)?;
            if certificate.school() != author {
                return Err(StatementError::AnotherSchool);
            }
            return Ok(Carried::Certificate(certificate));
        }
        Act::Revoke { revocation, standing } => {
            check_standing(standing)?;
            let revocation = Revocation::verify(revocation)?;
            if revocation.school() != author {
                return Err(StatementError::AnotherSchool);
            }
            return Ok(Carried::Revocation(revocation));
        }
        Act::Remove { standing, .. }
        | Act::Leave { standing, .. }
        | Act::Inherit { standing, .. } => check_standing(standing)?,
        Act::Withdraw { records, .. } if records.len() > MAX_STANDING => {
            return Err(StatementError::TooManyStanding(records.len()));
        }
        Act::Bind { school, next } if school == next => return Err(StatementError::OwnNext),
        Act::Object { objection } => {
            let objection = Objection::verify(objection)?;
            if Some(objection.group()) != payload.group {
                return Err(StatementError::Group);
            }
            return Ok(Carried::Objection(objection));
        }
        Act::Merge { name, .. } => check_group_name(name)?,
        Act::Succeed { root } => root.check()?,
        Act::Epoch { sealed, .. } if sealed.len() > MAX_SEALED_KEYS => {
            return Err(StatementError::TooManySealedKeys(sealed.len()));
        }
        Act::Epoch { chunks, .. } if chunks.len() > MAX_EPOCH_CHUNKS => {
            return Err(StatementError::TooManyChunks(chunks.len()));
        }
        Act::Name { .. }
        | Act::Dismiss { .. }
        | Act::Epoch { .. }
        | Act::Extend { .. }
        | Act::Bind { .. }
        | Act::Withdraw { .. }
        | Act::Keep { .. } => {}
    }
    Ok(Carried::Nothing)
}

fn check_standing(standing: &[Hash]) -> Result<(), StatementError> {
    if standing.len() > MAX_STANDING {
        return Err(StatementError::TooManyStanding(standing.len()));
    }
    Ok(())
}

/// Why bytes are no valid statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Too long, cut short, or not of the expected shape.
    #[error("membership statement: {0}")]
    Encoding(#[from] DecodeError),
    /// A key did not sign these bytes.
    #[error("membership statement: {0}")]
    Signature(#[from] SignatureError),
    /// A certificate in it does not hold.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// A name in it cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// More predecessors than a statement may name.
    #[error("membership statement: {0} predecessors are more than {max}", max = Statement::MAX_PARENTS)]
    TooManyParents(usize),
    /// More entries than a statement may list.
    #[error(
        "membership statement: it lists {0} entries and may list {MAX_STANDING}; list the others in another one"
    )]
    TooManyStanding(usize),
    /// More nodes than one statement may seal a key to.
    #[error(
        "membership statement: it seals a key to {0} nodes and may seal it to {MAX_SEALED_KEYS}"
    )]
    TooManySealedKeys(usize),
    /// More chunks of sealed keys than an epoch may have.
    #[error(
        "membership statement: its key is sealed in {0} chunks and may be sealed in {MAX_EPOCH_CHUNKS}"
    )]
    TooManyChunks(usize),
    /// The root's keys repeat, are too many, or fewer are named than must sign.
    #[error(
        "membership statement: a root must have 1 to {MAX_ROOT_KEYS} different keys, at least as many as must sign"
    )]
    Root,
    /// Only a founding statement names no group and no predecessor.
    #[error(
        "membership statement: a founding statement, and no other, names no group and no predecessor"
    )]
    Group,
    /// A school's next key is another one.
    #[error("membership statement: a school's next key must be another than its own")]
    OwnNext,
    /// A school speaks of another school's node.
    #[error("membership statement: a school can add or revoke only nodes of its own")]
    AnotherSchool,
}
