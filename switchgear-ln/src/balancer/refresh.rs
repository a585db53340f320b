use switchgear_core::balance::Event;
use tokio::sync::{Notify, watch};

/// The refresh of discovery and checks that all requests share while nobody is ready.
#[derive(Debug, Default)]
pub(super) struct Refresh {
    wanted: Notify,
    over: watch::Sender<u64>,
    changed: watch::Sender<u64>,
}

impl Refresh {
    /// Asks for a refresh; one that is under way serves too.
    pub(super) fn ask(&self) {
        self.wanted.notify_one();
    }

    /// Waits until somebody asks.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Tells all who wait that the refresh is over.
    pub(super) fn finish(&self) {
        self.over.send_modify(|count| *count += 1);
    }

    /// Tells all who wait that the fleet was published, or that discovery or a node has answered: they
    /// look at its view again.
    pub(super) fn view_changed(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    /// What a request listens to. Take them before asking, so that no end is missed.
    pub(super) fn signals(&self) -> Signals {
        Signals {
            over: self.over.subscribe(),
            changed: self.changed.subscribe(),
        }
    }
}

/// A request's ears while it asks nobody.
#[derive(Debug)]
pub(super) struct Signals {
    over: watch::Receiver<u64>,
    changed: watch::Receiver<u64>,
}

impl Signals {
    /// The end of a refresh, or `None` for other news. For ever, when the balancer has ended.
    pub(super) async fn next(&mut self) -> Option<Event> {
        tokio::select! {
            Ok(()) = self.over.changed() => Some(Event::Refreshed),
            Ok(()) = self.changed.changed() => None,
            else => std::future::pending().await,
        }
    }
}
