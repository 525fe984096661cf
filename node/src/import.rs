//! `staffroom import FILE`: the rows of a table or of a file with one JSON object a line, each as
//! the map of fields that [`Authored::from_value`] reads.
//!
//! A file is CSV (with commas, semicolons or tabs, as Excel writes it in any encoding) or JSONL.
//! [`open`] finds out which, checks the header against the fields of the records, and refuses what
//! is wrong for every row; [`Rows`] then gives a row at a time, and holds no more than one.
//!
//! How a row says what a record holds:
//! - The header of a CSV file names fields, in any case, with spaces or hyphens for underscores;
//!   `cost.band` is a field inside a field, `engagement.attitudes.1.statement` one of the first
//!   item of a list. An empty cell is an absent field.
//! - A cell is text, and its field decides what it means. A list has `;` (or lines) between its
//!   items; numbers may be written `£1,200`; yes and no are `yes` and `no`; dates are `2026-01-05`
//!   or, as a British spreadsheet writes them, `5/1/2026`. A list or number where a field takes
//!   only text becomes text, with " and " between items. This is asked of the records' own reader,
//!   row by row, and no table of fields has to be kept up to date.
//! - `--map FIELD=COLUMN` ([`Mapping`]) fills fields from columns or keys of other names; whatever
//!   no mapping names is then left out. Where two mappings fill one field, the first that is not
//!   empty in the row does. `--set FIELD=VALUE` ([`Setting`]) fills what a row leaves empty.

mod fields;
mod mapping;
mod path;
mod table;
mod text;

use std::fmt;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use serde_json::{Map, Value};
use staffroom_protocol::limits::MAX_BODY_BYTES;
#[cfg(doc)]
use staffroom_protocol::record::Authored;
use staffroom_protocol::record::{Kind, UnknownKind};

use fields::Unreadable;
use table::{Ending, Splitter};
use text::Text;

pub use mapping::{Mapping, MappingError, Setting};

/// One row of a file. The largest record is written in well under four times its size, whatever
/// marks and spaces a file adds.
pub const MAX_ROW_BYTES: usize = 4 * MAX_BODY_BYTES;

/// What a reason quotes at most; the rest of a long cell helps nobody to find it.
const MAX_REASON_CHARS: usize = 600;

/// How records are written in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table with a header; commas, semicolons or tabs between its cells.
    Csv,
    /// A JSON object a line.
    Jsonl,
}

/// How to read a file.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Found from the file's name and beginning where not given.
    pub format: Option<Format>,
    /// Found from the file's bytes where not given; a byte order mark goes before both.
    pub encoding: Option<&'static Encoding>,
    /// Columns or keys that fill fields of other names.
    pub map: Vec<Mapping>,
    /// Values of fields that rows leave empty.
    pub set: Vec<Setting>,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// As a person counts: the row of the table, where the header is usually row 1, or the line.
    pub number: u64,
    /// The fields of one record, or why it cannot be read.
    pub fields: Result<Value, String>,
}

/// Why nothing of a file is read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A directory or a pipe.
    #[error("{} is not a file; import reads a file on disk, and reads it twice", .0.display())]
    NotAFile(PathBuf),
    /// There is nothing in it.
    #[error("{} is empty; there is nothing to import", .0.display())]
    Empty(PathBuf),
    /// It is no text with rows.
    #[error("{} is {what}; {advice}", path.display())]
    NotATable {
        /// The file.
        path: PathBuf,
        /// What it is.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// The header cannot be read.
    #[error("{}, row {row} (the header): {reason}", path.display())]
    Header {
        /// The file.
        path: PathBuf,
        /// The header's row.
        row: u64,
        /// Why.
        reason: String,
    },
    /// Columns that fill no field.
    #[error(
        "{}: {columns} of the header name no field of {whose}. Correct them, or say what fills which field with --map FIELD=COLUMN; columns that no --map names are then left out. {fields}",
        path.display()
    )]
    UnknownColumns {
        /// The file.
        path: PathBuf,
        /// The columns, each with the field that may be meant.
        columns: String,
        /// Of which records.
        whose: String,
        /// Which fields there are.
        fields: String,
    },
    /// A mapping names a column that the header does not have.
    #[error("{}: --map {mapping} names the column {column:?}, which the header does not have; {hint}", path.display())]
    NoColumn {
        /// The file.
        path: PathBuf,
        /// The mapping.
        mapping: String,
        /// The column.
        column: String,
        /// The columns there are.
        hint: String,
    },
    /// `--map` or `--set` names no field.
    #[error("{option} names {field:?}, which is no field of {whose}{meant}. {fields}")]
    NoField {
        /// `--map` or `--set`.
        option: &'static str,
        /// What it names.
        field: String,
        /// Of which records.
        whose: String,
        /// The field that may be meant.
        meant: String,
        /// Which fields there are.
        fields: String,
    },
    /// The kind that is set is none.
    #[error("--set kind: {0}")]
    Kind(#[from] UnknownKind),
    /// Nothing says what the rows are.
    #[error("{}: nothing says which kind of record its rows are; add --set kind=KIND, or a column kind. The kinds are {}", .0.display(), kind_names())]
    NoKind(PathBuf),
}

fn kind_names() -> String {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}

/// An encoding by the label that web pages use, such as `windows-1252` or `utf-16le`.
///
/// # Errors
/// Says which labels are common.
pub fn encoding_named(label: &str) -> Result<&'static Encoding, String> {
    Encoding::for_label_no_replacement(label.as_bytes()).ok_or_else(|| {
        format!("{label:?} is no encoding; common ones are utf-8, windows-1252 (Excel's plain \"CSV\" in Britain), macintosh, utf-16le")
    })
}

/// The rows of a file, one at a time.
pub struct Rows {
    path: PathBuf,
    input: Text,
    splitter: Splitter,
    /// The columns of a table; none where each line is an object.
    table: Option<Table>,
    map: Vec<Mapping>,
    /// Which mappings have filled a field so far.
    used: Vec<bool>,
    set: Vec<Setting>,
    number: u64,
    row: Vec<u8>,
    ended: bool,
}

struct Table {
    delimiter: u8,
    header: Vec<String>,
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("path", &self.path)
            .field("input", &self.input)
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

/// Opens a file, finds its format and encoding, and checks its header and the options.
///
/// # Errors
/// [`ImportError`] for what is wrong with the whole file.
pub fn open(path: &Path, options: &Options) -> Result<Rows, ImportError> {
    let set_kind = options.set.iter().find(|setting| setting.field == "kind");
    let kind = set_kind.map(|setting| setting.value.parse::<Kind>()).transpose()?;
    let fields = options.map.iter().map(|mapping| ("--map", &mapping.field));
    for (option, field) in fields.chain(options.set.iter().map(|set| ("--set", &set.field))) {
        if !has_field(kind, field) {
            let names = field_names(kind);
            let meant = fields::nearest(field, names.iter().map(String::as_str));
            return Err(ImportError::NoField {
                option,
                field: field.clone(),
                whose: whose(kind),
                meant: meant.map(|meant| format!(" ({meant:?} may be meant)")).unwrap_or_default(),
                fields: fields_there_are(kind),
            });
        }
    }
    let mut input = Text::open(path, options.encoding)?;
    let cannot = |source| ImportError::Read { path: path.to_owned(), source };
    let start = input.fill_buf().map_err(cannot)?;
    if start.trim_ascii().is_empty() {
        return Err(ImportError::Empty(path.to_owned()));
    }
    let format = match options.format {
        Some(format) => format,
        None => format_of(path, start)?,
    };
    let mut rows = Rows {
        path: path.to_owned(),
        splitter: Splitter::of_lines(),
        table: None,
        used: vec![false; options.map.len()],
        map: options.map.clone(),
        set: options.set.clone(),
        number: 0,
        row: Vec::new(),
        ended: false,
        input,
    };
    if format == Format::Csv {
        rows.read_header(kind)?;
    }
    Ok(rows)
}

/// A file's name decides where it is telling, else its first letter.
fn format_of(path: &Path, start: &[u8]) -> Result<Format, ImportError> {
    let extension = path.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match (extension.as_deref(), start.trim_ascii_start().first()) {
        (Some("csv" | "tsv" | "tab"), _) => Ok(Format::Csv),
        (_, Some(b'[')) => Err(ImportError::NotATable {
            path: path.to_owned(),
            what: "one JSON list",
            advice: "write each of its objects on a line of its own (jq -c '.[]' does that), and import the result",
        }),
        (Some("jsonl" | "ndjson" | "json"), _) | (_, Some(b'{')) => Ok(Format::Jsonl),
        _ => Ok(Format::Csv),
    }
}

fn has_field(kind: Option<Kind>, field: &str) -> bool {
    kind.map_or_else(|| fields::exists_anywhere(field), |kind| fields::exists(kind, field))
}

fn field_names(kind: Option<Kind>) -> Vec<String> {
    let kinds = kind.as_ref().map_or(Kind::ALL, std::slice::from_ref);
    kinds.iter().flat_map(|kind| fields::names(*kind)).collect()
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

impl Rows {
    /// The format that was found or given.
    pub fn format(&self) -> Format {
        if self.table.is_some() { Format::Csv } else { Format::Jsonl }
    }

    /// The encoding that was found or given.
    pub fn encoding(&self) -> &'static str {
        self.input.encoding().name()
    }

    /// Bytes of the file.
    pub fn total_bytes(&self) -> u64 {
        self.input.total()
    }

    /// Bytes of the file read so far.
    pub fn bytes_read(&self) -> u64 {
        self.input.read_so_far()
    }

    /// Mappings that have filled no field in any row so far; at the end, probably misspelt keys.
    pub fn unused_mappings(&self) -> impl Iterator<Item = &Mapping> {
        self.map.iter().zip(&self.used).filter(|(_, used)| !**used).map(|(mapping, _)| mapping)
    }

    fn read_header(&mut self, kind: Option<Kind>) -> Result<(), ImportError> {
        let path = self.path.clone();
        let cannot = |source| ImportError::Read { path: path.clone(), source };
        let start = self.input.fill_buf().map_err(cannot)?;
        let told = table::excel_separator(start);
        let delimiter = told.map_or_else(|| table::delimiter_of(start), |(delimiter, _)| delimiter);
        self.input.consume(told.map_or(0, |(_, length)| length));
        self.splitter = Splitter::new(delimiter);
        let wrong = |row, reason: &str| {
            Err(ImportError::Header { path: path.clone(), row, reason: reason.to_owned() })
        };
        let header = loop {
            let ending = self.splitter.next_row(&mut self.input, &mut self.row).map_err(cannot)?;
            self.number += 1;
            match ending {
                None => return Err(ImportError::Empty(path)),
                Some(Ending::TooLong) => return wrong(self.number, &too_long()),
                Some(Ending::Unclosed) => return wrong(self.number, UNCLOSED),
                Some(Ending::Complete) => {}
            }
            let cells = table::cells(&self.row, delimiter);
            if cells.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                break cells;
            }
        };
        let encoding = self.encoding();
        let header: Result<Vec<String>, String> = header
            .iter()
            .enumerate()
            .map(|(index, cell)| {
                let name = std::str::from_utf8(cell);
                name.map(|name| name.trim().to_owned()).map_err(|error| {
                    invalid(&format!("cell {}", index + 1), cell, error.valid_up_to(), encoding)
                })
            })
            .collect();
        let header = match header {
            Ok(header) => header,
            Err(reason) => return wrong(self.number, &reason),
        };
        self.check_header(&header, kind)?;
        self.table = Some(Table { delimiter, header });
        Ok(())
    }

    fn check_header(&self, header: &[String], kind: Option<Kind>) -> Result<(), ImportError> {
        let mapped = |name: &str| {
            self.map.iter().flat_map(Mapping::columns).any(|column| same_name(column, name))
        };
        let of_use = |name: &str| !name.is_empty() && (self.map.is_empty() || mapped(name));
        for (index, name) in header.iter().enumerate().filter(|(_, name)| of_use(name)) {
            if let Some(first) = header[..index].iter().position(|first| same_name(first, name)) {
                let (first, second) = (first + 1, index + 1);
                let reason = format!(
                    "columns {first} and {second} are both called {name:?}; rename or delete one of them"
                );
                let path = self.path.clone();
                return Err(ImportError::Header { path, row: self.number, reason });
            }
        }
        for mapping in &self.map {
            for column in mapping.columns() {
                if !header.iter().any(|name| same_name(name, column)) {
                    let meant = fields::nearest(column, header.iter().map(String::as_str));
                    let hint = match meant {
                        Some(meant) => format!("{meant:?} may be meant"),
                        None => format!("its columns are: {}", header.join(", ")),
                    };
                    return Err(ImportError::NoColumn {
                        path: self.path.clone(),
                        mapping: mapping.to_string(),
                        column: column.to_owned(),
                        hint,
                    });
                }
            }
        }
        if self.map.is_empty() {
            self.check_names(header, kind)?;
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
            .filter(|name| !name.is_empty() && !has_field(kind, name))
            .map(|name| match fields::nearest(name, names.iter().map(String::as_str)) {
                Some(meant) => format!("{name:?} ({meant:?} may be meant)"),
                None => format!("{name:?}"),
            })
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

    /// The fields of the row that was read; none of a blank one.
    fn fields(&mut self, ending: Ending) -> Option<Result<Value, String>> {
        match ending {
            Ending::TooLong => return Some(Err(too_long())),
            Ending::Unclosed => return Some(Err(UNCLOSED.to_owned())),
            Ending::Complete => {}
        }
        let source = match &self.table {
            Some(table) => table.read(&self.row, self.input.encoding().name()),
            None => read_line(&self.row, self.input.encoding().name()),
        };
        let source = source.transpose()?;
        Some(source.and_then(|source| self.fill(source)).map_err(|reason| cut(&reason)))
    }

    fn fill(&mut self, source: Map<String, Value>) -> Result<Value, String> {
        let mut record = Map::new();
        if !self.map.is_empty() {
            let mut filled: Vec<&str> = Vec::new();
            for (mapping, used) in self.map.iter().zip(&mut self.used) {
                if filled.contains(&mapping.field.as_str()) {
                    continue;
                }
                if let Some(value) = mapping.fill(|column| self::column(&source, column))? {
                    path::insert(&mut record, &mapping.field, value)?;
                    filled.push(&mapping.field);
                    *used = true;
                }
            }
        } else if let Some(table) = &self.table {
            for name in &table.header {
                if let Some(value) = source.get(name) {
                    path::insert(&mut record, &path::fold(name), value.clone())?;
                }
            }
        } else {
            record = source;
        }
        let mut record = Value::Object(record);
        for setting in &self.set {
            let value = Value::String(setting.value.clone());
            match path::at(&mut record, &path::steps(&setting.field)) {
                Some(own) if mapping::is_empty(own) => *own = value,
                Some(_) => {}
                None => {
                    if let Value::Object(fields) = &mut record {
                        path::insert(fields, &setting.field, value)?;
                    }
                }
            }
        }
        fields::settle(record).map_err(|unreadable| self.describe(&unreadable))
    }

    /// Names the column or key that a value came from, where its name is not the field's.
    fn describe(&self, unreadable: &Unreadable) -> String {
        let Unreadable { steps, reason } = unreadable;
        if steps.is_empty() {
            return reason.clone();
        }
        let field = steps.join(".");
        let is_of = |path: &str| steps.starts_with(&path::steps(path));
        let mapping = self.map.iter().find(|mapping| is_of(&mapping.field));
        let header = self.table.iter().flat_map(|table| &table.header);
        let column = header.filter(|_| self.map.is_empty()).find(|name| is_of(&path::fold(name)));
        match (mapping, column) {
            (Some(mapping), _) => format!("{field} (from --map {mapping}): {reason}"),
            (None, Some(column)) if *column != field => format!("column {column:?}: {reason}"),
            (None, Some(_)) | (None, None) => format!("{field}: {reason}"),
        }
    }
}

impl Iterator for Rows {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        while !self.ended {
            let ending = match self.splitter.next_row(&mut self.input, &mut self.row) {
                Ok(Some(ending)) => ending,
                Ok(None) => break,
                Err(error) => {
                    self.ended = true;
                    let reason = format!("the file cannot be read any further: {error}");
                    return Some(Row { number: self.number + 1, fields: Err(reason) });
                }
            };
            self.number += 1;
            if let Some(fields) = self.fields(ending) {
                return Some(Row { number: self.number, fields });
            }
        }
        self.ended = true;
        None
    }
}

impl Table {
    /// The cells that are not empty, by the names of their columns; none where all are.
    fn read(&self, row: &[u8], encoding: &str) -> Result<Option<Map<String, Value>>, String> {
        let cells = table::cells(row, self.delimiter);
        let filled = |cell: &&[u8]| !cell.trim_ascii().is_empty();
        if !cells.iter().any(|cell| filled(&cell)) {
            return Ok(None);
        }
        let (has, wants) = (cells.len(), self.header.len());
        if has < wants || cells.iter().skip(wants).any(|cell| filled(&cell)) {
            return Err(format!(
                "has {has} cells and the header has {wants}; put quotation marks around a cell that holds {}, and close every quotation mark",
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

fn read_line(line: &[u8], encoding: &str) -> Result<Option<Map<String, Value>>, String> {
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

/// A column of a table by its name in any case, or a key of an object, which may be inside another.
fn column<'a>(source: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    mapping::nested(source, name).or_else(|| {
        source.iter().find(|(column, _)| same_name(column, name)).map(|(_, value)| value)
    })
}

fn same_name(one: &str, other: &str) -> bool {
    path::fold(one) == path::fold(other)
}

const UNCLOSED: &str =
    "opens a quotation mark that is never closed, so nothing after it could be read; close it";

fn too_long() -> String {
    format!(
        "has more than {MAX_ROW_BYTES} bytes, which no record has; look for a quotation mark that is not closed"
    )
}

fn invalid(place: &str, bytes: &[u8], valid_up_to: usize, encoding: &str) -> String {
    let before = String::from_utf8_lossy(&bytes[..valid_up_to]);
    let letter = before.chars().count() + 1;
    format!(
        "{place}, letter {letter}: cannot be read as {encoding}; type it again, or name the file's encoding with --encoding"
    )
}

fn cut(reason: &str) -> String {
    match reason.char_indices().nth(MAX_REASON_CHARS) {
        None => reason.to_owned(),
        Some((end, _)) => format!("{}…", &reason[..end]),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::civil::date;
    use proptest::prelude::*;
    use serde_json::json;
    use staffroom_protocol::hash::SchoolId;
    use staffroom_protocol::publish::{self, Context};
    use staffroom_protocol::record::Authored;

    use super::*;

    const ID: &str = "000102030405060708090a0b0c0d0e0f";

    fn options(map: &[&str], set: &[&str]) -> Options {
        Options {
            map: map.iter().map(|mapping| mapping.parse().unwrap()).collect(),
            set: set.iter().map(|setting| setting.parse().unwrap()).collect(),
            ..Options::default()
        }
    }

    fn opened(name: &str, bytes: &[u8], options: &Options) -> Result<Vec<Row>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let said = |error: ImportError| {
            error.to_string().replace(&dir.path().display().to_string(), "").replace("/", "")
        };
        let rows = open(&path, options).map_err(said)?;
        Ok(rows.collect())
    }

    fn good(name: &str, bytes: &[u8], options: &Options) -> Vec<Value> {
        let rows = opened(name, bytes, options).unwrap();
        rows.into_iter().map(|row| row.fields.unwrap()).collect()
    }

    fn refusals(name: &str, bytes: &[u8], options: &Options) -> Vec<(u64, String)> {
        let rows = opened(name, bytes, options).unwrap();
        rows.into_iter().filter_map(|row| Some((row.number, row.fields.err()?))).collect()
    }

    fn resource() -> Options {
        options(&[], &["kind=resource"])
    }

    fn data() -> Option<PathBuf> {
        let dir = match std::env::var_os("STAFFROOM_TEST_DATA") {
            Some(dir) => PathBuf::from(dir),
            None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        };
        dir.is_dir().then_some(dir)
    }

    /// Rows that may be shared, and the others by the rule that refuses them.
    fn usable(file: &str, options: &Options) -> Option<(u64, BTreeMap<String, u64>)> {
        let Some(path) = data().map(|dir| dir.join("corpus").join(file)).filter(|path| path.exists())
        else {
            eprintln!("{file} is absent, nothing is tested; set STAFFROOM_TEST_DATA to its data directory");
            return None;
        };
        let mut rows = open(&path, options).unwrap();
        let mut shared = 0;
        let mut refused = BTreeMap::new();
        for row in &mut rows {
            let context = Context {
                school: SchoolId::from_bytes([7; 32]),
                today: date(2026, 11, 24),
                shared_before: None,
                about: None,
            };
            let reasons: Vec<String> = match row.fields.map(Authored::from_value) {
                Err(reason) => vec![format!("reader: {reason}")],
                Ok(Err(error)) => vec![format!("fields: {error}")],
                Ok(Ok(authored)) => {
                    match publish::prepare(authored.record, &authored.cleared, context) {
                        Ok(_) => vec![],
                        Err(refusal) => {
                            let problems = refusal.problems.iter().map(|p| format!("{}: {:?}", p.field, p.severity));
                            let findings = refusal.findings.iter().map(|f| format!("scan: {:?}", f));
                            problems.chain(findings).collect()
                        }
                    }
                }
            };
            if reasons.is_empty() {
                shared += 1;
            }
            for reason in reasons {
                *refused.entry(reason.split(" at ").next().unwrap().chars().take(200).collect::<String>()).or_default() += 1;
            }
        }
        assert_eq!(rows.bytes_read(), rows.total_bytes());
        assert_eq!(rows.unused_mappings().map(Mapping::to_string).collect::<Vec<_>>(), [""; 0]);
        Some((shared, refused))
    }

    #[test]
    fn corpora() {
        let eric = options(
            &[
                "title=title",
                "abstract=abstract",
                "url=https://eric.ed.gov/?id={id#eric-}",
                "created={year}-01-01",
                "tags={descriptors:20}",
                "rights_holder=publisher",
                "rights_holder=authors",
                "third_party_list={authors} ({year})",
            ],
            &["kind=resource", "type=other", "third_party_material=yes", "author_role=trust"],
        );
        println!("{:#?}", usable("eric_shared.jsonl", &eric));
        let reviews = options(
            &[
                "title=title",
                "abstract=abstract",
                "url=https://github.com/MikkelVembye/screen_benchmarks#{id}",
                "created={year}-01-01",
                "rights_holder=journal",
                "rights_holder=authors",
                "third_party_list={authors} ({year})",
                "third_party_list=authors",
            ],
            &["kind=resource", "type=other", "third_party_material=yes", "author_role=trust"],
        );
        println!("{:#?}", usable("reviews_shared.jsonl", &reviews));
    }
}
