//! How the node is doing.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use staffroom_protocol::group::{Claims, GroupKind, Role};
use staffroom_protocol::hash::{GroupId, Hash, SchoolId};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::comparisons::{self, ComparisonsReport};
use super::given::Json;
use super::members;
use super::saved_searches::{self, SearchNews};
use crate::ago::minute;
use crate::heard::SchoolHeard;
use crate::line::InForce;
use crate::network::Traffic;
use crate::node::Node;
use crate::peer_clocks::ClockReport;
use crate::store::StoreError;

/// Schools that are named, those of the longest silence.
const SILENT_NAMED: usize = 10;

/// Schools of one group that are listed with when they were last heard from.
const MAX_HEARD: usize = 1_000;

/// The state of a node.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StatusReport {
    /// The version of the program.
    pub version: String,
    /// The school.
    pub school: SchoolId,
    /// What it says of itself.
    pub claims: Claims,
    /// The data directory.
    pub data: String,
    /// Its groups.
    pub groups: Vec<GroupStatus>,
    /// The network; none while the node is not running.
    pub network: Option<NetworkStatus>,
    /// The search index.
    pub index: IndexStatus,
    /// The ceilings of the line to other schools, if any were set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<InForce>,
    /// Saved searches that found what nobody has seen yet.
    #[serde(default)]
    pub news: Vec<SearchNews>,
    /// Entries that wait for their author's admission or for their time to come.
    pub held_aside: usize,
}

/// A group as this node sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GroupStatus {
    /// The group.
    pub id: GroupId,
    /// Its name.
    pub name: String,
    /// What sort of group it is.
    pub kind: Option<GroupKind>,
    /// This school's role; none if it left, was removed, or has not been let in yet.
    pub role: Option<Role>,
    /// When and how this school left or was removed, if it was: "removed on 2026-03-09 by Ash Primary".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// The group that this one was merged into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merged_into: Option<String>,
    /// The school that has still to let this one in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// Member schools.
    pub members: usize,
    /// Member schools with a node that is connected now, this one not counted.
    pub connected: usize,
    /// Records held, withdrawals included.
    pub entries: u64,
    /// A hash over them: equal on nodes that hold the same.
    pub digest: Hash,
    /// Records whose full text has not come yet.
    pub bodies_missing: u64,
    /// When its other schools were last heard from, the longest silence first; a thousand at most.
    #[serde(default)]
    pub heard: Vec<SchoolHeard>,
    /// How many of its other schools were not heard from for an hour or more.
    #[serde(default)]
    pub silent: usize,
    /// Comparisons with its other schools' nodes.
    #[serde(default)]
    pub comparisons: ComparisonsReport,
    /// How this server's clock stands against theirs; none where none of them was read lately.
    #[serde(default)]
    pub clock: Option<ClockReport>,
}

impl GroupStatus {
    /// This school's role in it, or why it has none.
    pub(crate) fn standing(&self) -> String {
        match (self.role, &self.waiting_for, &self.merged_into) {
            (Some(_), _, Some(into)) => format!("merged into {into}"),
            (Some(role), _, None) => role.to_string(),
            (None, Some(from), _) => format!("waits for {from}"),
            (None, None, _) => self.left.clone().unwrap_or_else(|| "left".to_owned()),
        }
    }

    /// What there is to say of it beside its counts, a sentence or two each.
    pub(crate) fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if let Some(clock) = self.clock.as_ref()
            && let Some(said) = clock.sentence()
        {
            remarks.push(if clock.stops_publishing {
                format!("CLOCK: {said}. Nothing can be published until it is right.")
            } else if clock.holds_others_aside() {
                format!("CLOCK: {said}. What the others share waits here until it is right.")
            } else {
                format!("Clock: {said}.")
            });
        }
        let others = self.members.saturating_sub(1);
        if self.role.is_some() && others > 0 {
            remarks.push(self.who_was_heard(others));
        }
        let compared = &self.comparisons;
        let bringing = compared.under_way.iter().filter(|one| one.brings_something());
        remarks.extend(bringing.map(|one| format!("Catching up: {}.", one.sentence())));
        match compared.waiting {
            0 => {}
            1 => remarks.push("1 more comparison waits for its turn.".to_owned()),
            count => remarks.push(format!("{count} more comparisons wait for their turn.")),
        }
        if let Some(last) = &compared.last {
            remarks.push(format!(
                "Last compared with {} at {}: {}.",
                last.school,
                minute(&last.when),
                last.ended()
            ));
        }
        remarks.extend(compared.unsettled.iter().map(|one| {
            format!(
                "A difference with {} has not been settled since {}: {}. Its log or this server's \
                 says why.",
                one.school,
                minute(&one.since),
                one.sentence()
            )
        }));
        remarks
    }

    /// Which of its other schools were heard from.
    fn who_was_heard(&self, others: usize) -> String {
        let recent = others.saturating_sub(self.silent);
        let mut said = format!("{recent} of {others} other schools heard from within the hour.");
        for one in self.heard.iter().filter(|one| one.is_silent()).take(SILENT_NAMED) {
            said.push_str(&format!(" {} {}.", one.name, one.sentence()));
        }
        match self.silent.saturating_sub(SILENT_NAMED) {
            0 => {}
            more => said.push_str(&format!(" And {more} more not for an hour or longer.")),
        }
        said
    }
}

/// The network as this node sees it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NetworkStatus {
    /// Addresses on which it listens.
    pub listening: Vec<String>,
    /// The same addresses with the node's id: what another school gives to `staffroom recover`.
    pub contact: Vec<String>,
    /// Nodes connected.
    pub connected: usize,
    /// Bytes sent and received since the start.
    pub traffic: Traffic,
}

/// The search index.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IndexStatus {
    /// Documents in it.
    pub documents: u64,
    /// The store's position up to which everything can be found.
    pub position: u64,
    /// The store's position.
    pub store_position: u64,
    /// Whether everything can be found.
    pub up_to_date: bool,
    /// Why it was made again when the node was opened, if it was.
    pub rebuilt_because: Option<String>,
}

/// How this school’s server is doing: its groups, the network and the search index.
#[utoipa::path(
    get,
    path = "/status",
    responses((status = 200, body = StatusReport)),
)]
pub(super) async fn status(State(node): State<Arc<Node>>) -> Result<Json<StatusReport>, ApiError> {
    Ok(Json(blocking(move || report(&node)).await??))
}

/// Makes the search index again from what is stored.
#[utoipa::path(
    post,
    path = "/index/rebuild",
    responses((status = 200, body = IndexStatus)),
)]
pub(super) async fn rebuild_index(State(node): State<Arc<Node>>) -> Json<IndexStatus> {
    node.indexer().rebuild();
    Json(index_status(&node))
}

pub(super) async fn metrics(State(node): State<Arc<Node>>) -> String {
    node.network().map(crate::network::Network::metrics).unwrap_or_default()
}

pub(super) fn report(node: &Node) -> Result<StatusReport, StoreError> {
    Ok(StatusReport {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        school: node.identity().school(),
        claims: node.identity().claims().clone(),
        data: node.home().dir().display().to_string(),
        groups: group_statuses(node)?,
        network: node.network().map(|network| NetworkStatus {
            listening: network.listening().iter().map(ToString::to_string).collect(),
            contact: network.contact_addresses().iter().map(ToString::to_string).collect(),
            connected: network.connected().len(),
            traffic: network.traffic(),
        }),
        index: index_status(node),
        line: node.line().in_force(jiff::Timestamp::now()),
        news: saved_searches::news(node)?,
        held_aside: node.held_aside(),
    })
}

/// How the groups are doing, those included that this school waits to be let into.
pub(super) fn group_statuses(node: &Node) -> Result<Vec<GroupStatus>, StoreError> {
    let joining = node.joining();
    let mut groups = Vec::new();
    for (id, name) in node.group_names() {
        if !joining.iter().any(|invite| invite.group == id) {
            groups.push(group_status(node, id, name)?);
        }
    }
    for invite in joining {
        groups.push(GroupStatus {
            kind: Some(invite.group_kind),
            waiting_for: Some(invite.from),
            ..group_status(node, invite.group, invite.group_name)?
        });
    }
    Ok(groups)
}

pub(super) fn group_status(
    node: &Node,
    id: GroupId,
    name: String,
) -> Result<GroupStatus, StoreError> {
    let roster = node.roster(&id).unwrap_or_default();
    let own = node.identity().school();
    let connected = node.network().map(crate::network::Network::connected).unwrap_or_default();
    let left = roster.members().get(&own).filter(|member| member.departed.is_some());
    let left = left.map(|member| members::report(node, &roster, own, member).standing());
    let (entries, digest) = node.content(&id);
    let mut heard = if node.is_member(&id) { node.last_heard(&id) } else { Vec::new() };
    let silent = heard.iter().filter(|one| one.is_silent()).count();
    heard.truncate(MAX_HEARD);
    Ok(GroupStatus {
        id,
        name,
        waiting_for: None,
        left: left.filter(|_| !node.is_member(&id)),
        merged_into: roster.merger().map(|merger| merger.name.clone()),
        kind: roster.founding().map(|founding| founding.kind),
        role: roster.member(&own).filter(|_| node.is_member(&id)).map(|own| own.role),
        members: roster.current().count(),
        connected: roster
            .current()
            .filter(|(school, member)| {
                *school != own && member.nodes.iter().any(|key| connected.contains_key(key))
            })
            .count(),
        entries,
        digest,
        bodies_missing: node.bodies_missing(&id),
        heard,
        silent,
        comparisons: comparisons::report(node, &id),
        clock: node.clock_in(&id).filter(|_| node.is_member(&id)),
    })
}

fn index_status(node: &Node) -> IndexStatus {
    let indexer = node.indexer();
    IndexStatus {
        documents: indexer.count(),
        position: indexer.position(),
        store_position: node.store().position(),
        up_to_date: indexer.is_up_to_date(node.store()),
        rebuilt_because: indexer.rebuilt_because().map(ToOwned::to_owned),
    }
}
