use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_bytes::ByteBuf;

use super::frames::FileKey;
use super::part::{Frame, SignedOpening};
use super::*;
use crate::clock::Timestamp;
use crate::entry::BlobRef;
use crate::hash::{GroupId, Hash, RecordId, SchoolId};
use crate::identity::{NodeCertificate, PublicKey, Purpose, SecretKey};
use crate::limits::{BUNDLE_PIECE_BYTES, MAX_FILE_BYTES};
use crate::wire;

const KEY: [u8; 32] = [9; 32];

fn node(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn certificate(node: &SecretKey) -> NodeCertificate {
    NodeCertificate::issue(&SecretKey::from_seed(&[100; 32]), node.public(), 1)
}

fn about() -> About {
    let made = Timestamp::from_millis(1_000);
    About { group: GroupId::from_bytes([1; 32]), made, since: None }
}

fn begin(recipients: &[u8], key: [u8; 32]) -> (BundleWriter, Vec<u8>) {
    let recipients: BTreeSet<PublicKey> =
        recipients.iter().map(|seed| node(*seed).public()).collect();
    let maker = node(1);
    BundleWriter::begin(about(), &recipients, key, &certificate(&maker), &maker).unwrap()
}

fn blob(size: u64) -> Part {
    let blob = BlobRef { hash: Hash::of(b"film"), size };
    let (school, record) = (SchoolId::from_bytes([2; 32]), RecordId::from_bytes([3; 16]));
    Part::Blob { school, record, blob }
}

fn parts() -> Vec<Part> {
    let bytes = |text: &str| ByteBuf::from(text.as_bytes());
    let (school, record) = (SchoolId::from_bytes([2; 32]), RecordId::from_bytes([4; 16]));
    vec![
        Part::Statements(vec![bytes("one"), bytes("two")]),
        Part::Statements(vec![bytes("three")]),
        Part::Entries(vec![bytes("entry"); 5]),
        blob(7),
        Part::Piece(bytes("four")),
        Part::Piece(bytes("five")[..3].to_vec().into()),
        Part::Again { school, record, hash: Hash::of(b"film") },
        blob(0),
    ]
}

/// The bytes of a bundle: how it begins, and its frames.
fn written(key: [u8; 32]) -> Vec<Vec<u8>> {
    let (mut writer, start) = begin(&[1, 2, 3], key);
    let mut pieces = vec![start];
    pieces.extend(parts().into_iter().map(|part| writer.part(part).unwrap()));
    pieces.push(writer.close().unwrap());
    pieces
}

/// What a node finds, and why it stopped, if it did.
fn read(bytes: &[u8], by: u8) -> (Vec<Found>, Option<BundleError>) {
    let (mut reader, mut rest, mut found) = (BundleReader::new(&node(by)), bytes, Vec::new());
    loop {
        let wants = reader.wants();
        assert!(wants <= MAX_BUNDLE_FRAME_BYTES + 16, "{wants} bytes at once");
        let length = if wants == 0 { rest.len() } else { wants.min(rest.len()) };
        let (next, left) = rest.split_at(length);
        rest = left;
        match reader.handle_bytes(next) {
            Ok(one) => found.extend(one),
            Err(error) => return (found, Some(error)),
        }
        if wants == 0 {
            return (found, None);
        }
    }
}

fn is_refused(bytes: &[u8]) -> BundleError {
    let (found, error) = read(bytes, 2);
    let whole = read(&written(KEY).concat(), 2).0;
    assert!(whole.starts_with(&found), "what was read before is as it was written");
    assert!(found.len() < whole.len() || error == Some(BundleError::Appended));
    error.expect("it is refused")
}

#[test]
fn each_recipient_reads_it_as_it_was_written_and_nobody_else_anything() {
    let bytes = written(KEY).concat();
    for recipient in [1, 2, 3] {
        let (found, error) = read(&bytes, recipient);
        assert_eq!(error, None);
        let opening = Opening { about: about(), maker: certificate(&node(1)) };
        assert_eq!(found[0], Found::Opening(Box::new(opening)));
        let brought: Vec<Found> = parts().into_iter().map(Found::Part).collect();
        assert_eq!(found[1..found.len() - 1], brought);
        assert_eq!(found.last(), Some(&Found::Closing));
    }
    assert_eq!(read(&bytes, 4), (Vec::new(), Some(BundleError::NotForThisNode)));
    for secret in [about().group.as_bytes().as_slice(), node(1).public().as_bytes(), b"entry"] {
        let shows = bytes.windows(secret.len()).any(|window| window == secret);
        assert!(!shows, "whoever finds it sees who made it, for whom or what is in it");
    }
}

#[test]
fn frames_that_are_left_out_repeated_swapped_or_of_another_bundle_are_noticed() {
    let pieces = written(KEY);
    for one in 1..pieces.len() {
        let mut without = pieces.clone();
        without.remove(one);
        is_refused(&without.concat());
        let mut twice = pieces.clone();
        twice.insert(one, pieces[one].clone());
        is_refused(&twice.concat());
        for other in one + 1..pieces.len() {
            let mut swapped = pieces.clone();
            swapped.swap(one, other);
            assert!(matches!(is_refused(&swapped.concat()), BundleError::Damaged { .. }));
        }
        let mut foreign = pieces.clone();
        foreign[one] = written([8; 32])[one].clone();
        assert!(matches!(is_refused(&foreign.concat()), BundleError::Damaged { .. }));
    }
    let mut longer = pieces.concat();
    longer.push(0);
    assert_eq!(is_refused(&longer), BundleError::Appended);
    // A frame that is told to be the last is none.
    let mut ended = pieces[..3].concat();
    let head = pieces[..2].concat().len();
    ended[head] = 1;
    assert!(matches!(is_refused(&ended), BundleError::Damaged { .. }));
}

#[test]
fn it_is_cut_wherever_it_is_cut() {
    let bytes = written(KEY).concat();
    for length in 0..bytes.len() {
        let error = is_refused(&bytes[..length]);
        let expected =
            if length < MAGIC.len() { BundleError::NotABundle } else { BundleError::Cut };
        assert_eq!(error, expected, "cut to {length} bytes");
    }
}

#[test]
fn something_else_a_newer_format_and_too_many_recipients_are_named() {
    assert_eq!(
        read(b"PK\x03\x04 and more of an archive, as long as a prelude is", 2).1,
        Some(BundleError::NotABundle)
    );
    let mut newer = written(KEY).concat();
    newer[MAGIC.len() + 3] = 2;
    assert_eq!(read(&newer, 2).1, Some(BundleError::Newer(2)));
    let mut many = written(KEY).concat();
    many[MAGIC.len() + 4] = 1;
    assert_eq!(read(&many, 2).1, Some(BundleError::TooManyRecipients(0x0100_0003)));
}

#[test]
fn a_member_that_puts_its_own_content_behind_anothers_start_is_found_out_at_the_end() {
    // A recipient knows the file's key, so it can write frames that decrypt.
    let (_, start) = begin(&[1, 2, 3], KEY);
    let forger = node(2);
    let recipients = [1, 2, 3].map(|seed| node(seed).public()).into();
    let (mut writer, own) =
        BundleWriter::begin(about(), &recipients, KEY, &certificate(&forger), &forger).unwrap();
    assert_eq!(own[..PRELUDE_BYTES + 3 * SLOT_BYTES], start[..PRELUDE_BYTES + 3 * SLOT_BYTES]);
    let mut bytes = start;
    bytes.extend(writer.part(Part::Entries(vec![ByteBuf::from(b"forged")])).unwrap());
    bytes.extend(writer.close().unwrap());
    let (found, error) = read(&bytes, 3);
    assert_eq!(found.len(), 2);
    assert!(matches!(error, Some(BundleError::Signature(_))), "{error:?}");

    // Nor can the start be taken to another file.
    let mut other = written([8; 32]);
    let opening = written(KEY).swap_remove(0).split_off(PRELUDE_BYTES + 3 * SLOT_BYTES);
    other[0].truncate(PRELUDE_BYTES + 3 * SLOT_BYTES);
    other[0].extend(opening);
    assert!(matches!(read(&other.concat(), 3).1, Some(BundleError::Damaged { frame: 1 })));
}

/// A bundle for one node whose first frame somebody who has the key wrote by hand.
fn opened_with(header: Option<Hash>, signer: &SecretKey) -> Vec<u8> {
    let (_, mut bytes) = begin(&[2], KEY);
    bytes.truncate(PRELUDE_BYTES + SLOT_BYTES);
    let here = Hash::of(&bytes);
    let opening = SignedOpening {
        certificate: ByteBuf::from(certificate(&node(1)).as_bytes()),
        header: header.unwrap_or(here),
        about: about(),
    };
    let signed = signer.seal(Purpose::BundleOpening, &wire::encode(&opening));
    let frame = wire::encode(&Frame::Opening(ByteBuf::from(signed)));
    bytes.extend(FileKey::new(KEY).frames(&here).seal(&frame, false));
    bytes
}

#[test]
fn an_opening_of_another_file_or_signed_by_somebody_else_is_refused() {
    let (found, error) = read(&opened_with(None, &node(1)), 2);
    assert_eq!((found.len(), error), (1, Some(BundleError::Cut)));
    let foreign = opened_with(Some(Hash::of(b"another")), &node(1));
    assert_eq!(read(&foreign, 2), (Vec::new(), Some(BundleError::AnotherFile)));
    let (found, error) = read(&opened_with(None, &node(2)), 2);
    assert_eq!(found, []);
    assert!(matches!(error, Some(BundleError::Signature(_))), "{error:?}");
}

#[test]
fn the_end_of_one_bundle_does_not_end_another() {
    let (_, mut bytes) = begin(&[2], KEY);
    let mut frames = FileKey::new(KEY).frames(&Hash::of(&bytes[..PRELUDE_BYTES + SLOT_BYTES]));
    frames.seal(&[], false);
    // What its maker signed for the bundle without the entry.
    let signed = node(1).seal(Purpose::Bundle, Hash::of(&bytes).as_bytes());
    let entry = Frame::Part(Part::Entries(vec![ByteBuf::from(b"forged")]));
    bytes.extend(frames.seal(&wire::encode(&entry), false));
    bytes.extend(frames.seal(&wire::encode(&Frame::Closing(ByteBuf::from(signed))), true));
    let (found, error) = read(&bytes, 2);
    assert_eq!((found.len(), error), (2, Some(BundleError::AnotherFile)));
}

#[test]
fn parts_that_do_not_follow_each_other_are_neither_written_nor_read() {
    let piece = |length: usize| Part::Piece(ByteBuf::from(vec![0; length]));
    let statements = || Part::Statements(vec![ByteBuf::from(b"one")]);
    let entries = || Part::Entries(Vec::new());
    for wrong in [
        vec![entries(), statements()],
        vec![blob(4), piece(5)],
        vec![blob(4), piece(3), blob(1)],
        vec![blob(4), piece(3), entries()],
        vec![blob(1), entries()],
        vec![piece(1)],
        vec![blob(4), piece(0)],
        vec![blob(1 << 20), piece(BUNDLE_PIECE_BYTES + 1)],
        vec![blob(MAX_FILE_BYTES + 1)],
    ] {
        let (mut writer, mut bytes) = begin(&[2], KEY);
        // The same frames from somebody who does not keep to the order.
        let header = Hash::of(&bytes[..PRELUDE_BYTES + SLOT_BYTES]);
        let mut careless = FileKey::new(KEY).frames(&header);
        careless.seal(&[], false);
        let mut refused = None;
        for part in &wrong {
            let frame = Frame::Part(part.clone());
            bytes.extend(careless.seal(&wire::encode(&frame), false));
            if let Err(error) = writer.part(part.clone()) {
                refused.get_or_insert(error);
            }
        }
        assert!(matches!(refused, Some(BundleError::OutOfOrder { .. })), "{wrong:?}");
        assert_eq!(read(&bytes, 2).1, refused, "{wrong:?}");
    }
    let (mut writer, _) = begin(&[2], KEY);
    writer.part(blob(2)).unwrap();
    assert!(matches!(writer.close(), Err(BundleError::OutOfOrder { .. })));
    let (mut writer, _) = begin(&[2], KEY);
    let long = Part::Entries(vec![ByteBuf::from(vec![0; MAX_BUNDLE_FRAME_BYTES])]);
    assert!(matches!(writer.part(long), Err(BundleError::TooLong { .. })));
}

#[test]
fn a_key_that_differs_between_recipients_opens_for_none() {
    // Each slot holds what its recipient is to believe, and the commitment fits one of them.
    let (_, mut bytes) = begin(&[2], KEY);
    let commitment = FileKey::new(KEY).commitment();
    let context = (PURPOSE, commitment.as_bytes().as_slice());
    let other = seal::seal(&node(2).public(), context, [1; 32], &[8; 32]).unwrap();
    bytes[PRELUDE_BYTES..PRELUDE_BYTES + SLOT_BYTES].copy_from_slice(&other);
    assert_eq!(read(&bytes, 2).1, Some(BundleError::NotForThisNode));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_bit_that_is_flipped_is_noticed(place in any::<prop::sample::Index>(), bit in 0..8_u8) {
        let mut bytes = written(KEY).concat();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        is_refused(&bytes);
    }

    #[test]
    fn no_bytes_make_it_panic_or_want_much(
        start in prop::sample::select(vec![0, 16, 24, 56, 296, 301]),
        noise in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut bytes = written(KEY).concat();
        bytes.truncate(start);
        bytes.extend(noise);
        read(&bytes, 2);
    }

    #[test]
    fn files_of_any_size_come_through(size in 0_usize..600_000, piece in 1..=BUNDLE_PIECE_BYTES) {
        let content = vec![7; size];
        let (mut writer, mut bytes) = begin(&[2], KEY);
        bytes.extend(writer.part(blob(size as u64)).unwrap());
        for piece in content.chunks(piece.max(1_000)) {
            bytes.extend(writer.part(Part::Piece(ByteBuf::from(piece))).unwrap());
        }
        bytes.extend(writer.close().unwrap());
        let (found, error) = read(&bytes, 2);
        prop_assert_eq!(error, None);
        let pieces = found.iter().filter_map(|found| {
            if let Found::Part(Part::Piece(bytes)) = found { Some(bytes.len()) } else { None }
        });
        prop_assert_eq!(pieces.sum::<usize>(), size);
    }
}
