//! The throw-away servers themselves: what a fault test relies on.

use std::time::Duration;

use switchgear_tests::{DatabaseKind, DatabaseServer, ServerOptions};
use tokio::time::timeout;

#[tokio::test]
async fn a_postgres_stops_freezes_dies_and_comes_back_with_what_was_committed() -> anyhow::Result<()>
{
    comes_back(DatabaseKind::Postgres).await
}

#[tokio::test]
async fn a_mariadb_stops_freezes_dies_and_comes_back_with_what_was_committed() -> anyhow::Result<()>
{
    comes_back(DatabaseKind::MariaDb).await
}

async fn comes_back(kind: DatabaseKind) -> anyhow::Result<()> {
    let Some(server) = DatabaseServer::start_or_skip(kind, ServerOptions::DURABLE).await? else {
        return Ok(());
    };
    let database = server.create_database().await?;
    database.sql("CREATE TABLE numbers (n INT);").await?;

    database.sql("INSERT INTO numbers VALUES (1);").await?;
    server.stop().await?;
    assert!(database.sql("SELECT 1;").await.is_err(), "it was stopped");
    server.start().await?;

    database.sql("INSERT INTO numbers VALUES (2);").await?;
    server.kill()?;
    assert!(database.sql("SELECT 1;").await.is_err(), "it was killed");
    server.start().await?;

    server.freeze()?;
    let answer = timeout(Duration::from_millis(500), database.sql("SELECT 1;")).await;
    assert!(answer.is_err(), "it was frozen, and answered {answer:?}");
    server.thaw()?;

    assert_eq!(database.number("SELECT sum(n) FROM numbers;").await?, 3);
    Ok(())
}
