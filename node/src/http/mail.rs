//! The mail server over the API: for the command line, and for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::given::Json;
use super::visitor::Visitor;
use crate::mail::{Letter, MailSettings};
use crate::node::Node;

/// By which server e-mail is sent, and how that goes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MailReport {
    /// The server, but for the password; none if none is set.
    pub settings: Option<MailSettings>,
    /// How many people are told each week what is new.
    pub weekly: usize,
    /// What was in the way of the last letter; none if it was sent.
    pub problem: Option<String>,
}

/// A mail server to set.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MailRequest {
    /// The server.
    pub settings: MailSettings,
    /// The password for its user.
    pub password: Option<String>,
}

/// Whom to write to, to see whether it arrives.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// An e-mail address of the school's staff.
    pub to: String,
}

/// Says by which server e-mail is sent.
#[utoipa::path(get, path = "/mail", responses((status = 200, body = MailReport)))]
pub(super) async fn show(State(node): State<Arc<Node>>) -> Json<MailReport> {
    Json(report(&node))
}

/// What is set.
pub(super) fn report(node: &Node) -> MailReport {
    let mail = node.mail();
    MailReport {
        settings: mail.settings(),
        weekly: node.people().weekly().len(),
        problem: mail.problem(),
    }
}

/// Sets the server by which e-mail is sent. Nothing is sent yet.
#[utoipa::path(put, path = "/mail", responses((status = 200, body = MailReport)))]
pub(super) async fn set(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(request): Json<MailRequest>,
) -> Result<Json<MailReport>, ApiError> {
    let MailRequest { settings, password } = request;
    let about = settings.server.clone();
    let setting = Arc::clone(&node);
    blocking(move || setting.mail().set(settings, password)).await??;
    visitor.note(&node, "set the mail server", &about).await;
    Ok(Json(report(&node)))
}

/// Sends no e-mail any longer.
#[utoipa::path(delete, path = "/mail", responses((status = 200, body = MailReport)))]
pub(super) async fn forget(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Json<MailReport>, ApiError> {
    let forgetting = Arc::clone(&node);
    blocking(move || forgetting.mail().forget()).await??;
    visitor.note(&node, "set no mail server any longer", "").await;
    Ok(Json(report(&node)))
}

/// Sends an e-mail to somebody of the school, to see whether it arrives.
#[utoipa::path(
    post,
    path = "/mail/test",
    responses((status = 200, body = MailReport), (status = 404), (status = 503)),
)]
pub(super) async fn test(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(request): Json<TestRequest>,
) -> Result<Json<MailReport>, ApiError> {
    let to = node.mail().address(&request.to)?;
    let school = node.identity().claims().name.clone();
    let letter = Letter {
        to,
        subject: format!("Staffroom at {school} can send e-mail"),
        text: format!(
            "This is a test. Staff of {school} can be told each Monday what is new in Staffroom: whoever \
             wants that asks for it on the page \"Your account\".\n"
        ),
    };
    node.mail().send(&school, letter).await?;
    visitor.note(&node, "sent an e-mail as a test", "").await;
    Ok(Json(report(&node)))
}
