use std::{
    future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use parking_lot::Mutex;
use tokio::{net::TcpStream, sync::watch, task::AbortHandle};
use tonic::transport::{self, Channel};
use tower_service::Service;

use super::endpoint::{Target, tcp_connector};
use crate::tls::PinnedOrRoot;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The one HTTP/2 connection to a node, which all calls share.
///
/// ```text
///  nothing ──first caller──▶ connecting ──▶ connected ──breaks, or other trust──▶ nothing
///                                └────────────▶ failed: told to all who wait, then nothing
/// ```
///
/// Connecting is a task of its own, bounded in time: callers wait for it as long as they like, all
/// who wait get its one outcome, and it goes on when they leave, so that the next finds a
/// connection. A connection is used once: when it breaks, the next caller makes another, at once.
#[derive(Debug)]
pub(crate) struct Link {
    target: Arc<Target>,
    timeout: Duration,
    current: Mutex<Option<Arc<Attempt>>>,
}

impl Link {
    /// A link to `target`; connecting may take `timeout`, TLS included.
    pub(crate) fn new(target: Target, timeout: Duration) -> Self {
        Self {
            target: Arc::new(target),
            timeout,
            current: Mutex::new(None),
        }
    }

    /// The connection, made now if there is none that was made with `trust`.
    pub(crate) async fn connection(
        &self,
        trust: &Arc<PinnedOrRoot>,
    ) -> Result<Connection, Arc<ConnectFailure>> {
        let attempt = self.join(trust);
        let channel = attempt.outcome().await?;
        Ok(Connection { channel, attempt })
    }

    /// Lets go of a connection that turned out to be broken, unless another has taken its place.
    pub(crate) fn forget(&self, broken: &Connection) {
        let mut current = self.current.lock();
        if current
            .as_ref()
            .is_some_and(|attempt| Arc::ptr_eq(attempt, &broken.attempt))
        {
            *current = None;
        }
    }

    fn join(&self, trust: &Arc<PinnedOrRoot>) -> Arc<Attempt> {
        let mut current = self.current.lock();
        if let Some(attempt) = current.as_ref()
            && attempt.may_serve(trust)
        {
            return Arc::clone(attempt);
        }
        let attempt = Arc::new(Attempt::start(
            Arc::clone(&self.target),
            Arc::clone(trust),
            self.timeout,
        ));
        *current = Some(Arc::clone(&attempt));
        attempt
    }
}

/// A connection as one call uses it; the connection closes when its last user is gone.
#[derive(Debug)]
pub(crate) struct Connection {
    channel: Channel,
    attempt: Arc<Attempt>,
}

impl Connection {
    /// What calls go through.
    pub(crate) fn channel(&self) -> Channel {
        self.channel.clone()
    }
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConnectFailure {
    /// TCP, TLS or HTTP/2 failed.
    #[error("cannot connect")]
    Transport(#[source] transport::Error),
    /// Nothing failed, and nothing came.
    #[error("cannot connect within {0:?}")]
    TimedOut(Duration),
    /// The runtime stopped meanwhile.
    #[error("connecting was interrupted")]
    Interrupted,
}

/// The connection behind a channel broke before the call was sent.
#[derive(Debug, thiserror::Error)]
#[error("the connection was lost")]
pub(super) struct ConnectionLost;

type Outcome = Result<Channel, Arc<ConnectFailure>>;

/// One connection from its first packet on; nobody owns it, all who use it share it.
#[derive(Debug)]
struct Attempt {
    trust: Arc<PinnedOrRoot>,
    outcome: watch::Receiver<Option<Outcome>>,
    task: AbortHandle,
}

impl Attempt {
    fn start(target: Arc<Target>, trust: Arc<PinnedOrRoot>, timeout: Duration) -> Self {
        let (sender, outcome) = watch::channel(None);
        let connecting = connect(target, Arc::clone(&trust), timeout);
        let task = tokio::spawn(async move {
            sender.send_replace(Some(connecting.await));
        });
        Self {
            trust,
            outcome,
            task: task.abort_handle(),
        }
    }

    /// Whether it was made with `trust` and has not failed.
    fn may_serve(&self, trust: &Arc<PinnedOrRoot>) -> bool {
        Arc::ptr_eq(&self.trust, trust)
            && match &*self.outcome.borrow() {
                None => !self.task.is_finished(),
                Some(outcome) => outcome.is_ok(),
            }
    }

    async fn outcome(&self) -> Outcome {
        let mut outcome = self.outcome.clone();
        let settled = outcome.wait_for(Option::is_some).await;
        settled
            .ok()
            .and_then(|settled| settled.clone())
            .unwrap_or_else(|| Err(Arc::new(ConnectFailure::Interrupted)))
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(target: Arc<Target>, trust: Arc<PinnedOrRoot>, timeout: Duration) -> Outcome {
    let connecting = async {
        let connector = ConnectOnce::new(tcp_connector(timeout));
        target
            .endpoint(trust)?
            .connect_with_connector(connector)
            .await
    };
    match tokio::time::timeout(timeout, connecting).await {
        Ok(Ok(channel)) => Ok(channel),
        Ok(Err(error)) => Err(Arc::new(ConnectFailure::Transport(error))),
        Err(_) => Err(Arc::new(ConnectFailure::TimedOut(timeout))),
    }
}

/// Connects the first time, and answers [`ConnectionLost`] ever after.
///
/// A channel would reconnect by itself, but behind its queue: attempts would wait for one another,
/// stop with the caller that began them, and hand their stale failure to the next.
#[derive(Debug)]
struct ConnectOnce {
    inner: HttpConnector,
    used: bool,
}

impl ConnectOnce {
    fn new(inner: HttpConnector) -> Self {
        Self { inner, used: false }
    }
}

impl Service<Uri> for ConnectOnce {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        if std::mem::replace(&mut self.used, true) {
            return Box::pin(future::ready(Err(ConnectionLost.into())));
        }
        let connecting = self.inner.call(uri);
        Box::pin(async move { connecting.await.map_err(Into::into) })
    }
}
