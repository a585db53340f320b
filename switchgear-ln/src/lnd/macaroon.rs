use std::path::Path;

use tonic::metadata::{Ascii, MetadataValue};

use crate::grpc::{CredentialError, read_file};

/// LND's own are a quarter of a kilobyte; caveats add to that.
const LARGEST: usize = 8 * 1024;

/// The length of a signature, an HMAC-SHA256.
const SIGNATURE: usize = 32;

/// The `macaroon` header: the file in hex, marked as sensitive.
#[derive(PartialEq)]
pub(super) struct Macaroon(MetadataValue<Ascii>);

impl Macaroon {
    /// Reads a file that looks like a macaroon from its first byte to its last: what is sent to the
    /// node is no other file by mistake, nor one that is half written.
    pub(super) fn read(path: &Path) -> Result<Self, CredentialError> {
        let content = read_file(path)?;
        check(&content).map_err(|reason| CredentialError::content(path, reason))?;
        let mut header = MetadataValue::try_from(hex::encode(content))
            .map_err(|_| CredentialError::content(path, "is no header"))?;
        header.set_sensitive(true);
        Ok(Self(header))
    }

    /// What goes with each call.
    pub(super) fn header(&self) -> MetadataValue<Ascii> {
        self.0.clone()
    }
}

fn check(content: &[u8]) -> Result<(), &'static str> {
    if content.len() <= LARGEST && is_macaroon(content) {
        return Ok(());
    }
    let is_hex = content.len() <= 2 * LARGEST
        && hex::decode(content.trim_ascii()).is_ok_and(|binary| is_macaroon(&binary));
    Err(if is_hex {
        "holds a macaroon in hex: store the binary file"
    } else {
        "is no macaroon"
    })
}

/// Whether it is the one or the other binary format, and whole
/// (<https://github.com/rescrv/libmacaroons/blob/master/doc/format.txt>).
fn is_macaroon(content: &[u8]) -> bool {
    match content.split_first() {
        Some((2, sections)) => is_version_2(sections).is_some(),
        _ => is_version_1(content).is_some(),
    }
}

/// Sections of fields, each ended by a zero: the macaroon's own, one for each caveat, an empty one.
/// The signature is last.
fn is_version_2(sections: &[u8]) -> Option<()> {
    const END: u64 = 0;
    const SIGNATURE_FIELD: u64 = 6;

    let mut rest = sections;
    let mut fields = 0;
    let mut own = true;
    loop {
        let (kind, after) = number(rest)?;
        rest = after;
        if kind != END {
            (_, rest) = sized(rest)?;
            fields += 1;
        } else if fields > 0 {
            (fields, own) = (0, false);
        } else {
            break;
        }
    }
    let (SIGNATURE_FIELD, rest) = number(rest)? else {
        return None;
    };
    let (signature, rest) = sized(rest)?;
    (!own && signature.len() == SIGNATURE && rest.is_empty()).then_some(())
}

/// A length, and as many bytes; then what follows.
fn sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

/// A number in groups of seven bits, the lowest first; then what follows.
fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (index, byte) in (0..5).zip(bytes) {
        number |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((number, bytes.get(index + 1..)?));
        }
    }
    None
}

/// Lines, each of which begins with its own length in four hexadecimal digits; the signature is last.
fn is_version_1(content: &[u8]) -> Option<()> {
    let mut rest = content;
    let mut last = content;
    while !rest.is_empty() {
        let (digits, _) = rest.split_at_checked(4)?;
        // Without this a sign would be taken for a digit.
        if !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        let length = usize::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
        let (packet, after) = rest.split_at_checked(length)?;
        (_, last) = packet.split_at_checked(4)?;
        rest = after;
    }
    let signature = last.strip_prefix(b"signature ")?.strip_suffix(b"\n")?;
    (signature.len() == SIGNATURE).then_some(())
}

/// A macaroon of version 2 with a caveat, which no node made.
#[cfg(test)]
pub(super) fn example(identifier: &[u8]) -> Vec<u8> {
    let field = |kind: u8, content: &[u8]| {
        let length = u8::try_from(content.len()).unwrap();
        [&[kind, length], content].concat()
    };
    [
        vec![2],
        field(1, b"lnd"),
        field(2, identifier),
        vec![0],
        field(2, b"time-before 2100-01-01T00:00:00Z"),
        vec![0, 0],
        field(6, &[7; SIGNATURE]),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const NONE: Result<(), &str> = Err("is no macaroon");

    fn version_1() -> Vec<u8> {
        let packet = |text: &[u8]| [format!("{:04x}", text.len() + 4).as_bytes(), text].concat();
        let signature = [b"signature ", &[7; SIGNATURE][..], b"\n"].concat();
        [
            packet(b"location lnd\n"),
            packet(b"identifier alice\n"),
            packet(&signature),
        ]
        .concat()
    }

    #[test]
    fn takes_whole_macaroons_of_both_versions_and_no_part_of_one() {
        let long = [
            // A length of two bytes, and no caveat.
            [2, 2, 0x80, 0x02].to_vec(),
            vec![b'x'; 256],
            vec![0, 0, 6, 32],
            vec![7; SIGNATURE],
        ]
        .concat();
        for whole in [example(b"alice"), version_1(), long] {
            assert_eq!(check(&whole), Ok(()));
            for length in 0..whole.len() {
                assert_eq!(check(&whole[..length]), NONE, "{length}");
            }
            assert_eq!(check(&[&whole[..], b"\n"].concat()), NONE);
        }
    }

    #[test]
    fn takes_no_other_file() {
        let mut large = vec![2, 2, 0x80, 0x40];
        large.resize(4 + LARGEST, b'x');
        large.extend([0, 0, 6, 32]);
        large.extend([7; SIGNATURE]);
        assert!(is_macaroon(&large));
        for content in [
            &large[..],
            b"-----BEGIN PRIVATE KEY-----\n",
            b"a macaroon of another node",
            b"+0f1",
            b"0000",
            b"0001",
            // No identifier, no field of a signature, a number without end.
            &[&[2, 0, 6, 32], &[7; SIGNATURE][..]].concat(),
            &[&[2, 2, 1, 1, 0, 0, 5, 32], &[7; SIGNATURE][..]].concat(),
            &[2, 0x80, 0x80, 0x80, 0x80, 0x80, 0],
        ] {
            assert_eq!(check(content), NONE, "{content:?}");
        }
    }

    #[test]
    fn tells_one_in_hex() {
        let text = hex::encode(example(b"alice"));
        let hex = Err("holds a macaroon in hex: store the binary file");
        assert_eq!(check(text.as_bytes()), hex);
        assert_eq!(
            check(format!("{}\r\n", text.to_uppercase()).as_bytes()),
            hex
        );
        assert_eq!(check(&text.as_bytes()[2..]), NONE);
    }

    #[test]
    fn names_the_file_and_nothing_of_its_content() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("shadow");
        fs::write(&path, "root:secret").unwrap();
        let Err(error) = Macaroon::read(&path) else {
            panic!("a file of another kind is no macaroon");
        };
        let expected = format!("{} is no macaroon", path.display());
        assert_eq!(error.to_string(), expected);
    }
}
