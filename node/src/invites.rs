//! Inviting schools and letting them in; joining with an invite.

use std::time::Duration;

use libp2p::Multiaddr;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::group::Role;
use staffroom_protocol::group::invite::{Invite, InviteError, JoinRequest};
use staffroom_protocol::group::statement::{Act, Admission, Statement};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Request, Response};
use staffroom_protocol::wire;

use crate::clock::now_millis;
use crate::groups::GroupError;
use crate::home::random;
use crate::network::Network;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, StoreError, Table};

/// An invite that this school made.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Made {
    line: String,
    /// What the school that it lets in may do.
    #[serde(default)]
    role: Role,
    /// When it was taken back, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_millis: Option<u64>,
}

/// What became of an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum InviteState {
    /// It can be used.
    Open,
    /// It let a school in.
    Used {
        /// The school's name.
        by: String,
    },
    /// It is too old.
    Expired,
    /// It was taken back.
    Revoked,
}

/// An invite that this school made, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteMade {
    /// Names it.
    pub id: Hash,
    /// What the school that it lets in may do.
    pub role: Role,
    /// When it expires, in milliseconds since 1970.
    pub expires_millis: u64,
    /// What became of it.
    #[serde(flatten)]
    pub state: InviteState,
}

impl Node {
    /// Makes an invite that lets one school in until it expires.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin of the group or cannot be reached by others.
    pub fn invite(
        &self,
        group: &GroupId,
        valid: Duration,
        role: Role,
    ) -> Result<Invite, GroupError> {
        let (name, kind) = self.administered(group)?;
        let addresses = self.reachable_addresses();
        if addresses.is_empty() {
            return Err(GroupError::NoAddress);
        }
        let expires =
            now_millis().saturating_add(u64::try_from(valid.as_millis()).unwrap_or(u64::MAX));
        let secret = random(self.home().dir())?;
        let from = (self.identity().claims().name.as_str(), self.identity().node_key().public());
        let invite = Invite::new((*group, &name, kind), from, addresses, expires, secret);
        self.keep(&invite.id(), &Made { line: invite.to_string(), role, revoked_millis: None })?;
        Ok(invite)
    }

    /// The invites that this school made to a group, the latest to expire first.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin of the group or the store cannot be read.
    pub fn invites(&self, group: &GroupId) -> Result<Vec<InviteMade>, GroupError> {
        self.administered(group)?;
        let mut invites: Vec<InviteMade> = self
            .made(group)?
            .into_iter()
            .map(|(invite, made)| InviteMade {
                id: invite.id(),
                role: made.role,
                expires_millis: invite.expires_millis,
                state: self.state(&invite, &made),
            })
            .collect();
        invites.sort_by_key(|invite| (std::cmp::Reverse(invite.expires_millis), invite.id));
        Ok(invites)
    }

    /// Takes an invite back whose id starts like this.
    ///
    /// # Errors
    /// [`GroupError::NoInvite`] if none is open that starts like this, or several are.
    pub fn revoke_invite(&self, group: &GroupId, given: &str) -> Result<Hash, GroupError> {
        self.administered(group)?;
        let folded = given.trim().to_lowercase();
        let mut open = self.made(group)?;
        open.retain(|(invite, made)| {
            invite.id().to_string().starts_with(&folded)
                && self.state(invite, made) == InviteState::Open
        });
        match open.as_slice() {
            [(invite, made)] if !folded.is_empty() => {
                let made = Made { revoked_millis: Some(now_millis()), ..made.clone() };
                self.keep(&invite.id(), &made)?;
                Ok(invite.id())
            }
            several => Err(GroupError::NoInvite {
                given: given.chars().take(80).collect(),
                count: several.len(),
            }),
        }
    }

    fn keep(&self, id: &Hash, made: &Made) -> Result<(), StoreError> {
        self.store().apply(vec![Change::Local {
            table: Table::Invites,
            key: id.as_bytes().to_vec(),
            value: Some(wire::encode(made)),
        }])?;
        Ok(())
    }

    fn made(&self, group: &GroupId) -> Result<Vec<(Invite, Made)>, StoreError> {
        let stored = self.store().local_scan(Table::Invites, &[])?;
        Ok(stored
            .into_iter()
            .filter_map(|(_, bytes)| read(&bytes).ok())
            .filter(|(invite, _)| invite.group == *group)
            .collect())
    }

    fn state(&self, invite: &Invite, made: &Made) -> InviteState {
        let own = self.identity().school();
        let used = self.with_membership(&invite.group, |set| {
            let by = set.roster().invited_by(&own, &invite.id())?;
            Some(set.roster().members().get(&by)?.claims.name.clone())
        });
        match used.flatten() {
            Some(by) => InviteState::Used { by },
            None if made.revoked_millis.is_some() => InviteState::Revoked,
            None if invite.expires_millis < now_millis() => InviteState::Expired,
            None => InviteState::Open,
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
            | Response::Known { .. }
            | Response::Groups { .. }
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
        network.follow(self.channels()).await;
        network.catch_up_with(invite.from_node, invite.group);
        Ok(invite.group)
    }

    /// Answers a request to join, as the inviting school.
    pub(crate) fn admit(
        &self,
        request: &JoinRequest,
        peer: PublicKey,
    ) -> Result<Admitted, GroupError> {
        let made = self.store().local_get(Table::Invites, request.invite.as_bytes())?;
        let (invite, made) = read(&made.ok_or(InviteError::Unknown)?)?;
        let group = invite.group;
        let own = self.identity().school();
        let used_by = self
            .with_membership(&group, |set| set.roster().invited_by(&own, &request.invite))
            .flatten();
        let certificate = invite.check(request, used_by, now_millis())?;
        request.claims.check()?;
        // A request that somebody else saw does not let that one in.
        if certificate.node() != peer {
            return Err(InviteError::Unknown.into());
        }
        match used_by {
            // An answer can get lost, so the school may ask again for as long as it is a member.
            Some(school) => {
                if self.with_membership(&group, |set| set.roster().member(&school).is_some())
                    != Some(true)
                {
                    return Err(InviteError::Spent.into());
                }
            }
            None if made.revoked_millis.is_some() => return Err(InviteError::Revoked.into()),
            None => {
                let act = Act::Admit(Admission {
                    certificate: ByteBuf::from(certificate.as_bytes()),
                    claims: request.claims.clone(),
                    role: made.role,
                    invite: invite.id(),
                });
                let admitted = certificate.school();
                if !self
                    .enact(&group, vec![act], None, |roster| roster.member(&admitted).is_some())?
                {
                    return Err(InviteError::Unknown.into());
                }
            }
        }
        let statements = self
            .with_membership(&group, |set| {
                set.in_order().map(|one| ByteBuf::from(one.as_bytes())).collect()
            })
            .unwrap_or_default();
        Ok(Admitted { group, statements })
    }

    /// What let this node into a group, to show to members that have not heard of it.
    pub(crate) fn own_admission(&self, group: &GroupId) -> Option<ByteBuf> {
        let key = self.identity().node_key().public();
        self.with_membership(group, |set| {
            let lets_in = |one: &&Statement| {
                one.carried_certificate().is_some_and(|certificate| certificate.node() == key)
            };
            let own = set.in_order().filter(lets_in);
            own.last().map(|one| ByteBuf::from(one.as_bytes()))
        })
        .flatten()
    }
}

fn read(bytes: &[u8]) -> Result<(Invite, Made), InviteError> {
    let made: Made =
        wire::decode(bytes, MAX_LOCAL_VALUE_BYTES).map_err(|_| InviteError::Unknown)?;
    Ok((made.line.parse()?, made))
}

/// A school that was let in.
#[derive(Debug)]
pub(crate) struct Admitted {
    pub(crate) group: GroupId,
    /// All statements of the group.
    pub(crate) statements: Vec<ByteBuf>,
}
