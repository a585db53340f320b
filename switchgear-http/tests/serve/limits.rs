use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use switchgear_http::serve::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::bench::{Bench, get, limited, read_to_end, read_until, send_by_http2};

/// Sends a head and gives what the server answered before it closed.
async fn answer_to(bench: &Bench, fields: &str) -> String {
    let mut stream = bench.connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
    // The server may close before it has taken everything.
    let _ = stream.write_all(request.as_bytes()).await;
    read_to_end(&mut stream).await
}

#[tokio::test]
async fn takes_heads_up_to_their_limits_and_refuses_what_is_above() {
    for (headers, header_bytes) in [(100, 16_384), (50, 9_000)] {
        let limits = Limits {
            headers,
            header_bytes,
            ..Limits::default()
        };
        let bench = Bench::start(limited(limits)).await;
        // With `host` and `connection` there are as many as allowed.
        let most = "x: y\r\n".repeat(headers - 2);
        let answer = answer_to(&bench, &most).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        let answer = answer_to(&bench, &format!("{most}x: y\r\n")).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");

        let long = |bytes| format!("x: {}\r\n", "y".repeat(bytes));
        let answer = answer_to(&bench, &long(header_bytes - 100)).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        // In one read with the head's beginning, and beyond all buffers.
        for bytes in [header_bytes, 2 * header_bytes] {
            let answer = answer_to(&bench, &long(bytes)).await;
            assert!(!answer.contains(" 200 "), "{answer}");
        }
    }
}

#[tokio::test]
async fn takes_http2_heads_up_to_their_limits_and_refuses_what_is_above() {
    let (headers, header_bytes) = (50, 9_000);
    let limits = Limits {
        headers,
        header_bytes,
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits)).await;
    let status = async |fields: usize, bytes: usize| {
        let mut request = Request::get("http://a.example/").body(Empty::<Bytes>::new());
        let map = request.as_mut().unwrap().headers_mut();
        for _ in 0..fields {
            map.append("x", "y".repeat(bytes).parse().unwrap());
        }
        send_by_http2(bench.connect().await, request.unwrap())
            .await
            .0
    };
    assert_eq!(status(headers, 1).await, StatusCode::OK);
    let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_eq!(status(headers + 1, 1).await, too_large);
    assert_eq!(status(1, header_bytes - 300).await, StatusCode::OK);
    assert_eq!(status(1, header_bytes).await, too_large);
}

#[tokio::test]
async fn serves_so_many_connections_at_once_and_lets_the_next_wait() {
    let bench = Bench::start(limited(Limits {
        connections: 1,
        ..Limits::default()
    }))
    .await;
    let mut first = bench.connect().await;
    first.write_all(get("/slow").as_bytes()).await.unwrap();
    bench.wait_inside(1).await;
    let mut second = bench.connect().await;
    second.write_all(get("/second").as_bytes()).await.unwrap();
    let mut byte = [0];
    let early = timeout(Duration::from_millis(100), second.read(&mut byte)).await;
    assert!(early.is_err(), "the second was served beside the first");
    bench.gate.notify_waiters();
    read_until(&mut first, "/slow 127").await;
    drop(first);
    read_until(&mut second, "/second 127").await;
}
