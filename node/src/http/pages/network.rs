//! The pages about groups: which this school is in, founding one, and joining one. Each page below it has a
//! file of its own. Addresses hold the whole ids of groups and schools, which no name can be taken for.

pub(crate) mod admins;
pub(crate) mod group;
pub(crate) mod invites;
pub(crate) mod joining;
pub(crate) mod map;
pub(crate) mod parting;

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use staffroom_protocol::group::GroupKind;
use staffroom_protocol::hash::GroupId;

use super::frame::Frame;
use super::{at_work, in_the_way, render};
use crate::groups::GroupError;
use crate::http::api_error::ApiError;
use crate::http::groups::{CreateGroup, created};
use crate::http::guard::Noted;
use crate::http::status::{GroupStatus, group_statuses};
use crate::node::Node;

#[derive(Template)]
#[template(path = "network.html")]
struct NetworkPage {
    frame: Frame,
    groups: Vec<GroupStatus>,
    problem: Option<String>,
    /// The line of an invite that was typed, where it did not work.
    line: String,
}

impl NetworkPage {
    /// The sorts of groups, and the message that says what each is.
    fn kinds(&self) -> [(GroupKind, &'static str); 3] {
        [
            (GroupKind::Trust, "network-trust"),
            (GroupKind::Cluster, "network-cluster"),
            (GroupKind::Network, "network-network"),
        ]
    }
}

/// The list of groups, with what was in the way of something.
async fn page(frame: Frame, node: Arc<Node>, problem: Option<ApiError>, line: String) -> Response {
    let (status, problem) = in_the_way(problem.as_ref());
    match at_work(&frame, move || Ok(group_statuses(&node)?)).await {
        Ok(groups) => render(status, &NetworkPage { frame, groups, problem, line }),
        Err(error) => error,
    }
}

pub(crate) async fn show(frame: Frame, State(node): State<Arc<Node>>) -> Response {
    page(frame, node, None, String::new()).await
}

pub(crate) async fn create(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<CreateGroup>, FormRejection>,
) -> Response {
    let done = async {
        let Form(new) = form?;
        created(&node, new).await
    };
    match done.await {
        Ok(group) => gone_on(&group.id, group.name),
        Err(problem) => page(frame, node, Some(problem), String::new()).await,
    }
}

/// On to the page of a group, once something was done there; the audit log hears what it was about.
fn gone_on(group: &GroupId, about: String) -> Response {
    (Extension(Noted::About(about)), Redirect::to(&format!("/network/{group}"))).into_response()
}

/// The name of a group that this school is or was in.
fn name_of(node: &Node, group: &GroupId) -> Result<String, GroupError> {
    let mut names = node.group_names();
    names.remove(group).ok_or_else(|| GroupError::Unknown {
        given: group.short(),
        known: names.into_values().collect(),
    })
}
