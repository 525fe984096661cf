//! Signing in and out, and the links with which people set their password.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use cookie::{Cookie, SameSite};
use serde::Deserialize;

use super::frame::{Frame, is_of_this_node};
use super::{error_page, render};
use crate::audit::Actor;
use crate::http::api_error::{ApiError, blocking};
use crate::http::door::Door;
use crate::http::visitor::{Visitor, Who, cookie, note};
use crate::node::Node;
use crate::people::{
    LONGEST, PasswordError, PeopleError, Secret, SignIn, SignInError, UserName, Welcome,
};
use crate::question::{parameters, value as parameter};

#[derive(Template)]
#[template(path = "sign-in.html")]
struct SignInPage {
    frame: Frame,
    user_name: String,
    /// Where to go on to.
    to: String,
    /// What people call the account that they have already, where they may sign in with it.
    provider: Option<String>,
    /// Whether somebody who was signed in with it signed out just now.
    is_signed_out: bool,
    /// Where people sign out there.
    sign_out_page: Option<String>,
    problem: Option<String>,
}

impl SignInPage {
    fn new(frame: Frame, node: &Node, to: String) -> Self {
        let provider = node.provider();
        Self {
            frame,
            user_name: String::new(),
            to,
            provider: provider.settings().map(|settings| settings.name),
            is_signed_out: false,
            sign_out_page: provider.sign_out_page(),
            problem: None,
        }
    }
}

/// The page with what was in the way of signing in.
pub(super) fn page(frame: Frame, node: &Node, to: String, problem: &ApiError) -> Response {
    let page = SignInPage::new(frame, node, to);
    let said = problem.message().to_owned();
    render(problem.status(), &SignInPage { problem: Some(said), ..page })
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    frame: Frame,
    secret: String,
    /// Whose password; none for the first administrator, who chooses a name.
    whose: Option<UserName>,
    user_name: String,
    name: String,
    /// What people call the account that they have already, where they may sign in with it.
    provider: Option<String>,
    problem: Option<String>,
}

impl WelcomePage {
    fn new(frame: Frame, node: &Node, secret: String, whose: Option<UserName>) -> Self {
        let provider = node.provider().settings().map(|settings| settings.name);
        let (user_name, name) = (String::new(), String::new());
        Self { frame, secret, whose, user_name, name, provider, problem: None }
    }
}

/// Somebody who signs in.
#[derive(Deserialize)]
pub(crate) struct SignInForm {
    user_name: String,
    password: String,
    #[serde(default)]
    own_computer: Option<String>,
    #[serde(default)]
    to: String,
}

/// Somebody who was sent a link.
#[derive(Deserialize)]
pub(crate) struct WelcomeForm {
    #[serde(default)]
    user_name: String,
    #[serde(default)]
    name: String,
    password: String,
    again: String,
    #[serde(default)]
    own_computer: Option<String>,
}

/// The parameter that says that somebody signed out here who came from elsewhere.
const SIGNED_OUT: &str = "signed-out";

pub(crate) async fn ask(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = parameters(query.as_deref().unwrap_or_default());
    let to = parameter(&asked, "to").filter(|to| is_of_this_node(to)).unwrap_or_default();
    if let Who::Person { .. } = visitor.who {
        return on_to(to).into_response();
    }
    let is_signed_out = parameter(&asked, SIGNED_OUT).is_some();
    let page = SignInPage::new(frame, &node, to.to_owned());
    render(StatusCode::OK, &SignInPage { is_signed_out, ..page })
}

pub(crate) async fn sign_in(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    form: Result<Form<SignInForm>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return error_page(&frame, &rejection.into()),
    };
    let SignInForm { user_name, password, own_computer, to } = form;
    let signing_in = SignIn {
        user_name: user_name.clone(),
        password: password.into(),
        address: visitor.address,
    };
    let signed_in = match node.people().sign_in(signing_in).await {
        Ok(name) => {
            begin(&node, &visitor, &headers, name, own_computer.is_some(), "signed in").await
        }
        Err(error) => Err(error),
    };
    match signed_in {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], on_to(&to)).into_response(),
        Err(error) => {
            note_failure(&node, &visitor, &user_name, &error).await;
            let problem = Some(error.to_string());
            let page = SignInPage::new(frame, &node, to);
            let page = SignInPage { user_name, problem, ..page };
            let mut response = render(status(&error), &page);
            if let SignInError::Wait(wait) = error {
                let seconds = HeaderValue::from(wait.as_secs().max(1));
                response.headers_mut().insert(header::RETRY_AFTER, seconds);
            }
            response
        }
    }
}

/// Starts a session in place of the one that the browser had: a cookie that somebody else may have put
/// there is worth nothing afterwards.
pub(super) async fn begin(
    node: &Arc<Node>,
    visitor: &Visitor,
    headers: &HeaderMap,
    name: UserName,
    own_computer: bool,
    what: &'static str,
) -> Result<HeaderValue, SignInError> {
    end_session(node, visitor, headers).await;
    let (starting, whose, address) = (Arc::clone(node), name.clone(), visitor.address);
    let started =
        blocking(move || starting.people().start_session(&whose, own_computer, address)).await;
    let secret = match started {
        Ok(started) => started.map_err(SignInError::Failed)?,
        Err(_) => return Err(SignInError::Busy),
    };
    note(node, Actor::Person(name), what, "", visitor.address).await;
    Ok(session(node, &visitor.door, &secret, own_computer))
}

async fn end_session(node: &Arc<Node>, visitor: &Visitor, headers: &HeaderMap) {
    let Some(secret) = cookie(headers, &visitor.door.cookie_name(node)) else { return };
    let (ending, address) = (Arc::clone(node), visitor.address);
    let ended = blocking(move || {
        let (sessions, now) = (ending.people().sessions(), jiff::Timestamp::now());
        if let Some((hash, _)) = sessions.use_one(&secret, address, now) {
            sessions.end(&hash, now);
        }
    });
    // An error means that the node is stopping.
    drop(ended.await);
}

/// The cookie of a session. On a shared computer it goes when the browser is closed.
fn session(node: &Node, door: &Door, secret: &Secret, own_computer: bool) -> HeaderValue {
    let mut cookie = plain_cookie(door.cookie_name(node), secret.as_str().to_owned(), door);
    if own_computer {
        cookie.set_max_age(cookie::time::Duration::try_from(LONGEST).ok());
    }
    value(&cookie)
}

pub(super) fn plain_cookie(name: String, value: String, door: &Door) -> Cookie<'static> {
    Cookie::build((name, value))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Lax)
        .secure(!door.is_of_this_machine())
        .build()
}

pub(super) fn value(cookie: &Cookie<'_>) -> HeaderValue {
    // Names and secrets have only characters that a header may have.
    HeaderValue::try_from(cookie.to_string()).unwrap_or_else(|_| HeaderValue::from_static(""))
}

pub(super) fn on_to(to: &str) -> Redirect {
    Redirect::to(if is_of_this_node(to) { to } else { "/" })
}

fn status(error: &SignInError) -> StatusCode {
    match error {
        SignInError::Wrong => StatusCode::UNAUTHORIZED,
        SignInError::Wait(_) => StatusCode::TOO_MANY_REQUESTS,
        SignInError::Busy | SignInError::Failed(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// Notes who failed to sign in, if there is somebody of that name: in a name that nobody has there may be a
/// password. Attempts that had to wait are not noted, so that nobody fills the log.
async fn note_failure(node: &Arc<Node>, visitor: &Visitor, typed: &str, error: &SignInError) {
    let SignInError::Wrong = error else { return };
    let name = typed.parse::<UserName>().ok().filter(|name| node.people().get(name).is_some());
    let about = name.as_ref().map_or("a name that nobody has", UserName::as_str);
    note(node, Actor::Nobody, "failed to sign in", about, visitor.address).await;
}

pub(crate) async fn sign_out(
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
) -> Response {
    end_session(&node, &visitor, &headers).await;
    let mut to = "/sign-in".to_owned();
    if let Who::Person { name, .. } = &visitor.who {
        visitor.note(&node, "signed out", "").await;
        if node.people().get(name).is_some_and(|person| person.account.is_some()) {
            to = format!("/sign-in?{SIGNED_OUT}=here");
        }
    }
    ([(header::SET_COOKIE, no_session(&node, &visitor.door))], Redirect::to(&to)).into_response()
}

/// What takes the cookie of a session away.
pub(super) fn no_session(node: &Node, door: &Door) -> HeaderValue {
    let mut cookie = plain_cookie(door.cookie_name(node), String::new(), door);
    cookie.set_max_age(cookie::time::Duration::ZERO);
    value(&cookie)
}

/// Shows whom a link lets in. Nothing changes by that.
pub(crate) async fn welcome(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Path(secret): Path<String>,
) -> Response {
    let whose = match node.people().welcome(&secret) {
        Ok(welcome) => welcome.whose(),
        Err(error) => return error_page(&frame, &error.into()),
    };
    render(StatusCode::OK, &WelcomePage::new(frame, &node, secret, whose))
}

/// Uses a link up: the person has a password then, and is signed in.
pub(crate) async fn use_link(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    form: Result<Form<WelcomeForm>, FormRejection>,
) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return error_page(&frame, &rejection.into()),
    };
    let own_computer = form.own_computer.is_some();
    let (user_name, name) = (form.user_name.clone(), form.name.clone());
    let used = match use_up(&node, &secret, form).await {
        Ok(used) => used,
        Err(error @ (PeopleError::Password(_) | PeopleError::Name(_) | PeopleError::Exists(_))) => {
            let whose = match node.people().welcome(&secret) {
                Ok(welcome) => welcome.whose(),
                Err(error) => return error_page(&frame, &error.into()),
            };
            let problem = Some(error.to_string());
            let status = ApiError::from(error).status();
            let page = WelcomePage::new(frame, &node, secret, whose);
            return render(status, &WelcomePage { user_name, name, problem, ..page });
        }
        Err(error) => return error_page(&frame, &error.into()),
    };
    let what = "set a password with a link and signed in";
    match begin(&node, &visitor, &headers, used, own_computer, what).await {
        Ok(cookie) => ([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response(),
        Err(error) => error_page(&frame, &ApiError::unavailable(error.to_string())),
    }
}

async fn use_up(node: &Node, secret: &str, form: WelcomeForm) -> Result<UserName, PeopleError> {
    let first = match node.people().welcome(secret)? {
        Welcome::First => Some((form.user_name.parse::<UserName>()?, form.name)),
        Welcome::Person(_) => None,
    };
    if form.password != form.again {
        return Err(PasswordError::Differ.into());
    }
    node.people().use_link(secret, form.password.into(), first).await
}
