//! Whether what staff share needs a colleague's approval.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::api_error::{ApiError, blocking};
use super::guard::Noted;
use crate::node::Node;

/// The setting, and who may approve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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

pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<ApprovalReport> {
    Json(report(&node))
}

/// What is to hold from now on.
#[derive(Debug, Deserialize)]
pub(super) struct ApprovalRequest {
    needed: bool,
}

pub(super) async fn set(
    State(node): State<Arc<Node>>,
    request: Result<Json<ApprovalRequest>, JsonRejection>,
) -> Result<(Extension<Noted>, Json<ApprovalReport>), ApiError> {
    let Json(ApprovalRequest { needed }) =
        request.map_err(|error| ApiError::bad_request(error.body_text()))?;
    let setting = Arc::clone(&node);
    blocking(move || setting.approval().set(needed)).await??;
    Ok((Extension(Noted::About(about(needed))), Json(report(&node))))
}
