//! QR codes: in the terminal, and as a picture to print or to send.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use anyhow::{Context, bail};
use qrcode::Color;
use qrcode::render::unicode;

use crate::qr::{code, svg};

/// Pixels of one module in a PNG, and modules of white around the code, which readers need.
const MODULE_PIXELS: usize = 8;
const QUIET_MODULES: usize = 4;

/// Checks that a picture can be written under this name, before anything is made that it shows.
pub(super) fn check_name(file: &Path) -> anyhow::Result<()> {
    match extension(file).as_str() {
        "svg" | "png" => Ok(()),
        _ => bail!("--qr-file is {}; give it a name that ends in .svg or .png", file.display()),
    }
}

fn extension(file: &Path) -> String {
    file.extension().unwrap_or_default().to_string_lossy().to_lowercase()
}

/// The code in characters, light on dark as most terminals are.
pub(super) fn drawn(text: &str) -> anyhow::Result<String> {
    let code = code(text)?;
    Ok(code
        .render::<unicode::Dense1x2>()
        .dark_color(unicode::Dense1x2::Light)
        .light_color(unicode::Dense1x2::Dark)
        .build())
}

/// Writes the code as a picture.
pub(super) fn write(text: &str, file: &Path) -> anyhow::Result<()> {
    let code = code(text)?;
    let naming = || format!("{} cannot be written", file.display());
    if extension(file) == "svg" {
        return std::fs::write(file, svg(text)?).with_context(naming);
    }
    let side = (code.width() + 2 * QUIET_MODULES) * MODULE_PIXELS;
    let mut pixels = vec![u8::MAX; side * side];
    for (place, color) in code.to_colors().into_iter().enumerate() {
        if color == Color::Light {
            continue;
        }
        let (row, column) = (place / code.width(), place % code.width());
        for line in 0..MODULE_PIXELS {
            let start = ((row + QUIET_MODULES) * MODULE_PIXELS + line) * side
                + (column + QUIET_MODULES) * MODULE_PIXELS;
            pixels[start..start + MODULE_PIXELS].fill(0);
        }
    }
    let width = u32::try_from(side).context("the picture is too large")?;
    let output = BufWriter::new(File::create(file).with_context(naming)?);
    let mut encoder = png::Encoder::new(output, width, width);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header()?.write_image_data(&pixels)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a reader of QR codes makes of a picture.
    fn read(side: usize, pixel: impl FnMut(usize, usize) -> u8) -> String {
        let mut picture = rqrr::PreparedImage::prepare_from_greyscale(side, side, pixel);
        let grids = picture.detect_grids();
        grids[0].decode().unwrap().1
    }

    #[test]
    fn a_reader_reads_what_is_drawn_and_what_is_written() {
        let line = format!("staffroom-invite:{}", "pGVncm91cFggYWJj".repeat(30));
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("invite.png");
        write(&line, &file).unwrap();
        let mut reader = png::Decoder::new(std::io::BufReader::new(File::open(&file).unwrap()))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let side = usize::try_from(reader.next_frame(&mut pixels).unwrap().width).unwrap();
        assert_eq!(read(side, |x, y| pixels[y * side + x]), line);

        // In the terminal a character is two modules high, and the light ones are drawn.
        let drawn = drawn(&line).unwrap();
        let rows: Vec<Vec<char>> = drawn.lines().map(|line| line.chars().collect()).collect();
        let (side, scale) = (rows[0].len(), 4);
        let light = |x: usize, y: usize| match rows.get(y / 2).and_then(|row| row.get(x)) {
            Some('█') => true,
            Some('▀') => y.is_multiple_of(2),
            Some('▄') => !y.is_multiple_of(2),
            Some(_) => false,
            None => true,
        };
        assert_eq!(
            read(side * scale, |x, y| if light(x / scale, y / scale) { 255 } else { 0 }),
            line
        );

        let file = dir.path().join("invite.svg");
        write(&line, &file).unwrap();
        assert!(std::fs::read_to_string(&file).unwrap().contains("<svg"));
        assert!(check_name(&dir.path().join("invite.gif")).is_err());
    }
}
