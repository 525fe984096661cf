//! Groups over HTTP.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::group::proposal::Proposed;
use staffroom_protocol::group::{GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path, Query};
use super::guard::Noted;
use super::nodes::Unlock;
use super::status::{GroupStatus, group_statuses};
use crate::groups::GroupError;
use crate::invites::InviteMade;
use crate::joining::{Asking, Joining};
use crate::node::Node;
use crate::root::{RootAct, RootReport};

/// Longest that an invite can be valid: a term, with its holidays.
pub(super) const MAX_INVITE_DAYS: u64 = 120;

/// The same in seconds.
pub(super) const MAX_INVITE_SECONDS: u64 = MAX_INVITE_DAYS * 86_400;

/// A group that was created, joined or left.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupReport {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
}

/// An invite.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct InviteRevoked {
    /// Names it.
    pub id: Hash,
}

/// How far this school is in joining a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateGroup {
    pub(super) name: String,
    pub(super) kind: GroupKind,
}

/// What becomes of the records of a school that leaves.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Keeping {
    /// Whether they stay with the group.
    records_stay: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewRoot {
    keyholders: Vec<String>,
    threshold: u8,
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenProposal {
    proposal: String,
    /// Whether to sign it, and not only to say what it does.
    #[serde(default)]
    sign: bool,
    #[serde(default)]
    passphrase: Option<String>,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MakeInvite {
    pub(super) valid_seconds: u64,
    #[serde(default)]
    pub(super) role: Role,
    #[serde(default)]
    pub(super) ask: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct JoinGroup {
    invite: String,
}

/// Lists the groups that this school is in, or waits to be let into.
#[utoipa::path(
    get,
    path = "/groups",
    responses((status = 200, body = Vec<GroupStatus>)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
) -> Result<Json<Vec<GroupStatus>>, ApiError> {
    Ok(Json(blocking(move || group_statuses(&node)).await??))
}

/// Founds a group, of which this school is the first admin.
#[utoipa::path(
    post,
    path = "/groups",
    responses((status = 200, body = GroupReport), (status = 409)),
)]
pub(super) async fn create(
    State(node): State<Arc<Node>>,
    Json(new): Json<CreateGroup>,
) -> Result<Json<GroupReport>, ApiError> {
    Ok(Json(created(&node, new).await?))
}

/// Founds a group.
pub(super) async fn created(node: &Arc<Node>, new: CreateGroup) -> Result<GroupReport, ApiError> {
    let creating = Arc::clone(node);
    let name = new.name.trim().to_owned();
    let id = blocking(move || creating.create_group(&new.name, new.kind)).await??;
    follow(node).await;
    Ok(GroupReport { id, name })
}

/// Makes an invite to a group.
#[utoipa::path(
    post,
    path = "/groups/{group}/invites",
    responses((status = 200, body = InviteReport), (status = 404), (status = 409)),
)]
pub(super) async fn invite(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Json(new): Json<MakeInvite>,
) -> Result<Json<InviteReport>, ApiError> {
    let group = node.find_group(&group)?;
    Ok(Json(invited(&node, group, new).await?))
}

/// Makes an invite.
pub(super) async fn invited(
    node: &Arc<Node>,
    group: GroupId,
    new: MakeInvite,
) -> Result<InviteReport, ApiError> {
    let valid = Duration::from_secs(new.valid_seconds);
    if valid.is_zero() || valid.as_secs() > MAX_INVITE_SECONDS {
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
    let inviting = Arc::clone(node);
    let invite = blocking(move || inviting.invite(&group, valid, new.role, new.ask)).await??;
    Ok(InviteReport {
        invite: invite.to_string(),
        id: invite.id(),
        expires: Timestamp::from_millis(invite.expires_millis / 1_000 * 1_000).to_string(),
        group: invite.group_name,
    })
}

/// Lists the invites that this school made, without their secrets.
#[utoipa::path(
    get,
    path = "/groups/{group}/invites",
    responses((status = 200, body = Vec<InviteMade>), (status = 404), (status = 409)),
)]
pub(super) async fn invites(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<InviteMade>>, ApiError> {
    let invites = blocking(move || node.invites(&node.find_group(&group)?)).await??;
    Ok(Json(invites))
}

/// Takes an invite back.
#[utoipa::path(
    delete,
    path = "/groups/{group}/invites/{invite}",
    responses((status = 200, body = InviteRevoked), (status = 404), (status = 409)),
)]
pub(super) async fn revoke_invite(
    State(node): State<Arc<Node>>,
    Path((group, invite)): Path<(String, String)>,
) -> Result<Json<InviteRevoked>, ApiError> {
    let id = blocking(move || node.revoke_invite(&node.find_group(&group)?, &invite)).await??;
    Ok(Json(InviteRevoked { id }))
}

/// Joins the group of an invite.
#[utoipa::path(
    post,
    path = "/groups/join",
    responses((status = 200, body = JoinReport), (status = 409)),
)]
pub(super) async fn join(
    State(node): State<Arc<Node>>,
    Json(join): Json<JoinGroup>,
) -> Result<Json<JoinReport>, ApiError> {
    let invite: Invite = join.invite.parse().map_err(GroupError::from)?;
    Ok(Json(joined(&node, invite).await?))
}

/// Joins the group of an invite, as far as its school lets this one in at once.
pub(super) async fn joined(node: &Arc<Node>, invite: Invite) -> Result<JoinReport, ApiError> {
    let network = node.network().ok_or(GroupError::NoNetwork)?;
    let waiting = node.join(network, &invite).await? == Joining::Waiting;
    Ok(JoinReport { id: invite.group, name: invite.group_name, from: invite.from, waiting })
}

/// Lists the schools that ask to be let in.
#[utoipa::path(
    get,
    path = "/groups/{group}/requests",
    responses((status = 200, body = Vec<Asking>), (status = 404), (status = 409)),
)]
pub(super) async fn requests(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<Asking>>, ApiError> {
    Ok(Json(blocking(move || node.requests(&node.find_group(&group)?)).await??))
}

/// Lets a school in that asks to be.
#[utoipa::path(
    put,
    path = "/groups/{group}/requests/{school}",
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
pub(super) async fn admit(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.answer_request(id, &school, true)).await
}

/// Turns a school away that asks to be let in.
#[utoipa::path(
    delete,
    path = "/groups/{group}/requests/{school}",
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
pub(super) async fn decline(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.answer_request(id, &school, false)).await
}

/// Leaves a group.
#[utoipa::path(
    delete,
    path = "/groups/{group}/membership",
    params(Keeping),
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
pub(super) async fn leave(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Query(keeping): Query<Keeping>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.leave_group(id, keeping.records_stay)).await
}

/// Joins the group of an invite, and leaves this one for it.
#[utoipa::path(
    post,
    path = "/groups/{group}/move",
    params(Keeping),
    responses((status = 200, body = JoinReport), (status = 404), (status = 409)),
)]
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

/// Says that a group is merged into another.
#[utoipa::path(
    put,
    path = "/groups/{group}/merger/{into}",
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
pub(super) async fn merge(
    State(node): State<Arc<Node>>,
    Path((group, into)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.merge(id, &node.find_group(&into)?)).await
}

/// Leaves every group, since the school closes.
#[utoipa::path(
    delete,
    path = "/memberships",
    params(Keeping),
    responses((status = 200, body = Vec<String>), (status = 409)),
)]
pub(super) async fn close(
    State(node): State<Arc<Node>>,
    Query(keeping): Query<Keeping>,
) -> Result<Json<Vec<String>>, ApiError> {
    let closing = Arc::clone(&node);
    let left = blocking(move || closing.close(keeping.records_stay)).await??;
    follow(&node).await;
    Ok(Json(left))
}

/// Removes a school from a group.
#[utoipa::path(
    delete,
    path = "/groups/{group}/members/{school}",
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
pub(super) async fn remove(
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(String, String)>,
) -> Result<Json<GroupReport>, ApiError> {
    act(node, group, move |node, id| node.remove_member(id, &node.find_member(id, &school)?)).await
}

/// Names a school an admin of a group, as far as this school’s key suffices.
#[utoipa::path(
    put,
    path = "/groups/{group}/admins/{school}",
    responses((status = 200, body = RootAct), (status = 404), (status = 409), (status = 423)),
)]
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

/// Says who holds the keys of a group’s root.
#[utoipa::path(
    get,
    path = "/groups/{group}/root",
    responses((status = 200, body = RootReport), (status = 404)),
)]
pub(super) async fn root(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<RootReport>, ApiError> {
    Ok(Json(node.root(&node.find_group(&group)?)))
}

/// Puts other keyholders in place of those of a group’s root.
#[utoipa::path(
    put,
    path = "/groups/{group}/root",
    responses((status = 200, body = RootAct), (status = 404), (status = 409), (status = 423)),
)]
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

/// Reads what a proposal for a group’s root would do, or signs it.
#[utoipa::path(
    put,
    path = "/proposals",
    responses((status = 200, body = RootAct), (status = 404), (status = 409), (status = 423)),
)]
pub(super) async fn proposal(
    State(node): State<Arc<Node>>,
    Json(given): Json<GivenProposal>,
) -> Result<Response, ApiError> {
    let proposed: Proposed = given.proposal.parse().map_err(GroupError::from)?;
    let is_only_read = !given.sign;
    let answered = blocking(move || {
        if given.sign {
            node.sign_for_root(proposed, given.passphrase.as_deref())
        } else {
            node.read_proposal(&proposed)
        }
    });
    let answer = Json(answered.await??);
    Ok(if is_only_read {
        (Extension(Noted::Nothing), answer).into_response()
    } else {
        answer.into_response()
    })
}

/// Dismisses an admin of a group; the school stays a member.
#[utoipa::path(
    delete,
    path = "/groups/{group}/admins/{school}",
    responses((status = 200, body = GroupReport), (status = 404), (status = 409)),
)]
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
    let group = node.find_group(&group)?;
    Ok(Json(changed(&node, group, what).await?))
}

/// Changes who belongs to the group with this id.
pub(super) async fn changed(
    node: &Arc<Node>,
    id: GroupId,
    what: impl FnOnce(&Node, &GroupId) -> Result<(), GroupError> + Send + 'static,
) -> Result<GroupReport, ApiError> {
    let acting = Arc::clone(node);
    let name = blocking(move || -> Result<_, GroupError> {
        let name = acting.group_names().remove(&id).unwrap_or_else(|| id.short());
        what(&acting, &id)?;
        Ok(name)
    })
    .await??;
    follow(node).await;
    Ok(GroupReport { id, name })
}

async fn follow(node: &Node) {
    if let Some(network) = node.network() {
        network.follow(node.channels()).await;
    }
}
