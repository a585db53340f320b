use std::{collections::BTreeSet, fmt, path::PathBuf};

use percent_encoding::percent_decode_str;
use switchgear_core::store::{StoreError, StoreErrorKind};
use url::{Host, Url};

use super::tls::{SslMode, Tls};

/// The schemes of the one protocol.
const SCHEMES: [&str; 2] = ["mysql", "mariadb"];

/// The database that a URL names, and how to get there.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) host: String,
    pub(super) port: u16,
    /// Used instead of host and port.
    pub(super) socket: Option<String>,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) database: String,
    pub(super) tls: Tls,
    pub(super) statement_cache_capacity: usize,
}

impl Target {
    const DEFAULT_PORT: u16 = 3306;
    const DEFAULT_STATEMENT_CACHE_CAPACITY: usize = 100;

    /// Reads `mysql://[user[:password]@][host][:port]/database?OPTIONS`.
    pub(super) fn try_from_url(url: &str) -> Result<Self, StoreError> {
        let url = Url::parse(url).map_err(|_| not_mysql())?;
        if !SCHEMES.contains(&url.scheme()) || url.cannot_be_a_base() || url.fragment().is_some() {
            return Err(not_mysql());
        }
        let user = Some(decoded(url.username())?).filter(|user| !user.is_empty());
        let mut target = Self {
            host: host(&url)?,
            port: url.port().unwrap_or(Self::DEFAULT_PORT),
            socket: None,
            user,
            password: url.password().map(decoded).transpose()?,
            database: database(&url)?,
            tls: Tls::default(),
            statement_cache_capacity: Self::DEFAULT_STATEMENT_CACHE_CAPACITY,
        };
        target.read_options(&url)?;
        Ok(target)
    }

    fn read_options(&mut self, url: &Url) -> Result<(), StoreError> {
        let mut seen = BTreeSet::new();
        let mut mode = None;
        for option in url.query().unwrap_or_default().split('&') {
            if option.is_empty() {
                continue;
            }
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let (name, value) = (decoded(name)?, decoded(value)?);
            if !seen.insert(name.clone()) {
                return Err(invalid(format!("{name} stands twice in the database URL")));
            }
            match name.as_str() {
                "ssl-mode" => mode = Some(SslMode::try_from_name(&value)?),
                _ => self.read_option(&name, value)?,
            }
        }
        // As MySQL's own client: who names an authority wants it asked.
        let verify = self.tls.authorities.is_some();
        let implied = if verify {
            SslMode::VerifyCa
        } else {
            SslMode::Preferred
        };
        self.tls.mode = mode.unwrap_or(implied);
        self.tls.check()
    }

    fn read_option(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        if value.is_empty() {
            return Err(invalid(format!("{name} in the database URL has no value")));
        }
        match name {
            "ssl-ca" => self.tls.authorities = Some(PathBuf::from(value)),
            "ssl-cert" => self.tls.certificate = Some(PathBuf::from(value)),
            "ssl-key" => self.tls.key = Some(PathBuf::from(value)),
            "socket" => self.socket = Some(value),
            "statement-cache-capacity" => {
                self.statement_cache_capacity = value.parse().map_err(|_| {
                    invalid(format!("{name} in the database URL must be a whole number"))
                })?;
            }
            "charset" if value.eq_ignore_ascii_case("utf8mb4") => {}
            "charset" => {
                return Err(invalid(format!(
                    "{name} in the database URL must be utf8mb4, the one that holds every letter"
                )));
            }
            _ => return Err(unknown_option(name)),
        }
        Ok(())
    }
}

/// Where the database is, without user and password.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mysql://")?;
        match (&self.socket, self.host.contains(':')) {
            (Some(socket), _) => write!(f, "{socket}")?,
            (None, true) => write!(f, "[{}]:{}", self.host, self.port)?,
            (None, false) => write!(f, "{}:{}", self.host, self.port)?,
        }
        write!(f, "/{}", self.database)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

fn host(url: &Url) -> Result<String, StoreError> {
    match url.host() {
        None | Some(Host::Domain("")) => Ok("localhost".to_owned()),
        Some(Host::Domain(name)) => decoded(name),
        Some(Host::Ipv4(address)) => Ok(address.to_string()),
        Some(Host::Ipv6(address)) => Ok(address.to_string()),
    }
}

fn database(url: &Url) -> Result<String, StoreError> {
    let name = decoded(url.path().trim_start_matches('/'))?;
    if name.is_empty() || name.contains('/') {
        return Err(not_mysql());
    }
    Ok(name)
}

fn decoded(text: &str) -> Result<String, StoreError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.map_err(|_| not_mysql())?;
    if decoded.contains('\0') {
        return Err(not_mysql());
    }
    Ok(decoded.into_owned())
}

/// The URL itself is not repeated: it may hold a password.
fn not_mysql() -> StoreError {
    invalid(
        "the database URL must look like mysql://user:password@host:3306/database, with the \
         reserved letters of a password percent-encoded",
    )
}

fn unknown_option(name: &str) -> StoreError {
    invalid(format!(
        "the database URL has an unknown option {name:?}: known are ssl-mode, ssl-ca, ssl-cert, \
         ssl-key, socket, statement-cache-capacity and charset"
    ))
}

pub(super) fn invalid(message: impl Into<String>) -> StoreError {
    StoreError::new(StoreErrorKind::Invalid, message.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Target {
        Target::try_from_url(url).unwrap()
    }

    fn refusal(url: &str) -> String {
        let error = Target::try_from_url(url).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Invalid, "{url}");
        error.to_string()
    }

    #[test]
    fn fills_in_what_is_not_named() {
        let target = target("mysql:///offers");
        assert_eq!((target.host.as_str(), target.port), ("localhost", 3306));
        assert_eq!((target.user, target.password), (None, None));
        assert_eq!(target.database, "offers");
        assert_eq!(target.socket, None);
        assert_eq!(target.tls, Tls::default());
        assert_eq!(target.tls.mode, SslMode::Preferred);
        assert_eq!(target.statement_cache_capacity, 100);
    }

    #[test]
    fn decodes_user_password_database_and_options() {
        let target = target(
            "mariadb://sw%40gr:p%2Fa%3Ass%23@db.example:3307/my%20offers?socket=%2Frun%2Fmy%20sql.sock&statement-cache-capacity=0&charset=UTF8MB4",
        );
        assert_eq!(target.user.as_deref(), Some("sw@gr"));
        assert_eq!(target.password.as_deref(), Some("p/a:ss#"));
        assert_eq!((target.host.as_str(), target.port), ("db.example", 3307));
        assert_eq!(target.database, "my offers");
        assert_eq!(target.socket.as_deref(), Some("/run/my sql.sock"));
        assert_eq!(target.statement_cache_capacity, 0);
    }

    #[test]
    fn knows_numeric_hosts() {
        assert_eq!(target("mysql://127.0.0.1/x").host, "127.0.0.1");
        let target = target("mysql://[::1]:3307/x");
        assert_eq!((target.host.as_str(), target.port), ("::1", 3307));
        assert_eq!(target.to_string(), "mysql://[::1]:3307/x");
    }

    #[test]
    fn reads_the_modes_of_tls_in_any_case() {
        for (name, mode) in [
            ("DISABLED", SslMode::Disabled),
            ("preferred", SslMode::Preferred),
            ("Required", SslMode::Required),
            ("verify_ca", SslMode::VerifyCa),
            ("VERIFY_IDENTITY", SslMode::VerifyIdentity),
        ] {
            let target = target(&format!("mysql://db/x?ssl-mode={name}&ssl-ca=/ca.pem"));
            assert_eq!(target.tls.mode, mode);
            assert_eq!(target.tls.authorities, Some(PathBuf::from("/ca.pem")));
        }
        let target = target("mysql://db/x?ssl-ca=/ca.pem");
        assert_eq!(target.tls.mode, SslMode::VerifyCa, "implied by ssl-ca");
    }

    #[test]
    fn names_the_option_that_it_refuses() {
        for (options, part) in [
            ("ssl-mode=ON", "ssl-mode"),
            ("ssl-mode", "ssl-mode"),
            ("sslmode=require", "unknown option \"sslmode\""),
            ("socket=", "socket"),
            ("statement-cache-capacity=-1", "statement-cache-capacity"),
            ("charset=latin1", "charset"),
            ("ssl-ca=/a&ssl-ca=/b", "ssl-ca stands twice"),
            ("ssl-cert=/a", "ssl-key"),
            ("ssl-key=/a", "ssl-cert"),
        ] {
            let message = refusal(&format!("mysql://user:hunter2@db/x?{options}"));
            assert!(message.contains(part), "{options}: {message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }

    #[test]
    fn refuses_what_names_no_database_without_repeating_a_password() {
        for url in [
            "postgres://user:hunter2@db/x",
            "mysql://user:hunter2@db",
            "mysql://user:hunter2@db/",
            "mysql://user:hunter2@db/x/y",
            "mysql://user:hunter2@db:99999/x",
            "mysql://user:hunter2#@db/x",
            "mysql://user:hunter2%ff@db/x",
            "mysql://user:hunter2%00@db/x",
            "mysql:hunter2",
            "",
        ] {
            let message = refusal(url);
            assert!(message.contains("mysql://user:password@host"), "{message}");
            assert!(!message.contains("hunter2"), "{message}");
        }
    }
}
