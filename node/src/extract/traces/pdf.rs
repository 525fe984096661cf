//! PDF: who made it and who wrote notes on it. Nothing is taken out here: it may stand in several
//! versions that lie behind each other in the file, and only the program it came from knows all.

use lopdf::{Dictionary, Document, Object, Stream};

use super::{Found, Names};

/// Metadata that unpacks from more than this is no metadata.
const MAX_METADATA_BYTES: usize = 1024 * 1024;

/// What is found in a PDF.
pub(super) fn find(bytes: &[u8]) -> Found {
    let mut found = Found::default();
    let Ok(mut document) = Document::load_mem(bytes) else { return found };
    if document.is_encrypted() && document.decrypt("").is_err() {
        return found;
    }
    let info = document.trailer.get(b"Info").ok();
    let info = info.and_then(|info| document.dereference(info).ok());
    if let Some((_, Object::Dictionary(info))) = info
        && has_text(info, b"Author")
    {
        found.add(Names::Author, "Info dictionary");
    }
    for object in document.objects.values() {
        if let Object::Stream(stream) = object
            && is_metadata(stream)
            && names_creator(stream)
        {
            found.add(Names::Author, "XMP");
        }
        if let Object::Dictionary(note) = object
            && is_note(note)
            && has_text(note, b"T")
        {
            found.add(Names::Notes, "annotations");
        }
    }
    found
}

fn has_text(dictionary: &Dictionary, key: &[u8]) -> bool {
    let text = dictionary.get(key).and_then(lopdf::decode_text_string);
    text.is_ok_and(|text| !text.trim().is_empty())
}

/// Whether a dictionary is a note on a page. A field of a form has its own name where a note has its
/// author's.
fn is_note(dictionary: &Dictionary) -> bool {
    let sort = dictionary.get(b"Subtype").and_then(Object::as_name).ok();
    dictionary.has(b"Rect") && !dictionary.has(b"FT") && sort.is_some_and(|sort| sort != b"Widget")
}

fn is_metadata(stream: &Stream) -> bool {
    stream.dict.get(b"Type").and_then(Object::as_name).ok() == Some(b"Metadata")
        && stream.content.len() <= MAX_METADATA_BYTES
}

/// Whether XMP names who made the document.
fn names_creator(stream: &Stream) -> bool {
    let content = stream.decompressed_content().unwrap_or_else(|_| stream.content.clone());
    let xmp = String::from_utf8_lossy(&content);
    let creators = xmp.split("<dc:creator").skip(1);
    let creators = creators.filter_map(|rest| rest.split("</dc:creator>").next());
    creators.flat_map(|creator| creator.split("<rdf:li").skip(1)).any(|item| {
        let words = item.split_once('>').and_then(|(_, rest)| rest.split('<').next());
        words.is_some_and(|words| !words.trim().is_empty())
    })
}
