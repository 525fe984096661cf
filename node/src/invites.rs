//! The invites that this school makes, and what becomes of them.

use std::fmt;
use std::time::Duration;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::{Deserialize, Serialize};
use staffroom_protocol::group::Role;
use staffroom_protocol::group::invite::{Invite, InviteError};
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::wire;
use utoipa::ToSchema;

use crate::clock::now_millis;
use crate::groups::GroupError;
use crate::home::random;
use crate::network::peer_id;
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, StoreError, Table};

/// An invite that this school made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Made {
    line: String,
    /// What the school that it lets in may do.
    #[serde(default)]
    role: Role,
    /// When it was taken back, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    revoked_millis: Option<u64>,
    /// Whether the school that answers it waits until this one has looked at what it says.
    #[serde(default)]
    ask: bool,
}

impl Made {
    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.revoked_millis.is_some()
    }

    pub(crate) fn asks(&self) -> bool {
        self.ask
    }
}

/// What became of an invite.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

impl fmt::Display for InviteState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("open"),
            Self::Used { by } => write!(f, "used by {by}"),
            Self::Expired => f.write_str("expired"),
            Self::Revoked => f.write_str("taken back"),
        }
    }
}

/// An invite that this school made, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
    /// Makes an invite that lets one school in until it expires; with `ask`, once this school has
    /// looked at who it is.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin of the group or cannot be reached by others.
    pub fn invite(
        &self,
        group: &GroupId,
        valid: Duration,
        role: Role,
        ask: bool,
    ) -> Result<Invite, GroupError> {
        let (name, kind) = self.administered(group)?;
        let addresses = self.reachable_addresses(group);
        if addresses.is_empty() {
            return Err(GroupError::NoAddress);
        }
        let expires =
            now_millis().saturating_add(u64::try_from(valid.as_millis()).unwrap_or(u64::MAX));
        let secret = random(self.home().dir())?;
        let from = (self.identity().claims().name.as_str(), self.identity().node_key().public());
        let invite = Invite::new((*group, &name, kind), from, addresses, expires, secret);
        let made = Made { line: invite.to_string(), role, revoked_millis: None, ask };
        self.keep(&invite.id(), &made)?;
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
                self.take_back(&invite.id(), made)?;
                Ok(invite.id())
            }
            several => Err(GroupError::NoInvite {
                given: given.chars().take(80).collect(),
                count: several.len(),
            }),
        }
    }

    pub(crate) fn take_back(&self, id: &Hash, made: &Made) -> Result<(), StoreError> {
        self.keep(id, &Made { revoked_millis: Some(now_millis()), ..made.clone() })
    }

    /// An invite that this school made.
    pub(crate) fn made_invite(&self, id: &Hash) -> Result<Option<(Invite, Made)>, StoreError> {
        let stored = self.store().local_get(Table::Invites, id.as_bytes())?;
        Ok(stored.and_then(|bytes| read(&bytes).ok()))
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

    /// Where members can be reached: this node, most likely addresses first, and a few others for
    /// the time when it does not run.
    fn reachable_addresses(&self, group: &GroupId) -> Vec<String> {
        const MOST_OF_THIS: usize = 4;
        const MOST_OTHERS: usize = 3;
        let own = self.identity().node_key().public();
        let this = match self.network() {
            Some(network) => network.listening(),
            None => self.contacts().addresses(&own),
        };
        let mut addresses = likely(&own, this, MOST_OF_THIS);
        if addresses.is_empty() {
            return addresses;
        }
        let mut others = self.roster(group).unwrap_or_default().nodes();
        others.remove(&own);
        let connected = |key: &PublicKey| self.network().is_some_and(|net| net.is_connected(key));
        let (near, far): (Vec<_>, Vec<_>) = others.into_iter().partition(connected);
        let others = near.into_iter().chain(far);
        let reached = others.flat_map(|key| likely(&key, self.contacts().addresses(&key), 1));
        addresses.extend(reached.take(MOST_OTHERS));
        addresses
    }
}

/// The addresses of a node that are most likely to lead to it, with its id.
fn likely(node: &PublicKey, mut addresses: Vec<Multiaddr>, most: usize) -> Vec<String> {
    let Some(peer) = peer_id(node) else { return Vec::new() };
    addresses.sort_by_key(|address| address.to_string().contains("/127.0.0.1/"));
    let with_id = |address: Multiaddr| address.with(Protocol::P2p(peer)).to_string();
    addresses.into_iter().take(most).map(with_id).collect()
}

fn read(bytes: &[u8]) -> Result<(Invite, Made), InviteError> {
    let made: Made =
        wire::decode(bytes, MAX_LOCAL_VALUE_BYTES).map_err(|_| InviteError::Unknown)?;
    Ok((made.line.parse()?, made))
}
