//! The evidence that a record cites, to download.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::api_error::{ApiError, blocking};
use super::given::Path;
use super::records::find_held;
use crate::node::Node;
use crate::references::{cited, ris};

/// Sends the evidence that a record cites to a program that keeps references (RIS).
#[utoipa::path(
    get,
    path = "/records/{id}/references",
    responses(
        (status = 200, body = String, content_type = "application/x-research-info-systems"),
        (status = 404),
        (status = 409),
    ),
)]
pub(super) async fn download(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    let written = blocking(move || written(&node, &id)).await??;
    let headers = [
        (header::CONTENT_TYPE, "application/x-research-info-systems"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"references.ris\""),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    Ok((headers, written).into_response())
}

fn written(node: &Node, id: &str) -> Result<String, ApiError> {
    let Some(record) = find_held(node, id)?.record else {
        return Err(ApiError::unavailable(
            "the full text of this record has not come from its school yet, so it is not known what \
             evidence it cites; try again later",
        ));
    };
    match cited(&record) {
        sources if sources.is_empty() => {
            Err(ApiError::not_found("this record cites no evidence, so there are no references"))
        }
        sources => Ok(ris(&sources)),
    }
}
