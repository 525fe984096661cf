//! The members of a group over HTTP: when each was heard from, what it has heard, and what it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::roster::{Member, Roster};
use staffroom_protocol::group::statement::Parting;
use staffroom_protocol::group::{Claims, Role};
use staffroom_protocol::hash::{GroupId, SchoolId};
use staffroom_protocol::identity::PublicKey;
use staffroom_protocol::sync::message::{Holding, Request, Response};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use crate::ago::minute;
use crate::groups::GroupError;
use crate::heard::SchoolHeard;
use crate::node::Node;

/// Members that are asked at once what they hold: as long as a slow one takes to answer, others do.
const ASKED_AT_ONCE: usize = 16;

/// A member of a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

impl MemberReport {
    /// Its name, with its id where another of the group has the same: a school that was set up anew
    /// has the name of what it was.
    pub(crate) fn shown_name(&self, members: &[Self]) -> String {
        let name = &self.claims.name;
        let same = members.iter().filter(|other| other.claims.name == *name).count();
        if same > 1 { format!("{name} ({})", self.school.short()) } else { name.clone() }
    }

    /// "connected", "was last heard from 5 hours ago" or "removed on 2026-03-09 by Ash Primary".
    pub(crate) fn standing(&self) -> String {
        match (&self.left, &self.removed_by, self.own, self.connected) {
            (Some(when), Some(by), ..) => {
                format!("removed on {} by {by}", when.get(..10).unwrap_or_default())
            }
            (Some(when), None, ..) => {
                let what = match (self.why, &self.next) {
                    (_, Some(next)) => format!("goes on as {next}"),
                    (Some(Parting::Moved), None) => "moved to another group".to_owned(),
                    (Some(Parting::Closed), None) => "closed".to_owned(),
                    (None, None) => "left".to_owned(),
                };
                format!("{what} on {}", when.get(..10).unwrap_or_default())
            }
            (None, _, true, _) => "this school".to_owned(),
            (None, _, false, true) => "connected".to_owned(),
            (None, _, false, false) => match &self.heard {
                Some(heard) => heard.sentence(),
                None => "not connected".to_owned(),
            },
        }
    }

    /// For a school that was removed: who has heard of it, and who may still share with it.
    pub(crate) fn who_heard(&self) -> Option<String> {
        if self.heard_by.is_empty() {
            return None;
        }
        let (count, name) = (self.heard_by.len(), &self.claims.name);
        let outstanding: Vec<&str> = self
            .heard_by
            .iter()
            .filter(|one| one.since.is_none())
            .map(|one| one.school.as_str())
            .collect();
        if outstanding.is_empty() {
            let last = self.heard_by.iter().filter_map(|one| one.since.as_deref()).max();
            return Some(format!(
                "All other schools have heard that {name} was removed, the last one at {}.",
                minute(last.unwrap_or_default())
            ));
        }
        Some(format!(
            "{} of {count} other schools have heard that {name} was removed. Not yet: {}. Until \
             they hear of it they may go on sharing with {name}.",
            count - outstanding.len(),
            outstanding.join(", ")
        ))
    }
}

/// Whether a member has heard of a removal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeardBy {
    /// The member's name.
    pub school: String,
    /// Since when it is known to have heard; none where it has not confirmed it.
    pub since: Option<String>,
}

/// How much a member holds of a group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
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

/// Lists the schools that are or were members of a group.
#[utoipa::path(
    get,
    path = "/groups/{group}/members",
    responses((status = 200, body = Vec<MemberReport>), (status = 404)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<MemberReport>>, ApiError> {
    Ok(Json(blocking(move || reports(&node, &node.find_group(&group)?)).await??))
}

/// Every school that is or was a member.
pub(super) fn reports(node: &Node, group: &GroupId) -> Result<Vec<MemberReport>, GroupError> {
    let roster = node.roster(group).unwrap_or_default();
    let up_to_date = node.up_to_date(group)?;
    let last_heard = node.last_heard(group).into_iter();
    let mut heard: BTreeMap<SchoolId, SchoolHeard> =
        last_heard.map(|one| (one.school, one)).collect();
    let mut members = Vec::new();
    for (school, member) in roster.members() {
        let since = up_to_date.get(school).copied().flatten();
        let up_to_date_since = since.map(|since| Timestamp::from_millis(since).to_string());
        members.push(MemberReport {
            up_to_date_since,
            heard: heard.remove(school),
            heard_by: heard_by(node, group, &roster, member)?,
            ..report(node, &roster, *school, member)
        });
    }
    Ok(members)
}

/// What a roster says of a school; what was heard of it is not looked up.
pub(super) fn report(
    node: &Node,
    roster: &Roster,
    school: SchoolId,
    member: &Member,
) -> MemberReport {
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

/// Asks every member that is connected how much it holds of a group.
#[utoipa::path(
    get,
    path = "/groups/{group}/holdings",
    responses((status = 200, body = Vec<MemberHolding>), (status = 404)),
)]
pub(super) async fn holdings(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<MemberHolding>>, ApiError> {
    Ok(Json(held(&node, &node.find_group(&group)?).await?))
}

/// Asks every other member that is connected what it holds.
pub(super) async fn held(node: &Node, group: &GroupId) -> Result<Vec<MemberHolding>, GroupError> {
    let network = node.network().ok_or(GroupError::NoNetwork)?;
    let (_, own) = node.content(group);
    let roster = node.roster(group).unwrap_or_default();
    let mut asked = Vec::new();
    for (school, member) in roster.current() {
        if school == node.identity().school() {
            continue;
        }
        let (network, name) = (network.clone(), member.claims.name.clone());
        let connected = member.nodes.iter().find(|key| network.is_connected(key)).copied();
        let (group, own) = (*group, own);
        asked.push(async move {
            let mut holding = None;
            if let Some(key) = connected
                && let Ok(Response::Holding(held)) =
                    network.ask(key, Vec::new(), Request::Holding { group }).await
            {
                holding = Some(held);
            }
            let complete = holding.is_some_and(|held| {
                held.digest == own && held.searchable && held.bodies_missing == 0
            });
            MemberHolding { school, name, holding, complete }
        });
    }
    Ok(stream::iter(asked).buffered(ASKED_AT_ONCE).collect().await)
}
