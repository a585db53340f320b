//! A transaction over the network, compiled for one database: `sql/mod.rs` says why.

use diesel_async::{AsyncConnection, TransactionManager};
use switchgear_core::store::StoreError;

use super::{connections::Connection, failures::FAILURES, pool::ConnectionPool};
use crate::sql::{Fault, Notice, Remedy, Work, retries::Retries};

type Manager = <Connection as AsyncConnection>::TransactionManager;

/// Runs work in one transaction, again when it lost to another one, and once again when the
/// connection is gone before a commit was asked for; behind that, nobody knows whether it holds, and
/// `notice` is given.
pub(super) async fn transaction<R: Send>(
    pool: &ConnectionPool,
    work: impl for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync,
    mut notice: Notice<impl FnOnce() + Send>,
) -> Result<R, StoreError> {
    let mut retries = Retries::default();
    let mut may_reconnect = true;
    loop {
        let mut connection = pool.checkout().await?;
        let (fault, commit_was_asked) = match attempt(&mut connection, &work, &mut notice).await {
            Ok(result) => {
                connection.give_back();
                return Ok(result);
            }
            Err(failed) => failed,
        };
        match fault.remedy(FAILURES) {
            Remedy::Repeat => {
                connection.give_back();
                if retries.pause().await {
                    continue;
                }
            }
            Remedy::Reconnect => {
                drop(connection);
                pool.forget_idle();
                if may_reconnect && !commit_was_asked {
                    may_reconnect = false;
                    continue;
                }
            }
            Remedy::None => connection.give_back(),
        }
        return Err(fault.explained(FAILURES));
    }
}

/// The fault of a transaction that does not hold, and whether its commit was asked for.
async fn attempt<R>(
    connection: &mut Connection,
    work: &(impl for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync),
    notice: &mut Notice<impl FnOnce() + Send>,
) -> Result<R, (Fault, bool)> {
    let before = |fault: Fault| (fault, false);
    Manager::begin_transaction(connection)
        .await
        .map_err(|error| before(error.into()))?;
    match work(connection).await {
        Ok(result) => {
            notice.commit_is_asked();
            match Manager::commit_transaction(connection).await {
                Ok(()) => Ok(result),
                Err(error) => Err((error.into(), true)),
            }
        }
        Err(fault) => {
            // A connection that cannot even roll back is broken, and the pool will see it.
            drop(Manager::rollback_transaction(connection).await);
            Err(before(fault))
        }
    }
}
