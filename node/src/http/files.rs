//! Files over HTTP: up before a record that has them is published, and fetched from other schools.

use std::fmt::Display;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use staffroom_protocol::hash::Hash;
use staffroom_protocol::limits::MAX_FILE_NAME_BYTES;
use staffroom_protocol::record::File;
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::description::Binary;
use super::given::{Json, Path, Query};
use super::records::held;
use crate::extract::{About, Trace};
use crate::intake::KeepError;
use crate::media::{self, SNIFFED_BYTES};
use crate::node::Node;

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Upload {
    /// The file's name, without folders.
    name: String,
    /// Whether to keep it without the names of people that can be taken out of it.
    #[serde(default)]
    remove_names: bool,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Uploaded {
    /// How a record refers to it.
    #[serde(flatten)]
    pub file: File,
    /// What named people and was taken out of it. Left out where nothing was, so that the answer can
    /// stand in a record as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Trace>,
}

/// Takes a file that a record is to have, and says how the record refers to it.
#[utoipa::path(
    post,
    path = "/files",
    request_body(content = Option<Binary>, content_type = "application/octet-stream"),
    params(Upload),
    responses((status = 200, body = Uploaded), (status = 413), (status = 415)),
)]
pub(super) async fn upload(
    State(node): State<Arc<Node>>,
    Query(upload): Query<Upload>,
    body: Body,
) -> Result<Json<Uploaded>, ApiError> {
    if upload.name.is_empty() || upload.name.len() > MAX_FILE_NAME_BYTES {
        return Err(ApiError::bad_request(format!(
            "the file name {:?} must have 1 to {MAX_FILE_NAME_BYTES} bytes",
            upload.name
        )));
    }
    let file = take_in(&node, upload.name, body.into_data_stream()).await?;
    Ok(Json(blocking(move || looked_through(&node, file, upload.remove_names)).await??))
}

/// Keeps a file as it comes, unless it is a program, and says how a record refers to it.
pub(super) async fn take_in<E: Display>(
    node: &Node,
    name: String,
    mut stream: impl Stream<Item = Result<Bytes, E>> + Unpin,
) -> Result<File, ApiError> {
    let mut writer = node.blobs().writer().map_err(KeepError::from)?;
    let mut start = Vec::new();
    let mut refused: Result<(), ApiError> = Ok(());
    while let Some(piece) = stream.next().await {
        let piece = piece.map_err(|error| {
            ApiError::bad_request(format!("the file did not arrive whole: {error}"))
        })?;
        // Taken to its end, or whoever sends it would lose the line before hearing why.
        if refused.is_err() {
            continue;
        }
        let room = SNIFFED_BYTES.saturating_sub(start.len()).min(piece.len());
        start.extend_from_slice(&piece[..room]);
        if room > 0 && start.len() == SNIFFED_BYTES {
            refused = media::refuse_programs(&start, &name).map_err(Into::into);
        }
        let written;
        (writer, written) = blocking(move || {
            let written = writer.write(&piece);
            (writer, written)
        })
        .await?;
        refused = refused.and(written.map_err(Into::into));
    }
    refused?;
    media::refuse_programs(&start, &name)?;
    let size = writer.size();
    let hash = blocking(move || writer.keep()).await??;
    let media_type = media::media_type(&start, &name).to_owned();
    Ok(File { name, media_type, size, hash, text: None })
}

/// Looks through a file while it is the only one that somebody waits for; publishing finds that done.
pub(super) fn looked_through(
    node: &Node,
    file: File,
    remove_names: bool,
) -> Result<Uploaded, KeepError> {
    let before = node.look_through(&file.hash)?.about;
    let removable = before.as_ref().is_some_and(About::has_removable_names);
    if remove_names
        && removable
        && let Some(hash) = node.keep_without_names(&file.hash)?
        && let Some(size) = node.blobs().size(&hash)?
    {
        node.forget_unshared(&file.hash)?;
        let after = node.look_through(&hash)?.about.unwrap_or_default();
        let mut removed = before.unwrap_or_default().traces;
        removed.retain(|trace| !after.traces.contains(trace));
        return Ok(Uploaded { file: File { hash, size, ..file }, removed });
    }
    Ok(Uploaded { file, removed: Vec::new() })
}

/// Lets go of a file that was uploaded, unless a record has it.
#[utoipa::path(
    delete,
    path = "/files/{hash}",
    responses((status = 200, body = ())),
)]
pub(super) async fn forget(
    State(node): State<Arc<Node>>,
    Path((hash,)): Path<(Hash,)>,
) -> Result<Json<()>, ApiError> {
    Ok(Json(blocking(move || node.forget_unshared(&hash)).await??))
}

/// Makes sure that a record’s files are here, and lists them.
#[utoipa::path(
    post,
    path = "/records/{id}/files",
    responses((status = 200, body = Vec<File>), (status = 404), (status = 409)),
)]
pub(super) async fn fetch(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<File>>, ApiError> {
    let held = held(&node, id).await?;
    Ok(Json(node.fetch_files(&held).await?))
}
