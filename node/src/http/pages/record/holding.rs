//! What can be done with a file of a record from its page: bring it here, keep it here, let it go.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::response::{Redirect, Response};
use staffroom_protocol::hash::Hash;

use crate::http::api_error::ApiError;
use crate::http::pages::error_page;
use crate::http::pages::frame::Frame;
use crate::http::records::{HeldFile, held_file};
use crate::http::storage::set_pin;
use crate::node::Node;

/// For how long a page waits for a file; a larger one goes on coming while somebody reads.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Fetches a file that is not here.
pub(crate) async fn bring(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Redirect, Response> {
    let record = id.clone();
    let brought = async move {
        let HeldFile { of, file, .. } = held_file(&node, record, hash).await?;
        node.bring_file(of.entry.key(), &file).await?;
        node.file_was_opened(&of, &file).await;
        Ok(())
    };
    wait_for(&frame, &id, brought).await
}

pub(crate) async fn pin(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Redirect, Response> {
    let record = id.clone();
    wait_for(&frame, &id, async move { set_pin(node, record, hash, true).await.map(drop) }).await
}

pub(crate) async fn unpin(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Redirect, Response> {
    let record = id.clone();
    wait_for(&frame, &id, async move { set_pin(node, record, hash, false).await.map(drop) }).await
}

/// Does something about a file, and goes back to the page of its record.
async fn wait_for(
    frame: &Frame,
    id: &str,
    work: impl Future<Output = Result<(), ApiError>> + Send + 'static,
) -> Result<Redirect, Response> {
    let working = tokio::spawn(work);
    match tokio::time::timeout(LONGEST_WAIT, working).await {
        Ok(Ok(Ok(()))) => Ok(Redirect::to(&format!("/records/{id}"))),
        Ok(Ok(Err(error))) => Err(error_page(frame, &error)),
        Ok(Err(_)) => Err(error_page(frame, &ApiError::stopping())),
        Err(_) => Ok(Redirect::to(&format!("/records/{id}?coming"))),
    }
}
