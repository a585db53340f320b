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
            assert!(
                waited >= limit && waited < PATIENCE,
                "{begin:?}: {waited:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_resting_connection_has_the_idle_time_and_a_begun_head_the_header_time() {
    let limits = Limits {
        header_timeout: Duration::from_millis(200),
        idle_timeout: Duration::from_millis(700),
        ..Limits::default()
    };
    let bench = Bench::start(limited(limits.clone())).await;
    for (begin, limit) in [("", limits.idle_timeout), ("GET", limits.header_timeout)] {
        let mut stream = bench.connect().await;
        stream.write_all(get("/x").as_bytes()).await.unwrap();
        read_until(&mut stream, "/x 127").await;
        let begun = Instant::now();
        stream.write_all(begin.as_bytes()).await.unwrap();
        read_to_end(&mut stream).await;
        let waited = begun.elapsed();
        let slack = Duration::from_millis(50);
        assert!(waited + slack >= limit, "{begin:?}: {waited:?}");
        if !begin.is_empty() {
            assert!(waited < limits.idle_timeout, "{begin:?}: {waited:?}");
        }
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
        assert!(waited < PATIENCE / 2, "{window}: {waited:?}");
    }
}

#[tokio::test]
async fn an_http2_peer_that_reads_slowly_gets_the_whole_answer() {
    const PART: u32 = 2_500;

    let limits = Limits {
        idle_timeout: Duration::from_millis(250),
        write_timeout: Duration::from_millis(250),
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
        tokio::time::sleep(Duration::from_millis(60)).await;
        let room = PART.to_be_bytes();
        connection.send(RawHttp2::WINDOW_UPDATE, 0, 1, &room).await;
        let mut part = 0;
        while part < usize::try_from(PART).unwrap() {
            let (kind, _, length) = connection.next().await.expect("it is not cut off");
            part += if kind == RawHttp2::DATA { length } else { 0 };
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
