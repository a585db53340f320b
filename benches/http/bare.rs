//! The services as they are without this project: hyper's own connections, one handler, and no layer.

use std::{convert::Infallible, net::Ipv4Addr, net::SocketAddr};

use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use switchgear_benches::invoices::{Client, Failure};
use tokio::net::TcpListener;

use crate::site::Site;

/// Answers every request with these bytes.
pub(crate) async fn constant(body: Bytes) -> Result<Site, Failure> {
    let address = listen(move || {
        let body = body.clone();
        async move { json(body) }
    })
    .await?;
    Ok(Site::new(address, "/"))
}

/// Answers every request with an invoice of `client`, after one call of the node and nothing else.
pub(crate) async fn invoice(client: impl Client) -> Result<Site, Failure> {
    let address = listen(move || {
        let client = client.clone();
        async move {
            match client.invoice().await {
                Ok(bolt11) => json(format!(r#"{{"pr":"{bolt11}","routes":[]}}"#).into()),
                Err(_) => refusal(),
            }
        }
    })
    .await?;
    Ok(Site::new(address, "/"))
}

async fn listen<F>(answer: impl Fn() -> F + Clone + Send + 'static) -> Result<SocketAddr, Failure>
where
    F: Future<Output = Response<Full<Bytes>>> + Send,
{
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let answer = answer.clone();
            // Without it small answers wait for acknowledgements; where it fails, they do.
            let _ = stream.set_nodelay(true);
            tokio::spawn(async move {
                let service = service_fn(move |_: http::Request<Incoming>| {
                    let answer = answer();
                    async move { Ok::<_, Infallible>(answer.await) }
                });
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                // A connection that breaks leaves the payer without its answers, and that ends the bench.
                let _ = connection.await;
            });
        }
    });
    Ok(address)
}

fn json(body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let media_type = HeaderValue::from_static("application/json");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, media_type);
    response
}

fn refusal() -> Response<Full<Bytes>> {
    let mut response = json(Bytes::new());
    *response.status_mut() = StatusCode::BAD_GATEWAY;
    response
}
