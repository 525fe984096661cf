//! Web addresses in records.

use super::Problems;
use crate::limits::MAX_SHORT_TEXT_CHARS;

/// Whether `text` is meant as a web address.
pub(super) fn is_meant(text: &str) -> bool {
    let start = text.trim_start().to_lowercase();
    start.starts_with("http:") || start.starts_with("https:") || start.starts_with("www.")
}

/// Refuses what cannot be opened, and addresses that carry a password.
pub(super) fn check(field: &str, text: &str, problems: &mut Problems) {
    let text = text.trim();
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    if text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        problems.refuse(field, text, "must be one web address without spaces");
    } else if host.is_empty() {
        problems.refuse(field, text, "must begin with https:// or http:// and name a site");
    } else if host.contains('@') {
        problems.refuse(
            field,
            "",
            "must not hold a user name or password; take out what stands before @",
        );
    } else {
        problems.short_text(field, text);
    }
}

/// Refuses empty or overlong links, and broken addresses among them. Other sources may be named.
pub(super) fn check_links(field: &str, links: &[String], problems: &mut Problems) {
    problems.list_length(field, links.len(), 40);
    for (index, link) in links.iter().enumerate() {
        let field = format!("{field}[{index}]");
        if is_meant(link) {
            check(&field, link, problems);
        } else {
            problems.text_length(&field, link, 1, MAX_SHORT_TEXT_CHARS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(text: &str) -> Option<String> {
        let mut problems = Problems::default();
        check("url", text, &mut problems);
        problems.into_vec().first().map(ToString::to_string)
    }

    #[test]
    fn accepts_addresses_and_refuses_what_cannot_be_opened() {
        assert_eq!(first("https://example.org/phonics?unit=3#top"), None);
        assert_eq!(first("http://example.org"), None);
        for (text, message) in [
            ("www.example.org", "must begin with https:// or http:// and name a site"),
            ("https://", "must begin with https:// or http:// and name a site"),
            ("javascript:alert(1)", "must begin with https:// or http:// and name a site"),
            ("https://example.org/a b", "must be one web address without spaces"),
        ] {
            assert_eq!(first(text), Some(format!("url is {text:?}: {message}")));
        }
    }

    #[test]
    fn never_repeats_a_password() {
        let message = first("https://head:secret@example.org").unwrap();
        assert!(message.contains("password") && !message.contains("secret"), "{message}");
    }

    #[test]
    fn a_link_may_be_a_name() {
        let mut problems = Problems::default();
        let links = ["Oral language interventions", "10.1000/182", "www.example.org", ""];
        check_links("links", &links.map(String::from), &mut problems);
        let fields: Vec<_> = problems.as_slice().iter().map(|p| p.field.as_str()).collect();
        assert_eq!(fields, ["links[2]", "links[3]"]);
    }
}
