//! The membership set: signed statements, and the roster that follows from them.
//!
//! Each statement names the latest ones its author had seen, so that "before" means *an ancestor
//! of* and clocks decide nothing. The [`Roster`] is a pure function of the set: two nodes that hold
//! the same statements have the same roster, whatever order they came in.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;

use super::{Claims, GroupKind, NameError, Role, check_group_name};
use crate::clock::Timestamp;
use crate::entry::Entry;
use crate::hash::{GroupId, Hash, SchoolId};
use crate::identity::{
    CertificateError, NodeCertificate, PublicKey, Purpose, SecretKey, SignatureError,
    split_signature,
};
use crate::limits::{MAX_STATEMENT_BYTES, MAX_STATEMENTS_PER_GROUP};
use crate::wire::{self, DecodeError};

/// What a statement does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// Founds the group; its author is the first member and admin.
    Found(Founding),
    /// Admits a school, or changes its claims or role.
    Admit(Admission),
    /// Its author leaves; what it shared until then stays.
    Leave,
}

/// The statement that a group is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Founding {
    /// The group's name.
    pub name: String,
    /// What sort of group it is.
    pub kind: GroupKind,
    /// The recovery keys above every admin, of which `threshold` must sign together.
    pub root: Vec<PublicKey>,
    /// How many of the root's keys must sign.
    pub threshold: u8,
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
}

/// A statement whose signatures held, with the bytes that were signed.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    bytes: Vec<u8>,
    hash: Hash,
    author: NodeCertificate,
    /// The certificate of the school that an admission lets in.
    admitted: Option<NodeCertificate>,
    payload: Payload,
}

impl Statement {
    /// A statement names at most this many predecessors: as many as may be made at once without
    /// their authors having seen each other's.
    const MAX_PARENTS: usize = 64;

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
        Self::sign(None, Vec::new(), Act::Found(founding), clock, certificate, node)
    }

    fn sign(
        group: Option<GroupId>,
        parents: Vec<Hash>,
        act: Act,
        clock: Timestamp,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Self, StatementError> {
        let certificate = ByteBuf::from(certificate.as_bytes());
        let payload = Payload { group, parents, clock, certificate, act };
        Self::verify(&node.seal(Purpose::Statement, &wire::encode(&payload)))
    }

    /// Reads a statement and checks its signature and the certificates in it.
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
        if payload.parents.len() > Self::MAX_PARENTS {
            return Err(StatementError::TooManyParents(payload.parents.len()));
        }
        let author = NodeCertificate::verify(&payload.certificate)?;
        author.node().open(Purpose::Statement, bytes)?;
        let admitted = match (&payload.act, payload.group) {
            (Act::Found(founding), None) => {
                check_group_name(&founding.name)?;
                founding.claims.check()?;
                let keys: BTreeSet<PublicKey> = founding.root.iter().copied().collect();
                let threshold = usize::from(founding.threshold);
                if keys.len() != founding.root.len() || !(1..=keys.len()).contains(&threshold) {
                    return Err(StatementError::Root);
                }
                None
            }
            (Act::Admit(admission), Some(_)) => {
                admission.claims.check()?;
                Some(NodeCertificate::verify(&admission.certificate)?)
            }
            (Act::Leave, Some(_)) => None,
            (Act::Found(_), Some(_)) | (Act::Admit(_) | Act::Leave, None) => {
                return Err(StatementError::Group);
            }
        };
        Ok(Self { hash: Hash::of(bytes), bytes: bytes.to_vec(), author, admitted, payload })
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

    /// What it does.
    pub fn act(&self) -> &Act {
        &self.payload.act
    }

    /// The school whose node signed it.
    pub fn author(&self) -> SchoolId {
        self.author.school()
    }

    /// When it was made, by its author's clock.
    pub fn clock(&self) -> Timestamp {
        self.payload.clock
    }

    /// The node that an admission lets in.
    pub fn admitted_node(&self) -> Option<PublicKey> {
        self.admitted.as_ref().map(NodeCertificate::node)
    }
}

/// Why bytes are no valid statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// Too long, cut short, or not of the expected shape.
    #[error("membership statement: {0}")]
    Encoding(#[from] DecodeError),
    /// The node did not sign these bytes.
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
    /// The root's keys repeat, or fewer are named than must sign.
    #[error("founding statement: the root must name different keys, at least as many as must sign")]
    Root,
    /// Only a founding statement names no group.
    #[error("membership statement: only a founding statement may, and must, name no group")]
    Group,
}

/// A group's statements.
#[derive(Debug, Clone)]
pub struct Membership {
    group: GroupId,
    statements: BTreeMap<Hash, Statement>,
    roster: Roster,
}

impl Membership {
    /// The set that holds the founding statement alone, or nothing until that arrives.
    pub fn new(group: GroupId) -> Self {
        Self { group, statements: BTreeMap::new(), roster: Roster::default() }
    }

    /// Adds statements; returns those that were new, in the order given.
    ///
    /// Statements of other groups are passed over, as is what exceeds
    /// [`MAX_STATEMENTS_PER_GROUP`].
    pub fn extend(&mut self, statements: impl IntoIterator<Item = Statement>) -> Vec<Hash> {
        let mut added = Vec::new();
        for statement in statements {
            let room = self.statements.len() < MAX_STATEMENTS_PER_GROUP;
            if room
                && statement.group() == self.group
                && !self.statements.contains_key(&statement.hash)
            {
                added.push(statement.hash);
                self.statements.insert(statement.hash, statement);
            }
        }
        if !added.is_empty() {
            self.roster = Roster::of(self.group, &self.statements);
        }
        added
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

    /// A hash over the whole set: equal exactly where two nodes hold the same statements.
    pub fn digest(&self) -> Hash {
        let hashes: Vec<&[u8]> =
            self.statements.keys().map(|hash| hash.as_bytes().as_slice()).collect();
        Hash::of(&hashes.concat())
    }

    /// Signs a statement that follows everything held.
    ///
    /// # Errors
    /// [`StatementError`] if a name in it cannot be used.
    pub fn sign(
        &self,
        act: Act,
        clock: Timestamp,
        certificate: &NodeCertificate,
        node: &SecretKey,
    ) -> Result<Statement, StatementError> {
        Statement::sign(Some(self.group), self.heads(), act, clock, certificate, node)
    }

    fn heads(&self) -> Vec<Hash> {
        let named: BTreeSet<Hash> = self
            .statements
            .values()
            .flat_map(|statement| statement.payload.parents.iter().copied())
            .collect();
        self.statements
            .keys()
            .copied()
            .filter(|hash| !named.contains(hash))
            .take(Statement::MAX_PARENTS)
            .collect()
    }
}

/// A school on a roster.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// What it says of itself.
    pub claims: Claims,
    /// What it may do.
    pub role: Role,
    /// The nodes that may publish for it.
    pub nodes: BTreeSet<PublicKey>,
    /// When it was admitted.
    pub since: Timestamp,
    /// When it left, if it did. What it published until then stays.
    pub left: Option<Timestamp>,
}

/// Who belongs to a group.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Roster {
    founding: Option<Founding>,
    members: BTreeMap<SchoolId, Member>,
    used_invites: BTreeMap<Hash, SchoolId>,
}

/// How a roster judges an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It belongs to the group's content.
    Honoured,
    /// The school or its node is not on the roster; its admission may still be on its way.
    Unknown,
    /// It was made after the school had left.
    AfterLeaving,
}

impl Roster {
    fn of(group: GroupId, statements: &BTreeMap<Hash, Statement>) -> Self {
        let mut roster = Self::default();
        let founding_hash = Hash::from_bytes(*group.as_bytes());
        let Some((founding, first)) =
            statements.get(&founding_hash).and_then(|statement| match &statement.payload.act {
                Act::Found(founding) => Some((founding, statement)),
                Act::Admit(_) | Act::Leave => None,
            })
        else {
            return roster;
        };
        let founder = first.author();
        roster.founding = Some(founding.clone());
        roster.add(first, &first.author, &founding.claims, Role::Admin);
        // Only the founder admits, so admissions need no order among each other except that the
        // latest one of a school, by (clock, hash), gives its claims.
        let mut admissions: Vec<(&Statement, &Admission, &NodeCertificate)> = statements
            .values()
            .filter(|statement| statement.author() == founder)
            .filter_map(|statement| match (&statement.payload.act, &statement.admitted) {
                (Act::Admit(admission), Some(admitted)) => Some((statement, admission, admitted)),
                (Act::Found(_) | Act::Admit(_) | Act::Leave, _) => None,
            })
            .collect();
        admissions.sort_by_key(|(statement, ..)| (statement.clock(), statement.hash));
        for (statement, admission, admitted) in &admissions {
            let claimed_by =
                *roster.used_invites.entry(admission.invite).or_insert(admitted.school());
            if claimed_by == admitted.school() {
                roster.add(statement, admitted, &admission.claims, admission.role);
            }
        }
        for leaving in statements.values().filter(|one| one.payload.act == Act::Leave) {
            let school = leaving.author();
            let ancestors = ancestors(leaving, statements);
            let readmitted = admissions.iter().any(|(statement, _, admitted)| {
                admitted.school() == school && !ancestors.contains(&statement.hash)
            });
            if let Some(member) = roster.members.get_mut(&school)
                && !readmitted
            {
                member.left = member.left.max(Some(leaving.clock()));
            }
        }
        roster
    }

    fn add(&mut self, by: &Statement, node: &NodeCertificate, claims: &Claims, role: Role) {
        let member = self.members.entry(node.school()).or_insert_with(|| Member {
            claims: claims.clone(),
            role,
            nodes: BTreeSet::new(),
            since: by.clock(),
            left: None,
        });
        member.claims = claims.clone();
        if member.role != Role::Admin {
            member.role = role;
        }
        member.nodes.insert(node.node());
    }

    /// The founding statement, once it is here.
    pub fn founding(&self) -> Option<&Founding> {
        self.founding.as_ref()
    }

    /// Every school that is or was a member.
    pub fn members(&self) -> &BTreeMap<SchoolId, Member> {
        &self.members
    }

    /// The schools that are members and have not left.
    pub fn current(&self) -> impl Iterator<Item = (SchoolId, &Member)> {
        self.members.iter().filter(|(_, member)| member.left.is_none()).map(|(id, m)| (*id, m))
    }

    /// The member school that a node belongs to, unless it left.
    pub fn school_of(&self, node: &PublicKey) -> Option<SchoolId> {
        self.current().find(|(_, member)| member.nodes.contains(node)).map(|(school, _)| school)
    }

    /// The school that an invite admitted, if it was used.
    pub fn invited_by(&self, invite: &Hash) -> Option<SchoolId> {
        self.used_invites.get(invite).copied()
    }

    /// Whether `entry` belongs to the group's content. A withdrawal always may, once its school is
    /// known: whoever left can still take back what it shared.
    pub fn standing(&self, entry: &Entry) -> Standing {
        match self.members.get(&entry.key().school) {
            Some(member) if member.nodes.contains(&entry.node()) => match member.left {
                Some(left) if entry.clock() > left && !entry.is_withdrawal() => {
                    Standing::AfterLeaving
                }
                Some(_) | None => Standing::Honoured,
            },
            Some(_) | None => Standing::Unknown,
        }
    }
}

/// Everything that `statement` follows.
fn ancestors(statement: &Statement, statements: &BTreeMap<Hash, Statement>) -> BTreeSet<Hash> {
    let mut found = BTreeSet::new();
    let mut open: Vec<Hash> = statement.payload.parents.clone();
    while let Some(hash) = open.pop() {
        if found.insert(hash)
            && let Some(parent) = statements.get(&hash)
        {
            open.extend(parent.payload.parents.iter().copied());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::entry::{BlobRef, Draft};
    use crate::hash::RecordId;
    use crate::record::Summary;

    struct School {
        node: SecretKey,
        certificate: NodeCertificate,
    }

    impl School {
        fn new(seed: u8) -> Self {
            let node = SecretKey::from_seed(&[seed + 100; 32]);
            let key = SecretKey::from_seed(&[seed; 32]);
            Self { certificate: NodeCertificate::issue(&key, node.public(), 1), node }
        }

        fn id(&self) -> SchoolId {
            self.certificate.school()
        }

        fn entry(&self, group: GroupId, clock: u64, withdraw: bool) -> Entry {
            let content =
                (!withdraw).then(|| (Summary::default(), BlobRef { hash: Hash::of(b""), size: 0 }));
            let draft = Draft {
                group,
                record: RecordId::from_bytes([1; 16]),
                clock: Timestamp::from_millis(clock),
                kind: "comment".into(),
                content,
            };
            Entry::sign(draft, &self.certificate, &self.node).unwrap()
        }
    }

    fn claims(name: &str) -> Claims {
        Claims { name: name.into(), urn: None, phase: None, location: None }
    }

    fn founded(founder: &School) -> Membership {
        let founding = Founding {
            name: "Riverside Trust".into(),
            kind: GroupKind::Trust,
            root: vec![founder.certificate.school_key()],
            threshold: 1,
            claims: claims("Ash"),
            nonce: [0; 16],
        };
        let statement = Statement::found(
            founding,
            Timestamp::from_millis(10),
            &founder.certificate,
            &founder.node,
        )
        .unwrap();
        let mut membership = Membership::new(statement.group());
        membership.extend([statement]);
        membership
    }

    fn admit(by: &School, set: &Membership, school: &School, invite: u8, clock: u64) -> Statement {
        let admission = Admission {
            certificate: ByteBuf::from(school.certificate.as_bytes()),
            claims: claims("Beech"),
            role: Role::Member,
            invite: Hash::from_bytes([invite; 32]),
        };
        let clock = Timestamp::from_millis(clock);
        set.sign(Act::Admit(admission), clock, &by.certificate, &by.node).unwrap()
    }

    fn leave(school: &School, set: &Membership, clock: u64) -> Statement {
        let clock = Timestamp::from_millis(clock);
        set.sign(Act::Leave, clock, &school.certificate, &school.node).unwrap()
    }

    #[test]
    fn an_admin_admits_and_a_member_does_not() {
        let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
        let mut set = founded(&ash);
        set.extend([admit(&ash, &set, &beech, 1, 20)]);
        set.extend([admit(&beech, &set, &cedar, 2, 30)]);
        let roster = set.roster();
        assert_eq!(roster.school_of(&beech.node.public()), Some(beech.id()));
        assert_eq!(roster.school_of(&cedar.node.public()), None);
        let group = set.group();
        assert_eq!(roster.standing(&beech.entry(group, 40, false)), Standing::Honoured);
        assert_eq!(roster.standing(&cedar.entry(group, 40, false)), Standing::Unknown);
    }

    #[test]
    fn one_invite_admits_one_school() {
        let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
        let mut set = founded(&ash);
        set.extend([admit(&ash, &set, &beech, 1, 20), admit(&ash, &set, &cedar, 1, 30)]);
        assert_eq!(set.roster().school_of(&cedar.node.public()), None);
        assert_eq!(set.roster().invited_by(&Hash::from_bytes([1; 32])), Some(beech.id()));
    }

    #[test]
    fn whoever_leaves_keeps_what_it_shared_and_may_withdraw_it() {
        let (ash, beech) = (School::new(1), School::new(2));
        let mut set = founded(&ash);
        let group = set.group();
        set.extend([admit(&ash, &set, &beech, 1, 20)]);
        set.extend([leave(&beech, &set, 50)]);
        let roster = set.roster();
        assert_eq!(roster.school_of(&beech.node.public()), None);
        assert_eq!(roster.standing(&beech.entry(group, 40, false)), Standing::Honoured);
        assert_eq!(roster.standing(&beech.entry(group, 60, false)), Standing::AfterLeaving);
        assert_eq!(roster.standing(&beech.entry(group, 60, true)), Standing::Honoured);
        set.extend([admit(&ash, &set, &beech, 2, 70)]);
        assert_eq!(set.roster().school_of(&beech.node.public()), Some(beech.id()));
    }

    #[test]
    fn an_altered_statement_or_a_bad_root_is_refused() {
        let ash = School::new(1);
        let set = founded(&ash);
        let bytes = set.statements().values().next().unwrap().as_bytes().to_vec();
        for position in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[position] ^= 1;
            assert!(Statement::verify(&altered).is_err(), "byte {position} may be altered");
        }
        let founding = Founding {
            name: "Trust".into(),
            kind: GroupKind::Trust,
            root: vec![ash.certificate.school_key()],
            threshold: 2,
            claims: claims("Ash"),
            nonce: [0; 16],
        };
        let refused =
            Statement::found(founding, Timestamp::from_millis(1), &ash.certificate, &ash.node);
        assert_eq!(refused, Err(StatementError::Root));
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_never_changes_the_roster(
            acts in proptest::collection::vec((0_u8..3, 2_u8..5, 0_u8..4), 1..14),
            order in any::<prop::sample::Index>(),
            reverse in any::<bool>(),
        ) {
            let ash = School::new(1);
            let mut set = founded(&ash);
            for (clock, (what, school, invite)) in (20..).zip(acts) {
                let school = School::new(school);
                let statement = match what {
                    0 => leave(&school, &set, clock),
                    _ => admit(&ash, &set, &school, invite, clock),
                };
                set.extend([statement]);
            }
            let mut statements: Vec<Statement> = set.statements().values().cloned().collect();
            let middle = order.index(statements.len());
            statements.rotate_left(middle);
            if reverse {
                statements.reverse();
            }
            let mut other = Membership::new(set.group());
            for statement in statements {
                other.extend([statement]);
            }
            prop_assert_eq!(other.roster(), set.roster());
            prop_assert_eq!(other.digest(), set.digest());
        }

        #[test]
        fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(Statement::verify(&bytes).is_err());
        }
    }
}
