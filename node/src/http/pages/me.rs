//! A person's own page: name, password, where one is signed in, and tokens.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use jiff::Timestamp;
use serde::Deserialize;

use super::frame::Frame;
use super::sign_in::{begin, no_session};
use super::{error_page, render};
use crate::ago::ago;
use crate::clock::now_millis;
use crate::http::api_error::{ApiError, blocking};
use crate::http::visitor::{Visitor, Who};
use crate::node::Node;
use crate::people::{
    DEFAULT_TOKEN_DAYS, MAX_TOKEN_DAYS, PasswordError, PeopleError, Role, Roles, Scope, SecretHash,
    Session, SignInError, UserName,
};

#[derive(Template)]
#[template(path = "me.html")]
struct MePage {
    frame: Frame,
    user_name: UserName,
    name: String,
    roles: Roles,
    sessions: Vec<(SecretHash, Session)>,
    /// The session that asks.
    this: SecretHash,
    tokens: Vec<(String, crate::people::PersonalToken)>,
    /// A token that was made just now, shown this once.
    made: Option<String>,
    problem: Option<String>,
}

impl MePage {
    const DAYS: u16 = DEFAULT_TOKEN_DAYS;
    const MAX_DAYS: u16 = MAX_TOKEN_DAYS;

    fn is_this(&self, session: &SecretHash) -> bool {
        *session == self.this
    }

    fn day(&self, when: &Timestamp) -> String {
        self.frame.day(&when.to_string())
    }

    fn when(&self, when: &Timestamp) -> String {
        said(when)
    }

    /// What a token is for.
    fn scope(&self, scope: &Scope) -> String {
        self.frame.t(match scope {
            Scope::Feed => "me-token-feed",
            Scope::Read => "me-token-read",
            Scope::Write => "me-token-write",
        })
    }

    fn used(&self, when: &Option<Timestamp>) -> String {
        when.as_ref().map_or_else(|| self.frame.t("me-token-unused"), said)
    }

    fn may(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// When something was, as people say it.
pub(super) fn said(when: &Timestamp) -> String {
    ago(u64::try_from(when.as_millisecond()).unwrap_or(0), now_millis())
}

/// Who is signed in; a command that shows the node's own token has no page.
struct Me {
    name: UserName,
    session: SecretHash,
}

impl Me {
    fn of(frame: &Frame, visitor: &Visitor) -> Result<Self, Response> {
        match &visitor.who {
            Who::Person { name, session, .. } => {
                Ok(Self { name: name.clone(), session: session.clone() })
            }
            Who::Nobody | Who::CommandLine | Who::Token { .. } => Err(error_page(
                frame,
                &ApiError::forbidden("this page is for a person who signed in"),
            )),
        }
    }

    fn page(
        self,
        frame: Frame,
        node: &Node,
        made: Option<String>,
        problem: Option<&ApiError>,
    ) -> Response {
        let Some(person) = node.people().get(&self.name) else {
            return Redirect::to("/sign-in").into_response();
        };
        let status = problem.map_or(StatusCode::OK, ApiError::status);
        let page = MePage {
            frame,
            name: person.name,
            roles: person.roles,
            sessions: node.people().sessions().of(&self.name, Timestamp::now()),
            this: self.session,
            tokens: node.people().tokens(&self.name),
            user_name: self.name,
            made,
            problem: problem.map(|error| error.message().to_owned()),
        };
        render(status, &page)
    }
}

/// A name for colleagues to read.
#[derive(Deserialize)]
pub(crate) struct NameForm {
    name: String,
}

/// A new password.
#[derive(Deserialize)]
pub(crate) struct PasswordForm {
    before: String,
    password: String,
    again: String,
}

/// A session to end, or all of them.
#[derive(Deserialize)]
pub(crate) struct EndForm {
    which: String,
}

/// A token to make.
#[derive(Deserialize)]
pub(crate) struct TokenForm {
    name: String,
    scope: String,
    days: u16,
}

pub(crate) async fn show(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    Ok(me.page(frame, &node, None, None))
}

pub(crate) async fn rename(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<NameForm>, FormRejection>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    let NameForm { name } = given(&frame, form)?;
    let (changing, whose) = (Arc::clone(&node), me.name.clone());
    let changed = blocking(move || changing.people().rename(&whose, &name)).await;
    Ok(back(me, frame, &node, changed))
}

pub(crate) async fn change_password(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    let PasswordForm { before, password, again } = given(&frame, form)?;
    let sessions = node.people().sessions().of(&me.name, Timestamp::now());
    let own_computer =
        sessions.iter().any(|(hash, session)| *hash == me.session && session.own_computer);
    let changed = if password == again {
        node.people()
            .change_password(&me.name, before.into(), password.into(), visitor.address)
            .await
    } else {
        Err(SignInError::Failed(PasswordError::Differ.into()))
    };
    if let Err(error) = changed {
        let problem = match error {
            SignInError::Wrong => ApiError::bad_request(frame.t("me-password-wrong")),
            SignInError::Failed(error) => error.into(),
            error @ (SignInError::Wait(_) | SignInError::Busy) => {
                ApiError::unavailable(error.to_string())
            }
        };
        return Ok(me.page(frame, &node, None, Some(&problem)));
    }
    let begun =
        begin(&node, &visitor, &headers, me.name, own_computer, "changed the password").await;
    let cookie =
        begun.map_err(|error| error_page(&frame, &ApiError::unavailable(error.to_string())))?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/me")).into_response())
}

pub(crate) async fn end_sessions(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<EndForm>, FormRejection>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    let EndForm { which } = given(&frame, form)?;
    let ends_this = which == "all" || which == me.session.short();
    let ending = Arc::clone(&node);
    let ended = blocking(move || {
        let (sessions, now) = (ending.people().sessions(), Timestamp::now());
        if which == "all" {
            sessions.end_all(&me.name, now);
            return;
        }
        for (hash, _) in sessions.of(&me.name, now) {
            if hash.short() == which {
                sessions.end(&hash, now);
            }
        }
    });
    ended.await.map_err(|error| error_page(&frame, &error))?;
    if ends_this {
        let cookie = no_session(&node, &visitor.door);
        return Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response());
    }
    Ok(Redirect::to("/me").into_response())
}

pub(crate) async fn make_token(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    let TokenForm { name, scope, days } = given(&frame, form)?;
    let about = format!("for {scope}, {days} days");
    let (making, whose) = (Arc::clone(&node), me.name.clone());
    let made = blocking(move || {
        let scope = scope.parse::<Scope>().map_err(PeopleError::from)?;
        making.people().make_token(&whose, &name, scope, days)
    });
    match made.await.and_then(|made| Ok(made?)) {
        Ok(secret) => {
            visitor.note(&node, "made a token", &about).await;
            Ok(me.page(frame, &node, Some(secret.as_str().to_owned()), None))
        }
        Err(problem) => Ok(me.page(frame, &node, None, Some(&problem))),
    }
}

pub(crate) async fn end_token(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<EndForm>, FormRejection>,
) -> Result<Response, Response> {
    let me = Me::of(&frame, &visitor)?;
    let EndForm { which } = given(&frame, form)?;
    let (ending, whose) = (Arc::clone(&node), me.name.clone());
    let ended = blocking(move || ending.people().end_token(&whose, &which).map(drop)).await;
    if let Ok(Ok(())) = &ended {
        visitor.note(&node, "ended a token", "").await;
    }
    Ok(back(me, frame, &node, ended))
}

fn back(
    me: Me,
    frame: Frame,
    node: &Node,
    done: Result<Result<(), PeopleError>, ApiError>,
) -> Response {
    match done.and_then(|done| Ok(done?)) {
        Ok(()) => Redirect::to("/me").into_response(),
        Err(problem) => me.page(frame, node, None, Some(&problem)),
    }
}

fn given<T>(frame: &Frame, form: Result<Form<T>, FormRejection>) -> Result<T, Response> {
    form.map(|Form(form)| form).map_err(|rejection| error_page(frame, &ApiError::form(&rejection)))
}
