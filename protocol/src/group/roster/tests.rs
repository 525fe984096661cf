//! Attacks on a group, and what every node that holds the same statements makes of them.

mod bindings;
mod capacities;
mod epochs;
mod schedules;

use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::*;
use crate::entry::{BlobRef, Draft};
use crate::group::GroupKind;
use crate::group::membership::Membership;
use crate::group::proposal::Endorsement;
use crate::group::statement::{Act, Admission, StatementError};
use crate::hash::{GroupId, RecordId};
use crate::identity::{NodeCertificate, Revocation, SecretKey};
use crate::record::Summary;

struct School {
    key: SecretKey,
    node: SecretKey,
    certificate: NodeCertificate,
}

impl School {
    fn new(seed: u8) -> Self {
        Self::with_node(seed, seed + 100)
    }

    fn with_node(seed: u8, node: u8) -> Self {
        let node = SecretKey::from_seed(&[node; 32]);
        let key = SecretKey::from_seed(&[seed; 32]);
        Self { certificate: NodeCertificate::issue(&key, node.public(), 1), key, node }
    }

    fn id(&self) -> SchoolId {
        self.certificate.school()
    }

    fn says(&self, set: &Membership, act: Act) -> Statement {
        self.says_at(20, set, act)
    }

    fn says_at(&self, millis: u64, set: &Membership, act: Act) -> Statement {
        set.sign(act, Timestamp::from_millis(millis), &self.certificate, &self.node).unwrap()
    }

    /// Signs and adds it.
    fn does(&self, set: &mut Membership, act: Act) -> Hash {
        let statement = self.says(set, act);
        let hash = statement.hash();
        assert_eq!(set.extend([statement]).added, [hash]);
        hash
    }

    fn admits(&self, set: &Membership, school: &Self, invite: u8) -> Statement {
        self.says(
            set,
            Act::Admit(Admission {
                certificate: ByteBuf::from(school.certificate.as_bytes()),
                claims: claims("Beech"),
                role: Role::Member,
                invite: Hash::from_bytes([invite; 32]),
            }),
        )
    }

    fn removal(&self, set: &Membership, school: &Self, standing: &[&Entry]) -> Statement {
        let standing = standing.iter().map(|entry| entry.hash()).collect();
        self.says(set, Act::Remove { school: school.id(), standing })
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
            school: None,
        };
        Entry::sign(draft, &self.certificate, &self.node).unwrap()
    }
}

fn claims(name: &str) -> Claims {
    Claims { name: name.into(), urn: None, phase: None, location: None }
}

fn found_with(founder: &School, root: Root) -> Membership {
    let founding = Founding {
        name: "Riverside Trust".into(),
        kind: GroupKind::Trust,
        root,
        claims: claims("Ash"),
        nonce: [0; 16],
    };
    let clock = Timestamp::from_millis(10);
    let statement = Statement::found(founding, clock, &founder.certificate, &founder.node).unwrap();
    let mut set = Membership::new(statement.group());
    set.extend([statement]);
    set
}

/// A group that Ash founded and whose root is Ash's key, with these members.
fn founded(ash: &School, members: &[&School]) -> Membership {
    let mut set = found_with(ash, Root { keys: vec![ash.key.public()], threshold: 1 });
    for (member, invite) in members.iter().zip(100..) {
        set.extend([ash.admits(&set, member, invite)]);
    }
    set
}

/// An act of the root, signed by these keys and carried by the first.
fn root_does(set: &Membership, act: Act, keyholders: &[&School]) -> Statement {
    let proposal = set.propose(act);
    let endorsements: Vec<Endorsement> =
        keyholders.iter().map(|school| proposal.endorse(&school.key)).collect();
    let carrier = keyholders[0];
    let clock = Timestamp::from_millis(20);
    Statement::sign(proposal, endorsements, clock, &carrier.certificate, &carrier.node).unwrap()
}

fn name(set: &mut Membership, root: &School, school: &School) {
    set.extend([root_does(set, Act::Name { school: school.id() }, &[root])]);
}

fn is_member(set: &Membership, school: &School) -> bool {
    set.roster().member(&school.id()).is_some()
}

/// Adds the other's statements to each, and checks that they agree.
fn meet(one: &mut Membership, other: &mut Membership) {
    let (ours, theirs): (Vec<_>, Vec<_>) = (
        one.statements().values().cloned().collect(),
        other.statements().values().cloned().collect(),
    );
    one.extend(theirs);
    other.extend(ours);
    assert_eq!(one.digest(), other.digest());
    assert_eq!(one.roster(), other.roster());
}

#[test]
fn an_admin_admits_and_a_member_does_not() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech]);
    set.extend([beech.admits(&set, &cedar, 2)]);
    assert!(is_member(&set, &beech) && !is_member(&set, &cedar));
    let group = set.group();
    assert_eq!(set.roster().standing(&beech.entry(group, 40, false)), Standing::Honoured);
    assert_eq!(set.roster().standing(&cedar.entry(group, 40, false)), Standing::Unknown);
    name(&mut set, &ash, &beech);
    set.extend([beech.admits(&set, &cedar, 2)]);
    assert!(is_member(&set, &cedar) && set.roster().is_admin(&beech.id()));
}

#[test]
fn only_the_root_names_admins() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    beech.does(&mut set, Act::Name { school: beech.id() });
    set.extend([root_does(&set, Act::Name { school: beech.id() }, &[&beech])]);
    assert!(!set.roster().is_admin(&beech.id()));
    // A signature for one act does not serve another, nor the same act elsewhere.
    let proposal = set.propose(Act::Name { school: cedar.id() });
    let endorsement = proposal.endorse(&ash.key);
    let forged = Statement::sign(
        set.propose(Act::Name { school: beech.id() }),
        vec![endorsement],
        Timestamp::from_millis(1),
        &beech.certificate,
        &beech.node,
    );
    assert!(matches!(forged, Err(StatementError::Signature(_))), "{forged:?}");
}

#[test]
fn one_invite_admits_one_school() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[]);
    set.extend([ash.admits(&set, &beech, 1)]);
    set.extend([ash.admits(&set, &cedar, 1)]);
    assert!(!is_member(&set, &cedar));
    let invite = Hash::from_bytes([1; 32]);
    assert_eq!(set.roster().invited_by(&ash.id(), &invite), Some(beech.id()));
}

#[test]
fn whoever_leaves_keeps_what_it_lists_and_may_take_back_the_rest() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    let group = set.group();
    let stays = beech.entry(group, 40, false);
    beech.does(&mut set, Act::Leave { standing: vec![stays.hash()], why: None });
    let roster = set.roster();
    assert!(!is_member(&set, &beech));
    assert_eq!(roster.standing(&stays), Standing::Honoured);
    // However it is dated.
    assert_eq!(roster.standing(&beech.entry(group, 1, false)), Standing::Dropped);
    assert_eq!(roster.standing(&beech.entry(group, 60, true)), Standing::Honoured);
    set.extend([ash.admits(&set, &beech, 2)]);
    assert!(is_member(&set, &beech), "it may come back");
    assert_eq!(set.roster().standing(&beech.entry(group, 60, false)), Standing::Honoured);
}

#[test]
fn of_a_removed_school_only_what_is_listed_stands() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    let group = set.group();
    let (listed, also, backdated) = (
        beech.entry(group, 40, false),
        beech.entry(group, 41, false),
        beech.entry(group, 2, false),
    );
    set.extend([ash.removal(&set, &beech, &[&listed])]);
    assert_eq!(set.roster().standing(&listed), Standing::Honoured);
    assert_eq!(set.roster().standing(&also), Standing::Dropped);
    assert_eq!(set.roster().standing(&backdated), Standing::Dropped);
    assert_eq!(set.roster().standing(&beech.entry(group, 90, true)), Standing::Dropped);
    set.extend([ash.removal(&set, &beech, &[&also])]);
    assert_eq!(set.roster().standing(&also), Standing::Honoured, "a list may be extended");
    assert_eq!(set.roster().standing(&listed), Standing::Honoured);
    // Its school key still takes things back.
    let own = School {
        node: beech.key.clone(),
        certificate: NodeCertificate::issue(&beech.key, beech.key.public(), 1),
        key: beech.key.clone(),
    };
    assert_eq!(set.roster().standing(&own.entry(group, 90, true)), Standing::Honoured);
    assert_eq!(set.roster().standing(&own.entry(group, 90, false)), Standing::Dropped);
    // A leaving beside the removal does not make its own list count.
    let mut apart = founded(&ash, &[&beech, &cedar]);
    beech.does(&mut apart, Act::Leave { standing: vec![backdated.hash()], why: None });
    meet(&mut set, &mut apart);
    assert_eq!(set.roster().standing(&backdated), Standing::Dropped);
}

#[test]
fn removal_beats_an_admission_that_did_not_know_of_it() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    name(&mut set, &ash, &beech);
    let mut apart = set.clone();
    set.extend([ash.removal(&set, &cedar, &[])]);
    apart.extend([beech.admits(&apart, &cedar, 7)]);
    meet(&mut set, &mut apart);
    assert!(!is_member(&set, &cedar));
    set.extend([beech.admits(&set, &cedar, 8)]);
    assert!(is_member(&set, &cedar), "whoever knows of the removal may admit again");
}

#[test]
fn two_admins_who_remove_each_other_leave_the_senior_one() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    name(&mut set, &ash, &beech);
    name(&mut set, &ash, &cedar);
    let mut apart = set.clone();
    set.extend([beech.removal(&set, &cedar, &[])]);
    apart.extend([cedar.removal(&apart, &beech, &[])]);
    assert!(is_member(&apart, &beech), "a junior admin cannot remove a senior one");
    meet(&mut set, &mut apart);
    assert!(is_member(&set, &beech) && set.roster().is_admin(&beech.id()));
    assert!(!is_member(&set, &cedar));
    set.extend([beech.removal(&set, &ash, &[])]);
    assert!(is_member(&set, &ash), "nor the founder");
    set.extend([root_does(&set, Act::Remove { school: beech.id(), standing: vec![] }, &[&ash])]);
    assert!(!is_member(&set, &beech), "the root removes any");
}

#[test]
fn admins_named_apart_from_each_other_cannot_remove_each_other() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    let mut apart = set.clone();
    name(&mut set, &ash, &beech);
    name(&mut apart, &ash, &cedar);
    meet(&mut set, &mut apart);
    set.extend([beech.removal(&set, &cedar, &[]), cedar.removal(&set, &beech, &[])]);
    assert!(is_member(&set, &beech) && is_member(&set, &cedar));
}

#[test]
fn what_a_removed_admin_dates_back_is_void() {
    let (ash, beech, cedar, damson) =
        (School::new(1), School::new(2), School::new(3), School::new(4));
    let mut set = founded(&ash, &[&beech]);
    name(&mut set, &ash, &beech);
    let before = set.clone();
    set.extend([beech.admits(&set, &cedar, 5)]);
    set.extend([ash.removal(&set, &beech, &[])]);
    assert!(is_member(&set, &cedar), "what it did before stands");
    // Signed now, as if made before the removal was known.
    set.extend([beech.admits(&before, &damson, 6)]);
    assert!(!is_member(&set, &damson));
    set.extend([beech.removal(&before, &cedar, &[])]);
    assert!(is_member(&set, &cedar));
    // Named again, it acts again; what it dated back stays void.
    set.extend([ash.admits(&set, &beech, 7)]);
    name(&mut set, &ash, &beech);
    assert!(!is_member(&set, &damson));
    set.extend([beech.admits(&set, &damson, 8)]);
    assert!(is_member(&set, &damson));
}

#[test]
fn a_dismissed_admin_stays_a_member() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    name(&mut set, &ash, &beech);
    cedar.does(&mut set, Act::Dismiss { school: beech.id() });
    assert!(set.roster().is_admin(&beech.id()), "a member dismisses nobody");
    ash.does(&mut set, Act::Dismiss { school: beech.id() });
    assert!(is_member(&set, &beech) && !set.roster().is_admin(&beech.id()));
    set.extend([beech.removal(&set, &cedar, &[])]);
    assert!(is_member(&set, &cedar));
}

#[test]
fn a_stolen_node_counts_no_more_and_its_school_goes_on() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let (renewed, damson) = (School::with_node(2, 60), School::new(4));
    let mut set = founded(&ash, &[&beech]);
    name(&mut set, &ash, &beech);
    let group = set.group();
    let at_first = set.clone();
    set.extend([beech.admits(&set, &damson, 8)]);
    let before = set.clone();
    let (listed, forged) = (beech.entry(group, 40, false), beech.entry(group, 41, false));
    let certificate = ByteBuf::from(renewed.certificate.as_bytes());
    renewed.does(&mut set, Act::Certify { certificate });
    let revocation = Revocation::issue(&beech.key, beech.node.public(), 50);
    let revocation = ByteBuf::from(revocation.as_bytes());
    let standing = vec![listed.hash()];
    renewed.does(&mut set, Act::Revoke { revocation: revocation.clone(), standing });
    let roster = set.roster();
    assert_eq!(roster.school_of(&beech.node.public()), None);
    assert_eq!(roster.school_of(&renewed.node.public()), Some(beech.id()));
    assert!(roster.is_admin(&beech.id()));
    assert_eq!(roster.standing(&listed), Standing::Honoured);
    assert_eq!(roster.standing(&forged), Standing::Dropped);
    assert_eq!(roster.standing(&beech.entry(group, 42, true)), Standing::Dropped);
    assert_eq!(roster.standing(&renewed.entry(group, 42, false)), Standing::Honoured);
    // The thief can neither admit, nor take the school out, nor lengthen its own list.
    set.extend([beech.admits(&before, &cedar, 9)]);
    set.extend([beech.says(&before, Act::Leave { standing: vec![], why: None })]);
    set.extend([beech.says(&at_first, Act::Revoke { revocation, standing: vec![forged.hash()] })]);
    assert!(is_member(&set, &beech) && !is_member(&set, &cedar));
    assert!(is_member(&set, &damson), "nor void what the node did before it was stolen");
    assert_eq!(set.roster().standing(&forged), Standing::Dropped);
    // Only its own school revokes a node.
    let foreign = Revocation::issue(&cedar.key, renewed.node.public(), 50);
    let act = Act::Revoke { revocation: ByteBuf::from(foreign.as_bytes()), standing: vec![] };
    let clock = Timestamp::from_millis(1);
    let refused = set.sign(act, clock, &ash.certificate, &ash.node);
    assert_eq!(refused, Err(StatementError::AnotherSchool));
}

#[test]
fn a_root_passes_to_several_and_on_without_one_that_leaves() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    let before = set.clone();
    let keys = vec![ash.key.public(), beech.key.public(), cedar.key.public()];
    let three = Root { keys, threshold: 2 };
    set.extend([root_does(&set, Act::Succeed { root: three.clone() }, &[&ash])]);
    assert_eq!(set.roster().root(), Some(&three));
    name(&mut set, &ash, &beech);
    assert!(!set.roster().is_admin(&beech.id()), "one of three is not enough");
    set.extend([root_does(&set, Act::Name { school: beech.id() }, &[&ash, &cedar])]);
    assert!(set.roster().is_admin(&beech.id()));
    let two = Root { keys: vec![beech.key.public(), cedar.key.public()], threshold: 2 };
    set.extend([root_does(&set, Act::Succeed { root: two.clone() }, &[&beech, &cedar])]);
    assert_eq!(set.roster().root(), Some(&two));
    // What the former root signs counts no more, however it is dated.
    set.extend([root_does(&set, Act::Name { school: cedar.id() }, &[&ash, &cedar])]);
    set.extend([root_does(&before, Act::Name { school: cedar.id() }, &[&ash])]);
    assert!(!set.roster().is_admin(&cedar.id()));
}

#[test]
fn a_former_root_does_not_undo_its_succession() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let of = |schools: &[&School]| Root {
        keys: schools.iter().map(|school| school.key.public()).collect(),
        threshold: 2,
    };
    // Whichever of two statements has the lower hash: several runs differ in their hashes.
    for invite in 0..8 {
        let mut set = founded(&ash, &[&beech, &cedar]);
        set.extend([ash.admits(&set, &School::new(40), invite)]);
        let three = of(&[&ash, &beech, &cedar]);
        set.extend([root_does(&set, Act::Succeed { root: three }, &[&ash])]);
        let two = of(&[&beech, &cedar]);
        set.extend([root_does(&set, Act::Succeed { root: two.clone() }, &[&beech, &cedar])]);
        // Enough signatures for the former root, made after its succession.
        let back = of(&[&ash, &beech]);
        set.extend([root_does(&set, Act::Succeed { root: back.clone() }, &[&ash, &beech])]);
        assert_eq!(set.roster().root(), Some(&two));
        set.extend([root_does(&set, Act::Succeed { root: back.clone() }, &[&beech, &cedar])]);
        assert_eq!(set.roster().root(), Some(&back));
    }
}

#[test]
fn readers_publish_nothing() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[]);
    let admission = Admission {
        certificate: ByteBuf::from(beech.certificate.as_bytes()),
        claims: claims("Beech"),
        role: Role::Reader,
        invite: Hash::of(b"invite"),
    };
    ash.does(&mut set, Act::Admit(admission));
    assert!(is_member(&set, &beech));
    assert_eq!(set.roster().standing(&beech.entry(set.group(), 40, false)), Standing::Dropped);
}

#[test]
fn a_statement_waits_for_those_before_it() {
    let (ash, beech) = (School::new(1), School::new(2));
    let set = founded(&ash, &[&beech]);
    let mut other = Membership::new(set.group());
    let mut late: Vec<Statement> = set.in_order().cloned().collect();
    let founding = late.remove(0);
    let early = other.extend(late.clone());
    assert_eq!((early.added.len(), early.early.len()), (0, 1));
    late.push(founding);
    assert_eq!(other.extend(late).added.len(), 2);
    assert_eq!(other.roster(), set.roster());
    let first = set.in_order().next().map(Statement::hash);
    assert_eq!(set.in_order_after(first).count(), 1);
}

#[test]
fn strangers_add_nothing() {
    let (ash, mallory) = (School::new(1), School::new(9));
    let mut set = founded(&ash, &[]);
    for statement in [
        mallory.says(&set, Act::Leave { standing: vec![], why: None }),
        mallory.admits(&set, &mallory, 1),
        mallory.removal(&set, &ash, &[]),
    ] {
        assert_eq!(set.extend([statement]).added, []);
    }
}

#[test]
fn an_altered_statement_or_a_bad_root_is_refused() {
    let ash = School::new(1);
    let set = founded(&ash, &[]);
    let act = root_does(&set, Act::Name { school: ash.id() }, &[&ash]);
    for bytes in [set.in_order().next().unwrap().as_bytes(), act.as_bytes()] {
        for position in 0..bytes.len() {
            let mut altered = bytes.to_vec();
            altered[position] ^= 1;
            assert!(Statement::verify(&altered).is_err(), "byte {position} may be altered");
        }
    }
    let key = ash.key.public();
    for (keys, threshold) in [(vec![key], 2), (vec![key], 0), (vec![key, key], 1), (vec![], 0)] {
        let act = Act::Succeed { root: Root { keys, threshold } };
        let clock = Timestamp::from_millis(1);
        let refused = set.sign(act, clock, &ash.certificate, &ash.node);
        assert_eq!(refused, Err(StatementError::Root));
    }
}

proptest! {
    #[test]
    fn the_order_of_arrival_never_changes_the_roster(
        acts in proptest::collection::vec((0_u8..7, 1_u8..6, 1_u8..6, any::<prop::sample::Index>()), 1..24),
        order in any::<u64>(),
    ) {
        let schools: Vec<School> = (1..6).map(School::new).collect();
        let ash = &schools[0];
        let members: Vec<&School> = schools[1..4].iter().collect();
        let mut sets = vec![founded(ash, &members)];
        for (number, (what, by, of, view)) in (0..).zip(acts) {
            // Each act knows only what one of the earlier views knew.
            let mut set = sets[view.index(sets.len())].clone();
            let (by, of) = (&schools[usize::from(by) - 1], &schools[usize::from(of) - 1]);
            let statement = match what {
                0 => by.says(&set, Act::Leave { standing: vec![], why: None }),
                1 | 2 => by.admits(&set, of, number),
                3 | 4 => by.removal(&set, of, &[]),
                5 => root_does(&set, Act::Name { school: of.id() }, &[ash]),
                _ => by.says(&set, Act::Dismiss { school: of.id() }),
            };
            set.extend([statement]);
            sets.push(set);
        }
        let mut statements: Vec<Statement> =
            sets.iter().flat_map(|set| set.statements().values().cloned()).collect();
        let mut all = Membership::new(sets[0].group());
        all.extend(statements.clone());
        let mut state = order;
        for place in (1..statements.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            statements.swap(place, usize::try_from(state >> 33).unwrap() % (place + 1));
        }
        let mut other = Membership::new(all.group());
        while other.digest() != all.digest() {
            for statement in &statements {
                other.extend([statement.clone()]);
            }
        }
        prop_assert_eq!(other.roster(), all.roster());
    }

    #[test]
    fn decoding_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(Statement::verify(&bytes).is_err());
    }
}
