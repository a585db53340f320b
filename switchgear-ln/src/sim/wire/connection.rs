use std::{future, sync::Arc};

use hyper::server::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::watch};
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use super::{
    gate::Gated,
    line::{Ending, Line},
    listener::{Stop, stop},
    shared::Shared,
};
use crate::sim::{FaultKind, service::Calls, state::State};

/// One connection until it ends or is told to.
pub(super) async fn serve(
    stream: TcpStream,
    state: Arc<State>,
    mut stopped: watch::Receiver<Option<Stop>>,
) {
    // Without it each answer waits for an acknowledgement that the client delays. A socket that
    // refuses is about to break anyway.
    let _ = stream.set_nodelay(true);
    let shaken = tokio::select! {
        shaken = handshake(stream, &state) => shaken,
        // No call is on it yet that could be finished.
        _ = stop(&mut stopped) => None,
    };
    let Some(stream) = shaken else {
        return;
    };
    let stream = Shared::new(stream);
    let stalled = state.fault_kind() == Some(FaultKind::FlowControlStall);
    let mut http = http2::Builder::new(TokioExecutor::new());
    if stalled {
        http.initial_stream_window_size(0);
    }
    let (line, mut ended) = Line::new();
    let calls = Calls::new(state, line, stalled);
    let mut connection = Box::pin(http.serve_connection(TokioIo::new(stream.clone()), calls));
    let ending = tokio::select! {
        _ = connection.as_mut() => return,
        ending = ending(&mut ended) => ending,
        how = stop(&mut stopped) => match how {
            Stop::Drain => Ending::GoAway,
            Stop::Abort => return,
        },
    };
    match ending {
        Ending::GoAway => {
            connection.as_mut().graceful_shutdown();
            // An error is the client's hanging up. To stop at once, the listener drops this task.
            let _ = connection.await;
        }
        Ending::GoAwayUnanswered => {
            drop(connection);
            stream.go_away().await;
        }
        Ending::Reset => {
            drop(connection);
            stream.reset();
        }
    }
}

/// Nothing when TLS fails: the client does not like the certificate, or the node does not like the
/// client's, or refuses all.
async fn handshake(stream: TcpStream, state: &State) -> Option<TlsStream<Gated<TcpStream>>> {
    let shown = state.shown.load_full();
    if let Some(kind) = shown.fault {
        state.counters.served(kind);
    }
    let stream = Gated::new(stream, Arc::clone(&state.gate));
    let acceptor = TlsAcceptor::from(Arc::clone(&shown.server));
    let shaken = acceptor.accept(stream).await.ok();
    if shaken.is_some() {
        state.counters.handshake();
    }
    shaken
}

/// Waits until a call ends its connection.
async fn ending(ended: &mut watch::Receiver<Option<Ending>>) -> Ending {
    match ended.wait_for(Option::is_some).await.map(|ending| *ending) {
        Ok(Some(ending)) => ending,
        // No call is left that could.
        _ => future::pending().await,
    }
}
