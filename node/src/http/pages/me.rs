//! A person's own page: name, password, where one is signed in, and tokens.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::FromRequestParts;
use axum::extract::rejection::FormRejection;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use serde::Deserialize;

use super::frame::Frame;
use super::sign_in::{begin, no_session};
use super::{error_page, in_the_way, render};
use crate::ago::since;
use crate::http::api_error::{ApiError, blocking};
use crate::http::visitor::{Visitor, Who};
use crate::mail::MailSettings;
use crate::node::Node;
use crate::people::{
    DEFAULT_TOKEN_DAYS, MAX_TOKEN_DAYS, PasswordError, PeopleError, Role, Roles, Scope, SecretHash,
    Session, SignInError, Since, UserName, Wanted,
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
    has_password: bool,
    /// Whether an account of another service is linked.
    has_account: bool,
    /// What people call their account there, where they may sign in with it.
    provider: Option<String>,
    /// Whether e-mail is sent at all, and to addresses of which domains.
    mail: Option<MailSettings>,
    /// The address to which what is new goes each week.
    weekly: Option<String>,
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
        since(when)
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
        when.as_ref().map_or_else(|| self.frame.t("me-token-unused"), since)
    }

    /// The person's user name, where it is an address that may be written to.
    fn own_address(&self, mail: &MailSettings) -> &str {
        let name = self.user_name.as_str();
        if mail.is_staff(name) { name } else { "" }
    }

    fn may(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }
}

/// Who is signed in, on their own page. A command that shows the node's own token has none.
pub(crate) struct Me {
    pub(super) frame: Frame,
    pub(super) node: Arc<Node>,
    pub(super) visitor: Visitor,
    pub(super) name: UserName,
    pub(super) session: SecretHash,
}

impl FromRequestParts<Arc<Node>> for Me {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, Response> {
        let Ok(frame) = Frame::from_request_parts(parts, node).await;
        match parts.extensions.get::<Visitor>() {
            Some(visitor @ Visitor { who: Who::Person { name, session, .. }, .. }) => Ok(Self {
                frame,
                node: Arc::clone(node),
                visitor: visitor.clone(),
                name: name.clone(),
                session: session.clone(),
            }),
            Some(_) | None => {
                let error = ApiError::forbidden("this page is for a person who signed in");
                Err(error_page(&frame, &error))
            }
        }
    }
}

impl Me {
    /// What a form says, if it can be read.
    fn given<T>(&self, form: Result<Form<T>, FormRejection>) -> Result<T, Response> {
        let read = form.map(|Form(form)| form);
        read.map_err(|rejection| error_page(&self.frame, &rejection.into()))
    }

    /// Back to the page once something was done, or with what was in the way.
    fn back(self, done: Result<Result<(), PeopleError>, ApiError>) -> Response {
        match done.and_then(|done| Ok(done?)) {
            Ok(()) => Redirect::to("/me").into_response(),
            Err(problem) => self.page(None, Some(&problem)),
        }
    }

    pub(super) fn page(self, made: Option<String>, problem: Option<&ApiError>) -> Response {
        let people = self.node.people();
        let Some(person) = people.get(&self.name) else {
            return Redirect::to("/sign-in").into_response();
        };
        let (status, problem) = in_the_way(problem);
        let page = MePage {
            frame: self.frame,
            has_password: person.has_password(),
            has_account: person.account.is_some(),
            provider: self.node.provider().settings().map(|settings| settings.name),
            mail: self.node.mail().settings(),
            weekly: person.weekly.map(|wanted| wanted.address),
            name: person.name,
            roles: person.roles,
            sessions: people.sessions().of(&self.name, Timestamp::now()),
            this: self.session,
            tokens: people.tokens(&self.name),
            user_name: self.name,
            made,
            problem,
        };
        render(status, &page)
    }
}

/// A name for colleagues to read.
#[derive(Deserialize)]
pub(crate) struct NameForm {
    name: String,
}

/// Where the weekly e-mail is to go.
#[derive(Deserialize)]
pub(crate) struct WeeklyForm {
    address: String,
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

pub(crate) async fn show(me: Me) -> Response {
    me.page(None, None)
}

pub(crate) async fn rename(
    me: Me,
    form: Result<Form<NameForm>, FormRejection>,
) -> Result<Response, Response> {
    let NameForm { name } = me.given(form)?;
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    Ok(me.back(blocking(move || node.people().rename(&whose, &name)).await))
}

pub(crate) async fn tell_weekly(
    me: Me,
    form: Result<Form<WeeklyForm>, FormRejection>,
) -> Result<Response, Response> {
    let WeeklyForm { address } = me.given(form)?;
    let address = match me.node.mail().address(&address) {
        Ok(address) => address.to_string(),
        Err(error) => return Ok(me.page(None, Some(&error.into()))),
    };
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    let told = blocking(move || {
        let now = Since { position: node.store().position(), when: Timestamp::now() };
        let wanted = Wanted::new(address, node.store().incarnation(), now);
        node.people().tell_weekly(&whose, wanted)
    });
    Ok(me.back(told.await))
}

pub(crate) async fn tell_no_longer(me: Me) -> Response {
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    me.back(blocking(move || node.people().tell_no_longer(&whose)).await)
}

pub(crate) async fn change_password(
    me: Me,
    headers: HeaderMap,
    form: Result<Form<PasswordForm>, FormRejection>,
) -> Result<Response, Response> {
    let PasswordForm { before, password, again } = me.given(form)?;
    let people = me.node.people();
    let sessions = people.sessions().of(&me.name, Timestamp::now());
    let own_computer =
        sessions.iter().any(|(hash, session)| *hash == me.session && session.own_computer);
    let address = me.visitor.address;
    let changed = if password == again {
        people.change_password(&me.name, before.into(), password.into(), address).await
    } else {
        Err(SignInError::Failed(PasswordError::Differ.into()))
    };
    if let Err(error) = changed {
        let problem = match error {
            SignInError::Wrong => ApiError::bad_request(me.frame.t("me-password-wrong")),
            SignInError::Failed(error) => error.into(),
            error @ (SignInError::Wait(_) | SignInError::Busy) => {
                ApiError::unavailable(error.to_string())
            }
        };
        return Ok(me.page(None, Some(&problem)));
    }
    let what = "changed the password";
    let begun = begin(&me.node, &me.visitor, &headers, me.name, own_computer, what).await;
    let cookie =
        begun.map_err(|error| error_page(&me.frame, &ApiError::unavailable(error.to_string())))?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/me")).into_response())
}

pub(crate) async fn end_sessions(
    me: Me,
    form: Result<Form<EndForm>, FormRejection>,
) -> Result<Response, Response> {
    let EndForm { which } = me.given(form)?;
    let ends_this = which == "all" || which == me.session.short();
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    let ended = blocking(move || {
        let (sessions, now) = (node.people().sessions(), Timestamp::now());
        if which == "all" {
            sessions.end_all(&whose, now);
            return;
        }
        for (hash, _) in sessions.of(&whose, now) {
            if hash.short() == which {
                sessions.end(&hash, now);
            }
        }
    });
    let ended = ended.await.map(Ok);
    if ends_this && ended.is_ok() {
        let cookie = no_session(&me.node, &me.visitor.door);
        return Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response());
    }
    Ok(me.back(ended))
}

pub(crate) async fn make_token(
    me: Me,
    form: Result<Form<TokenForm>, FormRejection>,
) -> Result<Response, Response> {
    let TokenForm { name, scope, days } = me.given(form)?;
    let about = format!("for {scope}, {days} days");
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    let made = blocking(move || {
        let scope = scope.parse::<Scope>().map_err(PeopleError::from)?;
        node.people().make_token(&whose, &name, scope, days)
    });
    match made.await.and_then(|made| Ok(made?)) {
        Ok(secret) => {
            me.visitor.note(&me.node, "made a token", &about).await;
            Ok(me.page(Some(secret.as_str().to_owned()), None))
        }
        Err(problem) => Ok(me.page(None, Some(&problem))),
    }
}

pub(crate) async fn end_token(
    me: Me,
    form: Result<Form<EndForm>, FormRejection>,
) -> Result<Response, Response> {
    let EndForm { which } = me.given(form)?;
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    let ended = blocking(move || node.people().end_token(&whose, &which).map(drop)).await;
    if let Ok(Ok(())) = &ended {
        me.visitor.note(&me.node, "ended a token", "").await;
    }
    Ok(me.back(ended))
}
