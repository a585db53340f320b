//! A shared handle is as good as what it shares.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use async_trait::async_trait;

use super::*;
use crate::{Millisatoshi, Partition, lnurl::PayMetadata};

/// The answer of a future that waits for nothing.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("nothing here waits"),
    }
}

fn request() -> InvoiceRequest {
    InvoiceRequest {
        partition: Partition::try_new("default").unwrap(),
        amount: Millisatoshi::new(21_000),
        metadata: PayMetadata::from_served("[]"),
        expiry: Duration::from_secs(180),
        comment: None,
    }
}

/// Answers with the amount asked for, so that the request is known to have come through.
#[derive(Debug)]
struct Echo;

#[async_trait]
impl LnClient for Echo {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<Invoice, LnError> {
        Ok(Invoice {
            bolt11: request.amount.to_string(),
            payment_hash: [7; 32],
        })
    }

    async fn status(&self) -> Result<NodeStatus, LnError> {
        Err(LnError::new(LnErrorKind::NotReady, "is starting"))
    }
}

#[async_trait]
impl LnBalancer for Echo {
    async fn invoice(&self, request: &InvoiceRequest) -> Result<IssuedInvoice, NoInvoice> {
        Ok(IssuedInvoice {
            invoice: LnClient::invoice(self, request).await.unwrap(),
            node: crate::backend::BackendAddress::try_from_url("https://a.example").unwrap(),
            attempts: 1,
            elapsed: Duration::ZERO,
        })
    }

    fn readiness(&self) -> Readiness {
        Readiness {
            settled: true,
            partitions: Vec::new(),
        }
    }
}

#[test]
fn a_shared_client_asks_its_node() {
    fn ask(client: impl LnClient) -> (Invoice, LnError) {
        let invoice = at_once(client.invoice(&request())).unwrap();
        (invoice, at_once(client.status()).unwrap_err())
    }

    let (invoice, error) = ask(Arc::new(Echo) as Arc<dyn LnClient>);
    assert_eq!(invoice.bolt11, "21000 msat");
    assert_eq!(error.kind(), LnErrorKind::NotReady);
}

#[test]
fn a_shared_balancer_asks_its_fleet() {
    fn ask(balancer: impl LnBalancer) -> (IssuedInvoice, Readiness) {
        let issued = at_once(balancer.invoice(&request())).unwrap();
        (issued, balancer.readiness())
    }

    let (issued, readiness) = ask(Arc::new(Echo) as Arc<dyn LnBalancer>);
    assert_eq!(issued.invoice.bolt11, "21000 msat");
    assert!(readiness.settled);
}
