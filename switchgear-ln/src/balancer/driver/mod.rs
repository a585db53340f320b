mod supervision;

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use switchgear_core::{
    backend::{BackendSnapshot, DiscoveryFeed},
    balance::{Check, Fleet, FleetNode, FleetUpdate, HealthChange, NodeId, Report},
    ln::LnError,
    store::StoreError,
};
use tokio::{
    sync::{Notify, mpsc},
    task::{Id, JoinSet},
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};
use tracing::info;

use super::{
    BalancerConfig, Shared,
    attempt::Detached,
    clients::{Clients, Label, NodeClient},
    clock::Checked,
    clocks::Clocks,
    discovery::{Discovering, Discovery},
    feed, instant_since, news, now_since,
    publication::{Notice, Publication},
    reasons::Reasons,
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
    panics: Arc<AtomicU64>,
    clocks: Clocks,
    reasons: Reasons,
    checks: mpsc::Receiver<Checked>,
    running: Option<Running>,
    last_refresh: Option<Instant>,
    discovering: Discovering,
    /// The task that asks discovery, or asked it last.
    asking_task: Option<Id>,
    /// The task that hears of discovery's changes.
    listening_task: Option<Id>,
    changed: Arc<Notify>,
}

/// What a task of the driver brings back.
#[derive(Debug)]
pub(super) enum Done {
    /// A clock, which never ends by itself.
    Clock,
    /// Discovery tells of no more changes.
    Listening,
    Snapshot(Result<BackendSnapshot, StoreError>),
    /// A call that outlived its request.
    Call(Option<Report>),
}

impl Driver {
    /// At most one refresh begins, or asks discovery again, within this time.
    const REFRESH_PERIOD: Duration = Duration::from_secs(1);

    /// How many results of checks may wait; a clock waits for room.
    const CHECKS: usize = 64;

    /// Discovery is asked no more often than this.
    const SHORTEST_PERIOD: Duration = Duration::from_millis(1);

    /// And no less often.
    const LONGEST_PERIOD: Duration = Duration::from_secs(24 * 3_600);

    pub(super) fn new(
        shared: &Shared,
        fleet: Fleet,
        feed: Arc<dyn DiscoveryFeed>,
        connector: Arc<dyn Connector>,
        reports: mpsc::Receiver<Report>,
        detached: mpsc::Receiver<Detached>,
    ) -> Self {
        let config = shared.config.clone();
        let (results, checks) = mpsc::channel(Self::CHECKS);
        Self {
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
            panics: Arc::clone(&shared.panics),
            clocks: Clocks::new(&config, results),
            reasons: Reasons::default(),
            checks,
            running: None,
            last_refresh: None,
            discovering: Discovering::Idle,
            asking_task: None,
            listening_task: None,
            changed: Arc::default(),
            config,
        }
    }

    /// Runs until the last handle is dropped.
    pub(super) async fn run(mut self) {
        let mut ticks = self.ticks();
        let (refresh, changed) = (Arc::clone(&self.refresh), Arc::clone(&self.changed));
        self.listen(Duration::ZERO);
        let mut refresh_at = None;
        loop {
            let publish_at = self.publish();
            tokio::select! {
                report = self.reports.recv() => match report {
                    Some(report) => self.take_report(report),
                    None => return,
                },
                Some(detached) = self.detached.recv() => self.let_go_on(detached),
                Some(checked) = self.checks.recv() => self.take_check(checked),
                Some(done) = self.tasks.join_next_with_id() => self.take_done(done),
                _ = ticks.tick() => self.ask_discovery(),
                () = changed.notified() => self.ask_discovery_until_now(),
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
        // An interval of zero panics. The first question is asked by who begins to listen.
        let period = self.period();
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }

    fn period(&self) -> Duration {
        let period = self.config.discovery_period;
        period.clamp(Self::SHORTEST_PERIOD, Self::LONGEST_PERIOD)
    }

    /// Hears of discovery's changes, after `delay`.
    fn listen(&mut self, delay: Duration) {
        let listening = feed::listen(Arc::clone(&self.feed), Arc::clone(&self.changed), delay);
        let task = self.tasks.spawn(async {
            listening.await;
            Done::Listening
        });
        self.listening_task = Some(task.id());
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
            self.running = Some(Running::new(self.clocks.nodes(), now));
            self.clocks.refresh();
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
            self.clocks.stop(id);
            self.reasons.forget(id);
            if let Some(running) = &mut self.running {
                running.checked(id);
            }
        }
        self.clients.publish(roster);
    }

    /// Gives a node a client and a clock of its own, in place of those that it had.
    fn connect(&mut self, node: FleetNode) -> Arc<NodeClient> {
        self.clocks.stop(node.id);
        let client = self.client_of(&node.backend);
        let client = Arc::new(NodeClient::new(node.backend, client));
        self.start_clock(node.id, Arc::clone(&client), Duration::ZERO);
        client
    }

    fn start_clock(&mut self, id: NodeId, client: Arc<NodeClient>, delay: Duration) {
        self.clocks.start(&mut self.tasks, id, client, delay);
    }

    fn take_check(&mut self, checked: Checked) {
        let Checked {
            node,
            client,
            refresh,
            result,
        } = checked;
        let current = self.clients.get(node);
        if !current.is_some_and(|current| current.is_reached_as(&client)) {
            // The node is gone, or is reached anew and will be checked as it is now.
            return;
        }
        let now = now_since(self.origin);
        let check = match &result {
            Ok(inbound) => Check::Good { inbound: *inbound },
            Err(_) => Check::Bad,
        };
        let change = self.fleet.checked(node, check, now);
        self.tell(node, change, result.as_ref().err());
        if let Some(running) = &mut self.running
            && refresh == self.clocks.last_refresh()
        {
            running.checked(node);
        }
        if change.is_some() || self.running.is_some() {
            self.publication.wake();
        }
        self.end_refresh_if_over();
    }

    /// Logs what a check brought: a change, or another reason for which a node is still unhealthy.
    fn tell(&mut self, node: NodeId, change: Option<HealthChange>, reason: Option<&LnError>) {
        let Some(backend) = self.fleet.backend(node) else {
            return;
        };
        if let Some(change) = change {
            news::tell(backend, change, reason);
        }
        match (change, reason) {
            (Some(HealthChange::Healthy), _) => self.reasons.forget(node),
            (_, None) => {}
            (Some(_), Some(reason)) => self.reasons.told(node, reason.to_string()),
            (None, Some(reason)) if self.reasons.is_news(node, &reason.to_string()) => {
                news::tell_again(backend, reason);
            }
            (None, Some(_)) => {}
        }
    }

    fn take_report(&mut self, report: Report) {
        if let Some(change) = self.fleet.reported(report, now_since(self.origin)) {
            if let Some(backend) = self.fleet.backend(report.node()) {
                news::tell(backend, change, None);
            }
            self.publication.wake();
        }
    }
}

/// Connections close when the calls that use them are done, though a handle may be left.
impl Drop for Driver {
    fn drop(&mut self) {
        self.clients.publish(BTreeMap::new());
    }
}
