//! Joining a group with an invite: asking its members until the inviting school has answered, and
//! answering those who ask.

use std::sync::Arc;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use serde::{Deserialize, Serialize};
use serde_bytes::ByteBuf;
use staffroom_protocol::group::invite::{Invite, InviteError, JoinRequest};
use staffroom_protocol::group::statement::{Act, Admission};
use staffroom_protocol::group::{Claims, Role};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::{NodeCertificate, PublicKey};
use staffroom_protocol::limits::MAX_STATEMENTS_PER_GROUP;
use staffroom_protocol::sync::message::{Refusal, Request, Response};
use staffroom_protocol::wire;
use utoipa::ToSchema;

use crate::audit::Actor;
use crate::clock::now_millis;
use crate::groups::GroupError;
use crate::invites::Made;
use crate::network::{AskError, Network, node_key};
use crate::node::Node;
use crate::store::{Change, MAX_LOCAL_VALUE_BYTES, StoreError, Table};

/// Before the group, in the key of a local value: the invite that this school answers.
const JOINING: &[u8] = b"joining";

/// Behind the group, before the id of an invite: a request that waits for this school's word.
const ASKED: &[u8] = b"asked";

/// Pauses after a member that is asked for statements says that it is busy.
const BUSY_PAUSE: std::time::Duration = std::time::Duration::from_secs(2);
const MAX_BUSY_PAUSES: usize = 30;

/// How far a school is in joining a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Joining {
    /// It is a member.
    Member,
    /// The inviting school has been asked, or will be once a member reaches it.
    Waiting,
}

/// A school that asked to be let in with an invite that lets nobody in unasked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(as = AskingSchool)]
pub struct Asking {
    /// The school.
    pub school: SchoolId,
    /// What it says of itself.
    pub claims: Claims,
    /// The invite that it answers.
    pub invite: Hash,
    /// What it may do once it is in.
    pub role: Role,
}

/// The nodes of an invite and where each can be reached, the inviting school's first.
fn members(invite: &Invite) -> Vec<(PublicKey, Vec<Multiaddr>)> {
    let mut members = vec![(invite.from_node, Vec::new())];
    for address in invite.addresses.iter().filter_map(|text| text.parse::<Multiaddr>().ok()) {
        let Some((node, address)) = with_node(&address) else { continue };
        match members.iter_mut().find(|(key, _)| *key == node) {
            Some((_, addresses)) => addresses.push(address),
            None => members.push((node, vec![address])),
        }
    }
    members
}

/// Separates an address from the node's id at its end.
pub(crate) fn with_node(address: &Multiaddr) -> Option<(PublicKey, Multiaddr)> {
    let node = address
        .iter()
        .find_map(|part| if let Protocol::P2p(peer) = part { node_key(&peer) } else { None })?;
    Some((node, address.iter().filter(|part| !matches!(part, Protocol::P2p(_))).collect()))
}

impl Node {
    /// Joins the group of an invite. The inviting school's node is asked, or, where it cannot be
    /// reached, another member, which passes the request on; until the inviting school has answered
    /// this node asks again from time to time.
    ///
    /// # Errors
    /// [`GroupError`] says why the school was not let in, or that no member can be reached.
    pub async fn join(
        self: &Arc<Self>,
        network: &Network,
        invite: &Invite,
    ) -> Result<Joining, GroupError> {
        if self.is_member(&invite.group) {
            return Ok(Joining::Member);
        }
        let identity = self.identity();
        let sealed = invite.request(identity.certificate(), identity.claims().clone());
        let sealed = ByteBuf::from(sealed.ok_or(InviteError::Damaged)?);
        let mut failure = None;
        for (node, addresses) in members(invite) {
            let (group, to) = (invite.group, invite.from_node);
            let request = Request::Join { group, to, sealed: sealed.clone() };
            match network.ask(node, addresses, request).await {
                Ok(Response::Admitted) => {
                    self.forget_removal(&group)?;
                    self.pull_statements(network, node, group)
                        .await
                        .map_err(|error| GroupError::Ask { from: invite.from.clone(), error })?;
                    if !self.is_member(&group) {
                        return Err(GroupError::Refused(invite.from.clone()));
                    }
                    self.keep_joining(&group, None)?;
                    network.follow(self.channels()).await;
                    network.catch_up_with(node, group);
                    return Ok(Joining::Member);
                }
                Ok(Response::Waiting) => {
                    self.keep_joining(&group, Some(invite))?;
                    return Ok(Joining::Waiting);
                }
                Ok(Response::InviteRefused(error)) => {
                    self.keep_joining(&group, None)?;
                    return Err(error.into());
                }
                Ok(_) => failure = failure.or(Some(GroupError::Refused(invite.from.clone()))),
                Err(error) => {
                    failure = Some(GroupError::Ask { from: invite.from.clone(), error });
                }
            }
        }
        Err(failure.unwrap_or_else(|| GroupError::Refused(invite.from.clone())))
    }

    /// Keeps the invite that this school answers, or lets go of it.
    pub(crate) fn keep_joining(
        &self,
        group: &GroupId,
        invite: Option<&Invite>,
    ) -> Result<(), StoreError> {
        let value = invite.map(|invite| invite.to_string().into_bytes());
        let key = [JOINING, group.as_bytes()].concat();
        self.store().apply(vec![Change::Local { table: Table::Groups, key, value }])?;
        Ok(())
    }

    /// The invites that this school has answered and that wait for the inviting school.
    pub(crate) fn joining(&self) -> Vec<Invite> {
        let stored = self.store().local_scan(Table::Groups, JOINING).unwrap_or_default();
        stored
            .into_iter()
            .filter_map(|(_, line)| String::from_utf8(line).ok()?.parse().ok())
            .filter(|invite: &Invite| !self.is_member(&invite.group))
            .collect()
    }

    /// Asks again for what waits.
    pub(crate) async fn ask_again(self: &Arc<Self>, network: &Network) {
        for invite in self.joining() {
            match self.join(network, &invite).await {
                Ok(Joining::Member) => {
                    tracing::info!(group = %invite.group.short(), "let in");
                    network.members_changed();
                }
                Ok(Joining::Waiting) => {}
                Err(GroupError::Ask { .. }) if invite.expires_millis >= now_millis() => {}
                Err(error) => {
                    tracing::warn!(%error, group = invite.group_name, "not let in");
                    if let Err(error) = self.keep_joining(&invite.group, None) {
                        tracing::warn!(%error, "the invite was not forgotten");
                    }
                }
            }
        }
    }

    /// Gets all membership statements of a group from one of its members, as a node that the member
    /// knows by its certificate.
    pub(crate) async fn pull_statements(
        self: &Arc<Self>,
        network: &Network,
        from: PublicKey,
        group: GroupId,
    ) -> Result<(), AskError> {
        let (mut after, mut received, mut pauses) = (None, 0, 0);
        loop {
            let certificate = ByteBuf::from(self.identity().certificate().as_bytes());
            let request = Request::Return { group, certificate, after };
            let response = network.ask(from, Vec::new(), request).await?;
            if response == Response::Refused(Refusal::Busy) && pauses < MAX_BUSY_PAUSES {
                pauses += 1;
                tokio::time::sleep(BUSY_PAUSE).await;
                continue;
            }
            let Response::Statements { statements, more, .. } = response else {
                return Err(AskError::NoAnswer("it does not tell who belongs".into()));
            };
            received += statements.len();
            let last = statements.last().map(|bytes| Hash::of(bytes));
            if received > MAX_STATEMENTS_PER_GROUP || (more && (last.is_none() || last == after)) {
                return Err(AskError::NoAnswer("it tells the same again and again".into()));
            }
            after = last;
            let adding = Arc::clone(self);
            let added =
                tokio::task::spawn_blocking(move || adding.accept_statements(group, &statements));
            let added = added.await.map_err(|_| AskError::Stopped)?;
            added.map_err(|error| AskError::NoAnswer(error.to_string()))?;
            if !more {
                return Ok(());
            }
        }
    }

    /// Answers a request to join that was sealed to this node, as the inviting school.
    ///
    /// # Errors
    /// [`GroupError::Invite`] says why the invite does not work.
    pub(crate) fn admit(&self, group: &GroupId, sealed: &[u8]) -> Result<Joining, GroupError> {
        let request = JoinRequest::open(group, sealed, self.identity().node_key())?;
        let (invite, made) = self.made_invite(&request.invite)?.ok_or(InviteError::Unknown)?;
        let own = self.identity().school();
        let used_by = self
            .with_membership(group, |set| set.roster().invited_by(&own, &request.invite))
            .flatten();
        let certificate = invite.check(&request, used_by, now_millis())?;
        request.claims.check()?;
        if let Some(school) = used_by {
            // An answer can get lost, so the school may ask again for as long as it is a member.
            let member = self.with_membership(group, |set| set.roster().member(&school).is_some());
            return if member == Some(true) {
                Ok(Joining::Member)
            } else {
                Err(InviteError::Spent.into())
            };
        }
        if made.is_revoked() {
            return Err(InviteError::Revoked.into());
        }
        if made.asks() {
            self.keep_asking(group, &request.invite, Some(&request))?;
            return Ok(Joining::Waiting);
        }
        self.let_in(&request, &certificate, &made)?;
        let about = format!("{} ({})", request.claims.name, certificate.school().short());
        self.audit_log().note(Actor::Node, "let a school in that had an invite", &about, None);
        Ok(Joining::Member)
    }

    fn let_in(
        &self,
        request: &JoinRequest,
        certificate: &NodeCertificate,
        made: &Made,
    ) -> Result<(), GroupError> {
        let act = Act::Admit(Admission {
            certificate: ByteBuf::from(certificate.as_bytes()),
            claims: request.claims.clone(),
            role: made.role(),
            invite: request.invite,
        });
        let school = certificate.school();
        let member =
            |roster: &staffroom_protocol::group::roster::Roster| roster.member(&school).is_some();
        if !self.enact(&request.group, vec![act], member)? {
            return Err(InviteError::Unknown.into());
        }
        tracing::info!(group = %request.group.short(), school = request.claims.name, "admitted");
        Ok(())
    }

    fn keep_asking(
        &self,
        group: &GroupId,
        invite: &Hash,
        request: Option<&JoinRequest>,
    ) -> Result<(), StoreError> {
        let key = [group.as_bytes().as_slice(), ASKED, invite.as_bytes()].concat();
        let value = request.map(wire::encode);
        self.store().apply(vec![Change::Local { table: Table::Groups, key, value }])?;
        Ok(())
    }

    /// The requests that wait for this school's word, each with its invite.
    fn asked(
        &self,
        group: &GroupId,
    ) -> Result<Vec<(JoinRequest, NodeCertificate, Made)>, GroupError> {
        let prefix = [group.as_bytes().as_slice(), ASKED].concat();
        let mut asked = Vec::new();
        for (_, bytes) in self.store().local_scan(Table::Groups, &prefix)? {
            let Ok(request) = wire::decode::<JoinRequest>(&bytes, MAX_LOCAL_VALUE_BYTES) else {
                continue;
            };
            if let Some((invite, made)) = self.made_invite(&request.invite)?
                && !made.is_revoked()
                && let Ok(certificate) = invite.check(&request, None, now_millis())
            {
                asked.push((request, certificate, made));
            }
        }
        Ok(asked)
    }

    /// The schools that wait for this school's word to be let into a group.
    ///
    /// # Errors
    /// [`GroupError`] if this school is no admin of the group or the store cannot be read.
    pub fn requests(&self, group: &GroupId) -> Result<Vec<Asking>, GroupError> {
        self.administered(group)?;
        let asked = self.asked(group)?.into_iter();
        Ok(asked
            .map(|(request, certificate, made)| Asking {
                school: certificate.school(),
                claims: request.claims,
                invite: request.invite,
                role: made.role(),
            })
            .collect())
    }

    /// Lets a school in that asked, or declines it, by its name or the start of its id.
    ///
    /// # Errors
    /// [`GroupError::NoRequest`] names those that ask.
    pub fn answer_request(
        &self,
        group: &GroupId,
        given: &str,
        admit: bool,
    ) -> Result<(), GroupError> {
        self.administered(group)?;
        let folded = given.trim().to_lowercase();
        let asked = self.asked(group)?;
        let is_named = |(request, certificate, _): &&(JoinRequest, NodeCertificate, Made)| {
            request.claims.name.to_lowercase() == folded
                || (folded.len() >= 6 && certificate.school().to_string().starts_with(&folded))
        };
        let found: Vec<_> = asked.iter().filter(is_named).collect();
        let [(request, certificate, made)] = found.as_slice() else {
            return Err(GroupError::NoRequest {
                given: given.chars().take(80).collect(),
                count: found.len(),
                known: asked.iter().map(|(request, ..)| request.claims.name.clone()).collect(),
            });
        };
        if admit {
            self.let_in(request, certificate, made)?;
        } else {
            self.take_back(&request.invite, made)?;
        }
        self.keep_asking(group, &request.invite, None)?;
        Ok(())
    }
}
