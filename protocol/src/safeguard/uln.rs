//! Unique learner numbers: ten digits, the last a check on the others.

use std::sync::LazyLock;

use regex::Regex;

use super::nearness::Names;
use super::pattern;

static NAME: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r"(?i-u)\b(?:ulns?|unique[ -]learner[ -](?:numbers?|nos?)|learner[ -]numbers?)")
});

pub(super) fn names(text: &str, label: Option<&str>) -> Names {
    Names::find(&NAME, text, label, |_, _| true)
}

/// Whether a column called `heading` holds such numbers.
pub(super) fn is_named_by(heading: &str) -> bool {
    NAME.is_match(heading)
}

/// Weights 10 to 2 on the first nine digits; 10 less the remainder by 11. No number has remainder 0.
pub(super) fn is_valid(digits: &[u8; 10]) -> bool {
    match super::ten_digits::weighted_sum(digits) % 11 {
        0 => false,
        remainder => u32::from(digits[9]) == 10 - remainder,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_decides() {
        // 10·1 + 2·4 = 18 leaves 7, so the check is 3.
        assert!(is_valid(&[1, 0, 0, 0, 0, 0, 0, 0, 4, 3]));
        assert!(!is_valid(&[1, 0, 0, 0, 0, 0, 0, 0, 4, 4]));
        // 9·1 + 2·1 = 11 leaves 0, which no number has.
        for check in 0..10 {
            assert!(!is_valid(&[0, 1, 0, 0, 0, 0, 0, 0, 1, check]));
        }
    }
}
