//! The provider at which staff have accounts already is set. Signing in there is tested in a browser, in
//! `tests/browser`.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;

use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;
use staffroom_tests::browser::Browser;
use ureq::http::{StatusCode, header};

use crate::door::free_port;
use crate::school;
use crate::signing_in::said;

/// A provider that publishes its settings over TLS, and the certificate that makes it known.
fn publishing() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.key_pair.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let published = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/auth"),
        "token_endpoint": format!("{issuer}/token"), "jwks_uri": format!("{issuer}/keys"),
        "response_types_supported": ["code"], "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"], "keys": [],
    })
    .to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = StreamOwned::new(session, stream.unwrap());
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close";
            let length = published.len();
            // Whoever does not know the certificate hangs up.
            if stream.read(&mut [0; 4096]).is_ok() {
                let answer = format!("{head}\r\nContent-Length: {length}\r\n\r\n{published}");
                stream.write_all(answer.as_bytes()).unwrap();
                stream.conn.send_close_notify();
                stream.flush().unwrap();
            }
        }
    });
    (issuer, made.cert.pem())
}

/// Accounts of a trust's own provider.
fn trust(issuer: &str) -> [&str; 8] {
    let domain = "ash.example";
    ["sign-in-with", "other", "--name", "Vale Trust", "--issuer", issuer, "--domain", domain]
}

#[test]
fn a_provider_is_believed_by_the_authorities_of_the_system_and_set_by_a_command() {
    let mut ash = school("Ash Primary");
    let (issuer, certificate) = publishing();
    let secret = ash.write("secret", "a client secret\n");
    let client = ["--client-id", "a-client", "--secret-file", secret.to_str().unwrap()];
    let other = [&trust(&issuer)[..], &client].concat();
    let unknown = ash.run(&other).error();
    assert!(unknown.contains("localhost cannot be reached"), "{unknown}");
    assert!(ash.done(&["sign-in-with", "show"]).contains("with passwords alone"));

    let certificate = ash.write("authority.pem", certificate);
    ash.set_environment("SSL_CERT_FILE", certificate.to_str().unwrap());
    let set = ash.done(&other);
    assert!(set.contains("Staff sign in with their Vale Trust account."), "{set}");
    assert!(set.contains("e-mail addresses of ash.example, verified"), "{set}");
    assert!(set.contains("Start the node to see where"), "{set}");
    ash.start();
    let shown = ash.done(&["sign-in-with", "show"]);
    let back = format!("send people back to {}sign-in/return", ash.page());
    assert!(shown.contains(&back), "{shown}");
    assert!(!shown.contains("a client secret"), "{shown}");

    let microsoft = [&["sign-in-with", "microsoft", "--tenant", "ash.example"], &client[..]];
    let no_directory = ash.run(&microsoft.concat()).error();
    assert!(
        no_directory.contains("\"ash.example\" is not the id of a directory"),
        "{no_directory}"
    );
    let off = ash.done(&["sign-in-with", "off"]);
    assert!(off.contains("with passwords alone") && off.contains(&back), "{off}");
    assert!(ash.json(&["sign-in-with", "show"])["settings"].is_null());
}

#[test]
fn people_come_back_to_the_address_that_staff_open_with_a_cookie_for_tls() {
    let mut ash = school("Ash Primary");
    let (issuer, certificate) = publishing();
    let certificate = ash.write("authority.pem", certificate);
    ash.set_environment("SSL_CERT_FILE", certificate.to_str().unwrap());
    let secret = ash.write("secret", "a client secret\n");
    let client = ["--client-id", "a-client", "--secret-file", secret.to_str().unwrap()];
    ash.done(&[&trust(&issuer)[..], &client].concat());
    let (http, name) = (format!("127.0.0.1:{}", free_port()), "staffroom.ash.example");
    let listen = "/ip4/127.0.0.1/tcp/0";
    ash.start_with(&["--http", &http, "--behind-proxy", "--name", name, "--listen", listen]);
    let proxy = Browser::at(&format!("http://{http}"));
    let go = |origin: &str| {
        let said = [("host", name), ("x-forwarded-host", "evil.example"), ("origin", origin)];
        proxy.send_with("/sign-in/account", &[("to", "//evil.example")], &said)
    };
    said(go("https://evil.example"), StatusCode::FORBIDDEN);
    let going = go("https://staffroom.ash.example");
    let cookie = going.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-staffroom-") && cookie.contains("-away="), "{cookie}");
    assert!(cookie.contains("; Secure") && cookie.contains("; SameSite=Lax"), "{cookie}");
    let page = said(going, StatusCode::OK);
    let back = "redirect_uri=https%3A%2F%2Fstaffroom.ash.example%2Fsign-in%2Freturn";
    assert!(page.contains(back) && !page.contains("evil.example"), "{page}");
    // What was not begun here is not ended here, whoever links to it.
    let from_there = [("host", name), ("sec-fetch-site", "cross-site")];
    let back = proxy.open_with("/sign-in/return?code=x&state=y", &from_there);
    assert!(said(back, StatusCode::BAD_REQUEST).contains("not begun in this browser"));
}
