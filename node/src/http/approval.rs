//! Whether what staff share needs a colleague's approval.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::Json;
use super::guard::Noted;
use crate::node::Node;

/// The setting, and who may approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApprovalReport {
    /// Whether what is shared needs a colleague's approval.
    pub needed: bool,
    /// How many people have the role approver.
    #[serde(default)]
    pub approvers: usize,
}

pub(super) fn report(node: &Node) -> ApprovalReport {
    ApprovalReport {
        needed: node.approval().is_needed(),
        approvers: node.people().approvers().len(),
    }
}

/// What was set, for the audit log.
pub(super) fn about(needed: bool) -> String {
    if needed { "it does".to_owned() } else { "it does not".to_owned() }
}

/// Says whether what staff share needs a colleague's approval.
#[utoipa::path(get, path = "/approval", responses((status = 200, body = ApprovalReport)))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<ApprovalReport> {
    Json(report(&node))
}

/// What is to hold from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ApprovalRequest {
    /// Whether what is shared needs a colleague's approval.
    needed: bool,
}

/// Sets whether what staff share needs a colleague's approval.
#[utoipa::path(put, path = "/approval", responses((status = 200, body = ApprovalReport)))]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Json(request): Json<ApprovalRequest>,
) -> Result<(Extension<Noted>, Json<ApprovalReport>), ApiError> {
    let ApprovalRequest { needed } = request;
    let setting = Arc::clone(&node);
    blocking(move || setting.approval().set(needed)).await??;
    Ok((Extension(Noted::About(about(needed))), Json(report(&node))))
}
