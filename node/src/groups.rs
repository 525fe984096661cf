//! Founding a group, inviting, joining, leaving.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::entry::Entry;
use staffroom_protocol::gossip::Announcement;
use staffroom_protocol::group::invite::{Invite, InviteError, JoinRequest};
use staffroom_protocol::group::roster::Roster;
use staffroom_protocol::group::statement::{
    Act, Admission, Founding, Root, Statement, StatementError,
};
use staffroom_protocol::group::{GroupKind, NameError, Role, check_group_name};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::{PublicKey, SecretKey};
use staffroom_protocol::limits::MAX_STANDING;
use staffroom_protocol::sync::message::{Request, Response};
use staffroom_protocol::wire;

use crate::clock::now_millis;
use crate::home::{HomeError, random};
use crate::membership::StatementsError;
use crate::network::{AskError, Network};
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, StoreError, Table};

/// An invite that this school made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct MadeInvite {
    line: String,
}

/// What went wrong with a group.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// No group of that name.
    #[error("there is no group {given:?}; this school is in: {}", list(known))]
    Unknown {
        /// What was given.
        given: String,
        /// The names of the school's groups.
        known: Vec<String>,
    },
    /// Several groups of that name.
    #[error(
        "{count} groups are called {given:?}; give the group's id, as staffroom group list shows it"
    )]
    Ambiguous {
        /// What was given.
        given: String,
        /// How many.
        count: usize,
    },
    /// The school is in a group of that name.
    #[error("this school already has a group called {0:?}; choose another name")]
    NameTaken(String),
    /// Only admins do that.
    #[error("only an admin of {0:?} can do that")]
    NotAdmin(String),
    /// The school cannot remove or dismiss this one.
    #[error(
        "{school} is an admin of {group:?} who was not named after this school; only the group's root, or an admin named before it, can do that"
    )]
    Senior {
        /// The other school.
        school: String,
        /// The group.
        group: String,
    },
    /// Leaving is another command.
    #[error("a school does not remove itself from {0:?}; it leaves with: staffroom group leave")]
    RemovesItself(String),
    /// The root is another's.
    #[error(
        "only the root of {0:?} names admins, and it is not this school's; ask the school that founded the group"
    )]
    NotRoot(String),
    /// No such member, or several.
    #[error(
        "{count} members are called {given:?}; give the name, or the start of the id, of one of: {}",
        list(known)
    )]
    NoMember {
        /// What was given.
        given: String,
        /// How many fit.
        count: usize,
        /// The members' names.
        known: Vec<String>,
    },
    /// The school left or was never in it.
    #[error("this school is not a member of {0:?}")]
    NotMember(String),
    /// A name cannot be used.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The invite does not work.
    #[error(transparent)]
    Invite(#[from] InviteError),
    /// The inviting school cannot be asked.
    #[error("{from} could not be asked: {error}; its node may be off, so try again later")]
    Ask {
        /// The inviting school.
        from: String,
        /// What went wrong.
        error: AskError,
    },
    /// The inviting school answered something else.
    #[error("{0} did not let this school in; ask it for a new invite")]
    Refused(String),
    /// This needs the network.
    #[error("this needs a connection to other schools; start the node with: staffroom serve")]
    NoNetwork,
    /// There is nowhere for others to reach this node.
    #[error(
        "this node has not run yet, so it has no address at which other schools could reach it; start it with: staffroom serve"
    )]
    NoAddress,
    /// A statement cannot be made.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// Statements cannot be added.
    #[error(transparent)]
    Statements(#[from] StatementsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The data directory.
    #[error(transparent)]
    Home(#[from] HomeError),
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none yet".to_owned() } else { names.join(", ") }
}

impl Node {
    /// Names of all groups by id.
    pub fn group_names(&self) -> BTreeMap<GroupId, String> {
        self.read_groups()
            .iter()
            .map(|(id, membership)| {
                let name = membership.roster().founding().map(|founding| founding.name.clone());
                (*id, name.unwrap_or_else(|| id.short()))
            })
            .collect()
    }

    /// The group with this name, or with an id that starts like this.
    ///
    /// # Errors
    /// [`GroupError::Unknown`] or [`GroupError::Ambiguous`].
    pub fn find_group(&self, given: &str) -> Result<GroupId, GroupError> {
        let names = self.group_names();
        let folded = given.trim().to_lowercase();
        let named: Vec<GroupId> = names
            .iter()
            .filter(|(_, name)| name.to_lowercase() == folded)
            .map(|(id, _)| *id)
            .collect();
        let found = if named.is_empty() && folded.len() >= 6 {
            names.keys().filter(|id| id.to_string().starts_with(&folded)).copied().collect()
        } else {
            named
        };
        match found.as_slice() {
            [one] => Ok(*one),
            [] => Err(GroupError::Unknown {
                given: given.to_owned(),
                known: names.into_values().collect(),
            }),
            several => Err(GroupError::Ambiguous { given: given.into(), count: several.len() }),
        }
    }

    /// Founds a group, of which this school is the first admin.
    ///
    /// # Errors
    /// [`GroupError`] if the name is taken or cannot be used.
    pub fn create_group(&self, name: &str, kind: GroupKind) -> Result<GroupId, GroupError> {
        let name = name.trim();
        check_group_name(name)?;
        if self.group_names().values().any(|known| known.to_lowercase() == name.to_lowercase()) {
            return Err(GroupError::NameTaken(name.to_owned()));
        }
        let identity = self.identity();
        let founding = Founding {
            name: name.to_owned(),
            kind,
            root: Root { keys: vec![identity.certificate().school_key()], threshold: 1 },
            claims: identity.claims().clone(),
            nonce: random(self.home().dir())?,
        };
        let clock = Timestamp::from_millis(now_millis());
        let statement =
            Statement::found(founding, clock, identity.certificate(), identity.node_key())?;
        let group = statement.group();
        self.add_statements(group, vec![statement])?;
        Ok(group)
    }

    /// Makes an invite that lets one school in until it expires.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin of the group or cannot be reached by others.
    pub fn invite(&self, group: &GroupId, valid: Duration) -> Result<Invite, GroupError> {
        let (name, kind) = self.own_group(group)?;
        self.administered(group)?;
        let addresses = self.reachable_addresses();
        if addresses.is_empty() {
            return Err(GroupError::NoAddress);
        }
        let expires =
            now_millis().saturating_add(u64::try_from(valid.as_millis()).unwrap_or(u64::MAX));
        let secret = random(self.home().dir())?;
        let from = (self.identity().claims().name.as_str(), self.identity().node_key().public());
        let invite = Invite::new((*group, &name, kind), from, addresses, expires, secret);
        self.store().apply(vec![Change::Local {
            table: Table::Invites,
            key: invite.id().as_bytes().to_vec(),
            value: Some(wire::encode(&MadeInvite { line: invite.to_string() })),
        }])?;
        Ok(invite)
    }

    fn own_group(&self, group: &GroupId) -> Result<(String, GroupKind), GroupError> {
        let named = self.with_membership(group, |set| {
            set.roster().founding().map(|founding| (founding.name.clone(), founding.kind))
        });
        match named.flatten() {
            Some(named) if self.is_member(group) => Ok(named),
            Some((name, _)) => Err(GroupError::NotMember(name)),
            None => Err(GroupError::NotMember(group.short())),
        }
    }

    /// Where others can reach this node, most likely ones first; kept for the time when it does not
    /// run.
    fn reachable_addresses(&self) -> Vec<String> {
        const MOST: usize = 4;
        let listening = match self.network() {
            Some(network) => network.listening(),
            None => self.contacts().addresses(&self.identity().node_key().public()),
        };
        let mut addresses: Vec<Multiaddr> = listening;
        addresses.sort_by_key(|address| address.to_string().contains("/127.0.0.1/"));
        addresses.iter().take(MOST).map(Multiaddr::to_string).collect()
    }

    /// Joins the group of an invite: asks the inviting school and keeps its admission.
    ///
    /// # Errors
    /// [`GroupError`] says why the school was not let in.
    pub async fn join(&self, network: &Network, invite: &Invite) -> Result<GroupId, GroupError> {
        if self.is_member(&invite.group) {
            return Ok(invite.group);
        }
        let identity = self.identity();
        let request = invite.request(identity.certificate(), identity.claims().clone());
        let addresses: Vec<Multiaddr> =
            invite.addresses.iter().filter_map(|text| text.parse().ok()).collect();
        let ask = |error| GroupError::Ask { from: invite.from.clone(), error };
        let response =
            network.ask(invite.from_node, addresses, Request::Join(request)).await.map_err(ask)?;
        match response {
            Response::Statements { statements, .. } => {
                self.forget_removal(&invite.group)?;
                self.accept_statements(invite.group, &statements)?;
            }
            Response::InviteRefused(error) => return Err(error.into()),
            Response::Refused(_)
            | Response::Peers { .. }
            | Response::Reconcile { .. }
            | Response::Entries { .. }
            | Response::Blobs { .. }
            | Response::BlobRange { .. }
            | Response::Removed { .. }
            | Response::Holding(_) => return Err(GroupError::Refused(invite.from.clone())),
        }
        if !self.is_member(&invite.group) {
            return Err(GroupError::Refused(invite.from.clone()));
        }
        network.follow(self.followed_groups()).await;
        network.catch_up_with(invite.from_node, invite.group);
        Ok(invite.group)
    }

    /// The groups that this school is a member of.
    pub fn followed_groups(&self) -> Vec<GroupId> {
        self.group_ids().into_iter().filter(|group| self.is_member(group)).collect()
    }

    /// Answers a request to join, as the inviting school.
    pub(crate) fn admit(
        &self,
        request: &JoinRequest,
        peer: PublicKey,
    ) -> Result<Admitted, GroupError> {
        let made = self.store().local_get(Table::Invites, request.invite.as_bytes())?;
        let made: MadeInvite = made
            .and_then(|bytes| wire::decode(&bytes, MAX_LOCAL_VALUE_BYTES).ok())
            .ok_or(InviteError::Unknown)?;
        let invite: Invite = made.line.parse()?;
        let used_by = self
            .with_membership(&invite.group, |set| {
                set.roster().invited_by(&self.identity().school(), &request.invite)
            })
            .flatten();
        let certificate = invite.check(request, used_by, now_millis())?;
        request.claims.check()?;
        // A request that somebody else saw does not let that one in.
        if certificate.node() != peer {
            return Err(InviteError::Unknown.into());
        }
        let group = invite.group;
        let admission = if used_by.is_some() {
            None
        } else {
            let act = Act::Admit(Admission {
                certificate: ByteBuf::from(certificate.as_bytes()),
                claims: request.claims.clone(),
                role: Role::Member,
                invite: invite.id(),
            });
            let statement = self.sign_statement(&group, act)?;
            self.add_statements(group, vec![statement.clone()])?;
            Some(statement)
        };
        let statements = self
            .with_membership(&group, |set| {
                set.in_order().map(|one| ByteBuf::from(one.as_bytes())).collect()
            })
            .unwrap_or_default();
        Ok(Admitted { group, statements, admission })
    }

    fn sign_statement(&self, group: &GroupId, act: Act) -> Result<Statement, GroupError> {
        let clock = Timestamp::from_millis(now_millis());
        let (certificate, key) = (self.identity().certificate(), self.identity().node_key());
        self.with_membership(group, |set| set.sign(act, clock, certificate, key))
            .ok_or_else(|| GroupError::NotMember(group.short()))?
            .map_err(Into::into)
    }

    /// Leaves a group. What was shared with it until now stays with its members.
    ///
    /// # Errors
    /// [`GroupError::NotMember`] if this school is not in it.
    pub fn leave_group(&self, group: &GroupId) -> Result<Vec<Announcement>, GroupError> {
        let (name, _) = self.own_group(group)?;
        let own = self.identity().school();
        let acts = self.listing(group, &own, |standing| Act::Leave { standing })?;
        self.enact(group, acts, None, |roster| roster.member(&own).is_none())?
            .ok_or(GroupError::NotMember(name))
    }

    /// Removes a school from a group. What it shared until now, as far as it is held here, stays.
    ///
    /// # Errors
    /// [`GroupError`] if there is no such member, or this school may not remove it.
    pub fn remove_member(
        &self,
        group: &GroupId,
        school: &SchoolId,
    ) -> Result<Vec<Announcement>, GroupError> {
        let name = self.administered(group)?;
        if *school == self.identity().school() {
            return Err(GroupError::RemovesItself(name));
        }
        let acts =
            self.listing(group, school, |standing| Act::Remove { school: *school, standing })?;
        self.enact(group, acts, None, |roster| roster.member(school).is_none())?
            .ok_or_else(|| self.senior(group, school, name))
    }

    /// Names a member an admin with the group's root, where this school alone holds it.
    ///
    /// # Errors
    /// [`GroupError`] if there is no such member, or the root is not this school's alone.
    pub fn name_admin(
        &self,
        group: &GroupId,
        school: &SchoolId,
    ) -> Result<Vec<Announcement>, GroupError> {
        let (name, _) = self.own_group(group)?;
        let key = self.home().school_key()?;
        let act = Act::Name { school: *school };
        self.enact(group, vec![act], Some(&key), |roster| roster.is_admin(school))?
            .ok_or(GroupError::NotRoot(name))
    }

    /// Ends what a naming gave; the school stays a member.
    ///
    /// # Errors
    /// [`GroupError`] if there is no such admin, or this school may not dismiss it.
    pub fn dismiss_admin(
        &self,
        group: &GroupId,
        school: &SchoolId,
    ) -> Result<Vec<Announcement>, GroupError> {
        let name = self.administered(group)?;
        let act = Act::Dismiss { school: *school };
        self.enact(group, vec![act], None, |roster| !roster.is_admin(school))?
            .ok_or_else(|| self.senior(group, school, name))
    }

    /// The name of a group of which this school is an admin.
    fn administered(&self, group: &GroupId) -> Result<String, GroupError> {
        let (name, _) = self.own_group(group)?;
        let own = self.identity().school();
        let admin = self.with_membership(group, |set| set.roster().is_admin(&own));
        if admin == Some(true) { Ok(name) } else { Err(GroupError::NotAdmin(name)) }
    }

    /// As many acts as it takes to list every entry of a school that is held.
    fn listing(
        &self,
        group: &GroupId,
        school: &SchoolId,
        act: impl Fn(Vec<Hash>) -> Act,
    ) -> Result<Vec<Act>, StoreError> {
        let held: Vec<Hash> = self.entries_of(group, school)?.iter().map(Entry::hash).collect();
        if held.is_empty() {
            return Ok(vec![act(Vec::new())]);
        }
        Ok(held.chunks(MAX_STANDING).map(|list| act(list.to_vec())).collect())
    }

    /// Signs acts, with a key of the root for what the root does, and adds them all at once; nothing
    /// where `takes_effect` denies that the roster would be as it should.
    fn enact(
        &self,
        group: &GroupId,
        acts: Vec<Act>,
        root: Option<&SecretKey>,
        takes_effect: impl FnOnce(&Roster) -> bool,
    ) -> Result<Option<Vec<Announcement>>, GroupError> {
        let mut set = self
            .with_membership(group, Clone::clone)
            .ok_or_else(|| GroupError::NotMember(group.short()))?;
        let (certificate, key) = (self.identity().certificate(), self.identity().node_key());
        let mut statements = Vec::new();
        for act in acts {
            let proposal = set.propose(act);
            let endorsements = root.map(|key| proposal.endorse(key)).into_iter().collect();
            let clock = Timestamp::from_millis(now_millis());
            let statement = Statement::sign(proposal, endorsements, clock, certificate, key)?;
            set.extend([statement.clone()]);
            statements.push(statement);
        }
        if !takes_effect(set.roster()) {
            return Ok(None);
        }
        let told = statements.iter().map(announcement).collect();
        self.add_statements(*group, statements)?;
        Ok(Some(told))
    }

    fn senior(&self, group: &GroupId, school: &SchoolId, name: String) -> GroupError {
        let mut names = crate::records::school_names(self, group);
        let school = names.remove(school).unwrap_or_else(|| school.short());
        GroupError::Senior { school, group: name }
    }

    /// The member with this name, or with an id that starts like this.
    ///
    /// # Errors
    /// [`GroupError::NoMember`] names those that there are.
    pub fn find_member(&self, group: &GroupId, given: &str) -> Result<SchoolId, GroupError> {
        let folded = given.trim().to_lowercase();
        let members: Vec<(SchoolId, String)> = self
            .with_membership(group, |set| {
                let current = set.roster().current();
                current.map(|(school, member)| (school, member.claims.name.clone())).collect()
            })
            .unwrap_or_default();
        let named = members.iter().filter(|(_, name)| name.to_lowercase() == folded);
        let by_id = members
            .iter()
            .filter(|(school, _)| folded.len() >= 6 && school.to_string().starts_with(&folded));
        let found: BTreeSet<SchoolId> = named.chain(by_id).map(|(school, _)| *school).collect();
        match found.iter().collect::<Vec<_>>().as_slice() {
            [one] => Ok(**one),
            several => Err(GroupError::NoMember {
                given: given.chars().take(80).collect(),
                count: several.len(),
                known: members.into_iter().map(|(_, name)| name).collect(),
            }),
        }
    }

    /// This node's own admission to a group, to show to members that have not heard of it.
    pub(crate) fn own_admission(&self, group: &GroupId) -> Option<ByteBuf> {
        let key = self.identity().node_key().public();
        self.with_membership(group, |set| {
            set.statements()
                .values()
                .find(|one| one.admitted_node() == Some(key))
                .map(|one| ByteBuf::from(one.as_bytes()))
        })
        .flatten()
    }
}

fn announcement(statement: &Statement) -> Announcement {
    Announcement::Statement(ByteBuf::from(statement.as_bytes()))
}

/// A school that was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) group: GroupId,
    /// All statements of the group.
    pub(crate) statements: Vec<ByteBuf>,
    /// The new one, unless the school had been admitted before.
    pub(crate) admission: Option<Statement>,
}
