//! A colleague's approval: asking for it, giving it, and sending a draft back.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, RawForm, State};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use staffroom_protocol::hash::RecordId;

use super::check::{self, NotShared};
use super::{sent, title};
use crate::drafts::Draft;
use crate::http::api_error::ApiError;
use crate::http::guard::Noted;
use crate::http::pages::at_work;
use crate::http::pages::frame::Frame;
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::{Role, UserName};
use crate::question::value;

/// What the audit log calls it when somebody asks for approval.
pub(crate) const ASKED: &str = "asked for approval of a draft";

/// How far a draft has got with approval, as its page and the list of drafts say it.
#[derive(Debug)]
pub(crate) enum Standing {
    /// Nobody has asked, or nobody has to.
    NotAsked,
    /// Since a day.
    Waits { since: Timestamp },
    /// With a note, by somebody.
    SentBack { by: String, when: Timestamp, note: String },
}

impl Standing {
    pub(super) fn of(node: &Node, draft: &Draft) -> Self {
        match (draft.asked(), draft.sent_back()) {
            (Some(asked), _) if node.approval().is_needed() => Self::Waits { since: asked.when },
            (_, Some(back)) => Self::SentBack {
                by: name_of(node, back.by.as_ref()),
                when: back.when,
                note: back.note.clone(),
            },
            _ => Self::NotAsked,
        }
    }
}

/// A draft that waits for somebody's approval, as a list has it.
pub(crate) struct Waiting {
    pub(crate) id: RecordId,
    pub(crate) kind: &'static str,
    pub(crate) title: String,
    /// Who asked, as colleagues read it.
    pub(crate) by: String,
    pub(crate) since: String,
}

impl Waiting {
    /// What waits for the approval of whoever reads a page.
    pub(crate) fn for_whom(
        frame: &Frame,
        node: &Node,
        visitor: &Visitor,
    ) -> Result<Vec<Self>, ApiError> {
        if !visitor.has(Role::Approver) {
            return Ok(Vec::new());
        }
        let drafts = node.waiting_for(visitor.person())?;
        let waiting = drafts.iter().filter_map(|draft| {
            let asked = draft.asked()?;
            Some(Self {
                id: draft.id,
                kind: draft.kind().label(),
                title: title(frame, draft),
                by: name_of(node, asked.by.as_ref()),
                since: frame.day(&asked.when.to_string()),
            })
        });
        Ok(waiting.collect())
    }
}

/// Whoever did something, as colleagues read it.
pub(super) fn name_of(node: &Node, person: Option<&UserName>) -> String {
    person.map_or_else(
        || crate::audit::Actor::CommandLine.to_string(),
        |name| node.people().get(name).map_or_else(|| name.to_string(), |person| person.name),
    )
}

/// Asks for approval of what was shown.
pub(crate) async fn ask(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let asked = at_work(&frame, move || {
        let draft = node.drafts().get(&id)?;
        let shown = value(&sent, "shown").unwrap_or_default();
        Ok((draft.id, ask_for_shown(&node, &draft, &visitor, shown)?))
    });
    let (id, asked) = asked.await?;
    let noted = if asked.is_ok() { Noted::About(id.short()) } else { Noted::Nothing };
    Ok((Extension(noted), Redirect::to(&format!("/write/{id}/check"))).into_response())
}

/// Asks for approval of a draft where that is needed, and it is still exactly what was shown.
pub(super) fn ask_for_shown(
    node: &Node,
    draft: &Draft,
    by: &Visitor,
    shown: &str,
) -> Result<Result<(), NotShared>, ApiError> {
    if !node.approval().is_needed() {
        return Ok(Err(NotShared::AsksNobody));
    }
    if draft.fingerprint() != shown {
        return Ok(Err(NotShared::Changed));
    }
    // What cannot be shared as it is waits for nobody.
    if node.check_draft(draft)?.preview.is_none() {
        return Ok(Err(NotShared::Refused));
    }
    node.ask_approval(&draft.id, by.person(), shown, Timestamp::now())?;
    Ok(Ok(()))
}

/// Takes the request back, so that the draft waits no longer.
pub(crate) async fn take_back(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let taken = at_work(&frame, move || Ok(node.take_back_request(&id, visitor.person())?)).await?;
    let noted = Noted::About(taken.id.short());
    Ok((Extension(noted), Redirect::to(&format!("/write/{}", taken.id))).into_response())
}

/// Shares what was shown, which a colleague wrote.
pub(crate) async fn approve(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let publishing = Arc::clone(&node);
    let shared = at_work(&frame, move || {
        let shown = value(&sent, "shown").unwrap_or_default();
        let (draft, asked_by) = publishing.approved_draft(&id, visitor.person(), shown)?;
        Ok((draft.id, check::share(&publishing, &draft)?, asked_by))
    });
    let (id, shared, asked_by) = shared.await?;
    let Ok(shared) = shared else {
        return Ok((Extension(Noted::Nothing), Redirect::to(&format!("/write/{id}/check")))
            .into_response());
    };
    shared.told.tell(&node).await;
    let asked_by = asked_by.map_or_else(String::new, |name| format!(", asked for by {name}"));
    let noted = Noted::About(format!("{}{asked_by}", id.short()));
    Ok((Extension(noted), Redirect::to(&format!("/records/{id}?shared"))).into_response())
}

/// Sends a draft back to its authors, with what is to change.
pub(crate) async fn send_back(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let back = at_work(&frame, move || {
        let shown = value(&sent, "shown").unwrap_or_default();
        let note = value(&sent, "note").unwrap_or_default();
        Ok(node.send_back(&id, visitor.person(), shown, note, Timestamp::now())?)
    });
    let noted = Noted::About(back.await?.id.short());
    Ok((Extension(noted), Redirect::to("/write")).into_response())
}
