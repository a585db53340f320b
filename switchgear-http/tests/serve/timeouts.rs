use std::time::Duration;

use switchgear_http::serve::{Limits, ServeConfig};
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpSocket,
    time::{Instant, timeout},
};

use crate::{
    bench::{Bench, LONG, PATIENCE, get, limited, read_to_end, read_until},
    frames::RawHttp2,
    identity::identity,
};

#[tokio::test]
async fn closes_connections_that_send_no_whole_head_in_time() {
    for limit in [Duration::from_millis(200), Duration::from_millis(600)] {
        let bench = Bench::start(limited(Limits {
            header_timeout: limit,
            ..Limits::default()
        }))
        .await;
        for begin in ["", "G", "PRI * HT", "GET / HTTP/1.1\r\nhost: a.exam"] {
            let begun = Instant::now();
            let mut stream = bench.connect().await;
            stream.write_all(begin.as_bytes()).await.unwrap();
            assert_eq!(read_to_end(&mut stream).await, "", "{begin:?}");
            let waited = begun.elapsed();
            assert!(waited >= limit, "{begin:?}: {waited:?}");
        }
    }
}

#[tokio::test]
async fn a_resting_connection_has_the_idle_time_and_a_begun_head_the_header_time() {
    let limit = Duration::from_millis(500);
    // What holds at a time is shorter than the patience of a test, and the other one far longer.
    let idle = Limits {
        header_timeout: 6 * PATIENCE,
        idle_timeout: limit,
        ..Limits::default()
    };
    let header = Limits {
        header_timeout: limit,
        idle_timeout: 6 * PATIENCE,
        ..Limits::default()
    };
    for (begin, limits) in [("", idle), ("GET", header)] {
        let bench = Bench::start(limited(limits)).await;
        let begun = Instant::now();
        let mut stream = bench.connect().await;
        stream.write_all(get("/x").as_bytes()).await.unwrap();
        read_until(&mut stream, "/x 127").await;
        stream.write_all(begin.as_bytes()).await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "", "{begin:?}");
        let waited = begun.elapsed();
        assert!(waited >= limit, "{begin:?}: {waited:?}");
    }
}

#[tokio::test]
async fn closes_tls_connections_that_do_not_shake_hands() {
    let folder = tempfile::tempdir().unwrap();
    let (paths, _) = identity(folder.path(), "h2");
    let bench = Bench::start(ServeConfig {
        tls: Some(paths),
        ..limited(Limits {
            header_timeout: Duration::from_millis(200),
            ..Limits::default()
        })
    })
    .await;
    let mut stream = bench.connect().await;
    assert_eq!(read_to_end(&mut stream).await, "");
}

#[tokio::test]
async fn cuts_off_a_request_that_outlives_its_limit_and_its_grace() {
    let limits = Limits {
        request_timeout: Duration::from_millis(10),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits)).await;
    let mut stream = bench.connect().await;
    let begun = Instant::now();
    stream.write_all(get("/slow").as_bytes()).await.unwrap();
    bench.wait_inside(1).await;
    assert_eq!(read_to_end(&mut stream).await, "");
    assert!(begun.elapsed() >= Limits::REQUEST_GRACE);
}

#[tokio::test]
async fn closes_an_http1_connection_whose_peer_reads_nothing() {
    for limit in [300, 900] {
        let write_timeout = Duration::from_millis(limit);
        let bench = Bench::start(limited(Limits {
            write_timeout,
            ..Limits::default()
        }))
        .await;
        let begun = Instant::now();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut stream = socket.connect(bench.address).await.unwrap();
        let asking = async { while stream.write_all(get("/long").as_bytes()).await.is_ok() {} };
        let closed = timeout(PATIENCE, asking).await;
        closed.expect("it is hung up");
        assert!(begun.elapsed() >= write_timeout);
    }
}

#[tokio::test]
async fn gives_up_a_streamed_answer_whose_http1_peer_reads_nothing() {
    for limit in [300, 900] {
        let write_timeout = Duration::from_millis(limit);
        let bench = Bench::start(limited(Limits {
            write_timeout,
            ..Limits::default()
        }))
        .await;
        let begun = Instant::now();
        let mut stream = bench.connect().await;
        stream.write_all(get("/endless").as_bytes()).await.unwrap();
        bench.wait_dropped().await;
        let waited = begun.elapsed();
        assert!(waited >= write_timeout, "{waited:?}");
        // What the sockets held, and no more.
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn an_http1_answer_may_pause_for_longer_than_its_peer_may() {
    let write_timeout = Duration::from_millis(300);
    let bench = Bench::start(limited(Limits {
        write_timeout,
        ..Limits::default()
    }))
    .await;
    let mut stream = bench.connect().await;
    stream.write_all(get("/pausing").as_bytes()).await.unwrap();
    read_until(&mut stream, "early").await;
    bench.wait_inside(1).await;
    // The answer's own pause, not a wait for an event.
    tokio::time::sleep(3 * write_timeout).await;
    bench.gate.notify_waiters();
    read_until(&mut stream, "late\r\n0\r\n\r\n").await;
}

#[tokio::test]
async fn closes_an_http2_connection_whose_peer_makes_no_room_for_its_answers() {
    for (window, limit) in [(0, 300), (0, 900), (1, 300)] {
        let write_timeout = Duration::from_millis(limit);
        let bench = Bench::start(limited(Limits {
            write_timeout,
            ..Limits::default()
        }))
        .await;
        let begun = Instant::now();
        let mut connection = RawHttp2::begin(&bench, window).await;
        connection.get(1, "/long").await;
        connection.get(3, "/long").await;
        connection.read_to_end().await;
        let waited = begun.elapsed();
        assert!(waited >= write_timeout, "{window}: {waited:?}");
    }
}

#[tokio::test]
async fn an_http2_peer_that_reads_slowly_gets_the_whole_answer() {
    const PART: u32 = 2_500;

    let limits = Limits {
        idle_timeout: Duration::from_secs(3),
        write_timeout: Duration::from_secs(3),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits.clone())).await;
    let begun = Instant::now();
    let mut connection = RawHttp2::begin(&bench, 0).await;
    connection.get(1, "/long").await;
    connection.wait_for(RawHttp2::HEADERS).await;
    let mut taken = 0;
    while taken < LONG {
        // This reader's own pace, not a wait for an event.
        tokio::time::sleep(Duration::from_millis(400)).await;
        let room = PART.to_be_bytes();
        connection.send(RawHttp2::WINDOW_UPDATE, 0, 1, &room).await;
        let mut part = 0;
        while part < usize::try_from(PART).unwrap() {
            part += connection.wait_for(RawHttp2::DATA).await.payload.len();
        }
        taken += part;
    }
    assert_eq!(taken, LONG);
    assert!(begun.elapsed() > limits.idle_timeout);
}

#[tokio::test]
async fn an_http2_connection_rests_once_its_only_request_was_reset() {
    let bench = Bench::start(limited(Limits {
        idle_timeout: Duration::from_millis(200),
        ..Limits::default()
    }))
    .await;
    let mut connection = RawHttp2::begin(&bench, 0).await;
    connection.get(1, "/slow").await;
    bench.wait_inside(1).await;
    let cancel = 8_u32.to_be_bytes();
    connection.send(RawHttp2::RST_STREAM, 0, 1, &cancel).await;
    connection.read_to_end().await;
}
