//! The syntax of `Forwarded` (RFC 7239, 4).

use super::{ForwardedError, chain::Hop};

const MALFORMED: ForwardedError = ForwardedError::Malformed("Forwarded");

/// The elements of the list, empty ones left out. Parameters of other names are ignored.
pub(super) fn parse(text: &str) -> Result<Vec<Hop>, ForwardedError> {
    let mut hops = Vec::new();
    let mut rest = text;
    loop {
        let (hop, behind) = element(rest)?;
        hops.extend(hop);
        match behind {
            Some(behind) => rest = behind,
            None => return Ok(hops),
        }
    }
}

/// One element, and what stands behind its comma.
fn element(text: &str) -> Result<(Option<Hop>, Option<&str>), ForwardedError> {
    let mut hop = Hop::default();
    let mut is_empty = true;
    let mut rest = blank(text);
    loop {
        if !rest.starts_with([',', ';']) && !rest.is_empty() {
            let (name, value, behind) = pair(rest)?;
            set(&mut hop, name, value)?;
            is_empty = false;
            rest = blank(behind);
        }
        let hop = || (!is_empty).then(|| hop.clone());
        match rest.as_bytes().first() {
            None => return Ok((hop(), None)),
            Some(b',') => return Ok((hop(), Some(skip(rest)))),
            Some(b';') => rest = blank(skip(rest)),
            Some(_) => return Err(MALFORMED),
        }
    }
}

fn set(hop: &mut Hop, name: &str, value: String) -> Result<(), ForwardedError> {
    let field = match name {
        name if name.eq_ignore_ascii_case("for") => &mut hop.sender,
        name if name.eq_ignore_ascii_case("proto") => &mut hop.scheme,
        name if name.eq_ignore_ascii_case("host") => &mut hop.host,
        _ => return Ok(()),
    };
    match field.replace(value) {
        Some(_) => Err(ForwardedError::Ambiguous("Forwarded")),
        None => Ok(()),
    }
}

/// `name=value`, and what stands behind it.
fn pair(text: &str) -> Result<(&str, String, &str), ForwardedError> {
    let (name, rest) = token(text)?;
    let rest = rest.strip_prefix('=').ok_or(MALFORMED)?;
    match rest.strip_prefix('"') {
        Some(quoted) => {
            let (value, rest) = quoted_string(quoted)?;
            Ok((name, value, rest))
        }
        None => {
            let (value, rest) = unquoted(rest)?;
            Ok((name, value.to_owned(), rest))
        }
    }
}

fn token(text: &str) -> Result<(&str, &str), ForwardedError> {
    split_where(text, |byte| !is_token(byte))
}

/// A token, or what proxies leave unquoted against the grammar: addresses with colons and brackets.
fn unquoted(text: &str) -> Result<(&str, &str), ForwardedError> {
    split_where(text, |byte| {
        !is_token(byte) && !matches!(byte, b':' | b'[' | b']')
    })
}

fn split_where(text: &str, ends: impl Fn(u8) -> bool) -> Result<(&str, &str), ForwardedError> {
    let end = text.bytes().position(ends).unwrap_or(text.len());
    match text.split_at_checked(end) {
        Some((head, rest)) if !head.is_empty() => Ok((head, rest)),
        _ => Err(MALFORMED),
    }
}

/// The text up to the closing quote, without the backslashes that escape, and what is behind it.
fn quoted_string(text: &str) -> Result<(String, &str), ForwardedError> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next().ok_or(MALFORMED)? {
            '"' => return Ok((value, characters.as_str())),
            '\\' => value.push(characters.next().ok_or(MALFORMED)?),
            character => value.push(character),
        }
    }
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn blank(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// Everything behind the first byte, which is ASCII.
fn skip(text: &str) -> &str {
    text.get(1..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hop(sender: &str, scheme: &str, host: &str) -> Hop {
        let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Hop {
            sender: given(sender),
            scheme: given(scheme),
            host: given(host),
        }
    }

    #[test]
    fn reads_lists_of_pairs_with_quotes_blanks_and_foreign_names() {
        for (text, hops) in [
            ("for=192.0.2.43", vec![hop("192.0.2.43", "", "")]),
            (
                "For=\"[2001:db8:cafe::17]:4711\"",
                vec![hop("[2001:db8:cafe::17]:4711", "", "")],
            ),
            (
                "for=192.0.2.60;proto=http;by=203.0.113.43",
                vec![hop("192.0.2.60", "http", "")],
            ),
            (
                "for=192.0.2.43, for=198.51.100.17",
                vec![hop("192.0.2.43", "", ""), hop("198.51.100.17", "", "")],
            ),
            (
                " for=_hidden ; HOST=\"a.example:8443\" ,, ;proto=https;",
                vec![hop("_hidden", "", "a.example:8443"), hop("", "https", "")],
            ),
            (
                r#"for="1.2.3.4";secret="a,b;\"c\\""#,
                vec![hop("1.2.3.4", "", "")],
            ),
            ("host=a.example:8443", vec![hop("", "", "a.example:8443")]),
            ("for=[::1]:80", vec![hop("[::1]:80", "", "")]),
            (r#"host="\a.example""#, vec![hop("", "", "a.example")]),
            ("", vec![]),
            (" , ,", vec![]),
        ] {
            assert_eq!(parse(text), Ok(hops), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_well_formed() {
        for text in [
            "for",
            "for=",
            "=1.2.3.4",
            "for =1.2.3.4",
            "for= 1.2.3.4",
            "for=\"1.2.3.4",
            "for=\"1.2.3.4\\",
            "for=\"1.2.3.4\"x",
            "for=1.2.3.4 proto=https",
            "for=1.2.3.4/8",
            "for=a@b",
            "1.2.3.4",
        ] {
            assert_eq!(parse(text), Err(MALFORMED), "{text}");
        }
        for text in ["for=1.2.3.4;For=1.2.3.4", "host=a;proto=http;host=b"] {
            let several = ForwardedError::Ambiguous("Forwarded");
            assert_eq!(parse(text), Err(several), "{text}");
        }
    }
}
