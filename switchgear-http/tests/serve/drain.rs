use std::{convert::Infallible, time::Duration};

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use switchgear_http::{
    body::Body,
    serve::{Limits, ServeConfig, Server},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpStream,
    time::{Instant, timeout},
};
use tower::service_fn;

use crate::{
    bench::{Bench, PATIENCE, config, get, http2, limited, read_to_end, read_until},
    frames::RawHttp2,
    identity::identity,
};

#[tokio::test]
async fn drains_without_losing_a_request_and_closes_idle_connections_at_once() {
    let mut bench = Bench::start(config()).await;
    let mut resting = bench.connect().await;
    resting.write_all(get("/x").as_bytes()).await.unwrap();
    read_until(&mut resting, "/x 127").await;
    let mut silent = bench.connect().await;
    let mut busy = Vec::new();
    for _ in 0..20 {
        let mut stream = bench.connect().await;
        stream.write_all(get("/slow").as_bytes()).await.unwrap();
        busy.push(stream);
    }
    let multiplexed = tokio::spawn(http2(bench.connect().await, "/slow"));
    bench.wait_inside(21).await;

    bench.stop();
    read_to_end(&mut resting).await;
    read_to_end(&mut silent).await;
    assert!(!bench.done.is_finished());
    bench.gate.notify_waiters();
    for stream in &mut busy {
        let answer = read_to_end(stream).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    }
    assert_eq!(multiplexed.await.unwrap().0, StatusCode::OK);
    let address = bench.address;
    bench.wait_for_end().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn serves_what_waited_in_the_backlog_when_the_end_came() {
    let server = Server::bind(config()).await.unwrap();
    let mut streams = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.local_addr()).await.unwrap();
        stream.write_all(get("/x").as_bytes()).await.unwrap();
        streams.push(stream);
    }
    let service = service_fn(|_: Request<Incoming>| async {
        Ok::<_, Infallible>(Response::new(Body::from("served")))
    });
    let run = server.run(service, std::future::ready(()), PATIENCE);
    timeout(PATIENCE, run).await.unwrap().unwrap();
    for stream in &mut streams {
        let answer = read_to_end(stream).await;
        assert!(answer.ends_with("served"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_drain_ends_at_its_limit() {
    for limit in [Duration::ZERO, Duration::from_millis(300)] {
        let mut bench = Bench::start_with(config(), limit).await;
        let mut stream = bench.connect().await;
        stream.write_all(get("/slow").as_bytes()).await.unwrap();
        bench.wait_inside(1).await;
        let begun = Instant::now();
        bench.stop();
        bench.wait_for_end().await;
        assert!(begun.elapsed() >= limit);
        assert_eq!(read_to_end(&mut stream).await, "");
    }
}

#[tokio::test]
async fn a_drain_does_not_wait_for_http2_peers_that_answer_no_ping() {
    let mut bench = Bench::start_with(config(), PATIENCE * 3).await;
    let mut silent = RawHttp2::begin(&bench, 0).await;
    silent.wait_for(RawHttp2::SETTINGS).await;
    let mut resting = RawHttp2::begin(&bench, 65_535).await;
    resting.get(1, "/x").await;
    resting.wait_for(RawHttp2::DATA).await;
    let mut busy = RawHttp2::begin(&bench, 65_535).await;
    busy.get(1, "/slow").await;
    bench.wait_inside(1).await;

    let begun = Instant::now();
    bench.stop();
    silent.read_to_end().await;
    resting.read_to_end().await;
    assert!(begun.elapsed() < PATIENCE / 2);
    bench.gate.notify_waiters();
    busy.wait_for(RawHttp2::DATA).await;
    busy.read_to_end().await;
    bench.wait_for_end().await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_tls_handshakes() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, _) = identity(folder.path(), "h2");
    let limits = Limits {
        header_timeout: PATIENCE * 3,
        ..Limits::default()
    };
    let config = ServeConfig {
        tls: Some(paths),
        ..limited(limits)
    };
    let mut bench = Bench::start_with(config, PATIENCE * 3).await;
    let mut silent = bench.connect().await;
    bench.stop();
    assert_eq!(read_to_end(&mut silent).await, "");
    bench.wait_for_end().await;
}
