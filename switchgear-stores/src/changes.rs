use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

/// Tells the changes made through one store to whoever listens, coalesced: a listener that was busy
/// for ten of them sees one.
#[derive(Debug, Clone)]
pub(crate) struct Changes(watch::Sender<()>);

impl Changes {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(()))
    }

    /// To be called once a change is committed, so that who is woken by it sees it.
    pub(crate) fn signal(&self) {
        self.0.send_replace(());
    }

    pub(crate) fn stream(&self) -> Pin<Box<dyn Stream<Item = ()> + Send>> {
        Box::pin(Signals {
            inner: WatchStream::from_changes(self.0.subscribe()),
            _keep_open: self.0.clone(),
        })
    }
}

/// The signals from now on. It holds a sender: a listener that outlives its store waits, instead of
/// spinning on a stream that has ended.
struct Signals {
    inner: WatchStream<()>,
    _keep_open: watch::Sender<()>,
}

impl Stream for Signals {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<()>> {
        Pin::new(&mut self.inner).poll_next(context)
    }
}
