//! The nodes of this school.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;

use super::api_error::{ApiError, blocking};
use crate::node::Node;
use crate::recovery::OwnNode;

/// The body of a request for what needs the school's key.
#[derive(Debug, Deserialize)]
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

pub(super) async fn list(State(node): State<Arc<Node>>) -> Json<Vec<OwnNode>> {
    Json(node.own_nodes())
}

pub(super) async fn revoke(
    State(node): State<Arc<Node>>,
    Path(given): Path<String>,
    Json(unlock): Json<Unlock>,
) -> Result<Json<OwnNode>, ApiError> {
    let revoked =
        blocking(move || node.revoke_node(&given, unlock.passphrase.as_deref())).await??;
    Ok(Json(revoked))
}
