use std::time::Duration;

use http::{Request, StatusCode};
use http_body_util::Empty;
use hyper::body::Bytes;
use switchgear_http::serve::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::{
    bench::{Bench, get, limited, read_to_end, read_until, send_by_http2},
    frames::RawHttp2,
};

/// Sends a head and gives what the server answered before it closed.
async fn answer_to(bench: &Bench, fields: &str) -> String {
    let mut stream = bench.connect().await;
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{fields}\r\n");
    // The server may close before it has taken everything.
    let _ = stream.write_all(request.as_bytes()).await;
    read_to_end(&mut stream).await
}

fn field(bytes: usize) -> String {
    format!("x: {}\r\n", "y".repeat(bytes))
}

#[tokio::test]
async fn the_parser_of_http1_counts_fields_and_reads_no_more_than_its_buffer() {
    for (headers, header_bytes) in [(100, 16_384), (50, 9_000), (150, 9_000)] {
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

        let answer = answer_to(&bench, &field(header_bytes - 100)).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        // An answer to a peer that still sends may be lost with the connection.
        let answer = answer_to(&bench, &field(2 * header_bytes)).await;
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 431 "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn the_layer_holds_heads_of_http1_to_their_limit_exactly_and_says_so() {
    let header_bytes = 1_000;
    let limits = Limits {
        header_bytes,
        ..Limits::default()
    };
    let bench = Bench::start_with_head_limit(limits).await;
    // As the layer counts them: `/`, the two fields that are always there, and what is around `y`s.
    let others = "/host: a\r\nconnection: close\r\nx: \r\n".len();
    let answer = answer_to(&bench, &field(header_bytes - others)).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let answer = answer_to(&bench, &field(header_bytes - others + 1)).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    let words = "the target and the header fields must be at most 1000 bytes";
    assert!(answer.contains(words), "{answer}");
}

#[tokio::test]
async fn the_parser_of_http2_counts_bytes_and_the_layer_fields() {
    let (headers, header_bytes) = (50, 9_000);
    let limits = Limits {
        headers,
        header_bytes,
        ..Limits::default()
    };
    let bench = Bench::start_with_head_limit(limits).await;
    let answer = async |fields: usize, bytes: usize| {
        let mut request = Request::get("http://a.example/").body(Empty::<Bytes>::new());
        let map = request.as_mut().unwrap().headers_mut();
        for _ in 0..fields {
            map.append("x", "y".repeat(bytes).parse().unwrap());
        }
        let stream = bench.connect().await;
        let (status, _, body) = send_by_http2(stream, request.unwrap()).await;
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    let too_large = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    assert_eq!(answer(headers, 1).await.0, StatusCode::OK);
    let (status, body) = answer(headers + 1, 1).await;
    assert_eq!(status, too_large);
    let words = "there must be at most 50 header fields";
    assert!(body.contains(words), "{body}");
    assert_eq!(answer(1, header_bytes - 300).await.0, StatusCode::OK);
    assert_eq!(answer(1, header_bytes).await, (too_large, String::new()));
}

#[tokio::test]
async fn an_http2_connection_is_told_how_many_requests_it_may_have_and_is_refused_more() {
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    const REFUSED_STREAM: u32 = 7;

    for h2_streams in [1, 3] {
        let bench = Bench::start(limited(Limits {
            h2_streams,
            ..Limits::default()
        }))
        .await;
        let mut connection = RawHttp2::begin(&bench, 65_535).await;
        let settings = connection.wait_for(RawHttp2::SETTINGS).await.payload;
        let told = [
            MAX_CONCURRENT_STREAMS.to_be_bytes().as_slice(),
            &h2_streams.to_be_bytes(),
        ]
        .concat();
        assert!(settings.chunks(6).any(|pair| pair == told), "{settings:?}");

        for number in 0..h2_streams {
            connection.get(2 * number + 1, "/slow").await;
        }
        bench.wait_inside(h2_streams).await;
        let above = 2 * h2_streams + 1;
        connection.get(above, "/slow").await;
        let refused = connection.wait_for(RawHttp2::RST_STREAM).await;
        assert_eq!(refused.stream, above);
        assert_eq!(refused.payload, REFUSED_STREAM.to_be_bytes());

        bench.gate.notify_waiters();
        for _ in 0..h2_streams {
            let answered = connection.wait_for(RawHttp2::HEADERS).await;
            assert!(answered.stream < above);
        }
    }
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
