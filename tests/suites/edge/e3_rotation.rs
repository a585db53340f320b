//! E3: keys, tokens and certificates change on disk while requests go on: none fails, and nothing is
//! restarted. What nodes ask for is rotated in the suites `faults` and `real`.

use std::{fs, path::Path, sync::Arc, time::Duration};

use anyhow::ensure;
use parking_lot::Mutex;
use switchgear_tests::{Door, Service, Swgr, SwgrOptions, eventually};

use crate::{
    admin::Admin,
    load::Load,
    offers::NewOffer,
    stage::{PATIENCE, Stage, both_ways},
    tap::Tap,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_keys_of_tokens_change_with_an_overlap() -> anyhow::Result<()> {
    for options in both_ways() {
        let stage = Stage::start(&options, 0).await?;
        let door = stage.door(Service::Discovery)?;
        let keys = Keys::of(&stage.swgr, "discovery").await?;
        let current = Arc::new(Mutex::new(keys.old_token.clone()));
        let load = Load::start({
            let (door, current) = (door.clone(), Arc::clone(&current));
            move || {
                let token = current.lock().clone();
                let door = door.clone();
                async move {
                    let status = status(&door, &token).await?;
                    ensure!(status == 200, "answered {status}");
                    Ok(())
                }
            }
        });
        load.goes_on_for(10).await?;
        assert_eq!(status(&door, &keys.new_token).await?, 401, "not yet");

        keys.put(&[&keys.old, &keys.new])?;
        becomes(&door, &keys.new_token, 200).await?;
        load.goes_on_for(10).await?;
        *current.lock() = keys.new_token.clone();
        load.goes_on_for(2).await?;

        keys.put(&[&keys.new])?;
        becomes(&door, &keys.old_token, 401).await?;
        load.goes_on_for(10).await?;
        load.end().await?;
        stage.end().await?;
    }
    Ok(())
}

/// Many times as long as a file of a token is not looked at.
const IN_USE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_remote_stores_token_changes() -> anyhow::Result<()> {
    let remote = Stage::start(&SwgrOptions::new(), 0).await?;
    let offer = NewOffer::new("remote", 1_000, 9_000);
    let path = offer.publish(&mut remote.admin(Service::Offer)?).await?;
    let keys = Keys::of(&remote.swgr, "offer").await?;
    let token = remote.swgr.token(Service::Offer);
    // What the store's client sends passes by here, and so the token that it has is seen.
    let tap = Tap::start(remote.door(Service::Offer)?.address()).await?;
    let store = |url: &str, token: &Path| {
        let token = token.display();
        format!("{{ type: http, base-url: {url:?}, authorization: \"{token}\" }}")
    };
    let discover = store(
        remote.swgr.url(Service::Discovery),
        &remote.swgr.token(Service::Discovery),
    );
    let options = SwgrOptions::new()
        .with_lines(Service::Lnurl, &["cache-ttl-secs: 0"])
        .with_stores(&discover, &store(&tap.url(), &token));
    let stage = Stage::start(&options, 0).await?;
    let door = stage.door(Service::Lnurl)?;
    let load = Load::start(move || {
        let (door, path) = (door.clone(), path.clone());
        async move {
            let answer = door.get(&path).await?;
            ensure!(answer.status == 200, "{}: {}", answer.status, answer.text());
            Ok(())
        }
    });
    load.goes_on_for(10).await?;
    assert!(tap.has_passed(&keys.old_token), "the tap sees tokens");

    keys.put(&[&keys.old, &keys.new])?;
    let offers = remote.door(Service::Offer)?;
    becomes(&offers, &keys.new_token, 200).await?;
    replace(&token, &keys.new_token)?;
    // The two overlap until the new one is in use.
    eventually("a request with the new token", IN_USE, async || {
        let is_over = load.is_over() || tap.has_passed(&keys.new_token);
        Ok(is_over.then_some(()))
    })
    .await?;
    keys.put(&[&keys.new])?;
    becomes(&offers, &keys.old_token, 401).await?;
    load.goes_on_for(10).await?;
    load.end().await?;
    stage.end().await?;
    remote.end().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_certificates_of_listeners_change() -> anyhow::Result<()> {
    let stage = Stage::start(&SwgrOptions::new().with_tls(), 0).await?;
    let doors = [Service::Lnurl, Service::Discovery, Service::Offer]
        .map(|service| stage.door(service))
        .into_iter()
        .collect::<Result<Vec<_>, _>>()?;
    let first = doors[0].certificate().await?;
    let asked = doors.clone();
    let load = Load::start(move || {
        let doors = asked.clone();
        async move {
            for door in doors {
                let answer = door.get("/health").await?;
                ensure!(answer.status == 200, "answered {}", answer.status);
            }
            Ok(())
        }
    });
    // Who is connected stays so.
    let mut wire = doors[0].open().await?;
    load.goes_on_for(5).await?;
    let renewed = stage.swgr.renew_certificate()?;
    assert_ne!(first, renewed);
    for door in &doors {
        eventually("the new certificate", PATIENCE, async || {
            Ok((door.certificate().await? == renewed).then_some(()))
        })
        .await?;
    }
    load.goes_on_for(5).await?;
    load.end().await?;
    let answer = wire.ask(doors[0].request("GET", "/health", "")).await?;
    assert_eq!(answer.status, 200);
    stage.end().await
}

/// The key that a service believes, another, and a token of each.
struct Keys {
    file: std::path::PathBuf,
    old: String,
    new: String,
    old_token: String,
    new_token: String,
}

impl Keys {
    async fn of(swgr: &Swgr, name: &str) -> anyhow::Result<Self> {
        let [public, private, token] =
            ["new-public.pem", "new-private.pem", "new.token"].map(|file| format!("{name}-{file}"));
        let mint = [
            name, "token", "mint-all", "-p", &public, "-k", &private, "-o", &token,
        ];
        swgr.cli(&mint, "").await?;
        let read = |file: &str| fs::read_to_string(swgr.folder().join(file));
        Ok(Self {
            file: swgr.folder().join(format!("{name}-public.pem")),
            old: read(&format!("{name}-public.pem"))?,
            new: read(&public)?,
            old_token: read(&format!("{name}.token"))?.trim().to_owned(),
            new_token: read(&token)?.trim().to_owned(),
        })
    }

    fn put(&self, keys: &[&str]) -> anyhow::Result<()> {
        replace(&self.file, &keys.concat())
    }
}

/// At once, as who cares for such files does.
fn replace(path: &Path, content: &str) -> anyhow::Result<()> {
    let new = path.with_extension("new");
    fs::write(&new, content)?;
    Ok(fs::rename(new, path)?)
}

async fn status(door: &Door, token: &str) -> anyhow::Result<u16> {
    let mut admin = Admin::with_token(door.clone(), token);
    // Found by nobody but who may look.
    let answer = admin.ask("GET", "/openapi.json", None).await?;
    Ok(answer.status)
}

async fn becomes(door: &Door, token: &str, expected: u16) -> anyhow::Result<()> {
    /// Keys are looked at once a second.
    const SOON: Duration = Duration::from_secs(5);

    eventually("the new keys", SOON, async || {
        Ok((status(door, token).await? == expected).then_some(()))
    })
    .await
}
