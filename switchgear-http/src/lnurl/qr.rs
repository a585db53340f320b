//! An LNURL as a QR code (ISO/IEC 18004) in a PNG of two greys, one bit a pixel.

use qrcode::{Color, EcLevel, QrCode, types::QrError};

use super::QrConfig;

/// The quiet zone on each side, in modules.
const QUIET: usize = 4;

/// Draws `text`, with more error correction where it still fits.
pub(super) fn draw(text: &str, config: QrConfig) -> Result<Vec<u8>, QrFailure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M)
        .or_else(|_| QrCode::with_error_correction_level(text, EcLevel::L))
        .map_err(QrFailure::Code)?;
    let scale = usize::from(config.scale.get());
    let side = (code.width() + 2 * QUIET) * scale;
    let pixels = rasterise(&code, side, scale);
    encode(&pixels, side, config).map_err(QrFailure::Picture)
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
pub(super) enum QrFailure {
    /// No QR code holds the text.
    #[error("the text does not fit into a qr code")]
    Code(#[source] QrError),
    /// The PNG could not be written.
    #[error("the picture could not be written")]
    Picture(#[source] png::EncodingError),
}

/// Packs rows of bits, the high bit first; a set bit is a dark pixel.
fn rasterise(code: &QrCode, side: usize, scale: usize) -> Vec<u8> {
    let blank = vec![0_u8; side.div_ceil(8)];
    let mut pixels = Vec::with_capacity(blank.len() * side);
    let quiet = || std::iter::repeat_n(blank.as_slice(), QUIET * scale);
    pixels.extend(quiet().flatten());
    for modules in code.to_colors().chunks_exact(code.width()) {
        let mut row = blank.clone();
        for (x, _) in modules
            .iter()
            .enumerate()
            .filter(|(_, color)| **color == Color::Dark)
        {
            for pixel in (x + QUIET) * scale..(x + QUIET + 1) * scale {
                row[pixel / 8] |= 0x80 >> (pixel % 8);
            }
        }
        for _ in 0..scale {
            pixels.extend_from_slice(&row);
        }
    }
    pixels.extend(quiet().flatten());
    pixels
}

fn encode(pixels: &[u8], side: usize, config: QrConfig) -> Result<Vec<u8>, png::EncodingError> {
    let side = u32::try_from(side).expect("a code has at most 185 modules of 255 pixels a side");
    let mut picture = Vec::new();
    let mut encoder = png::Encoder::new(&mut picture, side, side);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::One);
    encoder.set_palette([[config.light; 3], [config.dark; 3]].concat());
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(picture)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU8;

    use super::*;

    /// The picture as 8-bit greys, and its side.
    fn greys(picture: &[u8]) -> (Vec<u8>, usize) {
        let mut decoder = png::Decoder::new(std::io::Cursor::new(picture));
        decoder.set_transformations(png::Transformations::EXPAND);
        let mut reader = decoder.read_info().unwrap();
        let mut rgb = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut rgb).unwrap();
        assert_eq!(frame.width, frame.height);
        let greys = rgb.chunks(3).map(|pixel| pixel[0]).collect();
        (greys, frame.width as usize)
    }

    fn read_back(picture: &[u8]) -> String {
        let (greys, side) = greys(picture);
        let mut image =
            rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| greys[y * side + x]);
        image.detect_grids()[0].decode().unwrap().1
    }

    #[test]
    fn a_second_decoder_reads_the_text_at_any_scale_and_grey() {
        let lnurl =
            switchgear_core::lnurl::encode(&format!("https://a.example/{}", "b".repeat(90)));
        for (scale, light, dark) in [(1, 255, 0), (3, 255, 0), (8, 220, 40)] {
            let config = QrConfig {
                scale: NonZeroU8::new(scale).unwrap(),
                light,
                dark,
            };
            let picture = draw(&lnurl, config).unwrap();
            assert_eq!(read_back(&picture), lnurl, "scale {scale}");
            let (greys, side) = greys(&picture);
            let quiet = QUIET * usize::from(scale);
            assert!(greys[..quiet * side].iter().all(|grey| *grey == light));
            assert_eq!(greys[quiet * side + quiet], dark);
        }
    }

    #[test]
    fn takes_the_longest_text_and_refuses_one_character_more() {
        assert!(draw(&"A".repeat(4_296), QrConfig::default()).is_ok());
        assert!(matches!(
            draw(&"A".repeat(4_297), QrConfig::default()),
            Err(QrFailure::Code(QrError::DataTooLong))
        ));
    }
}
