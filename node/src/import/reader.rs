//! The rows of a file as they are cut, whatever stands in them.

use super::row::{UNCLOSED, too_long};
use super::table::{Ending, Splitter};
use super::text::Text;

/// Reads a file row by row.
pub(super) struct RowReader {
    pub(super) input: Text,
    pub(super) splitter: Splitter,
    /// The row that was read last.
    pub(super) row: Vec<u8>,
    /// Its number, as a person counts.
    pub(super) number: u64,
    ended: bool,
}

impl RowReader {
    /// Goes on behind the row of this number.
    pub(super) fn new(input: Text, splitter: Splitter, row: Vec<u8>, number: u64) -> Self {
        Self { input, splitter, row, number, ended: false }
    }

    /// The encoding that was found or given.
    pub(super) fn encoding(&self) -> &'static str {
        self.input.encoding().name()
    }

    /// Whether another row was read, which may be blank, or why it cannot be; none at the end.
    pub(super) fn next(&mut self) -> Option<Result<(), String>> {
        if self.ended {
            return None;
        }
        let read = self.splitter.next_row(&mut self.input, &mut self.row);
        self.ended = !matches!(read, Ok(Some(_)));
        let ending = match read {
            Ok(ending) => ending?,
            Err(error) => {
                self.number += 1;
                return Some(Err(format!("the file cannot be read any further: {error}")));
            }
        };
        self.number += 1;
        Some(match ending {
            Ending::TooLong => Err(too_long()),
            Ending::Unclosed => Err(UNCLOSED.to_owned()),
            Ending::Complete => Ok(()),
        })
    }
}
