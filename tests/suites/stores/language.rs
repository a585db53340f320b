//! A database that speaks another language than English is understood all the same, where it may be asked.

use switchgear_core::{backend::DiscoveryBackendStore, store::StoreError};
use switchgear_tests::ServerOptions;

use crate::{
    place::{Place, Sql},
    row::say,
};

const GERMAN: &str = "de_DE.UTF-8";

#[tokio::test]
async fn a_german_postgres_is_asked_for_english_words() -> anyhow::Result<()> {
    let Some(place) = Sql::Postgres.own_place(ServerOptions::QUICK).await? else {
        return Ok(());
    };
    let german = format!("ALTER ROLE owner SET lc_messages = '{GERMAN}';");
    if place.sql(&german).await.is_err() {
        let lack = format!("a database that speaks German: this machine lacks the locale {GERMAN}");
        anyhow::ensure!(!std::env::var("CI").is_ok_and(|ci| ci == "true"), "{lack}");
        say(&format!("UNTESTED: {lack}"));
        return Ok(());
    }
    let stores = place.open(1).await?;
    place.sql("DROP TABLE discovery_backends;").await?;
    let denied = failure(&place, &*stores.backends).await?;
    assert!(denied.to_string().contains("failed"), "{denied}");

    place
        .sql("GRANT SET ON PARAMETER lc_messages TO owner;")
        .await?;
    // What is set with a connection needs a new one.
    place.database()?.server().stop().await?;
    place.database()?.server().start().await?;
    let allowed = failure(&place, &*stores.backends).await?;
    assert!(allowed.to_string().contains("store migrate"), "{allowed}");
    Ok(())
}

/// What a lost table is called, which the server says in its own language.
async fn failure(place: &Place, store: &dyn DiscoveryBackendStore) -> anyhow::Result<StoreError> {
    let left = place
        .number("SELECT count(*) FROM pg_tables WHERE tablename = 'discovery_backends'")
        .await?;
    assert_eq!(left, 0, "the fault did not happen");
    let error = store.snapshot(None).await.expect_err("there is no table");
    Ok(error)
}
