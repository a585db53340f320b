use std::{
    error::Error,
    future::poll_fn,
    pin::{Pin, pin},
    task::Poll,
    time::Duration,
};

use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto::Builder,
};
use switchgear_core::ErrorChain;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

use super::{Limits, PeerAddr, activity::Activity, timed_io::TimedIo, tracked::Tracked};

/// How long a connection without any request yet has to bring one when the server drains: its first
/// bytes may have arrived and not have been seen.
const LAST_CALL: Duration = Duration::from_millis(50);

/// hyper takes no smaller buffer.
const LEAST_BUFFER: usize = 8_192;

/// Serves one connection to its end: its peer's, its own for want of activity, or the server's,
/// which lets requests that have begun finish.
pub(super) async fn serve<T, S, B>(
    io: T,
    service: S,
    peer: PeerAddr,
    limits: Limits,
    drain: watch::Receiver<bool>,
) where
    T: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: tower_service::Service<Request<Incoming>, Response = Response<B>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let activity = Activity::begin(&limits);
    let io = TimedIo::new(io, activity.clone(), limits.write_timeout);
    let service = Tracked {
        service,
        peer,
        activity: activity.clone(),
        cut_off: limits.request_timeout + Limits::REQUEST_GRACE,
    };
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut draining = pin!(drained(drain, activity.clone()));
    let mut watchdog = Watchdog::new(activity.clone());
    loop {
        // The connection first: what its peer has already sent counts as begun.
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    let error = ErrorChain(&*error);
                    tracing::debug!("the connection from {} broke: {error}", peer.0);
                }
                return;
            }
            () = draining.as_mut(), if !watchdog.is_leaving() => {}
            () = watchdog.bite() => {
                if watchdog.is_leaving() || !activity.is_resting() {
                    return;
                }
            }
        }
        watchdog.leave();
        connection.as_mut().graceful_shutdown();
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(limits.header_bytes.max(LEAST_BUFFER))
        .max_headers(limits.headers);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    builder
}

async fn drained(mut drain: watch::Receiver<bool>, activity: Activity) {
    if drain.wait_for(|draining| *draining).await.is_err() {
        // A server that is gone drains nothing: its connections are dropped with it.
        std::future::pending().await
    }
    if activity.is_new() {
        tokio::time::sleep(LAST_CALL).await;
    }
}

/// Looks at the clock for a connection.
struct Watchdog {
    activity: Activity,
    sleep: Pin<Box<Sleep>>,
    leaving: Option<Instant>,
}

impl Watchdog {
    fn new(activity: Activity) -> Self {
        let sleep = Box::pin(sleep_until(Instant::now()));
        Self {
            activity,
            sleep,
            leaving: None,
        }
    }

    /// From now on the connection is to end.
    fn leave(&mut self) {
        self.leaving = Some(Instant::now());
    }

    fn is_leaving(&self) -> bool {
        self.leaving.is_some()
    }

    /// Waits until the connection's time is up.
    async fn bite(&mut self) {
        poll_fn(|cx| {
            let Some(deadline) = self.activity.deadline(cx, self.leaving) else {
                return Poll::Pending;
            };
            if self.sleep.deadline() != deadline {
                self.sleep.as_mut().reset(deadline);
            }
            self.sleep.as_mut().poll(cx)
        })
        .await;
    }
}
