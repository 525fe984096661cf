//! Schools that go on under another key, over HTTP.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use super::nodes::Unlock;
use crate::groups::GroupError;
use crate::node::Node;
use crate::root::RootAct;
use crate::succession::NextKey;

/// What is said of next keys, after something was said.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct NextKeyReport {
    /// For the root: how far it is.
    pub proposal: Option<RootAct>,
    /// All that is said in the group.
    pub next_keys: Vec<NextKey>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(super) struct GivenNextKey {
    /// Whether to say so for the root, and not as an admin.
    #[serde(default)]
    root: bool,
    #[serde(flatten)]
    unlock: Unlock,
}

/// Says that a school goes on under another key: as an admin, or for the root.
#[utoipa::path(
    put,
    path = "/groups/{group}/next-keys/{school}/{next}",
    responses((status = 200, body = NextKeyReport), (status = 404), (status = 409), (status = 423)),
)]
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

/// Lists the schools of a group that go on under another key.
#[utoipa::path(
    get,
    path = "/groups/{group}/next-keys",
    responses((status = 200, body = Vec<NextKey>), (status = 404)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Path(group): Path<String>,
) -> Result<Json<Vec<NextKey>>, ApiError> {
    Ok(Json(node.next_keys(&node.find_group(&group)?)))
}

/// Objects to what is said to be this school’s next key.
#[utoipa::path(
    put,
    path = "/groups/{group}/objections",
    responses((status = 200, body = Vec<String>), (status = 404), (status = 409), (status = 423)),
)]
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
