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
use serde::Deserialize;
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::limits::MAX_FILE_NAME_BYTES;
use staffroom_protocol::record::File;
use tokio::sync::watch;

use super::api_error::{ApiError, blocking};
use super::records::held;
use crate::intake::KeepError;
use crate::network::start_of_file;
use crate::node::Node;
use crate::records::RecordError;

#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    name: String,
}

/// How much of a file is looked at to tell what it is.
const SNIFFED_BYTES: usize = 8 * 1024;

/// How much of a file is sent at once.
const PIECE_BYTES: u32 = 256 * 1024;

/// How long the next piece of a file may take to come: longer than a node takes to be started again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Takes a file and says how a record refers to it.
pub(super) async fn upload(
    State(node): State<Arc<Node>>,
    Query(upload): Query<Upload>,
    body: Body,
) -> Result<Json<File>, ApiError> {
    if upload.name.is_empty() || upload.name.len() > MAX_FILE_NAME_BYTES {
        return Err(ApiError::bad_request(format!(
            "the file name {:?} must have 1 to {MAX_FILE_NAME_BYTES} bytes",
            upload.name
        )));
    }
    let mut writer = node.blobs().writer().map_err(KeepError::from)?;
    let mut stream = body.into_data_stream();
    let mut start = Vec::new();
    while let Some(piece) = stream.next().await {
        let piece: Bytes = piece.map_err(|error| {
            ApiError::bad_request(format!("the file did not arrive whole: {error}"))
        })?;
        let room = SNIFFED_BYTES.saturating_sub(start.len()).min(piece.len());
        start.extend_from_slice(&piece[..room]);
        writer = blocking(move || writer.write(&piece).map(|()| writer)).await??;
    }
    let size = writer.size();
    let hash = blocking(move || writer.keep()).await??;
    // Read while it is the only one that somebody waits for; publishing finds it read.
    let reading = Arc::clone(&node);
    blocking(move || reading.read_text_of(&hash)).await??;
    let media_type = media_type(&start, &upload.name).to_owned();
    Ok(Json(File { name: upload.name, media_type, size, hash, text: None }))
}

/// The media type by content; the name decides only between sorts of text.
fn media_type(start: &[u8], name: &str) -> &'static str {
    if let Some(kind) = infer::get(start) {
        return kind.mime_type();
    }
    let extension = name.rsplit_once('.').map(|(_, extension)| extension.to_lowercase());
    let cut_inside_a_character = |error: &std::str::Utf8Error| error.error_len().is_none();
    let text = match std::str::from_utf8(start) {
        Ok(_) => !start.contains(&0),
        Err(error) => cut_inside_a_character(&error) && start.len() >= SNIFFED_BYTES,
    };
    match (text, extension.as_deref()) {
        (true, Some("md" | "markdown")) => "text/markdown",
        (true, Some("csv")) => "text/csv",
        (true, Some("html" | "htm")) => "text/html",
        (true, _) => "text/plain",
        (false, _) => "application/octet-stream",
    }
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
    let file = held.files()?.iter().find(|file| file.hash == hash).cloned();
    let file = file.ok_or_else(|| RecordError::Unknown(hash.to_string()))?;
    let key = held.entry.key();
    let coming = if node.has_file(&held, &file)? {
        None
    } else {
        Some(begin_to_fetch(&node, key, &file).await?)
    };
    let body = Body::from_stream(pieces(node, key.group, &file, coming));
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
    fn content_decides_the_media_type() {
        assert_eq!(media_type(b"%PDF-1.7\n", "lesson.txt"), "application/pdf");
        assert_eq!(media_type(b"# Phonics", "plan.md"), "text/markdown");
        assert_eq!(media_type(b"a,b\n1,2", "marks.CSV"), "text/csv");
        assert_eq!(media_type(b"\x00\x01\x02", "plan.md"), "application/octet-stream");
    }

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let header = disposition("a\"; x=\r\ny é.txt");
        assert_eq!(
            header.to_str().unwrap(),
            "attachment; filename*=UTF-8''a%22%3B%20x%3D%0D%0Ay%20%C3%A9.txt"
        );
    }
}
