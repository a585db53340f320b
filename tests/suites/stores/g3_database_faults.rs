//! G3: a database is stopped, stands still, is read-only, full or locked, under load. A payer is shown the
//! offer, or hears of an error; what was acknowledged is there; and all serves again soon after.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use switchgear_tests::{Database, DatabaseKind, ServerOptions, SmallDisk, eventually};
use tokio::{
    task::{JoinHandle, spawn_blocking},
    time::{Instant, sleep_until},
};
use uuid::Uuid;

use crate::{
    load::Ledger,
    looks::Looks,
    place::{Place, Sql},
    records::{large_metadata, metadata, offer},
    row::Row,
    site::{Shown, Site},
    size::seconds,
};

const LOOKS_PER_SECOND: u32 = 50;
const WRITES_PER_SECOND: u32 = 20;

/// How soon all must serve again.
const RECOVERY: Duration = Duration::from_secs(5);

/// What the server allows any request, and a little for the way.
const LONGEST: Duration = Duration::from_secs(31);

/// What a payer waits for an offer that was shown before.
const SLOWEST_LOOK: Duration = Duration::from_secs(2);

const PATIENCE: Duration = Duration::from_secs(60);

/// What happens to a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// Shut down, and started again.
    Stopped,
    /// All its processes stand still: connections are accepted, and nothing is answered.
    Frozen,
    /// It may be read only.
    ReadOnly,
    /// Somebody else holds a lock on its tables.
    Locked,
    /// There is no room left on its disk.
    Full,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_stopped_postgres() -> anyhow::Result<()> {
    hurt(Sql::Postgres, Fault::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_stopped_mariadb() -> anyhow::Result<()> {
    hurt(Sql::MariaDb, Fault::Stopped).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_frozen_postgres() -> anyhow::Result<()> {
    hurt(Sql::Postgres, Fault::Frozen).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_frozen_mariadb() -> anyhow::Result<()> {
    hurt(Sql::MariaDb, Fault::Frozen).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_read_only_postgres() -> anyhow::Result<()> {
    hurt(Sql::Postgres, Fault::ReadOnly).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_read_only_mariadb() -> anyhow::Result<()> {
    hurt(Sql::MariaDb, Fault::ReadOnly).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_locked_sqlite() -> anyhow::Result<()> {
    hurt(Sql::Sqlite, Fault::Locked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_locked_postgres() -> anyhow::Result<()> {
    hurt(Sql::Postgres, Fault::Locked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_locked_mariadb() -> anyhow::Result<()> {
    hurt(Sql::MariaDb, Fault::Locked).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_full_postgres() -> anyhow::Result<()> {
    hurt(Sql::Postgres, Fault::Full).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_full_mariadb() -> anyhow::Result<()> {
    hurt(Sql::MariaDb, Fault::Full).await
}

/// Read-only is not tried: what SQLite has open it goes on writing, and one that is opened so is a test of the
/// store's own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn g3_a_full_sqlite() -> anyhow::Result<()> {
    match Site::start_on_small_disk(16).await? {
        Some(site) => Hurt { site, place: None }.hurt("SQLite", Fault::Full).await,
        None => Ok(()),
    }
}

async fn hurt(sql: Sql, fault: Fault) -> anyhow::Result<()> {
    let options = ServerOptions {
        disk_mebibytes: (fault == Fault::Full).then_some(256),
        ..ServerOptions::DURABLE
    };
    let Some(place) = sql.own_place(options).await? else {
        return Ok(());
    };
    let site = Site::start(&place.url()).await?;
    let place = Some(place);
    Hurt { site, place }.hurt(sql.name(), fault).await
}

/// A server, and the database below it unless that is a file on the server's own disk.
struct Hurt {
    site: Site,
    place: Option<Place>,
}

impl Hurt {
    async fn hurt(&self, name: &str, fault: Fault) -> anyhow::Result<()> {
        let known = self.publish().await?;
        let (ledger, looks) = (Ledger::default(), Looks::default());
        let script = self.script(fault, &ledger);
        let script = looks.look_while(&self.site, known, LOOKS_PER_SECOND, script);
        let recovery = ledger.write_while(&self.site.stores, WRITES_PER_SECOND, script);
        let recovery = recovery.await?;

        let mut row = Row::new("stores", "G3", format!("{name}: {}", fault.in_words()));
        row.figure(looks.in_words());
        row.figure(format!(
            "{} writes acknowledged, {} refused, the slowest {:.1?}",
            ledger.acknowledged(),
            ledger.refused(),
            ledger.slowest()
        ));
        row.figure(format!("serves again after {recovery:.1?}"));
        row.must_for_all(
            "a payer is shown the offer or an LNURL error",
            &looks.nonsense(),
        );
        row.must("the offer is served all the while", looks.errors() == 0);
        row.must("each look within 2 s", looks.slowest() <= SLOWEST_LOOK);
        row.must(
            "each write is answered within 31 s",
            ledger.slowest() <= LONGEST,
        );
        row.must("serves again within 5 s", recovery <= RECOVERY);
        let losses = ledger.losses(&self.site.stores).await?;
        row.must_for_all("nothing acknowledged is lost, nothing is half", &losses);
        row.must("0 panics", self.site.panics()? == 0);
        row.must("no password in the log", !self.site.tells_secrets()?);
        row.finish()
    }

    /// Lets it happen and pass; gives how long it then took until all served again.
    async fn script(&self, fault: Fault, ledger: &Ledger) -> anyhow::Result<Duration> {
        const HEALTHY: Duration = Duration::from_millis(500);

        let start = Instant::now();
        sleep_until(start + HEALTHY).await;
        anyhow::ensure!(ledger.refused() == 0, "refused before anything happened");
        let begun = Instant::now();
        let length = fault.length();
        let lock = self.strike(fault, length).await?;
        self.felt(fault, ledger).await?;
        sleep_until(begun + length).await;
        self.mend(fault, lock).await?;

        let back = Instant::now();
        eventually("an offer that is written and shown", PATIENCE, async || {
            let Ok(id) = self.publish().await else {
                return Ok(None);
            };
            Ok((self.site.look(id).await == Shown::Offer).then_some(()))
        })
        .await?;
        let recovery = back.elapsed();
        sleep_until(Instant::now() + HEALTHY).await;
        Ok(recovery)
    }

    /// The fault must have happened: writes are refused, or wait.
    async fn felt(&self, fault: Fault, ledger: &Ledger) -> anyhow::Result<()> {
        eventually("the fault to be felt", fault.length(), async || {
            let oldest = ledger.oldest_unanswered();
            let waits = oldest.is_some_and(|since| since.elapsed() > Duration::from_secs(1));
            Ok(match fault {
                Fault::Frozen | Fault::Locked => waits || ledger.refused() > 0,
                Fault::Stopped | Fault::ReadOnly => ledger.refused() > 0,
                Fault::Full => {
                    let large = large_metadata(Uuid::new_v4());
                    self.site
                        .stores
                        .metadata
                        .post_metadata(large)
                        .await
                        .is_err()
                }
            }
            .then_some(()))
        })
        .await
    }

    async fn publish(&self) -> anyhow::Result<Uuid> {
        let id = Uuid::new_v4();
        self.site
            .stores
            .metadata
            .post_metadata(metadata(id))
            .await?;
        self.site.stores.offers.post_offer(offer(id, id)).await?;
        Ok(id)
    }

    /// A lock is held for so long, and then given back by itself.
    async fn strike(&self, fault: Fault, length: Duration) -> anyhow::Result<Option<Lock>> {
        match (fault, &self.place) {
            (Fault::Full, _) => self.disk()?.fill()?,
            (Fault::Locked, Some(place)) => return lock(place, length).map(Some),
            (_, place) => {
                let database = server(place)?;
                match fault {
                    Fault::Stopped => database.server().stop().await?,
                    Fault::Frozen => database.server().freeze()?,
                    _ => read_only(database, true).await?,
                }
            }
        }
        Ok(None)
    }

    async fn mend(&self, fault: Fault, lock: Option<Lock>) -> anyhow::Result<()> {
        match fault {
            Fault::Full => {
                self.disk()?.free()?;
                match &self.place {
                    // MariaDB may end itself over a full disk, and somebody starts it again.
                    Some(place) => place.database()?.server().start().await,
                    None => Ok(()),
                }
            }
            Fault::Stopped => server(&self.place)?.server().start().await,
            Fault::Frozen => server(&self.place)?.server().thaw(),
            Fault::ReadOnly => read_only(server(&self.place)?, false).await,
            Fault::Locked => match lock {
                Some(lock) => lock.await?,
                None => Ok(()),
            },
        }
    }

    fn disk(&self) -> anyhow::Result<&SmallDisk> {
        match &self.place {
            None => self.site.disk(),
            Some(place) => {
                let disk = place.database()?.server().disk();
                disk.ok_or_else(|| anyhow::anyhow!("the database has no disk of its own"))
            }
        }
    }
}

impl Fault {
    const fn in_words(self) -> &'static str {
        match self {
            Self::Stopped => "stopped and started again",
            Self::Frozen => "stands still",
            Self::ReadOnly => "read-only",
            Self::Locked => "its tables are locked",
            Self::Full => "its disk is full",
        }
    }

    fn length(self) -> Duration {
        match self {
            Self::Stopped | Self::Frozen => seconds(5, 30),
            Self::Locked => seconds(4, 10),
            Self::ReadOnly | Self::Full => seconds(3, 30),
        }
    }
}

fn server(place: &Option<Place>) -> anyhow::Result<&Database> {
    match place {
        Some(place) => place.database(),
        None => anyhow::bail!("SQLite has no server"),
    }
}

async fn read_only(database: &Database, is_so: bool) -> anyhow::Result<()> {
    let sql = match (database.server().kind(), is_so) {
        (DatabaseKind::Postgres, true) => {
            "ALTER SYSTEM SET default_transaction_read_only = on;\nSELECT pg_reload_conf();"
        }
        (DatabaseKind::Postgres, false) => {
            "ALTER SYSTEM RESET default_transaction_read_only;\nSELECT pg_reload_conf();"
        }
        (DatabaseKind::MariaDb, true) => "SET GLOBAL read_only = 1;",
        (DatabaseKind::MariaDb, false) => "SET GLOBAL read_only = 0;",
    };
    database.sql(sql).await.map(drop)
}

/// Somebody who holds a lock for a while.
type Lock = JoinHandle<anyhow::Result<()>>;

fn lock(place: &Place, length: Duration) -> anyhow::Result<Lock> {
    let Place::Server(database) = place else {
        let mut connection = place.sqlite()?;
        return Ok(spawn_blocking(move || {
            connection.batch_execute("BEGIN IMMEDIATE")?;
            // The fault itself.
            std::thread::sleep(length);
            Ok(connection.batch_execute("COMMIT")?)
        }));
    };
    let seconds = length.as_secs();
    let sql = match database.server().kind() {
        DatabaseKind::Postgres => format!(
            "BEGIN; LOCK TABLE discovery_backends, offer_metadata, offers IN ACCESS EXCLUSIVE MODE; \
             SELECT pg_sleep({seconds}); COMMIT;"
        ),
        DatabaseKind::MariaDb => format!(
            "LOCK TABLES discovery_backends WRITE, offer_metadata WRITE, offers WRITE; \
             SELECT SLEEP({seconds}); UNLOCK TABLES;"
        ),
    };
    let database = database.clone();
    Ok(tokio::spawn(
        async move { database.sql(&sql).await.map(drop) },
    ))
}
