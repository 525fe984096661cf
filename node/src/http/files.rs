//! Files over HTTP: up before a record that has them is published, down when somebody wants them.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use serde::{Deserialize, Serialize};
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::limits::MAX_FILE_NAME_BYTES;
use staffroom_protocol::record::File;
use tokio::sync::watch;

use super::api_error::{ApiError, blocking};
use super::records::held;
use crate::extract::{About, Trace};
use crate::intake::KeepError;
use crate::media::{self, SNIFFED_BYTES};
use crate::network::start_of_file;
use crate::node::Node;
use crate::records::RecordError;

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    name: String,
    /// Whether to keep it without the names of people that can be taken out of it.
    #[serde(default)]
    remove_names: bool,
}

/// A file that was uploaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uploaded {
    /// How a record refers to it.
    #[serde(flatten)]
    pub file: File,
    /// What named people and was taken out of it. Left out where nothing was, so that the answer can
    /// stand in a record as it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Trace>,
}

/// How much of a file is sent at once.
const PIECE_BYTES: u32 = 256 * 1024;

/// How long the next piece of a file may take to come: longer than a node takes to be started again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Takes a file and says how a record refers to it.
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
    let mut writer = node.blobs().writer().map_err(KeepError::from)?;
    let mut stream = body.into_data_stream();
    let mut start = Vec::new();
    let mut refused: Result<(), ApiError> = Ok(());
    while let Some(piece) = stream.next().await {
        let piece: Bytes = piece.map_err(|error| {
            ApiError::bad_request(format!("the file did not arrive whole: {error}"))
        })?;
        // Taken to its end, or whoever sends it would lose the line before hearing why.
        if refused.is_err() {
            continue;
        }
        let room = SNIFFED_BYTES.saturating_sub(start.len()).min(piece.len());
        start.extend_from_slice(&piece[..room]);
        if room > 0 && start.len() == SNIFFED_BYTES {
            refused = media::refuse_programs(&start, &upload.name).map_err(Into::into);
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
    media::refuse_programs(&start, &upload.name)?;
    let size = writer.size();
    let hash = blocking(move || writer.keep()).await??;
    let media_type = media::media_type(&start, &upload.name).to_owned();
    let file = File { name: upload.name, media_type, size, hash, text: None };
    Ok(Json(blocking(move || looked_through(&node, file, upload.remove_names)).await??))
}

/// Looks through a file while it is the only one that somebody waits for; publishing finds that done.
fn looked_through(node: &Node, file: File, remove_names: bool) -> Result<Uploaded, KeepError> {
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
pub(super) async fn forget(
    State(node): State<Arc<Node>>,
    Path(hash): Path<Hash>,
) -> Result<Json<()>, ApiError> {
    Ok(Json(blocking(move || node.forget_unshared(&hash)).await??))
}

/// Makes sure that a record's files are here, and lists them.
pub(super) async fn fetch(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<Vec<File>>, ApiError> {
    let held = held(&node, id).await?;
    Ok(Json(node.fetch_files(&held).await?))
}

/// Sends one file of a record; one that is not here as it comes, checked piece by piece.
pub(super) async fn download(
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
) -> Result<Response, ApiError> {
    let held = held(&node, id).await?;
    let (key, file) = (held.entry.key(), held.file(&hash)?);
    let coming = if node.has_file(&key.group, &hash)? {
        None
    } else {
        Some(begin_to_fetch(&node, key, file).await?)
    };
    node.file_was_opened(&held, file).await;
    let body = Body::from_stream(pieces(node, key.group, file, coming));
    // Always saved and never shown in the browser: it may be from another school.
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (header::CONTENT_LENGTH, HeaderValue::from(file.size)),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
    ];
    Ok((headers, body).into_response())
}

/// Has a file fetched, whether or not whoever wants it stays, and returns once its first piece is here.
async fn begin_to_fetch(
    node: &Arc<Node>,
    key: EntryKey,
    file: &File,
) -> Result<watch::Receiver<u64>, ApiError> {
    let network = node.network().ok_or(RecordError::NoNetwork)?;
    let mut start = start_of_file(network, key.group, file.hash);
    let (fetching, wanted) = (Arc::clone(node), file.clone());
    let mut fetched = tokio::spawn(async move { fetching.fetch_file(key, &wanted).await });
    tokio::select! {
        ended = &mut fetched => {
            ended.map_err(|_| RecordError::NoNetwork)??;
        }
        _ = start.wait_for(|start| *start > 0) => {}
    }
    Ok(start)
}

/// The pieces of a file, each as soon as it is here.
fn pieces(
    node: Arc<Node>,
    group: GroupId,
    file: &File,
    coming: Option<watch::Receiver<u64>>,
) -> impl Stream<Item = io::Result<Vec<u8>>> + use<> {
    let (hash, size) = (file.hash, file.size);
    let length = u64::from(PIECE_BYTES);
    let pieces = (0..size.div_ceil(length)).map(move |index| {
        let (node, offset, coming) = (Arc::clone(&node), index * length, coming.clone());
        let length = usize::try_from(length.min(size - offset)).unwrap_or_default();
        async move {
            if let Some(mut start) = coming {
                let end = offset + length as u64;
                let here =
                    tokio::time::timeout(LONGEST_WAIT, start.wait_for(|start| *start >= end));
                if !matches!(here.await, Ok(Ok(_))) {
                    return Err(io::Error::other("nobody sends the rest of the file"));
                }
            }
            let read = tokio::task::spawn_blocking(move || {
                node.blobs().read_come(&group, &hash, offset, length)
            });
            match read.await {
                Ok(read) => read.map_err(io::Error::other),
                Err(_) => Err(io::Error::other("the node is stopping")),
            }
        }
    });
    futures::stream::iter(pieces).buffered(1)
}

/// RFC 6266 and RFC 8187: the name in percent-encoded UTF-8.
fn disposition(name: &str) -> HeaderValue {
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let header = disposition("a\"; x=\r\ny é.txt");
        assert_eq!(
            header.to_str().unwrap(),
            "attachment; filename*=UTF-8''a%22%3B%20x%3D%0D%0Ay%20%C3%A9.txt"
        );
    }
}
