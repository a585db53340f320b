//! A whole stack over a real socket: every layer around a service.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use switchgear_http::{
    access_log::{AccessLogLayer, LoggedService},
    auth::{Audience, Authority, BearerLayer, SigningKey},
    body::BodyLimitLayer,
    client::{ClientLayer, TrustedProxies},
    cors,
    deadline::DeadlineLayer,
    discovery::DiscoveryService,
    failure::{ErrorStyle, PanicAnswer},
    head::HeadLimitLayer,
    host::{AllowedHosts, HostLayer, Scheme},
    request_id::RequestIdLayer,
    serve::{ServeConfig, Server},
    shed::ShedLayer,
};
use switchgear_stores::memory::MemoryDiscoveryStore;
use tokio::net::TcpStream;
use tower::ServiceBuilder;

/// The bound of every wait.
const PATIENCE: Duration = Duration::from_secs(10);

async fn ask(address: std::net::SocketAddr, request: Request<Full<Bytes>>) -> Response<Incoming> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let answer = sender.send_request(request);
    tokio::time::timeout(PATIENCE, answer)
        .await
        .unwrap()
        .unwrap()
}

fn request(method: &str, path: &str, token: Option<&str>, body: &str) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "localhost")
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(token) = token {
        request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    request
        .body(Full::new(Bytes::from(body.to_owned())))
        .unwrap()
}

#[tokio::test]
async fn administers_a_backend_behind_tokens() {
    let pair = SigningKey::generate().unwrap();
    let authority = Authority::from_pem(pair.public_pem.as_bytes(), Audience::Discovery).unwrap();
    let key = SigningKey::from_pem(pair.private_pem.as_bytes()).unwrap();
    let token = key
        .mint(
            Audience::Discovery,
            Duration::from_secs(60),
            SystemTime::now(),
        )
        .unwrap();
    let style = ErrorStyle::Problem;
    let proxies = TrustedProxies::try_new(["127.0.0.1"]).unwrap();
    let hosts = AllowedHosts::try_new(["localhost", "admin.example"]).unwrap();
    let service = ServiceBuilder::new()
        .layer(RequestIdLayer::new())
        .layer(AccessLogLayer::new(LoggedService::Discovery).with_trusted_proxies(proxies.clone()))
        .layer(PanicAnswer::layer(style))
        .layer(HeadLimitLayer::new(16_384, 50, style))
        .layer(ShedLayer::new(100, style))
        .layer(DeadlineLayer::new(PATIENCE, style))
        .layer(ClientLayer::new(proxies, style))
        .layer(HostLayer::new(hosts, Scheme::Http, style))
        .layer(BearerLayer::new(authority, "discovery"))
        .layer(BodyLimitLayer::new(1_000, style))
        .layer(cors::open())
        .service(DiscoveryService::new(Arc::new(MemoryDiscoveryStore::new())));
    let config = ServeConfig::new("127.0.0.1:0".parse().unwrap());
    let server = Server::bind(config).await.unwrap();
    let address = server.local_addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let done = tokio::spawn(server.run(service, shutdown, PATIENCE));

    let backend = json!({
        "address": {"url": "https://lnd.example.com"},
        "partitions": ["default"], "weight": 1, "enabled": true,
        "implementation": {
            "type": "clnGrpc", "url": "https://127.0.0.1:9736",
            "auth": {
                "type": "path", "caCertPath": "/ca", "clientCertPath": "/c", "clientKeyPath": "/k",
            },
        },
    })
    .to_string();
    for (token, status) in [
        (None, StatusCode::UNAUTHORIZED),
        (Some("x"), StatusCode::UNAUTHORIZED),
        (Some(token.as_str()), StatusCode::CREATED),
        (Some(token.as_str()), StatusCode::CONFLICT),
    ] {
        let answer = ask(address, request("POST", "/discovery", token, &backend)).await;
        assert_eq!(answer.status(), status);
    }
    let answer = ask(address, request("GET", "/discovery", Some(&token), "")).await;
    let list = answer.into_body().collect().await.unwrap().to_bytes();
    let list: Value = serde_json::from_slice(&list).unwrap();
    assert_eq!(list[0]["location"], "url/aHR0cHM6Ly9sbmQuZXhhbXBsZS5jb20v");
    assert_eq!(
        ask(address, request("GET", "/health", None, ""))
            .await
            .status(),
        200
    );

    let large = "x".repeat(1_001);
    let mut sent = vec![(request("POST", "/discovery", Some(&token), &large), 413)];
    let mut wide = request("GET", "/discovery", Some(&token), "");
    for _ in 0..50 {
        let header = header::HeaderName::from_static("x");
        wide.headers_mut().append(header, "y".parse().unwrap());
    }
    sent.push((wide, 431));
    for (name, value, status) in [
        ("x-forwarded-host", "admin.example", 200),
        ("x-forwarded-host", "evil.example", 400),
        ("x-forwarded-proto", "gopher", 400),
    ] {
        let mut request = request("GET", "/discovery", Some(&token), "");
        request.headers_mut().insert(name, value.parse().unwrap());
        sent.push((request, status));
    }
    for (request, status) in sent {
        let answer = ask(address, request).await;
        assert_eq!(answer.status(), status);
        assert!(answer.headers().contains_key("x-request-id"));
    }

    stop.send(()).unwrap();
    tokio::time::timeout(PATIENCE, done)
        .await
        .unwrap()
        .unwrap()
        .unwrap();
}
