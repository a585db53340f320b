use std::{sync::Arc, time::Duration};

use switchgear_core::{
    ErrorChain, Moment,
    backend::{Backend, BackendSnapshot, DiscoveryFeed, SnapshotVersion},
    store::{StoreError, StoreErrorKind},
};
use tokio::time::{Instant, timeout};
use tracing::{info, warn};

/// What is known of discovery, and how its failures are told.
#[derive(Debug, Default)]
pub(super) struct Discovery {
    version: Option<SnapshotVersion>,
    /// When the failure that lasts was last logged.
    failure_logged: Option<Instant>,
}

/// Whether discovery is being asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Discovering {
    Idle,
    /// Since when.
    Asking(Moment),
    /// Since when; and it changed meanwhile, perhaps too late for this answer.
    AskingAndChanged(Moment),
}

impl Discovery {
    /// No store takes longer.
    const LONGEST: Duration = Duration::from_secs(30);

    /// How often a failure that lasts is logged.
    const REMINDER: Duration = Duration::from_secs(60);

    /// Asks `feed` for what is new since the last snapshot taken.
    pub(super) fn ask(
        &self,
        feed: &Arc<dyn DiscoveryFeed>,
    ) -> impl Future<Output = Result<BackendSnapshot, StoreError>> + Send + 'static {
        let feed = Arc::clone(feed);
        let known = self.version.clone();
        async move {
            let late = || StoreError::new(StoreErrorKind::Timeout, "no answer in time");
            timeout(Self::LONGEST, feed.snapshot(known.as_ref()))
                .await
                .unwrap_or_else(|_| Err(late()))
        }
    }

    /// Takes an answer: the backends, where they changed.
    pub(super) fn take(
        &mut self,
        answer: Result<BackendSnapshot, StoreError>,
    ) -> Option<Vec<Backend>> {
        let snapshot = match answer {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.log_failure(&error);
                return None;
            }
        };
        if self.failure_logged.take().is_some() {
            info!("discovery can be read again");
        }
        match snapshot {
            BackendSnapshot::Unchanged => None,
            BackendSnapshot::Changed {
                version, backends, ..
            } => {
                self.version = Some(version);
                Some(backends)
            }
        }
    }

    fn log_failure(&mut self, error: &StoreError) {
        let told = self
            .failure_logged
            .is_some_and(|at| at.elapsed() < Self::REMINDER);
        if !told {
            let error = ErrorChain(error);
            warn!("discovery cannot be read, the nodes known so far go on serving: {error}");
            self.failure_logged = Some(Instant::now());
        }
    }
}
