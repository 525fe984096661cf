//! Atom feeds (RFC 4287), for news readers: of a saved search, and of a group.

use askama::Template;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use staffroom_protocol::hash::{RecordId, SchoolId};

use super::render;
use crate::http::visitor::Visitor;

/// What a feed is of.
#[derive(Debug)]
pub(super) struct Feed {
    /// What is the same for ever and for nothing else (RFC 4151), without what all of them begin with.
    pub(super) tag: String,
    pub(super) title: String,
    pub(super) subtitle: String,
    /// When something was last new, as RFC 3339 has it.
    pub(super) updated: String,
    /// The school whose feed it is.
    pub(super) school: String,
    /// The path of the page that shows the same.
    pub(super) page: String,
    /// The newest first.
    pub(super) entries: Vec<Entry>,
}

/// A record that is new.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) id: RecordId,
    pub(super) school: SchoolId,
    pub(super) school_name: String,
    pub(super) title: String,
    pub(super) kind_label: String,
    pub(super) in_short: String,
    /// Since when it is new, as RFC 3339 has it.
    pub(super) updated: String,
}

#[derive(Template)]
#[template(path = "feed.xml")]
struct Atom<'a> {
    feed: &'a Feed,
    /// Where this node answers, as the reader of the feed reached it.
    host: &'a str,
    scheme: &'static str,
}

impl Atom<'_> {
    /// `text` without the characters that XML cannot have.
    fn text(&self, text: &str) -> String {
        text.chars()
            .filter(|c| matches!(c, '\t' | '\n' | '\r') || !c.is_control())
            .filter(|c| !matches!(c, '\u{FFFE}' | '\u{FFFF}'))
            .collect()
    }
}

impl Feed {
    /// Sends the feed to whoever asked for it with these headers.
    pub(super) fn send(&self, visitor: &Visitor, asked: &HeaderMap) -> Response {
        let host = asked.get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.unwrap_or("localhost");
        let atom = Atom { feed: self, host, scheme: visitor.door.scheme() };
        let mut response = render(StatusCode::OK, &atom);
        let sort = HeaderValue::from_static("application/atom+xml; charset=utf-8");
        response.headers_mut().insert(header::CONTENT_TYPE, sort);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_have_is_left_out_and_what_it_means_is_escaped() {
        let hostile = "A\u{0}<b>&\u{FFFF}\u{1b}]]></title>".to_owned();
        let entry = Entry {
            id: RecordId::from_bytes([1; 16]),
            school: SchoolId::from_bytes([2; 32]),
            school_name: hostile.clone(),
            title: hostile.clone(),
            kind_label: hostile.clone(),
            in_short: hostile.clone(),
            updated: "2026-10-01T00:00:00Z".to_owned(),
        };
        let feed = Feed {
            tag: "group/1".to_owned(),
            title: hostile.clone(),
            subtitle: hostile.clone(),
            updated: entry.updated.clone(),
            school: hostile.clone(),
            page: "/?q=a&lang=cy".to_owned(),
            entries: vec![entry],
        };
        let written = Atom { feed: &feed, host: "localhost", scheme: "https" }.render().unwrap();
        let read = roxmltree::Document::parse(&written).unwrap();
        let texts = |name: &str| -> Vec<String> {
            let found = read.descendants().filter(|node| node.has_tag_name(name));
            found.map(|node| node.text().unwrap_or_default().to_owned()).collect()
        };
        assert_eq!(texts("title"), ["A<b>&]]></title>"; 2]);
        assert_eq!(texts("summary"), ["A<b>&]]></title>"]);
        let links = read.descendants().filter_map(|node| node.attribute("href"));
        assert_eq!(links.collect::<Vec<_>>()[0], "https://localhost/?q=a&lang=cy");
    }
}
