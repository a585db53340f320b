use std::{sync::Arc, time::Duration};

use switchgear_core::{
    Millisatoshi,
    balance::NodeId,
    ln::{LnError, LnErrorKind, Network, NodeStatus},
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    time::{sleep, timeout},
};

use super::{BalancerConfig, clients::NodeClient};

/// The result of one health check.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) node: NodeId,
    /// Who was checked: the node may be reached by another client since.
    pub(super) client: Arc<NodeClient>,
    /// The refresh that the check began under.
    pub(super) refresh: u64,
    /// What the node can receive, where it tells; or why it is not healthy, in words.
    pub(super) result: Result<Option<Millisatoshi>, LnError>,
}

/// Checks one node for ever: after its delay, then at its own jittered pace, and whenever a refresh
/// begins.
#[derive(Debug)]
pub(super) struct Clock {
    pub(super) node: NodeId,
    pub(super) client: Arc<NodeClient>,
    /// Before the first check, unless a refresh begins: none for a new node, a period for one whose last
    /// check panicked.
    pub(super) delay: Duration,
    pub(super) period: Duration,
    pub(super) timeout: Duration,
    pub(super) network: Option<Network>,
    /// Taken for each check where checks run one at a time.
    pub(super) turn: Option<Arc<Semaphore>>,
    pub(super) refresh: watch::Receiver<u64>,
    pub(super) results: mpsc::Sender<Checked>,
}

impl Clock {
    pub(super) fn new(
        node: NodeId,
        client: Arc<NodeClient>,
        delay: Duration,
        config: &BalancerConfig,
        turn: Option<Arc<Semaphore>>,
        refresh: watch::Receiver<u64>,
        results: mpsc::Sender<Checked>,
    ) -> Self {
        Self {
            node,
            client,
            delay,
            period: config.health_period,
            timeout: config.health_timeout,
            network: config.network,
            turn,
            refresh,
            results,
        }
    }

    /// Ends when nobody takes the results any more.
    pub(super) async fn run(mut self) {
        let mut delay = self.delay;
        loop {
            tokio::select! {
                () = sleep(delay) => {}
                // The sender lives as long as the driver, which aborts this task when it ends.
                _ = self.refresh.changed() => {}
            }
            let refresh = *self.refresh.borrow_and_update();
            let result = self.check().await;
            let checked = Checked {
                node: self.node,
                client: Arc::clone(&self.client),
                refresh,
                result,
            };
            if self.results.send(checked).await.is_err() {
                return;
            }
            delay = jittered(self.period);
        }
    }

    async fn check(&self) -> Result<Option<Millisatoshi>, LnError> {
        // A closed semaphore would mean that the driver is gone; then nobody reads the result.
        let _turn = match &self.turn {
            Some(turn) => turn.acquire().await.ok(),
            None => None,
        };
        let status = timeout(self.timeout, self.client.client.status())
            .await
            .unwrap_or_else(|_| Err(self.late()))?;
        let verdict = self.judge(&status);
        let inbound = status.inbound;
        // What it says of its network counts, whatever else is wrong with it.
        self.client.remember(status);
        verdict.map(|()| inbound)
    }

    fn judge(&self, status: &NodeStatus) -> Result<(), LnError> {
        let refuse = |message: String| Err(LnError::new(LnErrorKind::NotReady, message));
        if !status.synced_to_chain {
            return refuse("is not synced to the chain".to_owned());
        }
        if let (Some(wanted), Some(got)) = (self.network, status.network)
            && wanted != got
        {
            return refuse(format!("is on {got} instead of {wanted}"));
        }
        if let (Some(wanted), Some(got)) =
            (self.client.backend.address.public_key(), status.public_key)
            && *wanted != got
        {
            return refuse(format!("is another node, {got}"));
        }
        Ok(())
    }

    fn late(&self) -> LnError {
        let seconds = self.timeout.as_secs_f64();
        LnError::new(
            LnErrorKind::Timeout,
            format!("gave no sign of life within {seconds} s"),
        )
    }
}

/// The period, up to a tenth longer or shorter, so that nodes are not all checked in one moment.
fn jittered(period: Duration) -> Duration {
    const LONGEST: Duration = Duration::from_secs(24 * 3_600);

    period.min(LONGEST).mul_f64(rand::random_range(0.9..=1.1))
}
