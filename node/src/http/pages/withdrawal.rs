//! Withdrawing a record of this school, on a page of its own that says what it does.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use staffroom_protocol::entry::EntryKey;

use super::frame::Frame;
use super::{at_work, in_the_way, render};
use crate::http::api_error::{ApiError, blocking};
use crate::http::records::{Withdraw, withdrawn};
use crate::node::Node;
use crate::records::{RecordError, school_names};

#[derive(Template)]
#[template(path = "withdraw.html")]
struct WithdrawPage {
    frame: Frame,
    /// The record's id with its school, as addresses have it.
    id: String,
    about: Withdrawable,
    problem: Option<String>,
    /// The reason that was typed.
    reason: String,
}

/// A record that this school may withdraw.
struct Withdrawable {
    title: String,
    groups: Vec<String>,
    /// Whether the school's key is locked with a passphrase and a group does not take the word of
    /// this school's server any more.
    locked: bool,
}

impl Withdrawable {
    fn find(node: &Node, id: &str) -> Result<Self, ApiError> {
        let held = node.find_record(id)?;
        let EntryKey { school, group, .. } = held.entry.key();
        if held.entry.is_withdrawal() {
            return Err(RecordError::Withdrawn.into());
        }
        if !node.speaks_for(&group, &school) {
            let name = school_names(node, &group).remove(&school);
            return Err(RecordError::NotOwn(name.unwrap_or_else(|| school.short())).into());
        }
        let mut names = node.group_names();
        let in_all = held.groups.iter().all(|group| node.is_member(group));
        Ok(Self {
            title: held.summary.map(|summary| summary.title).unwrap_or_default(),
            groups: held.groups.iter().filter_map(|group| names.remove(group)).collect(),
            locked: !in_all && node.home().asks_for_passphrase(),
        })
    }
}

async fn page(
    frame: Frame,
    node: Arc<Node>,
    id: String,
    reason: String,
    problem: Option<ApiError>,
) -> Response {
    let (status, problem) = in_the_way(problem.as_ref());
    let finding = id.clone();
    match at_work(&frame, move || Withdrawable::find(&node, &finding)).await {
        Ok(about) => render(status, &WithdrawPage { frame, id, about, problem, reason }),
        Err(error) => error,
    }
}

pub(crate) async fn ask(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
) -> Response {
    page(frame, node, id, String::new(), None).await
}

pub(crate) async fn withdraw(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    form: Result<Form<Withdraw>, FormRejection>,
) -> Response {
    let given = match form {
        Ok(Form(given)) => given,
        Err(rejection) => {
            let problem = Some(rejection.into());
            return page(frame, node, id, String::new(), problem).await;
        }
    };
    let reason = given.reason.clone();
    let (checking, checked) = (Arc::clone(&node), id.clone());
    let done = async {
        blocking(move || Withdrawable::find(&checking, &checked)).await??;
        withdrawn(&node, id.clone(), given).await
    };
    match done.await {
        Ok((about, withdrawn)) => {
            let to = Redirect::to(&format!("/records/{}", withdrawn.id));
            (Extension(about), to).into_response()
        }
        Err(problem) => page(frame, node, id, reason, Some(problem)).await,
    }
}
