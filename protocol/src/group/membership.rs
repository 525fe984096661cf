//! The membership set: a group's statements, closed under "before".
//!
//! Two nodes that hold the same statements have the same [`Roster`], whatever order they came in.

use std::collections::{BTreeMap, BTreeSet};

use serde_bytes::ByteBuf;

use super::epoch::{self, EpochKey, SealedKey};
use super::proposal::Proposal;
use super::roster::Roster;
use super::statement::{Act, Statement, StatementError};
use crate::clock::Timestamp;
use crate::hash::{GroupId, Hash, SchoolId};
use crate::identity::{NodeCertificate, PublicKey, SecretKey};
use crate::limits::{MAX_SEALED_KEYS, MAX_STATEMENTS_PER_GROUP};

/// A group's statements.
#[derive(Debug, Clone)]
pub struct Membership {
    group: GroupId,
    statements: BTreeMap<Hash, Statement>,
    /// The statements in an order in which each follows those before it: by the length of the
    /// longest way to the founding one, then by hash.
    order: BTreeSet<(u32, Hash)>,
    depths: BTreeMap<Hash, u32>,
    /// Schools that a statement lets in, whatever it is worth.
    authors: BTreeSet<SchoolId>,
    digest: Hash,
    roster: Roster,
}

/// What became of statements that were to be added.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Extended {
    /// Those that were new.
    pub added: Vec<Hash>,
    /// Those that wait for others before them, which are not here.
    pub early: Vec<Hash>,
}

impl Membership {
    /// The set without any statement, not even the founding one.
    pub fn new(group: GroupId) -> Self {
        Self {
            group,
            statements: BTreeMap::new(),
            order: BTreeSet::new(),
            depths: BTreeMap::new(),
            authors: BTreeSet::new(),
            digest: Hash::of(&[]),
            roster: Roster::default(),
        }
    }

    /// What adding these statements would do, in whatever order they are given: those that can be
    /// added, each after those before it, and those that come too early.
    ///
    /// A statement of a school that no statement here lets in comes too early as well, so strangers
    /// add nothing.
    ///
    /// Statements of other groups are passed over, as is what exceeds
    /// [`MAX_STATEMENTS_PER_GROUP`].
    pub fn sift(&self, statements: Vec<Statement>) -> (Vec<Statement>, Vec<Statement>) {
        let mut waiting: BTreeMap<Hash, Statement> = statements
            .into_iter()
            .filter(|one| one.group() == self.group && !self.statements.contains_key(&one.hash()))
            .map(|one| (one.hash(), one))
            .collect();
        let mut fitting: Vec<Statement> = Vec::new();
        let mut here: BTreeSet<Hash> = BTreeSet::new();
        let mut authors: BTreeSet<SchoolId> = BTreeSet::new();
        loop {
            let next: Vec<Hash> = waiting
                .values()
                .filter(|one| {
                    let author = one.author();
                    let founds = one.parents().is_empty();
                    founds || authors.contains(&author) || self.authors.contains(&author)
                })
                .filter(|one| {
                    one.parents()
                        .iter()
                        .all(|hash| self.statements.contains_key(hash) || here.contains(hash))
                })
                .map(Statement::hash)
                .collect();
            if next.is_empty() {
                break;
            }
            for hash in next {
                here.insert(hash);
                if let Some(next) = waiting.remove(&hash) {
                    authors.extend(lets_in(&next));
                    fitting.push(next);
                }
            }
        }
        fitting.truncate(MAX_STATEMENTS_PER_GROUP.saturating_sub(self.statements.len()));
        (fitting, waiting.into_values().collect())
    }

    /// Adds statements; says which were new and which came before those that they follow.
    pub fn extend(&mut self, statements: impl IntoIterator<Item = Statement>) -> Extended {
        let (fitting, early) = self.sift(statements.into_iter().collect());
        let added: Vec<Hash> = fitting.iter().map(Statement::hash).collect();
        for statement in fitting {
            let parents = statement.parents().iter();
            let depth = parents.filter_map(|hash| self.depths.get(hash)).max().map_or(0, |d| d + 1);
            self.order.insert((depth, statement.hash()));
            self.depths.insert(statement.hash(), depth);
            self.authors.extend(lets_in(&statement));
            self.statements.insert(statement.hash(), statement);
        }
        if !added.is_empty() {
            self.roster = Roster::of(&self.in_order().collect::<Vec<_>>());
            let hashes: Vec<&[u8]> =
                self.statements.keys().map(|hash| hash.as_bytes().as_slice()).collect();
            self.digest = Hash::of(&hashes.concat());
        }
        Extended { added, early: early.iter().map(Statement::hash).collect() }
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// Who belongs, as the statements say.
    pub fn roster(&self) -> &Roster {
        &self.roster
    }

    /// All statements by hash.
    pub fn statements(&self) -> &BTreeMap<Hash, Statement> {
        &self.statements
    }

    /// All statements, each after those before it.
    pub fn in_order(&self) -> impl Iterator<Item = &Statement> {
        self.order.iter().filter_map(|(_, hash)| self.statements.get(hash))
    }

    /// The statements that follow `after` in [`in_order`](Self::in_order); all of them where it is
    /// none, or not held.
    pub fn in_order_after(&self, after: Option<Hash>) -> impl Iterator<Item = &Statement> {
        let after = after.and_then(|hash| Some((*self.depths.get(&hash)?, hash)));
        self.order
            .iter()
            .filter(move |place| after.is_none_or(|after| **place > after))
            .filter_map(|(_, hash)| self.statements.get(hash))
    }

    /// A hash over the whole set: equal exactly where two nodes hold the same statements.
    pub fn digest(&self) -> Hash {
        self.digest
    }

    /// An act that follows everything held, for its author or the root's keyholders to sign.
    pub fn propose(&self, act: Act) -> Proposal {
        Proposal::new(self.group, self.heads(), act)
    }

    /// Signs a statement that follows everything held.
    ///
    /// # Errors
    /// [`StatementError`] if it breaks a rule of statements.
    pub fn sign(
        &self,
        act: Act,
        clock: Timestamp,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Statement, StatementError> {
        Statement::sign(self.propose(act), Vec::new(), clock, certificate, node)
    }

    /// The act that makes an epoch of a key, sealed to every node of the members, and the chunks
    /// that go with it where they are many.
    pub fn seal(&self, key: &EpochKey) -> (Act, Vec<Vec<u8>>) {
        let seal = |node: &PublicKey| key.seal(&self.group, node);
        let sealed: Vec<SealedKey> = self.roster.nodes().iter().map(seal).collect();
        let key = key.commitment();
        if sealed.len() <= MAX_SEALED_KEYS {
            return (Act::Epoch { key, sealed, chunks: Vec::new() }, Vec::new());
        }
        let chunks = epoch::chunks(&sealed);
        let hashes = chunks.iter().map(|chunk| Hash::of(chunk)).collect();
        (Act::Epoch { key, sealed: Vec::new(), chunks: hashes }, chunks)
    }

    /// The certificates of a school's nodes that statements carry.
    pub fn certificates(&self, school: &SchoolId) -> Vec<&NodeCertificate> {
        let carried = self.in_order().flat_map(|one| {
            let founder = one.parents().is_empty().then(|| one.author_certificate());
            [founder, one.carried_certificate()].into_iter().flatten()
        });
        carried.filter(|certificate| certificate.school() == *school).collect()
    }

    /// The key of a school that a statement lets in.
    pub fn school_key(&self, school: &SchoolId) -> Option<PublicKey> {
        Some(self.certificates(school).first()?.school_key())
    }

    /// Whether a statement is one of `heads`, or before one of them.
    pub fn is_among(&self, statement: &Hash, heads: &[Hash]) -> bool {
        let mut seen: BTreeSet<Hash> = BTreeSet::new();
        let mut next: Vec<Hash> = heads.to_vec();
        while let Some(hash) = next.pop() {
            if hash == *statement {
                return true;
            }
            if seen.insert(hash)
                && let Some(one) = self.statements.get(&hash)
            {
                next.extend(one.parents());
            }
        }
        false
    }

    /// The removals that a node of a removed school is answered with; none for any other node.
    pub fn removal_of(&self, node: &PublicKey) -> Option<Vec<ByteBuf>> {
        let departure = self.roster.departure_of(node)?;
        departure.removed_by?;
        Some(self.bytes_of(&departure.statements))
    }

    /// What a school said when it left, if it did, for a node of a member.
    pub fn leaving_for(&self, school: &SchoolId, node: &PublicKey) -> Option<Vec<ByteBuf>> {
        self.roster.school_of(node)?;
        let departure = self.roster.members().get(school)?.departed.as_ref()?;
        departure.removed_by.is_none().then(|| self.bytes_of(&departure.statements))
    }

    fn bytes_of(&self, statements: &BTreeSet<Hash>) -> Vec<ByteBuf> {
        let held = statements.iter().filter_map(|hash| self.statements.get(hash));
        held.map(|one| ByteBuf::from(one.as_bytes())).collect()
    }

    /// What shows that a node is a member's: the last statement that brought it, and the last that
    /// let its school in. Nothing of a node that is none.
    pub fn admissions_of(&self, node: &PublicKey) -> Vec<ByteBuf> {
        let school = self.roster.school_of(node);
        if school.is_none() {
            return Vec::new();
        }
        let carried = |one: &&Statement| {
            one.carried_certificate().is_some_and(|certificate| certificate.node() == *node)
        };
        let admits = |one: &&Statement| {
            one.admitted_node().is_some()
                && one.carried_certificate().map(NodeCertificate::school) == school
        };
        let shown = [self.in_order().filter(carried).last(), self.in_order().filter(admits).last()];
        let shown: BTreeSet<Hash> = shown.into_iter().flatten().map(Statement::hash).collect();
        self.bytes_of(&shown)
    }

    /// Whether statements shown by a stranger let that very node in, or let `own` in again: an
    /// admin's admission, or a member school's word for another node of its own.
    pub fn introduces(
        &self,
        statements: &[Statement],
        stranger: &PublicKey,
        own: &SchoolId,
    ) -> bool {
        statements.iter().filter(|one| one.group() == self.group).any(|one| {
            let (roster, author) = (&self.roster, one.author());
            let Some(certificate) = one.carried_certificate() else { return false };
            let strangers = certificate.node() == *stranger;
            match one.admitted_node() {
                Some(_) => (strangers || certificate.school() == *own) && roster.is_admin(&author),
                None => {
                    strangers && roster.member(&author).is_some() && !roster.is_revoked(stranger)
                }
            }
        })
    }

    /// Whether a school takes a member's answer that it was removed. It was away when that happened,
    /// and is told nothing of what else did; so where the removal follows statements that are not
    /// held here, the word of whoever is an admin as far as is known here is enough.
    pub fn takes_word_of_removal(&self, removal: &Statement, school: &SchoolId) -> bool {
        removal.group() == self.group
            && matches!(removal.act(), Act::Remove { school: removed, .. } if removed == school)
            && !self.statements.contains_key(&removal.hash())
            && self.roster.is_admin(&removal.author())
    }

    /// The statements that no other follows; of more than a statement may name, some.
    pub fn heads(&self) -> Vec<Hash> {
        let named: BTreeSet<Hash> =
            self.statements.values().flat_map(|one| one.parents().iter().copied()).collect();
        self.statements
            .keys()
            .copied()
            .filter(|hash| !named.contains(hash))
            .take(Statement::MAX_PARENTS)
            .collect()
    }
}

/// The school that a statement founds the group with, or lets in.
fn lets_in(statement: &Statement) -> Option<SchoolId> {
    if statement.parents().is_empty() {
        return Some(statement.author());
    }
    statement.carried_certificate().map(NodeCertificate::school)
}
