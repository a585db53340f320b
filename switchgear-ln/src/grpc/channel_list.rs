use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use switchgear_core::{backend::NodeUrl, ln::LnError};
use tokio::time::Instant;

/// How a node's list of channels is asked for: a node that keeps it to itself, or is slow to make
/// it, still makes invoices.
#[derive(Debug)]
pub(crate) struct ChannelList {
    node: String,
    longest: Duration,
    failing: AtomicBool,
}

impl ChannelList {
    /// Asks for nothing yet. A whole health check may take `timeout`, and a list that hangs must leave
    /// it its answer.
    pub(crate) fn new(node: &NodeUrl, timeout: Duration) -> Self {
        Self {
            node: node.as_url().to_string(),
            longest: timeout.mul_f64(0.75),
            failing: AtomicBool::new(false),
        }
    }

    /// When the list must be there, in a check that begins now.
    pub(crate) fn due(&self) -> Instant {
        Instant::now() + self.longest
    }

    /// What `listing` answers until it is due. A failure is told once until there is a list again.
    pub(crate) async fn read<T>(
        &self,
        due: Instant,
        listing: impl Future<Output = Result<T, LnError>>,
    ) -> Option<T> {
        let reason = match tokio::time::timeout_at(due, listing).await {
            Ok(Ok(list)) => {
                self.failing.store(false, Ordering::Relaxed);
                return Some(list);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        let node = &self.node;
        if self.failing.swap(true, Ordering::Relaxed) {
            tracing::debug!(%node, %reason, "the node still does not list its channels");
        } else {
            tracing::warn!(
                %node, %reason,
                "the node does not list its channels, what it can receive is unknown"
            );
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::future;

    use switchgear_core::ln::LnErrorKind;

    use super::*;

    fn list() -> ChannelList {
        let url = NodeUrl::try_new("https://127.0.0.1:10009").unwrap();
        ChannelList::new(&url, Duration::from_secs(2))
    }

    #[tokio::test(start_paused = true)]
    async fn leaves_a_check_its_answer_whatever_the_list_does() {
        let list = list();
        let began = Instant::now();
        let due = list.due();
        tokio::time::sleep(Duration::from_secs(1)).await;
        let hanging = future::pending::<Result<(), _>>();
        assert_eq!(list.read(due, hanging).await, None);
        assert_eq!(began.elapsed(), Duration::from_millis(1_500));
        assert!(list.failing.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn takes_any_failure_for_no_list_until_there_is_one() {
        let list = list();
        for kind in [LnErrorKind::Unauthorized, LnErrorKind::Protocol] {
            let failed = async { Err::<(), _>(LnError::new(kind, "failed")) };
            assert_eq!(list.read(list.due(), failed).await, None);
            assert!(list.failing.load(Ordering::Relaxed));
        }
        assert_eq!(list.read(list.due(), async { Ok(7) }).await, Some(7));
        assert!(!list.failing.load(Ordering::Relaxed));
    }
}
