//! Rows of a CSV file, however long, and the character between their cells.

use std::io::{self, BufRead};

use csv::{ByteRecord, ReaderBuilder};

use super::MAX_ROW_BYTES;

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// With its line, or the file.
    Complete,
    /// It has more than [`MAX_ROW_BYTES`]; what was read of it was dropped.
    TooLong,
    /// The file ended inside quotation marks.
    Unclosed,
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    CellStart,
    Plain,
    Quoted,
    /// After a quotation mark inside quotation marks: the end of them, or half of a doubled one.
    QuoteInQuoted,
}

/// Cuts a stream into rows by the rules that the `csv` crate reads cells with. It is done apart from
/// reading the cells so that a row that is too long costs no memory and leaves the next one whole.
#[derive(Debug)]
pub(super) struct Splitter {
    /// None where rows are plain lines.
    delimiter: Option<u8>,
    /// The last row ended with a carriage return, so that a line feed belongs to it.
    after_return: bool,
}

impl Splitter {
    pub(super) fn new(delimiter: u8) -> Self {
        Self { delimiter: Some(delimiter), after_return: false }
    }

    /// Cuts at every end of line.
    pub(super) fn of_lines() -> Self {
        Self { delimiter: None, after_return: false }
    }

    /// Reads the next row without its end of line into `row`; none at the end of the file.
    pub(super) fn next_row(
        &mut self,
        input: &mut impl BufRead,
        row: &mut Vec<u8>,
    ) -> io::Result<Option<Ending>> {
        row.clear();
        let mut place = Place::CellStart;
        let mut length = 0;
        loop {
            let chunk = input.fill_buf()?;
            if chunk.is_empty() {
                return Ok(match (place, length) {
                    (Place::Quoted, _) => Some(Ending::Unclosed),
                    (_, 0) => None,
                    (_, 1..=MAX_ROW_BYTES) => Some(Ending::Complete),
                    _ => Some(Ending::TooLong),
                });
            }
            let mut used = 0;
            let mut ended = false;
            for &byte in chunk {
                used += 1;
                if std::mem::take(&mut self.after_return) && byte == b'\n' {
                    continue;
                }
                if place != Place::Quoted && matches!(byte, b'\n' | b'\r') {
                    self.after_return = byte == b'\r';
                    ended = true;
                    break;
                }
                place = self.after(place, byte);
                length += 1;
                if length <= MAX_ROW_BYTES {
                    row.push(byte);
                } else {
                    row.clear();
                }
            }
            input.consume(used);
            if ended {
                let fits = length <= MAX_ROW_BYTES;
                return Ok(Some(if fits { Ending::Complete } else { Ending::TooLong }));
            }
        }
    }

    fn after(&self, place: Place, byte: u8) -> Place {
        let Some(delimiter) = self.delimiter else { return Place::Plain };
        match (place, byte) {
            (Place::CellStart | Place::QuoteInQuoted, b'"') => Place::Quoted,
            (Place::Quoted, b'"') => Place::QuoteInQuoted,
            (Place::Quoted, _) => Place::Quoted,
            (_, byte) if byte == delimiter => Place::CellStart,
            (Place::CellStart | Place::Plain | Place::QuoteInQuoted, _) => Place::Plain,
        }
    }
}

/// The cells of one row; none of a blank one.
pub(super) fn cells(row: &[u8], delimiter: u8) -> ByteRecord {
    let mut record = ByteRecord::new();
    let mut reader = ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(delimiter)
        .buffer_capacity(row.len().max(1))
        .from_reader(row);
    // Bytes in memory that may have any length are always read.
    let _ = reader.read_byte_record(&mut record);
    record
}

/// The character between cells: the one that cuts the first row into the most, a comma if in doubt.
pub(super) fn delimiter_of(start: &[u8]) -> u8 {
    let mut best = (b',', 0);
    for delimiter in [b',', b';', b'\t'] {
        let mut row = Vec::new();
        let mut rest = start;
        let mut splitter = Splitter::new(delimiter);
        while row.is_empty() && matches!(splitter.next_row(&mut rest, &mut row), Ok(Some(_))) {}
        let count = cells(&row, delimiter).len();
        if count > best.1 {
            best = (delimiter, count);
        }
    }
    best.0
}

/// What Excel writes above the header to say which character is between cells: `sep=;`. Returns
/// that character and how many bytes to skip.
pub(super) fn excel_separator(start: &[u8]) -> Option<(u8, usize)> {
    if !start.get(..4)?.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let delimiter = *start.get(4)?;
    match start.get(5..)? {
        [b'\r', b'\n', ..] => Some((delimiter, 7)),
        [b'\r' | b'\n', ..] => Some((delimiter, 6)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &[u8], delimiter: u8) -> Vec<(String, Ending)> {
        // A small buffer, so that rows, quotations and ends of lines cross its border.
        let mut input = io::BufReader::with_capacity(3, text);
        let mut splitter = Splitter::new(delimiter);
        let mut rows = Vec::new();
        let mut row = Vec::new();
        while let Some(ending) = splitter.next_row(&mut input, &mut row).unwrap() {
            rows.push((String::from_utf8(row.clone()).unwrap(), ending));
        }
        rows
    }

    #[test]
    fn rows_end_with_the_line_except_inside_quotation_marks() {
        let rows = split(b"a,b\r\n\"x\r\ny\",2\n\n\"he said \"\"no\"\"\n\",3\rlast", b',');
        let texts: Vec<_> = rows.iter().map(|(text, _)| text.as_str()).collect();
        assert_eq!(
            texts,
            ["a,b", "\"x\r\ny\",2", "", "\"he said \"\"no\"\"\n\",3", "last"],
            "{rows:?}"
        );
        assert!(rows.iter().all(|(_, ending)| *ending == Ending::Complete));
    }

    #[test]
    fn a_quotation_mark_inside_a_plain_cell_is_a_letter() {
        let rows = split(b"5\" pipe,b\nnext,\"one\n", b',');
        assert_eq!(rows[0].0, "5\" pipe,b");
        assert_eq!(rows[1].1, Ending::Unclosed);
    }

    #[test]
    fn a_row_that_is_too_long_is_dropped_and_the_next_one_is_whole() {
        let mut text = vec![b'x'; MAX_ROW_BYTES];
        text.extend_from_slice(b"\nab\n");
        text.extend(vec![b'y'; MAX_ROW_BYTES + 1]);
        text.extend_from_slice(b"\ncd");
        let rows = split(&text, b',');
        let endings: Vec<_> = rows.iter().map(|(_, ending)| *ending).collect();
        assert_eq!(
            endings,
            [Ending::Complete, Ending::Complete, Ending::TooLong, Ending::Complete]
        );
        assert_eq!((rows[2].0.len(), rows[3].0.as_str()), (0, "cd"));
    }

    #[test]
    fn the_character_between_cells_is_found_or_told() {
        assert_eq!(delimiter_of(b"title;abstract;subjects\na,b,c;d"), b';');
        assert_eq!(delimiter_of(b"title\tabstract\n"), b'\t');
        assert_eq!(delimiter_of(b"\n\"title; or name\",abstract\n"), b',');
        assert_eq!(delimiter_of(b"title\n"), b',');
        assert_eq!(delimiter_of(b""), b',');
        assert_eq!(excel_separator(b"sep=;\r\ntitle"), Some((b';', 7)));
        assert_eq!(excel_separator(b"SEP=|\ntitle"), Some((b'|', 6)));
        assert_eq!(excel_separator(b"sep=,title"), None);
    }

    proptest::proptest! {
        #[test]
        fn each_row_holds_what_the_csv_crate_reads_there(text in "[ab\",\r\n]{0,40}") {
            let rows = split(text.as_bytes(), b',');
            let ours: Vec<ByteRecord> = rows
                .iter()
                .map(|(row, _)| cells(row.as_bytes(), b','))
                .filter(|cells| !cells.is_empty())
                .collect();
            let theirs: Vec<ByteRecord> = ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .from_reader(text.as_bytes())
                .into_byte_records()
                .map(Result::unwrap)
                .collect();
            proptest::prop_assert_eq!(ours, theirs);
        }
    }
}
