//! What is served of an offer. LUD-06, LUD-12 and the bech32 of LUD-01.

use std::{error::Error, sync::Arc};

use bytes::Bytes;
use http::{Response, StatusCode};
use switchgear_core::{
    ErrorChain,
    ln::{InvoiceRequest, IssuedInvoice},
    lnurl::{self, PayInvoice, PayRequest},
    offer::PayableOffer,
    store::StoreError,
};
use uuid::Uuid;

use super::{
    answer::{self, Refusal},
    callback::Base,
    qr::{self, QrFailure},
    query::Query,
    service::Shared,
};
use crate::{body::Body, caching, clock, reply, rest};

/// The offer that can be paid now, in a partition that is served here.
pub(super) async fn find(
    shared: &Shared,
    partition: &str,
    id: &str,
) -> Result<Arc<PayableOffer>, Refusal> {
    let partition = shared
        .config
        .partitions
        .get(partition)
        .ok_or_else(Refusal::no_offer)?;
    let id = rest::uuid(id).ok_or_else(Refusal::no_offer)?;
    let offer = shared
        .offers
        .payable(partition, id)
        .await
        .map_err(|error| failed_store(&error, id))?;
    offer
        .filter(|offer| offer.validity.contains(clock::now()))
        .ok_or_else(Refusal::no_offer)
}

/// LUD-06, the first step.
pub(super) fn pay_request(
    shared: &Shared,
    offer: &Arc<PayableOffer>,
    base: &Arc<Base>,
) -> Response<Body> {
    let json = shared.rendered.get_or_render(offer, base, || {
        let callback = format!("{}/invoice", base.url_of(offer));
        let request = PayRequest::new(offer, &callback, shared.config.comments);
        reply::encode(&request).into()
    });
    let response = reply::typed(StatusCode::OK, "application/json", json);
    describe(offer, base, response)
}

/// What LUD-06's second step asks for, checked.
pub(super) fn ask(
    shared: &Shared,
    offer: &PayableOffer,
    query: Query<'_>,
) -> Result<InvoiceRequest, Refusal> {
    Ok(InvoiceRequest {
        partition: offer.partition.clone(),
        amount: query.amount(offer.sendable)?,
        metadata: offer.metadata.clone(),
        expiry: shared.config.invoice_expiry,
        comment: query.comment(shared.config.comments)?,
    })
}

/// LUD-06, the second step: never cached, because each answer is another invoice.
pub(super) async fn invoice(
    shared: &Shared,
    offer: &PayableOffer,
    request: &InvoiceRequest,
) -> Result<Response<Body>, Refusal> {
    let issued = shared
        .balancer
        .invoice(request)
        .await
        .map_err(|error| Refusal::new(StatusCode::BAD_GATEWAY, error))?;
    log(offer, request, &issued);
    let invoice = PayInvoice::new(&issued.invoice.bolt11);
    let mut response = reply::json(StatusCode::OK, &invoice);
    caching::forbid(response.headers_mut());
    Ok(response)
}

/// The head that an invoice would have.
pub(super) fn no_invoice() -> Response<Body> {
    let mut response = reply::typed(StatusCode::OK, "application/json", Bytes::new());
    caching::forbid(response.headers_mut());
    response
}

/// The LNURL itself, in upper case.
pub(super) fn bech32(offer: &PayableOffer, base: &Base) -> Response<Body> {
    let lnurl = lnurl::encode(&base.url_of(offer));
    describe(
        offer,
        base,
        reply::typed(StatusCode::OK, "text/plain; charset=utf-8", lnurl),
    )
}

/// The LNURL as a picture, which takes milliseconds to draw: too long for a thread that others share.
pub(super) async fn qr(
    shared: &Shared,
    offer: &PayableOffer,
    base: &Base,
) -> Result<Response<Body>, Refusal> {
    let lnurl = lnurl::encode(&base.url_of(offer));
    let look = shared.config.qr;
    let brush = Arc::clone(&shared.brushes)
        .acquire_owned()
        .await
        .expect("the semaphore is never closed");
    let picture = tokio::task::spawn_blocking(move || {
        // Held to the end of the drawing, whether or not somebody still waits for it.
        let _brush = brush;
        qr::draw(&lnurl, look)
    })
    .await
    .map_err(|error| undrawn(&error))?
    .map_err(|failure| match failure {
        QrFailure::Code(_) => Refusal::new(
            StatusCode::BAD_REQUEST,
            "this lnurl is too long for a qr code, its text form is one path up",
        ),
        QrFailure::Picture(error) => undrawn(&error),
    })?;
    let response = reply::typed(StatusCode::OK, "image/png", picture);
    Ok(describe(offer, base, response))
}

fn describe(offer: &PayableOffer, base: &Base, mut response: Response<Body>) -> Response<Body> {
    answer::cache(response.headers_mut(), offer, base.varies);
    response
}

fn failed_store(error: &StoreError, id: Uuid) -> Refusal {
    let chain = ErrorChain(error);
    tracing::error!("offer {id} could not be looked up: {chain}");
    Refusal::store(error.kind())
}

fn undrawn(error: &(dyn Error + 'static)) -> Refusal {
    tracing::error!("a qr code could not be drawn: {}", ErrorChain(error));
    Refusal::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "the qr code could not be drawn",
    )
}

fn log(offer: &PayableOffer, request: &InvoiceRequest, issued: &IssuedInvoice) {
    tracing::info!(
        "invoice {hash} of {amount} for offer {partition}/{id} by {node}, attempts {attempts}, {elapsed:?}",
        hash = hex::encode(issued.invoice.payment_hash),
        amount = request.amount,
        partition = offer.partition,
        id = offer.id,
        node = issued.node,
        attempts = issued.attempts,
        elapsed = issued.elapsed,
    );
}
