//! Who may ask for what: the host names that are answered to, the site a form comes from, who somebody is
//! and whether that suffices, and headers that keep pages safe.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{FromRequestParts, MatchedPath, RawPathParams, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::access::{self, Need, Refusal};
use super::api_error::{ApiError, blocking};
use super::door::Door;
use super::pages::UPLOADS;
use super::pages::frame::{Frame, is_of_this_node};
use super::pages::message_page;
use super::visitor::{self, is_for_feeds};
use crate::home::{HomeError, random, write_private};
use crate::node::Node;
use crate::people::Role;

/// How long a page may take, its form included: a school's slowest line sends the longest form in less. What
/// follows the head of an answer, such as a file, may take longer.
const LONGEST_PAGE: Duration = Duration::from_secs(60);

/// Under which all addresses of the API lie.
const API: &str = "/api/";

/// What the command line shows to the API.
#[derive(Clone)]
pub struct Token(Arc<str>);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// The token in a file, or a new one if there is none yet.
    ///
    /// # Errors
    /// [`HomeError`] if the file cannot be read or written.
    pub fn load_or_create(path: &std::path::Path) -> Result<Self, HomeError> {
        if let Ok(text) = std::fs::read_to_string(path)
            && !text.trim().is_empty()
        {
            return Ok(Self(text.trim().into()));
        }
        let token = data_encoding::BASE64URL_NOPAD.encode(&random::<32>(path)?);
        write_private(path, token.as_bytes())?;
        Ok(Self(token.into()))
    }

    /// The value of the `Authorization` header.
    pub fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// Compared by their hashes, so that the time taken says nothing of where two differ.
    pub(super) fn matches(&self, header: &str) -> bool {
        blake3::hash(header.as_bytes()) == blake3::hash(self.header().as_bytes())
    }
}

/// What decides who comes in.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    pub(super) node: Arc<Node>,
    pub(super) token: Token,
    pub(super) door: Arc<Door>,
}

/// What the audit log says of a request where its address does not: among the extensions of an answer.
#[derive(Debug, Clone)]
pub(super) enum Noted {
    /// What the act was about.
    About(String),
    /// It was a question, and nothing was done.
    Nothing,
}

/// Lets those through who may have what they ask for, and notes what they did.
pub(super) async fn admit(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let Gate { node, token, door } = &gate;
    let (mut parts, body) = request.into_parts();
    let visitor = visitor::of(&parts, node, token, door).await;
    let method = parts.method.clone();
    let matched = parts.extensions.get::<MatchedPath>();
    let found = matched.map(|matched| access::to(&method, matched.as_str()));
    let (need, done) = match found {
        Some(Some(line)) => (line.need, line.done),
        // What the table does not name is refused, whoever asks.
        Some(None) => {
            let methods = matched.map(|matched| access::methods(matched.as_str()));
            let allowed = [(header::ALLOW, methods.unwrap_or_default())];
            let said = "this address takes no such request";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            return (allowed, at_the_door(&parts.uri, status, said)).into_response();
        }
        // There is nothing, which only those hear who have an account.
        None => (Need::OneOf(&Role::ALL), ""),
    };
    parts.extensions.insert(visitor.clone());
    if let Err(refusal) = access::decide(&visitor.who, need, method.is_safe()) {
        return refused(refusal, &mut parts, node).await;
    }
    if node.waiting().is_set()
        && found.flatten().is_some_and(access::is_about_records)
        && let Some(response) = since_restored(&mut parts, node).await
    {
        return response;
    }
    let about = if done.is_empty() { String::new() } else { parameters(&mut parts).await };
    let request = Request::from_parts(parts, body);
    if method.is_safe() {
        return next.run(request).await;
    }
    // By itself, so that what was begun is ended and noted where whoever asked goes away meanwhile.
    let noting = Arc::clone(node);
    let acting = tokio::spawn(async move {
        let response = next.run(request).await;
        if !done.is_empty()
            && (response.status().is_success() || response.status().is_redirection())
        {
            match response.extensions().get() {
                Some(Noted::Nothing) => {}
                Some(Noted::About(said)) => visitor.note(&noting, done, said).await,
                None => visitor.note(&noting, done, &about).await,
            }
        }
        response
    });
    match acting.await {
        Ok(response) => response,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => ApiError::stopping().into_response(),
        },
    }
}

/// What stands in an address in place of names: "group Fenland Trust, school 4f1c0a9b".
async fn parameters(parts: &mut Parts) -> String {
    let Ok(given) = RawPathParams::from_request_parts(parts, &()).await else {
        return String::new();
    };
    let given: Vec<_> = given.iter().map(|(name, value)| format!("{name} {value}")).collect();
    given.join(", ")
}

async fn refused(refusal: Refusal, parts: &mut Parts, node: &Arc<Node>) -> Response {
    let wanted = match refusal {
        // A token comes from a program.
        Refusal::Token => {
            return ApiError::forbidden(
                "this token is for something else; make one that may do this on your own page, or \
                 sign in where no token will do",
            )
            .into_response();
        }
        Refusal::NotSignedIn => None,
        Refusal::Role(wanted) => Some(wanted),
    };
    if is_for_program(parts) {
        let refused = wanted.map(|wanted| ApiError::forbidden(role_needed(wanted)));
        return refused.unwrap_or_else(ApiError::unauthorised).into_response();
    }
    let Ok(frame) = Frame::from_request_parts(parts, node).await;
    match wanted {
        None if parts.method.is_safe() => {
            let to = parts.uri.path_and_query().map_or("/", |address| address.as_str());
            Redirect::to(&sign_in_address(to)).into_response()
        }
        None => message_page(
            &frame,
            StatusCode::UNAUTHORIZED,
            &frame.t("signed-out-heading"),
            &frame.t("signed-out-message"),
        ),
        Some(wanted) => message_page(
            &frame,
            StatusCode::FORBIDDEN,
            &frame.t("role-heading"),
            &frame.with("role-message", "role", roles(wanted)),
        ),
    }
}

/// What a server says that was restored and has not heard from other schools since; none if it has.
async fn since_restored(parts: &mut Parts, node: &Arc<Node>) -> Option<Response> {
    let waiting = Arc::clone(node);
    let said = blocking(move || {
        let restored = waiting.waits_since_restored()?;
        Some(restored.sentence(&waiting.groups_not_heard()))
    });
    let error = match said.await {
        Ok(said) => ApiError::unavailable(said?),
        Err(error) => error,
    };
    if is_for_program(parts) {
        return Some(error.into_response());
    }
    let Ok(frame) = Frame::from_request_parts(parts, node).await;
    let heading = frame.t("restored-heading");
    Some(message_page(&frame, error.status(), &heading, error.message()))
}

/// Where somebody signs in and then goes on to a path.
fn sign_in_address(to: &str) -> String {
    if to == "/" || !is_of_this_node(to) {
        return "/sign-in".to_owned();
    }
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("to", to).finish();
    format!("/sign-in?{query}")
}

/// Whether a program reads the answer, to which a page says nothing.
fn is_for_program(parts: &Parts) -> bool {
    let path = parts.uri.path();
    let fetched = parts.headers.get("sec-fetch-dest").is_some_and(|value| value == "empty");
    fetched
        || path.starts_with(API)
        || parts.headers.contains_key(header::AUTHORIZATION)
        || is_for_feeds(parts)
        || ["/suggestions", "/metrics"].contains(&path)
}

fn role_needed(wanted: &[Role]) -> String {
    format!(
        "this needs the role {}; an administrator of your school can give it to you",
        roles(wanted)
    )
}

fn roles(wanted: &[Role]) -> String {
    if wanted.len() == Role::ALL.len() {
        return Role::Reader.label().to_owned();
    }
    wanted.iter().map(|role| role.label()).collect::<Vec<_>>().join(" or ")
}

/// Refuses names that are not this door's: a page elsewhere could point its own name here.
pub(super) async fn host(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        Some(_) | None => host,
    });
    if name.is_some_and(|name| gate.door.answers_to(name)) {
        return next.run(request).await;
    }
    let uri = request.uri();
    let said = if gate.door.is_of_this_machine() {
        "Staffroom answers only on this machine, as localhost or 127.0.0.1.".to_owned()
    } else {
        format!("Staffroom answers here as {}.", gate.door.names().join(" or "))
    };
    at_the_door(uri, StatusCode::MISDIRECTED_REQUEST, &said)
}

/// Refuses what another site's page makes a browser send: a session's cookie goes along. Browsers say in
/// `Sec-Fetch-Site` whose page it is, older ones in `Origin` (OWASP, "Cross-Site Request Forgery
/// Prevention"); a program that is no browser sends neither.
pub(super) async fn own_pages(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_of_own_page(request.headers(), gate.door.scheme()) {
        return next.run(request).await;
    }
    let said = "This was sent from the page of another site, and nothing was done.";
    at_the_door(request.uri(), StatusCode::FORBIDDEN, said)
}

/// What is said before it is known who asks: to programs as all errors are, else in a line.
fn at_the_door(uri: &Uri, status: StatusCode, said: &str) -> Response {
    if uri.path().starts_with(API) {
        return ApiError::at_the_door(status, said).into_response();
    }
    (status, format!("{said}\n")).into_response()
}

fn is_of_own_page(headers: &HeaderMap, scheme: &str) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header("origin"), header("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), host) => match origin.split_once("://") {
            Some((its_scheme, its_host)) => its_scheme == scheme && Some(its_host) == host,
            None => false,
        },
        (None, None, _) => true,
    }
}

/// Ends what takes too long: a form that comes a byte at a time holds what it holds no longer than this.
/// Files and the API, which carries them, have their own measure.
pub(super) async fn in_time(request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let is_file = request.method() == Method::GET && path.contains("/files/") || path == UPLOADS;
    if is_file || path.starts_with(API) {
        return next.run(request).await;
    }
    let answered = tokio::time::timeout(LONGEST_PAGE, next.run(request)).await;
    answered.unwrap_or_else(|_| {
        let said = "This took longer than a minute and was given up. Try again.";
        (StatusCode::REQUEST_TIMEOUT, said).into_response()
    })
}

/// Says what a page may load: only what comes from here.
pub(super) async fn headers(State(gate): State<Gate>, request: Request, next: Next) -> Response {
    let changes = !request.method().is_safe();
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    let is_refused = response.status().is_client_error();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if changes && is_refused {
        // What is refused before all of it was read leaves a connection on which nothing else can come.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if gate.door.is_tls() {
        // A year, as OWASP ASVS 5.0 asks for in 3.4.1; other services of the host are not spoken for.
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}
