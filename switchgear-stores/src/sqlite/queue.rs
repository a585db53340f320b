use std::{collections::VecDeque, sync::Arc};

use parking_lot::Mutex;
use switchgear_core::store::{StoreError, StoreErrorKind};
use tokio::sync::oneshot;

use super::{
    batch::{self, QueuedWrite},
    pool::ConnectionPool,
};

/// How many writes are committed together at most: more would keep the first of them waiting and
/// save little, the cost of a commit being shared already.
const MOST: usize = 64;

/// The writes that wait for the one connection that writes.
///
/// Who gets that connection takes along all that wait and commits them at once, so that one `fsync`
/// serves many. Nobody waits for others to come: a write that is alone is committed alone.
#[derive(Clone, Default)]
pub(super) struct Queue(Arc<Mutex<Waiting>>);

#[derive(Default)]
struct Waiting {
    /// In rising order of their numbers.
    writes: VecDeque<(u64, Box<dyn QueuedWrite>)>,
    next: u64,
}

impl Queue {
    pub(super) fn push(&self, write: Box<dyn QueuedWrite>) -> Place {
        let mut waiting = self.0.lock();
        let number = waiting.next;
        waiting.next += 1;
        waiting.writes.push_back((number, write));
        Place {
            queue: self.clone(),
            number,
        }
    }

    fn take(&self) -> Vec<Box<dyn QueuedWrite>> {
        let mut waiting = self.0.lock();
        let count = waiting.writes.len().min(MOST);
        let taken = waiting.writes.drain(..count);
        taken.map(|(_, write)| write).collect()
    }

    /// Whether the write was still waiting.
    fn withdraw(&self, number: u64) -> bool {
        let mut waiting = self.0.lock();
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
                Ok(connection) => batch::run(connection, self.queue.take()).await,
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

    use super::{super::connections::Connection, *};

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

    #[test]
    fn gives_so_many_at_once_and_none_that_has_left() {
        let queue = Queue::default();
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
