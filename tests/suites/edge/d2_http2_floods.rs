//! D2: a flood of HTTP/2 frames ends with its connection, or with what one connection may cost; soon after it
//! there is nothing left to do, and others are served meanwhile.
//!
//! Some floods are such that their own guard must end them: the limits of time are out of reach then. Who asks for
//! settings and pings does nothing forbidden, and is ended by the time for a first request.

use std::{fmt, time::Duration};

use anyhow::{Context as _, ensure};
use switchgear_tests::{Door, Service, row::Row};
use tokio::{
    io::AsyncWriteExt as _,
    time::{Instant, timeout},
};

use crate::{
    frames::{
        CONTINUATION, END_HEADERS, END_STREAM, GOAWAY, HEADERS, Method, PING, RST_STREAM, SETTINGS,
        begin, frame, head, next,
    },
    honest::{Honest, Times},
    size::{seconds, size},
    stage::{PATIENCE, both_ways},
    victim::{SERVICES, Victim},
};

/// The processor's time that may be left to do when a flood is over; and what one that is cut may cost in all.
const IDLE_AFTER: Duration = Duration::from_secs(2);

/// Far beyond what anybody here waits for.
const OUT_OF_REACH: Duration = Duration::from_secs(600);

/// `h2-streams`, by default.
const STREAMS: u32 = 256;

#[derive(Debug, Clone, Copy, PartialEq)]
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
    /// That a guard of their own ends, and those that time ends.
    const GUARDED: [Self; 3] = [Self::RapidReset, Self::Continuation, Self::Streams];
    const TIMED: [Self; 2] = [Self::Settings, Self::Ping];

    /// Only who administers has a body to send.
    fn is_for(self, service: Service) -> bool {
        self != Self::Streams || !matches!(service, Service::Lnurl)
    }

    /// How many frames, or pairs of them; for ever as long as they are let.
    fn most(self) -> u32 {
        match self {
            Self::RapidReset => size(5_000, 50_000),
            Self::Streams => size(3_000, 10_000),
            Self::Continuation => 100_000,
            Self::Settings | Self::Ping => u32::MAX,
        }
    }

    /// The bytes number `part` of it; none at its end.
    fn part(self, part: u32, post: &[u8]) -> Option<Vec<u8>> {
        /// Frames, or pairs of them, in one part.
        const EACH: u32 = 100;

        let numbers = part * EACH..(part + 1) * EACH;
        let is_left = numbers.start < self.most();
        is_left.then(|| {
            numbers
                .flat_map(|number| self.frames(number, post))
                .collect()
        })
    }

    fn frames(self, number: u32, post: &[u8]) -> Vec<u8> {
        let stream = 2 * number + 1;
        let get = || head(Method::Get, "/health", "");
        match self {
            Self::RapidReset => {
                const CANCEL: [u8; 4] = 8_u32.to_be_bytes();
                let request = frame(HEADERS, END_STREAM | END_HEADERS, stream, &get());
                [request, frame(RST_STREAM, 0, stream, &CANCEL)].concat()
            }
            Self::Continuation if number == 0 => frame(HEADERS, END_STREAM, 1, &get()),
            Self::Continuation => frame(CONTINUATION, 0, 1, &[]),
            Self::Settings => frame(SETTINGS, 0, 0, &[]),
            Self::Ping => frame(PING, 0, 0, &[0; 8]),
            Self::Streams => frame(HEADERS, END_HEADERS, stream, post),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_cuts_floods_of_http2_and_serves_the_others() -> anyhow::Result<()> {
    for options in both_ways() {
        let victim = Victim::start(options, OUT_OF_REACH).await?;
        for flood in Flood::GUARDED {
            is_bounded(&victim, flood).await?;
        }
        victim.must_serve().await?;
        victim.end().await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_ends_floods_of_control_frames_in_time_and_serves_the_others() -> anyhow::Result<()> {
    for options in both_ways() {
        let victim = Victim::start(options, seconds(2, 10)).await?;
        for flood in Flood::TIMED {
            is_bounded(&victim, flood).await?;
        }
        victim.must_serve().await?;
        victim.end().await?;
    }
    Ok(())
}

async fn is_bounded(victim: &Victim, flood: Flood) -> anyhow::Result<()> {
    let mut costs = Vec::new();
    for service in SERVICES {
        if flood.is_for(service) {
            let cost = cost(victim, flood, service).await;
            costs.push(cost.with_context(|| format!("{flood:?} at {service:?}"))?);
        }
    }
    let mut row = Row::new("edge", "D2", format!("{flood:?}, {}", victim.way()?));
    for cost in &costs {
        row.figure(cost.to_string());
    }
    let mut must = |target: String, holds: &dyn Fn(&Cost) -> bool| {
        let others = costs.iter().filter(|cost| !holds(cost));
        row.must_for_all(target, &others.map(Cost::to_string).collect::<Vec<_>>());
    };
    must(format!("{STREAMS} streams announced"), &|cost| {
        cost.ended.streams == Some(STREAMS)
    });
    if Flood::GUARDED.contains(&flood) {
        must("cut by its guard".to_owned(), &|cost| cost.ended.is_cut());
        must(format!("{IDLE_AFTER:?} of work at most"), &|cost| {
            cost.work <= IDLE_AFTER
        });
    } else {
        // One connection has one task, and that one processor at most.
        must("one processor's work at most".to_owned(), &|cost| {
            cost.work <= cost.ended.after + IDLE_AFTER
        });
    }
    if flood == Flood::Streams {
        must("streams beyond them refused".to_owned(), &|cost| {
            cost.ended.refused > 0
        });
    }
    must(format!("{IDLE_AFTER:?} of it after the end"), &|cost| {
        cost.left <= IDLE_AFTER
    });
    must("others served".to_owned(), &|cost| cost.others.count() > 0);
    row.finish()
}

/// What a flood of one service met with, and what it cost.
struct Cost {
    service: Service,
    ended: Ended,
    /// The processor's time from its begin on.
    work: Duration,
    /// And from its end on.
    left: Duration,
    others: Times,
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ended, others, .. } = self;
        write!(f, "{:?}: {} parts sent, ", self.service, ended.parts)?;
        if ended.refused > 0 {
            write!(f, "{} streams refused, ", ended.refused)?;
        }
        match ended.goodbye {
            Some(code) => write!(f, "GOAWAY {code}")?,
            None => f.write_str("closed")?,
        }
        write!(
            f,
            " after {:.1?}, {:.1?} of work, {:.1?} of it after the end, {} others served, p99 {:.1?}",
            ended.after,
            self.work,
            self.left,
            others.count(),
            others.p99(),
        )
    }
}

async fn cost(victim: &Victim, flood: Flood, service: Service) -> anyhow::Result<Cost> {
    let door = victim.swgr.door(service)?;
    let path = match service {
        Service::Discovery => "/discovery",
        Service::Lnurl | Service::Offer => "/offers",
    };
    let post = head(Method::Post, path, &victim.token(service)?);
    let before = victim.processor_time()?;
    let honest = Honest::begin(victim.doors()?);
    let ended = suffer(&door, flood, post).await?;
    let others = honest.end().await?;
    let left = victim.idle().await?;
    Ok(Cost {
        service,
        ended,
        work: victim.processor_time()? - before,
        left,
        others,
    })
}

/// How a flood came to its end.
#[derive(Debug, Default)]
struct Ended {
    parts: u32,
    after: Duration,
    /// The error that the server said goodbye with (RFC 9113, 7).
    goodbye: Option<u32>,
    /// How many streams at once the server has announced.
    streams: Option<u32>,
    /// Streams beyond that.
    refused: u32,
    /// Whether all was sent before the end.
    is_whole: bool,
}

impl Ended {
    /// Ended for what was sent; a goodbye without an error is one of time.
    fn is_cut(&self) -> bool {
        self.goodbye.is_some_and(|code| code != 0) || !self.is_whole
    }

    fn heard(&mut self, kind: u8, payload: &[u8]) {
        const REFUSED_STREAM: u32 = 7;
        const MAX_CONCURRENT_STREAMS: u16 = 3;

        let word = |at: usize| {
            let bytes = payload.get(at..at + 4)?;
            Some(u32::from_be_bytes(bytes.try_into().ok()?))
        };
        match kind {
            GOAWAY => self.goodbye = word(4).or(self.goodbye),
            RST_STREAM => self.refused += u32::from(word(0) == Some(REFUSED_STREAM)),
            SETTINGS => {
                let settings = payload.chunks_exact(6).find_map(|setting| {
                    let (name, value) = setting.split_at(2);
                    (name == MAX_CONCURRENT_STREAMS.to_be_bytes()).then_some(value)
                });
                let streams = settings.and_then(|value| value.try_into().ok());
                self.streams = streams.map(u32::from_be_bytes).or(self.streams);
            }
            _ => {}
        }
    }
}

/// Floods until the server ends the connection.
async fn suffer(door: &Door, flood: Flood, post: Vec<u8>) -> anyhow::Result<Ended> {
    let begun = Instant::now();
    let (mut reader, mut writer) = begin(door).await?;
    let sending = tokio::spawn(async move {
        let mut sent = 0;
        let mut is_whole = true;
        while let Some(part) = flood.part(sent, &post) {
            if writer.write_all(&part).await.is_err() || writer.flush().await.is_err() {
                is_whole = false;
                break;
            }
            sent += 1;
        }
        // Held open: the end must be the server's.
        (sent, is_whole, writer)
    });
    let mut ended = Ended::default();
    let reading = async {
        while let Some((kind, payload)) = next(&mut reader).await? {
            ended.heard(kind, &payload);
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, reading)
        .await
        .context("the connection is not cut")??;
    ended.after = begun.elapsed();
    let (parts, is_whole, _) = timeout(PATIENCE, sending).await.context("it goes on")??;
    ensure!(parts > 0, "nothing was sent");
    Ok(Ended {
        parts,
        is_whole,
        ..ended
    })
}
