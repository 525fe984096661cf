//! The line to other schools: what may pass on it, and what does.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::Json;
use crate::line::{InForce, LineSettings};
use crate::network::{Network, Traffic};
use crate::node::Node;

/// How long it is counted what passes.
const COUNTED: Duration = Duration::from_secs(1);

/// The line at this moment.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct LineReport {
    /// The ceilings; none if none were set.
    pub in_force: Option<InForce>,
    /// What was sent and received within one second; none while the node is not running.
    pub a_second: Option<Traffic>,
}

/// Says what may pass on the line to other schools, and counts for a second what does.
#[utoipa::path(
    get,
    path = "/line",
    responses((status = 200, body = LineReport)),
)]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<LineReport> {
    let a_second = match node.network() {
        Some(network) => Some(counted(network).await),
        None => None,
    };
    Json(LineReport { in_force: node.line().in_force(Timestamp::now()), a_second })
}

async fn counted(network: &Network) -> Traffic {
    let before = network.traffic();
    tokio::time::sleep(COUNTED).await;
    let after = network.traffic();
    Traffic {
        sent: after.sent.saturating_sub(before.sent),
        received: after.received.saturating_sub(before.received),
    }
}

/// Sets how much may pass on the line to other schools, and when.
#[utoipa::path(
    put,
    path = "/line",
    responses((status = 200, body = Option<InForce>)),
)]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Json(settings): Json<LineSettings>,
) -> Result<Json<Option<InForce>>, ApiError> {
    put(node, Some(settings)).await
}

/// Lets everything pass on the line again.
#[utoipa::path(
    delete,
    path = "/line",
    responses((status = 200, body = Option<InForce>)),
)]
pub(super) async fn lift(State(node): State<Arc<Node>>) -> Result<Json<Option<InForce>>, ApiError> {
    put(node, None).await
}

async fn put(
    node: Arc<Node>,
    settings: Option<LineSettings>,
) -> Result<Json<Option<InForce>>, ApiError> {
    let setting = Arc::clone(&node);
    blocking(move || setting.line().set(settings)).await??;
    Ok(Json(node.line().in_force(Timestamp::now())))
}
