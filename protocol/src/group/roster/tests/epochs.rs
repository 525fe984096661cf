//! Which epoch is used, and who has its key.

use super::*;
use crate::group::epoch::EpochKey;

fn key(seed: u8) -> EpochKey {
    EpochKey::from_seed([seed; 32])
}

fn extension(set: &Membership, epoch: Hash, key: &EpochKey, node: PublicKey) -> Act {
    Act::Extend { epoch, node, sealed: key.seal(&set.group(), &node) }
}

/// The key that a school's node gossips under.
fn used_by(set: &Membership, school: &School) -> Option<EpochKey> {
    set.roster().epoch()?.open(&set.group(), &school.node, |_| None)
}

#[test]
fn an_epoch_is_for_the_members_that_its_maker_knew_of() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech]);
    assert_eq!(used_by(&set, &ash), None);
    let (act, _) = set.seal(&key(1));
    ash.does(&mut set, act);
    assert_eq!(used_by(&set, &ash), Some(key(1)));
    assert_eq!(used_by(&set, &beech), Some(key(1)));

    set.extend([ash.admits(&set, &cedar, 2)]);
    assert_eq!(used_by(&set, &cedar), None);
    assert_eq!(used_by(&set, &ash), Some(key(1)), "a newcomer does not end the others' talk");
    let epoch = set.roster().epoch().unwrap().statement();
    let node = cedar.node.public();
    let extend = extension(&set, epoch, &key(1), node);
    beech.does(&mut set, extend.clone());
    assert_eq!(used_by(&set, &cedar), None, "not a member's to give");
    ash.does(&mut set, extend);
    assert_eq!(used_by(&set, &cedar), Some(key(1)));
}

#[test]
fn a_member_or_a_wrong_list_makes_no_epoch() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    let (act, _) = set.seal(&key(1));
    beech.does(&mut set, act);
    assert_eq!(set.roster().epoch(), None);
    let sealed = vec![key(1).seal(&set.group(), &ash.node.public())];
    ash.does(&mut set, Act::Epoch { key: key(1).commitment(), sealed, chunks: Vec::new() });
    assert_eq!(set.roster().epoch(), None);
    // Two members are told different keys.
    let Act::Epoch { sealed, .. } = set.seal(&key(2)).0 else { unreachable!() };
    ash.does(&mut set, Act::Epoch { key: key(3).commitment(), sealed, chunks: Vec::new() });
    assert!(set.roster().epoch().is_some());
    assert_eq!(used_by(&set, &beech), None);
    let too_many = vec![key(1).seal(&set.group(), &ash.node.public()); 129];
    let act = Act::Epoch { key: key(1).commitment(), sealed: too_many, chunks: Vec::new() };
    let signed = set.sign(act, Timestamp::from_millis(20), &ash.certificate, &ash.node);
    assert!(matches!(signed, Err(StatementError::TooManySealedKeys(129))));
}

#[test]
fn the_largest_epoch_fits_a_statement() {
    let ash = School::new(1);
    let set = founded(&ash, &[]);
    let sealed = vec![key(1).seal(&set.group(), &ash.node.public()); 128];
    let statement =
        ash.says(&set, Act::Epoch { key: key(1).commitment(), sealed, chunks: Vec::new() });
    assert!(statement.as_bytes().len() < 12_000, "{} bytes", statement.as_bytes().len());
}

#[test]
fn a_departure_ends_an_epoch_and_the_next_one_is_not_for_the_departed() {
    let (ash, beech, cedar) = (School::new(1), School::new(2), School::new(3));
    let mut set = founded(&ash, &[&beech, &cedar]);
    let (act, _) = set.seal(&key(1));
    ash.does(&mut set, act);
    set.extend([ash.removal(&set, &cedar, &[])]);
    assert_eq!(set.roster().epoch(), None);
    let (act, _) = set.seal(&key(2));
    ash.does(&mut set, act);
    assert_eq!(used_by(&set, &beech), Some(key(2)));
    assert!(!set.roster().epoch().unwrap().names(&cedar.node.public()));

    beech.does(&mut set, Act::Leave { standing: Vec::new(), why: None });
    assert_eq!(set.roster().epoch(), None);
}

#[test]
fn a_revoked_server_ends_an_epoch() {
    let (ash, beech) = (School::new(1), School::new(2));
    let standby = School::with_node(2, 150);
    let mut set = founded(&ash, &[&beech]);
    let certificate = ByteBuf::from(standby.certificate.as_bytes());
    beech.does(&mut set, Act::Certify { certificate });
    let (act, _) = set.seal(&key(1));
    let epoch = ash.does(&mut set, act);
    assert_eq!(used_by(&set, &standby), Some(key(1)));
    let revocation = Revocation::issue(&beech.key, beech.node.public(), 1);
    let revocation = ByteBuf::from(revocation.as_bytes());
    standby.does(&mut set, Act::Revoke { revocation, standing: Vec::new() });
    assert_eq!(set.roster().epoch(), None);
    // The stolen server cannot hand the key on either.
    let node = standby.node.public();
    let extend = extension(&set, epoch, &key(1), node);
    beech.does(&mut set, extend);
    assert_eq!(set.roster().epoch(), None);
}

#[test]
fn a_school_hands_the_key_to_a_server_that_it_adds() {
    let (ash, beech) = (School::new(1), School::new(2));
    let standby = School::with_node(2, 150);
    let mut set = founded(&ash, &[&beech]);
    let (act, _) = set.seal(&key(1));
    let epoch = ash.does(&mut set, act);
    let certificate = ByteBuf::from(standby.certificate.as_bytes());
    beech.does(&mut set, Act::Certify { certificate });
    assert_eq!(used_by(&set, &standby), None);
    let node = standby.node.public();
    let extend = extension(&set, epoch, &key(1), node);
    beech.does(&mut set, extend);
    assert_eq!(used_by(&set, &standby), Some(key(1)));
}

#[test]
fn two_admins_who_rotate_at_once_hand_nothing_to_whom_the_other_removed() {
    let (ash, beech) = (School::new(1), School::new(2));
    let (cedar, damson) = (School::new(3), School::new(4));
    let mut set = founded(&ash, &[&beech, &cedar, &damson]);
    name(&mut set, &ash, &beech);
    let mut apart = set.clone();
    set.extend([ash.removal(&set, &cedar, &[])]);
    let (act, _) = set.seal(&key(1));
    ash.does(&mut set, act);
    apart.extend([beech.removal(&apart, &damson, &[])]);
    let (act, _) = apart.seal(&key(2));
    beech.does(&mut apart, act);
    assert_eq!(used_by(&set, &damson), Some(key(1)), "Ash has not heard yet");

    meet(&mut set, &mut apart);
    assert_eq!(set.roster().epoch(), None);
    let (act, _) = set.seal(&key(3));
    beech.does(&mut set, act);
    for school in [&ash, &beech] {
        assert_eq!(used_by(&set, school), Some(key(3)));
    }
    for school in [&cedar, &damson] {
        assert!(!set.roster().epoch().unwrap().names(&school.node.public()));
    }
}

#[test]
fn of_epochs_made_apart_all_use_the_same_until_a_later_one() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    name(&mut set, &ash, &beech);
    let mut apart = set.clone();
    let (act, _) = set.seal(&key(1));
    let one = ash.does(&mut set, act);
    let (act, _) = apart.seal(&key(2));
    let other = beech.does(&mut apart, act);
    meet(&mut set, &mut apart);
    assert_eq!(set.roster().epoch().unwrap().statement(), one.min(other));
    let (act, _) = set.seal(&key(4));
    let later = ash.does(&mut set, act);
    assert_eq!(set.roster().epoch().unwrap().statement(), later);
}

#[test]
fn in_a_large_group_each_node_opens_the_key_from_its_own_chunk() {
    const SCHOOLS: u16 = 600;
    let ash = School::new(1);
    let schools: Vec<School> = (0..SCHOOLS)
        .map(|number| {
            let [high, low] = number.to_be_bytes();
            let seed = |what: u8| {
                let mut seed = [what; 32];
                (seed[0], seed[1]) = (high, low);
                SecretKey::from_seed(&seed)
            };
            let (key, node) = (seed(90), seed(91));
            School { certificate: NodeCertificate::issue(&key, node.public(), 1), key, node }
        })
        .collect();
    let mut set = founded(&ash, &[]);
    let admissions: Vec<Statement> = schools
        .iter()
        .map(|school| {
            let admission = Admission {
                certificate: ByteBuf::from(school.certificate.as_bytes()),
                claims: claims("Beech"),
                role: Role::Member,
                invite: Hash::of(school.id().as_bytes()),
            };
            ash.says(&set, Act::Admit(admission))
        })
        .collect();
    // More than a statement may follow at once.
    set.extend(admissions);
    while set.heads().len() > 1 {
        ash.does(&mut set, Act::Dismiss { school: schools[0].id() });
    }
    let (act, chunks) = set.seal(&key(1));
    assert_eq!(chunks.len(), 2);
    let statement = ash.says(&set, act.clone());
    assert!(statement.as_bytes().len() < 1_000, "{} bytes", statement.as_bytes().len());
    set.extend([statement]);
    let epoch = set.roster().epoch().unwrap();
    assert_eq!(epoch.chunks().len(), 2);
    for school in &schools {
        let own = epoch.chunk_of(&school.node.public()).unwrap();
        let chunk = chunks.iter().find(|chunk| Hash::of(chunk) == own);
        let opened = epoch.open(&set.group(), &school.node, |hash| {
            assert_eq!(*hash, own);
            chunk.cloned()
        });
        assert_eq!(opened, Some(key(1)));
        assert_eq!(epoch.open(&set.group(), &school.node, |_| None), None, "its chunk is away");
        assert_eq!(epoch.open(&set.group(), &school.node, |_| Some(vec![0; 7])), None);
    }

    let Act::Epoch { chunks, .. } = act else { unreachable!() };
    let short =
        Act::Epoch { key: key(2).commitment(), sealed: Vec::new(), chunks: chunks[..1].to_vec() };
    ash.does(&mut set, short);
    let in_use = set.roster().epoch().unwrap();
    assert!(in_use.chunks().len() == 2, "a later one without a slot for each is none");
    let act =
        Act::Epoch { key: key(1).commitment(), sealed: Vec::new(), chunks: vec![chunks[0]; 401] };
    let signed = set.sign(act, Timestamp::from_millis(20), &ash.certificate, &ash.node);
    assert!(matches!(signed, Err(StatementError::TooManyChunks(401))));
}
