//! PDF: the characters of each page in the order in which they are drawn, as lines and columns.

use lopdf::{Dictionary, Document, Object, Stream};
use pdf_extract::{MediaBox, OutputDev, OutputError, Transform, output_doc_page};

use super::document::NoText;
use super::text::Text;

/// A gap of so much of the height of the letters begins a new word.
const WORD_GAP: f64 = 0.15;

/// A gap of so much begins a new column; the space between words is a quarter to a half.
const COLUMN_GAP: f64 = 1.2;

/// A step up or down of so much begins a new line; a raised figure stands a third higher.
const LINE_STEP: f64 = 0.5;

/// The text of a PDF.
pub(super) fn read(bytes: &[u8]) -> Result<String, NoText> {
    let locked = |error: &lopdf::Error| {
        matches!(error, lopdf::Error::Decryption(_) | lopdf::Error::InvalidPassword)
    };
    let loaded = Document::load_mem(bytes);
    let mut document =
        loaded.map_err(|error| if locked(&error) { NoText::Locked } else { NoText::Damaged })?;
    // Many are encrypted under no password, only to forbid printing.
    if document.is_encrypted() && document.decrypt("").is_err() {
        return Err(NoText::Locked);
    }
    let mut pages = Pages { text: Text::default(), wrong: None, at: None };
    for page in document.get_pages().into_keys() {
        let read = output_doc_page(&document, &mut pages, page);
        if let Some(wrong) = pages.wrong {
            return Err(wrong);
        }
        read.map_err(|_| NoText::Damaged)?;
    }
    let mut text = pages.text;
    for object in document.objects.values() {
        if let Object::Dictionary(dictionary) | Object::Stream(Stream { dict: dictionary, .. }) =
            object
        {
            beside_pages(dictionary, &mut text)?;
        }
    }
    Ok(text.finish())
}

/// What was typed into forms and notes, which no page draws.
fn beside_pages(dictionary: &Dictionary, text: &mut Text) -> Result<(), NoText> {
    if dictionary.has(b"EF") {
        return Err(NoText::HoldsFiles);
    }
    let is_form = dictionary.has(b"FT");
    let is_note = dictionary.has(b"Subtype") && dictionary.has(b"Rect");
    for (key, holds) in [(b"V".as_slice(), is_form), (b"Contents", is_note)] {
        if let Some(words) = holds.then(|| dictionary.get(key).ok()).flatten()
            && let Ok(words) = lopdf::decode_text_string(words)
        {
            text.end_line()?;
            text.add(&words)?;
            text.end_part()?;
        }
    }
    Ok(())
}

/// Where the last character ended.
#[derive(Clone, Copy)]
struct Place {
    end: f64,
    baseline: f64,
    height: f64,
}

struct Pages {
    text: Text,
    /// What is wrong; the parser's own error would hide it.
    wrong: Option<NoText>,
    at: Option<Place>,
}

impl Pages {
    fn character(&mut self, here: Place, start: f64, words: &str) -> Result<(), NoText> {
        if let Some(last) = self.at.replace(here) {
            let height = here.height.max(last.height);
            let gap = start - last.end;
            if (here.baseline - last.baseline).abs() > height * LINE_STEP || gap < -height {
                self.text.end_line()?;
            } else if gap > height * COLUMN_GAP {
                self.text.add("  ")?;
            } else if gap > height * WORD_GAP {
                self.text.space()?;
            }
        }
        match words {
            "\u{fb00}" => self.text.add("ff"),
            "\u{fb01}" => self.text.add("fi"),
            "\u{fb02}" => self.text.add("fl"),
            "\u{fb03}" => self.text.add("ffi"),
            "\u{fb04}" => self.text.add("ffl"),
            "\u{ad}" | "\n" | "\r" => Ok(()),
            words => self.text.add(words),
        }
    }

    fn note(&mut self, done: Result<(), NoText>) -> Result<(), OutputError> {
        done.map_err(|wrong| {
            self.wrong = Some(wrong);
            OutputError::FormatError(std::fmt::Error)
        })
    }
}

impl OutputDev for Pages {
    fn begin_page(
        &mut self,
        _number: u32,
        _media_box: &MediaBox,
        _art_box: Option<(f64, f64, f64, f64)>,
    ) -> Result<(), OutputError> {
        self.at = None;
        Ok(())
    }

    fn end_page(&mut self) -> Result<(), OutputError> {
        let done = self.text.end_part();
        self.note(done)
    }

    fn output_character(
        &mut self,
        at: &Transform,
        width: f64,
        spacing: f64,
        font_size: f64,
        words: &str,
    ) -> Result<(), OutputError> {
        let across = (at.m11.powi(2) + at.m12.powi(2)).sqrt();
        let up = (at.m21.powi(2) + at.m22.powi(2)).sqrt();
        // Along the direction of writing, so that a page that is turned has lines as well.
        let (cos, sin) = if across > 0.0 { (at.m11 / across, at.m12 / across) } else { (1.0, 0.0) };
        let start = at.m31 * cos + at.m32 * sin;
        let here = Place {
            end: start + (width * font_size + spacing) * across,
            baseline: at.m32 * cos - at.m31 * sin,
            height: (font_size * up).abs(),
        };
        let done = self.character(here, start, words);
        self.note(done)
    }

    fn begin_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_word(&mut self) -> Result<(), OutputError> {
        Ok(())
    }

    fn end_line(&mut self) -> Result<(), OutputError> {
        Ok(())
    }
}
