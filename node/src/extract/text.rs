//! A text that grows, within its bound.

use staffroom_protocol::limits::MAX_FILE_TEXT_BYTES;

use super::document::NoText;

/// Lines of words and of cells with a tab between them, as the scan for pupil data knows tables.
#[derive(Debug, Default)]
pub(super) struct Text {
    text: String,
}

impl Text {
    /// Adds words where they stand in the line.
    pub(super) fn add(&mut self, words: &str) -> Result<(), NoText> {
        self.text.push_str(words);
        if self.text.len() > MAX_FILE_TEXT_BYTES { Err(NoText::TooLong) } else { Ok(()) }
    }

    /// Adds a space, where there is none.
    pub(super) fn space(&mut self) -> Result<(), NoText> {
        if self.text.is_empty() || self.text.ends_with(char::is_whitespace) {
            return Ok(());
        }
        self.add(" ")
    }

    /// Ends a cell of a table.
    pub(super) fn end_cell(&mut self) -> Result<(), NoText> {
        self.trim_spaces();
        self.add("\t")
    }

    /// Ends a line, where one has begun.
    pub(super) fn end_line(&mut self) -> Result<(), NoText> {
        let kept = self.text.trim_end_matches([' ', '\t']).len();
        self.text.truncate(kept);
        if self.text.is_empty() || self.text.ends_with('\n') { Ok(()) } else { self.add("\n") }
    }

    /// Leaves a line free, so that what comes next is not of the same table.
    pub(super) fn end_part(&mut self) -> Result<(), NoText> {
        self.end_line()?;
        if self.text.is_empty() || self.text.ends_with("\n\n") { Ok(()) } else { self.add("\n") }
    }

    fn trim_spaces(&mut self) {
        let kept = self.text.trim_end_matches(' ').len();
        self.text.truncate(kept);
    }

    /// All of it, without characters that are no text.
    pub(super) fn finish(mut self) -> String {
        self.text.retain(|char| char == '\n' || char == '\t' || !char.is_control());
        let kept = self.text.trim_end().len();
        self.text.truncate(kept);
        self.text
    }
}
