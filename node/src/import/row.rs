//! One row: its cells by the names of their columns, or its object; or why it cannot be read.

use serde_json::{Map, Value};

use super::MAX_ROW_BYTES;
use super::table;

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) delimiter: u8,
    pub(super) header: Vec<String>,
}

impl Table {
    /// The cells that are not empty, by the names of their columns; none where all are.
    pub(super) fn read(
        &self,
        row: &[u8],
        encoding: &str,
    ) -> Result<Option<Map<String, Value>>, String> {
        let cells = table::cells(row, self.delimiter);
        let filled = |cell: &&[u8]| !cell.trim_ascii().is_empty();
        if !cells.iter().any(|cell| filled(&cell)) {
            return Ok(None);
        }
        let (has, wants) = (cells.len(), self.header.len());
        if has < wants || cells.iter().skip(wants).any(|cell| filled(&cell)) {
            return Err(format!(
                "has {has} cells and the header has {wants}; put quotation marks around a cell \
                 that holds {}, and close every quotation mark",
                match self.delimiter {
                    b'\t' => "a tab".to_owned(),
                    other => format!("\"{}\"", char::from(other)),
                }
            ));
        }
        let mut fields = Map::new();
        for (index, (name, cell)) in self.header.iter().zip(&cells).enumerate() {
            let place = if name.is_empty() {
                format!("column {}", index + 1)
            } else {
                format!("column {name:?}")
            };
            let text = std::str::from_utf8(cell)
                .map_err(|error| invalid(&place, cell, error.valid_up_to(), encoding))?
                .trim();
            if text.is_empty() {
                continue;
            }
            if name.is_empty() {
                return Err(format!("{place} has no name in the header, but is not empty here"));
            }
            if text.contains('\0') {
                return Err(format!("{place} holds a zero byte, which no text has; type it again"));
            }
            fields.insert(name.clone(), text.into());
        }
        Ok(Some(fields))
    }
}

/// The object of a line; none of a blank one.
pub(super) fn read_line(line: &[u8], encoding: &str) -> Result<Option<Map<String, Value>>, String> {
    if line.trim_ascii().is_empty() {
        return Ok(None);
    }
    let text = std::str::from_utf8(line)
        .map_err(|error| invalid("the line", line, error.valid_up_to(), encoding))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(Some(fields)),
        Ok(other) => {
            let what = match other {
                Value::Array(_) => "a list",
                Value::String(_) => "a text",
                Value::Number(_) => "a number",
                Value::Bool(_) => "true or false",
                Value::Null | Value::Object(_) => "null",
            };
            Err(format!("is {what}; each line must be one object, such as {{\"title\": \"…\"}}"))
        }
        Err(error) => {
            let column = error.column();
            let reason = error.to_string();
            let reason = reason.split(" at line ").next().unwrap_or_default();
            Err(format!("is not valid JSON at column {column}: {reason}"))
        }
    }
}

/// What a row says whose quotation marks swallow the rest of the file.
pub(super) const UNCLOSED: &str =
    "opens a quotation mark that is never closed, so nothing after it could be read; close it";

pub(super) fn too_long() -> String {
    format!(
        "has more than {MAX_ROW_BYTES} bytes, more than any row needs; look for a quotation mark \
         that is not closed"
    )
}

/// Says where the bytes of a cell or line are no text.
pub(super) fn invalid(place: &str, bytes: &[u8], valid_up_to: usize, encoding: &str) -> String {
    let before = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let letter = before.chars().count() + 1;
    format!(
        "{place}, letter {letter}: cannot be read as {encoding}; type it again, or name the \
         file's encoding with --encoding"
    )
}
