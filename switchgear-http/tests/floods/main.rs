//! Peers that flood a listener. They take what the machine has, so they run beside no test that looks
//! at the clock.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

#[expect(dead_code, reason = "another target uses the rest")]
#[path = "../serve/bench.rs"]
mod bench;
#[expect(dead_code, reason = "another target uses the rest")]
#[path = "../serve/frames.rs"]
mod frames;

use std::time::Duration;

use switchgear_http::serve::Limits;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::{Instant, timeout},
};

use crate::{
    bench::{Bench, PATIENCE, config, limited},
    frames::{RawHttp2, frame, head},
};

const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

/// Sends `flood` and waits for the word, and the end, of the server.
async fn assert_cut(bench: &Bench, flood: Vec<u8>) {
    let mut connection = RawHttp2::begin(bench, 65_535).await;
    connection.wait_for(RawHttp2::SETTINGS).await;
    let (mut reader, mut writer) = connection.split();
    let sent = tokio::spawn(async move {
        // The server may be gone before it has taken everything.
        let _ = writer.write_all(&flood).await;
        writer
    });
    let mut said = Vec::new();
    // A reset ends it as well.
    let _ = timeout(PATIENCE, reader.read_to_end(&mut said))
        .await
        .expect("the connection is cut");
    assert!(
        last_kind(&said).is_none_or(|kind| kind == RawHttp2::GOAWAY),
        "it ended otherwise"
    );
    timeout(PATIENCE, sent).await.unwrap().unwrap();
}

/// The kind of the last whole frame.
fn last_kind(mut bytes: &[u8]) -> Option<u8> {
    let mut last = None;
    while let [a, b, c, kind, _, _, _, _, _, rest @ ..] = bytes {
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        let Some(rest) = rest.get(usize::try_from(length).unwrap()..) else {
            break;
        };
        (last, bytes) = (Some(*kind), rest);
    }
    last
}

#[tokio::test]
async fn cuts_a_peer_that_resets_its_requests_rapidly() {
    let bench = Bench::start(config()).await;
    let cancel = 8_u32.to_be_bytes();
    let flood = (0..2_000).flat_map(|number| {
        let stream = 2 * number + 1;
        let flags = END_STREAM | END_HEADERS;
        let request = frame(RawHttp2::HEADERS, flags, stream, &head("/x"));
        let reset = frame(RawHttp2::RST_STREAM, 0, stream, &cancel);
        request.into_iter().chain(reset)
    });
    assert_cut(&bench, flood.collect()).await;
}

#[tokio::test]
async fn cuts_a_head_that_never_ends() {
    let bench = Bench::start(config()).await;
    for part in ["", "some of a head"] {
        let mut flood = frame(RawHttp2::HEADERS, END_STREAM, 1, &head("/x"));
        for _ in 0..10_000 {
            flood.extend(frame(RawHttp2::CONTINUATION, 0, 1, part.as_bytes()));
        }
        assert_cut(&bench, flood).await;
    }
}

#[tokio::test]
async fn a_flood_of_control_frames_does_not_outlive_the_header_time() {
    for (kind, payload) in [
        (RawHttp2::PING, [0; 8].as_slice()),
        (RawHttp2::SETTINGS, &[]),
    ] {
        let limit = Duration::from_millis(300);
        let bench = Bench::start(limited(Limits {
            header_timeout: limit,
            ..Limits::default()
        }))
        .await;
        let begun = Instant::now();
        let (mut reader, mut writer) = RawHttp2::begin(&bench, 65_535).await.split();
        let flood = frame(kind, 0, 0, payload).repeat(1_000);
        let flood = tokio::spawn(async move { while writer.write_all(&flood).await.is_ok() {} });
        let mut answers = vec![0; 65_536];
        let reading = async { while reader.read(&mut answers).await.is_ok_and(|read| read > 0) {} };
        timeout(PATIENCE, reading).await.expect("it is cut");
        let waited = begun.elapsed();
        assert!(waited >= limit, "{kind}: {waited:?}");
        timeout(PATIENCE, flood).await.unwrap().unwrap();
    }
}
