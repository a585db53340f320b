//! D2: a flood of HTTP/2 frames ends with its connection, or with what one connection may cost; soon after it
//! there is nothing left to do, and others are served meanwhile.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use switchgear_tests::Door;
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, timeout},
};

use crate::{
    frames::{
        CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, begin,
        frame, head, next,
    },
    honest::{Honest, say},
    size::{seconds, size},
    stage::{PATIENCE, both_ways},
    victim::Victim,
};

/// The processor's time that may be left to do when a flood is over.
const IDLE_AFTER: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy)]
enum Flood {
    /// Requests that are withdrawn as soon as they are made.
    RapidReset,
    /// A head that does not end.
    Continuation,
    /// Settings to be acknowledged, as fast as can be.
    Settings,
    /// Pings to be answered, as fast as can be.
    Ping,
    /// Requests that all wait for the rest of their bodies.
    Streams,
}

impl Flood {
    const ALL: [Self; 5] = [
        Self::RapidReset,
        Self::Continuation,
        Self::Settings,
        Self::Ping,
        Self::Streams,
    ];

    /// The bytes number `part` of it; none at its end.
    fn part(self, part: u32) -> Option<Vec<u8>> {
        /// Frames, or pairs of them, in one part.
        const EACH: u32 = 100;

        let numbers = part * EACH..(part + 1) * EACH;
        let most = match self {
            Self::RapidReset => size(5_000, 50_000),
            Self::Streams => size(3_000, 10_000),
            Self::Continuation => 100_000,
            // For as long as they are let.
            Self::Settings | Self::Ping => u32::MAX,
        };
        if numbers.start >= most {
            return None;
        }
        let frames = numbers.flat_map(|number| self.frames(number));
        Some(frames.collect())
    }

    fn frames(self, number: u32) -> Vec<u8> {
        let stream = 2 * number + 1;
        match self {
            Self::RapidReset => {
                const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
                let request = frame(HEADERS, END_STREAM | END_HEADERS, stream, &head(false));
                [request, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
            }
            Self::Continuation if number == 0 => frame(HEADERS, END_STREAM, 1, &head(false)),
            Self::Continuation => frame(CONTINUATION, 0, 1, &[]),
            Self::Settings => frame(SETTINGS, 0, 0, &[]),
            Self::Ping => frame(PING, 0, 0, &[0; 8]),
            Self::Streams => frame(HEADERS, END_HEADERS, stream, &head(true)),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_bounds_floods_of_http2_and_serves_the_others() -> anyhow::Result<()> {
    let limit = seconds(2, 10);
    for options in both_ways() {
        let victim = Victim::start(options, limit).await?;
        for door in victim.doors()? {
            for flood in Flood::ALL {
                let honest = Honest::begin(victim.doors()?);
                let ended = suffer(&door, flood, limit)
                    .await
                    .with_context(|| format!("{flood:?} at {door:?}"))?;
                let meanwhile = honest.end().await?;
                let left = victim.idle().await?;
                say(&format!(
                    "D2: {flood:?}: {} parts sent, ended after {:?} {}; {left:?} of work left; \
                     {} others served, p99 {:?}",
                    ended.parts,
                    ended.after,
                    if ended.by_goodbye {
                        "by GOAWAY"
                    } else {
                        "by a close"
                    },
                    meanwhile.count(),
                    meanwhile.p99(),
                ));
                ensure!(left <= IDLE_AFTER, "{flood:?} left {left:?} of work");
                ensure!(meanwhile.count() > 0, "nobody asked meanwhile");
            }
        }
        victim.must_serve().await?;
        victim.end().await?;
    }
    Ok(())
}

/// How a flood came to its end.
struct Ended {
    parts: u32,
    after: Duration,
    by_goodbye: bool,
}

/// Floods until the server ends the connection, which it must in its time for heads.
async fn suffer(door: &Door, flood: Flood, limit: Duration) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let (mut reader, mut writer) = begin(door).await?;
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        while let Some(part) = flood.part(sent) {
            if writer.write_all(&part).await.is_err() || writer.flush().await.is_err() {
                break;
            }
            sent += 1;
        }
        // Held open: the end must be the server's.
        (sent, writer)
    });
    let reading = async {
        let mut by_goodbye = false;
        while let Some((kind, _)) = next(&mut reader).await? {
            by_goodbye |= kind == GOAWAY;
        }
        anyhow::Ok(by_goodbye)
    };
    let by_goodbye = timeout(limit + PATIENCE, reading)
        .await
        .context("the connection is not cut")??;
    let after = begun.elapsed();
    let (parts, _) = timeout(PATIENCE, sending).await.context("it goes on")??;
    ensure!(parts > 0, "nothing was sent");
    Ok(Ended {
        parts,
        after,
        by_goodbye,
    })
}
