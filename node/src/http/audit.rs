//! The audit log over the API.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Query};
use crate::audit::AuditLine;
use crate::node::Node;

/// Acts that are given at once: what the log's files hold is more than a page or a terminal shows.
pub(super) const MOST: usize = 10_000;

/// Where nobody says how many.
const USUAL: usize = 100;

/// How much of the log to give.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// How many of the newest; 100 where nobody says.
    limit: Option<usize>,
}

/// Lists who did what, the newest first.
#[utoipa::path(
    get,
    path = "/audit",
    params(Asked),
    responses((status = 200, body = Vec<AuditLine>)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Query(Asked { limit }): Query<Asked>,
) -> Result<Json<Vec<AuditLine>>, ApiError> {
    Ok(Json(newest(&node, limit.unwrap_or(USUAL)).await?))
}

/// The newest acts, newest first.
pub(super) async fn newest(node: &Arc<Node>, most: usize) -> Result<Vec<AuditLine>, ApiError> {
    let reading = Arc::clone(node);
    blocking(move || reading.audit_log().newest(most.min(MOST)))
        .await?
        .map_err(|error| ApiError::unavailable(format!("the audit log cannot be read: {error}")))
}
