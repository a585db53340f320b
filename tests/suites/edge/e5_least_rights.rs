//! E5: a database user that may create no table is enough once `store migrate` has run. The macaroon of the
//! least rights is in the suite `real`.

use std::{fs, process::Stdio};

use anyhow::Context as _;
use serde_json::json;
use switchgear_tests::{
    Database, DatabaseKind, DatabaseServer, DatabaseUser, ServerOptions, Service, SwgrOptions,
    program,
};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{offers::NewOffer, stage::Stage};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_user_without_ddl_is_enough_on_postgres() -> anyhow::Result<()> {
    a_user_without_ddl_is_enough(DatabaseKind::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e5_a_user_without_ddl_is_enough_on_mariadb() -> anyhow::Result<()> {
    a_user_without_ddl_is_enough(DatabaseKind::MariaDb).await
}

async fn a_user_without_ddl_is_enough(kind: DatabaseKind) -> anyhow::Result<()> {
    let options = ServerOptions::QUICK;
    let Some(server) = DatabaseServer::start_or_skip(kind, options).await? else {
        return Ok(());
    };
    let database = server.create_database().await?;
    let [owner, least] = [DatabaseUser::Owner, DatabaseUser::Least].map(|user| database.url(user));
    let (is_done, said) = migrate(&least).await?;
    assert!(!is_done, "the user may create tables: {said}");
    keeps_the_password(&said);
    let (is_done, said) = migrate(&owner).await?;
    assert!(is_done, "{said}");
    keeps_the_password(&said);

    let options = SwgrOptions::new()
        .with_database(&least)
        .with_variable("RUST_LOG", "trace");
    let stage = Stage::start(&options, 1).await?;
    everything_works(&stage).await?;
    keeps_the_password(&stage.swgr.log()?);
    stage.end().await
}

fn keeps_the_password(said: &str) {
    let in_url = "canary%20p%40ss%3Aw%2Frd%3F";
    assert!(!said.contains(Database::PASSWORD) && !said.contains(in_url));
}

/// Runs `store migrate` on the database; whether it succeeded, and what it said.
async fn migrate(url: &str) -> anyhow::Result<(bool, String)> {
    let folder = TempDir::with_prefix("migrate-")?;
    let store = format!("{{ type: database, database-url: {url:?} }}");
    let config = format!("store:\n  discover: {store}\n  offer: {store}\n");
    fs::write(folder.path().join("config.yaml"), config)?;
    let output = Command::new(program()?)
        .args(["-l", "trace", "store", "migrate", "-c", "config.yaml"])
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .context("swgr cannot be run")?;
    let said = [output.stdout, output.stderr].concat();
    Ok((
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    ))
}

/// Each kind of write, each kind of read, and an invoice.
async fn everything_works(stage: &Stage) -> anyhow::Result<()> {
    let mut offers = stage.admin(Service::Offer)?;
    let kept = NewOffer::new("least", 1_000, 9_000);
    let path = kept.publish(&mut offers).await?;
    let door = stage.door(Service::Lnurl)?;
    let invoice = door.get(&format!("{path}/invoice?amount=1000")).await?;
    assert_eq!(invoice.status, 200, "{}", invoice.text());

    let gone = NewOffer::new("gone", 1_000, 9_000);
    gone.publish(&mut offers).await?;
    let offer = gone.path();
    let metadata = format!(
        "/metadata/default/{}",
        gone.metadata["id"].as_str().unwrap_or_default()
    );
    for (method, path, body, status) in [
        ("PUT", &offer, Some(&gone.offer), 204),
        ("PUT", &metadata, Some(&gone.metadata), 204),
        ("GET", &offer, None, 200),
        ("DELETE", &metadata, None, 400),
        ("DELETE", &offer, None, 204),
        ("DELETE", &metadata, None, 204),
        ("GET", &offer, None, 404),
        ("GET", &"/offers/default?count=10".to_owned(), None, 200),
    ] {
        let answer = offers.ask(method, path, body).await?;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
    }

    let mut nodes = stage.admin(Service::Discovery)?;
    let node = format!("/discovery/pk/{}", stage.nodes[0].public_key());
    let patch = json!({"weight": 7, "partitions": ["default", "other"]});
    let patched = nodes.ask("PATCH", &node, Some(&patch)).await?;
    assert_eq!(patched.status, 204, "{}", patched.text());
    let mut record = nodes.ask("GET", &node, None).await?.json()?;
    assert_eq!(record["weight"], 7);
    record["weight"] = 1.into();
    for (method, body, status) in [
        ("PUT", Some(&record), 204),
        ("DELETE", None, 204),
        ("PUT", Some(&record), 201),
    ] {
        let answer = nodes.ask(method, &node, body).await?;
        assert_eq!(answer.status, status, "{method}: {}", answer.text());
    }
    Ok(())
}
