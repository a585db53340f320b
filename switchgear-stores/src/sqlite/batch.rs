use std::{pin::Pin, sync::Arc};

use diesel::{connection::AnsiTransactionManager, result::Error as SqlError};
use diesel_async::{AsyncConnection, TransactionManager as _};
use switchgear_core::store::StoreError;
use tokio::sync::oneshot;

use super::{connections::Connection, failures::FAILURES, opened_file::OpenedFile, pool::Borrowed};
use crate::sql::{Failure, Fault, Remedy, Work};

type Manager = <Connection as AsyncConnection>::TransactionManager;

type Run<'c> = Pin<Box<dyn Future<Output = Result<(), SqlError>> + Send + 'c>>;

/// A write that is committed together with others, in a savepoint of its own.
pub(super) trait QueuedWrite: Send {
    /// Does the work. Its own failure takes back what it did and nothing else; an error ends the
    /// whole batch.
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> Run<'c>;

    /// Tells the caller, once the batch is committed or lost.
    fn answer(self: Box<Self>, lost: Option<&Arc<SqlError>>);
}

/// Work, and who waits for it.
pub(super) struct Write<R, W, C> {
    work: W,
    /// What to do once it is committed.
    committed: C,
    outcome: Option<Result<R, Fault>>,
    caller: oneshot::Sender<Result<R, StoreError>>,
}

impl<R, W, C> Write<R, W, C> {
    /// The write, and where its answer comes.
    pub(super) fn new(work: W, committed: C) -> (Self, oneshot::Receiver<Result<R, StoreError>>) {
        let (caller, answer) = oneshot::channel();
        let write = Self {
            work,
            committed,
            outcome: None,
            caller,
        };
        (write, answer)
    }
}

impl<R, W, C> QueuedWrite for Write<R, W, C>
where
    R: Send,
    W: for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync,
    C: FnOnce() + Send,
{
    fn run<'c>(&'c mut self, connection: &'c mut Connection) -> Run<'c> {
        Box::pin(async move {
            Manager::begin_transaction(connection).await?;
            match (self.work)(connection).await {
                Ok(result) => {
                    Manager::commit_transaction(connection).await?;
                    self.outcome = Some(Ok(result));
                }
                Err(fault) => {
                    // A full or failing disk makes SQLite roll all back by itself, this savepoint
                    // too, so that it is not found. Writes behind that would stand alone, and those
                    // before it be acknowledged and lost.
                    let is_useless = fault.remedy(FAILURES) == Remedy::Reconnect;
                    match (Manager::rollback_transaction(connection).await, fault) {
                        // No write can succeed on this connection, and the next one must not get it.
                        (_, Fault::Sql(error)) if is_useless => return Err(error),
                        (Ok(()), fault) => self.outcome = Some(Err(fault)),
                        (Err(_), Fault::Sql(error)) => return Err(error),
                        (Err(error), Fault::Refused(_)) => return Err(error),
                    }
                }
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>, lost: Option<&Arc<SqlError>>) {
        let result = match (lost, self.outcome) {
            (None, Some(Ok(result))) => {
                (self.committed)();
                Ok(result)
            }
            (None, Some(Err(fault))) => Err(fault.explained(FAILURES)),
            // A refusal too: it may rest on a record that is lost with the batch.
            (Some(error), _) => {
                let failure = FAILURES.of(error);
                Err(StoreError::new(failure.kind, failure.message).with_source(Arc::clone(error)))
            }
            (None, None) => Err(StoreError::new(
                Failure::UNKNOWN.kind,
                Failure::UNKNOWN.message,
            )),
        };
        // Nobody listens when the caller has given up.
        drop(self.caller.send(result));
    }
}

/// Runs the writes in one transaction, and answers each of them when it holds or is lost.
pub(super) async fn run(
    mut connection: Borrowed,
    mut writes: Vec<Box<dyn QueuedWrite>>,
    file: Arc<OpenedFile>,
) {
    if writes.is_empty() {
        return connection.give_back();
    }
    let lost = commit_together(&mut connection, &mut writes, file)
        .await
        .err();
    match &lost {
        // What was opened for reading alone stays so when the file may be written again.
        Some(error) if FAILURES.of(error).remedy == Remedy::Reconnect => drop(connection),
        _ => connection.give_back(),
    }
    let lost = lost.map(Arc::new);
    for write in writes {
        write.answer(lost.as_ref());
    }
}

/// `BEGIN IMMEDIATE` takes the write lock before the first read: a transaction that reads first and
/// then writes would fail at once, without any wait, had another process written meanwhile.
async fn commit_together(
    connection: &mut Connection,
    writes: &mut [Box<dyn QueuedWrite>],
    file: Arc<OpenedFile>,
) -> Result<(), SqlError> {
    connection
        .spawn_blocking(move |connection| {
            file.check()?;
            AnsiTransactionManager::begin_transaction_sql(connection, "BEGIN IMMEDIATE")
        })
        .await?;
    for write in writes {
        if let Err(error) = write.run(connection).await {
            // A connection that cannot roll back is broken, and the pool will see it.
            drop(Manager::rollback_transaction(connection).await);
            return Err(error);
        }
    }
    Manager::commit_transaction(connection).await
}
