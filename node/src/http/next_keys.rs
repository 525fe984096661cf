//! Schools that go on under another key, over HTTP.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};

use super::api_error::{ApiError, blocking};
use super::nodes::Unlock;
use crate::groups::GroupError;
use crate::node::Node;
use crate::root::RootAct;
use crate::succession::NextKey;

/// What is said of next keys, after something was said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NextKeyReport {
    /// For the root: how far it is.
    pub proposal: Option<RootAct>,
    /// All that is said in the group.
    pub next_keys: Vec<NextKey>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GivenNextKey {
    /// Whether to say so for the root, and not as an admin.
    #[serde(default)]
    root: bool,
    #[serde(flatten)]
    unlock: Unlock,
}

/// Says that a school goes on under its next key: as an admin, or for the root.
pub(super) async fn bind(
    State(node): State<Arc<Node>>,
    Path((group, school, next)): Path<(String, String, String)>,
    Json(given): Json<GivenNextKey>,
) -> Result<Json<NextKeyReport>, ApiError> {
    let bound = blocking(move || {
        let group = node.find_group(&group)?;
        let school = node.find_any_member(&group, &school)?;
        let next = node.find_member(&group, &next)?;
        let proposal = if given.root {
            let passphrase = given.unlock.passphrase.as_deref();
            Some(node.bind_next_key_as_root(&group, &school, &next, passphrase)?)
        } else {
            node.bind_next_key(&group, &school, &next)?;
            None
        };
        Ok::<_, GroupError>(NextKeyReport { proposal, next_keys: node.next_keys(&group) })
    });
    Ok(Json(bound.await??))
}

pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<NextKey>>, ApiError> {
    Ok(Json(node.next_keys(&node.find_group(&group)?)))
}

/// Objects to what is said to be this school's next key.
pub(super) async fn object(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
    Json(unlock): Json<Unlock>,
) -> Result<Json<Vec<String>>, ApiError> {
    let objected = blocking(move || {
        node.object_to_next_keys(&node.find_group(&group)?, unlock.passphrase.as_deref())
    });
    Ok(Json(objected.await??))
}
