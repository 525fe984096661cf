//! The wire format, pinned: what these values are encoded as must never change, and what was
//! encoded must always be read. The vectors lie in `protocol/vectors/wire.txt`, a name and the bytes
//! in hexadecimal a line; `UPDATE_VECTORS=1 cargo test -p staffroom-protocol vectors` writes those
//! of new values.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use data_encoding::HEXLOWER;
use serde_bytes::{ByteArray, ByteBuf};

use crate::bundle::{self, About, BundleReader, BundleWriter};
use crate::clock::Timestamp;
use crate::entry::{BlobRef, Draft, Entry, Verifier};
use crate::gossip::Announcement;
use crate::group::epoch::EpochKey;
use crate::group::invite::{Invite, InviteError};
use crate::group::membership::Membership;
use crate::group::statement::{Act, Admission, Founding, Parting, Root, Statement};
use crate::group::{Capacity, Claims, GroupKind, Role};
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::{NodeCertificate, Objection, PublicKey, Revocation, SecretKey};
use crate::receipt::{Erasure, Receipt};
use crate::record::{Kind, Record, sample};
use crate::sync::message::{
    Described, HeardFrom, Holding, Ordered, OrderedPart, PeerAddresses, Refusal, Request, Response,
};
use crate::sync::set::{Bound, Part, Range};
use crate::wire;

struct School {
    node: SecretKey,
    key: SecretKey,
    certificate: NodeCertificate,
    claims: Claims,
}

fn school(seed: u8, name: &str) -> School {
    let (key, node) = (SecretKey::from_seed(&[seed; 32]), SecretKey::from_seed(&[seed + 1; 32]));
    let certificate = NodeCertificate::issue(&key, node.public(), 1_700_000_000_000);
    let claims = Claims {
        name: name.into(),
        urn: "123456".parse().ok(),
        phase: Some("primary".into()),
        location: Some("Northfen".into()),
    };
    School { node, key, certificate, claims }
}

/// Name and bytes of everything that is signed, stored or sent.
fn vectors() -> Vec<(String, Vec<u8>)> {
    let (ash, beech) = (school(1, "Ash Primary"), school(11, "Beech Primary"));
    let mut vectors: Vec<(String, Vec<u8>)> = Vec::new();
    let mut add = |name: &str, bytes: &[u8]| vectors.push((name.into(), bytes.to_vec()));
    add("node certificate", ash.certificate.as_bytes());
    add("school id", ash.key.public().school_id().as_bytes());

    let founding = Founding {
        name: "Fenland Trust".into(),
        kind: GroupKind::Trust,
        root: Root { keys: vec![ash.key.public()], threshold: 1 },
        claims: ash.claims.clone(),
        nonce: [5; 16],
    };
    let clock = Timestamp::from_millis(1_700_000_000_000);
    let founding = Statement::found(founding, clock, &ash.certificate, &ash.node).unwrap();
    let group = founding.group();
    add("statement: found", founding.as_bytes());
    let invite = Invite::new(
        (group, "Fenland Trust", GroupKind::Trust),
        ("Ash Primary", ash.node.public()),
        vec!["/ip4/192.0.2.1/tcp/4801".into()],
        1_700_000_600_000,
        [6; 16],
    );
    add("invite line", invite.to_string().as_bytes());
    let sealed = ByteBuf::from(invite.request(&beech.certificate, beech.claims.clone()).unwrap());
    let to = ash.node.public();
    add("request: join", &wire::encode(&Request::Join { group, to, sealed }));
    let mut membership = Membership::new(group);
    membership.extend([founding]);
    let admission = Act::Admit(Admission {
        certificate: ByteBuf::from(beech.certificate.as_bytes()),
        claims: beech.claims.clone(),
        role: Role::Member,
        invite: invite.id(),
    });
    let admitted = membership.sign(admission, clock, &ash.certificate, &ash.node).unwrap();
    add("statement: admit", admitted.as_bytes());
    membership.extend([admitted]);
    let left = membership
        .sign(
            Act::Leave { standing: Vec::new(), why: None },
            clock,
            &beech.certificate,
            &beech.node,
        )
        .unwrap();
    add("statement: leave", left.as_bytes());
    let (school, node) = (beech.key.public().school_id(), beech.node.public());
    let key = EpochKey::from_seed([8; 32]);
    add("topic", key.topic().as_bytes());
    add("gossip: encrypted", &key.encrypt(b"content"));
    let revocation = Revocation::issue(&ash.key, ash.node.public(), 1_700_000_000_000);
    let objection = Objection::issue(&ash.key, group, SchoolId::from_bytes([5; 32]));
    for (name, act) in [
        ("name", Act::Name { school }),
        ("dismiss", Act::Dismiss { school }),
        ("remove", Act::Remove { school, standing: vec![Hash::of(b"entry")] }),
        ("certify", Act::Certify { certificate: ByteBuf::from(ash.certificate.as_bytes()) }),
        (
            "revoke",
            Act::Revoke { revocation: ByteBuf::from(revocation.as_bytes()), standing: Vec::new() },
        ),
        ("merge", Act::Merge { into: group, name: "Fenland Trust".into() }),
        ("close", Act::Leave { standing: Vec::new(), why: Some(Parting::Closed) }),
        ("epoch", membership.seal(&key).0),
        (
            "extend",
            Act::Extend { epoch: Hash::of(b"epoch"), node, sealed: key.seal(&group, &node) },
        ),
        ("succeed", Act::Succeed { root: Root { keys: vec![node], threshold: 1 } }),
        ("bind", Act::Bind { school, next: SchoolId::from_bytes([5; 32]) }),
        ("object", Act::Object { objection: ByteBuf::from(objection.as_bytes()) }),
        ("inherit", Act::Inherit { school, standing: vec![Hash::of(b"entry")] }),
        ("withdraw", Act::Withdraw { school, records: vec![RecordId::from_bytes([7; 16])] }),
        ("keep", Act::Keep { capacity: Capacity::Large }),
    ] {
        let proposal = membership.propose(act);
        let endorsements = vec![proposal.endorse(&ash.key)];
        let signed = Statement::sign(proposal, endorsements, clock, &ash.certificate, &ash.node);
        add(&format!("statement: {name}"), signed.unwrap().as_bytes());
    }

    let shared = |record: &Record| {
        let body = wire::encode(record);
        let draft = Draft {
            group,
            record: RecordId::from_bytes([7; 16]),
            clock,
            kind: record.kind().as_str().into(),
            content: Some((
                record.summarise(),
                BlobRef { hash: Hash::of(&body), size: body.len() as u64 },
            )),
            school: None,
        };
        (body, Entry::sign(draft, &ash.certificate, &ash.node).unwrap())
    };
    for record in Kind::ALL.iter().map(|kind| sample::complete(*kind)) {
        let (body, entry) = shared(&record);
        add(&format!("record: {}", record.kind()), &body);
        add(&format!("entry: {}", record.kind()), entry.as_bytes());
    }
    let mut record = sample::complete(Kind::Resource);
    let text = BlobRef { hash: Hash::of(b"the text inside"), size: 15 };
    record.files_mut()[0].text = Some(text);
    let (_, entry) = shared(&record);
    add("entry: with the text of a file", entry.as_bytes());
    let withdrawal = Draft {
        group,
        record: RecordId::from_bytes([7; 16]),
        clock,
        kind: "resource".into(),
        content: None,
        school: None,
    };
    let inherited = Draft { school: Some(SchoolId::from_bytes([5; 32])), ..withdrawal.clone() };
    let inherited = Entry::sign(inherited, &ash.certificate, &ash.node).unwrap();
    add("entry: of a school that its author goes on for", inherited.as_bytes());
    let withdrawal = Entry::sign(withdrawal, &ash.certificate, &ash.node).unwrap();
    add("entry: withdrawal", withdrawal.as_bytes());
    let erasure = Erasure {
        group,
        withdrawal: withdrawal.hash(),
        erased: clock,
        backups_by: Timestamp::from_millis(1_703_024_000_000),
    };
    add("receipt", Receipt::sign(erasure, &ash.certificate, &ash.node).as_bytes());
    add("bundle", &bundle(group, &ash, &beech));
    for (name, bytes) in messages(group, ash.node.public()) {
        add(&name, &bytes);
    }
    vectors
}

fn bundle(group: GroupId, from: &School, to: &School) -> Vec<u8> {
    let about = About {
        group,
        made: Timestamp::from_millis(1_700_000_000_000),
        since: Some(Timestamp::from_millis(1_600_000_000_000)),
    };
    let recipients = [from.node.public(), to.node.public()].into();
    let (mut writer, mut bytes) =
        BundleWriter::begin(about, &recipients, [7; 32], &from.certificate, &from.node).unwrap();
    let (school, record) = (SchoolId::from_bytes([5; 32]), RecordId::from_bytes([7; 16]));
    let (hash, bytes_of) = (Hash::of(b"content"), |text: &str| ByteBuf::from(text.as_bytes()));
    for part in [
        bundle::Part::Statements(vec![bytes_of("statement")]),
        bundle::Part::Peers(vec![peer(from.node.public())]),
        bundle::Part::Join(bytes_of("request")),
        bundle::Part::Have { entries: bytes_of("12345678"), blobs: bytes_of("87654321") },
        bundle::Part::Entries(vec![bytes_of("entry")]),
        bundle::Part::Blob { school, record, blob: BlobRef { hash, size: 7 } },
        bundle::Part::Piece(bytes_of("content")),
        bundle::Part::Again { school, record, hash },
    ] {
        bytes.extend(writer.part(part).unwrap());
    }
    bytes.extend(writer.close().unwrap());
    bytes
}

fn peer(node: PublicKey) -> PeerAddresses {
    PeerAddresses { node, addresses: vec!["/ip4/192.0.2.1/tcp/4801".into()] }
}

/// How many things a node finds in a bundle.
fn found_in(bundle: &[u8], node: &SecretKey) -> usize {
    let (mut reader, mut rest, mut found) = (BundleReader::new(node), bundle, 0);
    while reader.wants() > 0 {
        let (next, left) = rest.split_at(reader.wants());
        rest = left;
        found += usize::from(reader.handle_bytes(next).unwrap().is_some());
    }
    assert!(rest.is_empty());
    found
}

fn messages(group: GroupId, node: PublicKey) -> Vec<(String, Vec<u8>)> {
    let (hash, bytes) = (Hash::of(b"content"), ByteBuf::from(vec![1, 2, 3]));
    let bound = Bound::after(Timestamp::from_millis(1), &hash);
    let range = Range { from: bound.clone(), to: Some(bound.clone()) };
    let part = Part { to: Some(bound.clone()), count: 3, fingerprint: ByteArray::new([7; 16]) };
    let requests = [
        Request::Introduce { group, statements: vec![bytes.clone()] },
        Request::Peers { group },
        Request::Statements { group, digest: hash, after: Some(hash) },
        Request::Compare { group, count: 3, digest: hash },
        Request::Entries { group, ids: bytes.clone() },
        Request::Blobs { group, hashes: vec![hash] },
        Request::BlobRange { group, hash, offset: 262_144, length: 131_072 },
        Request::Holding { group },
        Request::Groups { certificate: bytes.clone() },
        Request::Return { group, certificate: bytes.clone(), after: None },
        Request::Receipts { group, withdrawals: vec![hash] },
        Request::News { group, digest: hash },
        Request::Withdraw { group, entries: vec![bytes.clone()] },
        Request::Symbols { group, count: 40 },
        Request::Describe { group, ranges: vec![Range::whole(), range.clone()] },
        Request::EntriesIn { group, range: range.clone() },
        Request::Ordered { group, ranges: vec![Range::whole(), range.clone()] },
        Request::Heard { group, after: Some(SchoolId::from_bytes([5; 32])) },
    ];
    let responses = [
        Response::Statements { statements: vec![bytes.clone()], more: true, digest: hash },
        Response::Peers { peers: vec![peer(node)] },
        Response::Same,
        Response::Entries { entries: vec![bytes.clone()], membership: hash },
        Response::Blobs { blobs: vec![bytes.clone()] },
        Response::BlobRange { length: 4, slice: bytes.clone() },
        Response::Holding(Holding {
            entries: 3,
            digest: hash,
            bodies_missing: 1,
            searchable: true,
        }),
        Response::InviteRefused(InviteError::Expired { since_millis: 60_000 }),
        Response::InviteRefused(InviteError::Used),
        Response::Refused(Refusal::NotShared),
        Response::Refused(Refusal::Busy),
        Response::Known { digest: hash },
        Response::Admitted,
        Response::Waiting,
        Response::Groups { groups: vec![group] },
        Response::Receipts { receipts: vec![bytes.clone()] },
        Response::Symbols { symbols: bytes.clone() },
        Response::Described {
            ranges: vec![Described::Ids(bytes.clone()), Described::Parts(vec![part])],
        },
        Response::EntriesIn {
            entries: vec![bytes.clone()],
            next: Some(bound.clone()),
            membership: hash,
        },
        Response::Ordered {
            digest: hash,
            ranges: vec![
                Ordered::Hashes(bytes.clone()),
                Ordered::Parts(vec![OrderedPart { to: Some(bound), hash }]),
            ],
        },
        Response::Heard {
            now_millis: 1_700_000_000_000,
            schools: vec![HeardFrom { school: SchoolId::from_bytes([5; 32]), seconds_ago: 90 }],
            more: true,
        },
    ];
    let announcements = [Announcement::Entry(bytes), Announcement::News { digest: hash, node }];
    let requests = requests
        .iter()
        .enumerate()
        .map(|(number, message)| (format!("request {number}"), wire::encode(message)));
    let responses = responses
        .iter()
        .enumerate()
        .map(|(number, message)| (format!("response {number}"), wire::encode(message)));
    let announcements = announcements
        .iter()
        .enumerate()
        .map(|(number, message)| (format!("announcement {number}"), message.encode()));
    requests.chain(responses).chain(announcements).collect()
}

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/wire.txt")
}

fn pinned() -> BTreeMap<String, Vec<u8>> {
    let text = fs::read_to_string(path()).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.rsplit_once(' '))
        .map(|(name, bytes)| (name.to_owned(), HEXLOWER.decode(bytes.as_bytes()).unwrap()))
        .collect()
}

#[test]
fn what_was_ever_sent_is_encoded_as_it_was() {
    let vectors = vectors();
    let pinned = pinned();
    for (name, bytes) in &vectors {
        if let Some(pinned) = pinned.get(name) {
            assert_eq!(HEXLOWER.encode(bytes), HEXLOWER.encode(pinned), "{name}");
        }
    }
    if std::env::var_os("UPDATE_VECTORS").is_some() {
        let line =
            |(name, bytes): &(String, Vec<u8>)| format!("{name} {}\n", HEXLOWER.encode(bytes));
        fs::write(path(), vectors.iter().map(line).collect::<String>()).unwrap();
    } else {
        let names: Vec<&String> = vectors.iter().map(|(name, _)| name).collect();
        assert!(
            names.iter().all(|name| pinned.contains_key(*name)),
            "UPDATE_VECTORS=1 adds the new"
        );
        assert_eq!(pinned.len(), vectors.len(), "a vector is never taken out");
    }
}

#[test]
fn what_was_ever_sent_is_read() {
    let verifier = Verifier::default();
    let pinned = pinned();
    assert!(!pinned.is_empty());
    for (name, bytes) in pinned {
        let sort = name.split([':', ' ']).next().unwrap_or_default().to_owned();
        match sort.as_str() {
            "entry" => {
                drop(verifier.open(&bytes).unwrap_or_else(|error| panic!("{name}: {error}")))
            }
            "statement" => drop(Statement::verify(&bytes).unwrap()),
            "record" => {
                let record: Record = wire::decode(&bytes, 100_000).unwrap();
                assert_eq!(format!("record: {}", record.kind()), name);
            }
            "request" => drop(wire::decode::<Request>(&bytes, 10_000).unwrap()),
            "response" => drop(wire::decode::<Response>(&bytes, 10_000).unwrap()),
            "announcement" => drop(Announcement::decode(&bytes).unwrap()),
            "bundle" => assert_eq!(found_in(&bytes, &school(11, "Beech Primary").node), 10),
            "receipt" => drop(Receipt::verify(&bytes).unwrap()),
            "node" => drop(NodeCertificate::verify(&bytes).unwrap()),
            "invite" => drop(String::from_utf8(bytes).unwrap().parse::<Invite>().unwrap()),
            "gossip" => {
                assert_eq!(EpochKey::from_seed([8; 32]).decrypt(&bytes).unwrap(), b"content");
            }
            "school" | "topic" => {}
            _ => panic!("{name} is of no known sort"),
        }
    }
}
