//! Small copies of pictures.

use std::io::Cursor;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

/// The longer side of a small copy, in pixels.
const SIDE: u32 = 900;

/// The longer side of a picture that is looked at: a scan of a large poster.
const MAX_SIDE: u32 = 20_000;

/// Pixels of a picture that is looked at: the largest that telephones take; with four bytes each they fit
/// the memory of a process that reads files twice.
const MAX_PIXELS: u64 = 64_000_000;

/// What a decoder may take beside.
const MAX_DECODER_BYTES: u64 = 300 * 1024 * 1024;

/// A small copy has less than this.
pub(super) const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// A small copy as PNG, the right way up; none where it is no picture of a known sort, it is damaged, or
/// it has more pixels than may be, which its first bytes say.
pub(super) fn thumbnail(bytes: Vec<u8>) -> Option<Vec<u8>> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_DECODER_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().ok()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return None;
    }
    let orientation = decoder.orientation().ok();
    let mut picture = DynamicImage::from_decoder(decoder).ok()?;
    if width.max(height) > SIDE {
        picture = picture.thumbnail(SIDE, SIDE);
    }
    if let Some(orientation) = orientation {
        picture.apply_orientation(orientation);
    }
    let mut small = Cursor::new(Vec::new());
    picture.into_rgba8().write_to(&mut small, ImageFormat::Png).ok()?;
    Some(small.into_inner())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// The same with other sizes written into it.
    fn claiming(mut png: Vec<u8>, width: u32, height: u32) -> Vec<u8> {
        png[16..20].copy_from_slice(&width.to_be_bytes());
        png[20..24].copy_from_slice(&height.to_be_bytes());
        let crc = crc(&png[12..29]);
        png[29..33].copy_from_slice(&crc.to_be_bytes());
        png
    }

    fn crc(bytes: &[u8]) -> u32 {
        let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
        !bytes.iter().fold(u32::MAX, byte)
    }

    #[test]
    fn a_picture_is_made_small_and_a_small_one_stays() {
        let sides = |bytes: Vec<u8>| {
            let small = image::load_from_memory(&thumbnail(bytes).unwrap()).unwrap();
            (small.width(), small.height())
        };
        assert_eq!(sides(png(1_800, 1_000)), (900, 500));
        assert_eq!(sides(png(30, 40)), (30, 40));
        assert_eq!(sides(claiming(png(30, 40), 30, 40)), (30, 40), "the test can write sizes");
    }

    #[test]
    fn one_that_says_it_is_huge_is_given_up_before_memory_is_taken() {
        // A picture in every other way, one row too many.
        let mut large = Cursor::new(Vec::new());
        DynamicImage::new_luma8(8_001, 8_000).write_to(&mut large, ImageFormat::Png).unwrap();
        assert!(thumbnail(large.into_inner()).is_none());
        for (width, height) in [(19_999, 19_999), (1_000_000, 10), (0, 0)] {
            assert_eq!(thumbnail(claiming(png(30, 40), width, height)), None, "{width}×{height}");
        }
        assert_eq!(thumbnail(b"no picture".to_vec()), None);
        assert_eq!(thumbnail(png(300, 300)[..60].to_vec()), None);
    }
}
