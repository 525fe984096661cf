//! Workbooks: every sheet, a row a line, with tabs between the cells.

use std::fmt::Write as _;
use std::io::Cursor;

use calamine::{Data, ExcelDateTime, Ods, OdsError, Range, Reader, Xls, XlsError, Xlsx};

use super::document::NoText;
use super::text::Text;

/// Adds the cells of an XLSX workbook.
pub(super) fn read(bytes: &[u8], text: &mut Text) -> Result<(), NoText> {
    let workbook = Xlsx::new(Cursor::new(bytes)).map_err(|_| NoText::Damaged)?;
    sheets(workbook, text)
}

/// Adds the cells of an ODS workbook.
pub(super) fn read_open(bytes: &[u8], text: &mut Text) -> Result<(), NoText> {
    let workbook = Ods::new(Cursor::new(bytes)).map_err(|error| {
        if matches!(error, OdsError::Password) { NoText::Locked } else { NoText::Damaged }
    })?;
    sheets(workbook, text)
}

/// The text of an XLS workbook. Other old documents of Office, and its locked ones, come in the same
/// container.
pub(super) fn read_old(bytes: &[u8]) -> Result<String, NoText> {
    const WORKBOOK: [&[u8]; 2] = [b"W\0o\0r\0k\0b\0o\0o\0k\0\0\0", b"B\0o\0o\0k\0\0\0"];
    const LOCKED: &[u8] = b"E\0n\0c\0r\0y\0p\0t\0e\0d\0P\0a\0c\0k\0a\0g\0e\0";
    let has = |name: &[u8]| bytes.windows(name.len()).any(|window| window == name);
    if has(LOCKED) {
        return Err(NoText::Locked);
    }
    if !WORKBOOK.into_iter().any(has) {
        return Err(NoText::Sort("a document of an old version of Office"));
    }
    let workbook = Xls::new(Cursor::new(bytes)).map_err(|error| {
        if matches!(error, XlsError::Password) { NoText::Locked } else { NoText::Damaged }
    })?;
    let mut text = Text::default();
    sheets(workbook, &mut text)?;
    Ok(text.finish())
}

fn sheets<'a>(mut workbook: impl Reader<Cursor<&'a [u8]>>, text: &mut Text) -> Result<(), NoText> {
    let names = workbook.sheet_names();
    let sheets = workbook.worksheets();
    // A sheet that cannot be read is left out without a word.
    if sheets.is_empty() && !names.is_empty() {
        return Err(NoText::Damaged);
    }
    for name in &names {
        if let Some((_, sheet)) = sheets.iter().find(|(one, _)| one == name) {
            text.add(name)?;
            text.end_part()?;
            rows(sheet, text)?;
        }
    }
    Ok(())
}

fn rows(sheet: &Range<Data>, text: &mut Text) -> Result<(), NoText> {
    for row in sheet.rows() {
        for cell in row {
            text.add(&shown(cell))?;
            text.end_cell()?;
        }
        text.end_line()?;
    }
    text.end_part()
}

/// A cell as its sheet shows it, on one line.
fn shown(cell: &Data) -> String {
    match cell {
        Data::Empty | Data::Error(_) => String::new(),
        Data::DateTime(when) => day(when),
        Data::String(words) => words.split_whitespace().collect::<Vec<_>>().join(" "),
        Data::Int(_)
        | Data::Float(_)
        | Data::Bool(_)
        | Data::DateTimeIso(_)
        | Data::DurationIso(_) => cell.to_string(),
    }
}

/// As a date is written here, so that the scan knows it.
fn day(when: &ExcelDateTime) -> String {
    if !when.is_datetime() {
        return when.as_f64().to_string();
    }
    let (year, month, day, hour, minute, ..) = when.to_ymd_hms_milli();
    let mut text = format!("{day:02}/{month:02}/{year}");
    if (hour, minute) != (0, 0) {
        let _ = write!(text, " {hour:02}:{minute:02}");
    }
    text
}
