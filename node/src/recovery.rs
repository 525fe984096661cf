//! A school's new node: certified by the school's key, it comes back to the school's groups, brings
//! back what the school shared, and puts an end to the nodes that it replaces.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use serde_bytes::ByteBuf;
use staffroom_protocol::group::Claims;
use staffroom_protocol::group::statement::Act;
use staffroom_protocol::hash::GroupId;
use staffroom_protocol::identity::{NodeCertificate, PublicKey, Revocation, SecretKey};
use staffroom_protocol::sync::message::{Holding, Request, Response};
use utoipa::ToSchema;

use crate::clock::now_millis;
use crate::groups::{GroupError, in_lists};
use crate::joining::with_node;
use crate::network::{AskError, Network};
use crate::node::Node;
use crate::store::StoreError;

/// How long nothing new may come from a member before the recovery is given up for now.
const PATIENCE: Duration = Duration::from_secs(60);

/// How often it is looked whether all has come.
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);

/// Why a node does not come back to its school's groups; what came before stands, and the next try
/// goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// An address does not say which node it is of.
    #[error(
        "{0} does not say which node is there; write the whole address that the other school's \
         status shows, which ends in /p2p/ and the node's id"
    )]
    NoNode(Multiaddr),
    /// None of the nodes answers.
    #[error("no node answered that was given with --contact: {}", list(.0))]
    NoContact(Vec<(Multiaddr, AskError)>),
    /// The nodes do not know the school.
    #[error(
        "{0} answered and is in no group with the school of these words; check the words, or ask \
         a school that was in a group with it"
    )]
    NoGroup(Multiaddr),
    /// A member does not go on answering.
    #[error("the recovery stopped: {0}; start the same command again, and it goes on from there")]
    Interrupted(String),
    /// A node of the school cannot be found.
    #[error("this school has {count} nodes whose id starts with {given:?}; they are: {}", known.join(", "))]
    NoNodeOfSchool {
        /// What was given.
        given: String,
        /// How many there are.
        count: usize,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A node would revoke itself.
    #[error("this is the node itself; run the command on another node of the school")]
    Itself,
    /// A statement cannot be made.
    #[error(transparent)]
    Group(#[from] GroupError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

fn list(failures: &[(Multiaddr, AskError)]) -> String {
    let one = |(address, error): &(Multiaddr, AskError)| format!("{address} ({error})");
    failures.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What a new node brought back.
#[derive(Debug, Clone)]
pub struct Recovered {
    /// What the school says of itself.
    pub claims: Claims,
    /// The names of its groups.
    pub groups: Vec<String>,
    /// How many records of its own came back.
    pub records: usize,
    /// How many other nodes of the school are trusted no more.
    pub revoked: usize,
}

/// One of a school's nodes.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, ToSchema)]
pub struct OwnNode {
    /// The node's id: its public key.
    pub node: String,
    /// Whether it is the one that was asked.
    pub this: bool,
    /// Whether it is connected now.
    pub connected: bool,
    /// The names of the groups that know it.
    pub groups: Vec<String>,
}

/// Who to ask, and for how much of a group.
struct Contact {
    node: PublicKey,
    address: Multiaddr,
}

impl Node {
    /// The groups of which both this school and another are members, for a node that the other one
    /// certified and did not revoke.
    pub(crate) fn groups_of(&self, certificate: &[u8], peer: PublicKey) -> Vec<GroupId> {
        let Ok(certificate) = NodeCertificate::verify(certificate) else { return Vec::new() };
        if certificate.node() != peer {
            return Vec::new();
        }
        let school = certificate.school();
        let knows = |group: &GroupId| {
            let known = self.with_membership(group, |set| {
                set.roster().member(&school).is_some() && !set.roster().is_revoked(&peer)
            });
            known == Some(true)
        };
        self.followed_groups().into_iter().filter(knows).collect()
    }

    /// Brings this new node back to the groups of its school through other members, and waits until
    /// it holds what they do. Unless it is a `standby`, the school's other nodes are revoked then:
    /// what they shared until now stands.
    ///
    /// # Errors
    /// [`RecoveryError`] says what is in the way; a next call goes on where this one ended.
    pub async fn recover(
        self: &Arc<Self>,
        network: &Network,
        contacts: &[Multiaddr],
        school: &SecretKey,
        standby: bool,
    ) -> Result<Recovered, RecoveryError> {
        let (contact, groups) = self.find_groups(network, contacts).await?;
        for group in &groups {
            self.return_to(network, &contact, *group).await?;
        }
        network.follow(self.channels()).await;
        let mut revoked = BTreeSet::new();
        for group in &groups {
            self.catch_up(network, &contact, *group).await?;
            if !standby {
                let (node, group, school) = (Arc::clone(self), *group, school.clone());
                let ending =
                    tokio::task::spawn_blocking(move || node.revoke_others(&group, &school));
                revoked.extend(ending.await.map_err(|_| stopped())??);
            }
        }
        for group in &groups {
            self.until_heard(network, &contact, *group).await?;
        }
        let mut records = BTreeSet::new();
        let own = self.identity().school();
        for group in &groups {
            let entries = self.entries_of(group, &own)?.into_iter();
            records.extend(entries.filter(|one| !one.is_withdrawal()).map(|one| one.key().record));
        }
        let names = self.group_names();
        let claims = groups.iter().find_map(|group| {
            self.with_membership(group, |set| Some(set.roster().member(&own)?.claims.clone()))?
        });
        Ok(Recovered {
            claims: claims.unwrap_or_else(|| self.identity().claims().clone()),
            groups: groups.iter().filter_map(|group| names.get(group).cloned()).collect(),
            records: records.len(),
            revoked: revoked.len(),
        })
    }

    async fn find_groups(
        &self,
        network: &Network,
        contacts: &[Multiaddr],
    ) -> Result<(Contact, Vec<GroupId>), RecoveryError> {
        let (mut failures, mut strangers) = (Vec::new(), Vec::new());
        for address in contacts {
            let (node, at) =
                with_node(address).ok_or_else(|| RecoveryError::NoNode(address.clone()))?;
            let certificate = ByteBuf::from(self.identity().certificate().as_bytes());
            let asked = Request::Groups { certificate };
            match network.ask(node, vec![at], asked).await {
                Ok(Response::Groups { groups }) if !groups.is_empty() => {
                    return Ok((Contact { node, address: address.clone() }, groups));
                }
                Ok(_) => strangers.push(address.clone()),
                Err(error) => failures.push((address.clone(), error)),
            }
        }
        match strangers.pop() {
            Some(address) => Err(RecoveryError::NoGroup(address)),
            None => Err(RecoveryError::NoContact(failures)),
        }
    }

    /// Gets the membership statements of a group and says in it that this node is the school's.
    async fn return_to(
        self: &Arc<Self>,
        network: &Network,
        contact: &Contact,
        group: GroupId,
    ) -> Result<(), RecoveryError> {
        self.pull_statements(network, contact.node, group)
            .await
            .map_err(|error| interrupted(contact, error))?;
        let own = self.identity().node_key().public();
        let known = self.with_membership(&group, |set| set.roster().school_of(&own).is_some());
        if known != Some(true) {
            let certificate = ByteBuf::from(self.identity().certificate().as_bytes());
            let certify = Act::Certify { certificate };
            let node = Arc::clone(self);
            let certified = tokio::task::spawn_blocking(move || {
                let takes_effect = |roster: &staffroom_protocol::group::roster::Roster| {
                    roster.school_of(&own).is_some()
                };
                node.enact(&group, vec![certify], takes_effect)
            });
            if !certified.await.map_err(|_| stopped())?? {
                let reason = "the school is not in the group that it was said to be in";
                return Err(interrupted(contact, reason));
            }
        }
        let own = self.identity().node_key().public();
        if let Some(statements) = self.with_membership(&group, |set| set.admissions_of(&own)) {
            let request = Request::Introduce { group, statements };
            let shown = network.ask(contact.node, Vec::new(), request).await;
            shown.map_err(|error| interrupted(contact, error))?;
        }
        Ok(())
    }

    /// Waits until this node holds of a group what the contact does.
    async fn catch_up(
        self: &Arc<Self>,
        network: &Network,
        contact: &Contact,
        group: GroupId,
    ) -> Result<(), RecoveryError> {
        let (mut held, mut since) = ((0, 0), Instant::now());
        network.catch_up_with(contact.node, group);
        loop {
            let asked = network.ask(contact.node, Vec::new(), Request::Holding { group }).await;
            let theirs: Holding = match asked {
                Ok(Response::Holding(holding)) => holding,
                Ok(_) => return Err(interrupted(contact, "does not say what it holds")),
                Err(error) => return Err(interrupted(contact, error)),
            };
            let ((entries, digest), missing) = (self.content(&group), self.bodies_missing(&group));
            if digest == theirs.digest && missing <= theirs.bodies_missing {
                return Ok(());
            }
            let come = (entries, u64::MAX - missing);
            if come > held {
                (held, since) = (come, Instant::now());
            } else if since.elapsed() > PATIENCE {
                return Err(interrupted(contact, "nothing new came for a minute"));
            }
            network.catch_up_with(contact.node, group);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
    }

    /// Revokes every other node of this school in a group. What they shared until now stands.
    fn revoke_others(
        &self,
        group: &GroupId,
        school: &SecretKey,
    ) -> Result<BTreeSet<PublicKey>, RecoveryError> {
        let (own, this) = (self.identity().school(), self.identity().node_key().public());
        let nodes = self.with_membership(group, |set| {
            Some(set.roster().member(&own)?.nodes.iter().copied().collect::<BTreeSet<_>>())
        });
        let mut nodes = nodes.flatten().unwrap_or_default();
        nodes.remove(&this);
        for node in &nodes {
            self.revoke_in(group, node, school)?;
        }
        Ok(nodes)
    }

    fn revoke_in(
        &self,
        group: &GroupId,
        node: &PublicKey,
        school: &SecretKey,
    ) -> Result<(), RecoveryError> {
        let own = self.identity().school();
        let revocation = Revocation::issue(school, *node, now_millis());
        let entries = self.entries_of(group, &own)?;
        let acts = in_lists(entries.iter().filter(|entry| entry.node() == *node), |standing| {
            Act::Revoke { revocation: ByteBuf::from(revocation.as_bytes()), standing }
        });
        self.enact(group, acts, |roster| roster.is_revoked(node))?;
        Ok(())
    }

    /// Waits until the contact has heard what this node said.
    async fn until_heard(
        &self,
        network: &Network,
        contact: &Contact,
        group: GroupId,
    ) -> Result<(), RecoveryError> {
        let since = Instant::now();
        while since.elapsed() < PATIENCE {
            let own = self.identity().node_key().public();
            let statements = self.with_membership(&group, |set| {
                let own = set.in_order().filter(|one| one.author_certificate().node() == own);
                own.map(|one| ByteBuf::from(one.as_bytes())).collect::<Vec<_>>()
            });
            let digest = self.with_membership(&group, |set| set.digest());
            for statement in statements.into_iter().flatten() {
                let request = Request::Introduce { group, statements: vec![statement] };
                let told = network.ask(contact.node, Vec::new(), request).await;
                if let Ok(Response::Known { digest: theirs }) = told
                    && Some(theirs) == digest
                {
                    return Ok(());
                }
            }
            network.catch_up_with(contact.node, group);
            tokio::time::sleep(BETWEEN_LOOKS).await;
        }
        Err(interrupted(contact, "did not hear that this node speaks for the school"))
    }

    /// The nodes of this school that its groups know.
    pub fn own_nodes(&self) -> Vec<OwnNode> {
        let (own, this) = (self.identity().school(), self.identity().node_key().public());
        let mut nodes = std::collections::BTreeMap::from([(this, Vec::new())]);
        for (group, name) in self.group_names() {
            let known = self.with_membership(&group, |set| {
                set.roster().member(&own).map(|member| member.nodes.clone())
            });
            for node in known.flatten().into_iter().flatten() {
                nodes.entry(node).or_default().push(name.clone());
            }
        }
        let connected = |node: &PublicKey| self.network().is_some_and(|it| it.is_connected(node));
        let report = |(node, groups): (PublicKey, Vec<String>)| OwnNode {
            node: data_encoding::HEXLOWER.encode(node.as_bytes()),
            this: node == this,
            connected: connected(&node),
            groups,
        };
        nodes.into_iter().map(report).collect()
    }

    /// Revokes a node of this school, in every group that knows it. What it shared until now, as
    /// far as it is held here, stands. `passphrase` is the one that the school's key is locked with,
    /// if it is.
    ///
    /// # Errors
    /// [`RecoveryError`] if there is no such node, or it is this one.
    pub fn revoke_node(
        &self,
        given: &str,
        passphrase: Option<&str>,
    ) -> Result<OwnNode, RecoveryError> {
        let folded = given.trim().to_lowercase();
        let nodes = self.own_nodes();
        let mut found: Vec<&OwnNode> =
            nodes.iter().filter(|one| folded.len() >= 6 && one.node.starts_with(&folded)).collect();
        let (Some(found), true) = (found.pop(), found.is_empty()) else {
            let count = nodes.iter().filter(|one| one.node.starts_with(&folded)).count();
            let known = nodes.into_iter().map(|one| one.node).collect();
            return Err(RecoveryError::NoNodeOfSchool { given: given.to_owned(), count, known });
        };
        if found.this {
            return Err(RecoveryError::Itself);
        }
        let school = self.home().school_key(passphrase).map_err(GroupError::from)?;
        let own = self.identity().school();
        for group in self.followed_groups() {
            let node = self.with_membership(&group, |set| {
                let nodes = &set.roster().member(&own)?.nodes;
                let named =
                    |key: &&PublicKey| data_encoding::HEXLOWER.encode(key.as_bytes()) == found.node;
                nodes.iter().find(named).copied()
            });
            if let Some(node) = node.flatten() {
                self.revoke_in(&group, &node, &school)?;
            }
        }
        Ok(found.clone())
    }
}

fn interrupted(contact: &Contact, reason: impl std::fmt::Display) -> RecoveryError {
    RecoveryError::Interrupted(format!("{}: {reason}", contact.address))
}

fn stopped() -> RecoveryError {
    RecoveryError::Interrupted("this node is stopping".into())
}
