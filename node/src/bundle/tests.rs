use std::collections::BTreeSet;
use std::sync::Arc;

use serde_bytes::ByteBuf;
use staffroom_protocol::bundle::{About, BundleWriter, Part};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry, EntryKey};
use staffroom_protocol::group::{Claims, GroupKind};
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::record::{File, Summary};

use super::*;
use crate::home::{Home, Lock};
use crate::node::Node;
use crate::store::Options;

struct School {
    dir: tempfile::TempDir,
    node: Arc<Node>,
    group: GroupId,
}

fn school() -> School {
    let dir = tempfile::tempdir().unwrap();
    let claims = Claims { name: "Ash Primary".into(), urn: None, phase: None, location: None };
    Home::new(dir.path()).init(claims, &Lock::Open).unwrap();
    let node = Node::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
    let group = node.create_group("Fenland Trust", GroupKind::Trust).unwrap();
    School { dir, node, group }
}

impl Drop for School {
    fn drop(&mut self) {
        self.node.stop();
    }
}

fn blob(bytes: &[u8]) -> BlobRef {
    BlobRef { hash: Hash::of(bytes), size: bytes.len() as u64 }
}

/// A record of the school with a full text and a file.
fn entry(of: &School, group: GroupId, text: &[u8], file: &[u8]) -> Entry {
    let BlobRef { hash, size } = blob(file);
    let media_type = "application/octet-stream".into();
    let files = vec![File { name: "film.bin".into(), media_type, size, hash, text: None }];
    let draft = Draft {
        group,
        record: RecordId::from_bytes([1; 16]),
        clock: Timestamp::from_millis(1),
        kind: "resource".into(),
        content: Some((Summary { files, ..Summary::default() }, blob(text))),
        school: None,
    };
    let identity = of.node.identity();
    Entry::sign(draft, identity.certificate(), identity.node_key()).unwrap()
}

fn part_of(key: &EntryKey, blob: BlobRef) -> Part {
    Part::Blob { school: key.school, record: key.record, blob }
}

fn piece(bytes: &[u8]) -> Part {
    Part::Piece(ByteBuf::from(bytes))
}

/// A bundle that somebody puts together by hand for this school's node.
fn bundle(of: &School, maker: (&NodeCertificate, &SecretKey), parts: Vec<Part>) -> Vec<u8> {
    let recipients: BTreeSet<_> = [of.node.identity().node_key().public()].into();
    let about = About { group: of.group, made: Timestamp::from_millis(1), since: None };
    let (mut writer, mut bytes) =
        BundleWriter::begin(about, &recipients, [7; 32], maker.0, maker.1).unwrap();
    for part in parts {
        bytes.extend(writer.part(part).unwrap());
    }
    bytes.extend(writer.close().unwrap());
    bytes
}

fn by_itself(of: &School, parts: Vec<Part>) -> Result<Imported, CarryError> {
    let identity = of.node.identity();
    let bytes = bundle(of, (identity.certificate(), identity.node_key()), parts);
    of.node.import_bundle(&mut bytes.as_slice(), false)
}

fn entries(entries: &[&[u8]]) -> Part {
    Part::Entries(entries.iter().map(|bytes| ByteBuf::from(*bytes)).collect())
}

fn files_under(dir: &std::path::Path) -> usize {
    let items = std::fs::read_dir(dir).unwrap().map(|item| item.unwrap().path());
    items.map(|path| if path.is_dir() { files_under(&path) } else { 1 }).sum()
}

#[test]
fn what_is_altered_or_belongs_to_nothing_is_left_out_and_the_rest_is_taken() {
    let ash = school();
    let (text, film) = (b"a full text".as_slice(), b"a film".as_slice());
    let good = entry(&ash, ash.group, text, film);
    let key = good.key();
    let mut altered = good.as_bytes().to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let other_group = entry(&ash, GroupId::from_bytes([9; 32]), text, film);
    let elsewhere = EntryKey { record: RecordId::from_bytes([2; 16]), ..key };
    let shorter = BlobRef { size: 5, ..blob(film) };
    let report = by_itself(
        &ash,
        vec![
            entries(&[&altered, other_group.as_bytes(), good.as_bytes()]),
            part_of(&key, blob(text)),
            piece(b"b full text"),
            part_of(&key, blob(film)),
            piece(b"b film"),
            part_of(&key, shorter),
            piece(b"a fil"),
            part_of(&elsewhere, blob(film)),
            piece(film),
            part_of(&key, blob(b"of no record")),
            piece(b"of no record"),
            Part::Again { school: key.school, record: key.record, hash: blob(film).hash },
        ],
    );
    let report = report.unwrap();
    assert_eq!((report.records, report.refused), (1, 2));
    assert_eq!((report.texts, report.files, report.left_out), (0, 0, 6));
    assert!(!ash.node.possesses(&ash.group, &blob(film).hash).unwrap());
    assert_eq!(files_under(&ash.dir.path().join("blobs")), 0);
    assert_eq!(ash.node.bodies_missing(&ash.group), 1, "the text is still wanted");

    let whole = vec![
        part_of(&key, blob(text)),
        piece(text),
        part_of(&key, blob(film)),
        piece(film),
        Part::Again { school: key.school, record: key.record, hash: blob(film).hash },
    ];
    let report = by_itself(&ash, whole).unwrap();
    assert_eq!((report.texts, report.files, report.left_out), (1, 1, 0));
    assert!(ash.node.possesses(&ash.group, &blob(film).hash).unwrap());
    assert_eq!(ash.node.bodies_missing(&ash.group), 0);
}

#[test]
fn a_file_that_is_on_the_disk_through_another_group_is_had_only_once_it_came_itself() {
    let ash = school();
    let (text, film) = (b"a full text".as_slice(), b"a film".as_slice());
    ash.node.blobs().put(film).unwrap();
    let good = entry(&ash, ash.group, text, film);
    let key = good.key();
    let again = Part::Again { school: key.school, record: key.record, hash: blob(film).hash };
    let report = by_itself(&ash, vec![entries(&[good.as_bytes()]), again]).unwrap();
    assert_eq!((report.files, report.left_out), (0, 1));
    assert!(!ash.node.possesses(&ash.group, &blob(film).hash).unwrap());
    // Nor does this node give out what it has through another group.
    let plan = ash.node.plan_bundle(ash.group, ExportOptions::default()).unwrap();
    let contents = ash.node.write_bundle(&plan, &mut |_| true).unwrap();
    assert_eq!((contents.records, contents.texts, contents.files), (1, 0, 0));

    let possession = crate::intake::possession(&blob(film).hash, &key);
    ash.node.store().apply(vec![possession]).unwrap();
    let contents = ash.node.write_bundle(&plan, &mut |_| true).unwrap();
    assert_eq!((contents.records, contents.texts, contents.files), (1, 0, 1));
    let nobody = ash.node.write_bundle(&plan, &mut |_| false);
    assert!(matches!(nobody, Err(CarryError::Read { .. })));
}

#[test]
fn a_stranger_that_knows_the_nodes_of_members_brings_nothing() {
    let ash = school();
    let (own, node) = (SecretKey::from_seed(&[1; 32]), SecretKey::from_seed(&[2; 32]));
    let certificate = NodeCertificate::issue(&own, node.public(), 1);
    let good = entry(&ash, ash.group, b"text", b"film");
    let parts = || vec![entries(&[good.as_bytes()])];
    let bytes = bundle(&ash, (&certificate, &node), parts());
    let refused = ash.node.import_bundle(&mut bytes.as_slice(), true).unwrap_err();
    assert!(matches!(refused, CarryError::MakerNoMember(_)), "{refused}");
    // A member's node that shows another school's certificate.
    let member = ash.node.identity().node_key();
    let certificate = NodeCertificate::issue(&own, member.public(), 1);
    let bytes = bundle(&ash, (&certificate, member), parts());
    let refused = ash.node.import_bundle(&mut bytes.as_slice(), true).unwrap_err();
    assert!(matches!(refused, CarryError::MakerNoMember(_)), "{refused}");
    assert_eq!(ash.node.store().count(&ash.group), 0);
}

#[test]
fn a_group_that_is_not_known_here_is_taken_in_only_where_that_is_asked_for() {
    let (ash, beech) = (school(), school());
    let of_beech = beech.node.identity();
    let recipients: BTreeSet<_> = [ash.node.identity().node_key().public()].into();
    let about = About { group: beech.group, made: Timestamp::from_millis(1), since: None };
    let (mut writer, mut bytes) = BundleWriter::begin(
        about,
        &recipients,
        [7; 32],
        of_beech.certificate(),
        of_beech.node_key(),
    )
    .unwrap();
    let said: Vec<ByteBuf> = beech
        .node
        .with_membership(&beech.group, |set| {
            set.in_order().map(|one| ByteBuf::from(one.as_bytes())).collect()
        })
        .unwrap();
    bytes.extend(writer.part(Part::Statements(said)).unwrap());
    bytes.extend(writer.close().unwrap());
    let refused = ash.node.import_bundle(&mut bytes.as_slice(), false).unwrap_err();
    assert!(matches!(refused, CarryError::NotJoined(_)), "{refused}");
    let refused = ash.node.import_bundle(&mut bytes.as_slice(), true).unwrap_err();
    assert!(matches!(refused, CarryError::NoMember(_)), "{refused}");
    assert_eq!(ash.node.group_ids(), [ash.group], "nothing is known of the group");
}
