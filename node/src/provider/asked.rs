//! What the provider is asked over HTTP, and how much it may answer.

use std::sync::Arc;
use std::time::Duration;

use openidconnect::url::Url;
use openidconnect::{HttpRequest, HttpResponse};
use ureq::Agent;
use ureq::tls::{Certificate, TlsConfig};

use super::settings::{SettingsError, is_encrypted, is_of_this_machine};

/// How long an answer may take, from finding the host to its last byte: somebody waits before a blank page.
const LONGEST_ANSWER: Duration = Duration::from_secs(10);

/// The longest answer. Settings and keys of Microsoft and Google have fewer than 20 KB; a token of somebody
/// in 200 groups a little more.
const MAX_ANSWER_BYTES: u64 = 256 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Address(#[from] SettingsError),
    #[error("the answer of {host} has more than {MAX_ANSWER_BYTES} bytes")]
    TooLong { host: String },
    #[error("{host} did not answer within {} seconds", LONGEST_ANSWER.as_secs())]
    TooSlow { host: String },
    #[error("{host} cannot be reached: {error}")]
    Failed { host: String, error: Box<ureq::Error> },
}

/// Asks, and takes an answer as it is: no redirect is followed, since that would lead past the check of the
/// address. Certificates are judged by the operating system's authorities, so that a school whose firewall
/// looks into TLS tells its own to the system only; a proxy is taken from the environment.
pub(super) fn ask(request: HttpRequest) -> Result<HttpResponse, AskError> {
    let given = request.uri().to_string();
    let address = Url::parse(&given).map_err(|wrong| SettingsError::address(given, wrong))?;
    is_encrypted(&address)?;
    let host = address.host_str().unwrap_or_default().to_owned();
    let failed = |error| {
        let host = host.clone();
        if let ureq::Error::BodyExceedsLimit(_) = error {
            AskError::TooLong { host }
        } else if let ureq::Error::Timeout(_) = error {
            AskError::TooSlow { host }
        } else {
            AskError::Failed { host, error: Box::new(error) }
        }
    };
    let answer = agent(&address).run(request).map_err(&failed)?;
    let (head, mut body) = answer.into_parts();
    let bytes = body.with_config().limit(MAX_ANSWER_BYTES).read_to_vec().map_err(&failed)?;
    Ok(HttpResponse::from_parts(head, bytes))
}

fn agent(address: &Url) -> Agent {
    let config = Agent::config_builder()
        .tls_config(tls())
        .timeout_global(Some(LONGEST_ANSWER))
        .max_redirects(0)
        .http_status_as_error(false);
    let config = if is_of_this_machine(address) { config.proxy(None) } else { config };
    config.build().into()
}

fn tls() -> TlsConfig {
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        tracing::warn!(%error, "some of the system's certificates cannot be read");
    }
    let roots = found.certs.iter().map(|root| Certificate::from_der(root).to_owned());
    TlsConfig::builder()
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(roots.collect::<Vec<_>>().into())
        .build()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{SocketAddr, TcpListener};
    use std::thread;

    use openidconnect::http::{Request, StatusCode};

    use super::*;

    /// A server that gives one answer and closes.
    fn answering(answer: Vec<u8>) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            drop(stream.read(&mut request));
            drop(stream.write_all(&answer));
        });
        address
    }

    fn asked(address: &str) -> Result<HttpResponse, AskError> {
        ask(Request::builder().uri(address).body(Vec::new()).unwrap())
    }

    #[test]
    fn an_answer_has_a_length_at_most_and_no_redirect_is_followed() {
        let with = |length: u64| {
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            let length = usize::try_from(length).unwrap();
            answering([head.into_bytes(), vec![b'x'; length]].concat())
        };
        let whole = asked(&format!("http://{}/", with(MAX_ANSWER_BYTES))).unwrap();
        assert_eq!(whole.body().len() as u64, MAX_ANSWER_BYTES);
        let too_long = asked(&format!("http://{}/", with(MAX_ANSWER_BYTES + 1)));
        assert!(matches!(too_long, Err(AskError::TooLong { .. })), "{too_long:?}");

        let elsewhere = with(1);
        let head = format!(
            "HTTP/1.1 302 Found\r\nLocation: http://{elsewhere}/\r\nContent-Length: 0\r\n\r\n"
        );
        let redirected = asked(&format!("http://{}/", answering(head.into_bytes()))).unwrap();
        assert_eq!(redirected.status(), StatusCode::FOUND);
    }

    #[test]
    fn what_would_travel_in_the_clear_is_not_asked() {
        let refused = asked("http://id.example/token").unwrap_err();
        let expected = SettingsError::NotEncrypted("http://id.example/token".to_owned());
        assert!(matches!(refused, AskError::Address(error) if error == expected));
    }
}
