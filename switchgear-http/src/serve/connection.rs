use std::{
    error::Error,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Poll, ready},
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
    task::unconstrained,
    time::{Instant, Sleep, sleep_until},
};

use super::{Limits, PeerAddr, activity::Activity, timed_io::TimedIo, tracked::Tracked};

/// How long a connection without any request yet has to bring one when the server drains: its first
/// bytes may have arrived and not have been seen.
const LAST_CALL: Duration = Duration::from_millis(50);

/// How many fields hyper takes in a head, where it is told of no limit.
const HYPER_HEADERS: usize = 100;

/// hyper takes no smaller buffer.
const LEAST_BUFFER: usize = 8_192;

/// How much of one request's body, and of all on one HTTP/2 connection, may wait for a service to read
/// it, in bytes. Most are refused by their heads, and a connection shall cost little.
const H2_STREAM_WINDOW: u32 = 65_536;
const H2_CONNECTION_WINDOW: u32 = 262_144;

/// How much of one answer may wait for its HTTP/2 peer, in bytes.
const H2_SEND_BUFFER: usize = 65_536;

/// Streams that an HTTP/2 peer has reset before they were looked at (CVE-2023-44487), and those that
/// its mistakes made this side reset (CVE-2025-8671), before the connection is cut.
const H2_PENDING_RESETS: usize = 20;
const H2_OWN_RESETS: usize = 1_024;

/// Serves one connection to its end: its peer's, its own for want of activity, or the server's,
/// which lets requests that have begun finish.
pub(super) async fn serve<T, S, B>(
    io: T,
    service: S,
    peer: PeerAddr,
    limits: Arc<Limits>,
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
        limits: Arc::clone(&limits),
    };
    let builder = builder(&limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(io), service));
    let mut draining = pin!(drained(drain, activity.clone()));
    let mut watchdog = Watchdog::new(activity.clone());
    loop {
        // The connection first: what its peer has already sent counts as begun. A peer that never
        // stops sending uses up the task's share of the runtime; the clock is looked at nevertheless.
        tokio::select! {
            biased;
            result = connection.as_mut() => {
                if let Err(error) = result {
                    let error = ErrorChain(&*error);
                    tracing::debug!("the connection from {} broke: {error}", peer.0);
                }
                return;
            }
            () = unconstrained(draining.as_mut()), if !watchdog.is_leaving() => {}
            () = unconstrained(watchdog.bite()) => {
                let is_spent = !activity.is_resting() && !activity.serves_others();
                if watchdog.is_leaving() || is_spent {
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
        .max_buf_size(limits.header_bytes.max(LEAST_BUFFER));
    // Told of a limit, hyper clears a place for each field before it reads any: its own is not told.
    if limits.headers != HYPER_HEADERS {
        builder.http1().max_headers(limits.headers);
    }
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams)
        .max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(H2_STREAM_WINDOW)
        .initial_connection_window_size(H2_CONNECTION_WINDOW)
        .max_send_buf_size(H2_SEND_BUFFER)
        .max_pending_accept_reset_streams(H2_PENDING_RESETS)
        .max_local_error_reset_streams(H2_OWN_RESETS);
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
            // Each request moves the deadline, nearly always away: the clock is set again only when it
            // rings, or would ring too late.
            loop {
                if deadline < self.sleep.deadline() {
                    self.sleep.as_mut().reset(deadline);
                }
                ready!(self.sleep.as_mut().poll(cx));
                if deadline <= self.sleep.deadline() {
                    return Poll::Ready(());
                }
                self.sleep.as_mut().reset(deadline);
            }
        })
        .await;
    }
}
