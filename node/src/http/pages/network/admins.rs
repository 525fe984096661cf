//! Naming and dismissing the admins of a group.

use std::sync::Arc;

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, http::StatusCode};
use staffroom_protocol::hash::{GroupId, SchoolId};

use super::super::frame::Frame;
use super::super::message_page;
use super::{gone_on, group};
use crate::http::api_error::blocking;
use crate::http::groups::changed;
use crate::http::guard::Noted;
use crate::http::nodes::Unlock;
use crate::node::Node;

pub(crate) async fn name(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, school)): Path<(GroupId, SchoolId)>,
    form: Result<Form<Unlock>, FormRejection>,
) -> Response {
    let naming = Arc::clone(&node);
    let named = async {
        let Form(unlock) = form?;
        let named = blocking(move || naming.name_admin(&id, &school, unlock.given())).await?;
        Ok(named?)
    };
    match named.await {
        Ok(act) => {
            let about = format!("{} in {}", school.short(), act.name);
            if act.proposal.is_none() {
                return gone_on(&id, about);
            }
            // Others have to sign too, and need the line.
            let heading = frame.t("group-others-sign");
            let page = message_page(&frame, StatusCode::OK, &heading, &act.sentence());
            (Extension(Noted::About(about)), page).into_response()
        }
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}

pub(crate) async fn dismiss(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, school)): Path<(GroupId, SchoolId)>,
) -> Response {
    let done = changed(&node, id, move |node, group| node.dismiss_admin(group, &school));
    match done.await {
        Ok(done) => gone_on(&id, format!("{} in {}", school.short(), done.name)),
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}
