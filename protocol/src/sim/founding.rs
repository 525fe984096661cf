//! The group that a run begins with, and who is connected to whom.

use std::collections::BTreeSet;

use super::random::Random;
use super::school::{Keys, NodeNo, SchoolNode};
use crate::clock::Timestamp;
use crate::group::membership::Membership;
use crate::group::statement::{Act, Admission, Founding, Root, Statement};
use crate::group::{Claims, GroupKind, Role};
use crate::hash::{GroupId, Hash};

/// When a run begins, in milliseconds since 1970.
pub(super) const BEGINNING: u64 = 1_800_000_000_000;

/// Beyond this many nodes each is connected to some of the others.
const ALL_CONNECTED: usize = 24;

/// Neighbours that each node then chooses, and that it seeks anew where others have left.
pub(super) const CHOSEN_NEIGHBOURS: usize = 6;

/// Founds the group of a run: its first three schools are admins, where it has so many.
pub(super) fn found(
    keys: &[Keys],
    standbys: &[u32],
    mut joins: impl FnMut(usize) -> bool,
) -> Membership {
    let founder = &keys[0];
    let founding = Founding {
        name: "Fenland Trust".into(),
        kind: GroupKind::Trust,
        root: Root { keys: vec![founder.school.public()], threshold: 1 },
        claims: claims(0),
        nonce: [0; 16],
    };
    let clock = Timestamp::from_millis(BEGINNING);
    let Ok(first) = Statement::found(founding, clock, &founder.certificate, &founder.node) else {
        return Membership::new(GroupId::from_bytes([0; 32]));
    };
    let mut set = Membership::new(first.group());
    set.extend([first]);
    let say = |set: &mut Membership, act: Act| {
        let proposal = set.propose(act);
        let endorsements = vec![proposal.endorse(&founder.school)];
        let made =
            Statement::sign(proposal, endorsements, clock, &founder.certificate, &founder.node);
        if let Ok(made) = made {
            set.extend([made]);
        }
    };
    for (school, keys) in keys.iter().enumerate().skip(1) {
        if joins(school) {
            say(&mut set, admission(keys, school));
        }
        if school < 3 {
            say(&mut set, Act::Name { school: keys.id() });
        }
    }
    for school in standbys {
        let standby = Keys::new(*school, 1);
        let Some(first) = keys.get(usize::try_from(*school).unwrap_or(usize::MAX)) else {
            continue;
        };
        if set.roster().member(&standby.id()).is_none() {
            continue;
        }
        let certificate = serde_bytes::ByteBuf::from(standby.certificate.as_bytes());
        let act = Act::Certify { certificate };
        if let Ok(made) = set.sign(act, clock, &first.certificate, &first.node) {
            set.extend([made]);
        }
    }
    set
}

pub(super) fn admission(keys: &Keys, school: usize) -> Act {
    Act::Admit(Admission {
        certificate: serde_bytes::ByteBuf::from(keys.certificate.as_bytes()),
        claims: claims(school),
        role: Role::Member,
        invite: Hash::of(&school.to_be_bytes()),
    })
}

fn claims(school: usize) -> Claims {
    Claims { name: format!("School {school}"), urn: None, phase: None, location: None }
}

pub(super) fn connect(nodes: &mut [SchoolNode], random: &mut Random) {
    let count = nodes.len();
    let mut lines: BTreeSet<(NodeNo, NodeNo)> = BTreeSet::new();
    for one in 0..count {
        if count <= ALL_CONNECTED {
            lines.extend((0..one).map(|other| (other, one)));
            continue;
        }
        for other in (0..CHOSEN_NEIGHBOURS).map(|_| random.below(count)).chain([(one + 1) % count])
        {
            lines.insert((one.min(other), one.max(other)));
        }
    }
    for (one, other) in lines.into_iter().filter(|(one, other)| one != other) {
        nodes[one].neighbours.push(other);
        nodes[other].neighbours.push(one);
    }
}
