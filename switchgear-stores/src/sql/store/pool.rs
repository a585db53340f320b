//! Connections to borrow, compiled for one database: `sql/mod.rs` says why.

use std::{
    fmt,
    ops::{Deref, DerefMut},
    time::Duration,
};

use deadpool::{Runtime, managed::TimeoutType};
use diesel::ConnectionResult;
use diesel_async::pooled_connection::{
    AsyncDieselConnectionManager, ManagerConfig, PoolError as ManagerError, RecyclingMethod,
    deadpool::{Object, Pool, PoolError},
};
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::time::{Instant, timeout_at};

use super::{connections::Connection, failures::FAILURES};
use crate::sql::{Failure, Fault, Remedy, Work};

/// How long a request may be without a connection in all: while it waits for one that others use, while a
/// new one is made, and again when that from the pool was closed. Shorter than the request's own time, so
/// that it ends with the reason.
const LENDING_TIMEOUT: Duration = Duration::from_secs(9);

/// How long it waits for a connection that others use.
const WAIT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long a new connection may take, whatever `connect` allows itself.
const CREATE_TIMEOUT: Duration = Duration::from_secs(8);

const NOT_CONNECTED: &str = "the database did not answer to a new connection in time: see whether it runs, \
     and the host and port of its URL";

/// A bounded number of connections, each made when it is first needed.
#[derive(Clone)]
pub(super) struct ConnectionPool(Pool<Connection>);

impl ConnectionPool {
    /// `connect` makes a connection, within a time of its own.
    ///
    /// A connection is not tried before it is lent: that would cost a round trip each time, and
    /// prove nothing of the next moment.
    pub(super) fn try_new<F>(
        size: usize,
        connect: impl Fn() -> F + Send + Sync + 'static,
    ) -> Result<Self, StoreError>
    where
        F: Future<Output = ConnectionResult<Connection>> + Send + 'static,
    {
        let mut config = ManagerConfig::default();
        config.custom_setup = Box::new(move |_| Box::pin(connect()));
        config.recycling_method = RecyclingMethod::Fast;
        let manager = AsyncDieselConnectionManager::new_with_config("", config);
        let pool = Pool::builder(manager)
            .max_size(size.max(1))
            .wait_timeout(Some(WAIT_TIMEOUT))
            .create_timeout(Some(CREATE_TIMEOUT))
            .runtime(Runtime::Tokio1);
        pool.build().map(Self).map_err(|error| {
            StoreError::new(StoreErrorKind::Unavailable, "no connections can be made")
                .with_source(error)
        })
    }

    pub(super) async fn checkout(&self) -> Result<Borrowed, StoreError> {
        self.checkout_until(Instant::now() + LENDING_TIMEOUT).await
    }

    async fn checkout_until(&self, end: Instant) -> Result<Borrowed, StoreError> {
        match timeout_at(end, self.0.get()).await {
            Ok(Ok(connection)) => Ok(Borrowed(Some(connection))),
            Ok(Err(error)) => Err(unlent(error)),
            // The wait ends earlier: a connection was being made.
            Err(_) => Err(StoreError::new(StoreErrorKind::Timeout, NOT_CONNECTED)),
        }
    }

    /// Runs work that changes nothing; again on a new connection when that from the pool is closed.
    pub(super) async fn read<R>(
        &self,
        work: impl for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync,
    ) -> Result<R, StoreError> {
        let end = Instant::now() + LENDING_TIMEOUT;
        let mut is_again = false;
        loop {
            let mut connection = self.checkout_until(end).await?;
            let fault = match work(&mut connection).await {
                Ok(result) => {
                    connection.give_back();
                    return Ok(result);
                }
                Err(fault) => fault,
            };
            if fault.remedy(FAILURES) != Remedy::Reconnect {
                connection.give_back();
                return Err(fault.explained(FAILURES));
            }
            drop(connection);
            if is_again {
                return Err(fault.explained(FAILURES));
            }
            is_again = true;
            self.forget_idle();
        }
    }

    /// Where one connection was closed, the others were too: the next ones are new.
    pub(super) fn forget_idle(&self) {
        self.0.retain(|_, _| false);
    }
}

/// Why there is no connection to lend.
fn unlent(error: PoolError) -> StoreError {
    let timeout = |message| StoreError::new(StoreErrorKind::Timeout, message);
    match error {
        PoolError::Timeout(TimeoutType::Wait) => timeout(
            "all connections to the database stayed busy: raise max-connections, or see what keeps \
             the database",
        ),
        PoolError::Timeout(_) => timeout(NOT_CONNECTED),
        PoolError::Backend(ManagerError::QueryError(error)) => {
            Fault::from(error).explained(FAILURES)
        }
        PoolError::Backend(ManagerError::ConnectionError(error)) => unconnected(&error.to_string()),
        error => unconnected(&error.to_string()),
    }
}

/// Why no connection could be made. What connects may have chosen our words already: they are said once.
fn unconnected(words: &str) -> StoreError {
    let failure = match FAILURES.of_words(words) {
        Failure::UNKNOWN => Failure::UNREACHABLE,
        failure => failure,
    };
    let error = StoreError::new(failure.kind, failure.message);
    match words.strip_prefix(failure.message).unwrap_or(words) {
        "" => error,
        rest => error.with_source(rest.trim_start_matches([':', ' '])),
    }
}

impl fmt::Debug for ConnectionPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectionPool").finish_non_exhaustive()
    }
}

/// A connection that goes back into the pool only when its work came to an end: in the midst of a
/// query that nobody waits for any more, it is of no use to the next one.
pub(super) struct Borrowed(Option<Object<Connection>>);

impl Borrowed {
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }
}

impl Deref for Borrowed {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect(BORROWED)
    }
}

impl DerefMut for Borrowed {
    fn deref_mut(&mut self) -> &mut Connection {
        self.0.as_mut().expect(BORROWED)
    }
}

const BORROWED: &str = "a connection is there until it is given back";

impl Drop for Borrowed {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}
