//! Backups over the API: for the command line, and for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::Json;
use super::visitor::{Visitor, Who};
use crate::backup::restored::Restored;
use crate::backup::{BackupSettings, Made};
use crate::node::Node;

/// Where backups go, and which there are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct BackupsReport {
    /// What is set; none where no backups are made.
    pub settings: Option<BackupSettings>,
    /// The backups that are there, the newest first.
    pub made: Vec<Made>,
    /// What was in the way of the last one; none if it was made.
    pub problem: Option<String>,
    /// Where this server was restored from a backup and has not heard from other schools since, which
    /// backup that was. Nothing is shown or passed on until then.
    pub restored: Option<Restored>,
    /// The groups from which it has to hear.
    pub not_heard: Vec<String>,
}

/// Says where backups go, and which there are.
#[utoipa::path(get, path = "/backups", responses((status = 200, body = BackupsReport)))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Result<Json<BackupsReport>, ApiError> {
    Ok(Json(blocking(move || report(&node)).await?))
}

/// What there is to say. A folder that cannot be read is a problem to tell of, not a failure.
pub(super) fn report(node: &Node) -> BackupsReport {
    let (made, wrong) = node.made_backups();
    let restored = node.waits_since_restored();
    BackupsReport {
        settings: node.backups().settings(),
        made,
        problem: node.backups().problem().or(wrong.map(|error| error.to_string())),
        not_heard: if restored.is_some() { node.groups_not_heard() } else { Vec::new() },
        restored,
    }
}

/// Sets where backups go. None is made yet. Only the command line may: it names a folder of the server.
#[utoipa::path(put, path = "/backups", responses((status = 200, body = BackupsReport)))]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(settings): Json<BackupSettings>,
) -> Result<Json<BackupsReport>, ApiError> {
    if !matches!(visitor.who, Who::CommandLine) {
        return Err(ApiError::forbidden(
            "where backups go is set on the server's command line alone, with: staffroom backup set",
        ));
    }
    let done = blocking(move || node.set_backups(settings).map(|()| report(&node)));
    Ok(Json(done.await??))
}

/// Makes no backups any longer. Those that are there stay.
#[utoipa::path(delete, path = "/backups", responses((status = 200, body = BackupsReport)))]
pub(super) async fn forget(State(node): State<Arc<Node>>) -> Result<Json<BackupsReport>, ApiError> {
    let done = blocking(move || node.forget_backups().map(|()| report(&node)));
    Ok(Json(done.await??))
}

/// Makes a backup now.
#[utoipa::path(
    post,
    path = "/backups",
    responses((status = 200, body = Made), (status = 409)),
)]
pub(super) async fn make(State(node): State<Arc<Node>>) -> Result<Json<Made>, ApiError> {
    Ok(Json(blocking(move || node.back_up(Timestamp::now())).await??))
}

/// Lets a server that was restored go on without having heard from other schools.
#[utoipa::path(
    post,
    path = "/backups/resumption",
    responses((status = 200, body = BackupsReport)),
)]
pub(super) async fn resume(State(node): State<Arc<Node>>) -> Result<Json<BackupsReport>, ApiError> {
    let done = blocking(move || node.resume().map(|()| report(&node)));
    Ok(Json(done.await??))
}
