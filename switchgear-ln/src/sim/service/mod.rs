//! gRPC: the calls of both kinds of node, and the faults that concern any call.

mod body;
mod cln;
mod lnd;

use std::{convert::Infallible, future, pin::Pin, sync::Arc};

use hyper::body::Incoming;
use tonic::{Code, Status, body::Body};
use tower_service::Service as _;

use self::{
    body::{Trouble, Troubled},
    cln::ClnCalls,
    lnd::LndCalls,
};
use super::{
    Fault, SimNodeKind,
    state::State,
    wire::{Ending, Line},
};
use crate::{cln::proto::node_server::NodeServer, lnd::proto::lightning_server::LightningServer};

type Request = http::Request<Incoming>;
type Response = http::Response<Body>;

/// The calls that come on one connection.
#[derive(Debug, Clone)]
pub(super) struct Calls {
    grpc: Grpc,
    state: Arc<State>,
    line: Line,
    stalled: bool,
}

/// What the node speaks.
#[derive(Debug, Clone)]
enum Grpc {
    Lnd(LightningServer<LndCalls>),
    Cln(NodeServer<ClnCalls>),
}

/// The fault that a call meets inside, among the request's extensions.
#[derive(Debug, Clone)]
struct Met(Fault);

impl hyper::service::Service<Request> for Calls {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn call(&self, request: Request) -> Self::Future {
        let calls = self.clone();
        Box::pin(async move { Ok(calls.answer(request).await) })
    }
}

impl Calls {
    /// The calls of a connection; one that is `stalled` never reads a request to its end.
    pub(super) fn new(state: Arc<State>, line: Line, stalled: bool) -> Self {
        let grpc = match state.kind {
            SimNodeKind::Lnd => Grpc::Lnd(LightningServer::new(LndCalls::new(Arc::clone(&state)))),
            SimNodeKind::Cln => Grpc::Cln(NodeServer::new(ClnCalls::new(Arc::clone(&state)))),
        };
        Self {
            grpc,
            state,
            line,
            stalled,
        }
    }

    async fn answer(mut self, mut request: Request) -> Response {
        self.state.counters.call();
        if self.stalled {
            self.never(&Fault::FlowControlStall).await;
        }
        let fault = self.state.rolled_fault();
        if let Some(fault) = &fault
            && let Some(refusal) = self.before(fault, request.uri().path()).await
        {
            return refusal;
        }
        let delay = self.state.delay();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let Some(fault) = fault else {
            return self.grpc.call(request).await;
        };
        request.extensions_mut().insert(Met(fault.clone()));
        let answer = self.grpc.call(request).await;
        self.after(&fault, answer)
    }

    /// What a fault does before the call is looked at; an answer of its own, where it has one.
    async fn before(&self, fault: &Fault, path: &str) -> Option<Response> {
        match fault {
            Fault::Hang => self.never(fault).await,
            Fault::GoAwayUnanswered => {
                if self.line.end(Ending::GoAwayUnanswered) {
                    self.served(fault);
                }
                future::pending().await
            }
            Fault::GoAway => {
                // Calls that have arrived are finished nevertheless.
                if self.line.end(Ending::GoAway) {
                    self.served(fault);
                }
                None
            }
            Fault::Slow(delay) => {
                self.served(fault);
                tokio::time::sleep(*delay).await;
                None
            }
            Fault::Status { code, text } => {
                self.served(fault);
                Some(Status::new(Code::from(*code), text).into_http())
            }
            Fault::RpcError { code, message } => {
                self.served(fault);
                let method = path.rsplit('/').next().unwrap_or_default();
                Some(cln::refusal(method, *code, message).into_http())
            }
            _ => None,
        }
    }

    /// What a fault does to an answer.
    fn after(&self, fault: &Fault, answer: Response) -> Response {
        let trouble = match fault {
            Fault::Trickle(apart) => Trouble::Trickle(*apart),
            Fault::StallAfterHeaders => Trouble::Stall,
            Fault::ResetMidAnswer => Trouble::Reset(self.line.clone()),
            _ => return answer,
        };
        self.served(fault);
        answer.map(|body| Body::new(Troubled::new(body, trouble)))
    }

    /// Answers no call.
    async fn never(&self, fault: &Fault) -> ! {
        self.served(fault);
        future::pending().await
    }

    fn served(&self, fault: &Fault) {
        self.state.counters.served(fault.kind());
    }
}

impl Grpc {
    async fn call(&mut self, request: Request) -> Response {
        let answer = match self {
            Self::Lnd(lnd) => lnd.call(request).await,
            Self::Cln(cln) => cln.call(request).await,
        };
        match answer {
            Ok(answer) => answer,
            Err(never) => match never {},
        }
    }
}

impl Met {
    /// The fault of this call, if it meets one.
    fn of<T>(request: &tonic::Request<T>) -> Option<&Fault> {
        request.extensions().get::<Self>().map(|met| &met.0)
    }
}
