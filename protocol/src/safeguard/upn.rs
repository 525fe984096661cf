//! Unique pupil numbers: a check letter, then 3 + 4 + 2 + 3 digits (local authority, school, year,
//! serial). A temporary one ends in a letter.

use super::fold::is_separator;
use super::{Hit, Sort};

const CHECK_LETTERS: &[u8; 23] = b"ABCDEFGHJKLMNPQRTUVWXYZ";

const LENGTH: usize = 13;

/// Separators between two characters of one number: a wide gap in a form, but not across columns.
const MAX_GAP: usize = 8;

/// Positions at which one of the four numbers of a UPN begins, and where the last letter of a
/// temporary one stands.
const PART_STARTS: u16 = 1 << 1 | 1 << 4 | 1 << 8 | 1 << 10;
const LAST: u16 = 1 << 12;
const ALL_POSITIONS: u16 = 0b1_1111_1111_1110;

pub(super) fn find(text: &str, hits: &mut Vec<Hit>) {
    let bytes = text.as_bytes();
    // Reading stops at the first letter, so no byte is read for more than two starts.
    for start in 0..bytes.len() {
        let at_boundary = start == 0 || !bytes[start - 1].is_ascii_alphanumeric();
        if !at_boundary || !bytes[start].is_ascii_alphabetic() {
            continue;
        }
        let Some(candidate) = Candidate::read(bytes, start) else { continue };
        if let Some(sort) = candidate.sort() {
            hits.push(Hit { sort, range: start..candidate.end });
        }
    }
}

/// Thirteen characters of the right shape, wherever they were broken up.
struct Candidate {
    symbols: [u8; LENGTH],
    /// A bit for each position that a separator precedes.
    breaks: u16,
    breaks_line: bool,
    end: usize,
}

impl Candidate {
    fn read(bytes: &[u8], start: usize) -> Option<Self> {
        let mut symbols = [0; LENGTH];
        symbols[0] = bytes[start].to_ascii_uppercase();
        let mut at = start + 1;
        let mut breaks = 0;
        let mut breaks_line = false;
        for (position, symbol) in symbols.iter_mut().enumerate().skip(1) {
            let gap = bytes[at..].iter().take(MAX_GAP).take_while(|byte| is_separator(**byte));
            let gap = gap.count();
            if gap > 0 {
                breaks |= 1 << position;
                breaks_line |= bytes[at..at + gap].contains(&b'\n');
                at += gap;
            }
            let byte = *bytes.get(at)?;
            let may_be_letter = position == LENGTH - 1;
            if !(byte.is_ascii_digit() || may_be_letter && byte.is_ascii_alphabetic()) {
                return None;
            }
            *symbol = byte.to_ascii_uppercase();
            at += 1;
        }
        let ends = bytes.get(at).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        ends.then_some(Self { symbols, breaks, breaks_line, end: at })
    }

    /// Rows of marks ("A 101 98 104 112") have the shape too, so where the breaks are matters.
    fn sort(&self) -> Option<Sort> {
        let valid = check_letter(&self.symbols) == Some(self.symbols[0]);
        let temporary = self.symbols[LENGTH - 1].is_ascii_alphabetic();
        let allowed = if temporary { PART_STARTS | LAST } else { PART_STARTS };
        let in_parts = self.breaks & !allowed == 0;
        let one_code = self.breaks & (1 << 1) == 0 && self.breaks.count_ones() <= 4;
        let spelt_out = self.breaks == ALL_POSITIONS;
        match (valid, in_parts) {
            (true, true) => Some(Sort::Upn),
            (true, false) if (one_code || spelt_out) && !self.breaks_line => Some(Sort::Upn),
            (true, false) | (false, true) => Some(Sort::UpnLookAlike),
            (false, false) => None,
        }
    }
}

/// Σ i·value over positions 2–13, mod 23; a final letter counts as its place among the letters.
fn check_letter(symbols: &[u8; LENGTH]) -> Option<u8> {
    let mut sum = 0;
    for (index, symbol) in symbols.iter().enumerate().skip(1) {
        let value = if symbol.is_ascii_digit() {
            usize::from(symbol - b'0')
        } else {
            CHECK_LETTERS.iter().position(|letter| letter == symbol)?
        };
        sum += (index + 1) * value;
    }
    Some(CHECK_LETTERS[sum % CHECK_LETTERS.len()])
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::safeguard::fold::fold;

    /// The number with `digits` after its check letter.
    pub(in crate::safeguard) fn upn(digits: &str) -> String {
        let mut symbols = [0; LENGTH];
        symbols[1..].copy_from_slice(digits.as_bytes());
        symbols[0] = check_letter(&symbols).expect("digits");
        String::from_utf8(symbols.to_vec()).expect("ascii")
    }

    fn sorts(text: &str) -> Vec<Sort> {
        let mut hits = Vec::new();
        find(&fold(text), &mut hits);
        hits.into_iter().map(|hit| hit.sort).collect()
    }

    #[test]
    fn valid_numbers_are_found() {
        for valid in [
            "B801200005001",
            "A383200026015",
            "M872206398042",
            "A330201107042",
            "T92521001501A",
            "M80120000500A",
            "Y20110001200K",
        ] {
            assert_eq!(sorts(valid), [Sort::Upn], "{valid}");
            assert_eq!(sorts(&format!("see {}.", valid.to_lowercase())), [Sort::Upn], "{valid}");
        }
    }

    #[test]
    fn wrong_check_letters_are_look_alikes() {
        assert_eq!(sorts("A801200005001"), [Sort::UpnLookAlike]);
        assert_eq!(sorts("S801200005001"), [Sort::UpnLookAlike]);
        assert_eq!(sorts("A 801 2000 05 001"), [Sort::UpnLookAlike]);
    }

    #[test]
    fn breaks_and_disguises_do_not_hide_a_number() {
        for disguised in [
            "B 801-2000 05001",
            "b-801-2000-05-001",
            "B8012 0000 5001",
            "B 8 0 1 2 0 0 0 0 5 0 0 1",
            "B.8.0.1.2.0.0.0.0.5.0.0.1",
            "B80120000\u{200b}5001",
            "Ｂ８０１２００００５００１",
            "B801\u{2011}2000\u{2013}05\u{2212}001",
            "**B801**2000`05`001",
            "B801\n2000\n05001",
            "reading_B801200005001_final",
            "(b801200005001)",
            "M801 2000 0500 A",
        ] {
            assert_eq!(sorts(disguised), [Sort::Upn], "{disguised}");
        }
    }

    #[test]
    fn a_number_after_another_shape_is_found() {
        assert_eq!(sorts("T92521001501 B801200005001").last(), Some(&Sort::Upn));
        assert_eq!(sorts("B801200005001 23 B801200005001"), [Sort::Upn, Sort::Upn]);
    }

    #[test]
    fn part_of_a_longer_run_is_none() {
        for text in ["xB801200005001", "B8012000050011", "9fB801200005001c4", "B801200005001ab"] {
            assert_eq!(sorts(text), [], "{text}");
        }
    }

    #[test]
    fn rows_of_figures_are_none() {
        let row = |letter: char| format!("{letter} 101 98 104 112 3");
        let years = |letter: char| format!("{letter} 2019 2020 2021");
        for letter in 'A'..='Z' {
            assert_ne!(sorts(&row(letter)), [Sort::Upn]);
            assert_ne!(sorts(&years(letter)), [Sort::Upn]);
        }
        assert_eq!(sorts("Q 12 13 14 15 16 17"), []);
        assert_eq!(sorts("Year 4 improved by 12%, a 2024/25 high"), []);
    }
}
