//! Writing: what is being written, and how something new is begun.

pub(crate) mod approval;
pub(crate) mod check;
pub(crate) mod draft;
mod leaving;
pub(crate) mod several;
mod shown;

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use self::approval::{Standing, Waiting};
use super::frame::Frame;
use super::{asset, at_work, render};
use crate::drafts::Draft;
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::own_work::OwnWork;
use crate::people::Role;
use crate::question::value;

/// What a form sends in place of a kind to write the next version of a record.
pub(super) const CHANGE: &str = "change";

/// Bytes that a form may send: a draft, and four pasted columns of scores.
pub(crate) const MAX_FORM_BYTES: usize = 1024 * 1024;

#[derive(Template)]
#[template(path = "write.html")]
struct WritePage {
    frame: Frame,
    /// Whether whoever reads this may write, and not only approve.
    contributes: bool,
    drafts: Vec<(Draft, Standing)>,
    /// What waits for the approval of whoever reads this.
    waiting: Vec<Waiting>,
    /// What this school has not reported on.
    work: Vec<OwnWork>,
}

impl WritePage {
    fn title(&self, draft: &Draft) -> String {
        title(&self.frame, draft)
    }
}

fn title(frame: &Frame, draft: &Draft) -> String {
    let title = draft.value("title").trim();
    if title.is_empty() { frame.t("write-no-title") } else { title.to_owned() }
}

pub(crate) async fn list(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Response> {
    let (contributes, asking) = (visitor.has(Role::Contributor), frame.clone());
    let read = at_work(&frame, move || {
        let waiting = Waiting::for_whom(&asking, &node, &visitor)?;
        if !contributes {
            return Ok((Vec::new(), waiting, Vec::new()));
        }
        let drafts = node.drafts().all()?.into_iter();
        let drafts = drafts.map(|draft| {
            let standing = Standing::of(&node, &draft);
            (draft, standing)
        });
        Ok((drafts.collect(), waiting, node.unreported_work()?))
    });
    let (drafts, waiting, work) = read.await?;
    Ok(render(StatusCode::OK, &WritePage { frame, contributes, drafts, waiting, work }))
}

/// Begins a draft, about a record where the form names one.
pub(crate) async fn start(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawForm(form): RawForm,
) -> Result<Redirect, Response> {
    let sent = sent(&form);
    let started = at_work(&frame, move || {
        let kind = value(&sent, "kind").unwrap_or_default();
        let of = value(&sent, "of");
        Ok(match (kind, of) {
            (CHANGE, Some(of)) => node.change_record(of, visitor.person())?,
            _ => node.start_draft(kind, of, visitor.person())?,
        })
    });
    let draft = started.await?;
    Ok(Redirect::to(&format!("/write/{}", draft.id)))
}

/// What a form sent, as it was typed.
fn sent(form: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(form).into_owned().collect()
}

pub(crate) async fn script() -> Response {
    asset("text/javascript; charset=utf-8", include_str!("../../../assets/draft.js"))
        .into_response()
}
