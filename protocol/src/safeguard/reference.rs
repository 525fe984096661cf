//! Addresses and identifiers of publications. Their digits mean nothing about a pupil.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?i)(?-u:\b)(?:https?://|www\.)\S+|(?-u:\b)10\.[0-9]{4,9}/\S+"));

static BOOK: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\bisbn(?:[ -]?1[03])?[ :]{0,3}(?:97[89][ -]?)?[0-9](?:[ -]?[0-9]){8}[ -]?[0-9x]\b",
    )
});

/// Web addresses and DOIs, in order.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = Range<usize>> {
    ADDRESS.find_iter(text).map(|found| found.range())
}

/// ISBNs, in order. Those of ten digits have the check digit of NHS numbers.
pub(super) fn books(text: &str) -> Vec<Range<usize>> {
    BOOK.find_iter(text).map(|found| found.range()).collect()
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
            let found: Vec<_> = addresses(text).chain(books(text)).collect();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].end, text.len(), "{text}");
        }
        let none = "a 10.5/20 mark and the ISBN of a book, ISBN 123";
        assert!(addresses(none).next().is_none() && books(none).is_empty());
    }
}
