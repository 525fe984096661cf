//! A member that sends what it must not.

use std::sync::Arc;
use std::time::Duration;

use serde_bytes::ByteBuf;
use staffroom_node::home::{Home, Lock};
use staffroom_node::intake::possession;
use staffroom_node::joining::Joining;
use staffroom_node::network::Network;
use staffroom_node::node::Node;
use staffroom_node::store::{Change, MAX_SMALL_BLOB_BYTES, Options};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::{BlobRef, Draft, Entry};
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::group::{Claims, Role};
use staffroom_protocol::hash::{GroupId, Hash, RecordId};
use staffroom_protocol::record::{Record, Summary};
use staffroom_protocol::sync::message::{Request, Response};
use staffroom_protocol::wire;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::School;
use crate::raw::{Answer, Raw};

/// A node in this process that says whatever a test wants.
#[derive(Debug)]
pub struct Mallory {
    _dir: TempDir,
    /// Runs its network.
    pub runtime: Runtime,
    /// What it holds.
    pub node: Arc<Node>,
    /// Its connections.
    pub network: Network,
}

impl Mallory {
    /// Sets it up and starts it.
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a test node works");
        let claims =
            Claims { name: "Mallory Grange".into(), urn: None, phase: None, location: None };
        Home::new(dir.path()).init(claims, &Lock::Open).expect("a test node works");
        let node =
            Node::open(dir.path(), &Options::default(), &mut |_| {}).expect("a test node works");
        let runtime = Runtime::new().expect("a test node works");
        let listen = vec!["/ip4/127.0.0.1/tcp/0".parse().expect("a test node works")];
        let network =
            runtime.block_on(Network::start(Arc::clone(&node), listen)).expect("a test node works");
        Self { _dir: dir, runtime, node, network }
    }

    /// Joins a group, which must let it in.
    pub fn join(&self, invite: &Invite) {
        let joined = self.runtime.block_on(self.node.join(&self.network, invite));
        assert_eq!(joined.expect("a test node works"), Joining::Member);
    }

    /// An invite to a group that it founded.
    pub fn invite(&self, group: &GroupId) -> Invite {
        let valid = Duration::from_secs(600);
        self.node.invite(group, valid, Role::Member, false).expect("a test node works")
    }

    /// Asks the inviting school's node.
    pub fn ask(&self, invite: &Invite, request: Request) -> Response {
        let asked = self.network.ask(invite.from_node, addresses(invite), request);
        self.runtime.block_on(asked).expect("a test node works")
    }

    /// Speaks on until an honest entry got through: gossip needs a moment to know who listens.
    pub fn is_heard_by(&self, school: &School, group: GroupId) {
        let mut number = 0;
        school.waits_for("an honest entry of the member", || {
            number += 1;
            self.tell(group, self.entry(group, &format!("Honest {number}"), now()));
            !school.search("honest").is_empty()
        });
    }

    /// Ends the program's own network, so that another can speak with the same key.
    pub fn becomes_raw(self, invite: &Invite, answer: Answer) -> Raw {
        self.runtime.block_on(self.network.stop());
        let seed = *self.node.identity().node_key().seed();
        let address = invite.addresses.iter().find(|address| address.contains("/tcp/"));
        Raw::connect(
            seed,
            address.expect("a test node works").parse().expect("a test node works"),
            answer,
        )
    }

    /// A record of its own, named by its title.
    pub fn draft(&self, group: GroupId, title: &str, millis: u64) -> Draft {
        let summary = Summary { title: title.into(), ..Summary::default() };
        let body = BlobRef { hash: Hash::of(title.as_bytes()), size: 100 };
        Draft {
            group,
            record: RecordId::from_bytes(
                Hash::of(title.as_bytes()).as_bytes()[..16].try_into().expect("a test node works"),
            ),
            clock: Timestamp::from_millis(millis),
            kind: "resource".into(),
            content: Some((summary, body)),
            school: None,
        }
    }

    /// The same, signed.
    pub fn entry(&self, group: GroupId, title: &str, millis: u64) -> Vec<u8> {
        let identity = self.node.identity();
        let draft = self.draft(group, title, millis);
        Entry::sign(draft, identity.certificate(), identity.node_key())
            .expect("a test node works")
            .as_bytes()
            .to_vec()
    }

    /// Signs a record as it is, whatever the rules say of it, and keeps it with its full text for whoever asks.
    pub fn shares(
        &self,
        group: GroupId,
        id: RecordId,
        record: &Record,
        files: &[&[u8]],
    ) -> Vec<u8> {
        let body = wire::encode(record);
        let identity = self.node.identity();
        let draft = Draft {
            group,
            record: id,
            clock: Timestamp::from_millis(now()),
            kind: record.kind().as_str().into(),
            content: Some((
                record.summarise(),
                BlobRef { hash: Hash::of(&body), size: body.len() as u64 },
            )),
            school: None,
        };
        let entry = Entry::sign(draft, identity.certificate(), identity.node_key());
        let entry = entry.expect("what a test signs is small enough");
        let kept = |bytes: &[u8]| {
            self.node.blobs().put(bytes).expect("a test node works");
            possession(&Hash::of(bytes), &entry.key())
        };
        let mut changes: Vec<Change> = files.iter().map(|file| kept(file)).collect();
        changes.push(kept(&body));
        if body.len() <= MAX_SMALL_BLOB_BYTES {
            changes.push(Change::Blob { hash: Hash::of(&body), bytes: body });
        }
        self.node.store().apply(changes).expect("a test node works");
        let own = identity.node_key().public();
        let taken = self.node.accept_entries(group, [entry.as_bytes()], own);
        taken.expect("a test node works");
        entry.as_bytes().to_vec()
    }

    /// Gossips an entry.
    pub fn tell(&self, group: GroupId, entry: Vec<u8>) {
        let announcement = Announcement::Entry(ByteBuf::from(entry));
        self.runtime.block_on(self.network.announce(group, &announcement));
    }
}

/// Where the inviting school's node is.
pub fn addresses(invite: &Invite) -> Vec<libp2p::Multiaddr> {
    let address = |text: &String| {
        text.split("/p2p/").next().expect("a test node works").parse().expect("a test node works")
    };
    invite.addresses.iter().map(address).collect()
}

/// Milliseconds since 1970.
pub fn now() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.expect("a test node works").as_millis()).expect("a test node works")
}
