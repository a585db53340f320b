//! E4: no secret is in a log at its most talkative, in an error, in an answer, or in what the command line
//! says, whatever goes well or wrong.

use std::fs;

use serde_json::json;
use switchgear_ln::sim::Fault;
use switchgear_tests::{Service, Swgr, SwgrOptions, eventually};

use crate::{
    admin::Admin,
    canaries::{Canaries, Said},
    offers::NewOffer,
    stage::{PATIENCE, Stage},
};

const TRACE: (&str, &str) = ("RUST_LOG", "trace");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_no_canary_leaves_through_logs_answers_or_the_command_line() -> anyhow::Result<()> {
    let options = SwgrOptions::new()
        .with_tls()
        .with_variable(TRACE.0, TRACE.1);
    let stage = Stage::start(&options, 2).await?;
    let mut said = Said::default();
    let mut canaries = Canaries::of(&stage.swgr)?;
    for path in stage.nodes.iter().flat_map(|node| node.credential_paths()) {
        canaries.take_credential(&path)?;
    }
    all_goes_well(&stage, &mut said).await?;
    much_goes_wrong(&stage, &mut said).await?;
    canaries.take(
        "the new macaroon",
        &fs::read(stage.nodes[0].macaroon_path())?,
    );
    remote_goes_wrong(&stage, &mut said, &mut canaries).await?;
    database_goes_wrong(&stage, &mut said, &mut canaries).await?;
    said.more(&stage.swgr.log()?);

    // The log is more talkative than usual, and failures were met.
    for (level, what) in [
        ("DEBUG", "a token was refused"),
        ("WARN", " is unhealthy: "),
        ("ERROR", "could not be looked up"),
    ] {
        let mut lines = said.0.lines();
        let is_said = lines.any(|line| line.contains(level) && line.contains(what));
        assert!(is_said, "no {level} line says {what:?}:\n{}", said.0);
    }
    assert!(canaries.0.len() >= 10, "{} canaries", canaries.0.len());
    let found = canaries.found_in(&said.0);
    assert_eq!(found, Vec::<String>::new(), "secrets that were said");
    stage.end().await
}

async fn all_goes_well(stage: &Stage, said: &mut Said) -> anyhow::Result<()> {
    for arguments in [
        &["discovery", "ls"][..],
        &["discovery", "get"],
        &["offer", "get", "default"],
        &[
            "discovery",
            "token",
            "verify",
            "-p",
            "discovery-public.pem",
            "-t",
            "discovery.token",
        ],
    ] {
        said.by_cli(&stage.swgr, arguments).await?;
    }
    let offer = NewOffer::new("canary", 1_000, 9_000);
    let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
    let door = stage.door(Service::Lnurl)?;
    for view in [
        "",
        "/invoice?amount=1000",
        "/invoice?amount=1001",
        "/bech32",
    ] {
        said.more(&door.get(&(path.clone() + view)).await?.text());
    }
    for (service, path) in [
        (Service::Discovery, "/discovery"),
        (Service::Offer, "/offers/default"),
        (Service::Offer, "/openapi.json"),
    ] {
        let answer = stage.admin(service)?.ask("GET", path, None).await?;
        assert_eq!(answer.status, 200);
        said.more(&answer.text());
    }
    Ok(())
}

async fn much_goes_wrong(stage: &Stage, said: &mut Said) -> anyhow::Result<()> {
    // A token for the other service, a broken record, a record that is none.
    let token = fs::read_to_string(stage.swgr.token(Service::Offer))?;
    let mut stranger = Admin::with_token(stage.door(Service::Discovery)?, token.trim());
    let refused = stranger.ask("GET", "/discovery", None).await?;
    assert_eq!(refused.status, 401);
    said.more(&refused.text());
    let mut admin = stage.admin(Service::Discovery)?;
    for body in [json!([1]), json!({"address": {"url": "x"}})] {
        said.more(&admin.ask("POST", "/discovery", Some(&body)).await?.text());
    }
    let swapped = ["discovery", "ls", "-a", "offer.token"];
    said.by_cli(&stage.swgr, &swapped).await?;
    // The node asks for another macaroon, and refuses the old one in its own words.
    stage.nodes[0].rotate_macaroon()?;
    stage.nodes[1].set_fault(Some(Fault::TlsAlert)).await?;
    stage.nodes[0].set_fault(Some(Fault::locked())).await?;
    let offer = NewOffer::new("wrong", 1_000, 9_000);
    let path = offer.publish(&mut stage.admin(Service::Offer)?).await?;
    let door = stage.door(Service::Lnurl)?;
    let answer = door.get(&format!("{path}/invoice?amount=1000")).await?;
    assert_eq!(answer.status, 502, "{}", answer.text());
    said.more(&answer.text());
    for node in &stage.nodes {
        node.set_fault(None).await?;
    }
    eventually("an invoice", PATIENCE, async || {
        let answer = door.get(&format!("{path}/invoice?amount=1000")).await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await
}

/// An instance whose stores are remote, and do not like its token.
async fn remote_goes_wrong(
    stage: &Stage,
    said: &mut Said,
    canaries: &mut Canaries,
) -> anyhow::Result<()> {
    let folder = stage.swgr.folder();
    let forged = fs::read_to_string(stage.swgr.token(Service::Offer))?;
    let forged = format!("{}{}", &forged[..forged.len() - 12], "canarycanary");
    canaries.take_text("a forged token", &forged[forged.len() - 20..]);
    let token = folder.join("forged.token");
    fs::write(&token, &forged)?;
    let store = |service: Service| {
        let (url, token) = (stage.swgr.url(service), token.display());
        let roots = folder.join("root.pem");
        let roots = roots.display();
        format!(
            "{{ type: http, base-url: {url:?}, authorization: \"{token}\", trusted-roots: \"{roots}\" }}"
        )
    };
    let options = SwgrOptions::new()
        .with_variable(TRACE.0, TRACE.1)
        .with_stores(&store(Service::Discovery), &store(Service::Offer));
    let swgr = Swgr::start_as(&options).await?;
    let lnurl = swgr.door(Service::Lnurl)?;
    let path = "/offers/default/00000000-0000-4000-8000-000000000000";
    let answer = lnurl.get(path).await?;
    assert_eq!(answer.status, 502, "{}", answer.text());
    said.more(&answer.text());
    said.by_cli(&swgr, &["offer", "get", "default"]).await?;
    said.more(&swgr.log()?);
    swgr.terminate().await.map(drop)
}

/// Databases that are not there, or whose URL is wrong: `swgr` must not start, and says why.
async fn database_goes_wrong(
    stage: &Stage,
    said: &mut Said,
    canaries: &mut Canaries,
) -> anyhow::Result<()> {
    const PASSWORD: &str = "canary-p4ssw0rd";

    canaries.take_text("a database's password", PASSWORD);
    for url in [
        format!("postgres://swgr:{PASSWORD}@127.0.0.1:1/swgr"),
        format!("mysql://swgr:{PASSWORD}@127.0.0.1:1/swgr"),
        format!("postgres://swgr:{PASSWORD}@127.0.0.1:1/swgr?sslmode=canary"),
        format!("postgres://swgr:{PASSWORD}@[bad/swgr"),
        format!("oracle://swgr:{PASSWORD}@127.0.0.1/swgr"),
    ] {
        let config = fs::read_to_string(stage.swgr.folder().join("config.yaml"))?;
        let config = config.replace("sqlite://swgr.db?mode=rwc", &url);
        let file = stage.swgr.folder().join("broken.yaml");
        fs::write(&file, config)?;
        for command in [
            &["store", "migrate"][..],
            &["config", "check"],
            &["service"],
        ] {
            let arguments = [command, &["-c", "broken.yaml"]].concat();
            said.by_cli(&stage.swgr, &arguments).await?;
        }
    }
    Ok(())
}
