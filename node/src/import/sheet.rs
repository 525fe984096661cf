//! A table that is no list of records: its rows, cell by cell.

use std::fmt;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use serde_json::{Map, Value};

use super::reader::RowReader;
use super::row::Table;
use super::text::Text;
use super::{ImportError, cut, header, same_name};

/// A CSV file, its header read: commas, semicolons or tabs between cells, in any encoding.
pub struct Sheet {
    path: PathBuf,
    reader: RowReader,
    table: Table,
}

/// One row that is not blank.
#[derive(Debug, Clone, PartialEq)]
pub struct SheetRow {
    /// As a person counts: the row of the table, where the header is usually row 1.
    pub number: u64,
    /// The cells that are not empty, by the names of their columns; or why they cannot be read.
    pub cells: Result<Map<String, Value>, String>,
}

impl fmt::Debug for Sheet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sheet")
            .field("path", &self.path)
            .field("header", &self.table.header)
            .field("number", &self.reader.number)
            .finish_non_exhaustive()
    }
}

impl Sheet {
    /// Opens a file, finds its encoding where none is given, and reads its header.
    ///
    /// # Errors
    /// [`ImportError`] for what is wrong with the whole file.
    pub fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, ImportError> {
        let mut input = Text::open(path, encoding)?;
        let mut row = Vec::new();
        let (splitter, mut table, number) = header::read(path, &mut input, &mut row)?;
        // Statistics programs leave the header of their row numbers empty.
        for (index, name) in (1..).zip(&mut table.header) {
            if name.is_empty() {
                *name = format!("column {index}");
            }
        }
        let reader = RowReader::new(input, splitter, row, number);
        Ok(Self { path: path.to_owned(), reader, table })
    }

    /// The name of a column as the header spells it, from its name in any case.
    ///
    /// # Errors
    /// [`ImportError`] where no column or more than one is called that.
    pub fn column(&self, name: &str) -> Result<String, ImportError> {
        let header = &self.table.header;
        let mut named = header.iter().enumerate().filter(|(_, column)| same_name(column, name));
        match (named.next(), named.next()) {
            (Some((_, column)), None) => Ok(column.clone()),
            (Some((first, _)), Some((second, _))) => Err(ImportError::Header {
                path: self.path.clone(),
                row: self.reader.number,
                reason: header::twice(name, first, second),
            }),
            (None, _) => Err(ImportError::Column {
                path: self.path.clone(),
                column: name.to_owned(),
                hint: header::hint(name, header),
            }),
        }
    }
}

impl Iterator for Sheet {
    type Item = SheetRow;

    fn next(&mut self) -> Option<SheetRow> {
        loop {
            let cells = match self.reader.next()? {
                Err(reason) => Err(reason),
                Ok(()) => match self.table.read(&self.reader.row, self.reader.encoding()) {
                    Ok(None) => continue,
                    Ok(Some(cells)) => Ok(cells),
                    Err(reason) => Err(cut(&reason)),
                },
            };
            return Some(SheetRow { number: self.reader.number, cells });
        }
    }
}

/// The number in a column; none where the cell is empty or `NA`, as statistics programs write what
/// is missing.
///
/// # Errors
/// Says what stands there, and how a number is written.
pub fn number_in(cells: &Map<String, Value>, column: &str) -> Result<Option<f64>, String> {
    let text = cells.get(column).and_then(Value::as_str).unwrap_or_default().trim();
    if text.is_empty() || text == "NA" {
        return Ok(None);
    }
    // A comma may be a decimal one or stand between thousands, which a guess would mix up.
    text.replace('\u{2212}', "-").parse().map(Some).map_err(|_| {
        let quoted: String = text.chars().take(40).collect();
        format!("column {column:?}: {quoted:?} is no number; write it with a point and no commas")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::row::UNCLOSED;
    use super::*;

    fn sheet(bytes: &[u8]) -> Result<Sheet, ImportError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        std::fs::write(&path, bytes).unwrap();
        Sheet::open(&path, None)
    }

    #[test]
    fn cells_are_read_by_column_whatever_wrote_the_file() {
        let utf16: Vec<u8> = "\u{feff};Yi;École\r\n1;0.5;A\r\n\r\n2;;B\r\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect();
        let sheet = sheet(&utf16).unwrap();
        assert_eq!(sheet.column("yi").unwrap(), "Yi");
        let rows: Vec<_> =
            sheet.map(|row| (row.number, Value::Object(row.cells.unwrap()))).collect();
        assert_eq!(
            rows,
            [
                (2, json!({ "column 1": "1", "Yi": "0.5", "École": "A" })),
                (4, json!({ "column 1": "2", "École": "B" })),
            ]
        );
    }

    #[test]
    fn what_is_wrong_is_said_by_row_and_the_others_are_read() {
        let rows: Vec<_> = sheet(b"yi,vi\n0.1,0.2,0.3\n0.1\n0.4,0.5\n").unwrap().collect();
        assert_eq!(rows.len(), 3);
        let reason = rows[0].cells.as_ref().unwrap_err();
        assert!(reason.starts_with("has 3 cells and the header has 2;"), "{reason}");
        assert!(rows[1].cells.is_err());
        assert_eq!(rows[2].cells.as_ref().unwrap()["vi"], "0.5");
        let rows: Vec<_> = sheet(b"yi,vi\n\"0.1,0.2\n").unwrap().collect();
        assert_eq!(rows[0].cells.as_ref().unwrap_err(), UNCLOSED);
    }

    #[test]
    fn a_number_is_read_as_it_is_written_or_refused() {
        let cells = json!({ "a": "0.5", "b": "−1e-3", "c": "NA", "d": "0,350", "e": "" });
        let read = |column| number_in(cells.as_object().unwrap(), column);
        assert_eq!((read("a"), read("b")), (Ok(Some(0.5)), Ok(Some(-0.001))));
        assert_eq!((read("c"), read("e"), read("missing")), (Ok(None), Ok(None), Ok(None)));
        assert!(read("d").unwrap_err().contains("\"0,350\" is no number"));
    }

    #[test]
    fn a_column_that_is_missing_or_there_twice_is_named() {
        let sheet = sheet(b"yi,vi,VI,variance\n").unwrap();
        let missing = sheet.column("varience").unwrap_err().to_string();
        assert!(
            missing.ends_with("has no column \"varience\"; \"variance\" may be meant"),
            "{missing}"
        );
        let missing = sheet.column("effect size").unwrap_err().to_string();
        assert!(missing.ends_with("its columns are: yi, vi, VI, variance"), "{missing}");
        let twice = sheet.column("vi").unwrap_err().to_string();
        assert!(twice.contains("columns 2 and 3 are both called \"vi\""), "{twice}");
    }
}
