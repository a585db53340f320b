use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use switchgear_core::store::{StoreError, StoreErrorKind};

/// The options of a connection URL by libpq's names, percent-decoded, those of its authority and
/// path among them: `user`, `password`, `host`, `port`, `dbname`. Empty ones count as absent.
#[derive(Default)]
pub(super) struct UrlOptions(BTreeMap<String, String>);

impl UrlOptions {
    /// Reads `postgres://` and `postgresql://[user[:password]@][host][:port][,…][/dbname][?options]`.
    pub(super) fn try_from_url(url: &str) -> Result<Self, StoreError> {
        let rest = url
            .strip_prefix("postgresql://")
            .or_else(|| url.strip_prefix("postgres://"))
            .ok_or_else(not_postgres)?;
        let mut options = Self::default();
        let rest = options.take_credentials(rest)?;
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = rest.split_once('/').unwrap_or((rest, ""));
        options.set_hosts(authority)?;
        options.set("dbname", database)?;
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').ok_or_else(|| {
                invalid("the database URL has an option without a value: write name=value")
            })?;
            options.set(&decoded(name)?, value)?;
        }
        Ok(options)
    }

    /// The option, which is then no longer among the others.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        self.0.remove(name)
    }

    /// The names of the options that nobody took.
    pub(super) fn left(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// As in libpq, credentials end at the first `@`, which may stand behind a `?` but no `/`.
    fn take_credentials<'a>(&mut self, rest: &'a str) -> Result<&'a str, StoreError> {
        let Some(end) = rest
            .find(['@', '/'])
            .filter(|end| rest[*end..].starts_with('@'))
        else {
            return Ok(rest);
        };
        let (credentials, rest) = (&rest[..end], &rest[end + 1..]);
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        self.set("user", user)?;
        self.set("password", password)?;
        Ok(rest)
    }

    /// Hosts and ports go into lists of equal length.
    fn set_hosts(&mut self, authority: &str) -> Result<(), StoreError> {
        if authority.is_empty() {
            return Ok(());
        }
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for each in authority.split(',') {
            let (host, port) = host_and_port(each)?;
            hosts.push(decoded(host)?);
            ports.push(decoded(port)?);
        }
        self.0.insert("host".to_owned(), hosts.join(","));
        self.0.insert("port".to_owned(), ports.join(","));
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), StoreError> {
        let value = decoded(value)?;
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name.to_owned(), value);
        }
        Ok(())
    }
}

/// An IPv6 address stands in brackets.
fn host_and_port(each: &str) -> Result<(&str, &str), StoreError> {
    let bad = || {
        invalid(
            "the database URL's host and port cannot be read: write host:port, an IPv6 address in \
             brackets, and %40, %2F and %3A for @, / and : in a password",
        )
    };
    if each.contains('@') {
        return Err(bad());
    }
    let (host, rest) = match each.strip_prefix('[') {
        Some(rest) => rest.split_once(']').ok_or_else(bad)?,
        None => each.split_at(each.find(':').unwrap_or(each.len())),
    };
    match rest.strip_prefix(':') {
        Some(port) if port.bytes().all(|byte| byte.is_ascii_digit()) => Ok((host, port)),
        None if rest.is_empty() => Ok((host, "")),
        _ => Err(bad()),
    }
}

/// Unlike in HTML forms, `+` stands for itself.
fn decoded(text: &str) -> Result<String, StoreError> {
    let bad = || {
        invalid(
            "the database URL holds a % that is not followed by the two digits of text: write %25",
        )
    };
    for (at, _) in text.match_indices('%') {
        let digits = text.as_bytes().get(at + 1..at + 3).ok_or_else(bad)?;
        if !digits.iter().all(u8::is_ascii_hexdigit) || digits == b"00" {
            return Err(bad());
        }
    }
    let decoded = percent_decode_str(text).decode_utf8().map_err(|_| bad())?;
    Ok(decoded.into_owned())
}

/// The URL itself is not repeated, here and below: it may hold a password.
fn not_postgres() -> StoreError {
    invalid(
        "the database URL must look like postgres://user:password@host:5432/database?sslmode=verify-full",
    )
}

pub(super) fn invalid(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(url: &str) -> Vec<(String, String)> {
        let options = UrlOptions::try_from_url(url).unwrap();
        options.0.into_iter().collect()
    }

    fn refusal(url: &str) -> String {
        let error = UrlOptions::try_from_url(url).err().unwrap();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
        error.to_string()
    }

    #[test]
    fn reads_every_part() {
        let pairs = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
            pairs.iter().map(owned).collect()
        };
        for (url, expected) in [
            ("postgres://", pairs(&[])),
            ("postgresql://db", pairs(&[("host", "db"), ("port", "")])),
            (
                "postgres://alice:s%40cret+%E2%9A%A1@db:5433/shop?sslmode=disable&options=-c%20a%3Db",
                pairs(&[
                    ("dbname", "shop"),
                    ("host", "db"),
                    ("options", "-c a=b"),
                    ("password", "s@cret+⚡"),
                    ("port", "5433"),
                    ("sslmode", "disable"),
                    ("user", "alice"),
                ]),
            ),
            (
                "postgres://alice:what?@a,[::1]:2,%2Frun%2Fpg:3/",
                pairs(&[
                    ("host", "a,::1,/run/pg"),
                    ("password", "what?"),
                    ("port", ",2,3"),
                    ("user", "alice"),
                ]),
            ),
            (
                "postgres:///shop?host=/run/pg&user=bob&password=",
                pairs(&[("dbname", "shop"), ("host", "/run/pg"), ("user", "bob")]),
            ),
            ("postgres:///?host=a@b", pairs(&[("host", "a@b")])),
        ] {
            assert_eq!(options(url), expected, "{url}");
        }
    }

    #[test]
    fn refuses_what_is_no_such_url_without_repeating_it() {
        for (url, part) in [
            ("mysql://alice:hunter2@db/x", "must look like postgres://"),
            ("hunter2", "must look like postgres://"),
            ("postgres://alice:hunter2@db:no/x", "host and port"),
            ("postgres://alice:hunter2@@db/x", "host and port"),
            ("postgres://alice:hunter2/@db/x", "host and port"),
            ("postgres://[::1/x", "host and port"),
            ("postgres://[::1]hunter2/x", "host and port"),
            ("postgres://alice:hunter2%@db/x", "%25"),
            ("postgres://alice:hunter2%zz@db/x", "%25"),
            ("postgres://alice:hunter2%00@db/x", "%25"),
            ("postgres://alice:hunter2%ff@db/x", "%25"),
            ("postgres://db/x?hunter2", "name=value"),
        ] {
            let message = refusal(url);
            assert!(message.contains(part), "{url}: {message}");
            assert!(!message.contains("hunter2"), "{url}: {message}");
        }
    }
}
