//! Files that somebody downloads: held ones, and those of other schools as they come.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use staffroom_protocol::entry::EntryKey;
use staffroom_protocol::hash::{GroupId, Hash};
use staffroom_protocol::record::File;
use tokio::sync::watch;

use super::api_error::ApiError;
use super::description::SentFile;
use super::given::Path;
use super::range::{self, Part};
use super::records::{HeldFile, held_file};
use crate::network::start_of_file;
use crate::node::Node;
use crate::records::RecordError;

/// How much of a file is sent at once.
const PIECE_BYTES: u32 = 256 * 1024;

/// How long the next piece of a file may take to come: longer than a node takes to be started again.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

/// Sends one file of a record; one that is not here as it comes, checked piece by piece.
#[utoipa::path(
    get,
    path = "/records/{id}/files/{hash}",
    params(SentFile),
    responses(SentFile, (status = 404), (status = 409), (status = 507)),
)]
pub(super) async fn download(
    State(node): State<Arc<Node>>,
    Path((id, hash)): Path<(String, Hash)>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let HeldFile { of, file, here } = held_file(&node, id, hash).await?;
    let key = of.entry.key();
    let source = if here {
        Source::Here
    } else {
        Source::Coming(key.group, begin_to_fetch(&node, key, &file).await?)
    };
    node.file_was_opened(&of, &file).await;
    Ok(send(node, &file, &headers, source))
}

/// Where the bytes of a file are.
#[derive(Clone)]
pub(super) enum Source {
    /// On this node's disk.
    Here,
    /// On their way through a group, and here up to a byte.
    Coming(GroupId, watch::Receiver<u64>),
}

/// Sends a file, or the part of it that a request asks for.
pub(super) fn send(node: Arc<Node>, file: &File, asked: &HeaderMap, source: Source) -> Response {
    let part = match &source {
        Source::Here => range::part(asked, &file.hash, file.size),
        // The end of one that comes may be long in coming.
        Source::Coming(..) => Part::Whole,
    };
    let (status, bytes) = match part {
        Part::Whole => (StatusCode::OK, 0..file.size),
        Part::Bytes(bytes) => (StatusCode::PARTIAL_CONTENT, bytes),
        Part::NotThere => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{}", file.size))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response();
        }
    };
    // Always saved and never shown in the browser: it may be from another school.
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_LENGTH, (bytes.end - bytes.start).to_string()),
        (header::CONTENT_DISPOSITION, disposition(&file.name)),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, range::tag(&file.hash)),
    ];
    let range = (status == StatusCode::PARTIAL_CONTENT).then(|| {
        let range = format!("bytes {}-{}/{}", bytes.start, bytes.end - 1, file.size);
        [(header::CONTENT_RANGE, range)]
    });
    let body = Body::from_stream(pieces(node, file.hash, bytes, source));
    match range {
        Some(range) => (status, headers, range, body).into_response(),
        None => (status, headers, body).into_response(),
    }
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

/// The pieces of a part of a file, each as soon as it is here.
fn pieces(
    node: Arc<Node>,
    hash: Hash,
    bytes: Range<u64>,
    source: Source,
) -> impl Stream<Item = io::Result<Vec<u8>>> + use<> {
    let length = u64::from(PIECE_BYTES);
    let pieces = (0..(bytes.end - bytes.start).div_ceil(length)).map(move |index| {
        let (node, offset, source) =
            (Arc::clone(&node), bytes.start + index * length, source.clone());
        let length = usize::try_from(length.min(bytes.end - offset)).unwrap_or_default();
        piece(node, hash, (offset, length), source)
    });
    futures::stream::iter(pieces).buffered(1)
}

/// One piece of a file, once it is here.
async fn piece(
    node: Arc<Node>,
    hash: Hash,
    (offset, length): (u64, usize),
    source: Source,
) -> io::Result<Vec<u8>> {
    let group = match source {
        Source::Here => None,
        Source::Coming(group, mut start) => {
            let end = offset + length as u64;
            let here = tokio::time::timeout(LONGEST_WAIT, start.wait_for(|start| *start >= end));
            if !matches!(here.await, Ok(Ok(_))) {
                return Err(io::Error::other("nobody sends the rest of the file"));
            }
            Some(group)
        }
    };
    let read = tokio::task::spawn_blocking(move || match group {
        Some(group) => node.blobs().read_come(&group, &hash, offset, length).map(Some),
        None => node.blobs().read_range(&hash, offset, length),
    });
    match read.await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(io::Error::other("the file is not here any more")),
        Ok(Err(error)) => Err(io::Error::other(error)),
        Err(_) => Err(io::Error::other("the node is stopping")),
    }
}

/// RFC 6266 and RFC 8187: the name in percent-encoded UTF-8.
fn disposition(name: &str) -> String {
    let mut value = String::from("attachment; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            value.push(char::from(byte));
        } else {
            value.push_str(&format!("%{byte:02X}"));
        }
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_cannot_break_out_of_its_header() {
        let header = disposition("a\"; x=\r\ny é.txt");
        assert_eq!(header, "attachment; filename*=UTF-8''a%22%3B%20x%3D%0D%0Ay%20%C3%A9.txt");
    }
}
