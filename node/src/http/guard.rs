//! Who may ask: the token for the API, this machine's own names, and headers that keep pages safe.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

use super::api_error::ApiError;
use crate::home::{HomeError, random, write_private};

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
    fn matches(&self, header: &str) -> bool {
        blake3::hash(header.as_bytes()) == blake3::hash(self.header().as_bytes())
    }
}

/// Lets only requests with the token through.
pub(super) async fn token(State(token): State<Token>, request: Request, next: Next) -> Response {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    match given {
        Some(given) if token.matches(given) => next.run(request).await,
        Some(_) | None => ApiError::unauthorised().into_response(),
    }
}

/// Refuses names that are not this machine's: a page elsewhere could point its own name here.
pub(super) async fn host(request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let name = host.map(|host| match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        Some(_) | None => host,
    });
    match name {
        Some("localhost" | "127.0.0.1" | "[::1]") => next.run(request).await,
        Some(_) | None => {
            let said = "Staffroom answers only on this machine, as localhost or 127.0.0.1.";
            (StatusCode::MISDIRECTED_REQUEST, said).into_response()
        }
    }
}

/// Refuses what another site's page makes a browser send: forms of these pages change something, and
/// ask for no token. Browsers say in `Sec-Fetch-Site` whose page it is, older ones in `Origin`
/// (OWASP, "Cross-Site Request Forgery Prevention"); a program that is no browser sends neither.
pub(super) async fn own_pages(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_of_own_page(request.headers()) {
        return next.run(request).await;
    }
    let said = "This was sent from the page of another site, and nothing was done.";
    (StatusCode::FORBIDDEN, said).into_response()
}

fn is_of_own_page(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (header("sec-fetch-site"), header("origin"), header("host")) {
        (Some(site), ..) => matches!(site, "same-origin" | "none"),
        (None, Some(origin), host) => origin.strip_prefix("http://") == host,
        (None, None, _) => true,
    }
}

/// Says what a page may load: only what comes from here.
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let policy = "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; \
                  frame-ancestors 'none'; base-uri 'none'";
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "same-origin"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
