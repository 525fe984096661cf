//! Plain text, Markdown and CSV: only their encoding is to be told.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// The text, if the bytes are one: lines end in `\n`, and no character is a control character.
pub(super) fn read(bytes: &[u8]) -> Option<String> {
    let text = if let Some((encoding, mark)) = Encoding::for_bom(bytes) {
        let (text, damaged) = encoding.decode_without_bom_handling(&bytes[mark..]);
        (!damaged).then(|| text.into_owned())?
    } else if let Ok(text) = std::str::from_utf8(bytes) {
        text.to_owned()
    } else {
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        let (text, damaged) =
            detector.guess(Some(b"uk"), Utf8Detection::Allow).decode_without_bom_handling(bytes);
        (!damaged).then(|| text.into_owned())?
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let is_stray = |char: char| char.is_control() && !matches!(char, '\n' | '\t' | '\u{c}');
    (!text.contains(is_stray)).then(|| text.replace('\u{c}', "\n"))
}
