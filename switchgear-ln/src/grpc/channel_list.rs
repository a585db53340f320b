use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use switchgear_core::{backend::NodeUrl, ln::LnError};

/// How long a list of channels may take. It is asked for as the second part of a health check, which
/// usually may take two seconds: a list that hangs must leave the check its answer.
const LONGEST_LISTING: Duration = Duration::from_secs(1);

/// How a node's list of channels is asked for: a node that keeps it to itself, or is slow to make
/// it, still makes invoices.
#[derive(Debug)]
pub(crate) struct ChannelList {
    node: String,
    failing: AtomicBool,
}

impl ChannelList {
    /// Asks for nothing yet.
    pub(crate) fn new(node: &NodeUrl) -> Self {
        Self {
            node: node.as_url().to_string(),
            failing: AtomicBool::new(false),
        }
    }

    /// What `listing` answers within a second. A failure is told once until there is a list again.
    pub(crate) async fn read<T>(
        &self,
        listing: impl Future<Output = Result<T, LnError>>,
    ) -> Option<T> {
        let reason = match tokio::time::timeout(LONGEST_LISTING, listing).await {
            Ok(Ok(list)) => {
                self.failing.store(false, Ordering::Relaxed);
                return Some(list);
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer within {LONGEST_LISTING:?}"),
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
        ChannelList::new(&NodeUrl::try_new("https://127.0.0.1:10009").unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_a_list_no_longer_than_a_second() {
        let list = list();
        let began = tokio::time::Instant::now();
        assert_eq!(list.read(future::pending::<Result<(), _>>()).await, None);
        assert_eq!(began.elapsed(), LONGEST_LISTING);
        assert!(list.failing.load(Ordering::Relaxed));
    }

    #[tokio::test]
    async fn takes_any_failure_for_no_list_until_there_is_one() {
        let list = list();
        for kind in [LnErrorKind::Unauthorized, LnErrorKind::Protocol] {
            let failed = async { Err::<(), _>(LnError::new(kind, "failed")) };
            assert_eq!(list.read(failed).await, None);
            assert!(list.failing.load(Ordering::Relaxed));
        }
        assert_eq!(list.read(async { Ok(7) }).await, Some(7));
        assert!(!list.failing.load(Ordering::Relaxed));
    }
}
