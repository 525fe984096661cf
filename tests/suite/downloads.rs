//! Downloads that a browser goes on with, over a plain socket.

use std::io::{Read, Write};
use std::net::TcpStream;

use staffroom_protocol::hash::Hash;
use staffroom_tests::{School, noise};

use crate::{running, share_file};

/// Larger than two of the pieces in which a file is sent.
const BYTES: usize = 700_000;

/// The head and the body of an answer.
fn ask(school: &School, path: &str, headers: &[(&str, &str)]) -> (String, Vec<u8>) {
    let host = school.page().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut line = TcpStream::connect(&host).unwrap();
    let mut request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: {}\r\nConnection: close\r\n",
        school.bearer()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    line.write_all(format!("{request}\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    line.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
    (head, answer[end + 4..].to_vec())
}

#[test]
fn a_download_goes_on_where_it_was_broken_off() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let content = noise(6, BYTES);
    let id = share_file(&ash, "Phonics, filmed", "film.bin", &content);
    let hash = Hash::of(&content);
    let (path, tag) = (format!("/records/{id}/files/{hash}"), format!("\"{hash}\""));

    let (head, whole) = ask(&ash, &path, &[]);
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("accept-ranges: bytes"), "{head}");
    assert!(head.contains(&format!("etag: {tag}")), "{head}");
    assert!(whole == content);

    let (head, rest) = ask(&ash, &path, &[("Range", "bytes=300000-"), ("If-Range", &tag)]);
    assert!(head.starts_with("http/1.1 206"), "{head}");
    assert!(head.contains("content-range: bytes 300000-699999/700000"), "{head}");
    assert!(head.contains("content-length: 400000"), "{head}");
    assert!(rest == content[300_000..]);
    let (_, middle) = ask(&ash, &path, &[("Range", "bytes=262143-262144")]);
    assert!(middle == content[262_143..=262_144], "across the border of two pieces");

    let (head, body) = ask(&ash, &path, &[("Range", "bytes=700000-")]);
    assert!(head.starts_with("http/1.1 416"), "{head}");
    assert!(head.contains("content-range: bytes */700000") && body.is_empty(), "{head}");
    let other = ("If-Range", "\"another file\"");
    let (head, again) = ask(&ash, &path, &[("Range", "bytes=300000-"), other]);
    assert!(head.starts_with("http/1.1 200") && again == content, "{head}");
}

#[test]
fn pages_come_compressed_to_whoever_takes_them_so_and_files_as_they_are() {
    let ash = running("Ash Primary");
    ash.found("Fenland Trust", "trust", &[]);
    let content = "A line of a worksheet on halves and quarters.\n".repeat(100);
    let id = share_file(&ash, "Halves", "halves.txt", content.as_bytes());
    let takes = [("Accept-Encoding", "gzip")];
    for page in ["/search?q=halves", "/style.css", "/api/v1/openapi.json"] {
        let (head, _) = ask(&ash, page, &takes);
        assert!(head.contains("content-encoding: gzip"), "{page}: {head}");
        let (head, _) = ask(&ash, page, &[]);
        assert!(!head.contains("content-encoding"), "{page}: {head}");
    }
    let file = format!("/records/{id}/files/{}", Hash::of(content.as_bytes()));
    let (head, body) = ask(&ash, &file, &takes);
    assert!(!head.contains("content-encoding"), "{head}");
    assert!(body == content.as_bytes());
}
