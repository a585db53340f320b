//! What does not grow with a table: a page by key, a look-up, and a poll that finds nothing new.

use std::time::Duration;

use switchgear_core::{
    backend::BackendSnapshot,
    store::{Page, PageStart},
};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    place::{Place, Sql, migrate},
    records::{backend, partition},
    row::Row,
    size::size,
    stores::Stores,
};

/// What noise and caches may add.
const LIMIT: f64 = 1.5;

/// How often what took too long is measured again: other work on the machine is not the database's.
const MORE: usize = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_a_late_page_and_a_look_up_cost_what_the_first_do_in_sqlite() -> anyhow::Result<()> {
    cost_is_flat(Sql::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_a_late_page_and_a_look_up_cost_what_the_first_do_in_postgres() -> anyhow::Result<()>
{
    cost_is_flat(Sql::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_a_late_page_and_a_look_up_cost_what_the_first_do_in_mariadb() -> anyhow::Result<()> {
    cost_is_flat(Sql::MariaDb).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scale_a_poll_without_news_costs_the_same_with_many_backends() -> anyhow::Result<()> {
    for sql in [Sql::Sqlite, Sql::Postgres, Sql::MariaDb] {
        poll_is_flat(sql).await?;
    }
    Ok(())
}

async fn cost_is_flat(sql: Sql) -> anyhow::Result<()> {
    let (Some(large), Some(small)) = (sql.place().await?, sql.place().await?) else {
        return Ok(());
    };
    let rows: u64 = size(10_000, 1_000_000);
    let began = Instant::now();
    for (place, offers) in [(&large, rows), (&small, 1_000)] {
        migrate(&place.url()).await?;
        fill(place, sql, offers).await?;
    }
    let filled = began.elapsed();
    let (large, small) = (large.open(2).await?, small.open(2).await?);
    let late = id(rows / 10 * 9);

    let mut pages = Duo::default();
    let mut look_ups = Duo::default();
    for attempt in 0..=MORE {
        let (first, after) = (PageStart::Offset(0), PageStart::After(late));
        pages = Duo::measure(
            async |_| page(&large, first).await,
            async |_| page(&large, after).await,
        )
        .await?;
        // Spread over the table, so that no one page of it stays at hand.
        let some = |number: usize, rows: u64| id((number as u64 * 7_919) % rows + 1);
        look_ups = Duo::measure(
            async |number| look_up(&small, some(number, 1_000)).await,
            async |number| look_up(&large, some(number, rows)).await,
        )
        .await?;
        if attempt == MORE || (pages.ratio() <= LIMIT && look_ups.ratio() <= LIMIT) {
            break;
        }
    }

    let mut row = Row::new(
        "stores",
        "scale",
        format!("{rows} offers in {}", sql.name()),
    );
    row.figure(format!("filled in {filled:.1?}"));
    row.figure(format!("first page of 100 and a late one {pages}"));
    row.figure(format!("a look-up among 1,000 and among all {look_ups}"));
    row.must(
        "a late page within 1.5 of the first",
        pages.ratio() <= LIMIT,
    );
    row.must(
        "a look-up within 1.5 of one among 1,000",
        look_ups.ratio() <= LIMIT,
    );
    row.finish()
}

async fn poll_is_flat(sql: Sql) -> anyhow::Result<()> {
    let (Some(large), Some(small)) = (sql.place().await?, sql.place().await?) else {
        return Ok(());
    };
    let (large, small) = (large.open(2).await?, small.open(2).await?);
    let backends = 2_000;
    for number in 0..backends {
        large.backends.post(backend(number)).await?;
    }
    small.backends.post(backend(0)).await?;
    let mut polls = Duo::default();
    for attempt in 0..=MORE {
        polls = poll_both(&small, &large).await?;
        if attempt == MORE || polls.ratio() <= LIMIT {
            break;
        }
    }
    let mut row = Row::new(
        "stores",
        "scale",
        format!("a poll without news of {}", sql.name()),
    );
    row.figure(format!("with 1 and with {backends} backends {polls}"));
    row.must("within 1.5", polls.ratio() <= LIMIT);
    row.finish()
}

async fn poll_both(small: &Stores, large: &Stores) -> anyhow::Result<Duo> {
    let version = async |stores: &Stores| match stores.backends.snapshot(None).await? {
        BackendSnapshot::Changed { version, .. } => Ok(version),
        BackendSnapshot::Unchanged => anyhow::bail!("no version was known"),
    };
    let known = (version(small).await?, version(large).await?);
    let poll = async |stores: &Stores, known| match stores.backends.snapshot(Some(known)).await? {
        BackendSnapshot::Unchanged => Ok(()),
        BackendSnapshot::Changed { .. } => anyhow::bail!("nothing was changed"),
    };
    Duo::measure(
        async |_| poll(small, &known.0).await,
        async |_| poll(large, &known.1).await,
    )
    .await
}

async fn page(stores: &Stores, start: PageStart) -> anyhow::Result<()> {
    const COUNT: usize = 100;

    let page = Page {
        start,
        count: COUNT,
    };
    let offers = stores.offers.offers(&partition(), page).await?;
    anyhow::ensure!(offers.len() == COUNT, "a page of {}", offers.len());
    Ok(())
}

async fn look_up(stores: &Stores, id: Uuid) -> anyhow::Result<()> {
    let offer = stores.provider.payable(&partition(), id).await?;
    anyhow::ensure!(offer.is_some(), "offer {id} is missing");
    Ok(())
}

/// What two things took that are to take as long as each other: the medians of many turns.
#[derive(Debug, Clone, Copy, Default)]
struct Duo {
    base: Duration,
    other: Duration,
}

impl Duo {
    /// In turns, so that what else the machine does weighs on both.
    async fn measure(
        base: impl AsyncFn(usize) -> anyhow::Result<()>,
        other: impl AsyncFn(usize) -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        const TURNS: usize = 401;
        const WARM: usize = 50;

        let mut times = [Vec::new(), Vec::new()];
        for turn in 0..TURNS + WARM {
            let start = Instant::now();
            base(turn).await?;
            let middle = Instant::now();
            other(turn).await?;
            if turn >= WARM {
                times[0].push(middle - start);
                times[1].push(middle.elapsed());
            }
        }
        let [base, other] = times.map(|mut times| {
            times.sort_unstable();
            times[TURNS / 2]
        });
        Ok(Self { base, other })
    }

    fn ratio(self) -> f64 {
        self.other.as_secs_f64() / self.base.as_secs_f64()
    }
}

impl std::fmt::Display for Duo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (base, other) = (self.base, self.other);
        write!(f, "{base:.1?} and {other:.1?}: {:.2}", self.ratio())
    }
}

/// The id of the offer of this number, from 1 on. They scatter over an index as random ones do.
fn id(number: u64) -> Uuid {
    // Odd, and so each number of 32 bits gives another.
    let scattered = (number * 2_654_435_761) & 0xffff_ffff;
    Uuid::from_u128(u128::from(scattered) << 96 | u128::from(number))
}

/// Puts so many offers with one metadata into the one partition, by SQL, which is many times as quick as the
/// store is.
pub(crate) async fn fill(place: &Place, sql: Sql, offers: u64) -> anyhow::Result<()> {
    let partition = partition();
    let metadata = Uuid::from_u128(1);
    let column = match sql {
        // A reserved word there.
        Sql::MariaDb => "`partition`",
        _ => "partition",
    };
    let first = format!(
        "INSERT INTO offer_metadata ({column}, id, text) VALUES ('{partition}', '{metadata}', 'a coffee');"
    );
    // As `id` has it: eight digits that scatter, and the number.
    let (numbers, id) = match sql {
        Sql::Sqlite => (
            format!(
                "(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {offers}) \
                 SELECT n FROM n)"
            ),
            "printf('%08x-0000-0000-0000-%012x', (n * 2654435761) & 4294967295, n)",
        ),
        Sql::Postgres => (
            format!("generate_series(1, {offers}::bigint) AS numbers (n)"),
            "lpad(to_hex((n * 2654435761) & 4294967295), 8, '0') || '-0000-0000-0000-' \
             || lpad(to_hex(n), 12, '0')",
        ),
        Sql::MariaDb => (
            format!("(SELECT seq AS n FROM seq_1_to_{offers}) AS numbers"),
            "lower(concat(lpad(hex((n * 2654435761) & 4294967295), 8, '0'), '-0000-0000-0000-', \
             lpad(hex(n), 12, '0')))",
        ),
    };
    let all = format!(
        "INSERT INTO offers ({column}, id, max_sendable, min_sendable, metadata_id, timestamp_us) \
         SELECT '{partition}', {id}, 1000000000, 1000, '{metadata}', 1704067200000000 FROM {numbers} \
         ORDER BY n;"
    );
    let analyze = match sql {
        Sql::MariaDb => "ANALYZE TABLE offers;",
        Sql::Postgres => "VACUUM ANALYZE offers;",
        Sql::Sqlite => "",
    };
    for statements in [first.as_str(), &all, analyze] {
        if !statements.is_empty() {
            place.sql(statements).await?;
        }
    }
    Ok(())
}
