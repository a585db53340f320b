use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use super::{
    batch::{self, QueuedWrite},
    opened_file::OpenedFile,
    pool::{Borrowed, ConnectionPool},
};

/// How many writes are committed together at most: more would keep the first of them waiting and
/// save little, the cost of a commit being shared already.
const MOST: usize = 64;

/// The writes that wait for the one connection that writes.
///
/// Who gets that connection takes along all that wait and commits them at once, so that one `fsync`
/// serves many. Nobody waits for others to come: a write that is alone is committed alone.
#[derive(Clone)]
pub(super) struct Queue {
    waiting: Arc<Mutex<Waiting>>,
    file: Arc<OpenedFile>,
}

#[derive(Default)]
struct Waiting {
    /// In rising order of their numbers.
    writes: VecDeque<(u64, Box<dyn QueuedWrite>)>,
    next: u64,
}

impl Queue {
    /// For a database in this file.
    pub(super) fn new(file: OpenedFile) -> Self {
        Self {
            waiting: Arc::default(),
            file: Arc::new(file),
        }
    }

    pub(super) fn push(&self, write: Box<dyn QueuedWrite>) -> Place {
        let mut waiting = self.waiting.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.writes.push_back((number, write));
        Place {
            queue: self.clone(),
            number,
        }
    }

    fn take(&self) -> Vec<Box<dyn QueuedWrite>> {
        let mut waiting = self.waiting.lock();
        let count = waiting.writes.len().min(MOST);
        let taken = waiting.writes.drain(..count);
        taken.map(|(_, write)| write).collect()
    }

    /// On a task of its own: the time of who leads may end, and that of the others goes on.
    async fn run_batch(&self, connection: Borrowed) {
        let batch = batch::run(connection, self.take(), Arc::clone(&self.file));
        // Should it not come to its end, each write of it is told so by its closed channel.
        drop(tokio::spawn(batch).await);
    }

    /// Whether the write was still waiting.
    fn withdraw(&self, number: u64) -> bool {
        let mut waiting = self.waiting.lock();
        let writes = &mut waiting.writes;
        let found = writes.binary_search_by_key(&number, |(number, _)| *number);
        found.is_ok_and(|place| writes.remove(place).is_some())
    }
}

/// A write's place in the queue, which it leaves when nobody waits for it any more.
pub(super) struct Place {
    queue: Queue,
    number: u64,
}

impl Place {
    /// Waits for the write's answer, which may come from whoever got the connection before.
    pub(super) async fn answered<R>(
        self,
        writer: &ConnectionPool,
        mut answer: oneshot::Receiver<Result<R, StoreError>>,
    ) -> Result<R, StoreError> {
        loop {
            let connection = tokio::select! {
                biased;
                answer = &mut answer => return answer.unwrap_or_else(|_| Err(lost())),
                connection = writer.checkout() => connection,
            };
            match connection {
                Ok(connection) => self.queue.run_batch(connection).await,
                Err(error) if self.queue.withdraw(self.number) => return Err(error),
                // Somebody else has it already.
                Err(_) => return answer.await.unwrap_or_else(|_| Err(lost())),
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.withdraw(self.number);
    }
}

/// Whoever had taken the write along did not come to an end.
fn lost() -> StoreError {
    StoreError::new(
        StoreErrorKind::Timeout,
        "the database did not answer in time",
    )
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;

    use diesel::result::Error as SqlError;
    use diesel_async::AsyncConnection as _;
    use tokio::sync::Notify;

    use super::{
        super::{batch::Write, connections::Connection},
        *,
    };
    use crate::sql::Work;

    struct Nothing;

    impl QueuedWrite for Nothing {
        fn run<'c>(
            &'c mut self,
            _: &'c mut Connection,
        ) -> Pin<Box<dyn Future<Output = Result<(), SqlError>> + Send + 'c>> {
            Box::pin(async { Ok(()) })
        }

        fn answer(self: Box<Self>, _: Option<&Arc<SqlError>>) {}
    }

    /// Tells the compiler that a closure takes any connection.
    fn work<R>(
        work: impl for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync,
    ) -> impl for<'c> Fn(&'c mut Connection) -> Work<'c, R> + Send + Sync {
        work
    }

    #[tokio::test]
    async fn a_leader_that_leaves_takes_nobody_along() {
        let pool = ConnectionPool::try_new(1, || Connection::establish(":memory:")).unwrap();
        let queue = Queue::new(OpenedFile::default());
        let (started, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let gates = (Arc::clone(&started), Arc::clone(&may_end));
        let slow = work(move |_| {
            let (started, may_end) = gates.clone();
            Box::pin(async move {
                started.notify_one();
                may_end.notified().await;
                Ok(())
            })
        });
        let quick = work(|_| Box::pin(async { Ok(7) }));
        let (slow, slow_answer) = Write::new(slow, || {});
        let (quick, quick_answer) = Write::new(quick, || {});
        let leader = queue.push(Box::new(slow));
        let _follower = queue.push(Box::new(quick));
        let leader = tokio::spawn(async move { leader.answered(&pool, slow_answer).await });
        started.notified().await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        may_end.notify_one();
        let answer = quick_answer.await.expect("the batch goes on");
        assert_eq!(answer.unwrap(), 7);
    }

    #[test]
    fn gives_so_many_at_once_and_none_that_has_left() {
        let queue = Queue::new(OpenedFile::default());
        let places: Vec<_> = (0..MOST + 3)
            .map(|_| queue.push(Box::new(Nothing)))
            .collect();
        assert_eq!(queue.take().len(), MOST);
        assert!(!queue.withdraw(places[0].number), "it was taken");
        assert!(queue.withdraw(places[MOST + 1].number));
        assert!(!queue.withdraw(places[MOST + 1].number));
        assert_eq!(queue.take().len(), 2);

        let place = queue.push(Box::new(Nothing));
        drop(place);
        assert_eq!(queue.take().len(), 0);
    }
}
