//! What a file is, by its content alone, and its text.

use infer::MatcherType;
use staffroom_protocol::limits::MAX_FILE_TEXT_BYTES;

use super::sandbox::MAX_READ_BYTES;
use super::{html, office, pdf, plain, sheet};

/// How deep documents may lie inside documents: a workbook in a slide, and nothing in that.
const MAX_DEPTH: usize = 1;

/// Why a file has no text that could be looked through, in words that go behind its name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoText {
    /// A picture, a sound, a film, an archive or a program.
    #[error("it is {0}, which is not read")]
    Sort(&'static str),
    /// Something else.
    #[error("it is of a sort that is not read")]
    Unknown,
    /// It cannot be opened.
    #[error("it is locked with a password")]
    Locked,
    /// Its parser gave up.
    #[error("it is damaged, or not what it seems to be")]
    Damaged,
    /// Nothing is in it that is text.
    #[error("no text was found in it; it may be a scan of paper, or pictures")]
    Blank,
    /// The file is larger than what is read.
    #[error("it has more than {} MiB, and larger files are not read", MAX_READ_BYTES >> 20)]
    TooLarge,
    /// There is too much.
    #[error("it has more than {} MiB of text", MAX_FILE_TEXT_BYTES >> 20)]
    TooLong,
    /// It is far larger than it seems.
    #[error("it unpacks to more than a document may")]
    Unpacks,
    /// No office program writes these, and they serve to make a little into much.
    #[error("its XML declares a document type or nests too deep, which no office program writes")]
    StrangeXml,
    /// What lies in it was not looked through.
    #[error("it holds other files, which are not read")]
    HoldsFiles,
}

/// The text of a file.
///
/// # Errors
/// [`NoText`] says why there is none. A file that was made for it can also make this panic, loop or
/// use up the stack or the memory.
pub(super) fn read(bytes: &[u8]) -> Result<String, NoText> {
    read_within(bytes, 0)
}

/// The text of a file that lies so deep in others.
pub(super) fn read_within(bytes: &[u8], depth: usize) -> Result<String, NoText> {
    if depth > MAX_DEPTH {
        return Err(NoText::HoldsFiles);
    }
    let text = if starts_as_pdf(bytes) {
        pdf::read(bytes)?
    } else if bytes.starts_with(b"PK\x03\x04") {
        office::read(bytes, depth)?
    } else if bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        sheet::read_old(bytes)?
    } else if bytes.starts_with(b"{\\rtf") {
        return Err(NoText::Unknown);
    } else if let Some(text) = plain::read(bytes) {
        // Before what it seems to be: a list that begins with "BMI" is no picture of the sort BMP.
        if html::is_html(&text) { html::read(&text)? } else { text }
    } else {
        return Err(sort(bytes).map_or(NoText::Unknown, NoText::Sort));
    };
    if text.len() > MAX_FILE_TEXT_BYTES {
        return Err(NoText::TooLong);
    }
    if !text.contains(char::is_alphanumeric) {
        return Err(NoText::Blank);
    }
    Ok(text)
}

/// Readers find the beginning of a PDF somewhere in its first kilobyte.
fn starts_as_pdf(bytes: &[u8]) -> bool {
    const LOOKED_AT: usize = 1024;
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    start.windows(5).any(|window| window == b"%PDF-")
}

/// What people call a file that has no text, where its content says so.
fn sort(bytes: &[u8]) -> Option<&'static str> {
    let kind = infer::get(bytes)?;
    match kind.matcher_type() {
        MatcherType::Image => Some("a picture"),
        MatcherType::Audio => Some("a sound"),
        MatcherType::Video => Some("a film"),
        MatcherType::Archive => Some("an archive"),
        MatcherType::App => Some("a program"),
        MatcherType::Font => Some("a font"),
        MatcherType::Book => Some("an electronic book"),
        MatcherType::Doc | MatcherType::Text | MatcherType::Custom => None,
    }
}
