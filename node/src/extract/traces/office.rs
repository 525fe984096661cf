//! Documents that are archives of XML: Word, PowerPoint, Excel and OpenDocument.

use std::io::{Cursor, Read, Write};

use zip::{ZipArchive, ZipWriter};

use super::{Found, Trace, marks, picture};

/// What the parts that are looked at may unpack to together, as for the text.
const MAX_UNPACKED_BYTES: u64 = 128 * 1024 * 1024;

/// A signature over the parts, which holds only while nothing in them changes.
const SIGNATURES: [&str; 2] = ["_xmlsignatures/", "META-INF/documentsignatures.xml"];

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// All that is found in a document; nothing in an archive of another sort.
pub(super) fn find(bytes: &[u8]) -> Vec<Trace> {
    let mut found = Found::default();
    let Some(mut archive) = open(bytes) else { return Vec::new() };
    let signed = archive
        .file_names()
        .flatten()
        .any(|name| SIGNATURES.iter().any(|start| name.starts_with(start)));
    let mut room = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        // What cannot be read is the reader of texts' to tell.
        let _ = cleaned_part(&mut archive, index, &mut room, &mut found);
    }
    found.into_traces(!signed)
}

/// The document without them; none if it cannot be written again.
pub(super) fn clean(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut archive = open(bytes)?;
    let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(bytes.len())));
    let mut room = MAX_UNPACKED_BYTES;
    for index in 0..archive.len() {
        let mut found = Found::default();
        let cleaned = cleaned_part(&mut archive, index, &mut room, &mut found)?;
        let part = archive.by_index_raw(index).ok()?;
        match cleaned {
            Some(cleaned) => {
                let options = part.options();
                let name = part.name().ok()?.into_owned();
                writer.start_file(name, options).ok()?;
                writer.write_all(&cleaned).ok()?;
            }
            None => writer.raw_copy_file(part).ok()?,
        }
    }
    Some(writer.finish().ok()?.into_inner())
}

/// Opens a document of Office or an OpenDocument file.
fn open(bytes: &[u8]) -> Option<Archive<'_>> {
    let archive = ZipArchive::new(Cursor::new(bytes)).ok()?;
    let is_document = archive.file_names().flatten().any(|name| {
        let name = name.as_ref();
        ["word/", "ppt/", "xl/", "docProps/"].iter().any(|start| name.starts_with(start))
            || matches!(name, "meta.xml" | "content.xml")
    });
    is_document.then_some(archive)
}

/// A part without names, where it has any: none if it cannot be read, none inside if it names nobody.
#[expect(clippy::option_option, reason = "what cannot be read is not what names nobody")]
fn cleaned_part(
    archive: &mut Archive<'_>,
    index: usize,
    room: &mut u64,
    found: &mut Found,
) -> Option<Option<Vec<u8>>> {
    let part = archive.by_index(index).ok()?;
    let name = part.name().ok()?.into_owned();
    let rule = marks::part_of(&name);
    let is_picture = name.contains("media/") || name.starts_with("Pictures/");
    if rule.is_none() && !is_picture {
        return Some(None);
    }
    let mut bytes = Vec::new();
    part.take(*room + 1).read_to_end(&mut bytes).ok()?;
    *room = room.checked_sub(bytes.len() as u64)?;
    let mut here = Found::default();
    let cleaned = match rule {
        Some(rule) => rule.without_names(&bytes, &mut here)?,
        None => {
            picture::find(&bytes, &mut here);
            if here.counts.is_empty() || !picture::can_be_cleaned(&bytes) {
                return Some(None);
            }
            picture::clean(&bytes)?
        }
    };
    let changed = !here.counts.is_empty();
    for (key, count) in here.counts {
        *found.counts.entry(key).or_default() += count;
    }
    Some(changed.then_some(cleaned))
}
