//! D1: a client that says nothing, or says it slowly, or never listens, is hung up on in time, and costs the
//! others nothing.
//!
//! What others wait for is 50 ms at most. Attackers, honest clients and server share the machine's processors with
//! whatever else it does, and wait for their turns at all ends, which is no fault of the server's. So another server,
//! which nobody attacks, is asked at the same time: where its own clients wait for more than half of the limit, those of
//! the attacked one may wait for twice as long as they. On a machine that was late it is measured again, a few times.

use std::{fmt, time::Duration};

use anyhow::Context as _;
use switchgear_tests::{
    Door, Service, Stream,
    row::{Row, say},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, split},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    honest::{Honest, Times},
    size::{seconds, size},
    stage::both_ways,
    victim::{SERVICES, Victim},
};

/// What the requests of others may take.
const LIMIT: Duration = Duration::from_millis(50);

/// How much more than at a server that nobody attacks.
const SHARE: u32 = 2;

/// An idle machine is not so late; on one that is, the measurement is repeated so often.
const LATE: Duration = Duration::from_millis(5);
const ATTEMPTS: u32 = 3;

/// What 2,000 connections may cost.
const MEMORY_KIB: usize = 64 << 10;

#[derive(Debug, Clone, Copy)]
enum Slowness {
    /// Connects, and says nothing.
    Silent,
    /// One byte of a head at a time.
    Trickling,
    /// A whole head, and one byte of a body at a time.
    Dribbling,
    /// Asks for more and more and reads nothing.
    Deaf,
}

const KINDS: [Slowness; 4] = [
    Slowness::Silent,
    Slowness::Trickling,
    Slowness::Dribbling,
    Slowness::Deaf,
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d1_hangs_up_on_slow_clients_and_serves_the_others() -> anyhow::Result<()> {
    let (limit, close) = (seconds(2, 10), seconds(8, 15));
    let count = size(400, 2_000);
    for options in both_ways() {
        let control = Victim::start(options.clone(), limit).await?;
        let victim = Victim::start(options, limit).await?;
        for attempt in 1.. {
            let figures = suffer(&victim, &control, count, limit / 2).await?;
            let is_last = attempt == ATTEMPTS || !figures.is_disturbed();
            if is_last || figures.is_in_time() {
                figures.judge(victim.way()?, count, close).finish()?;
                break;
            }
            say(&format!("D1: measured again: {figures:?}"));
        }
        victim.must_serve().await?;
        victim.end().await?;
        control.end().await?;
    }
    Ok(())
}

/// What slow clients met with, and what honest ones waited for meanwhile.
struct Figures {
    stays: Stays,
    grown_kib: usize,
    others: Times,
    /// At the server that nobody attacks.
    control: Times,
}

impl fmt::Debug for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            others, control, ..
        } = self;
        write!(
            f,
            "p99 of {} requests of others {:.1?}, of {} beside {:.1?}, the machine {:.1?} late",
            others.count(),
            others.p99(),
            control.count(),
            control.p99(),
            others.lag(),
        )
    }
}

impl Figures {
    fn limit(&self) -> Duration {
        LIMIT.max(SHARE * self.control.p99())
    }

    fn is_in_time(&self) -> bool {
        self.others.p99() <= self.limit()
    }

    /// A machine that is late itself says nothing of the server.
    fn is_disturbed(&self) -> bool {
        self.others.lag() > LATE
    }

    fn judge(&self, way: &str, count: usize, close: Duration) -> Row {
        let stays = &self.stays;
        let (grown, may_grow) = (self.grown_kib >> 10, MEMORY_KIB * count / 2_000);
        let mut row = Row::new("edge", "D1", format!("{count} slow connections, {way}"));
        row.figure(format!("the longest stayed {:.1?}", stays.longest));
        row.figure(format!(
            "{} were held, resident +{grown} MiB, {self:?}",
            stays.held
        ));
        row.must(format!("closed ≤ {close:?}"), stays.longest <= close);
        row.must("most are not refused at once", stays.held >= count / 2);
        row.must(
            format!("resident +{} MiB at most", may_grow >> 10),
            self.grown_kib <= may_grow,
        );
        row.must(
            format!(
                "p99 of others ≤ {} ms, or {SHARE} times that beside",
                LIMIT.as_millis()
            ),
            self.is_in_time(),
        );
        row
    }
}

async fn suffer(
    victim: &Victim,
    control: &Victim,
    count: usize,
    pause: Duration,
) -> anyhow::Result<Figures> {
    // What a server takes once for its first requests is none of the attack's.
    Honest::ask_for(victim.doors()?, Duration::from_secs(1)).await?;
    let resident = victim.resident_kib()?;
    let others = Honest::begin(victim.doors()?);
    let beside = Honest::begin(control.doors()?);
    let stays = attack(victim, count, pause).await?;
    Ok(Figures {
        grown_kib: stays.most_kib.saturating_sub(resident),
        stays,
        others: others.end().await?,
        control: beside.end().await?,
    })
}

/// How long connections stayed.
struct Stays {
    longest: Duration,
    /// Connections that were open for about as long as the limit.
    held: usize,
    most_kib: usize,
}

async fn attack(victim: &Victim, count: usize, pause: Duration) -> anyhow::Result<Stays> {
    /// More than any may stay.
    const ENOUGH: Duration = Duration::from_secs(60);

    let mut attackers = JoinSet::new();
    let every = SERVICES
        .iter()
        .flat_map(|service| KINDS.map(|kind| (*service, kind)));
    for (service, kind) in every.cycle().take(count) {
        let door = victim.swgr.door(service)?;
        let token = victim.token(service)?;
        let stream = connect(&door, kind).await?;
        attackers.spawn(async move {
            timeout(ENOUGH, stay(stream, kind, pause, service, &token))
                .await
                .with_context(|| format!("{kind:?} at {service:?} is not hung up on"))
        });
    }
    let mut stays = Stays {
        longest: Duration::ZERO,
        held: 0,
        most_kib: victim.resident_kib()?,
    };
    while let Some(stay) = attackers.join_next().await {
        let stay = stay??;
        stays.longest = stays.longest.max(stay);
        stays.held += usize::from(stay >= pause);
        stays.most_kib = stays.most_kib.max(victim.resident_kib()?);
    }
    Ok(stays)
}

/// One who is silent shakes no hands; one who is deaf has little room for what comes.
async fn connect(door: &Door, kind: Slowness) -> anyhow::Result<Box<dyn Stream>> {
    const ROOM: u32 = 4_096;

    match kind {
        Slowness::Trickling | Slowness::Dribbling => door.connect(b"http/1.1").await,
        Slowness::Silent => Ok(Box::new(TcpStream::connect(door.address()).await?)),
        Slowness::Deaf => {
            let socket = TcpSocket::new_v4()?;
            socket.set_recv_buffer_size(ROOM)?;
            door.connect_over(socket.connect(door.address()).await?, b"http/1.1")
                .await
        }
    }
}

/// Stays until the server hangs up; gives how long that was: of one who is deaf, since the kernel has taken the last of
/// its words, for until then it takes answers too.
async fn stay(
    stream: Box<dyn Stream>,
    kind: Slowness,
    pause: Duration,
    service: Service,
    token: &str,
) -> Duration {
    let begun = Instant::now();
    let (mut reader, mut writer) = split(stream);
    let path = match service {
        Service::Lnurl | Service::Offer => "/offers",
        Service::Discovery => "/discovery",
    };
    let hung_up = async {
        let mut rest = [0; 4_096];
        // A reset is an end as well.
        while matches!(reader.read(&mut rest).await, Ok(1..)) {}
    };
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n"
    );
    let slowly = async {
        match kind {
            Slowness::Silent => {}
            Slowness::Trickling => {
                for byte in head.bytes() {
                    let _ = writer.write_all(&[byte]).await;
                    let _ = writer.flush().await;
                    sleep(pause).await;
                }
            }
            Slowness::Dribbling => {
                let _ = writer.write_all(head.as_bytes()).await;
                while writer.write_all(b" ").await.is_ok() && writer.flush().await.is_ok() {
                    sleep(pause).await;
                }
            }
            Slowness::Deaf => {
                // The longest that each service has.
                let requests = format!(
                    "GET /openapi.json HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"
                );
                // Who does not listen learns from its own words that nobody is there.
                let mut heard = begun;
                while writer.write_all(requests.as_bytes()).await.is_ok() {
                    heard = Instant::now();
                }
                return heard;
            }
        }
        std::future::pending().await
    };
    let since = tokio::select! {
        () = hung_up, if !matches!(kind, Slowness::Deaf) => begun,
        heard = slowly => heard,
    };
    since.elapsed()
}
