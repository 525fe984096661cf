//! Numbers of ten digits: NHS and unique learner numbers where a name says so, else look-alikes.

use std::ops::Range;

use super::fold::is_separator;
use super::nearness::Names;
use super::{Hit, Passage, Sort, nhs_number, uln};

/// Separators between two groups of one number.
const MAX_GAP: usize = 3;

/// `telephones` and `books` are the spans already known to be such, in order.
pub(super) fn find(
    passage: &Passage<'_>,
    telephones: &[Range<usize>],
    books: &[Range<usize>],
    hits: &mut Vec<Hit>,
) {
    let text = passage.text;
    let groups = digit_groups(text.as_bytes());
    let mut nhs_names = nhs_number::names(text, passage.label);
    let mut uln_names = uln::names(text, passage.label);
    let mut first = 0;
    while first < groups.len() {
        let Some((last, digits)) = ten_from(text.as_bytes(), &groups[first..]) else {
            first += 1;
            continue;
        };
        let number = groups[first].start..groups[first + last].end;
        let sort = if is_cut_off(text, &number, &[&nhs_names, &uln_names])
            || is_inside(telephones, number.start)
            || is_inside(books, number.start)
        {
            None
        } else if nhs_names.are_near(&number) && nhs_number::is_valid(&digits) {
            nhs_names.note(&number);
            Some(Sort::NhsNumber)
        } else if uln_names.are_near(&number) && uln::is_valid(&digits) {
            uln_names.note(&number);
            Some(Sort::Uln)
        } else if is_written_as_one(text, &number, &groups[first..=first + last])
            && !is_inside(telephones, number.start + 1)
        {
            Some(Sort::TenDigitNumber)
        } else {
            None
        };
        first += if sort.is_some() { last + 1 } else { 1 };
        hits.extend(sort.map(|sort| Hit { sort, range: number }));
    }
}

/// Weights 10 to 2 on the first nine digits.
pub(super) fn weighted_sum(digits: &[u8; 10]) -> u32 {
    digits[..9].iter().zip((2..=10).rev()).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// The ten digits of a cell or field that holds nothing else.
pub(super) fn exactly_ten(text: &str) -> Option<[u8; 10]> {
    let mut digits = [0; 10];
    let mut length = 0;
    for byte in text.bytes().filter(|byte| !is_separator(*byte)) {
        if !byte.is_ascii_digit() || length == 10 {
            return None;
        }
        digits[length] = byte - b'0';
        length += 1;
    }
    (length == 10).then_some(digits)
}

fn digit_groups(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (index, _) in bytes.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match groups.last_mut() {
            Some(group) if group.end == index => group.end = index + 1,
            Some(_) | None => groups.push(index..index + 1),
        }
    }
    groups
}

/// Whole groups from the first on that hold ten digits together: the index of the last, the digits.
fn ten_from(bytes: &[u8], groups: &[Range<usize>]) -> Option<(usize, [u8; 10])> {
    let mut digits = [0; 10];
    let mut length = 0;
    for (index, group) in groups.iter().enumerate() {
        if index > 0 {
            let gap = &bytes[groups[index - 1].end..group.start];
            if gap.len() > MAX_GAP || !gap.iter().all(|byte| is_separator(*byte)) {
                return None;
            }
        }
        let slots = digits.get_mut(length..length + group.len())?;
        for (slot, byte) in slots.iter_mut().zip(&bytes[group.clone()]) {
            *slot = byte - b'0';
        }
        length += group.len();
        if length == 10 {
            return Some((index, digits));
        }
    }
    None
}

/// Whether letters run into the number, so that it is part of a longer code.
fn is_cut_off(text: &str, number: &Range<usize>, names: &[&Names]) -> bool {
    let before = text.as_bytes()[..number.start].last();
    let after = text.as_bytes().get(number.end);
    let named = names.iter().any(|names| names.touch(number));
    (before.is_some_and(u8::is_ascii_alphabetic) && !named)
        || after.is_some_and(u8::is_ascii_alphabetic)
}

fn is_inside(spans: &[Range<usize>], position: usize) -> bool {
    let index = spans.partition_point(|span| span.end <= position);
    spans.get(index).is_some_and(|span| span.start < position)
}

/// One run, or 3 3 4 as NHS numbers are printed; other groups of figures are not one number. Sums of
/// money and decimals are none either.
fn is_written_as_one(text: &str, number: &Range<usize>, groups: &[Range<usize>]) -> bool {
    let lengths: Vec<usize> = groups.iter().map(ExactSizeIterator::len).collect();
    let before = text[..number.start].chars().next_back();
    let after = &text.as_bytes()[number.end..];
    let decimal = before == Some('.')
        && text[..number.start - 1].ends_with(|char: char| char.is_ascii_digit())
        || after.first() == Some(&b'.') && after.get(1).is_some_and(u8::is_ascii_digit);
    let money = matches!(before, Some('£' | '$' | '€'));
    (lengths == [10] || lengths == [3, 3, 4])
        && !text[number.clone()].contains('\n')
        && !decimal
        && !money
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::safeguard::fold::fold;

    fn sorts(text: &str) -> Vec<Sort> {
        let folded = fold(text);
        let mut hits = Vec::new();
        find(&Passage { text: &folded, label: None }, &[], &[], &mut hits);
        hits.into_iter().map(|hit| hit.sort).collect()
    }

    #[test]
    fn an_nhs_number_near_its_name_is_found() {
        for text in [
            "NHS number: 943 476 5919",
            "nhs no. 943-476-5919",
            "NHS9434765919",
            "nhs_number_9434765919",
            "943 476 5919 (NHS)",
            "NHS number 94 34 76 59 19",
            "NHS: ９４３ ４７６ ５９１９",
            "His NHS number, as the office has it on file, is 9434765919",
        ] {
            assert_eq!(sorts(text), [Sort::NhsNumber], "{text}");
        }
    }

    #[test]
    fn a_list_after_one_name_is_found_to_its_end() {
        let list = format!("NHS numbers: {}", ["943 476 5919"; 20].join(", "));
        assert_eq!(sorts(&list), [Sort::NhsNumber; 20]);
    }

    #[test]
    fn a_learner_number_near_its_name_is_found() {
        assert_eq!(sorts("ULN 1000000043"), [Sort::Uln]);
        assert_eq!(sorts("unique learner number: 100 000 0043"), [Sort::Uln]);
        assert_eq!(sorts("ULN 1000000044"), [Sort::TenDigitNumber]);
    }

    #[test]
    fn without_name_or_check_digit_it_is_a_look_alike() {
        assert_eq!(sorts("9434765919"), [Sort::TenDigitNumber]);
        assert_eq!(sorts("NHS number 9434765918"), [Sort::TenDigitNumber]);
        assert_eq!(sorts("943 476 5919"), [Sort::TenDigitNumber]);
    }

    #[test]
    fn other_figures_are_none() {
        for text in [
            "2022 2023 24",
            "0.1234567890",
            "£1234567890",
            "12345678901",
            "a1234567890",
            "1 234 567 890",
            "101 98 104 112",
        ] {
            assert_eq!(sorts(text), [], "{text}");
        }
    }

    #[test]
    fn a_cell_holds_ten_digits_or_does_not() {
        assert_eq!(exactly_ten("943 476-5919"), Some([9, 4, 3, 4, 7, 6, 5, 9, 1, 9]));
        assert_eq!(exactly_ten("943 476 591"), None);
        assert_eq!(exactly_ten("943 476 59190"), None);
        assert_eq!(exactly_ten("943 476 591x"), None);
    }
}
