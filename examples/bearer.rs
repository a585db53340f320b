//! Somebody's own hyper service, in which nothing else is of switchgear, behind our bearer tokens.
//!
//! `cargo run --release --example bearer` stays up until Ctrl-C and prints what to type; with `-- --once` it
//! asks itself with and without a token, and ends.

#![expect(clippy::print_stdout, reason = "an example is there to be read")]

use std::{
    convert::Infallible,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::ensure;
use clap::Parser;
use http::{Request, Response, StatusCode, header};
use http_body_util::{Empty, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioIo},
    server::conn::auto::Builder,
    service::TowerToHyperService,
};
use switchgear_http::auth::{Audience, Authority, BearerLayer, Claims, SigningKey};
use tokio::net::TcpListener;
use tower::{ServiceBuilder, service_fn};

/// Greets those who bring a token.
#[derive(Debug, Parser)]
struct Arguments {
    /// End by itself after two requests, with an exit code, instead of staying up.
    #[arg(long)]
    once: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let keys = SigningKey::generate()?;
    let authority = Authority::from_pem(keys.public_pem.as_bytes(), Audience::Offer)?;
    let key = SigningKey::from_pem(keys.private_pem.as_bytes())?;
    let hour = Duration::from_secs(3_600);
    let token = key.mint(Audience::Offer, hour, SystemTime::now())?;

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    println!("curl -H 'Authorization: Bearer {token}' http://{address}/");
    let end = async {
        if arguments.once {
            check(address, &token).await
        } else {
            Ok(tokio::signal::ctrl_c().await?)
        }
    };
    tokio::select! {
        served = serve(listener, BearerLayer::new(authority, "greetings")) => served,
        ended = end => ended,
    }
}

/// The service as it may have been before: a function over hyper's own types.
async fn greet(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let claims = request.extensions().get::<Arc<Claims>>();
    let words = match claims {
        Some(claims) => format!("Welcome, until second {} of the epoch.\n", claims.exp),
        None => "Nobody comes here without a token.\n".to_owned(),
    };
    Ok(Response::new(Full::from(words)))
}

/// hyper's own server, with the layer around the service.
async fn serve(listener: TcpListener, bearer: BearerLayer) -> anyhow::Result<()> {
    let service = ServiceBuilder::new()
        .layer(bearer)
        .service(service_fn(greet));
    loop {
        let (stream, _) = listener.accept().await?;
        let service = TowerToHyperService::new(service.clone());
        tokio::spawn(async move {
            let server = Builder::new(TokioExecutor::new());
            // A connection that breaks is its client's affair.
            let _ = server.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Asks without a token, and with it.
async fn check(address: SocketAddr, token: &str) -> anyhow::Result<()> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    for (token, expected) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some(token), StatusCode::OK),
    ] {
        let mut request = Request::get(format!("http://{address}/"));
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let status = client.request(request.body(Empty::new())?).await?.status();
        println!("with a token: {}, {status}", token.is_some());
        ensure!(status == expected, "{status} where {expected} was due");
    }
    Ok(())
}
