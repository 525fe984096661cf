//! The header of a table: every column fills a field, and no two are called the same.

use std::io::BufRead;
use std::path::Path;

use staffroom_protocol::record::Kind;

use super::error::ImportError;
use super::mapping::Mapping;
use super::row::{self, Table};
use super::table::{self, Ending, Splitter};
use super::text::Text;
use super::{Options, Rows, fields, same_name};

/// Checks that the options name fields, and returns the kind that they set for all rows.
pub(super) fn check_options(options: &Options) -> Result<Option<Kind>, ImportError> {
    let set_kind = options.set.iter().find(|setting| setting.field == "kind");
    let kind = set_kind.map(|setting| setting.value.parse::<Kind>()).transpose()?;
    let mapped = options.map.iter().map(|mapping| ("--map", &mapping.field));
    let set = options.set.iter().map(|setting| ("--set", &setting.field));
    for (option, field) in mapped.chain(set) {
        if !has_field(kind, field) {
            return Err(ImportError::NoField {
                option,
                field: with_meant(field, &field_names(kind)),
                whose: whose(kind),
                fields: fields_there_are(kind),
            });
        }
    }
    Ok(kind)
}

fn has_field(kind: Option<Kind>, field: &str) -> bool {
    kind.map_or_else(|| fields::exists_anywhere(field), |kind| fields::exists(kind, field))
}

fn field_names(kind: Option<Kind>) -> Vec<String> {
    let kinds = kind.as_ref().map_or(Kind::ALL, std::slice::from_ref);
    kinds.iter().flat_map(|kind| fields::names(*kind)).collect()
}

/// A name, with the one that may be meant by it.
fn with_meant(name: &str, names: &[String]) -> String {
    match fields::nearest(name, names.iter().map(String::as_str)) {
        Some(meant) => format!("{name:?} ({meant:?} may be meant)"),
        None => format!("{name:?}"),
    }
}

fn whose(kind: Option<Kind>) -> String {
    kind.map_or_else(|| "any kind of record".to_owned(), |kind| format!("the kind {kind}"))
}

fn fields_there_are(kind: Option<Kind>) -> String {
    match kind {
        Some(kind) => {
            format!("The fields of the kind {kind} are: {}", field_names(Some(kind)).join(", "))
        }
        None => "With --set kind=KIND, this message lists the fields of that kind".to_owned(),
    }
}

/// Reads the first row that is not blank, and which character is between cells. Says how many rows
/// were read with it.
pub(super) fn read(
    path: &Path,
    input: &mut Text,
    row: &mut Vec<u8>,
) -> Result<(Splitter, Table, u64), ImportError> {
    let cannot = |why| ImportError::Read { path: path.to_owned(), why };
    let encoding = input.encoding().name();
    let start = input.fill_buf().map_err(cannot)?;
    let told = table::excel_separator(start);
    let delimiter = told.map_or_else(|| table::delimiter_of(start), |(delimiter, _)| delimiter);
    input.consume(told.map_or(0, |(_, length)| length));
    let mut splitter = Splitter::new(delimiter);
    let mut number = 0;
    let wrong = |row, reason: &str| {
        Err(ImportError::Header { path: path.to_owned(), row, reason: reason.to_owned() })
    };
    let cells = loop {
        let ending = splitter.next_row(input, row).map_err(cannot)?;
        number += 1;
        match ending {
            None => return Err(ImportError::Empty(path.to_owned())),
            Some(Ending::TooLong) => return wrong(number, &row::too_long()),
            Some(Ending::Unclosed) => return wrong(number, row::UNCLOSED),
            Some(Ending::Complete) => {}
        }
        let cells = table::cells(row, delimiter);
        if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
            break cells;
        }
    };
    let header: Result<Vec<String>, String> = cells
        .iter()
        .enumerate()
        .map(|(index, cell)| {
            let name = std::str::from_utf8(cell);
            name.map(|name| name.trim().to_owned()).map_err(|error| {
                row::invalid(&format!("cell {}", index + 1), cell, error.valid_up_to(), encoding)
            })
        })
        .collect();
    match header {
        Ok(header) => Ok((splitter, Table { delimiter, header }, number)),
        Err(reason) => wrong(number, &reason),
    }
}

/// Says that two columns have one name.
pub(super) fn twice(name: &str, first: usize, second: usize) -> String {
    format!(
        "columns {} and {} are both called {name:?}; rename or delete one of them",
        first + 1,
        second + 1
    )
}

/// Says which column may be meant by a name that none has, or which there are.
pub(super) fn hint(name: &str, header: &[String]) -> String {
    match fields::nearest(name, header.iter().map(String::as_str)) {
        Some(meant) => format!("{meant:?} may be meant"),
        None => format!("its columns are: {}", header.join(", ")),
    }
}

impl Rows {
    pub(super) fn read_header(&mut self, kind: Option<Kind>) -> Result<(), ImportError> {
        let reader = &mut self.reader;
        let (splitter, table, number) = read(&self.path, &mut reader.input, &mut reader.row)?;
        (reader.splitter, reader.number) = (splitter, number);
        self.check_header(&table.header, kind)?;
        self.table = Some(table);
        Ok(())
    }

    fn check_header(&self, header: &[String], kind: Option<Kind>) -> Result<(), ImportError> {
        let mapped = |name: &str| {
            self.map.iter().flat_map(Mapping::columns).any(|column| same_name(column, name))
        };
        let of_use = |name: &str| !name.is_empty() && (self.map.is_empty() || mapped(name));
        for (index, name) in header.iter().enumerate().filter(|(_, name)| of_use(name)) {
            if let Some(first) = header[..index].iter().position(|first| same_name(first, name)) {
                let reason = twice(name, first, index);
                let path = self.path.clone();
                return Err(ImportError::Header { path, row: self.reader.number, reason });
            }
        }
        for mapping in &self.map {
            for column in mapping.columns() {
                if !header.iter().any(|name| same_name(name, column)) {
                    return Err(ImportError::NoColumn {
                        path: self.path.clone(),
                        mapping: mapping.to_string(),
                        column: column.to_owned(),
                        hint: hint(column, header),
                    });
                }
            }
        }
        if self.map.is_empty() {
            self.check_names(header, kind)?;
        }
        if let Some(key) = self.key.filter(|_| !header.iter().any(|name| self.is_key(name))) {
            return Err(ImportError::Column {
                path: self.path.clone(),
                column: key.to_owned(),
                hint: hint(key, header),
            });
        }
        let has_kind = kind.is_some()
            || self.map.iter().any(|mapping| mapping.field == "kind")
            || self.map.is_empty() && header.iter().any(|name| same_name(name, "kind"));
        if has_kind { Ok(()) } else { Err(ImportError::NoKind(self.path.clone())) }
    }

    fn check_names(&self, header: &[String], kind: Option<Kind>) -> Result<(), ImportError> {
        let names = field_names(kind);
        let unknown: Vec<String> = header
            .iter()
            .filter(|name| !name.is_empty() && !self.is_key(name) && !has_field(kind, name))
            .map(|name| with_meant(name, &names))
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(ImportError::UnknownColumns {
            path: self.path.clone(),
            columns: unknown.join(", "),
            whose: whose(kind),
            fields: fields_there_are(kind),
        })
    }
}
