//! A group of more servers than one statement can seal a key to.

use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::statement::{Act, Admission};
use staffroom_protocol::group::{Claims, GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::limits::MAX_SEALED_KEYS;
use staffroom_tests::mallory::Mallory;

use crate::running;

/// Lets in schools that have no server yet.
fn admit(founder: &Mallory, group: &GroupId, count: usize) {
    let identity = founder.node.identity();
    for number in 0..count {
        let seed = |what: &[u8]| {
            let hash = Hash::of(&[what, &number.to_be_bytes()].concat());
            SecretKey::from_seed(hash.as_bytes())
        };
        let certificate = NodeCertificate::issue(&seed(b"school"), seed(b"node").public(), 1);
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
    let ash = running("Ash Primary");
    let (first, second) = (founder.invite(&group), founder.invite(&group));
    ash.done(&["group", "join", &first.to_string(), "--yes"]);
    founder.is_heard_by(&ash, group);
    admit(&founder, &group, MAX_SEALED_KEYS);

    ash.waits_for("the key of all", || {
        let roster = founder.node.roster(&group).unwrap();
        let epoch = roster.epoch().unwrap();
        roster.nodes().iter().all(|node| epoch.names(node))
    });

    // A removal makes another key, for more servers than a statement names.
    let beech = running("Beech Primary");
    beech.done(&["group", "join", &second.to_string(), "--yes"]);
    let school = founder.node.find_member(&group, "School 7").unwrap();
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
}
