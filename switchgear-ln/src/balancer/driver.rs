use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::StreamExt as _;
use switchgear_core::{
    backend::{BackendSnapshot, DiscoveryFeed},
    balance::{Check, Fleet, FleetNode, FleetUpdate, NodeId, Outcome, Report},
    ln::{LnError, LnErrorKind},
    store::{StoreError, StoreErrorKind},
};
use tokio::{
    sync::{Semaphore, mpsc, watch},
    task::{AbortHandle, Id, JoinError, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval, sleep_until, timeout_at},
};
use tracing::{error, info};

use super::{
    BalancerConfig, Shared,
    attempt::Detached,
    clients::{Clients, Label, NodeClient},
    clock::{Checked, Clock},
    discovery::{Discovering, Discovery},
    instant_since, news, now_since,
    publication::{Notice, Publication},
    refresh::Refresh,
    round_bound::RoundBound,
    running::Running,
};
use crate::pool::Connector;

/// The fleet's one owner, and that of all background work.
pub(super) struct Driver {
    config: BalancerConfig,
    origin: Instant,
    fleet: Fleet,
    publication: Publication,
    bound: RoundBound,
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
    discovering: Discovering,
    /// The task that asks discovery, or asked it last.
    asking_task: Option<Id>,
}

/// What a task of the driver brings back.
enum Done {
    /// A clock, which never ends by itself.
    Clock,
    Snapshot(Result<BackendSnapshot, StoreError>),
    /// A call that outlived its request.
    Call(Option<Report>),
}

impl Driver {
    /// At most one refresh begins, or asks discovery again, within this time.
    const REFRESH_PERIOD: Duration = Duration::from_secs(1);

    /// Discovery is asked no more often than this.
    const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

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
            publication: Publication::default(),
            bound: RoundBound::new(config.max_iterations),
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
            discovering: Discovering::Idle,
            asking_task: None,
            config,
        }
    }

    /// Runs until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut ticks = self.ticks();
        let mut changes = self.feed.changes().fuse();
        let refresh = Arc::clone(&self.refresh);
        let mut refresh_at = None;
        loop {
            let publish_at = self.publish();
            tokio::select! {
                report = self.reports.recv() => match report {
                    Some(report) => self.take_report(report),
                    None => return,
                },
                Some(detached) = self.detached.recv() => self.let_go_on(detached),
                Some(checked) = self.results.1.recv() => self.take_check(checked),
                Some(done) = self.tasks.join_next_with_id() => self.take_done(done),
                _ = ticks.tick() => self.ask_discovery(),
                Some(()) = changes.next() => self.ask_discovery_until_now(),
                () = refresh.wanted(), if refresh_at.is_none() => {
                    refresh_at = self.refresh_due();
                }
                () = sleep_until(refresh_at.unwrap_or_else(Instant::now)), if refresh_at.is_some() => {
                    refresh_at = None;
                    self.begin_refresh();
                }
                () = sleep_until(publish_at.unwrap_or_else(Instant::now)), if publish_at.is_some() => {}
            }
        }
    }

    /// Lets requests see what has changed; when to do so again.
    fn publish(&mut self) -> Option<Instant> {
        let now = now_since(self.origin);
        let next = self
            .publication
            .publish(&mut self.fleet, &self.refresh, now);
        next.map(|next| instant_since(self.origin, next))
    }

    fn ticks(&self) -> Interval {
        // An interval of zero panics.
        let mut ticks = interval(self.config.discovery_period.max(Self::SHORTEST_PERIOD));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    /// When a refresh that is wanted now may begin; `None` while one is under way that serves.
    fn refresh_due(&self) -> Option<Instant> {
        let asked = self.refresh.asked();
        let serves = |running: &Running| running.serves(asked);
        if self.running.as_ref().is_some_and(serves) {
            return None;
        }
        let now = Instant::now();
        let next = self.last_refresh.map(|last| last + Self::REFRESH_PERIOD);
        Some(next.map_or(now, |next| next.max(now)))
    }

    fn begin_refresh(&mut self) {
        self.last_refresh = Some(Instant::now());
        let now = now_since(self.origin);
        if let Some(running) = &mut self.running {
            // Its checks are under way, but its answer of discovery is older than the last who asked. To
            // begin all anew could go on for ever, beside a node whose checks hang.
            running.ask_again(now);
        } else {
            self.running = Some(Running::new(self.clocks.keys().copied(), now));
            self.refreshes.send_modify(|count| *count += 1);
        }
        self.ask_discovery_until_now();
    }

    /// Ends the refresh when discovery and every node that it waits for have answered.
    fn end_refresh_if_over(&mut self) {
        if let Some(served) = self.running.as_ref().and_then(Running::over) {
            self.running = None;
            self.publication
                .tell(Notice::Refreshed(served), now_since(self.origin));
        }
    }

    /// Asks what has changed, unless that is under way.
    fn ask_discovery(&mut self) {
        if self.discovering == Discovering::Idle {
            let answer = self.discovery.ask(&self.feed);
            let task = self.tasks.spawn(async { Done::Snapshot(answer.await) });
            self.asking_task = Some(task.id());
            self.discovering = Discovering::Asking(now_since(self.origin));
        }
    }

    /// Asks for what has changed until now. A question under way may have missed it, so another follows
    /// that one.
    fn ask_discovery_until_now(&mut self) {
        match self.discovering {
            Discovering::Idle => self.ask_discovery(),
            Discovering::Asking(since) | Discovering::AskingAndChanged(since) => {
                self.discovering = Discovering::AskingAndChanged(since);
            }
        }
    }

    fn take_snapshot(&mut self, answer: Result<BackendSnapshot, StoreError>) {
        let before = std::mem::replace(&mut self.discovering, Discovering::Idle);
        let (Discovering::Asking(since) | Discovering::AskingAndChanged(since)) = before else {
            return;
        };
        let now = now_since(self.origin);
        if let Some(backends) = self.discovery.take(answer) {
            let update = self.fleet.update(backends, now);
            self.apply(update);
            if let Some(news) = self.bound.compare(self.fleet.len()) {
                news.log();
            }
        }
        self.publication.tell(Notice::Discovered(since), now);
        if let Some(running) = &mut self.running {
            running.answered(since, self.refresh.asked());
        }
        self.end_refresh_if_over();
        if matches!(before, Discovering::AskingAndChanged(_)) {
            self.ask_discovery();
        }
    }

    /// Gives clients and clocks to the nodes that are new, and takes them from those that are gone.
    fn apply(&mut self, update: FleetUpdate) {
        let mut roster = self.clients.roster();
        for node in update.started {
            info!("node {} is new, its health unknown", Label(&node.backend));
            if let Some(running) = &mut self.running {
                running.await_check(node.id);
            }
            roster.insert(node.id, self.connect(node));
        }
        for node in update.reconnected {
            info!("node {} is reached anew", Label(&node.backend));
            roster.insert(node.id, self.connect(node));
        }
        for node in update.redescribed {
            // The log calls it by its new name; its connection and its clock stay.
            if let Some(client) = roster.get_mut(&node.id) {
                *client = Arc::new(client.redescribed(node.backend));
            }
        }
        for id in update.stopped {
            if let Some(client) = roster.remove(&id) {
                info!("node {} is removed or disabled", client.label());
            }
            self.stop_clock(id);
            if let Some(running) = &mut self.running {
                running.checked(id);
            }
        }
        self.clients.publish(roster);
    }

    /// Gives a node a client and a clock of its own, in place of those that it had.
    fn connect(&mut self, node: FleetNode) -> Arc<NodeClient> {
        self.stop_clock(node.id);
        let client = self.connector.connect(&node.backend);
        let client = Arc::new(NodeClient::new(node.backend, client));
        self.start_clock(node.id, Arc::clone(&client), Duration::ZERO);
        client
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
        let check = match &result {
            Ok(inbound) => Check::Good { inbound: *inbound },
            Err(_) => Check::Bad,
        };
        let change = self.fleet.checked(node, check, now);
        if let (Some(change), Some(backend)) = (change, self.fleet.backend(node)) {
            news::tell(backend, change, result.as_ref().err());
        }
        if let Some(running) = &mut self.running
            && refresh == *self.refreshes.borrow()
        {
            running.checked(node);
        }
        if change.is_some() || self.running.is_some() {
            self.publication.wake();
        }
        self.end_refresh_if_over();
    }

    fn take_report(&mut self, report: Report) {
        if let Some(change) = self.fleet.reported(report, now_since(self.origin)) {
            if let Some(backend) = self.fleet.backend(report.node()) {
                news::tell(backend, change, None);
            }
            self.publication.wake();
        }
    }

    /// Lets a call whose request is over go on until its limit.
    fn let_go_on(&mut self, detached: Detached) {
        let Detached {
            verdict,
            until,
            attempt,
        } = detached;
        let origin = self.origin;
        self.tasks.spawn(async move {
            let ended = timeout_at(until, attempt).await;
            let now = now_since(origin);
            Done::Call(match ended {
                Ok(Ok(_)) => verdict.of(Outcome::Invoice, now),
                Ok(Err(error)) => verdict.of(Outcome::Failed(error.blame()), now),
                Err(_) => verdict.late(now),
            })
        });
    }

    fn take_done(&mut self, done: Result<(Id, Done), JoinError>) {
        match done {
            Ok((_, Done::Snapshot(answer))) => self.take_snapshot(answer),
            Ok((_, Done::Call(Some(report)))) => self.take_report(report),
            Ok((_, Done::Call(None) | Done::Clock)) => {}
            Err(error) if error.is_cancelled() => {}
            Err(error) => self.restart(&error),
        }
    }

    /// After a panic: that of a check is a failed check, and the node's clock starts anew; that of
    /// discovery is an answer that did not come.
    fn restart(&mut self, panic: &JoinError) {
        let clock = self
            .clocks
            .iter()
            .find(|(_, clock)| clock.id() == panic.id())
            .map(|(id, _)| *id);
        let Some((node, client)) = clock.and_then(|id| Some((id, self.clients.get(id)?))) else {
            error!("a background task failed: {panic}");
            if self.asking_task == Some(panic.id()) {
                self.take_snapshot(Err(StoreError::new(
                    StoreErrorKind::Unavailable,
                    "the store's own code failed",
                )));
            }
            return;
        };
        let label = client.label();
        error!("the health check of node {label} failed: {panic}");
        // Later: a check that panics at once must not spin.
        self.start_clock(node, Arc::clone(&client), self.config.health_period);
        let refresh = *self.refreshes.borrow();
        self.take_check(Checked {
            node,
            refresh,
            result: Err(LnError::new(LnErrorKind::Internal, "its check failed")),
        });
    }
}
