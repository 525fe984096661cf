//! A group of more servers than one statement can seal a key to.

use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::statement::{Act, Admission};
use staffroom_protocol::group::{Claims, GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::limits::MAX_SEALED_KEYS;
use staffroom_tests::School;
use staffroom_tests::mallory::Mallory;

use crate::running;

/// Lets in schools that have no server yet, and that come before `last` in every list.
fn admit(founder: &Mallory, group: &GroupId, count: usize, last: &SchoolId) {
    let identity = founder.node.identity();
    let key = |what: &[u8], number: usize| {
        let hash = Hash::of(&[what, &number.to_be_bytes()].concat());
        SecretKey::from_seed(hash.as_bytes())
    };
    let before = (0..).filter(|number| key(b"school", *number).public().school_id() < *last);
    for number in before.take(count) {
        let (school, node) = (key(b"school", number), key(b"node", number));
        let certificate = NodeCertificate::issue(&school, node.public(), 1);
        let admission = Act::Admit(Admission {
            certificate: ByteBuf::from(certificate.as_bytes()),
            claims: Claims {
                name: format!("School {number}"),
                urn: None,
                phase: None,
                location: None,
            },
            role: Role::Member,
            invite: Hash::of(&number.to_be_bytes()),
        });
        let signed = founder.node.with_membership(group, |set| {
            let clock = Timestamp::from_millis(1_700_000_000_000);
            set.sign(admission, clock, identity.certificate(), identity.node_key()).unwrap()
        });
        let bytes = ByteBuf::from(signed.unwrap().as_bytes());
        founder.node.accept_statements(*group, &[bytes]).unwrap();
    }
}

#[test]
fn a_node_fetches_its_part_of_the_sealed_keys_and_hears_what_is_gossiped() {
    let founder = Mallory::start();
    let group = founder.node.create_group("Schools of the county", GroupKind::Network).unwrap();
    let (mut ash, mut beech) = (running("Ash Primary"), running("Beech Primary"));
    let (first, second) = (founder.invite(&group), founder.invite(&group));
    ash.done(&["group", "join", &first.to_string(), "--yes"]);
    founder.is_heard_by(&ash, group);
    let id = |school: &School| -> SchoolId {
        school.json(&["status"])["school"].as_str().unwrap().parse().unwrap()
    };
    admit(&founder, &group, MAX_SEALED_KEYS, &id(&ash).min(id(&beech)));

    ash.waits_for("the key of all", || {
        let roster = founder.node.roster(&group).unwrap();
        let epoch = roster.epoch().unwrap();
        roster.nodes().iter().all(|node| epoch.names(node))
    });

    // A removal makes another key, for more servers than a statement names.
    beech.done(&["group", "join", &second.to_string(), "--yes"]);
    let members = founder.node.roster(&group).unwrap();
    let (school, _) = members.current().find(|(school, _)| *school < id(&ash)).unwrap();
    founder.node.remove_member(&group, &school).unwrap();
    let chunks = founder.node.roster(&group).unwrap().epoch().unwrap().chunks();
    assert!(!chunks.is_empty(), "sealed in chunks");
    for school in [&ash, &beech] {
        let mut number = 0;
        school.waits_for("gossip under the new key", || {
            number += 1;
            let title = format!("Chunked {} {number}", school.name());
            founder.tell(group, founder.entry(group, &title, staffroom_tests::mallory::now()));
            !school.search("chunked").is_empty()
        });
    }

    // Of most members nobody knows how to reach them; those of whom it is known are dialled all the
    // same.
    founder.runtime.block_on(founder.network.stop());
    for school in [&mut ash, &mut beech] {
        school.stop();
    }
    ash.start();
    beech.start();
    let connected = || ash.json(&["status"])["groups"][0]["connected"] == 1;
    ash.waits_for("a connection with Beech Primary", connected);
}
