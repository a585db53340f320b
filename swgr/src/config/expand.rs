//! Shell-style variables in values: `$V`, `${V}`, `${V:-default}`, and `$$` for a dollar sign.
//!
//! Expansion works on the parsed tree, so that comments and keys are left alone and a variable's
//! value never becomes structure.

use super::{
    report::Sink,
    tree::{Node, Scalar, Value},
};

/// Looks a variable up in the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Expands every scalar value below `node`. One that cannot be expanded is reported and refused.
pub(super) fn expand(node: &mut Node, path: &str, env: Env<'_>, sink: &Sink) {
    match &mut node.value {
        Value::Mapping(entries) => {
            for entry in entries {
                let path = super::reader::join(path, &entry.key);
                expand(&mut entry.node, &path, env, sink);
            }
        }
        Value::Sequence(items) => {
            for item in items {
                expand(item, path, env, sink);
            }
        }
        Value::Scalar(scalar) => match expand_text(&scalar.text, env) {
            Ok(Some(text)) => {
                node.value = Value::Scalar(Scalar {
                    text,
                    quoted: scalar.quoted,
                    expanded: true,
                });
            }
            Ok(None) => {}
            Err(error) => {
                sink.error(node.at, path, error.message, Some(error.hint));
                node.value = Value::Refused;
            }
        },
        Value::Refused => {}
    }
}

#[derive(Debug)]
struct ExpandError {
    message: String,
    hint: String,
}

/// The expanded text, or `None` when there is nothing to expand in it.
fn expand_text(text: &str, env: Env<'_>) -> Result<Option<String>, ExpandError> {
    if !text.contains('$') {
        return Ok(None);
    }
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = match after.chars().next() {
            Some('$') => {
                expanded.push('$');
                &after[1..]
            }
            Some('{') => {
                let (inner, behind) = braced(&after[1..])?;
                expanded.push_str(&expression(inner, env)?);
                behind
            }
            Some(first) if is_name_start(first) => {
                let (name, behind) = split_name(after);
                expanded.push_str(&look_up(name, env)?);
                behind
            }
            // A dollar sign that begins nothing stands for itself, as in a shell.
            _ => {
                expanded.push('$');
                after
            }
        };
    }
    expanded.push_str(rest);
    Ok(Some(expanded))
}

/// Splits at the brace that closes the one before `text`.
fn braced(text: &str) -> Result<(&str, &str), ExpandError> {
    let mut open = 1_usize;
    for (index, character) in text.char_indices() {
        match character {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return Ok((&text[..index], &text[index + 1..]));
        }
    }
    Err(ExpandError {
        message: "`${` is not closed".to_owned(),
        hint: "close it with `}`, or write $$ for a dollar sign".to_owned(),
    })
}

/// What stands between the braces: a name, or a name and its default.
fn expression(inner: &str, env: Env<'_>) -> Result<String, ExpandError> {
    let (name, default) = match inner.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (inner, None),
    };
    let well_formed =
        name.chars().next().is_some_and(is_name_start) && split_name(name).1.is_empty();
    if !well_formed {
        return Err(ExpandError {
            message: not_a_name(name),
            hint: "write ${NAME} or ${NAME:-default}, or $$ for a dollar sign".to_owned(),
        });
    }
    match (default, env(name).filter(|value| !value.is_empty())) {
        (Some(_), Some(value)) => Ok(value),
        (Some(default), None) => {
            Ok(expand_text(default, env)?.unwrap_or_else(|| default.to_owned()))
        }
        (None, _) => look_up(name, env),
    }
}

/// Says so of `name`, as far as it is one: what stands behind may belong to a default, and that may
/// be a secret.
fn not_a_name(name: &str) -> String {
    let (start, rest) = split_name(name);
    let more = if rest.is_empty() { "" } else { "…" };
    format!("`${{{start}{more}}}` names no variable")
}

fn look_up(name: &str, env: Env<'_>) -> Result<String, ExpandError> {
    env(name).ok_or_else(|| ExpandError {
        message: format!("the environment variable {name} is not set"),
        hint: format!("set it, or give a default: ${{{name}:-default}}"),
    })
}

fn split_name(text: &str) -> (&str, &str) {
    let end = text
        .find(|character: char| !is_name_start(character) && !character.is_ascii_digit())
        .unwrap_or(text.len());
    text.split_at(end)
}

fn is_name_start(character: char) -> bool {
    character.is_ascii_alphabetic() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(name: &str) -> Option<String> {
        match name {
            "HOST" => Some("pay.example.com".to_owned()),
            "EMPTY" => Some(String::new()),
            "DOLLAR" => Some("$HOST".to_owned()),
            _ => None,
        }
    }

    #[test]
    fn expands_every_form() {
        let cases = [
            ("$HOST:80", "pay.example.com:80"),
            ("a ${HOST} b", "a pay.example.com b"),
            ("${UNSET:-127.0.0.1:8080}", "127.0.0.1:8080"),
            ("${EMPTY:-x}", "x"),
            ("${EMPTY}", ""),
            ("${UNSET:-${HOST}}", "pay.example.com"),
            ("${UNSET:-}", ""),
            ("$$HOST costs 5$", "$HOST costs 5$"),
            ("$5", "$5"),
            // A value is never looked at again.
            ("$DOLLAR", "$HOST"),
        ];
        for (text, expected) in cases {
            let expanded = expand_text(text, &env).unwrap();
            assert_eq!(expanded.as_deref(), Some(expected), "{text}");
        }
        assert_eq!(expand_text("no variable", &env).unwrap(), None);
    }

    #[test]
    fn refuses_unset_variables_and_broken_braces() {
        let unset = expand_text("${UNSET}", &env).unwrap_err();
        assert_eq!(unset.message, "the environment variable UNSET is not set");
        assert!(
            expand_text("${HOST", &env)
                .unwrap_err()
                .message
                .contains("is not closed")
        );
        assert!(
            expand_text("${}", &env)
                .unwrap_err()
                .message
                .contains("names no variable")
        );
        assert!(
            expand_text("${A B}", &env)
                .unwrap_err()
                .message
                .contains("names no variable")
        );
    }

    #[test]
    fn never_repeats_the_default_of_a_malformed_expression() {
        for text in [
            "${DB-URL:-postgres://u:hunter2@h/d}",
            "${DB_URL-postgres://u:hunter2@h/d}",
            "${DB_URL:=postgres://u:hunter2@h/d}",
            "${DB_URL:?hunter2}",
            "${DB_URL hunter2}",
            "${:-hunter2}",
            "${5:-hunter2}",
            "${DB_URL:-hunter2",
            "${UNSET:-${DB-URL:-hunter2}}",
        ] {
            let error = expand_text(text, &env).unwrap_err();
            let told = format!("{} {}", error.message, error.hint);
            assert!(!told.contains("hunter2"), "{text}: {told}");
        }
        let error = expand_text("${DB-URL:-hunter2}", &env).unwrap_err();
        assert_eq!(error.message, "`${DB…}` names no variable");
    }
}
