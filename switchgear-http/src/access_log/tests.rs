use std::convert::Infallible;

use http::StatusCode;
use tower::{Layer as _, ServiceExt as _, service_fn};
use tower_http::request_id::RequestId;
use tracing::Level;

use super::*;
use crate::{
    body::Body,
    client::Client,
    serve::PeerAddr,
    testing::{Logged, Recorder},
};

async fn log(service: LoggedService, status: u16, path: &str) -> Logged {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let inner = service_fn(move |_: Request<Body>| async move {
        let mut response = Response::new(Body::from("12345"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Ok::<_, Infallible>(response)
    });
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    let peer = "[::ffff:192.0.2.7]:9".parse().unwrap();
    request.extensions_mut().insert(PeerAddr(peer));
    let service = AccessLogLayer::new(service).layer(inner);
    service.oneshot(request).await.unwrap();
    let mut logged = recorder.take();
    assert_eq!(logged.len(), 1);
    logged.remove(0)
}

#[tokio::test]
async fn writes_one_line_under_the_services_target_and_the_statuss_level() {
    for (service, target) in [
        (LoggedService::Lnurl, "clf::lnurl"),
        (LoggedService::Discovery, "clf::discovery"),
        (LoggedService::Offer, "clf::offer"),
    ] {
        for (status, level) in [
            (200, Level::INFO),
            (304, Level::INFO),
            (404, Level::WARN),
            (502, Level::ERROR),
        ] {
            let (got, at, line) = log(service, status, "/a?b=c").await;
            assert_eq!((got, at.as_str()), (level, target));
            let (client, rest) = line.split_once(" - - [").unwrap();
            assert_eq!(client, "192.0.2.7");
            let (_, rest) = rest.split_once("] ").unwrap();
            let expected = format!("\"GET /a?b=c HTTP/1.1\" {status} 5 ");
            assert!(rest.starts_with(&expected), "{line}");
            assert!(rest.ends_with("us"), "{line}");
        }
    }
}

#[tokio::test]
async fn leaves_out_a_query_in_which_a_token_may_stand() {
    for (status, path, written) in [
        (401, "/discovery?key=eyJ", "/discovery"),
        (200, "/discovery?start=1&access_token=eyJ", "/discovery"),
        (200, "/offers/a?start=1", "/offers/a?start=1"),
    ] {
        let (_, _, line) = log(LoggedService::Discovery, status, path).await;
        assert!(line.contains(&format!("\"GET {written} HTTP")), "{line}");
    }
}

#[tokio::test]
async fn keeps_a_hostile_path_on_its_line() {
    let (_, _, line) = log(LoggedService::Lnurl, 404, "/a%0d%0ab\u{85}\u{2028}\"c").await;
    assert!(
        line.contains(r#"/a%0d%0ab\u{85}\u{2028}\"c HTTP"#),
        "{line}"
    );
    assert!(!line.chars().any(char::is_control));
}

#[tokio::test]
async fn writes_499_once_for_a_request_that_is_dropped_before_its_answer() {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let inner =
        service_fn(|_: Request<Body>| std::future::pending::<Result<Response<Body>, Infallible>>());
    let service = AccessLogLayer::new(LoggedService::Offer).layer(inner);
    let mut answer = Box::pin(service.oneshot(Request::new(Body::empty())));
    assert!(futures::poll!(answer.as_mut()).is_pending());
    assert!(recorder.take().is_empty());
    drop(answer);
    let logged = recorder.take();
    let [(level, target, line)] = logged.as_slice() else {
        panic!("one line, not {logged:?}");
    };
    assert_eq!((*level, target.as_str()), (Level::WARN, "clf::offer"));
    assert!(line.contains("\"GET / HTTP/1.1\" 499 - "), "{line}");
}

#[tokio::test]
async fn names_the_client_behind_a_trusted_proxy_and_the_proxy_where_it_talks_nonsense() {
    let proxies = TrustedProxies::try_new(["10.0.0.0/8"]).unwrap();
    for (peer, forwarded, client) in [
        ("10.0.0.1:9", "for=192.0.2.7", "192.0.2.7"),
        (
            "[::ffff:10.0.0.1]:9",
            "for=\"[2001:db8::1]:5\"",
            "2001:db8::1",
        ),
        ("10.0.0.1:9", "for=nonsense", "10.0.0.1"),
        ("198.51.100.1:9", "for=192.0.2.7", "198.51.100.1"),
    ] {
        let request = Request::get("/")
            .header("forwarded", forwarded)
            .extension(PeerAddr(peer.parse().unwrap()));
        let line = line(request, proxies.clone()).await;
        assert!(line.starts_with(&format!("{client} - - [")), "{line}");
    }
    let told = Client {
        address: Some("192.0.2.9".parse().unwrap()),
        ..Client::default()
    };
    let request = Request::get("/").extension(told);
    let line = line(request, TrustedProxies::default()).await;
    assert!(line.starts_with("192.0.2.9 - - ["), "{line}");
}

#[tokio::test]
async fn ends_with_the_requests_id_where_it_has_one() {
    let id = RequestId::new("order-7".parse().unwrap());
    let named = line(Request::get("/").extension(id), TrustedProxies::default()).await;
    assert!(named.ends_with("us order-7"), "{named}");
    let nameless = line(Request::get("/"), TrustedProxies::default()).await;
    assert!(nameless.ends_with("us"), "{nameless}");
}

async fn line(request: http::request::Builder, proxies: TrustedProxies) -> String {
    let recorder = Recorder::default();
    let _guard = tracing::subscriber::set_default(recorder.clone());
    let inner =
        service_fn(|_: Request<()>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let service = AccessLogLayer::new(LoggedService::Lnurl)
        .with_trusted_proxies(proxies)
        .layer(inner);
    service.oneshot(request.body(()).unwrap()).await.unwrap();
    let [(_, _, line)] = recorder.take().try_into().unwrap();
    line
}
