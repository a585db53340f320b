use std::sync::atomic::{AtomicU64, Ordering};

use switchgear_core::balance::Event;
use tokio::sync::{Notify, watch};

/// The refresh of discovery and checks that all requests share while nobody is ready.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    wanted: Notify,
    /// How often somebody has asked.
    asked: AtomicU64,
    /// How many of those are served by a refresh that is over.
    served: watch::Sender<u64>,
    changed: watch::Sender<u64>,
}

impl Refresh {
    /// Asks for a refresh, and returns what tells of it. One that is under way serves too, unless its
    /// answer of discovery is older than this.
    pub(super) fn ask(&self) -> Signals {
        // Before asking, so that no news is missed.
        let (served, changed) = (self.served.subscribe(), self.changed.subscribe());
        let number = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        self.wanted.notify_one();
        Signals {
            number: Some(number),
            served,
            changed,
        }
    }

    /// Waits until somebody asks.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// How often somebody has asked so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Tells so many of those who have asked, the first, that their refresh is over.
    pub(super) fn finish(&self, served: u64) {
        self.served.send_replace(served);
    }

    /// Tells all who wait that the fleet was published, or that discovery or a node has answered: they
    /// look at its view again.
    pub(super) fn view_changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

/// A request's ears while it asks nobody.
#[derive(Debug)]
pub(super) struct Signals {
    /// Its number among all who asked, until its refresh is over.
    number: Option<u64>,
    served: watch::Receiver<u64>,
    changed: watch::Receiver<u64>,
}

impl Signals {
    /// The end of the refresh that was asked for, once, or `None` for other news. For ever, when the
    /// balancer has ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        let number = self.number;
        let is_served = |served: &u64| number.is_some_and(|number| *served >= number);
        // What it returns holds a lock.
        let served = async { self.served.wait_for(is_served).await.map(drop) };
        tokio::select! {
            Ok(()) = served => {}
            Ok(()) = self.changed.changed() => return None,
            else => std::future::pending().await,
        }
        self.number = None;
        Some(Event::Refreshed)
    }
}
