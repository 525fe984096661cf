//! A member, and a stranger, that send what they must not: over real connections, to a real node.

use std::sync::Arc;

use serde_bytes::ByteBuf;
use staffroom_node::home::{Home, Lock};
use staffroom_node::network::Network;
use staffroom_node::node::Node;
use staffroom_node::store::Options;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry};
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::Claims;
use staffroom_protocol::group::epoch::EpochKey;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::identity::{NodeCertificate, SecretKey};
use staffroom_protocol::limits::MAX_GOSSIP_BYTES;
use staffroom_protocol::record::Summary;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_tests::School;
use tempfile::TempDir;

use crate::{intervention, school};

/// A node in this process that says whatever a test wants.
struct Mallory {
    _dir: TempDir,
    runtime: tokio::runtime::Runtime,
    node: Arc<Node>,
    network: Network,
}

impl Mallory {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let claims =
            Claims { name: "Mallory Grange".into(), urn: None, phase: None, location: None };
        Home::new(dir.path()).init(claims, &Lock::Open).unwrap();
        let node = Node::open(dir.path(), &Options::default(), &mut |_| {}).unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().unwrap()];
        let network = runtime.block_on(Network::start(Arc::clone(&node), listen)).unwrap();
        Self { _dir: dir, runtime, node, network }
    }

    fn join(&self, invite: &Invite) {
        self.runtime.block_on(self.node.join(&self.network, invite)).unwrap();
    }

    fn draft(&self, group: GroupId, title: &str, millis: u64) -> Draft {
        let summary = Summary { title: title.into(), ..Summary::default() };
        let body = BlobRef { hash: Hash::of(title.as_bytes()), size: 100 };
        Draft {
            group,
            record: RecordId::from_bytes(
                Hash::of(title.as_bytes()).as_bytes()[..16].try_into().unwrap(),
            ),
            clock: Timestamp::from_millis(millis),
            kind: "resource".into(),
            content: Some((summary, body)),
        }
    }

    fn entry(&self, group: GroupId, title: &str, millis: u64) -> Vec<u8> {
        let identity = self.node.identity();
        let draft = self.draft(group, title, millis);
        Entry::sign(draft, identity.certificate(), identity.node_key()).unwrap().as_bytes().to_vec()
    }

    fn tell(&self, group: GroupId, entry: Vec<u8>) {
        let announcement = Announcement::Entry(ByteBuf::from(entry));
        self.runtime.block_on(self.network.announce(group, &announcement));
    }
}

fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.unwrap().as_millis()).unwrap()
}

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
fn what_a_member_must_not_send_is_refused_and_the_node_runs_on() {
    let (mut ash, invite) = host();
    let mallory = Mallory::start();
    mallory.join(&invite);
    let group = invite.group;
    // Gossip needs a moment to know who listens.
    let mut number = 0;
    ash.waits_for("an honest entry of the member", || {
        number += 1;
        mallory.tell(group, mallory.entry(group, &format!("Honest {number}"), now()));
        !ash.search("honest").is_empty()
    });

    let good = mallory.entry(group, "Truncated", now());
    mallory.tell(group, good[..good.len() - 20].to_vec());
    ash.waits_for("the refusal of a truncated entry", || ash.log().contains("end of input bytes"));

    let mut altered = mallory.entry(group, "Altered", now());
    let place = altered.windows(7).position(|window| window == b"Altered").unwrap();
    altered[place] ^= 1;
    mallory.tell(group, altered);
    ash.waits_for("the refusal of an altered entry", || ash.log().contains("signature"));

    let stranger = SecretKey::from_seed(&[7; 32]);
    let identity = mallory.node.identity();
    let wrong_key =
        Entry::sign(mallory.draft(group, "Forged", now()), identity.certificate(), &stranger);
    let before = ash.log().matches("refused").count();
    mallory.tell(group, wrong_key.unwrap().as_bytes().to_vec());
    ash.waits_for("the refusal of a wrong signature", || {
        ash.log().matches("refused").count() > before
    });

    mallory.tell(group, vec![0; MAX_GOSSIP_BYTES - 1_000]);
    ash.waits_for("the refusal of an oversized entry", || {
        ash.log().contains("bytes are more than the limit of 12288")
    });

    mallory.tell(group, mallory.entry(group, "Tomorrow", now() + 24 * 3_600_000));
    ash.waits_for("an entry from the future to be set aside", || {
        ash.log().contains("minutes from now; check the clock")
    });

    // A school that nobody let in, whose entry a member passes on.
    let school = SecretKey::from_seed(&[8; 32]);
    let certificate = NodeCertificate::issue(&school, stranger.public(), now());
    let outside =
        Entry::sign(mallory.draft(group, "Outsider", now()), &certificate, &stranger).unwrap();
    mallory.tell(group, outside.as_bytes().to_vec());
    ash.waits_for("a record of a non-member to be set aside", || {
        ash.log().contains("school is no member of the group")
    });

    assert!(ash.is_running());
    for title in ["truncated", "altered", "forged", "tomorrow", "outsider"] {
        assert_eq!(ash.search(title), [], "{title}");
    }
    assert_eq!(ash.search("paired reading").len(), 1, "nothing held was lost");
    assert_eq!(ash.json(&["status"])["held_aside"], 2);
    ash.stop();
}

#[test]
fn a_stranger_is_told_nothing_and_not_heard() {
    let (mut ash, invite) = host();
    let mallory = Mallory::start();
    let group = invite.group;
    let addresses: Vec<_> = invite.addresses.iter().map(|text| text.parse().unwrap()).collect();
    for request in [
        Request::Peers { group },
        Request::Holding { group },
        Request::Entries { group, hashes: vec![Hash::of(b"any")] },
        Request::Blobs { group, hashes: vec![Hash::of(b"any")] },
    ] {
        let asked = mallory.network.ask(invite.from_node, addresses.clone(), request);
        let answer = mallory.runtime.block_on(asked).unwrap();
        assert_eq!(answer, Response::Refused(Refusal::NotShared));
    }
    // It guesses a key, and speaks on the topic that goes with it.
    let guessed = EpochKey::from_seed(*group.as_bytes());
    mallory.runtime.block_on(mallory.network.follow(vec![(group, Some(guessed))]));
    for _ in 0..20 {
        mallory.tell(group, mallory.entry(group, "Outsider", now()));
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(ash.search("outsider"), []);
    let status = ash.json(&["status"]);
    assert_eq!(status["held_aside"], 0, "what a stranger sends is not even kept waiting");
    assert_eq!(status["groups"][0]["entries"], 1);
    ash.stop();
}
