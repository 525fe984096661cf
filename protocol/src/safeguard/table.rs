//! Lines of text as rows of a table: Markdown, CSV and its relatives, or columns set with spaces.

use std::ops::Range;

/// What parts the cells of a row.
#[derive(Debug, Clone, Copy)]
pub(super) enum Delimiter {
    Bar,
    Tab,
    Comma,
    Semicolon,
    /// Two spaces or more, as in text that was taken out of a PDF.
    Spaces,
}

impl Delimiter {
    pub(super) const ALL: [Self; 5] =
        [Self::Bar, Self::Tab, Self::Comma, Self::Semicolon, Self::Spaces];
}

/// What a line is to a table with a given delimiter.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// Two cells or more, each where it is in the text, without spaces, quotes and emphasis.
    Row(Vec<Range<usize>>),
    /// Empty, or Markdown's rule between head and body: the table goes on.
    Nothing,
    /// The table ends.
    Other,
}

pub(super) fn lines(text: &str, delimiter: Delimiter) -> impl Iterator<Item = Line> {
    let mut start = 0;
    text.split('\n').map(move |line| {
        let range = start..start + line.len();
        start = range.end + 1;
        read(text, range, delimiter)
    })
}

fn read(text: &str, line: Range<usize>, delimiter: Delimiter) -> Line {
    let is_rule = |byte| matches!(byte, b' ' | b'\t' | b'-' | b':' | b'|' | b'=');
    if text[line.clone()].bytes().all(is_rule) {
        return Line::Nothing;
    }
    let cells = match delimiter {
        Delimiter::Bar => split(text, without_outer_bars(text, line), b'|'),
        Delimiter::Tab => split(text, line, b'\t'),
        Delimiter::Comma => split(text, line, b','),
        Delimiter::Semicolon => split(text, line, b';'),
        Delimiter::Spaces => split_at_spaces(text, trimmed(text, line, |char| char == ' ')),
    };
    if cells.len() < 2 {
        return Line::Other;
    }
    let is_dressing = |char: char| char.is_whitespace() || matches!(char, '"' | '\'' | '*' | '`');
    Line::Row(cells.into_iter().map(|cell| trimmed(text, cell, is_dressing)).collect())
}

fn trimmed(text: &str, range: Range<usize>, drop: impl Fn(char) -> bool) -> Range<usize> {
    let part = &text[range.clone()];
    let kept = part.trim_start_matches(&drop);
    let start = range.start + (part.len() - kept.len());
    start..start + kept.trim_end_matches(&drop).len()
}

fn without_outer_bars(text: &str, line: Range<usize>) -> Range<usize> {
    let line = trimmed(text, line, char::is_whitespace);
    let part = &text[line.clone()];
    let start = line.start + usize::from(part.starts_with('|'));
    let end = line.end - usize::from(part.len() > 1 && part.ends_with('|'));
    start..end
}

/// A delimiter inside a pair of double quotes is part of the cell.
fn split(text: &str, line: Range<usize>, delimiter: u8) -> Vec<Range<usize>> {
    let bytes = text.as_bytes();
    let mut cells = Vec::new();
    let mut start = line.start;
    let mut at = line.start;
    let mut at_cell_start = true;
    while at < line.end {
        let byte = bytes[at];
        if byte == delimiter {
            cells.push(start..at);
            start = at + 1;
            at_cell_start = true;
        } else if byte == b'"' && at_cell_start {
            let quoted = &bytes[at + 1..line.end];
            at += quoted.iter().position(|byte| *byte == b'"').map_or(0, |length| length + 1);
            at_cell_start = false;
        } else if byte != b' ' {
            at_cell_start = false;
        }
        at += 1;
    }
    cells.push(start..line.end);
    cells
}

fn split_at_spaces(text: &str, line: Range<usize>) -> Vec<Range<usize>> {
    let mut cells = Vec::new();
    let mut start = line.start;
    let mut spaces = 0;
    for (index, byte) in text.as_bytes()[line.clone()].iter().enumerate() {
        let at = line.start + index;
        if *byte == b' ' {
            spaces += 1;
        } else {
            if spaces >= 2 {
                cells.push(start..at - spaces);
                start = at;
            }
            spaces = 0;
        }
    }
    cells.push(start..line.end);
    cells
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(text: &str, delimiter: Delimiter) -> Vec<Vec<&str>> {
        lines(text, delimiter)
            .filter_map(|line| match line {
                Line::Row(cells) => Some(cells.into_iter().map(|cell| &text[cell]).collect()),
                Line::Nothing | Line::Other => None,
            })
            .collect()
    }

    #[test]
    fn reads_each_sort_of_table() {
        assert_eq!(
            cells("| Name | *Mark* |\n|---|---|\nAmy | 3\n", Delimiter::Bar),
            [["Name", "Mark"], ["Amy", "3"]]
        );
        assert_eq!(cells("\"Hill, Amy\",34,\nno row", Delimiter::Comma), [["Hill, Amy", "34", ""]]);
        assert_eq!(cells("\tMark\nAmy\t3", Delimiter::Tab), [["", "Mark"], ["Amy", "3"]]);
        assert_eq!(cells("  Amy Hill   3  4", Delimiter::Spaces), [["Amy Hill", "3", "4"]]);
        assert_eq!(cells("a \"b;c", Delimiter::Semicolon), [["a \"b", "c"]]);
        assert_eq!(cells("\"b;c", Delimiter::Semicolon), [["b", "c"]]);
    }

    proptest! {
        #[test]
        fn cells_are_parts_of_the_text(text in "[a é\"|,;\t\n*-]{0,60}") {
            for delimiter in Delimiter::ALL {
                for row in cells(&text, delimiter) {
                    prop_assert!(row.len() >= 2);
                }
            }
        }
    }
}
