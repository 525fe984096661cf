//! One plain form of a text, in which disguises and typography no longer hide a number.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

/// Rewrites compatibility forms (full-width digits) as ASCII, every hyphen, dot, quote and space as
/// its plain one, and drops accents and what cannot be seen.
///
/// Capitals stay, since they tell a name from a word; so do line breaks, so that a place in the
/// result is on the same line of the text.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char == '\r' {
            if chars.peek() != Some(&'\n') {
                folded.push('\n');
            }
        } else if char.is_ascii() {
            folded.extend(plain(char));
        } else {
            decompose_compatible(char, |part| folded.extend(plain(part)));
        }
    }
    folded
}

/// What people put between the parts of a number, and what Markdown puts around them.
pub(super) const fn is_separator(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'-' | b'.' | b'/' | b'*' | b'`' | b'\\')
}

fn plain(char: char) -> Option<char> {
    match char {
        '\n' | '\t' => Some(char),
        // An underscore joins words in file names and field names as a hyphen does in prose.
        '_'
        | '\u{58a}'
        | '\u{5be}'
        | '\u{1400}'
        | '\u{1806}'
        | '\u{2d7}'
        | '\u{2010}'..='\u{2015}'
        | '\u{2043}'
        | '\u{207b}'
        | '\u{208b}'
        | '\u{2212}'
        | '\u{2e17}'
        | '\u{2e1a}'
        | '\u{2e3a}'
        | '\u{2e3b}'
        | '\u{2e40}'
        | '\u{301c}'
        | '\u{3030}'
        | '\u{30a0}'
        | '\u{30fb}'
        | '\u{10ead}' => Some('-'),
        '\u{b7}' | '\u{2022}' | '\u{2027}' | '\u{2219}' | '\u{22c5}' | '\u{3002}' => Some('.'),
        '\u{2044}' | '\u{2215}' => Some('/'),
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' => Some('\''),
        '\u{201c}'..='\u{201f}' => Some('"'),
        '\u{2800}' | '\u{115f}' | '\u{1160}' => Some(' '),
        _ if char.is_whitespace() => Some(' '),
        _ if is_invisible(char) => None,
        _ => Some(char),
    }
}

fn is_invisible(char: char) -> bool {
    char.is_control()
        || (!char.is_ascii() && is_combining_mark(char))
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sees_through_typography() {
        assert_eq!(fold("Ｂ８０１\u{200b}2000\u{2011}05\u{ad}001"), "B8012000-05001");
        assert_eq!(fold("a\u{a0}b\u{2003}c_d·e\u{2212}f"), "a b c-d.e-f");
        assert_eq!(fold("Zoë’s 𝟙\u{301}"), "Zoe's 1");
    }

    #[test]
    fn keeps_lines() {
        assert_eq!(fold("a\r\nb\rc\nd\u{b}e"), "a\nb\nc\nd e");
    }

    proptest! {
        #[test]
        fn is_stable(text in any::<String>()) {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }
    }
}
