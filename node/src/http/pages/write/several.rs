//! Several drafts at once: what leaves the school of all of them on one page, and one button below it. Each
//! is shared, or approval of it asked for, just as from the page of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{RawForm, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use staffroom_protocol::hash::RecordId;
use staffroom_protocol::safeguard::{CAVEAT, Sort};

use super::approval::{ASKED, ask_for_shown};
use super::check::{NotShared, PUBLISHED, share_shown};
use super::leaving::Leaving;
use super::{sent, shown, title};
use crate::drafts::{Checked, Draft, DraftError, Remark};
use crate::http::api_error::ApiError;
use crate::http::pages::frame::Frame;
use crate::http::pages::{at_work, error_page, render};
use crate::http::visitor::Visitor;
use crate::node::Node;
use crate::publish::Told;
use crate::question::{parameters, value};

/// Drafts that are shared at once: the folder of a subject, and as many as somebody looks through. With
/// these, all is done within the time that a page may take.
pub(crate) const MOST_AT_ONCE: usize = 100;

/// Characters of what is no id of a draft that are shown: twice those of one.
const MOST_ID_CHARS: usize = 64;

/// Before the id of a draft: the field that names exactly what was shown of it.
const SHOWN: &str = "shown.";

/// What leaves the school of several drafts.
#[derive(Template)]
#[template(path = "several.html")]
struct SeveralPage<'a> {
    frame: &'a Frame,
    ready: Vec<Ready>,
    not_ready: Vec<NotReady>,
    /// Drafts that were not looked at, since there are as many ready ones as are shared at once.
    left: usize,
    /// Whether a colleague looks at each before it is shared.
    asks: bool,
    /// Whether somebody may approve each of those that are ready.
    has_approvers: bool,
    caveat: &'static str,
}

/// A draft that can be shared.
struct Ready {
    id: RecordId,
    title: String,
    kind: &'static str,
    leaving: Leaving,
    /// Names exactly what is shown.
    shown: String,
}

/// A draft that cannot be shared as it is.
struct NotReady {
    id: String,
    title: String,
    /// The message that says what it waits for.
    waits_for: &'static str,
    why: Vec<String>,
    /// Where its author goes on with it; none where it is a draft no longer.
    go_on: Option<String>,
}

/// What came of it.
#[derive(Template)]
#[template(path = "several-done.html")]
struct DonePage<'a> {
    frame: &'a Frame,
    /// Whether approval was asked for.
    asked: bool,
    done: Vec<(RecordId, String)>,
    not_done: Vec<NotReady>,
}

impl DonePage<'_> {
    fn heading(&self) -> String {
        let (frame, count) = (self.frame, self.done.len());
        if self.asked {
            frame.with("several-asked-heading", "count", count)
        } else {
            frame.with("several-shared-heading", "count", count)
        }
    }
}

/// What is to be done with each draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Share,
    Ask,
}

/// Which drafts are looked at.
enum Chosen {
    These(Vec<String>),
    /// As many as are ready.
    All,
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Response> {
    let asked = parameters(&query.unwrap_or_default());
    let chosen = if value(&asked, "which") == Some("all") {
        Chosen::All
    } else {
        let mut known = BTreeSet::new();
        let ids = asked.into_iter().filter(|(name, _)| name == "draft").map(|(_, id)| id);
        Chosen::These(ids.filter(|id| known.insert(id.clone())).collect())
    };
    if let Chosen::These(ids) = &chosen {
        bounded(ids.len()).map_err(|error| error_page(&frame, &error))?;
    }
    let asking = frame.clone();
    let looked = at_work(&frame, move || look(&asking, &node, &visitor, chosen));
    let Looked { ready, not_ready, left, asks, has_approvers } = looked.await?;
    let caveat = CAVEAT;
    let page = SeveralPage { frame: &frame, ready, not_ready, left, asks, has_approvers, caveat };
    Ok(render(StatusCode::OK, &page))
}

/// Where some drafts are looked at; none for a single one, and for more than are shared at once.
pub(crate) fn address(drafts: impl ExactSizeIterator<Item = RecordId>) -> Option<String> {
    if !(2..=MOST_AT_ONCE).contains(&drafts.len()) {
        return None;
    }
    let drafts: Vec<String> = drafts.map(|id| format!("draft={id}")).collect();
    Some(format!("/write/several?{}", drafts.join("&")))
}

fn bounded(number: usize) -> Result<(), ApiError> {
    if number <= MOST_AT_ONCE {
        return Ok(());
    }
    Err(ApiError::bad_request(format!(
        "{number} drafts were chosen, and {MOST_AT_ONCE} can be shared at once; share some of them first"
    )))
}

/// What was found out of several drafts.
struct Looked {
    ready: Vec<Ready>,
    not_ready: Vec<NotReady>,
    left: usize,
    asks: bool,
    has_approvers: bool,
}

fn look(frame: &Frame, node: &Node, visitor: &Visitor, chosen: Chosen) -> Result<Looked, ApiError> {
    let asks = visitor.asks_a_colleague(node);
    let mut looked =
        Looked { ready: Vec::new(), not_ready: Vec::new(), left: 0, asks, has_approvers: true };
    let drafts: Vec<Result<Draft, (String, DraftError)>> = match chosen {
        Chosen::All => node.drafts().all()?.into_iter().map(Ok).collect(),
        Chosen::These(ids) => {
            ids.into_iter().map(|id| node.drafts().get(&id).map_err(|error| (id, error))).collect()
        }
    };
    for draft in drafts {
        if looked.ready.len() == MOST_AT_ONCE {
            looked.left += 1;
            continue;
        }
        match draft {
            Ok(draft) => match look_at(frame, node, &draft, asks)? {
                Ok(ready) => {
                    looked.has_approvers &=
                        !asks || node.has_approver_for(&draft, visitor.person());
                    looked.ready.push(ready);
                }
                Err(not_ready) => looked.not_ready.push(not_ready),
            },
            Err((id, error)) => looked.not_ready.push(NotReady::without(frame, id, error)),
        }
    }
    Ok(looked)
}

/// Looks whether a draft can be shared as it is, or what it waits for.
fn look_at(
    frame: &Frame,
    node: &Node,
    draft: &Draft,
    asks: bool,
) -> Result<Result<Ready, NotReady>, ApiError> {
    if let Some(asked) = draft.asked().filter(|_| asks) {
        let since = frame.day(&asked.when.to_string());
        let why = vec![frame.with("approval-waits-since", "day", since)];
        return Ok(Err(NotReady::of(frame, draft, "several-waits", why)));
    }
    let Checked { preview, remarks, cleared } = node.check_draft(draft)?;
    if let Some(preview) = preview {
        return Ok(Ok(Ready {
            id: draft.id,
            title: title(frame, draft),
            kind: draft.kind().label(),
            leaving: Leaving::of(frame, node, draft, preview, &remarks, cleared)?,
            shown: draft.fingerprint(),
        }));
    }
    let why: Vec<String> =
        remarks.iter().filter(|one| one.refused).map(|one| said(frame, one)).collect();
    let waits_for = waits_for(&remarks);
    Ok(Err(NotReady::of(frame, draft, waits_for, why)))
}

/// A remark as a sentence that names where it is.
fn said(frame: &Frame, remark: &Remark) -> String {
    let words = shown::words(frame, remark);
    match remark.field {
        // A rule names its field.
        Some(field) if !words.contains(&frame.t(field.label)) => {
            format!("{}: {words}", frame.t(field.label))
        }
        Some(_) | None => words,
    }
}

/// What a draft that cannot be shared waits for: what comes first of all that is in its way.
fn waits_for(remarks: &[Remark]) -> &'static str {
    let in_the_way = || remarks.iter().filter(|remark| remark.refused);
    if in_the_way().next().is_none() {
        "several-same"
    } else if in_the_way().any(|remark| remark.clear.is_none()) {
        "several-incomplete"
    } else if in_the_way().any(|remark| remark.clear != Some(Sort::UncheckedFile)) {
        "several-found"
    } else {
        "several-unchecked"
    }
}

impl NotReady {
    fn of(frame: &Frame, draft: &Draft, waits_for: &'static str, why: Vec<String>) -> Self {
        Self {
            id: draft.id.to_string(),
            title: title(frame, draft),
            waits_for,
            why,
            go_on: Some(format!("/write/{}/check", draft.id)),
        }
    }

    /// One that cannot be had, mostly since it is a draft no longer.
    fn without(frame: &Frame, id: String, error: DraftError) -> Self {
        let title = frame.t("several-gone-title");
        let (waits_for, why) = match error {
            DraftError::Unknown(_) => ("several-gone", Vec::new()),
            error @ (DraftError::TooMany
            | DraftError::TooLong(_)
            | DraftError::Damaged { .. }
            | DraftError::File(_)) => {
                ("several-failed", vec![ApiError::from(error).message().to_owned()])
            }
        };
        Self { id: id.chars().take(MOST_ID_CHARS).collect(), title, waits_for, why, go_on: None }
    }
}

/// Shares those that were shown, where nobody has to be asked.
pub(crate) async fn publish(
    frame: Frame,
    node: State<Arc<Node>>,
    visitor: Extension<Visitor>,
    form: RawForm,
) -> Result<Response, Response> {
    act(frame, node, visitor, form, Act::Share).await
}

/// Asks for approval of those that were shown.
pub(crate) async fn ask(
    frame: Frame,
    node: State<Arc<Node>>,
    visitor: Extension<Visitor>,
    form: RawForm,
) -> Result<Response, Response> {
    act(frame, node, visitor, form, Act::Ask).await
}

async fn act(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawForm(form): RawForm,
    act: Act,
) -> Result<Response, Response> {
    let shown: Vec<(String, String)> = sent(&form)
        .into_iter()
        .filter_map(|(name, shown)| Some((name.strip_prefix(SHOWN)?.to_owned(), shown)))
        .collect();
    bounded(shown.len()).map_err(|error| error_page(&frame, &error))?;
    let (acting, by, asking) = (Arc::clone(&node), visitor.clone(), frame.clone());
    let acted = at_work(&frame, move || {
        let mut acted = Acted::default();
        for (id, shown) in shown {
            acted.take(&asking, &acting, &by, act, (id, &shown));
        }
        Ok(acted)
    });
    let Acted { done, not_done, told, to_note } = acted.await?;
    Told::together(told).tell(&node).await;
    let what = if act == Act::Share { PUBLISHED } else { ASKED };
    for id in to_note {
        visitor.note(&node, what, &id.short()).await;
    }
    let status = if done.is_empty() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = DonePage { frame: &frame, asked: act == Act::Ask, done, not_done };
    Ok(render(status, &page))
}

/// What came of several drafts.
#[derive(Default)]
struct Acted {
    done: Vec<(RecordId, String)>,
    not_done: Vec<NotReady>,
    told: Vec<Told>,
    /// Those of which the audit log has a line.
    to_note: Vec<RecordId>,
}

impl Acted {
    /// Does with one draft what is to be done. What goes wrong with it keeps no other back, and what was
    /// done before stays done and is told.
    fn take(
        &mut self,
        frame: &Frame,
        node: &Node,
        by: &Visitor,
        act: Act,
        (id, shown): (String, &str),
    ) {
        let draft = match node.drafts().get(&id) {
            Ok(draft) => draft,
            Err(error) => {
                self.not_done.push(NotReady::without(frame, id, error));
                return;
            }
        };
        let done = match act {
            Act::Share => share_shown(node, &draft, by, shown).map(|shared| {
                shared.map(|shared| {
                    self.told.push(shared.told);
                    shared.is_new
                })
            }),
            Act::Ask => ask_for_shown(node, &draft, by, shown).map(|asked| asked.map(|()| true)),
        };
        let (waits_for, why) = match done {
            Ok(Ok(is_new)) => {
                self.done.push((draft.id, title(frame, &draft)));
                self.to_note.extend(is_new.then_some(draft.id));
                return;
            }
            Ok(Err(NotShared::Changed)) => ("several-changed", Vec::new()),
            Ok(Err(NotShared::Refused)) => ("several-refused", Vec::new()),
            Ok(Err(NotShared::AsksAColleague)) => ("several-asks", Vec::new()),
            Ok(Err(NotShared::AsksNobody)) => ("several-asks-nobody", Vec::new()),
            Err(error) => ("several-failed", vec![error.message().to_owned()]),
        };
        self.not_done.push(NotReady::of(frame, &draft, waits_for, why));
    }
}
