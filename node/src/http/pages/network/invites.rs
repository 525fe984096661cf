//! Making an invite, which is shown once, and taking one back.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Form};
use serde::Deserialize;
use staffroom_protocol::group::Role;
use staffroom_protocol::hash::GroupId;

use super::super::frame::Frame;
use super::super::render;
use super::{gone_on, group, name_of};
use crate::http::api_error::{ApiError, blocking};
use crate::http::groups::{InviteReport, MakeInvite, invited};
use crate::http::guard::Noted;
use crate::node::Node;
use crate::qr;

#[derive(Template)]
#[template(path = "invite.html")]
struct InvitePage {
    frame: Frame,
    group: GroupId,
    invite: InviteReport,
    /// The day on which it expires.
    expires: String,
    /// It as a QR code; none where its addresses make it too long for one.
    code: Option<String>,
}

/// What an invite is to do.
#[derive(Deserialize)]
pub(crate) struct InviteForm {
    role: Role,
    days: u64,
    /// Ticked, it lets nobody in unseen.
    ask: Option<String>,
}

/// An invite to take back.
#[derive(Deserialize)]
pub(crate) struct RevokeForm {
    invite: String,
}

pub(crate) async fn make(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<GroupId>,
    form: Result<Form<InviteForm>, FormRejection>,
) -> Response {
    let made = async {
        let Form(InviteForm { role, days, ask }) = form?;
        let valid_seconds = days.saturating_mul(24 * 60 * 60);
        invited(&node, id, MakeInvite { valid_seconds, role, ask: ask.is_some() }).await
    };
    match made.await {
        Ok(invite) => {
            let code = qr::svg(&invite.invite);
            let about = format!("{} to {}", invite.id.short(), invite.group);
            let page = InvitePage {
                expires: frame.day(&invite.expires),
                code: code
                    .inspect_err(|error| tracing::info!(%error, "an invite has no code"))
                    .ok(),
                frame,
                group: id,
                invite,
            };
            (Extension(Noted::About(about)), render(StatusCode::OK, &page)).into_response()
        }
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}

pub(crate) async fn revoke(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<GroupId>,
    form: Result<Form<RevokeForm>, FormRejection>,
) -> Response {
    let revoking = Arc::clone(&node);
    let revoked = async {
        let Form(RevokeForm { invite }) = form?;
        let revoked = blocking(move || {
            let name = name_of(&revoking, &id)?;
            Ok::<_, ApiError>(format!(
                "{} to {name}",
                revoking.revoke_invite(&id, &invite)?.short()
            ))
        });
        revoked.await?
    };
    match revoked.await {
        Ok(about) => gone_on(&id, about),
        Err(problem) => group::page(frame, node, id, Some(problem)).await,
    }
}
