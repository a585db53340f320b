use std::{error::Error, sync::Arc};

use diesel::{ConnectionError, ConnectionResult};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection as _};
use tokio::{task::spawn_blocking, time::timeout};
use tokio_postgres::{
    Error as DriverError, NoTls, Socket,
    config::SslMode as DriverMode,
    error::SqlState,
    tls::{MakeTlsConnect, TlsConnect, TlsStream},
};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{connections::Connection, database::Database, host::Host};

/// What holds in each session. An isolation of its own choice could hide a row that another writer
/// has just committed; what a commit acknowledged must survive a crash; and no session may be
/// waited for without end, unless its owner set other limits.
const SETTINGS: &str = "
    SET default_transaction_isolation = 'read committed';
    SELECT set_config(name, wanted, false)
    FROM (VALUES
        ('synchronous_commit', 'off', 'on'),
        ('statement_timeout', '0', '20s'),
        ('lock_timeout', '0', '8s'),
        ('idle_in_transaction_session_timeout', '0', '60s')
    ) AS settings (name, weak, wanted)
    WHERE current_setting(name) = weak;
";

/// Connects to the first of the database's hosts that takes us.
pub(super) async fn establish(database: Arc<Database>) -> ConnectionResult<Connection> {
    let tls = if database.speaks_tls() {
        Some(connector(Arc::clone(&database)).await?)
    } else {
        None
    };
    let mut refusal = bad("the database URL names no host");
    for host in database.hosts() {
        let connection = reach(&database, host, tls.as_ref());
        match timeout(database.connect_timeout, connection).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => refusal = error,
            Err(_) => refusal = bad("the database did not answer in time"),
        }
    }
    Err(refusal)
}

async fn connector(database: Arc<Database>) -> ConnectionResult<MakeRustlsConnect> {
    spawn_blocking(move || database.tls.connector())
        .await
        .map_err(|error| bad(chain(&error)))?
        .map_err(|error| bad(chain(&error)))
}

async fn reach(
    database: &Database,
    host: &Host,
    tls: Option<&MakeRustlsConnect>,
) -> ConnectionResult<Connection> {
    let mut refusal = None;
    for mode in database.attempts(host) {
        let outcome = match tls {
            Some(tls) if *mode != DriverMode::Disable => {
                connect(database, host, *mode, tls.clone()).await
            }
            _ => connect(database, host, DriverMode::Disable, NoTls).await,
        };
        match outcome {
            Ok(connection) => return set_up(connection).await,
            Err(Refusal::ForGood(error)) => return Err(error),
            Err(Refusal::ForThisMode(error)) => refusal = Some(error),
        }
    }
    Err(refusal.unwrap_or_else(|| bad("the database URL names no mode of TLS")))
}

/// Whether another mode of TLS might be welcome.
enum Refusal {
    ForThisMode(ConnectionError),
    ForGood(ConnectionError),
}

async fn connect<T>(
    database: &Database,
    host: &Host,
    mode: DriverMode,
    tls: T,
) -> Result<Connection, Refusal>
where
    T: MakeTlsConnect<Socket, Stream: TlsStream + Send + 'static>,
    T::TlsConnect: TlsConnect<Socket>,
{
    let (client, connection) = database
        .config(host)
        .ssl_mode(mode)
        .connect(tls)
        .await
        .map_err(|error| refused(&error))?;
    AsyncPgConnection::try_from_client_and_connection(client, connection)
        .await
        .map_err(Refusal::ForGood)
}

/// libpq goes from one mode to the next after any refusal; we do so when it may help, since a
/// password that was wrong with TLS is wrong without, and would be said aloud.
fn refused(error: &DriverError) -> Refusal {
    let words = chain(error);
    match error.code() {
        // pg_hba.conf has no line for connections with, or without, TLS.
        Some(code) if *code == SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
            Refusal::ForThisMode(bad(format!("SQLSTATE {}: {words}", code.code())))
        }
        Some(code) => Refusal::ForGood(bad(format!("SQLSTATE {}: {words}", code.code()))),
        None if words.starts_with("error performing TLS handshake") => {
            Refusal::ForThisMode(bad(words))
        }
        None => Refusal::ForGood(bad(words)),
    }
}

async fn set_up(mut connection: Connection) -> ConnectionResult<Connection> {
    connection
        .batch_execute(SETTINGS)
        .await
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn bad(words: impl Into<String>) -> ConnectionError {
    ConnectionError::BadConnection(words.into())
}

/// An error's words and those of its sources.
fn chain(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}
