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

use super::{draft, sent, shown};
use crate::drafts::{CLEAR, Checked, Cleared, Draft, DraftError, Remark, SeenFile};
use crate::http::pages::frame::Frame;
use crate::http::pages::record::{Shown, Titles, titles_of};
use crate::http::pages::{at_work, render};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::publish::{Preview, PublishOptions, PublishOutcome};
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
    /// Names exactly what is shown, so that nothing else is shared by the button below it.
    shown: String,
}

impl CheckPage<'_> {
    fn show<'a>(&'a self, content: &'a Readable) -> Shown<'a> {
        Shown::new(content, &self.titles)
    }
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Result<Response, Response> {
    let checking = Arc::clone(&node);
    let checked = at_work(&frame, move || {
        let draft = checking.drafts().get(&id)?;
        let checked = checking.check_draft(&draft)?;
        let is_in_the_way = |remark: &Remark| remark.refused && remark.clear.is_none();
        if checked.remarks.iter().any(is_in_the_way) {
            return Ok((draft, checked, None));
        }
        let titles = match &checked.preview {
            Some(preview) => titles_of(&checking, &preview.record.content.references())?,
            None => Titles::new(),
        };
        let files = checking.seen_files(&draft)?;
        Ok((draft, checked, Some((titles, files))))
    });
    let (draft, checked, about) = checked.await?;
    let Checked { preview, remarks, cleared } = checked;
    let Some((titles, files)) = about else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return draft::show_with(&frame, node, draft, remarks, status).await;
    };
    let finds = remarks.iter().filter_map(|remark| find(&frame, &draft, remark));
    let warnings = remarks.iter().filter(|remark| !remark.refused);
    let page = CheckPage {
        id: draft.id,
        kind: draft.kind().label(),
        fields: preview.iter().flat_map(|preview| readable::fields(&preview.record)).collect(),
        preview: preview.as_ref(),
        titles,
        warnings: warnings.map(|remark| shown::words(&frame, remark)).collect(),
        files,
        finds: finds.collect(),
        cleared: cleared.into_iter().map(|one| cleared_find(&frame, one)).collect(),
        caveat: CAVEAT,
        shown: fingerprint(&draft),
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

fn fingerprint(draft: &Draft) -> String {
    blake3::hash(draft.written().to_string().as_bytes()).to_hex().to_string()
}

/// Keeps the reasons that were given, and checks again.
pub(crate) async fn clear(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Redirect, Response> {
    let sent = sent(&form);
    let kept = at_work(&frame, move || {
        let changed = node.drafts().change(&id, |draft| {
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

/// Shares what was shown.
pub(crate) async fn publish(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    RawForm(form): RawForm,
) -> Result<Response, Response> {
    let sent = sent(&form);
    let publishing = Arc::clone(&node);
    let published = at_work(&frame, move || {
        let draft = publishing.drafts().get(&id)?;
        let was_shown =
            sent.iter().any(|(name, value)| name == "shown" && *value == fingerprint(&draft));
        if !was_shown {
            return Ok((draft.id, None));
        }
        let options = PublishOptions::default();
        let (outcomes, told) = publishing.publish(vec![draft.written()], &options)?;
        let is_new = match outcomes.as_slice() {
            [PublishOutcome::Refused { .. }] => return Ok((draft.id, None)),
            outcomes => matches!(outcomes, [PublishOutcome::Published { .. }]),
        };
        publishing.drafts().remove(&draft.id)?;
        Ok((draft.id, Some((told, is_new))))
    });
    let (id, told) = published.await?;
    let Some((told, is_new)) = told else {
        return Ok(Redirect::to(&format!("/write/{id}/check")).into_response());
    };
    told.tell(&node).await;
    if is_new {
        visitor.note(&node, "published", &id.short()).await;
    }
    Ok(Redirect::to(&format!("/records/{id}?shared")).into_response())
}
