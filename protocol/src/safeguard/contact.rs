//! E-mail addresses and telephone numbers.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::pattern;

static EMAIL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)[a-z0-9._%+'-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}")
});

/// British numbers start with an area code of three digits or more; all have ten or eleven digits.
static BRITISH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u)\b0[1-9][0-9](?:[ .()-]{0,3}[0-9]){7,8}\b"));

static INTERNATIONAL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?-u)(?:\+ ?|\b00)[1-9][0-9]{0,2}(?:[ .-]{0,2}\(0\))?[ .()-]{0,3}[0-9]{1,12}(?:[ .()-]{0,3}[0-9]{2,12}){0,4}\b",
    )
});

const SHORTEST_INTERNATIONAL: usize = 9;

pub(super) fn emails(text: &str) -> impl Iterator<Item = Range<usize>> {
    EMAIL.find_iter(text).map(|found| found.range())
}

/// In order, without overlaps.
pub(super) fn telephones(text: &str) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    accepted(&BRITISH, text, |span| !is_decimal(text, span.start), &mut spans);
    let long_enough = |span: &Range<usize>| {
        let digits = text[span.clone()].bytes().filter(u8::is_ascii_digit).count();
        digits >= SHORTEST_INTERNATIONAL
    };
    accepted(&INTERNATIONAL, text, long_enough, &mut spans);
    spans.sort_by_key(|span| (span.start, span.end));
    spans.dedup_by(|later, earlier| later.start < earlier.end);
    spans
}

/// Looks again from the next character after a match that is none.
fn accepted(
    pattern: &Regex,
    text: &str,
    accept: impl Fn(&Range<usize>) -> bool,
    spans: &mut Vec<Range<usize>>,
) {
    let mut at = 0;
    while let Some(found) = pattern.find_at(text, at) {
        if accept(&found.range()) {
            at = found.end();
            spans.push(found.range());
        } else {
            // Every match starts with an ASCII character.
            at = found.start() + 1;
        }
    }
}

/// Whether the digits at `start` are the decimals of a figure, as in "0.051 0.042 0.031".
fn is_decimal(text: &str, start: usize) -> bool {
    text[..start].ends_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telephone_numbers_are_found() {
        for text in [
            "0161 496 0000",
            "(0161) 496 0000",
            "020 7946 0958",
            "07700900123",
            "07700-900-123",
            "+44 7700 900123",
            "+44 (0)161 496 0000",
            "0044 161 496 0000",
            "01204 33333",
            "+353 1 234 5678 90",
        ] {
            assert_eq!(telephones(&format!("ring {text}, please")).len(), 1, "{text}");
        }
        assert_eq!(telephones("0161 496 0000, 0161 496 0001").len(), 2);
    }

    #[test]
    fn figures_are_no_telephone_numbers() {
        for text in [
            "01 02 03 04 05 06",
            "03/04/2025 10:30",
            "0.051 0.042 0.031",
            "+3 to +12 months",
            "2024/25 and 2025/26",
            "10,200 pupils at £1,200",
            "0000-0002-1825-0097",
        ] {
            assert!(telephones(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn e_mail_addresses_are_found() {
        assert_eq!(emails("write to office@oak-lane.sch.uk.").count(), 1);
        assert_eq!(emails("a.b+c@example.org, d@e.uk").count(), 2);
        assert_eq!(emails("follow @oaklane or look @ this").count(), 0);
    }
}
