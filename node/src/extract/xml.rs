//! The words in the XML of office documents: paragraphs as lines, rows of tables as cells with tabs.

use encoding_rs::Encoding;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::document::NoText;
use super::text::Text;

/// Elements inside each other; a table in a table in a text box has some forty.
const MAX_DEPTH: usize = 500;

/// Spaces that one element stands for at most; more are there to set columns.
const MAX_SPACES: usize = 40;

/// Where the words are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Words {
    /// In elements of their own (`t` of Office Open XML).
    InRuns,
    /// In paragraphs, beside elements (OpenDocument).
    InParagraphs,
}

/// Adds the words of one part of a document.
pub(super) fn read(part: &[u8], words: Words, text: &mut Text) -> Result<(), NoText> {
    let (encoding, mark) = Encoding::for_bom(part).unwrap_or((encoding_rs::UTF_8, 0));
    let (xml, damaged) = encoding.decode_without_bom_handling(&part[mark..]);
    if damaged {
        return Err(NoText::Damaged);
    }
    let mut walk = Walk { words, text, depth: 0, holding: 0, cells: 0 };
    let mut reader = Reader::from_str(&xml);
    loop {
        match reader.read_event().map_err(|_| NoText::Damaged)? {
            Event::Start(start) => walk.start(&start)?,
            Event::End(end) => walk.end(end.local_name().as_ref())?,
            Event::Empty(empty) => {
                walk.start(&empty)?;
                walk.end(empty.local_name().as_ref())?;
            }
            Event::Text(words) => walk.add(&words.xml10_content())?,
            Event::CData(words) => walk.add(&words.xml10_content())?,
            Event::GeneralRef(reference) => walk.add(&resolved(&reference)?)?,
            Event::DocType(_) => return Err(NoText::StrangeXml),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    if walk.depth > 0 {
        return Err(NoText::Damaged);
    }
    text.end_part()
}

/// The characters that every XML document may name; others would have to be declared.
fn resolved(reference: &BytesRef<'_>) -> Result<String, NoText> {
    if let Some(char) = reference.resolve_char_ref().map_err(|_| NoText::Damaged)? {
        return Ok(char.to_string());
    }
    let char = match reference.xml10_content().as_ref() {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        _ => return Err(NoText::StrangeXml),
    };
    Ok(char.to_owned())
}

struct Walk<'a> {
    words: Words,
    text: &'a mut Text,
    depth: usize,
    /// Elements around that hold words.
    holding: usize,
    /// Cells around.
    cells: usize,
}

impl Walk<'_> {
    fn start(&mut self, element: &BytesStart<'_>) -> Result<(), NoText> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(NoText::StrangeXml);
        }
        let name = element.local_name();
        let name = name.as_ref();
        self.holding += usize::from(self.holds_words(name));
        match name {
            "tc" | "table-cell" => self.cells += 1,
            "tab" => self.text.add("\t")?,
            "br" | "cr" | "line-break" => self.end_line()?,
            "s" if self.words == Words::InParagraphs => {
                let count = element.try_get_attribute("text:c").ok().flatten();
                let count = count.and_then(|count| count.value.parse().ok()).unwrap_or(1_usize);
                self.text.add(&" ".repeat(count.min(MAX_SPACES)))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &str) -> Result<(), NoText> {
        self.depth = self.depth.saturating_sub(1);
        self.holding = self.holding.saturating_sub(usize::from(self.holds_words(name)));
        match name {
            "p" | "h" => self.end_line(),
            // The values behind a chart, and the words of a comment in a workbook.
            "v" | "text" | "comment" if self.words == Words::InRuns => self.end_line(),
            "tc" | "table-cell" => {
                self.cells = self.cells.saturating_sub(1);
                self.text.end_cell()
            }
            "tr" | "table-row" => self.text.end_line(),
            "tbl" | "table" => self.text.end_part(),
            _ => Ok(()),
        }
    }

    fn holds_words(&self, name: &str) -> bool {
        match self.words {
            // What was deleted with changes tracked leaves the school with the file.
            Words::InRuns => matches!(name, "t" | "delText" | "v" | "text"),
            Words::InParagraphs => matches!(name, "p" | "h"),
        }
    }

    fn add(&mut self, words: &str) -> Result<(), NoText> {
        if self.holding == 0 { Ok(()) } else { self.text.add(&words.replace(['\n', '\r'], " ")) }
    }

    /// A cell is one line, whatever is in it.
    fn end_line(&mut self) -> Result<(), NoText> {
        if self.cells > 0 { self.text.space() } else { self.text.end_line() }
    }
}
