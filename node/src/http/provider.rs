//! The provider at which staff have accounts already, over the API: for the command line, and for
//! administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::Json;
use super::visitor::Visitor;
use crate::node::Node;
use crate::provider::{Provider, ProviderError, ProviderSettings, redirect_address};

/// What is set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ProviderReport {
    /// The provider, but for the secret; none if none is set.
    pub settings: Option<ProviderSettings>,
    /// Where the provider is to send people back to, as it must be told.
    pub redirect: String,
}

/// A provider to set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProviderRequest {
    /// The provider.
    pub settings: ProviderSettings,
    /// The secret by which it knows this node.
    pub client_secret: String,
}

/// Says with which accounts of another service staff may sign in.
#[utoipa::path(get, path = "/sign-in-with", responses((status = 200, body = ProviderReport)))]
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

/// Does what asks the provider, when there is room for one more conversation with it.
pub(super) async fn asking<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Provider) -> Result<T, ProviderError> + Send + 'static,
) -> Result<Result<T, ProviderError>, ApiError> {
    let turn = node.provider().turn().await?;
    let node = Arc::clone(node);
    blocking(move || {
        let done = work(node.provider());
        drop(turn);
        done
    })
    .await
}

/// Lets staff sign in with accounts of another service, which is asked for its settings first.
#[utoipa::path(
    put,
    path = "/sign-in-with",
    responses((status = 200, body = ProviderReport)),
)]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(request): Json<ProviderRequest>,
) -> Result<Json<ProviderReport>, ApiError> {
    let ProviderRequest { settings, client_secret } = request;
    let about = settings.issuer.clone();
    asking(&node, |provider| provider.set(settings, client_secret)).await??;
    visitor.note(&node, "let staff sign in with accounts of another service", &about).await;
    Ok(Json(report(&node, &visitor)))
}

/// Lets nobody sign in with accounts of another service any longer.
#[utoipa::path(delete, path = "/sign-in-with", responses((status = 200, body = ProviderReport)))]
pub(super) async fn forget(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<ProviderReport>, ApiError> {
    let forgetting = Arc::clone(&node);
    blocking(move || forgetting.provider().forget()).await??;
    visitor.note(&node, "let nobody sign in with accounts of another service", "").await;
    Ok(Json(report(&node, &visitor)))
}
