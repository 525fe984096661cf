//! Ways in to the pages: from other machines, by TLS, through a proxy, and connections that say nothing.

use staffroom_tests::browser::{Browser, HEAD, PASSWORD};
use ureq::http::{StatusCode, header};

use crate::signing_in::said;
use crate::{running, school};

#[test]
fn other_machines_reach_the_pages_by_tls_or_through_a_proxy_and_under_a_given_name_only() {
    let ash = school("Ash Primary");
    for (arguments, said) in [
        (&["--http", "0.0.0.0:0"][..], "give --certificate and --private-key"),
        (&["--http", "127.0.0.1:0", "--behind-proxy"], "no host name is given"),
        (&["--http", "127.0.0.1:0", "--name", "ash.example"], "--name is ash.example"),
        (&["--behind-proxy", "--name", "https://ash.example"], "give the host name alone"),
        (
            &["--certificate", "no.pem", "--private-key", "no.pem", "--name", "ash.example"],
            "no.pem cannot be read as certificates",
        ),
    ] {
        let refused = ash.run(&[&["serve"][..], arguments].concat()).error();
        assert!(refused.contains(said), "{arguments:?}: {refused}");
    }
}

#[test]
fn behind_a_proxy_addresses_are_the_proxys_word_and_cookies_are_for_tls() {
    let mut ash = school("Ash Primary");
    let port = free_port();
    let (http, listen) = (format!("127.0.0.1:{port}"), "/ip4/127.0.0.1/tcp/0");
    let name = "staffroom.ash.example";
    ash.start_with(&["--http", &http, "--behind-proxy", "--name", name, "--listen", listen]);
    assert_eq!(ash.page(), "https://staffroom.ash.example/");
    let link = ash.json(&["person", "link"])["link"].as_str().unwrap().to_owned();
    assert!(link.starts_with("https://staffroom.ash.example/link/"), "{link}");
    let proxy = Browser::at(&format!("http://{http}"));
    said(proxy.open("/sign-in"), StatusCode::MISDIRECTED_REQUEST);
    let path = link.trim_start_matches("https://staffroom.ash.example");
    let form = [("password", PASSWORD), ("again", PASSWORD), ("user_name", HEAD), ("name", "Head")];
    let from = [("host", name), ("x-forwarded-for", "10.9.9.9, 203.0.113.7")];
    let other = [from[0], ("origin", "http://staffroom.ash.example")];
    said(proxy.send_with(path, &form, &other), StatusCode::FORBIDDEN);
    let origin = ("origin", "https://staffroom.ash.example");
    let used = proxy.send_with(path, &form, &[from[0], from[1], origin]);
    let cookie = used.headers()[header::SET_COOKIE].to_str().unwrap();
    assert!(cookie.starts_with("__Host-staffroom-") && cookie.contains("; Secure"), "{cookie}");
    assert!(!used.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let last = ash.json(&["audit", "--limit", "1"])[0].clone();
    assert_eq!(last["from"], "203.0.113.7", "{last}");
    // The command line's token counts on this machine's own way in alone.
    let bearer = ash.bearer();
    let outside = proxy.open_with("/api/v1/status", &[from[0], ("authorization", &bearer)]);
    assert_eq!(outside.status(), StatusCode::UNAUTHORIZED);
    ash.json(&["status"]);
}

#[test]
fn over_tls_browsers_are_told_to_come_no_other_way() {
    use std::io::{Read, Write};
    use std::sync::Arc;

    use rustls::pki_types::ServerName;
    use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

    let mut ash = school("Ash Primary");
    let name = "staffroom.ash.example";
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let certificate = ash.write("certificate.pem", made.cert.pem());
    let key = ash.write("key.pem", made.key_pair.serialize_pem());
    let port = free_port();
    let http = format!("127.0.0.1:{port}");
    let (certificate, key) = (certificate.to_str().unwrap(), key.to_str().unwrap());
    let tls = ["--certificate", certificate, "--private-key", key, "--name", name];
    let listen = ["--http", &http, "--listen", "/ip4/127.0.0.1/tcp/0"];
    ash.start_with(&[&tls[..], &listen].concat());
    assert_eq!(ash.page(), format!("https://{name}:{port}/"));
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(name).unwrap());
    let connection = std::net::TcpStream::connect(&http).unwrap();
    let mut stream = StreamOwned::new(session.unwrap(), connection);
    let request =
        format!("GET /sign-in HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.contains("strict-transport-security: max-age=31536000\r\n"), "{answer}");
    // The command line asks on this machine's own way in.
    ash.json(&["status"]);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    use std::io::{Read, Write};
    use std::time::{Duration, Instant};

    let ash = running("Ash Primary");
    let address = ash.page().trim_start_matches("http://").trim_end_matches('/');
    let whole = "GET /sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n";
    // One says nothing, one stops within its first request, one within its second.
    for sent in ["", &whole[..20], &[whole, &whole[..20]].concat()] {
        let mut slow = std::net::TcpStream::connect(address).unwrap();
        slow.write_all(sent.as_bytes()).unwrap();
        slow.set_read_timeout(Some(Duration::from_secs(40))).unwrap();
        let started = Instant::now();
        // However it is closed, and whatever is said before.
        drop(slow.read_to_end(&mut Vec::new()));
        assert!(started.elapsed() < Duration::from_secs(30), "{sent:?}: {:?}", started.elapsed());
    }
}

pub(crate) fn free_port() -> u16 {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    free.local_addr().unwrap().port()
}
