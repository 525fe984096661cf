//! Records over HTTP.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use staffroom_protocol::hash::{Hash, RecordId, SchoolId};
use staffroom_protocol::record::{File, Record, Summary};
use utoipa::ToSchema;

use super::api_error::{ApiError, blocking};
use super::evidence::EvidenceReport;
use super::given::{Json, Path};
use super::guard::Noted;
use super::nodes::Unlock;
use super::visitor::Visitor;
use crate::adaptations::Adaptations;
use crate::erasure::WithdrawalReceipts;
use crate::node::Node;
use crate::publish::{PublishOptions, PublishOutcome};
use crate::records::{HeldRecord, RecordError, school_name};
use crate::withdrawal::Withdrawn;

/// Records in one request.
pub(super) const MAX_RECORDS: usize = 1_000;

/// Records to publish.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// Each a flat map of fields, as in the front matter of a file.
    pub records: Vec<Value>,
    /// How to publish them.
    #[serde(default)]
    pub options: PublishOptions,
}

/// A record as it is held.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecordReport {
    /// Its id.
    pub id: RecordId,
    /// Its school.
    pub school: SchoolId,
    /// The school's name.
    pub school_name: String,
    /// The kind's name.
    pub kind: String,
    /// When this version was made.
    pub updated: String,
    /// The names of the groups it is shared with, as far as this node is in them.
    pub groups: Vec<String>,
    /// Whether it was withdrawn; then there is no more to show.
    pub withdrawn: bool,
    /// What was gossiped.
    pub summary: Option<Summary>,
    /// The full record, once its text has come.
    pub record: Option<Record>,
    /// What it was made from, and what was made from it.
    #[serde(default)]
    pub adaptations: Adaptations,
    /// What its lineage shows; none for what belongs to none.
    pub evidence: Option<EvidenceReport>,
}

#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Withdraw {
    pub(super) reason: String,
    #[serde(flatten)]
    unlock: Unlock,
}

/// Shares records, or says what would become of them.
#[utoipa::path(
    post,
    path = "/records",
    responses((status = 200, body = Vec<PublishOutcome>), (status = 404), (status = 409)),
)]
pub(super) async fn publish(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Json(request): Json<PublishRequest>,
) -> Result<(Extension<Noted>, Json<Vec<PublishOutcome>>), ApiError> {
    if request.records.len() > MAX_RECORDS {
        let found = request.records.len();
        return Err(ApiError::bad_request(format!(
            "{found} records are more than the {MAX_RECORDS} that one request may have"
        )));
    }
    let check_only = request.options.check_only;
    if !check_only && visitor.asks_a_colleague(&node) {
        return Err(ApiError::forbidden(
            "at this school a colleague approves what is shared: write it on the page Write and ask for \
             approval there, or publish it with the command line on the school's server",
        ));
    }
    let publishing = Arc::clone(&node);
    let (outcomes, told) =
        blocking(move || publishing.publish(request.records, &request.options)).await??;
    told.tell(&node).await;
    let noted = if check_only { Noted::Nothing } else { published(&outcomes) };
    Ok((Extension(noted), Json(outcomes)))
}

/// What of the records was published, for the audit log.
fn published(outcomes: &[PublishOutcome]) -> Noted {
    let ids = outcomes.iter().filter_map(|outcome| match outcome {
        PublishOutcome::Published { id, .. } => Some(id.short()),
        PublishOutcome::Unchanged { .. } | PublishOutcome::Refused { .. } => None,
    });
    let ids: Vec<_> = ids.collect();
    Noted::About(format!("{} of {} records: {}", ids.len(), outcomes.len(), ids.join(", ")))
}

/// Shows a record, with what came of it.
#[utoipa::path(
    get,
    path = "/records/{id}",
    responses((status = 200, body = RecordReport), (status = 404)),
)]
pub(super) async fn show(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<RecordReport>, ApiError> {
    Ok(Json(blocking(move || report(&node, node.find_record(&id)?)).await??))
}

/// A record in the form in which it is shown.
pub(super) fn report(node: &Node, held: HeldRecord) -> Result<RecordReport, ApiError> {
    let key = held.entry.key();
    let evidence = match held.summary {
        Some(_) => EvidenceReport::of(node, (key.school, key.record))?,
        None => None,
    };
    Ok(RecordReport { evidence, ..report_without_evidence(node, held)? })
}

/// A record in the form in which it is shown, without what came of it.
pub(super) fn report_without_evidence(
    node: &Node,
    held: HeldRecord,
) -> Result<RecordReport, ApiError> {
    let key = held.entry.key();
    let adaptations = node.adaptations(&held)?;
    let mut names = node.group_names();
    Ok(RecordReport {
        id: key.record,
        school: key.school,
        school_name: school_name(node, &key.group, &key.school),
        kind: held.entry.kind().to_owned(),
        updated: held.entry.clock().to_string(),
        groups: held.groups.iter().filter_map(|group| names.remove(group)).collect(),
        withdrawn: held.entry.is_withdrawal(),
        summary: held.summary,
        record: held.record,
        adaptations,
        evidence: None,
    })
}

/// Takes back a record that this school shared.
#[utoipa::path(
    put,
    path = "/records/{id}/withdrawal",
    responses((status = 200, body = Withdrawn), (status = 404), (status = 409), (status = 423)),
)]
pub(super) async fn withdraw(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Json(withdraw): Json<Withdraw>,
) -> Result<(Extension<Noted>, Json<Withdrawn>), ApiError> {
    let (about, withdrawn) = withdrawn(&node, id, withdraw).await?;
    Ok((Extension(about), Json(withdrawn)))
}

/// Withdraws a record, and tells those it was shared with; the audit log hears why.
pub(super) async fn withdrawn(
    node: &Arc<Node>,
    id: String,
    withdraw: Withdraw,
) -> Result<(Noted, Withdrawn), ApiError> {
    if withdraw.reason.trim().is_empty() {
        return Err(ApiError::bad_request(
            "say why it is withdrawn; the reason stays in the school",
        ));
    }
    let reason = withdraw.reason.trim().to_owned();
    let withdrawing = Arc::clone(node);
    let withdrawn =
        blocking(move || withdrawing.withdraw(&id, &withdraw.reason, withdraw.unlock.given()));
    let (withdrawn, told) = withdrawn.await??;
    told.tell(node).await;
    let (id, groups) = (withdrawn.id.short(), withdrawn.groups.join(", "));
    Ok((Noted::About(format!("{id} from {groups}. Reason: {reason}")), withdrawn))
}

/// Says which schools have erased a record that this school took back.
#[utoipa::path(
    get,
    path = "/records/{id}/receipts",
    responses((status = 200, body = WithdrawalReceipts), (status = 404), (status = 409)),
)]
pub(super) async fn receipts(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Json<WithdrawalReceipts>, ApiError> {
    Ok(Json(blocking(move || node.withdrawal_receipts(&id)).await??))
}

/// The record behind an id, unless it was withdrawn.
pub(super) async fn held(node: &Arc<Node>, id: String) -> Result<HeldRecord, ApiError> {
    let finding = Arc::clone(node);
    Ok(blocking(move || find_held(&finding, &id)).await??)
}

pub(super) fn find_held(node: &Node, id: &str) -> Result<HeldRecord, RecordError> {
    let held = node.find_record(id)?;
    if held.entry.is_withdrawal() {
        return Err(RecordError::Withdrawn);
    }
    Ok(held)
}

/// A file of a record that was not withdrawn.
pub(super) struct HeldFile {
    /// The record.
    pub(super) of: HeldRecord,
    pub(super) file: File,
    /// Whether it is here, and may be shown and served for the record's group.
    pub(super) here: bool,
}

/// The file with this hash of the record behind an id.
pub(super) async fn held_file(
    node: &Arc<Node>,
    id: String,
    hash: Hash,
) -> Result<HeldFile, ApiError> {
    let finding = Arc::clone(node);
    let found = blocking(move || -> Result<_, RecordError> {
        let of = find_held(&finding, &id)?;
        let file = of.file(&hash)?.clone();
        let here = finding.has_file(&of.entry.key().group, &hash)?;
        Ok(HeldFile { of, file, here })
    });
    Ok(found.await??)
}
