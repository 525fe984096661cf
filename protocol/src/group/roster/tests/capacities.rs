//! How much a school keeps, as its nodes say it.

use super::*;

fn capacity(set: &Membership, school: &School) -> Capacity {
    set.roster().member(&school.id()).unwrap().capacity
}

fn keep(capacity: Capacity) -> Act {
    Act::Keep { capacity }
}

#[test]
fn the_latest_word_of_a_school_counts() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    assert_eq!(capacity(&set, &beech), Capacity::Normal);
    beech.does(&mut set, keep(Capacity::None));
    assert_eq!((capacity(&set, &beech), capacity(&set, &ash)), (Capacity::None, Capacity::Normal));
    beech.does(&mut set, keep(Capacity::Large));
    assert_eq!(capacity(&set, &beech), Capacity::Large);
}

#[test]
fn of_words_that_were_said_apart_the_smallest_counts_until_the_next() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    beech.does(&mut set, keep(Capacity::None));
    let before = set.clone();
    let apart = [Capacity::Large, Capacity::Small, Capacity::Normal];
    set.extend(apart.map(|capacity| beech.says(&before, keep(capacity))));
    assert_eq!(capacity(&set, &beech), Capacity::Small);
    beech.does(&mut set, keep(Capacity::Large));
    assert_eq!(capacity(&set, &beech), Capacity::Large);
}

#[test]
fn a_revoked_node_says_nothing_for_its_school() {
    let (ash, beech) = (School::new(1), School::new(2));
    let mut set = founded(&ash, &[&beech]);
    let stolen = set.clone();
    let renewed = School::with_node(2, 50);
    let certificate = ByteBuf::from(renewed.certificate.as_bytes());
    renewed.does(&mut set, Act::Certify { certificate });
    let revocation = Revocation::issue(&beech.key, beech.node.public(), 1);
    let revocation = ByteBuf::from(revocation.as_bytes());
    renewed.does(&mut set, Act::Revoke { revocation, standing: Vec::new() });
    set.extend([beech.says(&stolen, keep(Capacity::None))]);
    assert_eq!(capacity(&set, &beech), Capacity::Normal);
}
