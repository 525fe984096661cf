//! Signing in with an account of the provider, and linking one to an account of this school.

use std::sync::Arc;

use askama::Template;
use axum::extract::rejection::FormRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use serde::Deserialize;

use super::frame::{Frame, is_of_this_node};
use super::me::Me;
use super::sign_in::{self, begin, on_to, plain_cookie, value};
use super::{error_page, render};
use crate::audit::Actor;
use crate::http::api_error::{ApiError, blocking};
use crate::http::door::Door;
use crate::http::provider::asking;
use crate::http::visitor::{Visitor, Who, cookie, note};
use crate::node::Node;
use crate::people::{Came, PeopleError, SecretHash, UserName, Welcome, listed};
use crate::provider::{CameBack, LONGEST, ProviderError, Purpose, Stranger, Told};
use crate::question::{parameters, value as parameter};

/// The page that leads to the provider: a form may not send people elsewhere by the policy of the pages.
#[derive(Template)]
#[template(path = "going.html")]
struct GoingPage<'a> {
    frame: &'a Frame,
    provider: String,
    address: String,
}

/// Somebody who signs in with an account of the provider.
#[derive(Deserialize)]
pub(crate) struct GoForm {
    #[serde(default)]
    own_computer: Option<String>,
    #[serde(default)]
    to: String,
}

/// Begins to sign in.
pub(crate) async fn go(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    form: Result<Form<GoForm>, FormRejection>,
) -> Result<Response, Response> {
    let Form(GoForm { own_computer, to }) =
        form.map_err(|rejection| error_page(&frame, &rejection.into()))?;
    let to = if is_of_this_node(&to) { to } else { String::new() };
    let purpose = Purpose::SignIn { own_computer: own_computer.is_some(), to: to.clone() };
    match begun(&frame, &node, &visitor, purpose).await {
        Ok(page) => Ok(page),
        Err(error) => Err(sign_in::page(frame, &node, to, &error)),
    }
}

/// Begins to link an account to the one of whoever is signed in.
pub(crate) async fn link(me: Me) -> Result<Response, Response> {
    let purpose = Purpose::Link { person: me.name.clone(), session: me.session.clone() };
    let begun = begun(&me.frame, &me.node, &me.visitor, purpose).await;
    begun.map_err(|error| me.page(None, Some(&error)))
}

/// Begins to use a link of an administrator with an account of the provider.
pub(crate) async fn use_link(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    Path(secret): Path<String>,
    form: Result<Form<GoForm>, FormRejection>,
) -> Result<Response, Response> {
    let failed = |error: &ApiError| error_page(&frame, error);
    let Form(form) = form.map_err(|rejection| failed(&rejection.into()))?;
    match node.people().welcome(&secret) {
        Ok(Welcome::Person(_)) => {}
        Ok(Welcome::First) => {
            let said = "whoever looks after people needs a password, for the day on which the other \
                        service cannot be reached; set one";
            return Err(failed(&ApiError::bad_request(said)));
        }
        Err(error) => return Err(failed(&error.into())),
    }
    let own_computer = form.own_computer.is_some();
    let purpose = Purpose::Invited { link: secret, own_computer };
    begun(&frame, &node, &visitor, purpose).await.map_err(|error| failed(&error))
}

/// The page that leads to the provider, and the cookie by which the browser is known when it comes back.
async fn begun(
    frame: &Frame,
    node: &Arc<Node>,
    visitor: &Visitor,
    purpose: Purpose,
) -> Result<Response, ApiError> {
    let door = Arc::clone(&visitor.door);
    let begun = asking(node, move |provider| provider.begin(door.pages(), purpose));
    let (address, secret) = begun.await??;
    let provider = node.provider().settings().map(|settings| settings.name).unwrap_or_default();
    let page = GoingPage { frame, provider, address: address.to_string() };
    let mut cookie = away_cookie(node, &visitor.door, secret.as_str().to_owned());
    cookie.set_max_age(cookie::time::Duration::try_from(LONGEST).ok());
    Ok(([(header::SET_COOKIE, value(&cookie))], render(StatusCode::OK, &page)).into_response())
}

/// The cookie of somebody who is at the provider. It comes along from there, since it is a page that is
/// opened and no form that is sent.
fn away_cookie(node: &Node, door: &Door, secret: String) -> cookie::Cookie<'static> {
    plain_cookie(away_cookie_name(node, door), secret, door)
}

fn away_cookie_name(node: &Node, door: &Door) -> String {
    format!("{}-away", door.cookie_name(node))
}

/// Takes whoever comes back from the provider.
pub(crate) async fn come_back(
    frame: Frame,
    State(node): State<Arc<Node>>,
    Extension(visitor): Extension<Visitor>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let asked = parameters(query.as_deref().unwrap_or_default());
    let said = |name: &str| parameter(&asked, name).map(str::to_owned);
    let back = CameBack {
        state: said("state").unwrap_or_default(),
        code: said("code"),
        error: said("error"),
        issuer: said("iss"),
    };
    let browser = cookie(&headers, &away_cookie_name(&node, &visitor.door)).unwrap_or_default();
    match finished(&node, &visitor, &headers, browser, back).await {
        Ok((cookies, to)) => {
            let mut gone = away_cookie(&node, &visitor.door, String::new());
            gone.set_max_age(cookie::time::Duration::ZERO);
            let cookies = cookies.into_iter().chain([value(&gone)]);
            let cookies: Vec<_> = cookies.map(|cookie| (header::SET_COOKIE, cookie)).collect();
            (AppendHeaders(cookies), on_to(&to)).into_response()
        }
        Err(error) if matches!(visitor.who, Who::Person { .. }) => error_page(&frame, &error),
        Err(error) => sign_in::page(frame, &node, String::new(), &error),
    }
}

/// Does what somebody went to the provider for: the cookie of a new session, and where to go on to.
async fn finished(
    node: &Arc<Node>,
    visitor: &Visitor,
    headers: &HeaderMap,
    browser: String,
    back: CameBack,
) -> Result<(Option<HeaderValue>, String), ApiError> {
    let finished = asking(node, move |provider| provider.finish(&browser, back));
    let (purpose, told) = match finished.await? {
        Ok(finished) => finished,
        Err(error) => {
            if let ProviderError::Stranger(stranger) = &error {
                note_failure(node, visitor, stranger).await;
            }
            return Err(error.into());
        }
    };
    match purpose {
        Purpose::SignIn { own_computer, to } => {
            let name = came(node, visitor, told).await?;
            let what = "signed in with an account of another service";
            let cookie = session(node, visitor, headers, name, own_computer, what).await?;
            Ok((Some(cookie), to))
        }
        Purpose::Invited { link, own_computer } => {
            let using = Arc::clone(node);
            let used = blocking(move || using.people().use_link_with(&link, told.account));
            let name = used.await??;
            let what = "linked an account of another service with a link and signed in";
            let cookie = session(node, visitor, headers, name, own_computer, what).await?;
            Ok((Some(cookie), String::new()))
        }
        Purpose::Link { person, session } => {
            if !is_still(visitor, &person, &session) {
                return Err(ProviderError::NotBegun.into());
            }
            let linking = Arc::clone(node);
            blocking(move || linking.people().link_account(&person, told.account)).await??;
            visitor.note(node, "linked an account of another service", "").await;
            Ok((None, "/me".to_owned()))
        }
    }
}

/// Who came, and notes of it what administrators may want to know.
async fn came(node: &Arc<Node>, visitor: &Visitor, told: Told) -> Result<UserName, ApiError> {
    let (coming, roles) = (Arc::clone(node), listed(&told.roles));
    let name = told.user_name.clone();
    let came = blocking(move || coming.people().come_with(&told)).await?;
    let Came { name, is_new, has_new_roles } = match came {
        Ok(came) => came,
        Err(error) => {
            let about = format!("{name}, with an account of another service");
            note(node, Actor::Nobody, "failed to sign in", &about, visitor.address).await;
            return Err(kept_out(error));
        }
    };
    let about = format!("{name}: {roles}");
    if is_new {
        note(node, Actor::Node, "added a person", &about, visitor.address).await;
    }
    if has_new_roles {
        note(node, Actor::Node, "changed the roles of a person", &about, visitor.address).await;
    }
    Ok(name)
}

/// What somebody is told whose account is not let in.
fn kept_out(error: PeopleError) -> ApiError {
    if let PeopleError::Disabled(_) = error {
        return ApiError::forbidden(
            "Your account is switched off at this school. Ask an administrator of your school to switch \
             it on.",
        );
    }
    if let PeopleError::LastAdministrator(_) = error {
        return ApiError::forbidden(
            "By what the other service says of you, you would no longer be an administrator here, and \
             you are the only one. Sign in with your password and make somebody else one first.",
        );
    }
    error.into()
}

async fn session(
    node: &Arc<Node>,
    visitor: &Visitor,
    headers: &HeaderMap,
    name: UserName,
    own_computer: bool,
    what: &'static str,
) -> Result<HeaderValue, ApiError> {
    let begun = begin(node, visitor, headers, name, own_computer, what).await;
    begun.map_err(|error| ApiError::unavailable(error.to_string()))
}

fn is_still(visitor: &Visitor, person: &UserName, begun_in: &SecretHash) -> bool {
    matches!(&visitor.who, Who::Person { name, session, .. } if name == person && session == begun_in)
}

/// Notes that the provider knows somebody whom this school does not let in.
async fn note_failure(node: &Arc<Node>, visitor: &Visitor, stranger: &Stranger) {
    let about = match stranger {
        Stranger::Domain(_) => "an account of another domain",
        Stranger::Organisation => "an account of another organisation",
        Stranger::NotVerified => "an account whose e-mail address is not verified",
        Stranger::NoName => "an account without an e-mail address",
    };
    note(node, Actor::Nobody, "failed to sign in", about, visitor.address).await;
}

/// Takes the account of whoever is signed in away again.
pub(crate) async fn unlink(me: Me) -> Response {
    let (node, whose) = (Arc::clone(&me.node), me.name.clone());
    let unlinked = blocking(move || node.people().unlink_account(&whose)).await;
    match unlinked.and_then(|unlinked| Ok(unlinked?)) {
        Ok(()) => Redirect::to("/me").into_response(),
        Err(problem) => me.page(None, Some(&problem)),
    }
}
