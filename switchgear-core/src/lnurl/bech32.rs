//! LUD-01: the bech32 form of an LNURL. <https://github.com/lnurl/luds/blob/luds/01.md>
//!
//! Bech32 promises to find errors in up to 90 characters; LNURLs are longer, and so this checksum is
//! bech32's own without its length limit.

use bech32::{
    Checksum, Hrp,
    primitives::decode::{CheckedHrpstring, CheckedHrpstringError},
};

/// Bech32 (BIP-173) of any length.
#[derive(Debug)]
enum Bech32Unbounded {}

impl Checksum for Bech32Unbounded {
    type MidstateRepr = u32;

    const CODE_LENGTH: usize = usize::MAX;
    const CHECKSUM_LENGTH: usize = bech32::Bech32::CHECKSUM_LENGTH;
    const GENERATOR_SH: [u32; 5] = bech32::Bech32::GENERATOR_SH;
    const TARGET_RESIDUE: u32 = bech32::Bech32::TARGET_RESIDUE;
}

const HRP: Hrp = Hrp::parse_unchecked("lnurl");

/// Encodes `url` as an upper-case LNURL, the form that fits a QR code best.
///
/// ```
/// let lnurl = switchgear_core::lnurl::encode("https://example.com");
/// assert!(lnurl.starts_with("LNURL1"));
/// assert_eq!(switchgear_core::lnurl::decode(&lnurl).unwrap(), "https://example.com");
/// ```
pub fn encode(url: &str) -> String {
    bech32::encode_upper::<Bech32Unbounded>(HRP, url.as_bytes())
        .unwrap_or_else(|_| unreachable!("the checksum knows no length limit"))
}

/// Decodes an LNURL in upper or lower case to its URL.
///
/// # Errors
/// When the text is no bech32, of mixed case, of another kind, or holds no text.
pub fn decode(lnurl: &str) -> Result<String, LnurlDecodeError> {
    let checked = CheckedHrpstring::new::<Bech32Unbounded>(lnurl)?;
    if checked.hrp() != HRP {
        return Err(LnurlDecodeError::Foreign(checked.hrp().to_string()));
    }
    String::from_utf8(checked.byte_iter().collect()).map_err(|_| LnurlDecodeError::NotText)
}

/// Why a text is no LNURL.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LnurlDecodeError {
    /// Not bech32, or its checksum is wrong.
    #[error("is not bech32")]
    Bech32(#[from] CheckedHrpstringError),
    /// Bech32 of something else.
    #[error("begins with {0} instead of lnurl")]
    Foreign(String),
    /// The bytes within are not UTF-8.
    #[error("holds no text")]
    NotText,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of LUD-01.
    const VECTOR: (&str, &str) = (
        "https://service.com/api?q=3fc3645b439ce8e7f2553a69e5267081d96dcd340693afabe04be7b0ccd178df",
        "LNURL1DP68GURN8GHJ7UM9WFMXJCM99E3K7MF0V9CXJ0M385EKVCENXC6R2C35XVUKXEFCV5MKVV34X5EKZD3EV56NYD3HXQURZEPEXEJXXEPNXSCRVWFNV9NXZCN9XQ6XYEFHVGCXXCMYXYMNSERXFQ5FNS",
    );

    #[test]
    fn encodes_and_decodes_the_example_of_the_document() {
        assert_eq!(encode(VECTOR.0), VECTOR.1);
        assert_eq!(decode(VECTOR.1).unwrap(), VECTOR.0);
        assert_eq!(decode(&VECTOR.1.to_lowercase()).unwrap(), VECTOR.0);
    }

    #[test]
    fn refuses_mixed_case_another_kind_and_a_broken_checksum() {
        let mixed = VECTOR.1.replacen("LNURL", "lnurl", 1);
        assert!(matches!(decode(&mixed), Err(LnurlDecodeError::Bech32(_))));

        let other = bech32::encode_lower::<Bech32Unbounded>(
            Hrp::parse("lnbc").unwrap(),
            b"https://example.com",
        )
        .unwrap();
        assert!(matches!(decode(&other), Err(LnurlDecodeError::Foreign(hrp)) if hrp == "lnbc"));

        let broken = VECTOR.1.replacen("DP68", "DP86", 1);
        assert!(matches!(decode(&broken), Err(LnurlDecodeError::Bech32(_))));
    }

    #[test]
    fn refuses_bytes_that_are_no_text() {
        let bytes = bech32::encode_upper::<Bech32Unbounded>(HRP, &[0xff, 0xfe]).unwrap();
        assert_eq!(decode(&bytes).unwrap_err().to_string(), "holds no text");
    }

    proptest::proptest! {
        #[test]
        fn round_trips_urls_of_any_length(path in "[a-z0-9/]{0,4000}") {
            let url = format!("https://example.com/{path}");
            proptest::prop_assert_eq!(decode(&encode(&url)).unwrap(), url);
        }
    }
}
