//! Before something is shared: exactly what leaves the school, who will see it, and what the scan found.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::safeguard::{CAVEAT, Sort};

use super::approval::name_of;
use super::leaving::Leaving;
use super::{draft, sent, shown};
use crate::drafts::{ApprovalError, CLEAR, Checked, Draft, DraftError, MOST_NOTE_CHARS, Remark};
use crate::http::api_error::ApiError;
use crate::http::pages::frame::Frame;
use crate::http::pages::{at_work, render};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::Role;
use crate::publish::{PublishOptions, PublishOutcome, Told};
use crate::question::value;

/// What the audit log calls it when somebody shares a draft.
pub(super) const PUBLISHED: &str = "published";

/// Something the scan found that its author may clear.
struct Find {
    /// The name of the field for the reason.
    name: String,
    words: String,
    label: String,
    /// The text that it is in.
    text: String,
    reason: String,
    /// The file that it is about, where nobody but its author can look through it.
    unchecked: Option<Hash>,
}

#[derive(Template)]
#[template(path = "draft-check.html")]
struct CheckPage<'a> {
    frame: &'a Frame,
    id: RecordId,
    /// None where something is in the way, or the very same is shared already.
    leaving: Option<Leaving>,
    finds: Vec<Find>,
    caveat: &'static str,
    /// What keeps it from being shared as it is, for those who may not change it.
    problems: Vec<String>,
    /// Names exactly what is shown, so that nothing else is shared by the button below it.
    shown: String,
    next: Next,
}

/// What whoever reads the page may do with what it shows.
enum Next {
    Share,
    /// Ask a colleague; there may be none yet who approves it.
    Ask {
        has_approver: bool,
    },
    /// Wait for a colleague, or take the request back.
    Wait {
        since: String,
        has_approver: bool,
    },
    /// Share what a colleague wrote, or send it back.
    Decide {
        by: String,
        since: String,
    },
}

impl Next {
    fn of(frame: &Frame, node: &Node, draft: &Draft, visitor: &Visitor) -> Self {
        if !visitor.asks_a_colleague(node) {
            return Self::Share;
        }
        let person = visitor.person();
        let has_approver = node.has_approver_for(draft, person);
        let Some(asked) = draft.asked() else { return Self::Ask { has_approver } };
        let since = frame.day(&asked.when.to_string());
        if visitor.has(Role::Approver) && !draft.is_by(person) {
            Self::Decide { by: name_of(node, asked.by.as_ref()), since }
        } else {
            Self::Wait { since, has_approver }
        }
    }
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let (checking, asking) = (Arc::clone(&node), frame.clone());
    let may_change = visitor.has(Role::Contributor);
    let checked = at_work(&frame, move || {
        let draft = checking.drafts().get(&id)?;
        let waits = checking.approval().is_needed() && draft.asked().is_some();
        if !may_change && !waits {
            return Err(ApprovalError::NotWaiting.into());
        }
        let Checked { preview, remarks, cleared } = checking.check_draft(&draft)?;
        let is_in_the_way = |remark: &Remark| remark.refused && remark.clear.is_none();
        if may_change && remarks.iter().any(is_in_the_way) {
            return Ok((draft, remarks, None));
        }
        let leaving = match preview {
            Some(preview) => {
                Some(Leaving::of(&asking, &checking, &draft, preview, &remarks, cleared)?)
            }
            None => None,
        };
        let next = Next::of(&asking, &checking, &draft, &visitor);
        Ok((draft, remarks, Some((leaving, next))))
    });
    let (draft, remarks, about) = checked.await?;
    let Some((leaving, next)) = about else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return draft::show_with(&frame, node, draft, remarks, status).await;
    };
    let finds = remarks.iter().filter_map(|remark| find(&frame, &draft, remark));
    let finds = if may_change { finds.collect() } else { Vec::new() };
    let in_the_way = remarks.iter().filter(|remark| remark.refused && !may_change);
    let page = CheckPage {
        id: draft.id,
        leaving,
        finds,
        problems: in_the_way.map(|remark| shown::words(&frame, remark)).collect(),
        caveat: CAVEAT,
        shown: draft.fingerprint(),
        next,
        frame: &frame,
    };
    Ok(render(StatusCode::OK, &page))
}

fn find(frame: &Frame, draft: &Draft, remark: &Remark) -> Option<Find> {
    let name = format!("{CLEAR}{}", remark.clear?);
    let unchecked = draft.files.iter().find(|one| {
        remark.clear == Some(Sort::UncheckedFile)
            && remark.file.as_ref().is_some_and(|name| *name == one.file.name)
    });
    Some(Find {
        words: shown::words(frame, remark),
        label: match (remark.field, &remark.file) {
            (Some(field), _) => frame.t(field.label),
            (None, file) => file.clone().unwrap_or_default(),
        },
        text: remark.field.map(|field| draft.value(field.name)).unwrap_or_default().to_owned(),
        reason: draft.value(&name).to_owned(),
        unchecked: unchecked.map(|one| one.file.hash),
        name,
    })
}

/// Keeps the reasons that were given, and checks again.
pub(crate) async fn clear(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Redirect, Response> {
    let sent = sent(&form);
    let kept = at_work(&frame, move || {
        let changed = node.drafts().change(&id, visitor.person(), |draft| {
            draft.take_in_reasons(&sent, Timestamp::now());
            draft.confirm(|hash| {
                let hash = hash.to_string();
                sent.iter().any(|(name, value)| name == "no_pupil_data" && *value == hash)
            });
            Ok::<_, DraftError>(())
        });
        Ok(changed?.0.id)
    });
    let id = kept.await?;
    Ok(Redirect::to(&format!("/write/{id}/check")))
}

/// Shares what was shown, where nobody has to be asked.
pub(crate) async fn publish(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let (publishing, by) = (Arc::clone(&node), visitor.clone());
    let shared = at_work(&frame, move || {
        let draft = publishing.drafts().get(&id)?;
        let shown = value(&sent, "shown").unwrap_or_default();
        Ok((draft.id, share_shown(&publishing, &draft, &by, shown)?))
    });
    let (id, shared) = shared.await?;
    let Ok(shared) = shared else {
        return Ok(Redirect::to(&format!("/write/{id}/check")).into_response());
    };
    let is_new = shared.is_new;
    shared.told.tell(&node).await;
    if is_new {
        visitor.note(&node, PUBLISHED, &id.short()).await;
    }
    Ok(Redirect::to(&format!("/records/{id}?shared")).into_response())
}

/// A draft that is shared.
pub(super) struct Shared {
    /// What the groups are to hear.
    pub(super) told: Told,
    /// Whether it was not shared before just like this.
    pub(super) is_new: bool,
}

/// Why a draft is not shared, nor approval of it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotShared {
    /// A colleague looks at it first.
    AsksAColleague,
    /// Nobody looks at it first.
    AsksNobody,
    /// It is not what was shown any longer.
    Changed,
    /// It cannot be shared any longer as it is.
    Refused,
}

/// Shares a draft where nobody has to be asked, and it is still exactly what was shown.
pub(super) fn share_shown(
    node: &Node,
    draft: &Draft,
    by: &Visitor,
    shown: &str,
) -> Result<Result<Shared, NotShared>, ApiError> {
    if by.asks_a_colleague(node) {
        return Ok(Err(NotShared::AsksAColleague));
    }
    if draft.fingerprint() != shown {
        return Ok(Err(NotShared::Changed));
    }
    share(node, draft)
}

/// Shares a draft, which is one no longer then.
pub(super) fn share(node: &Node, draft: &Draft) -> Result<Result<Shared, NotShared>, ApiError> {
    let (outcomes, told) = node.publish(vec![draft.written()], &PublishOptions::default())?;
    let is_new = match outcomes.as_slice() {
        [PublishOutcome::Refused { .. }] => return Ok(Err(NotShared::Refused)),
        outcomes => matches!(outcomes, [PublishOutcome::Published { .. }]),
    };
    node.drafts().remove(&draft.id)?;
    Ok(Ok(Shared { told, is_new }))
}
