//! Removing a school from a group, and leaving one: each on a page of its own that says what it means.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use staffroom_protocol::hash::{GroupId, SchoolId};

use super::super::frame::Frame;
use super::super::{at_work, render};
use super::{gone_on, group, name_of};
use crate::http::api_error::{ApiError, blocking};
use crate::http::groups::changed;
use crate::http::members::{self, MemberReport};
use crate::node::Node;

#[derive(Template)]
#[template(path = "remove.html")]
struct RemovePage {
    frame: Frame,
    group: GroupId,
    group_name: String,
    school: SchoolId,
    school_name: String,
    /// Other members that are connected, and that are not.
    connected: usize,
    away: usize,
}

#[derive(Template)]
#[template(path = "leave.html")]
struct LeavePage {
    frame: Frame,
    group: GroupId,
    group_name: String,
}

/// What becomes of what this school shared.
#[derive(Deserialize)]
pub(crate) struct LeaveForm {
    records: Records,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Records {
    /// It stays with the members.
    Stay,
    /// The members drop it.
    Leave,
}

/// The name of a school that is a member now, as the group's page shows it.
fn member_name(schools: &[MemberReport], school: &SchoolId) -> Result<String, ApiError> {
    let member = schools.iter().find(|one| one.school == *school && one.left.is_none());
    let member = member.ok_or_else(|| {
        ApiError::not_found(format!(
            "the school {} is no member of this group; its page lists those that are",
            school.short()
        ))
    })?;
    Ok(member.shown_name(schools))
}

pub(crate) async fn ask_remove(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((group, school)): Path<(GroupId, SchoolId)>,
) -> Result<Response, Response> {
    let found = at_work(&frame, move || {
        let (group_name, _) = node.administered(&group)?;
        let schools = members::reports(&node, &group)?;
        let school_name = member_name(&schools, &school)?;
        let others = schools
            .into_iter()
            .filter(|one| !one.own && one.left.is_none() && one.school != school);
        let (here, away): (Vec<_>, Vec<_>) = others.partition(|one| one.connected);
        Ok((group_name, school_name, here.len(), away.len()))
    });
    let (group_name, school_name, connected, away) = found.await?;
    let page = RemovePage { frame, group, group_name, school, school_name, connected, away };
    Ok(render(StatusCode::OK, &page))
}

pub(crate) async fn remove(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, school)): Path<(GroupId, SchoolId)>,
) -> Response {
    let finding = Arc::clone(&node);
    let removed = async {
        let name = blocking(move || {
            let schools = members::reports(&finding, &id)?;
            member_name(&schools, &school)
        });
        let name = name.await??;
        let done =
            changed(&node, id, move |node, group| node.remove_member(group, &school)).await?;
        Ok(format!("{name} ({}) from {}", school.short(), done.name))
    };
    match removed.await {
        Ok(about) => gone_on(&id, about),
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}

pub(crate) async fn ask_leave(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(group): Path<GroupId>,
) -> Result<Response, Response> {
    let group_name = at_work(&frame, move || Ok(name_of(&node, &group)?)).await?;
    Ok(render(StatusCode::OK, &LeavePage { frame, group, group_name }))
}

pub(crate) async fn leave(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<GroupId>,
    form: Result<Form<LeaveForm>, FormRejection>,
) -> Response {
    let left = async {
        let Form(LeaveForm { records }) = form?;
        let stay = matches!(records, Records::Stay);
        changed(&node, id, move |node, group| node.leave_group(group, stay)).await
    };
    match left.await {
        Ok(left) => gone_on(&id, left.name),
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}
