use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures::future::BoxFuture;
use switchgear_core::{
    ErrorChain,
    balance::{Call, Verdict},
    ln::{Expectation, Invoice, InvoiceRequest, LnError, LnErrorKind, Network},
};
use tokio::time::Instant;
use tracing::{debug, warn};

use super::{Shared, clients::NodeClient, now_since};

/// A call under way: it owns all that it needs, so that it can outlive its request.
pub(super) type Attempt = BoxFuture<'static, Result<Invoice, LnError>>;

/// A call whose request is over, and which goes on for its node's sake.
pub(super) struct Detached {
    pub(super) verdict: Verdict,
    pub(super) until: Instant,
    pub(super) attempt: Attempt,
}

/// Asks the call's node, and checks what it answers.
pub(super) fn attempt(shared: &Shared, call: Call, request: &Arc<InvoiceRequest>) -> Attempt {
    let client = shared.clients.get(call.node_id());
    let request = Arc::clone(request);
    let under_way = UnderWay {
        call,
        origin: shared.origin,
        ended: false,
    };
    let verification = shared.config.verify_invoices.then_some(Verification {
        network: shared.config.network,
    });
    Box::pin(async move {
        let Some(client) = client else {
            return Err(LnError::new(LnErrorKind::Internal, "was removed meanwhile"));
        };
        let result = ask(&client, verification, &request).await;
        under_way.end();
        if let Err(error) = &result {
            // The message says it in words; what lies behind is for who looks closer.
            let (node, chain) = (client.label(), ErrorChain(error));
            warn!("node {node} made no invoice: {error}");
            debug!("node {node} made no invoice: {chain}");
        }
        result
    })
}

/// A call, held until its end: it counts as under way, and keeps a node's trial to itself.
struct UnderWay {
    call: Call,
    origin: Instant,
    ended: bool,
}

impl UnderWay {
    fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        // Nobody waits any more: the node is known to take at least as long as it has taken by now.
        if !self.ended {
            self.call.verdict().overtaken(now_since(self.origin));
        }
    }
}

/// What is known of every good invoice of this balancer.
#[derive(Debug, Clone, Copy)]
struct Verification {
    network: Option<Network>,
}

async fn ask(
    client: &NodeClient,
    verification: Option<Verification>,
    request: &InvoiceRequest,
) -> Result<Invoice, LnError> {
    let invoice = client.client.invoice(request).await?;
    if let Some(Verification { network }) = verification {
        let network = match (network, client.reported_network()) {
            (Some(network), _) => Some(network),
            (None, Some(reported)) => reported,
            // Not checked yet, or reached anew since: its invoice must not leave unchecked.
            (None, None) => client.ask_network().await?,
        };
        let expected = Expectation {
            payee: client.backend.address.public_key().copied(),
            network,
            unix_time: unix_time(),
        };
        invoice.verify(request, &expected)?;
    }
    Ok(invoice)
}

fn unix_time() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}
