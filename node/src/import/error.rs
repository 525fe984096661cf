//! Why nothing of a file is read.

use std::io;
use std::path::PathBuf;

use staffroom_protocol::record::{Kind, UnknownKind};

/// Why nothing of a file is read.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("cannot read {}: {why}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why; no source, which would be printed once more.
        why: io::Error,
    },
    /// A directory or a pipe.
    #[error("{} is not a file; name a file on disk, since it is read twice", .0.display())]
    NotAFile(PathBuf),
    /// There is nothing in it.
    #[error("{} is empty; there is nothing in it to read", .0.display())]
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
        "{}: {columns} of the header name no field of {whose}. Correct them, or say what fills \
         which field with --map FIELD=COLUMN; columns that no --map names are then left out. {fields}",
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
    #[error("{}: --map {mapping} names the column {column:?}, which the header does not have; \
        {hint}", path.display())]
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
    /// A column that is needed is not there.
    #[error("{} has no column {column:?}; {hint}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// The columns there are.
        hint: String,
    },
    /// `--map` or `--set` names no field.
    #[error("{option} names {field}, which is no field of {whose}. {fields}")]
    NoField {
        /// `--map` or `--set`.
        option: &'static str,
        /// What it names, with the field that may be meant.
        field: String,
        /// Of which records.
        whose: String,
        /// Which fields there are.
        fields: String,
    },
    /// The kind that is set is none.
    #[error("--set kind: {0}")]
    Kind(#[from] UnknownKind),
    /// Nothing says what the rows are.
    #[error("{}: nothing says which kind of record its rows are; add --set kind=KIND, or a \
        column kind. The kinds are {}", .0.display(), kind_names())]
    NoKind(PathBuf),
}

fn kind_names() -> String {
    Kind::ALL.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ")
}
