use std::{
    error::Error,
    sync::{Arc, Once},
    time::Duration,
};

use diesel::{ConnectionError, ConnectionResult, dsl::sql, sql_types::Bool};
use diesel_async::{AsyncPgConnection, RunQueryDsl as _, SimpleAsyncConnection as _};
use tokio::{
    task::spawn_blocking,
    time::{Instant, timeout},
};
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

/// Said once, and not with each connection.
static NOT_ENGLISH: Once = Once::new();

/// Connects to the first of the database's hosts that takes us, `within` a time that they share: one
/// that stays silent leaves the others theirs.
pub(super) async fn establish(
    database: Arc<Database>,
    within: Duration,
) -> ConnectionResult<Connection> {
    let deadline = Instant::now() + within;
    let tls = if database.speaks_tls() {
        Some(connector(Arc::clone(&database)).await?)
    } else {
        None
    };
    let mut refusal = bad("the database URL names no host");
    let mut hosts = database.hosts().into_iter();
    while let Some(host) = hosts.next() {
        let share = share(deadline, hosts.len());
        let connection = reach(&database, host, tls.as_ref());
        match timeout(share.min(database.connect_timeout), connection).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(error)) => refusal = error,
            Err(_) => refusal = bad("the database did not answer in time"),
        }
    }
    Err(refusal)
}

/// The time of a host behind which `others` come.
fn share(deadline: Instant, others: usize) -> Duration {
    let left = deadline.saturating_duration_since(Instant::now());
    left / u32::try_from(others).unwrap_or(u32::MAX).saturating_add(1)
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
    if !speak_english(&mut connection).await {
        NOT_ENGLISH.call_once(|| {
            tracing::warn!(
                "the database's messages are not in English, and this user may not change that: some \
                 of its failures are not understood; ALTER ROLE … SET lc_messages = 'C' mends it"
            );
        });
    }
    Ok(connection)
}

/// Asks for English words, unless the server is denied to. Failures are told by them: the driver hands on
/// no more than a few kinds of errors.
async fn speak_english(connection: &mut Connection) -> bool {
    // A refusal within such a block is no line in the server's log.
    const ASK: &str = "
        DO $$ BEGIN
            PERFORM set_config('lc_messages', 'C', false);
        EXCEPTION WHEN insufficient_privilege THEN NULL;
        END $$;
    ";
    is_english(connection).await
        || (connection.batch_execute(ASK).await.is_ok() && is_english(connection).await)
}

async fn is_english(connection: &mut Connection) -> bool {
    let query = sql::<Bool>("current_setting('lc_messages') ~* '^(c|posix|en|english)([^a-z]|$)'");
    // Where it does not say, its words decide.
    diesel::select(query)
        .get_result(connection)
        .await
        .unwrap_or(true)
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Hosts that take connections and say nothing: the kernel does that much for them.
    #[tokio::test]
    async fn silent_hosts_share_the_time_and_none_goes_unasked() {
        let within = Duration::from_millis(600);
        let hosts = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let names = hosts.each_ref().map(|host| host.local_addr().unwrap());
        let names = names.map(|name| name.to_string()).join(",");
        let url = format!("postgres://me@{names}/x?sslmode=disable");
        let database = Arc::new(Database::try_from_url(&url).unwrap());
        assert!(database.connect_timeout > within);

        let start = Instant::now();
        let outcome = establish(database, within).await;
        let words = outcome.err().expect("nobody answers").to_string();
        assert!(words.contains("did not answer in time"), "{words}");
        let took = start.elapsed();
        assert!(took >= within, "given up after {took:?}");
        assert!(
            took < Duration::from_secs(5),
            "as long as one host may take: {took:?}"
        );
        for host in hosts {
            host.set_nonblocking(true).unwrap();
            host.accept().expect("each was asked");
        }
    }
}
