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
use super::{draft, sent, shown};
use crate::drafts::{
    ApprovalError, CLEAR, Checked, Cleared, Draft, DraftError, MOST_NOTE_CHARS, Remark, SeenFile,
};
use crate::http::api_error::ApiError;
use crate::http::pages::frame::Frame;
use crate::http::pages::record::{Shown, Titles, titles_of};
use crate::http::pages::{at_work, render};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::Role;
use crate::publish::{Preview, PublishOptions, PublishOutcome, Told};
use crate::question::value;
use crate::readable::{self, Field, Readable};

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

/// Something the scan found that its author cleared.
struct ClearedFind {
    label: String,
    found: String,
    reason: String,
}

#[derive(Template)]
#[template(path = "draft-check.html")]
struct CheckPage<'a> {
    frame: &'a Frame,
    id: RecordId,
    kind: &'static str,
    preview: Option<&'a Preview>,
    fields: Vec<Field>,
    titles: Titles,
    warnings: Vec<String>,
    files: Vec<SeenFile>,
    finds: Vec<Find>,
    /// What the author cleared before, each with its reason, so that it is looked at again.
    cleared: Vec<ClearedFind>,
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

impl CheckPage<'_> {
    fn show<'a>(&'a self, content: &'a Readable) -> Shown<'a> {
        Shown::new(content, &self.titles)
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
        let checked = checking.check_draft(&draft)?;
        let is_in_the_way = |remark: &Remark| remark.refused && remark.clear.is_none();
        if may_change && checked.remarks.iter().any(is_in_the_way) {
            return Ok((draft, checked, None));
        }
        let titles = match &checked.preview {
            Some(preview) => titles_of(&checking, &preview.record.content.references())?,
            None => Titles::new(),
        };
        let files = checking.seen_files(&draft)?;
        let next = Next::of(&asking, &checking, &draft, &visitor);
        Ok((draft, checked, Some((titles, files, next))))
    });
    let (draft, checked, about) = checked.await?;
    let Checked { preview, remarks, cleared } = checked;
    let Some((titles, files, next)) = about else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return draft::show_with(&frame, node, draft, remarks, status).await;
    };
    let finds = remarks.iter().filter_map(|remark| find(&frame, &draft, remark));
    let finds = if may_change { finds.collect() } else { Vec::new() };
    let in_the_way = remarks.iter().filter(|remark| remark.refused && !may_change);
    let warnings = remarks.iter().filter(|remark| !remark.refused);
    let page = CheckPage {
        id: draft.id,
        kind: draft.kind().label(),
        fields: preview.iter().flat_map(|preview| readable::fields(&preview.record)).collect(),
        preview: preview.as_ref(),
        titles,
        warnings: warnings.map(|remark| shown::words(&frame, remark)).collect(),
        files,
        finds,
        problems: in_the_way.map(|remark| shown::words(&frame, remark)).collect(),
        cleared: cleared.into_iter().map(|one| cleared_find(&frame, one)).collect(),
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

fn cleared_find(frame: &Frame, Cleared { field, place, found, reason }: Cleared) -> ClearedFind {
    ClearedFind { label: field.map_or(place, |field| frame.t(field.label)), found, reason }
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
    let publishing = Arc::clone(&node);
    let asks_a_colleague = visitor.asks_a_colleague(&node);
    let shared = at_work(&frame, move || {
        let draft = publishing.drafts().get(&id)?;
        if asks_a_colleague || value(&sent, "shown") != Some(draft.fingerprint().as_str()) {
            return Ok(Shared::nothing(draft.id));
        }
        share(&publishing, &draft)
    });
    let shared = shared.await?;
    let (id, is_new) = (shared.id, shared.is_new);
    if !shared.tell(&node).await {
        return Ok(Redirect::to(&format!("/write/{id}/check")).into_response());
    }
    if is_new {
        visitor.note(&node, "published", &id.short()).await;
    }
    Ok(Redirect::to(&format!("/records/{id}?shared")).into_response())
}

/// What came of sharing a draft.
pub(super) struct Shared {
    pub(super) id: RecordId,
    /// What the groups are to hear; none where it is not shared.
    told: Option<Told>,
    is_new: bool,
}

impl Shared {
    fn nothing(id: RecordId) -> Self {
        Self { id, told: None, is_new: false }
    }

    /// Tells the groups, and returns whether it is shared.
    pub(super) async fn tell(self, node: &Arc<Node>) -> bool {
        let Some(told) = self.told else { return false };
        told.tell(node).await;
        true
    }
}

/// Shares a draft, which is one no longer then.
pub(super) fn share(node: &Node, draft: &Draft) -> Result<Shared, ApiError> {
    let (outcomes, told) = node.publish(vec![draft.written()], &PublishOptions::default())?;
    let is_new = match outcomes.as_slice() {
        [PublishOutcome::Refused { .. }] => return Ok(Shared::nothing(draft.id)),
        outcomes => matches!(outcomes, [PublishOutcome::Published { .. }]),
    };
    node.drafts().remove(&draft.id)?;
    Ok(Shared { id: draft.id, told: Some(told), is_new })
}
