//! The part of a file that a request asks for, as a browser does that goes on with a download.
//!
//! One range of bytes at a time (RFC 9110, section 14): a request for several, or for one that cannot be
//! understood, is answered with the whole file, as it allows.

use std::ops::Range;

use axum::http::{HeaderMap, HeaderValue, header};
use http_range_header::{EndPosition, StartPosition, parse_range_header};
use staffroom_protocol::hash::Hash;

/// What is to be sent of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// These bytes; never none.
    Bytes(Range<u64>),
    /// The range asked for lies behind its end.
    NotThere,
}

/// The tag of a file: its hash says that it is the same, byte for byte.
pub(super) fn tag(hash: &Hash) -> String {
    format!("\"{hash}\"")
}

/// What a request asks for of a file of `size` bytes.
pub(super) fn part(headers: &HeaderMap, hash: &Hash, size: u64) -> Part {
    let Some(asked) = headers.get(header::RANGE).and_then(|value| value.to_str().ok()) else {
        return Part::Whole;
    };
    // A date cannot say that it is this very file.
    let is_other = |condition: &HeaderValue| condition.as_bytes() != tag(hash).as_bytes();
    if headers.get(header::IF_RANGE).is_some_and(is_other) {
        return Part::Whole;
    }
    let Ok(parsed) = parse_range_header(asked) else { return Part::Whole };
    let [one] = parsed.ranges.as_slice() else { return Part::Whole };
    let range = match (one.start, one.end) {
        (StartPosition::Index(start), EndPosition::Index(last)) if last < start => {
            return Part::Whole;
        }
        (StartPosition::Index(start), EndPosition::Index(last)) => {
            start..size.min(last.saturating_add(1))
        }
        (StartPosition::Index(start), EndPosition::LastByte) => start..size,
        (StartPosition::FromLast(count), _) => size.saturating_sub(count)..size,
    };
    if range.is_empty() { Part::NotThere } else { Part::Bytes(range) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str, condition: Option<&str>, size: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(condition) = condition {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(condition).unwrap());
        }
        part(&headers, &Hash::of(b"a film"), size)
    }

    #[test]
    fn one_range_of_bytes_is_understood() {
        for (range, expected) in [
            ("bytes=0-0", Part::Bytes(0..1)),
            ("bytes=10-19", Part::Bytes(10..20)),
            ("bytes=90-", Part::Bytes(90..100)),
            ("bytes=90-5000", Part::Bytes(90..100)),
            ("bytes=-1", Part::Bytes(99..100)),
            ("bytes=-500", Part::Bytes(0..100)),
            ("bytes=100-", Part::NotThere),
            ("bytes=100-200", Part::NotThere),
            ("bytes=19-10", Part::Whole),
            ("bytes=0-1,5-6", Part::Whole),
            ("pupils=0-1", Part::Whole),
            ("bytes=first-last", Part::Whole),
            ("bytes=0-99999999999999999999999999", Part::Whole),
        ] {
            assert_eq!(asked(range, None, 100), expected, "{range}");
        }
        assert_eq!(asked("bytes=0-", None, 0), Part::NotThere);
        assert_eq!(asked("bytes=-5", None, 0), Part::NotThere);
        assert_eq!(part(&HeaderMap::new(), &Hash::of(b"a film"), 9), Part::Whole);
    }

    #[test]
    fn the_rest_is_sent_only_of_the_same_file() {
        let same = tag(&Hash::of(b"a film"));
        assert_eq!(asked("bytes=5-", Some(&same), 9), Part::Bytes(5..9));
        for other in [tag(&Hash::of(b"another")), format!("W/{same}"), "Tue, 24 Nov 2026".into()] {
            assert_eq!(asked("bytes=5-", Some(&other), 9), Part::Whole, "{other}");
        }
    }
}
