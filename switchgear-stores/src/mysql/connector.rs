use std::time::Duration;

use diesel::connection::CacheSize;
use diesel_async::{AsyncConnection as _, AsyncMysqlConnection, SimpleAsyncConnection as _};
use mysql_async::{Conn, DriverError, Error, IoError, Opts, OptsBuilder, SslOpts};
use rustls::{CertificateError, Error as TlsError};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::{task::spawn_blocking, time::timeout};

use super::{
    failures::{FAILURES, NO_ANSWER, of_connecting, tls_error},
    tls::SslMode,
    url::Target,
};
use crate::sql::{Failure, Fault};

/// How long a new connection may take, with its TLS and its login.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// When a silent connection is probed, in milliseconds.
const TCP_KEEPALIVE: u32 = 30_000;

/// As many statements as the store has, and some: its cache holds all of them or none.
const STATEMENTS: usize = 32;

/// What each connection is set to, whatever the server's own settings are.
///
/// English words, because failures are told by them. Strict mode, because a value that does not fit
/// must be an error. Locks, those of DDL too, are waited for shortly. A read takes no lock, and a
/// write only those of the rows that it finds: no gap beside them, which others could not fill then.
const SETTINGS: &str = "\
    SET NAMES utf8mb4 COLLATE utf8mb4_bin; \
    SET SESSION lc_messages = 'en_US', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', \
    autocommit = 1, innodb_lock_wait_timeout = 5, lock_wait_timeout = 5; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// Makes connections to one database.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    target: Target,
}

impl Connector {
    pub(super) fn new(target: Target) -> Self {
        Self { target }
    }

    /// A connection that is logged in and set up.
    ///
    /// # Errors
    /// `Unavailable` or `Timeout`, in words that say what to do.
    pub(super) async fn connect(&self) -> Result<AsyncMysqlConnection, StoreError> {
        timeout(CONNECT_TIMEOUT, self.establish())
            .await
            .unwrap_or_else(|_| Err(explained(NO_ANSWER)))
    }

    async fn establish(&self) -> Result<AsyncMysqlConnection, StoreError> {
        let options = self.tls_options().await?;
        let connection = self.open(options).await.map_err(refused)?;
        self.set_up(connection).await
    }

    async fn tls_options(&self) -> Result<Option<SslOpts>, StoreError> {
        // A Unix socket leads nowhere but to this machine.
        if self.target.socket.is_some() {
            return Ok(None);
        }
        let tls = self.target.tls.clone();
        let options = spawn_blocking(move || tls.options());
        options.await.unwrap_or_else(|error| {
            let message = "the files named in the database URL could not be read";
            Err(StoreError::new(StoreErrorKind::Unavailable, message).with_source(error))
        })
    }

    async fn open(&self, tls: Option<SslOpts>) -> Result<Conn, Error> {
        let opened = Conn::new(self.options(tls.clone())).await;
        let (Err(error), Some(tls)) = (&opened, tls) else {
            return opened;
        };
        match self.target.tls.mode {
            SslMode::Preferred if is_without_tls(error) => Conn::new(self.options(None)).await,
            SslMode::VerifyCa => match presented_name(error) {
                Some(name) => {
                    let tls = tls.with_danger_tls_hostname_override(Some(name));
                    Conn::new(self.options(Some(tls))).await
                }
                None => opened,
            },
            _ => opened,
        }
    }

    fn options(&self, tls: Option<SslOpts>) -> Opts {
        let target = &self.target;
        OptsBuilder::default()
            .ip_or_hostname(target.host.clone())
            .tcp_port(target.port)
            .socket(target.socket.clone())
            .user(target.user.clone())
            .pass(target.password.clone())
            .db_name(Some(target.database.clone()))
            .ssl_opts(tls)
            // The driver would look for the server's own socket and leave TCP, and its TLS, for it.
            .prefer_socket(false)
            .tcp_keepalive(Some(TCP_KEEPALIVE))
            // An update counts the rows it found: one that changes nothing is an update too.
            .client_found_rows(true)
            // diesel keeps the statements; a second cache would close them under its hands.
            .stmt_cache_size(0)
            .into()
    }

    async fn set_up(&self, connection: Conn) -> Result<AsyncMysqlConnection, StoreError> {
        let mut connection = AsyncMysqlConnection::try_from(connection)
            .await
            .map_err(|error| explained(Failure::UNKNOWN).with_source(error))?;
        if self.target.statement_cache_capacity < STATEMENTS {
            connection.set_prepared_statement_cache_size(CacheSize::Disabled);
        }
        connection
            .batch_execute(SETTINGS)
            .await
            .map_err(|error| Fault::from(error).explained(FAILURES))?;
        Ok(connection)
    }
}

fn refused(error: Error) -> StoreError {
    explained(of_connecting(&error)).with_source(error)
}

fn explained(failure: Failure) -> StoreError {
    StoreError::new(failure.kind, failure.message)
}

fn is_without_tls(error: &Error) -> bool {
    matches!(error, Error::Driver(DriverError::NoClientSslFlagFromServer))
}

/// A name of the server's certificate, of which all is right but the name that was asked for.
///
/// `VERIFY_CA` accepts any name that a trusted authority has signed, but the driver's way to skip
/// the name does not work with its rustls: so the server is asked for under a name that it has. An
/// impostor gains nothing by that, any certificate of the authority would do. One that has no name
/// at all (no `subjectAltName`) is refused.
fn presented_name(error: &Error) -> Option<String> {
    let Error::Io(IoError::Io(error)) = error else {
        return None;
    };
    let TlsError::InvalidCertificate(CertificateError::NotValidForNameContext {
        presented, ..
    }) = tls_error(error)?
    else {
        return None;
    };
    presented.iter().find_map(|name| plain_name(name))
}

/// Reads rustls's rendering, `DnsName("…")` or `IpAddress(…)`.
fn plain_name(presented: &str) -> Option<String> {
    let dns = presented
        .strip_prefix("DnsName(\"")
        .and_then(|name| name.strip_suffix("\")"));
    let address = presented
        .strip_prefix("IpAddress(")
        .and_then(|address| address.strip_suffix(')'));
    let name = dns.or(address)?;
    Some(match name.strip_prefix("*.") {
        Some(domain) => format!("any.{domain}"),
        None => name.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use rustls_pki_types::ServerName;

    use super::*;

    fn wrong_name(presented: &[&str]) -> Error {
        let error = CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("db.example").unwrap(),
            presented: presented.iter().map(|&name| name.to_owned()).collect(),
        };
        io::Error::other(TlsError::from(error)).into()
    }

    #[test]
    fn takes_a_name_that_the_certificate_has() {
        for (presented, name) in [
            (&["DnsName(\"one.example\")"][..], Some("one.example")),
            (&["DirectoryName", "IpAddress(10.0.0.7)"], Some("10.0.0.7")),
            (&["DnsName(\"*.example\")"], Some("any.example")),
            (&["DirectoryName"], None),
            (&[], None),
        ] {
            let found = presented_name(&wrong_name(presented));
            assert_eq!(found.as_deref(), name, "{presented:?}");
        }
    }

    #[test]
    fn takes_no_name_from_a_certificate_with_another_fault() {
        let error = TlsError::from(CertificateError::UnknownIssuer);
        assert_eq!(presented_name(&io::Error::other(error).into()), None);
        let error = io::Error::from(io::ErrorKind::ConnectionReset);
        assert_eq!(presented_name(&error.into()), None);
    }
}
