//! Bundles over HTTP: out as they are made, in as they come.

use std::collections::BTreeSet;
use std::io::{self, Read};
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt, stream};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use staffroom_protocol::clock::Timestamp;
use staffroom_protocol::group::invite::Invite;
use staffroom_protocol::hash::GroupId;
use tokio::sync::mpsc;
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::description::{Binary, SentBundle};
use super::given::{Json, Query};
use crate::bundle::{CarryError, Contents, ExportOptions, Has, Imported, WhichFiles};
use crate::network;
use crate::node::Node;
use crate::records::RecordError;

/// The header with a [`BundleReport`].
pub(crate) const ABOUT: &str = "staffroom-bundle";

/// The trailer with the bundle's [`Contents`], which are known at its end.
pub(crate) const CONTENTS: &str = "staffroom-bundle-contents";

/// Pieces on their way between who makes them and who takes them, of a quarter of a megabyte.
const PIECES_UNDER_WAY: usize = 4;

/// A bundle that is about to come.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct BundleReport {
    /// The group.
    pub(crate) group: GroupId,
    /// Its name.
    pub(crate) group_name: String,
    /// The school that makes it.
    pub(crate) school: String,
    /// About how many bytes it will have.
    pub(crate) bytes: u64,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Make {
    /// None where a request says which.
    group: Option<String>,
    /// Milliseconds since 1970.
    since: Option<u64>,
    /// `all`, `none`, or ids of records, a line each.
    files: String,
    /// Whether the body is a request.
    #[serde(default)]
    requested: bool,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Ask {
    /// The group of which this school lacks something.
    group: Option<String>,
    /// The invite to a group that this school asks to be let into.
    invite: Option<String>,
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Import {
    /// Whether this school was let in to the group by what the bundle says.
    #[serde(default)]
    join: bool,
}

/// Makes a bundle of what a group shares, in answer to a request where the body is one.
#[utoipa::path(
    post,
    path = "/bundles",
    request_body(content = Option<Binary>, content_type = "application/octet-stream"),
    params(Make),
    responses(SentBundle, (status = 404), (status = 409)),
)]
pub(super) async fn make(
    State(node): State<Arc<Node>>,
    Query(make): Query<Make>,
    body: Body,
) -> Result<Response, ApiError> {
    let reading = Arc::clone(&node);
    let requested = match make.requested {
        true => Some(taken(body, move |from| reading.read_request(from)).await??),
        false => None,
    };
    let planning = Arc::clone(&node);
    let plan = blocking(move || -> Result<_, ApiError> {
        let (named, has) = match requested {
            Some(requested) => (Some(requested.group), requested.has),
            None => (None, Has::default()),
        };
        let given = make.group.as_deref().map(|name| planning.find_group(name)).transpose()?;
        let group = match (named, given) {
            (Some(named), Some(given)) if named != given => {
                return Err(ApiError::bad_request("the request is for another group"));
            }
            (Some(group), _) | (None, Some(group)) => group,
            (None, None) => return Err(ApiError::bad_request("say which group it is for")),
        };
        let files = which_files(&planning, &make.files)?;
        let since = make.since.map(Timestamp::from_millis);
        Ok(planning.plan_bundle(group, ExportOptions { since, files, has })?)
    })
    .await??;
    let report = about(&node, plan.group, plan.bytes);
    let writing = Arc::clone(&node);
    streamed(&report, move |sink| writing.write_bundle(&plan, sink)).await
}

/// Makes a request for a bundle, or for being let in by one.
#[utoipa::path(
    post,
    path = "/bundles/requests",
    params(Ask),
    responses(SentBundle, (status = 404), (status = 409)),
)]
pub(super) async fn request(
    State(node): State<Arc<Node>>,
    Query(ask): Query<Ask>,
) -> Result<Response, ApiError> {
    let nothing = |()| Contents::default();
    if let Some(line) = ask.invite {
        let invite: Invite = line.parse().map_err(crate::groups::GroupError::from)?;
        let report = BundleReport {
            group: invite.group,
            group_name: invite.group_name.clone(),
            school: node.identity().claims().name.clone(),
            bytes: 0,
        };
        return streamed(&report, move |sink| node.request_to_join(&invite, sink).map(nothing))
            .await;
    }
    let group = node.find_group(&ask.group.unwrap_or_default())?;
    node.own_group(&group)?;
    let report = about(&node, group, 0);
    streamed(&report, move |sink| node.request_bundle(group, sink).map(nothing)).await
}

/// Takes in a bundle.
#[utoipa::path(
    post,
    path = "/bundles/imports",
    request_body(content = Binary, content_type = "application/octet-stream"),
    params(Import),
    responses((status = 200, body = Imported), (status = 404), (status = 409)),
)]
pub(super) async fn import(
    State(node): State<Arc<Node>>,
    Query(import): Query<Import>,
    body: Body,
) -> Result<Json<Imported>, ApiError> {
    let importing = Arc::clone(&node);
    let imported = taken(body, move |from| importing.import_bundle(from, import.join)).await??;
    if let Some(network) = node.network() {
        if imported.joined {
            network.follow(node.channels()).await;
        }
        if imported.records > 0 {
            network::tell(&node, network, imported.group).await;
        }
    }
    Ok(Json(imported))
}

fn about(node: &Node, group: GroupId, bytes: u64) -> BundleReport {
    let group_name = node.group_names().remove(&group).unwrap_or_default();
    BundleReport { group, group_name, school: node.identity().claims().name.clone(), bytes }
}

fn which_files(node: &Node, given: &str) -> Result<WhichFiles, RecordError> {
    match given {
        "all" => Ok(WhichFiles::All),
        "none" => Ok(WhichFiles::None),
        ids => {
            let ids = ids.lines().map(|id| node.find_record_id(id));
            Ok(WhichFiles::Of(ids.collect::<Result<BTreeSet<_>, _>>()?))
        }
    }
}

/// An answer whose bytes are made while it is sent, and what they hold behind them. What cannot be begun is
/// refused; after that, all that can be done is to break off.
async fn streamed(
    report: &BundleReport,
    write: impl FnOnce(&mut dyn FnMut(Vec<u8>) -> bool) -> Result<Contents, CarryError> + Send + 'static,
) -> Result<Response, ApiError> {
    let (sender, mut receiver) = mpsc::channel(PIECES_UNDER_WAY);
    tokio::task::spawn_blocking(move || {
        let mut sink =
            |bytes: Vec<u8>| sender.blocking_send(Ok(Frame::data(Bytes::from(bytes)))).is_ok();
        let end = write(&mut sink).map(|contents| {
            let contents = [(HeaderName::from_static(CONTENTS), header_value(&contents))];
            Frame::trailers(contents.into_iter().collect())
        });
        // Whoever wanted it may have gone.
        drop(sender.blocking_send(end));
    });
    let begun = receiver.recv().await.transpose()?;
    let rest = received(receiver).map(|piece| {
        piece.map_err(|error: CarryError| {
            tracing::error!(%error, "a bundle could not be made to its end");
            io::Error::other(error.to_string())
        })
    });
    let pieces = stream::iter(begun.map(Ok)).chain(rest);
    let headers = [
        (HeaderName::from_static(ABOUT), header_value(report)),
        (header::TRAILER, HeaderValue::from_static(CONTENTS)),
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
    ];
    Ok((headers, Body::new(StreamBody::new(pieces))).into_response())
}

fn received<T>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> {
    stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|one| (one, receiver))
    })
}

/// Names hold letters that a header cannot, so they are percent-encoded.
fn header_value(value: &impl Serialize) -> HeaderValue {
    let json = serde_json::to_string(value).unwrap_or_default();
    let encoded: String = form_urlencoded::byte_serialize(json.as_bytes()).collect();
    HeaderValue::from_str(&encoded).unwrap_or(HeaderValue::from_static(""))
}

/// Reads what [`header_value`] wrote.
pub(crate) fn read_header<T: DeserializeOwned>(headers: &HeaderMap, name: &str) -> Option<T> {
    let encoded = headers.get(name)?.as_bytes();
    let (json, _) = form_urlencoded::parse(encoded).next()?;
    serde_json::from_str(&json).ok()
}

/// Has a body read by what blocks.
async fn taken<T: Send + 'static>(
    body: Body,
    take: impl FnOnce(&mut dyn Read) -> T + Send + 'static,
) -> Result<T, ApiError> {
    let (sender, receiver) = mpsc::channel(PIECES_UNDER_WAY);
    let taking =
        tokio::spawn(blocking(move || take(&mut FromChannel { receiver, piece: Bytes::new() })));
    let mut pieces = body.into_data_stream();
    // Taken to its end, or whoever sends it would lose the line before hearing what is wrong.
    while let Some(piece) = pieces.next().await {
        let failed = piece.is_err();
        let piece = piece.map_err(|error| io::Error::other(error.to_string()));
        drop(sender.send(piece).await);
        if failed {
            break;
        }
    }
    drop(sender);
    taking.await.map_err(|_| ApiError::bad_request("the node is stopping"))?
}

/// Reads what comes through a channel.
struct FromChannel {
    receiver: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
}

impl Read for FromChannel {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.receiver.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None => return Ok(0),
            }
        }
        let length = buffer.len().min(self.piece.len());
        buffer[..length].copy_from_slice(&self.piece.split_to(length));
        Ok(length)
    }
}
