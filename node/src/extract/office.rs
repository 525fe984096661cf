//! Documents that are ZIP archives of XML: DOCX, PPTX, XLSX, ODT, ODP and ODS.

use std::borrow::Cow;
use std::io::{Cursor, Read};

use zip::ZipArchive;
use zip::result::ZipError;

use super::document::{NoText, read_within};
use super::sheet;
use super::text::Text;
use super::xml::{self, Words};

/// What the parts that are read may unpack to together: a hundred times the text that is kept.
const MAX_UNPACKED_BYTES: u64 = 128 * 1024 * 1024;

/// Parts of one document; a presentation of a thousand slides has some five thousand.
const MAX_PARTS: usize = 20_000;

/// Parts with words, by how their names begin, in the order in which they are read.
const WORD: [&str; 7] = [
    "word/document",
    "word/header",
    "word/footer",
    "word/footnotes",
    "word/endnotes",
    "word/comments",
    "word/charts/",
];
const SLIDES: [&str; 5] =
    ["ppt/slides/", "ppt/notesSlides/", "ppt/comments/", "ppt/diagrams/data", "ppt/charts/"];
/// Beside the cells of a workbook.
const BESIDE_CELLS: [&str; 4] =
    ["xl/comments", "xl/threadedComments/", "xl/drawings/", "xl/charts/"];
const OPEN: [&str; 2] = ["content.xml", "styles.xml"];

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// The text of a document that is a ZIP archive and lies so deep in others.
pub(super) fn read(bytes: &[u8], depth: usize) -> Result<String, NoText> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(wrong)?;
    if archive.len() > MAX_PARTS {
        return Err(NoText::Unpacks);
    }
    let names = archive.file_names().map(|name| name.map(Cow::into_owned));
    let mut names: Vec<String> = names.collect::<Result<_, _>>().map_err(wrong)?;
    names.sort_by_key(|name| (name.len(), name.clone()));
    let has = |name: &str| names.iter().any(|one| one == name);
    let mut text = Text::default();
    let mut room = MAX_UNPACKED_BYTES;
    let (starts, words): (&[&str], Words) = if has("word/document.xml") {
        (&WORD, Words::InRuns)
    } else if has("ppt/presentation.xml") {
        (&SLIDES, Words::InRuns)
    } else if has("xl/workbook.xml") || has("xl/workbook.bin") {
        within(&mut archive, &mut room)?;
        sheet::read(bytes, &mut text)?;
        (&BESIDE_CELLS, Words::InRuns)
    } else if has("content.xml") && has("mimetype") {
        let kind = part(&mut archive, "mimetype", &mut room)?;
        if kind.starts_with(b"application/vnd.oasis.opendocument.spreadsheet") {
            within(&mut archive, &mut room)?;
            sheet::read_open(bytes, &mut text)?;
            return Ok(text.finish());
        }
        (&OPEN, Words::InParagraphs)
    } else {
        return Err(NoText::Sort("an archive"));
    };
    for start in starts {
        let of_this = |name: &&String| name.starts_with(start) && name.ends_with(".xml");
        for name in names.iter().filter(of_this) {
            xml::read(&part(&mut archive, name, &mut room)?, words, &mut text)?;
        }
    }
    for name in names.iter().filter(|name| is_document(name)) {
        let inner = part(&mut archive, name, &mut room)?;
        match read_within(&inner, depth + 1) {
            Ok(inner) => text.add(&inner)?,
            Err(NoText::Blank) => {}
            Err(NoText::TooLong) => return Err(NoText::TooLong),
            Err(_) => return Err(NoText::HoldsFiles),
        }
        text.end_part()?;
    }
    Ok(text.finish())
}

/// Whether a part is a document of its own, such as the workbook behind a chart.
fn is_document(name: &str) -> bool {
    const ENDINGS: [&str; 9] =
        [".xlsx", ".xlsm", ".xlsb", ".xls", ".docx", ".pptx", ".ods", ".odt", ".pdf"];
    name.contains("/embeddings/") && ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The content of a part, counted against what may still be unpacked.
fn part(archive: &mut Archive<'_>, name: &str, room: &mut u64) -> Result<Vec<u8>, NoText> {
    let part = archive.by_name(name).map_err(wrong)?;
    // The size that a part declares may be wrong.
    let declared = part.size().min(*room + 1);
    let mut bytes = Vec::with_capacity(usize::try_from(declared).unwrap_or(0));
    part.take(*room + 1).read_to_end(&mut bytes).map_err(|_| NoText::Damaged)?;
    *room = room.checked_sub(bytes.len() as u64).ok_or(NoText::Unpacks)?;
    Ok(bytes)
}

/// Makes sure that all parts together may be unpacked, by a reader that has no bound of its own.
fn within(archive: &mut Archive<'_>, room: &mut u64) -> Result<(), NoText> {
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(wrong)?;
        if !part.name().map_err(wrong)?.ends_with(".xml") {
            continue;
        }
        let unpacked = std::io::copy(&mut part.by_ref().take(*room + 1), &mut std::io::sink());
        let unpacked = unpacked.map_err(|_| NoText::Damaged)?;
        *room = room.checked_sub(unpacked).ok_or(NoText::Unpacks)?;
    }
    *room = MAX_UNPACKED_BYTES;
    Ok(())
}

fn wrong(error: ZipError) -> NoText {
    if matches!(error, ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED)) {
        NoText::Locked
    } else {
        NoText::Damaged
    }
}
