//! D1: a client that says nothing, or says it slowly, or never listens, is hung up on in time, and costs the
//! others nothing.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use switchgear_tests::{Door, Service, Stream};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, split},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    honest::{Honest, Times, say},
    size::{seconds, size},
    stage::both_ways,
    victim::{SERVICES, Victim},
};

/// How many more of the machine's own delays a request may take: it waits for its turn at both ends.
const TURNS: u32 = 4;

/// An idle machine is not so late; on one that is, the measurement is repeated so often.
const LATE: Duration = Duration::from_millis(5);
const ATTEMPTS: u32 = 3;

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
        let victim = Victim::start(options, limit).await?;
        for attempt in 1.. {
            let figures = suffer(&victim, count, limit, close).await?;
            if figures.is_in_time() {
                break;
            }
            // A machine that is late itself says nothing of the server.
            let is_disturbed = figures.meanwhile.lag() > LATE && attempt < ATTEMPTS;
            ensure!(
                is_disturbed,
                "others waited for {:?}",
                figures.meanwhile.p99()
            );
        }
        victim.must_serve().await?;
        victim.end().await?;
    }
    Ok(())
}

/// What honest requests took before an attack, and meanwhile.
struct Figures {
    before: Times,
    meanwhile: Times,
}

impl Figures {
    fn is_in_time(&self) -> bool {
        let turn = self.before.p99().max(self.meanwhile.lag());
        self.meanwhile.p99() <= Duration::from_millis(50) + TURNS * turn
    }
}

/// Asserts all but the times of others, which are given.
async fn suffer(
    victim: &Victim,
    count: usize,
    limit: Duration,
    close: Duration,
) -> anyhow::Result<Figures> {
    let before = Honest::ask_for(victim.doors()?, Duration::from_secs(3)).await?;
    let resident = victim.resident_kib()?;
    let honest = Honest::begin(victim.doors()?);
    let stays = attack(victim, count, limit / 2, close).await?;
    let meanwhile = honest.end().await?;
    let grown = stays.most_kib.saturating_sub(resident) / 1_024;
    say(&format!(
        "D1: {count} slow connections over {limit:?}: the longest stayed {:?}, resident +{grown} MiB, \
         p99 of {} requests {:?} ({:?} before; the machine {:?} late)",
        stays.longest,
        meanwhile.count(),
        meanwhile.p99(),
        before.p99(),
        meanwhile.lag(),
    ));
    ensure!(stays.longest <= close, "stayed {:?}", stays.longest);
    // None was refused at once.
    ensure!(stays.held >= count / 2, "only {} were held", stays.held);
    ensure!(grown <= 64, "it grew by {grown} MiB");
    Ok(Figures { before, meanwhile })
}

/// How long connections stayed.
struct Stays {
    longest: Duration,
    /// Connections that were open for about as long as the limit.
    held: usize,
    most_kib: usize,
}

async fn attack(
    victim: &Victim,
    count: usize,
    pause: Duration,
    close: Duration,
) -> anyhow::Result<Stays> {
    let mut attackers = JoinSet::new();
    let every = SERVICES
        .iter()
        .flat_map(|service| KINDS.map(|kind| (*service, kind)));
    for (service, kind) in every.cycle().take(count) {
        let door = victim.swgr.door(service)?;
        let token = match service {
            Service::Lnurl => String::new(),
            _ => std::fs::read_to_string(victim.swgr.token(service))?,
        };
        let stream = connect(&door, kind).await?;
        attackers.spawn(async move {
            timeout(close * 3, stay(stream, kind, pause, service, token.trim()))
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
