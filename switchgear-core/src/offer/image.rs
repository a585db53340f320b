use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Deserializer, Serialize};

use crate::invalid::InvalidValue;

/// A picture in an offer's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Image {
    /// `image/png;base64`
    Png(ImageData),
    /// `image/jpeg;base64`
    Jpeg(ImageData),
}

impl Image {
    /// A PNG from its base64 text.
    ///
    /// # Errors
    /// When it is too long, not base64, or no PNG.
    pub fn try_png(base64: &str) -> Result<Self, InvalidValue> {
        ImageData::try_new(base64, is_png, "png").map(Self::Png)
    }

    /// A JPEG from its base64 text.
    ///
    /// # Errors
    /// When it is too long, not base64, or no JPEG.
    pub fn try_jpeg(base64: &str) -> Result<Self, InvalidValue> {
        ImageData::try_new(base64, is_jpeg, "jpeg").map(Self::Jpeg)
    }

    /// The media type that stands in the metadata, and the base64 text.
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Png(data) => ("image/png;base64", data.as_base64()),
            Self::Jpeg(data) => ("image/jpeg;base64", data.as_base64()),
        }
    }
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase", rename = "Image")]
        enum Wire {
            Png(String),
            Jpeg(String),
        }

        match Wire::deserialize(deserializer)? {
            Wire::Png(base64) => Self::try_png(&base64),
            Wire::Jpeg(base64) => Self::try_jpeg(&base64),
        }
        .map_err(serde::de::Error::custom)
    }
}

/// The base64 text (RFC 4648, padded) of a picture whose head was checked.
#[derive(Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct ImageData(String);

impl ImageData {
    /// The longest base64 text, in characters (LUD-06).
    pub const MAX_LEN: usize = 136_536;

    /// The text as it was accepted and is served.
    pub fn as_base64(&self) -> &str {
        &self.0
    }

    fn try_new(base64: &str, is_one: fn(&[u8]) -> bool, kind: &str) -> Result<Self, InvalidValue> {
        if base64.len() > Self::MAX_LEN {
            return Err(InvalidValue::new(
                "image",
                format!("must be at most {} base64 characters", Self::MAX_LEN),
            ));
        }
        let bytes = STANDARD
            .decode(base64)
            .map_err(|error| InvalidValue::new("image", format!("is not base64: {error}")))?;
        if !is_one(&bytes) {
            return Err(InvalidValue::new("image", format!("is not a {kind}")));
        }
        Ok(Self(base64.to_owned()))
    }
}

impl fmt::Debug for ImageData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ImageData({} characters)", self.0.len())
    }
}

/// A signature, and the header chunk that must come first, with a size (PNG, third edition, 5.3 and
/// 11.2.1).
fn is_png(bytes: &[u8]) -> bool {
    const BEGIN: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR";
    /// Thirteen bytes and their checksum.
    const HEADER: usize = 13 + 4;

    bytes
        .strip_prefix(BEGIN)
        .filter(|rest| rest.len() >= HEADER)
        .and_then(|rest| rest.as_chunks().0.first_chunk())
        .is_some_and(|sizes: &[[u8; 4]; 2]| {
            let is_size = |size| (1..1 << 31).contains(&u32::from_be_bytes(size));
            sizes.iter().copied().all(is_size)
        })
}

/// The start of an image, and a marker that begins a segment of it (ITU-T T.81, B.1.1.3), perhaps
/// behind fill bytes.
fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.strip_prefix(b"\xff\xd8\xff").is_some_and(|rest| {
        let marker = rest.iter().find(|byte| **byte != 0xff);
        marker.is_some_and(|marker| matches!(marker, 0xc0..=0xcf | 0xda..=0xfe))
    })
}
