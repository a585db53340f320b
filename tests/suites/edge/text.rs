use rand::{RngExt as _, rngs::StdRng};

/// Letters of one to four bytes, what joins others, what turns the direction, and what JSON, HTML, CSV
/// and a log have a meaning for; no U+0000, which no record may hold.
const LETTERS: [char; 24] = [
    'a', 'Z', '0', ' ', '"', '\\', '/', '<', '&', '\'', '=', '+', '%', '\t', '\r', '\n', '\u{7f}',
    'ä', '\u{301}', '€', '\u{202e}', '\u{2028}', '⚡', '🦀',
];

/// Up to `most` letters.
pub(crate) fn random_text(random: &mut StdRng, most: usize) -> String {
    let length = random.random_range(0..=most);
    (0..length)
        .map(|_| LETTERS[random.random_range(0..LETTERS.len())])
        .collect()
}

/// The text in a query: every byte in per cent, so that none is left to chance.
pub(crate) fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
