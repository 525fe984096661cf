//! Pictures: where they were taken and by whom, as cameras and programs note it in EXIF, XMP and IPTC.

use std::io::Cursor;

use exif::{Context, Exif, In, Tag, Value};
use img_parts::jpeg::{Jpeg, JpegSegment, markers};
use img_parts::png::Png;
use img_parts::{Bytes, ImageEXIF};

use super::{Found, Names};

/// Whose picture it is, as EXIF notes it; the last is Windows' own.
const PEOPLE: [Tag; 4] =
    [Tag::Artist, Tag::Copyright, Tag::CameraOwnerName, Tag(Context::Tiff, 0x9c9d)];

/// How a person's name begins in IPTC: by-line, writer, contact.
const IPTC: [&[u8]; 3] = [b"\x1c\x02\x50", b"\x1c\x02\x7a", b"\x1c\x02\x76"];

/// Chunks of a PNG that hold notes and no picture.
const NOTES: [[u8; 4]; 4] = [*b"eXIf", *b"tEXt", *b"zTXt", *b"iTXt"];

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG: &[u8] = b"\xff\xd8\xff";

/// Whether notes can be taken out of such a file.
pub(super) fn can_be_cleaned(bytes: &[u8]) -> bool {
    bytes.starts_with(JPEG) || bytes.starts_with(PNG)
}

/// What is noted in a picture; nothing in what is none.
pub(super) fn find(bytes: &[u8], found: &mut Found) {
    if !infer::is_image(bytes) {
        return;
    }
    // All the places where a format may have it, also behind the end of the picture.
    if let Ok(exif) = exif::Reader::new()
        .continue_on_error(true)
        .read_from_container(&mut Cursor::new(bytes))
        .or_else(|error| error.distill_partial_result(|_| {}))
    {
        in_exif(&exif, found);
    }
    let mut notes: Vec<Bytes> = Vec::new();
    if let Ok(jpeg) = Jpeg::from_bytes(Bytes::copy_from_slice(bytes)) {
        let noted = |marker| [markers::APP1, markers::APP13].contains(&marker);
        let segments = jpeg.segments().iter().filter(|segment| noted(segment.marker()));
        notes.extend(segments.map(|segment| segment.contents().clone()));
    } else if let Ok(png) = Png::from_bytes(Bytes::copy_from_slice(bytes)) {
        let chunks = png.chunks().iter().filter(|chunk| NOTES[1..].contains(&chunk.kind()));
        notes.extend(chunks.map(|chunk| chunk.contents().clone()));
    }
    for note in notes {
        let has = |word: &[u8]| note.windows(word.len()).any(|window| window == word);
        if has(b"GPSLatitude") {
            found.add(Names::Position, "XMP");
        }
        if has(b"dc:creator") {
            found.add(Names::Photographer, "XMP");
        }
        if IPTC.into_iter().any(has) {
            found.add(Names::Photographer, "IPTC");
        }
        if [b"Author\0".as_slice(), b"Artist\0", b"Copyright\0"]
            .iter()
            .any(|key| note.starts_with(key))
        {
            found.add(Names::Photographer, "PNG text");
        }
    }
}

fn in_exif(exif: &Exif, found: &mut Found) {
    if exif.fields().any(|field| field.tag == Tag::GPSLatitude) {
        found.add(Names::Position, "EXIF");
    }
    let filled = |value: &Value| {
        if let Value::Ascii(texts) = value {
            texts.iter().any(|text| !text.trim_ascii().is_empty())
        } else {
            value.iter_uint().is_some_and(|mut letters| letters.any(|letter| letter != 0))
        }
    };
    if exif.fields().any(|field| PEOPLE.contains(&field.tag) && filled(&field.value)) {
        found.add(Names::Photographer, "EXIF");
    }
}

/// A picture without notes; none if it cannot be written again. Which way up it is stays.
pub(super) fn clean(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.starts_with(PNG) {
        let mut png = Png::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
        png.chunks_mut().retain(|chunk| !NOTES.contains(&chunk.kind()));
        return Some(png.encoder().bytes().to_vec());
    }
    let mut jpeg = Jpeg::from_bytes(Bytes::copy_from_slice(bytes)).ok()?;
    let turned = jpeg.exif().and_then(|exif| orientation(&exif));
    let is_note = |marker| [markers::APP1, markers::APP13].contains(&marker);
    // Where further pictures lie behind the first, which has another length without its notes.
    let is_list = |segment: &JpegSegment| {
        segment.marker() == markers::APP2 && segment.contents().starts_with(b"MPF\0")
    };
    let has_more = jpeg.segments().iter().any(is_list);
    jpeg.segments_mut().retain(|segment| !is_note(segment.marker()) && !is_list(segment));
    if let Some(turned) = turned.filter(|turned| *turned != 1) {
        jpeg.set_exif(Some(only_orientation(turned)));
    }
    let mut cleaned = jpeg.encoder().bytes().to_vec();
    // Telephones put further pictures with notes of their own behind the first.
    let scan = cleaned.windows(2).position(|pair| pair == [0xff, markers::SOS])?;
    let noted = cleaned[scan..].windows(6).any(|window| window == b"Exif\0\0");
    if has_more || noted {
        let end = cleaned[scan..].windows(2).position(|pair| pair == [0xff, markers::EOI])?;
        cleaned.truncate(scan + end + 2);
    }
    Some(cleaned)
}

fn orientation(raw: &Bytes) -> Option<u8> {
    let exif = exif::Reader::new().read_raw(raw.to_vec()).ok()?;
    let turned = exif.get_field(Tag::Orientation, In::PRIMARY)?.value.get_uint(0)?;
    u8::try_from(turned).ok().filter(|turned| (1..=8).contains(turned))
}

/// EXIF with nothing but which way up the picture is.
fn only_orientation(turned: u8) -> Bytes {
    let head = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0";
    Bytes::from([head.as_slice(), &[turned, 0, 0, 0], &[0; 4]].concat())
}
