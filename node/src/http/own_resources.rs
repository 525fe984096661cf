//! The resources that this school shares, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;

use super::api_error::{ApiError, blocking};
use crate::node::Node;
use crate::own_resources::OwnResource;

#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    /// Names of groups, a line each.
    #[serde(default)]
    groups: String,
}

pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<OwnResource>>, ApiError> {
    let groups: Vec<String> = asked.groups.lines().map(str::to_owned).collect();
    Ok(Json(blocking(move || node.own_resources(&groups)).await??))
}
