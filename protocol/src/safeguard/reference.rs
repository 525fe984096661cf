//! Addresses and identifiers of publications. Their digits mean nothing about a pupil.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

static REFERENCE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?-u:\b)(?:https?://|www\.)\S+",
        r"|(?-u:\b)10\.[0-9]{4,9}/\S+",
        r"|(?-u:\b)isbn(?:[ -]?1[03])?[ :]{0,3}[0-9][0-9x -]{8,16}",
    ))
});

/// Web addresses, DOIs and ISBNs, in order.
pub(super) fn find(text: &str) -> Vec<Range<usize>> {
    REFERENCE.find_iter(text).map(|found| found.range()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_dois_and_isbns_are_found() {
        for text in [
            "https://example.org/2019/03/04/1234567890",
            "www.example.org/1234567890",
            "doi:10.1000/1234567890",
            "https://doi.org/10.1000/1234567890",
            "ISBN 0-19-852663-6",
            "ISBN-10: 0198526636",
            "isbn 978 0 19 852663 6",
        ] {
            let found = find(text);
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].end, text.len(), "{text}");
        }
        assert!(find("a 10.5/20 mark and the ISBN of a book").is_empty());
    }
}
