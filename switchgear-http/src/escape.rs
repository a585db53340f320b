use std::fmt::{self, Write as _};

/// Writes a text so that it stays on one line of a log: control characters, the Unicode ones that
/// turn lines or text direction included, as escapes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            if moves_the_cursor(c) || matches!(c, '"' | '\\') {
                write!(f, "{}", c.escape_default())?;
            } else {
                f.write_char(c)?;
            }
        }
        Ok(())
    }
}

fn moves_the_cursor(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_hostile_text_on_its_line() {
        let text = "a\r\nb\0\u{1b}[31m\u{202e}\u{2028}\"ü\\";
        assert_eq!(
            Escaped(text).to_string(),
            "a\\r\\nb\\u{0}\\u{1b}[31m\\u{202e}\\u{2028}\\\"ü\\\\"
        );
    }
}
