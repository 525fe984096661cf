//! The resources that this school shares, over HTTP.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Query};
use crate::node::Node;
use crate::own_resources::OwnResource;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Names of groups, a line each.
    #[serde(default)]
    groups: String,
}

/// Lists the resources that this school shares, as it wrote them.
#[utoipa::path(
    get,
    path = "/resources",
    params(Asked),
    responses((status = 200, body = Vec<OwnResource>), (status = 404), (status = 409)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<OwnResource>>, ApiError> {
    let groups: Vec<String> = asked.groups.lines().map(str::to_owned).collect();
    Ok(Json(blocking(move || node.own_resources(&groups)).await??))
}
