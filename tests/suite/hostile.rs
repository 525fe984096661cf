//! A member, and a stranger, that send what they must not: over real connections, to a real node.

use std::time::Duration;

use serde_bytes::ByteBuf;
use staffroom_protocol::entry::{BlobRef, Entry};
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::group::invite::{Invite, InviteError};
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::limits::MAX_GOSSIP_BYTES;
use staffroom_protocol::sync::message::{MAX_REQUEST_BYTES, Refusal, Request, Response};
use staffroom_protocol::wire;
use staffroom_tests::School;
use staffroom_tests::mallory::{Mallory, addresses, now};
use staffroom_tests::raw::Answer;

use crate::{intervention, running, school};

/// A school with a trust and one record, and an invite to the trust.
fn host() -> (School, Invite) {
    let mut ash = school("Ash Primary");
    ash.set_environment("STAFFROOM_LOG", "info,staffroom_node=debug");
    ash.start();
    ash.found("Fenland Trust", "trust", &[]);
    let record = ash.write("record.md", intervention("Paired reading", "Fluent readers."));
    ash.done(&["publish", record.to_str().unwrap()]);
    let invite = ash.invite("Fenland Trust").parse().unwrap();
    (ash, invite)
}

#[test]
fn what_a_member_must_not_send_is_refused_counted_and_ends_the_connection() {
    let (mut ash, invite) = host();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let group = invite.group;
    mallory.is_heard_by(&ash, group);

    // What an honest node with a wrong clock, or one that missed something, sends as well.
    mallory.tell(group, mallory.entry(group, "Tomorrow", now() + 24 * 3_600_000));
    ash.waits_for("an entry from the future", || ash.refused("from_the_future") == 1);
    let (school, stranger) = (SecretKey::from_seed(&[8; 32]), SecretKey::from_seed(&[7; 32]));
    let certificate = NodeCertificate::issue(&school, stranger.public(), now());
    let outside =
        Entry::sign(mallory.draft(group, "Outsider", now()), &certificate, &stranger).unwrap();
    mallory.tell(group, outside.as_bytes().to_vec());
    ash.waits_for("a record of a non-member", || ash.refused("unknown_author") == 1);
    assert_eq!(ash.json(&["status"])["held_aside"], 2);

    // A valid signature over content that makes no sense: a later version may know the kind, so the
    // record is shown by its title.
    let mut nonsense = mallory.draft(group, "Nonsense", now());
    nonsense.kind = "nonsense".into();
    let identity = mallory.node.identity();
    let nonsense = Entry::sign(nonsense, identity.certificate(), identity.node_key());
    mallory.tell(group, nonsense.unwrap().as_bytes().to_vec());
    let (id, _) = ash.finds("nonsense", 1).remove(0);
    let shown = ash.run(&["show", &id]);
    assert!(shown.code.is_some(), "{shown:?}");

    // What can be no mistake.
    let good = mallory.entry(group, "Truncated", now());
    mallory.tell(group, good[..good.len() - 20].to_vec());
    ash.waits_for("the refusal of a truncated entry", || ash.refused("invalid_entry") == 1);
    let wrong_key =
        Entry::sign(mallory.draft(group, "Forged", now()), identity.certificate(), &stranger);
    mallory.tell(group, wrong_key.unwrap().as_bytes().to_vec());
    ash.waits_for("the refusal of a wrong signature", || ash.refused("invalid_entry") == 2);
    // Another school's name on a certificate that it did not sign.
    let mut forged = mallory.entry(group, "Ash says", now());
    let own = *identity.certificate().school_key().as_bytes();
    let place = forged.windows(32).position(|window| window == own).unwrap();
    let ashes = mallory.node.roster(&group).unwrap();
    let ashes = ashes.current().find(|(_, member)| member.claims.name == "Ash Primary").unwrap().0;
    forged[place..place + 32].copy_from_slice(ashes.as_bytes());
    mallory.tell(group, forged);
    ash.waits_for("the refusal of a forged certificate", || ash.refused("invalid_entry") == 3);
    mallory.tell(group, vec![0; MAX_GOSSIP_BYTES - 1_000]);
    ash.waits_for("the refusal of an oversized entry", || ash.refused("invalid_entry") == 4);
    ash.waits_for("the end of the connection", || {
        ash.json(&["status"])["network"]["connected"] == 0
    });
    let asked = mallory.network.ask(invite.from_node, addresses(&invite), Request::Peers { group });
    assert!(mallory.runtime.block_on(asked).is_err(), "nor is it let in again");

    assert!(ash.is_running());
    for title in ["truncated", "forged", "says", "tomorrow", "outsider"] {
        assert_eq!(ash.search(title), [], "{title}");
    }
    assert_eq!(ash.search("paired reading").len(), 1, "nothing held was lost");
    ash.stop();
}

#[test]
fn a_member_cannot_take_over_bring_back_or_read_across() {
    let (ash, invite) = host();
    let beech = running("Beech Primary");
    beech.done(&["group", "join", &ash.invite("Fenland Trust")]);
    // A second group, of Ash and Beech alone, with a file that Mallory must not get.
    ash.done(&["group", "create", "Fenland Heads"]);
    beech.done(&["group", "join", &ash.invite("Fenland Heads")]);
    let mallory = Mallory::start();
    mallory.join(&invite);
    let group = invite.group;
    mallory.is_heard_by(&ash, group);
    let plan = "A plan for the heads of the trust alone.".repeat(200);
    ash.write("plan.txt", &plan);
    let text = "---\nkind: resource\ntype: lesson plan\ntitle: Heads only\nlicence: CC-BY-4.0\n\
                files: [plan.txt]\n---\nFor the heads of the trust.\n";
    let record = ash.write("heads.md", text);
    ash.done(&["publish", record.to_str().unwrap(), "--group", "Fenland Heads"]);
    beech.finds("heads", 1);
    let secret = Hash::of(plan.as_bytes());

    // It names the hash of that file in the group that it is in.
    let mut thief = mallory.draft(group, "Mine too", now());
    thief.content = thief
        .content
        .map(|(summary, _)| (summary, BlobRef { hash: secret, size: plan.len() as u64 }));
    let identity = mallory.node.identity();
    let thief = Entry::sign(thief, identity.certificate(), identity.node_key()).unwrap();
    mallory.tell(group, thief.as_bytes().to_vec());
    ash.finds("mine", 1);
    std::thread::sleep(Duration::from_secs(2));
    let answer = mallory.ask(&invite, Request::Blobs { group, hashes: vec![secret] });
    assert_eq!(answer, Response::Blobs { blobs: Vec::new() });
    let answer =
        mallory.ask(&invite, Request::BlobRange { group, hash: secret, offset: 0, length: 16_384 });
    assert_eq!(answer, Response::Refused(Refusal::NotHeld));

    // It publishes under the id of a record of Ash, and once more what Ash has withdrawn.
    let paired = ash.json(&["search", "paired"])["hits"][0].clone();
    let id = paired["id"].as_str().or(paired["record"].as_str()).unwrap().to_owned();
    let id: RecordId = id.parse().unwrap();
    let held = mallory.node.store().set(&group);
    let old = held
        .iter()
        .filter_map(|(_, hash)| mallory.node.store().entry_by_hash(hash).unwrap())
        .find(|(key, _)| key.record == id)
        .unwrap();
    let mut squatter = mallory.draft(group, "Taken over", now());
    squatter.record = id;
    let squatter = Entry::sign(squatter, identity.certificate(), identity.node_key()).unwrap();
    mallory.tell(group, squatter.as_bytes().to_vec());
    ash.finds("taken", 1);
    beech.finds("taken", 1);
    assert_eq!(ash.finds("paired", 1).len(), 1, "Ash's record is Ash's still");
    assert!(ash.done(&["show", &id.to_string()]).contains("Paired reading"));
    let unclear = beech.run(&["show", &id.to_string()]).error();
    assert!(unclear.contains("several schools have a record with this id"), "{unclear}");
    let named = unclear.split_whitespace().find(|word| word.contains('@')).unwrap();
    assert_eq!(beech.run(&["show", named]).code, Some(0));
    ash.done(&["withdraw", &id.to_string(), "--reason", "It was shared by mistake"]);
    beech.waits_for("the withdrawal", || beech.search("paired").is_empty());
    for _ in 0..5 {
        mallory.tell(group, old.1.bytes.clone());
    }
    mallory.is_heard_by(&beech, group);
    for school in [&ash, &beech] {
        assert_eq!(school.search("paired"), [], "{}", school.name());
    }

    // Once removed it is answered with its removal, whatever it asks.
    ash.done(&["group", "remove", "Fenland Trust", "Mallory Grange"]);
    ash.waits_for("the end of the connection", || {
        ash.json(&["status"])["network"]["connected"] == 1
    });
    for request in [Request::Peers { group }, Request::Holding { group }] {
        let Response::Removed { statements } = mallory.ask(&invite, request) else {
            panic!("a removed school is told its removal alone")
        };
        assert_eq!(statements.len(), 1);
    }
    assert!(ash.refused("removed") >= 2);
}

#[test]
fn a_stranger_is_told_nothing_and_not_heard() {
    let (mut ash, invite) = host();
    let mallory = Mallory::start();
    let group = invite.group;
    for request in [
        Request::Peers { group },
        Request::Holding { group },
        Request::Entries { group, ids: ByteBuf::from(*b"any hash") },
        Request::Compare { group, count: 1, digest: Hash::of(b"any") },
        Request::Blobs { group, hashes: vec![Hash::of(b"any")] },
    ] {
        assert_eq!(mallory.ask(&invite, request), Response::Refused(Refusal::NotShared));
    }
    assert_eq!(ash.refused("not_a_member"), 5);
    // It guesses a key, and speaks on the topic that goes with it.
    let guessed = EpochKey::from_seed(*group.as_bytes());
    mallory.runtime.block_on(mallory.network.follow(vec![(group, Some(guessed))]));
    for _ in 0..20 {
        mallory.tell(group, mallory.entry(group, "Outsider", now()));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(ash.search("outsider"), []);
    let status = ash.json(&["status"]);
    assert_eq!(status["held_aside"], 0, "what a stranger sends is not even kept waiting");
    assert_eq!(status["groups"][0]["entries"], 1);

    // It replays a request to join that it only relayed: that lets in the school that made it.
    let cedar = running("Cedar Primary");
    cedar.done(&["group", "join", &invite.to_string()]);
    let own = mallory.node.identity();
    let key = SecretKey::from_seed(&[5; 32]);
    let other = NodeCertificate::issue(&key, SecretKey::from_seed(&[6; 32]).public(), 1);
    let claims = own.claims().clone();
    let sealed = ByteBuf::from(invite.request(&other, claims).unwrap());
    let replayed = Request::Join { group, to: invite.from_node, sealed };
    let refused = Response::InviteRefused(InviteError::Used);
    assert_eq!(mallory.ask(&invite, replayed), refused);
    assert_eq!(ash.refused("invite"), 1);
    let certificate = ByteBuf::from(own.certificate().as_bytes());
    let back = Request::Return { group, certificate: certificate.clone(), after: None };
    assert_eq!(mallory.ask(&invite, back), Response::Refused(Refusal::NotShared));
    let groups = mallory.ask(&invite, Request::Groups { certificate });
    assert_eq!(groups, Response::Groups { groups: Vec::new() });
    ash.stop();
}

#[test]
fn floods_oversized_frames_and_wrong_texts_end_the_connection() {
    let (mut ash, invite) = host();
    let group = invite.group;
    let before = ash.resident_bytes();
    let nothing = || -> Answer { Box::new(|_| Vec::new()) };

    // Frames of twice the size that any may have.
    let mallory = Mallory::start();
    mallory.join(&invite);
    let raw = mallory.becomes_raw(&invite, nothing());
    for _ in 0..8 {
        raw.send(vec![0xa1; 2 * MAX_REQUEST_BYTES]);
    }
    let took = raw.until_disconnected(Duration::from_secs(10));
    assert!(took.is_some(), "oversized frames");
    assert!(ash.refused("malformed") > 3);

    // More questions than any node needs to ask, as many as the line takes.
    let mallory = Mallory::start();
    mallory.join(&ash.invite("Fenland Trust").parse().unwrap());
    let raw = mallory.becomes_raw(&invite, nothing());
    let question = wire::encode(&Request::Holding { group });
    let mut took = None;
    for _ in 0..200 {
        for _ in 0..30 {
            raw.send(question.clone());
        }
        for _ in 0..30 {
            raw.answer();
        }
        took = raw.until_disconnected(Duration::ZERO);
        if took.is_some() {
            break;
        }
    }
    assert!(took.is_some(), "a flood of questions");
    assert!(ash.refused("too_often") > 100);

    // Texts that are not what their hashes say.
    let mallory = Mallory::start();
    mallory.join(&ash.invite("Fenland Trust").parse().unwrap());
    for number in 0..8 {
        let entry = mallory.entry(group, &format!("Wrong text {number}"), now());
        mallory.node.accept_entries(group, [entry.as_slice()], invite.from_node).unwrap();
        mallory.tell(group, entry);
    }
    ash.finds("wrong text", 8);
    let raw = mallory.becomes_raw(
        &invite,
        Box::new(|question| match wire::decode(question, MAX_REQUEST_BYTES) {
            Ok(Request::Blobs { hashes, .. }) => {
                let blobs = hashes.iter().map(|_| ByteBuf::from(vec![7; 100])).collect();
                wire::encode(&Response::Blobs { blobs })
            }
            _ => wire::encode(&Response::Refused(Refusal::Busy)),
        }),
    );
    let took = raw.until_disconnected(Duration::from_secs(30));
    assert!(took.is_some(), "wrong texts");
    assert!(ash.refused("wrong_content") > 3);

    assert!(ash.is_running());
    let grown = ash.resident_bytes().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more than before");
    ash.finds("paired", 1);
    ash.stop();
}

#[test]
fn floods_of_valid_entries_and_of_topics_end_the_connection() {
    const MANY: usize = 3_000;
    let (mut ash, invite) = host();
    let beech = running("Beech Primary");
    beech.done(&["group", "join", &ash.invite("Fenland Trust")]);
    let group = invite.group;
    // What an honest school brings: the index and the store take memory for the first records.
    let lines: Vec<String> = (0..3_000)
        .map(|number| {
            format!(
                r#"{{"kind":"resource","type":"lesson plan","licence":"CC-BY-4.0","title":"Lesson {number}","abstract":"How a class reads aloud.","url":"https://example.org/{number}"}}"#
            )
        })
        .collect();
    let lessons = beech.write("lessons.jsonl", lines.join("\n"));
    beech.done(&["import", lessons.to_str().unwrap()]);
    ash.waits_for("the lessons", || {
        ash.json(&["status"])["groups"][0]["entries"].as_u64() == Some(3_001)
            && ash.json(&["status"])["index"]["up_to_date"] != false
    });
    let before = ash.resident_bytes();
    let cut_off = |ash: &School, what: &str| {
        let started = std::time::Instant::now();
        ash.waits_for(what, || ash.json(&["status"])["network"]["connected"] == 1);
        assert!(started.elapsed() < Duration::from_secs(10), "{what}: {:?}", started.elapsed());
    };

    let mallory = Mallory::start();
    mallory.join(&invite);
    mallory.is_heard_by(&ash, group);
    // An older version of a record, which nobody has seen, after a newer one.
    let mut older = mallory.draft(group, "Versions", now() - 60_000);
    let newer = mallory.entry(group, "Versions", now());
    mallory.tell(group, newer);
    ash.finds("versions", 1);
    older.kind = "comment".into();
    let identity = mallory.node.identity();
    let older = Entry::sign(older, identity.certificate(), identity.node_key()).unwrap();
    let known = ash.refused("held_already");
    mallory.tell(group, older.as_bytes().to_vec());
    ash.waits_for("the older version", || ash.refused("held_already") > known);

    let entries: Vec<Vec<u8>> =
        (0..MANY).map(|number| mallory.entry(group, &format!("Flood {number}"), now())).collect();
    for entry in entries {
        mallory.tell(group, entry);
    }
    cut_off(&ash, "the end of a flood of entries");
    assert!(ash.refused("too_often") > 100, "{}", ash.refused("too_often"));
    let status = ash.json(&["status"]);
    let held = status["groups"][0]["entries"].as_u64().unwrap();
    assert!(held < 3_001 + MANY as u64, "all were taken in");
    assert_eq!(ash.refused("passed_on_too_often"), 0, "Beech passed on no more than it took");

    let mallory = Mallory::start();
    mallory.join(&ash.invite("Fenland Trust").parse().unwrap());
    mallory.is_heard_by(&ash, group);
    let channels = (0..MANY).map(|number| {
        let key = EpochKey::from_seed(*Hash::of(&number.to_be_bytes()).as_bytes());
        (GroupId::from_bytes(*Hash::of(&number.to_le_bytes()).as_bytes()), Some(key))
    });
    mallory.runtime.block_on(mallory.network.follow(channels.collect()));
    cut_off(&ash, "the end of a flood of topics");
    assert!(ash.refused("too_many_topics") > 0);

    let record = beech.write("record.md", intervention("Number talks", "Fluent in number."));
    beech.done(&["publish", record.to_str().unwrap()]);
    ash.finds("number", 1);
    let grown = ash.resident_bytes().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes more than before");
    ash.stop();
}
