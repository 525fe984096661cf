//! The provider at which staff have accounts already, over the API: for the command line, and for
//! administrators.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::api_error::{ApiError, blocking};
use super::visitor::Visitor;
use crate::node::Node;
use crate::provider::{ProviderSettings, redirect_address};

/// What is set.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProviderReport {
    /// The provider, but for the secret; none if none is set.
    pub settings: Option<ProviderSettings>,
    /// Where the provider is to send people back to, as it must be told.
    pub redirect: String,
}

/// A provider to set.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    /// The provider.
    pub settings: ProviderSettings,
    /// The secret by which it knows this node.
    pub client_secret: String,
}

pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Json<ProviderReport> {
    Json(report(&node, &visitor))
}

/// What is set, as it looks to a visitor.
pub(super) fn report(node: &Node, visitor: &Visitor) -> ProviderReport {
    let settings = node.provider().settings();
    ProviderReport { settings, redirect: redirect_address(visitor.door.pages()) }
}

pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    request: Result<Json<ProviderRequest>, JsonRejection>,
) -> Result<Json<ProviderReport>, ApiError> {
    let Json(request) = request.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let ProviderRequest { settings, client_secret } = request;
    let about = settings.issuer.clone();
    let turn = node.provider().turn().await?;
    let setting = Arc::clone(&node);
    blocking(move || {
        let set = setting.provider().set(settings, client_secret);
        drop(turn);
        set
    })
    .await??;
    visitor.note(&node, "let staff sign in with accounts of another service", &about).await;
    Ok(Json(report(&node, &visitor)))
}

pub(super) async fn forget(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<ProviderReport>, ApiError> {
    let forgetting = Arc::clone(&node);
    blocking(move || forgetting.provider().forget()).await??;
    visitor.note(&node, "let nobody sign in with accounts of another service", "").await;
    Ok(Json(report(&node, &visitor)))
}
