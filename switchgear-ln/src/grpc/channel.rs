use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use http::{
    HeaderValue, Request, Response,
    header::USER_AGENT,
    uri::{PathAndQuery, Uri},
};
use hyper::{body::Incoming, client::conn::http2::SendRequest};
use rustls::AlertDescription;
use tonic::body::Body;
use tower_service::Service;

use super::{target::Target, watched_io::TlsBreakage};

const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("switchgear/", env!("CARGO_PKG_VERSION")));

/// Calls on one HTTP/2 connection, which all clones share; for a generated client to stand on.
///
/// It is always ready: what a dead connection has to say, it says to the call.
#[derive(Debug, Clone)]
pub(crate) struct Channel {
    sender: SendRequest<Body>,
    target: Arc<Target>,
    breakage: TlsBreakage,
    /// Whether any call was answered.
    answered: Arc<AtomicBool>,
}

impl Channel {
    pub(super) fn new(
        sender: SendRequest<Body>,
        target: Arc<Target>,
        breakage: TlsBreakage,
    ) -> Self {
        Self {
            sender,
            target,
            breakage,
            answered: Arc::default(),
        }
    }

    /// Whether the connection takes no more calls; those that it took may still be answered.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// The TLS error that the connection broke with, if it was one.
    pub(super) fn breakage(&self) -> Option<&io::Error> {
        self.breakage.get()
    }

    /// Whether the node hung up because of this side's certificate, and looked at no call before.
    ///
    /// In TLS 1.3 it looks at the certificate after this side thinks the connection made, and may
    /// have sent calls on it.
    pub(super) fn is_shut_out(&self) -> bool {
        let breakage = self.breakage().and_then(io::Error::get_ref);
        let tls = breakage.and_then(|error| error.downcast_ref());
        matches!(tls, Some(rustls::Error::AlertReceived(alert)) if is_of_certificate(*alert))
            && !self.answered.load(Ordering::Relaxed)
    }
}

impl Service<Request<Body>> for Channel {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, hyper::Error>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let path = std::mem::take(request.uri_mut());
        *request.uri_mut() = self.target.uri(path_of(path));
        request.headers_mut().insert(USER_AGENT, AGENT);
        let answer = self.sender.send_request(request);
        let answered = Arc::clone(&self.answered);
        Box::pin(async move {
            let answer = answer.await?;
            answered.store(true, Ordering::Relaxed);
            Ok(answer)
        })
    }
}

/// Whether the alert is the verdict on a client's certificate, or on the lack of one.
fn is_of_certificate(alert: AlertDescription) -> bool {
    use AlertDescription as Alert;

    matches!(
        alert,
        Alert::CertificateRequired
            | Alert::NoCertificate
            | Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateRevoked
            | Alert::CertificateExpired
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::AccessDenied
    )
}

fn path_of(uri: Uri) -> PathAndQuery {
    uri.into_parts()
        .path_and_query
        .unwrap_or_else(|| PathAndQuery::from_static("/"))
}
