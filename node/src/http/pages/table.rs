//! Lists as tables for a spreadsheet: comma-separated values (RFC 4180).

use std::fmt::Display;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use crate::http::api_error::ApiError;

/// Rows of a list that may go on for long: more than somebody looks through.
pub(super) const MOST_ROWS: usize = 1_000;

/// Characters of a text in a cell: spreadsheets take 32,767, and cut off what is longer.
const MOST_CELL_CHARS: usize = 32_000;

/// By this a spreadsheet knows that letters are in UTF-8, those of Welsh among them.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// With what a formula begins in some spreadsheet (OWASP, "CSV Injection").
const FORMULA: [char; 11] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'];

/// What stands in one place of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell(String);

impl Cell {
    /// A text of some school or person. What a spreadsheet would take for a formula is text behind an
    /// apostrophe.
    pub(super) fn text(text: &str) -> Self {
        let guard = if text.starts_with(FORMULA) { "'" } else { "" };
        Self(guard.chars().chain(text.chars()).take(MOST_CELL_CHARS).collect())
    }

    /// A text that may not be there.
    pub(super) fn optional(text: Option<&str>) -> Self {
        Self::text(text.unwrap_or_default())
    }

    /// Several texts.
    pub(super) fn list(texts: &[String]) -> Self {
        Self::text(&texts.join("; "))
    }

    /// A number, or a day or hour, as this node has it: one below zero stays a number.
    pub(super) fn value(value: Option<impl Display>) -> Self {
        Self(value.map(|value| value.to_string()).unwrap_or_default())
    }

    pub(super) fn yes_no(yes: bool) -> Self {
        Self(if yes { "yes" } else { "no" }.to_owned())
    }
}

/// A table with a name for each of its columns.
pub(super) fn table<const COLUMNS: usize>(
    columns: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [Cell; COLUMNS]>,
) -> Result<Vec<u8>, ApiError> {
    let mut table = csv::Writer::from_writer(BYTE_ORDER_MARK.as_bytes().to_vec());
    let unwritten = |error: csv::Error| ApiError::unavailable(format!("no table: {error}"));
    table.write_record(columns).map_err(unwritten)?;
    for row in rows {
        table.write_record(row.map(|Cell(text)| text)).map_err(unwritten)?;
    }
    table.into_inner().map_err(|error| unwritten(error.into_error().into()))
}

/// Sends a table as a file to keep, under a name of letters alone.
pub(super) fn download(name: &str, table: Vec<u8>) -> Response {
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}.csv\""));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present")),
        (
            header::CONTENT_DISPOSITION,
            disposition.unwrap_or(HeaderValue::from_static("attachment")),
        ),
    ];
    (headers, table).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_formula_and_others_stay_as_they_are() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "＠A"] {
            assert_eq!(Cell::text(formula).0, format!("'{formula}"));
            assert_eq!(Cell::optional(Some(formula)), Cell::text(formula));
            assert_eq!(
                Cell::list(&[formula.to_owned(), "b".to_owned()]).0,
                format!("'{formula}; b")
            );
        }
        for text in ["", "Echo reading", "a = b", "'=1"] {
            assert_eq!(Cell::text(text).0, text);
        }
        assert_eq!(Cell::value(Some(-0.5)).0, "-0.5");
    }

    #[test]
    fn a_cell_has_no_more_than_a_spreadsheet_takes() {
        assert_eq!(Cell::text(&"ŵ".repeat(40_000)).0.chars().count(), MOST_CELL_CHARS);
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let cells = ["Echo, \"in pairs\"", "two\r\nlines"].map(Cell::text);
        let written = table(["title", "aim"], [cells]).unwrap();
        let written = String::from_utf8(written).unwrap();
        let rows = written.strip_prefix(BYTE_ORDER_MARK).unwrap();
        let mut reader = csv::Reader::from_reader(rows.as_bytes());
        assert_eq!(reader.headers().unwrap(), vec!["title", "aim"]);
        let read: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(read, [vec!["Echo, \"in pairs\"", "two\r\nlines"]]);
    }
}
