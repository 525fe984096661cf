//! NHS numbers: ten digits, the last a check on the others.

use std::sync::LazyLock;

use regex::Regex;

use super::nearness::Names;
use super::pattern;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?i-u)\b(?:nhs(?:[ .:#-]{0,3}(?:numbers?|nos?|num|id)\b)?|national health (?:service )?number)",
    )
});

pub(super) fn names(text: &str, label: Option<&str>) -> Names {
    Names::find(&NAME, text, label, |text, span| {
        let rest = &text.as_bytes()[span.start + 3..];
        let is_host =
            |end: &[u8]| rest.get(..end.len()).is_some_and(|rest| rest.eq_ignore_ascii_case(end));
        !is_host(b".uk") && !is_host(b".net")
    })
}

/// Whether a column called `heading` holds such numbers.
pub(super) fn is_named_by(heading: &str) -> bool {
    NAME.is_match(heading)
}

/// Weights 10 to 2 on the first nine digits; 11 less the remainder by 11, where 11 stands for 0.
pub(super) fn is_valid(digits: &[u8; 10]) -> bool {
    match 11 - super::ten_digits::weighted_sum(digits) % 11 {
        11 => digits[9] == 0,
        10 => false,
        check => u32::from(digits[9]) == check,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_decides() {
        // 943 476 5919 is the example of the NHS data dictionary.
        assert!(is_valid(&[9, 4, 3, 4, 7, 6, 5, 9, 1, 9]));
        assert!(is_valid(&[4, 0, 1, 0, 2, 3, 2, 1, 3, 7]));
        assert!(!is_valid(&[9, 4, 3, 4, 7, 6, 5, 9, 1, 8]));
        // 2·6 = 12 leaves 1, whose check would be 10: no number has it.
        for check in 0..10 {
            assert!(!is_valid(&[0, 0, 0, 0, 0, 0, 0, 0, 6, check]));
        }
    }

    #[test]
    fn an_address_on_the_web_is_no_name() {
        let number = 25..35;
        assert!(names("the NHS number given is  9434765919", None).are_near(&number));
        assert!(!names("see www.nhs.uk for this  9434765919", None).are_near(&number));
    }
}
