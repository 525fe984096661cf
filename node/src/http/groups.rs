//! Groups over HTTP.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::group::proposal::Proposed;
use staffroom_protocol::group::roster::{Member, Roster};
use staffroom_protocol::group::statement::Parting;
use staffroom_protocol::group::{Claims, GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Holding, Request, Response};

use super::api_error::{ApiError, blocking};
use super::nodes::Unlock;
use super::status::{GroupStatus, group_statuses};
use crate::groups::GroupError;
use crate::heard::SchoolHeard;
use crate::invites::InviteMade;
use crate::joining::{Asking, Joining};
use crate::node::Node;
use crate::root::{RootAct, RootReport};

/// Longest that an invite can be valid: a term, with its holidays.
const MAX_INVITE_DAYS: u64 = 120;

/// A group that was created, joined or left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct GroupReport {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// An invite.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteReport {
    /// The line to hand over.
    pub invite: String,
    /// Names it, without giving its secret away.
    pub id: Hash,
    /// The group's name.
    pub group: String,
    /// When it expires.
    pub expires: String,
}

/// An invite that was taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InviteRevoked {
    /// Names it.
    pub id: Hash,
}

/// A member of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberReport {
    /// The school.
    pub school: SchoolId,
    /// What it says of itself.
    pub claims: Claims,
    /// Its role.
    pub role: Role,
    /// When it was admitted.
    pub since: String,
    /// When it left or was removed, if it was.
    pub left: Option<String>,
    /// Why it left, where it said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<Parting>,
    /// The school that removed it, if it was removed.
    pub removed_by: Option<String>,
    /// The name of the school that goes on for it, where its key was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Whether this is the node's own school.
    pub own: bool,
    /// Whether a node of the school is connected now.
    pub connected: bool,
    /// When it was last heard from; none for this school and for those that are members no more.
    #[serde(default)]
    pub heard: Option<SchoolHeard>,
    /// Since when the school is known to have heard the newest of who belongs; none where it has
    /// not confirmed it.
    pub up_to_date_since: Option<String>,
    /// For a removed school: which members have heard of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub heard_by: Vec<HeardBy>,
}

/// Whether a member has heard of a removal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct HeardBy {
    /// The member's name.
    pub school: String,
    /// Since when it is known to have heard; none where it has not confirmed it.
    pub since: Option<String>,
}

/// How much a member holds of a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MemberHolding {
    /// The school.
    pub school: SchoolId,
    /// Its name.
    pub name: String,
    /// What it holds; none if it did not answer.
    pub holding: Option<Holding>,
    /// Whether it holds exactly what this node holds, with all texts, and can find it all.
    pub complete: bool,
}

/// How far this school is in joining a group.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JoinReport {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// The school that made the invite.
    pub from: String,
    /// Whether that school has still to answer.
    pub waiting: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct CreateGroup {
    name: String,
    kind: GroupKind,
}

/// What becomes of the records of a school that leaves.
#[derive(Debug, Deserialize)]
pub(super) struct Keeping {
    /// Whether they stay with the group.
    records_stay: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct NewRoot {
    keyholders: Vec<String>,
    threshold: u8,
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GivenProposal {
    proposal: String,
    /// Whether to sign it, and not only to say what it does.
    #[serde(default)]
    sign: bool,
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(super) struct MakeInvite {
    valid_seconds: u64,
    #[serde(default)]
    role: Role,
    #[serde(default)]
    ask: bool,
}

#[derive(Debug, Deserialize)]
pub(super) struct JoinGroup {
    invite: String,
}

pub(super) async fn list(
    State(node): State<Arc<Node>>,
) -> Result<Json<Vec<GroupStatus>>, ApiError> {
    Ok(Json(blocking(move || group_statuses(&node)).await??))
}

pub(super) async fn create(
    State(node): State<Arc<Node>>,
    Json(new): Json<CreateGroup>,
) -> Result<Json<GroupReport>, ApiError> {
    let creating = Arc::clone(&node);
    let name = new.name.trim().to_owned();
    let id = blocking(move || creating.create_group(&new.name, new.kind)).await??;
    follow(&node).await;
    Ok(Json(GroupReport { id, name }))
}

pub(super) async fn invite(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Json(new): Json<MakeInvite>,
) -> Result<Json<InviteReport>, ApiError> {
    let valid = Duration::from_secs(new.valid_seconds);
    if valid.is_zero() || valid.as_secs() > MAX_INVITE_DAYS * 86_400 {
        return Err(ApiError::bad_request(format!(
            "an invite cannot be valid for {} seconds; it can be valid for up to {MAX_INVITE_DAYS} \
             days",
            new.valid_seconds
        )));
    }
    if new.role == Role::Admin {
        return Err(ApiError::bad_request(
            "an invite lets in a member or a reader; name an admin once the school is a member",
        ));
    }
    let invite = blocking(move || {
        let group = node.find_group(&group)?;
        node.invite(&group, valid, new.role, new.ask)
    })
    .await??;
    Ok(Json(InviteReport {
        invite: invite.to_string(),
        id: invite.id(),
        expires: Timestamp::from_millis(invite.expires_millis / 1_000 * 1_000).to_string(),
        group: invite.group_name,
    }))
}

pub(super) async fn invites(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<InviteMade>>, ApiError> {
    let invites = blocking(move || node.invites(&node.find_group(&group)?)).await??;
    Ok(Json(invites))
}

pub(super) async fn revoke_invite(
    State(node): State<Arc<Node>>,
    Path((group, invite)): Path<(String, String)>,
) -> Result<Json<InviteRevoked>, ApiError> {
    let id = blocking(move || node.revoke_invite(&node.find_group(&group)?, &invite)).await??;
    Ok(Json(InviteRevoked { id }))
}

pub(super) async fn join(
    State(node): State<Arc<Node>>,
    Json(join): Json<JoinGroup>,
) -> Result<Json<JoinReport>, ApiError> {
    let invite: Invite = join.invite.parse().map_err(GroupError::from)?;
    let network = node.network().ok_or(GroupError::NoNetwork)?;
    let waiting = node.join(network, &invite).await? == Joining::Waiting;
    Ok(Json(JoinReport { id: invite.group, name: invite.group_name, from: invite.from, waiting }))
}

pub(super) async fn requests(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<Asking>>, ApiError> {
    Ok(Json(blocking(move || node.requests(&node.find_group(&group)?)).await??))
}

pub(super) async fn admit(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.answer_request(id, &school, true)).await
}

pub(super) async fn decline(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.answer_request(id, &school, false)).await
}

pub(super) async fn leave(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Query(keeping): Query<Keeping>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.leave_group(id, keeping.records_stay)).await
}

pub(super) async fn move_to(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Query(keeping): Query<Keeping>,
    Json(join): Json<JoinGroup>,
) -> Result<Json<JoinReport>, ApiError> {
    let invite: Invite = join.invite.parse().map_err(GroupError::from)?;
    let network = node.network().ok_or(GroupError::NoNetwork)?;
    let from = node.find_group(&group)?;
    let moved = node.move_to(network, from, &invite, keeping.records_stay).await?;
    network.follow(node.channels()).await;
    let waiting = moved == Joining::Waiting;
    Ok(Json(JoinReport { id: invite.group, name: invite.group_name, from: invite.from, waiting }))
}

pub(super) async fn merge(
    State(node): State<Arc<Node>>,
    Path((group, into)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.merge(id, &node.find_group(&into)?)).await
}

/// Leaves every group, since the school closes.
pub(super) async fn close(
    State(node): State<Arc<Node>>,
    Query(keeping): Query<Keeping>,
) -> Result<Json<Vec<String>>, ApiError> {
    let closing = Arc::clone(&node);
    let left = blocking(move || closing.close(keeping.records_stay)).await??;
    follow(&node).await;
    Ok(Json(left))
}

pub(super) async fn remove(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.remove_member(id, &node.find_member(id, &school)?)).await
}

pub(super) async fn name(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
    Json(unlock): Json<Unlock>,
) -> Result<Json<RootAct>, ApiError> {
    let named = blocking(move || {
        let group = node.find_group(&group)?;
        let school = node.find_member(&group, &school)?;
        node.name_admin(&group, &school, unlock.passphrase.as_deref())
    });
    Ok(Json(named.await??))
}

pub(super) async fn root(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<RootReport>, ApiError> {
    Ok(Json(node.root(&node.find_group(&group)?)))
}

pub(super) async fn succeed_root(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Json(new): Json<NewRoot>,
) -> Result<Json<RootAct>, ApiError> {
    let succeeded = blocking(move || {
        let group = node.find_group(&group)?;
        let keyholders = new
            .keyholders
            .iter()
            .map(|school| node.find_member(&group, school))
            .collect::<Result<Vec<_>, _>>()?;
        node.succeed_root(&group, &keyholders, new.threshold, new.passphrase.as_deref())
    });
    Ok(Json(succeeded.await??))
}

/// Reads a proposal, or signs it.
pub(super) async fn proposal(
    State(node): State<Arc<Node>>,
    Json(given): Json<GivenProposal>,
) -> Result<Json<RootAct>, ApiError> {
    let proposed: Proposed = given.proposal.parse().map_err(GroupError::from)?;
    let answered = blocking(move || {
        if given.sign {
            node.sign_for_root(proposed, given.passphrase.as_deref())
        } else {
            node.read_proposal(&proposed)
        }
    });
    Ok(Json(answered.await??))
}

pub(super) async fn dismiss(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.dismiss_admin(id, &node.find_member(id, &school)?)).await
}

/// Changes who belongs to a group.
async fn act(
    node: Arc<Node>,
    group: String,
    what: impl FnOnce(&Node, &GroupId) -> Result<(), GroupError> + Send + 'static,
) -> Result<Json<GroupReport>, ApiError> {
    let acting = Arc::clone(&node);
    let (id, name) = blocking(move || -> Result<_, GroupError> {
        let id = acting.find_group(&group)?;
        let name = acting.group_names().remove(&id).unwrap_or(group);
        what(&acting, &id)?;
        Ok((id, name))
    })
    .await??;
    follow(&node).await;
    Ok(Json(GroupReport { id, name }))
}

async fn follow(node: &Node) {
    if let Some(network) = node.network() {
        network.follow(node.channels()).await;
    }
}

pub(super) async fn members(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<MemberReport>>, ApiError> {
    let members = blocking(move || -> Result<_, GroupError> {
        let group = node.find_group(&group)?;
        let roster = node.roster(&group).unwrap_or_default();
        let up_to_date = node.up_to_date(&group)?;
        let last_heard = node.last_heard(&group).into_iter();
        let mut heard: BTreeMap<SchoolId, SchoolHeard> =
            last_heard.map(|one| (one.school, one)).collect();
        let mut members = Vec::new();
        for (school, member) in roster.members() {
            let since = up_to_date.get(school).copied().flatten();
            let up_to_date_since = since.map(|since| Timestamp::from_millis(since).to_string());
            members.push(MemberReport {
                up_to_date_since,
                heard: heard.remove(school),
                heard_by: heard_by(&node, &group, &roster, member)?,
                ..member_report(&node, &roster, *school, member)
            });
        }
        Ok(members)
    })
    .await??;
    Ok(Json(members))
}

fn member_report(node: &Node, roster: &Roster, school: SchoolId, member: &Member) -> MemberReport {
    let connected = |key: &PublicKey| node.network().is_some_and(|one| one.is_connected(key));
    MemberReport {
        school,
        claims: member.claims.clone(),
        role: member.role,
        since: member.since.to_string(),
        left: member.departed.as_ref().map(|departure| departure.when.to_string()),
        why: member.departed.as_ref().and_then(|departure| departure.why),
        removed_by: member.departed.as_ref().and_then(|departure| {
            let remover = roster.members().get(&departure.removed_by?);
            remover.map(|remover| remover.claims.name.clone())
        }),
        next: roster
            .next_of(&school)
            .and_then(|next| roster.members().get(&next).map(|next| next.claims.name.clone())),
        own: school == node.identity().school(),
        connected: member.nodes.iter().any(connected),
        heard: None,
        up_to_date_since: None,
        heard_by: Vec::new(),
    }
}

/// Which members have heard that a school was removed.
fn heard_by(
    node: &Node,
    group: &GroupId,
    roster: &Roster,
    member: &Member,
) -> Result<Vec<HeardBy>, GroupError> {
    let Some(departure) = &member.departed else { return Ok(Vec::new()) };
    if departure.removed_by.is_none() {
        return Ok(Vec::new());
    }
    let name = |school: &SchoolId| {
        roster.members().get(school).map(|member| member.claims.name.clone()).unwrap_or_default()
    };
    let heard = node.heard(group, &departure.statements)?.into_iter();
    let since = |since: Option<u64>| since.map(|since| Timestamp::from_millis(since).to_string());
    Ok(heard.map(|(school, when)| HeardBy { school: name(&school), since: since(when) }).collect())
}

pub(super) async fn holdings(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<MemberHolding>>, ApiError> {
    let group = node.find_group(&group)?;
    let network = node.network().ok_or(GroupError::NoNetwork)?;
    let (_, own) = node.content(&group);
    let mut holdings = Vec::new();
    for (school, member) in node.roster(&group).unwrap_or_default().current() {
        if school == node.identity().school() {
            continue;
        }
        let connected = member.nodes.iter().find(|key| network.is_connected(key));
        let mut holding = None;
        if let Some(key) = connected
            && let Ok(Response::Holding(held)) =
                network.ask(*key, Vec::new(), Request::Holding { group }).await
        {
            holding = Some(held);
        }
        let complete = holding
            .is_some_and(|held| held.digest == own && held.searchable && held.bodies_missing == 0);
        let name = member.claims.name.clone();
        holdings.push(MemberHolding { school, name, holding, complete });
    }
    Ok(Json(holdings))
}
