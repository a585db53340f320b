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
    const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";
    const JPEG_SIGNATURE: &[u8] = &[0xff, 0xd8, 0xff];

    /// A PNG from its base64 text.
    ///
    /// # Errors
    /// When it is too long, not base64, or no PNG.
    pub fn try_png(base64: &str) -> Result<Self, InvalidValue> {
        ImageData::try_new(base64, Self::PNG_SIGNATURE, "png").map(Self::Png)
    }

    /// A JPEG from its base64 text.
    ///
    /// # Errors
    /// When it is too long, not base64, or no JPEG.
    pub fn try_jpeg(base64: &str) -> Result<Self, InvalidValue> {
        ImageData::try_new(base64, Self::JPEG_SIGNATURE, "jpeg").map(Self::Jpeg)
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

/// The base64 text (RFC 4648, padded) of a picture whose signature was checked.
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

    fn try_new(base64: &str, signature: &[u8], kind: &str) -> Result<Self, InvalidValue> {
        if base64.len() > Self::MAX_LEN {
            return Err(InvalidValue::new(
                "image",
                format!("must be at most {} base64 characters", Self::MAX_LEN),
            ));
        }
        let bytes = STANDARD
            .decode(base64)
            .map_err(|error| InvalidValue::new("image", format!("is not base64: {error}")))?;
        if !bytes.starts_with(signature) {
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
