//! What a node that freezes does to those who ask, with two others beside it.

use std::{
    io,
    time::{Duration, Instant},
};

use switchgear_benches::{
    invoices::{Failure, Node, Ours},
    limits::Limits,
};
use switchgear_ln::balancer::BalancerConfig;
use tokio::{
    runtime::Runtime,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

const NODES: usize = 3;
/// From one request to the next: 200 a second.
const PERIOD: Duration = Duration::from_millis(5);
/// How long all is well, and how long the node is frozen.
const WELL: Duration = Duration::from_secs(3);
const FROZEN: Duration = Duration::from_secs(12);
/// The limit of one attempt; the rest of the deadline allows no less for three nodes.
const ATTEMPT: Duration = Duration::from_millis(1_600);
/// What a request may take that no frozen node touches.
const NORMAL: Duration = Duration::from_millis(50);
/// The most that one may take that was hedged.
const HEDGED: Duration = Duration::from_millis(120);

/// Both ways of waiting for the node.
pub(crate) fn figures(runtime: &Runtime, limits: &mut Limits) -> Result<(), Failure> {
    let plain = BalancerConfig {
        invoice_timeout: ATTEMPT,
        ..Ours::config()
    };
    let hedged = BalancerConfig {
        hedge_after: Some(Duration::from_millis(50)),
        ..plain.clone()
    };
    let name = "one of three freezes";
    if limits.asks_for(name) {
        let run = runtime.block_on(freeze(plain))?;
        run.failures(name, limits)?;
        run.p99(name, Phase::Well, NORMAL, limits)?;
        let frozen = ATTEMPT + Duration::from_millis(100);
        run.p99(name, Phase::Unmarked, frozen, limits)?;
        run.p99(name, Phase::Marked, NORMAL, limits)?;
    }
    let name = "one of three freezes, hedged";
    if limits.asks_for(name) {
        let run = runtime.block_on(freeze(hedged))?;
        run.failures(name, limits)?;
        for phase in [Phase::Unmarked, Phase::Marked, Phase::Any] {
            run.p99(name, phase, HEDGED, limits)?;
        }
    }
    Ok(())
}

/// When a request was to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Before the node froze.
    Well,
    /// After, and before it was put aside.
    Unmarked,
    /// After that.
    Marked,
    /// Whenever.
    Any,
}

impl Phase {
    fn name(self) -> &'static str {
        match self {
            Self::Well => "before",
            Self::Unmarked => "until it is marked",
            Self::Marked => "once it is marked",
            Self::Any => "throughout",
        }
    }

    fn holds(self, asked: &Asked) -> bool {
        self == Self::Any || self == asked.phase
    }
}

/// One request.
struct Asked {
    phase: Phase,
    failed: bool,
    attempts: u32,
    /// From the moment it was to be sent, in milliseconds.
    took: f64,
}

/// All requests to a fleet of which one node froze.
struct Run(Vec<Asked>);

async fn freeze(config: BalancerConfig) -> Result<Run, Failure> {
    let nodes = (0..NODES)
        .map(|_| Node::start())
        .collect::<Result<Vec<_>, _>>()?;
    let backends = nodes.iter().map(|node| node.backend.clone()).collect();
    let ours = Ours::start(config, backends).await?;
    let mut requests = JoinSet::new();
    let mut ticks = interval(PERIOD);
    // A request that is sent late was to be sent in time all the same.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (start, mut phase) = (Instant::now(), Phase::Well);
    while start.elapsed() < WELL + FROZEN {
        let due = ticks.tick().await.into_std();
        if phase == Phase::Well && start.elapsed() >= WELL {
            nodes[0].freeze()?;
            phase = Phase::Unmarked;
        }
        if phase == Phase::Unmarked && ours.ready() < NODES {
            phase = Phase::Marked;
        }
        requests.spawn(ask(ours.clone(), phase, due));
    }
    let run = Run(requests.join_all().await);
    if run.0.iter().all(|asked| asked.attempts == 1) {
        return Err("no request met the frozen node".into());
    }
    Ok(run)
}

async fn ask(ours: Ours, phase: Phase, due: Instant) -> Asked {
    let issued = ours.issue().await;
    Asked {
        phase,
        failed: issued.is_err(),
        attempts: issued.map_or(0, |issued| issued.attempts),
        took: due.elapsed().as_secs_f64() * 1e3,
    }
}

impl Run {
    fn failures(&self, name: &str, limits: &mut Limits) -> io::Result<()> {
        let failed = self.0.iter().filter(|asked| asked.failed).count();
        let name = format!("{name}: failures of {}", self.0.len());
        limits.figure(&name, "requests", 0.0, || failed as f64)
    }

    /// Not a number for a phase without requests, which holds no bound.
    fn p99(
        &self,
        name: &str,
        phase: Phase,
        at_most: Duration,
        limits: &mut Limits,
    ) -> io::Result<()> {
        let of_phase = self.0.iter().filter(|asked| phase.holds(asked));
        let mut took: Vec<f64> = of_phase.map(|asked| asked.took).collect();
        took.sort_unstable_by(f64::total_cmp);
        let place = (took.len() as f64 * 0.99).ceil() as usize;
        let p99 = took.get(place.saturating_sub(1)).copied();
        let name = format!("{name}: p99 {}", phase.name());
        let at_most = at_most.as_secs_f64() * 1e3;
        limits.figure(&name, "ms", at_most, || p99.unwrap_or(f64::NAN))
    }
}
