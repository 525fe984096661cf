//! Joining a group with an invite, and answering a school that asks to be let in.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::{GroupId, SchoolId};

use super::super::frame::Frame;
use super::super::render;
use super::{gone_on, group, page};
use crate::groups::GroupError;
use crate::http::groups::{changed, joined};
use crate::http::guard::Noted;
use crate::node::Node;

#[derive(Template)]
#[template(path = "join.html")]
struct JoinPage {
    frame: Frame,
    /// The line of the invite, to send once more.
    line: String,
    invite: Invite,
    /// The day on which it expires.
    expires: String,
}

/// An invite that was pasted, and then agreed to.
#[derive(Deserialize)]
pub(crate) struct JoinForm {
    invite: String,
    /// Whether the person has read what it does.
    agreed: Option<String>,
}

/// Says what an invite does, and on the second call joins.
pub(crate) async fn join(
    frame: Frame,
    State(node): State<Arc<Node>>,
    form: Result<Form<JoinForm>, FormRejection>,
) -> Response {
    let JoinForm { invite: line, agreed } = match form {
        Ok(Form(form)) => form,
        Err(rejection) => {
            return page(frame, node, Some(rejection.into()), String::new()).await;
        }
    };
    let invite: Invite = match line.parse() {
        Ok(invite) => invite,
        Err(error) => {
            return page(frame, node, Some(GroupError::Invite(error).into()), line).await;
        }
    };
    if agreed.is_none() {
        let expires = jiff::Timestamp::from_millisecond(invite.expires_millis.cast_signed());
        let expires = expires.map(|when| frame.day(&when.to_string())).unwrap_or_default();
        let page = render(StatusCode::OK, &JoinPage { frame, line, invite, expires });
        return (Extension(Noted::Nothing), page).into_response();
    }
    match joined(&node, invite).await {
        Ok(joined) if joined.waiting => {
            let about = format!("{}, which waits for {}", joined.name, joined.from);
            (Extension(Noted::About(about)), Redirect::to("/network")).into_response()
        }
        Ok(joined) => gone_on(&joined.id, joined.name),
        Err(problem) => page(frame, node, Some(problem), line).await,
    }
}

pub(crate) async fn admit(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(asked): Path<(GroupId, SchoolId)>,
) -> Response {
    answer(frame, node, asked, true).await
}

pub(crate) async fn decline(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(asked): Path<(GroupId, SchoolId)>,
) -> Response {
    answer(frame, node, asked, false).await
}

async fn answer(
    frame: Frame,
    node: Arc<Node>,
    (id, school): (GroupId, SchoolId),
    admit: bool,
) -> Response {
    let answered = changed(&node, id, move |node, group| {
        node.answer_request(group, &school.to_string(), admit)
    });
    match answered.await {
        Ok(done) => gone_on(&id, format!("{} in {}", school.short(), done.name)),
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}
