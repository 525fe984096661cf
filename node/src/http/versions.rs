//! The versions of this school's own records, with the files that the older ones had.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use staffroom_protocol::hash::Hash;

use super::api_error::{ApiError, blocking};
use super::description::SentFile;
use super::download;
use super::given::{Json, Path};
use super::records::{RecordReport, report, report_without_evidence};
use crate::intake::KeepError;
use crate::node::Node;
use crate::older_versions::ListedVersion;
use crate::records::{HeldRecord, RecordError};

/// Lists the versions of a record of this school that are held.
#[utoipa::path(
    get,
    path = "/records/{id}/versions",
    responses((status = 200, body = Vec<ListedVersion>), (status = 404), (status = 409)),
)]
pub(super) async fn list(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<ListedVersion>>, ApiError> {
    Ok(Json(blocking(move || node.list_versions(&id)).await??))
}

/// Shows a version of a record of this school.
#[utoipa::path(
    get,
    path = "/records/{id}/versions/{number}",
    responses((status = 200, body = RecordReport), (status = 404), (status = 409)),
)]
pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Json<RecordReport>, ApiError> {
    let shown = blocking(move || {
        let version = node.numbered_version(&id, number)?;
        let record = node.text_of_version(&version)?;
        let held = HeldRecord { record, ..version.held };
        // What came of the record is told with the version that is shared.
        if version.current { report(&node, held) } else { report_without_evidence(&node, held) }
    });
    Ok(Json(shown.await??))
}

/// Sends one file of a version.
#[utoipa::path(
    get,
    path = "/records/{id}/versions/{number}/files/{hash}",
    params(SentFile),
    responses(SentFile, (status = 404), (status = 409)),
)]
pub(super) async fn download(
    State(node): State<Arc<Node>>,
    Path((id, number, hash)): Path<(String, usize, Hash)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let finding = Arc::clone(&node);
    let file = blocking(move || {
        let version = finding.numbered_version(&id, number)?;
        let file = version.held.file(&hash)?.clone();
        match finding.blobs().size(&hash).map_err(KeepError::from)? {
            Some(_) => Ok(file),
            None => Err(RecordError::OlderFileGone(file.name)),
        }
    });
    let file = file.await??;
    Ok(download::send(node, &file, &headers, download::Source::Here))
}

/// Lets go of the files of an older version.
#[utoipa::path(
    delete,
    path = "/records/{id}/versions/{number}/files",
    responses((status = 200, body = Vec<ListedVersion>), (status = 404), (status = 409)),
)]
pub(super) async fn remove_files(
    State(node): State<Arc<Node>>,
    Path((id, number)): Path<(String, usize)>,
) -> Result<Json<Vec<ListedVersion>>, ApiError> {
    let removed = blocking(move || {
        node.remove_files_of_version(&id, number)?;
        node.list_versions(&id)
    });
    Ok(Json(removed.await??))
}
