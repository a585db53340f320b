//! C6: a look at an offer costs no node a call, and writes nothing.

use anyhow::ensure;
use diesel::{
    Connection as _, RunQueryDsl as _, SqliteConnection,
    dsl::sql,
    sql_types::{BigInt, Integer},
};
use switchgear_tests::{Door, Service, SwgrOptions, Wire, row::Row};

use crate::{
    offers::NewOffer,
    size::size,
    stage::{QUIET, Stage},
};

/// Sent at once on a connection, and then their answers read.
const PIPELINED: usize = 100;

/// Offers come from the cache, and from the database too.
const LINES: [&str; 2] = [QUIET, "cache-ttl-secs: 0.05"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_looks_reach_no_node_and_write_nothing() -> anyhow::Result<()> {
    let options = SwgrOptions::new().with_lines(Service::Lnurl, &LINES);
    let stage = Stage::start(&options, 2).await?;
    let mut admin = stage.admin(Service::Offer)?;
    let mut paths = Vec::new();
    for number in 0..4 {
        let offer = NewOffer::new(&format!("look {number}"), 1_000, 9_000);
        let path = offer.publish(&mut admin).await?;
        paths.extend(["", "/bech32", "/invoice?amount=0"].map(|view| path.clone() + view));
    }
    let door = stage.door(Service::Lnurl)?;
    let mut wallet = door.open().await?;
    let mut database = Watched::open(&stage)?;
    let (calls, before) = (stage.calls(), database.state()?);

    let count = size(10_000, 100_000);
    for round in 0..count / PIPELINED {
        looks(&mut wallet, &door, &paths, round).await?;
    }
    let mut row = Row::new("edge", "C6", "looks at offers");
    let (reached, after) = (stage.calls() - calls, database.state()?);
    row.figure(format!(
        "{count} looks, {reached} calls of nodes, {} rows written",
        after.rows - before.rows
    ));
    row.must("0 calls of nodes", reached == 0);
    row.must("nothing written", after == before);

    // Both meters move when there is something to be measured.
    let path = &paths[0];
    let invoice = door.get(&format!("{path}/invoice?amount=1000")).await?;
    assert_eq!(invoice.status, 200);
    assert!(stage.calls() > calls);
    assert_eq!(database.state()?, before, "an invoice is in no database");
    NewOffer::new("written", 1, 1).publish(&mut admin).await?;
    let after = database.state()?;
    assert!(after.version != before.version && after.rows == before.rows + 2);
    stage.end().await?;
    row.finish()
}

async fn looks(
    wallet: &mut Wire,
    door: &Door,
    paths: &[String],
    round: usize,
) -> anyhow::Result<()> {
    let sent: Vec<_> = (round * PIPELINED..)
        .zip(paths.iter().cycle())
        .take(PIPELINED)
        .map(|(number, path)| {
            let method = ["GET", "HEAD"][number % 2];
            (method, path)
        })
        .collect();
    let requests = sent
        .iter()
        .map(|(method, path)| door.request(method, path, ""));
    wallet.send(requests.collect::<String>()).await?;
    for (method, path) in sent {
        let answer = wallet.answer(method).await?;
        // An amount of nothing is refused before any node is asked.
        let expected = if path.contains('?') { 400 } else { 200 };
        ensure!(answer.status == expected, "{method} {path}: {answer:?}");
    }
    Ok(())
}

/// The database, seen from beside the server.
struct Watched(SqliteConnection);

/// What changes when anything is written.
#[derive(Debug, PartialEq)]
struct Written {
    /// Of the file, as this connection sees it: another one after each commit of another connection.
    version: i32,
    rows: i64,
}

impl Watched {
    fn open(stage: &Stage) -> anyhow::Result<Self> {
        let file = stage.swgr.folder().join("swgr.db");
        let connection = SqliteConnection::establish(&file.display().to_string())?;
        Ok(Self(connection))
    }

    fn state(&mut self) -> anyhow::Result<Written> {
        let rows = "(SELECT count(*) FROM offers) + (SELECT count(*) FROM offer_metadata)
                    + (SELECT count(*) FROM discovery_backends)";
        Ok(Written {
            version: diesel::sql_query("PRAGMA data_version")
                .get_result::<Version>(&mut self.0)?
                .data_version,
            rows: diesel::select(sql::<BigInt>(rows)).get_result(&mut self.0)?,
        })
    }
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = Integer)]
    data_version: i32,
}
