//! The room that files have, who holds them, and what stays pinned.

use std::sync::Arc;

use axum::extract::State;
use serde::{Deserialize, Serialize};
use staffroom_protocol::group::Capacity;
use staffroom_protocol::hash::Hash;
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::{Json, Path};
use super::records::{HeldFile, held, held_file};
use crate::keeping::Copies;
use crate::keeping::settings::StorageSettings;
use crate::node::Node;

/// How much room files have, and how much of it they take.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct StorageReport {
    /// What was set, or what holds where nothing was.
    pub settings: StorageSettings,
    /// How much this school keeps of what others share, as it said in its groups; none where it said
    /// different things.
    pub capacity: Option<Capacity>,
    /// Bytes of other schools' files that are here.
    pub used: u64,
    /// Those of them that are here for the sake of others.
    pub kept: u64,
    /// Bytes of the files that only older versions of this school's own records have.
    #[serde(default)]
    pub older_versions: u64,
    /// By how many bytes they and those of older versions are more than may be: nothing is dropped that others do not have.
    pub over: u64,
    /// Files that this school was to keep and had no room for.
    pub refused: usize,
    /// Bytes free on the disk.
    pub free: u64,
}

/// What is to hold from now on.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StorageRequest {
    /// The room.
    pub settings: StorageSettings,
    /// How much this school keeps of what others share; none to leave it as it is.
    pub capacity: Option<Capacity>,
}

/// Says how much room files have, and how much of it they take.
#[utoipa::path(
    get,
    path = "/storage",
    responses((status = 200, body = StorageReport)),
)]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Result<Json<StorageReport>, ApiError> {
    Ok(Json(blocking(move || report(&node)).await?))
}

pub(super) fn report(node: &Node) -> StorageReport {
    let room = node.keeping().room();
    StorageReport {
        settings: node.keeping().settings(),
        capacity: node.capacity(),
        used: room.used,
        kept: room.kept,
        older_versions: node.keeping().older_versions(),
        over: room.over,
        refused: room.refused,
        free: node.free_bytes(),
    }
}

/// Sets how much room other schools’ files have.
#[utoipa::path(
    put,
    path = "/storage",
    responses((status = 200, body = StorageReport), (status = 409)),
)]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Json(request): Json<StorageRequest>,
) -> Result<Json<StorageReport>, ApiError> {
    Ok(Json(blocking(move || changed(&node, request)).await??))
}

/// Sets the room.
pub(super) fn changed(node: &Node, request: StorageRequest) -> Result<StorageReport, ApiError> {
    node.keeping().set(request.settings)?;
    if let Some(capacity) = request.capacity {
        node.set_capacity(capacity)?;
    }
    Ok(report(node))
}

/// Says which schools hold the files of a record.
#[utoipa::path(
    get,
    path = "/records/{id}/copies",
    responses((status = 200, body = Vec<Copies>), (status = 404), (status = 409)),
)]
pub(super) async fn copies(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<Copies>>, ApiError> {
    let held = held(&node, id).await?;
    Ok(Json(blocking(move || node.copies(&held)).await??))
}

/// Pins a file of a record: it is fetched where it is not here, and stays.
#[utoipa::path(
    put,
    path = "/records/{id}/files/{hash}/pin",
    responses((status = 200, body = Vec<Copies>), (status = 404), (status = 409)),
)]
pub(super) async fn pin(
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Json<Vec<Copies>>, ApiError> {
    set_pin(node, id, hash, true).await
}

/// Lets a pinned file go when there is no room for it.
#[utoipa::path(
    delete,
    path = "/records/{id}/files/{hash}/pin",
    responses((status = 200, body = Vec<Copies>), (status = 404), (status = 409)),
)]
pub(super) async fn unpin(
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Json<Vec<Copies>>, ApiError> {
    set_pin(node, id, hash, false).await
}

pub(super) async fn set_pin(
    node: Arc<Node>,
    id: String,
    hash: Hash,
    pinned: bool,
) -> Result<Json<Vec<Copies>>, ApiError> {
    let HeldFile { of, file, .. } = held_file(&node, id, hash).await?;
    let key = of.entry.key();
    if pinned {
        node.bring_file(key, &file).await?;
    }
    let copies = blocking(move || {
        node.pin_file(&key.group, &hash, pinned)?;
        node.copies(&of)
    });
    Ok(Json(copies.await??))
}
