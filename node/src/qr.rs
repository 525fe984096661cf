//! QR codes of lines that people would else have to type.

use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

/// A text that no QR code holds.
#[derive(Debug, thiserror::Error)]
#[error("{0} characters are too long for a QR code, which holds some 2,950")]
pub(crate) struct TooLong(usize);

/// The code of a text. Screens and paper that staff hold up are clean, so little of it is spent on repair.
pub(crate) fn code(text: &str) -> Result<QrCode, TooLong> {
    QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| TooLong(text.chars().count()))
}

/// The code as an SVG.
pub(crate) fn svg(text: &str) -> Result<String, TooLong> {
    Ok(code(text)?.render::<svg::Color<'_>>().min_dimensions(480, 480).build())
}
