//! The nodes of this school.

use std::sync::Arc;

use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use crate::node::Node;
use crate::recovery::OwnNode;

/// The body of a request for what needs the school's key.
#[derive(Debug, Deserialize, ToSchema)]
#[schema(as = Passphrase)]
pub(crate) struct Unlock {
    /// The passphrase that the school's key is locked with, if it is.
    #[serde(default)]
    pub(super) passphrase: Option<String>,
}

impl Unlock {
    /// The passphrase, where something was typed: a form sends what was left empty too.
    pub(super) fn given(&self) -> Option<&str> {
        self.passphrase.as_deref().filter(|words| !words.is_empty())
    }
}

/// Lists the nodes of this school.
#[utoipa::path(
    get,
    path = "/nodes",
    responses((status = 200, body = Vec<OwnNode>)),
)]
pub(super) async fn list(State(node): State<Arc<Node>>) -> Json<Vec<OwnNode>> {
    Json(node.own_nodes())
}

/// Revokes another node of this school in every group.
#[utoipa::path(
    put,
    path = "/nodes/{node}/revocation",
    responses((status = 200, body = OwnNode), (status = 404), (status = 409), (status = 423)),
)]
pub(super) async fn revoke(
    State(node): State<Arc<Node>>,
    Path(given): Path<String>,
    Json(unlock): Json<Unlock>,
) -> Result<Json<OwnNode>, ApiError> {
    let revoked =
        blocking(move || node.revoke_node(&given, unlock.passphrase.as_deref())).await??;
    Ok(Json(revoked))
}
