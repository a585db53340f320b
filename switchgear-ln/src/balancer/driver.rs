use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::{StreamExt as _, stream::BoxStream};
use switchgear_core::{
    ErrorChain,
    backend::{BackendSnapshot, DiscoveryFeed},
    balance::{Fleet, FleetNode, FleetUpdate, HealthChange, NodeId, Report},
    ln::LnError,
    store::StoreError,
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout_at},
};
use tracing::{error, info, warn};

use super::{
    BalancerConfig, Shared,
    attempt::Detached,
    clients::{Clients, Label, NodeClient},
    clock::{Checked, Clock},
    discovery::Discovery,
    now_since,
    refresh::Refresh,
};
use crate::pool::Connector;

/// The fleet's one owner, and that of all background work.
pub(super) struct Driver {
    config: BalancerConfig,
    origin: Instant,
    fleet: Fleet,
    clients: Arc<Clients>,
    refresh: Arc<Refresh>,
    feed: Arc<dyn DiscoveryFeed>,
    connector: Arc<dyn Connector>,
    reports: mpsc::Receiver<Report>,
    detached: mpsc::Receiver<Detached>,
    discovery: Discovery,
    tasks: JoinSet<Done>,
    clocks: BTreeMap<NodeId, AbortHandle>,
    /// One check at a time, where the configuration wants that.
    turn: Option<Arc<Semaphore>>,
    results: (mpsc::Sender<Checked>, mpsc::Receiver<Checked>),
    /// Counts the refreshes; a new number makes every clock check at once.
    refreshes: watch::Sender<u64>,
    running: Option<Running>,
    last_refresh: Option<Instant>,
    asking: bool,
}

/// What a task of the driver brings back.
enum Done {
    /// A clock, which never ends by itself.
    Clock,
    Snapshot(Result<BackendSnapshot, StoreError>),
    Probe(Option<Report>),
}

/// A refresh under way: whose check it waits for, and whether discovery has answered.
struct Running {
    snapshot: bool,
    unchecked: BTreeSet<NodeId>,
}

impl Driver {
    /// At most one refresh begins within this time.
    const REFRESH_PERIOD: Duration = Duration::from_secs(1);

    pub(super) fn new(
        shared: &Shared,
        fleet: Fleet,
        feed: Arc<dyn DiscoveryFeed>,
        connector: Arc<dyn Connector>,
        reports: mpsc::Receiver<Report>,
        detached: mpsc::Receiver<Detached>,
    ) -> Self {
        let config = shared.config.clone();
        Self {
            turn: (!config.parallel_health_checks).then(|| Arc::new(Semaphore::new(1))),
            origin: shared.origin,
            fleet,
            clients: Arc::clone(&shared.clients),
            refresh: Arc::clone(&shared.refresh),
            feed,
            connector,
            reports,
            detached,
            discovery: Discovery::default(),
            tasks: JoinSet::new(),
            clocks: BTreeMap::new(),
            results: mpsc::channel(64),
            refreshes: watch::Sender::new(0),
            running: None,
            last_refresh: None,
            asking: false,
            config,
        }
    }

    /// Runs until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut ticks = self.ticks();
        let mut changes: BoxStream<'static, ()> = self.feed.changes();
        let refresh = Arc::clone(&self.refresh);
        let mut refresh_at = None;
        loop {
            tokio::select! {
                report = self.reports.recv() => match report {
                    Some(report) => self.take_report(report),
                    None => return,
                },
                Some(detached) = self.detached.recv() => self.let_go_on(detached),
                Some(checked) = self.results.1.recv() => self.take_check(checked),
                Some(done) = self.tasks.join_next_with_id() => self.take_done(done),
                _ = ticks.tick() => self.ask_discovery(),
                Some(()) = changes.next() => self.ask_discovery(),
                () = refresh.wanted(), if refresh_at.is_none() => {
                    refresh_at = self.refresh_due();
                }
                () = sleep_until(refresh_at.unwrap_or_else(Instant::now)), if refresh_at.is_some() => {
                    refresh_at = None;
                    self.begin_refresh();
                }
            }
        }
    }

    fn ticks(&self) -> Interval {
        let mut ticks = interval(self.config.discovery_period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// When a refresh that is wanted now may begin; `None` while one is under way, which serves.
    fn refresh_due(&self) -> Option<Instant> {
        let now = Instant::now();
        let next = self.last_refresh.map(|last| last + Self::REFRESH_PERIOD);
        self.running
            .is_none()
            .then(|| next.map_or(now, |next| next.max(now)))
    }

    fn begin_refresh(&mut self) {
        self.last_refresh = Some(Instant::now());
        self.running = Some(Running {
            snapshot: false,
            unchecked: self.clocks.keys().copied().collect(),
        });
        self.refreshes.send_modify(|count| *count += 1);
        self.ask_discovery();
    }

    /// Ends the refresh when discovery and every node that it waits for have answered.
    fn end_refresh_if_over(&mut self) {
        let over = |running: &mut Running| running.snapshot && running.unchecked.is_empty();
        if self.running.take_if(over).is_some() {
            self.refresh.finish();
        }
    }

    fn ask_discovery(&mut self) {
        if !self.asking {
            self.asking = true;
            let answer = self.discovery.ask(&self.feed);
            self.tasks.spawn(async { Done::Snapshot(answer.await) });
        }
    }

    fn take_snapshot(&mut self, answer: Result<BackendSnapshot, StoreError>) {
        self.asking = false;
        if let Some(backends) = self.discovery.take(answer) {
            let update = self.fleet.update(backends, now_since(self.origin));
            self.apply(update);
            self.refresh.view_changed();
        }
        if let Some(running) = &mut self.running {
            running.snapshot = true;
        }
        self.end_refresh_if_over();
    }

    fn apply(&mut self, update: FleetUpdate) {
        for node in update.started {
            info!("node {} is new, its health unknown", Label(&node.backend));
            if let Some(running) = &mut self.running {
                running.unchecked.insert(node.id);
            }
            self.connect(node);
        }
        for node in update.reconnected {
            info!("node {} is reached anew", Label(&node.backend));
            self.connect(node);
        }
        for node in update.redescribed {
            self.redescribe(node);
        }
        for id in update.stopped {
            if let Some(client) = self.clients.get(id) {
                info!("node {} is removed or disabled", client.label());
            }
            self.disconnect(id);
        }
    }

    /// Gives a node a client and a clock of its own, in place of those that it had.
    fn connect(&mut self, node: FleetNode) {
        self.stop_clock(node.id);
        let client = self.connector.connect(&node.backend);
        let client = self
            .clients
            .insert(node.id, NodeClient::new(node.backend, client));
        self.start_clock(node.id, client, Duration::ZERO);
    }

    /// Lets the log call a node by its new name; its connection and its clock stay.
    fn redescribe(&mut self, node: FleetNode) {
        if let Some(known) = self.clients.get(node.id) {
            self.clients
                .insert(node.id, known.redescribed(node.backend));
        }
    }

    fn disconnect(&mut self, id: NodeId) {
        self.stop_clock(id);
        self.clients.remove(id);
        if let Some(running) = &mut self.running {
            running.unchecked.remove(&id);
        }
        self.end_refresh_if_over();
    }

    fn start_clock(&mut self, id: NodeId, client: Arc<NodeClient>, delay: Duration) {
        let clock = Clock::new(
            id,
            client,
            delay,
            &self.config,
            self.turn.clone(),
            self.refreshes.subscribe(),
            self.results.0.clone(),
        );
        let task = self.tasks.spawn(async {
            clock.run().await;
            Done::Clock
        });
        self.clocks.insert(id, task);
    }

    fn stop_clock(&mut self, id: NodeId) {
        if let Some(clock) = self.clocks.remove(&id) {
            clock.abort();
        }
    }

    fn take_check(&mut self, checked: Checked) {
        let Checked {
            node,
            refresh,
            result,
        } = checked;
        let now = now_since(self.origin);
        if let Some(change) = self.fleet.checked(node, result.is_ok(), now) {
            self.log_change(node, change, result.as_ref().err());
            self.refresh.view_changed();
        }
        if let Some(running) = &mut self.running
            && refresh == *self.refreshes.borrow()
        {
            running.unchecked.remove(&node);
        }
        self.end_refresh_if_over();
    }

    fn take_report(&mut self, report: Report) {
        let (Report::Failing(node) | Report::Answering(node)) = report;
        if let Some(change) = self.fleet.reported(report, now_since(self.origin)) {
            self.log_change(node, change, None);
            self.refresh.view_changed();
        }
    }

    /// Lets a probe whose request is over go on until its limit.
    fn let_go_on(&mut self, detached: Detached) {
        let Detached {
            node,
            until,
            attempt,
        } = detached;
        self.tasks.spawn(async move {
            let good = matches!(timeout_at(until, attempt).await, Ok(Ok(_)));
            Done::Probe(if good {
                node.succeeded()
            } else {
                node.failed()
            })
        });
    }

    fn take_done(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((_, Done::Snapshot(answer))) => self.take_snapshot(answer),
            Ok((_, Done::Probe(Some(report)))) => self.take_report(report),
            Ok((_, Done::Probe(None) | Done::Clock)) => {}
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.restart(&error),
        }
    }

    /// After a panic: starts the clock whose task it was, or asks discovery again at the next tick.
    fn restart(&mut self, panic: &JoinError) {
        let id = self
            .clocks
            .iter()
            .find(|(_, clock)| clock.id() == panic.id())
            .map(|(id, _)| *id);
        let Some((id, client)) = id.and_then(|id| Some((id, self.clients.get(id)?))) else {
            error!("a background task failed: {panic}");
            self.asking = false;
            return;
        };
        error!(
            "the health check of node {} failed: {panic}",
            client.label()
        );
        // Later: a check that panics at once must not spin.
        self.start_clock(id, client, self.config.health_period);
    }

    fn log_change(&self, node: NodeId, change: HealthChange, reason: Option<&LnError>) {
        let Some(backend) = self.fleet.backend(node) else {
            return;
        };
        let node = Label(backend);
        match (change, reason) {
            (HealthChange::Healthy, _) => info!("node {node} is healthy"),
            (HealthChange::Unhealthy, Some(reason)) => {
                warn!("node {node} is unhealthy: {}", ErrorChain(reason));
            }
            (HealthChange::Unhealthy, None) => warn!("node {node} is unhealthy"),
            (HealthChange::Ejected, _) => {
                warn!("node {node} is put aside: its invoice calls keep failing");
            }
            (HealthChange::Readmitted, _) => {
                info!("node {node} is back: it made an invoice");
            }
        }
    }
}
