//! Previews of files: a picture of a page, or the beginning of the text.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use staffroom_protocol::hash::Hash;
use staffroom_protocol::record::File;

use super::api_error::{ApiError, blocking};
use super::given::{Path, Query};
use super::records::{HeldFile, held_file};
use crate::node::Node;
use crate::preview::{MAX_PAGES, NoPreview};

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// The page, from 1.
    #[serde(default = "first")]
    page: u32,
}

fn first() -> u32 {
    1
}

/// Shows a page of a file that is here as a picture, else the beginning of the text inside it.
#[utoipa::path(
    get,
    path = "/records/{id}/files/{hash}/preview",
    params(Asked),
    responses(
        (status = 200, content(("image/png"), ("text/plain; charset=utf-8"))),
        (status = 404),
        (status = 409),
        (status = 507),
    ),
)]
pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
    Query(asked): Query<Asked>,
) -> Result<Response, ApiError> {
    let Asked { page } = asked;
    if !(1..=MAX_PAGES).contains(&page) {
        return Err(ApiError::bad_request(format!(
            "page {page} has no preview; pages 1 to {MAX_PAGES} have one"
        )));
    }
    let HeldFile { of, file, here } = held_file(&node, id, hash).await?;
    let (group, text) = (of.entry.key().group, file.text);
    if !here {
        return Err(ApiError::not_found(
            "the file is not here yet, so there is no preview; save it first",
        ));
    }
    let said = match picture(&node, file, page).await? {
        Ok(picture) => {
            return Ok(([(header::CONTENT_TYPE, "image/png")], picture).into_response());
        }
        Err(NoPreview::Keep(error)) => return Err(error.into()),
        Err(error @ (NoPreview::Io { .. } | NoPreview::Run(_))) => {
            tracing::warn!(%error, "a preview");
            error.to_string()
        }
        Err(error @ (NoPreview::Sort | NoPreview::Missing(_) | NoPreview::Failed)) => {
            error.to_string()
        }
    };
    if let Some(text) = text.filter(|_| page == 1) {
        let reading = Arc::clone(&node);
        let start = blocking(move || reading.start_of_text(&group, &text.hash)).await??;
        if let Some(start) = start {
            return Ok(
                ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], start).into_response()
            );
        }
    }
    Err(ApiError::not_found(said))
}

/// A picture that is kept at once, and one that is to be made once there is a place for it.
async fn picture(
    node: &Arc<Node>,
    file: File,
    page: u32,
) -> Result<Result<Vec<u8>, NoPreview>, ApiError> {
    let (looking, hash) = (Arc::clone(node), file.hash);
    let kept = blocking(move || looking.previews().kept_picture(&hash, page)).await?;
    if let Some(picture) = kept.transpose() {
        return Ok(picture);
    }
    let place = node.previews().place().await;
    let drawing = Arc::clone(node);
    blocking(move || {
        let _place = place;
        drawing.picture(&file, page)
    })
    .await
}
