//! The page of a draft: its form, how it is saved, and what its figures show.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use staffroom_protocol::hash::{Hash, RecordId};
use staffroom_protocol::record::Kind;
use staffroom_search::evidence::ReportRow;

use super::approval::Standing;
use super::sent;
use super::shown::{self, ShownPart};
use crate::drafts::form::{Form, PASTED};
use crate::drafts::{Column, Draft, DraftEffect, DraftError, Remark, SeenFile};
use crate::http::api_error::{ApiError, blocking};
use crate::http::evidence::points;
use crate::http::files::looked_through;
use crate::http::pages::frame::Frame;
use crate::http::pages::{at_work, render};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::people::UserName;
use crate::question::value;

#[derive(Template)]
#[template(path = "draft.html")]
struct DraftPage<'a> {
    frame: &'a Frame,
    heading: &'static str,
    id: RecordId,
    /// The title and id of the record that it is about.
    about: Option<(String, String)>,
    parts: Vec<ShownPart>,
    /// The files of a resource; none for other kinds.
    files: Option<Vec<SeenFile>>,
    /// What is in the way, with the field that it is in.
    summary: Vec<(Option<&'static str>, String)>,
    effect: EffectSection<'a>,
    /// Whether a colleague looks at it before it is shared.
    standing: Standing,
    /// The day and time at which it was saved.
    saved: String,
}

/// What the figures show, as a part of the page and by itself while they are typed.
#[derive(Template)]
#[template(path = "effect.html")]
struct EffectSection<'a> {
    frame: &'a Frame,
    row: Option<ReportRow>,
    points: Vec<(&'static str, String)>,
    remarks: Vec<String>,
}

impl<'a> EffectSection<'a> {
    fn of(frame: &'a Frame, effect: DraftEffect) -> Self {
        Self {
            frame,
            row: effect.row,
            points: points(&effect.sentences),
            remarks: effect.remarks.iter().map(|one| shown::words(frame, one)).collect(),
        }
    }
}

/// What a page of a draft needs to know of the node.
struct Known {
    draft: Draft,
    about: Option<(String, String)>,
    groups: Vec<String>,
    effect: DraftEffect,
    files: Vec<SeenFile>,
    standing: Standing,
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let known = at_work(&frame, move || know(&node, node.drafts().get(&id)?)).await?;
    Ok(page(&frame, StatusCode::OK, known, &[]))
}

fn know(node: &Node, draft: Draft) -> Result<Known, ApiError> {
    let held = node.draft_is_about(&draft)?;
    let effect = node.draft_effect(&draft, held.as_ref());
    let summary = held.and_then(|held| held.summary);
    let about = summary.map(|summary| (summary.title, draft.of().to_owned()));
    let files = node.seen_files(&draft)?;
    let standing = Standing::of(node, &draft);
    Ok(Known { about, groups: node.own_group_names(), effect, draft, files, standing })
}

fn page(frame: &Frame, status: StatusCode, known: Known, remarks: &[Remark]) -> Response {
    let Known { draft, about, groups, effect, files, standing } = known;
    let in_the_way = remarks.iter().filter(|remark| remark.refused);
    let page = DraftPage {
        frame,
        heading: Form::of(draft.kind()).heading,
        id: draft.id,
        about,
        parts: shown::parts(frame, &draft, remarks, &groups),
        files: (draft.kind() == Kind::Resource).then_some(files),
        summary: in_the_way
            .map(|one| (one.field.map(|field| field.name), shown::words(frame, one)))
            .collect(),
        effect: EffectSection::of(frame, effect),
        standing,
        saved: frame.day(&draft.saved.to_string()),
    };
    render(status, &page)
}

/// The page of a draft with what is in the way beside its fields.
pub(super) async fn show_with(
    frame: &Frame,
    node: Arc<Node>,
    draft: Draft,
    remarks: Vec<Remark>,
    status: StatusCode,
) -> Result<Response, Response> {
    let known = at_work(frame, move || know(&node, draft)).await?;
    Ok(page(frame, status, known, &remarks))
}

/// Takes in what was typed, and goes on as the button says that was pressed.
pub(crate) async fn save(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let saving = Arc::clone(&node);
    let button = value(&sent, "button").map(str::to_owned);
    let saved = at_work(&frame, move || {
        let take_in = |draft: &mut Draft| {
            draft.take_in(&sent, Timestamp::now());
            Ok::<_, DraftError>(take_pasted(draft, &sent))
        };
        match saving.drafts().change(&id, visitor.person(), take_in) {
            Ok((draft, pasted)) => {
                Ok((Ok(()), change_files(&saving, draft, &sent, visitor.person())?, pasted))
            }
            Err(error) => {
                let mut draft = saving.drafts().get(&id)?;
                let pasted = take_in(&mut draft)?;
                Ok((Err(error), draft, pasted))
            }
        }
    });
    let (kept, draft, pasted) = saved.await?;
    if let Err(error) = kept {
        // What was typed is shown again, so that it is not lost with the request.
        let status = ApiError::from(error).status();
        let too_much = Remark::sentence(frame.t("write-not-kept"));
        return show_with(&frame, node, draft, vec![too_much], status).await;
    }
    if !pasted.is_empty() {
        return show_with(&frame, node, draft, pasted, StatusCode::UNPROCESSABLE_ENTITY).await;
    }
    let to = match button.as_deref() {
        Some("check") => format!("/write/{}/check", draft.id),
        Some("work-out") => format!("/write/{}#effect", draft.id),
        Some(_) | None => format!("/write/{}", draft.id),
    };
    Ok(Redirect::to(&to).into_response())
}

/// Puts n, mean and SD of pasted columns into their fields; the scores themselves go no further.
fn take_pasted(draft: &mut Draft, sent: &[(String, String)]) -> Vec<Remark> {
    let mut remarks = Vec::new();
    for (name, _, fills) in PASTED {
        let Some((_, text)) =
            sent.iter().find(|(one, text)| one == name && !text.trim().is_empty())
        else {
            continue;
        };
        match Column::of(text) {
            Ok(column) => draft.fill_from(fills, column),
            Err(error) => remarks.push(draft.remark_beside(&format!("{fills}.mean"), error)),
        }
    }
    remarks
}

/// Takes a file out of a draft, or the names out of a file, where the button says so.
fn change_files(
    node: &Node,
    mut draft: Draft,
    sent: &[(String, String)],
    by: Option<&UserName>,
) -> Result<Draft, ApiError> {
    let button = |name: &str| value(sent, name)?.parse::<Hash>().ok();
    if let Some(hash) = button("take-out") {
        draft = node.detach(&draft.id, &hash, by)?;
    }
    if let Some(hash) = button("remove-names")
        && let Some(one) = draft.files.iter().find(|one| one.file.hash == hash)
    {
        let without = looked_through(node, one.file.clone(), true)?.file;
        draft = node.replace_in_draft(&draft.id, &hash, &without, by)?;
    }
    Ok(draft)
}

/// Keeps what was typed so far, for the script that does so now and then.
pub(crate) async fn autosave(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<StatusCode, ApiError> {
    let sent = sent(&form);
    let saved = blocking(move || {
        node.drafts().change(&id, visitor.person(), |draft| {
            draft.take_in(&sent, Timestamp::now());
            Ok::<_, DraftError>(())
        })
    });
    saved.await??;
    Ok(StatusCode::NO_CONTENT)
}

/// What the figures show that were typed so far, for the script that asks while they are typed.
/// Nothing is kept.
pub(crate) async fn effect(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, ApiError> {
    let sent = sent(&form);
    let effect = blocking(move || {
        let mut draft = node.drafts().get(&id)?;
        draft.take_in(&sent, Timestamp::now());
        let held = node.draft_is_about(&draft)?;
        Ok::<_, ApiError>(node.draft_effect(&draft, held.as_ref()))
    });
    Ok(render(StatusCode::OK, &EffectSection::of(&frame, effect.await??)))
}

/// Throws a draft away.
pub(crate) async fn discard(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Redirect, Response> {
    let gone = at_work(&frame, move || {
        let draft = node.drafts().get(&id)?;
        Ok(node.discard_draft(&draft.id)?)
    });
    gone.await?;
    Ok(Redirect::to("/write"))
}
