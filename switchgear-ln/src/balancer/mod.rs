//! The shell that drives the core's decisions: it carries time, calls and changes to them.
//!
//! ```text
//!   request ──▶ Balancer ──polls──▶ Dispatch ──calls──▶ node clients
//!                  │  ▲                │
//!                  │  └─ FleetView     └─ reports ──┐
//!                  └────── refresh, please ─────┐   │
//!                                               ▼   ▼
//!   discovery feed ──snapshots──▶ driver ──owns──▶ Fleet
//!   health clocks ───results─────▶
//! ```
//!
//! A request polls its own calls, so that dropping it cancels them. Everything that outlives a
//! request is a task of the driver, which restarts what panics.

mod attempt;
mod calls;
mod clients;
mod clock;
mod clocks;
mod config;
mod discovery;
mod driver;
mod feed;
mod news;
mod publication;
mod reasons;
mod refresh;
mod request;
mod round_bound;
mod running;

use std::{
    fmt,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use switchgear_core::{
    Moment,
    backend::DiscoveryFeed,
    balance::{Fleet, FleetView, Report},
    ln::{InvoiceRequest, IssuedInvoice, LnBalancer, NoInvoice, Readiness},
};
use tokio::{sync::mpsc, time::Instant};

pub use self::config::BalancerConfig;
use self::{
    attempt::Detached, clients::Clients, driver::Driver, refresh::Refresh, request::Request,
};
use crate::pool::Connector;

/// A fleet of Lightning nodes that answers as one.
///
/// [`Self::new`] returns it with its driver: a future that owns all background work. Spawn the
/// driver on a tokio runtime; it ends when the last clone of the balancer is dropped, and dropping it
/// ends all that it started.
#[derive(Clone)]
pub struct Balancer {
    shared: Arc<Shared>,
}

/// What requests and the driver share.
struct Shared {
    config: BalancerConfig,
    origin: Instant,
    view: Arc<FleetView>,
    clients: Arc<Clients>,
    refresh: Arc<Refresh>,
    reports: mpsc::Sender<Report>,
    detached: mpsc::Sender<Detached>,
    panics: Arc<AtomicU64>,
}

impl Balancer {
    /// How many reports may wait for the driver. One that finds no room is lost. A node that goes on
    /// failing is reported again; where the failure was that of a probe, the node is probed again without
    /// its wait having doubled.
    const REPORTS: usize = 1_024;

    /// How many probes may wait to go on by themselves.
    const DETACHED: usize = 64;

    /// A balancer over the backends that `feed` tells of, reached through `connector`; and its driver.
    pub fn new(
        config: BalancerConfig,
        feed: Arc<dyn DiscoveryFeed>,
        connector: Arc<dyn Connector>,
    ) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let fleet = Fleet::new(config.fleet(rand::random()));
        let (reports, from_requests) = mpsc::channel(Self::REPORTS);
        let (detached, probes) = mpsc::channel(Self::DETACHED);
        let shared = Arc::new(Shared {
            origin: Instant::now(),
            view: fleet.view(),
            clients: Arc::default(),
            refresh: Arc::default(),
            reports,
            detached,
            panics: Arc::default(),
            config,
        });
        let driver = Driver::new(&shared, fleet, feed, connector, from_requests, probes);
        (Self { shared }, driver.run())
    }

    /// How many background tasks have panicked so far: checks of nodes, discovery, and calls that
    /// outlived their request. Each was logged, and what it did goes on; one that is counted is a bug of
    /// this crate, or of the feed or the connector that it was given.
    pub fn panics(&self) -> u64 {
        self.shared.panics.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Balancer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balancer")
            .field("config", &self.shared.config)
            .field("readiness", &self.readiness())
            .finish()
    }
}

#[async_trait]
impl LnBalancer for Balancer {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice> {
        if self.shared.reports.is_closed() {
            return Err(NoInvoice::Closed);
        }
        // A partition that is not served has no node, now or later.
        let request = Request::new(&self.shared, request).ok_or(NoInvoice::NoNode)?;
        request.run().await
    }

    fn readiness(&self) -> Readiness {
        self.shared.view.readiness()
    }
}

impl Shared {
    fn now(&self) -> Moment {
        now_since(self.origin)
    }

    fn instant(&self, moment: Moment) -> Instant {
        instant_since(self.origin, moment)
    }
}

/// The present moment of a balancer that began at `origin`.
fn now_since(origin: Instant) -> Moment {
    Moment::after_origin(origin.elapsed())
}

/// A moment of a balancer that began at `origin`, on the runtime's clock; far in the future where that
/// cannot say it.
fn instant_since(origin: Instant, moment: Moment) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);

    let elapsed = Duration::from_nanos(moment.as_nanos());
    origin
        .checked_add(elapsed)
        .unwrap_or_else(|| Instant::now() + YEAR)
}

#[cfg(test)]
mod tests;
