//! Plain text, Markdown and CSV: only their encoding is to be told.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8};

/// The text, if the bytes are one: lines end in `\n`, and no character is a control character.
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    let marked = Encoding::for_bom(bytes);
    // Seen before it is decoded: a film would need several times its size in memory for that.
    if marked.is_none() && bytes.contains(&0) {
        return None;
    }
    let (encoding, mark) = marked.unwrap_or_else(|| (likely(bytes), 0));
    let (text, damaged) = encoding.decode_without_bom_handling(&bytes[mark..]);
    if damaged {
        return None;
    }
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_stray = |char: char| char.is_control() && !matches!(char, '\n' | '\t' | '\u{c}');
    (!text.contains(is_stray)).then(|| text.replace('\u{c}', "\n"))
}

/// The encoding of bytes without a mark.
fn likely(bytes: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    detector.guess(Some(b"uk"), Utf8Detection::Allow)
}
