//! The page of a group: its schools, who asks to be let in, its invites and its root.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::hash::{GroupId, SchoolId};

use super::super::feed::{Entry, Feed};
use super::super::frame::Frame;
use super::super::table::{Cell, download, table};
use super::super::{at_work, error_page, in_the_way, render};
use super::name_of;
use crate::ago::minute;
use crate::http::api_error::ApiError;
use crate::http::groups::MAX_INVITE_DAYS;
use crate::http::members::{self, MemberHolding, MemberReport};
use crate::http::search::{HitReport, first_hits};
use crate::http::status::{GroupStatus, group_status};
use crate::http::visitor::Visitor;
use crate::invites::{InviteMade, InviteState};
use crate::joining::Asking;
use crate::node::Node;
use crate::succession::NextKey;

/// For how long an invite is valid unless somebody says otherwise: over a holiday of two weeks.
const INVITE_DAYS: u64 = 14;

/// Records in the feed of a group: what a trust of thirty schools shares in a week. A reader that asks once a
/// day misses none of them.
const MOST_NEWS: usize = 50;

#[derive(Template)]
#[template(path = "group.html")]
struct GroupPage {
    frame: Frame,
    about: About,
    problem: Option<String>,
}

/// What there is to say of a group.
pub(super) struct About {
    status: GroupStatus,
    /// Every school that is or was a member, by id.
    schools: Vec<MemberReport>,
    /// Who holds the root, in words.
    root: String,
    /// Those who hold it.
    keyholders: Vec<SchoolId>,
    /// Whether this school is one of them.
    holds_root: bool,
    /// Whether this school is an admin.
    is_admin: bool,
    /// Whether the school's key is locked with a passphrase, which naming an admin asks for.
    locked: bool,
    next_keys: Vec<NextKey>,
    requests: Vec<Asking>,
    invites: Vec<InviteMade>,
}

impl About {
    fn of(node: &Node, group: &GroupId) -> Result<Self, ApiError> {
        let name = name_of(node, group)?;
        let is_admin = node.administered(group).is_ok();
        let root = node.root(group);
        Ok(Self {
            status: group_status(node, *group, name)?,
            schools: members::reports(node, group)?,
            root: root.sentence(),
            holds_root: root.keyholders.iter().any(|one| one.own) && node.is_member(group),
            keyholders: root.keyholders.into_iter().map(|one| one.school).collect(),
            is_admin,
            locked: node.home().asks_for_passphrase(),
            next_keys: node.next_keys(group),
            requests: if is_admin { node.requests(group)? } else { Vec::new() },
            invites: if is_admin { node.invites(group)? } else { Vec::new() },
        })
    }
}

impl GroupPage {
    const DAYS: u64 = INVITE_DAYS;
    const MAX_DAYS: u64 = MAX_INVITE_DAYS;

    /// Whether an administrator of an admin school reads it.
    fn admits(&self) -> bool {
        self.about.is_admin && self.frame.administers()
    }

    fn members(&self) -> Vec<&MemberReport> {
        members(&self.about.schools)
    }

    fn former(&self) -> Vec<&MemberReport> {
        former(&self.about.schools)
    }

    fn name(&self, school: &MemberReport) -> String {
        school.shown_name(&self.about.schools)
    }

    fn holds_root(&self, school: &MemberReport) -> bool {
        self.about.keyholders.contains(&school.school)
    }

    fn is_admin(&self, school: &MemberReport) -> bool {
        school.role == staffroom_protocol::group::Role::Admin
    }

    /// Whether it has heard who belongs to the group.
    fn roster(&self, school: &MemberReport) -> String {
        match &school.up_to_date_since {
            Some(since) => self.frame.with("group-up-to-date", "when", minute(since)),
            None => self.frame.t("group-not-up-to-date"),
        }
    }

    /// Invites that can be used, and those that cannot any more.
    fn invites(&self, open: bool) -> Vec<&InviteMade> {
        let is_open = |one: &&InviteMade| (one.state == InviteState::Open) == open;
        self.about.invites.iter().filter(is_open).collect()
    }

    fn expires(&self, invite: &InviteMade) -> String {
        self.frame.day(&Timestamp::from_millis(invite.expires_millis).to_string())
    }
}

/// Members by name, this school first.
pub(super) fn members(schools: &[MemberReport]) -> Vec<&MemberReport> {
    let mut here: Vec<_> = schools.iter().filter(|one| one.left.is_none()).collect();
    here.sort_by_key(|one| (!one.own, one.claims.name.to_lowercase()));
    here
}

/// Those that were members.
fn former(schools: &[MemberReport]) -> Vec<&MemberReport> {
    schools.iter().filter(|one| one.left.is_some()).collect()
}

#[derive(Template)]
#[template(path = "holdings.html")]
struct HoldingsPage {
    frame: Frame,
    group: GroupId,
    name: String,
    holdings: Vec<MemberHolding>,
}

/// The page of a group, with what was in the way of something.
pub(super) async fn page(
    frame: Frame,
    node: Arc<Node>,
    group: GroupId,
    problem: Option<ApiError>,
) -> Response {
    let (status, problem) = in_the_way(problem.as_ref());
    match at_work(&frame, move || About::of(&node, &group)).await {
        Ok(about) => render(status, &GroupPage { frame, about, problem }),
        Err(error) => error,
    }
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(group): Path<GroupId>,
) -> Response {
    page(frame, node, group, None).await
}

/// The schools of a group as a table, those that were members last.
pub(crate) async fn schools(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(group): Path<GroupId>,
) -> Result<Response, Response> {
    const COLUMNS: [&str; 10] = [
        "school",
        "role",
        "standing",
        "member since",
        "left",
        "up to date since",
        "URN",
        "phase",
        "location",
        "id",
    ];
    let written = at_work(&frame, move || {
        name_of(&node, &group)?;
        let all = members::reports(&node, &group)?;
        let row = |one: &MemberReport| {
            let claims = &one.claims;
            [
                Cell::text(&one.shown_name(&all)),
                Cell::value(Some(one.role)),
                Cell::text(&one.standing()),
                Cell::text(&one.since),
                Cell::optional(one.left.as_deref()),
                Cell::optional(one.up_to_date_since.as_deref()),
                Cell::value(claims.urn.as_ref()),
                Cell::optional(claims.phase.as_deref()),
                Cell::optional(claims.location.as_deref()),
                Cell::value(Some(one.school)),
            ]
        };
        table(COLUMNS, members(&all).into_iter().chain(former(&all)).map(row))
    });
    Ok(download("schools", written.await?))
}

/// What is new in a group, for a news reader: of each record its newest version there.
pub(crate) async fn feed(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(group): Path<GroupId>,
    headers: HeaderMap,
) -> Result<Response, Response> {
    let what = frame.t("group-feed-what");
    let feed = at_work(&frame, move || newest(&node, &group, what)).await?;
    Ok(feed.send(&visitor, &headers))
}

fn newest(node: &Node, group: &GroupId, subtitle: String) -> Result<Feed, ApiError> {
    let name = name_of(node, group)?;
    let own = node.identity();
    let joined = node.with_membership(group, |set| {
        set.roster().member(&own.school()).map(|member| member.since.to_string())
    });
    let Some(joined) = joined.flatten().filter(|_| node.is_member(group)) else {
        return Err(ApiError::not_found(format!(
            "this school is not in {name}, so nothing new comes from it"
        )));
    };
    let asked = [("group", group.to_string()), ("sort", "newest".to_owned())];
    let asked = asked.map(|(name, value)| (name.to_owned(), value));
    let entries: Vec<Entry> =
        first_hits(node, &asked, MOST_NEWS)?.into_iter().map(Entry::from).collect();
    Ok(Feed {
        tag: format!("group/{group}"),
        title: name,
        subtitle,
        updated: entries.first().map_or(joined, |newest| newest.updated.clone()),
        school: own.claims().name.clone(),
        page: format!("/network/{group}"),
        entries,
    })
}

impl From<HitReport> for Entry {
    fn from(hit: HitReport) -> Self {
        Self {
            id: hit.id,
            school: hit.school,
            school_name: hit.school_name,
            title: hit.title,
            kind_label: hit.kind_label,
            in_short: hit.passage,
            updated: hit.updated,
        }
    }
}

/// Asks each member that is connected what it holds.
pub(crate) async fn holdings(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(group): Path<GroupId>,
) -> Response {
    let asked = async {
        let name = name_of(&node, &group)?;
        Ok::<_, ApiError>((name, members::held(&node, &group).await?))
    };
    match asked.await {
        Ok((name, holdings)) => {
            render(StatusCode::OK, &HoldingsPage { frame, group, name, holdings })
        }
        Err(error) => error_page(&frame, &error),
    }
}
