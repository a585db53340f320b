use std::{collections::BTreeMap, sync::Arc, time::Duration};

use switchgear_core::balance::NodeId;
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{AbortHandle, Id, JoinSet},
};

use super::{
    BalancerConfig,
    clients::NodeClient,
    clock::{Checked, Clock},
    driver::Done,
};

/// The health clocks, one for each node, as tasks of the driver.
#[derive(Debug)]
pub(super) struct Clocks {
    config: BalancerConfig,
    running: BTreeMap<NodeId, AbortHandle>,
    /// One check at a time, where the configuration wants that.
    turn: Option<Arc<Semaphore>>,
    /// Counts the refreshes; a new number makes every clock check at once.
    refreshes: watch::Sender<u64>,
    results: mpsc::Sender<Checked>,
}

impl Clocks {
    /// No clock yet; what they find will go to `results`.
    pub(super) fn new(config: &BalancerConfig, results: mpsc::Sender<Checked>) -> Self {
        Self {
            turn: (!config.parallel_health_checks).then(|| Arc::new(Semaphore::new(1))),
            config: config.clone(),
            running: BTreeMap::new(),
            refreshes: watch::Sender::new(0),
            results,
        }
    }

    /// Gives a node its clock, which first checks after `delay`, or when a refresh begins.
    pub(super) fn start(
        &mut self,
        tasks: &mut JoinSet<Done>,
        node: NodeId,
        client: Arc<NodeClient>,
        delay: Duration,
    ) {
        let clock = Clock::new(
            node,
            client,
            delay,
            &self.config,
            self.turn.clone(),
            self.refreshes.subscribe(),
            self.results.clone(),
        );
        let task = tasks.spawn(async {
            clock.run().await;
            Done::Clock
        });
        self.running.insert(node, task);
    }

    pub(super) fn stop(&mut self, node: NodeId) {
        if let Some(clock) = self.running.remove(&node) {
            clock.abort();
        }
    }

    /// Has every node checked at once.
    pub(super) fn refresh(&mut self) {
        self.refreshes.send_modify(|count| *count += 1);
    }

    /// The number of the refresh that began last.
    pub(super) fn last_refresh(&self) -> u64 {
        *self.refreshes.borrow()
    }

    /// All nodes that have a clock.
    pub(super) fn nodes(&self) -> impl Iterator<Item = NodeId> {
        self.running.keys().copied()
    }

    /// The node whose clock this task is.
    pub(super) fn node_of(&self, task: Id) -> Option<NodeId> {
        self.running
            .iter()
            .find(|(_, clock)| clock.id() == task)
            .map(|(node, _)| *node)
    }
}
